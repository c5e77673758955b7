//! For whom a task makes its calls, as the log names them.

use std::future::Future;

use tracing::field::{DisplayValue, display};

use crate::ids::{BookingId, PracticeId};

tokio::task_local! {
    static ON_BEHALF_OF: OnBehalfOf;
}

/// For whom a task makes its calls.
#[derive(Debug, Clone, Default)]
pub struct OnBehalfOf {
    practice: Option<PracticeId>,
    booking: Option<BookingId>,
}

impl OnBehalfOf {
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
        ON_BEHALF_OF.try_with(Self::clone).unwrap_or_default()
    }

    /// Does this work for it.
    pub fn does<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        ON_BEHALF_OF.scope(self, work)
    }

    /// Both, as fields of a line of the log.
    pub(super) fn fields(&self) -> (Option<DisplayValue<&PracticeId>>, Option<DisplayValue<&BookingId>>) {
        (self.practice.as_ref().map(display), self.booking.as_ref().map(display))
    }
}
