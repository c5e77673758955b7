//! The Healthengine client against answers in memory.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

#[path = "../clients_support/mod.rs"]
mod clients_support;

mod bookings;
mod clocks;
mod errors;
mod lists;
mod sending;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;
use vetbridge::clock::Clock;
use vetbridge::healthengine::client::HealthengineClient;
use vetbridge::healthengine::{AvailabilityRange, AvailabilitySnapshot};
use vetbridge::http::{Request, Response};

use crate::clients_support::{Scripted, json};

/// Stands for everything about a patient: no error may repeat it.
pub(crate) const MARKER: &str = "Zaphod";

pub(crate) fn client(answer: Response) -> (HealthengineClient, Arc<Scripted>) {
    let transport = Scripted::always(&answer);
    (HealthengineClient::new(transport.clone(), Clock::system()), transport)
}

pub(crate) fn answered(body: &Value) -> HealthengineClient {
    client(json(200, body)).0
}

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(crate) fn body(request: &Request) -> Value {
    serde_json::from_slice(request.json.as_ref().unwrap()).unwrap()
}

pub(crate) fn snapshot(id: usize) -> AvailabilitySnapshot {
    AvailabilitySnapshot {
        id: Some(format!("s136/{id}")),
        date: "2019-02-15".parse().unwrap(),
        pms_resource_id: "s136".into(),
        availability: vec![AvailabilityRange {
            start: "09:00".into(),
            end: "12:00".into(),
            slot_length: 900,
            pms_appointment_type_ids: vec!["66:s136".into()],
        }],
    }
}
