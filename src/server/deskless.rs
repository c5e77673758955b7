//! The admin listener of a service without its store: red, and it says why.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::{Html, Response};
use axum::routing::get;
use axum::{Json, Router};

use super::{HEALTHY, api, auth, bounded, page, readiness, view};
use crate::deskless::Deskless;
use crate::messages::start as say;

/// All paths. What needs the ledger answers 503.
pub fn router(service: Arc<Deskless>, token: String) -> Router {
    let guarded = Router::new()
        .route("/", get(show))
        .route("/api/v1/status", get(status))
        .fallback(no_ledger)
        .layer(from_fn_with_state(Arc::new(auth::Token::new(token)), auth::check));
    let open = Router::new().route("/healthz", get(|| async { HEALTHY })).route("/readyz", get(ready));
    bounded(open.merge(guarded).with_state(service))
}

async fn show(State(service): State<Arc<Deskless>>) -> Html<String> {
    page::render(&view::without_store(&service), None)
}

async fn status(State(service): State<Arc<Deskless>>) -> Json<view::Status> {
    Json(view::without_store(&service))
}

async fn ready(State(service): State<Arc<Deskless>>) -> Response {
    readiness(view::without_store(&service))
}

async fn no_ledger() -> Response {
    api::problem(StatusCode::SERVICE_UNAVAILABLE, say::NO_LEDGER)
}
