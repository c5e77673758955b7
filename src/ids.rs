//! Ids of both systems, each its own type, so that the compiler refuses to mix them.
//!
//! Ids that vetbridge sends to Healthengine ([`ResourceId`], [`TypeId`]) never change meaning:
//! practice staff link them by hand at Healthengine, and a link to an id that vanished is deleted
//! there.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number_id!(/// A practice location of OpenVPMS, such as 98.
    LocationId);
number_id!(/// An appointment schedule of OpenVPMS, such as 136.
    ScheduleId);
number_id!(/// An appointment type of OpenVPMS, such as 66.
    AppointmentTypeId);
number_id!(/// A user of OpenVPMS; here always a clinician, such as 1158.
    UserId);
number_id!(/// A booking of Healthengine (int64), unique over all practices.
    BookingId);
number_id!(/// A request of Healthengine (int64), such as a booking update.
    RequestId);

/// A practice of Healthengine, as its administrator was told it ("1234567").
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PracticeId(pub String);

impl fmt::Display for PracticeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// OpenVPMS's name for one booking: opaque text. Released servers write `<appointment>:<uuid>` or
/// `<appointment>:<customer>:<uuid>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BookingReference(pub String);

impl BookingReference {
    /// The customer id, where the reference has the three parts of the published guide.
    pub fn customer(&self) -> Option<i64> {
        let mut parts = self.0.split(':');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(_), Some(customer), Some(_), None) => customer.parse().ok(),
            _ => None,
        }
    }
}

impl fmt::Display for BookingReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a pet owner can choose at Healthengine ("resource"): a schedule on its own, or a clinician
/// on a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId {
    /// The schedule that appointments go to.
    pub schedule: ScheduleId,
    /// The clinician, for a resource that is one.
    pub user: Option<UserId>,
}

impl ResourceId {
    /// A schedule on its own.
    pub fn schedule(schedule: ScheduleId) -> Self {
        Self { schedule, user: None }
    }

    /// A clinician on a schedule.
    pub fn clinician(user: UserId, schedule: ScheduleId) -> Self {
        Self { schedule, user: Some(user) }
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.user {
            None => write!(f, "s{}", self.schedule),
            Some(user) => write!(f, "u{user}-s{}", self.schedule),
        }
    }
}

/// A text that is none of our ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id that vetbridge gives out")]
pub struct ForeignId;

/// Decimal digits without sign or leading zero, so that every id has exactly one spelling.
fn canonical_number(text: &str) -> Result<i64, ForeignId> {
    let number: i64 = text.parse().map_err(|_| ForeignId)?;
    if number < 0 || number.to_string() != text { Err(ForeignId) } else { Ok(number) }
}

impl FromStr for ResourceId {
    type Err = ForeignId;

    fn from_str(text: &str) -> Result<Self, ForeignId> {
        if let Some(schedule) = text.strip_prefix('s') {
            return Ok(Self::schedule(ScheduleId(canonical_number(schedule)?)));
        }
        let (user, schedule) = text.strip_prefix('u').and_then(|rest| rest.split_once("-s")).ok_or(ForeignId)?;
        Ok(Self::clinician(UserId(canonical_number(user)?), ScheduleId(canonical_number(schedule)?)))
    }
}

/// An appointment type of one resource, as Healthengine knows it: `66:s136`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId {
    /// The appointment type in OpenVPMS.
    pub appointment_type: AppointmentTypeId,
    /// The resource it belongs to.
    pub resource: ResourceId,
}

impl fmt::Display for TypeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.appointment_type, self.resource)
    }
}

impl FromStr for TypeId {
    type Err = ForeignId;

    fn from_str(text: &str) -> Result<Self, ForeignId> {
        let (kind, resource) = text.split_once(':').ok_or(ForeignId)?;
        Ok(Self { appointment_type: AppointmentTypeId(canonical_number(kind)?), resource: resource.parse()? })
    }
}

macro_rules! text_serde {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
text_serde!(ResourceId);
text_serde!(TypeId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_as_the_contract_says_and_read_back() {
        let room = ResourceId::schedule(ScheduleId(136));
        let vet = ResourceId::clinician(UserId(1158), ScheduleId(211));
        let consult = TypeId { appointment_type: AppointmentTypeId(66), resource: vet };
        assert_eq!(
            (room.to_string(), vet.to_string(), consult.to_string()),
            ("s136".into(), "u1158-s211".into(), "66:u1158-s211".into())
        );
        assert_eq!(
            (room, vet, consult),
            ("s136".parse().unwrap(), "u1158-s211".parse().unwrap(), "66:u1158-s211".parse().unwrap())
        );
    }

    #[test]
    fn a_second_spelling_of_an_id_is_refused() {
        for text in ["s0136", "s+136", "s", "136", "u1-s", "u-s2", "S136", "s136 ", "s-1", "s99999999999999999999"] {
            assert_eq!(text.parse::<ResourceId>(), Err(ForeignId), "{text}");
        }
    }

    #[test]
    fn only_a_reference_of_three_parts_carries_a_customer() {
        assert_eq!(BookingReference("603:3:be08f3c6-1afb".into()).customer(), Some(3));
        assert_eq!(BookingReference("23:bdab2340-e580".into()).customer(), None);
        assert_eq!(BookingReference("1:2:3:4".into()).customer(), None);
    }
}
