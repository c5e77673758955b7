//! The rules of the simulated Healthengine, one test each, asked as a client asks: bytes in, bytes out.

#![allow(clippy::unwrap_used, reason = "helpers of tests; the lint spares only the tests themselves")]

mod availability;
mod bookings;
mod configuration;
mod deliveries;
mod door;
mod examples;
mod features_and_subscriptions;
mod health;
mod requests;

use std::time::Duration;

use chrono::{NaiveDate, NaiveDateTime};
use serde_json::{Value, json};
use vetbridge::clock::Clock;
use vetbridge::ids::{BookingId, PracticeId};
use vetbridge::simulator::exchange::{ArrivedRequest, Model, SentAnswer};
use vetbridge::simulator::healthengine::{BASE_PATH, HealthengineModel, ModelSettings, NewPractice, PetOwner, Wish};

/// The key of the one practice.
const KEY: &str = "t1qKf";
/// The day whose times are published by [`Server::open`]: the Tuesday after the Monday on which every test begins.
const DAY: &str = "2026-03-03";

/// A server with one practice, and a client of it.
struct Server {
    model: HealthengineModel,
    practice: PracticeId,
}

/// An answer, read.
struct Reply {
    status: u16,
    body: Value,
}

impl Server {
    /// A server to which nothing was sent. It is Monday, 2 March 2026, 11:00 in Sydney.
    fn new() -> Self {
        let clock = Clock::virtual_from("2026-03-02T00:00:00Z".parse().unwrap());
        let model = HealthengineModel::new(ModelSettings::new("eyJ0e"), clock);
        let new = NewPractice::new("1234567", KEY, "Australia/Sydney".parse().unwrap());
        let practice = new.id.clone();
        model.add_practice(new);
        Self { model, practice }
    }

    /// A server to which two rooms, their types and the morning of [`DAY`] in the first room were sent and published.
    async fn open() -> Self {
        let server = Self::new();
        server.send_rooms(&["s136", "s211"]);
        server.send_types(&["s136", "s211"]);
        server.send_day("s136", &[("09:00", "10:00")]);
        pass(1).await;
        server
    }

    fn asked(method: &str, path: &str, body: Option<&Value>) -> ArrivedRequest {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut headers = vec![
            header("api-key", "eyJ0e"),
            header("practice-id", "1234567"),
            header("practice-key", KEY),
            header("user-agent", "Example Vets Bridge (it@examplevets.com.au) UAT"),
        ];
        if body.is_some() {
            headers.push(header("content-type", "application/json"));
        }
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        ArrivedRequest { method: method.to_owned(), target: format!("{BASE_PATH}/{path}"), headers, body }
    }

    fn answer(&self, asked: &ArrivedRequest) -> Reply {
        let SentAnswer { status, body, .. } = self.model.answer(asked);
        let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
        Reply { status, body }
    }

    fn get(&self, path: &str) -> Reply {
        self.answer(&Self::asked("GET", path, None))
    }

    fn post(&self, path: &str, body: Value) -> Reply {
        self.answer(&Self::asked("POST", path, Some(&body)))
    }

    /// The entries of the first page of a list.
    fn list(&self, path: &str) -> Vec<Value> {
        let reply = self.get(path);
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body["data"].as_array().unwrap().clone()
    }

    fn send_rooms(&self, ids: &[&str]) {
        let list =
            ids.iter().map(|id| json!({ "pmsResourceId": id, "pmsResourceName": format!("Room {id}") })).collect();
        assert_eq!(self.post("config/pmsResources/snapshot", list).status, 200);
    }

    /// `66:<room>`, 15 minutes, and `79:<room>`, 30.
    fn send_types(&self, rooms: &[&str]) {
        let mut list = Vec::new();
        for room in rooms {
            for (id, name, minutes) in [("66", "Consult", 15), ("79", "Long consult", 30)] {
                list.push(json!({
                    "pmsAppointmentTypeId": format!("{id}:{room}"),
                    "pmsAppointmentTypeName": format!("{name} - {room}"),
                    "pmsAppointmentLength": minutes,
                    "pmsResourceId": room,
                }));
            }
        }
        assert_eq!(self.post("config/pmsAppointmentTypes/snapshot", list.into()).status, 200);
    }

    fn send_day(&self, room: &str, ranges: &[(&str, &str)]) {
        assert_eq!(self.post("availability/snapshot", day(room, ranges)).status, 200);
    }

    /// A pet owner books a consult in the first room at this time of [`DAY`].
    fn book(&self, time: &str) -> BookingId {
        self.model.book(&self.practice, wish(time)).unwrap()
    }

    fn confirm(&self, booking: BookingId, id: &str) -> u16 {
        let body = json!({ "pmsAppointmentIds": [id], "pmsPatientId": "p1" });
        self.post(&format!("bookings/{booking}/confirmInsert"), body).status
    }

    fn reject(&self, booking: BookingId) -> u16 {
        self.post(&format!("bookings/{booking}/rejectInsert"), json!({ "reason": "taken" })).status
    }

    /// The starts that are offered in the first room on [`DAY`], for one type.
    fn offered(&self, kind: &str) -> Vec<String> {
        let offers = self.model.offered(&self.practice, "s136", DAY.parse().unwrap()).unwrap();
        let fits = offers.iter().filter(|offer| offer.kinds.iter().any(|own| own == kind));
        fits.map(|offer| offer.start.format("%H:%M").to_string()).collect()
    }

    fn violations(&self) -> Vec<String> {
        self.model.violations().into_iter().map(|violation| violation.what).collect()
    }

    /// What a well-made client looks like from here.
    fn assert_well_behaved(&self) {
        assert_eq!(self.violations(), Vec::<String>::new());
        assert!(!self.model.exchanges().is_empty(), "nothing was asked");
    }
}

/// Lets time pass.
async fn pass(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

/// A snapshot of [`DAY`] with slots of 15 minutes.
fn day(room: &str, ranges: &[(&str, &str)]) -> Value {
    let ranges: Vec<Value> =
        ranges.iter().map(|(start, end)| json!({ "start": start, "end": end, "slotLength": 900 })).collect();
    json!({ "date": DAY, "pmsResourceId": room, "availability": ranges })
}

fn at(time: &str) -> NaiveDateTime {
    DAY.parse::<NaiveDate>().unwrap().and_time(time.parse().unwrap())
}

fn wish(time: &str) -> Wish {
    let pet_owner = PetOwner {
        first_name: Some("Jo".into()),
        last_name: Some("Citizen".into()),
        date_of_birth: NaiveDate::from_ymd_opt(1980, 2, 23),
        phone: Some("0412 345 678".into()),
        email: Some("jo@example.com".into()),
        ..PetOwner::default()
    };
    Wish::new("s136", "66:s136", at(&format!("{time}:00"))).by(pet_owner, "Limping\nPet name: Muffett")
}
