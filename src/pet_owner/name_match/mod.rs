//! Whether a name that somebody typed is, in all likelihood, a name that OpenVPMS has for the same
//! phone or email.
//!
//! People who share a phone are a household: couples, parents and children, brothers and sisters.
//! To miss a match costs staff a glance, for the appointment then shows what was typed; to take one
//! person for another opens the wrong file. So:
//!
//! - **The first name decides.** It agrees when it is the same in letters, another usual spelling
//!   (Mohamed), a short form that stands for one name only (Bill; not Alex or Sam), or one slip of
//!   the finger away *and the slip made something that is no name*: Judth is Judith, but Rakesh is
//!   not Rajesh, Molly not Milly, Kevin not Kelvin. Its first and last letter must stand, because
//!   there the names of men and women differ (Paul and Paula, Denis and Denise, Jan and Ian).
//! - **Short first names have no near neighbours**: under five letters only the very same one
//!   agrees. Ann and Anne can be mother and daughter, Jon and John brothers, and who bears such a
//!   name seldom mistypes it.
//! - **An initial is no first name** (J. can be James or Judith), and two different middle initials
//!   are two people. *Mary* is not *Mary Jane*: children are named after parents like that.
//! - **The last name may be another** only where the first name is the very same one, long enough,
//!   and not one that a household shares; never between two family names that women keep. Junior
//!   and Senior are two people.
//! - First and last name may have changed places, or both stand in one field; then the last name
//!   must be the same.
//!
//! Case, accents, apostrophes, hyphens and blanks make no difference. Marks that tell apart in
//! Vietnamese (Lan, Lân) are left out by too many phones to count.

use icu_normalizer::DecomposingNormalizerBorrowed;

use super::given_names::{are_spellings, is_kept, is_known, is_shared, is_short_form};

/// How well a typed name fits one that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// It is another person's, as far as anybody can tell.
    No,
    /// It is the same person's in all likelihood.
    Close,
    /// It is the same but for case, accents, blanks and punctuation.
    Same,
}

/// First and last name.
#[derive(Clone, Copy)]
pub struct Name<'a> {
    /// First name.
    pub first: &'a str,
    /// Last name.
    pub last: &'a str,
}

/// More words than this are no name.
const WORDS_MAX: usize = 8;
/// Shorter names have no misspellings: too many of them are one letter apart.
const LETTERS_MIN: usize = 5;
/// From this length on two slips are allowed in a last name.
const LONG_LAST_NAME: usize = 9;

/// How well `typed` fits `known`.
pub fn fit(typed: Name<'_>, known: Name<'_>) -> Fit {
    let (first, last) = (words(typed.first), words(typed.last));
    let (known_first, known_last) = (words(known.first), words(known.last));
    let all = [&first, &last, &known_first, &known_last];
    if known_first.is_empty() || known_last.is_empty() || all.iter().any(|words| words.len() > WORDS_MAX) {
        return Fit::No;
    }
    let as_typed = ordered(&first, &last, &known_first, &known_last);
    let known_last = letters(&known_last);
    let last_stands = |(first, last): (&[String], &[String])| {
        !first.is_empty() && letters(last) == known_last && firsts(first, &known_first) != Fit::No
    };
    if as_typed == Fit::No && other_readings(&first, &last).into_iter().any(last_stands) {
        Fit::Close
    } else {
        as_typed
    }
}

/// Other ways to take what was typed for a first and a last name.
fn other_readings<'a>(first: &'a [String], last: &'a [String]) -> Vec<(&'a [String], &'a [String])> {
    let mut readings = vec![(last, first)];
    let whole = match (first.is_empty(), last.is_empty()) {
        (false, true) => first,
        (true, false) => last,
        // The whole name in the first field, and the last name once more in its own.
        (false, false) if first.len() > last.len() && first.ends_with(last) => first,
        _ => return readings,
    };
    for middle in 1..whole.len() {
        let (one, other) = whole.split_at(middle);
        readings.extend([(one, other), (other, one)]);
    }
    readings
}

/// First name against first, last against last.
fn ordered(first: &[String], last: &[String], known_first: &[String], known_last: &[String]) -> Fit {
    let firsts = firsts(first, known_first);
    let lasts = lasts(last, known_last);
    let shared = first_name(first).0.first().is_some_and(|word| is_shared(word));
    match (firsts, lasts) {
        (Fit::No, _) | (_, Last::AnotherGeneration) => Fit::No,
        (Fit::Same, Last::Same) => Fit::Same,
        (_, Last::Same | Last::Spelt) => Fit::Close,
        _ if shared => Fit::No,
        (_, Last::InPart) => Fit::Close,
        (Fit::Same, Last::Other) if may_change(first, last, known_last) => Fit::Close,
        (Fit::Same | Fit::Close, Last::Other) => Fit::No,
    }
}

/// Whether somebody of this first name who had one last name can be who has the other.
fn may_change(first: &[String], last: &[String], known_last: &[String]) -> bool {
    let kept = |words: &[String]| words.iter().any(|word| is_kept(word));
    letters(first).chars().count() >= LETTERS_MIN - 1 && !(kept(last) && kept(known_last))
}

fn firsts(typed: &[String], known: &[String]) -> Fit {
    let ((typed, initial), (known, known_initial)) = (first_name(typed), first_name(known));
    let (one, other) = (letters(typed), letters(known));
    if one.is_empty() || initial.is_some() && known_initial.is_some() && initial != known_initial {
        return Fit::No;
    }
    if one == other {
        // With a middle initial on one side only it may be another person, but seldom is.
        return if initial == known_initial { Fit::Same } else { Fit::Close };
    }
    let close = are_spellings(&one, &other) || is_short_form(&one, &other) || is_slip(typed, &one, &other);
    if close { Fit::Close } else { Fit::No }
}

/// The words of a first name without titles and the middle name that most Vietnamese women have; a
/// middle initial apart.
fn first_name(words: &[String]) -> (&[String], Option<&str>) {
    const IN_FRONT: [&str; 8] = ["mr", "mrs", "ms", "miss", "mx", "dr", "prof", "thi"];
    let words = match words {
        [title, rest @ ..] if !rest.is_empty() && IN_FRONT.contains(&title.as_str()) => rest,
        all => all,
    };
    match words {
        [name @ .., initial] if !name.is_empty() && initial.chars().count() == 1 => (name, Some(initial)),
        all => (all, None),
    }
}

/// True if a first name was meant to be the known one, and a finger slipped.
fn is_slip(words: &[String], typed: &str, known: &str) -> bool {
    let is_a_name = is_known(typed) || words.len() == 1 && words.iter().any(|word| is_known(word));
    if is_a_name || !is_near(typed, known, 1) || typed.bytes().last() != known.bytes().last() {
        return false;
    }
    // Letters that changed places or were doubled are slips in any language. That a letter was left
    // out or mistaken can be said only of names that are known here: Weiling is no misspelt
    // Weiming.
    are_transposed(typed, known)
        || undoubled(typed) == undoubled(known)
        || is_known(known) && typed.bytes().next() == known.bytes().next()
}

/// True for two texts of plain letters, long enough, with so few slips between them.
fn is_near(one: &str, other: &str, slips: usize) -> bool {
    let is_plain = |text: &str| text.len() >= LETTERS_MIN && text.bytes().all(|byte| byte.is_ascii_lowercase());
    is_plain(one) && is_plain(other) && strsim::osa_distance(one, other) <= slips
}

/// True if the letters are the same ones, of texts that are one slip apart.
fn are_transposed(one: &str, other: &str) -> bool {
    let sorted = |text: &str| {
        let mut bytes = text.as_bytes().to_vec();
        bytes.sort_unstable();
        bytes
    };
    sorted(one) == sorted(other)
}

fn undoubled(text: &str) -> Vec<char> {
    let mut letters: Vec<char> = text.chars().collect();
    letters.dedup();
    letters
}

/// How two last names relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Same,
    /// Mac and Mc, with and without a particle, a slip of the finger.
    Spelt,
    /// One is a part of the other: Smith, Smith-Jones.
    InPart,
    Other,
    /// Junior, Senior.
    AnotherGeneration,
}

fn lasts(typed: &[String], known: &[String]) -> Last {
    let ((typed, generation), (known, known_generation)) = (without_generation(typed), without_generation(known));
    if generation != known_generation {
        return Last::AnotherGeneration;
    }
    let (one, other) = (letters(typed), letters(known));
    if one == other {
        return Last::Same;
    }
    let (typed, known) = (without_particles(typed), without_particles(known));
    let (one, other) = (without_mac(&letters(typed)), without_mac(&letters(known)));
    let slips = if one.len().min(other.len()) >= LONG_LAST_NAME { 2 } else { 1 };
    if one == other || is_near(&one, &other, slips) {
        return Last::Spelt;
    }
    let is_part = |part: &[String], whole: &[String]| {
        part.len() < whole.len() && letters(part).chars().count() >= 3 && part.iter().all(|word| whole.contains(word))
    };
    if is_part(typed, known) || is_part(known, typed) { Last::InPart } else { Last::Other }
}

fn without_generation(words: &[String]) -> (&[String], Option<&'static str>) {
    let generation = |word: &str| match word {
        "jr" | "jnr" | "junior" | "ii" => Some("second"),
        "sr" | "snr" | "senior" => Some("first"),
        "iii" => Some("third"),
        _ => None,
    };
    match words {
        [name @ .., last] if !name.is_empty() && generation(last).is_some() => (name, generation(last)),
        all => (all, None),
    }
}

fn without_particles(words: &[String]) -> &[String] {
    const PARTICLES: [&str; 25] = [
        "de", "da", "do", "di", "du", "dos", "das", "del", "della", "der", "den", "van", "von", "ten", "ter", "la",
        "le", "el", "al", "ul", "bin", "ibn", "bint", "te", "of",
    ];
    let in_front = words.iter().take_while(|word| PARTICLES.contains(&word.as_str())).count();
    // A name that is nothing but particles is one: Van, Do, Le.
    if in_front < words.len() { &words[in_front..] } else { words }
}

fn without_mac(name: &str) -> String {
    match name.strip_prefix("mac") {
        Some(rest) if rest.len() >= 4 => format!("mc{rest}"),
        _ => name.to_owned(),
    }
}

fn letters(words: &[String]) -> String {
    words.concat()
}

/// The words of a name in lower case, without accents; an apostrophe joins what stands beside it.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for character in DecomposingNormalizerBorrowed::new_nfkd().normalize(name).chars().flat_map(char::to_lowercase) {
        let Some(word) = words.last_mut() else { break };
        match character {
            'đ' | 'ð' => word.push('d'),
            'ł' => word.push('l'),
            'ø' => word.push('o'),
            'ħ' => word.push('h'),
            'ı' => word.push('i'),
            'ß' => word.push_str("ss"),
            'æ' => word.push_str("ae"),
            'œ' => word.push_str("oe"),
            'þ' => word.push_str("th"),
            '\'' | '\u{2018}' | '\u{2019}' | '\u{2bb}' | '\u{2bc}' | '`' | '\u{b4}' => {}
            accent if is_accent(accent) => {}
            other if other.is_alphanumeric() => word.push(other),
            _ => words.push(String::new()),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Marks that stand above and below letters, Latin, Arabic and Hebrew.
fn is_accent(character: char) -> bool {
    matches!(
        character,
        '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}'
            | '\u{670}'
            | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{ad}'
    )
}

#[cfg(test)]
mod tests;
