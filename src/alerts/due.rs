//! Which messages are due: a function of what people were told, what needs a person, and the time.
//!
//! - A booking that needs a person is told at once; anything else once it has lasted for `after`.
//! - What becomes due within [`GATHERED_WITHIN`] is one message; what is over, another.
//! - Something is over when it does not stand any more and its practice is in step, or off. So the
//!   end of an outage is told when Healthengine shows what the diary says again, and a practice
//!   that starts anew with another configuration is not said to be well before it is known.
//! - That a practice is out of step is not told beside a problem that says why. If it is due before
//!   that problem is, the problem is told in its place.
//! - An outage of a server is one thing, whichever practices and calls suffer from it: once one of
//!   its concerns is due, all are told with it, and none is told later. It is over with the last.
//! - What an earlier process told is not told again. What of it is gone is over, but of a problem
//!   not before it had time to be noticed again.
//!
//! Time is counted from the start of the process: no clock that is set makes anything due.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::concern::{About, AlertKind, AlertMessage, Concern, ConcernId, Sight};
use crate::ids::PracticeId;

/// What begins or ends within this time is told in one message.
pub const GATHERED_WITHIN: Duration = Duration::from_secs(2);

/// What people were told, and what is about to be told.
#[derive(Debug, Default)]
pub struct AlertWatch {
    told: BTreeMap<ConcernId, Concern>,
    /// What of it an earlier process told and this one has not seen; since when it could have.
    inherited: BTreeMap<ConcernId, Duration>,
    /// What stands, and when it was first seen.
    standing: BTreeMap<ConcernId, (Concern, Duration)>,
    /// When the first of what is about to be told became due.
    gathering_since: Option<Duration>,
}

impl AlertWatch {
    /// An earlier process told these.
    pub fn inherit(&mut self, told: impl IntoIterator<Item = Concern>, at: Duration) {
        for concern in told {
            let id = concern.id();
            if !self.told.contains_key(&id) {
                self.inherited.insert(id.clone(), at);
                self.told.insert(id, concern);
            }
        }
    }

    /// The messages that are due.
    pub fn look(&mut self, sight: &Sight, after: Duration, at: Duration) -> Vec<AlertMessage> {
        self.see(sight, at);
        let joined: Vec<Concern> = self.joins_what_is_told().cloned().collect();
        self.told.extend(joined.into_iter().map(|concern| (concern.id(), concern)));
        let (begun, over) = (self.begun(after, at), self.over(sight, after, at));
        if begun.is_empty() && over.is_empty() {
            self.gathering_since = None;
            return Vec::new();
        }
        if at.saturating_sub(*self.gathering_since.get_or_insert(at)) < GATHERED_WITHIN {
            return Vec::new();
        }
        self.gathering_since = None;
        for concern in &over {
            self.told.remove(&concern.id());
            self.inherited.remove(&concern.id());
        }
        self.told.extend(begun.iter().map(|concern| (concern.id(), concern.clone())));
        let messages = [(AlertKind::Begun, begun), (AlertKind::Over, over)].into_iter();
        let messages = messages.filter(|(_, concerns)| !concerns.is_empty());
        messages.map(|(kind, concerns)| AlertMessage { kind, concerns }).collect()
    }

    fn see(&mut self, sight: &Sight, at: Duration) {
        let seen: BTreeMap<ConcernId, &Concern> = sight.concerns.iter().map(|own| (own.id(), own)).collect();
        self.standing.retain(|id, _| seen.contains_key(id));
        for (id, concern) in seen {
            self.inherited.remove(&id);
            let before = self.standing.get(&id);
            let first_seen = before.map_or(at, |(_, first_seen)| *first_seen);
            let since = before.map_or(concern.since, |(before, _)| before.since);
            self.standing.insert(id, (Concern { since, ..concern.clone() }, first_seen));
        }
    }

    /// What has to be told, and has not been.
    fn begun(&self, after: Duration, at: Duration) -> Vec<Concern> {
        let is_due = |concern: &Concern, first_seen: Duration| match concern.about {
            About::Booking(_) => true,
            About::Problem(_) | About::OutOfStep => at.saturating_sub(first_seen) >= after,
        };
        let waiting = self.standing.iter().filter(|(id, (own, _))| !self.is_told(id, own));
        let waiting: Vec<&(Concern, Duration)> = waiting.map(|(_, own)| own).collect();
        let due = waiting.iter().filter(|(concern, first_seen)| is_due(concern, *first_seen));
        let due: Vec<&Concern> = due.map(|(concern, _)| concern).collect();
        let says_why = |own: &Concern| {
            let is_of = |out: &&Concern| out.about == About::OutOfStep && out.practice == own.practice;
            own.puts_out_of_step && due.iter().any(is_of)
        };
        let due: Vec<&Concern> =
            waiting.iter().map(|(own, _)| own).filter(|own| due.contains(own) || says_why(own)).collect();
        let with_it = |own: &Concern| due.iter().any(|due| due.has_cause_of(own));
        let due: Vec<&Concern> =
            waiting.iter().map(|(own, _)| own).filter(|own| due.contains(own) || with_it(own)).collect();
        let explained: BTreeSet<&PracticeId> = due
            .iter()
            .copied()
            .chain(self.told.values())
            .filter(|concern| concern.puts_out_of_step)
            .filter_map(|concern| concern.practice.as_ref())
            .collect();
        let is_explained = |concern: &Concern| {
            concern.about == About::OutOfStep && concern.practice.as_ref().is_some_and(|own| explained.contains(own))
        };
        let is_known = |concern: &Concern| self.told.values().any(|told| told.has_cause_of(concern));
        due.into_iter().filter(|concern| !is_explained(concern) && !is_known(concern)).cloned().collect()
    }

    /// What comes from an outage that people were told of already.
    fn joins_what_is_told(&self) -> impl Iterator<Item = &Concern> {
        let standing = self.standing.values().map(|(concern, _)| concern);
        standing.filter(|own| self.told.values().any(|told| told.has_cause_of(own)))
    }

    /// A booking of which something else has to be done than was told is not told. A sentence that
    /// only goes on, as after an attempt to settle it, is no other.
    fn is_told(&self, id: &ConcernId, concern: &Concern) -> bool {
        self.told.get(id).is_some_and(|told| match concern.about {
            About::Booking(_) => concern.sentence.contains(&told.sentence),
            About::Problem(_) | About::OutOfStep => true,
        })
    }

    /// What was told and is over.
    fn over(&self, sight: &Sight, after: Duration, at: Duration) -> Vec<Concern> {
        let is_over = |id: &ConcernId, concern: &Concern| {
            let is_settled = match (&concern.about, &concern.practice) {
                (About::Booking(_), _) | (_, None) => true,
                (About::Problem(_) | About::OutOfStep, Some(practice)) => {
                    let could_be_seen = self.inherited.get(id).is_none_or(|since| at.saturating_sub(*since) >= after);
                    could_be_seen && sight.practices.get(practice).is_none_or(|in_step| *in_step)
                }
            };
            let goes_on = || self.standing.values().any(|(own, _)| own.has_cause_of(concern));
            is_settled && !self.standing.contains_key(id) && !goes_on()
        };
        self.told.iter().filter(|(id, concern)| is_over(id, concern)).map(|(_, concern)| concern.clone()).collect()
    }
}

#[cfg(test)]
#[path = "due_tests.rs"]
mod tests;
