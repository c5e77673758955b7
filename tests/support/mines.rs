//! Faults planted in the bridge's own loops: a panic, or a call that never comes back, at a place that a test chooses.

use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};

use vetbridge::supervisor::running;

/// Where a loop is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// It looks at the machine's clock.
    Clock,
    /// It calls a server: `GET /requests`.
    Call(&'a str),
}

/// What happens to it there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mine {
    /// It panics.
    Panic,
    /// It is not heard of again.
    Hang,
}

type Plan = Box<dyn FnMut(&'static str, Step<'_>) -> Option<Mine> + Send>;

/// The faults that are planted.
#[derive(Clone, Default)]
pub(crate) struct Mines(Arc<Mutex<Option<Plan>>>);

impl Mines {
    /// From here on this says what happens to a loop of this name, or to a `task`, at each of its steps.
    pub(crate) fn plant(&self, plan: impl FnMut(&'static str, Step<'_>) -> Option<Mine> + Send + 'static) {
        *self.0.lock().unwrap() = Some(Box::new(plan));
    }

    /// From here on nothing happens.
    pub(crate) fn clear(&self) {
        *self.0.lock().unwrap() = None;
    }

    /// A loop is at this step. True if it is not to come back.
    pub(super) fn step(&self, step: Step<'_>) -> bool {
        let met = self.met(step);
        if met == Some(Mine::Panic) {
            go_off();
        }
        met == Some(Mine::Hang)
    }

    /// What a loop meets at this step.
    pub(crate) fn met(&self, step: Step<'_>) -> Option<Mine> {
        // The test looks at the clock too, in no loop.
        let name = running().or_else(|| matches!(step, Step::Call(_)).then_some("task"))?;
        self.0.lock().unwrap().as_mut().and_then(|plan| plan(name, step))
    }
}

/// A panic that nobody has to read of, because it was meant.
pub(crate) fn go_off() -> ! {
    resume_unwind(Box::new("planted"))
}
