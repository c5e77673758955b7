//! What of the bridge needs a person.

use super::Bridge;
use super::runner::RunState;
use crate::alerts::concern::{About, Concern, Sight};
use crate::alerts::teller::AlertSource;
use crate::ids::PracticeId;
use crate::messages::alerts as say;
use crate::practice::health::subject::Subject;
use crate::zone::Zone;

impl AlertSource for Bridge {
    fn sight(&self) -> Sight {
        let now = self.now();
        let mut sight = Sight { is_alive: self.supervisor().is_alive(), ..Sight::default() };
        // A loop that keeps a practice is one of those of the whole.
        let is_ill = |subject: &Subject| {
            let Subject::LoopOf(name, practice) = subject else { return false };
            self.supervisor().ill(practice).contains(name)
        };
        sight.concerns.extend(self.health().concerns(is_ill));
        sight.concerns.extend(self.ledger().concerns());
        for practice in self.practices() {
            let (id, reasons) = (practice.id().clone(), practice.not_in_step(now));
            sight.concerns.extend(practice.concerns(now));
            sight.practices.insert(id.clone(), reasons.is_empty());
            if !reasons.is_empty() {
                sight.concerns.push(Concern {
                    practice: Some(id),
                    about: About::OutOfStep,
                    sentence: say::out_of_step(&reasons),
                    since: now,
                    puts_out_of_step: false,
                    outage: None,
                    tells_of_outage: false,
                });
            }
        }
        for (practice, standing) in self.off() {
            // Of one that is silent nothing is known any more, but that somebody may have forgotten
            // its pause.
            let is_silent = matches!(standing, RunState::Silent(_));
            let is_told = |own: &Concern| !is_silent || own.about == About::Problem(Subject::Paused.name());
            sight.concerns.extend(practice.concerns(now).into_iter().filter(is_told));
        }
        sight
    }

    fn zone_of(&self, practice: &PracticeId) -> Option<Zone> {
        // Before OpenVPMS was ever read nobody knows it.
        Some(Self::zone_of(self, practice)).filter(Zone::names_a_place)
    }

    fn name_of(&self, practice: &PracticeId) -> Option<String> {
        self.on_or_off(practice)?.0.name()
    }

    fn tell(&self, not_delivered: Option<String>) {
        self.health().set(Subject::Alerts, not_delivered, self.now());
    }
}
