//! The admin listener of a service without its store: red, and it says why.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};

use super::ask_again::ASK_AGAIN_PATH;
use super::auth::{Caller, Gate};
use super::health::{liveness, readiness};
use super::page::{layout, store_gone};
use super::paths::bounded;
use super::problem::problem;
use super::{metrics, view};
use crate::messages::start as say;
use crate::without_store::WithoutStore;

/// All paths. What needs the ledger answers 503.
pub fn router(service: Arc<WithoutStore>, gate: Gate) -> Router {
    let guarded = Router::new()
        .route("/", get(show))
        .route("/api/v1/status", get(status))
        .route("/api/v1/ask-again", post(ask_again))
        .route(ASK_AGAIN_PATH, post(ask_again_and_show))
        .fallback(no_ledger)
        .with_state(Arc::clone(&service));
    let open = Router::new()
        .route(layout::STYLE_PATH, get(layout::style))
        .route("/healthz", get(healthy))
        .route("/readyz", get(ready))
        .route("/metrics", get(scrape));
    bounded(gate, guarded, open.with_state(service))
}

async fn show(State(service): State<Arc<WithoutStore>>, Extension(caller): Extension<Caller>) -> Html<String> {
    store_gone::render(&view::without_store(&service), &caller, service.now())
}

async fn status(State(service): State<Arc<WithoutStore>>) -> Json<view::BridgeStatus> {
    Json(view::without_store(&service))
}

async fn ask_again(State(service): State<Arc<WithoutStore>>) -> Json<view::AskedAgain> {
    Json(view::AskedAgain::of(&service.ask_again()))
}

async fn ask_again_and_show(State(service): State<Arc<WithoutStore>>) -> Redirect {
    service.ask_again();
    Redirect::to("/")
}

async fn healthy(State(service): State<Arc<WithoutStore>>) -> Response {
    liveness(service.supervisor())
}

async fn ready(State(service): State<Arc<WithoutStore>>) -> Response {
    readiness(view::without_store(&service))
}

async fn scrape(State(service): State<Arc<WithoutStore>>) -> Response {
    metrics::answer(metrics::without_store(&service))
}

async fn no_ledger() -> Response {
    problem(StatusCode::SERVICE_UNAVAILABLE, say::NO_LEDGER)
}
