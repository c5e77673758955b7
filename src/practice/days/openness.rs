//! Tells what is offered and can never be booked, because it has no open time on any day of the
//! horizon.

use std::collections::{BTreeMap, BTreeSet};

use super::passes::DayPasses;
use crate::availability::openness::{Shut, shut};
use crate::availability::rules::{NothingLeft, RulesInForce};
use crate::availability::{Days, Question, nothing_left};
use crate::ids::ResourceId;
use crate::mapping::Resource;
use crate::messages::{check_findings as say, plain};
use crate::practice::health::subject::Subject;
use crate::practice::offering::Offering;
use crate::practice::reading::Reading;

/// So many are named; of the others the number is told.
const NAMED_MAX: usize = 10;

impl DayPasses {
    /// What a reading of some resources tells of it.
    pub(super) fn note_openness(&self, reading: &Reading, offering: &Offering, resources: &[Resource], days: Days) {
        let asked = resources.iter().map(|resource| resource.id);
        let mut found = shut(asked, &reading.readings, &self.context.shared.rosters.locked());
        for (resource, why) in self.nothing_left(reading, offering, resources, days) {
            found.entry(resource).and_modify(|shut| *shut = shut.take().or(Some(Shut::Rules(why))));
        }
        let horizon = self.context.horizon(offering);
        self.openness.lock().note(days, horizon, &found);
    }

    /// What the rules leave nothing of. A day that is full by a rule is none of it.
    fn nothing_left(
        &self,
        reading: &Reading,
        offering: &Offering,
        resources: &[Resource],
        days: Days,
    ) -> BTreeMap<ResourceId, NothingLeft> {
        if self.context.config.rules.is_empty() {
            return BTreeMap::new();
        }
        // Many sets of rules may be tried on every day, and whoever looks at a booking's time needs
        // the rosters meanwhile.
        let rosters = self.context.shared.rosters.locked().clone();
        self.reader.asking_with(&rosters, &reading.readings, offering, None, |question| {
            let rules = RulesInForce { counted: &[], ..question.rules };
            nothing_left(&Question { rules, ..*question }, resources, days)
        })
    }

    /// After a pass over all resources.
    pub(super) fn tell_openness(&self, offering: &Offering) {
        let never_open = {
            let mut openness = self.openness.lock();
            let offered: BTreeSet<ResourceId> = offering.mapping.resources.iter().map(|own| own.id).collect();
            openness.keep(&offered);
            openness.never_open()
        };
        let days = self.context.settings.sync.horizon_days;
        let sentence = |(resource, shut): &(ResourceId, Shut)| say::never_open(&named(offering, *resource), shut, days);
        let mut text: Vec<String> = Vec::new();
        let mut named_schedules = BTreeSet::new();
        for own in &never_open {
            // A schedule is named once, however many clinicians are booked on it.
            if own.1 != Shut::Schedule || named_schedules.insert(own.0.schedule) {
                text.push(sentence(own).to_string());
            }
        }
        let more = text.len().saturating_sub(NAMED_MAX);
        text.truncate(NAMED_MAX);
        if more > 0 {
            text.push(say::more_never_open(more));
        }
        self.context.health.set(Subject::NeverOpen, (!text.is_empty()).then(|| text.join(" ")), self.context.now());
    }
}

fn named(offering: &Offering, id: ResourceId) -> String {
    let name = offering.mapping.resource(id).map(|own| plain(&own.name)).unwrap_or_default();
    match id.user {
        None => format!("Schedule {} ({name})", id.schedule),
        Some(_) => format!("{name} ({id})"),
    }
}
