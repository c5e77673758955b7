//! What is known of first names in Australia: short forms, spellings of one name, and names that
//! near misspellings must not be taken for.
//!
//! Everything here is folded as [`super::name_match`] folds: lower case, without accents, blanks
//! and hyphens.

use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Short forms with the names that they stand for. A short form is here only if everybody who goes
/// by it has one of these names.
///
/// Left out, because they stand for different people in one household: Alex (Alexander, Alexandra),
/// Sam, Chris, Pat, Jo, Charlie, Andy, Nic, Steph, Dan, Gabe, Max, Mel, Nat, Vic, Val, Fran, Lou,
/// Kim, Ed, Ted, Les, Beth, Harry; and those that parents give as names of their own beside the
/// long one: Jack, Johnny, Annie, Lisa, Tina, Tessa, Rosie, Ellie, Maddie.
const SHORT_FORMS: &[(&str, &[&str])] = &[
    ("abbie", &["abigail"]),
    ("abby", &["abigail"]),
    ("angie", &["angela"]),
    ("barb", &["barbara"]),
    ("bec", &["rebecca", "rebekah"]),
    ("becca", &["rebecca", "rebekah"]),
    ("becky", &["rebecca", "rebekah"]),
    ("ben", &["benjamin"]),
    ("bill", &["william", "vasilios"]),
    ("billy", &["william"]),
    ("bob", &["robert"]),
    ("brad", &["bradley"]),
    ("bron", &["bronwyn", "bronwen"]),
    ("cath", KATHERINE),
    ("cathy", KATHERINE),
    ("con", &["constantine", "konstantinos"]),
    ("dave", &["david"]),
    ("deb", &["deborah", "debra"]),
    ("debbie", &["deborah", "debra"]),
    ("don", &["donald"]),
    ("dot", &["dorothy"]),
    ("doug", &["douglas"]),
    ("drew", &["andrew"]),
    ("fred", &["frederick", "frederic"]),
    ("geoff", &["geoffrey"]),
    ("greg", &["gregory"]),
    ("izzy", &["isabella", "isabelle", "isabel"]),
    ("jacqui", &["jacqueline"]),
    ("jeff", &["jeffrey"]),
    ("jen", &["jennifer"]),
    ("jenny", &["jennifer"]),
    ("jess", &["jessica"]),
    ("jill", &["gillian", "jillian"]),
    ("jim", &["james", "dimitrios"]),
    ("jimmy", &["james", "dimitrios"]),
    ("joe", &["joseph"]),
    ("jon", &["jonathan", "jonathon", "johnathan"]),
    ("josh", &["joshua"]),
    ("judi", &["judith"]),
    ("judy", &["judith"]),
    ("kate", KATHERINE),
    ("kath", KATHERINE),
    ("kathy", KATHERINE),
    ("katie", KATHERINE),
    ("ken", &["kenneth"]),
    ("lachie", &["lachlan"]),
    ("larry", &["lawrence", "laurence"]),
    ("libby", &["elizabeth", "elisabeth"]),
    ("liz", &["elizabeth", "elisabeth"]),
    ("lizzie", &["elizabeth", "elisabeth"]),
    ("maggie", &["margaret"]),
    ("mandy", &["amanda"]),
    ("marg", &["margaret"]),
    ("matt", &["matthew", "mathew"]),
    ("mick", &["michael"]),
    ("mike", &["michael"]),
    ("mo", &["mohammed", "mohamed", "mohammad", "muhammad"]),
    ("nick", &["nicholas", "nicolas", "nikolaos"]),
    ("peg", &["margaret"]),
    ("peggy", &["margaret"]),
    ("penny", &["penelope"]),
    ("pete", &["peter"]),
    ("phil", &["philip", "phillip"]),
    ("pippa", &["philippa"]),
    ("pru", &["prudence"]),
    ("ray", &["raymond"]),
    ("rob", &["robert"]),
    ("robbie", &["robert"]),
    ("ron", &["ronald"]),
    ("stan", &["stanley"]),
    ("steve", &["steven", "stephen"]),
    ("sue", &["susan", "suzanne", "susanne"]),
    ("susie", &["susan", "suzanne", "susanne"]),
    ("tash", &["natasha"]),
    ("tim", &["timothy"]),
    ("tom", &["thomas"]),
    ("tommy", &["thomas"]),
    ("tony", &["anthony", "antony"]),
    ("tori", &["victoria"]),
    ("trish", &["patricia"]),
    ("tricia", &["patricia"]),
    ("vicki", &["victoria"]),
    ("vicky", &["victoria"]),
    ("vince", &["vincent"]),
    ("wally", &["walter"]),
    ("will", &["william"]),
    ("zac", &["zachary"]),
    ("zach", &["zachary"]),
    ("zack", &["zachary"]),
];

const KATHERINE: &[&str] = &["katherine", "catherine", "kathryn", "katharine", "cathryn", "catharine"];

/// Spellings of one name, which sound the same, so that people and autocorrection mix them up.
/// Names under five letters are left out on purpose: Ann and Anne, Jon and John, Sara and Sarah can
/// be mother and daughter, and who is really called so seldom types the other.
const SPELLINGS: &[&[&str]] = &[
    KATHERINE,
    &["abdullah", "abdallah"],
    &["ahmed", "ahmad"],
    &["aisha", "ayesha", "aysha"],
    &["alison", "allison", "alyson"],
    &["anthony", "antony"],
    &["brian", "bryan"],
    &["bronwyn", "bronwen"],
    &["caitlin", "caitlyn", "kaitlin", "kaitlyn", "katelyn"],
    &["claire", "clare"],
    &["darryl", "daryl", "darrell"],
    &["deborah", "debra"],
    &["diane", "dianne"],
    &["elizabeth", "elisabeth"],
    &["erica", "erika"],
    &["fatima", "fatimah", "fatema"],
    &["frederick", "frederic", "fredrick"],
    &["geoffrey", "jeffrey"],
    &["gillian", "jillian"],
    &["graham", "graeme", "grahame"],
    &["hassan", "hasan"],
    &["hayley", "hailey", "haley"],
    &["hussein", "hussain", "husain"],
    &["ibrahim", "ebrahim"],
    &["isabel", "isabelle", "isobel"],
    &["jasmin", "jasmine"],
    &["jonathan", "jonathon", "johnathan"],
    &["karim", "kareem"],
    &["khadija", "khadijah"],
    &["khalid", "khaled"],
    &["lawrence", "laurence"],
    &["leanne", "leeanne"],
    &["madeleine", "madeline", "madelyn"],
    &["marianne", "maryanne", "maryann"],
    &["matthew", "mathew"],
    &["michelle", "michele"],
    &["mohammed", "mohamed", "mohammad", "muhammad", "muhammed", "mohamad"],
    &["monica", "monika"],
    &["mustafa", "mostafa", "moustafa"],
    &["nicholas", "nicolas"],
    &["philip", "phillip"],
    &["rachel", "rachael"],
    &["rashid", "rasheed"],
    &["rebecca", "rebekah"],
    &["russell", "russel"],
    &["sergei", "sergey"],
    &["shaun", "shawn"],
    &["sophia", "sofia"],
    &["steven", "stephen"],
    &["stuart", "stewart"],
    &["suzanne", "susanne"],
    &["terence", "terrence"],
    &["theresa", "teresa"],
    &["tracey", "tracy"],
    &["yousef", "youssef", "yusuf"],
];

/// First names that two people of one household often share: given to several children as a first
/// of two (Mohammed), before a name that tells them apart (Abdul), or borne by men and women alike
/// (Chris, Harpreet). With these the last name must agree.
const SHARED: &[&str] = &[
    "abdul", "abdel", "alex", "andy", "ashley", "casey", "charlie", "chris", "danny", "frankie", "gurpreet",
    "harpreet", "jackie", "jamie", "jaspreet", "jean", "jessie", "jordan", "kelly", "kerry", "kuldeep", "leslie",
    "mandeep", "manpreet", "minh", "mohamad", "mohamed", "mohammad", "mohammed", "morgan", "muhammad", "muhammed",
    "navdeep", "nicky", "riley", "robin", "sandeep", "sandy", "shannon", "siti", "sukhdeep", "syed", "taylor", "terry",
    "thanh", "tracy", "tracey",
];

/// Last names of families whose women keep their own: one first name with two of these is two
/// people (Wei Wang and Wei Zhang, Anh Nguyen and Anh Tran, Harpreet Singh and Harpreet Kaur), not
/// a changed name.
const KEPT_LAST_NAMES: &[&str] = &[
    "bui", "cao", "chan", "chang", "chen", "cheng", "cheung", "chiu", "cho", "choi", "chow", "dang", "deng", "dinh",
    "doan", "duong", "feng", "gao", "guo", "han", "he", "ho", "hoang", "hu", "huang", "huynh", "jang", "jiang", "jung",
    "kang", "kaur", "kim", "kwan", "kwok", "lai", "lam", "lau", "le", "lee", "leung", "li", "liang", "lim", "lin",
    "liu", "lu", "luo", "luong", "ly", "ma", "mai", "ng", "ngo", "nguyen", "park", "pham", "phan", "phung", "singh",
    "song", "sun", "tan", "tang", "to", "tran", "trinh", "truong", "vo", "vu", "wang", "wong", "wu", "xie", "xu",
    "yang", "yoon", "zhang", "zhao", "zheng", "zhou", "zhu",
];

/// Names of five letters and more. A misspelling is something that is no name: Judth is, but Rakesh
/// is no misspelt Rajesh, Thinh no Thanh, Molly no Milly. So this need not be complete, but must
/// have the near neighbours of what it has.
const NAMES: &str = include_str!("given_names.txt");

static KNOWN: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| {
    let short = SHORT_FORMS.iter().flat_map(|(short, long)| std::iter::once(*short).chain(long.iter().copied()));
    let spelt = SPELLINGS.iter().flat_map(|group| group.iter().copied());
    NAMES.split_whitespace().chain(short).chain(spelt).chain(SHARED.iter().copied()).collect()
});

/// True for a first name that people have.
pub(super) fn is_known(name: &str) -> bool {
    KNOWN.contains(name)
}

/// True if one is a short form of the other. Two short forms of one name (Bob and Rob) are two
/// people who have to be told apart.
pub(super) fn is_short_form(one: &str, other: &str) -> bool {
    let stands_for = |short: &str, long: &str| SHORT_FORMS.iter().any(|(own, of)| *own == short && of.contains(&long));
    stands_for(one, other) || stands_for(other, one)
}

/// True for two spellings of one name.
pub(super) fn are_spellings(one: &str, other: &str) -> bool {
    SPELLINGS.iter().any(|group| group.contains(&one) && group.contains(&other))
}

/// True for a first name that says little about who it is within a household.
pub(super) fn is_shared(name: &str) -> bool {
    SHARED.contains(&name)
}

/// True for a last name that is not changed by marriage.
pub(super) fn is_kept(last_name: &str) -> bool {
    KEPT_LAST_NAMES.contains(&last_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_form_stands_for_spellings_of_one_name_and_for_no_short_form() {
        for (short, long) in SHORT_FORMS {
            for name in *long {
                assert!(!SHORT_FORMS.iter().any(|(other, _)| other == name), "{short} {name}");
            }
            assert!(!is_shared(short), "{short}");
        }
    }

    #[test]
    fn the_lists_are_folded_and_name_nothing_twice() {
        let words: Vec<&str> = NAMES.split_whitespace().collect();
        let distinct: BTreeSet<&str> = words.iter().copied().collect();
        assert_eq!(
            words.len(),
            distinct.len(),
            "{:?}",
            words.iter().filter(|word| words.iter().filter(|other| other == word).count() > 1).collect::<Vec<_>>()
        );
        for name in KNOWN.iter().chain(KEPT_LAST_NAMES) {
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase()), "{name}");
        }
        assert!(words.iter().all(|word| word.len() >= 5));
        for group in SPELLINGS {
            assert!(group.iter().all(|name| name.len() >= 5), "{group:?}");
        }
    }
}
