//! What practice staff and Healthengine's own people do: consent, links in the portal, questions to
//! the practice system.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde_json::Value;

use super::bookings::{MarketplaceStatus, RequestOutcome};
use super::delivery_queue::{AnnouncedEvent, DeliveryFailure};
use super::held_subscription::HeldSubscription;
use super::listed_configuration::{ListedResource, ListedType};
use super::model::HealthengineModel;
use super::practitioners::{OfferedKind, Practitioner};
use super::state::{PracticeAccount, UpdateWanted, WantedUpdates};
use super::unknown::Unknown;
use super::{features, requests};
use crate::ids::{BookingId, PracticeId, RequestId};
use crate::zone::Zone;

/// A practice as it is added.
#[derive(Clone)]
pub struct NewPractice {
    /// Its id.
    pub id: PracticeId,
    /// Its key.
    pub key: String,
    /// Its zone, as Healthengine has it.
    pub zone: Zone,
    /// True if staff link every resource and type as soon as it is sent.
    pub staff_link_at_once: bool,
    /// True if the practice wants its times hidden while the integration is unhealthy.
    pub hides_times_when_unhealthy: bool,
    /// The days on which the hours for public holidays count.
    pub public_holidays: BTreeSet<NaiveDate>,
}

impl NewPractice {
    /// A practice with diligent staff and without public holidays.
    pub fn new(id: impl Into<String>, key: impl Into<String>, zone: Zone) -> Self {
        Self {
            id: PracticeId(id.into()),
            key: key.into(),
            zone,
            staff_link_at_once: true,
            hides_times_when_unhealthy: false,
            public_holidays: BTreeSet::new(),
        }
    }
}

impl HealthengineModel {
    /// Adds a practice that has granted consent, or replaces the one of that id with an empty one.
    pub fn add_practice(&self, new: NewPractice) {
        let NewPractice { id, key, zone, staff_link_at_once, hides_times_when_unhealthy, public_holidays } = new;
        let practice = PracticeAccount {
            key,
            zone,
            consent: true,
            silence_expected: false,
            hides_times_when_unhealthy,
            public_holidays,
            staff_link_at_once,
            liveness: None,
            resources: Vec::new(),
            appointment_types: Vec::new(),
            practitioners: Vec::new(),
            lost_links: Vec::new(),
            days: Default::default(),
            bookings: Default::default(),
            wanted: WantedUpdates::default(),
            features: Default::default(),
            subscriptions: Default::default(),
            delivery_failures: Vec::new(),
            events: Vec::new(),
            last_poll: None,
            lapses: Vec::new(),
        };
        self.with(|state, _| state.practices.insert(id, practice));
    }

    /// The administrator grants consent (again).
    pub fn grant_consent(&self, practice: &PracticeId) -> Result<(), Unknown> {
        self.at_practice(practice, |practice, _, _| practice.consent = true)
    }

    /// The administrator revokes consent: 403 from here on, and nothing is offered.
    pub fn revoke_consent(&self, practice: &PracticeId) -> Result<(), Unknown> {
        self.at_practice(practice, |practice, _, _| practice.consent = false)
    }

    /// The practice gets another key.
    pub fn replace_key(&self, practice: &PracticeId, key: impl Into<String>) -> Result<(), Unknown> {
        self.at_practice(practice, |practice, _, _| practice.key = key.into())
    }

    /// The integration of this practice is off at the consumer: every call from here on is a
    /// violation.
    pub fn expect_silence(&self, practice: &PracticeId) -> Result<(), Unknown> {
        self.at_practice(practice, |practice, _, _| practice.silence_expected = true)
    }

    /// It is on again. The silence is not held against it.
    pub fn expect_calls(&self, practice: &PracticeId) -> Result<(), Unknown> {
        self.at_practice(practice, |practice, _, now| {
            practice.silence_expected = false;
            practice.last_poll = practice.last_poll.map(|_| now);
        })
    }

    /// Staff link a resource to a practitioner of this name.
    pub fn link_resource(&self, practice: &PracticeId, resource: &str, name: &str) -> Result<(), Unknown> {
        self.at_practice(practice, |practice, _, _| {
            let known = practice.resource(resource).cloned().ok_or_else(|| Unknown(format!("resource {resource}")))?;
            practice.link_resource(&known, name);
            Ok(())
        })?
    }

    /// Staff give the practitioner of a resource a kind, linked or not, or change the one of that
    /// name.
    pub fn link_kind(&self, practice: &PracticeId, resource: &str, kind: OfferedKind) -> Result<(), Unknown> {
        let linked = self.at_practice(practice, |practice, _, _| practice.link_kind(resource, kind))?;
        if linked { Ok(()) } else { Err(Unknown(format!("practitioner for {resource}"))) }
    }

    /// Staff link everything that is not linked.
    pub fn link_everything(&self, practice: &PracticeId) -> Result<(), Unknown> {
        self.at_practice(practice, |practice, _, _| practice.link_everything())
    }

    /// The practitioners with their links.
    pub fn practitioners(&self, practice: &PracticeId) -> Result<Vec<Practitioner>, Unknown> {
        self.at_practice(practice, |practice, _, _| practice.practitioners.clone())
    }

    /// Every link that a snapshot destroyed, in words.
    pub fn lost_links(&self, practice: &PracticeId) -> Result<Vec<String>, Unknown> {
        self.at_practice(practice, |practice, _, _| practice.lost_links.clone())
    }

    /// The resources as last sent.
    pub fn resources(&self, practice: &PracticeId) -> Result<Vec<ListedResource>, Unknown> {
        self.at_practice(practice, |practice, _, _| practice.resources.clone())
    }

    /// The appointment types as last sent.
    pub fn appointment_types(&self, practice: &PracticeId) -> Result<Vec<ListedType>, Unknown> {
        self.at_practice(practice, |practice, _, _| practice.appointment_types.clone())
    }

    /// The liveness contract as last sent.
    pub fn liveness_contract(&self, practice: &PracticeId) -> Result<Option<Value>, Unknown> {
        self.at_practice(practice, |practice, _, _| practice.liveness.as_ref().map(|own| own.sent.clone()))
    }

    /// Asks for a day, of one resource or of every one.
    pub fn ask_availability(
        &self,
        practice: &PracticeId,
        day: NaiveDate,
        resource: Option<&str>,
    ) -> Result<(), Unknown> {
        self.at_practice(practice, |practice, ids, now| {
            requests::want_day(practice, ids, day, resource.map(ToOwned::to_owned), now);
        })
    }

    /// The days that are still asked for, with the resource where only one is.
    pub fn days_asked_for(&self, practice: &PracticeId) -> Result<Vec<(NaiveDate, Option<String>)>, Unknown> {
        self.at_practice(practice, |practice, _, _| {
            practice.wanted.days.iter().map(|wanted| (wanted.day, wanted.resource.clone())).collect()
        })
    }

    /// Asks what became of a booking's appointment.
    pub fn ask_appointment_change(&self, booking: BookingId) -> Result<(), Unknown> {
        self.at_booking(booking, |practice, ids, _| {
            if practice.wanted.appointment_changes.insert(booking) {
                practice.announce(AnnouncedEvent::new("pmsAppointmentChanges", Some(booking), Some(ids.event())));
            }
        })
    }

    /// The bookings whose appointment is still asked about.
    pub fn appointment_changes_asked_for(&self, practice: &PracticeId) -> Result<Vec<BookingId>, Unknown> {
        self.at_practice(practice, |practice, _, _| practice.wanted.appointment_changes.iter().copied().collect())
    }

    /// Asks for the resource snapshot.
    pub fn ask_resources(&self, practice: &PracticeId) -> Result<(), Unknown> {
        self.at_practice(practice, |practice, ids, _| {
            practice.wanted.resources = true;
            practice.announce(AnnouncedEvent::new("pmsResources", None, Some(ids.event())));
        })
    }

    /// Asks for the appointment type snapshot.
    pub fn ask_appointment_types(&self, practice: &PracticeId) -> Result<(), Unknown> {
        self.at_practice(practice, |practice, ids, _| {
            practice.wanted.appointment_types = true;
            practice.announce(AnnouncedEvent::new("pmsAppointmentTypes", None, Some(ids.event())));
        })
    }

    /// Lists a kind of request beyond the six (of an extra feature, or one that no edition knows)
    /// until it is withdrawn.
    pub fn ask_other(&self, practice: &PracticeId, kind: &str) -> Result<(), Unknown> {
        self.at_practice(practice, |practice, ids, _| {
            practice.wanted.other_kinds.insert(kind.to_owned());
            practice.announce(AnnouncedEvent::new(kind, None, Some(ids.event())));
        })
    }

    /// Withdraws what [`Self::ask_other`] lists.
    pub fn withdraw_other(&self, practice: &PracticeId, kind: &str) -> Result<(), Unknown> {
        self.at_practice(practice, |practice, _, _| {
            practice.wanted.other_kinds.remove(kind);
        })
    }

    /// A booking changes in something else than its status (a phone number, say): an update that
    /// needs no cancellation.
    pub fn touch(&self, booking: BookingId) -> Result<RequestId, Unknown> {
        self.at_booking(booking, |practice, ids, now| {
            practice.bookings.get(&booking).filter(|own| own.status(now) != MarketplaceStatus::Failed)?;
            let request = ids.request();
            practice.wanted.updates.insert(request, UpdateWanted { booking, at: now });
            practice.announce(AnnouncedEvent::new("bookingUpdates", Some(booking), Some(request)));
            Some(request)
        })?
        .ok_or_else(|| Unknown(format!("booking {booking} that did not fail")))
    }

    /// The server forgets that a booking was confirmed through the API: it is listed again, as if
    /// nobody had answered. False if it was not confirmed like that.
    pub fn forget_confirmation(&self, booking: BookingId) -> Result<bool, Unknown> {
        self.at_booking(booking, |practice, _, _| {
            let own = practice.bookings.get_mut(&booking).filter(|own| own.answer == RequestOutcome::Confirmed);
            own.is_some_and(|own| {
                (own.answer, own.answered_at) = (RequestOutcome::Open, None);
                (own.pms_appointment_ids, own.pms_patient_id) = (Vec::new(), None);
                true
            })
        })
    }

    /// A former integration left a feature on (or off).
    pub fn set_feature(&self, practice: &PracticeId, id: &str, enabled: bool) -> Result<(), Unknown> {
        let id = features::named(id).ok_or_else(|| Unknown(format!("feature {id}")))?;
        self.at_practice(practice, |practice, _, _| {
            practice.features.insert(id, enabled);
        })
    }

    /// The features that are on.
    pub fn features_on(&self, practice: &PracticeId) -> Result<Vec<&'static str>, Unknown> {
        self.at_practice(practice, |practice, _, _| {
            practice.features.iter().filter(|(_, on)| **on).map(|(id, _)| *id).collect()
        })
    }

    /// The subscriptions that have not expired, by id.
    pub fn subscriptions(&self, practice: &PracticeId) -> Result<Vec<(String, HeldSubscription)>, Unknown> {
        self.at_practice(practice, |practice, _, now| {
            let standing = practice.subscriptions.iter().filter(|(_, own)| own.is_standing(now));
            standing.map(|(id, own)| (id.clone(), own.clone())).collect()
        })
    }

    /// A subscription that somebody else made with the consumer's key, or that is left from before.
    pub fn add_subscription(&self, practice: &PracticeId, subscription: HeldSubscription) -> Result<String, Unknown> {
        self.at_practice(practice, |practice, ids, _| {
            let id = ids.subscription();
            practice.subscriptions.insert(id.clone(), subscription);
            id
        })
    }

    /// Somebody else ends a subscription.
    pub fn remove_subscription(&self, practice: &PracticeId, id: &str) -> Result<(), Unknown> {
        self.at_practice(practice, |practice, _, _| practice.subscriptions.remove(id).map(drop))?
            .ok_or_else(|| Unknown(format!("subscription {id}")))
    }

    /// Puts an entry into the log of failed deliveries.
    pub fn log_delivery_failure(&self, practice: &PracticeId, failure: DeliveryFailure) -> Result<(), Unknown> {
        self.at_practice(practice, |practice, _, _| practice.delivery_failures.push(failure))
    }
}
