//! A day of a resource as pet owners see it, and the snapshots of it that still wait in the queue.

use std::collections::VecDeque;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};

/// A stretch of a day that can be booked, as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedRange {
    /// Practice time.
    pub start: NaiveTime,
    /// Practice time, after `start`.
    pub end: NaiveTime,
    /// Seconds; under 60 Healthengine's own length of the type counts.
    pub slot_length_seconds: u32,
    /// The types that can be booked in it; every one if empty.
    pub appointment_types: Vec<String>,
}

/// One day of one resource.
#[derive(Default)]
pub(super) struct PublishedDay {
    published: Vec<PublishedRange>,
    queue: VecDeque<(DateTime<Utc>, Vec<PublishedRange>)>,
    last: Option<(DateTime<Utc>, Vec<PublishedRange>)>,
    heard_at: Option<DateTime<Utc>>,
}

impl PublishedDay {
    /// What pet owners see.
    pub(super) fn published(&self, now: DateTime<Utc>) -> &[PublishedRange] {
        self.queue.iter().rev().find(|(due, _)| *due <= now).map_or(&self.published, |(_, ranges)| ranges)
    }

    /// When a snapshot last came, changed or not.
    pub(super) fn heard_at(&self) -> Option<DateTime<Utc>> {
        self.heard_at
    }

    /// True if a snapshot still waits in the queue.
    pub(super) fn is_queued(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Takes a snapshot in; false if it is the one that it has.
    pub(super) fn take(
        &mut self,
        now: DateTime<Utc>,
        ranges: Vec<PublishedRange>,
        delay: TimeDelta,
        existing_for: TimeDelta,
    ) -> bool {
        self.heard_at = Some(now);
        if self.last.as_ref().is_some_and(|(at, last)| *last == ranges && now - *at < existing_for) {
            return false;
        }
        self.last = Some((now, ranges.clone()));
        self.queue.push_back((now + delay, ranges));
        true
    }

    /// Publishes what is due.
    pub(super) fn settle(&mut self, now: DateTime<Utc>) {
        while self.queue.front().is_some_and(|(due, _)| *due <= now) {
            if let Some((_, ranges)) = self.queue.pop_front() {
                self.published = ranges;
            }
        }
    }
}
