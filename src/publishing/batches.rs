//! How snapshots of days are put into calls.
//!
//! A call takes up to [`BATCH_MAX`] snapshots and can be refused as a whole: for one of them, or
//! because it is too long for something on the way. Then its halves are sent, and theirs, down to
//! single snapshots; only what is refused alone is refused. One bad day among a hundred costs about
//! fifteen calls, and a hundred bad ones twice as many calls as days. Each call has a turn of its
//! own: what is taken apart waits in [`CallQueue`], and a fresh day goes between.
//!
//! How many snapshots are too long together is learnt from answers with 413. One very long snapshot
//! must not shorten all calls: they hold at least [`LEAST`], as many as were accepted in one call
//! since, and twice as many after [`GROWS_AFTER`] accepted calls.
//!
//! A Healthengine before edition 1.9.0 has no call for several snapshots and answers 404 or 405. So
//! does one that is being replaced by its next edition, and, without a body, something in between.
//! Snapshots go one by one then. One such answer is asked about again after [`ASKED_AGAIN_AFTER`];
//! a second one is believed, and the call is tried again after [`LEARNT_FOR`].

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::call_error::{CallError, ErrorClass};
use crate::healthengine::BATCH_MAX;

/// How long what was learnt of the server counts.
const LEARNT_FOR: Duration = Duration::from_secs(60 * 60);
/// No call is cut to fewer snapshots for its length, unless it was refused itself.
const LEAST: usize = 10;
/// So many calls of the greatest length are accepted before longer ones are tried.
const GROWS_AFTER: u32 = 8;

/// How long a single answer that there is no call for several snapshots counts.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(5 * 60);

/// What is known of the calls that the server takes. A reload tries again.
#[derive(Debug, Default)]
pub struct Batches {
    /// The server has no call for several snapshots, until then.
    absent_until: Option<Instant>,
    /// How often it said so since it last took one.
    said_absent: u32,
    /// Calls with more snapshots are too long, until then.
    largest: Option<Largest>,
}

#[derive(Debug, Clone, Copy)]
struct Largest {
    snapshots: usize,
    /// Calls with so many that were accepted since that was learnt.
    accepted: u32,
    until: Instant,
}

/// How the snapshots of a call that was refused are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Apart {
    /// Each half in a call.
    Halves,
    /// One by one, by the other call, for so long.
    OneByOne(Duration),
}

/// What is done about a call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Its snapshots are sent otherwise.
    Apart(Apart),
    /// Its only snapshot is refused.
    Refused,
    /// Nothing more is sent: the server does not take snapshots at all.
    Fail,
}

impl Next {
    /// In a few words, for the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Apart(_) => "sent otherwise",
            Self::Refused => "refused",
            Self::Fail => "given up",
        }
    }
}

impl Batches {
    /// How many snapshots a call may hold; `None` where there is no call for several.
    pub fn size(&self, now: Instant) -> Option<usize> {
        if self.absent_until.is_some_and(|until| now < until) {
            return None;
        }
        Some(self.largest.filter(|largest| now < largest.until).map_or(BATCH_MAX, |largest| largest.snapshots))
    }

    /// The server took a call for several snapshots, with so many.
    pub fn accepted(&mut self, count: usize) {
        self.said_absent = 0;
        if let Some(largest) = self.largest.as_mut().filter(|largest| largest.snapshots <= count) {
            (largest.snapshots, largest.accepted) = (count, largest.accepted + 1);
            if largest.accepted == GROWS_AFTER {
                (largest.snapshots, largest.accepted) = ((count * 2).min(BATCH_MAX), 0);
            }
        }
    }

    /// What is done about a failed call for several snapshots that held so many.
    pub fn after(&mut self, error: &CallError, count: usize, now: Instant) -> Next {
        // A page says nothing about what the API has.
        if error.class == ErrorClass::Refused && matches!(error.status, Some(404 | 405)) {
            self.said_absent = self.said_absent.saturating_add(1);
            let pause = if self.said_absent > 1 { LEARNT_FOR } else { ASKED_AGAIN_AFTER };
            self.absent_until = Some(now + pause);
            return Next::Apart(Apart::OneByOne(pause));
        }
        let next = after_one_call(error, count);
        if next == Next::Apart(Apart::Halves) && error.status == Some(413) {
            let snapshots = (count / 2).max(LEAST);
            self.largest = Some(Largest { snapshots, accepted: 0, until: now + LEARNT_FOR });
        }
        next
    }
}

/// What is done about a failed call that held so many snapshots, where it is not the call itself
/// that is missing.
pub fn after_one_call(error: &CallError, count: usize) -> Next {
    // Also where a gateway says that it is too long. Of a single one its page says nothing for
    // good: that one is sent again.
    let is_about_the_body = error.status == Some(413)
        || error.class == ErrorClass::Refused && matches!(error.status, Some(400 | 415 | 422));
    match (is_about_the_body, count) {
        (true, 2..) => Next::Apart(Apart::Halves),
        (true, _) if error.class == ErrorClass::Refused => Next::Refused,
        (true | false, _) => Next::Fail,
    }
}

/// Snapshots that wait to be sent, in order. Those that were taken apart come first, and are not
/// put together again.
#[derive(Debug)]
pub struct CallQueue<T>(Vec<VecDeque<T>>);

impl<T> CallQueue<T> {
    /// All of them.
    pub fn new(all: Vec<T>) -> Self {
        Self(vec![all.into()])
    }

    /// Those of the next call, at most so many; empty when nothing waits. What `choose` drops is
    /// not sent.
    pub fn take(&mut self, size: usize, mut choose: impl FnMut(T) -> Option<T>) -> Vec<T> {
        let mut call = Vec::new();
        while let Some(group) = self.0.last_mut() {
            while call.len() < size.max(1) {
                let Some(next) = group.pop_front() else { break };
                call.extend(choose(next));
            }
            if group.is_empty() {
                self.0.pop();
            }
            if !call.is_empty() {
                break;
            }
        }
        call
    }

    /// A call was refused, and is sent otherwise.
    pub fn put_back(&mut self, call: Vec<T>, next: Apart) {
        let mut first: VecDeque<T> = call.into();
        if next == Apart::Halves {
            let second = first.split_off(first.len() / 2);
            self.0.push(second);
        }
        self.0.push(first);
    }

    /// True if nothing waits.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(VecDeque::is_empty)
    }

    /// Whatever still waits.
    pub fn rest(self) -> impl Iterator<Item = T> {
        self.0.into_iter().rev().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16) -> CallError {
        CallError::with_status(ErrorClass::Refused, status, "no")
    }

    #[tokio::test]
    async fn only_what_is_refused_alone_is_refused() {
        let (mut batches, now) = (Batches::default(), tokio::time::Instant::now().into_std());
        for status in [400, 413, 415, 422] {
            assert_eq!(batches.after(&refused(status), 60, now), Next::Apart(Apart::Halves), "{status}");
            assert_eq!(batches.after(&refused(status), 1, now), Next::Refused, "{status}");
        }
        let gateway = CallError::with_status(ErrorClass::Contract, 413, "a page");
        assert_eq!(
            (after_one_call(&gateway, 2), after_one_call(&gateway, 1)),
            (Next::Apart(Apart::Halves), Next::Fail)
        );
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
        let (mut batches, now) = (Batches::default(), tokio::time::Instant::now().into_std());
        assert_eq!(batches.size(now), Some(BATCH_MAX));
        for count in [100, 50] {
            assert_eq!(batches.after(&refused(413), count, now), Next::Apart(Apart::Halves));
        }
        assert_eq!(batches.size(now), Some(25));
        for _ in 0..2 {
            assert!(matches!(batches.after(&refused(404), 25, now), Next::Apart(Apart::OneByOne(_))));
        }
        assert_eq!(batches.size(now + LEARNT_FOR / 2), None);
        assert_eq!(batches.size(now + LEARNT_FOR), Some(BATCH_MAX));
    }

    #[tokio::test]
    async fn one_answer_that_the_call_is_missing_counts_for_minutes_and_the_second_for_an_hour() {
        let (mut batches, now) = (Batches::default(), tokio::time::Instant::now().into_std());
        for round in 0..3 {
            assert_eq!(batches.after(&refused(405), 60, now), Next::Apart(Apart::OneByOne(ASKED_AGAIN_AFTER)));
            assert_eq!(batches.size(now + ASKED_AGAIN_AFTER / 2), None, "{round}");
            assert_eq!(batches.size(now + ASKED_AGAIN_AFTER), Some(BATCH_MAX), "{round}");
            batches.accepted(1);
        }
        batches.after(&refused(405), 60, now);
        batches.after(&refused(405), 60, now + ASKED_AGAIN_AFTER);
        assert_eq!(batches.size(now + LEARNT_FOR), None);
        assert_eq!(batches.size(now + ASKED_AGAIN_AFTER + LEARNT_FOR), Some(BATCH_MAX));
    }

    /// Sends a hundred snapshots to a server that refuses some calls with this status; which
    /// arrived, which were refused alone, and how many calls that took.
    fn send(
        batches: &mut Batches,
        now: Instant,
        status: u16,
        is_refused: impl Fn(&[usize]) -> bool,
    ) -> [Vec<usize>; 3] {
        let (mut waiting, mut accepted, mut failed, mut calls) =
            (CallQueue::new((0..100).collect()), Vec::new(), Vec::new(), Vec::new());
        loop {
            let call = waiting.take(batches.size(now).unwrap(), Some);
            if call.is_empty() {
                return [accepted, failed, calls];
            }
            calls.push(call.len());
            if !is_refused(&call) {
                batches.accepted(call.len());
                accepted.extend(call);
                continue;
            }
            match batches.after(&refused(status), call.len(), now) {
                Next::Apart(apart) => waiting.put_back(call, apart),
                Next::Refused => failed.extend(call),
                Next::Fail => panic!("it is about the body"),
            }
        }
    }

    #[tokio::test]
    async fn one_bad_day_among_a_hundred_costs_about_fifteen_calls() {
        let now = tokio::time::Instant::now().into_std();
        for bad in 0..100 {
            let [accepted, failed, calls] = send(&mut Batches::default(), now, 400, |call| call.contains(&bad));
            let others: Vec<usize> = (0..100).filter(|index| *index != bad).collect();
            assert_eq!((accepted, failed), (others, vec![bad]), "in order, each once");
            assert!(calls.len() <= 15, "{calls:?}");
        }
    }

    #[tokio::test]
    async fn one_day_that_is_too_long_alone_does_not_shorten_the_calls_of_all_others_for_an_hour() {
        let now = tokio::time::Instant::now().into_std();
        for bad in [0, 37, 99] {
            let mut batches = Batches::default();
            let [accepted, failed, calls] = send(&mut batches, now, 413, |call| call.contains(&bad));
            assert_eq!((accepted.len(), failed), (99, vec![bad]));
            assert!(calls.len() <= 20, "{calls:?}");
            assert!(batches.size(now).unwrap() >= LEAST, "{bad}: {:?}", batches.size(now));
            // It grows back with what is accepted, however it came about.
            let passes = (0..20).map(|_| send(&mut batches, now, 413, |_| false)[2].len()).collect::<Vec<_>>();
            assert_eq!(batches.size(now), Some(BATCH_MAX), "{bad}: {passes:?}");
        }
        // Where calls are too long in truth, few are refused.
        let mut batches = Batches::default();
        let refusals = |calls: Vec<usize>| calls.into_iter().filter(|count| *count > 30).count();
        let passes: Vec<usize> =
            (0..20).map(|_| refusals(send(&mut batches, now, 413, |call| call.len() > 30)[2].clone())).collect();
        assert!(passes[0] == 2 && passes.iter().sum::<usize>() <= 14, "{passes:?}");
    }

    #[test]
    fn what_was_taken_apart_comes_first_and_is_not_put_together_again() {
        let mut waiting = CallQueue::new((0..10).collect());
        let even = |number: i32| (number % 2 == 0).then_some(number);
        assert_eq!(waiting.take(3, even), [0, 2, 4]);
        waiting.put_back(vec![0, 2, 4], Apart::Halves);
        assert_eq!((waiting.take(3, Some), waiting.take(1, Some)), (vec![0], vec![2]));
        assert_eq!(waiting.take(9, |_| None), [0; 0], "none of them, and nothing is left");
        waiting.put_back(vec![7], Apart::OneByOne(LEARNT_FOR));
        waiting.put_back(vec![5, 6], Apart::OneByOne(LEARNT_FOR));
        assert_eq!(waiting.rest().collect::<Vec<_>>(), [5, 6, 7]);
    }
}
