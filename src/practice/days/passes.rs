//! When availability is read and sent: near days often, the rest of the horizon now and then, all
//! of it once a day ([`crate::publishing::full_resync`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::NaiveDate;
use parking_lot::Mutex;

use super::publisher::Publisher;
use crate::availability::Days;
use crate::availability::openness::Openness;
use crate::backoff::Backoff;
use crate::call_error::{Answer, CallError, ErrorClass};
use crate::messages::configuration_sync as configuration_say;
use crate::practice::booking_executor::watch::DiaryWatch;
use crate::practice::configuration::accepted::AcceptedConfiguration;
use crate::practice::context::Context;
use crate::practice::health::attempts::Attempt;
use crate::practice::health::readings::ReadingHealth;
use crate::practice::offering::Offering;
use crate::practice::reading::{DiaryReader, each_day};
use crate::practice::round_error::RoundError;
use crate::publishing::full_resync;
use crate::publishing::reading_times::{DueReading, ReadingTimes};
use crate::publishing::{ReadDays, SendIf};
use crate::supervisor;

/// Days beyond the near ones that could not be read or sent are tried again after this at the
/// soonest.
const FAR_RETRY: Duration = Duration::from_secs(60);
/// So many resources are read, sent and let go of at one time: what is in memory does not grow with
/// the practice.
pub(in crate::practice) const READ_IN_ONE_PART: usize = 100;
/// Between two calls while OpenVPMS answers 401.
const CREDENTIALS_DELAY: Duration = Duration::from_secs(60);

/// Reads and sends all days in turn.
pub(in crate::practice) struct DayPasses {
    pub(super) context: Arc<Context>,
    readings: Arc<ReadingHealth>,
    pub(super) reader: Arc<DiaryReader>,
    publisher: Arc<Publisher>,
    accepted: Arc<AcceptedConfiguration>,
    /// Hears where our appointments seem to be gone.
    watch: Arc<DiaryWatch>,
    /// What is offered and has no open time.
    pub(super) openness: Mutex<Openness>,
}

impl DayPasses {
    pub(in crate::practice) fn new(
        context: Arc<Context>,
        readings: Arc<ReadingHealth>,
        reader: Arc<DiaryReader>,
        publisher: Arc<Publisher>,
        accepted: Arc<AcceptedConfiguration>,
        watch: Arc<DiaryWatch>,
    ) -> Self {
        Self { context, readings, reader, publisher, accepted, watch, openness: Mutex::default() }
    }

    /// Reads and sends until the practice stops.
    pub(in crate::practice) async fn availability_loop(self: Arc<Self>) {
        let sync = &self.context.settings.sync;
        let mut backoff = self.context.backoff(Duration::from_secs(1));
        // The first reading takes the whole horizon at one call per schedule.
        let (near_interval, far_interval) = (sync.availability_interval, sync.far_availability_interval);
        let mut times = ReadingTimes::all_at(now(), near_interval, far_interval);
        // A day that somebody else failed to read, as a look for a booking does, does not wait for
        // the far interval.
        let mut far_again_at = times.far_at;
        let mut offering_changes = self.context.offering.subscribe();
        let configured = &self.context.milestones.configured;
        let mut clock = self.context.shared.leaps.listen();
        loop {
            let Some((offering, sends)) = self.to_be_read() else {
                let offered = supervisor::rest(async {
                    tokio::select! {
                        biased;
                        () = self.context.stop.cancelled() => false,
                        () = offering_changes.changed() => true,
                        &() = configured.wait(), if !configured.initialized() => true,
                    }
                });
                if !offered.await {
                    return;
                }
                continue;
            };
            times.are_apart = self.readings.has_unread_days();
            if times.are_apart {
                times.far_at = times.far_at.min(far_again_at);
            }
            let resync_is_due = sends && self.full_resync_is_due(&offering);
            if resync_is_due {
                times.all_now(now());
            }
            let days = self.context.horizon(&offering);
            // The far days of what Healthengine does not take are not worth a reading.
            let due = times.due(now()).filter(|due| sends || due.has_near());
            let due = if sends { due } else { due.map(|_| DueReading::Near) };
            if let Some(due) = due {
                let window = match due {
                    DueReading::All => days,
                    DueReading::Near => Days { count: days.count.min(sync.near_days), ..days },
                    DueReading::Far => days.skip(sync.near_days),
                };
                let (practice, days) = (self.context.id(), window.count);
                tracing::trace!(%practice, first = %window.first, days, ?due, sends, "reading");
                if due == DueReading::All && resync_is_due {
                    self.publisher.sent.begin_full_resync(self.context.now());
                }
                let outcome = self.read_and_send(&offering, window, sends).await;
                if due.has_near() && sends {
                    let _again = self.context.milestones.days_sent.set(());
                }
                let far_retry = far_interval.min(near_interval.max(FAR_RETRY));
                let (near_wait, far_wait) = match outcome {
                    Ok(()) => {
                        backoff.reset();
                        (near_interval, far_interval)
                    }
                    // The diary is the same for a Healthengine that is away: reading it more often
                    // helps nobody.
                    Err(RoundError::Healthengine(_) | RoundError::NoZone) => (near_interval, far_retry),
                    Err(RoundError::OpenVpms(error)) => {
                        let retry = self.retry_after(&error, &mut backoff);
                        (retry.min(near_interval), far_retry)
                    }
                };
                if due.has_near() {
                    times.near_at = now() + near_wait;
                }
                if due.has_far() {
                    (times.far_at, far_again_at) = (now() + far_wait, now() + far_retry);
                }
            }
            let next = if sends { times.next() } else { times.near_at };
            let woken = supervisor::rest(async {
                tokio::select! {
                    biased;
                    () = self.context.stop.cancelled() => None,
                    () = tokio::time::sleep_until(next.into()) => Some(false),
                    // New resources are offered at once.
                    () = offering_changes.accepted_changed() => Some(true),
                    () = clock.leaped() => Some(true),
                }
            });
            match woken.await {
                None => return,
                Some(true) => times.all_now(now()),
                Some(false) => {}
            }
        }
    }

    /// What is read, and whether its days are sent. A Healthengine that does not take the
    /// configuration is sent no days, but that is no reason not to know whether the diary can be
    /// read.
    fn to_be_read(&self) -> Option<(Arc<Offering>, bool)> {
        let accepted = self.context.offering.accepted().map(|offering| (offering, true));
        accepted.or_else(|| {
            let tried = self.context.milestones.configured.initialized();
            self.context.offering.current().filter(|_| tried).map(|offering| (offering, false))
        })
    }

    fn retry_after(&self, error: &CallError, backoff: &mut Backoff) -> Duration {
        let wanted = error.pause();
        let own = if error.class == ErrorClass::Credentials { CREDENTIALS_DELAY } else { backoff.next_delay() };
        own.max(wanted)
    }

    /// True if every day is to be sent again by now.
    fn full_resync_is_due(&self, offering: &Offering) -> bool {
        let now = self.context.now();
        let last = self.publisher.sent.full_resync_that_counts(now);
        full_resync::is_due(last, self.context.settings.sync.full_resync_at, &offering.zones.practice, now)
    }

    /// The practice's day by Healthengine's clock, unless this machine's clock was set since its
    /// last answer.
    fn today_at_healthengine(&self, offering: &Offering) -> Option<NaiveDate> {
        let now = self.context.now();
        let theirs = now.checked_add_signed(self.context.healthengine.sure_clock_difference(now)?)?;
        Some(offering.zones.practice.wall(theirs).date())
    }

    /// One reading and what follows from it.
    async fn read_and_send(
        self: &Arc<Self>,
        offering: &Arc<Offering>,
        days: Days,
        sends: bool,
    ) -> Result<(), RoundError> {
        let resources = &offering.mapping.resources;
        let began = self.context.now();
        let (mut unread, mut unsent, mut suspects) = (None, None, BTreeMap::new());
        let mut superseded = false;
        // Part by part: a large practice is read for minutes, and its first days need not wait for
        // the last.
        for part in resources.chunks(READ_IN_ONE_PART) {
            superseded = !self.to_be_read().is_some_and(|(present, _)| Arc::ptr_eq(&present, offering));
            if superseded {
                break;
            }
            let reading = self.reader.read(&self.context.openvpms.background, offering, part, days).await;
            let place = self.context.shared.pass_places.take();
            let _place = self.context.stop.run_until_cancelled(place).await.flatten();
            self.watch.add_suspects(&reading, &mut suspects);
            self.note_openness(&reading, offering, part, days);
            if unsent.is_none() && sends {
                let read = each_day(&reading.readings, self.reader.days(&reading, offering, part, days));
                unsent = self.publisher.publish_each(read, SendIf::Changed, &|_| {}).await.err();
            }
            let nothing_answered = reading.nothing_answered();
            if let Some(error) = reading.failure {
                unread.get_or_insert(error);
                // The others would only wait too.
                if nothing_answered {
                    break;
                }
            }
        }
        self.watch.ask_for_suspects(offering, suspects);
        // The diary was read, whatever Healthengine made of it.
        if !superseded && unread.is_none() {
            let is_near = days.first == self.context.horizon(offering).first;
            if is_near {
                self.context.health.note(Attempt::Reading);
            }
            self.readings.read_in_full(days, began);
            if is_near {
                self.context.last_done.lock().read_at = Some(began);
            }
        }
        // After the reading is noted: a problem of the practice before a reload ends with it.
        self.tell_openness(offering);
        if let Some(error) = unsent {
            return Err(RoundError::Healthengine(error));
        }
        if sends {
            self.empty_what_is_left(offering).await.map_err(RoundError::Healthengine)?;
        }
        unread.filter(|_| !superseded).map_or(Ok(()), |error| Err(RoundError::OpenVpms(error)))
    }

    /// Days beyond a horizon that came nearer are not kept up to date any more and go out empty.
    /// What is past, and what went with its resource, is forgotten; days of a resource that
    /// Healthengine still has are not, for a farewell empties them.
    async fn empty_what_is_left(&self, offering: &Offering) -> Answer<()> {
        let horizon = self.context.horizon(offering);
        let known = self.accepted.resources_at_healthengine();
        // By a clock that is days ahead all days are past, and a farewell could not empty them any
        // more.
        let past_by_both_clocks = self.today_at_healthengine(offering).map(|today| horizon.first.min(today));
        let is_past = |date| past_by_both_clocks.is_some_and(|first| date < first);
        self.publisher.forget_days(|resource, date| known.contains(&resource) && !is_past(date));
        let is_offered = |resource| offering.mapping.resource(resource).is_some();
        let mut days = self.publisher.sent.emptied();
        // A day beyond the horizon is sent once more if Healthengine may have something of it.
        let is_sent: BTreeSet<_> = days.iter().map(|day| (day.resource, day.date)).collect();
        self.publisher.unsent_now(|unsent| {
            unsent.keep(|resource, date| {
                let is_beyond = horizon.first <= date && is_sent.contains(&(resource, date));
                is_offered(resource) && (horizon.holds(date) || is_beyond)
            });
        });
        days.retain(|day| !horizon.holds(day.date) && is_offered(day.resource));
        let began = self.context.now();
        let offered = self.publisher.changed(&ReadDays { began, days: days.clone() }, SendIf::Changed).len();
        if offered > 0 {
            tracing::info!(practice = %self.context.id(), "{}", configuration_say::beyond_the_horizon(offered));
        }
        self.publisher.publish(ReadDays { began: self.context.now(), days }, SendIf::Changed, &|_| {}).await?;
        Ok(())
    }
}

/// By tokio's clock, which a simulation can pause.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
