//! The state moves: exports and imports, and what becomes of a damaged database.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

mod store_support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use vetbridge::store::{self, Batch, Export, OpenError, Record, RecordKind, SecretKey, Store};

use store_support::{Line, Place, line, names, now};

/// Nobody else's business.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Whisper(String);

impl Record for Whisper {
    const KIND: &'static str = "whisper";
    const VERSION: u32 = 1;
}

const KINDS: [RecordKind; 2] = [RecordKind::exported::<Line>(), RecordKind::stays_behind::<Whisper>()];

fn later() -> DateTime<Utc> {
    now() + TimeDelta::days(3)
}

impl Place {
    /// A store with 40 lines, one of them long, that was used and closed.
    async fn used() -> Self {
        let place = Self::new();
        let store = place.open().unwrap();
        for number in 0..40 {
            store.commit(Batch::of(&format!("{number:02}"), &line(&number.to_string())).unwrap()).await.unwrap();
        }
        let long = line(&"ö".repeat(9_000));
        let mut batch = Batch::of("long", &long).unwrap();
        batch.put("w", &Whisper("hush".into())).unwrap();
        store.commit(batch).await.unwrap();
        place
    }

    fn export(&self) -> (Export, SecretKey) {
        let store = self.open().unwrap();
        (store.export(&KINDS, now()), store.pseudonym_key().clone())
    }

    fn damaged(&self) -> PathBuf {
        self.aside("damaged-")
    }

    fn aside(&self, begin: &str) -> PathBuf {
        let found: Vec<String> = names(&self.state()).into_iter().filter(|name| name.starts_with(begin)).collect();
        let [only] = &found[..] else { panic!("{found:?}") };
        self.state().join(only)
    }
}

fn lines(store: &Store) -> usize {
    let scan = store.scan::<Line>("");
    assert_eq!(scan.unreadable, []);
    scan.records.len()
}

#[tokio::test]
async fn an_import_brings_records_and_key_to_another_directory_and_leaves_the_rest_behind() {
    let (from, to) = (Place::used().await, Place::new());
    let (export, key) = from.export();
    let text = export.to_text(&key).unwrap();
    assert!(!text.contains("hush") && !text.contains(&*token(&from)), "it carries what should stay");
    let (read, read_key) = Export::read(text.as_bytes(), &KINDS).unwrap();
    assert_eq!(store::import(&to.state(), &read, &read_key, false, later()).unwrap(), None);

    let store = to.open().unwrap();
    assert_eq!((lines(&store), store.get::<Line>("long").unwrap()), (41, Some(line(&"ö".repeat(9_000)))));
    assert_eq!((store.get::<Whisper>("w"), store.pseudonym_key().bytes()), (Ok(None), key.bytes()));
    let meta = store.meta();
    assert_eq!((meta.created_at, meta.imported_at, meta.complete_since()), (now(), Some(later()), later()));
    assert_ne!(meta.instance, export.head.meta.instance);
    drop(store);
    assert_ne!(token(&from), token(&to));
    assert_eq!(fs::metadata(to.state()).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(to.state().join("pseudonym-key")).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!to.state().join("incoming.jsonl").exists());
}

fn token(place: &Place) -> String {
    drop(place.open().unwrap());
    fs::read_to_string(place.state().join("admin-token")).unwrap().trim_end().to_owned()
}

#[tokio::test]
async fn an_import_replaces_nothing_unless_told_to_and_then_sets_it_aside_whole() {
    let (from, to) = (Place::used().await, Place::new());
    let (export, key) = from.export();
    let before = to.open().unwrap();
    before.commit(Batch::of("mine", &line("kept")).unwrap()).await.unwrap();
    let error = store::import(&to.state(), &export, &key, true, later()).unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    let own_key = before.pseudonym_key().clone();
    drop(before);

    let error = store::import(&to.state(), &export, &key, false, later()).unwrap_err();
    assert!(matches!(error, OpenError::Occupied { .. }) && error.to_string().contains("--replace"), "{error}");
    assert_eq!(to.open().unwrap().get("mine"), Ok(Some(line("kept"))));

    let aside = store::import(&to.state(), &export, &key, true, later()).unwrap().unwrap();
    assert_eq!(aside.file_name(), to.aside("replaced-2026-02-04T000000Z-").file_name());
    let store = to.open().unwrap();
    assert_eq!((lines(&store), store.get::<Line>("mine"), store.alarm()), (41, Ok(None), None));
    drop(store);
    // It can be used again where it is, with the key that its ids were made with.
    let former = Store::open(&aside, now()).unwrap();
    assert_eq!(former.get("mine"), Ok(Some(line("kept"))));
    assert_eq!(former.pseudonym_key().bytes(), own_key.bytes());
}

#[tokio::test]
async fn an_import_that_was_cut_short_anywhere_is_finished_by_the_next_start() {
    let from = Place::used().await;
    let (export, key) = from.export();
    let text = export.to_text(&key).unwrap();
    for moved in ["nothing", "the marker", "all but the database", "all", "all, and the new one begun"] {
        let to = Place::new();
        let before = to.open().unwrap();
        before.commit(Batch::of("mine", &line("kept")).unwrap()).await.unwrap();
        drop(before);
        // Where the import puts the former files is told by the announced content.
        let aside = to.state().join(format!("replaced-2026-02-01T000000Z-{}", &export.head.meta.instance[..8]));
        fs::write(to.state().join("incoming.jsonl"), text.as_bytes()).unwrap();
        let own = names(&to.state());
        let of_database = |name: &&String| {
            ["db", "conf", "blobs", "initialised"].contains(&name.as_str()) || name.starts_with("snap.")
        };
        if moved != "nothing" {
            fs::create_dir(&aside).unwrap();
        }
        for name in own.iter().filter(of_database) {
            let goes = match moved {
                "nothing" => false,
                "the marker" => name == "initialised",
                "all but the database" => name != "db",
                _ => true,
            };
            if goes {
                fs::rename(to.state().join(name), aside.join(name)).unwrap();
            }
        }
        if moved.ends_with("begun") {
            drop(sled::open(to.state()).unwrap());
        }
        let store = to.open().unwrap();
        assert_eq!((lines(&store), store.get::<Line>("mine")), (41, Ok(None)), "{moved}");
        assert!(!to.state().join("incoming.jsonl").exists(), "{moved}");
        drop(store);
        let former = Store::open(&aside, now()).unwrap();
        assert_eq!(former.get("mine"), Ok(Some(line("kept"))), "{moved}");
    }
}

#[tokio::test]
async fn an_announced_import_that_cannot_be_read_is_an_error_with_a_remedy() {
    let place = Place::used().await;
    let (export, key) = place.export();
    let text = export.to_text(&key).unwrap();
    fs::write(place.state().join("incoming.jsonl"), &text.as_bytes()[..text.len() / 2]).unwrap();
    let error = place.open().unwrap_err();
    assert!(matches!(error, OpenError::Incoming { .. }) && error.to_string().contains("Remove the file"), "{error}");
    assert!(Store::open_or_rebuild(&place.state(), later()).is_err(), "nor does the service guess");
    fs::remove_file(place.state().join("incoming.jsonl")).unwrap();
    assert_eq!(lines(&place.open().unwrap()), 41);
}

#[tokio::test]
async fn moving_a_state_compacts_it() {
    let place = Place::new();
    let store = place.open().unwrap();
    for round in 0..400 {
        for key in 0..10 {
            store.write_later(Batch::of(&key.to_string(), &line(&format!("{round} {}", "x".repeat(3_000)))).unwrap());
        }
        store.flush().await.unwrap();
    }
    drop(store);
    let (export, key) = place.export();
    let to = Place::new();
    store::import(&to.state(), &export, &key, false, later()).unwrap();
    let size = |place: &Place| fs::metadata(place.state().join("db")).unwrap().len();
    assert!(size(&to) * 2 <= size(&place), "{} bytes became {}", size(&place), size(&to));
    assert_eq!(lines(&to.open().unwrap()), 10);
}

/// sled's file of page positions.
fn snapshot(state: &Path) -> PathBuf {
    state.join(names(state).into_iter().find(|name| name.starts_with("snap.")).expect("sled writes one when it opens"))
}

#[tokio::test]
async fn of_a_database_with_a_damaged_side_file_nothing_is_lost() {
    let place = Place::used().await;
    let key = place.open().unwrap().pseudonym_key().clone();
    let file = snapshot(&place.state());
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    assert!(matches!(place.open(), Err(OpenError::Damaged { .. })), "commands leave it alone");

    let store = Store::open_or_rebuild(&place.state(), later()).unwrap();
    assert_eq!((lines(&store), store.get("w")), (41, Ok(Some(Whisper("hush".into())))));
    assert_eq!((store.meta().created_at, store.meta().restored_at), (now(), Some(later())));
    assert_eq!(store.pseudonym_key().bytes(), key.bytes());
    let aside = place.damaged();
    let alarm = store.alarm().expect("somebody has to hear of it");
    assert!(alarm.contains(aside.to_str().unwrap()), "{alarm}");
    let report = fs::read_to_string(aside.join("READ-ME.txt")).unwrap();
    assert!(report.contains("Taken over: 42 records") && report.contains("What to do"), "{report}");
    assert_eq!(fs::read(aside.join(file.file_name().unwrap())).unwrap(), &whole[..whole.len() / 2], "as it was found");
    drop(store);

    // Said at every start, until somebody takes it away.
    let again = Store::open_or_rebuild(&place.state(), later()).unwrap();
    assert_eq!((again.alarm(), lines(&again)), (Some(alarm), 41));
    drop(again);
    fs::rename(&aside, place.root.path().join("taken-away")).unwrap();
    assert_eq!(Store::open_or_rebuild(&place.state(), later()).unwrap().alarm(), None);
}

#[tokio::test]
async fn a_database_that_is_gone_or_rotten_is_set_aside_and_the_service_goes_on() {
    for harm in
        ["removed", "emptied", "zeroed", "its first kilobyte overwritten", "cut in half", "its middle overwritten"]
    {
        let place = Place::used().await;
        drop(place.open().unwrap());
        let db = place.state().join("db");
        let whole = fs::read(&db).unwrap();
        let mut bytes = whole.clone();
        let middle = whole.iter().rposition(|byte| *byte != 0).unwrap() / 2;
        match harm {
            "removed" | "emptied" => bytes.clear(),
            "zeroed" => bytes.fill(0),
            "its first kilobyte overwritten" => bytes[..1024].fill(0xA5),
            "cut in half" => bytes.truncate(middle),
            _ => bytes[middle..middle + 2_000].fill(0xA5),
        }
        fs::write(&db, &bytes).unwrap();
        if harm == "removed" {
            fs::remove_file(&db).unwrap();
        }
        let strict = place.open().map(drop);
        let store = Store::open_or_rebuild(&place.state(), later()).unwrap();
        let kept = store.scan::<Line>("").records.len();
        match strict {
            // What sled does not notice itself cannot be told from an older state; it is noticed as a rule.
            Ok(()) => assert!(kept <= 41, "{harm}"),
            Err(error) => {
                assert!(matches!(error, OpenError::Damaged { .. } | OpenError::Vanished { .. }), "{harm}: {error}");
                assert_eq!(store.meta().complete_since(), later(), "{harm}");
                assert!(store.alarm().is_some(), "{harm}");
                let aside = place.damaged();
                assert!(aside.join("initialised").exists() && aside.join("READ-ME.txt").exists(), "{harm}");
                // sled mends what it can while it looks, so the file need not be as it was found.
                assert_eq!(aside.join("db").exists(), harm != "removed", "{harm}");
            }
        }
        eprintln!("{harm}: {kept} of 41 lines");
        assert!(!place.state().join("salvage").exists());
        store.commit(Batch::of("next", &line("x")).unwrap()).await.unwrap();
        drop(store);
        assert_eq!(place.open().unwrap().get("next"), Ok(Some(line("x"))), "{harm}");
    }
}

#[tokio::test]
async fn a_database_that_was_never_ours_is_not_touched() {
    let place = Place::new();
    let foreign = sled::open(place.state()).unwrap();
    foreign.insert("x", "y").unwrap();
    drop(foreign);
    assert!(matches!(Store::open_or_rebuild(&place.state(), now()), Err(OpenError::Damaged { .. })));
    assert!(!names(&place.state()).iter().any(|name| name.starts_with("damaged-")));
    assert_eq!(sled::open(place.state()).unwrap().get("x").unwrap().unwrap(), "y");
}

#[tokio::test]
async fn verify_reads_everything_and_names_what_it_cannot() {
    let place = Place::used().await;
    let seen = store::verify(&place.state(), &KINDS, now()).unwrap().unwrap();
    assert_eq!((seen.unreadable, seen.counts["line"], seen.counts["whisper"]), (vec![], 41, 1));
    assert_eq!(store::verify_beside(&place.state()), Vec::<String>::new());

    // The bytes of one record, and the key file.
    let raw = sled::open(place.state()).unwrap();
    raw.insert("line/07", "{\"v\":1,\"data\":{}}").unwrap();
    raw.insert("unknown/07", "{\"v\":1,\"data\":{}}").unwrap();
    raw.remove("line/long\0\x30\x30\x30\x32").unwrap().expect("the second part of the long record");
    raw.flush().unwrap();
    drop(raw);
    fs::remove_file(place.state().join("pseudonym-key")).unwrap();
    let seen = store::verify(&place.state(), &KINDS, now()).unwrap().unwrap();
    let named: Vec<String> = seen.unreadable.iter().map(ToString::to_string).collect();
    assert_eq!(
        named,
        [
            "the record line/07 cannot be read: a field is missing or has another type, at column 16",
            "the record line/long cannot be read: a part is missing or too many",
            "the record unknown/07 cannot be read: this program does not know its kind; is it an older program?",
        ]
    );
    let [missing] = &store::verify_beside(&place.state())[..] else { panic!("one problem") };
    assert!(missing.contains("pseudonym-key is missing"), "{missing}");
    assert!(!place.state().join("pseudonym-key").exists(), "looking makes nothing");
    assert_eq!(store::verify(&Place::new().state(), &KINDS, now()), Ok(None));
}
