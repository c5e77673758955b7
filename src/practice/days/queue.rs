//! Single days that are due, and the sign that there are some.

use std::time::Duration;

use chrono::NaiveDate;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use crate::ids::ResourceId;
use crate::publishing::due::DueDays;
use crate::publishing::{ReadDay, SendIf};

/// Nothing is waited for longer than this without looking again: clocks can be set.
pub(in crate::practice) const DUE_WAIT_MAX: Duration = Duration::from_secs(60);

/// Days that are due.
#[derive(Default)]
pub(in crate::practice) struct DayQueue {
    due: Mutex<DueDays>,
    wanted: Notify,
}

impl DayQueue {
    /// The days.
    pub(in crate::practice) fn locked(&self) -> MutexGuard<'_, DueDays> {
        self.due.lock()
    }

    /// A day is to be read and sent.
    pub(in crate::practice) fn add(&self, resource: ResourceId, day: NaiveDate, send: SendIf) {
        self.locked().add(resource, day, send);
        self.wake();
    }

    /// A day that changed was read already. It is sent when its change is heard of.
    pub(in crate::practice) fn add_read(&self, read: ReadDay) {
        self.locked().add_read(read);
    }

    /// There are some.
    pub(in crate::practice) fn wake(&self) {
        self.wanted.notify_one();
    }

    /// Until there are some.
    pub(in crate::practice) async fn woken(&self) {
        self.wanted.notified().await;
    }
}
