//! What the recording does not reach: references of three parts, the guide's user free/busy, the
//! mistakes of 2.1 one by one, days on which the clocks change, conditions of the whole server.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::ids::{AppointmentTypeId, LocationId, ScheduleId, UserId};
use crate::span;

use super::*;

/// One location (98) with schedules 12 and 13 (30-minute slots, no hours), one clinician (35),
/// rostered to areas at will.
fn world(zone: &str) -> World {
    let mut world = World::new(zone.parse().unwrap(), Uuids::from_seed(7));
    world.accounts.push(Login::booking("sample", "changeit"));
    world.locations.push(LocationEntity { id: LocationId(98), name: "Clinic".into(), online: true });
    world.appointment_types.push(AppointmentTypeEntity {
        id: AppointmentTypeId(8),
        name: "Consult".into(),
        online: true,
    });
    for id in [12, 13] {
        world.schedules.push(ScheduleEntity {
            id: ScheduleId(id),
            name: format!("Schedule {id}"),
            location: LocationId(98),
            online: true,
            slot_size: SlotSize::Minutes(30),
            hours: Hours::default(),
            times: None,
            types: vec![(AppointmentTypeId(8), 1)],
        });
    }
    let user = UserEntity {
        id: UserId(35),
        name: "Andrew Turner".into(),
        clinician: true,
        online: true,
        active: true,
        locations: Vec::new(),
    };
    world.users.push(user);
    world.customers.push(Customer {
        id: CustomerId(41),
        title: None,
        first_name: "Judith".into(),
        last_name: "Bourke".into(),
        company: None,
        phones: Vec::new(),
        emails: vec!["judith@example.com".into()],
        patients: Vec::new(),
        active: true,
    });
    world
}

fn sim(world: World) -> OpenVpmsSim {
    OpenVpmsSim::new(world, Clock::virtual_from("2026-06-01T00:00:00Z".parse().unwrap()))
}

fn ask(sim: &OpenVpmsSim, method: &str, path: &str, body: Option<&Value>) -> (u16, String) {
    let authorization = format!("Basic {}", STANDARD.encode("sample:changeit"));
    let headers = vec![("authorization".into(), authorization), ("content-type".into(), "application/json".into())];
    let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    let answered =
        sim.answer(&ArrivedRequest { method: method.into(), target: format!("{BASE}{path}"), headers, body });
    (answered.status, String::from_utf8(answered.body).unwrap())
}

fn get(sim: &OpenVpmsSim, path: &str) -> Value {
    let (status, text) = ask(sim, "GET", &path.replace('+', "%2B"), None);
    assert_eq!(status, 200, "{path}: {text}");
    serde_json::from_str(&text).unwrap()
}

/// Ranges as `start-end`, each as it is written but for the milliseconds, and the schedule in front
/// if there is one.
fn ranges(list: &Value) -> Vec<String> {
    let text = |range: &Value, name: &str| range[name].as_str().unwrap().replace(":00.000", "");
    let one = |range: &Value| {
        let schedule = range.get("schedule").map(|id| format!("{id}: ")).unwrap_or_default();
        format!("{schedule}{}-{}", text(range, "start"), text(range, "end"))
    };
    list.as_array().unwrap().iter().map(one).collect()
}

fn booking(schedule: i64, start: &str, end: &str) -> Value {
    json!({
        "location": 98, "schedule": schedule, "appointmentType": 8, "start": start, "end": end,
        "title": "", "firstName": "New", "lastName": "Person"
    })
}

fn wall(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
}

fn visit(world: &mut World, schedule: i64, start: &str, end: &str) -> AppointmentId {
    world.add_appointment(NewAppointment {
        schedule: ScheduleId(schedule),
        start: wall(start),
        end: wall(end),
        appointment_type: AppointmentTypeId(8),
        clinician: Some(UserId(35)),
        customer: None,
        patient: None,
    })
}

/// Rostered from nine to noon on both schedules, with an appointment of theirs from ten to half
/// past on the second one.
fn on_two_schedules(behaviour: UserBehaviour) -> OpenVpmsSim {
    let mut world = world("Australia/Brisbane");
    world.user_behaviour = behaviour;
    let both = vec![ScheduleId(13), ScheduleId(12)];
    world.areas.push(Area { id: AreaId(1), location: LocationId(98), schedules: both });
    let (start, end) = (wall("2026-07-01 09:00"), wall("2026-07-01 12:00"));
    world.roster.push(Shift { user: UserId(35), area: AreaId(1), start, end });
    visit(&mut world, 13, "2026-07-01 10:00", "2026-07-01 10:30");
    sim(world)
}

/// The user's free or busy time, times of 1 July as `09:00`, those of other days with their date.
fn user_time(sim: &OpenVpmsSim, part: &str, from: u32, to: u32) -> Vec<String> {
    let window = format!("from=2026-07-0{from}T00:00:00+10:00&to=2026-07-0{to}T00:00:00+10:00");
    let answer = get(sim, &format!("/users/35/locations/98/{part}?{window}"));
    ranges(&answer)
        .iter()
        .map(|range| range.replace("+10:00", "").replace("2026-07-01T", "").replace("2026-07-", ""))
        .collect()
}

#[test]
fn the_guides_server_tells_each_schedule_on_its_own() {
    let sim = on_two_schedules(UserBehaviour::Guide);
    assert_eq!(user_time(&sim, "free", 1, 2), ["12: 09:00-12:00", "13: 09:00-10:00", "13: 10:30-12:00"]);
    let busy = ["12: 00:00-09:00", "12: 12:00-02T00:00", "13: 00:00-09:00", "13: 10:00-10:30", "13: 12:00-02T00:00"];
    assert_eq!(user_time(&sim, "busy", 1, 2), busy);
}

#[test]
fn server_2_1_takes_an_appointment_off_the_wrong_schedule_and_merges_busy_time() {
    let sim = on_two_schedules(UserBehaviour::V21);
    assert_eq!(user_time(&sim, "free", 1, 2), ["12: 09:00-10:00", "12: 10:30-12:00", "13: 09:00-12:00"]);
    assert_eq!(user_time(&sim, "busy", 1, 2), ["13: 00:00-09:00", "13: 10:00-10:30", "13: 12:00-02T00:00"]);
}

#[test]
fn server_2_1_goes_on_to_the_next_schedule_while_nothing_free_begins_later() {
    let sim = on_two_schedules(UserBehaviour::V21);
    sim.staff(|world| visit(world, 12, "2026-07-01 11:30", "2026-07-01 12:00"));
    // Nothing is left on 12 after 12:00, so the search reaches the range of 13, which begins
    // before.
    let free = ["12: 09:00-10:00", "12: 10:30-11:30", "13: 09:00-11:30"];
    assert_eq!(user_time(&sim, "free", 1, 2), free);
}

#[test]
fn a_day_without_a_shift_is_busy_as_a_whole_and_a_window_without_one_is_empty() {
    for behaviour in [UserBehaviour::Guide, UserBehaviour::V21] {
        let sim = on_two_schedules(behaviour);
        let busy = user_time(&sim, "busy", 1, 3);
        let whole_days = ["12: 02T00:00-03T00:00".to_owned(), "13: 02T00:00-03T00:00".to_owned()];
        assert!(whole_days.iter().all(|day| busy.contains(day)), "{behaviour:?}: {busy:?}");
        assert_eq!(user_time(&sim, "busy", 2, 3), Vec::<String>::new(), "{behaviour:?}");
    }
}

#[test]
fn a_reference_of_three_parts_names_the_customer_who_was_found() {
    let mut world = world("Australia/Brisbane");
    world.reference_parts = ReferenceParts::Three;
    let sim = sim(world);
    let make = |hour: u32, email: &str| {
        let (start, end) = (format!("2026-07-01T{hour}:00:00.000+10:00"), format!("2026-07-01T{hour}:30:00.000+10:00"));
        let mut body = booking(12, &start, &end);
        (body["firstName"], body["lastName"], body["email"]) = ("Judith".into(), "Bourke".into(), email.into());
        ask(&sim, "POST", "/bookings", Some(&body))
    };
    let (status, found) = make(10, "judith@example.com");
    assert_eq!((status, found.split(':').nth(1), found.split(':').count()), (201, Some("41"), 3));
    let (status, unknown) = make(11, "other@example.com");
    assert_eq!((status, unknown.split(':').count()), (201, 2));

    let read = |reference: &str| ask(&sim, "GET", &format!("/bookings/{reference}"), None);
    assert_eq!((read(&found).0, read(&unknown).0), (200, 200));
    assert_eq!(read(&found.replace(":41:", ":42:")), (404, "Booking not found".into()));
    assert_eq!(read(&found.replace(":41:", ":x:")), (400, "Invalid booking reference".into()));
    assert_eq!(read(&format!("{found}:1")), (400, "Invalid booking reference".into()));
}

#[test]
fn the_day_of_25_hours_is_free_for_25_hours_and_its_doubled_hour_is_stored_once() {
    let sim = sim(world("Australia/Sydney"));
    let day = "from=2027-04-04T00:00:00+11:00&to=2027-04-05T00:00:00+10:00";
    let free = get(&sim, &format!("/schedules/12/free?{day}"));
    assert_eq!(ranges(&free), ["2027-04-04T00:00+11:00-2027-04-05T00:00+10:00"]);
    assert_eq!(get(&sim, &format!("/schedules/12/free?slots=true&{day}")).as_array().unwrap().len(), 50);

    // From a quarter to three to the second two o'clock: backwards in wall time, so it overlaps
    // nothing, not even itself.
    sim.staff(|world| world.schedule_mut(ScheduleId(12)).unwrap().slot_size = SlotSize::Minutes(15));
    let backwards = booking(12, "2027-04-04T02:45:00.000+11:00", "2027-04-04T02:00:00.000+10:00");
    for _ in 0..2 {
        assert_eq!(ask(&sim, "POST", "/bookings", Some(&backwards)).0, 201);
    }

    let first_pass = booking(13, "2027-04-04T02:00:00.000+11:00", "2027-04-04T02:30:00.000+11:00");
    let (_, reference) = ask(&sim, "POST", "/bookings", Some(&first_pass));
    let told = get(&sim, &format!("/bookings/{reference}"));
    assert_eq!(told["start"], "2027-04-04T02:00:00.000+10:00");
    let busy = |sim: &OpenVpmsSim| ranges(&get(sim, &format!("/schedules/13/busy?{day}")));
    assert_eq!(busy(&sim), ["2027-04-04T02:00+11:00-2027-04-04T02:30+11:00"]);
    sim.staff(World::restart);
    assert_eq!(busy(&sim), ["2027-04-04T02:00+10:00-2027-04-04T02:30+10:00"]);
}

#[test]
fn opening_hours_keep_their_wall_time_over_a_change_of_the_clocks() {
    let mut world = world("Australia/Sydney");
    let time = |hour| chrono::NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    world.schedule_mut(ScheduleId(12)).unwrap().open_daily(time(9), time(17));
    let window = "from=2026-10-03T00:00:00+10:00&to=2026-10-05T00:00:00+11:00";
    let free = get(&sim(world), &format!("/schedules/12/free?{window}"));
    let expected = ["2026-10-03T09:00+10:00-2026-10-03T17:00+10:00", "2026-10-04T09:00+11:00-2026-10-04T17:00+11:00"];
    assert_eq!(ranges(&free), expected);
}

#[test]
fn half_an_hour_that_does_not_exist_on_lord_howe_moves_the_slots_of_an_hour() {
    let mut world = world("Australia/Lord_Howe");
    world.schedule_mut(ScheduleId(12)).unwrap().slot_size = SlotSize::Hours(1);
    let window = "from=2026-10-04T00:00:00+10:30&to=2026-10-04T05:00:00+11:00&slots=true";
    let slots = ranges(&get(&sim(world), &format!("/schedules/12/free?{window}")));
    let expected = [
        "2026-10-04T00:00+10:30-2026-10-04T01:00+10:30",
        // A real hour from one o'clock is half past two; the grid goes on at three.
        "2026-10-04T01:00+10:30-2026-10-04T02:30+11:00",
        "2026-10-04T03:00+11:00-2026-10-04T04:00+11:00",
        "2026-10-04T04:00+11:00-2026-10-04T05:00+11:00",
    ];
    assert_eq!(slots, expected);
}

#[test]
fn a_booking_into_the_doubled_half_hour_on_lord_howe_is_stored_without_length() {
    let sim = sim(world("Australia/Lord_Howe"));
    let body = booking(12, "2027-04-04T01:30:00.000+11:00", "2027-04-04T01:30:00.000+10:30");
    let (status, reference) = ask(&sim, "POST", "/bookings", Some(&body));
    assert_eq!(status, 201, "{reference}");
    let told = get(&sim, &format!("/bookings/{reference}"));
    assert_eq!(told["start"], told["end"]);
}

#[test]
fn an_application_that_is_reloaded_answers_404_with_html_to_everything() {
    let sim = sim(world("Australia/Brisbane"));
    assert_eq!(ask(&sim, "GET", "/locations", None).0, 200);
    sim.staff(|world| world.condition = Condition::ApplicationAway);
    for (method, path) in [("GET", "/locations"), ("GET", "/bookings/1:x"), ("POST", "/bookings")] {
        let (status, page) = ask(&sim, method, path, None);
        assert!(status == 404 && page.starts_with("<!doctype html>"), "{method} {path}: {status} {page}");
    }
}

#[test]
fn staff_find_a_booking_by_a_line_of_its_notes() {
    let sim = sim(world("Australia/Brisbane"));
    let mut body = booking(12, "2026-07-01T10:00:00.000+10:00", "2026-07-01T10:30:00.000+10:00");
    body["notes"] = "Healthengine booking 77\nType: Consult".into();
    let (_, reference) = ask(&sim, "POST", "/bookings", Some(&body));
    sim.staff(|world| {
        let found = world.with_note("Healthengine booking 77");
        assert_eq!(found.len(), 1);
        assert_eq!(world.reference(found[0]), reference);
        assert!(world.with_note("Healthengine booking 7").is_empty());
        assert_eq!(world.find_reference(&reference).unwrap().id, found[0].id);
    });
}

#[test]
fn two_servers_of_one_seed_give_the_same_references() {
    let make = || {
        let body = booking(12, "2026-07-01T10:00:00.000+10:00", "2026-07-01T10:30:00.000+10:00");
        ask(&sim(world("Australia/Brisbane")), "POST", "/bookings", Some(&body))
    };
    assert_eq!(make(), make());
}

proptest! {
    /// Inside opening hours every minute is free or busy and never both, whatever staff put into
    /// the diary.
    #[test]
    fn free_and_busy_time_make_up_the_opening_hours(
        visits in prop::collection::vec((0_i64..4 * 1440, 0_i64..600), 0..12),
        zone in prop::sample::select(vec!["Australia/Sydney", "Australia/Lord_Howe", "Australia/Brisbane"]),
    ) {
        let mut world = world(zone);
        let time = |hour, minute| chrono::NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
        world.schedule_mut(ScheduleId(12)).unwrap().open_daily(time(1, 0), time(17, 30));
        let first = wall("2026-10-02 00:00");
        for (minute, length) in visits {
            let start = first + TimeDelta::minutes(minute);
            world.add_block(ScheduleId(12), start, start + TimeDelta::minutes(length));
        }
        let zone = world.zone;
        let midnight = |days| zone.at(super::wall::instant(&zone, first + TimeDelta::days(days)));
        let window = super::free_busy::AskedWindow { from: midnight(0), to: midnight(4), slots: false };
        let found = world.free_busy(world.schedule(ScheduleId(12)).unwrap(), window);

        let open = (0..4).map(|days| {
            let day = (first + TimeDelta::days(days)).date();
            world.span(day.and_time(time(1, 0)), day.and_time(time(17, 30)))
        });
        let (free, busy) = (span::normalised(found.free.clone()), span::normalised(found.busy.clone()));
        prop_assert_eq!(span::intersection(&free, &busy), vec![]);
        prop_assert_eq!(span::normalised(free.into_iter().chain(busy)), span::normalised(open));
        let in_order = |list: &[span::Span]| list.windows(2).all(|pair| pair[0].end <= pair[1].start);
        prop_assert!(in_order(&found.free) && in_order(&found.busy));
    }
}

#[test]
fn the_past_begins_at_the_clocks_time() {
    let now: DateTime<Utc> = "2026-07-01T00:00:00Z".parse().unwrap();
    let sim = OpenVpmsSim::new(world("Australia/Brisbane"), Clock::virtual_from(now));
    let at = |start: &str, end: &str| ask(&sim, "POST", "/bookings", Some(&booking(12, start, end)));
    let past = at("2026-07-01T09:30:00.000+10:00", "2026-07-01T10:00:00.000+10:00");
    assert_eq!(past, (400, "Cannot make a booking in the past".into()));
    assert_eq!(at("2026-07-01T10:30:00.000+10:00", "2026-07-01T11:00:00.000+10:00").0, 201);
}

#[test]
fn two_bookings_that_are_submitted_at_one_instant_are_both_made() {
    let sim = sim(world("Australia/Brisbane"));
    let (start, end) = ("2026-07-01T10:00:00.000+10:00", "2026-07-01T10:30:00.000+10:00");
    let racing = |start, end| NewAppointment {
        schedule: ScheduleId(12),
        start: wall(start),
        end: wall(end),
        appointment_type: AppointmentTypeId(8),
        clinician: None,
        customer: None,
        patient: None,
    };
    sim.staff(|world| {
        world.race(racing("2026-07-01 11:00", "2026-07-01 11:30"));
        world.race(racing("2026-07-01 10:00", "2026-07-01 10:30"));
    });
    assert_eq!(ask(&sim, "POST", "/bookings", Some(&booking(12, start, end))).0, 201);
    assert_eq!(sim.staff(|world| world.standing().count()), 2, "and only those that meet");
    let (status, text) = ask(&sim, "POST", "/bookings", Some(&booking(12, start, end)));
    assert_eq!((status, text.starts_with("An appointment is already scheduled")), (400, true));
    let (start, end) = ("2026-07-01T11:00:00.000+10:00", "2026-07-01T11:30:00.000+10:00");
    sim.staff(World::end_races);
    assert_eq!(ask(&sim, "POST", "/bookings", Some(&booking(12, start, end))).0, 201);
    assert_eq!(sim.staff(|world| world.standing().count()), 3);
}

#[test]
fn a_restored_database_knows_what_the_backup_knew_and_gives_ids_again_but_no_references() {
    let sim = sim(world("Australia/Brisbane"));
    let make = |hour| {
        let (start, end) = (format!("2026-07-01T{hour}:00:00.000+10:00"), format!("2026-07-01T{hour}:30:00.000+10:00"));
        let (status, reference) = ask(&sim, "POST", "/bookings", Some(&booking(12, &start, &end)));
        assert_eq!(status, 201, "{reference}");
        reference
    };
    let kept = make(10);
    let backup = sim.staff(|world| world.clone());
    let lost = make(11);
    assert_eq!(ask(&sim, "DELETE", &format!("/bookings/{kept}"), None).0, 204);
    sim.staff(|world| world.restore(&backup));
    assert_eq!(ask(&sim, "GET", &format!("/bookings/{kept}"), None).0, 200, "it was cancelled later");
    assert_eq!(ask(&sim, "GET", &format!("/bookings/{lost}"), None), (404, "Booking not found".to_owned()));
    let again = make(11);
    assert_ne!(again, lost);
    assert_eq!(again.split(':').next(), lost.split(':').next(), "ids are counted");
}
