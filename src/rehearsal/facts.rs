//! What is known of a rehearsal beside what runs: how the clinic is set up, what an earlier one
//! left, and what became of the bookings.

use std::sync::atomic::AtomicBool;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;

use super::removal::RemovedLeftovers;
use super::round::{NotBooked, RehearsedBooking};
use crate::config::{Config, ConfigError};
use crate::findings::report::{Finding, Level, Report};

/// What is known beside what runs.
pub(super) struct RehearsalFacts {
    /// What is worth saying of how the clinic is set up.
    pub(super) findings: Vec<Finding>,
    /// What `run` would still object to.
    pub(super) lacking: Vec<String>,
    /// What was removed of an earlier rehearsal.
    pub(super) removed: Vec<String>,
    /// What an earlier rehearsal left and is still there.
    pub(super) left: Vec<String>,
    pub(super) openvpms_url: String,
    pub(super) requests_per_second: u32,
    /// What the configuration allows a service.
    pub(super) service_requests_per_second: u32,
    /// True if a practice has rules of the offer.
    pub(super) has_rules: bool,
    pub(super) books: bool,
    /// The bookings of the round, as they come to their ends.
    pub(super) round: Mutex<Vec<RehearsedBooking>>,
    /// The resources that it left out.
    pub(super) not_booked: Mutex<Vec<NotBooked>>,
    /// True once no more of them come.
    pub(super) is_round_over: AtomicBool,
    /// When somebody ended the rehearsal, if it had not done everything by then.
    pub(super) broken_off_at: Mutex<Option<DateTime<Utc>>>,
}

impl RehearsalFacts {
    pub(super) fn new(
        config: &Config,
        service_requests_per_second: u32,
        report: Report,
        lacking: Option<&ConfigError>,
        leftovers: RemovedLeftovers,
        books: bool,
    ) -> Self {
        let sentence = |error: &ConfigError| -> Vec<String> {
            error.problems.iter().map(|own| format!("{}: {}", error.place(own), own.message)).collect()
        };
        Self {
            findings: report.findings.into_iter().filter(|finding| finding.level != Level::Ok).collect(),
            lacking: lacking.map(sentence).unwrap_or_default(),
            left: leftovers.not_removed(),
            removed: leftovers.removed,
            openvpms_url: config.openvpms.url.to_string(),
            requests_per_second: config.openvpms.max_requests_per_second,
            service_requests_per_second,
            has_rules: config.practices.iter().any(|own| own.enabled && !own.rules.is_empty()),
            books,
            round: Mutex::default(),
            not_booked: Mutex::default(),
            is_round_over: AtomicBool::new(false),
            broken_off_at: Mutex::default(),
        }
    }
}
