//! What the store knows about itself.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::dates;

use super::engine::{Engine, EngineError};
use super::parts::{Parted, StoredValue};
use super::record::{Batch, Record, decode, full_key};

/// What the store knows about itself. Made with the database; changed only when a backup comes
/// back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// Tells databases apart; random.
    pub instance: String,
    /// When the database was made.
    pub created_at: DateTime<Utc>,
    /// When what could be saved of a damaged database was last put in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored_at: Option<DateTime<Utc>>,
    /// When the content of another was last read into it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported_at: Option<DateTime<Utc>>,
    /// A moment of the above by Healthengine's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_healthengine: Option<AtHealthengine>,
}

/// One moment by two clocks. Ours can be set later, and what it showed then is worth nothing any
/// more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtHealthengine {
    /// By our clock, as the moment is noted.
    ours: DateTime<Utc>,
    /// By Healthengine's.
    theirs: DateTime<Utc>,
}

impl Meta {
    /// Where the one record of this kind stands.
    pub const KEY: &'static str = "store";

    pub(super) fn new(instance: String, created_at: DateTime<Utc>) -> Self {
        Self { instance, created_at, restored_at: None, imported_at: None, at_healthengine: None }
    }

    /// The record of a database, if there is one, or why it cannot be read.
    pub(super) fn find_in<E: Engine>(disk: &Parted<E>) -> Result<Option<Result<Self, String>>, EngineError> {
        Ok(disk.get(&full_key::<Self>(Self::KEY))?.map(|stored| match stored {
            StoredValue::Text(text) => decode(&text),
            StoredValue::Damaged(reason) => Err(reason.to_owned()),
        }))
    }

    /// Makes it the record of a database, durably.
    pub(super) fn write_to<E: Engine>(&self, disk: &Parted<E>) -> Result<(), EngineError> {
        let batch = Batch::of(Self::KEY, self).map_err(|error| EngineError(error.to_string()))?;
        disk.write(&batch.changes)?;
        disk.sync()
    }

    /// Since when the store has seen everything: what was booked before may be unknown to it.
    pub fn complete_since(&self) -> DateTime<Utc> {
        self.replaced_at().map_or(self.created_at, |at| at.max(self.created_at))
    }

    /// The same by Healthengine's clock, if that was read since.
    fn complete_since_at_healthengine(&self) -> Option<DateTime<Utc>> {
        self.at_healthengine.filter(|own| own.ours == self.complete_since()).map(|own| own.theirs)
    }

    /// True of what happened at Healthengine at a moment, by its own clock, of which the store may
    /// not know. `ahead` is how far that clock is ahead of ours at present.
    pub fn may_lack(&self, at: DateTime<Utc>, ahead: TimeDelta) -> bool {
        match self.complete_since_at_healthengine() {
            Some(since) => at < since,
            None => at.checked_sub_signed(ahead).is_none_or(|at| at < self.complete_since()),
        }
    }

    /// Healthengine's clock is so far `ahead` of ours, which shows `now`.
    pub(super) fn note_clock(&mut self, ahead: TimeDelta, now: DateTime<Utc>) {
        let ours = self.complete_since();
        if self.complete_since_at_healthengine().is_none() && ours <= now {
            self.at_healthengine = ours.checked_add_signed(ahead).map(|theirs| AtHealthengine { ours, theirs });
        }
    }

    /// Moments that are yet to come were noted before this machine's clock was set right: they
    /// count from when this process `opened` the store, which is later than they were.
    pub(super) fn set_right(&mut self, now: DateTime<Utc>, opened: DateTime<Utc>) {
        let known = self.complete_since_at_healthengine();
        let Self { instance: _, created_at, restored_at, imported_at, at_healthengine: _ } = self;
        let moments = [Some(created_at), restored_at.as_mut(), imported_at.as_mut()];
        moments.into_iter().flatten().filter(|at| now < **at).for_each(|at| *at = opened);
        // By Healthengine's clock it is when it was.
        self.at_healthengine = known.map(|theirs| AtHealthengine { ours: self.complete_since(), theirs });
    }

    /// When its content was last replaced by an older one, if it ever was: what it says of the
    /// outside may be long out of date.
    pub fn replaced_at(&self) -> Option<DateTime<Utc>> {
        let Self { instance: _, created_at: _, restored_at, imported_at, at_healthengine: _ } = self;
        (*restored_at).max(*imported_at)
    }

    /// True of what was noted at this moment, if the content was replaced since: of what happened
    /// in between it knows nothing. A replacement that is yet to come says nothing of what is noted
    /// since.
    pub fn replaced_since(&self, noted: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        self.replaced_at().is_some_and(|at| noted < at && dates::age(at, now).is_some())
    }
}

impl Record for Meta {
    const KIND: &'static str = "meta";
    const VERSION: u32 = 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_1_is_read() {
        let meta: Meta = decode(include_str!("../../fixtures/store/meta.v1.jsonl")).unwrap();
        let day = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert_eq!(
            meta,
            Meta {
                instance: "5f0c6a1d2b3e4f50".into(),
                created_at: day("2026-02-01T00:00:00Z"),
                restored_at: Some(day("2026-03-01T10:00:00Z")),
                imported_at: None,
                at_healthengine: None
            }
        );
    }

    #[test]
    fn the_store_is_complete_since_it_last_was_replaced() {
        let created = DateTime::UNIX_EPOCH;
        let mut meta = Meta::new("a".into(), created);
        assert_eq!(meta.complete_since(), created);
        meta.imported_at = Some(created + TimeDelta::days(2));
        meta.restored_at = Some(created + TimeDelta::days(1));
        assert_eq!(meta.complete_since(), created + TimeDelta::days(2));
    }

    #[test]
    fn a_store_that_was_made_by_a_clock_that_was_ahead_is_complete_since_it_was_opened() {
        let day = |days: i64| DateTime::UNIX_EPOCH + TimeDelta::days(days);
        let mut meta = Meta::new("a".into(), day(0));
        meta.restored_at = Some(day(11));
        meta.set_right(day(3), day(2));
        assert_eq!((meta.created_at, meta.restored_at, meta.imported_at), (day(0), Some(day(2)), None));
        meta.created_at = day(11);
        meta.set_right(day(3), day(2));
        assert_eq!((meta.complete_since(), meta.restored_at), (day(2), Some(day(2))));
        meta.set_right(day(4), day(4));
        assert_eq!(meta.complete_since(), day(2), "what is over stays");
    }

    #[test]
    fn what_a_store_may_lack_is_told_by_healthengines_clock_however_ours_is_set() {
        let hour = |hours: i64| DateTime::UNIX_EPOCH + TimeDelta::hours(hours);
        let (none, one) = (TimeDelta::zero(), TimeDelta::hours(1));
        let mut meta = Meta::new("a".into(), hour(10));
        assert!(meta.may_lack(hour(9), none) && !meta.may_lack(hour(10), none), "not read yet");
        meta.note_clock(none, hour(11));
        // Ours is an hour ahead from here on, which is to say that theirs is behind.
        meta.note_clock(-one, hour(13));
        assert!(meta.may_lack(hour(9), -one) && !meta.may_lack(hour(10), -one));
        // Made by a clock that was ten hours ahead, and set right.
        let mut meta = Meta::new("a".into(), hour(20));
        meta.note_clock(-one * 10, hour(21));
        meta.set_right(hour(12), hour(11));
        assert!(meta.may_lack(hour(9), none) && !meta.may_lack(hour(10), none), "{meta:?}");
        // What comes into it makes it young.
        meta.imported_at = Some(hour(15));
        assert!(meta.may_lack(hour(14), none) && !meta.may_lack(hour(15), none));
        meta.note_clock(one, hour(16));
        assert!(meta.may_lack(hour(15), none) && !meta.may_lack(hour(16), none));
    }

    #[test]
    fn what_was_noted_before_the_store_was_replaced_is_out_of_date_unless_that_moment_is_yet_to_come() {
        let day = |days: i64| DateTime::UNIX_EPOCH + TimeDelta::days(days);
        let mut meta = Meta::new("a".into(), day(0));
        assert!(!meta.replaced_since(day(1), day(9)), "it never was");
        meta.restored_at = Some(day(2));
        meta.imported_at = Some(day(5));
        assert!(meta.replaced_since(day(1), day(9)) && meta.replaced_since(day(4), day(9)));
        assert!(!meta.replaced_since(day(5), day(9)) && !meta.replaced_since(day(6), day(9)));
        assert!(!meta.replaced_since(day(3), day(4)));
    }
}
