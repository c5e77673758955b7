//! The admin API: what the status page shows, as JSON, and the resync.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::{Admin, view};
use crate::ids::{BookingId, PracticeId};
use crate::practice::resync::{Only, Outcome};
use crate::zone::Zone;

/// An error for a person, as JSON.
#[derive(Serialize)]
struct Problem {
    error: String,
}

fn problem(status: StatusCode, error: impl Into<String>) -> Response {
    (status, Json(Problem { error: error.into() })).into_response()
}

pub(super) async fn status(State(admin): State<Admin>) -> Json<view::Status> {
    Json(view::status(&admin.bridge))
}

fn zone_of(admin: &Admin, practice: &PracticeId) -> Zone {
    admin.bridge.practice(practice).map_or(Zone::Iana(chrono_tz::UTC), |practice| practice.zone())
}

pub(super) async fn bookings(State(admin): State<Admin>) -> Json<Vec<view::BookingView>> {
    let entries = admin.bridge.ledger().all();
    Json(entries.iter().map(|entry| view::booking(entry, zone_of(&admin, &entry.practice_id))).collect())
}

pub(super) async fn booking(State(admin): State<Admin>, Path(id): Path<i64>) -> Response {
    match admin.bridge.ledger().get(BookingId(id)) {
        Ok(Some(entry)) => Json(view::booking(&entry, zone_of(&admin, &entry.practice_id))).into_response(),
        Ok(None) => problem(StatusCode::NOT_FOUND, format!("There is no booking {id} in the ledger.")),
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

#[derive(Deserialize)]
pub(super) struct ResyncQuery {
    only: Option<Only>,
    #[serde(default)]
    dry_run: bool,
}

pub(super) async fn resync(
    State(admin): State<Admin>,
    Path(id): Path<String>,
    Query(query): Query<ResyncQuery>,
) -> Response {
    let Some(practice) = admin.bridge.practice(&PracticeId(id.clone())) else {
        return problem(StatusCode::NOT_FOUND, format!("Practice {id} does not run here."));
    };
    // In a task of its own: a client that hangs up must not leave a resync half done.
    let practice = Arc::clone(practice);
    let resync = tokio::spawn(async move { practice.resync(query.only, query.dry_run, &|_| {}).await });
    match resync.await {
        Ok(outcome @ Outcome { problem: None, .. }) => Json(outcome).into_response(),
        Ok(outcome) => (StatusCode::BAD_GATEWAY, Json(outcome)).into_response(),
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "The resync was interrupted."),
    }
}

/// The bookings that changed last, newest first.
pub(super) fn latest(admin: &Admin, count: usize) -> Vec<view::BookingView> {
    let mut entries = admin.bridge.ledger().all();
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.history.last().map(|last| last.at)));
    entries.iter().take(count).map(|entry| view::booking(entry, zone_of(admin, &entry.practice_id))).collect()
}
