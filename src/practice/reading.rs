//! Reads free/busy for some resources and days. What could not be read is said, and nothing is concluded from it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;

use super::publishing::ReadDays;
use super::{Offering, Practice};
use crate::availability::{self, ClinicianDoubt, Days, Moment, Question, Readings, ScheduleReading, Share, window};
use crate::booking::desk::{Look, Taken};
use crate::booking::ledger::{Entry, Place};
use crate::ids::ScheduleId;
use crate::mapping::Resource;
use crate::messages::practice as say;
use crate::openvpms::{OpenVpmsHandle, SCHEDULE_NOT_AVAILABLE};
use crate::remote::{Answer, CallError, ErrorClass};
use crate::span::Span;

/// So many schedules are read at one time. OpenVPMS computes free/busy from its database; a clinic's server is no data centre.
const READ_AT_ONCE: usize = 4;

/// A reading of some days.
pub(super) struct Reading {
    /// When it began.
    pub(super) began: DateTime<Utc>,
    /// What was read.
    pub(super) readings: Readings,
    /// What went wrong, if anything did; the first of several.
    pub(super) failure: Option<CallError>,
}

impl Practice {
    /// Reads what the days of these resources depend on.
    pub(super) async fn read(
        &self,
        server: &OpenVpmsHandle,
        offering: &Offering,
        resources: &[Resource],
        days: Days,
    ) -> Reading {
        let schedules: BTreeSet<ScheduleId> = resources.iter().map(|resource| resource.id.schedule).collect();
        self.read_window(server, offering, schedules, window(days, &offering.zones)).await
    }

    async fn read_window(
        &self,
        server: &OpenVpmsHandle,
        offering: &Offering,
        schedules: BTreeSet<ScheduleId>,
        span: Span,
    ) -> Reading {
        let began = self.now();
        let question = availability::window::question(span, &offering.zones.server);
        let asked = schedules.into_iter().map(|schedule| async move {
            let asked_at = self.now();
            let answer = server.schedule_free_busy(schedule, question).await;
            (schedule, answer.map(|answer| ScheduleReading::new(span, asked_at, answer)))
        });
        let answers: Vec<(ScheduleId, Answer<ScheduleReading>)> =
            futures_util::stream::iter(asked).buffer_unordered(READ_AT_ONCE).collect().await;
        let mut reading = Reading { began, readings: Readings::default(), failure: None };
        let mut schedules = BTreeMap::new();
        for (schedule, answer) in answers {
            match answer {
                Ok(answer) => drop(schedules.insert(schedule, Some(answer))),
                Err(error) if is_closed(&error) => {}
                Err(error) => {
                    schedules.insert(schedule, None);
                    reading.failure.get_or_insert(error);
                }
            }
        }
        reading.readings.schedules = schedules;
        reading
    }

    /// What the resources offer on these days, as far as the reading tells.
    pub(super) fn days(&self, reading: &Reading, offering: &Offering, resources: &[Resource], days: Days) -> ReadDays {
        let own = self.shared.ledger.own_bookings(None);
        let question = self.question(&reading.readings, offering, &own);
        ReadDays { began: reading.began, days: availability::days(&question, resources, days) }
    }

    fn question<'a>(
        &'a self,
        readings: &'a Readings,
        offering: &Offering,
        own: &'a [availability::OwnBooking],
    ) -> Question<'a> {
        Question {
            zones: offering.zones,
            readings,
            own,
            rosters: &self.rosters,
            clinician_doubt: match self.settings.sync.clinician_doubt {
                crate::config::ClinicianDoubt::Offer => ClinicianDoubt::Offer,
                crate::config::ClinicianDoubt::Withhold => ClinicianDoubt::Withhold,
            },
            moment: Moment { now: self.now(), min_notice: self.min_notice() },
        }
    }

    /// The desk's look at a place: what the diary says of it this moment.
    pub(super) async fn look(&self, entry: &Entry, place: &Place) -> Look {
        let Some(offering) = self.offering() else { return Look::Unreachable(say::NEVER_READ.into()) };
        let resource = as_booked(place);
        let days = Days::one(offering.zones.practice.wall(place.span.start).date());
        let reading = self.read(&self.openvpms.desk, &offering, std::slice::from_ref(&resource), days).await;
        if let Some(error) = reading.failure {
            self.openvpms_failed(&error);
            return Look::Unreachable(error.to_string());
        }
        let own = self.shared.ledger.own_bookings(Some(entry.booking_id));
        let question = self.question(&reading.readings, &offering, &own);
        match availability::look(&question, &resource, place.span) {
            None => Look::Closed(say::SCHEDULE_CLOSED.into()),
            Some(look) => Look::Seen {
                began: reading.began,
                taken: taken(look.busy, look.free),
                refusal: look.refusal.map(|reason| say::refusal(reason).into()),
            },
        }
    }
}

/// The resource of a place as far as a look needs it, also when it is no longer offered.
fn as_booked(place: &Place) -> Resource {
    Resource {
        id: place.resource(),
        location: place.location,
        name: String::new(),
        clinician: None,
        slot_size_minutes: 1,
        types: Vec::new(),
    }
}

/// True if the server says that a schedule is no longer there for us.
pub(super) fn is_closed(error: &CallError) -> bool {
    error.is_refusal(400, SCHEDULE_NOT_AVAILABLE) || (error.class == ErrorClass::Refused && error.status == Some(404))
}

/// How much of a slot is taken. An appointment of ours takes all of it, so any free minute shows that it does not stand; without
/// one, time outside opening hours can hide it.
fn taken(busy: Share, free: Share) -> Taken {
    match (busy, free) {
        (Share::All, _) => Taken::All,
        (Share::None, Share::Part | Share::All) => Taken::None,
        (Share::Part, Share::Part | Share::All) => Taken::Part,
        (Share::None | Share::Part, Share::None) => Taken::Unseen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_minute_shows_that_an_appointment_of_ours_does_not_stand_and_closed_time_shows_nothing() {
        assert_eq!(taken(Share::All, Share::None), Taken::All);
        assert_eq!(taken(Share::None, Share::All), Taken::None);
        assert_eq!(taken(Share::None, Share::Part), Taken::None);
        assert_eq!(taken(Share::Part, Share::Part), Taken::Part);
        assert_eq!(taken(Share::None, Share::None), Taken::Unseen);
        assert_eq!(taken(Share::Part, Share::None), Taken::Unseen);
    }
}
