//! Text that people typed, made fit for OpenVPMS: one line, plain blanks, nothing invisible, no
//! character its database refuses.
//!
//! OpenVPMS compares names character by character and does not trim them, so what looks alike must
//! be alike: an accent that some devices send apart from its letter is joined with it (Unicode's
//! form C, which is what keyboards of clinics type). Characters above U+FFFF (emoji) are a
//! permanent error on some of its databases and `??` on others: they are left out. In what remains
//! one character is one unit of the server's own length limits.

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::characters::{is_blank, is_invisible};

/// One line: every sort of blank becomes one plain blank between words, and what is invisible or
/// not storable is left out.
pub fn one_line(text: &str) -> String {
    match text.is_ascii() {
        true => single_blanks(text.chars().filter(is_kept), text.len()),
        false => single_blanks(composed(text).chars(), text.len()),
    }
}

/// The characters with one plain blank where blanks are, and none at either end.
fn single_blanks(characters: impl Iterator<Item = char>, bytes: usize) -> String {
    let mut line = String::with_capacity(bytes);
    for character in characters {
        if !is_blank(character) {
            line.push(character);
        } else if !line.is_empty() && !line.ends_with(' ') {
            line.push(' ');
        }
    }
    line.truncate(line.trim_end().len());
    line
}

/// Letters and accents joined, without what is left out. What is left out can stand between a
/// letter and its accent, and a few characters become some that are left out, hence the second
/// round; a third would change nothing.
fn composed(text: &str) -> String {
    let kept = |text: &str| text.chars().filter(is_kept).collect::<String>();
    let form_c = ComposingNormalizerBorrowed::new_nfc();
    form_c.normalize(&kept(&form_c.normalize(&kept(text)))).into_owned()
}

/// [`one_line`] with typographic apostrophes and hyphens as keyboards have them: for what is
/// compared.
pub fn ascii_punctuated(text: &str) -> String {
    match text.is_ascii() {
        true => single_blanks(text.chars().filter(is_kept).map(ascii_punctuation), text.len()),
        false => one_line(&composed(text).chars().map(ascii_punctuation).collect::<String>()),
    }
}

fn is_kept(character: &char) -> bool {
    !is_left_out(*character)
}

/// The first `chars_max` characters, without a blank at the end.
pub fn cut(text: &str, chars_max: usize) -> &str {
    let end = text.char_indices().nth(chars_max).map_or(text.len(), |(index, _)| index);
    text[..end].trim_end()
}

/// The lines of a text, whatever separates them.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'])
}

/// An apostrophe or hyphen of another sort, as ASCII has it.
pub(super) fn ascii_punctuation(character: char) -> char {
    match character {
        // Quotation marks, modifier letters, prime, full width; and accents typed on their own in
        // the place of an apostrophe.
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2bb}' | '\u{2bc}' | '\u{2b9}' | '\u{2032}' | '\u{ff07}'
        | '\u{b4}' | '\u{60}' => '\'',
        // Hyphens, dashes, minus.
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' => '-',
        other => other,
    }
}

/// What OpenVPMS's databases refuse, and what nobody sees.
pub(super) fn is_left_out(character: char) -> bool {
    // Most of what is typed.
    if (' '..='~').contains(&character) {
        return false;
    }
    let no_character = matches!(character, '\u{fdd0}'..='\u{fdef}' | '\u{fffe}' | '\u{ffff}');
    let control = character.is_control() && !character.is_whitespace();
    is_invisible(character) || no_character || control || character > '\u{ffff}'
}

/// Texts for property tests: ordinary ones mixed with all that makes trouble.
#[cfg(test)]
pub(super) mod strategies {
    use proptest::prelude::*;

    /// A character that every OpenVPMS database takes and that does not end a line.
    pub(in crate::pet_owner) fn is_storable(character: char) -> bool {
        character <= '\u{ffff}' && !character.is_control()
    }

    pub(in crate::pet_owner) fn any_text() -> impl Strategy<Value = String> {
        let troubling = "[\\PC\u{0}-\u{1f}\u{a0}\u{200b}-\u{200f}\u{2018}-\u{201b}\u{2028}\u{feff}😀👨🏽 '-]{0,40}";
        prop_oneof![
            troubling,
            "[a-zA-Z' -]{0,30}",
            any::<String>(),
            "[0-9+() ./-]{0,30}( ?(ext|x|mob|or) ?[0-9]{0,12})?"
        ]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::strategies::{any_text, is_storable};
    use super::*;

    #[test]
    fn blanks_of_every_sort_become_one_plain_blank() {
        for (typed, expected) in [
            ("  Mary   Jane ", "Mary Jane"),
            ("Mary\u{a0}Jane", "Mary Jane"),
            ("Mary\u{3000}\u{2003}\tJane\r\n", "Mary Jane"),
            ("\u{3164}\u{2800}", ""),
            ("Ma\u{200b}ry\u{feff}", "Mary"),
            ("Mary 😀 Jane 👨\u{200d}👩\u{200d}👧\u{fe0f}", "Mary Jane"),
            ("Ma\u{0}r\u{7f}y\u{ffff}", "Mary"),
            ("José Müller 王", "José Müller 王"),
            ("Jose\u{301} Mu\u{308}ller", "José Müller"),
            ("Nguye\u{302}\u{303}n Tha\u{323}o", "Nguyễn Thạo"),
            ("Zoe\u{200d}\u{308}", "Zoë"),
            ("q\u{303} \u{301}", "q\u{303} \u{301}"),
            ("\u{202a}Mary\u{202c} Ja\u{61c}ne\u{180b}", "Mary Jane"),
            ("\u{1160}\u{115f}", ""),
            ("\u{fad0}Mary", "Mary"), // stands for a character above U+FFFF
        ] {
            assert_eq!(one_line(typed), expected, "{typed:?}");
        }
    }

    #[test]
    fn apostrophes_and_hyphens_become_those_of_a_keyboard() {
        for typed in ["O’Brien–Smith", "Oʼ Brien—Smith", "O`Brien‑Smith", "O´Brien−Smith", "O＇Brien－Smith"]
        {
            assert_eq!(ascii_punctuated(typed).replace("' ", "'"), "O'Brien-Smith", "{typed}");
        }
    }

    #[test]
    fn a_cut_text_ends_with_a_whole_character_and_no_blank() {
        assert_eq!(cut("öö öö", 3), "öö");
        assert_eq!(cut("öö öö", 4), "öö ö");
        assert_eq!(cut("öö", 9), "öö");
    }

    proptest! {
        #[test]
        fn any_text_becomes_one_storable_line_and_a_second_time_changes_nothing(text in any_text()) {
            for line in [one_line(&text), ascii_punctuated(&text)] {
                prop_assert!(line.chars().all(|c| is_storable(c) && (c == ' ' || !is_blank(c))));
                prop_assert!(!line.contains("  ") && line.trim() == line);
                prop_assert_eq!(&one_line(&line), &line);
            }
            let once = ascii_punctuated(&text);
            prop_assert_eq!(ascii_punctuated(&once), once);
        }
    }
}
