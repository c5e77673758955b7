//! The listeners. The admin listener has health for machines, a page and an API for people; the one
//! for webhooks is [`webhooks`].
//!
//! `/healthz` and `/readyz` are open; everything else, unknown paths included, is for those whom
//! [`auth`] lets in. Nothing here calls a remote system by itself; a resync, or what a person
//! settles, is done by the practice.

mod admin;
mod again;
mod api;
mod auth;
pub mod booking_list;
mod conduct;
pub mod explanation;
mod guard;
mod health;
mod listener;
mod origin;
mod page;
mod paths;
mod pause;
mod places;
mod problem;
pub mod proof;
pub mod resolve;
mod resync;
mod sessions;
pub mod view;
pub mod webhooks;
mod without_store;

use axum::Router;
use axum::routing::{get, post};

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
            .route("/", get(page::page))
            .route("/api/v1/status", get(api::status))
            .route("/api/v1/bookings", get(api::bookings))
            .route("/api/v1/bookings/{id}", get(api::booking))
            .route("/api/v1/state", get(api::state))
            .route("/api/v1/bookings/{id}/resolve", post(resolve::resolve))
            .route("/api/v1/practices/{id}/resync", post(resync::resync))
            .route("/api/v1/practices/{id}/explain", get(explanation::explain))
            .route("/api/v1/ask-again", post(again::ask_again))
            .route(again::ASK_AGAIN_PATH, post(again::ask_again_and_show))
            .route("/api/v1/practices/{id}/pause", post(pause::pause))
            .route("/api/v1/practices/{id}/resume", post(pause::resume))
            .fallback(api::no_such_path)
            .method_not_allowed_fallback(api::no_such_method)
            .with_state(self.clone());
        let open =
            Router::new().route("/healthz", get(health::healthy)).route("/readyz", get(health::ready)).with_state(self);
        bounded(gate, guarded, open)
    }
}
