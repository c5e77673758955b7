//! The booking of these tests: when and where it is to be, and what the state machine is told of the
//! world.

use chrono::{DateTime, TimeDelta, Utc};
use vetbridge::booking::entry::Place;
use vetbridge::booking::machine::MachineContext;
use vetbridge::clock::Measured;
use vetbridge::ids::{AppointmentTypeId, LocationId, ScheduleId};
use vetbridge::span::Span;

/// How long a request to OpenVPMS may take.
pub(crate) const TIMEOUT: TimeDelta = TimeDelta::seconds(10);

/// So many seconds after the booking was made.
pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_550_000_000 + seconds, 0).unwrap()
}

/// Where and when it is to be: a day later.
pub(crate) fn place() -> Place {
    Place {
        location: LocationId(98),
        schedule: ScheduleId(136),
        user: None,
        appointment_type: AppointmentTypeId(66),
        span: Span::new(at(86_400), at(87_300)),
    }
}

/// The same as a process measures it that began long before.
pub(crate) fn measured(seconds: i64) -> Measured {
    Measured { began: at(-86_400), now: at(seconds) }
}

/// What the state machine is told so many seconds after the booking was made, where bookings are
/// held while OpenVPMS is away.
pub(crate) fn circumstances(now: i64) -> MachineContext {
    MachineContext {
        now: at(now),
        measured: measured(now),
        healthengine_ahead: TimeDelta::zero(),
        ahead_is_sure: true,
        request_timeout: TIMEOUT,
        hold: true,
        zone: "Australia/Sydney".parse().unwrap(),
    }
}
