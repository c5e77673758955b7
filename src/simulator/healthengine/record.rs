//! What the server remembers about its client: what was asked, and what was asked wrongly. Never a
//! body.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

/// Exchanges and violations that are kept; the tallies go on counting.
const KEPT_MAX: usize = 20_000;

/// One exchange, as the log keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedExchange {
    /// When it was answered, by the server's clock.
    pub at: DateTime<Utc>,
    /// `GET`, `POST`, …
    pub method: String,
    /// The path below the base, without the query.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
    /// The `practice-id` of the request, as sent.
    pub practice: Option<String>,
}

/// Something the client did that the API does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// When, by the server's clock.
    pub at: DateTime<Utc>,
    /// `POST bookings/36127212/confirmInsert`.
    pub call: String,
    /// The `practice-id` of the request, as sent.
    pub practice: Option<String>,
    /// What was wrong. Names fields, ids and times of day, nothing about a patient.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} (practice {}): {}", self.at, self.call, self.practice.as_deref().unwrap_or("none"), self.what)
    }
}

/// The log, the tallies and the violations.
#[derive(Default)]
pub(super) struct ExchangeLog {
    pub(super) exchanges: VecDeque<LoggedExchange>,
    pub(super) tallies: BTreeMap<String, u64>,
    pub(super) violations: Vec<Violation>,
    refusals: BTreeMap<String, VecDeque<DateTime<Utc>>>,
}

impl ExchangeLog {
    /// Notes an exchange, and under which route (`POST bookings/{bookingId}/confirmInsert`) it
    /// counts.
    pub(super) fn exchange(&mut self, exchange: LoggedExchange, route: &str) {
        *self.tallies.entry(route.to_owned()).or_default() += 1;
        if self.exchanges.len() == KEPT_MAX {
            self.exchanges.pop_front();
        }
        self.exchanges.push_back(exchange);
    }

    /// Notes what an exchange broke.
    pub(super) fn violation(&mut self, exchange: &LoggedExchange, what: String) {
        if self.violations.len() < KEPT_MAX {
            let LoggedExchange { at, method, path, status: _, practice } = exchange.clone();
            self.violations.push(Violation { at, call: format!("{method} {path}"), practice, what });
        }
    }

    /// Counts a call with refused credentials; true if there are more of the same in the last
    /// minute than a client may make that has understood the answer.
    pub(super) fn refused_too_often(&mut self, call: String, at: DateTime<Utc>, max: usize) -> bool {
        let minute = TimeDelta::minutes(1);
        if self.refusals.len() == KEPT_MAX {
            self.refusals.retain(|_, recent| recent.back().is_some_and(|last| at - *last <= minute));
        }
        if self.refusals.len() == KEPT_MAX && !self.refusals.contains_key(&call) {
            return true;
        }
        let recent = self.refusals.entry(call).or_default();
        recent.push_back(at);
        while recent.len() > max + 1 || recent.front().is_some_and(|first| at - *first > minute) {
            recent.pop_front();
        }
        recent.len() > max
    }
}
