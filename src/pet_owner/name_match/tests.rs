//! Pairs of names, as staff and pet owners write them, and whether they are one person's.

use proptest::prelude::*;

use super::super::typed_text::strategies::any_text;
use super::*;

/// What was typed, and what OpenVPMS has for the same phone or email: `first/last`.
type Pair = (&'static str, &'static str);

const SAME: &[Pair] = &[
    ("judith/bourke", "Judith/Bourke"),
    ("JUDITH/BOURKE", "Judith/Bourke"),
    ("Zoe/OHara", "Zoë/O'Hara"),
    ("Jose/Garcia Lopez", "José/García-López"),
    ("Lan/Nguyen", "Lân/Nguyễn"),
    ("Duc/Do", "Đức/Đỗ"),
    ("Mere/Tamahori", "Mēre/Tāmahori"),
    ("Mary Jane/Smith", "Mary-Jane/Smith"),
    ("Maryjane/Smith", "Mary Jane/Smith"),
    ("D Arcy/OBrien", "D'Arcy/O'Brien"),
    ("Paul/Mc Donald", "Paul/McDonald"),
    ("Ana/deSilva", "Ana/de Silva"),
    ("Soren/Moller", "Søren/Møller"),
    ("Jürgen/Weiß", "Jurgen/Weiss"),
    ("محمد/الحسن", "مُحَمَّد/الحسن"),
    ("伟/王", "伟/王"),
    ("Xiao Ming/Li", "Xiaoming/Li"),
    ("Mrs Judith/Bourke", "Judith/Bourke"),
    ("Thi Lan/Nguyen", "Lan/Nguyen"),
];

const CLOSE: &[Pair] = &[
    // Slips of the finger.
    ("Jduith/Bourke", "Judith/Bourke"),
    ("Judth/Bourke", "Judith/Bourke"),
    ("Juditth/Bourke", "Judith/Bourke"),
    ("Judoth/Bourke", "Judith/Bourke"),
    ("Judith/Burke", "Judith/Bourke"),
    ("Judith/Bourkе", "Judith/Bourke"), // ends in a Cyrillic letter: another last name, the same first
    ("Fregus/O'Rourke", "Fergus/O'Rorke"),
    ("Margaert/Papadopoulos", "Margaret/Papadopolous"),
    ("Rachael/Huang", "Rachel/Huang"),
    ("Xiaomnig/Li", "Xiaoming/Li"),
    // Short forms and spellings.
    ("Bill/Smith", "William/Smith"),
    ("William/Smith", "Bill/Smith"),
    ("Kate/O'Brien", "Katherine/O'Brien"),
    ("Kathryn/OBrien", "Catherine/O'Brien"),
    ("Judy/Bourke", "Judith/Bourke"),
    ("Bob/MacDonald", "Robert/McDonald"),
    ("Mick/O'Shea", "Michael/OShea"),
    ("Tony/Di Pietro", "Anthony/Pietro"),
    ("Mohamed/Al-Masri", "Mohammed/Masri"),
    ("Muhammad/Hassan", "Mohammed/Hassan"),
    ("Stephen/Kelly", "Steven/Kelly"),
    ("Bec/Tuilagi", "Rebecca/Tuilagi"),
    // A changed last name.
    ("Judith/Miller", "Judith/Bourke"),
    ("Judith/Bourke-Miller", "Judith/Bourke"),
    ("Judith/Bourke", "Judith/Miller-Bourke"),
    ("Mei Ling/Robertson", "Mei-Ling/Chen"),
    ("Thuy/Anderson", "Thùy/Nguyễn"),
    ("Judy/Bourke Miller", "Judith/Bourke"),
    ("Aroha/Ngata", "Aroha/Te Kanawa"),
    // Places changed, or all in one field.
    ("Bourke/Judith", "Judith/Bourke"),
    ("Nguyen/Lan", "Lan/Nguyễn"),
    ("Wang/Wei", "Wei/Wang"),
    ("王/伟", "伟/王"),
    ("Judith Bourke/-", "Judith/Bourke"),
    ("-/Judith Bourke", "Judith/Bourke"),
    ("Nguyen Thi Lan/", "Lan/Nguyen"),
    ("Judith Bourke/Bourke", "Judith/Bourke"),
    ("Maria de Silva/", "Maria/de Silva"),
    ("Smith/Bill", "William/Smith"),
    ("Judith/-", "Judith/Bourke"),
    // Particles, prefixes, initials.
    ("Ana/Silva", "Ana/de Silva"),
    ("Pieter/Berg", "Pieter/van den Berg"),
    ("Fatima/El Sayed", "Fatima/Sayed"),
    ("Angus/MacLeod", "Angus/McLeod"),
    ("Judith A/Bourke", "Judith/Bourke"),
    ("Judith/Bourke", "Judith A./Bourke"),
];

const NO: &[Pair] = &[
    // Couples.
    ("Peter/Bourke", "Judith/Bourke"),
    ("Jan/Smith", "Ian/Smith"),
    ("Joan/Smith", "John/Smith"),
    ("Christian/Rossi", "Christina/Rossi"),
    ("Frances/Kelly", "Francis/Kelly"),
    ("Robyn/Lee", "Robin/Lee"),
    ("Leslie/Jones", "Lesley/Jones"),
    ("Denise/Hall", "Denis/Hall"),
    ("Chris/Jones", "Chris/Smith"),
    ("Harpreet/Kaur", "Harpreet/Singh"),
    ("Jaspreet/Kaur", "Jaspreet/Gill"),
    ("Wei/Wang", "Wei/Zhang"),
    ("Xiaoyan/Wang", "Xiaoyan/Zhang"),
    ("Anh/Nguyen", "Anh/Tran"),
    ("Andrea/Conti", "Andrew/Conti"),
    ("Samir/Haddad", "Samar/Haddad"),
    // Parents and children.
    ("Alex/Smith", "Alexander/Smith"),
    ("Alexandra/Smith", "Alexander/Smith"),
    ("Alexandra/Smith", "Alex/Smith"),
    ("Sam/Hall", "Samantha/Hall"),
    ("John/Smith Jr", "John/Smith"),
    ("John/Smith Jnr", "John/Smith Snr"),
    ("Mary/Smith", "Mary Jane/Smith"),
    ("Jean/Dupont", "Jean-Luc/Dupont"),
    ("Ann/Smith", "Anne/Smith"),
    ("Sara/Khan", "Sarah/Khan"),
    ("Paul/Hughes", "Paula/Hughes"),
    ("Roberta/Hughes", "Robert/Hughes"),
    ("Jack/Ryan", "John/Ryan"),
    ("Daniel/Hughes", "Danielle/Hughes"),
    ("Julia/Marino", "Julie/Marino"),
    ("John A/Smith", "John B/Smith"),
    ("Anna Maria/Rossi", "Anna/Rossi"),
    // Brothers and sisters.
    ("Rakesh/Sharma", "Rajesh/Sharma"),
    ("Thinh/Pham", "Thanh/Pham"),
    ("Molly/Byrne", "Milly/Byrne"),
    ("Kevin/Doyle", "Kelvin/Doyle"),
    ("Weiling/Chen", "Weiming/Chen"),
    ("Xiaomei/Li", "Xiaoming/Li"),
    ("Mohammed/Ali", "Mohammed/Hassan"),
    ("Hussein/Masri", "Hassan/Masri"),
    ("Amina/Noor", "Amira/Noor"),
    ("Bob/Smith", "Rob/Smith"),
    ("Kathy/Smith", "Kate/Smith"),
    ("Marta/Nowak", "Maria/Nowak"),
    ("Thi Hoa/Nguyen", "Thi Lan/Nguyen"),
    ("Te Aroha/Ngata", "Te Rangi/Ngata"),
    ("Ellie/Moore", "Elsie/Moore"),
    // Initials, and those who are nobody in particular.
    ("J/Bourke", "Judith/Bourke"),
    ("J./Smith", "James/Smith"),
    ("-/Bourke", "Judith/Bourke"),
    ("-/-", "Judith/Bourke"),
    ("/", "Judith/Bourke"),
    ("Peter and Judith/Bourke", "Judith/Bourke"),
    ("Li/Wu", "Lu/Wu"),
    ("伟/张", "伟/王"),
    ("强/王", "伟/王"),
    ("Ali/Khan", "Ali/Ahmed"),
    ("James/Miller", "Miller/Kelly"),
    ("Judiht/Bourke", "Judith/Bourke"), // a slip, but the last letter tells men from women
    ("Jdth/Bourke", "Judith/Bourke"),
    ("Jduith/Miller", "Judith/Bourke"),
    ("Judy/Miller", "Judith/Bourke"),
];

fn name(text: &'static str) -> Name<'static> {
    let (first, last) = text.split_once('/').unwrap();
    Name { first, last }
}

#[test]
fn names_of_one_person_fit_and_those_of_people_who_share_a_phone_do_not() {
    let mut wrong = Vec::new();
    for (pairs, expected) in [(SAME, Fit::Same), (CLOSE, Fit::Close), (NO, Fit::No)] {
        for (typed, known) in pairs {
            let found = fit(name(typed), name(known));
            if found != expected {
                wrong.push(format!("{typed} for {known}: {found:?}, not {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

proptest! {
    #[test]
    fn any_name_fits_itself_or_nothing(first in any_text(), last in any_text(), other in any_text()) {
        let name = Name { first: &first, last: &last };
        let itself = fit(name, name);
        prop_assert!(itself != Fit::Close, "{:?}", itself);
        let _ = fit(name, Name { first: &other, last: &last });
        let _ = fit(Name { first: &other, last: "" }, name);
    }
}
