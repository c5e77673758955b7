//! The admin API: what the status page shows, as JSON.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::booking_list::{BookingPage, BookingQuery, TOTAL, listed};
use super::page::names::of_practice;
use super::problem::problem;
use super::{Admin, view};
use crate::booking::entry::Entry;
use crate::ids::{BookingId, PracticeId};
use crate::messages::admin as say;
use crate::practice::KINDS;
use crate::practice::booking_names::BookingNames;

pub(super) async fn no_such_path() -> Response {
    problem(StatusCode::NOT_FOUND, say::NO_SUCH_PATH)
}

pub(super) async fn no_such_method() -> Response {
    problem(StatusCode::METHOD_NOT_ALLOWED, say::NO_SUCH_METHOD)
}

pub(super) async fn status(State(admin): State<Admin>) -> Json<view::BridgeStatus> {
    Json(view::status(&admin.bridge))
}

pub(super) async fn bookings(
    State(admin): State<Admin>,
    query: Result<Query<BookingQuery>, QueryRejection>,
) -> Response {
    let bridge = &admin.bridge;
    let listed = match query {
        Ok(Query(query)) => {
            let called = |practice: &PracticeId| Some(of_practice(bridge, practice));
            let zone_of = |practice: &PracticeId| bridge.zone_of(practice);
            listed(bridge.ledger(), bridge.store(), &query, bridge.now(), zone_of, called)
        }
        Err(error) => Err(say::bad_booking_query(error.body_text())),
    };
    match listed {
        Ok(BookingPage { bookings, total }) => ([(TOTAL, total.to_string())], Json(bookings)).into_response(),
        Err(why) => problem(StatusCode::BAD_REQUEST, why),
    }
}

/// One booking with its names.
pub(super) fn named(admin: &Admin, entry: &Entry) -> view::BookingView {
    let names = BookingNames::read(admin.bridge.store(), &entry.practice_id);
    view::booking(entry, admin.bridge.zone_of(&entry.practice_id)).named(entry, &names)
}

pub(super) async fn booking(State(admin): State<Admin>, Path(id): Path<String>) -> Response {
    let Ok(number) = id.parse() else { return problem(StatusCode::NOT_FOUND, say::no_such_booking(id)) };
    match admin.bridge.ledger().get(BookingId(number)) {
        Ok(Some(entry)) => Json(named(&admin, &entry)).into_response(),
        Ok(None) => problem(StatusCode::NOT_FOUND, say::no_such_booking(number)),
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

/// All records that can be read, and which cannot. The key of pseudonyms is not among them.
pub(super) async fn state(State(admin): State<Admin>) -> Response {
    let store = admin.bridge.store();
    // What is told is on the disk, so an export never knows more than the state does.
    match store.flush().await {
        Ok(()) => Json(store.snapshot(&KINDS, admin.bridge.now())).into_response(),
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}
