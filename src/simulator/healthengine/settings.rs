//! How this Healthengine behaves where the API leaves it open, and what a test may turn.

use std::time::Duration;

use chrono::{NaiveDate, TimeDelta};

/// How the simulated server behaves. Change it while it runs with
/// [`super::HealthengineModel::configure`].
#[derive(Clone)]
pub struct ModelSettings {
    /// The consumer's key; any other is answered 401.
    pub api_key: String,
    /// The number of the first booking; as a rule where the API's examples begin.
    pub first_booking: i64,
    /// How far the server's clock is ahead of the world's; its `Date` header and every time in its
    /// answers follow it.
    pub skew: TimeDelta,
    /// How long an accepted availability snapshot waits in the queue before pet owners see it.
    pub snapshot_delay: Duration,
    /// For how long an identical snapshot counts as `existing` (for the API this is "recently").
    pub existing_for: Duration,
    /// True if a different snapshot of a day is a violation while one of it is still queued. The
    /// queue keeps the order here, so nothing is lost by allowing it; whether the real one does is
    /// not documented.
    pub strict_queue: bool,
    /// Whether `availability/snapshots`, which came with 1.9.0, exists.
    pub batch: BatchEndpoint,
    /// The longest body of `availability/snapshots`; a longer one is answered 413, as by a gateway
    /// with a limit of its own.
    pub batch_bytes_max: Option<usize>,
    /// A day of a resource that the server cannot take in: whatever call it is part of is answered
    /// 400.
    pub refused_day: Option<(String, NaiveDate)>,
    /// Entries on a page of a list, at least 1.
    pub per_page: usize,
    /// What becomes of a rejection after the 20 seconds.
    pub late_reject: LateReject,
    /// What becomes of an answer that was given before.
    pub repeated: Repeated,
    /// What a subscription does that is as a present one is.
    pub renewal: Renewal,
    /// What the log of failed deliveries keeps.
    pub error_log: ErrorLog,
    /// The longest life of a subscription; a later end is brought forward.
    pub subscription_life_max: Option<TimeDelta>,
    /// How a field without a value is written.
    pub absent: AbsentForm,
    /// True if every object in an answer has fields that no edition of the API knows.
    pub extra_fields: bool,
    /// The largest body that is read, decompressed.
    pub body_bytes_max: usize,
    /// How often one practice may make the same call with refused credentials (401, 403) in a
    /// minute before that is a violation.
    pub refused_calls_max_per_minute: usize,
}

impl ModelSettings {
    /// The defaults, for a consumer with this key.
    pub fn new(api_key: impl Into<String>) -> Self {
        Self {
            api_key: api_key.into(),
            first_booking: 36_127_212,
            skew: TimeDelta::zero(),
            snapshot_delay: Duration::from_millis(200),
            existing_for: Duration::from_secs(3_600),
            strict_queue: true,
            batch: BatchEndpoint::Offered,
            batch_bytes_max: None,
            refused_day: None,
            per_page: 100,
            late_reject: LateReject::Settle,
            repeated: Repeated::NotFound,
            renewal: Renewal::SameOne,
            error_log: ErrorLog::LastAttempt,
            subscription_life_max: None,
            absent: AbsentForm::Null,
            extra_fields: false,
            body_bytes_max: 4 * 1024 * 1024,
            refused_calls_max_per_minute: 10,
        }
    }
}

/// The batch endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchEndpoint {
    /// It takes up to 100 snapshots.
    Offered,
    /// It is not there and answers this status, 404 or 405.
    Absent(u16),
}

/// What `rejectInsert` does once the booking counts as confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LateReject {
    /// 200; the booking leaves the list and stays confirmed for the pet owner: the practice must
    /// act by hand.
    Settle,
    /// 200 and no effect at all: it stays confirmed and listed.
    Ignore,
    /// 400; it stays confirmed and listed.
    Refuse,
}

/// What an answer does that was given before, in the same words (a client repeats one whose answer
/// was lost).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeated {
    /// 404: it is not pending.
    NotFound,
    /// 400: it was answered.
    BadRequest,
    /// 200 without effect.
    Accepted,
}

/// What becomes of a subscription with the topic, the callback and the client id of a present one
/// ("create or update").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// The present one is renewed and keeps its id.
    SameOne,
    /// Another one is made beside it.
    AnotherOne,
}

/// Which attempts the log of failed deliveries keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorLog {
    /// The last one of each delivery, as in the example of the quick start.
    LastAttempt,
    /// Every one.
    EveryAttempt,
}

/// How a field without a value is written; the API allows both, anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AbsentForm {
    /// As `null`.
    Null,
    /// Not at all.
    Missing,
}
