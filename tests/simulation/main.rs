//! No booking lost and none doubled, whatever happens: the whole bridge in simulated worlds.
//!
//! A *seed* is a world ([`world`]): a clinic's OpenVPMS, Healthengine, one or two practices, pet
//! owners, staff, their clocks, and the real bridge on a disk that keeps exactly what was flushed;
//! all of it in virtual time and on one thread, so that a seed always comes out the same. People
//! act ([`people`]), administrators too ([`administrators`]), servers and process fail
//! ([`weather`], [`fate`]), and the checker ([`checker`]) looks at every step and again when
//! everything has healed. A seed that fails tells the story of the booking concerned ([`story`]).
//!
//! Some faults only one life in eight meets, each kind by a chance of its own ([`rare`]), so that
//! the numbers of seeds keep their meaning when a kind is added.
//!
//! ```text
//! SEEDS=1-10000 cargo test --profile simulation --test simulation no_booking -- --nocapture     all of these, on every processor
//! SEEDS=4711 STORY=all cargo test --profile simulation --test simulation no_booking             one of them, with everything that happened
//! SEEDS=1-600 cargo test --profile simulation --test simulation every_deliberate -- --nocapture how many of these each mistake takes
//! ```
//! A hunt ends after 20 failures (`FAILURES=1000` for more) and takes every processor (`THREADS=1`
//! for fewer). Each failure is named as soon as it is found.
//!
//! Without `SEEDS` a few fixed seeds are lived, and 12 that follow from the commit ([`commit`]):
//! nobody has tried these before, so one of them can fail where the fixed ones pass. The test names
//! them before it begins, and how to live them again.
//!
//! # What is promised
//! At every step: no two appointments for one booking; none confirmed of which no appointment was
//! ever made; none rejected whose appointment stands; none made over time that was closed before it
//! was booked; every booking answered in 20 seconds and every cancellation in 45 where nothing was
//! wrong shortly before; each flag with a cause that concerns its booking; Healthengine with
//! nothing to complain of; a practice that is off silent, with nothing offered and nothing left
//! open but what is flagged; whoever resolved a booking told the truth about it; no rule of the
//! offer ([`rules`]) rejects a time that its pet owner was offered, and new clients are turned away
//! where a rule says so. When everything
//! has healed, within 15 minutes: nothing waits; diary, marketplace and ledger tell the same of
//! every booking, or a person was told; what is published is what the diary has free; every
//! practice is in step. A flag is an answer too: it excuses a difference, and so it must have its
//! cause.
//!
//! # What is accepted
//! Each excuse stands where it is made (`is_excused`, `difference` in [`checker`]), with its
//! reason. Beyond these, people and fate keep to three rules, because nobody outside OpenVPMS could
//! tell what happened otherwise: staff undo nothing that is younger than a minute, they change no
//! appointment whose booking is not settled yet, and no request is carried out more than 25 seconds
//! late.
//!
//! # The checker checked
//! Deliberate mistakes ([`bugs`]), the seeds that it took to find each, and how it showed:
//!
//! | mistake | seeds | noticed as |
//! | --- | --- | --- |
//! | retry the POST blindly | 1 | rejected, and its appointment stands |
//! | confirm before the flush | 4 | flagged as settled by hand, and nobody did that |
//! | forget the flush | 4 | rejected, and its appointment stands |
//! | skip the look | 4 | made over time that was closed before it was booked |
//! | confirm on 400 | 5 | confirmed, and no appointment was ever made |
//! | ignore late answers | 1 | rejected, and its appointment stands |
//! | miss the deadline | 4 | rejected when the pet owner had been told yes, and nobody is told |
//! | drop page 2 | 2 | never answered |
//! | wrong zone | 1 | published times that the diary does not have |
//! | believe any 404 | 76 | over, and stands in the diary |
//! | forget the cancellation | 1 | over, and stands in the diary |
//!
//! Counted from seed 1 on. Every change of the world draws other lives, so the test that hunts them
//! has a bound for each, in [`bugs::ALL`].

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]
#![allow(
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "whoever hunts for a failure names the seeds and reads the result"
)]

#[path = "../common/commit.rs"]
mod commit;
#[allow(unused_imports, reason = "each test binary uses the part of the harness that it needs")]
#[path = "../support/mod.rs"]
mod support;
#[path = "../clinicians/truth.rs"]
mod truth;

mod administrators;
mod bugs;
mod checker;
mod fate;
mod life;
mod people;
mod rare;
mod rules;
mod seeds;
mod story;
mod weather;
mod wire;
mod world;

#[test]
fn a_seed_comes_out_the_same_every_time() {
    for seed in [1, 2].into_iter().chain(seeds::that_meet_rare_faults()) {
        let (once, again) = (life::live(seed, None), life::live(seed, None));
        assert_eq!(once.hash, again.hash, "seed {seed}");
    }
}

#[test]
fn no_booking_is_lost_and_none_is_made_twice() {
    seeds::run_all(&seeds::asked_for());
}

#[test]
fn every_deliberate_mistake_is_found() {
    let table = seeds::hunt_for_bugs();
    eprintln!("{table}");
}

#[test]
fn every_rare_fault_happens() {
    seeds::look_for_rare_faults();
}
