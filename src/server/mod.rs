//! The listeners. The admin listener has health for machines, a page and an API for people; the one for webhooks is [`webhooks`].
//!
//! `/healthz` and `/readyz` are open; everything else, unknown paths included, is for those whom [`auth`] lets in. Nothing here calls a remote system by itself; a resync, or what a person settles, is done by the practice.

mod again;
mod api;
mod auth;
mod conduct;
mod deskless;
mod guard;
mod listener;
mod origin;
mod page;
mod pause;
mod places;
pub mod proof;
pub mod resolve;
mod resync;
mod sessions;
pub mod view;
pub mod webhooks;

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::bridge::Bridge;
use crate::supervisor::Supervisor;

pub use auth::{Access, Gate, link};
pub use deskless::router as deskless_router;
pub use listener::{Peer, serve};

/// What `/healthz` answers; by this a command knows that a vetbridge answers, before it asks whose.
pub const HEALTHY: &str = "ok\n";

/// What the handlers need.
#[derive(Clone)]
pub struct Admin {
    bridge: Arc<Bridge>,
    gate: Gate,
}

impl Admin {
    /// The admin side of a bridge.
    pub fn new(bridge: Arc<Bridge>, gate: Gate) -> Self {
        Self { bridge, gate }
    }

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
            .route("/api/v1/ask-again", post(again::ask_again))
            .route(again::ASK_AGAIN_PATH, post(again::ask_again_and_show))
            .route("/api/v1/practices/{id}/pause", post(pause::pause))
            .route("/api/v1/practices/{id}/resume", post(pause::resume))
            .fallback(api::no_such_path)
            .method_not_allowed_fallback(api::no_such_method)
            .with_state(self.clone());
        let open = Router::new().route("/healthz", get(healthy)).route("/readyz", get(ready)).with_state(self);
        bounded(gate, guarded, open)
    }
}

/// All paths, and what holds for every one: `guarded` is for those whom the gate lets in, `open` for everybody.
fn bounded(gate: Gate, guarded: Router, open: Router) -> Router {
    let guarded = guarded
        .merge(Router::new().route(auth::SIGN_OUT, post(auth::sign_out)).with_state(gate.clone()))
        .layer(from_fn_with_state(gate.clone(), auth::check));
    let open = open.merge(Router::new().route(proof::PATH, get(auth::prove)).with_state(gate.clone()));
    open.merge(guarded)
        .layer(DefaultBodyLimit::max(guard::BODY_BYTES_MAX))
        .layer(from_fn_with_state(gate, auth::check_names))
        .layer(from_fn(guard::limit_body))
        .layer(from_fn(guard::headers))
}

/// 200 while the process works: as long as no loop stands still, and none died so often that the process is about to end. One that
/// is about to be started again shows in `/readyz`.
async fn healthy(State(admin): State<Admin>) -> Response {
    liveness(admin.bridge.supervisor())
}

fn liveness(supervisor: &Supervisor) -> Response {
    let code = if supervisor.is_alive() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, HEALTHY).into_response()
}

/// 200 when every enabled practice is in step, else 503 and why not.
async fn ready(State(admin): State<Admin>) -> Response {
    readiness(view::status(&admin.bridge))
}

fn readiness(status: view::BridgeStatus) -> Response {
    let reasons: Vec<view::NotReady> = status.practices.into_iter().filter_map(view::NotReady::of).collect();
    let code = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(reasons)).into_response()
}
