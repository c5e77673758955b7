//! Characters that nobody sees and that change what a text is: blanks of every sort, marks of no
//! width, marks of direction.
//!
//! They come with what people paste: a no-break space from a web page, a byte order mark from an
//! editor of Windows, a direction mark from an address book. Two texts that look alike then differ,
//! a secret is refused, and a right-to-left override makes a name read backwards together with
//! whatever stands behind it in a log. Each reader of text decides by these few functions what to
//! leave out, what to make a plain blank, and what to name.

/// White space, and characters that are drawn as nothing but a gap (Mongolian separator, Braille
/// blank, Hangul fillers).
pub fn is_blank(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{180e}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}')
}

/// Drawn as nothing at all: no width, direction of writing, variants of the character before.
pub fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'                     // soft hyphen
        | '\u{34f}' | '\u{61c}'      // grapheme joiner, direction mark of Arabic
        | '\u{115f}' | '\u{1160}'    // fillers of Hangul syllables
        | '\u{17b4}' | '\u{17b5}'    // inherent vowels of Khmer
        | '\u{180b}'..='\u{180d}'    // variants of Mongolian letters
        | '\u{200b}'..='\u{200f}'    // zero width, joiners (left over between emoji), direction marks
        | '\u{202a}'..='\u{202e}'    // direction
        | '\u{2060}'..='\u{206f}'    // word joiner, direction
        | '\u{fe00}'..='\u{fe0f}'    // variants of emoji
        | '\u{feff}'                 // byte order mark
        | '\u{fff9}'..='\u{fffb}'    // annotations
        | '\u{e0000}'..='\u{e0fff}'  // tags, further variants
    )
}

/// A name as it can be shown anywhere: one line, plain blanks, nothing invisible, no control
/// character. `None` if nothing is left.
///
/// Every letter stays, also one above U+FFFF: this is for names of a clinic, which nobody compares.
/// What a pet owner typed is made fit for comparison by [`crate::pet_owner::typed_text`].
pub fn shown(name: &str) -> Option<String> {
    let kept = |character: &char| !is_invisible(*character) && (is_blank(*character) || !character.is_control());
    let mut line = String::with_capacity(name.len());
    for character in name.chars().filter(kept) {
        match is_blank(character) {
            false => line.push(character),
            true if line.is_empty() || line.ends_with(' ') => {}
            true => line.push(' '),
        }
    }
    line.truncate(line.trim_end().len());
    (!line.is_empty()).then_some(line)
}

/// A name from the network, fit for a log: ASCII letters and digits, at most forty.
pub fn plain_name(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).take(40).collect()
}

/// A text of a remote system made fit for one line of ours. Control characters, blanks and
/// characters that turn or hide text become single blanks, and the line is cut to `chars_max`.
pub fn one_line(text: &str, chars_max: usize) -> String {
    let mut line = String::new();
    let parts = |c: char| c.is_whitespace() || c.is_control() || is_invisible(c);
    let words = text.split(parts).filter(|word| !word.is_empty());
    for (count, word) in words.enumerate() {
        if count > 0 {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > chars_max * 4 {
            break;
        }
    }
    match line.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Without what can stand at the ends of a text only by mistake: blanks, line breaks and what is
/// invisible.
pub fn trimmed(text: &str) -> &str {
    text.trim_matches(|character| is_blank(character) || is_invisible(character))
}

/// True for a text in UTF-16: by its mark, or because its first letter has a byte of zero beside
/// it.
pub fn is_utf16(bytes: &[u8]) -> bool {
    let is_marked = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    is_marked || matches!(bytes, [first, second, ..] if (*first == 0) != (*second == 0))
}

/// What a person can call a character that nobody sees, with its number; `None` for one that is
/// seen.
pub fn called(character: char) -> Option<String> {
    let name = match character {
        ' ' => return Some("a blank".to_owned()),
        '\t' => return Some("a tab".to_owned()),
        '\n' | '\r' => return Some("a line break".to_owned()),
        '\u{a0}' | '\u{202f}' => "a no-break space",
        '\u{200b}' | '\u{2060}' => "a space of no width",
        '\u{feff}' => "a byte order mark",
        '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            "a mark of direction"
        }
        other if other.is_control() => "a control character",
        other if is_blank(other) => "an unusual blank",
        other if is_invisible(other) => "an invisible character",
        _ => return None,
    };
    Some(format!("{name} (U+{:04X})", u32::from(character)))
}

/// What of a secret is hardly meant, and can be all the same. A place counts from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// The first character is a blank, or one that nobody sees.
    BeginsWith(char),
    /// The last character is.
    EndsWith(char),
    /// Both are.
    BeginsAndEndsWith(char, char),
    /// One inside is one that nobody sees.
    Holds(usize, char),
    /// It stands in quotes, as in a shell script.
    Quoted,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_turns_what_follows_around_is_shown_without_its_marks() {
        for (name, expected) in [
            ("\u{202e}Dr Turner\u{202c}", Some("Dr Turner")),
            ("\u{2067}Room\u{2069} 1", Some("Room 1")),
            (" Main\u{a0}\u{3000}Clinic\r\n", Some("Main Clinic")),
            ("Ro\u{1b}[31mom\u{9b}", Some("Ro[31mom")),
            ("🐶 Dogs", Some("🐶 Dogs")),
            ("محمد", Some("محمد")),
            ("\u{200b}\u{a0}\u{feff}", None),
            ("", None),
        ] {
            assert_eq!(shown(name).as_deref(), expected, "{name:?}");
        }
    }

    #[test]
    fn a_text_is_cut_to_one_bounded_line() {
        assert_eq!(one_line(" a\r\n\tb\u{0}c ", 10), "a b c");
        assert_eq!(one_line("a\u{202E}b\u{FEFF}", 10), "a b");
        assert_eq!(one_line("ääää", 3), "äää…");
        assert_eq!(one_line("\u{202e}no \u{200b} more\u{202c}", 20), "no more");
        assert_eq!(one_line(&"x".repeat(1000), 5), "xxxxx…");
    }

    #[test]
    fn only_the_ends_are_trimmed() {
        assert_eq!(trimmed("\u{feff}\u{a0} a \u{200b}b\u{2060}\r\n"), "a \u{200b}b");
        assert_eq!(trimmed("\u{feff}\n"), "");
    }

    #[test]
    fn what_nobody_sees_has_a_name_and_what_is_seen_has_none() {
        assert_eq!(called('\u{a0}').as_deref(), Some("a no-break space (U+00A0)"));
        assert_eq!(called('\u{202e}').as_deref(), Some("a mark of direction (U+202E)"));
        assert_eq!(called(' ').as_deref(), Some("a blank"));
        assert_eq!(called('é'), None);
    }
}
