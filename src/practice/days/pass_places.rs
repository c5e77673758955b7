//! Places for practices that work out and send many days at one time.
//!
//! What a pass holds is the days of up to a hundred resources, worked out and put into JSON, and
//! what the store is to write of them: some 2 MB for ten schedules of sixty days. At a start every
//! practice has one to make, and what all of them ask the allocator for at one moment the process
//! keeps. So they take turns. Reading needs no place: how fast OpenVPMS may be asked decides who
//! has read, and that can take a practice a minute.
//!
//! Days that go out slowly hold the others up for a while only: whenever no place came free for
//! [`PATIENCE`], whoever waits longest goes on without one. One at a time, for a server or a disk
//! that stands still makes all of them slow at once, and three hundred passes do not fit.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

/// So many passes at one time. More than one, so that some are worked out while others are sent.
const PLACES: usize = 3;
/// The line moves on at least this often.
const PATIENCE: Duration = Duration::from_secs(5);

/// The places of all practices.
pub(crate) struct PassPlaces {
    free: Semaphore,
    /// When whoever waited longest last went on.
    moved: Mutex<Instant>,
}

impl Default for PassPlaces {
    fn default() -> Self {
        Self { free: Semaphore::new(PLACES), moved: Mutex::new(Instant::now()) }
    }
}

impl PassPlaces {
    /// A place, until it is dropped; `None` where the line stood still too long.
    pub(super) async fn take(&self) -> Option<SemaphorePermit<'_>> {
        let mut place = std::pin::pin!(self.free.acquire());
        let mut moved = Instant::now();
        loop {
            let taken = timeout_at(moved + PATIENCE, &mut place).await;
            let mut last = self.moved.lock();
            match taken {
                // Others went on meanwhile.
                Err(_) if *last > moved => moved = *last,
                taken => {
                    *last = Instant::now();
                    return taken.ok()?.ok();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Who waits, in order; each says after how many seconds it went on, and whether with a place.
    async fn line(places: &Arc<PassPlaces>, waiting: usize, began: Instant) -> Vec<(u64, bool)> {
        let mut waits = Vec::new();
        for _ in 0..waiting {
            let places = Arc::clone(places);
            waits.push(tokio::spawn(async move {
                let has_place = places.take().await.is_some_and(|place| {
                    place.forget();
                    true
                });
                (began.elapsed().as_secs(), has_place)
            }));
            tokio::task::yield_now().await;
        }
        let mut went_on = Vec::new();
        for wait in waits {
            went_on.push(wait.await.unwrap());
        }
        went_on
    }

    #[tokio::test(start_paused = true)]
    async fn while_no_place_comes_free_one_more_goes_on_each_five_seconds() {
        let (places, began) = (Arc::new(PassPlaces::default()), Instant::now());
        let went_on = line(&places, PLACES + 4, began).await;
        assert_eq!(went_on, [(0, true), (0, true), (0, true), (5, false), (10, false), (15, false), (20, false)]);
    }

    #[tokio::test(start_paused = true)]
    async fn while_places_come_free_everybody_waits_for_one() {
        let (places, began) = (Arc::new(PassPlaces::default()), Instant::now());
        let frees = Arc::clone(&places);
        let freed = tokio::spawn(async move {
            for _ in 0..8 {
                tokio::time::sleep(Duration::from_secs(4)).await;
                frees.free.add_permits(1);
            }
        });
        let went_on = line(&places, PLACES + 8, began).await;
        let waited = (1..=8).map(|number| (4 * number, true));
        assert_eq!(went_on, [(0, true); PLACES].into_iter().chain(waited).collect::<Vec<_>>());
        freed.await.unwrap();
    }
}
