//! Names and groups of users, as the files of this machine have them. A directory service may know
//! more, and systemd may put a service into more (`SupplementaryGroups=`).

use std::fs;

use crate::os::ownership::UserInGroups;

const USERS: &str = "/etc/passwd";
const GROUPS: &str = "/etc/group";

/// A user as a person knows it.
pub(super) fn user_called(number: u32) -> String {
    name(&read(USERS), number).map_or_else(|| format!("user {number}"), str::to_owned)
}

/// A group as commands take it.
pub(super) fn group_called(number: u32) -> String {
    name(&read(GROUPS), number).map_or_else(|| number.to_string(), str::to_owned)
}

/// A user with the groups that it is in, and the one of them by which it is let in. `of_its_files`
/// is the group that its files have: its own where no file of this machine names the user, as in a
/// container.
pub(super) fn account(user: u32, of_its_files: u32) -> (UserInGroups, u32) {
    let groups = groups_of(&read(USERS), &read(GROUPS), user);
    let lets_in = match groups.first() {
        Some(first) if !groups.contains(&of_its_files) => *first,
        _ => of_its_files,
    };
    let groups = if groups.is_empty() { vec![of_its_files] } else { groups };
    (UserInGroups { user, groups: groups.into_iter().collect() }, lets_in)
}

fn read(file: &str) -> String {
    fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// Either file has `name:x:number:…` on each line.
fn name(entries: &str, number: u32) -> Option<&str> {
    let mut lines = entries.lines().map(|line| line.split(':'));
    lines.find_map(|mut fields| {
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(number)).then_some(name)
    })
}

/// Its own group first. The lines are `name:x:user:group:…`, and `name:x:group:name,name`.
fn groups_of(users: &str, groups: &str, user: u32) -> Vec<u32> {
    let Some(name) = name(users, user) else { return Vec::new() };
    let fields = |line: &'_ str| line.split(':').map(str::to_owned).collect::<Vec<_>>();
    let first = users.lines().map(fields).filter(|own| own.first().is_some_and(|own| own == name));
    let first = first.filter_map(|own| own.get(3)?.parse().ok());
    let others =
        groups.lines().map(fields).filter(|own| own.get(3).is_some_and(|all| all.split(',').any(|own| own == name)));
    first.chain(others.filter_map(|own| own.get(2)?.parse().ok())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME_USERS: &str = "root:x:0:0:root:/root:/bin/bash\n\nbroken\nvetbridge:x:990:991::/var/lib/vetbridge:/x\n";
    const SOME_GROUPS: &str = "root:x:0:\nssl-cert:x:50:postgres,vetbridge\nother:x:51:vetbridge2\nvetbridge:x:991:\n";

    #[test]
    fn a_user_has_its_own_group_and_those_that_list_it() {
        assert_eq!(groups_of(SOME_USERS, SOME_GROUPS, 990), [991, 50]);
        assert!(groups_of(SOME_USERS, SOME_GROUPS, 7).is_empty());
    }

    #[test]
    fn who_has_no_name_has_a_number() {
        assert_eq!((name(SOME_USERS, 990), name(SOME_GROUPS, 50)), (Some("vetbridge"), Some("ssl-cert")));
        assert_eq!(name(SOME_USERS, 4_294_967_000), None);
        assert_eq!(user_called(4_294_967_000), "user 4294967000");
        assert_eq!(group_called(4_294_967_000), "4294967000");
    }
}
