//! Places for practices that work out and send many days at one time.
//!
//! What a pass holds is the days of up to a hundred resources, worked out and put into JSON, and
//! what the store is to write of them. At a start every practice has one to make, and what all of
//! them ask the allocator for at one moment the process keeps: of twenty practices with ten
//! schedules some 20 MB. So they take turns. Reading needs no place: how fast OpenVPMS may be asked
//! decides who has read, and that can take a practice a minute. Nor does one whose days go out
//! slowly hold the others up for long: whoever waited for [`PATIENCE`] goes on without a place.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

/// So many passes at one time. More than one, so that some are worked out while others are sent.
const PLACES: usize = 3;
/// Nobody waits longer for a place.
const PATIENCE: Duration = Duration::from_secs(5);

/// The places of all practices.
pub(crate) struct PassPlaces(Semaphore);

impl Default for PassPlaces {
    fn default() -> Self {
        Self(Semaphore::new(PLACES))
    }
}

impl PassPlaces {
    /// A place, until it is dropped; `None` where none was free in time.
    pub(super) async fn take(&self) -> Option<SemaphorePermit<'_>> {
        tokio::time::timeout(PATIENCE, self.0.acquire()).await.ok()?.ok()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_pass_waits_for_a_place_and_not_for_one_that_never_comes_free() {
        let places = PassPlaces::default();
        let mut taken = Vec::new();
        for _ in 0..PLACES {
            taken.push(places.take().await);
        }
        assert!(taken.iter().all(Option::is_some));
        let began = Instant::now();
        assert!(places.take().await.is_none());
        assert_eq!(began.elapsed(), PATIENCE);
        taken.pop();
        assert!(places.take().await.is_some());
        assert_eq!(began.elapsed(), PATIENCE, "at once");
    }
}
