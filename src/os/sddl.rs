//! Access lists of Windows as text (SDDL), as Windows itself writes them.

/// Everybody, everybody who is signed in, whoever sits before the screen, and the group that every
/// user belongs to.
const ALL_USERS: [&str; 9] = ["WD", "AU", "IU", "BU", "BG", "S-1-1-0", "S-1-5-11", "S-1-5-4", "S-1-5-32-545"];
/// The text of no list at all, which lets everybody do everything.
const NO_LIST: &str = "NO_ACCESS_CONTROL";

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
    allows_all_users(text, u32::MAX)
}

/// True if all users may change the file, or what is in the directory.
pub fn lets_all_users_change(text: &str) -> bool {
    allows_all_users(text, CHANGE)
}

/// True if all users may remove or rename what is in the directory, or the directory itself.
pub fn lets_all_users_replace(text: &str) -> bool {
    allows_all_users(text, REPLACE)
}

/// True if the list has an entry for that account.
pub fn names(text: &str, account: &str) -> bool {
    entries(text).any(|entry| entry.get(5) == Some(&account))
}

fn allows_all_users(text: &str, wanted: u32) -> bool {
    text.contains(NO_LIST)
        || entries(text).any(|entry| {
            let is_allowed = matches!(entry.first(), Some(&("A" | "XA")));
            // An entry that counts for things inside only says nothing of the file itself.
            let is_for_others = entry.get(1).is_some_and(|flags| flags.contains("IO"));
            let allowed = entry.get(2).map_or(0, |letters| rights(letters));
            let is_for_all = entry.get(5).is_some_and(|account| ALL_USERS.contains(account));
            is_allowed && !is_for_others && is_for_all && allowed & wanted != 0
        })
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

    #[test]
    fn who_may_put_a_file_somewhere_is_told_from_who_may_read_there() {
        for open in [
            ROOT,
            PROGRAM_DATA,
            "D:AI(A;OICIID;0x1301bf;;;AU)",
            "D:(A;;FW;;;WD)",
            "D:(A;;0x100000ff;;;S-1-5-32-545)",
            "D:(A;;??;;;WD)",
            "D:(A;;F;;;WD)",
            "D:NO_ACCESS_CONTROL",
        ] {
            assert!(lets_all_users_change(open), "{open}");
        }
        for closed in [PROGRAM_FILES, "D:PAI(A;OICI;FA;;;SY)(A;OICI;0x1200a9;;;BU)", "D:(A;;FRFX;;;WD)(A;;GRGX;;;AU)"] {
            assert!(!lets_all_users_change(closed), "{closed}");
        }
    }

    #[test]
    fn where_users_may_make_folders_they_cannot_replace_those_of_others() {
        for safe in [ROOT, PROGRAM_DATA, PROGRAM_FILES] {
            assert!(!lets_all_users_replace(safe), "{safe}");
        }
        for open in ["D:AI(A;OICIID;0x1301bf;;;AU)", "D:(A;;DT;;;BU)", "D:(A;;GA;;;WD)", "D:(A;;WO;;;IU)"] {
            assert!(lets_all_users_replace(open), "{open}");
        }
    }

    #[test]
    fn an_account_that_a_list_names_is_found_whole() {
        let list = "D:PAI(A;OICI;FA;;;SY)(A;OICI;0x1200a9;;;S-1-5-80-1-2-3-4-5)";
        assert!(names(list, "S-1-5-80-1-2-3-4-5") && names(list, "SY"));
        assert!(!names(list, "S-1-5-80-1-2-3-4") && !names("", "SY"));
    }
}
