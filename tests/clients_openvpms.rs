//! The OpenVPMS client against answers in memory: those of the published guide, those of a recorded server, and broken ones.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

mod clients_support;

use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, Utc};
use clients_support::{Scripted, json, response};
use serde_json::{Value, json};
use vetbridge::booking::resolution::after_delete;
use vetbridge::booking::update::{AfterCancel, after_cancel};
use vetbridge::http::{Lane, Method, Response};
use vetbridge::ids::{AppointmentTypeId, BookingReference, LocationId, ScheduleId, UserId};
use vetbridge::openvpms::client::OpenVpmsClient;
use vetbridge::openvpms::{
    ALREADY_SCHEDULED, BOOKING_NOT_FOUND, Contact, INVALID_REFERENCE, NewBooking, ReadOpenVpms, UserSpan, Window,
    WriteOpenVpms,
};
use vetbridge::remote::{Answer, CallError, ErrorClass};
use vetbridge::span::{Span, normalised};

/// Stands for everything about a patient: no error may repeat it.
const MARKER: &str = "Zaphod";

fn client(answer: Response) -> (OpenVpmsClient, Arc<Scripted>) {
    let transport = Scripted::always(&answer);
    (OpenVpmsClient::new(transport.clone()), transport)
}

fn window() -> Window {
    Window {
        from: "2019-02-15T00:00:00+11:00".parse().unwrap(),
        to: "2019-02-16T00:00:00+11:00".parse().unwrap(),
        slots: false,
    }
}

fn span(start: &str, end: &str) -> Span {
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    Span::new(at(start), at(end))
}

/// The booking of the published guide.
fn judith() -> NewBooking {
    NewBooking {
        location: LocationId(98),
        schedule: ScheduleId(136),
        appointment_type: AppointmentTypeId(66),
        start: "2019-02-15T12:30:00+11:00".parse().unwrap(),
        end: "2019-02-15T12:45:00+11:00".parse().unwrap(),
        user: Some(UserId(1158)),
        contact: Contact {
            title: "Ms".into(),
            first_name: "Judith".into(),
            last_name: "Bourke".into(),
            mobile: Some("0418976543".into()),
            patient_name: Some("Muffett".into()),
            ..Contact::default()
        },
        notes: "Healthengine booking 36127212".into(),
    }
}

#[tokio::test]
async fn the_examples_of_the_guide_are_read() {
    let (server, _) = client(json(200, &json!([{"id":106,"name":"Branch Clinic","timeZone":"Australia/Sydney"}])));
    let locations = server.locations().await.unwrap();
    assert_eq!((locations[0].id, locations[0].time_zone.as_str()), (LocationId(106), "Australia/Sydney"));

    let (server, _) = client(json(200, &json!([{"id":136,"name":"Main Appointment Schedule","slotSize":15}])));
    assert_eq!(server.schedules(LocationId(98)).await.unwrap()[0].slot_size_minutes, 15);

    let types = json!([{"id":79,"name":"Short Consult","slots":1},{"id":63,"name":"Long Consult","slots":2}]);
    let (server, _) = client(json(200, &types));
    let slots: Vec<u32> =
        server.appointment_types(ScheduleId(136)).await.unwrap().iter().map(|kind| kind.slots).collect();
    assert_eq!(slots, [1, 2]);

    let user = json!([{"start":"2019-02-15T11:00:00.000+11:00","end":"2019-02-15T17:00:00.000+11:00","schedule":136}]);
    let (server, _) = client(json(200, &user));
    let free = server.user_free(UserId(1158), LocationId(98), window()).await.unwrap();
    assert_eq!(free[0].span, span("2019-02-15T00:00:00Z", "2019-02-15T06:00:00Z"));
    assert_eq!(free[0].schedule, ScheduleId(136));
}

#[tokio::test]
async fn a_free_busy_question_encodes_every_character_of_its_dates() {
    let answer =
        json!({"free":[{"start":"2019-02-15T09:00:00.000+11:00","end":"2019-02-15T10:45:00.000+11:00"}],"busy":null});
    let (server, transport) = client(json(200, &answer));
    let free_busy = server.schedule_free_busy(ScheduleId(136), window()).await.unwrap();
    assert_eq!(free_busy.free, [span("2019-02-14T22:00:00Z", "2019-02-14T23:45:00Z")]);
    assert_eq!(free_busy.busy, []);
    let asked = transport.only();
    assert_eq!(
        asked.path,
        "/ws/booking/v2/schedules/136/freebusy?from=2019-02-15T00%3A00%3A00%2B11%3A00&to=2019-02-16T00%3A00%3A00%2B11%3A00"
    );
    assert!(asked.repeatable && asked.lane == Lane::Background && asked.accept == "application/json");

    let (server, transport) = client(json(200, &json!([])));
    server.with_lane(Lane::Desk).schedule_free(ScheduleId(136), Window { slots: true, ..window() }).await.unwrap();
    assert!(transport.only().path.ends_with("&slots=true"));
    assert_eq!(transport.only().lane, Lane::Desk);
}

#[tokio::test]
async fn a_booking_is_posted_as_the_server_insists_and_leaves_once() {
    let (server, transport) = client(response(201, "text/plain", "603:3:be08f3c6-1afb-11e6-be41-3dbaef689d97"));
    let reference = server.submit(&judith()).await.unwrap();
    assert_eq!(reference.0, "603:3:be08f3c6-1afb-11e6-be41-3dbaef689d97");
    let asked = transport.only();
    assert_eq!(
        (asked.method, asked.path.as_str(), asked.accept),
        (Method::Post, "/ws/booking/v2/bookings", "text/plain")
    );
    assert!(!asked.repeatable && asked.lane == Lane::Desk);
    let body: Value = serde_json::from_slice(asked.json.as_ref().unwrap()).unwrap();
    assert_eq!(
        body,
        json!({
            "location": 98, "schedule": 136, "appointmentType": 66,
            "start": "2019-02-15T12:30:00.000+11:00", "end": "2019-02-15T12:45:00.000+11:00",
            "title": "Ms", "firstName": "Judith", "lastName": "Bourke", "mobile": "0418976543",
            "patientName": "Muffett", "notes": "Healthengine booking 36127212", "user": 1158
        })
    );
}

#[tokio::test]
async fn the_reference_is_found_in_the_header_when_the_body_is_broken() {
    let reference = "23:bdab2340-e580-11f1-adf1-236651e19fb7";
    for body in ["", "23:bdab2340", "<html>cut", "{\"a\":1}", reference] {
        let mut answer = response(201, "text/plain", body);
        let location = format!("http://pms.example/openvpms/ws/booking/v2/bookings/{reference}");
        answer.headers.push(("location".into(), location));
        let (server, _) = client(answer);
        assert_eq!(server.submit(&judith()).await, Ok(BookingReference(reference.into())), "{body}");
    }
}

#[tokio::test]
async fn a_booking_without_a_reference_may_stand_in_the_diary() {
    let references = [(200, "603:be08f3c6-1afb"), (202, "603:be08f3c6-1afb"), (203, "603:be08f3c6-1afb"), (200, "1")];
    let others = [(201, ""), (201, "<html>"), (200, ""), (200, "Judith Bourke"), (202, "Zaphod"), (204, "")];
    for (status, body) in others.into_iter().chain(references) {
        let (server, _) = client(response(status, "text/plain", body));
        let error = server.submit(&judith()).await.unwrap_err();
        let nothing_was_done = error.nothing_was_done();
        assert!(!nothing_was_done, "{status} {body:?}: {error:?}");
    }
    // A location that leads elsewhere is no reference either.
    let mut answer = response(201, "text/plain", "");
    answer.headers.push(("location".into(), "http://pms.example/openvpms/login".into()));
    assert!(!client(answer).0.submit(&judith()).await.unwrap_err().nothing_was_done());
}

#[tokio::test]
async fn a_page_of_something_in_between_says_nothing_of_the_appointment_and_the_containers_own_says_that_there_is_none()
{
    let page = |status, title: &str| {
        let body = format!("<html><title>{title}</title></html>");
        client(response(status, "text/html;charset=utf-8", body.as_str())).0
    };
    for (status, class, surely_nothing) in [
        (200, ErrorClass::Contract, false),
        (302, ErrorClass::Contract, true),
        (401, ErrorClass::Credentials, true),
        // A firewall's: the service itself has no 403.
        (403, ErrorClass::Contract, false),
        (404, ErrorClass::Contract, false),
        (405, ErrorClass::Contract, false),
        (406, ErrorClass::Contract, false),
        (408, ErrorClass::Contract, false),
        (415, ErrorClass::Contract, false),
        (429, ErrorClass::TooMany, true),
        (500, ErrorClass::Unavailable, false),
        (503, ErrorClass::Unavailable, false),
    ] {
        let server = page(status, "Login");
        let error = server.submit(&judith()).await.unwrap_err();
        assert_eq!((error.status, error.nothing_was_done()), (Some(status), surely_nothing));
        assert_eq!(error.class, if surely_nothing { class } else { ErrorClass::Lost }, "{status}");
        let error = server.cancel(&BookingReference("23:bdab".into())).await.unwrap_err();
        assert_eq!((error.class, error.status), (class, Some(status)));
    }
    for status in [400, 404, 405, 406, 415] {
        let error = page(status, &format!("HTTP Status {status} – of Tomcat")).submit(&judith()).await.unwrap_err();
        assert_eq!((error.status, error.nothing_was_done()), (Some(status), true));
    }
    let error = page(500, "HTTP Status 500 – Internal Server Error").submit(&judith()).await.unwrap_err();
    assert_eq!((error.class, error.nothing_was_done()), (ErrorClass::Unavailable, false));
}

#[tokio::test]
async fn only_the_services_own_answer_says_that_an_appointment_is_cancelled() {
    let reference = BookingReference("23:bdab2340-e580".into());
    let cancel = |status, kind: &'static str, body: &'static str| {
        let reference = reference.clone();
        async move { client(response(status, kind, body)).0.cancel(&reference).await }
    };
    assert_eq!(cancel(204, "text/plain", "").await, Ok(()));
    for (status, kind, body) in [
        (200, "text/html", "<html><title>Sign in to the network</title></html>"),
        (200, "application/json", r#"{"status":"ok"}"#),
        (200, "text/plain", ""),
        (200, "text/plain", "Booking not found"),
        (201, "text/plain", "23:bdab2340-e580"),
        (202, "text/plain", ""),
        (203, "text/plain", ""),
        (205, "text/plain", ""),
        (206, "text/plain", ""),
    ] {
        let answer = cancel(status, kind, body).await;
        let error = answer.clone().unwrap_err();
        assert_eq!((error.class, error.status), (ErrorClass::Contract, Some(status)), "{status} {body:?}");
        // It is asked for again at the next poll, and when somebody tries to settle it by hand.
        assert_eq!(after_cancel(&answer), AfterCancel::Again, "{status} {body:?}");
        assert!(after_delete(&answer).is_err(), "{status} {body:?}");
    }
    for status in [500, 502, 503, 504] {
        let answer = cancel(status, "text/html", "<html><title>Zaphod</title></html>").await;
        assert_eq!(after_cancel(&answer), AfterCancel::Again, "{status}");
    }
    let gone = cancel(404, "text/plain", "Booking not found").await;
    assert_eq!(after_cancel(&gone), AfterCancel::Cancelled);
    // It is asked for again; what is refused a third time is a person's.
    for (status, body) in [(404, "HTTP 404 Not Found"), (400, "Booking not found"), (410, "Booking not found")] {
        let after = after_cancel(&cancel(status, "text/plain", body).await);
        assert!(matches!(after, AfterCancel::Again | AfterCancel::Refused), "{status} {body:?}: {after:?}");
    }
}

#[tokio::test]
async fn refusals_keep_the_words_that_callers_compare() {
    let (server, _) = client(response(404, "text/plain", "Booking not found"));
    let reference = BookingReference("23:bdab2340-e580".into());
    assert!(server.booking(&reference).await.unwrap_err().is_refusal(404, BOOKING_NOT_FOUND));
    assert!(server.cancel(&reference).await.unwrap_err().is_refusal(404, BOOKING_NOT_FOUND));

    let taken = "An appointment is already scheduled for 2026-12-01 09:00:00.0-2026-12-01 09:15:00.0";
    let (server, _) = client(response(400, "text/plain", taken));
    let error = server.submit(&judith()).await.unwrap_err();
    assert!(error.detail.starts_with(ALREADY_SCHEDULED) && error.detail == taken && error.class == ErrorClass::Refused);

    // Jersey's own words for a path it does not know: nothing is gone.
    let (server, _) = client(response(404, "text/plain", "HTTP 404 Not Found"));
    assert_eq!(server.booking(&reference).await.unwrap_err().class, ErrorClass::Contract);
}

#[tokio::test]
async fn a_reference_is_one_path_segment_and_nonsense_is_not_sent() {
    let (server, transport) = client(response(204, "text/plain", ""));
    server.cancel(&BookingReference("603:3:be08f3c6-1afb".into())).await.unwrap();
    let asked = transport.only();
    assert_eq!(
        (asked.method, asked.path.as_str()),
        (Method::Delete, "/ws/booking/v2/bookings/603%3A3%3Abe08f3c6-1afb")
    );

    for nonsense in ["", "..", "../../users", "1:2?x=y", "1:ä", "1:\n", &"1".repeat(201)] {
        let error = server.cancel(&BookingReference(nonsense.to_owned())).await.unwrap_err();
        assert!(error.is_refusal(400, INVALID_REFERENCE), "{nonsense}");
    }
    assert_eq!(transport.asked().len(), 1);
}

#[tokio::test]
async fn unknown_fields_and_nulls_are_survived() {
    let odd = json!([{"id":"136","name":null,"slotSize":15.0,"colour":{"r":1}}]);
    let (server, _) = client(json(200, &odd));
    let schedules = server.schedules(LocationId(98)).await.unwrap();
    assert_eq!((schedules[0].id, schedules[0].name.as_str()), (ScheduleId(136), "Schedule 136"));

    let types = json!([{"id":1,"slots":0},{"id":2,"slots":null},{"id":3,"name":" ","slots":1}]);
    let (server, _) = client(json(200, &types));
    let types = server.appointment_types(ScheduleId(136)).await.unwrap();
    assert_eq!((types.len(), types[0].id, types[0].name.as_str()), (1, AppointmentTypeId(3), "Appointment type 3"));

    let bare = json!({"location":4,"schedule":12,"appointmentType":8,"start":"2027-04-04T02:00:00.000+10:00",
                      "end":"2027-04-04T02:30:00Z","user":0,"firstName":null,"notes":null});
    let (server, _) = client(json(200, &bare));
    let booking = server.booking(&BookingReference("23:bdab".into())).await.unwrap();
    assert_eq!((booking.user, booking.customer), (None, None));
    assert_eq!(booking.start, "2027-04-04T02:00:00".parse::<NaiveDateTime>().unwrap());
}

#[tokio::test]
async fn what_is_essential_and_unreadable_fails_the_answer_and_names_the_place() {
    let place =
        |body: Value| async move { client(json(200, &body)).0.schedules(LocationId(98)).await.unwrap_err().detail };
    let good = json!({"id":1,"name":"a","slotSize":15});
    for (bad, found) in [
        (json!({"name":"a","slotSize":15}), "at [1].id: expected a number, found nothing"),
        (
            json!({"id":2,"slotSize":0}),
            "at [1].slotSize: expected a number of minutes from 1 to 1440, found a whole number",
        ),
        (json!({"id":2,"slotSize":1441}), "at [1].slotSize: expected a number of minutes from 1 to 1440"),
        (json!({"id":2,"slotSize":null}), "at [1].slotSize: expected a number of minutes from 1 to 1440, found null"),
        (json!("Zaphod"), "at [1].id: expected a number, found nothing"),
    ] {
        let detail = place(json!([good, bad])).await;
        assert!(detail.contains(found), "{detail}");
    }
    let detail = place(json!({"error":"Zaphod"})).await;
    assert!(detail.ends_with("expected a list, found an object with the fields error"), "{detail}");

    let (server, _) = client(json(200, &json!({"free":[],"busy":[{"start":"2019-02-15T09:00:00.000+11:00"}]})));
    let detail = server.schedule_free_busy(ScheduleId(1), window()).await.unwrap_err().detail;
    assert!(detail.contains("at busy[0].end: expected a date with time and offset, found nothing"), "{detail}");
    let (server, _) = client(json(200, &json!({})));
    assert!(server.schedule_free_busy(ScheduleId(1), window()).await.is_err());
}

#[tokio::test]
async fn one_time_beyond_the_years_that_count_fails_no_other_no_busy_time_vanishes_and_no_free_time_grows() {
    const FIRST: &str = "2000-01-01T00:00:00Z";
    const LAST: &str = "2199-12-31T23:59:59Z";
    let (nine, ten) = ("2019-02-15T09:00:00.000+11:00", "2019-02-15T10:00:00.000+11:00");
    let table = [
        // As written, what of it is busy, and what of it is free.
        ((nine, "2999-02-15T10:00:00.000+11:00"), Some((nine, LAST)), None),
        ((nine, "12019-02-15T10:00:00.000+11:00"), Some((nine, LAST)), None),
        ((nine, "+262142-12-31T23:59:59.999Z"), Some((nine, LAST)), None),
        (("1019-02-15T09:00:00.000+11:00", ten), Some((FIRST, ten)), None),
        (("-262143-01-01T00:00:00Z", ten), Some((FIRST, ten)), None),
        (("0000-01-01T00:00:00.000+14:00", "9999-12-31T23:59:59.999-18:00"), Some((FIRST, LAST)), None),
        // Wholly beyond.
        (("1999-12-31T10:00:00Z", "1999-12-31T11:00:00Z"), None, None),
        (("2200-01-01T00:00:00Z", "2200-01-01T01:00:00Z"), None, None),
        (("-0001-01-01T00:00:00Z", "1019-02-15T10:00:00Z"), None, None),
        (("12019-02-15T10:00:00Z", "12019-02-15T11:00:00Z"), None, None),
        // The end is before the start: what may be taken is busy, and nothing is free.
        ((nine, "0019-02-15T10:00:00.000+11:00"), Some((nine, LAST)), None),
        (("9019-02-15T09:00:00.000+11:00", ten), Some((FIRST, ten)), None),
        (("9999-01-01T00:00:00Z", "0001-01-01T00:00:00Z"), Some((FIRST, LAST)), None),
        ((ten, nine), Some((nine, ten)), None),
    ];
    for ((start, end), busy, free) in table {
        let entry = json!({"start":start,"end":end,"schedule":211});
        let good =
            json!({"start":"2019-02-15T12:00:00.000+11:00","end":"2019-02-15T13:00:00.000+11:00","schedule":211});
        let good_span = span("2019-02-15T12:00:00+11:00", "2019-02-15T13:00:00+11:00");
        let expected = |own: Option<(&str, &str)>| {
            normalised(own.map(|(start, end)| span(start, end)).into_iter().chain([good_span]))
        };
        let both = json!({"free":[entry, good],"busy":[entry, good]});
        let one = json!([entry, good]);
        let what = format!("{start} {end}");
        let of_users = |spans: Vec<UserSpan>| normalised(spans.iter().map(|own| own.span));

        let read = client(json(200, &both)).0.schedule_free_busy(ScheduleId(211), window()).await.expect(&what);
        assert_eq!((normalised(read.busy), normalised(read.free)), (expected(busy), expected(free)), "{what}");
        let read = client(json(200, &both)).0.user_free_busy(UserId(1), LocationId(98), window()).await.expect(&what);
        assert_eq!((of_users(read.busy), of_users(read.free)), (expected(busy), expected(free)), "{what}");
        let server = client(json(200, &one)).0;
        let read = (
            server.schedule_busy(ScheduleId(211), window()).await,
            server.schedule_free(ScheduleId(211), window()).await,
        );
        assert_eq!(
            (normalised(read.0.unwrap()), normalised(read.1.unwrap())),
            (expected(busy), expected(free)),
            "{what}"
        );
        let user = (UserId(1), LocationId(98));
        let read = (server.user_busy(user.0, user.1, window()).await, server.user_free(user.0, user.1, window()).await);
        assert_eq!((of_users(read.0.unwrap()), of_users(read.1.unwrap())), (expected(busy), expected(free)), "{what}");
    }
}

#[tokio::test]
async fn what_is_no_date_at_all_fails_the_answer_still() {
    for end in [
        "",
        "soon",
        "2999",
        "-",
        "2999-13-01T00:00:00Z",
        "2999-02-15 10:00:00",
        "2019-02-29T10:00:00Z",
        "+2019-02-15T10:00:00Z",
        "99999999999999999999-01-01T00:00:00Z",
    ] {
        let body = json!({"free":[],"busy":[{"start":"2019-02-15T09:00:00.000+11:00","end":end}]});
        let error = client(json(200, &body)).0.schedule_free_busy(ScheduleId(1), window()).await.unwrap_err();
        assert!(error.detail.contains("at busy[0].end: expected a date with time and offset, found a text"), "{error}");
    }
}

#[tokio::test]
async fn a_server_in_another_zone_is_seen_through_behind_a_time_that_does_not_count() {
    let busy = |year: i32, offset: &str| json!({"start":format!("{year}-02-15T09:00:00.000{offset}"),"end":format!("{year}-02-15T10:00:00.000{offset}")});
    let body = json!({"free":[],"busy":[busy(1019, "+10:04"), busy(2019, "Z")]});
    let error = client(json(200, &body)).0.schedule_free_busy(ScheduleId(1), window()).await.unwrap_err();
    assert!(error.detail.contains("in the time zone that the server reported"), "{error}");
    let body = json!({"free":[],"busy":[busy(1019, "+10:04"), busy(2019, "+11:00")]});
    client(json(200, &body)).0.schedule_free_busy(ScheduleId(1), window()).await.unwrap();
}

/// So many of these in a list.
fn many(count: i64, entry: impl Fn(i64) -> Value) -> OpenVpmsClient {
    let list: Vec<Value> = (1..=count).map(entry).collect();
    client(json(200, &json!(list))).0
}

/// How many were read, or what the answer is said to be.
fn told<T>(answer: Answer<Vec<T>>) -> Result<usize, String> {
    answer.map(|list| list.len()).map_err(|error| {
        assert_eq!(error.class, ErrorClass::Contract, "{error}");
        error.detail.rsplit("expected ").next().unwrap_or_default().to_owned()
    })
}

#[tokio::test]
async fn a_list_that_is_longer_than_any_clinics_fails_the_answer_instead_of_being_cut() {
    let named = |id: i64| json!({"id": id, "slotSize": 15, "slots": 1});
    let range = |_| json!({"start":"2019-02-15T09:00:00+11:00","end":"2019-02-15T09:05:00+11:00","schedule":1});
    let (place, schedule, user) = (LocationId(1), ScheduleId(2), UserId(3));
    let found = [
        told(many(10_000, named).locations().await),
        told(many(10_001, named).locations().await),
        told(many(10_000, named).schedules(place).await),
        told(many(10_001, named).schedules(place).await),
        told(many(10_000, named).users(place).await),
        told(many(10_001, named).users(place).await),
        told(many(10_001, named).user_locations(user).await),
        told(many(500, named).appointment_types(schedule).await),
        told(many(501, named).appointment_types(schedule).await),
        told(many(100_001, |_| json!(0)).schedule_free(schedule, window()).await),
        told(many(20_000, range).user_free(user, place, window()).await),
    ];
    let refused = |expected: &str, count: usize| Err(format!("{expected}, found a list of {count}"));
    let expected = [
        Ok(10_000),
        refused("a list of at most 10000 locations", 10_001),
        Ok(10_000),
        refused("a list of at most 10000 schedules", 10_001),
        Ok(10_000),
        refused("a list of at most 10000 users", 10_001),
        refused("a list of at most 10000 locations", 10_001),
        Ok(500),
        refused("a list of at most 500 appointment types", 501),
        refused("a list of at most 100000", 100_001),
        Ok(20_000),
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn nobody_is_rostered_to_hundreds_of_schedules() {
    let of = |schedules: i64| {
        let range =
            |id: i64| json!({"start":"2019-02-15T09:00:00+11:00","end":"2019-02-15T09:05:00+11:00","schedule":id});
        let (free, busy): (Vec<Value>, Vec<Value>) =
            ((1..=100).map(range).collect(), (101..=schedules).map(range).collect());
        client(json(200, &json!({"free": free, "busy": busy}))).0
    };
    let read = of(200).user_free_busy(UserId(3), LocationId(1), window()).await.unwrap();
    assert_eq!((read.free.len(), read.busy.len()), (100, 100));
    let error = of(201).user_free_busy(UserId(3), LocationId(1), window()).await.unwrap_err();
    assert!(error.class == ErrorClass::Contract && error.detail.contains("at most 200 schedules"), "{error}");
}

#[tokio::test]
async fn names_come_without_what_nobody_sees_and_a_blank_one_is_called_by_its_number() {
    let named = |name: &str| {
        let thing = json!([{"id": 1158, "name": name, "timeZone": "Australia/Sydney", "slotSize": 15, "slots": 1}]);
        client(json(200, &thing)).0
    };
    let turned = named("\u{202e}Dr\u{a0}Turner\u{200b}\n");
    assert_eq!(turned.users(LocationId(1)).await.unwrap()[0].name, "Dr Turner");
    assert_eq!(turned.locations().await.unwrap()[0].name, "Dr Turner");
    for blank in ["", " \u{a0}", "\u{200b}\u{202e}"] {
        let blank = named(blank);
        assert_eq!(blank.users(LocationId(1)).await.unwrap()[0].called(), "Clinician 1158");
        assert_eq!(blank.schedules(LocationId(1)).await.unwrap()[0].name, "Schedule 1158");
    }
}

#[tokio::test]
async fn names_are_cut_to_what_openvpms_can_hold_and_an_endless_reference_is_none() {
    let long = "ä".repeat(100_000);
    let named = json!([{"id": 1, "name": long, "timeZone": long, "slotSize": 15, "slots": 1}]);
    let (server, _) = client(json(200, &named));
    let place = server.locations().await.unwrap().remove(0);
    let stands = json!({"location":4,"schedule":12,"appointmentType":8,"start":"2027-04-04T02:00:00.000+10:00",
                        "end":"2027-04-04T02:30:00Z","firstName":long,"lastName":long});
    let booking = client(json(200, &stands)).0.booking(&BookingReference("23:bdab".into())).await.unwrap();
    let customer = booking.customer.unwrap();
    let lengths = [
        place.name,
        place.time_zone,
        server.schedules(LocationId(1)).await.unwrap().remove(0).name,
        server.users(LocationId(1)).await.unwrap().remove(0).name,
        server.appointment_types(ScheduleId(1)).await.unwrap().remove(0).name,
        customer.first,
        customer.last,
    ]
    .map(|name| name.chars().count());
    assert_eq!(lengths, [255; 7]);

    let whole = format!("23:{}", "b".repeat(197));
    assert!(client(response(201, "text/plain", whole.as_str())).0.submit(&judith()).await.is_ok());
    let error = client(response(201, "text/plain", format!("{whole}b"))).0.submit(&judith()).await.unwrap_err();
    assert!(error.detail.contains("no booking reference"), "{error}");
}

/// Every call once; the errors.
async fn all_errors(server: &OpenVpmsClient) -> Vec<CallError> {
    let (location, schedule, user) = (LocationId(1), ScheduleId(2), UserId(3));
    let reference = BookingReference("23:bdab2340".into());
    let errors = [
        server.locations().await.err(),
        server.location(location).await.err(),
        server.schedules(location).await.err(),
        server.users(location).await.err(),
        server.schedule(schedule).await.err(),
        server.appointment_types(schedule).await.err(),
        server.schedule_free(schedule, window()).await.err(),
        server.schedule_busy(schedule, window()).await.err(),
        server.schedule_free_busy(schedule, window()).await.err(),
        server.user(user).await.err(),
        server.user_locations(user).await.err(),
        server.user_location(user, location).await.err(),
        server.user_free(user, location, window()).await.err(),
        server.user_busy(user, location, window()).await.err(),
        server.user_free_busy(user, location, window()).await.err(),
        server.booking(&reference).await.err(),
        server.submit(&judith()).await.err(),
        server.cancel(&reference).await.err(),
    ];
    errors.into_iter().flatten().collect()
}

#[tokio::test]
async fn no_error_repeats_anything_about_a_patient() {
    let bodies = [
        ("text/plain", format!("{MARKER} is not a valid Date")),
        ("text/plain", format!("Unrecognized token '{MARKER}': was expecting")),
        ("text/plain", format!("An appointment is already scheduled for {MARKER}")),
        ("text/plain", format!("Schedule not found: {MARKER}")),
        ("text/html", format!("<html><title>Error</title><body>{MARKER}</body></html>")),
        ("application/json", format!("{{\"error\":\"{MARKER}\",\"{MARKER} {MARKER}\":1}}")),
        ("application/json", format!("[{{\"id\":\"{MARKER}\",\"start\":\"{MARKER}\",\"slotSize\":\"{MARKER}\"}}]")),
        ("application/json", format!("[\"{MARKER}\"")),
        ("application/json", format!("\"{MARKER}\"")),
        ("application/json", MARKER.to_owned()),
    ];
    let mut count = 0;
    for (content_type, body) in &bodies {
        for status in [200, 201, 204, 302, 400, 401, 403, 404, 405, 409, 422, 429, 500, 503] {
            let (server, _) = client(response(status, content_type, body.clone()));
            for error in all_errors(&server).await {
                count += 1;
                let told = format!("{error} {error:?}");
                assert!(!told.contains(MARKER) && !told.contains("Judith"), "{status} {body}: {told}");
            }
        }
    }
    assert!(count > 2000, "{count} errors were looked at");
    assert!(!format!("{:?}", judith()).contains("Judith"));
}

/// Asks what the recorded exchange asked, with the recorded answer, and says what the client made of it. `None`: the client
/// has no such call.
async fn replay(request: &Value, answer: Response) -> Option<(Answer<String>, String)> {
    let (server, transport) = client(answer);
    let path = request["path"].as_str()?;
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let number = |text: &str| text.parse::<i64>().ok();
    let reference = |text: &str| {
        let text = percent_encoding::percent_decode_str(text).decode_utf8().unwrap();
        BookingReference(text.into_owned())
    };
    let window = asked_window(query);
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let told = match (request["method"].as_str()?, segments.as_slice()) {
        ("GET", ["locations"]) => debug(server.locations().await),
        ("GET", ["locations", id]) => debug(server.location(LocationId(number(id)?)).await),
        ("GET", ["locations", id, "schedules"]) => debug(server.schedules(LocationId(number(id)?)).await),
        ("GET", ["locations", id, "users"]) => debug(server.users(LocationId(number(id)?)).await),
        ("GET", ["schedules", id]) => debug(server.schedule(ScheduleId(number(id)?)).await),
        ("GET", ["schedules", id, "appointmentTypes"]) => {
            debug(server.appointment_types(ScheduleId(number(id)?)).await)
        }
        ("GET", ["schedules", id, "free"]) => debug(server.schedule_free(ScheduleId(number(id)?), window).await),
        ("GET", ["schedules", id, "busy"]) => debug(server.schedule_busy(ScheduleId(number(id)?), window).await),
        ("GET", ["schedules", id, "freebusy"]) => {
            debug(server.schedule_free_busy(ScheduleId(number(id)?), window).await)
        }
        ("GET", ["users", id]) => debug(server.user(UserId(number(id)?)).await),
        ("GET", ["users", id, "locations"]) => debug(server.user_locations(UserId(number(id)?)).await),
        ("GET", ["users", id, "locations", at, "freebusy"]) => {
            debug(server.user_free_busy(UserId(number(id)?), LocationId(number(at)?), window).await)
        }
        // A reference with a slash is not sent at all.
        ("GET", ["bookings", text]) if !text.contains("%2F") => debug(server.booking(&reference(text)).await),
        ("POST", ["bookings"]) => debug(server.submit(&judith()).await),
        ("DELETE", ["bookings", text]) => debug(server.cancel(&reference(text)).await),
        _ => return None,
    };
    let asked = transport.asked().first().map(|asked| asked.path.clone()).unwrap_or_default();
    Some((told, asked))
}

fn debug<T: std::fmt::Debug>(answer: Answer<T>) -> Answer<String> {
    answer.map(|answer| format!("{answer:?}"))
}

/// The window of a recorded question; that of the tests where it was malformed on purpose.
fn asked_window(query: &str) -> Window {
    let value = |name: &str| {
        let text = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
        percent_encoding::percent_decode_str(text).decode_utf8().ok()?.parse().ok()
    };
    Window {
        from: value("from").unwrap_or(window().from),
        to: value("to").unwrap_or(window().to),
        slots: query.contains("slots=true"),
    }
}

/// What becomes of an answer, by its status and content type alone.
fn expected(status: u64, content_type: &str, body: &str) -> Option<ErrorClass> {
    match (status, content_type) {
        (200 | 201 | 204, _) => None,
        (400, "text/plain") => Some(ErrorClass::Refused),
        (404, "text/plain") if body != "HTTP 404 Not Found" => Some(ErrorClass::Refused),
        (401, _) => Some(ErrorClass::Credentials),
        (500, _) => Some(ErrorClass::Unavailable),
        _ => Some(ErrorClass::Contract),
    }
}

#[tokio::test]
async fn every_recorded_answer_is_read_by_the_client() {
    let recorded = include_str!("../fixtures/openvpms-recorded.jsonl");
    let (mut read, mut same_path, mut without_a_call) = (0, 0, Vec::new());
    for line in recorded.lines().skip(1) {
        let exchange: Value = serde_json::from_str(line).unwrap();
        let (name, told) = (exchange["name"].as_str().unwrap(), &exchange["response"]);
        let body = match &told["body"] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            json @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => json.to_string(),
        };
        let (status, content_type) = (told["status"].as_u64().unwrap(), told["content_type"].as_str().unwrap_or(""));
        let mut answer = response(u16::try_from(status).unwrap(), content_type, body.clone());
        if let Some(location) = told["location"].as_str() {
            answer.headers.push(("location".into(), location.into()));
        }
        let Some((made_of_it, asked)) = replay(&exchange["request"], answer).await else {
            without_a_call.push(name.to_owned());
            continue;
        };
        read += 1;
        // vetbridge asks in the zone that the server reported, so times in another one mean that it was started in that since.
        let in_another_zone = name == "A window in UTC is answered in the zone of the server";
        let expected = if in_another_zone { Some(ErrorClass::Contract) } else { expected(status, content_type, &body) };
        // What the container does not let in is as surely not made as what the service refuses.
        let not_let_in = exchange["request"]["method"] == "POST" && matches!(status, 406 | 415);
        let expected = if not_let_in { Some(ErrorClass::Refused) } else { expected };
        assert_eq!(made_of_it.as_ref().err().map(|error| error.class), expected, "{name}: {made_of_it:?}");
        if let Err(error) = &made_of_it {
            let made_nothing = exchange["request"]["method"] != "POST" || status >= 500 || error.nothing_was_done();
            assert!(made_nothing, "{name}: {error:?}");
        }
        if status == 201 {
            assert_eq!(made_of_it, Ok(format!("BookingReference({body:?})")), "{name}");
        }
        if let Some(path) = exchange["request"]["path"].as_str() {
            same_path += usize::from(asked == format!("/ws/booking/v2{path}"));
        }
    }
    without_a_call.sort();
    assert_eq!(
        without_a_call,
        [
            "A method that is not allowed",
            "A path nobody knows",
            "An encoded slash",
            "An encoded slash in a reference",
            "An id that is no number",
            "HEAD",
            "OPTIONS",
            "Outside of the services: to the login page",
        ]
    );
    assert_eq!(read + without_a_call.len(), 199);
    // The client asks as the recording did, but for malformed dates and parameters in another order.
    assert_eq!(same_path, 168);
}
