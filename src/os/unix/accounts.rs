//! Names and groups of users, as the files of this machine have them. A directory service may know
//! more.

use std::collections::BTreeSet;
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

/// A user with the groups that it is in, this one among them.
pub(super) fn account(user: u32, group: u32) -> UserInGroups {
    let mut groups = groups_of(&read(USERS), &read(GROUPS), user);
    groups.insert(group);
    UserInGroups { user, groups }
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

/// `name:x:user:group:…`, and `name:x:group:name,name`.
fn groups_of(users: &str, groups: &str, user: u32) -> BTreeSet<u32> {
    let Some(name) = name(users, user) else { return BTreeSet::new() };
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
        assert_eq!(groups_of(SOME_USERS, SOME_GROUPS, 990), [50, 991].into());
        assert_eq!(groups_of(SOME_USERS, SOME_GROUPS, 7), BTreeSet::new());
    }

    #[test]
    fn who_has_no_name_has_a_number() {
        assert_eq!((name(SOME_USERS, 990), name(SOME_GROUPS, 50)), (Some("vetbridge"), Some("ssl-cert")));
        assert_eq!(name(SOME_USERS, 4_294_967_000), None);
        assert_eq!(user_called(4_294_967_000), "user 4294967000");
        assert_eq!(group_called(4_294_967_000), "4294967000");
    }
}
