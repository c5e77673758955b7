//! When the slot of a lost answer is looked at, and how long after the last look.

use chrono::{DateTime, TimeDelta, Utc};

use crate::booking::entry::{Entry, State};
use crate::booking::post_record::LostRequest;
use crate::clock::Measured;

/// A look is repeated no sooner than this; after looks that were not answered the pause doubles,
pub(super) const LOOK_RETRY: TimeDelta = TimeDelta::seconds(2);
/// up to this.
pub(super) const LOOK_RETRY_MAX: TimeDelta = TimeDelta::seconds(30);

/// When a booking with an unknown outcome is to be looked at again, as the process measures it;
/// `None` if there is no doubt to settle.
///
/// A reading counts as *free* for a request that may still lie in a queue only when it began no
/// sooner than two timeouts after the POST, and the second of the two that are needed one timeout
/// after the first.
pub fn next_look(entry: &Entry, request_timeout: TimeDelta, now: &Measured) -> Option<DateTime<Utc>> {
    if entry.state != State::Submitting {
        return None;
    }
    let Some(lost) = &entry.post.lost_answer else { return Some(DateTime::<Utc>::MIN_UTC) };
    let since = now.counted(lost.since);
    let Some(looked_at) = lost.looked_at.map(|at| now.counted(at)) else { return Some(since) };
    let counts_from = match lost.request {
        LostRequest::IsOver => since,
        LostRequest::MayComeLate { free_at: None } => since + request_timeout * 2,
        LostRequest::MayComeLate { free_at: Some(free_at) } => now.counted(free_at) + request_timeout,
    };
    Some(counts_from.max(looked_at + LOOK_RETRY).max(rest_until(entry, now.now).unwrap_or(looked_at)))
}

/// Until when OpenVPMS has a rest from a booking. A moment further away than a rest lasts is one of
/// another process's clock.
pub(super) fn rest_until(entry: &Entry, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    entry.post.not_before.filter(|at| *at <= now + LOOK_RETRY_MAX)
}
