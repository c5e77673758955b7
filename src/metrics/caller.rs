//! For whom a task makes its calls, as the log names them.

use std::future::Future;

use tracing::field::{DisplayValue, display};

use crate::ids::{BookingId, PracticeId};

tokio::task_local! {
    static CALLER: Caller;
}

/// For whom a task makes its calls.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    practice: Option<PracticeId>,
    booking: Option<BookingId>,
}

impl Caller {
    /// A practice.
    pub fn practice(practice: &PracticeId) -> Self {
        Self { practice: Some(practice.clone()), booking: None }
    }

    /// One booking of it.
    pub fn booking(practice: &PracticeId, booking: BookingId) -> Self {
        Self { practice: Some(practice.clone()), booking: Some(booking) }
    }

    /// The one that this task works for; nobody, if nobody said.
    pub(super) fn of_this_task() -> Self {
        CALLER.try_with(Self::clone).unwrap_or_default()
    }

    /// Does this work for it.
    pub async fn does<F: Future>(self, work: F) -> F::Output {
        CALLER.scope(self, work).await
    }

    /// Both, as fields of a line of the log.
    pub(super) fn fields(&self) -> (Option<DisplayValue<&PracticeId>>, Option<DisplayValue<&BookingId>>) {
        (self.practice.as_ref().map(display), self.booking.as_ref().map(display))
    }
}
