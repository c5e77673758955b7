//! Access lists of Windows as text (SDDL), as `icacls /save` writes them.

/// Everybody, everybody who is signed in, and the group that every user belongs to.
const ALL_USERS: [&str; 5] = ["WD", "AU", "BU", "S-1-1-0", "S-1-5-32-545"];

/// True if an entry of the list allows all users something.
///
/// An entry is `(type;flags;rights;object;inherited object;account)`. Which rights it grants does
/// not matter: all that are granted in practice include reading.
pub fn lets_all_users_in(text: &str) -> bool {
    text.split('(').skip(1).any(|entry| {
        let fields: Vec<&str> = entry.split(')').next().unwrap_or_default().split(';').collect();
        let is_allowed = matches!(fields.first(), Some(&("A" | "XA")));
        // An entry that counts for things inside only says nothing of the file itself.
        let is_for_others = fields.get(1).is_some_and(|flags| flags.contains("IO"));
        is_allowed && !is_for_others && fields.get(5).is_some_and(|account| ALL_USERS.contains(account))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_lets_all_users_in_is_told_from_one_that_lets_in_a_few() {
        for open in [
            "vetbridge.toml\nD:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;0x1200a9;;;BU)\n",
            "D:(A;;FR;;;WD)",
            "D:P(A;;FA;;;SY)(A;OICI;FA;;;AU)",
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
}
