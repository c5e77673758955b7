//! Outages of a server, over all practices: each is logged as one, whichever practices suffer.
//!
//! A practice says that it suffers from an outage with the problem that shows it best, such as
//! [`super::subject::Subject::Healthengine`]. The first one is logged, the others are noted beside
//! it, and what is logged again while the outage stands names all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use parking_lot::Mutex;

use crate::call_error::ServerOutage;
use crate::ids::PracticeId;
use crate::said_lines::LogPause;

/// The outages that stand.
#[derive(Default)]
pub struct OutageLog(Mutex<BTreeMap<ServerOutage, StandingOutage>>);

struct StandingOutage {
    practices: BTreeSet<PracticeId>,
    again: LogPause,
    is_error: bool,
}

/// A line that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OutageLine {
    /// Whom the outage concerns.
    pub(super) practices: Vec<PracticeId>,
    /// True if somebody has to be woken.
    pub(super) is_error: bool,
}

impl OutageLog {
    /// A practice suffers from it. True if it is the first.
    pub(super) fn begins(&self, outage: ServerOutage, practice: &PracticeId) -> bool {
        let mut outages = self.0.lock();
        if let Some(standing) = outages.get_mut(&outage) {
            standing.practices.insert(practice.clone());
            return false;
        }
        let practices = BTreeSet::from([practice.clone()]);
        outages.insert(outage, StandingOutage { practices, again: LogPause::begin(), is_error: false });
        true
    }

    /// A practice does not suffer from it any more. True if it was the last.
    pub(super) fn ends(&self, outage: ServerOutage, practice: &PracticeId) -> bool {
        let mut outages = self.0.lock();
        let Some(standing) = outages.get_mut(&outage) else { return true };
        standing.practices.remove(practice);
        let is_over = standing.practices.is_empty();
        if is_over {
            outages.remove(&outage);
        }
        is_over
    }

    /// True if any practice suffers from it.
    pub(super) fn stands(&self, outage: ServerOutage) -> bool {
        self.0.lock().contains_key(&outage)
    }

    /// The line that is due again. `is_worse` once it has to be an error.
    pub(super) fn again(&self, outage: ServerOutage, is_worse: bool) -> Option<OutageLine> {
        let mut outages = self.0.lock();
        let standing = outages.get_mut(&outage)?;
        if is_worse && !standing.is_error {
            (standing.again, standing.is_error) = (LogPause::begin(), true);
        } else if !standing.again.is_due() {
            return None;
        }
        Some(OutageLine { practices: standing.practices.iter().cloned().collect(), is_error: standing.is_error })
    }

    /// How long until one of them is due to be logged again, at most this long.
    pub(crate) fn due_within(&self, longest: Duration) -> Duration {
        self.0.lock().values().map(|standing| standing.again.left()).fold(longest, Duration::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_logged_by_one_of_the_practices_that_suffer_and_names_all_of_them() {
        let (log, outage) = (OutageLog::default(), ServerOutage::HealthengineAway);
        let [first, second] = ["1", "2"].map(|id| PracticeId(id.into()));
        assert!(log.begins(outage, &first) && !log.begins(outage, &second) && !log.begins(outage, &first));
        assert!(log.begins(ServerOutage::OpenVpmsAway, &second), "the other server is another cause");
        tokio::time::sleep(Duration::from_secs(60)).await;
        let line = log.again(outage, false);
        assert_eq!(line, Some(OutageLine { practices: vec![first.clone(), second.clone()], is_error: false }));
        assert_eq!(log.again(outage, false), None, "the second practice has nothing to add");
        assert!(log.again(outage, true).is_some_and(|line| line.is_error) && log.again(outage, true).is_none());
        assert!(!log.ends(outage, &first) && log.stands(outage));
        assert!(log.ends(outage, &second) && !log.stands(outage));
    }
}
