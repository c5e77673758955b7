//! Rules of the offer that change while a life lasts, the new clients among its pet owners, and what is promised of
//! both.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use vetbridge::availability::rules::refusal_of_new_clients;
use vetbridge::booking::entry::{Entry, State};
use vetbridge::ids::{BookingId, PracticeId, ResourceId, TypeId};
use vetbridge::simulator::healthengine::{MarketplaceBooking, RequestOutcome};

use crate::checker::{Wrong, of};
use crate::life::Life;
use crate::rare::Kind;
use crate::story::About;
use crate::support::{Chance, Starts, left, rules};

/// How the ledger says that a rule withheld a time.
const NOT_OFFERED: &str = "The practice does not offer this time online";
const CALL_US: &str = "New clients please call.";

/// So long after a change the rules are in force, where nothing is wrong.
const IN_FORCE_AFTER: TimeDelta = TimeDelta::seconds(90);
/// A booking that is answered within this was seen while a rejection counted.
const IN_TIME: TimeDelta = TimeDelta::seconds(10);
/// A notice withdraws a time with the next reading of its day.
const WITHDRAWN_WITHIN: TimeDelta = TimeDelta::minutes(5);

/// A person takes so long at least from one file to the next.
const SAVED_APART: TimeDelta = TimeDelta::seconds(20);

/// What the checker remembers of rules.
#[derive(Debug, Default)]
pub(crate) struct RuleBook {
    /// When the rules of each practice last changed.
    changed: BTreeMap<PracticeId, DateTime<Utc>>,
    new_clients: BTreeSet<BookingId>,
    /// The bookings that rules rejected, each counted once.
    counted: BTreeSet<BookingId>,
}

impl Life {
    /// Somebody saves a file with other rules, and not another one at once: each has everything
    /// that is refused asked about again.
    pub(crate) fn the_rules_change(&mut self, chance: &Chance) {
        let now = self.world.clock.now();
        if self.rule_book.changed.values().any(|at| now - *at < SAVED_APART) {
            return;
        }
        let id = chance.pick(&self.world.config.practices).id.clone();
        let resources = self.world.resources(&id);
        let tables: String = (0..chance.below(4)).map(|_| some_rule(chance, &resources)).collect();
        self.world.story.count("rules changed");
        self.world.story.tell(About::All, format!("the rules of {id} are {}", tables.replace('\n', " ")));
        self.world.practice_mut(&id).rules = rules(&tables);
        self.rule_book.changed.insert(id, now);
        // What is under way is broken off and begun anew.
        self.world.story.disturb(TimeDelta::seconds(5));
        self.world.reload();
    }

    /// In lives with rules some pet owners are new.
    pub(crate) fn perhaps_by_a_new_client(&mut self, id: BookingId) {
        let Some(chance) = self.rare.chance(Kind::Rules) else { return };
        if chance.percent(30) {
            self.world.healthengine.write_field(id, "isNewPatient", Some(true.into())).unwrap();
            self.rule_book.new_clients.insert(id);
            self.world.story.count("a new client books");
            self.world.story.tell(About::Booking(id), "the pet owner is a new client");
        }
    }

    /// No rule rejects what its pet owner was offered, but new clients it does.
    pub(crate) fn check_rules(&mut self, bookings: &[MarketplaceBooking]) -> Result<(), Wrong> {
        if self.rare.chance(Kind::Rules).is_none() {
            return Ok(());
        }
        for booking in bookings {
            let id = booking.id;
            let entry = self.world.entry(id);
            let rejected = entry.as_ref().filter(|entry| entry.state == State::Rejected);
            let reason = rejected.and_then(Entry::last_reason).map(ToString::to_string).unwrap_or_default();
            if reason.starts_with(NOT_OFFERED) {
                self.count_once(id, "rejected by a rule");
                if self.was_offered.contains(&id) {
                    return Err(of(
                        id,
                        format!("booking {id} was rejected by a rule, and was offered when it was booked"),
                    ));
                }
            }
            if reason == CALL_US {
                self.count_once(id, "a new client rejected");
                if !self.rule_book.new_clients.contains(&id) {
                    return Err(of(id, format!("booking {id} was rejected as one of a new client, who is not new")));
                }
            }
            if self.must_be_turned_away(booking) {
                return Err(of(id, format!("booking {id} is one of a new client and was confirmed")));
            }
        }
        Ok(())
    }

    fn count_once(&mut self, id: BookingId, what: &str) {
        if self.rule_book.counted.insert(id) {
            self.world.story.count(what);
        }
    }

    /// A booking of a new client that was confirmed while it could have been rejected, by rules that were in force.
    fn must_be_turned_away(&self, booking: &MarketplaceBooking) -> bool {
        let Some(booked) = self.booked.get(&booking.id).copied() else { return false };
        let practice = self.world.config.practices.iter().find(|own| own.id == booking.practice).unwrap();
        let changed = self.rule_book.changed.get(&booking.practice);
        let is_steady = changed.is_some_and(|changed| booked - *changed > IN_FORCE_AFTER);
        // What a person settled, and what a clock that is wrong takes for late.
        let other_doings = self.deeds.contains_key(&booking.id)
            || [Kind::ExtremeDates, Kind::Leaps].iter().any(|kind| self.rare.chance(*kind).is_some());
        let skew = TimeDelta::seconds(self.world.shape.skew_seconds);
        let in_time = booking.answered_at.is_some_and(|at| at - skew - booked < IN_TIME);
        if !is_steady || !in_time || other_doings || booking.answer != RequestOutcome::Confirmed {
            return false;
        }
        let resource: ResourceId = booking.resource.parse().unwrap();
        let kind = booking.appointment_type.as_ref().and_then(|kind| kind.parse::<TypeId>().ok());
        let refused = kind.and_then(|kind| {
            refusal_of_new_clients(&practice.rules, resource, kind.appointment_type, booking.start.date())
        });
        let calm = self.world.story.disturbed_until().is_none_or(|until| until < booked);
        self.rule_book.new_clients.contains(&booking.id) && refused.is_some() && calm
    }

    /// What the rules leave at least and at most of a day: with the last reading a start may not have been inside a
    /// notice yet.
    pub(crate) fn left_by_rules(&self, practice: &PracticeId, resource: ResourceId, free: &Starts) -> (Starts, Starts) {
        let config = self.world.config.practices.iter().find(|own| own.id == *practice).unwrap();
        if config.rules.is_empty() {
            return (free.clone(), free.clone());
        }
        let ledger: Vec<_> = self.world.bridge().into_iter().flat_map(|bridge| bridge.ledger().all()).collect();
        let at = |now| self.world.openvpms.staff(|clinic| left(free, &config.rules, resource, now, (clinic, &ledger)));
        let (now, before) = (at(self.world.wall()), at(self.world.wall() - WITHDRAWN_WITHIN));
        let (mut least, mut most) = (now.clone(), now);
        for (start, types) in &before {
            let known = most.entry(*start).or_default();
            known.extend(types.iter().filter(|kind| !known.contains(kind)).cloned().collect::<Vec<_>>());
            known.sort_unstable();
        }
        for (start, types) in &mut least {
            types.retain(|kind| before.get(start).is_some_and(|before| before.contains(kind)));
        }
        (least, most)
    }
}

fn some_rule(chance: &Chance, resources: &[ResourceId]) -> String {
    let about = match chance.below(5) {
        0 => format!("resources = [\"{}\"]\n", chance.pick(resources)),
        1 => "types = [63]\n".to_owned(),
        2 => "types = [66, 79]\n".to_owned(),
        _ => String::new(),
    };
    let holds = match chance.below(12) {
        0 | 1 => "hours = [\"09:00-11:00\", \"12:30-16:00\"]".to_owned(),
        2 => "days = [\"tuesday\"]\nhours = [\"10:30-12:00\"]".to_owned(),
        3 => format!("min_notice = \"{}\"", chance.pick(&["90m", "3h", "1d"])),
        4 => format!("max_days_ahead = {}", chance.below(3)),
        5 | 6 => format!("max_per_day = {}", 1 + chance.below(3)),
        7 | 8 => format!("keep_free = {}", 1 + chance.below(20)),
        _ => format!("new_patients = \"reject\"\nmessage = \"{CALL_US}\""),
    };
    format!("[[practice.rule]]\n{about}{holds}\n")
}
