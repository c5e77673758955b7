//! The last time that everything of a practice was sent again at somebody's wish, for the status
//! page. Kept in memory: after a start everything is read anew.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;

use crate::ids::PracticeId;

/// Of each practice the last.
#[derive(Default)]
pub(super) struct LastResyncs(Mutex<BTreeMap<PracticeId, LastResync>>);

/// How one went.
#[derive(Debug, Clone)]
pub(super) enum LastResync {
    /// It runs since then.
    Running(DateTime<Utc>),
    /// It was done then.
    Done(DateTime<Utc>),
    /// It failed then, for this reason.
    Failed(DateTime<Utc>, String),
}

impl LastResyncs {
    pub(super) fn set(&self, practice: &PracticeId, last: LastResync) {
        self.0.lock().insert(practice.clone(), last);
    }

    pub(super) fn of(&self, practice: &PracticeId) -> Option<LastResync> {
        self.0.lock().get(practice).cloned()
    }
}
