//! What is counted of each practice: bookings, the time to our answers, snapshots.

use chrono::TimeDelta;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::booking::counted::CountedOutcome;
use crate::ids::PracticeId;

/// Upper bounds in seconds. Within fifteen a rejection still shows the pet owner other times, and
/// after twenty they were told yes.
const BUCKETS: [f64; 11] = [0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 15.0, 20.0, 60.0, 600.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BookingLabels {
    practice: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SnapshotLabels {
    practice: String,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabels {
    practice: String,
}

const RESULTS: [&str; 2] = ["accepted", "refused"];

/// Counts what happens to practices. Clones count together.
#[derive(Debug, Clone)]
pub struct PracticeMetrics {
    bookings: Family<BookingLabels, Counter>,
    answers: Family<AnswerLabels, Histogram>,
    snapshots: Family<SnapshotLabels, Counter>,
}

impl Default for PracticeMetrics {
    fn default() -> Self {
        let new: fn() -> Histogram = || Histogram::new(BUCKETS);
        let answers = Family::new_with_constructor(new);
        Self { bookings: Family::default(), answers, snapshots: Family::default() }
    }
}

impl PracticeMetrics {
    /// A practice of the configuration: it is shown from here on, with zeros, so that its first
    /// booking shows as an increase.
    pub fn know(&self, practice: &PracticeId) {
        for outcome in CountedOutcome::ALL {
            drop(self.bookings.get_or_create(&booking(practice, outcome)));
        }
        for result in RESULTS {
            drop(self.snapshots.get_or_create(&snapshot(practice, result)));
        }
        drop(self.answers.get_or_create(&AnswerLabels { practice: practice.0.clone() }));
    }

    /// It is gone from the configuration.
    pub fn forget(&self, practice: &PracticeId) {
        for outcome in CountedOutcome::ALL {
            self.bookings.remove(&booking(practice, outcome));
        }
        for result in RESULTS {
            self.snapshots.remove(&snapshot(practice, result));
        }
        self.answers.remove(&AnswerLabels { practice: practice.0.clone() });
    }

    /// A booking reached this.
    pub fn booking(&self, practice: &PracticeId, outcome: CountedOutcome) {
        self.bookings.get_or_create(&booking(practice, outcome)).inc();
    }

    /// Healthengine took our answer to a booking that was made this long ago.
    pub fn answered(&self, practice: &PracticeId, after: TimeDelta) {
        let seconds = after.max(TimeDelta::zero()).as_seconds_f64();
        self.answers.get_or_create(&AnswerLabels { practice: practice.0.clone() }).observe(seconds);
    }

    /// Healthengine answered a call with snapshots: so many it accepted, and so many not.
    pub fn snapshots(&self, practice: &PracticeId, accepted: usize, refused: usize) {
        for (result, count) in RESULTS.into_iter().zip([accepted, refused]) {
            self.snapshots.get_or_create(&snapshot(practice, result)).inc_by(count as u64);
        }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        let text = "Bookings, once by the first answer of the ledger, and again when they are cancelled";
        registry.register("vetbridge_bookings", text, self.bookings.clone());
        let text = "From the time of a booking until Healthengine took our answer";
        registry.register("vetbridge_booking_answer_seconds", text, self.answers.clone());
        let text = "Snapshots of availability that Healthengine answered";
        registry.register("vetbridge_snapshots", text, self.snapshots.clone());
    }
}

fn booking(practice: &PracticeId, outcome: CountedOutcome) -> BookingLabels {
    BookingLabels { practice: practice.0.clone(), outcome: outcome.name() }
}

fn snapshot(practice: &PracticeId, result: &'static str) -> SnapshotLabels {
    SnapshotLabels { practice: practice.0.clone(), result }
}
