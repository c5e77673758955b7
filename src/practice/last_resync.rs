//! The last time that everything of a practice was sent again at somebody's wish. It stands in the
//! store: who pressed the button yesterday wants to see today that it was done, whatever was
//! restarted in between.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::characters::one_line;
use crate::ids::PracticeId;
use crate::messages::practice as say;
use crate::store::{Batch, Record, RecordKind, Store};

/// A reason is a sentence or two; a record is small.
const PROBLEM_CHARS_MAX: usize = 600;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StoredResync {
    begun_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl Record for StoredResync {
    const KIND: &'static str = "resync";
    const VERSION: u32 = 1;
}

/// It stays behind: what was done from another machine is not this one's doing.
pub(crate) const KIND: RecordKind = RecordKind::stays_behind::<StoredResync>();

/// How the last one went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LastResync {
    /// It runs since then.
    Running(DateTime<Utc>),
    /// It was done then.
    Done(DateTime<Utc>),
    /// It failed then, for this reason.
    Failed(DateTime<Utc>, String),
}

/// How the last one went, as far as the store knows. One that had no end when the process started
/// was broken off.
pub(super) fn of(store: &Store, practice: &PracticeId, started_at: DateTime<Utc>) -> Option<LastResync> {
    // A record that cannot be read tells as much as none.
    let StoredResync { begun_at, ended_at, problem } = store.get(&practice.0).ok().flatten()?;
    Some(match (ended_at, problem) {
        (Some(at), None) => LastResync::Done(at),
        (Some(at), Some(why)) => LastResync::Failed(at, why),
        (None, _) if begun_at < started_at => LastResync::Failed(begun_at, say::RESYNC_BROKEN_OFF.to_owned()),
        (None, _) => LastResync::Running(begun_at),
    })
}

/// One that is under way.
pub(super) struct NotedResync {
    store: Store,
    practice: PracticeId,
    begun_at: DateTime<Utc>,
}

impl NotedResync {
    /// One begins.
    pub(super) fn begin(store: &Store, practice: &PracticeId, now: DateTime<Utc>) -> Self {
        let noted = Self { store: store.clone(), practice: practice.clone(), begun_at: now };
        noted.keep(None, None);
        noted
    }

    /// It ended, with this problem.
    pub(super) fn end(&self, problem: Option<&str>, now: DateTime<Utc>) {
        self.keep(Some(now), problem.map(|why| one_line(why, PROBLEM_CHARS_MAX)));
    }

    fn keep(&self, ended_at: Option<DateTime<Utc>>, problem: Option<String>) {
        let record = StoredResync { begun_at: self.begun_at, ended_at, problem };
        // Lost with a crash, the page knows of the one before.
        if let Ok(batch) = Batch::of(&self.practice.0, &record) {
            self.store.write_later(batch);
        }
    }
}
