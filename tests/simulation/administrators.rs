//! What administrators do to a running bridge: they pause and resume practices, change the
//! configuration and have it read again, and settle flagged bookings as what they saw in the diary.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use vetbridge::booking::entry::Entry;
use vetbridge::booking::resolution::Resolution;
use vetbridge::bridge::runner::RunState;
use vetbridge::ids::{BookingId, BookingReference, PracticeId};
use vetbridge::practice::resolve::NotResolved;
use vetbridge::simulator::healthengine::{MarketplaceBooking, MarketplaceStatus, Repeated, RequestOutcome, Who};

use crate::checker::{Wrong, in_general, of};
use crate::life::{Deed, Life};
use crate::story::About;

/// What the checker knows of a practice that was off.
#[derive(Debug, Default)]
pub(crate) struct Switched {
    /// When it was first seen silent, if it has been so since.
    silent_since: Option<DateTime<Utc>>,
    /// When it was last off.
    pub(crate) off_at: Option<DateTime<Utc>>,
}

/// By practice.
pub(crate) type Switches = BTreeMap<PracticeId, Switched>;

/// What came of somebody's verdicts, until the checker looks.
pub(crate) type Verdicts = Arc<Mutex<Vec<Told>>>;

/// The answer to `vetbridge bookings resolve`, and the two systems at that moment.
pub(crate) struct Told {
    id: BookingId,
    verdict: Resolution,
    answer: Result<Entry, NotResolved>,
    status: MarketplaceStatus,
    standing: usize,
}

/// The last call of a practice can be carried out so late, and its last days wait in a queue.
const SILENT_AFTER: TimeDelta = TimeDelta::seconds(40);
/// A practice that was switched on sends its configuration and its days before it asks for bookings.
const ON_WITHIN: TimeDelta = TimeDelta::seconds(60);

impl Life {
    /// Somebody types a command, or saves a file.
    pub(crate) fn administrators_act(&mut self) {
        let off = self.some_practice_that_is_off();
        match (self.world.chance.below(12), off) {
            (0..=4, Some(id)) => self.switch_on(&id),
            (0 | 1, None) => self.somebody_pauses(),
            (2..=4, None) => self.somebody_disables(),
            (5, Some(_)) => self.somebody_pauses(),
            (5 | 6, _) => self.somebody_changes_settings(),
            _ => self.somebody_looks_into_the_diary(),
        }
    }

    fn some_practice(&self) -> PracticeId {
        self.world.chance.pick(&self.world.config.practices).id.clone()
    }

    fn some_practice_that_is_off(&self) -> Option<PracticeId> {
        let ids = self.world.config.practices.iter().map(|practice| practice.id.clone());
        let off: Vec<_> = ids.filter(|id| self.world.standing(id).is_some_and(|own| own != RunState::On)).collect();
        (!off.is_empty()).then(|| self.world.chance.pick(&off).clone())
    }

    fn somebody_pauses(&mut self) {
        let id = self.some_practice();
        self.pause(&id, true);
    }

    /// Waits for its turn beside everything else, as a call to the admin listener does.
    fn pause(&mut self, id: &PracticeId, paused: bool) {
        let Some(bridge) = self.world.bridge().map(Arc::clone) else { return };
        if !paused {
            self.expect_calls(id);
        }
        let (what, id) = (if paused { "paused" } else { "resumed" }, id.clone());
        self.world.story.count(&format!("practice {what}"));
        self.world.story.tell(About::All, format!("practice {id} is {what}"));
        self.switches.entry(id.clone()).or_default().off_at = Some(self.world.clock.now());
        tokio::spawn(async move { bridge.set_paused(&id, paused).await });
    }

    fn somebody_disables(&mut self) {
        let id = self.some_practice();
        self.enable(&id, false);
        self.world.reload();
    }

    /// In the configuration, which nobody has read yet.
    fn enable(&mut self, id: &PracticeId, enabled: bool) {
        if enabled {
            self.expect_calls(id);
        }
        let what = if enabled { "enabled" } else { "disabled" };
        self.world.story.count(&format!("practice {what}"));
        self.world.story.tell(About::All, format!("practice {id} is {what} in the configuration"));
        self.switches.entry(id.clone()).or_default().off_at = Some(self.world.clock.now());
        self.world.practice_mut(id).enabled = enabled;
    }

    /// Whatever switched it off.
    fn switch_on(&mut self, id: &PracticeId) {
        if !self.world.practice_mut(id).enabled {
            self.enable(id, true);
            self.world.reload();
        }
        self.pause(id, false);
    }

    /// While no process runs.
    pub(crate) fn somebody_edits_the_file(&mut self) {
        let id = self.some_practice();
        let enabled = self.world.practice_mut(&id).enabled;
        self.enable(&id, !enabled);
    }

    /// At the end of a life, and of every process that dies after it.
    pub(crate) fn everybody_is_switched_on(&mut self) {
        let ids: Vec<PracticeId> = self.world.config.practices.iter().map(|practice| practice.id.clone()).collect();
        let is_off = |life: &Self, id: &PracticeId| life.world.standing(id).is_some_and(|own| own != RunState::On);
        for id in ids {
            if is_off(self, &id) {
                self.switch_on(&id);
            }
        }
    }

    fn somebody_changes_settings(&mut self) {
        let chance = self.world.chance.clone();
        match chance.below(4) {
            0 => self.world.set_near_days(*chance.pick(&[1, 2, 3])),
            2 => self.world.set_horizon_days(*chance.pick(&[2, 3, 4])),
            1 => {
                let id = self.some_practice();
                let hours = *chance.pick(&["07:00-19:00", "06:00-20:00", "00:00-24:00"]);
                self.world.practice_mut(&id).live_hours = crate::world::live_hours(hours);
            }
            // Saved as it was.
            _ => {}
        }
        // Its practices begin anew, and read the inventory first.
        self.world.story.disturb(TimeDelta::seconds(20));
        self.world.story.count("configuration read again");
        self.world.story.tell(About::All, "the configuration is read again");
        self.world.reload();
    }

    /// As a rule at a booking that is flagged.
    fn somebody_looks_into_the_diary(&mut self) {
        let chance = self.world.chance.clone();
        let flagged = |entry: &Entry| entry.needs_attention.is_some();
        let any = chance.percent(10);
        let known = self.booked.keys().filter_map(|id| self.world.entry(*id));
        let all: Vec<Entry> = known.filter(|entry| any || flagged(entry)).collect();
        if all.is_empty() {
            return;
        }
        let entry = chance.pick(&all).clone();
        let Some(practice) = self.world.bridge().and_then(|bridge| bridge.practice(&entry.practice_id)) else { return };
        let id = entry.booking_id;
        let verdict = self.verdict(&entry);
        self.world.story.count("resolved");
        self.world.story.tell(About::Booking(id), format!("somebody resolves the booking: {verdict:?}"));
        self.note(id, Deed::Resolved);
        let (healthengine, openvpms) = (self.world.healthengine.clone(), Arc::clone(&self.world.openvpms));
        let (verdicts, story) = (Arc::clone(&self.verdicts), self.world.story.clone());
        tokio::spawn(async move {
            let answer = practice.resolve(id, &verdict, None).await;
            let said = answer.as_ref().map_or_else(ToString::to_string, |entry| entry.state.name().to_owned());
            story.tell(About::Booking(id), format!("the booking is resolved: {said}"));
            let status = healthengine.booking(id).unwrap().status;
            let standing = crate::world::standing(&openvpms, id).len();
            verdicts.lock().unwrap().push(Told { id, verdict, answer, status, standing });
        });
    }

    /// What the diary says; if an appointment is to go that the ledger cannot name, it is cancelled there first.
    fn verdict(&mut self, entry: &Entry) -> Resolution {
        let (id, chance) = (entry.booking_id, self.world.chance.clone());
        let standing = self.world.appointments_of(id);
        let Some(own) = standing.first() else {
            return if chance.percent(60) { Resolution::Rejected } else { Resolution::Cancelled };
        };
        let reference = BookingReference(self.world.openvpms.staff(|clinic| clinic.reference(own)));
        if chance.percent(70) {
            return Resolution::Confirmed { reference: Some(reference), force: chance.percent(50) };
        }
        if entry.reference.as_ref() != Some(&reference) {
            self.world.openvpms.staff(|clinic| clinic.cancel(own.id));
            self.note(id, Deed::Cancelled);
        }
        Resolution::Cancelled
    }

    /// What was answered to whoever resolved a booking is so.
    pub(crate) fn check_verdicts(&mut self) -> Result<(), Wrong> {
        let told = std::mem::take(&mut *self.verdicts.lock().unwrap());
        for Told { id, verdict, answer, status, standing } in told {
            let Ok(entry) = answer else { continue };
            self.flagged.remove(&id);
            if entry.needs_attention.is_some() || entry.owed().is_some() {
                return Err(of(id, format!("booking {id} is resolved, and still needs somebody")));
            }
            let stands = matches!(verdict, Resolution::Confirmed { .. });
            // Who insists on a visit that the pet owner gave up changes nothing at Healthengine.
            let insists = stands && self.given_up.contains_key(&id);
            let follows = if stands { insists || status == MarketplaceStatus::Confirmed } else { is_over(status) };
            // We cancelled it there, and the store that knew that is lost: Healthengine cannot be asked.
            let booking = self.world.healthengine.booking(id).unwrap();
            let forgotten = stands && booking.cancelled_by == Some(Who::Pms) && self.store_went_back_since(id);
            // Somebody was quicker than our rejection, which Healthengine took all the same.
            let seems_ours =
                booking.answer == RequestOutcome::ByHand && self.world.shape.repeated == Repeated::Accepted;
            if !follows && !forgotten && !seems_ours {
                return Err(of(
                    id,
                    format!("booking {id} is resolved as {verdict:?}, and Healthengine has it {status:?}"),
                ));
            }
            // Staff can change the diary while it is read for this.
            let changed = self.was(id, Deed::Restored) || stands && self.was(id, Deed::Cancelled);
            if (standing > 0) != stands && !changed {
                return Err(of(id, format!("booking {id} is resolved as {verdict:?}, and stands {standing} times")));
            }
        }
        Ok(())
    }

    /// A practice that has left is silent, offers nothing, and owes nobody anything.
    pub(crate) fn check_switches(&mut self, bookings: &[MarketplaceBooking]) -> Result<(), Wrong> {
        let now = self.world.clock.now();
        let ids: Vec<PracticeId> = self.world.config.practices.iter().map(|practice| practice.id.clone()).collect();
        for id in ids {
            let Some(standing) = self.world.standing(&id) else { continue };
            let switched = self.switches.entry(id.clone()).or_default();
            match standing {
                RunState::On => continue,
                RunState::Leaving(_) => switched.off_at = Some(now),
                RunState::Silent(_) => {
                    switched.off_at = Some(now);
                    switched.silent_since.get_or_insert(now);
                }
            }
            if let Some(since) = switched.silent_since.filter(|since| *since + SILENT_AFTER <= now) {
                self.world.healthengine.expect_silence(&id).unwrap();
                self.check_silent(&id, since, bookings)?;
            }
        }
        Ok(())
    }

    fn check_silent(
        &self,
        practice: &PracticeId,
        since: DateTime<Utc>,
        bookings: &[MarketplaceBooking],
    ) -> Result<(), Wrong> {
        // A store that went back does not know of every day that was sent, nor of every booking.
        if !self.setbacks.is_empty() {
            return Ok(());
        }
        let now = self.world.wall();
        for resource in self.world.resources(practice) {
            for day in self.world.days() {
                let published = self.world.healthengine.published(practice, &resource.to_string(), day).unwrap();
                let ranges = published.unwrap_or_default();
                if ranges.iter().any(|range| day.and_time(range.end) > now) {
                    let what = format!("practice {practice} is off, and {resource} on {day} is offered");
                    return Err(in_general(what));
                }
            }
        }
        for booking in bookings.iter().filter(|booking| booking.practice == *practice) {
            let id = booking.id;
            let entry = self.world.entry(id);
            let flagged = entry.as_ref().is_some_and(|entry| entry.needs_attention.is_some());
            if entry.is_some_and(|entry| entry.is_open()) && !flagged {
                return Err(of(id, format!("practice {practice} is off, and booking {id} is left open")));
            }
            let old = self.was_offered.contains(&id)
                && self.booked.get(&id).is_some_and(|booked| *booked + TimeDelta::seconds(60) < since);
            let repeated = self.was(id, Deed::Repeated);
            if booking.answer == RequestOutcome::Open && old && !flagged && !repeated {
                return Err(of(id, format!("practice {practice} is off, and booking {id} was never answered")));
            }
        }
        Ok(())
    }

    /// From here on calls are no violation.
    fn expect_calls(&mut self, practice: &PracticeId) {
        self.world.healthengine.expect_calls(practice).unwrap();
        self.switches.entry(practice.clone()).or_default().silent_since = None;
    }

    /// A store that went back may not know that a practice is paused, or has left already.
    pub(crate) fn switches_are_forgotten(&mut self) {
        for id in self.world.config.practices.iter().map(|practice| practice.id.clone()).collect::<Vec<_>>() {
            self.expect_calls(&id);
        }
    }

    /// From when on a promise about this practice holds that was made then.
    pub(crate) fn on_since(&self, practice: &PracticeId, then: DateTime<Utc>) -> DateTime<Utc> {
        let off_at = self.switches.get(practice).and_then(|switched| switched.off_at);
        off_at.map_or(then, |off_at| then.max(off_at + ON_WITHIN))
    }

    /// True if the practice was off at some time since then.
    pub(crate) fn was_off_since(&self, practice: &PracticeId, then: DateTime<Utc>) -> bool {
        let off_at = self.switches.get(practice).and_then(|switched| switched.off_at);
        off_at.is_some_and(|off_at| off_at >= then)
    }
}

fn is_over(status: MarketplaceStatus) -> bool {
    matches!(status, MarketplaceStatus::Cancelled | MarketplaceStatus::Failed)
}
