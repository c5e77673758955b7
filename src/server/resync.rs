//! A resync on request.
//!
//! The answer is the outcome as JSON, when it is there: 200, or 502 with `problem` in it. A client
//! that sends `Accept: application/x-ndjson` is answered 200 at once and gets a [`ResyncLine`] a
//! line: how far the resync is, at least every few seconds, and at last the outcome. So it can show
//! progress, and a service that died is noticed by its silence.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Admin;
use super::problem::problem;
use super::view::{NDJSON, ResyncLine};
use crate::bridge::off::Off;
use crate::ids::PracticeId;
use crate::messages::{admin as say, commands};
use crate::practice::Practice;
use crate::practice::resync::{Only, ResyncOutcome, ResyncProgress};

/// A line is sent at least this often.
const LINE_EVERY: Duration = Duration::from_secs(2);

#[derive(Deserialize)]
pub(super) struct ResyncQuery {
    only: Option<Only>,
    #[serde(default)]
    dry_run: bool,
}

pub(super) async fn resync(
    State(admin): State<Admin>,
    Path(id): Path<String>,
    query: Result<Query<ResyncQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let Query(ResyncQuery { only, dry_run }) = match query {
        Ok(query) => query,
        Err(error) => return problem(StatusCode::BAD_REQUEST, say::bad_query(error.body_text())),
    };
    let practice = match admin.bridge.on_or_off(&PracticeId(id.clone())) {
        Some((practice, None)) => practice,
        Some((practice, Some(off))) => {
            let since = admin.bridge.paused_since(practice.id()).filter(|_| off == Off::Paused);
            let since = since.map(|since| (since, practice.zone()));
            return problem(StatusCode::CONFLICT, commands::off_is_not_sent(&id, off.name(), since).to_string());
        }
        None => return problem(StatusCode::NOT_FOUND, say::no_such_practice(&id)),
    };
    // Whoever wants everything sent wants the servers asked.
    admin.bridge.ask_again();
    let (progress, watched) = watch::channel(ResyncProgress::default());
    let running = start(practice, only, dry_run, move |reached| {
        progress.send_replace(reached);
    });
    if wants_lines(&headers) {
        let lines = stream::unfold(Some(RunningResync { watched, task: running }), next_line);
        return ([(header::CONTENT_TYPE, NDJSON)], Body::from_stream(lines)).into_response();
    }
    match running.await {
        Ok(outcome @ ResyncOutcome { problem: None, .. }) => Json(outcome).into_response(),
        Ok(outcome) => (StatusCode::BAD_GATEWAY, Json(outcome)).into_response(),
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, say::RESYNC_INTERRUPTED),
    }
}

/// Starts one, in a task of its own: a client that hangs up must not leave it half done.
pub(super) fn start(
    practice: Arc<Practice>,
    only: Option<Only>,
    dry_run: bool,
    progress: impl Fn(ResyncProgress) + Send + Sync + 'static,
) -> JoinHandle<ResyncOutcome> {
    tokio::spawn(async move { practice.resync(only, dry_run, &progress).await })
}

fn wants_lines(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).is_some_and(|accept| accept == NDJSON)
}

struct RunningResync {
    watched: watch::Receiver<ResyncProgress>,
    task: JoinHandle<ResyncOutcome>,
}

async fn next_line(running: Option<RunningResync>) -> Option<(serde_json::Result<String>, Option<RunningResync>)> {
    let mut running = running?;
    let ended = tokio::select! {
        biased;
        ended = &mut running.task => Some(ended),
        // An error means that the task is about to end.
        changed = running.watched.changed() => if changed.is_err() { Some((&mut running.task).await) } else { None },
        () = tokio::time::sleep(LINE_EVERY) => None,
    };
    let (line, running) = match ended {
        None => {
            let reached = *running.watched.borrow_and_update();
            (ResyncLine::Progress(reached), Some(running))
        }
        Some(Ok(outcome)) => (ResyncLine::Outcome(Box::new(outcome)), None),
        Some(Err(_)) => (ResyncLine::Error(say::RESYNC_INTERRUPTED.to_owned()), None),
    };
    Some((serde_json::to_string(&line).map(|line| line + "\n"), running))
}
