//! Seeds that follow from the commit, so that every commit is tried on lives that no commit before it was tried on.
//!
//! In a clean checkout they follow from the commit's hash. Where there is no commit to speak of (a
//! source archive, no git, files that differ from it) they follow from the sources themselves:
//! everything below `src` and `tests`, and `Cargo.lock`. Either way the same files give the same
//! seeds, and the test says which they are, so that a failure can be repeated anywhere.

use std::hash::{DefaultHasher, Hasher as _};
use std::io::Write as _;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Seeds below are lived by number. This commit's lie above them,
const FIRST: u64 = 1_000_000;
/// in one of so many places.
const PLACES: u64 = 1_000_000_000;

/// So many seeds, and what they follow from.
pub(crate) fn seeds(count: u64) -> (RangeInclusive<u64>, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (hash, source) = match clean_commit(root) {
        Some(commit) => (hash_of(&commit), format!("commit {}", &commit[..commit.len().min(12)])),
        None => (sources(root), "the sources, which are no clean commit".to_owned()),
    };
    let first = FIRST + hash % PLACES * count;
    (first..=first + count - 1, source)
}

/// Written past the test runner, which shows what a test prints only when it fails.
pub(crate) fn say(line: &str) {
    // Nobody is worse off for a line that could not be written.
    drop(writeln!(std::io::stderr(), "{line}"));
}

/// The commit that the files are, if they are one.
fn clean_commit(root: &Path) -> Option<String> {
    let top = PathBuf::from(git(root, &["rev-parse", "--show-toplevel"])?);
    // An archive that was unpacked inside somebody else's repository is not a commit of that.
    let is_ours = top.canonicalize().ok()? == root.canonicalize().ok()?;
    let is_clean = git(root, &["status", "--porcelain"])?.is_empty();
    git(root, &["rev-parse", "HEAD"]).filter(|commit| is_ours && is_clean && !commit.is_empty())
}

fn git(root: &Path, args: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(root).args(args).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A number that follows from the sources.
fn sources(root: &Path) -> u64 {
    let mut files = vec![root.join("Cargo.lock")];
    for folder in ["src", "tests"] {
        collect(&root.join(folder), &mut files);
    }
    files.sort();
    let contents: Vec<(PathBuf, Vec<u8>)> = files
        .into_iter()
        .map(|file| (file.strip_prefix(root).unwrap().to_owned(), std::fs::read(&file).unwrap_or_default()))
        .collect();
    hash_of(&contents)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}

fn hash_of(what: &(impl std::hash::Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

#[test]
fn the_seeds_of_a_commit_come_out_the_same_every_time_and_lie_above_those_with_a_number() {
    let (seeds, source) = seeds(12);
    assert_eq!((seeds.clone(), source), self::seeds(12));
    assert!(*seeds.start() >= FIRST && seeds.count() == 12);
}

#[test]
fn sources_that_are_no_commit_have_seeds_that_follow_from_every_file() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        sources(folder.path())
    };
    let first = write("src/booking/machine.rs", "one");
    assert_eq!(write("src/booking/machine.rs", "one"), first);
    assert_ne!(write("src/booking/machine.rs", "another"), first);
    assert_ne!(write("tests/simulation/main.rs", "one"), first);
    assert_eq!(write("README.md", "one"), write("README.md", "another"));
    assert_eq!(clean_commit(folder.path()), None);
}
