//! Since when a practice is in step, or is not: a value that every judgement carries on.
//!
//! A practice is judged every few seconds, and by everybody who asks in between. What ended and
//! came back between two judgements is not seen. Nothing of this survives a restart: nobody judged
//! while the process was stopped.

use chrono::{DateTime, Utc};

/// Since when a practice is in step, or is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepSince {
    /// How it was judged last.
    pub in_step: bool,
    /// Since when every judgement was like that.
    pub at: DateTime<Utc>,
    /// True for the first time since the practice started: how it was before, nobody judged.
    pub is_first: bool,
}

impl StepSince {
    /// After a judgement at `now`.
    #[must_use]
    pub(in crate::practice) fn judged(former: Option<Self>, in_step: bool, now: DateTime<Utc>) -> Self {
        match former {
            None => Self { in_step, at: now, is_first: true },
            // Nothing began in the future: the clock was set back.
            Some(former) if former.in_step == in_step => Self { at: former.at.min(now), ..former },
            // What gets in step for the first time was out of step since its start.
            Some(former) => Self { in_step, at: now, is_first: former.is_first && in_step },
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    fn after(judgements: &[(bool, i64)]) -> StepSince {
        let judged = |since, (in_step, minute): &(bool, i64)| Some(StepSince::judged(since, *in_step, at(*minute)));
        judgements.iter().fold(None, judged).unwrap()
    }

    #[test]
    fn it_is_in_step_since_the_first_judgement_that_said_so_and_no_other_said_otherwise_since() {
        let since = |in_step, minute, is_first| StepSince { in_step, at: at(minute), is_first };
        assert_eq!(after(&[(false, 1), (false, 2)]), since(false, 1, true));
        assert_eq!(after(&[(false, 1), (true, 2), (true, 3)]), since(true, 2, true));
        assert_eq!(after(&[(true, 1), (true, 9)]), since(true, 1, true), "it took over that it is in step");
        assert_eq!(after(&[(false, 1), (true, 2), (false, 3), (false, 4)]), since(false, 3, false));
        assert_eq!(after(&[(false, 1), (true, 2), (false, 3), (true, 5), (true, 6)]), since(true, 5, false));
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_make_it_begin_in_the_future() {
        assert_eq!(after(&[(true, 100), (true, 7)]).at, at(7));
    }
}
