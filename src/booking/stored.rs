//! The form in which the store keeps an [`Entry`]: one flat object, as every version wrote and read
//! it.
//!
//! A field is skipped where it says nothing, and a field that an old record lacks says nothing.
//! Both conversions name every field, so a field that is added to [`Entry`] has to be decided upon
//! here.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::answered::{Acknowledged, Answered, Delivery, Owed};
use super::diary_record::DiaryRecord;
use super::entry::{Entry, HistoryItem, Place, State};
use super::flag::Flagged;
use super::post_record::{LostAnswer, LostRequest, PostRecord};
use super::wanted::{self, WantedId, WantedPlace};
use crate::dates;
use crate::ids::{BookingId, BookingReference, PracticeId};

/// An [`Entry`] as JSON. The names of its fields are for good.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredEntry {
    booking_id: BookingId,
    practice_id: PracticeId,
    state: State,
    place: Option<Place>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wanted: Option<NaiveDateTime>,
    #[serde(default, deserialize_with = "wanted::kept", skip_serializing_if = "Option::is_none")]
    wanted_resource: Option<WantedId>,
    #[serde(default, deserialize_with = "wanted::kept", skip_serializing_if = "Option::is_none")]
    wanted_type: Option<WantedId>,
    #[serde(default, deserialize_with = "dates::that_count")]
    booked_at: Option<DateTime<Utc>>,
    reference: Option<BookingReference>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    former_references: Vec<BookingReference>,
    patient: String,
    #[serde(default, skip_serializing_if = "is_false")]
    maybe_forgotten: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    told: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    rejected_in_time: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rejection_lost_at: Option<DateTime<Utc>>,
    /// Entries of versions that did not note it may have been heard.
    #[serde(default = "perhaps", skip_serializing_if = "is_perhaps")]
    heard: Delivery,
    #[serde(default, skip_serializing_if = "is_zero")]
    refusals: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unseen_since: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "is_zero")]
    cancel_refusals: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    unanswered_looks: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_before: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "is_zero")]
    left_nothing: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    submitted_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inserted_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    doubt: Option<StoredLostAnswer>,
    #[serde(default, skip_serializing_if = "is_false")]
    withdrawn: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    unlisted: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    out_of_sight: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    clinician_named: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    clinician_by_staff: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    left_alone: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    given_up: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owed: Option<Owed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    needs_attention: Option<Flagged>,
    history: Vec<HistoryItem>,
}

/// A [`LostAnswer`] as JSON.
#[derive(Serialize, Deserialize)]
struct StoredLostAnswer {
    since: DateTime<Utc>,
    server_is_through: bool,
    looked_at: Option<DateTime<Utc>>,
    free_at: Option<DateTime<Utc>>,
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        StoredEntry::from(self.clone()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        StoredEntry::deserialize(deserializer).map(Self::from)
    }
}

impl From<StoredEntry> for Entry {
    fn from(stored: StoredEntry) -> Self {
        let acknowledged = match (stored.owed, stored.told) {
            (Some(owed), _) => Acknowledged::Owed(owed),
            (None, true) => Acknowledged::Yes,
            (None, false) => Acknowledged::NotYet,
        };
        Self {
            booking_id: stored.booking_id,
            practice_id: stored.practice_id,
            state: stored.state,
            place: stored.place,
            wanted: WantedPlace {
                at: stored.wanted,
                resource: stored.wanted_resource,
                appointment_type: stored.wanted_type,
            },
            booked_at: stored.booked_at,
            reference: stored.reference,
            patient: stored.patient,
            answered: Answered {
                acknowledged,
                delivery: stored.heard,
                rejected_in_time: stored.rejected_in_time,
                rejection_lost_at: stored.rejection_lost_at,
                refusals: stored.refusals,
                unseen_since: stored.unseen_since,
                unlisted: stored.unlisted,
            },
            post: PostRecord {
                predates_store: stored.maybe_forgotten,
                submitted_at: stored.submitted_at,
                lost_answer: stored.doubt.map(LostAnswer::from),
                without_effect: stored.left_nothing,
                unanswered_looks: stored.unanswered_looks,
                not_before: stored.not_before,
            },
            diary: DiaryRecord {
                inserted_at: stored.inserted_at,
                former_references: stored.former_references,
                out_of_sight: stored.out_of_sight,
                clinician_named: stored.clinician_named,
                clinician_by_staff: stored.clinician_by_staff,
                cancellation_suspended: stored.left_alone,
                cancel_refusals: stored.cancel_refusals,
            },
            withdrawn: stored.withdrawn,
            given_up: stored.given_up,
            needs_attention: stored.needs_attention,
            history: stored.history,
        }
    }
}

impl From<Entry> for StoredEntry {
    fn from(entry: Entry) -> Self {
        let Answered { acknowledged, delivery, rejected_in_time, rejection_lost_at, refusals, unseen_since, unlisted } =
            entry.answered;
        let PostRecord { predates_store, submitted_at, lost_answer, without_effect, unanswered_looks, not_before } =
            entry.post;
        let DiaryRecord {
            inserted_at,
            former_references,
            out_of_sight,
            clinician_named,
            clinician_by_staff,
            cancellation_suspended,
            cancel_refusals,
        } = entry.diary;
        let WantedPlace { at: wanted, resource: wanted_resource, appointment_type: wanted_type } = entry.wanted;
        Self {
            booking_id: entry.booking_id,
            practice_id: entry.practice_id,
            state: entry.state,
            place: entry.place,
            wanted,
            wanted_resource,
            wanted_type,
            booked_at: entry.booked_at,
            reference: entry.reference,
            former_references,
            patient: entry.patient,
            maybe_forgotten: predates_store,
            told: acknowledged == Acknowledged::Yes,
            rejected_in_time,
            rejection_lost_at,
            heard: delivery,
            refusals,
            unseen_since,
            cancel_refusals,
            unanswered_looks,
            not_before,
            left_nothing: without_effect,
            submitted_at,
            inserted_at,
            doubt: lost_answer.map(StoredLostAnswer::from),
            withdrawn: entry.withdrawn,
            unlisted,
            out_of_sight,
            clinician_named,
            clinician_by_staff,
            left_alone: cancellation_suspended,
            given_up: entry.given_up,
            owed: acknowledged.owed(),
            needs_attention: entry.needs_attention,
            history: entry.history,
        }
    }
}

impl From<StoredLostAnswer> for LostAnswer {
    fn from(stored: StoredLostAnswer) -> Self {
        let StoredLostAnswer { since, server_is_through, looked_at, free_at } = stored;
        let request = match server_is_through {
            true => LostRequest::IsOver,
            false => LostRequest::MayComeLate { free_at },
        };
        Self { since, looked_at, request }
    }
}

impl From<LostAnswer> for StoredLostAnswer {
    fn from(lost: LostAnswer) -> Self {
        let LostAnswer { since, looked_at, request } = lost;
        let (server_is_through, free_at) = match request {
            LostRequest::IsOver => (true, None),
            LostRequest::MayComeLate { free_at } => (false, free_at),
        };
        Self { since, server_is_through, looked_at, free_at }
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn perhaps() -> Delivery {
    Delivery::Perhaps
}

fn is_perhaps(heard: &Delivery) -> bool {
    *heard == Delivery::Perhaps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &str) -> Entry {
        let json = format!(
            r#"{{"booking_id":7,"practice_id":"1","state":"rejected","place":null,{fields}"booked_at":null,
                "reference":null,"patient":"p","history":[]}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn what_a_booking_without_a_place_asks_for_is_kept_and_a_record_from_before_has_nothing_of_it() {
        let before = read("");
        assert_eq!(before.wanted, WantedPlace::default());
        let fields = r#""wanted":"2027-02-15T09:15:00","wanted_resource":"s999","wanted_type":"66:s999","#;
        let wanted = read(fields);
        assert_eq!(wanted.wanted.resource, WantedId::new("s999"));
        assert_eq!(wanted.wanted.appointment_type, WantedId::new("66:s999"));
        let again: Entry = serde_json::from_str(&serde_json::to_string(&wanted).unwrap()).unwrap();
        assert_eq!(again, wanted);
        assert!(!serde_json::to_string(&before).unwrap().contains("wanted"));
    }

    #[test]
    fn what_is_no_id_in_a_state_file_counts_for_nothing_and_the_booking_is_read() {
        let odd = read(r#""wanted_resource":"Judith Bourke","wanted_type":null,"#);
        assert_eq!(odd.wanted, WantedPlace::default());
    }
}
