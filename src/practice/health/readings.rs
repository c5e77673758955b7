//! What of OpenVPMS could not be read, as the practice's problems tell it.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::findings::Findings;
use super::subject::Subject;
use crate::availability::Days;
use crate::availability::unread::{DiarySource, ReadProblem, Unread};
use crate::call_error::CallError;
use crate::practice::context::Context;

/// What could not be read and has not been read since.
pub(in crate::practice) struct ReadingHealth {
    context: Arc<Context>,
    unread: Findings<Unread>,
}

impl ReadingHealth {
    pub(in crate::practice) fn new(context: Arc<Context>) -> Self {
        Self { context, unread: Findings::default() }
    }

    /// A part of OpenVPMS was read, or could not be; of free/busy, on these days.
    pub(in crate::practice) fn heard(&self, source: DiarySource, days: Option<Days>, answer: Result<(), &CallError>) {
        if self.context.stop.is_cancelled() {
            return;
        }
        let (now, horizon) = (self.context.now(), self.days_that_are_read());
        if answer.is_ok() {
            self.context.last_done.lock().openvpms_at = Some(now);
        }
        let days = days.map(|days| days.within(horizon));
        if answer.is_err() && days.is_some_and(|days| days.count == 0) {
            // A booking can be looked for on a day that no pass reads: nothing would ever end that
            // problem.
            return;
        }
        let was_well = self.change(|unread| match answer {
            Ok(()) => {
                unread.answered(source, days, horizon);
                false
            }
            Err(error) => unread.failed(source, days, error, now),
        });
        if was_well && matches!(source, DiarySource::Places(_)) {
            // Of an inventory that is read once in ten minutes it would take that long to be
            // resolved.
            self.context.signals.configuration.soon();
        }
    }

    /// All free/busy of these days was read in one pass, which began at this time.
    pub(in crate::practice) fn read_in_full(&self, days: Days, began: DateTime<Utc>) {
        let (now, horizon) = (self.context.now(), self.days_that_are_read());
        self.change(|unread| unread.passed(days, began, horizon, now));
    }

    /// Nothing else of OpenVPMS is read any more.
    pub(in crate::practice) fn keep(&self, wanted: impl Fn(&DiarySource) -> bool) {
        let horizon = self.days_that_are_read();
        self.change(|unread| unread.keep(wanted, horizon));
    }

    /// True if there are days that could not be read.
    pub(in crate::practice) fn has_unread_days(&self) -> bool {
        self.unread.look(Unread::has_days)
    }

    /// True if OpenVPMS answers, and refuses the user.
    pub(in crate::practice) fn is_refused(&self) -> bool {
        self.unread.look(Unread::is_refused)
    }

    /// Something was found out of what is not read, and is told.
    fn change<R>(&self, change: impl FnOnce(&mut Unread) -> R) -> R {
        let now = self.context.now();
        self.unread.change(change, |unread| {
            let problem = unread.problem(now);
            let outage = problem.as_ref().and_then(ReadProblem::outage);
            self.context.health.set_in(outage, Subject::OpenVpms, problem.map(|own| own.to_string()), now);
        })
    }

    /// The horizon, also before the first inventory: a booking may be looked for by then.
    fn days_that_are_read(&self) -> Days {
        let context = &self.context;
        Days::from_today(context.now(), &context.zone(), context.settings.sync.horizon_days)
    }
}
