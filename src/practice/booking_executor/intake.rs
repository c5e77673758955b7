//! Deals with the bookings that Healthengine lists, in the order of their deadlines.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::task::TaskTracker;

use super::executor::Executor;
use super::turns::Turn;
use crate::booking::deadline::Deadline;
use crate::dates;
use crate::healthengine::BookingRequest;
use crate::ids::BookingId;
use crate::polling::late_bookings::schedules_in_turn;

impl Executor {
    /// Deals with these bookings; ends when all are answered or have to wait. What was begun goes
    /// on to its end when this is dropped, and what has not begun is listed again. `listed_at` is
    /// when the reading of the list began.
    pub(in crate::practice) async fn attend_all(
        self: &Arc<Self>,
        mut listed: Vec<BookingRequest>,
        listed_at: DateTime<Utc>,
    ) {
        // A long list takes seconds to read: what was answered meanwhile need not be answered
        // again.
        listed.retain(|booking| !self.was_answered_since(booking.booking_id, listed_at));
        self.leave_to_another(&mut listed);
        listed.sort_by_key(|booking| (booking.booked_time, booking.booking_id));
        // A pet owner who can still be told comes before one who was told yes long ago, however
        // many of these there are.
        let (now, ahead) = (self.context.now(), self.context.healthengine.clock_difference());
        let in_time = |booking: &BookingRequest| Deadline::new(booking.booked_time, ahead).rejection_counts(now);
        let (in_time, late): (Vec<_>, Vec<_>) = listed.into_iter().partition(in_time);
        let late = schedules_in_turn(late);
        let tasks = TaskTracker::new();
        for (requests, places) in [(in_time, &self.places.in_time), (late, &self.places.late)] {
            for request in requests {
                let Some(turn) = self.turns.take(request.booking_id) else { continue };
                let Ok(place) = Arc::clone(places).acquire_owned().await else { return };
                self.attend_in(&tasks, request, turn, place);
            }
        }
        tasks.close();
        tasks.wait().await;
    }

    fn was_answered_since(&self, id: BookingId, since: DateTime<Utc>) -> bool {
        let entry = self.context.shared.ledger.get(id).ok().flatten();
        let last =
            entry.filter(|entry| entry.is_acknowledged()).and_then(|entry| entry.history.last().map(|last| last.at));
        last.is_some_and(|at| since <= at && dates::age(at, self.context.now()).is_some())
    }

    fn attend_in(
        self: &Arc<Self>,
        tasks: &TaskTracker,
        request: BookingRequest,
        turn: Turn,
        place: OwnedSemaphorePermit,
    ) {
        let own = Arc::clone(self);
        let work = self.context.work_on(request.booking_id, async move {
            let outcome = own.attend_request(request).await;
            drop((turn, place));
            outcome
        });
        self.context.tasks.spawn(tasks.track_future(work));
    }
}
