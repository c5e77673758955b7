//! Sends the days of readings, call after call, until all are dealt with.
//!
//! A call that fails ends the pass: the server does not take days. One that fails again and again
//! while Healthengine answers polls is taken apart, and what fails alone is put aside
//! ([`crate::publishing::put_aside`]), so that one day holds up no other.

use tokio::time::Instant;

use super::publisher::{Publisher, Sent};
use crate::call_error::{Answer, CallError, ErrorClass};
use crate::healthengine::{AvailabilitySnapshot, BatchOutcome};
use crate::messages::practice as say;
use crate::polling::failed_calls::Call;
use crate::publishing::batches::{Apart, CallQueue};
use crate::publishing::last_sent::{DayAction, DayJudgement, QUEUE_TIME, Unacknowledged};
use crate::publishing::put_aside::{Aside, FAILED_PARTS_MAX, can_be_about_the_days};
use crate::publishing::{DayKey, ReadDay, ReadDays, SendIf};

/// What came of publishing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::practice) struct Published {
    /// How many days were accepted.
    pub(in crate::practice) accepted: usize,
    /// How many were refused.
    pub(in crate::practice) refused: usize,
}

/// Days that are being sent, as far as that has come.
struct PublishingPass<'a> {
    waiting: CallQueue<ReadDay>,
    send: SendIf,
    progress: &'a (dyn Fn(usize) + Sync),
    published: Published,
    /// Calls that failed one after the other,
    failures: u32,
    /// and whether one was taken apart.
    in_parts: bool,
    /// Days for which a call failed that held no other, and why the last of them did.
    alone: Option<(Vec<DayKey>, CallError)>,
}

impl<'a> PublishingPass<'a> {
    fn new(days: Vec<ReadDay>, send: SendIf, progress: &'a (dyn Fn(usize) + Sync)) -> Self {
        let (waiting, published) = (CallQueue::new(days), Published::default());
        Self { waiting, send, progress, published, failures: 0, in_parts: false, alone: None }
    }
}

impl Publisher {
    /// Sends days of one reading, soonest first, in batches. `progress` hears of each day that is
    /// dealt with.
    pub(in crate::practice) async fn publish(
        &self,
        read: ReadDays,
        send: SendIf,
        progress: &(dyn Fn(usize) + Sync),
    ) -> Answer<Published> {
        let ReadDays { began, days } = read;
        self.publish_each(days.into_iter().map(|day| ReadDay { began, as_of: began, day }).collect(), send, progress)
            .await
    }

    /// Sends days of several readings.
    pub(in crate::practice) async fn publish_each(
        &self,
        mut days: Vec<ReadDay>,
        send: SendIf,
        progress: &(dyn Fn(usize) + Sync),
    ) -> Answer<Published> {
        days.sort_by_key(|read| (read.day.date, read.day.resource));
        days.dedup_by_key(|read| (read.day.date, read.day.resource));
        if let Some(refusal) = self.calls.refusal_of(Call::Snapshots) {
            self.note_unsent(days, send, &refusal);
            return Err(refusal);
        }
        let mut pass = PublishingPass::new(days, send, progress);
        loop {
            let turn = self.turn().await;
            if self.context.stop.is_cancelled() {
                return Err(CallError::new(ErrorClass::NotSent, say::STOPPING));
            }
            let size = self.call_size();
            let batch = self.next_call(&mut pass, size.unwrap_or(1));
            if batch.is_empty() {
                return self.end(pass);
            }
            let keys: Vec<DayKey> = batch.iter().map(ReadDay::key).collect();
            let before = self.leave(&keys).await?;
            let snapshots: Vec<AvailabilitySnapshot> = batch.iter().map(|read| read.day.snapshot()).collect();
            match self.send_call(&snapshots, size.is_some()).await {
                Sent::Apart(apart) => {
                    self.acknowledge(&batch, before, &BatchOutcome::default(), None);
                    pass.waiting.put_back(batch, apart);
                }
                Sent::Answered(outcome) => self.call_answered(&mut pass, &batch, before, &outcome),
                Sent::Failed(error) => {
                    self.acknowledge(&batch, before, &BatchOutcome::default(), Some(&error));
                    pass.failures += 1;
                    let is_alone = batch.len() == 1 && pass.waiting.is_empty() && !pass.in_parts;
                    if is_alone || !self.is_about_the_days(&keys, &error, pass.failures) {
                        self.end_with_failure(pass, keys, &error);
                        return Err(error);
                    }
                    self.take_apart(&mut pass, batch, error);
                    drop(turn);
                    // The same days follow.
                    let queue_time = QUEUE_TIME.to_std().unwrap_or_default();
                    let _stopped = self.context.stop.run_until_cancelled(tokio::time::sleep(queue_time)).await;
                }
            }
        }
    }

    /// The days of the next call. What is not sent in this pass is dropped from it, and left, put
    /// aside or read again.
    fn next_call(&self, pass: &mut PublishingPass<'_>, size: usize) -> Vec<ReadDay> {
        let (send, progress, now) = (pass.send, pass.progress, self.context.now());
        let sure = self.accepted.sure_types();
        pass.waiting.take(size, |read| {
            let (resource, date) = (read.day.resource, read.day.date);
            let trace = |decision, why| {
                tracing::trace!(practice = %self.context.id(), %resource, %date, decision, why, "day");
            };
            if sure.as_ref().is_some_and(|types| !read.day.is_of(types)) {
                trace("read again", "it was worked out before a list left that has less");
                // Worked out before a list left that has less than the one before it.
                self.changed.add(resource, date, send);
                progress(1);
                return None;
            }
            let DayJudgement { action, why } = self.judge(&read.day, read.began, send, now);
            match action {
                DayAction::Send if now < self.sent.free_from(resource, date, now) => {
                    trace("read again", "another snapshot of it left a moment ago");
                    self.changed.add(resource, date, send);
                }
                DayAction::Send => {
                    trace("sent", why);
                    return Some(read);
                }
                DayAction::ReadAgain => {
                    trace("read again", why);
                    self.changed.add(resource, date, SendIf::Changed);
                }
                DayAction::PutAside => trace("put aside", why),
                DayAction::Leave => {
                    trace("left", why);
                    self.unsent.note(|unsent| unsent.done(resource, date));
                }
            }
            progress(1);
            None
        })
    }

    /// A call was answered.
    fn call_answered(
        &self,
        pass: &mut PublishingPass<'_>,
        batch: &[ReadDay],
        before: Vec<Option<Unacknowledged>>,
        outcome: &BatchOutcome,
    ) {
        pass.failures = 0;
        pass.published.accepted += outcome.accepted.len();
        pass.published.refused += outcome.failed.len();
        (pass.progress)(batch.len());
        // In this order: a crash between the two leaves a day in doubt, which is sent again.
        self.note_answer(batch, &before, outcome);
        self.acknowledge(batch, before, outcome, None);
        self.unsent.note(|unsent| {
            batch.iter().for_each(|read| unsent.done(read.day.resource, read.day.date));
        });
        // After that: a call for days is not wanted while no day is unsent.
        self.calls.heard(Call::Snapshots, Ok(()));
    }

    /// A call failed for what it holds: its halves follow, and what failed alone is noted.
    fn take_apart(&self, pass: &mut PublishingPass<'_>, batch: Vec<ReadDay>, error: CallError) {
        pass.in_parts = true;
        if batch.len() > 1 {
            pass.waiting.put_back(batch, Apart::Halves);
            return;
        }
        let keys = batch.iter().map(ReadDay::key);
        (pass.progress)(batch.len());
        self.unsent.note(|unsent| unsent.failed(keys.clone(), &error));
        let (failed, why) = pass.alone.get_or_insert_with(|| (Vec::new(), error.clone()));
        failed.extend(keys);
        *why = error;
    }

    /// The pass ends with a call that failed, and so would the others.
    fn end_with_failure(&self, mut pass: PublishingPass<'_>, keys: Vec<DayKey>, error: &CallError) {
        (pass.progress)(keys.len());
        let _the_same = self.settle_alone(&mut pass);
        self.unsent.note(|unsent| unsent.failed(keys, error));
        self.calls.heard(Call::Snapshots, Err(error));
        self.note_unsent(pass.waiting.rest(), pass.send, error);
    }

    /// The pass ends: nothing waits any more.
    fn end(&self, mut pass: PublishingPass<'_>) -> Answer<Published> {
        if pass.published.accepted == 0 && pass.published.refused > 0 {
            self.aside.note(Aside::none_taken);
        }
        let failure = self.settle_alone(&mut pass);
        self.unsent_now(|_| {});
        failure.map_or(Ok(pass.published), Err)
    }

    /// What failed alone in a pass is put aside if others were taken, and is why the pass failed if
    /// none was.
    fn settle_alone(&self, pass: &mut PublishingPass<'_>) -> Option<CallError> {
        let (keys, error) = pass.alone.take()?;
        if pass.published.accepted == 0 {
            self.aside.note(|aside| aside.in_vain(Instant::now().into_std()));
            self.calls.heard(Call::Snapshots, Err(&error));
            return Some(error);
        }
        pass.published.refused += keys.len();
        let now = Instant::now().into_std();
        self.aside.note(|aside| keys.iter().for_each(|key| aside.failed_alone(*key, now)));
        for (resource, date) in keys {
            tracing::warn!(practice = %self.context.id(), "{}", say::day_put_aside(resource, date, &error));
        }
        None
    }

    /// True if a call failed so often for what it holds that it is taken apart.
    fn is_about_the_days(&self, keys: &[DayKey], error: &CallError, failures: u32) -> bool {
        let polls = self.context.last_done.lock().polled_at.is_some() && !self.calls.poll_fails();
        if !polls || !can_be_about_the_days(error) {
            return false;
        }
        let now = Instant::now().into_std();
        self.aside.note(|aside| {
            let apart = aside.failed(keys, now);
            if apart && failures >= FAILED_PARTS_MAX {
                aside.in_vain(now);
                return false;
            }
            apart
        })
    }

    /// What of these days was to be sent is not.
    fn note_unsent(&self, days: impl IntoIterator<Item = ReadDay>, send: SendIf, why: &CallError) {
        let now = self.context.now();
        let days =
            days.into_iter().filter(|read| self.judge(&read.day, read.began, send, now).action == DayAction::Send);
        let days: Vec<DayKey> = days.map(|read| read.key()).collect();
        self.unsent_now(|unsent| unsent.failed(days, why));
    }
}
