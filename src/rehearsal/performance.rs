//! A running rehearsal: what is known beside what runs, the steps from the first time that is
//! offered to the last appointment that is gone, and what is said of them.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tempfile::TempDir;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::leftovers::Leftovers;
use super::removal::remove_all;
use super::report;
use super::round::{RehearsedBooking, book_everywhere, eventually};
use super::simulated::{self, SimulatedScenarios};
use super::stage::RehearsalOptions;
use super::stand::Stand;
use crate::config::{Config, ConfigError};
use crate::findings::report::{Finding, Level, Report};
use crate::messages::rehearsal as say;
use crate::openvpms::OpenVpmsWriter;
use crate::service::Service;

/// The first sending of all days may take so long.
const PUBLISHED_WITHIN: Duration = Duration::from_secs(300);
/// Between two looks at how far it is.
const LOOK: Duration = Duration::from_millis(100);
/// Nobody books sooner. Healthengine tells in whole seconds when a booking was made; of one that
/// seems older than the store the bridge must suppose that it was made before.
const STORE_IS_OLDER: Duration = Duration::from_secs(2);

/// What is known beside what runs.
pub(super) struct About {
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
    /// The bookings of the round, once it is over.
    pub(super) round: Mutex<Vec<RehearsedBooking>>,
}

impl About {
    pub(super) fn new(
        config: &Config,
        report: Report,
        lacking: Option<&ConfigError>,
        removed: Vec<String>,
        left: Vec<String>,
        options: &RehearsalOptions,
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
            books: options.books,
            round: Mutex::default(),
        }
    }
}

/// A running rehearsal.
pub struct Rehearsal {
    pub(super) stand: Stand,
    pub(super) about: Arc<About>,
    pub(super) service: Service,
    pub(super) writer: OpenVpmsWriter,
    pub(super) leftovers: Option<Arc<Leftovers>>,
    pub(super) config: Config,
    /// Goes after the service has.
    pub(super) _directory: TempDir,
}

/// How a rehearsal ended.
pub struct Ended {
    /// The last words.
    pub summary: String,
    /// What stands in the diary and could not be removed.
    pub left: Vec<String>,
    /// False if something went wrong.
    pub is_well: bool,
}

impl Rehearsal {
    /// What everybody should know before it begins.
    pub fn opening(&self) -> String {
        let about = &self.about;
        let mut text = say::opening(
            &self.service.admin_link(),
            &about.openvpms_url,
            about.requests_per_second,
            about.books,
            &self.stand.practices().map(|(id, ..)| id.clone()).collect::<Vec<_>>(),
        );
        for line in &about.removed {
            text.push_str(&format!("{line}\n"));
        }
        if !about.left.is_empty() {
            text.push_str(&say::left_behind(&about.left, about.books));
        }
        for Finding { level, place, message, remedy } in &about.findings {
            text.push_str(&say::finding(*level == Level::Problem, place, message, remedy.as_deref()));
        }
        for lacking in &about.lacking {
            text.push_str(&say::lacking(lacking));
        }
        text
    }

    /// Waits until Healthengine shows every day. False if that takes too long.
    pub async fn published(&self, stop: &CancellationToken) -> bool {
        let began = Instant::now();
        let all = async {
            loop {
                let (done, all) = self.stand.published();
                if done == all && began.elapsed() >= STORE_IS_OLDER {
                    return;
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let waited = tokio::time::timeout(PUBLISHED_WITHIN, stop.run_until_cancelled(all)).await;
        waited.is_ok()
    }

    /// What is offered, practice by practice.
    pub fn offer(&self) -> String {
        let practice = |(id, mapping): (_, &crate::mapping::Mapping)| {
            let types = mapping.resources.iter().map(|resource| resource.types.len()).sum();
            let starts: std::collections::BTreeSet<_> =
                self.stand.all_offered(id).into_iter().map(|own| (own.kind.resource, own.start)).collect();
            say::offered(id, mapping.resources.len(), types, starts.len(), self.stand.horizon_days)
        };
        let all = self.stand.practices().map(|(id, mapping, _)| practice((id, mapping)));
        all.collect::<Vec<_>>().join("\n")
    }

    /// Books and cancels at every resource, if this rehearsal books. What was seen, line by line.
    pub async fn book(&self, stop: &CancellationToken) -> Vec<String> {
        if !self.about.books {
            return Vec::new();
        }
        let round = book_everywhere(&self.stand, stop).await;
        let lines = round.iter().map(|own| self.told(own)).collect();
        *self.about.round.lock() = round;
        lines
    }

    fn told(&self, own: &RehearsedBooking) -> String {
        let (name, kind) = self.stand.names(&own.choice);
        let what = format!("{name}, {kind}, {}", own.choice.start.format("%a %-d %b %Y %H:%M"));
        say::rehearsed(&what, own.confirmed_after, own.cancelled_after, own.wrong.as_deref())
    }

    /// Tries the scenarios that need faults, between both models.
    pub async fn simulate(&self) -> SimulatedScenarios {
        simulated::all().await
    }

    /// What was seen, for Healthengine's go-live team.
    pub fn report(&self, simulated: &SimulatedScenarios) -> String {
        report::markdown(&self.stand, &self.about, &self.config, simulated)
    }

    /// Ends when the service cannot go on.
    pub async fn failed(&self) -> String {
        self.service.failed().await.to_string()
    }

    /// Cancels whatever still stands, and stops.
    pub async fn end(self) -> Ended {
        self.stand.closing.cancel();
        let standing = self.stand.standing();
        for booking in &standing {
            // It may be given up already.
            let _ = self.stand.model.cancel(*booking);
        }
        if !standing.is_empty() {
            let _late = eventually(|| self.stand.are_settled(&standing).then_some(())).await;
        }
        let mut left = match &self.leftovers {
            Some(leftovers) => remove_all(leftovers, &self.stand.reader, &self.writer).await.1,
            None => Vec::new(),
        };
        let round = std::mem::take(&mut *self.about.round.lock());
        let failed = round.iter().filter(|own| own.wrong.is_some()).count();
        let violations: Vec<String> = self.stand.model.violations().iter().map(ToString::to_string).collect();
        let summary = say::summary(round.len(), failed, standing.len(), &violations, left.len());
        let is_well = failed == 0 && violations.is_empty() && left.is_empty();
        self.service.stop().await;
        left.sort();
        Ended { summary, left, is_well }
    }
}
