//! How long to wait between two polls: one function for everything that has a say in it.
//!
//! | what | wait |
//! | --- | --- |
//! | inside the live hours | `request_interval` |
//! | outside them, or while webhooks demonstrably arrive | `idle_request_interval` |
//! | Healthengine did not answer | the backoff |
//! | it refuses credentials or consent, for half a minute | five minutes, whatever webhooks say |
//! | it asked for more time (`Retry-After`) | no less than that, up to half a minute |
//!
//! Healthengine takes a practice off the site after ten minutes without a poll inside the live
//! hours, and wants one an hour at any time. Whatever the configuration says, half of that is the
//! most, so that one lost poll does no harm; and a long wait ends when the live hours begin.
//! However long Healthengine wants to be left alone, a poll each half minute says that we are there
//! and finds out whether bookings wait.
//!
//! A webhook is followed at once, however soon after a poll it comes: two pet owners who book in
//! the same second wait for nothing. Only a storm of them is slowed down: after [`BURST`] polls
//! that webhooks caused, the next ones are [`SPACING`] apart ([`HintPolls`]).

use std::time::{Duration, Instant};

use crate::call_error::PROBE_EVERY;

/// The longest wait inside the live hours.
pub const LIVE_LONGEST: Duration = Duration::from_secs(5 * 60);
/// The longest wait outside them.
pub const IDLE_LONGEST: Duration = Duration::from_secs(30 * 60);
/// How long Healthengine is left alone after it refused our credentials or the practice's consent.
pub const BLOCKED: Duration = Duration::from_secs(300);
/// So many polls that webhooks cause may follow each other at once.
pub const BURST: u32 = 5;
/// After so long without them, one more may.
pub const SPACING: Duration = Duration::from_secs(1);
/// From the beginning of any poll to that of one that a webhook causes, while Healthengine does not
/// answer polls.
const SPACING_AFTER_FAILURE: Duration = Duration::from_secs(5);

/// How the last poll ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered.
    Answered,
    /// Credentials or consent are refused.
    Blocked,
    /// It was not answered.
    Failed {
        /// The delay of the backoff.
        backoff: Duration,
        /// How long Healthengine wants to be left alone.
        retry_after: Option<Duration>,
    },
}

impl Outcome {
    /// In a word, for the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Blocked => "blocked",
            Self::Failed { .. } => "failed",
        }
    }
}

/// A refusal of credentials or consent that stands for so long is believed.
const BELIEVED_AFTER: Duration = Duration::from_secs(30);

/// Since when credentials or consent are refused. Something in between can say so in the API's own
/// form, or without a word, while it is replaced, and five minutes without a poll are long: so
/// refusals are asked about again until they have stood for a while.
#[derive(Debug, Default)]
pub struct Refusals(Option<Instant>);

impl Refusals {
    /// They were accepted.
    pub fn accepted(&mut self) {
        self.0 = None;
    }

    /// They were refused. True if that is to be believed.
    pub fn refused(&mut self, now: Instant) -> bool {
        now >= *self.0.get_or_insert(now) + BELIEVED_AFTER
    }
}

/// The polls that webhooks cause: a bucket of [`BURST`], in which one comes back each [`SPACING`].
///
/// Kept is the one moment at which the bucket is full again, which says how full it is now.
#[derive(Debug, Clone, Copy, Default)]
pub struct HintPolls {
    full_at: Option<Instant>,
}

impl HintPolls {
    /// A webhook caused a poll that began now.
    #[must_use]
    pub fn polled(self, now: Instant) -> Self {
        Self { full_at: Some(self.full_at.map_or(now, |full_at| full_at.max(now)) + SPACING) }
    }

    /// How long from now a webhook has to wait for its poll.
    pub fn wait(self, now: Instant) -> Duration {
        let refill = self.full_at.map_or(Duration::ZERO, |full_at| full_at.saturating_duration_since(now));
        refill.saturating_sub(SPACING * (BURST - 1))
    }
}

/// What the wait follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circumstances {
    /// How the last poll ended.
    pub outcome: Outcome,
    /// True inside the live hours.
    pub live: bool,
    /// When they begin, if that is within [`IDLE_LONGEST`].
    pub live_in: Option<Duration>,
    /// True while webhooks demonstrably arrive.
    pub webhooks_arrive: bool,
    /// How long from the beginning of the last poll a webhook has to wait because of those before
    /// it ([`HintPolls::wait`]).
    pub hint_wait: Duration,
    /// As configured.
    pub request_interval: Duration,
    /// As configured.
    pub idle_request_interval: Duration,
}

/// When to poll next, counted from the beginning of the last poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// After this long in any case.
    pub wait: Duration,
    /// After this long if a webhook says so; `None` if none can.
    pub hint_after: Option<Duration>,
}

/// When to poll next.
pub fn pace(circumstances: &Circumstances) -> Pace {
    let Circumstances { outcome, live, live_in, webhooks_arrive, hint_wait, request_interval, idle_request_interval } =
        *circumstances;
    let interval = if live && !webhooks_arrive { request_interval } else { idle_request_interval };
    let longest = match live_in {
        _ if live => LIVE_LONGEST,
        Some(live_in) => live_in.clamp(SPACING, IDLE_LONGEST),
        None => IDLE_LONGEST,
    };
    match outcome {
        Outcome::Answered => Pace { wait: interval.min(longest), hint_after: Some(hint_wait) },
        Outcome::Blocked => Pace { wait: BLOCKED, hint_after: None },
        Outcome::Failed { backoff, retry_after } => {
            let asked = retry_after.unwrap_or_default().min(PROBE_EVERY);
            let wait = backoff.min(longest).max(asked);
            Pace { wait, hint_after: Some(SPACING_AFTER_FAILURE.max(asked)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3600;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn failed(backoff: u64, retry_after: Option<u64>) -> Outcome {
        Outcome::Failed { backoff: seconds(backoff), retry_after: retry_after.map(seconds) }
    }

    /// Outcome, live, live in, webhooks arrive, request interval, idle interval: wait, after a
    /// webhook (in milliseconds).
    type Row = (Outcome, bool, Option<u64>, bool, u64, u64, u64, Option<u64>);

    #[tokio::test]
    async fn a_refusal_is_believed_when_it_has_stood_for_half_a_minute() {
        let (mut refusals, start) = (Refusals::default(), tokio::time::Instant::now().into_std());
        let refused = [0, 5, 15, 29, 30, 400].map(|after| refusals.refused(start + seconds(after)));
        assert_eq!(refused, [false, false, false, false, true, true]);
        refusals.accepted();
        assert!(!refusals.refused(start + seconds(401)));
    }

    #[test]
    fn every_wait_follows_from_the_circumstances() {
        use Outcome::{Answered, Blocked};
        let table: [Row; 22] = [
            // The intervals of the configuration.
            (Answered, true, None, false, 5, 10, 5, Some(1000)),
            (Answered, true, None, true, 5, 10, 10, Some(1000)),
            (Answered, false, None, false, 5, 10, 10, Some(1000)),
            (Answered, false, None, true, 5, 10, 10, Some(1000)),
            // Half of what Healthengine allows is the most.
            (Answered, true, None, false, HOUR, 10, 300, Some(1000)),
            (Answered, true, None, true, 5, HOUR, 300, Some(1000)),
            (Answered, false, None, false, 5, 24 * HOUR, HOUR / 2, Some(1000)),
            // A long wait ends when the live hours begin.
            (Answered, false, Some(600), false, 5, HOUR, 600, Some(1000)),
            (Answered, false, Some(600), false, 5, 10, 10, Some(1000)),
            (Answered, false, Some(HOUR), false, 5, HOUR, HOUR / 2, Some(1000)),
            // Healthengine does not answer.
            (failed(7, None), true, None, false, 5, 10, 7, Some(5000)),
            (failed(HOUR, None), true, None, false, 5, 10, 300, Some(5000)),
            (failed(HOUR, None), true, None, true, 5, 10, 300, Some(5000)),
            (failed(HOUR, None), false, None, false, 5, 10, HOUR / 2, Some(5000)),
            (failed(HOUR, None), false, Some(60), false, 5, 10, 60, Some(5000)),
            // It asked for more time: no less up to half a minute, whatever webhooks say.
            (failed(7, Some(20)), true, None, false, 5, 10, 20, Some(20_000)),
            (failed(7, Some(HOUR)), true, None, false, 5, 10, 30, Some(30_000)),
            (failed(HOUR, Some(60)), true, None, false, 5, 10, 300, Some(30_000)),
            (failed(7, Some(2)), true, None, false, 5, 10, 7, Some(5000)),
            // It refuses us.
            (Blocked, true, None, false, 5, 10, 300, None),
            (Blocked, false, None, true, 5, HOUR, 300, None),
            (Blocked, false, Some(10), false, 5, HOUR, 300, None),
        ];
        for row in table {
            let (outcome, live, live_in, webhooks_arrive, request, idle, wait, hint_after) = row;
            let circumstances = Circumstances {
                outcome,
                live,
                live_in: live_in.map(seconds),
                webhooks_arrive,
                hint_wait: SPACING,
                request_interval: seconds(request),
                idle_request_interval: seconds(idle),
            };
            let expected = Pace { wait: seconds(wait), hint_after: hint_after.map(Duration::from_millis) };
            assert_eq!(pace(&circumstances), expected, "{circumstances:?}");
        }
    }

    #[test]
    fn a_webhook_waits_while_healthengine_does_not_answer_and_for_ever_while_it_refuses_us() {
        for (outcome, after) in [(failed(1, None), Some(5000)), (Outcome::Blocked, None)] {
            for hint_wait in [0, 300, 1000] {
                let circumstances = Circumstances {
                    outcome,
                    live: true,
                    live_in: None,
                    webhooks_arrive: true,
                    hint_wait: Duration::from_millis(hint_wait),
                    request_interval: seconds(5),
                    idle_request_interval: seconds(10),
                };
                let hint_after = pace(&circumstances).hint_after.map(|after| after.as_millis());
                assert_eq!(hint_after, after, "{outcome:?}, {hint_wait} ms");
            }
        }
    }

    /// Polls of a practice that hears of a webhook at each of these moments, in milliseconds: when
    /// they begin, and whether a webhook caused them. A poll takes no time.
    fn polls(webhooks: &[u64], interval: Duration, until: Duration) -> Vec<(Duration, bool)> {
        let start = tokio::time::Instant::now().into_std();
        let mut budget = HintPolls::default();
        let mut polls: Vec<(Duration, bool)> = vec![(Duration::ZERO, false)];
        let mut heard = webhooks.iter().copied().map(Duration::from_millis).peekable();
        while let Some((began, _)) = polls.last().copied().filter(|(began, _)| *began < until) {
            let circumstances = Circumstances {
                outcome: Outcome::Answered,
                live: true,
                live_in: None,
                webhooks_arrive: false,
                hint_wait: budget.wait(start + began),
                request_interval: interval,
                idle_request_interval: interval,
            };
            let Pace { wait, hint_after } = pace(&circumstances);
            let hinted = heard.peek().map(|at| (*at).max(began + hint_after.unwrap()));
            let next = match hinted {
                Some(hinted) if hinted < began + wait => (hinted, true),
                Some(_) | None => (began + wait, false),
            };
            if next.1 {
                budget = budget.polled(start + next.0);
            }
            // Whatever was heard until then is answered by this poll.
            while heard.next_if(|at| *at <= next.0).is_some() {}
            polls.push(next);
        }
        polls
    }

    #[test]
    fn the_first_five_webhooks_of_a_burst_are_polled_for_at_once_and_so_are_those_a_second_apart() {
        let mut webhooks = vec![10_000, 10_150, 10_300, 10_450, 10_600];
        webhooks.extend((0..20).map(|more| 20_001 + 1_000 * more));
        webhooks.extend([50_000, 50_000, 50_001, 50_002, 50_003, 50_004]);
        let polls = polls(&webhooks, seconds(7), seconds(60));
        for webhook in webhooks.into_iter().map(Duration::from_millis) {
            assert!(polls.contains(&(webhook, true)), "{webhook:?}: {polls:?}");
        }
    }

    #[test]
    fn a_storm_of_webhooks_means_one_poll_a_second_after_its_first_five() {
        let storm: Vec<u64> = (5_020..25_020).collect();
        let polls = polls(&storm, seconds(5), seconds(40));
        let hinted: Vec<Duration> = polls.iter().filter(|(_, hinted)| *hinted).map(|(at, _)| *at).collect();
        let burst = usize::try_from(BURST).unwrap();
        assert_eq!(hinted[..burst], [5_020, 5_021, 5_022, 5_023, 5_024].map(Duration::from_millis));
        // In any stretch of time: no more than the bucket holds and what came back meanwhile.
        for (first, begin) in hinted.iter().enumerate() {
            for (last, end) in hinted.iter().enumerate().skip(first) {
                let room = BURST + u32::try_from((*end - *begin).as_secs()).unwrap();
                assert!(last - first < usize::try_from(room).unwrap(), "{begin:?} to {end:?}: {hinted:?}");
            }
        }
        assert!(hinted[burst..].windows(2).all(|pair| pair[1] - pair[0] >= SPACING), "{hinted:?}");
        assert!((24..=26).contains(&hinted.len()), "{hinted:?}");
        for webhook in storm.into_iter().map(Duration::from_millis) {
            let answer = polls.iter().find(|(at, _)| *at >= webhook).unwrap().0;
            assert!(answer - webhook <= SPACING, "{webhook:?}: {answer:?}");
        }
    }

    #[test]
    fn inside_the_live_hours_no_wait_comes_near_ten_minutes_unless_healthengine_asked_for_it() {
        for milliseconds in [100, 1_000, 599_000, 600_000, 3_600_000, u64::MAX / 2] {
            let long = Duration::from_millis(milliseconds);
            for outcome in
                [Outcome::Answered, Outcome::Blocked, Outcome::Failed { backoff: long, retry_after: Some(seconds(9)) }]
            {
                for webhooks_arrive in [false, true] {
                    let circumstances = Circumstances {
                        outcome,
                        live: true,
                        live_in: None,
                        webhooks_arrive,
                        hint_wait: Duration::ZERO,
                        request_interval: long,
                        idle_request_interval: long,
                    };
                    assert!(pace(&circumstances).wait <= LIVE_LONGEST, "{circumstances:?}");
                }
            }
        }
    }
}
