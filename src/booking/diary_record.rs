//! What OpenVPMS's diary showed of an appointment of ours, and what was asked of it.

use chrono::{DateTime, Utc};

use crate::ids::BookingReference;

/// More former references of a booking are not kept: the oldest go first.
const FORMER_REFERENCES_MAX: usize = 8;

/// What the diary showed of an appointment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DiaryRecord {
    /// When the appointment was known to stand.
    pub inserted_at: Option<DateTime<Utc>>,
    /// The references that the appointment had before a person named another: Healthengine may go
    /// on to echo them.
    pub former_references: Vec<BookingReference>,
    /// True once operators were told that staff moved the appointment to where it cannot be seen.
    pub out_of_sight: bool,
    /// True once the diary named the clinician of the place: that it names nobody then means that
    /// staff took them off.
    pub clinician_named: bool,
    /// True once staff chose the clinician, so that the pet owner's choice counts no more.
    pub clinician_by_staff: bool,
    /// True while the appointment is gone together with suspiciously many others, and nothing is
    /// cancelled without a person.
    pub cancellation_suspended: bool,
    /// How often OpenVPMS refused to cancel the appointment, in words that nobody knows.
    pub cancel_refusals: u32,
}

impl DiaryRecord {
    /// Keeps a reference that the appointment had.
    pub(super) fn keep_former(&mut self, reference: BookingReference) {
        if !self.former_references.contains(&reference) {
            self.former_references.push(reference);
        }
        if self.former_references.len() > FORMER_REFERENCES_MAX {
            self.former_references.remove(0);
        }
    }
}
