//! `[bookings]`: how bookings are treated.

use super::toml_reader::Table;
use super::values::{choice, label, whole};

const PATIENT_NAME_LABELS: [&str; 4] = ["pet name", "pet's name", "patient name", "animal name"];
const KEEP_DAYS: u32 = 400;
const KEEP_DAYS_MAX: u32 = 3650;

/// How bookings are treated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookingSettings {
    /// What becomes of a booking that arrives while OpenVPMS cannot be reached.
    pub when_openvpms_is_down: WhenDown,
    /// A settled booking is forgotten this long after its appointment; 1 to 3650.
    pub keep_days: u32,
    /// How long a client's spelling is remembered, 0 to 3650; 0 is never.
    pub client_memory_days: u32,
    /// What the pet's name is labelled with in the reason a pet owner writes; trimmed, not blank,
    /// without a colon.
    pub patient_name_labels: Vec<String>,
}

/// What becomes of a booking that arrives while OpenVPMS cannot be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenDown {
    /// It is rejected in time, so that the pet owner is shown other times.
    Reject,
    /// It stays open and is made when OpenVPMS is back.
    Hold,
}

impl Default for BookingSettings {
    fn default() -> Self {
        Self {
            when_openvpms_is_down: WhenDown::Reject,
            keep_days: KEEP_DAYS,
            client_memory_days: KEEP_DAYS,
            patient_name_labels: PATIENT_NAME_LABELS.map(str::to_owned).to_vec(),
        }
    }
}

/// Reads the section; all of it is optional. `None`: wrong and reported.
pub(super) fn read(root: &Table<'_>) -> Option<BookingSettings> {
    const DOWN: &[(&str, WhenDown)] = &[("reject", WhenDown::Reject), ("hold", WhenDown::Hold)];
    let defaults = BookingSettings::default();
    let Some(table) = root.table("bookings") else { return Some(defaults) };
    let when_openvpms_is_down = table.or("when_openvpms_is_down", defaults.when_openvpms_is_down, choice(DOWN));
    let keep_days = table.or("keep_days", defaults.keep_days, whole(1, KEEP_DAYS_MAX));
    let client_memory_days = table.or("client_memory_days", defaults.client_memory_days, whole(0, KEEP_DAYS_MAX));
    let labels = table.or("patient_name_labels", defaults.patient_name_labels, |value| value.list(label));
    table.finish();
    Some(BookingSettings {
        when_openvpms_is_down: when_openvpms_is_down?,
        keep_days: keep_days?,
        client_memory_days: client_memory_days?,
        patient_name_labels: labels?,
    })
}
