//! What was found out and is told as a health problem, changed and told of in one step.
//!
//! Many tasks find things out at the same time. Whoever read the problem's text off the state, let
//! go of the state, and then set the text could overwrite what another task found and told
//! meanwhile: a problem that is over would stand until something else is found, or one that stands
//! would be hidden. So the state stays locked until its text is set.

use parking_lot::{Mutex, MutexGuard};

/// What was found out, read and changed by many tasks.
#[derive(Debug, Default)]
pub(in crate::practice) struct Findings<T>(Mutex<T>);

impl<T> Findings<T> {
    /// What is known at the start.
    pub(in crate::practice) fn new(state: T) -> Self {
        Self(Mutex::new(state))
    }

    /// Looks at it.
    pub(in crate::practice) fn look<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.locked())
    }

    /// Changes it, and tells of it before anybody else changes it.
    pub(in crate::practice) fn change<R>(&self, change: impl FnOnce(&mut T) -> R, tell: impl FnOnce(&T)) -> R {
        let mut state = self.locked();
        let outcome = change(&mut state);
        tell(&state);
        outcome
    }

    /// Changes what nothing is told of, or what is told of in a later step.
    pub(in crate::practice) fn note<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        self.change(change, |_| {})
    }

    fn locked(&self) -> MutexGuard<'_, T> {
        self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn while_one_task_tells_what_it_found_no_other_finds_something_else() {
        let findings = Findings::<u32>::default();
        let told = findings.change(
            |state| {
                *state = 1;
                "changed"
            },
            |state| assert!(*state == 1 && findings.0.try_lock().is_none(), "it is told under the same lock"),
        );
        assert_eq!((told, findings.look(|state| *state)), ("changed", 1));
    }
}
