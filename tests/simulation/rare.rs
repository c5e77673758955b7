//! Faults that only some lives meet, each kind by a chance of its own: a life that meets none of
//! them is lived as if nobody knew of them, so the number of a seed keeps its meaning when another
//! kind is added.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::Value;
use vetbridge::ids::{AppointmentTypeId, BookingId, ScheduleId};
use vetbridge::practice::Practice;
use vetbridge::practice::resync::Only;
use vetbridge::simulator::exchange::{Fault, SentAnswer};
use vetbridge::simulator::openvpms::OpenVpmsSim;

use crate::life::Life;
use crate::story::{About, System};
use crate::support::{Chance, Mine, Step, seconds};
use crate::weather::{Gateway, UNSETTLED, Weather};
use crate::wire::ANSWERED;

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A date that no calendar has stands in one entry of an answer.
    ExtremeDates,
    /// Healthengine takes a certain day from nobody, or something before it takes no long call.
    RefusedDays,
    /// A server wants to be left alone for an hour.
    LongPauses,
    /// The appointment types of schedules are gone for a while.
    LostTypes,
    /// The machine of the bridge sleeps, or its clock is ahead for a while.
    Leaps,
    /// A loop of the bridge panics.
    Panics,
    /// Something in between has a page for one kind of call.
    Gateways,
    /// The rules of the offer change, and some pet owners are new clients.
    Rules,
}

/// One life out of so many meets a kind.
const LIVES: u64 = 8;
/// A process that panics more often than this may end itself, which is another story.
const PANICS_MAX: u32 = 6;

/// As they come from servers with a broken database: the ends of the calendar, no date at all, just
/// outside what counts.
const EXTREMES: [&str; 7] = [
    "-262143-01-01 00:00:00",
    "262142-12-31 23:59:59",
    "0000-00-00 00:00:00",
    "1999-12-31 23:59:59",
    "2200-01-01T00:00:00.000Z",
    "9999-12-31T23:59:59.999-18:00",
    "+262142-12-31T23:59:59Z",
];

/// The loops of a practice, and the tasks that deal with one booking each.
const LOOPS: [&str; 10] = [
    "task",
    "task",
    "configuration",
    "availability",
    "changed_days",
    "asked_days",
    "requests",
    "requests",
    "due_bookings",
    "appointments",
];

impl Kind {
    pub(crate) const ALL: [Self; 8] = [
        Self::ExtremeDates,
        Self::RefusedDays,
        Self::LongPauses,
        Self::LostTypes,
        Self::Leaps,
        Self::Panics,
        Self::Gateways,
        Self::Rules,
    ];

    /// What is counted of it.
    pub(crate) fn counted(self) -> &'static [&'static str] {
        match self {
            Self::ExtremeDates => &["OpenVPMS: a date out of range", "Healthengine: a date out of range"],
            Self::RefusedDays => &["days refused with 400", "days refused with 413"],
            Self::LongPauses => &[
                "OpenVPMS: 429 for an hour",
                "OpenVPMS: 503 for an hour",
                "Healthengine: 429 for an hour",
                "Healthengine: 503 for an hour",
            ],
            Self::LostTypes => &["types lost", "types held back"],
            Self::Leaps => &["an hour of sleep", "clock 1 h ahead", "clock 240 h ahead"],
            Self::Panics => &["panic of task", "panic of requests", "panic of availability", "panic of due_bookings"],
            Self::Gateways => &[
                "OpenVPMS: a gateway's page, 403",
                "Healthengine: a gateway's page, 200",
                "Healthengine: a gateway's page, 403",
                "Healthengine: a gateway's page, 404",
                "200 page to a cancellation",
            ],
            Self::Rules => &["rules changed", "a new client books", "rejected by a rule", "a new client rejected"],
        }
    }

    /// True if this life meets it.
    pub(crate) fn is_met_by(self, seed: u64) -> bool {
        self.chance(seed).is_some()
    }

    /// What decides about it in this life, if this life meets it.
    fn chance(self, seed: u64) -> Option<Chance> {
        // Seeds are far below, so no two lives or kinds have a chance in common.
        let own = (self as u64 + 1) << 56;
        let chance = Chance::from_seed(seed ^ own);
        (chance.below(LIVES) == 0).then_some(chance)
    }

    /// How likely it is at each step of a life that meets it.
    fn percent(self) -> u64 {
        match self {
            Self::ExtremeDates => 40,
            Self::RefusedDays => 15,
            Self::LongPauses => 4,
            Self::LostTypes | Self::Leaps => 6,
            Self::Panics | Self::Gateways => 10,
            Self::Rules => 12,
        }
    }
}

/// The kinds that one life meets.
pub(crate) struct Rare {
    met: Vec<(Kind, Chance)>,
    panics: Arc<Mutex<u32>>,
    /// The appointment types of every schedule, as they should be.
    types: Types,
}

type Types = BTreeMap<ScheduleId, Vec<(AppointmentTypeId, u32)>>;

impl fmt::Debug for Rare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.met.iter().map(|(kind, _)| kind)).finish()
    }
}

impl Rare {
    pub(crate) fn of(seed: u64) -> Self {
        let met = Kind::ALL.into_iter().filter_map(|kind| Some((kind, kind.chance(seed)?))).collect();
        Self { met, panics: Arc::default(), types: BTreeMap::new() }
    }

    /// What decides about a kind, if this life meets it.
    pub(crate) fn chance(&self, kind: Kind) -> Option<Chance> {
        self.met.iter().find(|(own, _)| *own == kind).map(|(_, chance)| chance.clone())
    }
}

impl Life {
    /// What does not change while a life lasts.
    pub(crate) fn is_rare_from_the_beginning(&mut self) {
        self.rare.types = self
            .world
            .openvpms
            .staff(|clinic| clinic.schedules.iter().map(|schedule| (schedule.id, schedule.types.clone())).collect());
        if let Some(chance) = self.rare.chance(Kind::Rules).filter(|chance| chance.percent(50)) {
            self.the_rules_change(&chance);
        }
        if let Some(chance) = self.rare.chance(Kind::RefusedDays) {
            // A single day is shorter than any of these, in how many pieces it may be.
            let most = *chance.pick(&[None, Some(3_000), Some(4_500)]);
            self.world.healthengine.configure(|settings| settings.batch_bytes_max = most);
        }
    }

    /// At each step.
    pub(crate) fn something_rare_happens(&mut self) {
        self.count_what_is_held_back();
        for (kind, chance) in self.rare.met.clone() {
            if !chance.percent(kind.percent()) {
                continue;
            }
            match kind {
                Kind::ExtremeDates => self.a_date_is_extreme(&chance),
                Kind::RefusedDays => self.a_day_is_refused(&chance),
                Kind::LongPauses => self.a_server_wants_to_be_left_alone(&chance),
                Kind::LostTypes => self.types_are_lost(&chance),
                Kind::Leaps => self.a_clock_leaps(&chance),
                Kind::Panics => self.plant_a_panic(&chance),
                Kind::Gateways => self.a_gateway_has_a_page(&chance),
                Kind::Rules => self.the_rules_change(&chance),
            }
        }
    }

    /// At the end of a life.
    pub(crate) fn nothing_rare_happens_any_more(&mut self) {
        self.world.misdated.clear();
        self.world.healthengine.configure(|settings| settings.refused_day = None);
        self.give_types_back();
        self.world.hands.set_machine(TimeDelta::zero());
        self.world.mines.clear();
        let lifts = self.rare.chance(Kind::LongPauses).is_some_and(|chance| chance.percent(50));
        if let Some(bridge) = self.world.bridge().filter(|_| lifts) {
            bridge.ask_again();
        }
    }

    /// For how much longer the background asks a server nothing, because it said so and nobody
    /// lifted it. Where only the ordinary faults happen nobody says so for longer than a minute.
    pub(crate) fn wish_to_be_left_alone(&self) -> Duration {
        let met = self.rare.chance(Kind::LongPauses).is_some();
        let wishes = self.world.bridge().filter(|_| met).map(|bridge| bridge.left_alone()).unwrap_or_default();
        wishes.into_iter().map(|(_, wish)| wish.left).max().unwrap_or_default()
    }

    /// A day that Healthengine refused goes out again when it changes, or when somebody types what
    /// the bridge says to type.
    pub(crate) fn refused_days_are_sent_again(&self) {
        if !self.healed || self.rare.chance(Kind::RefusedDays).is_none() {
            return;
        }
        let Some(bridge) = self.world.bridge() else { return };
        let practices = self.world.config.practices.iter().filter_map(|own| bridge.practice(&own.id));
        let is_told = |own: &Arc<Practice>| own.health().problems().iter().any(|one| one.subject == "refused_days");
        for practice in practices.filter(is_told) {
            self.world
                .story
                .tell(About::All, format!("somebody types vetbridge resync for practice {}", practice.id()));
            tokio::spawn(async move { practice.resync(Some(Only::Availability), false, &|_| {}).await });
        }
    }

    fn weather_of(&self, system: System) -> &Weather {
        match system {
            System::OpenVpms => &self.world.openvpms_weather,
            System::Healthengine => &self.world.healthengine_weather,
        }
    }

    fn a_date_is_extreme(&mut self, chance: &Chance) {
        let system = some_system(chance);
        let fields: &[&'static str] = match system {
            System::OpenVpms => &["start", "end"],
            System::Healthengine => {
                &["bookedTime", "bookedTime", "updatedAt", "pmsAppointmentTime", "dob", "day", DATE]
            }
        };
        let (field, text) = (*chance.pick(fields), *chance.pick(&EXTREMES));
        self.world.misdated.plan(Misdating { system, field, text, which: chance.below(1_000) as usize });
    }

    /// Whatever call it is part of.
    fn a_day_is_refused(&mut self, chance: &Chance) {
        let practice = chance.pick(&self.world.config.practices).id.clone();
        let resource = chance.pick(&self.world.resources(&practice)).to_string();
        let days: Vec<_> = self.world.days().collect();
        let refused = (resource, *chance.pick(&days));
        let lasts = 10 + chance.below(300);
        self.world.story.tell(About::All, format!("{} of {} is refused for {lasts} s", refused.1, refused.0));
        let healthengine = self.world.healthengine.clone();
        healthengine.configure(|settings| settings.refused_day = Some(refused.clone()));
        tokio::spawn(async move {
            tokio::time::sleep(seconds(lasts)).await;
            healthengine.configure(|settings| drop(settings.refused_day.take_if(|own| *own == refused)));
        });
    }

    fn a_server_wants_to_be_left_alone(&mut self, chance: &Chance) {
        let fault = if chance.percent(50) { Fault::TooMany(3_600) } else { Fault::RetryLater(3_600) };
        self.weather_of(some_system(chance)).once(fault);
    }

    /// The guard keeps appointment types at Healthengine that OpenVPMS suddenly lacks.
    fn count_what_is_held_back(&self) {
        let Some(bridge) = self.world.bridge().filter(|_| self.rare.chance(Kind::LostTypes).is_some()) else { return };
        let practices = self.world.config.practices.iter().filter_map(|own| bridge.practice(&own.id));
        let problems: Vec<_> = practices.flat_map(|own| own.health().problems()).collect();
        if problems.iter().any(|own| own.subject == "type_guard") {
            self.world.story.count("types held back");
        }
    }

    /// Of one schedule, of two, or of all.
    fn types_are_lost(&mut self, chance: &Chance) {
        let ids: Vec<ScheduleId> = self.rare.types.keys().copied().collect();
        let (first, count) = (chance.below(3) as usize, 1 + chance.below(ids.len() as u64) as usize);
        let lost: Vec<ScheduleId> = ids.iter().cycle().skip(first).take(count).copied().collect();
        let lasts = 20 + chance.below(600);
        self.world.story.count("types lost");
        self.world.story.tell(About::All, format!("the types of schedules {lost:?} are lost for {lasts} s"));
        self.world.openvpms.staff(|clinic| {
            for id in lost {
                clinic.schedule_mut(id).unwrap().types.clear();
            }
        });
        let (openvpms, types) = (Arc::clone(&self.world.openvpms), self.rare.types.clone());
        tokio::spawn(async move {
            tokio::time::sleep(seconds(lasts)).await;
            give_back(&openvpms, &types);
        });
    }

    /// Also those that a backup lacked.
    fn give_types_back(&self) {
        give_back(&self.world.openvpms, &self.rare.types);
    }

    fn a_clock_leaps(&mut self, chance: &Chance) {
        let story = self.world.story.clone();
        let ahead = match chance.below(3) {
            0 => return self.the_machine_sleeps(),
            1 => TimeDelta::hours(1),
            _ => TimeDelta::days(10),
        };
        let lasts = 20 + chance.below(280);
        story.count(&format!("clock {} h ahead", ahead.num_hours()));
        story.tell(About::All, format!("the clock of the machine is {} h ahead for {lasts} s", ahead.num_hours()));
        // What it takes for over, it cannot deal with in time.
        story.disturb(TimeDelta::seconds(lasts as i64) + UNSETTLED);
        let hands = self.world.hands.clone();
        hands.set_machine(ahead);
        tokio::spawn(async move {
            tokio::time::sleep(seconds(lasts)).await;
            hands.set_machine(TimeDelta::zero());
            story.tell(About::All, "the clock of the machine is right again");
        });
    }

    /// For an hour. Nobody acts for the minute after: to the machine the hour is no time at all,
    /// and people keep their minute. While something lies in a server's queue it does not sleep,
    /// because that would lie there for an hour.
    fn the_machine_sleeps(&mut self) {
        if self.world.openvpms_weather.has_a_queue() || self.world.healthengine_weather.has_a_queue() {
            return;
        }
        // What was wrong lasts as long as it would have: nobody puts it right while the machine sleeps.
        let (before, until) = (self.world.clock.now(), self.world.story.disturbed_until());
        let left = until.map_or(TimeDelta::zero(), |until| until - before);
        self.store_is_dated_anew();
        self.world.hands.machine_sleeps(seconds(3_600));
        self.world.story.count("an hour of sleep");
        self.world.story.tell(About::All, "the machine has slept for an hour");
        self.world.story.disturb(UNSETTLED.max(left));
        self.long_pause = seconds(60);
    }

    fn plant_a_panic(&mut self, chance: &Chance) {
        let name = *chance.pick(&LOOPS);
        let answered = chance.percent(40);
        // These two call nobody, and a task of one booking has no name where it looks at the clock.
        let at_call = !["due_bookings", "appointments"].contains(&name) && (name == "task" || chance.percent(60));
        let (story, panics) = (self.world.story.clone(), Arc::clone(&self.rare.panics));
        let mut left = 1 + chance.below(2);
        self.world.mines.plant(move |own, step| {
            let here = match step {
                Step::Call(what) => {
                    let of_a_booking = what.contains("/freebusy") || what.contains("/bookings");
                    at_call && what.ends_with(ANSWERED) == answered && (name != "task" || of_a_booking)
                }
                Step::Clock => !at_call,
            };
            let mut panics = panics.lock().unwrap();
            if own != name || !here || left == 0 || *panics == PANICS_MAX {
                return None;
            }
            left -= 1;
            *panics += 1;
            story.count(&format!("panic of {name}"));
            story.tell(About::All, format!("   !! {name} panics"));
            story.disturb(UNSETTLED);
            Some(Mine::Panic)
        });
    }

    fn a_gateway_has_a_page(&mut self, chance: &Chance) {
        let system = some_system(chance);
        let calls: &[(&str, &str)] = match system {
            System::OpenVpms => &[
                ("DELETE", "/bookings/"),
                ("DELETE", "/bookings/"),
                ("DELETE", "/bookings/"),
                ("POST", "/bookings"),
                ("GET", "/bookings/"),
                ("GET", "/freebusy"),
                ("GET", "/locations"),
            ],
            System::Healthengine => &[
                ("GET", "/requests"),
                ("GET", "/requests/bookings"),
                ("POST", "/bookings/"),
                ("POST", "/availability"),
                ("POST", "/config/"),
            ],
        };
        let (method, path) = *chance.pick(calls);
        let gateway = Gateway { method, path, status: *chance.pick(&[403, 404, 200, 200]) };
        // Cancellations are few.
        let longest = if method == "DELETE" { 600 } else { 120 };
        let lasts = TimeDelta::seconds(10 + chance.below(longest) as i64);
        let text = format!("{system}: something in between answers {method} {path} with a page for {lasts}");
        self.world.story.tell(About::All, text);
        self.weather_of(system).gateway(gateway, lasts);
    }
}

fn give_back(openvpms: &OpenVpmsSim, types: &Types) {
    openvpms.staff(|clinic| clinic.schedules.iter_mut().for_each(|own| own.types.clone_from(&types[&own.id])));
}

fn some_system(chance: &Chance) -> System {
    *chance.pick(&[System::OpenVpms, System::Healthengine])
}

/// The date of the answer itself stands in a header.
const DATE: &str = "Date";

/// A date of the next answer that has one.
#[derive(Debug, Clone, Copy)]
struct Misdating {
    system: System,
    field: &'static str,
    text: &'static str,
    /// Of all that stand in the answer.
    which: usize,
}

/// Puts a date that no calendar has into an answer.
#[derive(Clone, Default)]
pub(crate) struct Misdated(Arc<Mutex<Option<Misdating>>>);

impl Misdated {
    fn plan(&self, misdating: Misdating) {
        *self.0.lock().unwrap() = Some(misdating);
    }

    fn clear(&self) {
        *self.0.lock().unwrap() = None;
    }

    /// If one was put into this answer: the bookings whose time of booking it is.
    pub(crate) fn put_into(&self, system: System, answered: &mut SentAnswer) -> Option<Vec<BookingId>> {
        let mut planned = self.0.lock().unwrap();
        let Misdating { field, text, which, .. } = planned.filter(|own| own.system == system)?;
        let put = if field == DATE { put_date(answered) } else { put_field(answered, field, text, which)? };
        *planned = None;
        Some(put)
    }
}

fn put_date(answered: &mut SentAnswer) -> Vec<BookingId> {
    answered.headers.retain(|(name, _)| name != "date");
    answered.headers.push(("date".to_owned(), "Fri, 31 Dec 9999 23:59:59 GMT".to_owned()));
    Vec::new()
}

fn put_field(answered: &mut SentAnswer, field: &str, text: &str, which: usize) -> Option<Vec<BookingId>> {
    let mut value = serde_json::from_slice::<Value>(&answered.body).ok()?;
    let mut found = Vec::new();
    collect(&mut value, field, &mut found);
    let place = which.checked_rem(found.len())?;
    *found.swap_remove(place) = text.into();
    answered.body = serde_json::to_vec(&value).unwrap();
    let listed = value["data"].as_array().into_iter().flatten();
    let of_it = listed.filter(|own| field == "bookedTime" && own[field] == text);
    Some(of_it.filter_map(|own| own["bookingId"].as_i64().map(BookingId)).collect())
}

/// Every text that stands in this field, at any depth.
fn collect<'a>(value: &'a mut Value, field: &str, found: &mut Vec<&'a mut Value>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == field && value.is_string() {
                    found.push(value);
                } else {
                    collect(value, field, found);
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| collect(value, field, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
