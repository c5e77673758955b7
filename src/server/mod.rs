//! The listeners. The admin listener has health for machines, a page and an API for people; the one
//! for webhooks is [`webhooks`].
//!
//! `/healthz`, `/readyz` and `/metrics` are open; everything else, unknown paths included, is for
//! those whom [`auth`] lets in. Nothing here calls a remote system by itself; a resync, or what a
//! person settles, is done by the practice.

mod admin;
mod api;
mod ask_again;
mod auth;
pub mod booking_list;
mod booking_search;
mod connection_conduct;
mod connection_places;
pub mod explanation;
mod guard;
mod health;
mod list_place;
mod listener;
pub mod metrics;
mod origin;
mod page;
mod paths;
mod pause;
mod problem;
pub mod proof;
pub mod resolve;
mod resync;
mod sessions;
mod streamed;
pub mod view;
pub mod webhooks;
mod without_store;

use axum::Router;
use axum::routing::{get, post};

use page::layout;
use paths::bounded;

pub use admin::Admin;
pub use auth::{Access, Gate, link};
pub use health::HEALTHY;
pub use listener::{Peer, serve};
pub use without_store::router as without_store_router;

impl Admin {
    /// All paths.
    pub fn router(self) -> Router {
        let gate = self.gate.clone();
        let guarded = Router::new()
            .route("/api/v1/status", get(api::status))
            .route("/api/v1/bookings", get(api::bookings))
            .route("/api/v1/bookings/{id}", get(api::booking))
            .route("/api/v1/state", get(api::state))
            .route("/api/v1/bookings/{id}/resolve", post(resolve::resolve))
            .route("/api/v1/practices/{id}/resync", post(resync::resync))
            .route("/api/v1/practices/{id}/explain", get(explanation::explain))
            .route("/api/v1/ask-again", post(ask_again::ask_again))
            .route(ask_again::ASK_AGAIN_PATH, post(ask_again::ask_again_and_show))
            .route("/api/v1/practices/{id}/pause", post(pause::pause))
            .route("/api/v1/practices/{id}/resume", post(pause::resume))
            .merge(page::routes())
            .fallback(api::no_such_path)
            .method_not_allowed_fallback(api::no_such_method)
            .with_state(self.clone());
        let open = Router::new()
            .route("/healthz", get(health::healthy))
            .route(layout::STYLE_PATH, get(layout::style))
            .route("/readyz", get(health::ready))
            .route("/metrics", get(metrics::scrape))
            .with_state(self);
        bounded(gate, guarded, open)
    }
}
