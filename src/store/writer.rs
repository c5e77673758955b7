//! The queue between those who change records and the disk, and the one thread that writes.
//!
//! Changes are visible to readers as soon as they are queued, in the order of the queue. The writer
//! takes everything that has gathered, applies it, syncs once, and tells all who wait: while the
//! disk works, the next group gathers. The queue holds one value per key at most (a later change of
//! a key replaces an earlier one), so it cannot outgrow the store.
//!
//! A batch is never split: it is taken whole, and transactions take effect whole. Nor is a later
//! batch durable before an earlier. A group is one transaction where it takes that
//! ([`PendingChanges`]); where it does not, its changes are applied one after the other: a
//! transaction is one more write to wait for, and a booking waits for two groups.

use std::ops::Bound;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::sync::watch;
use tokio::time::Instant;

use super::engine::{Engine, EngineError};
use super::error::StoreError;
use super::memory::FLUSHED_WITHIN;
use super::parts::{Parted, ValueChanges};
use super::sled_engine::what_it_said;
use crate::metrics::flush_times::FlushTimes;

/// So long the writer thread stays awake for what is expected: several times what a booking takes
/// from an answer to its record, and too little to be seen among the costs of a booking.
const AWAKE_FOR: Duration = Duration::from_micros(300);

/// What writers and the store share.
pub(super) struct WriteQueue {
    state: Mutex<QueueState>,
    /// Wakes the writer thread.
    wake: Condvar,
    progress: watch::Sender<FlushProgress>,
    pub(super) flush_times: FlushTimes,
}

struct QueueState {
    /// What nobody writes yet.
    pending: PendingChanges,
    /// What is being written. Should the disk refuse it, it stays: reads go on to show it.
    writing: Arc<ValueChanges>,
    /// How many batches were queued, ever.
    queued: u64,
    /// Somebody waits for what is pending.
    urgent: bool,
    /// Somebody will in a moment.
    expected: bool,
    /// The last store handle is gone.
    closing: bool,
}

/// What nobody writes yet.
#[derive(Default)]
struct PendingChanges {
    changes: ValueChanges,
    /// The keys in the order of the queue, where changes may be applied one after the other: each
    /// batch was one change, and none was replaced but by the change right behind it. Otherwise
    /// some of them without the others would be half of a batch, or a later one without an earlier.
    one_by_one: Option<Vec<String>>,
}

impl PendingChanges {
    fn add(&mut self, batch: ValueChanges) {
        let single = if batch.len() == 1 { batch.keys().next() } else { None };
        let keys = if self.changes.is_empty() { Some(Vec::new()) } else { self.one_by_one.take() };
        self.one_by_one = single.zip(keys).and_then(|(key, mut keys)| {
            if !self.changes.contains_key(key) {
                keys.push(key.clone());
            }
            (keys.last() == Some(key)).then_some(keys)
        });
        self.changes.extend(batch);
    }
}

/// How far the disk is.
#[derive(Debug, Clone, Default)]
struct FlushProgress {
    /// So many of the queued batches are durable.
    durable: u64,
    /// Why nothing more will be.
    broken: Option<Arc<str>>,
}

/// Stands for a queued batch and everything before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket(u64);

/// Whether somebody waits for a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    /// Write it now.
    Now,
    /// Write it with the next one that is waited for, or within a second.
    Later,
}

impl WriteQueue {
    pub(super) fn new() -> Self {
        let state = QueueState {
            pending: PendingChanges::default(),
            writing: Arc::default(),
            queued: 0,
            urgent: false,
            expected: false,
            closing: false,
        };
        Self {
            state: Mutex::new(state),
            wake: Condvar::new(),
            progress: watch::Sender::default(),
            flush_times: FlushTimes::default(),
        }
    }

    /// Queues a batch and shows it to readers; neither, once the disk has failed.
    pub(super) fn submit(&self, changes: ValueChanges, urgency: Urgency) -> Result<Ticket, StoreError> {
        let mut state = self.lock();
        // Asked under the lock: a batch that is accepted after a failure would be shown and never
        // written.
        self.check()?;
        state.pending.add(changes);
        state.queued += 1;
        if urgency == Urgency::Now {
            state.urgent = true;
            self.wake.notify_one();
        }
        Ok(Ticket(state.queued))
    }

    /// Wakes the writer thread for an urgent batch that follows in a moment. On an idle processor
    /// that takes some 50 µs, in which the batch is made.
    pub(super) fn expect(&self) {
        self.lock().expected = true;
        self.wake.notify_one();
    }

    /// Waits until the batch, and everything queued before it, is durable.
    pub(super) async fn durable(&self, Ticket(number): Ticket) -> Result<(), StoreError> {
        let mut progress = self.progress.subscribe();
        match progress.wait_for(|progress| progress.durable >= number || progress.broken.is_some()).await {
            Ok(progress) if progress.durable >= number => Ok(()),
            Ok(progress) => Err(broken(progress.broken.as_deref())),
            Err(_) => Err(broken(None)),
        }
    }

    /// Waits until the disk has failed.
    pub(super) async fn failed(&self) -> StoreError {
        let mut progress = self.progress.subscribe();
        match progress.wait_for(|progress| progress.broken.is_some()).await {
            Ok(progress) => broken(progress.broken.as_deref()),
            Err(_) => broken(None),
        }
    }

    /// What is queued for one record: its text, or that it is deleted. `None`: the disk has it as
    /// it is.
    pub(super) fn unwritten(&self, key: &str) -> Option<Option<Arc<str>>> {
        let state = self.lock();
        state.pending.changes.get(key).or_else(|| state.writing.get(key)).cloned()
    }

    /// The same for records whose keys begin with `prefix`, from a raw key on; no more than these,
    /// in order of keys.
    pub(super) fn unwritten_from(&self, from: Bound<&[u8]>, prefix: &str, records_max: usize) -> ValueChanges {
        let first = match from {
            Bound::Included(first) | Bound::Excluded(first) => first,
            Bound::Unbounded => &[],
        };
        let is_before = |key: &str| match from {
            Bound::Included(first) => key.as_bytes() < first,
            Bound::Excluded(last) => key.as_bytes() <= last,
            Bound::Unbounded => false,
        };
        // What of the bytes is a text comes before them.
        let text = first.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        let state = self.lock();
        let next = |changes: &ValueChanges| {
            let from = changes.range::<str, _>((Bound::Included(text), Bound::Unbounded));
            let from = from.skip_while(|(key, _)| is_before(key));
            let of_prefix = from.take_while(|(key, _)| key.starts_with(prefix)).take(records_max);
            of_prefix.map(|(key, value)| (key.clone(), value.clone())).collect::<ValueChanges>()
        };
        let mut unwritten = next(&state.writing);
        unwritten.extend(next(&state.pending.changes));
        // Of both together the first ones: behind them some of either can be missing.
        if let Some(cut) = unwritten.keys().nth(records_max).cloned() {
            drop(unwritten.split_off(&cut));
        }
        unwritten
    }

    /// Lets the writer thread write what is left and end.
    pub(super) fn close(&self) {
        self.lock().closing = true;
        self.wake.notify_one();
    }

    fn check(&self) -> Result<(), StoreError> {
        match &self.progress.borrow().broken {
            None => Ok(()),
            Some(reason) => Err(broken(Some(reason))),
        }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock()
    }

    /// Waits for something to write: at once for what somebody waits for. Whoever queues the rest
    /// need not wake the thread, which looks for it once in that time. `None` when there is nothing
    /// and will be nothing.
    fn next_group(&self) -> Option<Group> {
        let patient = |state: &mut QueueState| !state.urgent && !state.closing && !state.expected;
        let mut looked = Instant::now();
        let mut state = self.lock();
        loop {
            self.wake.wait_while_for(&mut state, patient, FLUSHED_WITHIN.saturating_sub(looked.elapsed()));
            if std::mem::take(&mut state.expected) {
                Self::stay_awake(&mut state);
                if !state.urgent && !state.closing && looked.elapsed() < FLUSHED_WITHIN {
                    continue;
                }
            }
            if state.urgent || !state.pending.changes.is_empty() {
                return Some(Self::take(&mut state));
            }
            if state.closing {
                return None;
            }
            looked = Instant::now();
        }
    }

    /// Until what is expected is there, if it comes in time. Others have the processor meanwhile.
    fn stay_awake(state: &mut MutexGuard<'_, QueueState>) {
        let began = Instant::now();
        while !state.urgent && !state.closing && began.elapsed() < AWAKE_FOR {
            MutexGuard::unlocked(state, std::thread::yield_now);
        }
    }

    fn take(state: &mut QueueState) -> Group {
        state.urgent = false;
        let PendingChanges { changes, one_by_one } = std::mem::take(&mut state.pending);
        state.writing = Arc::new(changes);
        Group { changes: Arc::clone(&state.writing), one_by_one, upto: state.queued }
    }

    /// The database shows the group that was taken.
    fn applied(&self) {
        self.lock().writing = Arc::default();
    }

    /// Tells all who wait what came of a group. A failure is final.
    fn report(&self, upto: u64, outcome: Result<(), EngineError>) {
        // Under the lock, see `submit`.
        let _state = self.lock();
        self.progress.send_modify(|progress| match outcome {
            Ok(()) => progress.durable = progress.durable.max(upto),
            Err(EngineError(reason)) => drop(progress.broken.get_or_insert(reason.into())),
        });
    }
}

/// What the writer does at one go.
struct Group {
    changes: Arc<ValueChanges>,
    /// See [`PendingChanges`].
    one_by_one: Option<Vec<String>>,
    /// How many batches are durable afterwards.
    upto: u64,
}

fn broken(reason: Option<&str>) -> StoreError {
    StoreError::Broken { reason: reason.unwrap_or("the writer has ended").to_owned() }
}

/// The writer thread: writes and syncs, group by group, until the store is closed or the disk
/// fails.
pub(super) fn write_groups(queue: &WriteQueue, disk: &Parted<impl Engine + ?Sized>) {
    let _failed_unless_closed = WriterEnded(queue);
    while let Some(group) = queue.next_group() {
        let began = Instant::now();
        let outcome = write(queue, disk, &group, true);
        queue.flush_times.note(began.elapsed());
        let failed = outcome.is_err();
        queue.report(group.upto, outcome);
        if failed {
            return;
        }
    }
}

/// Whoever waits for a writer that is gone is told so, however it ended. After an orderly end
/// nobody waits.
struct WriterEnded<'a>(&'a WriteQueue);

impl Drop for WriterEnded<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.report(0, Err(EngineError("the writer failed".to_owned())));
        }
    }
}

/// Without a thread: hands over what is pending, at once and on the caller's time. Durable only
/// with `sync`. One caller at a time.
pub(super) fn write_inline(queue: &WriteQueue, disk: &Parted<impl Engine + ?Sized>, sync: bool) {
    let group = WriteQueue::take(&mut queue.lock());
    match write(queue, disk, &group, sync) {
        Ok(()) if !sync => {}
        outcome => {
            // On the caller's time, which may be paused: it takes none.
            queue.flush_times.note(Duration::ZERO);
            queue.report(group.upto, outcome);
        }
    }
}

fn write(
    queue: &WriteQueue,
    disk: &Parted<impl Engine + ?Sized>,
    group: &Group,
    sync: bool,
) -> Result<(), EngineError> {
    without_panic(|| {
        match &group.one_by_one {
            Some(keys) => {
                let alone =
                    |key: &String| group.changes.get_key_value(key).map(|(key, value)| (key.clone(), value.clone()));
                keys.iter().filter_map(alone).try_for_each(|change| disk.write(&ValueChanges::from([change])))?;
            }
            None => disk.write(&group.changes)?,
        }
        queue.applied();
        if sync { disk.sync() } else { Ok(()) }
    })
}

/// sled panics where others return errors, of damaged files too. After a panic in the middle of a
/// write nothing is known of the database's state, which is what a failed write means anyway.
pub(super) fn without_panic<T>(work: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(EngineError(what_it_said(&*panic))))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread;
    use std::time::Duration;

    use super::super::engine::{RawChanges, RawRange, SeePair};
    use super::*;

    /// How long a test waits for what must come. Nothing is decided by it.
    const LIMIT: Duration = Duration::from_secs(30);

    /// An engine whose every sync tells what was applied since the last, then waits for its
    /// outcome. What was applied as one transaction is one text.
    struct Gate {
        group: Mutex<Vec<String>>,
        groups: Sender<Vec<String>>,
        outcomes: Mutex<Receiver<Result<(), EngineError>>>,
    }

    impl Engine for Gate {
        fn visit(&self, _: RawRange<'_>, _: &mut SeePair<'_>) -> Result<(), EngineError> {
            Ok(())
        }

        fn apply(&self, changes: RawChanges) -> Result<(), EngineError> {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            let change = |(key, value): (&Vec<u8>, &Option<Vec<u8>>)| {
                format!("{}={}", text(key), value.as_deref().map_or_else(String::new, text))
            };
            self.group.lock().push(changes.iter().map(change).collect::<Vec<_>>().join(" "));
            Ok(())
        }

        fn sync(&self) -> Result<(), EngineError> {
            self.groups.send(std::mem::take(&mut *self.group.lock())).unwrap();
            self.outcomes.lock().recv_timeout(LIMIT).expect("the test says how this sync ends")
        }
    }

    struct Rig {
        queue: Arc<WriteQueue>,
        groups: Receiver<Vec<String>>,
        outcomes: Sender<Result<(), EngineError>>,
        thread: thread::JoinHandle<()>,
    }

    impl Rig {
        fn start() -> Self {
            let (groups_in, groups) = channel();
            let (outcomes, outcomes_out) = channel();
            let queue = Arc::new(WriteQueue::new());
            let gate =
                Parted::new(Gate { group: Mutex::default(), groups: groups_in, outcomes: Mutex::new(outcomes_out) });
            let thread = thread::spawn({
                let queue = Arc::clone(&queue);
                move || write_groups(&queue, &gate)
            });
            Self { queue, groups, outcomes, thread }
        }

        fn submit(&self, key: &str, value: &str, urgency: Urgency) -> Result<Ticket, StoreError> {
            self.queue.submit(ValueChanges::from([(key.to_owned(), Some(value.into()))]), urgency)
        }

        /// Waits until the writer syncs, and says what it has applied.
        fn syncing(&self) -> Vec<String> {
            self.groups.recv_timeout(LIMIT).expect("a sync")
        }

        fn durable(&self) -> u64 {
            self.queue.progress.borrow().durable
        }
    }

    #[tokio::test]
    async fn while_one_group_is_synced_the_next_gathers_and_takes_one_sync_for_all() {
        let rig = Rig::start();
        let first = rig.submit("first", "1", Urgency::Now).unwrap();
        assert_eq!(rig.syncing(), ["first=1"]);
        let tickets: Vec<Ticket> =
            (10..60).map(|number| rig.submit(&number.to_string(), "x", Urgency::Now).unwrap()).collect();
        rig.submit("59", "again", Urgency::Later).unwrap();
        rig.outcomes.send(Ok(())).unwrap();
        rig.queue.durable(first).await.unwrap();
        let group = rig.syncing();
        assert_eq!((group.len(), &group[49][..]), (50, "59=again"), "a later change of a key replaces an earlier one");
        assert_eq!(rig.durable(), 1, "nothing is durable before its sync ends");
        rig.outcomes.send(Ok(())).unwrap();
        for ticket in tickets {
            rig.queue.durable(ticket).await.unwrap();
        }
        assert_eq!(rig.durable(), 52);
    }

    #[test]
    fn what_is_expected_and_never_comes_holds_up_nothing() {
        let rig = Rig::start();
        rig.submit("later", "1", Urgency::Later).unwrap();
        let began = Instant::now();
        let group = loop {
            rig.queue.expect();
            match rig.groups.recv_timeout(FLUSHED_WITHIN / 10) {
                Ok(group) => break group,
                Err(_) => assert!(began.elapsed() < LIMIT, "what was queued waits as long as something is expected"),
            }
        };
        assert_eq!(group, ["later=1"]);
        rig.outcomes.send(Ok(())).unwrap();
        rig.queue.expect();
        rig.queue.close();
        rig.thread.join().unwrap();
    }

    #[test]
    fn what_is_not_on_the_disk_is_shown_in_order_of_keys_and_the_latest_of_it_counts() {
        let rig = Rig::start();
        let submit = |key: &str, value: &str, urgency| assert!(rig.submit(key, value, urgency).is_ok());
        submit("a", "1", Urgency::Later);
        submit("c", "1", Urgency::Now);
        assert_eq!(rig.syncing(), ["a=1", "c=1"]);
        // The database shows what it has applied, synced or not.
        assert_eq!(rig.queue.unwritten("a"), None);
        submit("d", "2", Urgency::Later);
        submit("b", "2", Urgency::Later);
        submit("b", "3", Urgency::Later);
        let shown = |from: Bound<&[u8]>, prefix: &str, max| {
            let shown = rig.queue.unwritten_from(from, prefix, max).into_iter();
            shown.map(|(key, value)| format!("{key}={}", value.unwrap())).collect::<Vec<_>>()
        };
        assert_eq!(shown(Bound::Unbounded, "", 9), ["b=3", "d=2"]);
        assert_eq!(shown(Bound::Unbounded, "", 1), ["b=3"]);
        assert_eq!(shown(Bound::Included(b"b"), "", 9), ["b=3", "d=2"]);
        assert_eq!(shown(Bound::Excluded(b"b"), "", 9), ["d=2"]);
        assert_eq!(shown(Bound::Excluded(b"b\xFF"), "", 9), ["d=2"]);
        assert_eq!(shown(Bound::Included(b"b"), "b", 9), ["b=3"]);
        rig.outcomes.send(Ok(())).unwrap();
        assert_eq!(rig.syncing(), ["d=2", "b=3"]);
        rig.outcomes.send(Ok(())).unwrap();
    }

    #[test]
    fn changes_are_one_transaction_where_some_of_them_without_the_others_would_be_out_of_order() {
        let rig = Rig::start();
        let batch = |keys: &str, value: &str| {
            let change = |key: char| (key.to_string(), Some(value.into()));
            rig.queue.submit(keys.chars().map(change).collect(), Urgency::Later).unwrap();
        };
        let mut groups = Vec::new();
        for queued in [
            &["c", "a", "b"][..],
            // Replaced by the change right behind it.
            &["c", "a", "a", "b"],
            // Without the second one the first would be missing, and not the third.
            &["c", "a", "c"],
            // Taken apart it would be half a batch.
            &["ca"],
            &["b", "ca"],
            &["ca", "b"],
            &["ca", "a"],
        ] {
            rig.submit("0", "", Urgency::Now).unwrap();
            rig.syncing();
            queued.iter().zip(["1", "2", "3", "4"]).for_each(|(keys, value)| batch(keys, value));
            rig.outcomes.send(Ok(())).unwrap();
            groups.push(rig.syncing());
            rig.outcomes.send(Ok(())).unwrap();
        }
        let expected = [
            &["c=1", "a=2", "b=3"][..],
            &["c=1", "a=3", "b=4"],
            &["a=2 c=3"],
            &["a=1 c=1"],
            &["a=2 b=1 c=2"],
            &["a=1 b=2 c=1"],
            &["a=2 c=1"],
        ];
        assert_eq!(groups, expected);
    }

    #[test]
    fn what_nobody_waits_for_is_written_all_the_same() {
        let rig = Rig::start();
        rig.submit("a", "1", Urgency::Later).unwrap();
        assert_eq!(rig.syncing(), ["a=1"]);
        rig.outcomes.send(Ok(())).unwrap();
    }

    #[test]
    fn closing_writes_what_is_left_and_ends_the_thread() {
        let rig = Rig::start();
        rig.submit("a", "1", Urgency::Later).unwrap();
        rig.queue.close();
        assert_eq!(rig.syncing(), ["a=1"]);
        rig.outcomes.send(Ok(())).unwrap();
        rig.thread.join().unwrap();
        assert_eq!(rig.queue.progress.borrow().durable, 1);
    }

    #[tokio::test]
    async fn a_failed_sync_fails_all_who_wait_and_all_who_come_later() {
        let rig = Rig::start();
        let before = rig.submit("a", "1", Urgency::Now).unwrap();
        rig.syncing();
        rig.outcomes.send(Ok(())).unwrap();
        rig.queue.durable(before).await.unwrap();
        let failing = rig.submit("b", "2", Urgency::Now).unwrap();
        rig.syncing();
        let waiting = rig.submit("c", "3", Urgency::Now).unwrap();
        rig.outcomes.send(Err(EngineError("no space".into()))).unwrap();
        let broken = StoreError::Broken { reason: "no space".into() };
        assert_eq!(rig.queue.durable(failing).await, Err(broken.clone()));
        assert_eq!(rig.queue.durable(waiting).await, Err(broken.clone()));
        assert_eq!(rig.queue.failed().await, broken);
        rig.queue.durable(before).await.unwrap();
        assert_eq!(rig.submit("d", "4", Urgency::Now).unwrap_err(), broken);
        assert_eq!(rig.queue.unwritten("d"), None, "what is refused is not shown");
        assert!(rig.queue.unwritten("c").is_some(), "what was submitted before is shown for good");
        rig.thread.join().unwrap();
        assert!(rig.groups.recv().is_err(), "the engine is not asked again");
    }

    #[tokio::test]
    async fn a_panic_of_the_database_is_a_failed_write() {
        struct Panics;
        impl Engine for Panics {
            fn visit(&self, _: RawRange<'_>, _: &mut SeePair<'_>) -> Result<(), EngineError> {
                Ok(())
            }
            fn apply(&self, _: RawChanges) -> Result<(), EngineError> {
                panic!("index out of bounds\nbacktrace")
            }
            fn sync(&self) -> Result<(), EngineError> {
                Ok(())
            }
        }
        let queue = Arc::new(WriteQueue::new());
        let thread = thread::spawn({
            let queue = Arc::clone(&queue);
            move || write_groups(&queue, &Parted::new(Panics))
        });
        let ticket = queue.submit(ValueChanges::from([("a".to_owned(), None)]), Urgency::Now).unwrap();
        assert_eq!(queue.durable(ticket).await, Err(StoreError::Broken { reason: "index out of bounds".into() }));
        thread.join().unwrap();
    }
}
