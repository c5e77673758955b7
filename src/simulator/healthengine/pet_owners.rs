//! What pet owners do: look at the times that are offered, book one, give it up.

use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use serde_json::Value;

use super::bookings::{BookingRecord, MarketplaceStatus, PetOwner, RequestOutcome, Who};
use super::delivery_queue::AnnouncedEvent;
use super::health;
use super::model::HealthengineModel;
use super::offer::{self, OfferedStart};
use super::practitioners::OfferedKind;
use super::published_day::PublishedRange;
use super::state::{PracticeAccount, UpdateWanted};
use super::unknown::Unknown;
use crate::ids::{BookingId, PracticeId, RequestId};

/// What a pet owner wants to book.
#[derive(Clone)]
pub struct Wish {
    /// Our id of the resource that their choice is linked to.
    pub resource: String,
    /// Our id of the linked appointment type, or Healthengine's name of the kind.
    pub kind: String,
    /// When, at practice time.
    pub start: NaiveDateTime,
    /// Who comes.
    pub pet_owner: PetOwner,
    /// What they write, perhaps several lines.
    pub reason: Option<String>,
    /// What they say about being new.
    pub is_new_patient: bool,
    /// Where a video visit happens.
    pub telehealth_url: Option<String>,
}

impl Wish {
    /// A wish without a person or a word.
    pub fn new(resource: impl Into<String>, kind: impl Into<String>, start: NaiveDateTime) -> Self {
        Self {
            resource: resource.into(),
            kind: kind.into(),
            start,
            pet_owner: PetOwner::default(),
            reason: None,
            is_new_patient: false,
            telehealth_url: None,
        }
    }

    /// Made by this person, for this reason.
    #[must_use]
    pub fn by(mut self, pet_owner: PetOwner, reason: impl Into<String>) -> Self {
        (self.pet_owner, self.reason) = (pet_owner, Some(reason.into()));
        self
    }
}

impl fmt::Debug for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wish({} of {} at {})", self.kind, self.resource, self.start)
    }
}

/// Why a wish cannot be booked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotOffered {
    /// Nobody added this practice.
    #[error(transparent)]
    Unknown(#[from] Unknown),
    /// The practice is not on the site: no consent, or its times are hidden because it is
    /// unhealthy.
    #[error("the practice's times are not shown")]
    Hidden,
    /// No practitioner is linked to this resource, or they do not do this.
    #[error("nobody is linked to this resource, or not for this kind")]
    NotLinked,
    /// The time is not among those offered.
    #[error("the time is not offered")]
    Time,
}

/// A booking, as a test compares it with the diary. `Debug` hides who it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarketplaceBooking {
    /// Its id.
    pub id: BookingId,
    /// Whose.
    pub practice: PracticeId,
    /// Our resource, also if it was deleted since.
    pub resource: String,
    /// Our appointment type that was linked when it was booked.
    pub appointment_type: Option<String>,
    /// Healthengine's name of the kind.
    pub kind: String,
    /// When, at practice time.
    pub start: NaiveDateTime,
    /// How long.
    pub length_seconds: u32,
    /// When it was booked, by the server's clock.
    pub booked_at: DateTime<Utc>,
    /// When its request was answered.
    pub answered_at: Option<DateTime<Utc>>,
    /// For whom.
    pub pet_owner: PetOwner,
    /// Where it stands for them.
    pub status: MarketplaceStatus,
    /// What became of the request; it is listed while `Open`.
    pub answer: RequestOutcome,
    /// What it was confirmed with.
    pub pms_appointment_ids: Vec<String>,
    /// The patient it was confirmed with.
    pub pms_patient_id: Option<String>,
    /// Who cancelled it.
    pub cancelled_by: Option<Who>,
    /// True if the practice reported that nobody came.
    pub did_not_attend: bool,
    /// Its updates that are listed.
    pub open_updates: Vec<RequestId>,
    /// How many updates were rejected.
    pub updates_rejected: u32,
}

impl HealthengineModel {
    /// The starts that are offered on a day, each with its kinds.
    pub fn offered(&self, practice: &PracticeId, resource: &str, day: NaiveDate) -> Result<Vec<OfferedStart>, Unknown> {
        self.at_practice(practice, |practice, _, now| {
            if hidden(practice, now) { Vec::new() } else { offer::of_day(practice, resource, day, now) }
        })
    }

    /// The ranges of a day as pet owners' choices are made from, or nothing if none was ever sent.
    pub fn published(
        &self,
        practice: &PracticeId,
        resource: &str,
        day: NaiveDate,
    ) -> Result<Option<Vec<PublishedRange>>, Unknown> {
        self.at_practice(practice, |practice, _, now| {
            practice.days.get(&(resource.to_owned(), day)).map(|own| own.published(now).to_vec())
        })
    }

    /// Books what is offered.
    pub fn book(&self, practice: &PracticeId, wish: Wish) -> Result<BookingId, NotOffered> {
        self.book_if(practice, wish, |practice, kind, wish, now| {
            offer::starts(practice, &wish.resource, wish.start.date(), kind, now).contains(&wish.start)
        })
    }

    /// Books at any time, offered or not: two pet owners at one instant, or a practice whose day
    /// has not come yet.
    pub fn book_regardless(&self, practice: &PracticeId, wish: Wish) -> Result<BookingId, NotOffered> {
        self.book_if(practice, wish, |_, _, _, _| true)
    }

    fn book_if(
        &self,
        practice: &PracticeId,
        wish: Wish,
        offered: impl FnOnce(&PracticeAccount, &OfferedKind, &Wish, DateTime<Utc>) -> bool,
    ) -> Result<BookingId, NotOffered> {
        self.at_practice(practice, |practice, ids, now| {
            if hidden(practice, now) {
                return Err(NotOffered::Hidden);
            }
            let kinds = practice.practitioner(&wish.resource).map_or(&[][..], |own| &own.kinds);
            let wanted =
                |kind: &&OfferedKind| kind.appointment_type.as_ref() == Some(&wish.kind) || kind.name == wish.kind;
            let kind = kinds.iter().find(wanted).ok_or(NotOffered::NotLinked)?.clone();
            if !offered(practice, &kind, &wish, now) {
                return Err(NotOffered::Time);
            }
            let length_seconds = offer::length_seconds(practice, &kind);
            let id = ids.booking();
            practice.bookings.insert(id, new_booking(wish, kind, length_seconds, now));
            practice.announce(AnnouncedEvent::new("bookings", Some(id), None));
            Ok(id)
        })?
    }

    /// The pet owner gives their booking up. It stays listed if it waits for an answer; an
    /// update says what happened.
    pub fn cancel(&self, booking: BookingId) -> Result<RequestId, Unknown> {
        self.at_booking(booking, |practice, ids, now| {
            let own = practice
                .bookings
                .get_mut(&booking)
                .filter(|own| matches!(own.status(now), MarketplaceStatus::Requested | MarketplaceStatus::Confirmed))?;
            own.cancelled_by = Some(Who::PetOwner);
            let request = ids.request();
            practice.wanted.updates.insert(request, UpdateWanted { booking, at: now });
            practice.announce(AnnouncedEvent::new("bookingUpdates", Some(booking), Some(request)));
            Some(request)
        })?
        .ok_or_else(|| Unknown(format!("standing booking {booking}")))
    }

    /// A booking.
    pub fn booking(&self, booking: BookingId) -> Result<MarketplaceBooking, Unknown> {
        let views = self.with(|state, now| {
            let mut practices = state.practices.iter();
            practices.find_map(|(id, own)| own.bookings.get(&booking).map(|found| view(id, own, booking, found, now)))
        });
        views.ok_or_else(|| Unknown(format!("booking {booking}")))
    }

    /// All bookings of a practice, in the order they were made.
    pub fn bookings(&self, practice: &PracticeId) -> Result<Vec<MarketplaceBooking>, Unknown> {
        self.at_practice(practice, |own, _, now| {
            own.bookings.iter().map(|(id, booking)| view(practice, own, *id, booking, now)).collect()
        })
    }

    /// From here on the 20 seconds of a booking count as over.
    pub fn let_deadline_pass(&self, booking: BookingId) -> Result<(), Unknown> {
        self.change_booking(booking, |own, _| own.deadline_passed = true)
    }

    /// How a field of a booking's request is written from here on: any JSON, or (`None`) missing.
    pub fn write_field(&self, booking: BookingId, field: &str, value: Option<Value>) -> Result<(), Unknown> {
        self.change_booking(booking, |own, _| {
            own.overrides.insert(field.to_owned(), value);
        })
    }

    /// Staff progress a booking in the portal: it is confirmed and no longer listed, without any
    /// ids.
    pub fn progress_by_hand(&self, booking: BookingId) -> Result<(), Unknown> {
        self.change_booking(booking, |own, now| {
            if own.answer == RequestOutcome::Open {
                (own.answer, own.answered_at) = (RequestOutcome::ByHand, Some(now));
            }
        })
    }

    fn change_booking(
        &self,
        booking: BookingId,
        change: impl FnOnce(&mut BookingRecord, DateTime<Utc>),
    ) -> Result<(), Unknown> {
        self.at_booking(booking, |practice, _, now| {
            if let Some(own) = practice.bookings.get_mut(&booking) {
                change(own, now);
            }
        })
    }
}

fn hidden(practice: &PracticeAccount, now: DateTime<Utc>) -> bool {
    !practice.consent || (practice.hides_times_when_unhealthy && !health::problems(practice, now).is_empty())
}

fn new_booking(wish: Wish, kind: OfferedKind, length_seconds: u32, now: DateTime<Utc>) -> BookingRecord {
    let Wish { resource, kind: _, start, pet_owner, reason, is_new_patient, telehealth_url } = wish;
    BookingRecord {
        resource,
        kind: kind.name,
        appointment_type: kind.appointment_type,
        start,
        length_seconds,
        pet_owner,
        reason,
        telehealth_url,
        is_new_patient,
        booked_at: now,
        answer: RequestOutcome::Open,
        answered_at: None,
        pms_appointment_ids: Vec::new(),
        pms_patient_id: None,
        cancelled_by: None,
        did_not_attend: false,
        updates_rejected: 0,
        deadline_passed: false,
        overrides: std::collections::BTreeMap::new(),
    }
}

fn view(
    practice: &PracticeId,
    own: &PracticeAccount,
    id: BookingId,
    booking: &BookingRecord,
    now: DateTime<Utc>,
) -> MarketplaceBooking {
    let updates = own.wanted.updates.iter().filter(|(_, update)| update.booking == id);
    MarketplaceBooking {
        id,
        practice: practice.clone(),
        resource: booking.resource.clone(),
        appointment_type: booking.appointment_type.clone(),
        kind: booking.kind.clone(),
        start: booking.start,
        length_seconds: booking.length_seconds,
        booked_at: booking.booked_at,
        answered_at: booking.answered_at,
        pet_owner: booking.pet_owner.clone(),
        status: booking.status(now),
        answer: booking.answer,
        pms_appointment_ids: booking.pms_appointment_ids.clone(),
        pms_patient_id: booking.pms_patient_id.clone(),
        cancelled_by: booking.cancelled_by,
        did_not_attend: booking.did_not_attend,
        open_updates: updates.map(|(request, _)| *request).collect(),
        updates_rejected: booking.updates_rejected,
    }
}
