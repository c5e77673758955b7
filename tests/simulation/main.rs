//! No booking lost and none doubled, whatever happens: the whole bridge in simulated worlds.
//!
//! A *seed* is a world ([`world`]): a clinic's OpenVPMS, Healthengine, one or two practices, pet owners, staff, their clocks, and the real
//! bridge on a disk that keeps exactly what was flushed; all of it in virtual time and on one thread, so that a seed always comes out
//! the same. People act ([`people`]), servers and process fail ([`weather`], [`fate`]), and the checker ([`checker`]) looks at
//! every step and again when everything has healed. A seed that fails tells the story of the booking concerned ([`story`]).
//!
//! ```text
//! SEEDS=1-10000 cargo test --profile simulation --test simulation    all of these, on every processor
//! SEEDS=4711 cargo test --profile simulation --test simulation       one of them again
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]
#![allow(clippy::print_stderr, clippy::disallowed_methods, reason = "whoever hunts for a failure names the seeds and reads the result")]

#[allow(unused_imports, reason = "each test binary uses the part of the harness that it needs")]
#[path = "../support/mod.rs"]
mod support;
#[path = "../clinicians/truth.rs"]
mod truth;

mod bugs;
mod checker;
mod fate;
mod life;
mod people;
mod seeds;
mod story;
mod weather;
mod wire;
mod world;

#[test]
fn a_seed_comes_out_the_same_every_time() {
    for seed in [1, 2, 3] {
        let (once, again) = (life::live(seed, None), life::live(seed, None));
        assert_eq!(once.hash, again.hash, "seed {seed}");
    }
}

#[test]
fn no_booking_is_lost_and_none_is_made_twice() {
    seeds::run_all(&seeds::asked_for("1-40"));
}

#[test]
fn every_deliberate_mistake_is_found() {
    let table = seeds::hunt_for_bugs(1);
    eprintln!("{table}");
}
