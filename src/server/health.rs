//! `/healthz` and `/readyz`: health for machines.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::admin::Admin;
use super::view;
use crate::supervisor::Supervisor;

/// What `/healthz` answers; by this a command knows that a vetbridge answers, before it asks whose.
pub const HEALTHY: &str = "ok\n";

/// 200 while the process works: as long as no loop stands still, and none died so often that the
/// process is about to end. One that is about to be started again shows in `/readyz`.
pub(super) async fn healthy(State(admin): State<Admin>) -> Response {
    liveness(admin.bridge.supervisor())
}

pub(super) fn liveness(supervisor: &Supervisor) -> Response {
    let code = if supervisor.is_alive() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, HEALTHY).into_response()
}

/// 200 when every enabled practice is in step, else 503 and why not.
pub(super) async fn ready(State(admin): State<Admin>) -> Response {
    readiness(view::status(&admin.bridge))
}

pub(super) fn readiness(status: view::BridgeStatus) -> Response {
    let reasons: Vec<view::NotReady> = status.practices.into_iter().filter_map(view::NotReady::of).collect();
    let code = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(reasons)).into_response()
}
