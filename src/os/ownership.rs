//! Whose a file is, and who may change or read it, as values. Owner, group and mode bits are those
//! of Unix; what others have to do with a file is said of Windows too.

use std::collections::BTreeSet;
use std::path::PathBuf;

const ROOT: u32 = 0;
/// The group, and everybody else.
const CHANGED_BY_OTHERS: u32 = 0o022;

/// Owner, group and mode bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ownership {
    /// Whose it is.
    pub user: u32,
    /// Which group it has.
    pub group: u32,
    /// The mode bits.
    pub mode: u32,
}

/// A user with all groups that it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserInGroups {
    /// Its number.
    pub user: u32,
    /// Their numbers.
    pub groups: BTreeSet<u32>,
}

/// What it takes to get at the content of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileRight {
    /// Of the file itself.
    Read,
    /// Of each folder on the way.
    Enter,
}

impl FileRight {
    fn bit(self) -> u32 {
        match self {
            Self::Read => 0o4,
            Self::Enter => 0o1,
        }
    }
}

/// On the way to a file's content: where a person looks for it, and what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilePart {
    /// The folder that has the name.
    Folder,
    /// A link. Its mode bits say nothing.
    Link,
    /// The file.
    File,
}

/// What somebody else has to do with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hand {
    /// It is theirs.
    Owns(String),
    /// They may change it.
    Changes(String),
}

/// Somebody else has a hand in what is at the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignHand {
    /// The file, or the folder that it is in.
    pub path: PathBuf,
    /// Who.
    pub hand: Hand,
}

/// What keeps a user from a file's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// The file, or a folder on the way.
    pub path: PathBuf,
    /// Which of the two, by what is lacking.
    pub lacks: FileRight,
    /// The user, by name where it has one.
    pub user: String,
    /// How the user would get in.
    pub way_in: WayIn,
}

/// How a user would get in who is kept out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WayIn {
    /// The user owns it, and lacks a right of the owner.
    OwnRight,
    /// This group, which has the right, would have the user in it. The system may know of that
    /// elsewhere than it was looked for, so the user may be let in already.
    Membership(String),
    /// This group of the user's would be given the right.
    Group(String),
}

impl Obstacle {
    /// False if the user may be let in all the same.
    pub fn is_certain(&self) -> bool {
        !matches!(self.way_in, WayIn::Membership(_))
    }
}

impl Ownership {
    /// Who else than the one who asks has a hand in this: its owner (by number), or others who may
    /// change it. Root trusts what only root can have put there; anybody else trusts root and
    /// themselves.
    pub fn foreign_hand(self, asker: u32, part: FilePart) -> Option<Hand> {
        let is_trusted = self.user == ROOT || self.user == asker;
        match (asker, part) {
            // Their own files lie in the folders of others, such as /tmp.
            (1.., FilePart::Folder) => None,
            _ if !is_trusted => Some(Hand::Owns(self.user.to_string())),
            (ROOT, FilePart::Folder | FilePart::File) if self.mode & CHANGED_BY_OTHERS != 0 => {
                Some(Hand::Changes("other users".to_owned()))
            }
            (_, FilePart::Folder | FilePart::Link | FilePart::File) => None,
        }
    }

    /// True if the mode bits give the account this right: those of the owner decide for the owner,
    /// even if they give less than those of the group.
    pub fn gives(self, account: &UserInGroups, right: FileRight) -> bool {
        let bits = if self.user == account.user {
            self.mode >> 6
        } else if account.groups.contains(&self.group) {
            self.mode >> 3
        } else {
            self.mode
        };
        account.user == ROOT || bits & right.bit() != 0
    }

    /// True if the mode bits, which do not give an account this right, would do so if it were in
    /// the group.
    pub fn gives_members(self, account: &UserInGroups, right: FileRight) -> bool {
        self.user != account.user && (self.mode >> 3) & right.bit() != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: u32 = 1000;
    const MALLORY: u32 = 1001;

    fn of(user: u32, mode: u32) -> Ownership {
        Ownership { user, group: user, mode }
    }

    #[test]
    fn root_trusts_what_only_root_can_have_put_there() {
        for (mode, part) in
            [(0o600, FilePart::File), (0o644, FilePart::File), (0o777, FilePart::Link), (0o755, FilePart::Folder)]
        {
            assert_eq!(of(ROOT, mode).foreign_hand(ROOT, part), None, "{mode:o} {part:?}");
            assert_eq!(of(ALICE, mode).foreign_hand(ROOT, part), Some(Hand::Owns("1000".to_owned())), "{part:?}");
        }
        for (mode, part) in
            [(0o620, FilePart::File), (0o602, FilePart::File), (0o1777, FilePart::Folder), (0o775, FilePart::Folder)]
        {
            assert!(matches!(of(ROOT, mode).foreign_hand(ROOT, part), Some(Hand::Changes(_))), "{mode:o} {part:?}");
        }
    }

    #[test]
    fn anybody_else_trusts_root_and_themselves() {
        for part in [FilePart::File, FilePart::Link] {
            assert_eq!(of(ALICE, 0o664).foreign_hand(ALICE, part), None);
            assert_eq!(of(ROOT, 0o644).foreign_hand(ALICE, part), None);
            assert_eq!(of(MALLORY, 0o600).foreign_hand(ALICE, part), Some(Hand::Owns("1001".to_owned())));
        }
        assert_eq!(of(MALLORY, 0o1777).foreign_hand(ALICE, FilePart::Folder), None, "an own file in /tmp");
    }

    #[test]
    fn the_first_of_owner_group_and_others_that_the_account_is_decides() {
        let service = UserInGroups { user: 990, groups: [990, 50].into() };
        let file = |user, group, mode| Ownership { user, group, mode };
        for (own, reads) in [
            (file(0, 0, 0o600), false),
            (file(0, 0, 0o640), false),
            (file(0, 0, 0o644), true),
            (file(0, 990, 0o640), true),
            (file(0, 50, 0o640), true),
            (file(0, 990, 0o604), false),
            (file(990, 0, 0o400), true),
            (file(990, 990, 0o044), false),
        ] {
            assert_eq!(own.gives(&service, FileRight::Read), reads, "{own:?}");
        }
        assert!(
            file(0, 990, 0o710).gives(&service, FileRight::Enter)
                && !file(0, 990, 0o740).gives(&service, FileRight::Enter)
        );
        let members_read = |own: Ownership| own.gives_members(&service, FileRight::Read);
        assert!(members_read(file(0, 60, 0o640)) && !members_read(file(0, 60, 0o604)));
        assert!(!members_read(file(990, 60, 0o040)), "the owner is no member");
        assert!(
            of(ALICE, 0).gives(&UserInGroups { user: ROOT, groups: BTreeSet::new() }, FileRight::Read),
            "root reads all"
        );
    }
}
