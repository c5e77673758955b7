//! Telling Healthengine what differs from what it was told ([`sent_days`](super::sent_days)).
//!
//! One snapshot of a resource and day is in flight at a time: whoever publishes holds a lock for one call, decides *then* what
//! differs, and notes what was accepted before the next. So a fresh day after a booking overtakes a long reading between two of
//! its calls, and the older reading does not undo it: a day is never replaced by one that was read earlier. Where the earlier one
//! says something else, the day is read again.
//!
//! A call that fails ends the pass: the server does not take days. One that fails again and again while Healthengine answers polls is
//! taken apart, and what fails alone is put aside ([`put_aside`](super::put_aside)), so that one day holds up no other.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use tokio::time::Instant;

use super::Practice;
use super::batches::{self, Apart, Next, Waiting};
use super::calls::{Call, Calls};
use super::health::Subject;
use super::put_aside::{Aside, FAILED_PARTS_MAX, can_be_about_the_days};
use super::sent_days::{Key, QUEUE_TIME, Told};
use super::unsent::Unsent;
use crate::availability::{self, DayChange, Moment, ResourceDay};
use crate::dates;
use crate::healthengine::{AvailabilitySnapshot, BatchOutcome};
use crate::messages::practice as say;
use crate::remote::{Answer, CallError, ErrorClass};

/// Days read at one time, ready to be sent.
#[derive(Debug, Clone)]
pub(super) struct ReadDays {
    /// When the reading began.
    pub(super) began: DateTime<Utc>,
    /// The days.
    pub(super) days: Vec<ResourceDay>,
}

/// One day with when the reading began that it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReadDay {
    /// When the reading began.
    pub(super) began: DateTime<Utc>,
    /// From when on the day is so: when the reading began, or when an appointment of ours was made that was added to it. Readings
    /// that began between the two need not show that one.
    pub(super) as_of: DateTime<Utc>,
    /// The day.
    pub(super) day: ResourceDay,
}

/// What is sent of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// What differs from what was accepted.
    Changed,
    /// All of it.
    All,
}

/// What is to be done with one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Send,
    Leave,
    /// It is to be sent, and waits because calls fail for it alone.
    PutAside,
    /// It was read before what Healthengine has, and differs from that.
    Overtaken,
}

/// What came of publishing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Published {
    /// How many days were accepted.
    pub(super) accepted: usize,
    /// How many were refused.
    pub(super) refused: usize,
}

/// What came of one call.
enum Sent {
    /// The answer says what became of each snapshot.
    Answered(BatchOutcome),
    /// It was refused as a whole, and its snapshots are sent otherwise.
    Apart(Apart),
    /// It failed, and so would the others.
    Failed(CallError),
}

impl Practice {
    /// The days of a reading that differ from what Healthengine was told.
    pub(super) fn changed(&self, read: &ReadDays, which: Which) -> Vec<ResourceDay> {
        let now = self.now();
        let sent = |day: &&ResourceDay| self.judge(day, read.began, which, now) == Verdict::Send;
        read.days.iter().filter(sent).cloned().collect()
    }

    fn judge(&self, day: &ResourceDay, read_at: DateTime<Utc>, which: Which, now: DateTime<Utc>) -> Verdict {
        let told = self.publisher.told();
        let told = told.get(&(day.resource, day.date));
        let moment = Moment { now, min_notice: self.min_notice() };
        let change = availability::compare(told.map(|told| &told.sent), &day.day, day.date, moment, &self.zone());
        let is_older = |told: &Told| dates::age(told.read_at, now).is_some() && read_at < told.read_at;
        if told.is_some_and(is_older) {
            return if change == DayChange::Same { Verdict::Leave } else { Verdict::Overtaken };
        }
        let (key, measured) = ((day.resource, day.date), self.measured());
        let aside = &self.publisher.aside;
        let is_sent_again = |told: &Told| {
            self.publisher.is_in_doubt(key, told.sent.at, now, &measured)
                || !told.sent.accepted && aside.look(|aside| aside.refused_is_due(key, Instant::now()))
        };
        if which == Which::All {
            return Verdict::Send;
        }
        if change == DayChange::Same && !told.is_some_and(is_sent_again) {
            return Verdict::Leave;
        }
        let waits = aside.look(|aside| aside.fails_and_waits(key, Instant::now()));
        if waits { Verdict::PutAside } else { Verdict::Send }
    }

    pub(super) fn min_notice(&self) -> TimeDelta {
        TimeDelta::from_std(self.settings.sync.min_notice).unwrap_or_default()
    }

    /// Sends days of one reading, soonest first, in batches. `progress` hears of each day that is dealt with.
    pub(super) async fn publish(
        &self,
        read: ReadDays,
        which: Which,
        progress: &(dyn Fn(usize) + Sync),
    ) -> Answer<Published> {
        let ReadDays { began, days } = read;
        self.publish_each(days.into_iter().map(|day| ReadDay { began, as_of: began, day }).collect(), which, progress)
            .await
    }

    /// Sends days of several readings.
    pub(super) async fn publish_each(
        &self,
        mut days: Vec<ReadDay>,
        which: Which,
        progress: &(dyn Fn(usize) + Sync),
    ) -> Answer<Published> {
        days.sort_by_key(|read| (read.day.date, read.day.resource));
        days.dedup_by_key(|read| (read.day.date, read.day.resource));
        if let Some(refusal) = self.refusal_of(Call::Snapshots) {
            self.note_unsent(days, which, &refusal);
            return Err(refusal);
        }
        let mut waiting = Waiting::new(days);
        let mut published = Published::default();
        // Calls that failed one after the other, and whether one was taken apart.
        let (mut failures, mut in_parts) = (0, false);
        // Days for which a call failed that held no other.
        let mut alone: Option<(Vec<Key>, CallError)> = None;
        loop {
            let turn = self.publisher.turn().await;
            if self.stop.is_cancelled() {
                return Err(CallError::new(ErrorClass::NotSent, say::STOPPING));
            }
            let (now, size) = (self.now(), self.publisher.batches.size(Instant::now()));
            let sure = self.configuration.sure_types();
            let batch = waiting.take(size.unwrap_or(1), |read| {
                let (resource, date) = (read.day.resource, read.day.date);
                if sure.as_ref().is_some_and(|types| !read.day.is_of(types)) {
                    // Worked out before a list left that has less than the one before it.
                    self.note_due_day(resource, date, which);
                    progress(1);
                    return None;
                }
                match self.judge(&read.day, read.began, which, now) {
                    Verdict::Send if now < self.publisher.free_from(resource, date, now) => {
                        self.note_due_day(resource, date, which);
                    }
                    Verdict::Send => return Some(read),
                    Verdict::Overtaken => self.note_due_day(resource, date, Which::Changed),
                    Verdict::PutAside => {}
                    Verdict::Leave => self.publisher.unsent.note(|unsent| unsent.done(resource, date)),
                }
                progress(1);
                None
            });
            if batch.is_empty() {
                if published.accepted == 0 && published.refused > 0 {
                    self.publisher.aside.note(Aside::none_taken);
                }
                let failure = self.passed(&mut published, alone);
                self.unsent_now(|_| {});
                return failure.map_or(Ok(published), Err);
            }
            let keys: Vec<Key> = batch.iter().map(|read| (read.day.resource, read.day.date)).collect();
            let before = self.note_unheard(&keys).await?;
            let snapshots: Vec<AvailabilitySnapshot> = batch.iter().map(|read| read.day.snapshot()).collect();
            match self.send_call(&snapshots, size.is_some()).await {
                Sent::Apart(apart) => {
                    self.note_heard(&batch, before, &BatchOutcome::default(), None);
                    waiting.put_back(batch, apart);
                }
                Sent::Answered(outcome) => {
                    failures = 0;
                    published.accepted += outcome.accepted.len();
                    published.refused += outcome.failed.len();
                    progress(batch.len());
                    // In this order: a crash between the two leaves a day in doubt, which is sent again.
                    self.note_told(&batch, &outcome);
                    self.note_heard(&batch, before, &outcome, None);
                    self.publisher.unsent.note(|unsent| {
                        batch.iter().for_each(|read| unsent.done(read.day.resource, read.day.date));
                    });
                    // After that: a call for days is not wanted while no day is unsent.
                    self.heard(Call::Snapshots, Ok(()));
                }
                Sent::Failed(error) => {
                    self.note_heard(&batch, before, &BatchOutcome::default(), Some(&error));
                    failures += 1;
                    let is_alone = batch.len() == 1 && waiting.is_empty() && !in_parts;
                    if !is_alone && self.is_about_the_days(&keys, &error, failures) {
                        in_parts = true;
                        if batch.len() > 1 {
                            waiting.put_back(batch, Apart::Halves);
                        } else {
                            progress(batch.len());
                            self.publisher.unsent.note(|unsent| unsent.failed(keys.iter().copied(), &error));
                            let (failed, why) = alone.get_or_insert_with(|| (Vec::new(), error.clone()));
                            failed.extend(keys);
                            *why = error;
                        }
                        drop(turn);
                        // The same days follow.
                        let queue_time = QUEUE_TIME.to_std().unwrap_or_default();
                        let _stopped = self.stop.run_until_cancelled(tokio::time::sleep(queue_time)).await;
                        continue;
                    }
                    progress(batch.len());
                    let _the_same = self.passed(&mut published, alone);
                    self.publisher.unsent.note(|unsent| unsent.failed(keys, &error));
                    self.heard(Call::Snapshots, Err(&error));
                    self.note_unsent(waiting.rest(), which, &error);
                    return Err(error);
                }
            }
        }
    }

    /// A pass is over. What failed alone in it is put aside if others were taken, and is why the pass failed if none was.
    fn passed(&self, published: &mut Published, alone: Option<(Vec<Key>, CallError)>) -> Option<CallError> {
        let (keys, error) = alone?;
        if published.accepted == 0 {
            self.publisher.aside.note(|aside| aside.in_vain(Instant::now()));
            self.heard(Call::Snapshots, Err(&error));
            return Some(error);
        }
        published.refused += keys.len();
        let now = Instant::now();
        self.publisher.aside.note(|aside| keys.iter().for_each(|key| aside.failed_alone(*key, now)));
        for (resource, date) in keys {
            tracing::warn!(practice = %self.id(), "{}", say::day_put_aside(resource, date, &error));
        }
        None
    }

    /// True if a call failed so often for what it holds that it is taken apart.
    fn is_about_the_days(&self, keys: &[Key], error: &CallError, failures: u32) -> bool {
        let polls = self.progress().polled_at.is_some() && !self.calls.look(Calls::poll_fails);
        if !polls || !can_be_about_the_days(error) {
            return false;
        }
        let now = Instant::now();
        self.publisher.aside.note(|aside| {
            let apart = aside.failed(keys, now);
            if apart && failures >= FAILED_PARTS_MAX {
                aside.in_vain(now);
                return false;
            }
            apart
        })
    }

    /// What of these days was to be sent is not.
    fn note_unsent(&self, days: impl IntoIterator<Item = ReadDay>, which: Which, why: &CallError) {
        let now = self.now();
        let days = days.into_iter().filter(|read| self.judge(&read.day, read.began, which, now) == Verdict::Send);
        let days: Vec<Key> = days.map(|read| (read.day.resource, read.day.date)).collect();
        self.unsent_now(|unsent| unsent.failed(days, why));
    }

    /// Something was found out of what is not sent, and is told.
    pub(super) fn unsent_now(&self, change: impl FnOnce(&mut Unsent)) {
        let now = self.now();
        self.publisher.unsent.change(change, |unsent| {
            self.health.set(Subject::Days, unsent.text(), now);
            if unsent.is_empty() {
                // No day is wanted any more of those that were refused.
                self.calls_wanted(|call| *call != Call::Snapshots);
            }
        });
    }

    /// One call: for several snapshots, or for the only one.
    async fn send_call(&self, snapshots: &[AvailabilitySnapshot], by_batch: bool) -> Sent {
        let batches = &self.publisher.batches;
        let answer = match snapshots {
            [only] if !by_batch => {
                let one = BatchOutcome { accepted: vec![0], ..BatchOutcome::default() };
                self.healthengine.send_availability(only).await.map(|()| one)
            }
            several => self.healthengine.send_availability_batch(several).await,
        };
        let error = match answer {
            Ok(outcome) => {
                if by_batch {
                    batches.accepted(snapshots.len());
                }
                return Sent::Answered(outcome);
            }
            Err(error) => error,
        };
        let next = if by_batch {
            batches.after(&error, snapshots.len(), Instant::now())
        } else {
            batches::after_one_call(&error, snapshots.len())
        };
        match next {
            Next::Apart(apart) => Sent::Apart(apart),
            Next::Refused => {
                Sent::Answered(BatchOutcome { failed: vec![(0, error.detail)], ..BatchOutcome::default() })
            }
            Next::Fail => Sent::Failed(error),
        }
    }

    /// Sends empty days of what is not offered, and says which of them were accepted. What is offered by the time that it is its turn is
    /// left out. Of a day of which times were told before it is then unknown what Healthengine has: it is sent again once it is offered.
    pub(super) async fn publish_empty(&self, snapshots: Vec<AvailabilitySnapshot>) -> Answer<Vec<(String, NaiveDate)>> {
        let mut waiting = Waiting::new(snapshots);
        let mut arrived = Vec::new();
        loop {
            let _turn = self.publisher.turn().await;
            if self.stop.is_cancelled() {
                return Err(CallError::new(ErrorClass::NotSent, say::STOPPING));
            }
            let size = self.publisher.batches.size(Instant::now());
            let batch =
                waiting.take(size.unwrap_or(1), |own| (!self.may_offer(&own.pms_resource_id, own.date)).then_some(own));
            if batch.is_empty() {
                self.unsent_now(|_| {});
                return Ok(arrived);
            }
            let keys = batch.iter().filter_map(|own| Some((own.pms_resource_id.parse().ok()?, own.date)));
            let keys: Vec<Key> = keys.filter(|(resource, date)| self.publisher.offers(*resource, *date)).collect();
            if !keys.is_empty() {
                self.note_unheard(&keys).await?;
            }
            match self.send_call(&batch, size.is_some()).await {
                Sent::Apart(apart) => waiting.put_back(batch, apart),
                Sent::Answered(outcome) => {
                    let now = self.now();
                    self.publisher.unsent.note(|unsent| {
                        for own in outcome.accepted.iter().filter_map(|index| batch.get(*index)) {
                            unsent.done_empty(&own.pms_resource_id, own.date);
                            arrived.push((own.pms_resource_id.clone(), own.date));
                        }
                        for (index, reason) in &outcome.failed {
                            if let Some(own) = batch.get(*index) {
                                unsent.refused_empty(&own.pms_resource_id, own.date, reason, now);
                            }
                        }
                    });
                    self.heard(Call::Snapshots, Ok(()));
                }
                Sent::Failed(error) => {
                    let days = batch.into_iter().chain(waiting.rest()).map(|own| (own.pms_resource_id, own.date));
                    self.unsent_now(|unsent| unsent.failed_empty(days, &error));
                    self.heard(Call::Snapshots, Err(&error));
                    return Err(error);
                }
            }
        }
    }
}
