//! Whatever Healthengine answers, to every call.

#![no_main]

mod support;

use chrono::{DateTime, Utc};
use libfuzzer_sys::fuzz_target;
use support::{Fixed, ready};
use vetbridge::clock::Clock;
use vetbridge::healthengine::client::HealthengineClient;
use vetbridge::healthengine::{AvailabilitySnapshot, ErrorLogQuery, ReadHealthengine, WriteHealthengine};

fuzz_target!(|data: &[u8]| {
    let Some(server) = Fixed::of(data) else { return };
    let client = HealthengineClient::new(server, Clock::virtual_from(DateTime::<Utc>::UNIX_EPOCH));
    if let Some(kinds) = ready(client.requests()) {
        assert!(kinds.len() <= 100);
    }
    for booking in ready(client.booking_requests(1)).into_iter().flat_map(|page| page.items) {
        assert!(booking.reason.is_none_or(|reason| reason.chars().count() <= 10_000));
    }
    ready(client.booking_updates(1));
    ready(client.availability_requests(1));
    ready(client.appointment_change_requests(1));
    ready(client.upload_requests(1));
    ready(client.attach_requests(1));
    ready(client.liveness_contract());
    ready(client.resources());
    ready(client.appointment_types());
    ready(client.features());
    ready(client.feature("documents"));
    ready(client.subscriptions());
    ready(client.subscription("1"));
    ready(client.subscription_errors(&ErrorLogQuery::default()));
    let day = AvailabilitySnapshot {
        id: Some("a".into()),
        date: "2019-02-15".parse().unwrap(),
        pms_resource_id: "s136".into(),
        availability: Vec::new(),
    };
    if let Some(outcome) = ready(client.send_availability_batch(&[day.clone(), day])) {
        assert!(outcome.accepted.len() + outcome.failed.len() <= 2);
    }
});
