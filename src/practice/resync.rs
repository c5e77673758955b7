//! Sends everything again because a person wants it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Practice;
use super::configuration::ConfigurationChanges;
use super::configuration::sync::SyncReason;
use super::days::passes::READ_IN_ONE_PART;
use super::last_resync::NotedResync;
use super::offering::Offering;
use super::round_error::RoundError;
use crate::availability::{Moment, ResourceDay};
use crate::mapping::changes::ChangesInFull;
use crate::messages::{counted, practice as say};
use crate::metrics::on_behalf_of::OnBehalfOf;
use crate::polling::failed_calls::Call;
use crate::publishing::difference::{ChangedDay, DaysDifference};
use crate::publishing::{ReadDays, SendIf};

/// The longest wait for days that were sent a moment ago.
const QUEUE_WAIT_MAX: Duration = Duration::from_secs(1);

/// What is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Only {
    /// Liveness contract, resources and appointment types.
    Config,
    /// Availability of all days.
    Availability,
}

/// How far a resync is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResyncProgress {
    /// Days dealt with.
    pub done: usize,
    /// Days in all.
    pub total: usize,
}

/// What a resync did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResyncOutcome {
    /// The practice.
    pub practice: String,
    /// True if nothing was sent.
    pub dry_run: bool,
    /// What of the configuration was sent.
    pub configuration: Option<ConfigurationChanges>,
    /// How many days were sent.
    pub days: Option<DaysOutcome>,
    /// What went wrong.
    pub problem: Option<String>,
    /// Why nothing was sent of a practice that is off, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off: Option<String>,
}

/// What became of the days.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaysOutcome {
    /// Sent and accepted, or in a dry run: would be sent.
    pub sent: usize,
    /// Sent and refused.
    pub refused: usize,
    /// Of those, days on which something else is offered than Healthengine has.
    pub changed: usize,
    /// How these differ; in a dry run only.
    #[serde(default)]
    pub difference: Option<DaysDifference>,
}

impl Only {
    /// As it is typed and asked for.
    pub fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Availability => "availability",
        }
    }
}

impl ResyncOutcome {
    /// True if everything that was to be sent was accepted.
    pub fn is_complete(&self) -> bool {
        self.problem.is_none() && self.days.as_ref().is_none_or(|days| days.refused == 0)
    }
}

impl fmt::Display for ResyncOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Practice {}{}", self.practice, if self.dry_run { ": nothing was sent; it would be" } else { "" })?;
        match &self.configuration {
            Some(configuration) if self.dry_run => write!(f, "{}", ChangesInFull(configuration))?,
            Some(configuration) => write!(f, "{configuration}")?,
            None => {}
        }
        if let Some(days) = &self.days {
            write!(f, "availability: {}, {} of them changed", counted(days.sent, "day"), days.changed)?;
            if days.refused > 0 {
                write!(f, ", {} refused", days.refused)?;
            }
            writeln!(f)?;
            days.difference.iter().try_for_each(|difference| write!(f, "{difference}"))?;
        }
        self.problem.iter().try_for_each(|problem| writeln!(f, "problem: {problem}"))
    }
}

impl Practice {
    /// Sends everything again, or says what would be sent. Releases what the guard holds back.
    pub async fn resync(
        &self,
        only: Option<Only>,
        dry_run: bool,
        progress: &(dyn Fn(ResyncProgress) + Sync),
    ) -> ResyncOutcome {
        let mut outcome =
            ResyncOutcome { practice: self.context.id().to_string(), dry_run, ..ResyncOutcome::default() };
        // The practice has not stopped before this has: two of them must not publish at one time.
        let _under_way = self.context.tasks.token();
        let noted = (only.is_none() && !dry_run)
            .then(|| NotedResync::begin(&self.context.shared.store, self.context.id(), self.context.now()));
        let resync = self.resync_parts(only, dry_run, progress, &mut outcome);
        let resync = OnBehalfOf::practice(self.context.id()).does(resync);
        let ended = self.context.stop.run_until_cancelled(resync).await;
        outcome.problem = match ended {
            Some(ended) => ended.err().map(|failed| failed.sentence(self.context.id(), &self.context.settings.places)),
            None => Some(say::RESYNC_BROKEN_OFF.to_owned()),
        };
        if let Some(noted) = noted {
            noted.end(outcome.problem.as_deref(), self.context.now());
        }
        outcome
    }

    async fn resync_parts(
        &self,
        only: Option<Only>,
        dry_run: bool,
        progress: &(dyn Fn(ResyncProgress) + Sync),
        outcome: &mut ResyncOutcome,
    ) -> Result<(), RoundError> {
        self.ask_whether_still_refused().await?;
        if only != Some(Only::Availability) {
            let configured = self.configuration.configure(SyncReason::Person, dry_run).await;
            if configured.is_err() && !dry_run {
                // The loop tries again and pauses by what comes of it, not by its usual interval.
                self.context.signals.configuration.soon();
            }
            outcome.configuration = Some(configured?);
        } else if self.context.offering.current().is_none() {
            // Only read: what is offered is the measure of the days.
            self.configuration.configure(SyncReason::Interval, true).await?;
        }
        if only != Some(Only::Config) {
            self.resync_days(dry_run, progress, outcome).await?;
        }
        Ok(())
    }

    /// While Healthengine refuses the poll, nothing else is asked, and the poll only now and then.
    /// Whoever sends everything again may just have put that right, so it is asked at once; and if
    /// it is right, so is what has been waiting.
    async fn ask_whether_still_refused(&self) -> Result<(), RoundError> {
        if !self.calls.is_shut_out() {
            return Ok(());
        }
        let poll = self.context.healthengine.requests().await;
        self.calls.heard(Call::Poll, poll.as_ref().map(|_| ()));
        poll.map_err(RoundError::Healthengine)?;
        self.ask_again();
        Ok(())
    }

    async fn resync_days(
        &self,
        dry_run: bool,
        progress: &(dyn Fn(ResyncProgress) + Sync),
        outcome: &mut ResyncOutcome,
    ) -> Result<(), RoundError> {
        // What Healthengine accepted, or before that what it would be sent.
        let would_be_sent = || {
            let mut offering = Offering::clone(self.context.offering.current()?.as_ref());
            self.accepted.leave_out_protected(&mut offering);
            Some(Arc::new(offering))
        };
        let Some(offering) = self.context.offering.accepted().or_else(would_be_sent) else {
            return Err(RoundError::NoZone);
        };
        let days = self.context.horizon(&offering);
        let resources = &offering.mapping.resources;
        let total = resources.len() * days.count as usize;
        let done = AtomicUsize::new(0);
        let step = |days: usize| {
            let done = done.fetch_add(days, Ordering::Relaxed) + days;
            progress(ResyncProgress { done, total });
        };
        let mut unread = None;
        for part in resources.chunks(READ_IN_ONE_PART) {
            let reading = self.reader.read(&self.context.openvpms.background, &offering, part, days).await;
            let read = self.reader.days(&reading, &offering, part, days);
            let told = outcome.days.get_or_insert_default();
            let changed = self.publisher.changed(&read, SendIf::Changed);
            told.changed += changed.len();
            if dry_run {
                told.sent += read.days.len();
                let difference = told.difference.get_or_insert_default();
                changed.iter().for_each(|day| difference.add(|| self.difference(day, &offering)));
            } else {
                self.wait_for_the_queue(&read).await;
                let published =
                    self.publisher.publish(read, SendIf::Always, &step).await.map_err(RoundError::Healthengine)?;
                told.sent += published.accepted;
                told.refused += published.refused;
            }
            let nothing_answered = reading.nothing_answered();
            unread = unread.or(reading.failure);
            if unread.is_some() && nothing_answered {
                break;
            }
        }
        // What could be read was sent; the rest is a problem.
        unread.map_or(Ok(()), |error| Err(RoundError::OpenVpms(error)))
    }

    /// How a day differs from what Healthengine was last sent of it.
    fn difference(&self, day: &ResourceDay, offering: &Offering) -> ChangedDay {
        let last = self.publisher.sent.last_of((day.resource, day.date));
        let name = offering.mapping.resource(day.resource).map_or_else(String::new, |own| own.name.clone());
        let moment = Moment { now: self.context.now(), min_notice: self.context.min_notice() };
        ChangedDay::new(last.as_ref().map(|last| &last.sent), day, name, moment, &offering.zones.practice)
    }

    /// Until the last of the days may be sent again: one that was sent a moment ago would else be
    /// put off, and a command that sends by itself has nobody to put it off to.
    async fn wait_for_the_queue(&self, read: &ReadDays) {
        let free_from =
            read.days.iter().map(|day| self.publisher.sent.free_from(day.resource, day.date, self.context.now())).max();
        let wait = free_from.and_then(|at| (at - self.context.now()).to_std().ok()).unwrap_or_default();
        // Longer than that only if the clock was set back.
        tokio::time::sleep(wait.min(QUEUE_WAIT_MAX)).await;
    }
}
