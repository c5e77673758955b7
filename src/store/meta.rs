//! What the store knows about itself.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::dates;

use super::record::Record;

/// What the store knows about itself. Made with the database; changed only when a backup comes back.
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
}

impl Meta {
    /// Where the one record of this kind stands.
    pub const KEY: &'static str = "store";

    pub(super) fn new(instance: String, created_at: DateTime<Utc>) -> Self {
        Self { instance, created_at, restored_at: None, imported_at: None }
    }

    /// Since when the store has seen everything: what was booked before may be unknown to it.
    pub fn complete_since(&self) -> DateTime<Utc> {
        self.replaced_at().map_or(self.created_at, |at| at.max(self.created_at))
    }

    /// Moments that are yet to come were noted before this machine's clock was set right: they count from when this process `opened`
    /// the store, which is later than they were.
    pub(super) fn set_right(&mut self, now: DateTime<Utc>, opened: DateTime<Utc>) {
        let Self { instance: _, created_at, restored_at, imported_at } = self;
        let moments = [Some(created_at), restored_at.as_mut(), imported_at.as_mut()];
        moments.into_iter().flatten().filter(|at| now < **at).for_each(|at| *at = opened);
    }

    /// When its content was last replaced by an older one, if it ever was: what it says of the outside may be long out of date.
    pub fn replaced_at(&self) -> Option<DateTime<Utc>> {
        let Self { instance: _, created_at: _, restored_at, imported_at } = self;
        (*restored_at).max(*imported_at)
    }

    /// True of what was noted at this moment, if the content was replaced since: of what happened in between it knows nothing. A
    /// replacement that is yet to come says nothing of what is noted since.
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
    use chrono::TimeDelta;

    use super::*;
    use crate::store::record::decode;

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
                imported_at: None
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
