//! Loops whose troubles are told among the problems of the whole.

use std::sync::Arc;

use super::problems::Problems;
use super::subject::Subject;
use crate::clock::Clock;
use crate::ids::PracticeId;
use crate::messages::supervisor as say;
use crate::supervisor::{Kept, STUCK_AFTER};

/// A loop that serves all practices, or one of them and outlives it.
pub(crate) fn kept(problems: &Arc<Problems>, clock: &Clock, name: &'static str, practice: Option<&PracticeId>) -> Kept {
    let (problems, clock, whose) = (Arc::clone(problems), clock.clone(), practice.cloned());
    Kept {
        name,
        practice: practice.cloned(),
        limit: STUCK_AFTER,
        tell: Box::new(move |trouble| {
            let text = trouble.map(|trouble| say::trouble(name, whose.as_ref(), trouble));
            let subject = match &whose {
                Some(practice) => Subject::LoopOf(name, practice.clone()),
                None => Subject::Loop(name),
            };
            problems.set(subject, text, clock.now());
        }),
    }
}
