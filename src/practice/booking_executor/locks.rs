//! One booking at a time per schedule and per clinician, over all practices.
//!
//! OpenVPMS checks overlaps by a read before a write, and clinicians not at all: two POSTs at one
//! moment can both succeed. The locks are fair, so bookings get them in the order in which they
//! began to wait. A booking takes its locks in one fixed order, so two can never wait for each
//! other.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::booking::entry::Place;
use crate::ids::{ScheduleId, UserId};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Key {
    Schedule(ScheduleId),
    Clinician(UserId),
}

/// The locks of every schedule and clinician that bookings go to.
#[derive(Default)]
pub struct Locks(Mutex<HashMap<Key, Arc<AsyncMutex<()>>>>);

/// The locks of one booking, until dropped.
pub struct Held {
    _guards: Vec<OwnedMutexGuard<()>>,
}

impl Locks {
    /// Waits for the locks of a place.
    pub async fn hold(&self, place: &Place) -> Held {
        let keys = [Some(Key::Schedule(place.schedule)), place.user.map(Key::Clinician)];
        let mut guards = Vec::new();
        for key in keys.into_iter().flatten() {
            guards.push(self.lock(key).lock_owned().await);
        }
        Held { _guards: guards }
    }

    fn lock(&self, key: Key) -> Arc<AsyncMutex<()>> {
        let mut locks = self.0.lock();
        // There are as many as schedules and clinicians, but a forgotten schedule need not stay for
        // ever.
        if locks.len() > 1000 {
            locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        }
        Arc::clone(locks.entry(key).or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ids::{AppointmentTypeId, LocationId};
    use crate::span::Span;
    use chrono::DateTime;

    fn place(schedule: i64, user: Option<i64>) -> Place {
        let at = DateTime::from_timestamp(0, 0).unwrap();
        Place {
            location: LocationId(1),
            schedule: ScheduleId(schedule),
            user: user.map(UserId),
            appointment_type: AppointmentTypeId(1),
            span: Span::new(at, at),
        }
    }

    async fn waits(locks: &Locks, place: Place) -> bool {
        tokio::time::timeout(Duration::from_secs(60), locks.hold(&place)).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn bookings_of_one_schedule_or_one_clinician_wait_for_each_other_and_no_others() {
        let locks = Locks::default();
        let held = locks.hold(&place(136, Some(1158))).await;
        assert!(waits(&locks, place(136, None)).await, "the same schedule");
        assert!(waits(&locks, place(211, Some(1158))).await, "the same clinician on another schedule");
        assert!(!waits(&locks, place(211, Some(1159))).await, "neither");
        drop(held);
        assert!(!waits(&locks, place(136, Some(1158))).await, "released");
    }
}
