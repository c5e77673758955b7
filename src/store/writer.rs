//! The queue between those who change records and the disk, and the thread that writes what they
//! do not write themselves.
//!
//! Changes are visible to readers as soon as they are queued, in the order of the queue. Whoever
//! has the disk takes everything that has gathered, applies it as one transaction, syncs once, and
//! tells all who wait: while the disk works, the next group gathers. The queue holds one value per
//! key at most (a later change of a key replaces an earlier one), so it cannot outgrow the store.
//!
//! A commit that finds the disk idle writes by itself ([`write_here`]): a pet owner need not wait
//! until a thread wakes up, and until the thread has woken them up again. What comes while the disk
//! works, and what nobody waits for, is the thread's.
//!
//! A batch is never split: it is taken whole, and transactions take effect whole. Nor is a later
//! batch durable before an earlier: groups are taken under the lock of the disk.

use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::sync::watch;
use tokio::time::Instant;

use super::engine::{Engine, EngineError};
use super::error::StoreError;
use super::memory::FLUSHED_WITHIN;
use super::parts::{Parted, StoredValue, ValueChanges};
use super::sled_engine::what_it_said;
use crate::metrics::flush_times::FlushTimes;

/// What writers and the store share.
pub(super) struct WriteQueue {
    state: Mutex<QueueState>,
    /// Wakes the writer thread.
    wake: Condvar,
    progress: watch::Sender<FlushProgress>,
    pub(super) flush_times: FlushTimes,
}

struct QueueState {
    /// All records as they are, or will be when what is queued has been written.
    records: BTreeMap<String, StoredValue>,
    /// What the disk does not have.
    pending: ValueChanges,
    /// How many batches were queued, ever.
    queued: u64,
    /// Somebody waits for what is pending.
    urgent: bool,
    /// The last store handle is gone.
    closing: bool,
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
    /// Whoever queues it has the disk, and writes it.
    Here,
}

impl WriteQueue {
    pub(super) fn new(records: BTreeMap<String, StoredValue>) -> Self {
        let state = QueueState { records, pending: ValueChanges::new(), queued: 0, urgent: false, closing: false };
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
        for (key, value) in changes {
            match &value {
                Some(text) => drop(state.records.insert(key.clone(), StoredValue::Text(text.clone()))),
                None => drop(state.records.remove(&key)),
            }
            state.pending.insert(key, value);
        }
        state.queued += 1;
        state.urgent |= urgency == Urgency::Now;
        if urgency != Urgency::Here {
            self.wake.notify_one();
        }
        Ok(Ticket(state.queued))
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

    /// One record.
    pub(super) fn get(&self, key: &str) -> Option<StoredValue> {
        self.lock().records.get(key).cloned()
    }

    /// All records whose keys begin with `prefix`, as they were at one moment.
    pub(super) fn scan(&self, prefix: &str) -> Vec<(String, StoredValue)> {
        let state = self.lock();
        let from = state.records.range(prefix.to_owned()..);
        from.take_while(|(key, _)| key.starts_with(prefix)).map(|(key, value)| (key.clone(), value.clone())).collect()
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

    /// Waits for something to write. False when there is nothing and will be nothing.
    fn wait_for_changes(&self) -> bool {
        let idle = |state: &mut QueueState| state.pending.is_empty() && !state.urgent && !state.closing;
        let patient = |state: &mut QueueState| !state.urgent && !state.closing;
        let mut state = self.lock();
        self.wake.wait_while(&mut state, idle);
        self.wake.wait_while_for(&mut state, patient, FLUSHED_WITHIN);
        !state.closing || !state.pending.is_empty() || state.urgent
    }

    /// Takes what has gathered; nothing if the disk has it already. For whoever has the disk.
    ///
    /// # Errors
    /// The disk has failed.
    fn next_group(&self) -> Result<Option<Group>, StoreError> {
        let mut state = self.lock();
        self.check()?;
        let is_written = self.progress.borrow().durable >= state.queued;
        Ok((!is_written).then(|| Self::take(&mut state)))
    }

    fn take(state: &mut QueueState) -> Group {
        state.urgent = false;
        Group { changes: std::mem::take(&mut state.pending), upto: state.queued }
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
    changes: ValueChanges,
    /// How many batches are durable afterwards.
    upto: u64,
}

fn broken(reason: Option<&str>) -> StoreError {
    StoreError::Broken { reason: reason.unwrap_or("the writer has ended").to_owned() }
}

/// The writer thread: writes and syncs, group by group, until the store is closed or the disk
/// fails.
pub(super) fn write_groups<E: Engine>(queue: &WriteQueue, disk: &Mutex<Parted<E>>) {
    let _failed_unless_closed = WriterEnded(queue);
    while queue.wait_for_changes() {
        if !write_group(queue, &mut disk.lock()) {
            return;
        }
    }
}

/// Queues a batch and writes it, with everything that has gathered, on the caller's time.
///
/// # Errors
/// The disk has failed before.
pub(super) fn write_here<E: Engine>(
    queue: &WriteQueue,
    disk: &mut Parted<E>,
    changes: ValueChanges,
) -> Result<Ticket, StoreError> {
    let ticket = queue.submit(changes, Urgency::Here)?;
    write_group(queue, disk);
    Ok(ticket)
}

/// Writes and syncs what has gathered. False once the disk has failed: it is not asked again.
fn write_group<E: Engine>(queue: &WriteQueue, disk: &mut Parted<E>) -> bool {
    let Ok(group) = queue.next_group() else { return false };
    let Some(Group { changes, upto }) = group else { return true };
    let began = Instant::now();
    let outcome = without_panic(|| disk.write(&changes).and_then(|()| disk.sync()));
    queue.flush_times.note(began.elapsed());
    let works = outcome.is_ok();
    queue.report(upto, outcome);
    works
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
/// with `sync`.
pub(super) fn write_inline<E: Engine>(queue: &WriteQueue, disk: &Mutex<Parted<E>>, sync: bool) {
    let mut disk = disk.lock();
    let Group { changes, upto } = WriteQueue::take(&mut queue.lock());
    match without_panic(|| disk.write(&changes).and_then(|()| if sync { disk.sync() } else { Ok(()) })) {
        Ok(()) if !sync => {}
        outcome => {
            // On the caller's time, which may be paused: it takes none.
            queue.flush_times.note(Duration::ZERO);
            queue.report(upto, outcome);
        }
    }
}

/// sled panics where others return errors. After a panic in the middle of a write nothing is known
/// of the database's state, which is what a failed write means anyway.
fn without_panic(work: impl FnOnce() -> Result<(), EngineError>) -> Result<(), EngineError> {
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(EngineError(what_it_said(&*panic))))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread;
    use std::time::Duration;

    use super::super::engine::RawChanges;
    use super::*;

    /// How long a test waits for what must come. Nothing is decided by it.
    const LIMIT: Duration = Duration::from_secs(30);

    /// An engine whose every sync tells what was applied since the last, then waits for its
    /// outcome.
    struct Gate {
        group: Vec<String>,
        groups: Sender<Vec<String>>,
        outcomes: Receiver<Result<(), EngineError>>,
    }

    impl Engine for Gate {
        fn load(&mut self, _: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), EngineError> {
            Ok(())
        }

        fn apply(&mut self, changes: RawChanges) -> Result<(), EngineError> {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            self.group.extend(
                changes
                    .iter()
                    .map(|(key, value)| format!("{}={}", text(key), value.as_deref().map_or_else(String::new, text))),
            );
            Ok(())
        }

        fn sync(&mut self) -> Result<(), EngineError> {
            self.groups.send(std::mem::take(&mut self.group)).unwrap();
            self.outcomes.recv_timeout(LIMIT).expect("the test says how this sync ends")
        }
    }

    struct Rig {
        queue: Arc<WriteQueue>,
        disk: Arc<Mutex<Parted<Gate>>>,
        groups: Receiver<Vec<String>>,
        outcomes: Sender<Result<(), EngineError>>,
        thread: thread::JoinHandle<()>,
    }

    impl Rig {
        fn start() -> Self {
            let (groups_in, groups) = channel();
            let (outcomes, outcomes_out) = channel();
            let queue = Arc::new(WriteQueue::new(BTreeMap::new()));
            let gate = Parted::new(Gate { group: Vec::new(), groups: groups_in, outcomes: outcomes_out });
            let disk = Arc::new(Mutex::new(gate));
            let thread = thread::spawn({
                let (queue, disk) = (Arc::clone(&queue), Arc::clone(&disk));
                move || write_groups(&queue, &disk)
            });
            Self { queue, disk, groups, outcomes, thread }
        }

        /// Somebody commits who finds the disk idle.
        fn write_here(&self, key: &str, value: &str) -> thread::JoinHandle<Result<Ticket, StoreError>> {
            let (queue, disk) = (Arc::clone(&self.queue), Arc::clone(&self.disk));
            let changes = ValueChanges::from([(key.to_owned(), Some(value.into()))]);
            thread::spawn(move || write_here(&queue, &mut disk.lock(), changes))
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
        rig.submit("10", "again", Urgency::Later).unwrap();
        rig.outcomes.send(Ok(())).unwrap();
        rig.queue.durable(first).await.unwrap();
        let group = rig.syncing();
        assert_eq!((group.len(), &group[0][..]), (50, "10=again"), "a later change of a key replaces an earlier one");
        assert_eq!(rig.durable(), 1, "nothing is durable before its sync ends");
        rig.outcomes.send(Ok(())).unwrap();
        for ticket in tickets {
            rig.queue.durable(ticket).await.unwrap();
        }
        assert_eq!(rig.durable(), 52);
    }

    #[tokio::test]
    async fn whoever_finds_the_disk_idle_writes_and_what_comes_meanwhile_is_one_group_of_the_thread() {
        let rig = Rig::start();
        let first = rig.write_here("first", "1");
        assert_eq!(rig.syncing(), ["first=1"]);
        let second = rig.submit("second", "2", Urgency::Now).unwrap();
        let third = rig.submit("third", "3", Urgency::Later).unwrap();
        assert_eq!(rig.durable(), 0, "nothing is durable before its sync ends");
        rig.outcomes.send(Ok(())).unwrap();
        rig.queue.durable(first.join().unwrap().unwrap()).await.unwrap();
        assert_eq!(rig.syncing(), ["second=2", "third=3"]);
        assert_eq!(rig.durable(), 1);
        rig.outcomes.send(Ok(())).unwrap();
        rig.queue.durable(second).await.unwrap();
        rig.queue.durable(third).await.unwrap();
        let last = rig.write_here("last", "4");
        assert_eq!(rig.syncing(), ["last=4"]);
        rig.outcomes.send(Ok(())).unwrap();
        assert!(last.join().unwrap().is_ok());
        rig.queue.close();
        rig.thread.join().unwrap();
        assert!(rig.groups.try_recv().is_err(), "what is written is not written again");
    }

    #[tokio::test]
    async fn after_a_sync_that_failed_for_whoever_wrote_the_thread_writes_nothing_more() {
        let rig = Rig::start();
        let failing = rig.write_here("a", "1");
        rig.syncing();
        let waiting = rig.submit("b", "2", Urgency::Now).unwrap();
        rig.outcomes.send(Err(EngineError("no space".into()))).unwrap();
        let broken = StoreError::Broken { reason: "no space".into() };
        assert_eq!(rig.queue.durable(failing.join().unwrap().unwrap()).await, Err(broken.clone()));
        assert_eq!(rig.queue.durable(waiting).await, Err(broken.clone()));
        assert_eq!(rig.write_here("c", "3").join().unwrap().unwrap_err(), broken);
        rig.thread.join().unwrap();
        assert!(rig.groups.try_recv().is_err(), "the engine is not asked again");
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
        assert_eq!(rig.queue.get("d"), None, "what is refused is not shown");
        rig.thread.join().unwrap();
        assert!(rig.groups.try_recv().is_err(), "the engine is not asked again");
    }

    #[tokio::test]
    async fn a_panic_of_the_database_is_a_failed_write() {
        struct Panics;
        impl Engine for Panics {
            fn load(&mut self, _: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), EngineError> {
                Ok(())
            }
            fn apply(&mut self, _: RawChanges) -> Result<(), EngineError> {
                panic!("index out of bounds\nbacktrace")
            }
            fn sync(&mut self) -> Result<(), EngineError> {
                Ok(())
            }
        }
        let queue = Arc::new(WriteQueue::new(BTreeMap::new()));
        let thread = thread::spawn({
            let queue = Arc::clone(&queue);
            move || write_groups(&queue, &Mutex::new(Parted::new(Panics)))
        });
        let ticket = queue.submit(ValueChanges::from([("a".to_owned(), None)]), Urgency::Now).unwrap();
        assert_eq!(queue.durable(ticket).await, Err(StoreError::Broken { reason: "index out of bounds".into() }));
        thread.join().unwrap();
    }
}
