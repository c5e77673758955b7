//! Is a certificate about to end?

use chrono::{DateTime, TimeDelta, Utc};

use super::findings::Report;
use crate::messages::tls as say;

/// Time enough to have one made; those that are renewed by a program are renewed earlier.
const SOON: TimeDelta = TimeDelta::days(21);

/// Judges when a certificate ends, if there is one.
pub(super) fn inspect(place: &str, end: Option<DateTime<Utc>>, now: DateTime<Utc>, report: &mut Report) {
    match end {
        Some(end) if end <= now => report.problem(place, say::certificate_ended(end)),
        Some(end) if end - now < SOON => report.note(place, say::certificate_ends(end, (end - now).num_days())),
        Some(_) | None => {}
    }
}
