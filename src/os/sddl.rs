//! Access lists of Windows as text (SDDL), as Windows itself writes them.
//!
//! Who may read is asked of all users: what else an administrator lets somebody read is up to them.
//! Who may change is asked of everybody but the few who administer the computer: any other account
//! in the list, such as all users of a domain or one user by name, could have the service run a
//! program of theirs. `others` are accounts that may change it besides: whoever types the command,
//! and the service.

use super::trusted_owners::{OF_A_DOMAIN, is_trusted};

/// Everybody, everybody who is signed in, whoever sits before the screen or comes by the network,
/// and the groups that every user of the computer or of its domain belongs to.
const ALL_USERS: [&str; 16] = [
    EVERYBODY,
    "AU",
    "IU",
    "NU",
    "AN",
    "BU",
    "BG",
    "DU",
    "DG",
    "S-1-1-0",
    "S-1-5-2",
    "S-1-5-4",
    "S-1-5-7",
    "S-1-5-11",
    "S-1-5-32-545",
    "S-1-5-32-546",
];
/// How the number of an account begins that is kept in the cloud (Entra ID).
const OF_THE_CLOUD: &str = "S-1-12-1-";
/// The ends of the numbers of a domain's users and of its guests.
const ALL_OF_A_DOMAIN: [&str; 2] = ["-513", "-514"];
const EVERYBODY: &str = "WD";
/// The text of no list at all, which lets everybody do everything.
const NO_LIST: &str = "NO_ACCESS_CONTROL";

/// Windows, the administrators of the computer, those of its domain and of its forest, and the
/// account Administrator, as a list names them.
const ADMINISTER: [&str; 5] = ["SY", "BA", "DA", "EA", "LA"];
/// Whoever owns the file. Whose it is, is looked at apart, each time that its list is.
const OWNER: [&str; 2] = ["OW", "S-1-3-4"];
/// Whoever makes a file in the directory, who has to be allowed that first.
const MAKER: [&str; 2] = ["CO", "S-1-3-0"];

const DELETE_CHILD: u32 = 0x40;
const DELETE: u32 = 0x1_0000;
const WRITE_LIST: u32 = 0x4_0000;
const WRITE_OWNER: u32 = 0x8_0000;
const GENERIC_ALL: u32 = 0x1000_0000;
const GENERIC_WRITE: u32 = 0x4000_0000;
const WRITE_OR_APPEND: u32 = 0x2 | 0x4;

/// What it takes to put another thing in the place of one that lies in the directory.
const REPLACE: u32 = DELETE_CHILD | DELETE | WRITE_LIST | WRITE_OWNER | GENERIC_ALL;
/// What it takes to change a file, or to put one into a directory.
const CHANGE: u32 = REPLACE | WRITE_OR_APPEND | GENERIC_WRITE;

/// True if an entry of the list allows all users something. Which rights it grants does not matter:
/// all that are granted in practice include reading.
pub fn lets_all_users_in(text: &str) -> bool {
    text.contains(NO_LIST)
        || allowing(text).any(|entry| !entry.is_for_things_inside_only && is_all_users(entry.account))
}

/// True of the accounts that stand for every user of the computer, or of its domain.
pub fn is_all_users(account: &str) -> bool {
    let is_of_a_domain = account.starts_with(OF_A_DOMAIN) && ALL_OF_A_DOMAIN.iter().any(|end| account.ends_with(end));
    ALL_USERS.contains(&account) || is_of_a_domain
}

/// Who may change the file, or what is in the directory or will be, without administering the
/// computer.
pub fn changer<'a>(text: &'a str, others: &[String]) -> Option<&'a str> {
    changers(text, others).first().copied()
}

/// Who may change what is in a directory that administrators have closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenedTo<'a> {
    /// Any number of people: it is not the directory that was closed, or no longer.
    Many(&'a str),
    /// One account. That is what an administrator leaves who opens the directory in Explorer, and
    /// takes the offer to get access (*Continue*).
    One(&'a str),
}

/// Who may change what is in a directory that administrators have closed; the worst that there is.
pub fn opened_to<'a>(text: &'a str, others: &[String]) -> Option<OpenedTo<'a>> {
    let found = changers(text, others);
    let many = found.iter().find(|account| !is_one_account(account));
    many.map(|account| OpenedTo::Many(account)).or_else(|| found.first().map(|account| OpenedTo::One(account)))
}

/// True of an account of a computer, a domain or the cloud that does not stand for all users. A
/// group that somebody made has such a number too.
fn is_one_account(account: &str) -> bool {
    (account.starts_with(OF_A_DOMAIN) || account.starts_with(OF_THE_CLOUD)) && !is_all_users(account)
}

/// Who may, likewise, remove or rename what is in the directory, or the directory itself.
pub fn replacer<'a>(text: &'a str, others: &[String]) -> Option<&'a str> {
    let may = |entry: &ListEntry<'_>| !entry.is_for_things_inside_only && entry.rights & REPLACE != 0;
    other_accounts(text, others, may).first().copied()
}

/// True if the list has an entry for that account.
pub fn names(text: &str, account: &str) -> bool {
    entries(text).any(|entry| entry.get(5) == Some(&account))
}

fn changers<'a>(text: &'a str, others: &[String]) -> Vec<&'a str> {
    other_accounts(text, others, |entry| entry.rights & CHANGE != 0)
}

fn other_accounts<'a>(text: &'a str, others: &[String], may: impl Fn(&ListEntry<'_>) -> bool) -> Vec<&'a str> {
    if text.contains(NO_LIST) {
        return vec![EVERYBODY];
    }
    allowing(text).filter(|entry| !entry.is_trusted(others) && may(entry)).map(|entry| entry.account).collect()
}

/// An entry that allows something.
struct ListEntry<'a> {
    /// It says nothing of the directory itself.
    is_for_things_inside_only: bool,
    rights: u32,
    account: &'a str,
}

impl ListEntry<'_> {
    fn is_trusted(&self, others: &[String]) -> bool {
        let account = self.account;
        ADMINISTER.contains(&account)
            || OWNER.contains(&account)
            || is_trusted(account, others)
            || (self.is_for_things_inside_only && MAKER.contains(&account))
    }
}

fn allowing(text: &str) -> impl Iterator<Item = ListEntry<'_>> {
    let allows = |entry: &Vec<&str>| matches!(entry.first(), Some(&("A" | "XA" | "OA" | "ZA")));
    entries(text).filter(allows).map(|entry| ListEntry {
        is_for_things_inside_only: flags(entry.get(1).unwrap_or(&"")).any(|flag| flag == "IO"),
        rights: entry.get(2).map_or(0, |letters| rights(letters)),
        account: entry.get(5).copied().unwrap_or_default(),
    })
}

/// Each has two letters.
fn flags(letters: &str) -> impl Iterator<Item = &str> {
    (0..letters.len()).step_by(2).filter_map(|at| letters.get(at..at + 2))
}

/// An entry is `(type;flags;rights;object;inherited object;account)`.
fn entries(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.split('(').skip(1).map(|entry| entry.split(')').next().unwrap_or_default().split(';').collect())
}

/// The rights as Windows counts them. Letters that nobody knows stand for all of them.
fn rights(letters: &str) -> u32 {
    if let Some(number) = letters.strip_prefix("0x") {
        return u32::from_str_radix(number, 16).unwrap_or(u32::MAX);
    }
    let (pairs, rest) = letters.as_bytes().as_chunks::<2>();
    let known = pairs.iter().map(right).fold(0, |all, one| all | one);
    if rest.is_empty() { known } else { u32::MAX }
}

fn right(pair: &[u8; 2]) -> u32 {
    match pair {
        b"CC" => 0x1,
        b"DC" => 0x2,
        b"LC" => 0x4,
        b"SW" => 0x8,
        b"RP" => 0x10,
        b"WP" => 0x20,
        b"DT" => DELETE_CHILD,
        b"LO" => 0x80,
        b"CR" => 0x100,
        b"SD" => DELETE,
        b"RC" => 0x2_0000,
        b"WD" => WRITE_LIST,
        b"WO" => WRITE_OWNER,
        b"FA" => 0x1F_01FF,
        b"FR" => 0x12_0089,
        b"FW" => 0x12_0116,
        b"FX" => 0x12_00A0,
        b"GA" => GENERIC_ALL,
        b"GX" => 0x2000_0000,
        b"GW" => GENERIC_WRITE,
        b"GR" => 0x8000_0000,
        _ => u32::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::service_sid::{SERVICE_NAME, of_service};

    /// Of C:\, C:\ProgramData and C:\Program Files as Windows makes them.
    const ROOT: &str = "D:PAI(A;;LC;;;AU)(A;OICIIO;SDGXGWGR;;;AU)(A;;FA;;;SY)(A;OICIIO;GA;;;SY)(A;;FA;;;BA)\
                        (A;OICI;0x1200a9;;;BU)";
    const PROGRAM_DATA: &str = "D:PAI(A;OICIIO;GA;;;CO)(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)\
                                (A;CI;DCLCRPCR;;;BU)";
    const PROGRAM_FILES: &str = "D:PAI(A;;FA;;;S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464)\
                                 (A;;0x1301bf;;;SY)(A;OICIIO;GA;;;SY)(A;;0x1301bf;;;BA)(A;;0x1200a9;;;BU)\
                                 (A;OICIIO;GXGR;;;BU)(A;OICIIO;GA;;;CO)";

    #[test]
    fn a_list_that_lets_all_users_in_is_told_from_one_that_lets_in_a_few() {
        for open in [
            "D:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;0x1200a9;;;BU)",
            "D:(A;;FR;;;WD)",
            "D:P(A;;FA;;;SY)(A;OICI;FA;;;AU)",
            "D:NO_ACCESS_CONTROL",
        ] {
            assert!(lets_all_users_in(open), "{open}");
        }
        for closed in [
            "",
            "D:PAI(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;S-1-5-80-1-2-3-4-5)",
            "D:P(D;;FA;;;WD)(A;;FA;;;BA)",
            "D:P(A;OICIIO;FA;;;BU)(A;;FA;;;BA)",
            "WD;BU (no list at all",
        ] {
            assert!(!lets_all_users_in(closed), "{closed}");
        }
    }

    /// As D:\ passes it on to a folder that is made there; one that a group of a domain, and one
    /// that a single user may change.
    const OF_A_DRIVE: &str = "D:AI(A;OICIID;0x1301bf;;;AU)(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)";
    const OF_A_DOMAIN: &str = "D:AI(A;OICIID;0x1301bf;;;DU)(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)";
    const ALICE: &str = "S-1-5-21-1004336348-1177238915-682003330-1013";
    const OF_ALICE: &str = "D:AI(A;OICI;0x1301bf;;;S-1-5-21-1004336348-1177238915-682003330-1013)(A;OICIID;FA;;;BA)";

    #[test]
    fn who_may_put_a_file_somewhere_is_told_from_who_may_read_there() {
        for (open, by) in [
            (ROOT, "AU"),
            (PROGRAM_DATA, "BU"),
            (OF_A_DRIVE, "AU"),
            (OF_A_DOMAIN, "DU"),
            (OF_ALICE, ALICE),
            ("D:(A;;FA;;;SY)(A;;0x1301bf;;;S-1-5-21-1-2-3-513)", "S-1-5-21-1-2-3-513"),
            ("D:(A;;FA;;;BA)(A;OICIIO;GA;;;DU)", "DU"),
            ("D:(A;;FA;;;BA)(A;;FA;;;CO)", "CO"),
            ("D:(A;OICIIO;GA;;;CG)", "CG"),
            ("D:(A;;FW;;;WD)", "WD"),
            ("D:(A;;0x100000ff;;;S-1-5-32-545)", "S-1-5-32-545"),
            ("D:(A;;??;;;WD)", "WD"),
            ("D:(A;;F;;;WD)", "WD"),
            ("D:(XA;;FA;;;PU;(a == 1))", "PU"),
            ("D:NO_ACCESS_CONTROL", "WD"),
        ] {
            assert_eq!(changer(open, &[]), Some(by), "{open}");
        }
        for closed in [
            PROGRAM_FILES,
            "D:PAI(A;OICI;FA;;;SY)(A;OICI;0x1200a9;;;BU)",
            "D:(A;;FRFX;;;WD)(A;;GRGX;;;AU)",
            "D:P(D;;FA;;;WD)(A;;FA;;;BA)(A;OICI;FA;;;OW)(A;OICIIO;GA;;;CO)",
            "D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;DA)(A;OICI;FA;;;EA)(A;OICI;FA;;;LA)",
            "D:PAI(A;OICI;FA;;;S-1-5-21-1-2-3-500)(A;OICI;FA;;;S-1-5-21-1-2-3-512)(A;OICI;FA;;;S-1-5-21-1-2-3-519)",
        ] {
            assert_eq!(changer(closed, &[]), None, "{closed}");
        }
    }

    #[test]
    fn who_types_and_the_service_may_change_a_file_where_they_are_trusted() {
        let (alice, service) = (ALICE.to_owned(), of_service(SERVICE_NAME));
        let of_the_service = format!("D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1301bf;;;{service})");
        assert_eq!(changer(&of_the_service, &[alice.clone(), service.clone()]), None);
        assert_eq!(changer(&of_the_service, std::slice::from_ref(&alice)), Some(service.as_str()), "a person's file");
        assert_eq!(changer(OF_ALICE, std::slice::from_ref(&alice)), None);
        assert_eq!(changer(OF_A_DOMAIN, &[alice]), Some("DU"));
    }

    #[test]
    fn one_administrator_in_a_list_is_told_from_all_users_and_from_groups_that_are_not_known() {
        let with = |account: &str| format!("D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;{ALICE})(A;OICI;FA;;;{account})");
        for closed in [PROGRAM_FILES, "D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;DA)(A;OICI;0x1200a9;;;BU)"] {
            assert_eq!(opened_to(closed, &[]), None, "{closed}");
        }
        for one in ["BA", "S-1-5-21-1-2-3-1014", "S-1-12-1-1-2-3-4"] {
            let list = with(one);
            assert_eq!(opened_to(&list, &[]), Some(OpenedTo::One(ALICE)), "{list}");
        }
        for many in ["WD", "BU", "DU", "PU", "CO", "S-1-5-21-1-2-3-513", "S-1-5-80-1-2-3-4-5"] {
            let list = with(many);
            assert_eq!(opened_to(&list, &[]), Some(OpenedTo::Many(many)), "{list}");
        }
        assert_eq!(opened_to("D:NO_ACCESS_CONTROL", &[]), Some(OpenedTo::Many("WD")));
    }

    #[test]
    fn where_users_may_make_folders_they_cannot_replace_those_of_others() {
        for safe in [ROOT, PROGRAM_DATA, PROGRAM_FILES, "D:(A;OICIIO;GA;;;DU)(A;;FA;;;BA)"] {
            assert_eq!(replacer(safe, &[]), None, "{safe}");
        }
        for open in [OF_A_DRIVE, OF_A_DOMAIN, OF_ALICE, "D:(A;;DT;;;BU)", "D:(A;;GA;;;WD)", "D:(A;;WO;;;IU)"] {
            assert!(replacer(open, &[]).is_some(), "{open}");
        }
    }

    #[test]
    fn all_users_of_a_domain_are_all_users() {
        for all in ["WD", "DU", "NU", "S-1-5-21-1-2-3-513"] {
            assert!(is_all_users(all) && lets_all_users_in(&format!("D:(A;;FR;;;{all})")), "{all}");
        }
        for few in ["BA", "DA", ALICE, "S-1-5-32-513", "S-1-5-21-1-2-3-5130"] {
            assert!(!is_all_users(few) && !lets_all_users_in(&format!("D:(A;;FR;;;{few})")), "{few}");
        }
    }

    #[test]
    fn an_account_that_a_list_names_is_found_whole() {
        let list = "D:PAI(A;OICI;FA;;;SY)(A;OICI;0x1200a9;;;S-1-5-80-1-2-3-4-5)";
        assert!(names(list, "S-1-5-80-1-2-3-4-5") && names(list, "SY"));
        assert!(!names(list, "S-1-5-80-1-2-3-4") && !names("", "SY"));
    }
}
