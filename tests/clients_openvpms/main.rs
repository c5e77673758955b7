//! The OpenVPMS client against answers in memory: those of the published guide, those of a recorded
//! server, and broken ones.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

#[path = "../clients_support/mod.rs"]
mod clients_support;

mod bookings;
mod dates;
mod lists;
mod patients;
mod reading;
mod recorded;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use vetbridge::http::Response;
use vetbridge::ids::{AppointmentTypeId, LocationId, ScheduleId, UserId};
use vetbridge::openvpms::client::OpenVpmsClient;
use vetbridge::openvpms::{Contact, NewBooking, Window};
use vetbridge::span::Span;

use crate::clients_support::Scripted;

/// Stands for everything about a patient: no error may repeat it.
pub(crate) const MARKER: &str = "Zaphod";

pub(crate) fn client(answer: Response) -> (OpenVpmsClient, Arc<Scripted>) {
    let transport = Scripted::always(&answer);
    (OpenVpmsClient::new(transport.clone()), transport)
}

pub(crate) fn window() -> Window {
    Window {
        from: "2019-02-15T00:00:00+11:00".parse().unwrap(),
        to: "2019-02-16T00:00:00+11:00".parse().unwrap(),
        slots: false,
    }
}

pub(crate) fn span(start: &str, end: &str) -> Span {
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    Span::new(at(start), at(end))
}

/// The booking of the published guide.
pub(crate) fn judith() -> NewBooking {
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
