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
use super::flag::{Flag, Flagged};
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
    #[serde(default, deserialize_with = "dates::that_count", serialize_with = "dates::kept::if_any::serialize")]
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
    #[serde(default, with = "dates::kept::if_any", skip_serializing_if = "Option::is_none")]
    submitted_at: Option<DateTime<Utc>>,
    #[serde(default, with = "dates::kept::if_any", skip_serializing_if = "Option::is_none")]
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
    needs_attention: Option<String>,
    /// What the sentence asks for. Records of versions that kept the sentence alone have none, and
    /// a kind that this version does not know counts as none.
    #[serde(default, deserialize_with = "if_known", skip_serializing_if = "Option::is_none")]
    flag: Option<Flag>,
    #[serde(default, skip_serializing_if = "is_false")]
    flag_was_tried: bool,
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
            needs_attention: stored.needs_attention.map(|sentence| match stored.flag {
                Some(flag) => Flagged::of_record(flag, stored.flag_was_tried, sentence),
                None => Flagged::from(sentence),
            }),
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
            flag: entry.needs_attention.as_ref().and_then(Flagged::flag).cloned(),
            flag_was_tried: entry.needs_attention.as_ref().is_some_and(Flagged::was_tried),
            needs_attention: entry.needs_attention.map(|flagged| flagged.to_string()),
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

fn if_known<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Flag>, D::Error> {
    let kept = serde_json::Value::deserialize(deserializer)?;
    Ok(Flag::deserialize(kept).ok())
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
    use crate::booking::problem::{WhyItStands, WhyNotCancelled};

    const FLAGS: [&str; 17] = [
        r#"{"check_the_diary":{"may_be_anothers":true}}"#,
        r#""perhaps_made_late""#,
        r#"{"cannot_cancel":{"stands":"visit_has_begun"}}"#,
        r#""predates_store_and_cancelled""#,
        r#""predates_store_and_rejected""#,
        r#""perhaps_made_before""#,
        r#"{"moved":{"from":"2026-03-02T22:15:00Z","other_clinician":true}}"#,
        r#""another_clinician""#,
        r#""out_of_sight""#,
        r#""gone_with_many""#,
        r#""rejected_too_late""#,
        r#""never_told""#,
        r#""settled_by_hand""#,
        r#""not_expected""#,
        r#""unseen""#,
        r#""answered_elsewhere""#,
        r#"{"news_is_owed":{"is_refused":false}}"#,
    ];

    /// The place in [`FLAGS`]: a flag that is added has to be named there.
    fn place(flag: &Flag) -> usize {
        match flag {
            Flag::CheckTheDiary { .. } => 0,
            Flag::PerhapsMadeLate => 1,
            Flag::CannotCancel(_) => 2,
            Flag::PredatesStoreAndCancelled => 3,
            Flag::PredatesStoreAndRejected => 4,
            Flag::PerhapsMadeBefore => 5,
            Flag::Moved { .. } => 6,
            Flag::AnotherClinician => 7,
            Flag::OutOfSight => 8,
            Flag::GoneWithMany => 9,
            Flag::RejectedTooLate => 10,
            Flag::NeverTold => 11,
            Flag::SettledByHand => 12,
            Flag::NotExpected => 13,
            Flag::Unseen => 14,
            Flag::AnsweredElsewhere => 15,
            Flag::NewsIsOwed { .. } => 16,
        }
    }

    fn record(attention: &str) -> String {
        format!(
            r#"{{"booking_id":7,"practice_id":"1","state":"confirmed","place":null,"reference":null,"patient":"p-1",
                "needs_attention":"Look.",{attention}"history":[]}}"#
        )
    }

    fn read(attention: &str) -> Flagged {
        serde_json::from_str::<Entry>(&record(attention)).unwrap().needs_attention.unwrap()
    }

    #[test]
    fn what_a_flag_asks_for_is_kept_with_its_sentence() {
        for (index, kept) in FLAGS.into_iter().enumerate() {
            for tried in [false, true] {
                let tail = if tried { r#""flag_was_tried":true,"# } else { "" };
                let entry: Entry = serde_json::from_str(&record(&format!(r#""flag":{kept},{tail}"#))).unwrap();
                let flagged = entry.needs_attention.as_ref().unwrap();
                assert_eq!(flagged.flag().map(place), Some(index), "{kept}");
                assert_eq!((&**flagged, flagged.was_tried()), ("Look.", tried));
                let written = serde_json::to_string(&entry).unwrap();
                assert!(written.contains(&format!(r#""needs_attention":"Look.","flag":{kept}"#)), "{written}");
                assert_eq!(written.contains("flag_was_tried"), tried, "{written}");
            }
        }
        let why = WhyNotCancelled::Stands(WhyItStands::VisitHasBegun);
        assert_eq!(
            read(r#""flag":{"cannot_cancel":{"stands":"visit_has_begun"}},"#).flag(),
            Some(&Flag::CannotCancel(why))
        );
    }

    #[test]
    fn of_an_old_record_and_of_a_kind_of_another_version_the_sentence_is_what_is_known() {
        for kept in ["", r#""flag":null,"#, r#""flag":"call_the_mayor","#, r#""flag":{"moved":{"from":7}},"#] {
            let flagged = read(kept);
            assert_eq!((flagged.flag(), &*flagged), (None, "Look."), "{kept}");
        }
        // A kind without a sentence asks for nobody.
        let entry = record(r#""flag":"unseen","#).replace(r#""needs_attention":"Look.","#, "");
        let entry: Entry = serde_json::from_str(&entry).unwrap();
        assert_eq!(entry.needs_attention, None);
        assert!(!serde_json::to_string(&entry).unwrap().contains("flag"));
    }

    fn read_wanted(fields: &str) -> Entry {
        let json = format!(
            r#"{{"booking_id":7,"practice_id":"1","state":"rejected","place":null,{fields}"booked_at":null,
                "reference":null,"patient":"p","history":[]}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn what_a_booking_without_a_place_asks_for_is_kept_and_a_record_from_before_has_nothing_of_it() {
        let before = read_wanted("");
        assert_eq!(before.wanted, WantedPlace::default());
        let fields = r#""wanted":"2027-02-15T09:15:00","wanted_resource":"s999","wanted_type":"66:s999","#;
        let wanted = read_wanted(fields);
        assert_eq!(wanted.wanted.resource, WantedId::new("s999"));
        assert_eq!(wanted.wanted.appointment_type, WantedId::new("66:s999"));
        let again: Entry = serde_json::from_str(&serde_json::to_string(&wanted).unwrap()).unwrap();
        assert_eq!(again, wanted);
        assert!(!serde_json::to_string(&before).unwrap().contains("wanted"));
    }

    #[test]
    fn what_is_no_id_in_a_state_file_counts_for_nothing_and_the_booking_is_read() {
        let odd = read_wanted(r#""wanted_resource":"Judith Bourke","wanted_type":null,"#);
        assert_eq!(odd.wanted, WantedPlace::default());
    }
}
