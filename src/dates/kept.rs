//! Moments as records of the store keep them: in UTC, and in one form. A start reads tens of
//! thousands of them, and a booking writes forty.

use chrono::{DateTime, Utc};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::plain::{self, Fraction, Zero};

/// A moment that may be absent, for [`if_any`].
#[derive(Serialize, Deserialize)]
struct KeptMoment(#[serde(with = "moment")] DateTime<Utc>);

/// For a field that is a moment: `#[serde(with = "dates::kept::moment")]`.
pub mod moment {
    use super::*;

    /// Writes it as chrono does.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(at: &DateTime<Utc>, to: S) -> Result<S::Ok, S::Error> {
        match plain::rfc3339(at.fixed_offset(), Fraction::AsNeeded, Zero::Z) {
            Some(text) => to.serialize_str(text.as_str()),
            None => at.serialize(to),
        }
    }

    /// Reads it, without trying other forms if it has the usual one.
    ///
    /// # Errors
    /// It is no date.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<DateTime<Utc>, D::Error> {
        struct ReadMoment;
        impl Visitor<'_> for ReadMoment {
            type Value = DateTime<Utc>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a date and time as 2027-02-15T09:00:00Z")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<DateTime<Utc>, E> {
                let plain = plain::with_offset(text.as_bytes()).filter(|_| text.ends_with('Z'));
                plain.map_or_else(|| text.parse().map_err(E::custom), |at| Ok(at.to_utc()))
            }
        }
        from.deserialize_str(ReadMoment)
    }
}

/// For a field that is a moment, or nothing: `#[serde(with = "dates::kept::if_any")]`.
pub mod if_any {
    use super::*;

    /// Writes it as chrono does.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(at: &Option<DateTime<Utc>>, to: S) -> Result<S::Ok, S::Error> {
        at.map(KeptMoment).serialize(to)
    }

    /// Reads it.
    ///
    /// # Errors
    /// It is no date.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<DateTime<Utc>>, D::Error> {
        Ok(Option::<KeptMoment>::deserialize(from)?.map(|KeptMoment(at)| at))
    }
}
