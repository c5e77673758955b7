//! Every sentence that an operator reads.
//!
//! A message says what happened, where, and what to do next, in one or two sentences, without a
//! stack of causes. It is built from ids and names of places; nothing about a patient and no secret
//! is ever an argument of a function here.

use std::fmt;

use chrono::TimeDelta;

use crate::characters::is_invisible;

pub mod admin;
pub mod alerts;
pub mod appointment_times;
pub mod booking;
pub mod call_failures;
pub mod call_rates;
pub mod call_remedies;
pub mod check_findings;
pub mod clients;
pub mod commands;
pub mod config_file;
pub mod config_secrets;
pub mod configuration_sync;
pub mod explain;
pub mod exposure;
pub mod other_bridge;
pub mod out_of_step;
pub mod page;
pub mod plain_words;
pub mod practice;
pub mod rehearsal;
pub mod rehearsal_page;
pub mod rehearsal_report;
pub mod reload;
pub mod resolve;
pub mod rules;
pub mod settling;
pub mod start;
pub mod state_directory;
pub mod supervisor;
pub mod time_zones;
pub mod tls;
pub mod typed_commands;
pub mod unplaceable_bookings;
pub mod updates;
pub mod waiting;
pub mod webhooks;
pub mod windows_service;

/// What is wrong and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// What is wrong, where; a sentence without its full stop.
    pub problem: String,
    /// What to do; a sentence without its full stop.
    pub remedy: String,
}

impl Advice {
    fn new(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { problem: problem.into(), remedy: remedy.into() }
    }

    /// The same, with something else that may be the cause of it.
    #[must_use]
    pub fn and(self, Self { problem, remedy }: Self) -> Self {
        Self { remedy: format!("{} {} {remedy}", ended(&self.remedy), ended(&problem)), ..self }
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", ended(&self.problem), ended(&self.remedy))
    }
}

impl std::error::Error for Advice {}

/// A text with its full stop, whether or not it has one: some end with what another system said.
pub(crate) fn ended(text: &str) -> String {
    format!("{}.", text.trim_end_matches('.'))
}

/// The word among `candidates` that was most likely meant; the first of equals.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    candidates.into_iter().min_by_key(|candidate| strsim::damerau_levenshtein(&word, &candidate.to_lowercase()))
}

/// `a, b and c`.
pub(crate) fn listed<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    match items.as_slice() {
        [] => "none".to_owned(),
        [only] => only.clone(),
        [init @ .., last] => format!("{} and {last}", init.join(", ")),
    }
}

/// What a practice with these locations is called: as its location, or the first of several.
pub(crate) fn of_locations(names: &[String]) -> Option<String> {
    match names {
        [] => None,
        [only] => Some(only.clone()),
        [first, others @ ..] => Some(format!("{first} and {} more", others.len())),
    }
}

/// What a practice is called: its name with the id behind it.
pub(crate) fn practice_called(id: &str, name: Option<&str>) -> String {
    match name {
        Some(name) => format!("{} ({})", plain(name), plain(id)),
        None => format!("Practice {}", plain(id)),
    }
}

/// `1 record`, `2 records`.
pub(crate) fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// A length of time in its two largest units.
pub(crate) fn lasting(length: TimeDelta) -> String {
    let seconds = length.num_seconds().max(0);
    let units = [(86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")];
    let first = units.iter().position(|(unit, _)| seconds >= *unit).unwrap_or(units.len() - 1);
    let counted = |(unit, name): &(i64, &str), of: i64| {
        let count = of / unit;
        format!("{count} {name}{}", if count == 1 { "" } else { "s" })
    };
    let larger = counted(&units[first], seconds);
    let rest = seconds % units[first].0;
    match units.get(first + 1).filter(|(unit, _)| rest >= *unit) {
        Some(smaller) => format!("{larger} {}", counted(smaller, rest)),
        None => larger,
    }
}

/// A name from a file or a server on one line: control characters, and what would turn the sentence
/// around or hide in it, are shown escaped.
pub(crate) fn plain(text: &str) -> String {
    let hidden = |c: char| c.is_control() || is_invisible(c);
    text.chars().flat_map(|c| if hidden(c) { c.escape_default().collect() } else { vec![c] }).collect()
}

/// Both parts of an advice say something, on one line, in sentences that [`Advice`] ends.
#[cfg(test)]
fn assert_well_said(advice: &Advice) {
    for part in [&advice.problem, &advice.remedy] {
        assert!(part.len() > 10 && !part.contains('\n') && !part.contains("  ") && !part.ends_with('.'), "{part:?}");
        assert!(part.starts_with(|c: char| c.is_uppercase()), "{part:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_said_in_its_two_largest_units() {
        for (seconds, said) in [
            (-5, "0 seconds"),
            (1, "1 second"),
            (60, "1 minute"),
            (150, "2 minutes 30 seconds"),
            (3600, "1 hour"),
            (93_784, "1 day 2 hours"),
            (2 * 86_400 + 59, "2 days"),
        ] {
            assert_eq!(lasting(TimeDelta::seconds(seconds)), said);
        }
    }

    #[test]
    fn a_sentence_has_one_full_stop_also_if_somebody_else_ended_it() {
        let advice = Advice::new("It said: no.", "Ask again").and(Advice::new("It is late", "Wait."));
        assert_eq!(advice.to_string(), "It said: no. Ask again. It is late. Wait.");
    }

    #[test]
    fn a_direction_mark_in_a_name_is_shown_as_its_number() {
        assert_eq!(plain("Dr\u{202e} renruT\n"), "Dr\\u{202e} renruT\\n");
    }
}
