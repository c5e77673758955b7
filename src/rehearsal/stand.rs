//! What a rehearsal runs on, once it runs: the model, the bridge, and what the page and the rounds
//! ask both of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Days as CalendarDays, NaiveDate, Utc};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::choices::ChosenTime;
use crate::bridge::Bridge;
use crate::ids::{BookingId, PracticeId, ResourceId, TypeId};
use crate::mapping::Mapping;
use crate::messages::rehearsal_page as say;
use crate::openvpms::OpenVpmsReader;
use crate::simulator::healthengine::{
    HealthengineModel, MarketplaceStatus, NotOffered, PetOwner, RequestOutcome, Wish,
};
use crate::zone::Zone;
use crate::zone::zones::Zones;

/// Both sides, and the bridge between them.
#[derive(Clone)]
pub(super) struct Stand {
    pub(super) model: HealthengineModel,
    pub(super) reader: OpenVpmsReader,
    pub(super) bridge: Arc<Bridge>,
    /// What each enabled practice offers, as it was found before the start.
    pub(super) offers: Arc<BTreeMap<PracticeId, Mapping>>,
    pub(super) horizon_days: u32,
    /// True if bookings are made.
    pub(super) books: bool,
    /// Cancelled when no further booking is to be made.
    pub(super) closing: CancellationToken,
    /// Tells the pet owner of this rehearsal from every customer.
    pub(super) mark: String,
}

/// What the pet owner of the rehearsal says of themselves.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum PlayedClient {
    /// That the practice knows them. A rule which turns new clients away does not keep the diary
    /// from being tried.
    #[default]
    Known,
    /// That they are new.
    New,
}

impl Stand {
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.bridge.now()
    }

    /// The zones of a practice that can be offered.
    pub(super) fn zones(&self, practice: &PracticeId) -> Option<Zones> {
        self.offers.get(practice).and_then(|mapping| mapping.zones.as_ref().ok()).copied()
    }

    /// The practices that can be offered: their zone is known and they have a resource.
    pub(super) fn practices(&self) -> impl Iterator<Item = (&PracticeId, &Mapping, Zones)> {
        let all = self.offers.iter().filter(|(_, mapping)| !mapping.resources.is_empty());
        all.filter_map(|(id, mapping)| Some((id, mapping, *mapping.zones.as_ref().ok()?)))
    }

    /// The days that are offered.
    pub(super) fn days(&self, zone: &Zone) -> impl Iterator<Item = NaiveDate> + use<> {
        let today = zone.wall(self.now()).date();
        (0..u64::from(self.horizon_days)).map(move |days| today + CalendarDays::new(days))
    }

    /// How many days of how many are published, over all resources.
    pub(super) fn published(&self) -> (usize, usize) {
        let (mut done, mut all) = (0, 0);
        for (id, mapping, zones) in self.practices() {
            for resource in &mapping.resources {
                for day in self.days(&zones.practice) {
                    all += 1;
                    let sent = self.model.published(id, &resource.id.to_string(), day);
                    done += usize::from(sent.is_ok_and(|ranges| ranges.is_some()));
                }
            }
        }
        (done, all)
    }

    /// What a pet owner can choose on a day of a resource.
    pub(super) fn offered(&self, practice: &PracticeId, resource: ResourceId, day: NaiveDate) -> Vec<ChosenTime> {
        let known = self.offers.get(practice).and_then(|mapping| mapping.resource(resource));
        let minutes = |kind: TypeId| {
            known.and_then(|own| own.appointment_type(kind.appointment_type)).map_or(0, |kind| kind.length_minutes)
        };
        let offers = self.model.offered(practice, &resource.to_string(), day).unwrap_or_default();
        let choices = offers.into_iter().flat_map(|offer| {
            let kinds = offer.kinds.into_iter().filter_map(|kind| kind.parse::<TypeId>().ok());
            kinds.map(move |kind| (kind, offer.start))
        });
        let choice = |(kind, start)| ChosenTime { practice: practice.clone(), kind, start, minutes: minutes(kind) };
        choices.map(choice).collect()
    }

    /// Everything that a pet owner can choose at a practice.
    pub(super) fn all_offered(&self, practice: &PracticeId) -> Vec<ChosenTime> {
        let Some((_, mapping, zones)) = self.practices().find(|(id, ..)| *id == practice) else { return Vec::new() };
        let days: Vec<NaiveDate> = self.days(&zones.practice).collect();
        let of = |resource: ResourceId| days.iter().flat_map(move |day| self.offered(practice, resource, *day));
        mapping.resources.iter().flat_map(|resource| of(resource.id)).collect()
    }

    /// The pet owner of the rehearsal books this.
    pub(super) fn book(&self, choice: &ChosenTime, client: PlayedClient) -> Result<BookingId, NotOffered> {
        let resource = choice.kind.resource.to_string();
        let mut wish = Wish::new(resource, choice.kind.to_string(), choice.start).by(self.pet_owner(), "Rehearsal");
        wish.is_new_patient = client == PlayedClient::New;
        self.model.book(&choice.practice, wish)
    }

    /// Nobody: a name that no customer has, and a number that is set aside for fiction.
    fn pet_owner(&self) -> PetOwner {
        PetOwner {
            first_name: Some("Vetbridge".to_owned()),
            last_name: Some(format!("Rehearsal {}", self.mark)),
            phone: Some("0491 570 156".to_owned()),
            email: Some(format!("rehearsal-{}@example.invalid", self.mark)),
            ..PetOwner::default()
        }
    }

    /// The bookings of all practices that stand for the pet owner.
    pub(super) fn standing(&self) -> Vec<BookingId> {
        let all = self.offers.keys().flat_map(|id| self.model.bookings(id).unwrap_or_default());
        let stands = |status| matches!(status, MarketplaceStatus::Requested | MarketplaceStatus::Confirmed);
        all.filter(|booking| stands(booking.status)).map(|booking| booking.id).collect()
    }

    /// The pet owner gives a booking up, and the bridge looks at once. False if it does not stand.
    pub(super) fn give_up(&self, booking: BookingId) -> bool {
        let given_up = self.model.cancel(booking).is_ok();
        self.bridge.practices().for_each(|practice| practice.look_now());
        given_up
    }

    /// True if nothing of these bookings waits at Healthengine any more.
    pub(super) fn are_settled(&self, bookings: &[BookingId]) -> bool {
        bookings.iter().all(|id| {
            let view = self.model.booking(*id);
            view.is_ok_and(|own| own.answer != RequestOutcome::Open && own.open_updates.is_empty())
        })
    }

    /// What a practice is called.
    pub(super) fn practice_name(&self, id: &PracticeId) -> String {
        let name = self.bridge.practice(id).and_then(|practice| practice.name());
        name.unwrap_or_else(|| say::practice(id))
    }

    /// What a choice's resource and appointment type are called.
    pub(super) fn names(&self, choice: &ChosenTime) -> (String, String) {
        let resource = self.offers.get(&choice.practice).and_then(|mapping| mapping.resource(choice.kind.resource));
        let kind = resource.and_then(|own| own.appointment_type(choice.kind.appointment_type));
        (
            self.resource_name(&choice.practice, choice.kind.resource),
            kind.map_or_else(|| choice.kind.to_string(), |own| own.plain_name.clone()),
        )
    }

    /// What a resource is called.
    pub(super) fn resource_name(&self, practice: &PracticeId, id: ResourceId) -> String {
        let resource = self.offers.get(practice).and_then(|mapping| mapping.resource(id));
        resource.map_or_else(|| id.to_string(), |own| own.name.clone())
    }

    /// The last sentence of the ledger about a booking.
    pub(super) fn reason(&self, booking: BookingId) -> String {
        let entry = self.bridge.ledger().get(booking).ok().flatten();
        entry.and_then(|entry| entry.last_reason().map(ToString::to_string)).unwrap_or_default()
    }
}
