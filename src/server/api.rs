//! The admin API: what the status page shows, as JSON.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::booking_list::{BookingQuery, FoundBookings, TOTAL};
use super::booking_view::BookingView;
use super::page::names::of_practice;
use super::problem::problem;
use super::streamed::{StreamPlaces, streamed};
use super::view::{NDJSON, StateLine};
use super::{Admin, view};
use crate::booking::entry::Entry;
use crate::bridge::Bridge;
use crate::ids::{BookingId, PracticeId};
use crate::messages::admin as say;
use crate::practice::KINDS;
use crate::practice::booking_names::BookingNames;
use crate::store::ExportHead;

const JSON: &str = "application/json";

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
    let query = match query {
        Ok(Query(query)) => query,
        Err(error) => return problem(StatusCode::BAD_REQUEST, say::bad_booking_query(error.body_text())),
    };
    let bridge = Arc::clone(&admin.bridge);
    // All of the ledger is walked.
    let found = tokio::task::spawn_blocking(move || {
        let called = |practice: &PracticeId| Some(of_practice(&bridge, practice));
        let zone_of = |practice: &PracticeId| bridge.zone_of(practice);
        FoundBookings::find(bridge.ledger(), bridge.store(), &query, bridge.now(), zone_of, called)
    });
    match found.await {
        Ok(Ok(listing)) => {
            let headers = [(TOTAL, listing.total().to_string()), (CONTENT_TYPE.as_str(), JSON.to_owned())];
            match array(&admin.streams, admin.bridge, listing) {
                Some(body) => (headers, body).into_response(),
                None => too_many(),
            }
        }
        Ok(Err(why)) => problem(StatusCode::BAD_REQUEST, why),
        Err(_panicked) => problem(StatusCode::INTERNAL_SERVER_ERROR, say::NO_LIST),
    }
}

/// One JSON array with a line for each booking.
fn array(places: &StreamPlaces, bridge: Arc<Bridge>, listing: FoundBookings) -> Option<Body> {
    streamed(places, move |answer| {
        answer.write(b"[")?;
        for (index, booking) in listing.views(bridge.ledger()).enumerate() {
            answer.write(if index == 0 { b"\n" } else { b",\n" })?;
            // A view is always JSON.
            answer.write(&serde_json::to_vec(&booking).unwrap_or_default())?;
        }
        answer.write(b"\n]\n")
    })
}

fn too_many() -> Response {
    problem(StatusCode::SERVICE_UNAVAILABLE, say::TOO_MANY_READ)
}

/// One booking with its names.
pub(super) fn named(admin: &Admin, entry: &Entry) -> BookingView {
    let names = BookingNames::read(admin.bridge.store(), &entry.practice_id);
    BookingView::of(entry, admin.bridge.zone_of(&entry.practice_id), &names)
}

pub(super) async fn booking(State(admin): State<Admin>, Path(id): Path<String>) -> Response {
    let Ok(number) = id.parse() else { return problem(StatusCode::NOT_FOUND, say::no_such_booking(id)) };
    match admin.bridge.ledger().get(BookingId(number)) {
        Ok(Some(entry)) => Json(named(&admin, &entry)).into_response(),
        Ok(None) => problem(StatusCode::NOT_FOUND, say::no_such_booking(number)),
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

/// All records that can be read, and which cannot, line by line. The key of pseudonyms is not among
/// them.
pub(super) async fn state(State(admin): State<Admin>) -> Response {
    let store = admin.bridge.store().clone();
    // What is told is on the disk, so an export never knows more than the state does.
    if let Err(error) = store.flush().await {
        return problem(StatusCode::INTERNAL_SERVER_ERROR, error.to_string());
    }
    let head = ExportHead { exported_at: admin.bridge.now(), meta: store.meta() };
    let lines = streamed(&admin.streams, move |answer| {
        let mut write = |line: &StateLine<'_>| {
            let mut text = serde_json::to_vec(line).unwrap_or_default();
            text.push(b'\n');
            answer.write(&text)
        };
        write(&StateLine::Head(head))?;
        let mut heard = Ok(());
        let judgement = store.judge(&KINDS, |key, text| {
            if heard.is_ok() {
                heard = write(&StateLine::Record { key: key.into(), text: (*text).into() });
            }
        });
        heard?;
        write(&StateLine::Judgement(judgement))
    });
    lines.map_or_else(too_many, |lines| ([(CONTENT_TYPE, NDJSON)], lines).into_response())
}
