//! Which calls to Healthengine failed and have not succeeded since.
//!
//! A problem ends when exactly that succeeds which failed, or when it is not wanted any more. So
//! what failed is kept here, call by call, and the problems that operators see are read off it: an
//! accepted poll says nothing of a snapshot that is refused. Two kinds of failure stand side by
//! side: that we are refused (401, 403), and everything else.
//!
//! A call that is refused once is asked again after [`ASKED_AGAIN_AFTER`]: something in between may
//! have spoken. One that is refused again is not asked before [`BLOCKED`] has gone by, and nothing
//! is while the poll itself is refused, or was not accepted since something else was.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::Document;
use crate::call_error::CallError;
use crate::dates;
use crate::ids::{BookingId, RequestId};
use crate::polling::pace::BLOCKED;

/// How long a single refusal counts.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// What is asked of Healthengine, as far as one success is as good as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// The poll.
    Poll,
    /// The list of changes of bookings.
    UpdateList,
    /// The list of days that are wanted.
    DayList,
    /// The list of appointments that are asked about.
    ChangeList,
    /// Documents, which are rejected.
    Documents(Document),
    /// The answer to a booking.
    Answer(BookingId),
    /// The answer to a change of one.
    UpdateAnswer(RequestId),
    /// Whether the appointment of a booking still stands.
    ChangeAnswer(BookingId),
    /// Which extra features are on.
    Features,
    /// Liveness contract, resources and appointment types.
    Configuration,
    /// Days.
    Snapshots,
}

impl Call {
    /// True for the poll and the lists that belong to it.
    fn is_of_the_poll(&self) -> bool {
        matches!(self, Self::Poll | Self::UpdateList | Self::DayList | Self::ChangeList)
    }

    fn is_answer(&self) -> bool {
        matches!(self, Self::Answer(_) | Self::UpdateAnswer(_) | Self::ChangeAnswer(_))
    }

    /// True if what is refused of one is refused of the other.
    fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum FailureKind {
    Access,
    Other,
}

struct FailedCall {
    error: CallError,
    /// When it was last asked; `None` if it may be asked again at once.
    asked_at: Option<DateTime<Utc>>,
    /// How often it failed so since it last succeeded.
    times: u32,
}

impl FailedCall {
    /// True if asking now would only bring the same refusal.
    fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        let pause = TimeDelta::from_std(if self.times > 1 { BLOCKED } else { ASKED_AGAIN_AFTER }).unwrap_or_default();
        self.asked_at.and_then(|at| dates::age(at, now)).is_some_and(|age| age < pause)
    }
}

/// What failed.
#[derive(Default)]
pub struct FailedCalls {
    failed: BTreeMap<(FailureKind, Call), FailedCall>,
    /// True once the poll was accepted, and not refused since.
    poll_is_accepted: bool,
}

impl FailedCalls {
    /// The call was answered as it should be, or is not wanted any more.
    pub fn succeeded(&mut self, call: Call) {
        self.poll_is_accepted |= call == Call::Poll;
        self.keep(|own| *own != call);
    }

    /// The call failed.
    pub fn failed(&mut self, call: Call, error: &CallError, now: DateTime<Utc>) {
        let kind = if error.is_access() { FailureKind::Access } else { FailureKind::Other };
        self.poll_is_accepted &= call != Call::Poll || kind == FailureKind::Other;
        let before = self.failed.get(&(kind, call)).map_or(0, |failure| failure.times);
        let failure = FailedCall { error: error.clone(), asked_at: Some(now), times: before.saturating_add(1) };
        self.failed.insert((kind, call), failure);
    }

    /// Only these calls are still wanted.
    pub fn keep(&mut self, wanted: impl Fn(&Call) -> bool) {
        self.failed.retain(|(_, call), _| wanted(call));
    }

    /// What was refused may be asked again at once: a person may just have put it right.
    pub fn lift(&mut self) {
        self.failed.values_mut().for_each(|failure| failure.asked_at = None);
    }

    /// True if the poll is refused, or was never asked while something else is: everything else
    /// would be refused too.
    pub fn is_shut_out(&self) -> bool {
        !self.poll_is_accepted && self.refusal().is_some()
    }

    /// True if a call like this would only be refused again.
    pub fn is_blocked(&self, call: Call, now: DateTime<Utc>) -> bool {
        self.was_refused(|own| own.is_like(&call), now)
    }

    /// True if exactly this call would only be refused again.
    pub fn is_refused(&self, call: Call, now: DateTime<Utc>) -> bool {
        self.was_refused(|own| *own == call, now)
    }

    fn was_refused(&self, is_meant: impl Fn(&Call) -> bool, now: DateTime<Utc>) -> bool {
        let refused = |((kind, own), failure): (&(FailureKind, Call), &FailedCall)| {
            *kind == FailureKind::Access && is_meant(own) && failure.is_fresh(now)
        };
        self.is_shut_out() || self.failed.iter().any(refused)
    }

    /// True if the call was not answered, and we are not refused.
    pub fn fails(&self, call: Call) -> bool {
        self.failed.contains_key(&(FailureKind::Other, call))
    }

    /// That we are refused.
    pub fn refusal(&self) -> Option<&CallError> {
        self.first(FailureKind::Access, |_| true)
    }

    /// Healthengine cannot be asked what it wants.
    pub fn asking(&self) -> Option<&CallError> {
        self.first(FailureKind::Other, |call| call.is_of_the_poll() || matches!(call, Call::Documents(_)))
    }

    /// True if the last poll, or a list of it, was not answered.
    pub fn poll_fails(&self) -> bool {
        self.failed.keys().any(|(_, call)| call.is_of_the_poll())
    }

    /// How many answers of ours did not arrive, and what became of one of them.
    pub fn answers(&self) -> Option<(usize, &CallError)> {
        let missing = || self.failed.iter().filter(|((kind, call), _)| *kind == FailureKind::Other && call.is_answer());
        missing().next().map(|(_, failure)| (missing().count(), &failure.error))
    }

    /// The configuration does not arrive.
    pub fn configuration(&self) -> Option<&CallError> {
        self.first(FailureKind::Other, |call| *call == Call::Configuration)
    }

    fn first(&self, kind: FailureKind, of: impl Fn(&Call) -> bool) -> Option<&CallError> {
        self.failed.iter().find(|((own, call), _)| *own == kind && of(call)).map(|(_, failure)| &failure.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call_error::ErrorClass;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
    }

    fn refused() -> CallError {
        CallError::with_status(ErrorClass::Forbidden, 403, "access was refused")
    }

    fn away() -> CallError {
        CallError::with_status(ErrorClass::Unavailable, 502, "the server failed")
    }

    #[test]
    fn what_failed_is_resolved_when_exactly_that_succeeds() {
        let (first, second) = (Call::Answer(BookingId(1)), Call::Answer(BookingId(2)));
        let mut calls = FailedCalls::default();
        for call in [Call::Poll, Call::UpdateList, first, second, Call::Configuration, Call::Snapshots] {
            calls.failed(call, &away(), at(0));
        }
        calls.succeeded(Call::Poll);
        assert!(calls.asking().is_some() && calls.poll_fails(), "a list that belongs to the poll cannot be read");
        calls.succeeded(Call::UpdateList);
        assert!(calls.asking().is_none() && !calls.poll_fails());
        assert_eq!(calls.answers().unwrap().0, 2);
        calls.succeeded(second);
        assert_eq!(calls.answers().unwrap().0, 1);
        calls.keep(|call| *call != first);
        assert!(calls.answers().is_none(), "it is not wanted any more");
        assert!(calls.configuration().is_some());
    }

    #[test]
    fn a_refused_call_is_not_cured_by_another_that_is_accepted() {
        for call in [Call::Answer(BookingId(1)), Call::Snapshots, Call::Configuration] {
            let mut calls = FailedCalls::default();
            calls.failed(call, &refused(), at(0));
            assert!(calls.is_blocked(Call::Features, at(9_999)), "before the first poll nobody knows better");
            calls.succeeded(Call::Poll);
            assert!(calls.refusal().is_some(), "{call:?}");
            assert!(!calls.is_blocked(Call::Features, at(1)), "others are asked");
            assert!(calls.is_blocked(call, at(29)) && !calls.is_blocked(call, at(30)), "{call:?}: asked once more");
            assert!(!calls.is_blocked(call, at(-1)), "the clock was set back");
            calls.failed(call, &refused(), at(0));
            assert!(calls.is_blocked(call, at(299)) && !calls.is_blocked(call, at(300)), "{call:?}: believed");
            calls.lift();
            assert!(!calls.is_blocked(call, at(1)) && calls.refusal().is_some(), "asked at once, and not yet well");
            calls.succeeded(call);
            assert!(calls.refusal().is_none());
        }
    }

    #[test]
    fn while_the_poll_is_refused_nothing_else_is_asked() {
        let mut calls = FailedCalls::default();
        calls.failed(Call::Poll, &refused(), at(0));
        assert!(calls.is_blocked(Call::Snapshots, at(9_999)) && calls.poll_fails());
        calls.failed(Call::Poll, &away(), at(10));
        assert!(calls.is_shut_out(), "a server that is away has not accepted us");
        calls.succeeded(Call::Poll);
        assert!(!calls.is_blocked(Call::Snapshots, at(11)) && !calls.poll_fails());
    }
}
