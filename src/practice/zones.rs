//! The zone of each practice, remembered across restarts: so live hours and the times that
//! operators see are the practice's also before OpenVPMS was reached, and while no service runs.

use serde::{Deserialize, Serialize};

use crate::ids::PracticeId;
use crate::store::{Batch, Record, RecordKind, Store};
use crate::zone::Zone;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    /// As [`Zone`] is written.
    zone: String,
}

impl Record for Remembered {
    const KIND: &'static str = "zone";
    const VERSION: u32 = 1;
}

/// It travels, so that the ledger shows the practice's times from the start.
pub(super) const KIND: RecordKind = RecordKind::exported::<Remembered>();

/// The zone that a practice had when OpenVPMS was last read. A record of a zone that names no place
/// is of a practice that nobody had told the place of, and counts for nothing.
pub fn remembered(store: &Store, practice: &PracticeId) -> Option<Zone> {
    // A record that cannot be read is written anew by the next reading.
    let zone: Zone = store.get::<Remembered>(&practice.0).ok().flatten()?.zone.parse().ok()?;
    zone.names_a_place().then_some(zone)
}

/// The zone of this name, in which a practice's times are shown: UTC until its own is known.
pub fn named(name: Option<&str>) -> Zone {
    name.and_then(|name| name.parse().ok()).unwrap_or(Zone::Iana(chrono_tz::UTC))
}

/// The zone in which the times of a practice are shown while no service runs: that of the file, or
/// the one that is remembered.
pub fn shown(configured: Option<Zone>, store: &Store, practice: &PracticeId) -> Zone {
    configured.or_else(|| remembered(store, practice)).unwrap_or_else(|| named(None))
}

/// Writes the zone of a practice, if it is another one than is remembered.
pub(super) fn remember(store: &Store, practice: &PracticeId, zone: Zone) {
    if remembered(store, practice) == Some(zone) {
        return;
    }
    match Batch::of(&practice.0, &Remembered { zone: zone.to_string() }) {
        Ok(batch) => store.write_later(batch),
        Err(error) => tracing::error!(%practice, "The zone cannot be remembered: {error}."),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::store::MemoryEngine;

    #[test]
    fn a_zone_reads_back_as_it_was_and_the_latest_counts() {
        let store = Store::in_memory(&MemoryEngine::default(), DateTime::UNIX_EPOCH).unwrap();
        let practice = PracticeId("1".into());
        assert_eq!(remembered(&store, &practice), None);
        for name in ["Australia/Lord_Howe", "Australia/Perth"] {
            let zone: Zone = name.parse().unwrap();
            remember(&store, &practice, zone);
            assert_eq!(remembered(&store, &practice), Some(zone), "{name}");
        }
    }

    #[test]
    fn a_remembered_zone_that_names_no_place_counts_for_nothing() {
        let store = Store::in_memory(&MemoryEngine::default(), DateTime::UNIX_EPOCH).unwrap();
        let practice = PracticeId("1".into());
        for name in ["Etc/UTC", "UTC", "GMT+10:00", "EST"] {
            remember(&store, &practice, name.parse().unwrap());
            assert_eq!(remembered(&store, &practice), None, "{name}");
        }
    }
}
