//! Many seeds, on every processor.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::ops::RangeInclusive;
use std::panic::catch_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::bugs::{self, Bug};
use crate::commit::{self, say};
use crate::life::{Outcome, Tally, live};
use crate::rare::Kind;

/// Lived at every run, whatever the commit.
const FIXED: RangeInclusive<u64> = 1..=8;
/// So many lives of its own has a commit: seconds of a test run.
const OF_THE_COMMIT: u64 = 12;
/// A hunt ends after so many failures, unless `FAILURES` says otherwise.
const FAILURES_MAX: usize = 20;
/// Lives that meet a kind of rare fault: in so many of them all of it happens.
const RARE_LIVES_MAX: usize = 40;
/// So many of them are told in full; the others are named, and told when they are asked for by number.
const STORIES_MAX: usize = 3;

/// The seeds that `SEEDS` names, as `1-1000` or `7`.
fn named() -> Option<RangeInclusive<u64>> {
    let named = std::env::var("SEEDS").ok()?;
    let (first, last) = named.split_once('-').unwrap_or((&named, &named));
    let number = |text: &str| text.parse().expect("SEEDS is like 1-1000");
    Some(number(first)..=number(last))
}

/// The seeds to live: those that `SEEDS` names, or else the fixed ones and this commit's.
pub(crate) fn asked_for() -> Vec<u64> {
    if let Some(named) = named() {
        return named.collect();
    }
    let (own, source) = commit::seeds(OF_THE_COMMIT);
    say(&format!(
        "simulation: seeds {}-{}, and {}-{} from {source}; again with SEEDS={}-{} \
         cargo test --test simulation no_booking -- --nocapture",
        FIXED.start(),
        FIXED.end(),
        own.start(),
        own.end(),
        own.start(),
        own.end(),
    ));
    FIXED.chain(own).collect()
}

/// Lives all of them; fails with the stories of those that failed.
pub(crate) fn run_all(seeds: &[u64]) {
    let began = std::time::Instant::now();
    let failures_max = failures_max();
    let (next, tally) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
    let failures = Mutex::new(BTreeMap::new());
    let hashes = Mutex::new(BTreeMap::new());
    let work = || {
        loop {
            let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)).copied() else { return };
            if failures.lock().unwrap().len() >= failures_max {
                return;
            }
            let outcome = catch_unwind(|| live(seed, None)).unwrap_or_else(|_| panicked(seed));
            tally.lock().unwrap().add(outcome.tally);
            hashes.lock().unwrap().insert(seed, outcome.hash);
            if let Some(failure) = outcome.failure {
                // At once: a hunt of hours can be stopped at any moment.
                say(&format!("{} (again with SEEDS={seed})", failure.lines().next().unwrap_or_default()));
                failures.lock().unwrap().insert(seed, failure);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..processors() {
            scope.spawn(work);
        }
    });
    let hashes = hashes.into_inner().unwrap();
    let (count, seconds) = (hashes.len(), began.elapsed().as_secs_f64());
    eprintln!(
        "{count} of {} seeds in {seconds:.1} s, {:.1} s per 1000\n{}",
        seeds.len(),
        seconds / count as f64 * 1000.0,
        tally.into_inner().unwrap()
    );
    if std::env::var("HASHES").is_ok() {
        hashes.iter().for_each(|(seed, hash)| eprintln!("seed {seed}: {hash:016x}"));
    }
    eprintln!("fingerprint: {:016x}", BuildHasherDefault::<DefaultHasher>::default().hash_one(&hashes));
    let failures = failures.into_inner().unwrap();
    let first_lines: Vec<&str> = failures.values().filter_map(|story| story.lines().next()).collect();
    let stories: Vec<String> = failures.values().take(STORIES_MAX).map(|story| format!("\n{story}\n")).collect();
    assert!(
        failures.is_empty(),
        "{} of {count} lives failed (one of them again: SEEDS=<its number> cargo test --test simulation no_booking -- \
         --nocapture):\n{}\n{}",
        failures.len(),
        first_lines.join("\n"),
        stories.concat()
    );
}

/// A life that ended in a panic, which says itself what it is about.
fn panicked(seed: u64) -> Outcome {
    Outcome { failure: Some(format!("seed {seed}: somebody panicked")), hash: 0, tally: Tally::default() }
}

/// `FAILURES=1000` goes on to that many.
fn failures_max() -> usize {
    let named = std::env::var("FAILURES").ok();
    named.map_or(FAILURES_MAX, |number| number.parse().expect("FAILURES is a number"))
}

/// How many seeds each deliberate mistake takes; fails if one is not found within its bound. With
/// `SEEDS` all are hunted in these.
pub(crate) fn hunt_for_bugs() -> String {
    let everywhere = named();
    let hunt = |(bug, first, bound): (Bug, u64, u64)| {
        let (first, bound) =
            everywhere.as_ref().map_or((first, bound), |all| (*all.start(), all.end() - all.start() + 1));
        let found = (first..first + bound).find_map(|seed| Some((seed, live(seed, Some(bug)).failure?)));
        let what = found.as_ref().and_then(|(_, failure)| failure.lines().next()).unwrap_or("not found");
        let taken = found.as_ref().map(|(seed, _)| seed - first + 1);
        (format!("{bug:?}: {taken:?} of {bound} seeds from {first} on ({what})\n"), taken.is_some())
    };
    let results: Vec<(String, bool)> = thread::scope(|scope| {
        let hunts: Vec<_> = bugs::ALL.into_iter().map(|bug| scope.spawn(move || hunt(bug))).collect();
        hunts.into_iter().map(|hunt| hunt.join().unwrap()).collect()
    });
    let table: String = results.iter().map(|(line, _)| line.as_str()).collect();
    assert!(results.iter().all(|(_, found)| *found), "{table}");
    table
}

/// The first seed that meets each kind of rare fault.
pub(crate) fn that_meet_rare_faults() -> impl Iterator<Item = u64> {
    Kind::ALL.into_iter().filter_map(|kind| (1..).find(|seed| kind.is_met_by(*seed)))
}

/// Lives of those that meet a kind of rare fault, from seed 1 on, until everything that is counted
/// of it has happened. Whether they come out well is asked elsewhere.
pub(crate) fn look_for_rare_faults() {
    let look = |kind: Kind| {
        let mut missing = kind.counted().to_vec();
        for seed in (1..).filter(|seed| kind.is_met_by(*seed)).take(RARE_LIVES_MAX) {
            let faults = live(seed, None).tally.faults;
            missing.retain(|what| !faults.contains_key(*what));
            if missing.is_empty() {
                return;
            }
        }
        panic!("{kind:?}: {missing:?} in none of {RARE_LIVES_MAX} lives");
    };
    thread::scope(|scope| {
        let looks: Vec<_> = Kind::ALL.into_iter().map(|kind| scope.spawn(move || look(kind))).collect();
        looks.into_iter().for_each(|look| look.join().unwrap());
    });
}

/// `THREADS=1` leaves the others to somebody else.
fn processors() -> usize {
    let named = std::env::var("THREADS").ok();
    let all = || thread::available_parallelism().map_or(1, usize::from);
    named.map_or_else(all, |number| number.parse().expect("THREADS is a number"))
}

impl Tally {
    fn add(&mut self, other: Self) {
        let Self { bookings, flags, ends, faults } = other;
        self.bookings += bookings;
        for (flag, count) in flags {
            *self.flags.entry(flag).or_default() += count;
        }
        for (end, count) in ends {
            *self.ends.entry(end).or_default() += count;
        }
        for (fault, count) in faults {
            *self.faults.entry(fault).or_default() += count;
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} bookings", self.bookings)?;
        writeln!(f, "ends: {:?}", self.ends)?;
        writeln!(f, "flags: {:?}", self.flags)?;
        write!(f, "faults: {:?}", self.faults)
    }
}
