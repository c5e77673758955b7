//! A TOML file as tables and values that know where they stand.
//!
//! A [`Table`] notes which keys it is asked for; those are its valid keys, and whatever else stands
//! in it is reported by [`Table::finish`] together with the nearest valid one. A reader of a value
//! answers with `None` after it has reported what is wrong, so that reading goes on and the next
//! problem is found in the same run.

use std::cell::RefCell;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::ConfigProblems;
use crate::messages;

/// The tables of the file that can stand several times.
const LISTS: [&str; 1] = ["practice"];

/// The tables of a practice, as the file writes them, by the last part of their names.
const OF_A_PRACTICE: [(&str, &str); 3] =
    [("rule", "[[practice.rule]]"), ("resource", "[[practice.resource]]"), ("live_hours", "[practice.live_hours]")];

/// A table of the file.
pub(super) struct Table<'a> {
    /// As the file writes it, `[openvpms]`; empty for the file itself.
    name: String,
    entries: &'a DeTable<'a>,
    offset: usize,
    problems: &'a ConfigProblems<'a>,
    asked: RefCell<Vec<&'static str>>,
}

/// A value of the file.
pub(super) struct Value<'a> {
    /// What to call it in a message: `[openvpms] url`.
    name: String,
    value: &'a DeValue<'a>,
    /// Where it begins, in bytes.
    offset: usize,
    problems: &'a ConfigProblems<'a>,
}

/// Parses a text; what is wrong with its syntax, as byte offset and message.
pub(super) fn parse(text: &str) -> (Spanned<DeTable<'_>>, Vec<(usize, String)>) {
    let (root, errors) = DeTable::parse_recoverable(text);
    let syntax = errors
        .iter()
        .map(|error| (error.span().map_or(0, |span| span.start), messages::config_file::syntax(error.message())));
    (root, syntax.collect())
}

impl<'a> Table<'a> {
    /// The file itself.
    pub(super) fn root(entries: &'a DeTable<'a>, problems: &'a ConfigProblems<'a>) -> Self {
        Self { name: String::new(), entries, offset: 0, problems, asked: RefCell::default() }
    }

    /// The value of a key, if it is there.
    pub(super) fn get(&self, key: &'static str) -> Option<Value<'a>> {
        self.asked.borrow_mut().push(key);
        let value = self.entries.get(key)?;
        let name = if self.name.is_empty() { key.to_owned() } else { format!("{} {key}", self.name) };
        Some(Value { name, value: value.get_ref(), offset: value.span().start, problems: self.problems })
    }

    /// What a key says, if it is there. `None`: wrong and reported.
    pub(super) fn optional<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(&Value<'a>) -> Option<T>,
    ) -> Option<Option<T>> {
        self.get(key).map_or(Some(None), |value| read(&value).map(Some))
    }

    /// What a key says, or what it says when it is absent. `None`: wrong and reported.
    pub(super) fn or<T>(&self, key: &'static str, default: T, read: impl FnOnce(&Value<'a>) -> Option<T>) -> Option<T> {
        self.get(key).map_or(Some(default), |value| read(&value))
    }

    /// What a key says that must be there. `None`: absent or wrong, and reported.
    pub(super) fn required<T>(&self, key: &'static str, read: impl FnOnce(&Value<'a>) -> Option<T>) -> Option<T> {
        let value = self.get(key);
        if value.is_none() {
            self.problems.missing(Some(self.offset), messages::config_file::missing_key(&self.name, key));
        }
        value.and_then(|value| read(&value))
    }

    /// A table below this one. `None`: absent, or no table and reported.
    pub(super) fn table(&self, key: &'static str) -> Option<Table<'a>> {
        self.get(key).and_then(|value| value.table(&format!("[{}]", self.path(key))))
    }

    /// Like [`Table::table`], and reported if absent.
    pub(super) fn required_table(&self, key: &'static str) -> Option<Table<'a>> {
        let name = format!("[{}]", self.path(key));
        let value = self.get(key);
        if value.is_none() {
            let offset = (!self.name.is_empty()).then_some(self.offset);
            self.problems.missing(offset, messages::config_file::missing_table(&name));
        }
        value.and_then(|value| value.table(&name))
    }

    /// The tables of `[[key]]`; what is none is reported.
    pub(super) fn tables(&self, key: &'static str) -> Vec<Table<'a>> {
        let name = format!("[[{}]]", self.path(key));
        let Some(value) = self.get(key) else { return Vec::new() };
        if let Some(entries) = value.value.as_table() {
            // Made by a line such as `[practice.live_hours]` alone, it has no text of its own.
            let is_implied = !entries.is_empty() && entries.values().all(|entry| entry.get_ref().is_table());
            value.report(messages::config_file::no_list(&self.path(key), is_implied));
            return Vec::new();
        }
        value.items().unwrap_or_default().iter().filter_map(|item| item.table(&name)).collect()
    }

    /// Reports every key that nobody asked for; true if there is none.
    pub(super) fn finish(self) -> bool {
        let mut is_whole = true;
        for (key, value) in self.entries {
            let name: &str = key.get_ref().as_ref();
            if !self.asked.borrow().contains(&name) {
                is_whole = false;
                self.problems.at(key.span().start, self.unknown(name, value.get_ref()));
            }
        }
        is_whole
    }

    /// A table of the file is named as it is written there.
    fn unknown(&self, name: &str, value: &DeValue<'_>) -> String {
        use messages::config_file as say;
        let valid = self.asked.borrow();
        let is_list = value.as_array().is_some_and(|items| items.iter().any(|item| item.get_ref().is_table()));
        if !self.name.is_empty() || !(is_list || value.is_table()) {
            return say::unknown_key(&self.name, name, &valid);
        }
        if let Some((_, whole)) = OF_A_PRACTICE.iter().find(|(own, _)| *own == name) {
            return say::table_of_a_practice(name, whole);
        }
        say::unknown_table(
            name,
            &valid,
            |key| if LISTS.contains(&key) { format!("[[{key}]]") } else { format!("[{key}]") },
        )
    }

    /// Reports something about the table as a whole.
    pub(super) fn report(&self, message: impl AsRef<str>) {
        self.problems.at(self.offset, format!("{} {}", self.name, message.as_ref()));
    }

    /// The dotted name of a key below this table.
    fn path(&self, key: &str) -> String {
        let own = self.name.trim_matches(['[', ']']);
        if own.is_empty() { key.to_owned() } else { format!("{own}.{key}") }
    }
}

impl<'a> Value<'a> {
    /// Reports that the value is not as it must be.
    pub(super) fn report(&self, message: impl AsRef<str>) {
        self.problems.at(self.offset, format!("{}: {}", self.name, message.as_ref()));
    }

    /// Reports it and gives the value up.
    pub(super) fn fail<T>(&self, message: impl AsRef<str>) -> Option<T> {
        self.report(message);
        None
    }

    /// A text.
    pub(super) fn text(&self) -> Option<&'a str> {
        self.text_like("a text in quotes")
    }

    /// The same, of which more can be said.
    pub(super) fn text_like(&self, expected: &str) -> Option<&'a str> {
        self.value.as_str().or_else(|| self.wrong_type(expected))
    }

    /// A text, as what it stands for. The reason of a refusal must not repeat the text where that
    /// may be a secret.
    pub(super) fn parsed<T, E: std::fmt::Display>(&self, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        match parse(self.text()?) {
            Ok(parsed) => Some(parsed),
            Err(reason) => self.fail(reason.to_string()),
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&self) -> Option<bool> {
        self.value.as_bool().or_else(|| self.wrong_type("true or false"))
    }

    /// A whole number within bounds (both included).
    pub(super) fn number(&self, least: i64, most: i64) -> Option<i64> {
        let expected = messages::config_file::number_between(least, most);
        let Some(number) = self.value.as_integer() else { return self.wrong_type(&expected) };
        match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) if (least..=most).contains(&number) => Some(number),
            _ => self.fail(format!("must be {expected}")),
        }
    }

    /// The items of a list.
    pub(super) fn items(&self) -> Option<Vec<Value<'a>>> {
        self.list_items().or_else(|| self.wrong_type("a list in [ ]"))
    }

    /// The items, if it is a list.
    pub(super) fn list_items(&self) -> Option<Vec<Value<'a>>> {
        let items = self.value.as_array()?;
        let item = |item: &'a Spanned<DeValue<'a>>| Value {
            name: self.name.clone(),
            value: item.get_ref(),
            offset: item.span().start,
            problems: self.problems,
        };
        Some(items.iter().map(item).collect())
    }

    /// A list of what `read` reads; items that are wrong are reported and left out.
    pub(super) fn list<T>(&self, read: impl Fn(&Value<'a>) -> Option<T>) -> Option<Vec<T>> {
        Some(self.items()?.iter().filter_map(read).collect())
    }

    /// A table, to be called `name` in messages.
    pub(super) fn table(&self, name: &str) -> Option<Table<'a>> {
        let Some(entries) = self.value.as_table() else { return self.wrong_type(&format!("a table {name}")) };
        let asked = RefCell::default();
        Some(Table { name: name.to_owned(), entries, offset: self.offset, problems: self.problems, asked })
    }

    /// The line it stands on, from 1.
    pub(super) fn line(&self) -> usize {
        self.problems.line(self.offset)
    }

    /// True if it is a text.
    pub(super) fn is_text(&self) -> bool {
        self.value.is_str()
    }

    /// True if it is a table, such as `{ env = "NAME" }`.
    pub(super) fn is_table(&self) -> bool {
        self.value.is_table()
    }

    /// True if it is a whole number.
    pub(super) fn is_number(&self) -> bool {
        self.value.is_integer()
    }

    /// What kind of value it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        self.value.type_str()
    }

    /// What to call it in a message.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Reports a value of the wrong type.
    pub(super) fn wrong_type<T>(&self, expected: &str) -> Option<T> {
        self.fail(messages::config_file::wrong_type(expected, self.value.type_str()))
    }
}
