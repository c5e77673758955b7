//! Pausing a practice by hand, and ending that.
//!
//! The answer comes when the practice is silent, or after [`WAIT`] if it is not by then: 200 with
//! how it stands.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::problem::problem;
use super::{Admin, view};
use crate::bridge::PauseChange;
use crate::bridge::runner::RunState;
use crate::ids::PracticeId;
use crate::messages::admin as say;

/// How long the answer waits for the days to be empty.
const WAIT: Duration = Duration::from_secs(10);

pub(super) async fn pause(State(admin): State<Admin>, Path(id): Path<String>) -> Response {
    set(admin, id, true).await
}

pub(super) async fn resume(State(admin): State<Admin>, Path(id): Path<String>) -> Response {
    set(admin, id, false).await
}

/// Pauses a practice, or ends its pause.
pub(super) async fn set(admin: Admin, id: String, paused: bool) -> Response {
    let PauseChange { runner, is_new } = match admin.bridge.set_paused(&PracticeId(id.clone()), paused).await {
        Ok(Some(change)) => change,
        Ok(None) => return problem(StatusCode::NOT_FOUND, say::no_such_practice(&id)),
        Err(error) => return problem(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    };
    let on = runner.wanted().off().is_none();
    let arrived = |standing: &RunState| match standing {
        RunState::On => on,
        RunState::Silent(_) => !on,
        RunState::Leaving(_) => false,
    };
    let mut standing = runner.watch();
    let _in_time = tokio::time::timeout(WAIT, standing.wait_for(arrived)).await;
    let off = view::OffStatus::of(&runner.practice(), runner.standing(), &admin.bridge);
    Json(view::PauseOutcome { practice: id, on, off, is_new }).into_response()
}
