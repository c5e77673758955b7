//! Many seeds, on every processor.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::ops::RangeInclusive;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::bugs::{self, Bug};
use crate::life::{Tally, live};

/// The seeds that `SEEDS` names, as `1-1000` or `7`, or else these.
pub(crate) fn asked_for(unless_named: &str) -> RangeInclusive<u64> {
    let named = std::env::var("SEEDS").unwrap_or_else(|_| unless_named.to_owned());
    let (first, last) = named.split_once('-').unwrap_or((&named, &named));
    first.parse().expect("SEEDS is like 1-1000")..=last.parse().expect("SEEDS is like 1-1000")
}

/// Lives all of them; fails with the stories of those that failed.
pub(crate) fn run_all(seeds: &RangeInclusive<u64>) {
    let began = std::time::Instant::now();
    let (next, tally) = (AtomicU64::new(*seeds.start()), Mutex::new(Tally::default()));
    let failures = Mutex::new(BTreeMap::new());
    let hashes = Mutex::new(BTreeMap::new());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed > *seeds.end() || failures.lock().unwrap().len() >= FAILURES_MAX {
                return;
            }
            let outcome = live(seed, None);
            tally.lock().unwrap().add(outcome.tally);
            hashes.lock().unwrap().insert(seed, outcome.hash);
            if let Some(failure) = outcome.failure {
                failures.lock().unwrap().insert(seed, failure);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..processors() {
            scope.spawn(work);
        }
    });
    let count = seeds.end() - seeds.start() + 1;
    let seconds = began.elapsed().as_secs_f64();
    eprintln!(
        "{count} seeds in {seconds:.1} s, {:.1} s per 1000\n{}",
        seconds / count as f64 * 1000.0,
        tally.into_inner().unwrap()
    );
    let hashes = hashes.into_inner().unwrap();
    if std::env::var("HASHES").is_ok() {
        hashes.iter().for_each(|(seed, hash)| eprintln!("seed {seed}: {hash:016x}"));
    }
    eprintln!("fingerprint: {:016x}", BuildHasherDefault::<DefaultHasher>::default().hash_one(&hashes));
    let failures = failures.into_inner().unwrap();
    let first_lines: Vec<&str> = failures.values().filter_map(|story| story.lines().next()).collect();
    let stories: Vec<String> = failures.values().take(3).map(|story| format!("\n{story}\n")).collect();
    assert!(failures.is_empty(), "these failed:\n{}\n{}", first_lines.join("\n"), stories.concat());
}

/// After so many failures the rest is not worth the time.
const FAILURES_MAX: usize = 20;

/// How many seeds each deliberate mistake takes; fails if one is not found within its bound. With `SEEDS` all are hunted in these.
pub(crate) fn hunt_for_bugs() -> String {
    let everywhere = std::env::var("SEEDS").is_ok().then(|| asked_for(""));
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

fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
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
