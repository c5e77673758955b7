//! An OpenVPMS that checks for overlaps as the real one does: by a read before a write, without a lock.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use vetbridge::clock::Clock;
use vetbridge::simulator::exchange::{ArrivedRequest, Model, SentAnswer};
use vetbridge::simulator::openvpms::{AppointmentId, AppointmentStatus, OpenVpmsSim};

use super::is_submission;

/// An appointment, and when it began to be written.
type Written = (AppointmentId, DateTime<Utc>);

/// The server, and for how long an appointment that is being written keeps no other out.
#[derive(Clone)]
pub(crate) struct Unlocked {
    openvpms: Arc<OpenVpmsSim>,
    clock: Clock,
    window: Arc<Mutex<TimeDelta>>,
    written: Arc<Mutex<Vec<Written>>>,
}

impl Unlocked {
    /// One that keeps others out at once.
    pub(super) fn new(openvpms: Arc<OpenVpmsSim>, clock: Clock) -> Self {
        Self { openvpms, clock, window: Arc::new(Mutex::new(TimeDelta::zero())), written: Arc::default() }
    }

    /// From here on it takes so long to write an appointment.
    pub(crate) fn writes_for(&self, window: TimeDelta) {
        *self.window.lock().unwrap() = window;
    }
}

impl Model for Unlocked {
    fn answer(&self, asked: &ArrivedRequest) -> SentAnswer {
        let window = *self.window.lock().unwrap();
        if window.is_zero() || !is_submission(asked) {
            return self.openvpms.answer(asked);
        }
        let now = self.clock.now();
        let mut written = self.written.lock().unwrap();
        written.retain(|(_, at)| now - *at < window);
        let set = |status| {
            self.openvpms.staff(|world| {
                for (id, _) in written.iter() {
                    world.set_status(*id, status);
                }
            });
        };
        set(AppointmentStatus::Cancelled);
        let answered = self.openvpms.answer(asked);
        set(AppointmentStatus::Pending);
        let made = std::str::from_utf8(&answered.body).ok().filter(|_| answered.status == 201);
        let made = made.and_then(|reference| reference.split_once(':')?.0.parse().ok());
        written.extend(made.map(|id| (AppointmentId(id), now)));
        answered
    }
}
