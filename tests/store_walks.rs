//! Reads of a store that is larger than what of it is in memory, while it is written and damaged.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod store_support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use vetbridge::store::{Batch, FirstReading, FoundRecord, Record, Store};

use store_support::{Line, Place, line, now};

/// More than are read at one go, several times over.
const RECORDS: usize = 3_000;
/// Far more than the database keeps in its cache.
const RECORDS_OUTSIDE: usize = 40_000;

fn key(number: usize) -> String {
    format!("{number:05}")
}

/// Different at every place of a file.
fn text(number: usize) -> String {
    format!("{number:05}-").repeat(150)
}

/// A record of another kind.
#[derive(Serialize, Deserialize)]
struct Number {
    number: u32,
}

impl Record for Number {
    const KIND: &'static str = "number";
    const VERSION: u32 = 1;
}

/// A line that is none.
#[derive(Serialize, Deserialize)]
struct Damaged {
    v: u32,
}

impl Record for Damaged {
    const KIND: &'static str = "line";
    const VERSION: u32 = 1;
}

impl Place {
    /// A store with so many lines that was used and closed.
    fn with(records: usize) -> Self {
        let place = Self::new();
        let store = place.open().unwrap();
        for number in 0..records {
            store.write_later(Batch::of(&key(number), &line(&text(number))).unwrap());
        }
        place
    }
}

fn walked(store: &Store, prefix: &str) -> Vec<String> {
    store.walk::<Line>(prefix).map(|found| found.unwrap().0).collect()
}

#[tokio::test]
async fn a_walk_shows_every_record_once_whether_it_is_on_the_disk_or_on_its_way() {
    let place = Place::with(RECORDS);
    let store = place.open().unwrap();
    let mut expected: BTreeSet<String> = (0..RECORDS).map(key).collect();
    for number in (0..RECORDS).step_by(7) {
        let mut batch = Batch::new();
        batch.delete::<Line>(&key(number));
        batch.put(&format!("{}-between", key(number)), &line("new")).unwrap();
        batch.put(&key(number + 1), &line("changed")).unwrap();
        store.write_later(batch);
        expected.remove(&key(number));
        expected.extend([format!("{}-between", key(number)), key(number + 1)]);
    }
    let expected: Vec<String> = expected.into_iter().collect();
    assert_eq!(walked(&store, ""), expected, "on its way");
    assert_eq!(store.get(&key(1)), Ok(Some(line("changed"))));
    store.flush().await.unwrap();
    assert_eq!(walked(&store, ""), expected, "on the disk");
    let of_two_hundreds: Vec<String> = expected.iter().filter(|key| key.starts_with("012")).cloned().collect();
    assert_eq!(walked(&store, "012"), of_two_hundreds);
    assert_eq!(walked(&store, "9"), [""; 0]);

    let mut walk = store.walk::<Line>("");
    let first = walk.next().unwrap().unwrap().0;
    walk.skip_prefix("00");
    let next = walk.next().unwrap().unwrap().0;
    assert_eq!((first.as_str(), next.as_str()), ("00000-between", "01000"));
}

/// What a first reading found.
#[derive(Default)]
struct Found {
    lines: Mutex<BTreeMap<String, Line>>,
    unreadable: Mutex<Vec<String>>,
}

impl FirstReading for Found {
    fn see(&self, found: &FoundRecord) {
        match found.of::<Line>() {
            Some(Ok((key, line))) => {
                let former = self.lines.lock().unwrap().insert(key.to_owned(), line);
                assert_eq!(former, None, "it was seen twice");
            }
            Some(Err(unreadable)) => self.unreadable.lock().unwrap().push(unreadable.key),
            None => {}
        }
    }
}

#[test]
fn a_store_shows_every_record_once_while_it_is_opened_also_long_ones_and_those_that_cannot_be_read() {
    let place = Place::with(RECORDS);
    let store = place.open().unwrap();
    let long = line(&"long".repeat(5_000));
    store.write_later(Batch::of("00500-long", &long).unwrap());
    store.write_later(Batch::of("other", &Number { number: 7 }).unwrap());
    store.write_later(Batch::of("damaged", &Damaged { v: 1 }).unwrap());
    drop(store);
    let (store, Found { lines, unreadable }) = Store::open_reading(&place.state(), now(), &Found::default).unwrap();
    let mut expected: BTreeMap<String, Line> = (0..RECORDS).map(|number| (key(number), line(&text(number)))).collect();
    expected.insert("00500-long".to_owned(), long);
    let lines = lines.into_inner().unwrap();
    assert!(lines == expected, "{} instead of {}", lines.len(), expected.len());
    assert_eq!(unreadable.into_inner().unwrap(), ["line/damaged"]);
    assert_eq!(store.walk::<Line>("").filter_map(Result::ok).count(), expected.len());
}

#[tokio::test]
async fn what_is_never_deleted_is_seen_by_every_walk_while_all_of_it_is_written_again_and_again() {
    let place = Place::with(RECORDS);
    let store = place.open().unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let mut round = 0;
            while !is_over.load(Ordering::Relaxed) {
                round += 1;
                for number in 0..RECORDS {
                    store.write_later(Batch::of(&key(number), &line(&text(number + round))).unwrap());
                }
            }
        });
        for _ in 0..20 {
            assert!(walked(&store, "").into_iter().eq((0..RECORDS).map(key)));
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_reads_one_half_of_a_long_record_as_it_was_and_the_other_as_it_is() {
    let place = Place::new();
    let store = place.open().unwrap();
    // Both have five parts.
    let of = |letter: &str| line(&letter.repeat(20_000));
    store.commit(Batch::of("long", &of("a")).unwrap()).await.unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let reader = threads.spawn(|| {
            let mut seen = BTreeSet::new();
            while !is_over.load(Ordering::Relaxed) {
                let Line { text } = store.get("long").unwrap().unwrap();
                assert_eq!(text.len(), 20_000);
                seen.extend(text.chars().collect::<BTreeSet<_>>());
                assert!(text.chars().all(|letter| text.starts_with(letter)), "it is of two kinds");
            }
            seen
        });
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                for round in 0..300 {
                    let letter = if round % 2 == 0 { "b" } else { "a" };
                    store.commit(Batch::of("long", &of(letter)).unwrap()).await.unwrap();
                }
            });
        });
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(reader.join().unwrap().len(), 2);
    });
}

#[tokio::test]
async fn of_a_file_that_is_damaged_while_it_is_in_use_nobody_is_told_that_a_record_is_not_there() {
    let place = Place::with(RECORDS_OUTSIDE);
    let store = place.open().unwrap();
    let file = OpenOptions::new().read(true).write(true).open(place.state().join("db")).unwrap();
    let length = file.metadata().unwrap().len();
    // A fifth of it, in the middle.
    file.write_all_at(&vec![0xA5; usize::try_from(length / 5).unwrap()], length * 2 / 5).unwrap();
    let (mut read, mut refused) = (0, 0);
    for number in 0..RECORDS_OUTSIDE {
        match store.get::<Line>(&key(number)) {
            Ok(Some(found)) => {
                assert_eq!(found, line(&text(number)));
                read += 1;
            }
            Ok(None) => panic!("{number} is said not to be there"),
            Err(_) => refused += 1,
        }
    }
    println!("{read} read, {refused} refused");
    assert!(refused > 0, "nothing of it was damaged");
    let unreadable = store.walk::<Line>("").filter(Result::is_err).count();
    assert_eq!(unreadable, 1, "a walk ends where the file cannot be read, and says so");
    let judgement = store.judge(&[], |_, _| {});
    assert!(judgement.unreadable.iter().any(|own| own.reason.contains("the rest of these cannot be read")));
    drop(store);

    // The next start finds it, and goes on with what is left.
    let error = place.open().unwrap_err();
    assert!(error.to_string().contains("Restore the directory from a backup"), "{error}");
    let mended = Store::open_or_rebuild(&place.state(), now()).unwrap();
    assert!(mended.alarm().is_some());
    assert!(mended.walk::<Line>("").all(|found| found.is_ok()));
}
