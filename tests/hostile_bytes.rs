//! Whatever bytes come from outside: nothing panics, what is kept is bounded, and no error repeats a value.
//!
//! Every value in the bodies here is marked, so that an error that quotes one is found. Webhooks
//! say nothing but "look now": what their listener makes of a body belongs here once it reads one.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

mod clients_support;

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use clients_support::{Scripted, response};
use futures_util::FutureExt as _;
use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use vetbridge::booking::resolution::{NOTE_CHARS_MAX, Note, reference};
use vetbridge::booking::update::echoed_reference;
use vetbridge::call_error::{Answer, CallError};
use vetbridge::clock::Clock;
use vetbridge::config;
use vetbridge::healthengine::client::HealthengineClient;
use vetbridge::healthengine::{AvailabilitySnapshot, ErrorLogQuery, ReadHealthengine, WriteHealthengine};
use vetbridge::ids::{AppointmentTypeId, BookingReference, LocationId, ResourceId, ScheduleId, TypeId, UserId};
use vetbridge::openvpms::client::OpenVpmsClient;
use vetbridge::openvpms::{Contact, NewBooking, ReadOpenVpms, Window, WriteOpenVpms};
use vetbridge::server;
use vetbridge::zone::Zone;

/// Stands in every value; no error may repeat it.
const MARKER: &str = "Zaphod Beeblebrox";

/// What both APIs call their fields.
const FIELDS: &str = "id name timeZone slotSize slots free busy user schedule location appointmentType start end \
                      firstName lastName data page currentPage totalPages bookingId requestId pmsResourceId \
                      pms_resource_id pmsResourceName pmsAppointmentTypeId pmsAppointmentTypeName pmsAppointmentIds \
                      pmsPatientId pmsDocumentId bookedTime updatedAt bookingStatus pmsAppointmentTime \
                      pmsAppointmentLength reason comments patient firstname lastname phone email isNewPatient \
                      telehealthUrl day liveHours monday enabled clientId topic callbackUrl expireAt payload \
                      timestamp subscriptionId attempt errorMessage created existing failed errors snapshot error \
                      message";

/// A value as text, well formed or nearly so: duplicate names, huge numbers, dates that are none, marked texts.
fn value() -> impl Strategy<Value = String> {
    leaf().prop_recursive(5, 60, 8, |inner| {
        let names: Vec<&str> = FIELDS.split_whitespace().collect();
        let field =
            (prop::sample::select(names), inner.clone()).prop_map(|(name, value)| format!("\"{name}\":{value}"));
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(|entries| format!("[{}]", entries.join(","))),
            prop::collection::vec(field.clone(), 0..12).prop_map(|fields| format!("{{{}}}", fields.join(","))),
            prop::collection::vec(field, 0..12).prop_map(|fields| {
                format!("{{\"data\":[{{{}}}],\"page\":{{\"totalPages\":1}}}}", fields.join(","))
            }),
        ]
    })
}

/// A scalar.
fn leaf() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|flag| flag.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        prop::sample::select(vec![
            "0",
            "-0",
            "1e999",
            "-1e999",
            "1e-999",
            "0.1",
            "18446744073709551616",
            "123456789012345678901234567890",
            "9223372036854775807",
            "-9223372036854775808",
            "4294967296",
            "2.0",
            "1E5",
        ])
        .prop_map(str::to_owned),
        prop::sample::select(vec![
            "2019-02-15T09:00:00.000+11:00",
            "2019-02-15 09:00:00",
            "2019-02-15",
            "9999-12-31T23:59:59.999Z",
            "-262143-01-01T00:00:00.000Z",
            "+262142-12-31T23:59:59.999+23:59",
            "0000-00-00 00:00:00",
            "2019-02-30",
            "2019-02-15T24:00:00.000+99:99",
            "23:59",
            "24:00",
            "-1:-1",
            "Australia/Sydney",
            "GMT+99:99",
            "Requested",
            "Cancelled",
            "603:be08f3c6",
            "true",
            "7",
            "",
            "s136",
            "66:s136",
        ])
        .prop_map(|text| format!("\"{text}\"")),
        "\\PC{0,20}".prop_map(|text| serde_json::Value::String(format!("{text}{MARKER}")).to_string()),
        Just(format!("\"{MARKER}\\u0000\\ud83d\\ude00\\n\"")),
        // A surrogate without its other half.
        Just(format!("\"{MARKER}\\ud83d\"")),
    ]
}

/// Documents as the two systems write them, with marked texts.
fn document() -> impl Strategy<Value = String> {
    let booking = "{\"data\":[{\"bookingId\":36127212,\"pmsResourceId\":\"s136\",\"pmsAppointmentTypeId\":\"66:s136\",\"pmsAppointmentIds\":[],\
        \"pmsPatientId\":null,\"bookedTime\":\"2019-02-14 \
        01:02:03\",\"bookingStatus\":\"Requested\",\"pmsAppointmentTime\":\
        \"2019-02-15 12:30:00\",\"pmsAppointmentLength\":900,\"reason\":\"Zaphod Beeblebrox\",\"comments\":\"Zaphod \
        Beeblebrox\",\
        \"isNewPatient\":true,\"telehealthUrl\":null,\"patient\":{\"firstname\":\"Zaphod Beeblebrox\",\"lastname\":\"Zaphod Beeblebrox\",\
        \"phone\":\"Zaphod Beeblebrox\",\"email\":\"Zaphod \
        Beeblebrox\"}}],\"page\":{\"currentPage\":1,\"totalPages\":3}}";
    prop::sample::select(vec![
        booking,
        include_str!("../fixtures/healthengine/requests.json"),
        include_str!("../fixtures/healthengine/liveness-contract.json"),
        include_str!("../fixtures/healthengine/resources-snapshot.json"),
        include_str!("../fixtures/healthengine/appointment-types-snapshot.json"),
        include_str!("../fixtures/healthengine/subscription.json"),
        include_str!("../fixtures/healthengine/subscription-error-log.json"),
        include_str!("../fixtures/openvpms-guide/locations.json"),
        include_str!("../fixtures/openvpms-guide/schedules.json"),
        include_str!("../fixtures/openvpms-guide/appointment-types.json"),
        include_str!("../fixtures/openvpms-guide/users.json"),
        include_str!("../fixtures/openvpms-guide/schedule-freebusy.json"),
        include_str!("../fixtures/openvpms-guide/user-free.json"),
        include_str!("../fixtures/openvpms-guide/booking.json"),
        "{\"outcome\":\"confirmed\",\"reference\":\"Zaphod Beeblebrox\",\"force\":false,\"note\":\"Zaphod Beeblebrox\"}",
    ])
    .prop_map(str::to_owned)
}

/// Such a document with one of its scalars replaced by another value, so that a field has the wrong type.
fn with_another_type() -> impl Strategy<Value = String> {
    (document(), prop_oneof![3 => leaf(), 1 => value()], any::<prop::sample::Index>()).prop_map(
        |(document, value, at)| {
            let ends: Vec<usize> = document.match_indices(':').map(|(at, _)| at + 1).collect();
            if ends.is_empty() {
                return document;
            }
            let start = ends[at.index(ends.len())];
            let end = document[start..].find([',', '}', ']']).map_or(document.len(), |end| start + end);
            format!("{}{value}{}", &document[..start], &document[end..])
        },
    )
}

/// Such a value, whole or damaged: cut off, with bytes overwritten, repeated or put together.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    let text = prop_oneof![2 => value(), 1 => document(), 2 => with_another_type()];
    (text, 0..4_u8, any::<prop::sample::Index>(), damage).prop_map(|(text, kind, cut, damage)| {
        let mut bytes = text.into_bytes();
        match kind {
            0 => bytes.truncate(cut.index(bytes.len() + 1)),
            1 => damage.iter().for_each(|(at, byte)| {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }),
            2 => bytes.extend_from_within(..cut.index(bytes.len() + 1)),
            _ => {}
        }
        bytes
    })
}

/// Bodies of 200 are read the furthest.
fn status() -> impl Strategy<Value = u16> {
    prop_oneof![3 => Just(200), 1 => prop::sample::select(vec![201, 204, 400, 404, 410, 500])]
}

/// Such an answer is said to be what it is no page of.
fn is_page(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"<")
}

/// How an answer is shown, in a log at the most.
fn shown<T>(answer: &Answer<T>) -> Option<&CallError> {
    answer.as_ref().err()
}

fn ready<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("an answer that is there")
}

fn assert_silent(what: &str, error: Option<&CallError>) {
    let Some(error) = error else { return };
    let text = error.to_string();
    assert!(!text.contains("Zaphod") && !text.contains("Beeblebrox"), "{what}: {text}");
    assert!(text.chars().count() < 1_000, "{what}: {text}");
}

/// Everything that OpenVPMS is asked, answered like this.
fn ask_openvpms(status: u16, kind: &str, bytes: &[u8]) {
    let client = OpenVpmsClient::new(Scripted::always(&response(status, kind, bytes)));
    let window = Window {
        from: "2019-02-15T00:00:00+11:00".parse().unwrap(),
        to: "2019-02-16T00:00:00+11:00".parse().unwrap(),
        slots: false,
    };
    let (location, schedule, user) = (LocationId(98), ScheduleId(136), UserId(1158));
    let own = BookingReference("603:be08f3c6".into());
    assert_silent("locations", shown(&ready(client.locations())));
    assert_silent("location", shown(&ready(client.location(location))));
    assert_silent("schedules", shown(&ready(client.schedules(location))));
    assert_silent("users", shown(&ready(client.users(location))));
    assert_silent("schedule", shown(&ready(client.schedule(schedule))));
    assert_silent("types", shown(&ready(client.appointment_types(schedule))));
    assert_silent("free", shown(&ready(client.schedule_free(schedule, window))));
    assert_silent("busy", shown(&ready(client.schedule_busy(schedule, window))));
    assert_silent("free and busy", shown(&ready(client.schedule_free_busy(schedule, window))));
    assert_silent("user", shown(&ready(client.user(user))));
    assert_silent("his locations", shown(&ready(client.user_locations(user))));
    assert_silent("his free time", shown(&ready(client.user_free(user, location, window))));
    assert_silent("his busy time", shown(&ready(client.user_busy(user, location, window))));
    assert_silent("both", shown(&ready(client.user_free_busy(user, location, window))));
    let booking = ready(client.booking(&own));
    assert!(!format!("{booking:?}").contains("Zaphod"), "{booking:?}");
    assert_silent("booking", shown(&booking));
    assert_silent("cancel", shown(&ready(client.cancel(&own))));
    let made = ready(client.submit(&booking_of(MARKER)));
    assert_silent("submit", shown(&made));
    if let Ok(BookingReference(reference)) = made {
        assert!(
            !reference.is_empty() && reference.len() <= 300 && !reference.contains(char::is_control),
            "{reference:?}"
        );
    }
}

fn booking_of(name: &str) -> NewBooking {
    NewBooking {
        location: LocationId(98),
        schedule: ScheduleId(136),
        appointment_type: AppointmentTypeId(66),
        start: "2019-02-15T12:30:00+11:00".parse().unwrap(),
        end: "2019-02-15T12:45:00+11:00".parse().unwrap(),
        user: None,
        contact: Contact { first_name: name.into(), last_name: name.into(), ..Contact::default() },
        notes: name.into(),
    }
}

/// Everything that Healthengine is asked, answered like this.
fn ask_healthengine(status: u16, bytes: &[u8]) {
    let transport = Scripted::always(&response(status, "application/json", bytes));
    let client = HealthengineClient::new(transport, Clock::virtual_from(DateTime::<Utc>::UNIX_EPOCH));
    // The text of a refusal is passed on where nothing of a patient was asked for.
    let refused = status >= 400;
    let silent = |what: &str, error: Option<&CallError>| assert_silent(what, error.filter(|_| !refused));
    silent("requests", shown(&ready(client.requests())));
    let bookings = ready(client.booking_requests(1));
    assert!(!format!("{bookings:?}").contains("Zaphod") || bookings.is_ok());
    assert_silent("bookings", shown(&bookings));
    for booking in bookings.into_iter().flat_map(|page| page.items) {
        assert!(!format!("{:?}", booking.patient).contains("Zaphod"));
    }
    assert_silent("updates", shown(&ready(client.booking_updates(1))));
    assert_silent("availability", shown(&ready(client.availability_requests(1))));
    assert_silent("changes", shown(&ready(client.appointment_change_requests(1))));
    let uploads = ready(client.upload_requests(1));
    assert!(!format!("{uploads:?}").contains("Zaphod"), "{uploads:?}");
    assert_silent("uploads", shown(&uploads));
    assert_silent("attachments", shown(&ready(client.attach_requests(1))));
    silent("contract", shown(&ready(client.liveness_contract())));
    silent("resources", shown(&ready(client.resources())));
    silent("types", shown(&ready(client.appointment_types())));
    silent("features", shown(&ready(client.features())));
    silent("feature", shown(&ready(client.feature("documents"))));
    silent("subscriptions", shown(&ready(client.subscriptions())));
    silent("subscription", shown(&ready(client.subscription("1"))));
    silent("errors", shown(&ready(client.subscription_errors(&ErrorLogQuery::default()))));
    let day = AvailabilitySnapshot {
        id: Some("a".into()),
        date: "2019-02-15".parse().unwrap(),
        pms_resource_id: "s136".into(),
        availability: Vec::new(),
    };
    let sent = ready(client.send_availability_batch(&[day.clone(), day]));
    silent("batch", shown(&sent));
    if let Ok(outcome) = sent {
        assert!(outcome.accepted.len() + outcome.failed.len() <= 2, "{outcome:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn openvpms_may_answer_anything(bytes in body(), status in status()) {
        if !is_page(&bytes) {
            ask_openvpms(status, "application/json", &bytes);
            ask_openvpms(status, "text/plain", &bytes);
        }
    }

    #[test]
    fn healthengine_may_answer_anything(bytes in body(), status in status()) {
        if !is_page(&bytes) {
            ask_healthengine(status, &bytes);
        }
    }

    #[test]
    fn bytes_that_are_no_json_at_all_are_an_error_of_their_own(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        ask_openvpms(200, "application/json", &bytes);
        ask_healthengine(200, &bytes);
        prop_assert!(server::resolve::read(&bytes).is_err());
    }

    #[test]
    fn the_admin_api_may_be_sent_anything(bytes in body(), note in "\\PC{0,300}", given in "\\PC{0,300}") {
        if let Err(said) = server::resolve::read(&bytes) {
            prop_assert!(!said.contains("Zaphod") && said.len() < 300, "{}", said);
        }
        let body = serde_json::json!({ "outcome": "confirmed", "reference": given, "note": note }).to_string();
        if let Ok((_, Some(note))) = server::resolve::read(body.as_bytes()) {
            prop_assert!(note.to_string().chars().count() <= NOTE_CHARS_MAX);
            prop_assert!(!note.to_string().contains(char::is_control));
        }
        let _ = note.parse::<Note>();
    }

    #[test]
    fn a_reference_is_one_segment_of_a_path_and_comes_back_whole(text in "[ -~]{0,120}|\\PC{0,60}|[0-9]{1,6}:[0-9a-f-]{36}") {
        let transport = Scripted::always(&response(404, "text/plain", "Booking not found"));
        let client = OpenVpmsClient::new(Arc::clone(&transport) as Arc<dyn vetbridge::http::Transport>);
        let _ = ready(client.booking(&BookingReference(text.clone())));
        for asked in transport.asked() {
            let segment = asked.path.strip_prefix("/ws/booking/v2/bookings/").unwrap();
            prop_assert!(segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~%".contains(&byte)), "{}", segment);
            prop_assert!(!["", ".", ".."].contains(&segment));
            prop_assert_eq!(percent_decode_str(segment).decode_utf8().unwrap(), text.as_str());
        }
        let _ = (BookingReference(text.clone()).customer(), echoed_reference(std::slice::from_ref(&text)));
        if let Ok(BookingReference(own)) = reference(&text) {
            prop_assert_eq!(own.as_str(), text.trim());
        }
    }

    #[test]
    fn ids_zones_and_durations_are_read_or_refused(text in "\\PC{0,40}|[su0-9:-]{0,20}|[A-Z+0-9:]{0,12}|([0-9]{1,22}(ms|s|m|h|d)){0,4}") {
        // One spelling for each id, or it would change meaning.
        if let Ok(id) = text.parse::<ResourceId>() {
            prop_assert_eq!(id.to_string(), text.as_str());
        }
        if let Ok(id) = text.parse::<TypeId>() {
            prop_assert_eq!(id.to_string(), text.as_str());
        }
        if let Ok(zone) = text.parse::<Zone>() {
            let _ = zone.wall(DateTime::UNIX_EPOCH);
        }
        let _ = config::duration::parse(&text);
    }

    #[test]
    fn a_configuration_may_hold_anything_and_no_secret_is_told(
        cut in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), junk in "\\PC{0,12}|[\\x00-\\x7f]{0,12}", kind in 0..3_u8,
    ) {
        let example = include_str!("../config/vetbridge.example.toml");
        let mut text = example.replace("{ file = \"openvpms.password\" }", "\"Zaphod-secret\"");
        prop_assert!(text.contains("Zaphod"));
        let place = |index: prop::sample::Index, text: &str| {
            (0..=index.index(text.len() + 1)).rev().find(|at| text.is_char_boundary(*at)).unwrap()
        };
        match kind {
            0 => text.truncate(place(cut, &text)),
            1 => text.insert_str(place(at, &text), &junk),
            _ => text = junk,
        }
        let nothing = |_: &str| Err(std::env::VarError::NotPresent);
        if let Err(error) = config::parse(Path::new("/nowhere/vetbridge.toml"), &text, &nothing) {
            prop_assert!(!error.to_string().contains("Zaphod"), "{}", error);
        }
    }
}

#[test]
fn nesting_length_and_number_are_bounded() {
    for depth in [100, 200, 100_000] {
        for (open, close) in [("[", "]"), ("{\"data\":", "}")] {
            let text = format!("{}null{}", open.repeat(depth), close.repeat(depth));
            ask_openvpms(200, "application/json", text.as_bytes());
            ask_healthengine(200, text.as_bytes());
            ask_openvpms(200, "application/json", open.repeat(depth).as_bytes());
            assert!(server::resolve::read(text.as_bytes()).is_err());
        }
    }
    let long = "x".repeat(2_000_000);
    let text = format!("{{\"data\":[{{\"bookingId\":1,\"reason\":\"{long}\",\"pmsResourceId\":\"{long}\"}}]}}");
    let transport = Scripted::always(&response(200, "application/json", text));
    let client = HealthengineClient::new(transport, Clock::virtual_from(DateTime::<Utc>::UNIX_EPOCH));
    let page = ready(client.booking_requests(1)).unwrap();
    assert!(page.items[0].reason.as_ref().unwrap().len() <= 10_000 && page.items[0].pms_resource_id.is_none());
    let many = format!("{{\"data\":[{}1]}}", "1,".repeat(200_000));
    ask_healthengine(200, many.as_bytes());
    let kinds: Vec<String> = (0..5_000).map(|number| format!("\"kind {number}\"")).collect();
    let transport = Scripted::always(&response(200, "application/json", format!("[{}]", kinds.join(","))));
    let client = HealthengineClient::new(transport, Clock::virtual_from(DateTime::<Utc>::UNIX_EPOCH));
    assert!(ready(client.requests()).unwrap().len() <= 100);
}
