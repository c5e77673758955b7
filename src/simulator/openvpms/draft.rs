//! How the server reads the body of a booking: as the JSON library Jackson 2 does, strict about
//! field names and lax about scalars. The texts of its refusals echo what was posted; they end here
//! where the real ones go on with stream addresses.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::dates;

/// The class that Jackson's texts name.
const CLASS: &str = "org.openvpms.booking.domain.Booking";

/// A booking as it was posted. An absent id is 0.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) location: i64,
    pub(super) schedule: i64,
    pub(super) appointment_type: i64,
    pub(super) user: i64,
    pub(super) start: Option<DateTime<Utc>>,
    pub(super) end: Option<DateTime<Utc>>,
    pub(super) title: Option<String>,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) mobile: Option<String>,
    pub(super) email: Option<String>,
    pub(super) patient_name: Option<String>,
    pub(super) notes: Option<String>,
}

/// Reads a body; `None` if there is none, or a lone `null`. An error is the text of the refusal.
pub(super) fn read(body: &[u8]) -> Result<Option<Draft>, String> {
    if body.is_empty() {
        return Ok(None);
    }
    let text = decoded(body)?;
    // What follows the first value is not looked at.
    let value = serde_json::Deserializer::from_str(&text).into_iter::<Value>().next();
    match value {
        None => Err("No content to map due to end-of-input".to_owned()),
        Some(Err(error)) if error.is_eof() => Err("Unexpected end-of-input".to_owned()),
        Some(Err(_)) => Err("Unrecognized token".to_owned()),
        Some(Ok(Value::Null)) => Ok(None),
        Some(Ok(Value::Object(fields))) => draft(&fields).map(Some),
        Some(Ok(other)) => Err(format!("Can not deserialize instance of {CLASS} out of {} token", token(&other))),
    }
}

/// UTF-8 with or without a byte order mark, or UTF-16 with one.
fn decoded(body: &[u8]) -> Result<String, String> {
    let utf16 = |bytes: &[u8], from: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| from([pair[0], pair[1]])).collect();
        String::from_utf16(&units).map_err(|_| "Invalid UTF-16".to_owned())
    };
    match body {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] | rest => std::str::from_utf8(rest).map(str::to_owned).map_err(|error| {
            let byte = rest.get(error.valid_up_to()).copied().unwrap_or_default();
            format!("Invalid UTF-8 start byte 0x{byte:x}")
        }),
    }
}

fn draft(fields: &Map<String, Value>) -> Result<Draft, String> {
    let mut draft = Draft::default();
    for (name, value) in fields {
        match name.as_str() {
            "location" => draft.location = id(value)?,
            "schedule" => draft.schedule = id(value)?,
            "appointmentType" => draft.appointment_type = id(value)?,
            "user" => draft.user = id(value)?,
            "start" => draft.start = date(value)?,
            "end" => draft.end = date(value)?,
            "title" => draft.title = text(value)?,
            "firstName" => draft.first_name = text(value)?,
            "lastName" => draft.last_name = text(value)?,
            "phone" => draft.phone = text(value)?,
            "mobile" => draft.mobile = text(value)?,
            "email" => draft.email = text(value)?,
            "patientName" => draft.patient_name = text(value)?,
            "notes" => draft.notes = text(value)?,
            _ => return Err(format!("Unrecognized field \"{name}\" (class {CLASS}), not marked as ignorable")),
        }
    }
    Ok(draft)
}

/// A long: a number, a text that is one, or null for 0.
fn id(value: &Value) -> Result<i64, String> {
    match value {
        Value::Null => Ok(0),
        // Jackson would cut a fraction off; nothing relies on that.
        Value::Number(number) => {
            number.as_i64().ok_or_else(|| format!("Numeric value ({number}) out of range of long"))
        }
        Value::String(text) => text.trim().parse().map_err(|_| {
            format!("Can not deserialize value of type long from String \"{text}\": not a valid Long value")
        }),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            Err(format!("Can not deserialize instance of long out of {} token", token(value)))
        }
    }
}

/// A date: text in the one format, or milliseconds since 1970. Null and an empty text are none.
fn date(value: &Value) -> Result<Option<DateTime<Utc>>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => dates::from_body(text).map(Some).ok_or_else(|| {
            format!(
                "Can not deserialize value of type java.util.Date from String \"{text}\": not a valid representation \
                 (error: Failed to parse Date value '{text}': Unparseable date: \"{text}\")"
            )
        }),
        Value::Number(number) => {
            let milliseconds = number.as_i64().and_then(DateTime::from_timestamp_millis);
            milliseconds.map(Some).ok_or_else(|| format!("Numeric value ({number}) out of range"))
        }
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            Err(format!("Can not deserialize instance of java.util.Date out of {} token", token(value)))
        }
    }
}

/// A text; other scalars become one.
fn text(value: &Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Number(number) => Ok(Some(number.to_string())),
        Value::Bool(truth) => Ok(Some(truth.to_string())),
        Value::Array(_) | Value::Object(_) => {
            Err(format!("Can not deserialize instance of java.lang.String out of {} token", token(value)))
        }
    }
}

/// Jackson's name of how a value begins.
fn token(value: &Value) -> &'static str {
    match value {
        Value::Null => "VALUE_NULL",
        Value::Bool(true) => "VALUE_TRUE",
        Value::Bool(false) => "VALUE_FALSE",
        Value::Number(number) if number.is_f64() => "VALUE_NUMBER_FLOAT",
        Value::Number(_) => "VALUE_NUMBER_INT",
        Value::String(_) => "VALUE_STRING",
        Value::Array(_) => "START_ARRAY",
        Value::Object(_) => "START_OBJECT",
    }
}
