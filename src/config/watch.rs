//! Notices that the configuration file changed, or a file that it refers to: a secret, a
//! certificate.
//!
//! The files are looked at now and then: that works for every way of replacing a file, on every
//! file system. A file that is being written can be valid and half: with a practice missing at its
//! end, say, whose days would be emptied. So a change counts once two looks in a row see the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::os::files;

/// Between two looks.
pub const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What a file looks like from outside; `None` while there is none.
///
/// Which file it is, how long, and when its content or anything else about it last changed: a link
/// that is switched can lead to a file of the same length and time, and a file that could not be
/// read changes nothing but its permissions.
type Stamp = Option<[i128; 5]>;

/// Files that are watched: the configuration's own, and those that it refers to.
#[derive(Debug)]
pub struct WatchedFiles {
    own: PathBuf,
    files: BTreeMap<PathBuf, SeenFile>,
}

#[derive(Debug, Clone, Copy)]
struct SeenFile {
    known: Stamp,
    last: Stamp,
}

impl SeenFile {
    fn of(path: &Path) -> Self {
        let stamp = stamp(path);
        Self { known: stamp, last: stamp }
    }

    fn changed(&mut self, path: &Path) -> bool {
        let seen = stamp(path);
        let settled = seen == self.last && seen != self.known;
        self.last = seen;
        if settled {
            self.known = seen;
        }
        settled
    }
}

impl WatchedFiles {
    /// Watches a file from its present state on.
    pub fn new(path: &Path) -> Self {
        Self { own: path.to_owned(), files: BTreeMap::from([(path.to_owned(), SeenFile::of(path))]) }
    }

    /// Watches these beside the first one, and no others. True if one of them was not watched so
    /// far: it may have changed between the moment at which somebody read it and this one.
    pub fn follow(&mut self, others: &BTreeSet<PathBuf>) -> bool {
        self.files.retain(|path, _| *path == self.own || others.contains(path));
        let before = self.files.len();
        for path in others {
            self.files.entry(path.clone()).or_insert_with(|| SeenFile::of(path));
        }
        self.files.len() > before
    }

    /// Looks at the files; true once for every change that has settled.
    pub fn changed(&mut self) -> bool {
        // All of them are looked at, whatever the first ones say.
        self.files.iter_mut().fold(false, |changed, (path, seen)| seen.changed(path) | changed)
    }

    /// What the files are at present is known, as after they were read for another reason.
    pub fn forget(&mut self) {
        for (path, seen) in &mut self.files {
            *seen = SeenFile::of(path);
        }
    }
}

fn stamp(path: &Path) -> Stamp {
    fs::metadata(path).ok().map(|file| files::stamp(&file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_counts_once_when_two_looks_in_a_row_see_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("vetbridge.toml");
        fs::write(&path, "a").unwrap();
        let mut watched = WatchedFiles::new(&path);
        assert!(!watched.changed(), "nothing happened");
        fs::write(&path, "half").unwrap();
        assert!(!watched.changed(), "it may be half written");
        fs::write(&path, "written whole").unwrap();
        assert!(!watched.changed(), "it went on");
        assert!(watched.changed());
        assert!(!watched.changed(), "once");
        fs::remove_file(&path).unwrap();
        assert!(!watched.changed());
        assert!(watched.changed(), "gone is a change too");
        fs::write(&path, "written whole and read").unwrap();
        watched.forget();
        assert!(!watched.changed() && !watched.changed(), "it was read meanwhile");
    }

    #[test]
    fn a_secret_file_is_watched_from_when_it_is_named_until_it_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name);
        for name in ["vetbridge.toml", "password", "key"] {
            fs::write(place(name), "a").unwrap();
        }
        let mut watched = WatchedFiles::new(&place("vetbridge.toml"));
        let both = BTreeSet::from([place("password"), place("key"), place("not there yet")]);
        assert!(watched.follow(&both), "what was read before it was watched is read again");
        assert!(!watched.follow(&both) && !watched.changed());
        for name in ["password", "not there yet"] {
            fs::write(place(name), "another").unwrap();
            assert!(!watched.changed() && watched.changed() && !watched.changed(), "{name}");
        }
        assert!(!watched.follow(&BTreeSet::from([place("key")])));
        fs::write(place("password"), "a third").unwrap();
        assert!(!watched.changed() && !watched.changed(), "nobody refers to it");
        fs::write(place("vetbridge.toml"), "ab").unwrap();
        assert!(!watched.changed() && watched.changed(), "the file itself is watched all the time");
    }

    #[cfg(unix)]
    #[test]
    fn another_file_of_the_same_length_and_time_is_a_change_and_so_are_other_permissions() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};

        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name);
        let then = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        for (name, text) in [("one", "enabled = true "), ("two", "enabled = false")] {
            fs::write(place(name), text).unwrap();
            fs::File::options().write(true).open(place(name)).unwrap().set_modified(then).unwrap();
        }
        symlink(place("one"), place("vetbridge.toml")).unwrap();
        let mut watched = WatchedFiles::new(&place("vetbridge.toml"));
        symlink(place("two"), place("next")).unwrap();
        fs::rename(place("next"), place("vetbridge.toml")).unwrap();
        assert!(!watched.changed() && watched.changed(), "the link leads elsewhere");
        fs::set_permissions(place("two"), fs::Permissions::from_mode(0o600)).unwrap();
        assert!(!watched.changed() && watched.changed(), "it may have become readable");
    }
}
