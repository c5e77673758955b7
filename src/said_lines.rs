//! Lines of the log that would repeat for as long as something stays as it is: logged once, then
//! after a minute, then after two, four … up to an hour.
//!
//! Problems ([`crate::practice::health::problems`]) and every line about a call that is tried again
//! and again keep to this. It counts by the time that went by, whatever the clock was set to.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// The first pause.
const FIRST: Duration = Duration::from_secs(60);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(3600);
/// So many lines are told apart at most: what comes over the network is bounded. Beyond it nothing
/// is logged until an older line was not wanted for twice the longest pause.
const LINES_MAX: usize = 1000;

/// When a line that was logged is logged again.
#[derive(Debug, Clone, Copy)]
pub struct LogPause {
    next: Instant,
    pause: Duration,
}

impl LogPause {
    /// The line was logged at this moment.
    pub fn begin() -> Self {
        Self { next: Instant::now() + FIRST, pause: FIRST }
    }

    /// True if the line is to be logged again; then the next pause is twice as long.
    pub fn is_due(&mut self) -> bool {
        let now = Instant::now();
        if now < self.next {
            return false;
        }
        self.pause = (self.pause * 2).min(LONGEST);
        self.next = now + self.pause;
        true
    }

    /// How long until the line is due again.
    pub fn left(&self) -> Duration {
        self.next.saturating_duration_since(Instant::now())
    }

    /// True if nobody wanted the line for so long that it is a new one when it comes.
    fn is_over(&self) -> bool {
        self.next + 2 * LONGEST <= Instant::now()
    }
}

/// The lines that were logged.
#[derive(Debug, Default)]
pub struct SaidLines(Mutex<BTreeMap<String, LogPause>>);

impl SaidLines {
    /// True if the line about this is to be logged.
    pub fn is_due(&self, what: &str) -> bool {
        let mut said = self.0.lock();
        if let Some(pause) = said.get_mut(what).filter(|pause| !pause.is_over()) {
            return pause.is_due();
        }
        if said.len() >= LINES_MAX {
            said.retain(|_, pause| !pause.is_over());
        }
        let has_room = said.len() < LINES_MAX;
        if has_room {
            said.insert(what.to_owned(), LogPause::begin());
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// After how many minutes a line is logged that is wanted every ten seconds.
    async fn logged(said: &SaidLines, what: &str, minutes: u32) -> Vec<u64> {
        let began = Instant::now();
        let mut logged = Vec::new();
        while began.elapsed() <= minutes * MINUTE {
            if said.is_due(what) {
                logged.push(began.elapsed().as_secs() / 60);
            }
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
        logged
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_is_logged_at_growing_pauses_and_anew_when_it_was_not_wanted_for_long() {
        let said = SaidLines::default();
        assert_eq!(logged(&said, "away", 300).await, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
        assert!(said.is_due("another"), "each line for itself");
        tokio::time::sleep(3 * LONGEST).await;
        assert_eq!(logged(&said, "away", 4).await, [0, 1, 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_lines_that_are_told_apart_have_a_bound() {
        let said = SaidLines::default();
        assert_eq!((0..2 * LINES_MAX).filter(|line| said.is_due(&line.to_string())).count(), LINES_MAX);
        tokio::time::sleep(3 * LONGEST).await;
        assert!(said.is_due("another"));
    }
}
