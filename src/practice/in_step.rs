//! Whether Healthengine shows what the diary says.

use chrono::{DateTime, TimeDelta, Utc};

use super::Practice;
use super::health::step_since::StepSince;
use super::health::subject::Subject;
use crate::alerts::concern::Concern;
use crate::call_error::ServerOutage;
use crate::messages::out_of_step::OutOfStep;
use crate::messages::supervisor;

impl Practice {
    /// Why Healthengine may not show what the diary says, in sentences; none when it does.
    pub fn not_in_step(&self, now: DateTime<Utc>) -> Vec<String> {
        self.out_of_step(now).iter().map(ToString::to_string).collect()
    }

    /// Why Healthengine may not show what the diary says; empty when it does. Every judgement
    /// counts for [`Self::step_since`].
    pub fn out_of_step(&self, now: DateTime<Utc>) -> Vec<OutOfStep> {
        let reasons = self.reasons(now);
        let mut since = self.context.step_since.lock();
        *since = Some(StepSince::judged(*since, reasons.is_empty(), now));
        reasons
    }

    /// Judges it, so that [`Self::step_since`] is of this moment.
    pub fn judge(&self, now: DateTime<Utc>) {
        drop(self.out_of_step(now));
    }

    /// Since when it is in step, or is not, as it was judged last.
    pub fn step_since(&self) -> Option<StepSince> {
        *self.context.step_since.lock()
    }

    fn reasons(&self, now: DateTime<Utc>) -> Vec<OutOfStep> {
        let (context, last_done) = (&self.context, self.last_done());
        let has = |subject| context.health.has(&subject);
        let mut reasons = Vec::new();
        if !self.configuration.was_ever_accepted() {
            // Nothing was sent that Healthengine could have accepted.
            let why = if has(Subject::OpenVpms) { OutOfStep::NotConfiguredUnread } else { OutOfStep::NotConfigured };
            reasons.push(why);
        }
        let is_refused = context.health.outage_of(&Subject::OpenVpms) == Some(ServerOutage::OpenVpmsRefuses);
        if is_refused || self.is_reading_out_of_step(now) {
            // A reading can also wait for Healthengine, or for its first turn.
            let why = match last_done.read_at {
                _ if is_refused || self.reader.readings.is_refused() => OutOfStep::OpenVpmsRefuses,
                _ if has(Subject::OpenVpms) => OutOfStep::OpenVpmsNotRead,
                None => OutOfStep::DiaryNotReadYet,
                Some(_) => OutOfStep::DiaryNotRead,
            };
            reasons.push(why);
        }
        // Before its first polls a practice that starts anew goes by what it took over.
        let failed_before = context.health.has_taken_over(&Subject::Healthengine);
        let is_poll_unanswered = self.calls.poll_fails() || has(Subject::BookingList) || failed_before;
        let poll_wait = TimeDelta::from_std(last_done.poll_wait).unwrap_or(TimeDelta::minutes(30));
        if has(Subject::Access) {
            // A poll that is refused was answered, and what is refused is asked less often.
            reasons.push(OutOfStep::NoAccess);
        } else if is_poll_unanswered {
            reasons.push(OutOfStep::PollNotAnswered);
        } else if is_stale(last_done.polled_at, (poll_wait * 3).max(TimeDelta::seconds(10)), now) {
            let why = if last_done.polled_at.is_none() { OutOfStep::NotPolledYet } else { OutOfStep::NotPolled };
            reasons.push(why);
        }
        let is_near_day_refused = || has(Subject::RefusedDays) && self.is_near_day_refused(now);
        if has(Subject::Configuration) || has(Subject::Days) || is_near_day_refused() {
            reasons.push(OutOfStep::NotTaken);
        }
        if self.executor.other_bridge.is_certain() {
            reasons.push(OutOfStep::NotAlone);
        }
        reasons.extend(supervisor::not_alive(&context.shared.supervisor.ill(context.id())).map(OutOfStep::LoopIll));
        reasons
    }

    /// What of its problems people are told.
    pub fn concerns(&self, now: DateTime<Utc>) -> Vec<Concern> {
        let context = &self.context;
        let is_another_there = self.executor.other_bridge.is_certain();
        let is_near_day_refused = self.is_near_day_refused(now);
        let ill = context.shared.supervisor.ill(context.id());
        #[expect(clippy::wildcard_enum_match_arm, reason = "the others always do, or never")]
        context.health.concerns(|subject| match subject {
            Subject::OtherBridge => is_another_there,
            Subject::RefusedDays => is_near_day_refused,
            Subject::Loop(name) => ill.contains(name),
            _ => false,
        })
    }

    fn is_near_day_refused(&self, now: DateTime<Utc>) -> bool {
        let first = self.context.zone().wall(now).date();
        let end = first + chrono::Days::new(self.context.settings.sync.near_days.into());
        self.publisher.sent.is_refused_within(first, end)
    }

    /// True if the diary was last read too long ago.
    pub(super) fn is_reading_out_of_step(&self, now: DateTime<Utc>) -> bool {
        let near_interval = TimeDelta::from_std(self.context.settings.sync.availability_interval);
        // A reading takes its time, so a young process or a slow server is not out of step after
        // two intervals of 100 ms.
        let stale = (near_interval.unwrap_or(TimeDelta::minutes(1)) * 2).max(TimeDelta::seconds(10));
        is_stale(self.last_done().read_at, stale, now)
    }
}

/// True for what was never done, or so long ago. Far in the future it was done before this
/// machine's clock was set right: how long ago that is nobody knows.
fn is_stale(at: Option<DateTime<Utc>>, after: TimeDelta, now: DateTime<Utc>) -> bool {
    at.is_none_or(|at| (now - at).abs() > after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_before_the_clock_was_set_back_counts_for_nothing() {
        let (at, minute) = (DateTime::UNIX_EPOCH + TimeDelta::days(20_000), TimeDelta::minutes(1));
        assert!(is_stale(None, minute, at));
        for (after, expected) in [(0, false), (60, false), (61, true), (-60, false), (-61, true), (-864_000, true)] {
            assert_eq!(is_stale(Some(at), minute, at + TimeDelta::seconds(after)), expected, "{after}");
        }
    }
}
