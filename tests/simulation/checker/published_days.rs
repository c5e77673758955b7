//! Once everything has healed: what is published is what the diary has free.

use chrono::NaiveDateTime;
use vetbridge::booking::entry::Entry;
use vetbridge::ids::{PracticeId, ResourceId};
use vetbridge::simulator::healthengine::MarketplaceBooking;

use super::{Wrong, in_general};
use crate::life::Life;
use crate::support::{Starts, starts};
use crate::truth;

impl Life {
    /// The days of a practice, as they are published and as the diary has them.
    pub(super) fn compare_days(&self, practice: &PracticeId) -> Option<Wrong> {
        let now = self.world.wall();
        for resource in self.world.resources(practice) {
            // A store that was lost, or put back, does not know of every day that was sent.
            let beyond = self.world.days_beyond().filter(|_| self.setbacks.is_empty());
            for day in beyond {
                let published = self.world.healthengine.published(practice, &resource.to_string(), day).unwrap();
                if published.is_some_and(|ranges| !ranges.is_empty()) {
                    return Some(in_general(format!("{resource} on {day} is offered beyond the horizon")));
                }
            }
            for day in self.world.days() {
                let published = self.world.healthengine.published(practice, &resource.to_string(), day).unwrap();
                let Some(published) = published else {
                    return Some(in_general(format!("{resource} on {day} was never sent")));
                };
                let free = self.world.openvpms.staff(|clinic| truth::starts(clinic, resource, day, now));
                let expected = self.left_by_rules(practice, resource, &free);
                let offered = starts(&published, day, now);
                if let Some(what) = self.difference(resource, &offered, &expected) {
                    return Some(in_general(format!("{resource} on {day}: {what}")));
                }
            }
        }
        None
    }

    /// The first start on which a day differs. What an API tells of a clinician is less than the
    /// truth: OpenVPMS 2.1 hides some of his free time while he has an appointment elsewhere, a
    /// booking of his that is in doubt takes his time, so does one whose change nobody has seen
    /// yet, and a bridge that lost what it had learnt of his roster can be wrong either way about
    /// his other schedule.
    fn difference(&self, resource: ResourceId, offered: &Starts, (least, most): &(Starts, Starts)) -> Option<String> {
        let in_doubt = |entry: Entry| {
            entry.needs_attention.is_some() && entry.place.is_some_and(|place| place.user == resource.user)
        };
        let is_in_doubt = || self.flagged.keys().filter_map(|id| self.world.entry(*id)).any(in_doubt);
        let is_unseen = || {
            let of_his =
                |own: &MarketplaceBooking| own.resource.parse().is_ok_and(|own: ResourceId| own.user == resource.user);
            let is_where_it_was = |own: &MarketplaceBooking| self.is_unseen(own) || self.moved_where_nobody_sees(own);
            self.world.bookings().iter().any(|own| of_his(own) && is_where_it_was(own))
        };
        let may_lack = resource.user.is_some()
            && (self.world.shape.is_2_1() || !self.setbacks.is_empty() || is_in_doubt() || is_unseen());
        let may_exceed = resource.user.is_some() && !self.setbacks.is_empty();
        let differs = |start: &&NaiveDateTime| {
            let kinds = |of: &Starts| of.get(*start).cloned().unwrap_or_default();
            let (offered, least, most) = (kinds(offered), kinds(least), kinds(most));
            let lacks = least.iter().any(|kind| !offered.contains(kind));
            let exceeds = offered.iter().any(|kind| !most.contains(kind));
            lacks && !may_lack || exceeds && !may_exceed
        };
        let first = offered.keys().chain(least.keys()).filter(differs).min()?;
        Some(format!("{} offered {:?}, expected {:?}", first.time(), offered.get(first), most.get(first)))
    }
}
