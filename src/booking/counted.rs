//! What a booking counts as in the bridge's figures.

use std::collections::BTreeSet;

use super::entry::{Entry, State};

/// What a booking counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CountedOutcome {
    /// It was made.
    Confirmed,
    /// It was not.
    Rejected,
    /// Nobody knows under which reference it was made.
    InDoubt,
    /// It is over.
    Cancelled,
}

impl CountedOutcome {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Confirmed, Self::Rejected, Self::InDoubt, Self::Cancelled];

    /// As the ledger names the state.
    pub fn name(self) -> &'static str {
        match self {
            Self::Confirmed => State::Confirmed.name(),
            Self::Rejected => State::Rejected.name(),
            Self::InDoubt => State::InDoubt.name(),
            Self::Cancelled => State::Cancelled.name(),
        }
    }

    fn of(state: State) -> Option<Self> {
        match state {
            State::Received | State::Submitting | State::Inserted => None,
            State::Confirmed => Some(Self::Confirmed),
            State::Rejected => Some(Self::Rejected),
            State::InDoubt => Some(Self::InDoubt),
            State::Cancelled => Some(Self::Cancelled),
        }
    }
}

/// What a booking counts as from here on and did not before: once under its first answer, whatever
/// becomes of that, and again when it is cancelled.
pub fn newly_counted(before: Option<&Entry>, after: &Entry) -> BTreeSet<CountedOutcome> {
    let before = before.map(counted).unwrap_or_default();
    counted(after).into_iter().filter(|outcome| !before.contains(outcome)).collect()
}

fn counted(entry: &Entry) -> BTreeSet<CountedOutcome> {
    let answers = || entry.history.iter().filter_map(|item| CountedOutcome::of(item.state));
    answers().next().into_iter().chain(answers().filter(|own| *own == CountedOutcome::Cancelled)).collect()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::booking::state_reason::StateReason;
    use crate::ids::{BookingId, PracticeId};

    #[test]
    fn a_booking_counts_once_under_its_first_answer_and_again_when_it_is_cancelled() {
        use State::{Cancelled, Confirmed, InDoubt, Inserted, Received, Rejected, Submitting};
        for (states, expected) in [
            (&[Submitting, Inserted, Confirmed, Cancelled][..], &["", "", "confirmed", "cancelled"][..]),
            (&[Submitting, InDoubt, Confirmed, Cancelled], &["", "in_doubt", "", "cancelled"]),
            (&[Submitting, Received, Rejected, Rejected], &["", "", "rejected", ""]),
            (&[Inserted, Cancelled, Cancelled], &["", "cancelled", ""]),
        ] {
            let now = DateTime::<Utc>::UNIX_EPOCH;
            let mut entry = Entry::received(BookingId(1), PracticeId("1".into()), None, "p".into(), now);
            assert!(newly_counted(None, &entry).is_empty());
            for (state, expected) in states.iter().zip(expected) {
                let before = entry.clone();
                entry.enter(*state, now, StateReason::Listed);
                let counted: Vec<&str> =
                    newly_counted(Some(&before), &entry).into_iter().map(CountedOutcome::name).collect();
                assert_eq!(counted.concat(), *expected, "{states:?}");
            }
        }
    }
}
