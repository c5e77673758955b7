//! The last words: what was done, how fast, and whether both sides agree.

use std::collections::BTreeMap;
use std::fmt;

use chrono::TimeDelta;

use super::account::span;
use super::journal::{Journal, JournalEntry};
use super::stage::Stage;
use super::{compare, offers};
use crate::ids::BookingId;
use crate::simulator::healthengine::{MarketplaceBooking, RequestOutcome};

/// So many differences are printed.
const DIFFERENCES_SHOWN: usize = 20;

/// What a demo came to at one moment.
#[derive(Debug)]
pub struct Summary {
    /// Bookings that pet owners made.
    pub made: usize,
    /// Of these, those that were confirmed, whatever came after.
    pub confirmed: usize,
    /// Of these, those that were rejected.
    pub rejected: usize,
    /// Bookings that their pet owners cancelled.
    pub cancelled_by_owner: usize,
    /// Bookings that staff cancelled.
    pub cancelled_by_staff: usize,
    /// Bookings that staff moved.
    pub moved: usize,
    /// What differs, in words; empty if both sides agree.
    pub differences: Vec<String>,
    /// From booking to confirmation, shortest first.
    waits: Vec<TimeDelta>,
    own_entries: usize,
    resource_days: usize,
    resources: usize,
    starts: usize,
    openvpms_calls: BTreeMap<String, u64>,
    healthengine_calls: BTreeMap<String, u64>,
}

impl Summary {
    /// True if nothing differs.
    pub fn agrees(&self) -> bool {
        self.differences.is_empty()
    }

    /// Compares everything at this moment.
    pub(super) fn of(stage: &Stage, journal: &Journal) -> Self {
        let (bookings, world) = (stage.bookings(), stage.clinic(|world| world.clone()));
        let ledger: BTreeMap<BookingId, _> =
            stage.service().bridge().ledger().all().map(|entry| (entry.booking_id, entry)).collect();
        let offers = offers::compare(stage, &world, &bookings);

        let mut differences: Vec<String> = bookings
            .iter()
            .flat_map(|view| compare::booking(view, &bookings, ledger.get(&view.id), &world, journal))
            .collect();
        let lost = journal.bookings.keys().filter(|id| !bookings.iter().any(|view| view.id == **id));
        differences.extend(lost.map(|id| format!("Booking {id} is gone from Healthengine.")));
        differences.extend(compare::diary(&world, journal));
        differences.extend(offers.differences);
        let violations = stage.marketplace().violations();
        differences
            .extend(violations.iter().map(|own| format!("A call that Healthengine's API does not allow: {own}.")));

        let mut waits: Vec<TimeDelta> = bookings.iter().filter_map(wait).collect();
        waits.sort_unstable();
        let answered = |answer| bookings.iter().filter(|view| view.answer == answer).count();
        let deeds = || journal.bookings.values();
        Self {
            made: bookings.len(),
            confirmed: answered(RequestOutcome::Confirmed),
            rejected: answered(RequestOutcome::Rejected),
            cancelled_by_owner: deeds().filter(|own| own.given_up.is_some()).count(),
            cancelled_by_staff: deeds().filter(|own| own.cancelled.is_some()).count(),
            moved: deeds().filter(|own| own.moved.is_some()).count(),
            differences,
            waits,
            own_entries: journal.entries.values().filter(|own| matches!(own, JournalEntry::Stands(_))).count(),
            resource_days: offers.days,
            resources: offers.resources,
            starts: offers.starts,
            openvpms_calls: stage.openvpms_calls(),
            healthengine_calls: stage.healthengine_calls(),
        }
    }
}

fn wait(view: &MarketplaceBooking) -> Option<TimeDelta> {
    let answered_at = view.answered_at.filter(|_| view.answer == RequestOutcome::Confirmed)?;
    Some(answered_at - view.booked_at)
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { made, confirmed, rejected, cancelled_by_owner, cancelled_by_staff, moved, differences, .. } = self;
        writeln!(f, "Summary")?;
        writeln!(f, "  Bookings      {made} made, {confirmed} confirmed, {rejected} rejected")?;
        writeln!(
            f,
            "  Afterwards    {cancelled_by_owner} cancelled by pet owners, {cancelled_by_staff} cancelled by staff, \
             {moved} moved by staff"
        )?;
        if let (Some(median), Some(worst)) = (self.waits.get(self.waits.len() / 2), self.waits.last()) {
            writeln!(f, "  Confirmed     after {} (median), {} at worst", span(*median), span(*worst))?;
        }
        writeln!(
            f,
            "  Calls         OpenVPMS {}; Healthengine {}",
            calls(&self.openvpms_calls),
            calls(&self.healthengine_calls)
        )?;
        writeln!(
            f,
            "  Compared      {made} bookings and {} of the clinic's own appointments with the diary; {} days of {} \
             resources, with {} times on offer, with the diary's free time",
            self.own_entries, self.resource_days, self.resources, self.starts
        )?;
        if differences.is_empty() {
            return write!(f, "Both sides agree.");
        }
        writeln!(f, "{} differences:", differences.len())?;
        for difference in differences.iter().take(DIFFERENCES_SHOWN) {
            writeln!(f, "  - {difference}")?;
        }
        write!(f, "Both sides do NOT agree.")
    }
}

/// `120 (110 GET, 8 POST, 2 DELETE)`
fn calls(by_method: &BTreeMap<String, u64>) -> String {
    let parts: Vec<String> = by_method.iter().map(|(method, times)| format!("{times} {method}")).collect();
    format!("{} ({})", by_method.values().sum::<u64>(), parts.join(", "))
}
