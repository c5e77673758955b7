//! The examples of the published guide of the Booking API v2, against the simulated server of the guide's clinic.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "as everywhere in tests")]

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use vetbridge::clock::Clock;
use vetbridge::simulator::exchange::{ArrivedRequest, Model, SentAnswer};
use vetbridge::simulator::openvpms::{BASE, OpenVpmsSim, Uuids, World};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    method: String,
    path: String,
    body: Option<Value>,
    answer: Value,
}

fn guide() -> OpenVpmsSim {
    let the_day_before: DateTime<Utc> = "2019-02-14T12:00:00+11:00".parse().unwrap();
    OpenVpmsSim::new(World::guide(Uuids::from_seed(1)), Clock::virtual_from(the_day_before))
}

fn ask(sim: &OpenVpmsSim, method: &str, path: &str, body: Option<&Value>) -> SentAnswer {
    let authorization = format!("Basic {}", STANDARD.encode("sample:changeit"));
    let mut headers = vec![("authorization".to_owned(), authorization)];
    if body.is_some() {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    sim.answer(&ArrivedRequest { method: method.to_owned(), target: format!("{BASE}{path}"), headers, body })
}

fn text(answered: &SentAnswer) -> String {
    String::from_utf8(answered.body.clone()).unwrap()
}

fn example(file: &Path) -> Example {
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap_or_else(|error| panic!("{file:?}: {error}"))
}

#[test]
fn every_answer_that_the_guide_prints_comes_out_as_printed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/openvpms-guide");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = files.filter(|path| path.extension().is_some_and(|kind| kind == "json")).collect();
    let mut read = 0;
    for file in &files {
        let example = example(file);
        if example.method != "GET" {
            continue;
        }
        let answered = ask(&guide(), &example.method, &example.path, example.body.as_ref());
        assert_eq!(answered.status, 200, "{file:?}: {}", text(&answered));
        let own: Value = serde_json::from_slice(&answered.body).unwrap();
        assert_eq!(own, example.answer, "{file:?}");
        read += 1;
    }
    assert_eq!((files.len(), read), (11, 10));
}

#[test]
fn the_guides_booking_is_made_read_and_cancelled() {
    let sim = guide();
    let example = example(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/openvpms-guide/booking.json"));
    let made = ask(&sim, &example.method, &example.path, example.body.as_ref());
    assert_eq!(made.status, 201, "{}", text(&made));
    let reference = text(&made);
    // Appointment and customer are those that the guide goes on with; the uuid is the simulator's own.
    let known = |reference: &str| reference.rsplit_once(':').map(|(known, _)| known.to_owned());
    assert_eq!(known(&reference), known(example.answer.as_str().unwrap()));

    let path = format!("/bookings/{}", reference.replace(':', "%3A"));
    let told: Value = serde_json::from_slice(&ask(&sim, "GET", &path, None).body).unwrap();
    let expected = json!({
        "location": 98, "schedule": 136, "appointmentType": 66,
        "start": "2019-02-15T12:30:00.000+11:00", "end": "2019-02-15T12:45:00.000+11:00",
        "title": "MS", "firstName": "Judith", "lastName": "Bourke", "email": null,
        "phone": "0418976543", "mobile": "0418976543", "patientName": "Muffett", "notes": null, "user": 1158
    });
    assert_eq!(told, expected);

    let cancelled = |sim: &OpenVpmsSim| (ask(sim, "DELETE", &path, None).status, ask(sim, "GET", &path, None).status);
    assert_eq!(cancelled(&sim), (204, 404));
    assert_eq!(cancelled(&sim), (404, 404));
}
