//! One phone number out of what a person typed, in the spellings under which a clinic can have it.
//!
//! OpenVPMS finds a customer by comparing `phone` and `mobile` of a booking with every number the
//! customer has. Both sides lose blanks, hyphens and brackets and end at the first other character
//! that is no digit and no `+`; then they must be the same text, so `+61418976543` and `0418976543`
//! differ (Booking API, "Matching", and the recorded exchanges). Two fields are just enough for the
//! two spellings of an Australian number.
//!
//! The rules are written out here rather than taken from a phone number library, because those read
//! the letters of `0412-345-678 (mob)` as keypad digits.

use super::typed_text::{ascii_punctuation, is_left_out};
use crate::characters::is_blank;

/// The longest run of digits that is sent. Telephone numbers have 15 at most.
pub const DIGITS_MAX: usize = 20;

/// A phone number.
#[derive(Clone, PartialEq, Eq)]
pub enum Phone {
    /// Australian mobile: `04` and eight digits.
    Mobile(String),
    /// Australian landline: `02`, `03`, `07` or `08` and eight digits.
    Landline(String),
    /// Anything else: digits, perhaps after a `+`; at most [`DIGITS_MAX`] of them.
    Other(String),
}

impl Phone {
    /// Reads what was typed. Of several numbers the first Australian mobile counts, else the first
    /// Australian landline, else the one with the most digits. A number whose zero was lost counts
    /// after those that are whole. Words, and what stands behind them (an extension), are no part
    /// of a number. `None` without digits.
    pub fn read(typed: &str) -> Option<Self> {
        // `02/9123 4567` is one number and `0412345678/0298765432` are two, so a stroke separates
        // only if it must.
        let (coarse, fine) = (runs(typed, false), runs(typed, true));
        let first = |read: fn(&Run) -> Option<Self>| {
            let all = || coarse.iter().chain(&fine).filter_map(read);
            all().find(|phone| matches!(phone, Self::Mobile(_))).or_else(|| all().next())
        };
        let longest = || fine.iter().rev().max_by_key(|run| run.digits.len());
        first(Run::australian).or_else(|| first(Run::without_its_zero)).or_else(|| longest().map(Run::other))
    }

    /// For the field `mobile`: the number of a mobile as it is dialled within Australia, the
    /// international form of a landline.
    pub fn mobile_field(&self) -> Option<String> {
        match self {
            Self::Mobile(national) => Some(national.clone()),
            Self::Landline(national) => Some(international(national)),
            Self::Other(_) => None,
        }
    }

    /// For the field `phone`: the spelling that [`Phone::mobile_field`] does not have.
    pub fn phone_field(&self) -> String {
        match self {
            Self::Mobile(national) => international(national),
            Self::Landline(national) => national.clone(),
            Self::Other(number) => number.clone(),
        }
    }
}

impl std::fmt::Debug for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Phone(..)")
    }
}

fn international(national: &str) -> String {
    format!("+61{}", &national[1..])
}

/// The number whose nine digits behind the `0` these are.
fn national(subscriber: &str) -> Option<Phone> {
    let national = format!("0{subscriber}");
    match (subscriber.len(), subscriber.bytes().next()?) {
        (9, b'4') => Some(Phone::Mobile(national)),
        (9, b'2' | b'3' | b'7' | b'8') => Some(Phone::Landline(national)),
        _ => None,
    }
}

/// Digits with nothing but formatting between them.
#[derive(Default)]
struct Run {
    plus: bool,
    digits: String,
}

impl Run {
    /// The number, if it is an Australian one. After the country code a `0` may stand that people
    /// keep: `+61 (0)412 …`.
    fn australian(&self) -> Option<Phone> {
        let digits = self.digits.as_str();
        // 0011 is how Australia dials abroad, 00 most others. A number that begins with 61 and has
        // the right length cannot be a national one, so the plus was forgotten.
        let after_country_code = match self.plus {
            true => digits.strip_prefix("61"),
            false => ["001161", "0061", "61"].iter().find_map(|prefix| digits.strip_prefix(prefix)),
        };
        let subscriber = match after_country_code {
            Some(rest) => rest.strip_prefix('0').unwrap_or(rest),
            None if self.plus => return None,
            None => digits.strip_prefix('0')?,
        };
        national(subscriber)
    }

    /// An Australian number that lost its `0`, as a spreadsheet or a JSON number loses it: nine
    /// digits of which the first is that of a mobile or an area. No Australian number is written so
    /// in full, and none of another country without its plus.
    fn without_its_zero(&self) -> Option<Phone> {
        if self.plus { None } else { national(&self.digits) }
    }

    fn other(&self) -> Phone {
        let digits = &self.digits[..self.digits.len().min(DIGITS_MAX)];
        Phone::Other(if self.plus { format!("+{digits}") } else { digits.to_owned() })
    }
}

/// The runs of digits in a text; none is empty. A line break, a letter or a `+` always begins
/// another.
fn runs(typed: &str, strokes_separate: bool) -> Vec<Run> {
    let mut runs = vec![Run::default()];
    // Address books put marks of direction around and into the numbers that are copied from them.
    let is_mark = |character: char| is_left_out(character) && character <= '\u{ffff}' && !character.is_control();
    for character in typed.chars().filter(|character| !is_mark(*character)) {
        let Some(run) = runs.last_mut() else { break };
        match ascii_punctuation(character) {
            '+' => runs.push(Run { plus: true, digits: String::new() }),
            '-' | '(' | ')' | '[' | ']' | '.' => {}
            '/' | ',' if !strokes_separate => {}
            blank if is_blank(blank) && !matches!(blank, '\n' | '\r' | '\u{2028}' | '\u{2029}') => {}
            other => match digit(other) {
                Some(digit) => run.digits.push(digit),
                None => runs.push(Run::default()),
            },
        }
    }
    runs.retain(|run| !run.digits.is_empty());
    runs
}

/// An ASCII digit, also for a full-width, Arabic or Persian one.
fn digit(character: char) -> Option<char> {
    let zero = match character {
        '0'..='9' => '0',
        '\u{ff10}'..='\u{ff19}' => '\u{ff10}',
        '\u{660}'..='\u{669}' => '\u{660}',
        '\u{6f0}'..='\u{6f9}' => '\u{6f0}',
        _ => return None,
    };
    char::from_digit(u32::from(character) - u32::from(zero), 10)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::super::typed_text::strategies::any_text;
    use super::*;

    /// How OpenVPMS prepares either side before it compares them.
    pub(in crate::pet_owner) fn as_openvpms_compares(number: &str) -> String {
        let stripped =
            number.chars().filter(|c| !matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '-' | '(' | ')'));
        stripped.take_while(|c| c.is_ascii_digit() || *c == '+').collect()
    }

    fn matches(phone: &Phone, stored: &str) -> bool {
        let stored = as_openvpms_compares(stored);
        [Some(phone.phone_field()), phone.mobile_field()]
            .iter()
            .flatten()
            .any(|field| as_openvpms_compares(field) == stored)
    }

    fn fields(typed: &str) -> (String, Option<String>) {
        let phone = Phone::read(typed).unwrap();
        (phone.phone_field(), phone.mobile_field())
    }

    #[test]
    fn a_mobile_goes_out_in_both_spellings_however_it_was_typed() {
        for typed in [
            "0412345678",
            "0412 345 678",
            " 0412-345-678 (mob)",
            "0412\u{a0}345\u{2011}678",
            "0412.345.678",
            "(0412) 345 678",
            "+61412345678",
            "+61 412 345 678",
            "+61 (0)412 345 678",
            "+61 0412 345 678",
            "(+61) 412 345 678",
            "61412345678",
            "61 412 345 678",
            "0061 412 345 678",
            "0011 61 412 345 678",
            "０４１２３４５６７８",
            "٠٤١٢ ٣٤٥ ٦٧٨",
            "۰۴۱۲۳۴۵۶۷۸",
            "\u{202a}+61 412 345 678\u{202c}",
            "\u{2068}0412\u{2060} 345\u{200b}678\u{2069}",
            "Mob: 0412 345 678",
            "0412 345 678 ext 12",
            "0412345678x3",
            "02 9123 4567 or 0412 345 678",
            "0298765432/0412345678",
            "0298765432, 0412345678",
            "0298765432\n0412345678",
            "after 5pm 0412345678",
            "0412/345/678",
            "412345678",
            "412 345 678 (mob)",
            "298765432, 412345678",
        ] {
            assert_eq!(fields(typed), ("+61412345678".into(), Some("0412345678".into())), "{typed:?}");
        }
    }

    #[test]
    fn a_landline_is_national_in_phone_and_international_in_mobile() {
        for typed in
            ["(02) 9123 4567", "02 91234567", "+61 2 9123 4567", "61291234567", "02/9123 4567", "0291234567 (home)"]
        {
            assert_eq!(fields(typed), ("0291234567".into(), Some("+61291234567".into())), "{typed:?}");
        }
    }

    #[test]
    fn a_number_of_nine_digits_has_lost_its_zero_and_one_that_is_whole_goes_before_it() {
        for (typed, phone, mobile) in [
            ("412345678", "+61412345678", "0412345678"),
            ("291234567", "0291234567", "+61291234567"),
            ("391234567", "0391234567", "+61391234567"),
            ("791234567", "0791234567", "+61791234567"),
            ("8 9123 4567", "0891234567", "+61891234567"),
            ("412345678 or 0298765432", "0298765432", "+61298765432"),
            ("2345 67890; 0412 345 678", "+61412345678", "0412345678"),
        ] {
            assert_eq!(fields(typed), (phone.into(), Some(mobile.into())), "{typed:?}");
        }
    }

    #[test]
    fn any_other_number_is_digits_with_its_plus_in_phone_alone() {
        for (typed, phone) in [
            ("+64 21 123 456", "+6421123456"),
            ("1300 377 639", "1300377639"),
            ("9123 4567", "91234567"),
            ("9123 4567 ext. 12", "91234567"),
            ("+412345678", "+412345678"),
            ("912345678", "912345678"),
            ("512345678", "512345678"),
            ("41234567", "41234567"),
            ("+0412345678", "+0412345678"),
            ("0412 345 67", "041234567"),
            ("04123456789", "04123456789"),
            ("0512345678", "0512345678"),
            ("+44 (0)20 7946 0018", "+4402079460018"),
            ("12345678901234567890123456789", "12345678901234567890"),
        ] {
            assert_eq!(fields(typed), (phone.into(), None), "{typed:?}");
        }
    }

    #[test]
    fn without_digits_there_is_no_number() {
        for typed in ["", "  ", "none", "+", "call the clinic", "😀", "(mob)", "\u{0}\u{202a}", "½²③", "e\u{301}"]
        {
            assert!(Phone::read(typed).is_none(), "{typed:?}");
        }
        assert_eq!(fields(&"0412 345 678 ".repeat(50_000)).0.len(), DIGITS_MAX);
    }

    #[test]
    fn the_model_of_the_comparison_agrees_with_the_examples_of_the_guide() {
        assert_ne!(as_openvpms_compares("+61418976543"), as_openvpms_compares("0418976543"));
        assert_eq!(as_openvpms_compares("9123.4567"), "9123");
        assert_eq!(as_openvpms_compares("(04) 1897-6543 mob"), "0418976543");
        assert_eq!(as_openvpms_compares("0418\u{a0}976543"), "0418");
    }

    /// A number's nine digits after the trunk zero, in the ways people write them.
    fn spellings(subscriber: &str) -> Vec<String> {
        let (area, rest) = subscriber.split_at(1);
        let (one, two) = rest.split_at(4);
        let (a, b, c) = (&subscriber[..3], &subscriber[3..6], &subscriber[6..]);
        vec![
            format!("0{subscriber}"),
            format!("+61{subscriber}"),
            format!("0{a} {b} {c}"),
            format!("0{a}-{b}-{c}"),
            format!("+61 {a} {b} {c}"),
            format!("(0{area}) {one} {two}"),
            format!("0{area} {one}-{two}"),
            format!("+61 {area} {one} {two}"),
            format!("+61 ({area}) {one} {two}"),
            format!("0{a} {b} {c} (mob)"),
        ]
    }

    proptest! {
        #[test]
        fn whichever_usual_spelling_was_typed_matches_whichever_the_clinic_stored(subscriber in "[23478][0-9]{8}") {
            for typed in spellings(&subscriber) {
                let phone = Phone::read(&typed).unwrap();
                for stored in spellings(&subscriber) {
                    prop_assert!(matches(&phone, &stored), "{} does not match {}", typed, stored);
                }
            }
        }

        #[test]
        fn two_different_numbers_do_not_match(one in "[23478][0-9]{8}", other in "[23478][0-9]{8}") {
            prop_assume!(one != other);
            let phone = Phone::read(&format!("0{one}")).unwrap();
            prop_assert!(spellings(&other).iter().all(|stored| !matches(&phone, stored)));
        }

        #[test]
        fn whatever_is_typed_both_fields_are_digits_and_read_back_as_the_same_number(typed in any_text()) {
            if let Some(phone) = Phone::read(&typed) {
                for field in [Some(phone.phone_field()), phone.mobile_field()].into_iter().flatten() {
                    let digits = field.strip_prefix('+').unwrap_or(&field);
                    prop_assert!(!digits.is_empty() && digits.len() <= DIGITS_MAX);
                    prop_assert!(digits.bytes().all(|byte| byte.is_ascii_digit()));
                    prop_assert_eq!(as_openvpms_compares(&field), field.clone());
                    prop_assert!(Phone::read(&field) == Some(phone.clone()));
                }
            }
        }
    }
}
