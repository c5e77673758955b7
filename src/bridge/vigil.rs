//! What is looked at again and again although nothing happened: who is in step, which pauses may be
//! forgotten, and what stands for so long that it is logged again.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::off::Off;
use super::runner::{PracticeRunner, RunState};
use crate::messages::call_rates::{self, RateFinding};
use crate::messages::practice as say;
use crate::polling::call_rates::{CallBudget, DiaryReads};
use crate::practice::health::problems::Problems;
use crate::practice::health::subject::Subject;
use crate::practice::{Shared, pauses};

/// Practices are judged so often.
pub(super) const JUDGED_EVERY: Duration = Duration::from_secs(5);
/// Problems that stand are looked at so often, and whenever one is to be logged again. It is less
/// than the first pause of a problem that begins meanwhile.
const LOG_AGAIN: Duration = Duration::from_secs(30);
/// and not more often than this.
const LOOKS_APART: Duration = Duration::from_millis(100);

/// Has every practice judged that is on, so that since when it is in step does not depend on who
/// asks.
pub(super) fn judge(runners: &[Arc<PracticeRunner>], now: DateTime<Utc>) {
    for runner in runners.iter().filter(|runner| runner.standing() == RunState::On) {
        runner.practice().judge(now);
    }
}

/// What is to be said of the calls that come by themselves.
pub(super) fn rate_findings(runners: &[Arc<PracticeRunner>], budget: &CallBudget) -> Vec<RateFinding> {
    let (mut practices, mut reads) = (0, DiaryReads::default());
    for runner in runners.iter().filter(|runner| runner.standing() == RunState::On) {
        practices += 1;
        runner.practice().add_reads(&mut reads);
    }
    let found = [call_rates::found_of_polls(practices, budget), call_rates::found_of_readings(&reads, budget)];
    found.into_iter().flatten().collect()
}

/// Tells of calls that cannot all be made in time.
pub(super) fn judge_call_rates(found: &[RateFinding], health: &Problems, now: DateTime<Utc>) {
    let too_much = found.iter().filter(|own| own.is_too_much).map(|own| own.advice.to_string());
    let text = too_much.collect::<Vec<_>>().join(" ");
    health.set(Subject::CallRates, (!text.is_empty()).then_some(text), now);
}

/// Tells of pauses that somebody may have forgotten, and logs again what stands for long. When to
/// look next.
pub(super) fn log_again(runners: &[Arc<PracticeRunner>], health: &Problems, shared: &Shared) -> Duration {
    let now = shared.clock.now();
    let (mut is_any_live, mut next) = (false, LOG_AGAIN);
    for runner in runners {
        let practice = runner.practice();
        if runner.wanted().off() == Some(Off::Paused) {
            let long = pauses::of(&shared.store, practice.id()).and_then(|pause| pause.for_long(now));
            let text = long.map(|lasts| say::paused_for_long(practice.id(), lasts));
            practice.health().set(Subject::Paused, text, now);
        }
        let is_live = practice.is_live(now);
        is_any_live |= is_live;
        practice.health().log_again(is_live, now);
        next = practice.health().due_within(next);
    }
    health.log_again(is_any_live, now);
    health.due_within(next).max(LOOKS_APART)
}
