//! What comes of a call or a write, as the practice's health tells it.

use chrono::{DateTime, TimeDelta, Utc};

use super::Practice;
use super::calls::{Call, Calls};
use super::health::Subject;
use super::ledger::LedgerError;
use super::unread::{Source, Unread};
use crate::availability::Days;
use crate::ids::PracticeId;
use crate::messages::practice as say;
use crate::remote::{CallError, ErrorClass};

/// Over this a clock is a health problem: deadlines are counted in seconds.
const CLOCK_DIFFERENCE_MAX: TimeDelta = TimeDelta::seconds(30);

/// Why a round of work came to nothing.
#[derive(Debug)]
pub(super) enum Failed {
    OpenVpms(CallError),
    Healthengine(CallError),
    /// Nobody failed to answer, but the answer names no zone that days could be told in.
    NoZone,
}

impl Failed {
    pub(super) fn into_error(self) -> CallError {
        match self {
            Self::OpenVpms(error) | Self::Healthengine(error) => error,
            Self::NoZone => CallError::new(ErrorClass::Contract, say::NO_ZONE),
        }
    }

    /// For a person who waits for it: what is wrong and what to do.
    pub(super) fn sentence(&self, practice: &PracticeId) -> String {
        match self {
            Self::OpenVpms(error) => say::openvpms_failed(error),
            Self::Healthengine(error) => say::healthengine_failed(error, practice),
            Self::NoZone => say::ZONE_MISSING.to_owned(),
        }
    }
}

impl Practice {
    /// A part of OpenVPMS was read, or could not be; of free/busy, on these days.
    pub(super) fn heard_of_openvpms(&self, source: Source, days: Option<Days>, answer: Result<(), &CallError>) {
        if self.stop.is_cancelled() {
            return;
        }
        let (now, horizon) = (self.now(), self.days_that_are_read());
        let days = days.map(|days| days.within(horizon));
        if answer.is_err() && days.is_some_and(|days| days.count == 0) {
            // A booking can be looked for on a day that no pass reads: nothing would ever end that problem.
            return;
        }
        let was_well = self.unread_now(|unread| match answer {
            Ok(()) => {
                unread.answered(source, days, horizon);
                false
            }
            Err(error) => unread.failed(source, days, error, now),
        });
        if was_well && matches!(source, Source::Places(_)) {
            // Of an inventory that is read once in ten minutes it would take that long to be well again.
            self.read_configuration_soon();
        }
    }

    /// All free/busy of these days was read in one pass, which began at this time.
    pub(super) fn read_in_full(&self, days: Days, began: DateTime<Utc>) {
        let (now, horizon) = (self.now(), self.days_that_are_read());
        self.unread_now(|unread| unread.passed(days, began, horizon, now));
    }

    /// Of OpenVPMS nothing is read any more but this.
    pub(super) fn openvpms_wanted(&self, wanted: impl Fn(&Source) -> bool) {
        let horizon = self.days_that_are_read();
        self.unread_now(|unread| unread.keep(wanted, horizon));
    }

    /// Something was found out of what is not read, and is told.
    fn unread_now<R>(&self, change: impl FnOnce(&mut Unread) -> R) -> R {
        let now = self.now();
        self.unread.change(change, |unread| self.health.set(Subject::OpenVpms, unread.text(now), now))
    }

    /// The horizon, also before the first inventory: a booking may be looked for by then.
    fn days_that_are_read(&self) -> Days {
        Days::from_today(self.now(), &self.zone(), self.settings.sync.horizon_days)
    }

    /// A call to Healthengine was answered as it should be, or was not.
    pub(super) fn heard(&self, call: Call, answer: Result<(), &CallError>) {
        let now = self.now();
        let is_accepted_again = self.calls_now(|calls| {
            let was_shut_out = calls.is_shut_out();
            match answer {
                Ok(()) => calls.succeeded(call),
                Err(error) => calls.failed(call, error, now),
            }
            let is_accepted_again = was_shut_out && !calls.is_shut_out();
            if is_accepted_again {
                calls.lift();
            }
            is_accepted_again
        });
        if is_accepted_again {
            self.read_configuration_soon();
        }
    }

    /// Of Healthengine nothing is wanted any more but this.
    pub(super) fn calls_wanted(&self, wanted: impl Fn(&Call) -> bool) {
        self.calls_now(|calls| calls.keep(wanted));
    }

    /// Something was found out of what failed, and is told.
    fn calls_now<R>(&self, change: impl FnOnce(&mut Calls) -> R) -> R {
        self.calls.change(change, |calls| self.tell_calls(calls))
    }

    /// Problems are read off what failed.
    fn tell_calls(&self, calls: &Calls) {
        let access = calls
            .refusal()
            .map(|error| format!("{} {}", say::healthengine_refuses(error, self.id()), say::TRIED_AGAIN));
        let texts = [
            (Subject::Access, access),
            (Subject::Healthengine, calls.asking().map(say::healthengine_unasked)),
            (Subject::Answers, calls.answers().map(|(count, error)| say::answers_not_taken(count, error))),
            (Subject::Configuration, calls.configuration().map(say::configuration_not_taken)),
        ];
        let now = self.now();
        for (subject, text) in texts {
            self.health.set(subject, text, now);
        }
    }

    /// True if Healthengine would only refuse every call.
    pub(super) fn is_shut_out(&self) -> bool {
        self.calls.look(Calls::is_shut_out)
    }

    /// True if Healthengine would only refuse this call again.
    pub(super) fn is_refused(&self, call: Call) -> bool {
        let now = self.now();
        self.calls.look(|calls| calls.is_refused(call, now))
    }

    /// The same of any call of its kind.
    pub(super) fn is_blocked(&self, call: Call) -> bool {
        let now = self.now();
        self.calls.look(|calls| calls.is_blocked(call, now))
    }

    /// Why Healthengine would only refuse a call of this kind again, if it refused us a moment ago.
    pub(super) fn refusal_of(&self, call: Call) -> Option<CallError> {
        let now = self.now();
        self.calls.look(|calls| calls.refusal().filter(|_| calls.is_blocked(call, now)).cloned())
    }

    /// The poll was answered.
    pub(super) fn polled(&self) {
        let now = self.now();
        self.locked(&self.progress).polled_at = Some(now);
        self.heard(Call::Poll, Ok(()));
        if let Some(ahead) = self.healthengine.sure_clock_difference(now) {
            self.shared.store.note_healthengine_clock(ahead, now);
        }
        let difference = self.healthengine.clock_difference();
        let wrong = difference.abs() > CLOCK_DIFFERENCE_MAX;
        self.health.set(Subject::Clock, wrong.then(|| say::clock_differs(difference)), now);
    }

    /// A store that cannot be written ends the process: nothing may be done that is not remembered.
    pub(super) fn written(&self, outcome: Result<(), LedgerError>) {
        if let Err(LedgerError::Unreadable(unreadable)) = outcome {
            // At each poll, for as long as Healthengine lists it. Whoever looks after the bridge was told when the ledger was opened.
            return tracing::debug!(practice = %self.id(), "A booking is left alone: {unreadable}.");
        }
        if let Err(error) = outcome {
            tracing::error!(practice = %self.id(), "The ledger cannot be written: {error}.");
            self.health.raise(Subject::Store, error.to_string(), self.now());
            self.shared.broken.cancel();
        }
    }
}
