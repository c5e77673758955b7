//! From the bytes of an answer to JSON values, within bounds.
//!
//! A short text can stand for a large tree: `{"a":0},` has eight bytes and takes some seven hundred
//! once it is an object. So what a text unfolds to is weighed while it is read, and a tree that
//! gets too heavy is given up. (How deep it may nest is bounded by serde_json itself.) Of long
//! texts one is unfolded at a time, in the whole process: what several servers say at one moment
//! must not add up.

use parking_lot::Mutex;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The heaviest tree that is built. A year of one schedule that is open ten hours a day, every
/// other slot of five minutes taken, weighs less.
const WEIGHT_BYTES_MAX: usize = 48 * 1024 * 1024;
/// Texts up to this size are unfolded side by side.
const SHORT_BYTES: usize = 256 * 1024;

/// About what a value takes in a list, with the room that a growing list keeps: twice its own.
const VALUE_BYTES: usize = 64;
/// The first value of a list comes with room for four.
const LIST_BYTES: usize = 144;
/// About what an allocated text takes besides its bytes.
const TEXT_BYTES: usize = 32;
/// About what the first entries of an object take: its map makes room for eleven at once.
const OBJECT_BYTES: usize = 640;
const OBJECT_ENTRIES: usize = 11;

static ONE_LONG_TEXT: Mutex<()> = Mutex::new(());

/// Reads a whole text as JSON.
///
/// # Errors
/// Those of the text; of the category `Data` when it would take too much memory.
pub(super) fn unfold(text: &[u8]) -> Result<Value, serde_json::Error> {
    unfold_within(text, WEIGHT_BYTES_MAX)
}

fn unfold_within(text: &[u8], bytes_max: usize) -> Result<Value, serde_json::Error> {
    let _turn = (text.len() > SHORT_BYTES).then(|| ONE_LONG_TEXT.lock());
    let left = Cell::new(bytes_max);
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = Weighed(&left).deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Builds one value out of what is left of the bound.
#[derive(Clone, Copy)]
struct Weighed<'a>(&'a Cell<usize>);

impl Weighed<'_> {
    fn take<E: Error>(self, bytes: usize) -> Result<(), E> {
        let left = self.0.get().checked_sub(bytes).ok_or_else(|| E::custom("too much"))?;
        self.0.set(left);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Weighed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Weighed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.take(TEXT_BYTES + value.len())?;
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = entries.next_element_seed(self)? {
            self.take(if list.is_empty() { LIST_BYTES } else { VALUE_BYTES })?;
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let room = if object.len().is_multiple_of(OBJECT_ENTRIES) { OBJECT_BYTES } else { 0 };
            self.take(room + TEXT_BYTES + name.len())?;
            let value = entries.next_value_seed(self)?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::error::Category;

    use super::*;

    #[test]
    fn what_is_unfolded_is_what_serde_json_reads() {
        for text in [
            r#"{"a":[1,-2,3.5,1e300,true,false,null,"x\n\u00e9"],"b":{"c":{}},"a":7}"#,
            "18446744073709551615",
            "-9223372036854775808",
            "123456789012345678901234567890",
            "[]",
            " \"\" ",
        ] {
            assert_eq!(unfold(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap(), "{text}");
        }
        for text in ["", "[1,", "{\"a\"}", "[1] 2", "nul", "1e999", "\"\u{0}\""] {
            let (own, theirs) =
                (unfold(text.as_bytes()).unwrap_err(), serde_json::from_str::<Value>(text).unwrap_err());
            assert_eq!((own.classify(), own.column()), (theirs.classify(), theirs.column()), "{text}");
        }
    }

    #[test]
    fn a_tree_that_gets_too_heavy_is_given_up_whatever_it_is_made_of() {
        for entry in ["0", "[]", "{}", "{\"a\":0}", "\"xxxxxxxxxxxxxxxx\"", "[[[[0]]]]", "{\"a\":{\"a\":{\"a\":0}}}"] {
            let text = format!("[{}]", vec![entry; 100_000].join(","));
            assert!(unfold(text.as_bytes()).is_ok() || text.len() > SHORT_BYTES, "{entry} fits");
            let error = unfold_within(text.as_bytes(), 1_000_000).unwrap_err();
            assert_eq!(error.classify(), Category::Data, "{entry}");
        }
    }

    #[test]
    fn a_text_that_nests_for_ever_is_given_up() {
        for open in ["[", "{\"a\":"] {
            assert_eq!(unfold(open.repeat(1_000_000).as_bytes()).unwrap_err().classify(), Category::Syntax);
        }
    }

    #[test]
    fn a_year_of_a_busy_schedule_fits() {
        let range = r#"{"start":"2019-02-15T09:00:00.000+11:00","end":"2019-02-15T09:05:00.000+11:00"}"#;
        let list = vec![range; 366 * 60].join(",");
        assert!(unfold(format!("{{\"free\":[{list}],\"busy\":[{list}]}}").as_bytes()).is_ok());
    }
}
