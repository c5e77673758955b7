//! What comes of a call or a write, as the practice's health tells it.

use chrono::TimeDelta;

use super::Practice;
use super::health::Subject;
use super::ledger::LedgerError;
use crate::ids::PracticeId;
use crate::messages::practice as say;
use crate::remote::{CallError, ErrorClass};

/// A wrong password looks like a database that is away; after this long it is called a password.
const PASSWORD_AFTER: TimeDelta = TimeDelta::minutes(2);
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
    /// OpenVPMS answered a whole reading.
    pub(super) fn openvpms_answered(&self) {
        *self.locked(&self.refused_since) = None;
        self.health.clear(&Subject::OpenVpms);
    }

    /// OpenVPMS did not answer, or refused us.
    pub(super) fn openvpms_failed(&self, error: &CallError) {
        if self.stop.is_cancelled() {
            return;
        }
        let now = self.now();
        let text = if error.class == ErrorClass::Credentials {
            let mut refused = self.locked(&self.refused_since);
            let since = refused.map_or(now, |since| since.min(now));
            *refused = Some(since);
            drop(refused);
            if now - since > PASSWORD_AFTER { say::openvpms_password(error) } else { say::openvpms_away(error) }
        } else {
            *self.locked(&self.refused_since) = None;
            say::openvpms_away(error)
        };
        self.health.raise(Subject::OpenVpms, text, now);
    }

    /// An answer of Healthengine's came.
    pub(super) fn healthengine_answered(&self) {
        let now = self.now();
        self.locked(&self.progress).polled_at = Some(now);
        self.health.clear(&Subject::Healthengine);
        self.health.clear(&Subject::Access);
        let difference = self.healthengine.clock_difference();
        let wrong = difference.abs() > CLOCK_DIFFERENCE_MAX;
        self.health.set(Subject::Clock, wrong.then(|| say::clock_differs(difference)), now);
    }

    /// An answer of Healthengine's did not come, or refused us.
    pub(super) fn healthengine_failed(&self, error: &CallError) {
        let now = self.now();
        match error.class {
            ErrorClass::Credentials | ErrorClass::Forbidden => {
                let text = format!("{} {}", say::healthengine_failed(error, self.id()), say::TRIED_AGAIN);
                self.health.raise(Subject::Access, text, now);
            }
            ErrorClass::NotSent
            | ErrorClass::Lost
            | ErrorClass::Unavailable
            | ErrorClass::Refused
            | ErrorClass::TooMany
            | ErrorClass::Contract => {
                self.health.raise(Subject::Healthengine, say::healthengine_failed(error, self.id()), now)
            }
        }
    }

    /// Healthengine did not take days.
    pub(super) fn days_failed(&self, error: &CallError) {
        match error.class {
            ErrorClass::NotSent if self.stop.is_cancelled() => {}
            ErrorClass::Credentials | ErrorClass::Forbidden => self.healthengine_failed(error),
            ErrorClass::NotSent if self.health.has(&Subject::Access) => {}
            ErrorClass::NotSent
            | ErrorClass::Lost
            | ErrorClass::Unavailable
            | ErrorClass::Refused
            | ErrorClass::TooMany
            | ErrorClass::Contract => self.health.raise(Subject::Days, say::days_not_taken(error), self.now()),
        }
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
