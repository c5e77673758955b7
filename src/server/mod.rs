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
pub mod booking_view;
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
mod typed_pages;
pub mod view;
pub mod webhooks;
mod without_store;

use axum::Router;
use axum::routing::{get, post};

use paths::bounded;

pub use admin::Admin;
pub(crate) use auth::Caller;
pub use auth::{Access, Gate, STATUS_PATH, link};
pub use health::HEALTHY;
pub use listener::{Peer, serve};
pub(crate) use page::layout;
pub(crate) use problem::problem;
pub use typed_pages::with_typed_commands;
pub use without_store::router as without_store_router;

impl Admin {
    /// All paths.
    pub fn router(self) -> Router {
        let status = Router::new().route("/", get(page::overview::show)).with_state(self.clone());
        self.behind(status)
    }

    /// All paths, with these pages at the root in the place of the status page.
    pub fn router_behind(self, front: Router) -> Router {
        let status = Router::new().route(STATUS_PATH, get(page::overview::show)).with_state(self.clone());
        self.behind(front.merge(status))
    }

    fn behind(self, front: Router) -> Router {
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
            .with_state(self.clone())
            .merge(front)
            .fallback(api::no_such_path)
            .method_not_allowed_fallback(api::no_such_method);
        let open = Router::new()
            .route("/healthz", get(health::healthy))
            .route(layout::STYLE_PATH, get(layout::style))
            .route("/readyz", get(health::ready))
            .route("/metrics", get(metrics::scrape))
            .with_state(self);
        bounded(gate, guarded, open)
    }
}
