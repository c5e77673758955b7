//! The store of simulations: what a power cut leaves.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vetbridge::store::{Batch, Flushed, MemoryEngine, Record, Store, StoreError};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Number(u64);

impl Record for Number {
    const KIND: &'static str = "number";
    const VERSION: u32 = 1;
}

fn put(key: &str, number: u64) -> Batch {
    Batch::of(key, &Number(number)).unwrap()
}

fn and(mut batch: Batch, key: &str, record: &impl Record) -> Batch {
    batch.put(key, record).unwrap();
    batch
}

fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH
}

fn open(disk: &MemoryEngine) -> Store {
    Store::in_memory(disk, now()).unwrap()
}

fn numbers(store: &Store) -> Vec<(String, u64)> {
    let scan = store.scan::<Number>("");
    assert_eq!(scan.unreadable, []);
    scan.records.into_iter().map(|(key, number)| (key, number.0)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_power_cut_keeps_what_was_committed_and_drops_what_was_only_written() {
    let disk = MemoryEngine::new();
    let store = open(&disk);
    store.commit(put("a", 1)).await.unwrap();
    store.write_later(put("a", 2));
    store.write_later(put("b", 2));
    assert_eq!(numbers(&store), [("a".to_owned(), 2), ("b".to_owned(), 2)]);
    assert_eq!(numbers(&open(&disk.crash())), [("a".to_owned(), 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_commit_takes_earlier_writes_with_it_and_a_second_does_too() {
    let disk = MemoryEngine::new();
    let store = open(&disk);
    store.write_later(put("a", 1));
    store.commit(put("b", 2)).await.unwrap();
    store.write_later(put("c", 3));
    tokio::time::advance(Duration::from_secs(1)).await;
    store.write_later(put("d", 4));
    let kept = numbers(&open(&disk.crash()));
    assert_eq!(kept, [("a".to_owned(), 1), ("b".to_owned(), 2), ("c".to_owned(), 3)]);
}

#[tokio::test(start_paused = true)]
async fn a_program_stopped_inside_a_commit_leaves_all_of_the_batch_or_none() {
    let mut outcomes = std::collections::BTreeSet::new();
    for steps in 0..6 {
        let disk = MemoryEngine::new();
        let store = open(&disk);
        let mut commit = Box::pin(store.commit(and(put("a", 1), "b", &Number(2))));
        let mut finished = false;
        for _ in 0..steps {
            finished = finished || futures_util::FutureExt::now_or_never(&mut commit).is_some();
        }
        drop(commit);
        let kept = numbers(&open(&disk.crash())).len();
        assert!(kept == 0 || kept == 2, "{steps} steps left {kept}");
        assert!(!finished || kept == 2, "acknowledged and lost after {steps} steps");
        outcomes.insert((finished, kept));
    }
    // Stopped before, stopped after the sync without the answer, and answered.
    assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), [(false, 0), (false, 2), (true, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_lost_its_power_writes_nothing_more() {
    let disk = MemoryEngine::new();
    let store = open(&disk);
    let after = disk.crash();
    let reason = "the power was cut".to_owned();
    assert_eq!(store.commit(put("a", 1)).await, Err(StoreError::Broken { reason }));
    assert_eq!(numbers(&open(&after)), []);
}

#[tokio::test(start_paused = true)]
async fn after_a_full_disk_nothing_is_accepted_and_what_was_committed_is_there_after_a_restart() {
    let disk = MemoryEngine::new();
    let store = open(&disk);
    store.commit(put("a", 1)).await.unwrap();
    disk.refuse_writes("no space left");
    let broken = StoreError::Broken { reason: "no space left".to_owned() };
    store.write_later(put("b", 2));
    assert_eq!(store.failed().await, broken);
    assert_eq!(store.commit(put("c", 3)).await, Err(broken));
    assert_eq!(store.get::<Number>("c"), Ok(None));
    assert_eq!(numbers(&open(&disk.crash())), [("a".to_owned(), 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_backup_stands_still_while_the_store_goes_on() {
    let disk = MemoryEngine::new();
    let store = open(&disk);
    store.commit(put("a", 1)).await.unwrap();
    let backup = disk.backup();
    store.commit(put("a", 2)).await.unwrap();
    assert_eq!(numbers(&open(&backup)), [("a".to_owned(), 1)]);
    assert_eq!(numbers(&open(&disk.crash())), [("a".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_record_is_named_and_the_others_are_read() {
    /// The same kind as `Number`, as a later version of the program writes it.
    #[derive(Serialize, Deserialize)]
    struct Later(String);
    impl Record for Later {
        const KIND: &'static str = "number";
        const VERSION: u32 = 2;
    }

    let disk = MemoryEngine::new();
    let store = open(&disk);
    store.commit(and(and(put("a", 1), "b", &Later("x".into())), "c", &Number(3))).await.unwrap();
    let scan = store.scan::<Number>("");
    assert_eq!(scan.records, [("a".to_owned(), Number(1)), ("c".to_owned(), Number(3))]);
    let [unreadable] = &scan.unreadable[..] else { panic!("{:?}", scan.unreadable) };
    assert_eq!(unreadable.key, "number/b");
    assert_eq!(store.get::<Number>("b").as_ref(), Err(unreadable));
    assert!(unreadable.to_string().contains("an older program"), "{unreadable}");
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_lies_about_its_flushes_loses_what_it_said_was_safe() {
    let disk = MemoryEngine::new();
    let store = open(&disk);
    store.commit(put("a", 1)).await.unwrap();
    disk.flushes(Flushed::Later(Duration::from_millis(300)));
    store.commit(put("b", 2)).await.unwrap();
    tokio::time::advance(Duration::from_millis(300)).await;
    store.commit(put("c", 3)).await.unwrap();
    assert_eq!(numbers(&open(&disk.crash())), [("a".to_owned(), 1), ("b".to_owned(), 2)]);

    let disk = MemoryEngine::new();
    let store = open(&disk);
    disk.flushes(Flushed::Never);
    store.commit(put("a", 1)).await.unwrap();
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(numbers(&open(&disk.crash())), []);
}

#[tokio::test(start_paused = true)]
async fn an_older_copy_that_was_put_back_knows_that_it_may_have_missed_something() {
    let disk = MemoryEngine::new();
    open(&disk).commit(put("a", 1)).await.unwrap();
    let later = now() + chrono::TimeDelta::days(1);
    let copy = disk.backup();
    let store = Store::restored_in_memory(&copy, later).unwrap();
    assert_eq!(store.meta().complete_since(), later);
    assert_eq!(numbers(&store), [("a".to_owned(), 1)]);
    assert_eq!(Store::in_memory(&copy.crash(), later).unwrap().meta().complete_since(), later, "and goes on to know");
}
