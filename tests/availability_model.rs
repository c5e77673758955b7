//! Availability against a slow model that knows no sets, no grid arithmetic and no zone rules beyond "what does the
//! clock on the wall show now": it paints time in cells of ten seconds, counts how often each wall time is shown, and
//! walks minute by minute.

#![expect(clippy::unwrap_used, reason = "a test may fail where it likes, its helpers too")]

#[path = "common/scene.rs"]
mod scene;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Days as CalendarDays, NaiveDate, NaiveDateTime, TimeDelta, Timelike, Utc};
use proptest::prelude::*;
use vetbridge::availability::{
    Day, DayChange, Days, Moment, OwnBooking, Question, Readings, Reason, Rosters, SentDay, Verdict, Zones, compare,
    days, explanation, look, slots, window,
};
use vetbridge::booking::machine::Ask;
use vetbridge::booking::placement::{Offered, ask};
use vetbridge::healthengine::{AvailabilitySnapshot, BookingRequest, BookingStatus, Patient};
use vetbridge::ids::{AppointmentTypeId, BookingId, TypeId};
use vetbridge::mapping::guard::Accepted;
use vetbridge::mapping::{Asked, Resource};
use vetbridge::span::Span;

use scene::{SCHEDULE, ZoneDay, question, readings, resource, zones_and_day};

const CELL_SECONDS: i64 = 10;

/// One schedule, one day, everything that matters.
#[derive(Debug, Clone)]
struct Scene {
    zones: Zones,
    day: NaiveDate,
    slot_size_minutes: u32,
    /// Slots per type; the type's id is its place in the list.
    types: Vec<u32>,
    free: Vec<Span>,
    busy: Vec<Span>,
    own: Vec<OwnBooking>,
    began: DateTime<Utc>,
    now: DateTime<Utc>,
    min_notice: TimeDelta,
}

/// The days worth looking at: zone, day.
const DAYS: [ZoneDay; 12] = [
    ("Australia/Sydney", (2026, 10, 4)),
    ("Australia/Sydney", (2027, 4, 4)),
    ("Australia/Sydney", (2027, 2, 15)),
    ("Australia/Lord_Howe", (2026, 10, 4)),
    ("Australia/Lord_Howe", (2027, 4, 4)),
    ("Australia/Lord_Howe", (2027, 4, 3)),
    ("Australia/Brisbane", (2026, 10, 4)),
    ("Australia/Perth", (2027, 4, 4)),
    ("Europe/London", (2026, 10, 25)),
    // The clocks are put back at 1:00 to midnight, and at midnight to 23:00.
    ("America/Havana", (2026, 10, 31)),
    ("America/Havana", (2026, 11, 1)),
    ("Asia/Beirut", (2026, 10, 24)),
];

/// Servers whose zone is not the practice's.
const SERVERS: [&str; 6] =
    ["GMT+10:00", "Australia/Sydney", "Australia/Lord_Howe", "Australia/Brisbane", "Etc/UTC", "Australia/Eucla"];

fn scenes() -> impl Strategy<Value = Scene> {
    let which = (0..DAYS.len(), prop_oneof![2 => Just(None), 1 => (0..SERVERS.len()).prop_map(Some)]);
    let slot_size = prop::sample::select(vec![5u32, 10, 15, 20, 30, 50, 60]);
    let types = prop::collection::vec(1..=4u32, 2..5);
    // In cells from the beginning of the window.
    let cells = || (0..3 * 8640i64, -20..3 * 360i64);
    let ranges = (prop::collection::vec(cells(), 0..12), prop::collection::vec(cells(), 0..8), cells());
    // Working hours and round times occur more often than chance has them.
    let tidy = prop::bool::weighted(0.5);
    let times =
        (prop::option::weighted(0.5, 0..3 * 8640i64), 0..6u32, prop::collection::vec(cells(), 0..3), any::<bool>());
    (which, slot_size, types, ranges, tidy, times).prop_map(
        |((which, server), slot_size_minutes, types, (free, busy, long), tidy, (now, notice, own, hidden))| {
            let (zones, day) = zones_and_day(DAYS[which], server.map(|at| SERVERS[at]));
            let window = window(Days::one(day), &zones);
            let round = if tidy { 30 } else { 1 };
            let span = |(start, length): (i64, i64)| {
                let at = |cell: i64| window.start + TimeDelta::seconds(cell / round * round * CELL_SECONDS);
                Span::new(at(start), at(start + length))
            };
            let mut free: Vec<Span> = free.into_iter().map(span).collect();
            free.push(span((long.0, long.1 * 8)));
            if tidy {
                free.push(Span::new(window.start, window.start + TimeDelta::hours(36)));
            }
            let began = window.start;
            let inserted = (!hidden).then_some(began);
            let own = own.into_iter().map(span);
            Scene {
                zones,
                day,
                slot_size_minutes,
                types,
                free,
                busy: busy.into_iter().map(span).collect(),
                own: own.map(|span| OwnBooking { schedule: SCHEDULE, user: None, span, inserted }).collect(),
                began,
                now: now.map_or(window.start - TimeDelta::days(2), |cell| {
                    window.start + TimeDelta::seconds(cell * CELL_SECONDS)
                }),
                min_notice: TimeDelta::minutes(i64::from(notice) * 25),
            }
        },
    )
}

impl Scene {
    fn window(&self) -> Span {
        window(Days::one(self.day), &self.zones)
    }

    fn resource(&self) -> Resource {
        resource(self.slot_size_minutes, &self.types)
    }

    fn readings(&self) -> Readings {
        readings(self.window(), self.began, &self.free, &self.busy)
    }

    fn question<'a>(&'a self, readings: &'a Readings, rosters: &'a Rosters) -> Question<'a> {
        let moment = Moment { now: self.now, min_notice: self.min_notice };
        question(self.zones, readings, rosters, &self.own, moment)
    }
}

/// Time in cells of ten seconds.
struct Model<'a> {
    scene: &'a Scene,
    window: Span,
    bookable: Vec<bool>,
    /// Taken on the schedule, and inside its hours, whatever else holds.
    busy: Vec<bool>,
    open: Vec<bool>,
    /// How often each minute is shown by the clocks of the server and of the practice.
    shown: [HashMap<NaiveDateTime, u32>; 2],
}

impl<'a> Model<'a> {
    fn new(scene: &'a Scene) -> Self {
        let window = scene.window();
        let zones = [scene.zones.server, scene.zones.practice];
        let mut shown = [HashMap::new(), HashMap::new()];
        let mut at = window.start - TimeDelta::hours(4);
        while at < window.end + TimeDelta::hours(4) {
            for (zone, shown) in zones.iter().zip(&mut shown) {
                *shown.entry(zone.wall(at)).or_default() += 1;
            }
            at += TimeDelta::minutes(1);
        }
        let cells = |painted: &[(bool, &Span)]| {
            let mut cells = vec![false; (window.minutes() * 60 / CELL_SECONDS) as usize];
            for (colour, span) in painted {
                let cell = |at: DateTime<Utc>| ((at - window.start).num_seconds() / CELL_SECONDS).max(0) as usize;
                for at in cell(span.start)..cell(span.end).min(cells.len()) {
                    cells[at] = *colour;
                }
            }
            cells
        };
        let busy = || scene.busy.iter().chain(scene.own.iter().map(|own| &own.span));
        let open: Vec<(bool, &Span)> = scene.free.iter().map(|span| (true, span)).collect();
        let shut: Vec<(bool, &Span)> = scene.busy.iter().map(|span| (false, span)).collect();
        let mut model = Self {
            scene,
            window,
            bookable: Vec::new(),
            busy: cells(&busy().map(|span| (true, span)).collect::<Vec<_>>()),
            open: cells(&[open, shut].concat()),
            shown,
        };
        model.bookable = model.open.iter().zip(&model.busy).map(|(open, busy)| *open && !busy).collect();
        for minute in 0..window.minutes() {
            if !model.shown_once(window.start + TimeDelta::minutes(minute)) {
                model.bookable[(minute * 6) as usize..(minute * 6 + 6) as usize].fill(false);
            }
        }
        model
    }

    fn cell(&self, at: DateTime<Utc>) -> i64 {
        (at - self.window.start).num_seconds() / CELL_SECONDS
    }

    fn shown_once(&self, minute: DateTime<Utc>) -> bool {
        self.shown[0][&self.scene.zones.server.wall(minute)] == 1
            && self.shown[1][&self.scene.zones.practice.wall(minute)] == 1
    }

    fn on_grid(&self, at: DateTime<Utc>) -> bool {
        let wall = self.scene.zones.server.wall(at);
        wall.second() == 0 && (wall.hour() * 60 + wall.minute()).is_multiple_of(self.scene.slot_size_minutes)
    }

    fn end(&self, start: DateTime<Utc>, slots: u32) -> DateTime<Utc> {
        let mut end = start + TimeDelta::minutes((slots * self.scene.slot_size_minutes).into());
        while !self.on_grid(end) {
            end += TimeDelta::minutes(1);
        }
        end
    }

    /// Bookable throughout, and the end is a moment that a clock shows once: OpenVPMS keeps the end as a wall time.
    fn all_bookable(&self, start: DateTime<Utc>, end: DateTime<Utc>) -> bool {
        (self.cell(start)..self.cell(end)).all(|cell| self.bookable.get(cell as usize) == Some(&true))
            && self.shown_once(end)
    }

    /// Why a place on the grid is not offered.
    fn reason(&self, start: DateTime<Utc>, minute: u32) -> Reason {
        let wall = self.scene.zones.practice.wall(start);
        if wall.hour() * 60 + wall.minute() != minute {
            return Reason::DoesNotExist; // the clock on the wall never shows this minute
        }
        if !self.shown_once(start) {
            return Reason::HappensTwice;
        }
        if start <= self.scene.now {
            return Reason::Past;
        }
        if self.scene.types.iter().any(|&slots| self.all_bookable(start, self.end(start, slots))) {
            return Reason::TooSoon;
        }
        let slot_end = start + TimeDelta::minutes(self.scene.slot_size_minutes.into());
        let cells = self.cell(start) as usize..(self.cell(slot_end) as usize).min(self.busy.len());
        let mut minutes =
            (0..=i64::from(self.scene.slot_size_minutes)).map(|minute| start + TimeDelta::minutes(minute));
        if minutes.any(|minute| !self.shown_once(minute)) {
            Reason::HappensTwice
        } else if self.busy[cells.clone()].contains(&true) {
            Reason::ScheduleBusy
        } else if self.open[cells].contains(&false) {
            Reason::Closed
        } else {
            Reason::TooShort
        }
    }

    /// Every start of the day that may be offered, at practice time, with the types that fit.
    fn offers(&self) -> BTreeMap<String, BTreeSet<i64>> {
        let mut offers = BTreeMap::new();
        for minute in 0..self.window.minutes() {
            let start = self.window.start + TimeDelta::minutes(minute);
            let wall = self.scene.zones.practice.wall(start);
            let is_soon = start <= self.scene.now || start < self.scene.now + self.scene.min_notice;
            if wall.date() != self.scene.day || is_soon || !self.on_grid(start) || !self.shown_once(start) {
                continue;
            }
            let fits = |&(_, &slots): &(usize, &u32)| self.all_bookable(start, self.end(start, slots));
            let types: BTreeSet<i64> =
                self.scene.types.iter().enumerate().filter(fits).map(|(number, _)| number as i64).collect();
            if !types.is_empty() {
                offers.insert(wall.format("%H:%M").to_string(), types);
            }
        }
        offers
    }
}

/// The starts that Healthengine makes of a snapshot.
fn expanded(snapshot: &AvailabilitySnapshot) -> BTreeMap<String, BTreeSet<i64>> {
    let minute = |text: &str| {
        let (hours, minutes) = text.split_once(':').unwrap();
        hours.parse::<u32>().unwrap() * 60 + minutes.parse::<u32>().unwrap()
    };
    let mut starts = BTreeMap::new();
    for range in &snapshot.availability {
        let types = range.pms_appointment_type_ids.iter().map(|id| id.parse::<TypeId>().unwrap().appointment_type.0);
        let types: BTreeSet<i64> = types.collect();
        assert!(!types.is_empty(), "a piece where no type fits");
        for start in (minute(&range.start)..minute(&range.end)).step_by(range.slot_length as usize / 60) {
            let twice = starts.insert(format!("{:02}:{:02}", start / 60, start % 60), types.clone());
            assert_eq!(twice, None, "ranges overlap");
        }
    }
    starts
}

/// What becomes of a booking: placement says where it is to be, and a look follows there. The minimum notice is the offer's alone.
fn is_accepted(
    scene: &Scene,
    question: &Question<'_>,
    resource: &Resource,
    wall: NaiveDateTime,
    number: usize,
) -> bool {
    let request = BookingRequest {
        booking_id: BookingId(1),
        pms_resource_id: Some(resource.id.to_string()),
        pms_appointment_type_id: Some(resource.types[number].id.to_string()),
        pms_appointment_ids: Vec::new(),
        pms_patient_id: None,
        booked_time: None,
        status: BookingStatus::Requested,
        appointment_time: Some(wall),
        appointment_length_seconds: None,
        reason: None,
        comments: None,
        patient: Patient::default(),
        telehealth_url: None,
        is_new_patient: None,
    };
    let offer = Offered {
        resources: std::slice::from_ref(resource),
        zones: &scene.zones,
        accepted: &Accepted::default(),
        asked: &Asked::default(),
        rules: &[],
    };
    match ask(&request, offer, scene.now) {
        Ask::Insert(place) => {
            let looked = look(question, resource, place.span, (place.appointment_type, Some(resource)));
            place.span.start >= scene.now + scene.min_notice && looked.is_some_and(|look| look.refusal.is_none())
        }
        Ask::TurnAway(..) | Ask::Impossible { .. } | Ask::Nothing | Ask::Unread(_) => false,
    }
}

/// The minutes of the day and the types at which a booking is judged otherwise than is offered.
fn at_odds_with_bookings(scene: &Scene) -> Vec<String> {
    let (readings, rosters, resource) = (scene.readings(), Rosters::new(), scene.resource());
    let question = scene.question(&readings, &rosters);
    let offers = expanded(&days(&question, std::slice::from_ref(&resource), Days::one(scene.day))[0].snapshot());
    let mut at_odds = Vec::new();
    for minute in 0..24 * 60u32 {
        let wall = scene.day.and_hms_opt(minute / 60, minute % 60, 0).unwrap();
        let offered = offers.get(&wall.format("%H:%M").to_string());
        for number in 0..scene.types.len() {
            let is_offered = offered.is_some_and(|types| types.contains(&(number as i64)));
            if is_offered != is_accepted(scene, &question, &resource, wall, number) {
                at_odds.push(format!("{wall} type {number}: offered {is_offered}"));
            }
        }
    }
    at_odds
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_snapshot_offers_exactly_what_the_slow_model_does(scene in scenes()) {
        let (readings, rosters, resource) = (scene.readings(), Rosters::new(), scene.resource());
        let answer = days(&scene.question(&readings, &rosters), &[resource], Days::one(scene.day));
        prop_assert_eq!(answer.len(), 1);
        prop_assert_eq!(expanded(&answer[0].snapshot()), Model::new(&scene).offers());
    }

    #[test]
    fn bookings_are_accepted_for_exactly_what_is_offered(scene in scenes()) {
        prop_assert_eq!(at_odds_with_bookings(&scene), Vec::<String>::new());
    }

    #[test]
    fn the_account_of_a_day_agrees_with_what_is_offered(scene in scenes()) {
        let (readings, rosters, resource) = (scene.readings(), Rosters::new(), scene.resource());
        let question = scene.question(&readings, &rosters);
        let day = &days(&question, std::slice::from_ref(&resource), Days::one(scene.day))[0].day;
        let account = slots(&question, &resource, scene.day).unwrap();
        let offered: Vec<(u32, Vec<AppointmentTypeId>)> = account
            .iter()
            .filter_map(|slot| match &slot.verdict {
                Verdict::Offered(types) => Some((slot.minute, types.clone())),
                Verdict::Withheld(_) => None,
            })
            .collect();
        prop_assert_eq!(offered, day.starts().map(|(minute, types)| (minute, types.to_vec())).collect::<Vec<_>>());
        // In the words of the outside it offers the same, and says of each time of the clock once.
        let explained = explanation::explain(&question, &resource, scene.day).unwrap();
        prop_assert!(explanation::offered_day(&explained, scene.slot_size_minutes) == *day);
        prop_assert!(explained.iter().zip(explained.iter().skip(1)).all(|(slot, next)| slot.end_minute <= next.minute));
        let on_the_clock = account.iter().filter(|slot| slot.verdict != Verdict::Withheld(Reason::DoesNotExist));
        let minutes: BTreeSet<u32> = on_the_clock.map(|slot| slot.minute).collect();
        prop_assert_eq!(explained.iter().map(|slot| slot.minute).collect::<Vec<_>>(), minutes.into_iter().collect::<Vec<_>>());
        let model = Model::new(&scene);
        for slot in &account {
            if let Verdict::Withheld(reason) = slot.verdict {
                prop_assert_eq!(reason, model.reason(slot.start, slot.minute), "at minute {}", slot.minute);
            }
        }
    }

    #[test]
    fn time_alone_changes_nothing_but_the_notice(scene in scenes(), later_minutes in 0..2000i64) {
        let (readings, rosters, resource) = (scene.readings(), Rosters::new(), scene.resource());
        let resource = std::slice::from_ref(&resource);
        let mut question = scene.question(&readings, &rosters);
        let sent = days(&question, resource, Days::one(scene.day)).remove(0).day;
        let sent = SentDay { day: sent, at: scene.now, accepted: true };
        question.moment.now += TimeDelta::minutes(later_minutes);
        let wanted = days(&question, resource, Days::one(scene.day)).remove(0).day;
        let change = compare(Some(&sent), &wanted, scene.day, question.moment, &scene.zones.practice);

        let waited = later_minutes >= scene.slot_size_minutes.into();
        let inside_notice = |minute: u32| {
            let start = scene.zones.moment(scene.day.and_hms_opt(minute / 60, minute % 60, 0).unwrap()).unwrap();
            start > question.moment.now && start < question.moment.now + scene.min_notice
        };
        let ran_over = waited && sent.day.starts().any(|(minute, _)| inside_notice(minute));
        prop_assert_eq!(change, if ran_over { DayChange::NoticeOnly } else { DayChange::Same });
    }

    #[test]
    fn a_day_reads_back_as_it_was_stored(scene in scenes()) {
        let (readings, rosters, resource) = (scene.readings(), Rosters::new(), scene.resource());
        let day = days(&scene.question(&readings, &rosters), &[resource], Days::one(scene.day)).remove(0).day;
        let text = serde_json::to_string(&day).unwrap();
        prop_assert!(text.len() < 4096);
        prop_assert_eq!(serde_json::from_str::<Day>(&text).unwrap(), day);
    }

    #[test]
    fn a_window_is_whole_days_of_the_server_around_the_days_of_the_practice(scene in scenes(), count in 1..70u32) {
        let days = Days { first: scene.day, count };
        let window = window(days, &scene.zones);
        for edge in [window.start, window.end] {
            prop_assert_eq!(scene.zones.server.wall(edge).time(), chrono::NaiveTime::MIN);
        }
        let last = scene.zones.practice.day(scene.day + CalendarDays::new((count - 1).into()));
        prop_assert!(window.start <= scene.zones.practice.day(scene.day).start);
        prop_assert!(window.end >= last.end + TimeDelta::hours(23), "room for an appointment past midnight");
        prop_assert!(window.minutes() <= (i64::from(count) + 3) * 24 * 60);
    }
}

/// An open schedule on a day, in that zone.
fn open_all_day(name: &'static str, date: (i32, u32, u32), slot_size_minutes: u32) -> Scene {
    let (zones, day) = zones_and_day((name, date), None);
    let window = window(Days::one(day), &zones);
    Scene {
        zones,
        day,
        slot_size_minutes,
        types: vec![1, 2, 3, 4],
        free: vec![window],
        busy: Vec::new(),
        own: Vec::new(),
        began: window.start,
        now: window.start - TimeDelta::days(2),
        min_notice: TimeDelta::zero(),
    }
}

fn offers_of(scene: &Scene) -> BTreeMap<String, BTreeSet<i64>> {
    let (readings, rosters, resource) = (scene.readings(), Rosters::new(), scene.resource());
    expanded(&days(&scene.question(&readings, &rosters), &[resource], Days::one(scene.day))[0].snapshot())
}

#[test]
fn an_appointment_that_would_end_when_the_doubled_hour_begins_is_not_offered() {
    let types = |offers: &BTreeMap<String, BTreeSet<i64>>, at: &str| offers.get(at).cloned().unwrap_or_default();
    // The clocks in Sydney are put back at 3:00: 2:00 to 3:00 happens twice. Types 0 to 3 take one to four slots.
    let quarters = offers_of(&open_all_day("Australia/Sydney", (2027, 4, 4), 15));
    assert_eq!(types(&quarters, "01:15"), BTreeSet::from([0, 1]));
    assert_eq!(types(&quarters, "01:30"), BTreeSet::from([0]), "two slots would end at 2:00");
    assert_eq!(types(&quarters, "01:45"), BTreeSet::new(), "one slot would end at 2:00");
    assert_eq!(types(&quarters, "03:00"), BTreeSet::from([0, 1, 2, 3]), "a time that happens once");
    let halves = offers_of(&open_all_day("Australia/Sydney", (2027, 4, 4), 30));
    assert_eq!(types(&halves, "01:00"), BTreeSet::from([0]));
    assert_eq!(types(&halves, "01:30"), BTreeSet::new());
    // In spring no time happens twice: what begins before the gap ends after it.
    let spring = offers_of(&open_all_day("Australia/Sydney", (2027, 10, 3), 30));
    assert_eq!(types(&spring, "01:30"), BTreeSet::from([0, 1, 2, 3]));
    assert_eq!(types(&spring, "03:00"), BTreeSet::from([0, 1, 2, 3]));
}

#[test]
fn offers_and_bookings_agree_at_both_edges_of_both_changes_for_all_slot_sizes_and_zones() {
    let changes = [
        ("Australia/Sydney", (2027, 4, 4)),
        ("Australia/Sydney", (2027, 10, 3)),
        ("Australia/Lord_Howe", (2027, 4, 4)),
        ("Australia/Lord_Howe", (2027, 10, 3)),
        ("Europe/London", (2026, 10, 25)),
        ("Europe/London", (2027, 3, 28)),
        ("America/Havana", (2026, 10, 31)),
        ("America/Havana", (2026, 11, 1)),
        ("Asia/Beirut", (2026, 10, 24)),
        ("Asia/Beirut", (2026, 10, 25)),
        ("Australia/Brisbane", (2027, 4, 4)),
    ];
    for (name, day) in changes {
        for slot_size_minutes in [5, 10, 15, 20, 30, 45, 50, 60] {
            let scene = open_all_day(name, day, slot_size_minutes);
            let offers = offers_of(&scene);
            assert_eq!(offers, Model::new(&scene).offers(), "{name} {day:?} {slot_size_minutes}");
            assert_eq!(at_odds_with_bookings(&scene), Vec::<String>::new(), "{name} {day:?} {slot_size_minutes}");
        }
    }
}

#[test]
fn the_scenes_are_worth_looking_at() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let all: Vec<Scene> = (0..120).map(|_| scenes().new_tree(&mut runner).unwrap().current()).collect();
    let offers: Vec<_> = all.iter().map(|scene| Model::new(scene).offers()).collect();
    let many = offers.iter().filter(|offers| offers.len() > 5).count();
    let mixed = offers.iter().filter(|offers| offers.values().collect::<BTreeSet<_>>().len() > 1).count();
    let past = all.iter().filter(|scene| scene.zones.practice.wall(scene.now).date() == scene.day).count();
    assert!(many > 30 && mixed > 20 && past > 10, "{many} offer much, {mixed} differ by type, {past} have begun");
}
