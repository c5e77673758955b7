//! The store in a state directory: what lasts, and what each alarm says.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

mod store_support;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::TimeDelta;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use vetbridge::store::{self, Batch, Meta, OpenError, Record, RecordKind, Store, admin_token};

use store_support::{Line, Place, line, names, now};

/// Its kind begins like the other's.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct LineCount(u64);

impl Record for LineCount {
    const KIND: &'static str = "line-count";
    const VERSION: u32 = 1;
}

fn put(key: &str, text: &str) -> Batch {
    Batch::of(key, &line(text)).unwrap()
}

fn and(mut batch: Batch, key: &str, record: &impl Record) -> Batch {
    batch.put(key, record).unwrap();
    batch
}

fn without(mut batch: Batch, key: &str) -> Batch {
    batch.delete::<Line>(key);
    batch
}

impl Place {
    /// A store that was used and closed.
    async fn used() -> Self {
        let place = Self::new();
        let store = place.open().unwrap();
        store.commit(put("a", "kept")).await.unwrap();
        place
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_first_start_makes_a_private_directory_and_a_later_one_finds_all_of_it_again() {
    let place = Place::new();
    let store = place.open().unwrap();
    let (meta, key, token) = (store.meta(), store.pseudonym_key().clone(), store.admin_token().clone());
    assert_eq!((meta.created_at, meta.complete_since()), (now(), now()));
    store.commit(without(put("a", "kept"), "never was")).await.unwrap();
    drop(store);

    assert_eq!(mode(&place.state()), 0o700);
    for secret in ["admin-token", "pseudonym-key"] {
        assert_eq!(mode(&place.state().join(secret)), 0o600, "{secret}");
    }
    let again = Store::open(&place.state(), now() + TimeDelta::days(1)).unwrap();
    assert_eq!(again.get("a"), Ok(Some(line("kept"))));
    assert_eq!((again.meta(), again.pseudonym_key().bytes()), (meta, key.bytes()));
    assert_eq!(again.admin_token().expose_secret(), token.expose_secret());
    let read = admin_token(&place.state()).unwrap().unwrap();
    assert_eq!(read.expose_secret(), token.expose_secret());
}

#[tokio::test]
async fn a_change_is_visible_at_once_and_kinds_and_prefixes_are_kept_apart() {
    let place = Place::new();
    let store = place.open().unwrap();
    store.write_later(and(put("7/b", "2"), "7/a", &line("1")));
    store.write_later(and(put("70/a", "3"), "7/a", &LineCount(9)));
    let keys: Vec<String> = store.scan::<Line>("7/").records.into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["7/a", "7/b"]);
    assert_eq!(store.scan::<Line>("").records.len(), 3);
    assert_eq!(store.get("7/a"), Ok(Some(LineCount(9))));
    store.commit(without(Batch::new(), "7/a")).await.unwrap();
    assert_eq!(store.get::<Line>("7/a"), Ok(None));
    assert_eq!(store.get("7/a"), Ok(Some(LineCount(9))));
}

#[tokio::test]
async fn what_was_written_later_is_there_after_an_orderly_end() {
    let place = Place::new();
    let store = place.open().unwrap();
    store.write_later(put("a", "1"));
    drop(store);
    assert_eq!(place.open().unwrap().get("a"), Ok(Some(line("1"))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_commit_side_by_side_and_nothing_is_lost() {
    let place = Place::new();
    let store = place.open().unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                for number in 0..50 {
                    store.write_later(put(&format!("later/{task}"), &number.to_string()));
                    store.commit(put(&format!("{task}/{number:02}"), &number.to_string())).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    drop(store);
    let store = place.open().unwrap();
    for task in 0..8 {
        assert_eq!(store.scan::<Line>(&format!("{task}/")).records.len(), 50, "{task}");
        assert_eq!(store.get(&format!("later/{task}")), Ok(Some(line("49"))));
    }
}

#[tokio::test]
async fn long_records_last_and_the_database_writes_no_file_that_it_would_not_sync() {
    let place = Place::new();
    let long = |number: usize| "ö".repeat(20_000 + number);
    for round in 0..2 {
        let store = place.open().unwrap();
        for number in 0..40 {
            let key = number.to_string();
            assert_eq!(store.get(&key), Ok((round > 0).then(|| line(&long(number)))), "{key}");
            store.commit(put(&key, &long(number))).await.unwrap();
        }
    }
    assert_eq!(names(&place.state().join("blobs")), BTreeSet::new());
}

#[tokio::test]
async fn a_second_opener_learns_who_holds_the_directory_and_gets_it_afterwards() {
    let place = Place::used().await;
    let first = place.open().unwrap();
    let error = Store::open(&place.state(), now() + TimeDelta::hours(1)).unwrap_err();
    let holder = format!("process {} since 2026-02-01T00:00:00Z", std::process::id());
    assert_eq!(error, OpenError::InUse { path: place.state().canonicalize().unwrap(), holder });
    assert!(error.to_string().contains("Stop that one first"), "{error}");
    let clone = first.clone();
    drop(first);
    assert!(place.open().is_err(), "a clone still holds it");
    drop(clone);
    assert_eq!(place.open().unwrap().get("a"), Ok(Some(line("kept"))));
}

#[tokio::test]
async fn a_lock_file_that_a_killed_process_left_holds_up_nobody() {
    let place = Place::used().await;
    fs::write(place.state().join("lock"), "process 1 since 2020-01-01T00:00:00Z\nand more\n").unwrap();
    let _store = place.open().unwrap();
    let text = fs::read_to_string(place.state().join("lock")).unwrap();
    assert_eq!(text, format!("process {} since 2026-02-01T00:00:00Z\n", std::process::id()));
}

/// sled's file of page positions, as it stands after a few openings.
fn snapshot(state: &Path) -> PathBuf {
    state.join(names(state).into_iter().find(|name| name.starts_with("snap.")).expect("sled writes one when it opens"))
}

#[tokio::test]
async fn a_snapshot_that_was_cut_off_is_removed_before_the_database_meets_it() {
    let place = Place::used().await;
    drop(place.open().unwrap());
    let whole = fs::read(snapshot(&place.state())).unwrap();
    let cut_off = place.state().join("snap.7FFFFFFFFFFFFFFF.generating");
    fs::write(&cut_off, &whole[..whole.len() / 2]).unwrap();
    let bare = std::panic::catch_unwind(|| sled::open(place.state()).map(drop));
    assert!(!matches!(bare, Ok(Ok(()))), "sled opens such a directory by itself: the remedy is not needed any more");

    fs::write(&cut_off, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(place.open().unwrap().get("a"), Ok(Some(line("kept"))));
    assert!(!cut_off.exists());
}

#[tokio::test]
async fn a_damaged_database_is_an_error_with_a_remedy_and_not_a_panic() {
    let place = Place::used().await;
    drop(place.open().unwrap());
    let snapshot = snapshot(&place.state());
    let whole = fs::read(&snapshot).unwrap();
    fs::write(&snapshot, &whole[..whole.len() / 2]).unwrap();
    let error = place.open().unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("Restore the directory from a backup"), "{error}");
    assert!(!error.may_pass());
}

/// Records as a later program writes them.
#[derive(Serialize, Deserialize)]
struct LaterLine(String);

impl Record for LaterLine {
    const KIND: &'static str = Line::KIND;
    const VERSION: u32 = Line::VERSION + 1;
}

#[derive(Serialize, Deserialize)]
struct LaterMeta(String);

impl Record for LaterMeta {
    const KIND: &'static str = Meta::KIND;
    const VERSION: u32 = Meta::VERSION + 1;
}

#[tokio::test]
async fn a_store_that_a_later_program_used_is_refused_by_name_and_version_and_left_as_it_is() {
    let kinds = [RecordKind::exported::<Line>()];
    let place = Place::used().await;
    let store = place.open().unwrap();
    assert_eq!(store.refuse_newer(&kinds), Ok(()));
    store.commit(Batch::of("b", &LaterLine("later".into())).unwrap()).await.unwrap();
    drop(store);
    let store = place.open().unwrap();
    let error = store.refuse_newer(&kinds).unwrap_err();
    assert!(matches!(error, OpenError::Newer { .. }) && !error.may_pass(), "{error}");
    let said = error.to_string();
    assert!(said.contains("was used by a later vetbridge: its records of kind line have version"), "{said}");
    assert!(said.contains("Start the later program again") && !said.contains("kept"), "{said}");

    // The store's own record: not even the service, which goes on with a damaged store, takes this for damage.
    store.commit(Batch::of(Meta::KEY, &LaterMeta("later".into())).unwrap()).await.unwrap();
    drop(store);
    let before = names(&place.state());
    let error = Store::open_or_rebuild(&place.state(), now()).unwrap_err();
    assert!(matches!(error, OpenError::Newer { .. }), "{error}");
    let aside = |name: &&String| name.starts_with("damaged-") || name.starts_with("replaced-");
    assert_eq!(names(&place.state()).iter().filter(aside).count(), 0, "{before:?}");
}

#[tokio::test]
async fn garbage_in_every_place_of_the_database_ends_in_an_error_or_in_readable_records() {
    let place = Place::used().await;
    let files: Vec<PathBuf> = names(&place.state())
        .iter()
        .filter(|name| *name == "db" || *name == "conf" || name.starts_with("snap."))
        .map(|name| place.state().join(name))
        .collect();
    assert!(files.len() >= 2, "{files:?}");
    let mut refused = 0;
    for file in &files {
        let length = fs::metadata(file).unwrap().len() as usize;
        for at in (0..length.min(400)).step_by(13) {
            let copy = Place::new();
            copy_flat(&place.state(), &copy.state());
            let target = copy.state().join(file.file_name().unwrap());
            let mut bytes = fs::read(&target).unwrap();
            bytes[at..length.min(at + 8)].fill(0xA5);
            fs::write(&target, bytes).unwrap();
            match copy.open() {
                Ok(store) => drop(store.scan::<Line>("")),
                Err(OpenError::Damaged { .. } | OpenError::Vanished { .. } | OpenError::Disk { .. }) => refused += 1,
                Err(other) => panic!("{other}"),
            }
        }
    }
    assert!(refused > 0);
}

fn copy_flat(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in names(from) {
        if from.join(&name).is_file() {
            fs::copy(from.join(&name), to.join(&name)).unwrap();
        }
    }
}

#[tokio::test]
async fn an_empty_database_where_one_was_in_use_is_an_alarm() {
    for empty in ["removed", "cut to nothing", "overwritten with zeros"] {
        let place = Place::used().await;
        let db = place.state().join("db");
        for name in names(&place.state()).iter().filter(|name| name.starts_with("snap.")) {
            fs::remove_file(place.state().join(name)).unwrap();
        }
        match empty {
            "removed" => fs::remove_file(&db).unwrap(),
            "cut to nothing" => fs::write(&db, "").unwrap(),
            _ => fs::write(&db, vec![0; fs::metadata(&db).unwrap().len() as usize]).unwrap(),
        }
        let error = place.open().unwrap_err();
        assert!(
            matches!(&error, OpenError::Vanished { since, .. } if since == "2026-02-01T00:00:00Z"),
            "{empty}: {error}"
        );
        assert!(place.open().is_err(), "{empty}: the alarm stays");
        // As the sentence advises those who want to begin anew.
        fs::remove_file(place.state().join("initialised")).unwrap();
        assert_eq!(place.open().unwrap().get::<Line>("a"), Ok(None), "{empty}");
        drop(place.open().unwrap());
    }
}

#[tokio::test]
async fn a_first_start_that_was_cut_short_before_the_marker_is_finished_by_the_next() {
    let place = Place::used().await;
    fs::remove_file(place.state().join("initialised")).unwrap();
    assert_eq!(place.open().unwrap().get("a"), Ok(Some(line("kept"))));
    assert!(place.state().join("initialised").exists());
}

#[tokio::test]
async fn files_of_two_instances_in_one_directory_are_refused() {
    let (one, other) = (Place::used().await, Place::used().await);
    fs::copy(other.state().join("initialised"), one.state().join("initialised")).unwrap();
    let error = one.open().unwrap_err();
    assert!(matches!(error, OpenError::MixedUp { .. }), "{error}");
    fs::remove_file(one.state().join("initialised")).unwrap();
    assert_eq!(one.open().unwrap().get("a"), Ok(Some(line("kept"))));
}

#[tokio::test]
async fn a_database_of_another_program_is_refused() {
    let place = Place::new();
    let foreign = sled::open(place.state()).unwrap();
    foreign.insert("x", "y").unwrap();
    drop(foreign);
    let error = place.open().unwrap_err();
    assert!(
        matches!(error, OpenError::Damaged { .. }) && error.to_string().contains("not the one that vetbridge"),
        "{error}"
    );
}

#[test]
fn a_wrong_directory_is_named_with_the_remedy() {
    let place = Place::new();
    let error = Store::open(&place.state().join("deeper"), now()).unwrap_err();
    assert!(matches!(&error, OpenError::NoParent { .. }), "{error}");
    assert!(error.to_string().contains("correct [state] path"), "{error}");

    fs::write(place.state(), "").unwrap();
    assert!(matches!(place.open(), Err(OpenError::NotADirectory { .. })));
    let below_a_file = Store::open(&place.state().join("deeper"), now()).unwrap_err();
    assert!(matches!(below_a_file, OpenError::ParentIsFile { .. }), "{below_a_file}");
    assert!(below_a_file.to_string().contains("state is a file"), "{below_a_file}");
    let no_place = Store::open(Path::new("/proc/vetbridge"), now()).unwrap_err();
    assert!(no_place.to_string().contains("because no directory can be made in /proc"), "{no_place}");
    fs::remove_file(place.state()).unwrap();

    fs::create_dir(place.state()).unwrap();
    fs::write(place.state().join("thesis.doc"), "").unwrap();
    let error = place.open().unwrap_err();
    assert!(matches!(&error, OpenError::ForeignFiles { example, .. } if example == "thesis.doc"), "{error}");
    assert_eq!(names(&place.state()), BTreeSet::from(["thesis.doc".to_owned()]), "nothing was added");
}

#[tokio::test]
async fn a_state_directory_may_hold_what_people_put_beside_the_database_and_is_made_private() {
    let place = Place::used().await;
    fs::write(place.state().join("README"), "").unwrap();
    fs::set_permissions(place.state(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(place.open().unwrap().get("a"), Ok(Some(line("kept"))));
    assert_eq!(mode(&place.state()), 0o700);
}

#[tokio::test]
async fn a_directory_of_another_user_is_refused_before_a_file_is_made_in_it() {
    let place = Place::used().await;
    if chown(place.state(), Some(12_345), None).is_err() {
        eprintln!("only root can give a directory away: not tested here");
        return;
    }
    let before = names(&place.state());
    let error = place.open().unwrap_err();
    assert!(matches!(error, OpenError::OtherOwner { owner: 12_345, .. }), "{error}");
    // Whoever could give it away is root, who is not told to take it.
    assert!(error.to_string().contains("Start the service") && !error.to_string().contains("chown"), "{error}");
    let somebody = OpenError::OtherOwner { path: place.state(), owner: 12_345, ours: 7 }.to_string();
    assert!(somebody.contains("sudo -u '#12345'"), "{somebody}");
    assert_eq!(names(&place.state()), before);
}

#[tokio::test]
async fn who_may_write_in_the_directory_has_nobody_write_elsewhere_by_planting_links() {
    let place = Place::used().await;
    let (precious, probe) = (place.state().with_file_name("precious"), place.state().join("probe.tmp"));
    fs::write(&precious, "all of it").unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let _there_already = symlink(&precious, &probe);
            }
        });
        for _ in 0..500 {
            // It may say that somebody was in its way.
            let _looked_at = store::inspect(&place.state());
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert_eq!(fs::read_to_string(&precious).unwrap(), "all of it");

    let elsewhere = place.state().with_file_name("elsewhere");
    symlink(&elsewhere, place.state().join("rehearsal-lock")).unwrap();
    let error = store::lock_rehearsal(&place.state()).unwrap_err().to_string();
    assert!(error.contains("it is a link") && error.contains("rehearsal-lock"), "{error}");
    fs::remove_file(place.state().join("lock")).unwrap();
    symlink(&elsewhere, place.state().join("lock")).unwrap();
    assert!(place.open().unwrap_err().to_string().contains("it is a link"));
    assert!(store::inspect(&place.state()).unwrap_err().to_string().contains("it is a link"));
    assert!(!elsewhere.exists());
}

#[tokio::test]
async fn a_link_or_a_pipe_in_the_place_of_a_file_is_an_error_and_holds_up_nobody() {
    let place = Place::used().await;
    let read = |name: &str| match name {
        "admin-token" => store::admin_token(&place.state()).map(drop),
        "pseudonym-key" => store::pseudonym_key(&place.state()).map(drop),
        _ => store::rehearsal_leftovers(&place.state()).map(drop),
    };
    let elsewhere = place.state().with_file_name("elsewhere");
    fs::write(&elsewhere, "0".repeat(64)).unwrap();
    for name in ["admin-token", "pseudonym-key", "rehearsal-leftovers.json"] {
        let path = place.state().join(name);
        let _not_there = fs::remove_file(&path);
        symlink(&elsewhere, &path).unwrap();
        assert!(read(name).unwrap_err().to_string().contains("it is a link"), "{name}");
        fs::remove_file(&path).unwrap();
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert!(read(name).unwrap_err().to_string().contains("something else than a plain file"), "{name}");
    }
}

#[tokio::test]
async fn what_root_notes_of_a_rehearsal_belongs_to_the_owner_of_the_directory() {
    let place = Place::used().await;
    if chown(place.state(), Some(12_345), Some(54_321)).is_err() {
        eprintln!("only root can give a directory away: not tested here");
        return;
    }
    let lock = store::lock_rehearsal(&place.state()).unwrap();
    store::note_rehearsal_leftovers(&place.state(), Some("[]")).unwrap();
    for name in ["rehearsal-lock", "rehearsal-leftovers.json"] {
        let found = fs::metadata(place.state().join(name)).unwrap();
        assert_eq!((found.uid(), found.gid(), found.mode() & 0o777), (12_345, 54_321, 0o600), "{name}");
    }
    assert!(lock.is_some() && store::lock_rehearsal(&place.state()).unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_many_threads_commit_at_one_moment_is_all_there_afterwards() {
    let place = Place::new();
    let store = place.open().unwrap();
    let commit = |number: usize| {
        let store = store.clone();
        tokio::spawn(async move { store.commit(put(&format!("{number:03}"), "kept")).await })
    };
    for commit in (0..200).map(commit).collect::<Vec<_>>() {
        commit.await.unwrap().unwrap();
    }
    drop(store);
    assert_eq!(place.open().unwrap().scan::<Line>("").records.len(), 200);
}
