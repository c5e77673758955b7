//! Names that staff see at Healthengine when they link what was sent.

use std::collections::BTreeMap;
use std::fmt::Display;

use crate::characters::shown;

/// Something with an id that looks for a name.
pub(super) struct Unnamed<Id, T> {
    pub(super) id: Id,
    pub(super) name: String,
    pub(super) rest: T,
}

/// Makes names differ: where several are equal, each gets its id in brackets.
///
/// Which ones does not depend on their order. Names count as equal when they differ in nothing but
/// case, because a database often sees it so. A name that only became equal by its brackets ("Room
/// (s2)") makes the other get its own too; two with brackets never meet, since no two ids are
/// equal.
pub(super) fn unique<Id: Display, T>(mut all: Vec<Unnamed<Id, T>>) -> Vec<Unnamed<Id, T>> {
    let mut has_brackets = vec![false; all.len()];
    loop {
        let mut bearers: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, thing) in all.iter().enumerate() {
            bearers.entry(thing.name.to_lowercase()).or_default().push(at);
        }
        let mut settled = true;
        for at in bearers.into_values().filter(|same| same.len() > 1).flatten() {
            if !std::mem::replace(&mut has_brackets[at], true) {
                all[at].name = format!("{} ({})", all[at].name, all[at].id);
                settled = false;
            }
        }
        if settled {
            return all;
        }
    }
}

/// A clinician's name, split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonName {
    /// Everything before the last name, without a title; absent if there is nothing.
    pub first: Option<String>,
    /// The last name.
    pub last: String,
}

impl PersonName {
    /// Splits a full name. OpenVPMS has it as one text, which staff typed as they liked: "Dr Andrew
    /// Turner", "Turner, Andrew", "Maria van der Berg". A title goes, small words ("van der")
    /// belong to the last name, a single word is a last name.
    pub fn split(full: &str) -> Self {
        let text = shown(full).unwrap_or_default();
        if let Some((last, first)) = text.split_once(',')
            && let (Some(last), Some(first)) = (shown(last), shown(first))
        {
            let first = without_title(first.split(' ').collect()).join(" ");
            return Self { first: shown(&first), last };
        }
        let words = without_title(text.split(' ').collect());
        let small = |word: &&str| word.chars().next().is_some_and(char::is_lowercase);
        let before_last = words.len().saturating_sub(1);
        let small_before = words[..before_last].iter().rev().take_while(|word| small(word)).count();
        // A name typed wholly in small letters keeps a first name all the same.
        let at = if small_before == before_last { before_last } else { before_last - small_before };
        let (first, last) = words.split_at(at);
        Self { first: shown(&first.join(" ")), last: last.join(" ") }
    }
}

/// Titles as they are written before Australian vets' names. What would leave nothing is no title.
const TITLES: [&str; 9] = ["dr", "doctor", "mr", "mrs", "ms", "miss", "mx", "prof", "professor"];

fn without_title(words: Vec<&str>) -> Vec<&str> {
    let is_title = |word: &str| TITLES.contains(&word.trim_end_matches('.').to_lowercase().as_str());
    let titles = words.iter().take_while(|word| is_title(word)).count();
    if titles < words.len() { words[titles..].to_vec() } else { words }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(full: &str) -> (Option<String>, String) {
        let PersonName { first, last } = PersonName::split(full);
        (first, last)
    }

    #[test]
    fn clinicians_have_first_and_last_names() {
        for (full, first, last) in [
            ("Andrew Turner", Some("Andrew"), "Turner"),
            ("  Dr.  Andrew   James Turner ", Some("Andrew James"), "Turner"),
            ("Dr Maria van der Berg", Some("Maria"), "van der Berg"),
            ("Turner, Dr Andrew", Some("Andrew"), "Turner"),
            ("andrew turner", Some("andrew"), "turner"),
            ("Turner", None, "Turner"),
            ("Dr Turner", None, "Turner"),
            ("Dr", None, "Dr"),
            ("Turner,", None, "Turner,"),
            ("", None, ""),
        ] {
            assert_eq!(split(full), (first.map(str::to_owned), last.to_owned()), "{full:?}");
        }
    }

    fn named(things: &[(u32, &str)]) -> Vec<(u32, String)> {
        let things = things.iter().map(|&(id, name)| Unnamed { id, name: name.to_owned(), rest: () }).collect();
        let mut names: Vec<(u32, String)> = unique(things).into_iter().map(|thing| (thing.id, thing.name)).collect();
        names.sort();
        names
    }

    #[test]
    fn equal_names_get_their_ids_whatever_the_order() {
        let expected: Vec<(u32, String)> =
            vec![(1, "Room (1)".into()), (2, "room (2)".into()), (3, "Room (1) (3)".into()), (4, "Other".into())];
        let things = [(1, "Room"), (2, "room"), (3, "Room (1)"), (4, "Other")];
        assert_eq!(named(&things), expected);
        let mut reversed = things;
        reversed.reverse();
        assert_eq!(named(&reversed), expected);
    }
}
