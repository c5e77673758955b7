//! The clinic's clock: what it shows, and waiting by it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use tokio::time::Instant;
use vetbridge::booking::entry::State;
use vetbridge::clock::Clock;
use vetbridge::ids::BookingId;
use vetbridge::zone::Zone;

use super::Clinic;
use super::mines::{Mines, Step};

/// Monday, 15 February 2027, 08:00 in Sydney: an hour before the diary opens.
pub(crate) const MORNING: &str = "2027-02-15 08:00";

/// How far the clocks were set by hand, in milliseconds.
#[derive(Clone, Default)]
pub(crate) struct Hands {
    world: Arc<AtomicI64>,
    machine: Arc<AtomicI64>,
}

impl Hands {
    /// The world's clock: it goes with tokio's time, and further when the bridge's machine sleeps.
    pub(crate) fn world(&self, start: DateTime<Utc>) -> Clock {
        let (clock, set) = (Clock::virtual_from(start), Arc::clone(&self.world));
        Clock::kept_by(move || clock.now() + TimeDelta::milliseconds(set.load(Ordering::Relaxed)))
    }

    /// The bridge's clock.
    pub(crate) fn machine(&self, world: &Clock, mines: &Mines) -> Clock {
        let (world, set, mines) = (world.clone(), Arc::clone(&self.machine), mines.clone());
        Clock::kept_by(move || {
            mines.step(Step::Clock);
            world.now() + TimeDelta::milliseconds(set.load(Ordering::Relaxed))
        })
    }

    /// The machine of the bridge sleeps: the world goes on, and nothing that waits on the machine notices.
    pub(crate) fn machine_sleeps(&self, time: Duration) {
        let time = i64::try_from(time.as_millis()).unwrap();
        self.world.fetch_add(time, Ordering::Relaxed);
    }

    /// Somebody sets the clock of the bridge's machine: so far ahead of the world's.
    pub(crate) fn set_machine(&self, ahead: TimeDelta) {
        self.machine.store(ahead.num_milliseconds(), Ordering::Relaxed);
    }

    /// True if the clock of the bridge's machine shows the world's time.
    pub(crate) fn machine_is_right(&self) -> bool {
        self.machine.load(Ordering::Relaxed) == 0
    }
}

impl Clinic {
    /// The machine of the bridge sleeps: see [`Hands::machine_sleeps`].
    pub(crate) fn machine_sleeps(&self, time: Duration) {
        self.hands.machine_sleeps(time);
    }

    /// Somebody sets the clock of the bridge's machine: so far ahead of the world's.
    pub(crate) fn set_machine(&self, ahead: TimeDelta) {
        self.hands.set_machine(ahead);
    }

    /// What a clock on the clinic's wall shows.
    pub(crate) fn wall(&self) -> NaiveDateTime {
        sydney().wall(self.clock.now())
    }

    /// Lets time pass.
    pub(crate) async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// Waits until it is so late on the clinic's wall.
    pub(crate) async fn until_wall(&self, wall: &str) {
        let left = sydney().instant(wall_time(wall)).unwrap() - self.clock.now();
        self.pass(left.to_std().expect("a time that is to come")).await;
    }

    /// Waits until the condition holds, and says how long that took. Fails with `what` when it does not within `limit`.
    pub(crate) async fn until(&self, what: &str, limit: Duration, condition: impl Fn(&Self) -> bool) -> Duration {
        let began = Instant::now();
        while !condition(self) {
            assert!(began.elapsed() < limit, "not within {limit:?}: {what}\n{}", self.account());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        began.elapsed()
    }

    /// Waits until the POST of a booking is under way. When its answer is lost, that is over within milliseconds.
    pub(crate) async fn until_submitting(&self, booking: BookingId) {
        let began = Instant::now();
        while self.state(booking) != Some(State::Submitting) {
            assert!(began.elapsed() < seconds(20), "it is not submitted\n{}", self.account());
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    }

    /// Waits until the diary is at Healthengine as it stands, and nothing waits for an answer.
    pub(crate) async fn until_in_step(&self) -> Duration {
        self.until_in_step_within(minutes(3)).await
    }

    /// The same of what takes longer.
    pub(crate) async fn until_in_step_within(&self, limit: Duration) -> Duration {
        let began = Instant::now();
        while !self.disagreements().is_empty() {
            assert!(began.elapsed() < limit, "both sides do not agree\n{}", self.account());
            // Comparing takes its time; real time, that is.
            tokio::time::sleep(limit / 360).await;
        }
        began.elapsed()
    }

    /// Asserts that the condition goes on to hold.
    pub(crate) async fn throughout(&self, what: &str, time: Duration, condition: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while began.elapsed() < time {
            assert!(condition(self), "no longer so after {:?}: {what}\n{}", began.elapsed(), self.account());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// The zone of clinic and practices.
pub(crate) fn sydney() -> Zone {
    Zone::Iana(chrono_tz::Australia::Sydney)
}

/// `2027-02-15 09:00`
pub(crate) fn wall_time(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
}

/// A wall time of the clinic as cards and sentences have it.
pub(crate) fn as_told(text: &str) -> String {
    wall_time(text).format("%a %-d %b %Y %H:%M").to_string()
}

/// The instant of a wall time of the clinic.
pub(crate) fn instant(text: &str) -> DateTime<Utc> {
    sydney().instant(wall_time(text)).unwrap()
}

/// `2027-02-15`
pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// So many seconds.
pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// So many minutes.
pub(crate) fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}
