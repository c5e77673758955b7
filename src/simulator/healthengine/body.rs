//! Reading a request's JSON as strictly as the API's definition allows.
//!
//! What cannot be used is [`Wrong`] and answered 400. What can be used although the definition does
//! not have it (a field that no edition knows) goes to the notes, which become violations.
//!
//! **Tolerated on purpose**, because the published quick start and the examples of the definition
//! do it themselves: an integer written as a text of digits (`"pmsAppointmentLength": "30"`,
//! `"slotLength": "30"`), an id written as an integer (`"pmsAppointmentIds": [12384]`). Not
//! tolerated: the trailing comma of the quick start's availability example, which is not JSON.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use serde_json::{Map, Value};

/// Why a body cannot be used. Names the field, never a value that could be a patient's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong(pub(super) String);

/// The fields of one object, with the place where it stands.
pub(super) struct Fields<'a> {
    map: &'a Map<String, Value>,
    place: String,
}

impl<'a> Fields<'a> {
    /// The object at a place. Fields outside `known` are noted.
    pub(super) fn of(value: &'a Value, place: &str, known: &[&str], notes: &mut Vec<String>) -> Result<Self, Wrong> {
        let map = value.as_object().ok_or_else(|| Wrong(format!("{place} must be an object")))?;
        for name in map.keys().filter(|name| !known.contains(&name.as_str())) {
            notes.push(format!("{place} has the unknown field {name}"));
        }
        Ok(Self { map, place: place.to_owned() })
    }

    fn wrong(&self, name: &str, what: &str) -> Wrong {
        Wrong(format!("{name} of {} {what}", self.place))
    }

    /// A value that is neither missing nor null.
    fn value(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// A value that is there and not null.
    pub(super) fn required(&self, name: &str) -> Result<&'a Value, Wrong> {
        self.value(name).ok_or_else(|| self.wrong(name, "is required"))
    }

    /// A text that may be missing or null.
    pub(super) fn optional_text(&self, name: &str) -> Result<Option<String>, Wrong> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(self.wrong(name, "must be a string")),
        }
    }

    /// A text that is there and not blank.
    pub(super) fn text(&self, name: &str) -> Result<String, Wrong> {
        let text = self.required(name)?.as_str().ok_or_else(|| self.wrong(name, "must be a string"))?;
        if text.trim().is_empty() { Err(self.wrong(name, "must not be empty")) } else { Ok(text.to_owned()) }
    }

    /// An integer of at least 0, or its digits as a text; see the module's page.
    pub(super) fn count(&self, name: &str) -> Result<u32, Wrong> {
        let value = self.required(name)?;
        let number = match value.as_str() {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok(),
            Some(_) => None,
            None => value.as_u64().and_then(|number| u32::try_from(number).ok()),
        };
        number.ok_or_else(|| self.wrong(name, "must be an integer of at least 0"))
    }

    /// Like [`Self::count`], or nothing where it is missing or null.
    pub(super) fn optional_count(&self, name: &str) -> Result<Option<u32>, Wrong> {
        self.value(name).map(|_| self.count(name)).transpose()
    }

    /// A list that is there.
    pub(super) fn list(&self, name: &str) -> Result<&'a [Value], Wrong> {
        self.required(name)?.as_array().map(Vec::as_slice).ok_or_else(|| self.wrong(name, "must be an array"))
    }

    /// A list, empty where it is missing or null.
    pub(super) fn optional_list(&self, name: &str) -> Result<&'a [Value], Wrong> {
        if self.value(name).is_some() { self.list(name) } else { Ok(&[]) }
    }

    /// A list of ids: texts that are not blank, or integers; see the module's page.
    pub(super) fn ids(&self, list: &[Value], name: &str) -> Result<Vec<String>, Wrong> {
        let id = |value: &Value| match value.as_str() {
            Some(text) => (!text.trim().is_empty()).then(|| text.to_owned()),
            None => value.as_i64().map(|number| number.to_string()),
        };
        list.iter().map(id).collect::<Option<_>>().ok_or_else(|| self.wrong(name, "must be an array of string ids"))
    }

    /// A day, `YYYY-MM-DD`, that the calendar has.
    pub(super) fn day(&self, name: &str) -> Result<NaiveDate, Wrong> {
        let text = self.text(name)?;
        // chrono also reads `2026-2-3`; writing it back tells.
        NaiveDate::parse_from_str(&text, "%Y-%m-%d")
            .ok()
            .filter(|day| day.to_string() == text)
            .ok_or_else(|| self.wrong(name, "must be a day as YYYY-MM-DD"))
    }

    /// A time of day, `HH:MM`, from 00:00 to 23:59.
    pub(super) fn time_of_day(&self, name: &str) -> Result<NaiveTime, Wrong> {
        let text = self.text(name)?;
        NaiveTime::parse_from_str(&text, "%H:%M")
            .ok()
            .filter(|time| time.format("%H:%M").to_string() == text)
            .ok_or_else(|| self.wrong(name, "must be a time as HH:MM, at most 23:59"))
    }

    /// `start` and `end` of a range, the one before the other.
    pub(super) fn range(&self) -> Result<(NaiveTime, NaiveTime), Wrong> {
        let (start, end) = (self.time_of_day("start")?, self.time_of_day("end")?);
        if start < end { Ok((start, end)) } else { Err(self.wrong("end", "must be after start")) }
    }

    /// A moment, `YYYY-MM-DD HH:MM:SS` in UTC, that may be missing or null.
    pub(super) fn optional_moment(&self, name: &str) -> Result<Option<DateTime<Utc>>, Wrong> {
        let Some(text) = self.optional_text(name)? else { return Ok(None) };
        read_moment(&text).map(Some).ok_or_else(|| self.wrong(name, "must be YYYY-MM-DD HH:MM:SS"))
    }
}

const MOMENT: &str = "%Y-%m-%d %H:%M:%S";

/// A moment in UTC, or nothing if it is not written exactly as the API does it.
pub(super) fn read_moment(text: &str) -> Option<DateTime<Utc>> {
    let moment = NaiveDateTime::parse_from_str(text, MOMENT).ok()?.and_utc();
    (write_moment(moment) == text).then_some(moment)
}

/// A moment in UTC as the API writes it.
pub(super) fn write_moment(moment: DateTime<Utc>) -> String {
    moment.format(MOMENT).to_string()
}

/// A wall time as the API writes it.
pub(super) fn write_wall_time(wall: NaiveDateTime) -> String {
    wall.format(MOMENT).to_string()
}
