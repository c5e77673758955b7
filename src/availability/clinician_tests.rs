//! Clinicians, scene by scene; the property tests are in `tests/clinician_model.rs`.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::tests::{CONSULT, at, date, same};
use super::*;
use crate::ids::{AppointmentTypeId, LocationId, ResourceId, ScheduleId, TypeId, UserId};
use crate::mapping::ResourceType;
use crate::openvpms::{FreeBusy, UserFreeBusy, UserSpan};

const VET: UserId = UserId(35);
/// Free time on a schedule.
type Free<'a> = (i64, &'a [(&'a str, &'a str)]);

/// A span of 21 December 2026 in Sydney.
fn span((start, end): (&str, &str)) -> Span {
    Span::new(clock(start), clock(end))
}

fn clock(time: &str) -> DateTime<Utc> {
    at(&format!("2026-12-21T{time}:00+11:00"))
}

fn spans(times: &[(&str, &str)]) -> Vec<Span> {
    times.iter().copied().map(span).collect()
}

/// One day of a vet: what is busy on which schedule (`None`: not to be read), what they are free
/// for, what is known and feared.
struct Scene {
    busy: BTreeMap<i64, Option<Vec<Span>>>,
    user: UserReading,
    rosters: Rosters,
    own: Vec<OwnBooking>,
    doubt: ClinicianDoubt,
}

impl Scene {
    fn new(busy: &[(i64, &[(&str, &str)])], free: &[Free<'_>]) -> Self {
        let free = free.iter().flat_map(|(schedule, times)| {
            times.iter().map(|&time| UserSpan { span: span(time), schedule: ScheduleId(*schedule) })
        });
        let answer = UserFreeBusy { free: free.collect(), busy: Vec::new() };
        Self {
            busy: busy.iter().map(|(schedule, times)| (*schedule, Some(spans(times)))).collect(),
            user: UserReading::new(Self::window(), clock("00:00"), [answer]),
            rosters: Rosters::new(),
            own: Vec::new(),
            doubt: ClinicianDoubt::Offer,
        }
    }

    fn window() -> Span {
        window(Days::one(date("2026-12-21")), &same("Australia/Sydney"))
    }

    fn readings(&self) -> Readings {
        let reading = |busy: &Vec<Span>| {
            let free = spans(&[("09:00", "17:30")]);
            ScheduleReading::new(Self::window(), clock("00:00"), FreeBusy { free, busy: busy.clone() })
        };
        Readings {
            schedules: self.busy.iter().map(|(&id, busy)| (ScheduleId(id), busy.as_ref().map(reading))).collect(),
            users: BTreeMap::from([(VET, self.user.clone())]),
        }
    }

    /// Learns from what is read, as the shell does with each reading.
    fn learn(mut self) -> Self {
        let readings = self.readings();
        learn(&mut self.rosters, &readings, &same("Australia/Sydney").server);
        self
    }

    /// The same vet at a later reading.
    fn then(self, later: Self) -> Self {
        Self { rosters: self.rosters, ..later }.learn()
    }

    fn ask<T>(&self, ask: impl FnOnce(&Question<'_>) -> T) -> T {
        ask(&Question {
            zones: same("Australia/Sydney"),
            readings: &self.readings(),
            own: &self.own,
            rosters: &self.rosters,
            clinician_doubt: self.doubt,
            moment: Moment { now: at("2026-12-01T00:00:00Z"), min_notice: TimeDelta::zero() },
            rules: RulesInForce::default(),
        })
    }

    /// When the vet can be booked on a schedule.
    fn offered(&self, schedule: i64) -> Vec<String> {
        let days = self.ask(|question| days(question, &[vet_on(schedule)], Days::one(date("2026-12-21"))));
        let ranges = days.iter().flat_map(|day| day.snapshot().availability);
        ranges.map(|range| format!("{}-{}", range.start, range.end)).collect()
    }

    fn reason(&self, schedule: i64, time: &str) -> Option<Reason> {
        let span = Span::new(clock(time), clock(time) + TimeDelta::minutes(30));
        self.ask(|question| look(question, &vet_on(schedule), span, (AppointmentTypeId(CONSULT), None)))
            .unwrap()
            .refusal
    }
}

fn vet_on(schedule: i64) -> Resource {
    let id = ResourceId::clinician(VET, ScheduleId(schedule));
    Resource {
        id,
        location: LocationId(4),
        name: "Andrew Turner - Room".into(),
        clinician: None,
        slot_size_minutes: 30,
        types: vec![ResourceType {
            id: TypeId { appointment_type: AppointmentTypeId(8), resource: id },
            plain_name: String::new(),
            name: String::new(),
            slots: 1,
            length_minutes: 30,
        }],
    }
}

/// As a real 2.1 server told it: their appointments at 10:00 (on 13), 13:00 (on 12) and 15:00 (at
/// the branch) all come off 12; on 12 there are a calendar block at 9:00 and a colleague's
/// appointment at 16:00.
fn as_recorded() -> Scene {
    Scene::new(
        &[(12, &[("09:00", "09:30"), ("13:00", "13:30"), ("16:00", "16:30")]), (13, &[("10:00", "11:00")])],
        &[
            (12, &[("09:00", "10:00"), ("11:00", "13:00"), ("13:30", "15:00"), ("15:30", "17:00")]),
            (13, &[("09:00", "17:00")]),
        ],
    )
}

#[test]
fn the_recorded_day_of_a_vet_on_two_schedules() {
    let scene = as_recorded().learn();
    assert_eq!(scene.offered(12), ["09:30-10:00", "11:00-13:00", "13:30-15:00", "15:30-16:00", "16:30-17:00"]);
    // The 13:00 appointment on 12 borders on their free time there: it is theirs. The branch is
    // not on their roster.
    assert_eq!(scene.offered(13), ["09:00-10:00", "11:00-13:00", "13:30-17:00"]);
    assert_eq!(scene.reason(13, "13:00"), Some(Reason::ClinicianBusyElsewhere));
    assert_eq!(scene.reason(13, "10:00"), Some(Reason::ScheduleBusy));
    assert_eq!(scene.reason(13, "17:00"), Some(Reason::NotRostered));
    assert_eq!(scene.reason(12, "16:00"), Some(Reason::ScheduleBusy));
}

/// Schedule 13 in the morning, 12 in the afternoon; colleagues fill 12 all morning.
fn moves_at_noon<'a>() -> [Free<'a>; 2] {
    [(13, &[("09:00", "12:00")]), (12, &[("12:00", "17:00")])]
}

#[test]
fn a_colleagues_morning_does_not_take_his_once_his_roster_was_seen() {
    let quiet = || Scene::new(&[(12, &[]), (13, &[])], &moves_at_noon()).learn();
    let colleague = || Scene::new(&[(12, &[("10:00", "12:00")]), (13, &[])], &moves_at_noon());
    assert_eq!(quiet().then(colleague()).offered(13), ["09:00-12:00"]);
    assert_eq!(
        colleague().learn().offered(13),
        ["09:00-10:00"],
        "at first what borders on his own shift counts as his"
    );
    let apart = || Scene::new(&[(12, &[("09:30", "11:00")]), (13, &[])], &moves_at_noon());
    assert_eq!(apart().learn().offered(13), ["09:00-12:00"]);
    let careful = Scene { doubt: ClinicianDoubt::Withhold, ..apart() }.learn();
    assert_eq!(careful.offered(13), ["09:00-09:30", "11:00-12:00"]);
}

#[test]
fn an_appointment_is_his_where_he_was_seen_free() {
    let rostered: [Free<'_>; 2] = [(12, &[("09:00", "12:00")]), (13, &[("09:00", "12:00")])];
    let booked: [Free<'_>; 2] = [(12, &[]), (13, &[("09:00", "12:00")])];
    let quiet = Scene::new(&[(12, &[]), (13, &[])], &rostered).learn();
    // Their whole shift on 12 is booked: nothing borders on free time any more, but they were
    // seen there.
    let full = Scene::new(&[(12, &[("09:00", "12:00")]), (13, &[])], &booked);
    assert_eq!(quiet.then(full).offered(13), [""; 0]);
}

#[test]
fn the_latest_reading_of_a_roster_counts() {
    let rostered: [Free<'_>; 2] = [(12, &[("09:00", "12:00")]), (13, &[("09:00", "12:00")])];
    let moved: [Free<'_>; 2] = [(12, &[]), (13, &[("09:00", "12:00")])];
    let colleague = || Scene::new(&[(12, &[("10:00", "11:00")]), (13, &[])], &moved);
    let before = || Scene::new(&[(12, &[]), (13, &[])], &rostered).learn();
    assert_eq!(before().then(colleague()).offered(13), ["09:00-10:00", "11:00-12:00"], "not yet seen to have moved");
    let seen = before().then(Scene::new(&[(12, &[]), (13, &[])], &moved));
    assert_eq!(seen.then(colleague()).offered(13), ["09:00-12:00"]);
}

#[test]
fn on_three_schedules_an_appointment_shows_where_his_free_time_went() {
    let day: &[(&str, &str)] = &[("09:00", "12:00")];
    let rostered: [Free<'_>; 3] = [(12, day), (13, day), (32, day)];
    let quiet = || Scene::new(&[(12, &[]), (13, &[]), (32, &[])], &rostered).learn();
    // Their appointment stands on 13; 2.1 takes it off 12, which is not busy.
    let taken_off_12: [Free<'_>; 3] = [(12, &[("09:00", "10:00"), ("10:30", "12:00")]), (13, day), (32, day)];
    let booked = || Scene::new(&[(12, &[]), (13, &[("10:00", "10:30")]), (32, &[])], &taken_off_12);
    assert_eq!(quiet().then(booked()).offered(32), ["09:00-10:00", "10:30-12:00"]);
    // Somebody else's on 13 takes nothing.
    let others = Scene::new(&[(12, &[]), (13, &[("10:00", "10:30")]), (32, &[])], &rostered);
    assert_eq!(quiet().then(others).offered(32), ["09:00-12:00"]);
}

#[test]
fn our_own_booking_elsewhere_takes_him_before_any_reading_shows_it() {
    let rostered: [Free<'_>; 2] = [(12, &[("09:00", "12:00")]), (13, &[("09:00", "12:00")])];
    let mut scene = Scene::new(&[(12, &[]), (13, &[])], &rostered).learn();
    let booking =
        |schedule, user| OwnBooking { schedule, user, span: span(("10:00", "10:30")), inserted: Some(clock("00:30")) };
    // On a schedule of another practice, which nobody read.
    scene.own = vec![booking(ScheduleId(99), Some(VET))];
    assert_eq!(scene.offered(13), ["09:00-10:00", "10:30-12:00"]);
    scene.own = vec![booking(ScheduleId(12), Some(UserId(36))), booking(ScheduleId(12), None)];
    assert_eq!(scene.offered(13), ["09:00-12:00"], "not his");
    scene.own = vec![booking(ScheduleId(13), Some(UserId(36)))];
    assert_eq!(scene.offered(13), ["09:00-10:00", "10:30-12:00"], "the schedule itself is taken");
}

#[test]
fn a_schedule_that_cannot_be_read_takes_him_where_he_is_known_to_be() {
    let rostered: [Free<'_>; 2] = [(12, &[("09:00", "12:00")]), (13, &[("09:00", "12:00")])];
    let booked: [Free<'_>; 2] = [(12, &[("09:00", "10:00"), ("10:30", "12:00")]), (13, &[("09:00", "12:00")])];
    let quiet = Scene::new(&[(12, &[]), (13, &[])], &rostered).learn();
    let mut silent = Scene::new(&[(12, &[]), (13, &[])], &booked);
    silent.busy.insert(12, None);
    let scene = quiet.then(silent);
    assert_eq!(scene.offered(13), ["09:00-10:00", "10:30-12:00"]);
    assert_eq!(scene.ask(|question| days(question, &[vet_on(12)], Days::one(date("2026-12-21")))), []);
}

#[test]
fn nothing_is_said_of_a_clinician_who_could_not_be_read() {
    let scene = as_recorded();
    let readings = Readings { users: BTreeMap::new(), ..scene.readings() };
    let answer = scene.ask(|question| {
        days(&Question { readings: &readings, ..*question }, &[vet_on(12)], Days::one(date("2026-12-21")))
    });
    assert_eq!(answer, []);
}

#[test]
fn a_schedule_read_before_the_clinician_does_not_prove_him_off_the_roster() {
    // An appointment of theirs is made on 12 after the schedule was read and before they were.
    let booked: [Free<'_>; 2] = [(12, &[("09:00", "10:00"), ("10:30", "12:00")]), (13, &[("09:00", "12:00")])];
    let mut hasty = Scene::new(&[(12, &[]), (13, &[])], &booked);
    hasty.user.ended = clock("00:01");
    let after = Scene::new(&[(12, &[("10:00", "10:30")]), (13, &[])], &booked);
    assert_eq!(hasty.learn().then(after).offered(13), ["09:00-10:00", "10:30-12:00"]);
}

#[test]
fn a_full_shift_is_remembered_where_a_single_day_no_longer_names_its_schedule() {
    let rostered: [Free<'_>; 2] = [(12, &[("09:00", "12:00")]), (13, &[("09:00", "12:00")])];
    let quiet = Scene::new(&[(12, &[]), (13, &[])], &rostered).learn();
    let full = Scene::new(&[(12, &[("09:00", "12:00")]), (13, &[])], &[(13, &[("09:00", "12:00")])]);
    let scene = quiet.then(full);
    let to_read = roster_schedules(VET, &scene.user, &scene.rosters);
    assert_eq!(to_read.into_iter().collect::<Vec<_>>(), [ScheduleId(12), ScheduleId(13)]);
    assert_eq!(scene.offered(13), [""; 0]);
}

#[test]
fn knowledge_is_written_as_pairs_of_seconds() {
    let scene = Scene::new(&[(12, &[])], &[(12, &[("09:00", "10:00")])]).learn();
    let first = scene.rosters.values().next().unwrap();
    assert_eq!(
        serde_json::to_string(first).unwrap(),
        r#"{"on":[[1797804000,1797807600]],"off":[[1797771600,1797804000],[1797807600,1797858000]]}"#
    );
}
