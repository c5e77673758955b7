//! Who else has a hand in a file, and who cannot read it, on Unix: by owner, group and mode of the
//! file and of the folders on the way.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf, absolute};

use rustix::io::Errno;

use super::{accounts, process_owner};
use crate::os::ownership::{FilePart, FileRight, ForeignHand, Hand, Obstacle, Ownership, WayIn};

/// The attribute of a file that has an access list beside its mode bits.
const ACCESS_LIST: &str = "system.posix_acl_access";

/// Who else than this process's user, and root, can have put the file there.
///
/// # Errors
/// It cannot be found out.
pub fn foreign_hand(file: &Path) -> io::Result<Option<ForeignHand>> {
    let asker = process_owner::user();
    let (named, real) = (absolute(file)?, file.canonicalize()?);
    let folders = [&named, &real].into_iter().filter_map(|path| path.parent()).map(|path| (path, FilePart::Folder));
    let name = fs::symlink_metadata(&named)?;
    let parts = folders.chain([(real.as_path(), FilePart::File)]);
    let mut looked_at = vec![(named.as_path(), if name.is_symlink() { FilePart::Link } else { FilePart::File }, name)];
    for (path, part) in parts {
        looked_at.push((path, part, fs::metadata(path)?));
    }
    let foreign = looked_at.into_iter().find_map(|(path, part, found)| {
        let hand = match ownership(&found).foreign_hand(asker, part)? {
            Hand::Owns(_) => Hand::Owns(accounts::user_called(found.uid())),
            changes @ Hand::Changes(_) => changes,
        };
        Some(ForeignHand { path: path.to_owned(), hand })
    });
    Ok(foreign)
}

/// What keeps a user, whose files have this group, from what the file holds. Nothing where it
/// cannot be told: an access list decides, or the file is gone.
pub fn obstacle(file: &Path, user: u32, group: u32) -> Option<Obstacle> {
    let (account, lets_in) = accounts::account(user, group);
    let (named, real) = (absolute(file).ok()?, file.canonicalize().ok()?);
    let on_the_way = [&named, &real].into_iter().flat_map(|path| {
        let above: Vec<&Path> = path.ancestors().skip(1).collect();
        above.into_iter().rev().map(|folder| (folder, FileRight::Enter))
    });
    let closed = on_the_way.chain([(real.as_path(), FileRight::Read)]).filter_map(|(path, lacks)| {
        let found = ownership(&fs::metadata(path).ok()?);
        let way_in = if found.gives(&account, lacks) || has_access_list(path) {
            return None;
        } else if found.user == user {
            WayIn::OwnRight
        } else if found.gives_members(&account, lacks) {
            WayIn::Membership(accounts::group_called(found.group))
        } else {
            WayIn::Group(accounts::group_called(lets_in))
        };
        Some(Obstacle { path: PathBuf::from(path), lacks, user: accounts::user_called(user), way_in })
    });
    // What is certain says more than what may not be so.
    closed.min_by_key(|own| !own.is_certain())
}

/// Nothing: root needs no entry in a list to open a folder, and so leaves none.
pub fn opened_to(_config: &Path) -> Option<ForeignHand> {
    None
}

fn ownership(found: &Metadata) -> Ownership {
    Ownership { user: found.uid(), group: found.gid(), mode: found.permissions().mode() }
}

/// True too of a list for which there is no room here, and where that cannot be found out.
fn has_access_list(path: &Path) -> bool {
    let found = rustix::fs::getxattr(path, ACCESS_LIST, &mut [0_u8; 1024][..]);
    !matches!(found, Err(Errno::NODATA | Errno::NOTSUP))
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::symlink;

    use super::*;

    const NOBODY: u32 = 65_534;

    fn folder_for_all() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        set(folder.path(), 0o755);
        folder
    }

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn the_file_or_the_folder_that_keeps_a_user_out_is_named_through_links_too() {
        let folder = folder_for_all();
        let (inner, link) = (folder.path().join("closed"), folder.path().join("link"));
        let file = inner.join("p");
        fs::create_dir(&inner).unwrap();
        fs::write(&file, "secret").unwrap();
        symlink(&file, &link).unwrap();
        let keeps = |path: &Path| obstacle(path, NOBODY, NOBODY).map(|own| (own.path, own.lacks));
        for (folder_mode, file_mode, expected) in [
            (0o755, 0o600, Some((file.clone(), FileRight::Read))),
            (0o700, 0o644, Some((inner.clone(), FileRight::Enter))),
            (0o711, 0o644, None),
        ] {
            set(&inner, folder_mode);
            set(&file, file_mode);
            assert_eq!(keeps(&file), expected, "{folder_mode:o} {file_mode:o}");
            assert_eq!(keeps(&link), expected, "by a link: {folder_mode:o} {file_mode:o}");
        }
        assert_eq!(keeps(&folder.path().join("none")), None);
    }

    #[test]
    fn a_group_that_the_user_may_be_in_keeps_nobody_out_for_certain() {
        let folder = folder_for_all();
        let (inner, file) = (folder.path().join("private"), folder.path().join("private/p"));
        fs::create_dir(&inner).unwrap();
        fs::write(&file, "secret").unwrap();
        let group = fs::metadata(&file).unwrap().gid();
        let members = || WayIn::Membership(accounts::group_called(group));
        for (folder_mode, file_mode, expected) in [
            (0o711, 0o640, Some((file.clone(), members()))),
            (0o710, 0o644, Some((inner.clone(), members()))),
            (0o710, 0o640, Some((inner.clone(), members()))),
            // The file is closed whether the folder is or not.
            (0o710, 0o600, Some((file.clone(), WayIn::Group(accounts::group_called(NOBODY))))),
        ] {
            set(&inner, folder_mode);
            set(&file, file_mode);
            let found = obstacle(&file, NOBODY, NOBODY);
            let certain = found.as_ref().map(Obstacle::is_certain);
            assert_eq!(certain, expected.as_ref().map(|(_, way_in)| matches!(way_in, WayIn::Group(_))));
            assert_eq!(found.map(|own| (own.path, own.way_in)), expected, "{folder_mode:o} {file_mode:o}");
        }
        // What the state has for a group makes nobody a member.
        set(&inner, 0o711);
        set(&file, 0o640);
        assert_eq!(obstacle(&file, NOBODY, group).map(|own| own.way_in), Some(members()));
        // A number that this machine does not name, as in a container, has no other group.
        assert_eq!(obstacle(&file, 4_294_967_000, group), None);
    }

    #[test]
    fn ones_own_file_is_nobody_elses() {
        let folder = folder_for_all();
        let file = folder.path().join("vetbridge.toml");
        fs::write(&file, "").unwrap();
        set(&file, 0o644);
        assert_eq!(foreign_hand(&file).unwrap(), None);
        assert!(foreign_hand(&folder.path().join("none")).is_err());
    }
}
