//! What is known of a rehearsal beside what runs: how the clinic is set up, what an earlier one
//! left, and what became of the bookings.

use std::sync::atomic::AtomicBool;

use parking_lot::Mutex;

use super::round::RehearsedBooking;
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
    pub(super) books: bool,
    /// The bookings of the round, as they come to their ends.
    pub(super) round: Mutex<Vec<RehearsedBooking>>,
    /// True once no more of them come.
    pub(super) is_round_over: AtomicBool,
}

impl RehearsalFacts {
    pub(super) fn new(
        config: &Config,
        report: Report,
        lacking: Option<&ConfigError>,
        removed: Vec<String>,
        left: Vec<String>,
        books: bool,
    ) -> Self {
        let sentence = |error: &ConfigError| -> Vec<String> {
            error.problems.iter().map(|own| format!("{}: {}", error.place(own), own.message)).collect()
        };
        Self {
            findings: report.findings.into_iter().filter(|finding| finding.level != Level::Ok).collect(),
            lacking: lacking.map(sentence).unwrap_or_default(),
            removed,
            left,
            openvpms_url: config.openvpms.url.to_string(),
            requests_per_second: config.openvpms.max_requests_per_second,
            books,
            round: Mutex::default(),
            is_round_over: AtomicBool::new(false),
        }
    }
}
