//! When the heartbeat is asked: every interval, for as long as all is well.

use std::time::Duration;

/// When it was last asked.
#[derive(Debug, Default)]
pub struct Heartbeat {
    last: Option<Duration>,
}

impl Heartbeat {
    /// True if it is to be asked at this moment, which is noted.
    pub fn beats(&mut self, is_well: bool, interval: Duration, at: Duration) -> bool {
        let is_due = self.last.is_none_or(|last| at.saturating_sub(last) >= interval);
        if is_well && is_due {
            self.last = Some(at);
        }
        is_well && is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_beats_every_interval_while_all_is_well_and_at_once_when_it_is_again() {
        let mut heartbeat = Heartbeat::default();
        let is_well = |second: u64| !(100..250).contains(&second);
        let second = Duration::from_secs;
        let beats = (0..400).filter(|at| heartbeat.beats(is_well(*at), second(60), second(*at)));
        assert_eq!(beats.collect::<Vec<_>>(), [0, 60, 250, 310, 370]);
    }
}
