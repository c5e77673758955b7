//! Reading JSON that others wrote: lenient where it can be, exact about the place where it cannot.
//!
//! Derived deserializers quote values in their errors ("invalid type: string \"Judith\""), and give
//! up a whole list for one odd field. Both will not do here. So an answer becomes a [`Value`]
//! first, and these few functions pick from it: absent and null are the same, a number may be
//! written as text, and what is missing is described by its path and by the *kind* of thing that
//! was found there ([`Misfit`]).

use std::fmt;

use serde_json::Value;

/// The longest text that is taken from any field; the rest is cut. OpenVPMS keeps 5,000 characters
/// of notes.
const TEXT_CHARS_MAX: usize = 10_000;
/// The longest id that is believed to be one.
const ID_BYTES_MAX: usize = 300;
/// The most entries that any list may have: ten years of quarter hours do not fit, everything that
/// is asked for does.
const ENTRIES_MAX: usize = 100_000;

/// Where JSON is not what it should be: path, what was expected, what kind of thing was found.
/// Never a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    path: String,
    expected: &'static str,
    found: String,
    /// The same without any name that was found.
    found_unnamed: String,
}

impl Misfit {
    /// This value should have been something else.
    pub fn new(expected: &'static str, found: Option<&Value>) -> Self {
        let found_unnamed = match found {
            Some(Value::Object(fields)) => format!("an object with {} fields", fields.len()),
            found => kind(found),
        };
        Self { path: String::new(), expected, found: kind(found), found_unnamed }
    }

    /// The same without the names of the fields that were found: they are the server's words.
    #[must_use]
    pub fn unnamed(self) -> Self {
        Self { found: self.found_unnamed.clone(), ..self }
    }

    /// The same, seen from the object that has it under this name.
    #[must_use]
    pub fn in_field(mut self, name: &str) -> Self {
        self.path = format!(".{name}{}", self.path);
        self
    }

    /// The same, seen from the list that has it at this index.
    #[must_use]
    pub fn in_entry(mut self, index: usize) -> Self {
        self.path = format!("[{index}]{}", self.path);
        self
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.trim_start_matches('.') {
            "" => write!(f, "expected {}, found {}", self.expected, self.found),
            path => write!(f, "at {path}: expected {}, found {}", self.expected, self.found),
        }
    }
}

/// What kind of thing this is, and which fields it has.
fn kind(value: Option<&Value>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(Value::Null) => "null".to_owned(),
        Some(Value::Bool(_)) => "true or false".to_owned(),
        Some(Value::Number(number)) if number.is_i64() => "a whole number".to_owned(),
        Some(Value::Number(_)) => "a number with a fraction, or a huge one".to_owned(),
        Some(Value::String(_)) => "a text".to_owned(),
        Some(Value::Array(entries)) => format!("a list of {}", entries.len()),
        Some(Value::Object(fields)) => {
            // A name that does not look like a field's name could be anything, so it is only
            // counted.
            let looks_like_one = |name: &&String| {
                name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            };
            let names: Vec<&str> = fields.keys().filter(looks_like_one).take(10).map(String::as_str).collect();
            match fields.len() - names.len() {
                0 => format!("an object with the fields {}", names.join(", ")),
                more => format!("an object with the fields {} and {more} more", names.join(", ")),
            }
        }
    }
}

/// A field of an object; absent and null are the same. PHP writes an empty object as an empty list,
/// which has no fields either.
pub fn field<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}

/// A field that must be there and be readable.
///
/// # Errors
/// Names the field.
pub fn need<'a, T>(
    object: &'a Value,
    name: &str,
    expected: &'static str,
    read: impl FnOnce(&'a Value) -> Option<T>,
) -> Result<T, Misfit> {
    let value = object.get(name);
    value.and_then(read).ok_or_else(|| Misfit::new(expected, value).in_field(name))
}

/// Every entry of a list; the first that cannot be read fails the whole.
///
/// # Errors
/// Names the entry.
pub fn list<T>(value: &Value, read: impl Fn(&Value) -> Result<T, Misfit>) -> Result<Vec<T>, Misfit> {
    let entries = entries(value)?;
    entries.iter().enumerate().map(|(index, entry)| read(entry).map_err(|misfit| misfit.in_entry(index))).collect()
}

/// The entries of a list, within bounds.
///
/// # Errors
/// When it is no list, or a longer one than anybody has a use for.
pub fn entries(value: &Value) -> Result<&[Value], Misfit> {
    match value {
        Value::Array(entries) if entries.len() <= ENTRIES_MAX => Ok(entries),
        Value::Array(_) => Err(Misfit::new("a list of at most 100000", Some(value))),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            Err(Misfit::new("a list", Some(value)))
        }
    }
}

/// A whole number, also as text (`"30"`) or with an empty fraction (`30.0`).
pub fn integer(value: &Value) -> Option<i64> {
    match value {
        // Beyond 2^53 a float no longer says which whole number it was.
        Value::Number(number) => number.as_i64().or_else(|| {
            let float = number.as_f64()?;
            #[expect(clippy::cast_possible_truncation, reason = "whole and small enough, as just checked")]
            (float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0).then_some(float as i64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A text, cut after 10,000 characters.
pub fn text(value: &Value) -> Option<String> {
    cut(value, TEXT_CHARS_MAX)
}

/// A text, cut after so many characters.
pub fn cut(value: &Value, chars_max: usize) -> Option<String> {
    let text = value.as_str()?;
    Some(match text.char_indices().nth(chars_max) {
        Some((end, _)) => text[..end].to_owned(),
        None => text.to_owned(),
    })
}

/// An id that is opaque to us: a text or a whole number, not empty, not endless.
pub fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => (!text.is_empty() && text.len() <= ID_BYTES_MAX).then(|| text.clone()),
        Value::Number(_) => integer(value).map(|number| number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Yes or no, also as `1`, `0`, `"true"`, `"false"`.
pub fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        Value::Number(_) | Value::String(_) => match integer(value) {
            Some(1) => Some(true),
            Some(0) => Some(false),
            _ => None,
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_misfit_names_place_and_kinds_and_never_a_value() {
        let answer = json!([{ "id": 1 }, { "id": "Judith Bourke" }]);
        let read = |entry: &Value| need(entry, "id", "a number", integer);
        assert_eq!(list(&answer, read).unwrap_err().to_string(), "at [1].id: expected a number, found a text");

        let answer = json!({ "error": "Judith", "Judith Bourke": 1 });
        let misfit = list(&answer, read).unwrap_err().to_string();
        assert_eq!(misfit, "expected a list, found an object with the fields error and 1 more");
        assert_eq!(Misfit::new("a list", None).to_string(), "expected a list, found nothing");
    }

    #[test]
    fn numbers_are_read_however_they_are_written() {
        for (value, number) in [
            (json!(30), Some(30)),
            (json!("30"), Some(30)),
            (json!(30.0), Some(30)),
            (json!(9_007_199_254_740_993_i64), Some(9_007_199_254_740_993)),
            (json!(30.5), None),
            (json!(1e300), None),
            (json!(18_446_744_073_709_551_615_u64), None),
            (json!("thirty"), None),
            (json!(true), None),
            (json!([30]), None),
        ] {
            assert_eq!(integer(&value), number, "{value}");
        }
    }

    #[test]
    fn texts_and_ids_are_bounded() {
        assert_eq!(text(&json!("ä".repeat(20_000))).unwrap().chars().count(), TEXT_CHARS_MAX);
        assert_eq!(id(&json!("")), None);
        assert_eq!(id(&json!("x".repeat(301))), None);
        assert_eq!(id(&json!(12384)), Some("12384".to_owned()));
        assert!(entries(&Value::Array(vec![Value::Null; ENTRIES_MAX + 1])).is_err());
    }
}
