//! Scenes that read like the promises; the property tests against the slow model are in
//! `tests/availability_model.rs`.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};

use super::rules::{CountedBooking, OfferRule};
use super::*;
use crate::healthengine::AvailabilityRange;
use crate::ids::{AppointmentTypeId, LocationId, ResourceId, ScheduleId, TypeId};
use crate::mapping::ResourceType;
use crate::openvpms::FreeBusy;
use crate::zone::Zone;

pub(super) fn zone(name: &str) -> Zone {
    name.parse().unwrap()
}

pub(super) fn same(name: &str) -> Zones {
    Zones { server: zone(name), practice: zone(name) }
}

pub(super) fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A time with its offset.
pub(super) fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn wall(text: &str) -> NaiveDateTime {
    text.parse().unwrap()
}

pub(super) const CONSULT: i64 = 66;
pub(super) const LONG: i64 = 63;

/// Schedule 136 with a consult of one slot and a long one of two.
fn room(slot_size_minutes: u32) -> Resource {
    let id = ResourceId::schedule(ScheduleId(136));
    let kind = |(kind, slots): (i64, u32)| ResourceType {
        id: TypeId { appointment_type: AppointmentTypeId(kind), resource: id },
        plain_name: String::new(),
        name: String::new(),
        slots,
        length_minutes: slots * slot_size_minutes,
    };
    Resource {
        id,
        location: LocationId(98),
        name: "Main Appointment Schedule".into(),
        clinician: None,
        slot_size_minutes,
        types: [(LONG, 2), (CONSULT, 1)].map(kind).to_vec(),
    }
}

/// One day of one schedule, as it is seen long before.
pub(super) struct Scene {
    pub(super) zones: Zones,
    pub(super) day: NaiveDate,
    pub(super) room: Resource,
    answer: FreeBusy,
    pub(super) own: Vec<OwnBooking>,
    pub(super) rules: Vec<OfferRule>,
    pub(super) counted: Vec<CountedBooking>,
    pub(super) moment: Moment,
}

pub(super) const BEGAN: &str = "2019-02-01T00:00:00Z";

impl Scene {
    pub(super) fn new(zone: &str, day: &str, slot_size_minutes: u32) -> Self {
        Self {
            zones: same(zone),
            day: date(day),
            room: room(slot_size_minutes),
            answer: FreeBusy::default(),
            own: Vec::new(),
            rules: Vec::new(),
            counted: Vec::new(),
            moment: Moment { now: at(BEGAN), min_notice: TimeDelta::zero() },
        }
    }

    pub(super) fn free(mut self, start: &str, end: &str) -> Self {
        self.answer.free.push(Span::new(at(start), at(end)));
        self
    }

    pub(super) fn busy(mut self, start: &str, end: &str) -> Self {
        self.answer.busy.push(Span::new(at(start), at(end)));
        self
    }

    pub(super) fn free_all_day(mut self) -> Self {
        self.answer.free.push(self.window());
        self
    }

    fn window(&self) -> Span {
        window(Days::one(self.day), &self.zones)
    }

    pub(super) fn ask<T>(&self, ask: impl FnOnce(&Question<'_>) -> T) -> T {
        let reading = ScheduleReading::new(self.window(), at(BEGAN), self.answer.clone());
        let readings =
            Readings { schedules: BTreeMap::from([(ScheduleId(136), Some(reading))]), ..Readings::default() };
        ask(&Question {
            zones: self.zones,
            readings: &readings,
            own: &self.own,
            rosters: &Rosters::new(),
            clinician_doubt: ClinicianDoubt::Offer,
            moment: self.moment,
            rules: RulesInForce { rules: &self.rules, counted: &self.counted },
        })
    }

    pub(super) fn day(&self) -> Day {
        let mut answer = self.ask(|question| days(question, std::slice::from_ref(&self.room), Days::one(self.day)));
        assert_eq!(answer.len(), 1);
        answer.remove(0).day
    }

    /// `start-end types` of each range.
    fn ranges(&self) -> Vec<String> {
        let snapshot = self.day().snapshot(self.room.id, self.day);
        let text = |range: &AvailabilityRange| {
            let types = range.pms_appointment_type_ids.iter().map(|id| id.trim_end_matches(":s136"));
            format!("{}-{} {}", range.start, range.end, types.collect::<Vec<_>>().join(","))
        };
        snapshot.availability.iter().map(text).collect()
    }

    fn verdict(&self, minute: u32) -> Verdict {
        let slots = self.ask(|question| slots(question, &self.room, self.day)).unwrap();
        slots.into_iter().find(|slot| slot.minute == minute).unwrap().verdict
    }

    fn look(&self, start: &str, end: &str) -> Option<Look> {
        let judged_by = (AppointmentTypeId(CONSULT), Some(&self.room));
        self.ask(|question| look(question, &self.room, Span::new(at(start), at(end)), judged_by))
    }
}

/// The day of the published guide.
fn guide_day() -> Scene {
    Scene::new("Australia/Sydney", "2019-02-15", 15)
        .free("2019-02-15T09:00:00+11:00", "2019-02-15T10:45:00+11:00")
        .free("2019-02-15T11:30:00+11:00", "2019-02-15T17:30:00+11:00")
        .busy("2019-02-15T10:45:00+11:00", "2019-02-15T11:30:00+11:00")
}

#[test]
fn a_long_consult_is_offered_only_where_it_fits() {
    assert_eq!(guide_day().ranges(), ["09:00-10:30 63,66", "10:30-10:45 66", "11:30-17:15 63,66", "17:15-17:30 66"]);
    let snapshot = guide_day().day().snapshot(room(15).id, date("2019-02-15"));
    assert_eq!(snapshot.pms_resource_id, "s136");
    assert_eq!(snapshot.availability[1].slot_length, 900);
    assert_eq!(snapshot.availability[1].pms_appointment_type_ids, ["66:s136"]);
}

#[test]
fn untidy_answers_are_drawn_in_to_the_grid_and_busy_wins() {
    let scene = Scene::new("Australia/Sydney", "2019-02-15", 15)
        .free("2019-02-15T08:55:30+11:00", "2019-02-15T09:20:00+11:00")
        .free("2019-02-15T09:20:00+11:00", "2019-02-15T10:10:00+11:00")
        .free("2019-02-15T10:00:00+11:00", "2019-02-15T12:01:00+11:00")
        .busy("2019-02-15T11:29:59+11:00", "2019-02-15T11:30:00+11:00")
        .busy("2019-02-15T09:00:00+11:00", "2019-02-15T09:00:00+11:00");
    assert_eq!(scene.ranges(), ["09:00-11:00 63,66", "11:00-11:15 66", "11:30-11:45 63,66", "11:45-12:00 66"]);
}

#[test]
fn skipped_local_times_are_never_offered() {
    let sydney = Scene::new("Australia/Sydney", "2026-10-04", 30).free_all_day();
    assert_eq!(sydney.ranges(), ["00:00-02:00 63,66", "03:00-23:59 63,66"]);
    assert_eq!(sydney.verdict(150), Verdict::Withheld(Reason::DoesNotExist));
    let lord_howe = Scene::new("Australia/Lord_Howe", "2026-10-04", 15).free_all_day();
    assert_eq!(lord_howe.ranges(), ["00:00-02:00 63,66", "02:30-23:59 63,66"]);
    // At 01:00 a slot of an hour runs to 02:30, which is not on the grid of hours: it ends at 03:00
    // and can be booked.
    let hours = Scene::new("Australia/Lord_Howe", "2026-10-04", 60).free_all_day();
    assert_eq!(hours.ranges(), ["00:00-02:00 63,66", "03:00-23:59 63,66"]);
}

#[test]
fn doubled_local_times_are_never_offered_nor_run_into() {
    let sydney = Scene::new("Australia/Sydney", "2027-04-04", 30).free_all_day();
    assert_eq!(sydney.ranges(), ["00:00-01:00 63,66", "01:00-01:30 66", "03:00-23:59 63,66"]);
    assert_eq!(sydney.verdict(150), Verdict::Withheld(Reason::HappensTwice));
    let lord_howe = Scene::new("Australia/Lord_Howe", "2027-04-04", 15).free_all_day();
    assert_eq!(lord_howe.ranges(), ["00:00-01:00 63,66", "01:00-01:15 66", "02:00-23:59 63,66"]);
    let brisbane = Scene::new("Australia/Brisbane", "2027-04-04", 30).free_all_day();
    assert_eq!(brisbane.ranges(), ["00:00-23:59 63,66"]);
}

#[test]
fn a_server_without_daylight_saving_keeps_the_practice_on_its_own_clock() {
    let mut scene = Scene::new("Australia/Sydney", "2026-10-04", 60);
    scene.zones.server = zone("GMT+10:00");
    assert_eq!(scene.free_all_day().ranges(), ["00:00-02:00 63,66", "03:00-23:59 63,66"]);
    let mut scene = Scene::new("Australia/Sydney", "2027-04-04", 60);
    scene.zones.server = zone("GMT+10:00");
    assert_eq!(scene.free_all_day().ranges(), ["00:00-01:00 66", "03:00-23:59 63,66"]);
}

#[test]
fn slots_that_do_not_divide_a_day_begin_anew_at_midnight() {
    let scene = Scene::new("Australia/Brisbane", "2026-11-25", 50).free_all_day();
    // The last start is 23:20; what begins there ends on the next day's grid.
    assert_eq!(scene.ranges(), ["00:00-23:59 63,66"]);
    let sydney = zone("Australia/Sydney");
    let last = at("2026-11-25T23:20:00+11:00");
    assert!(is_on_grid(last, 50, &sydney) && is_on_grid(at("2026-11-26T00:00:00+11:00"), 50, &sydney));
    assert_eq!(appointment_end(last, 40, 50, &sydney), at("2026-11-26T00:00:00+11:00"));
    assert_eq!(appointment_end(last, 50, 50, &sydney), at("2026-11-26T00:50:00+11:00"));
}

#[test]
fn lengths_are_real_minutes_rounded_up_to_the_grid_of_the_wall_clock() {
    let sydney = zone("Australia/Sydney");
    assert_eq!(appointment_end(at("2019-02-15T12:30:00+11:00"), 15, 15, &sydney), at("2019-02-15T12:45:00+11:00"));
    assert_eq!(appointment_end(at("2019-02-15T12:30:00+11:00"), 20, 15, &sydney), at("2019-02-15T13:00:00+11:00"));
    // Over the skipped hour: 01:30 and an hour is 03:30.
    assert_eq!(appointment_end(at("2026-10-04T01:30:00+10:00"), 60, 30, &sydney), at("2026-10-04T03:30:00+11:00"));
    let lord_howe = zone("Australia/Lord_Howe");
    // The grid of hours leaves out 02:30, where the clocks jump to.
    assert_eq!(appointment_end(at("2026-10-04T01:00:00+10:30"), 60, 60, &lord_howe), at("2026-10-04T03:00:00+11:00"));
    assert_eq!(grid::grid_to(at("2026-10-04T02:45:00+11:00"), 60, &lord_howe), at("2026-10-04T01:00:00+10:30"));
    assert_eq!(grid::grid_from(at("2019-02-15T12:30:00.001+11:00"), 15, &sydney), at("2019-02-15T12:45:00+11:00"));
}

#[test]
fn an_appointment_may_run_past_midnight_but_a_range_may_not() {
    let scene =
        Scene::new("Australia/Sydney", "2019-02-15", 30).free("2019-02-15T23:00:00+11:00", "2019-02-16T00:30:00+11:00");
    assert_eq!(scene.ranges(), ["23:00-23:59 63,66"]);
    let next = Scene { day: date("2019-02-16"), ..scene };
    assert_eq!(next.ranges(), ["00:00-00:30 66"]);
}

#[test]
fn near_days_and_horizon_see_the_same_last_evening() {
    let zones = same("Australia/Sydney");
    let near = window(Days { first: date("2019-02-15"), count: 7 }, &zones);
    assert_eq!((near.start, near.end), (at("2019-02-15T00:00:00+11:00"), at("2019-02-23T00:00:00+11:00")));
    let perth = Zones { server: zone("Australia/Sydney"), practice: zone("Australia/Perth") };
    let one = window(Days::one(date("2019-02-15")), &perth);
    assert_eq!((one.start, one.end), (at("2019-02-15T00:00:00+11:00"), at("2019-02-18T00:00:00+11:00")));
    let question = window::question(near, &zones.server);
    assert_eq!(question.from.to_rfc3339(), "2019-02-15T00:00:00+11:00");
    assert!(!question.slots);
}

#[test]
fn a_window_begins_at_midnight_of_the_server_also_where_the_clocks_jump_over_it() {
    let names =
        ["America/Havana", "Asia/Beirut", "America/Asuncion", "Atlantic/Azores", "Australia/Sydney", "Africa/Cairo"];
    let mut skipped = 0;
    for (server, practice) in
        names.iter().flat_map(|server| names.iter().map(move |practice| (zone(server), zone(practice))))
    {
        for first in date("2026-01-01").iter_days().take(400) {
            for count in [1, 7] {
                let (days, zones) = (Days { first, count }, Zones { server, practice });
                let window = window(days, &zones);
                assert_eq!(server.wall(window.start).time(), NaiveTime::MIN, "{first} {count} {zones:?}");
                assert!(window.contains(&days.span(&practice)), "{first} {count} {zones:?}");
            }
            skipped += usize::from(server.wall(server.day_start(first)).time() != NaiveTime::MIN);
        }
    }
    assert!(skipped >= 12, "{skipped}");
    let havana = same("America/Havana");
    let jump = window(Days::one(date("2026-03-08")), &havana);
    assert_eq!(jump.start, at("2026-03-07T00:00:00-05:00"));
    assert_eq!(
        window(Days::one(date("2026-11-01")), &havana).start,
        at("2026-11-01T00:00:00-04:00"),
        "the first of two"
    );
}

#[test]
fn days_are_counted_by_the_practices_calendar() {
    let perth = zone("Australia/Perth");
    let days = Days::from_today(at("2019-02-15T01:00:00+11:00"), &perth, 60);
    assert_eq!((days.first, days.iter().last()), (date("2019-02-14"), Some(date("2019-04-14"))));
    assert_eq!(days.skip(7), Days { first: date("2019-02-21"), count: 53 });
    assert!(days.holds(date("2019-04-14")) && !days.holds(date("2019-04-15")) && !days.holds(date("2019-02-13")));
}

#[test]
fn what_has_begun_or_begins_too_soon_is_not_offered() {
    let mut scene = guide_day();
    scene.moment.now = at("2019-02-15T12:00:00+11:00");
    assert_eq!(scene.ranges(), ["12:15-17:15 63,66", "17:15-17:30 66"]);
    scene.moment.min_notice = TimeDelta::minutes(60);
    assert_eq!(scene.ranges(), ["13:00-17:15 63,66", "17:15-17:30 66"]);
}

#[test]
fn every_place_on_the_grid_has_its_reason() {
    let mut scene = guide_day();
    scene.moment = Moment { now: at("2019-02-15T09:00:00+11:00"), min_notice: TimeDelta::minutes(30) };
    scene.room.types.retain(|kind| kind.slots == 2);
    for (minute, reason) in [
        (8 * 60, Reason::Past),
        (9 * 60, Reason::Past),
        (9 * 60 + 15, Reason::TooSoon),
        (10 * 60 + 30, Reason::TooShort),
        (10 * 60 + 45, Reason::ScheduleBusy),
        (18 * 60, Reason::Closed),
    ] {
        assert_eq!(scene.verdict(minute), Verdict::Withheld(reason), "{minute}");
    }
    assert_eq!(scene.verdict(9 * 60 + 30), Verdict::Offered(vec![AppointmentTypeId(LONG)]));
}

#[test]
fn a_booking_of_ours_is_taken_off_readings_that_need_not_show_it() {
    let booked = |inserted: Option<&str>| {
        let mut scene = guide_day();
        scene.own.push(OwnBooking {
            schedule: ScheduleId(136),
            user: None,
            span: Span::new(at("2019-02-15T09:00:00+11:00"), at("2019-02-15T10:30:00+11:00")),
            inserted: inserted.map(at),
        });
        scene.ranges().remove(0)
    };
    assert_eq!(booked(Some("2019-02-01T00:00:01Z")), "10:30-10:45 66", "inserted after the reading began");
    assert_eq!(booked(None), "10:30-10:45 66", "in doubt");
    assert_eq!(booked(Some("2019-01-31T23:59:59Z")), "09:00-10:30 63,66", "gone from the diary by now");
}

#[test]
fn a_look_sees_what_is_free_and_how_much_is_taken() {
    let scene = guide_day();
    let free = scene.look("2019-02-15T09:00:00+11:00", "2019-02-15T09:15:00+11:00");
    assert_eq!(free, Some(Look { withheld: None, refusal: None, busy: Share::None, free: Share::All }));
    let part = scene.look("2019-02-15T10:30:00+11:00", "2019-02-15T11:00:00+11:00");
    assert_eq!(
        part,
        Some(Look { withheld: None, refusal: Some(Reason::ScheduleBusy), busy: Share::Part, free: Share::Part })
    );
    let taken = scene.look("2019-02-15T10:45:00+11:00", "2019-02-15T11:15:00+11:00");
    assert_eq!(
        taken,
        Some(Look { withheld: None, refusal: Some(Reason::ScheduleBusy), busy: Share::All, free: Share::None })
    );
    let closed = scene.look("2019-02-15T20:00:00+11:00", "2019-02-15T20:15:00+11:00");
    assert_eq!(
        closed,
        Some(Look { withheld: None, refusal: Some(Reason::Closed), busy: Share::None, free: Share::None })
    );
    assert_eq!(scene.look("2019-03-15T20:00:00+11:00", "2019-03-15T20:15:00+11:00"), None, "not read");
    let mut late = guide_day();
    late.moment = Moment { now: at("2019-02-15T08:50:00+11:00"), min_notice: TimeDelta::hours(1) };
    let soon = late.look("2019-02-15T09:00:00+11:00", "2019-02-15T09:15:00+11:00").unwrap();
    assert_eq!(soon.refusal, None, "what was offered in time is honoured inside the notice");
    late.moment.now = at("2019-02-15T09:00:00+11:00");
    let past = late.look("2019-02-15T09:00:00+11:00", "2019-02-15T09:15:00+11:00").unwrap();
    assert_eq!(past.refusal, Some(Reason::Past));
}

#[test]
fn nothing_is_said_of_what_was_not_read() {
    let scene = guide_day();
    let beyond = Days { first: date("2019-02-15"), count: 3 };
    let answer = scene.ask(|question| days(question, std::slice::from_ref(&scene.room), beyond));
    let dates: Vec<NaiveDate> = answer.iter().map(|day| day.date).collect();
    assert_eq!(dates, [date("2019-02-15"), date("2019-02-16")], "the reading ends on the 17th");
    let mut other = room(15);
    other.id.schedule = ScheduleId(211);
    assert_eq!(scene.ask(|question| days(question, &[other], Days::one(scene.day))), []);
}

#[test]
fn a_time_at_the_practice_names_one_moment_or_none() {
    let zones = same("Australia/Sydney");
    assert_eq!(zones.moment(wall("2019-02-15T12:30:00")), Ok(at("2019-02-15T12:30:00+11:00")));
    assert_eq!(zones.moment(wall("2026-10-04T02:30:00")), Err(ClockFault::Skipped));
    assert_eq!(zones.moment(wall("2027-04-04T02:30:00")), Err(ClockFault::Doubled));
    // 01:30 in Brisbane is the first 02:30 of Sydney.
    let north = Zones { practice: zone("Australia/Brisbane"), ..zones };
    assert_eq!(north.moment(wall("2027-04-04T01:30:00")), Err(ClockFault::Doubled));
    let doubled = Span::new(at("2027-04-04T02:00:00+11:00"), at("2027-04-04T03:00:00+10:00"));
    let april = Span::new(at("2027-04-01T00:00:00+11:00"), at("2027-04-30T00:00:00+10:00"));
    assert_eq!(zones.doubled(april), [doubled]);
    let second_pass = Span::new(at("2027-04-04T02:00:00+10:00"), april.end);
    assert_eq!(zones.doubled(second_pass), [Span::new(second_pass.start, doubled.end)]);
}

#[test]
fn a_day_is_small_when_it_is_stored_and_reads_back_equal() {
    let day = guide_day().day();
    let text = serde_json::to_string(&day).unwrap();
    assert_eq!(
        text,
        r#"{"slot":15,"types":[[63,66],[66]],"pieces":[[540,630,0],[630,645,1],[690,1035,0],[1035,1050,1]]}"#
    );
    assert_eq!(serde_json::from_str::<Day>(&text).unwrap(), day);
    assert_eq!(serde_json::from_str::<Day>(r#"{"slot":15}"#).unwrap(), Day::empty(15));

    // The worst case of real clinics: every other slot of five minutes, day and night.
    let types: Vec<AppointmentTypeId> = (10_000..10_010).map(AppointmentTypeId).collect();
    let ragged = Day::from_starts(5, (0..1440).step_by(10).map(|minute| (minute, &*types)));
    let bytes = serde_json::to_vec(&ragged).unwrap().len();
    assert!(bytes < 4096, "{bytes}");
}

#[test]
fn a_range_to_midnight_ends_a_minute_before_and_none_begins_there() {
    let types = [AppointmentTypeId(CONSULT)];
    let day = Day::from_starts(1, [(1437, &types[..]), (1438, &types), (1439, &types)]);
    let ranges = day.snapshot(room(1).id, date("2019-02-15")).availability;
    assert_eq!((&*ranges[0].start, &*ranges[0].end), ("23:57", "23:59"));
    let last = Day::from_starts(1, [(1439, &types[..])]);
    assert_eq!(last.snapshot(room(1).id, date("2019-02-15")).availability, []);
}

/// What `compare` says of the guide's day, sent at nine and wanted at a later time.
fn compared(sent_at: &str, now: &str, min_notice: TimeDelta, accepted: bool, busy: Option<(&str, &str)>) -> DayChange {
    let mut scene = guide_day();
    scene.moment = Moment { now: at(sent_at), min_notice };
    let sent = SentDay { day: scene.day(), at: at(sent_at), accepted };
    scene.moment.now = at(now);
    let scene = busy.map_or(scene.busy(BEGAN, BEGAN), |(start, end)| guide_day().busy(start, end));
    let scene = Scene { moment: Moment { now: at(now), min_notice }, ..scene };
    compare(Some(&sent), &scene.day(), scene.day, scene.moment, &scene.zones.practice)
}

#[test]
fn a_day_is_sent_when_it_differs_and_time_alone_is_no_difference() {
    let none = TimeDelta::zero();
    let (nine, noon) = ("2019-02-15T09:00:00+11:00", "2019-02-15T12:00:00+11:00");
    assert_eq!(compared(nine, noon, none, true, None), DayChange::Same);
    let afternoon = Some(("2019-02-15T14:00:00+11:00", "2019-02-15T14:15:00+11:00"));
    assert_eq!(compared(nine, noon, none, true, afternoon), DayChange::Send);
    let morning = Some(("2019-02-15T11:30:00+11:00", "2019-02-15T12:00:00+11:00"));
    assert_eq!(compared(nine, noon, none, true, morning), DayChange::Same, "what is past does not matter");
    assert_eq!(compared(nine, "2019-02-16T12:00:00+11:00", none, true, afternoon), DayChange::Same);
}

#[test]
fn a_day_never_sent_is_unknown_even_when_it_is_empty() {
    let scene = Scene::new("Australia/Sydney", "2019-02-15", 15);
    let day = scene.day();
    assert!(day.is_empty());
    assert_eq!(compare(None, &day, scene.day, scene.moment, &scene.zones.practice), DayChange::Send);
    let sent = SentDay { day: Day::empty(30), at: at(BEGAN), accepted: true };
    assert_eq!(compare(Some(&sent), &day, scene.day, scene.moment, &scene.zones.practice), DayChange::Same);
}

#[test]
fn a_refused_day_is_tried_again_only_when_its_content_changes() {
    let (nine, noon) = ("2019-02-15T09:00:00+11:00", "2019-02-15T12:00:00+11:00");
    let hour = TimeDelta::hours(1);
    assert_eq!(compared(nine, noon, hour, false, None), DayChange::Same);
    let afternoon = Some(("2019-02-15T14:00:00+11:00", "2019-02-15T14:15:00+11:00"));
    assert_eq!(compared(nine, noon, hour, false, afternoon), DayChange::Send);
}

#[test]
fn the_notice_runs_over_a_day_at_most_once_per_slot_length() {
    let hour = TimeDelta::hours(1);
    let noon = "2019-02-15T12:00:00+11:00";
    assert_eq!(compared(noon, "2019-02-15T12:14:59+11:00", hour, true, None), DayChange::Same);
    assert_eq!(compared(noon, "2019-02-15T12:15:00+11:00", hour, true, None), DayChange::NoticeOnly);
    assert_eq!(compared(noon, "2019-02-15T17:31:00+11:00", hour, true, None), DayChange::Same, "nothing left to offer");
    let soon = Some(("2019-02-15T13:00:00+11:00", "2019-02-15T13:15:00+11:00"));
    assert_eq!(compared(noon, "2019-02-15T12:05:00+11:00", hour, true, soon), DayChange::Same, "13:00 is too soon");
    let later = Some(("2019-02-15T13:15:00+11:00", "2019-02-15T13:30:00+11:00"));
    assert_eq!(compared(noon, "2019-02-15T12:05:00+11:00", hour, true, later), DayChange::Send);
}

#[test]
fn a_server_that_names_no_place_shifts_the_diary_by_what_its_clock_differs() {
    let now = at("2026-11-28T12:00:00Z");
    let shift = |server: &str, practice: &str| {
        Zones { server: zone(server), practice: zone(practice) }
            .diary_shift(now)
            .map(|shift| (shift.nine_today.to_string(), shift.nine_later.to_string(), shift.is_wrong))
    };
    let shifted = |today: &str, later: &str, wrong| Some((format!("{today}:00"), format!("{later}:00"), wrong));
    for utc in ["Etc/UTC", "GMT", "UTC", "Zulu"] {
        assert_eq!(shift(utc, "Australia/Sydney"), shifted("20:00", "19:00", true), "{utc}");
    }
    assert_eq!(shift("EST", "Australia/Sydney"), shifted("01:00", "00:00", true));
    assert_eq!(shift("Etc/GMT-10", "Australia/Sydney"), shifted("10:00", "09:00", false));
    assert_eq!(shift("GMT+10:00", "Australia/Brisbane"), None);
    assert_eq!(shift("Australia/Sydney", "Australia/Perth"), None, "a server at another place is where it says");
}
