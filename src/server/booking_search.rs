//! What people find a booking by: its numbers, and every word of it that pages and commands show.
//!
//! A search is a list of parts between commas, and finds a booking that has all of them: `Vera Vet,
//! tomorrow`. A part is looked for from the beginning of a word, so that `5 Feb 2027` does not find
//! the 15th; numbers are found by any stretch of them. A part that no one text holds can be several
//! terms with blanks between them: `Surgery rejected`. A day's number is no term by itself, so that
//! `15 Feb 2027` does not find a quarter past nine on the 16th.

use chrono::{DateTime, Utc};

use crate::booking::entry::Entry;
use crate::messages::appointment_times::{dated, in_full, spoken, wall};
use crate::messages::page;
use crate::practice::booking_names::BookingNames;
use crate::zone::Zone;

/// Nothing that people look for is longer.
const SOUGHT_CHARS_MAX: usize = 200;

/// A part of more words is one term: nobody types so many, and the ways to cut it would be many.
const CUT_WORDS_MAX: usize = 12;
/// A shorter stretch of a number is none of several terms.
const NUMBER_TERM_CHARS_MIN: usize = 5;

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sought {
    parts: Vec<String>,
}

impl Sought {
    /// As somebody typed it.
    pub(super) fn new(typed: &str) -> Self {
        let typed: String = typed.chars().take(SOUGHT_CHARS_MAX).collect();
        let parts = typed.split(',').map(plain_words).filter(|part| !part.is_empty());
        Self { parts: parts.collect() }
    }

    /// True of a booking that shows all of it.
    pub(super) fn finds(&self, shown: &ShownTexts) -> bool {
        self.parts.iter().all(|part| shown.hold(part))
    }
}

/// The texts that a booking is shown with.
#[derive(Debug)]
pub(super) struct ShownTexts {
    numbers: Vec<String>,
    words: Vec<String>,
}

impl ShownTexts {
    /// Of a booking at `now`. `practice` is what its practice is called.
    pub(super) fn of(
        entry: &Entry,
        names: &BookingNames,
        practice: &str,
        cancellation_waits: bool,
        now: DateTime<Utc>,
        zone: Zone,
    ) -> Self {
        let ids = [
            Some(entry.booking_id.to_string()),
            entry.reference.as_ref().map(ToString::to_string),
            Some(entry.practice_id.to_string()),
            entry.wanted.resource.as_ref().map(ToString::to_string),
            entry.wanted.appointment_type.as_ref().map(ToString::to_string),
        ];
        let times = entry
            .begins(zone)
            .map(|start| [spoken(start, now, zone), dated(start, zone), in_full(start, zone), wall(start, zone)]);
        let state = [
            Some(entry.state.name().to_owned()),
            Some(page::booking_word(entry, cancellation_waits).to_owned()),
            entry.needs_attention.as_ref().map(|_| page::NEEDS_A_PERSON.to_owned()),
            Some(practice.to_owned()),
        ];
        let words = state.into_iter().flatten().chain(times.into_iter().flatten()).chain(names.all_of(entry));
        let words = words.chain(names.resource_of(entry));
        Self {
            numbers: ids.into_iter().flatten().map(|id| id.to_lowercase()).collect(),
            words: words.map(|text| plain_words(&text)).collect(),
        }
    }

    fn hold(&self, part: &str) -> bool {
        let has_words = |part: &str| self.words.iter().any(|text| begins_in(text, part));
        let has_number = |part: &str| self.numbers.iter().any(|number| number.contains(part));
        if has_words(part) || has_number(part) {
            return true;
        }
        let words: Vec<&str> = part.split(' ').collect();
        if !(2..=CUT_WORDS_MAX).contains(&words.len()) {
            return false;
        }
        let is_term = |term: &str| {
            let is_day = term.len() <= 2 && term.chars().all(|own| own.is_ascii_digit());
            !is_day && (has_words(term) || NUMBER_TERM_CHARS_MIN <= term.len() && has_number(term))
        };
        // Up to which words the part can be cut into terms that are all held.
        let mut ends = vec![0];
        for end in 1..=words.len() {
            if ends.iter().any(|begin| is_term(&words[*begin..end].join(" "))) {
                ends.push(end);
            }
        }
        ends.last() == Some(&words.len())
    }
}

/// In small letters, with single blanks.
fn plain_words(text: &str) -> String {
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// True if `part` stands in `text` and does not begin within a word.
fn begins_in(text: &str, part: &str) -> bool {
    let is_within = |at: usize| {
        let before = text[..at].chars().next_back().is_some_and(char::is_alphanumeric);
        before && part.chars().next().is_some_and(char::is_alphanumeric)
    };
    text.match_indices(part).any(|(at, _)| !is_within(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(typed: &str) -> bool {
        let words = ["Mon 15 Feb 2027 09:15", "Monday 15 February 2027, 09:15", "2027-02-15 09:15", "In the diary"];
        let names = ["Vera  Vet", "Main Clinic and 2 more"];
        let shown = ShownTexts {
            numbers: vec!["36127212".into(), "602:3:x".into()],
            words: words.iter().chain(&names).map(|text| plain_words(text)).collect(),
        };
        Sought::new(typed).finds(&shown)
    }

    #[test]
    fn a_booking_is_found_by_what_is_shown_of_it_and_by_all_parts_together() {
        for typed in [
            "",
            " , ",
            "127212",
            "602:3",
            "mon 15 feb 2027",
            "Monday 15 February 2027, 09:15",
            "2027-02-15",
            "15  Feb",
            "vera vet",
            "vet",
            "main clinic",
            "in the DIARY",
            "vera, 15 feb, main",
            "vera 15 feb main clinic",
            "In the diary 09:15",
            "Vera Vet Main",
            "36127212 vera",
        ] {
            assert!(finds(typed), "{typed}");
        }
    }

    #[test]
    fn nothing_is_found_by_the_middle_of_a_word_nor_by_parts_of_which_one_is_missing() {
        for typed in [
            "5 Feb 2027",
            "era",
            "5 February",
            "vera, 16 feb",
            "vera 16 feb",
            "09 Feb 2027",
            "15 vera",
            "127 vera",
            "Vera Rejected",
            "027",
        ] {
            assert!(!finds(typed), "{typed}");
        }
    }
}
