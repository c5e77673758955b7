//! How snapshots of days are put into calls.
//!
//! A call takes up to [`BATCH_MAX`] snapshots and can be refused as a whole: for one of them, or because it is too long for
//! something on the way. Then its halves are sent, and theirs, down to single snapshots; only what is refused alone is refused. One
//! bad day among a hundred costs about fifteen calls, and a hundred bad ones twice as many calls as days.
//!
//! A Healthengine before edition 1.9.0 has no call for several snapshots and answers 404 or 405. So does one that is being replaced
//! by its next edition, and, without a body, something in between. Snapshots go one by one then. One such answer is asked about
//! again after [`ASKED_AGAIN_AFTER`]; a second one is believed, and the call is tried again after [`LEARNT_FOR`].

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::healthengine::{BATCH_MAX, BatchOutcome};
use crate::remote::{CallError, ErrorClass};

/// How long what was learnt of the server counts.
const LEARNT_FOR: Duration = Duration::from_secs(60 * 60);

/// How long a single answer that there is no call for several snapshots counts.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(5 * 60);

/// What is known of the calls that the server takes. A reload tries again.
#[derive(Debug, Default)]
pub(super) struct Batches(Mutex<Learnt>);

#[derive(Debug, Default)]
struct Learnt {
    /// The server has no call for several snapshots, until then.
    absent_until: Option<Instant>,
    /// How often it said so since it last took one.
    said_absent: u32,
    /// Calls with more snapshots are too long, until then.
    largest: Option<(usize, Instant)>,
}

/// What is done about a call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The halves are sent.
    Halves,
    /// Its snapshots are sent one by one, by the other call.
    OneByOne,
    /// Its only snapshot is refused.
    Refused,
    /// Nothing more is sent: the server does not take snapshots at all.
    Fail,
}

impl Batches {
    /// How many snapshots a call may hold; `None` where there is no call for several.
    pub(super) fn size(&self, now: Instant) -> Option<usize> {
        let learnt = self.learnt();
        if learnt.absent_until.is_some_and(|until| now < until) {
            return None;
        }
        Some(learnt.largest.filter(|(_, until)| now < *until).map_or(BATCH_MAX, |(largest, _)| largest))
    }

    /// What is done about a failed call for several snapshots that held so many.
    pub(super) fn after(&self, error: &CallError, count: usize, now: Instant) -> Next {
        // A page says nothing about what the API has.
        if error.class == ErrorClass::Refused && matches!(error.status, Some(404 | 405)) {
            let mut learnt = self.learnt();
            learnt.said_absent = learnt.said_absent.saturating_add(1);
            let pause = if learnt.said_absent > 1 { LEARNT_FOR } else { ASKED_AGAIN_AFTER };
            learnt.absent_until = Some(now + pause);
            tracing::info!(
                "Healthengine does not take several days in one call ({error}): they go one by one for {} minutes.",
                pause.as_secs() / 60
            );
            return Next::OneByOne;
        }
        let next = after_one_call(error, count);
        if next == Next::Halves && error.status == Some(413) {
            tracing::info!(
                "Healthengine, or something before it, takes no call with {count} days: calls are shorter for an hour."
            );
            self.learnt().largest = Some((count / 2, now + LEARNT_FOR));
        }
        next
    }

    /// The server took a call for several snapshots.
    pub(super) fn taken(&self) {
        self.learnt().said_absent = 0;
    }

    /// A person had the configuration read again, and may have put things right.
    pub(super) fn forget(&self) {
        *self.learnt() = Learnt::default();
    }

    fn learnt(&self) -> MutexGuard<'_, Learnt> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is done about a failed call that held so many snapshots, where it is not the call itself that is missing.
pub(super) fn after_one_call(error: &CallError, count: usize) -> Next {
    // Also where a gateway says that it is too long. Of a single one its page says nothing for good: that one is sent again.
    let is_about_the_body = error.status == Some(413)
        || error.class == ErrorClass::Refused && matches!(error.status, Some(400 | 415 | 422));
    match (is_about_the_body, count) {
        (true, 2..) => Next::Halves,
        (true, _) if error.class == ErrorClass::Refused => Next::Refused,
        (true | false, _) => Next::Fail,
    }
}

/// The calls that so many snapshots are sent in, the last one first: what is left to do is a stack.
pub(super) fn calls(count: usize, size: usize) -> Vec<Range<usize>> {
    let size = size.max(1);
    (0..count).step_by(size).map(|start| start..count.min(start + size)).rev().collect()
}

/// Puts the halves of a call in its place.
pub(super) fn halve(calls: &mut Vec<Range<usize>>, call: &Range<usize>) {
    let middle = call.start + call.len() / 2;
    calls.push(middle..call.end);
    calls.push(call.start..middle);
}

/// Adds what came of one call, whose first snapshot is at `start` of all.
pub(super) fn add(outcome: &mut BatchOutcome, of_call: BatchOutcome, start: usize) {
    let BatchOutcome { accepted, failed } = of_call;
    outcome.accepted.extend(accepted.into_iter().map(|index| start + index));
    outcome.failed.extend(failed.into_iter().map(|(index, reason)| (start + index, reason)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16) -> CallError {
        CallError::with_status(ErrorClass::Refused, status, "no")
    }

    #[tokio::test]
    async fn only_what_is_refused_alone_is_refused() {
        let (batches, now) = (Batches::default(), Instant::now());
        for status in [400, 413, 415, 422] {
            assert_eq!(batches.after(&refused(status), 60, now), Next::Halves, "{status}");
            assert_eq!(batches.after(&refused(status), 1, now), Next::Refused, "{status}");
        }
        let gateway = CallError::with_status(ErrorClass::Contract, 413, "a page");
        assert_eq!((after_one_call(&gateway, 2), after_one_call(&gateway, 1)), (Next::Halves, Next::Fail));
        for error in [
            CallError::with_status(ErrorClass::Credentials, 401, ""),
            CallError::with_status(ErrorClass::Unavailable, 502, ""),
            CallError::with_status(ErrorClass::Contract, 400, "a page"),
            CallError::new(ErrorClass::Lost, ""),
        ] {
            assert_eq!(batches.after(&error, 60, now), Next::Fail, "{error:?}");
        }
        assert_eq!(
            after_one_call(&refused(404), 1),
            Next::Fail,
            "a single snapshot that has no call is sent again later"
        );
    }

    #[tokio::test]
    async fn a_call_that_is_missing_or_too_long_is_tried_again_after_an_hour() {
        let (batches, now) = (Batches::default(), Instant::now());
        assert_eq!(batches.size(now), Some(BATCH_MAX));
        assert_eq!(batches.after(&refused(413), 100, now), Next::Halves);
        assert_eq!(batches.after(&refused(413), 50, now), Next::Halves);
        assert_eq!(batches.size(now), Some(25));
        for _ in 0..2 {
            assert_eq!(batches.after(&refused(404), 25, now), Next::OneByOne);
        }
        assert_eq!(batches.size(now + LEARNT_FOR / 2), None);
        assert_eq!(batches.size(now + LEARNT_FOR), Some(BATCH_MAX));
    }

    #[tokio::test]
    async fn one_answer_that_the_call_is_missing_counts_for_minutes_and_the_second_for_an_hour() {
        let (batches, now) = (Batches::default(), Instant::now());
        for round in 0..3 {
            assert_eq!(batches.after(&refused(405), 60, now), Next::OneByOne);
            assert_eq!(batches.size(now + ASKED_AGAIN_AFTER / 2), None, "{round}");
            assert_eq!(batches.size(now + ASKED_AGAIN_AFTER), Some(BATCH_MAX), "{round}");
            batches.taken();
        }
        batches.after(&refused(405), 60, now);
        batches.after(&refused(405), 60, now + ASKED_AGAIN_AFTER);
        assert_eq!(batches.size(now + LEARNT_FOR), None);
        assert_eq!(batches.size(now + ASKED_AGAIN_AFTER + LEARNT_FOR), Some(BATCH_MAX));
    }

    #[test]
    fn one_bad_day_among_a_hundred_costs_about_fifteen_calls() {
        for bad in 0..100 {
            let (mut waiting, mut outcome, mut sent) = (calls(100, BATCH_MAX), BatchOutcome::default(), 0);
            while let Some(call) = waiting.pop() {
                sent += 1;
                match (call.contains(&bad), call.len()) {
                    (true, 1) => outcome.failed.push((call.start, "bad".to_owned())),
                    (true, _) => halve(&mut waiting, &call),
                    (false, _) => add(
                        &mut outcome,
                        BatchOutcome { accepted: (0..call.len()).collect(), ..BatchOutcome::default() },
                        call.start,
                    ),
                }
            }
            let others: Vec<usize> = (0..100).filter(|index| *index != bad).collect();
            assert_eq!((outcome.accepted, outcome.failed.len()), (others, 1), "in order, each once");
            assert!(sent <= 15, "{sent}");
        }
    }
}
