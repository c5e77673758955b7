//! Reads free/busy for some resources and days. What could not be read is said, and nothing is
//! concluded from it.
//!
//! Clinicians are read before schedules, at all locations where they work, and then every schedule
//! of theirs: see [`crate::availability::roster`] for why the order matters.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt as _;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use super::Offering;
use super::context::Context;
use super::health::readings::ReadingHealth;
use super::kept_readings::{KeptReading, KeptReadings};
use super::offering::early_inventory::EarlyInventory;
use crate::availability::rules::RulesInForce;
use crate::availability::unread::DiarySource;
use crate::availability::{
    self, ClinicianDoubt, Days, Moment, Question, Readings, ResourceDay, Rosters, ScheduleReading, UserReading, learn,
    roster_schedules, window,
};
use crate::booking::entry::{Entry, Place};
use crate::booking::machine::{SlotLook, SlotTaken};
use crate::booking::remote_answers::{is_not_found, is_schedule_closed, slot_taken};
use crate::call_error::{Answer, CallError, ErrorClass};
use crate::config;
use crate::ids::{BookingId, LocationId, ResourceId, ScheduleId, UserId};
use crate::mapping::Resource;
use crate::messages::practice as say;
use crate::openvpms::{FreeBusy, OpenVpmsReader, UserFreeBusy};
use crate::publishing::{ReadDay, ReadDays};
use crate::span::Span;

/// So many answers are waited for at one time. OpenVPMS computes free/busy from its database; a
/// clinic's server is no data centre.
const READ_AT_ONCE: usize = 4;

/// When a question left. If the clock is set before its answer comes, the earlier of what it showed
/// then and of what it says now counts: what seems to have been asked earlier only says less.
#[derive(Debug, Clone, Copy)]
struct Left {
    shown: DateTime<Utc>,
    since: Instant,
}

/// When answers were there, by both clocks.
#[derive(Debug, Clone, Copy)]
struct Heard {
    at: Instant,
    shown: DateTime<Utc>,
}

impl Left {
    /// As far as its answers tell. What was asked the moment after something else has to stay after
    /// it: each clock is read once, however long the answers are worked through, and in the order
    /// in which a pause between the two makes nothing seem asked earlier.
    fn at(self, heard: Heard) -> DateTime<Utc> {
        let elapsed = TimeDelta::from_std(heard.at - self.since).unwrap_or(TimeDelta::MAX);
        heard.shown.checked_sub_signed(elapsed).map_or(self.shown, |left| left.min(self.shown))
    }
}

/// A reading of some days.
pub(super) struct Reading {
    /// When it began.
    pub(super) began: DateTime<Utc>,
    /// What was read.
    pub(super) readings: Arc<Readings>,
    /// Clinicians whom OpenVPMS does not offer any more, and at which of their locations.
    pub(super) absent: BTreeSet<(UserId, LocationId)>,
    /// What went wrong, if anything did; the first of several.
    pub(super) failure: Option<CallError>,
    /// Each part that was asked for, and what went wrong with it.
    outcomes: Vec<(DiarySource, Option<CallError>)>,
}

impl Reading {
    fn beginning(began: DateTime<Utc>) -> Self {
        Self { began, readings: Arc::default(), absent: BTreeSet::new(), failure: None, outcomes: Vec::new() }
    }

    /// True if no schedule could be read.
    pub(super) fn nothing_answered(&self) -> bool {
        self.readings.schedules.values().all(Option::is_none)
    }
}

/// Reads free/busy for one practice.
pub(super) struct DiaryReader {
    context: Arc<Context>,
    pub(super) readings: Arc<ReadingHealth>,
    pub(super) early: EarlyInventory,
    /// The latest readings.
    pub(super) kept: KeptReadings,
    /// One day at a time is read because somebody asks why a time is missing.
    pub(super) explaining: AsyncMutex<()>,
}

impl DiaryReader {
    pub(super) fn new(context: Arc<Context>, readings: Arc<ReadingHealth>) -> Self {
        let early = EarlyInventory::new(Arc::clone(&context), Arc::clone(&readings));
        Self { context, readings, early, kept: KeptReadings::default(), explaining: AsyncMutex::default() }
    }

    /// Reads what the days of these resources depend on. Nothing comes of a reading that the
    /// practice's stop breaks off.
    pub(super) async fn read(
        &self,
        server: &OpenVpmsReader,
        offering: &Offering,
        resources: &[Resource],
        days: Days,
    ) -> Reading {
        let began = self.context.now();
        let whole = self.read_on(server, offering, resources, days);
        self.context.stop.run_until_cancelled(whole).await.unwrap_or_else(|| {
            let mut broken_off = Reading::beginning(began);
            let unread = resources.iter().map(|resource| (resource.id.schedule, None));
            Arc::make_mut(&mut broken_off.readings).schedules = unread.collect();
            broken_off.failure = Some(CallError::new(ErrorClass::NotSent, say::STOPPING));
            broken_off
        })
    }

    async fn read_on(
        &self,
        server: &OpenVpmsReader,
        offering: &Offering,
        resources: &[Resource],
        days: Days,
    ) -> Reading {
        let span = window(days, &offering.zones);
        let left = self.question_leaves();
        let mut reading = Reading::beginning(left.shown);
        let users: BTreeSet<UserId> = resources.iter().filter_map(|resource| resource.id.user).collect();
        self.read_users(server, offering, users, span, &mut reading).await;
        let mut schedules: BTreeSet<ScheduleId> = resources.iter().map(|resource| resource.id.schedule).collect();
        {
            let rosters = self.context.shared.rosters.locked();
            for (&user, times) in &reading.readings.users {
                schedules.extend(roster_schedules(user, times, &rosters).intersection(&offering.listed));
            }
        }
        self.read_schedules(server, offering, schedules, span, &mut reading).await;
        self.context.shared.rosters.learn(|rosters| learn(rosters, &reading.readings, &offering.zones.server));
        for (source, error) in &reading.outcomes {
            self.readings.heard(*source, Some(days), error.as_ref().map_or(Ok(()), Err));
        }
        reading.began = left.at(self.answers_are_here());
        self.kept.keep(KeptReading { days, began: reading.began, readings: Arc::clone(&reading.readings) });
        reading
    }

    fn question_leaves(&self) -> Left {
        let shown = self.context.now();
        Left { shown, since: Instant::now() }
    }

    fn answers_are_here(&self) -> Heard {
        let at = Instant::now();
        Heard { at, shown: self.context.now() }
    }

    /// One call per clinician and location. A clinician counts as read if every location answered.
    async fn read_users(
        &self,
        server: &OpenVpmsReader,
        offering: &Offering,
        users: BTreeSet<UserId>,
        span: Span,
        reading: &mut Reading,
    ) {
        let question = availability::window::question(span, &offering.zones.server);
        let asked: Vec<(UserId, LocationId)> = users
            .iter()
            .flat_map(|user| offering.user_locations.get(user).into_iter().flatten().map(|location| (*user, *location)))
            .collect();
        let asked = asked.into_iter().map(|(user, location)| async move {
            (user, location, server.user_free_busy(user, location, question).await)
        });
        let answers: Vec<(UserId, LocationId, Answer<UserFreeBusy>)> =
            futures_util::stream::iter(asked).buffer_unordered(READ_AT_ONCE).collect().await;
        let mut unread = BTreeSet::new();
        let mut times: BTreeMap<UserId, Vec<UserFreeBusy>> = users.into_iter().map(|user| (user, Vec::new())).collect();
        for (user, location, answer) in answers {
            let source = DiarySource::Clinician(user, location);
            reading.outcomes.push((source, answer.as_ref().err().filter(|error| !is_not_found(error)).cloned()));
            match answer {
                Ok(answer) => times.entry(user).or_default().push(answer),
                // Gone, or working there no longer: no free time there.
                Err(error) if is_not_found(&error) => {
                    reading.absent.insert((user, location));
                }
                Err(error) => {
                    reading.failure.get_or_insert(error);
                    unread.insert(user);
                }
            }
        }
        let ended = self.context.now();
        let whole = times.into_iter().filter(|(user, _)| !unread.contains(user));
        let users = whole.map(|(user, answers)| (user, UserReading::new(span, ended, answers))).collect();
        Arc::make_mut(&mut reading.readings).users = users;
    }

    /// One call per schedule.
    async fn read_schedules(
        &self,
        server: &OpenVpmsReader,
        offering: &Offering,
        schedules: BTreeSet<ScheduleId>,
        span: Span,
        reading: &mut Reading,
    ) {
        let question = availability::window::question(span, &offering.zones.server);
        let asked = schedules.into_iter().map(|schedule| async move {
            let left = self.question_leaves();
            (schedule, left, server.schedule_free_busy(schedule, question).await)
        });
        let answers: Vec<(ScheduleId, Left, Answer<FreeBusy>)> =
            futures_util::stream::iter(asked).buffer_unordered(READ_AT_ONCE).collect().await;
        // Some waited for others, and the clock can have been set meanwhile.
        let heard = self.answers_are_here();
        let schedules = &mut Arc::make_mut(&mut reading.readings).schedules;
        for (schedule, left, answer) in answers {
            let answer = answer.map(|answer| ScheduleReading::new(span, left.at(heard), answer));
            let failure = answer.as_ref().err().filter(|error| !is_schedule_closed(error)).cloned();
            reading.outcomes.push((DiarySource::Schedule(schedule), failure));
            match answer {
                Ok(answer) => drop(schedules.insert(schedule, Some(answer))),
                Err(error) if is_schedule_closed(&error) => {}
                Err(error) => {
                    schedules.insert(schedule, None);
                    reading.failure.get_or_insert(error);
                }
            }
        }
    }

    /// What the resources offer on these days, as far as the reading tells.
    pub(super) fn days(&self, reading: &Reading, offering: &Offering, resources: &[Resource], days: Days) -> ReadDays {
        let days =
            self.asking(&reading.readings, offering, None, |question| availability::days(question, resources, days));
        ReadDays { began: reading.began, days }
    }

    /// Asks about a reading. `but` is the booking that asks, whose own appointment is none to it.
    pub(super) fn asking<T>(
        &self,
        readings: &Readings,
        offering: &Offering,
        but: Option<BookingId>,
        ask: impl FnOnce(&Question<'_>) -> T,
    ) -> T {
        self.asking_with(&self.context.shared.rosters.locked(), readings, offering, but, ask)
    }

    /// The same with these rosters.
    pub(super) fn asking_with<T>(
        &self,
        rosters: &Rosters,
        readings: &Readings,
        offering: &Offering,
        but: Option<BookingId>,
        ask: impl FnOnce(&Question<'_>) -> T,
    ) -> T {
        let (ledger, rules) = (&self.context.shared.ledger, &self.context.config.rules);
        let within = readings.window();
        let own = within.map_or_else(Vec::new, |within| ledger.own_bookings(but, &within, self.context.now()));
        let is_counted = rules.iter().any(|rule| rule.max_per_day.is_some());
        let counted = if is_counted { ledger.counted_bookings(but, &offering.zones.practice) } else { Vec::new() };
        ask(&Question {
            zones: offering.zones,
            readings,
            own: &own,
            rosters,
            clinician_doubt: match self.context.settings.sync.clinician_doubt {
                config::ClinicianDoubtSetting::Offer => ClinicianDoubt::Offer,
                config::ClinicianDoubtSetting::Withhold => ClinicianDoubt::Withhold,
            },
            moment: Moment { now: self.context.now(), min_notice: self.context.min_notice() },
            rules: RulesInForce { rules, counted: &counted },
        })
    }

    /// The booking executor's look at a place: what the diary says of it this moment, and the
    /// reading of its whole day that says so. Whether the pet owner was offered a time that a rule
    /// withholds is not judged here.
    pub(super) async fn look(&self, entry: &Entry, place: &Place, hurry: bool) -> (SlotLook, Option<Reading>) {
        let offering = match self.early.offering_for(Some(place.schedule), hurry).await {
            Ok(offering) => offering,
            Err(error) => return (SlotLook::Unreachable(error.to_string()), None),
        };
        let began = self.context.measured().now;
        let resource = as_booked(place);
        let days = Days::one(offering.zones.practice.wall(place.span.start).date());
        let reading = match self.read_for_look(offering.as_ref(), &resource, days).await {
            Ok(reading) => reading,
            Err(error) => return (SlotLook::Unreachable(error.to_string()), None),
        };
        if hurry {
            // What it decides is written before the POST.
            self.context.shared.ledger.expect_save();
        }
        let judged_by = (place.appointment_type, offering.mapping.resource(place.resource()));
        let seen = self.asking(&reading.readings, &offering, Some(entry.booking_id), |question| {
            availability::look(question, &resource, place.span, judged_by)
        });
        // Another schedule of the clinician's that could not be read is no obstacle: the rule knows
        // what to make of it.
        let Some(look) = seen else {
            return match reading.failure {
                Some(error) => (SlotLook::Unreachable(error.to_string()), None),
                None => {
                    // What is offered is no longer right.
                    self.context.signals.configuration.soon();
                    (SlotLook::Closed(say::SCHEDULE_CLOSED.into()), None)
                }
            };
        };
        let complete_since = self.context.shared.store.meta().complete_since();
        let seen_taken = slot_taken(look.busy, look.free);
        let by_another = seen_taken == SlotTaken::All
            && self.context.shared.ledger.another_stands(entry.booking_id, place, complete_since);
        let absent = place.user.is_some_and(|user| reading.absent.contains(&(user, place.location)));
        let refusal =
            look.refusal.map(|reason| if absent { say::CLINICIAN_ABSENT } else { say::refusal(reason) }.into());
        let taken = if by_another { SlotTaken::ByAnother } else { seen_taken };
        (SlotLook::Seen { began, taken, refusal, withheld: look.withheld }, Some(reading))
    }
}

impl DiaryReader {
    /// Reads what a look depends on. Where a clinician works is asked at the same time: the
    /// configuration knows it from its last interval, and they may have an appointment at a
    /// location that is theirs since.
    async fn read_for_look(&self, offering: &Offering, resource: &Resource, days: Days) -> Answer<Reading> {
        let (server, resources) = (&self.context.openvpms.interactive, std::slice::from_ref(resource));
        let Some(user) = resource.id.user else { return Ok(self.read(server, offering, resources, days).await) };
        let (reading, locations) =
            tokio::join!(self.read(server, offering, resources, days), server.user_locations(user));
        let places = DiarySource::Places(user);
        let locations: BTreeSet<LocationId> = match locations {
            Ok(locations) => locations.iter().map(|location| location.id).collect(),
            Err(error) if is_not_found(&error) => BTreeSet::new(),
            Err(error) => {
                self.readings.heard(places, None, Err(&error));
                return Err(error);
            }
        };
        let known = offering.user_locations.get(&user).cloned().unwrap_or_default();
        if known == locations {
            self.readings.heard(places, None, Ok(()));
            return Ok(reading);
        }
        self.context.signals.configuration.soon();
        let mut present = offering.clone();
        for location in locations.difference(&known) {
            let schedules = server.schedules(*location).await;
            let schedules = schedules.inspect_err(|error| self.readings.heard(places, None, Err(error)))?;
            present.listed.extend(schedules.iter().map(|schedule| schedule.id));
        }
        self.readings.heard(places, None, Ok(()));
        let left = !locations.contains(&resource.location);
        present.user_locations.insert(user, locations);
        let mut reading = self.read(server, &present, resources, days).await;
        if left {
            reading.absent.insert((user, resource.location));
        }
        Ok(reading)
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

/// The days of a long reading, which asks for its schedules one after the other: each from when its
/// own schedule was asked for. A clinician's day comes from several questions, and counts from when
/// the first of all left.
pub(super) fn each_day(readings: &Readings, read: ReadDays) -> Vec<ReadDay> {
    let began = |resource: ResourceId| match resource.user {
        None => readings.schedule(resource.schedule).map_or(read.began, |schedule| schedule.began),
        Some(_) => read.began,
    };
    let day = |day: ResourceDay| {
        let began = began(day.resource);
        ReadDay { began, as_of: began, day }
    };
    read.days.into_iter().map(day).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[tokio::test(start_paused = true)]
    async fn a_question_that_left_by_a_clock_that_was_ahead_left_as_long_ago_as_it_did() {
        let shown = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let left = Left { shown, since: Instant::now() };
        tokio::time::advance(std::time::Duration::from_secs(5)).await;
        let (second, hour) = (TimeDelta::seconds(1), TimeDelta::hours(1));
        for (now, expected) in [
            (shown + second * 5, shown),
            (shown - hour + second * 5, shown - hour),
            // Set forward, or the machine slept: it seems older than it is.
            (shown + hour + second * 5, shown),
        ] {
            assert_eq!(left.at(Heard { at: Instant::now(), shown: now }), expected, "{now}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn how_long_answers_are_worked_through_makes_no_question_seem_asked_earlier() {
        let clock = Clock::virtual_from(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        let pause = || tokio::time::advance(std::time::Duration::from_millis(1));
        let shown = clock.now();
        pause().await;
        let left = Left { shown, since: Instant::now() };
        tokio::time::advance(std::time::Duration::from_secs(5)).await;
        let at = Instant::now();
        pause().await;
        let heard = Heard { at, shown: clock.now() };
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
        assert_eq!(left.at(heard), shown);
    }

    #[test]
    fn a_day_of_a_long_reading_counts_from_when_its_own_schedule_was_asked_for() {
        let at = |seconds: i64| DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap();
        let reading =
            |began| ScheduleReading { window: Span::new(at(0), at(86_400)), began, free: Vec::new(), busy: Vec::new() };
        let mut readings = Readings::default();
        readings.schedules.insert(ScheduleId(211), Some(reading(at(18))));
        let day = |schedule, user| ResourceDay {
            resource: ResourceId { schedule: ScheduleId(schedule), user },
            date: at(0).date_naive(),
            day: crate::availability::Day::empty(15),
        };
        let days = vec![day(211, None), day(211, Some(UserId(7))), day(136, None)];
        let began: Vec<_> = each_day(&readings, ReadDays { began: at(0), days })
            .into_iter()
            .map(|day| (day.began, day.as_of))
            .collect();
        assert_eq!(began, [(at(18), at(18)), (at(0), at(0)), (at(0), at(0))]);
    }
}
