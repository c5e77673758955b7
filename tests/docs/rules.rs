//! The examples of `docs/tasks/rules.md`, as they stand there: what each rule leaves of a day.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use vetbridge::availability::rules::{CountedBooking, OfferRule, RulesInForce};
use vetbridge::availability::{
    ClinicianDoubt, Days, Moment, Question, Readings, Rosters, ScheduleReading, UserReading, Zones, days, window,
};
use vetbridge::booking::machine::Ask;
use vetbridge::booking::placement::{Offered, ask};
use vetbridge::config;
use vetbridge::healthengine::{BookingRequest, BookingStatus, Patient};
use vetbridge::ids::{AppointmentTypeId, BookingId, LocationId, ResourceId, TypeId};
use vetbridge::mapping::guard::Accepted;
use vetbridge::mapping::{Asked, Resource, ResourceType};
use vetbridge::openvpms::{FreeBusy, UserFreeBusy, UserSpan};
use vetbridge::span::Span;

use super::configuration::REQUIRED;
use super::page::Page;

const CONSULT: AppointmentTypeId = AppointmentTypeId(66);
const SURGERY: AppointmentTypeId = AppointmentTypeId(63);

/// A section of the page: its rules, and the rows of its table.
struct Example {
    rules: Vec<OfferRule>,
    rows: Vec<Vec<String>>,
}

/// The sections below `###`, by their headings.
fn examples() -> BTreeMap<String, Example> {
    let page = Page::read(Path::new("docs/tasks/rules.md"));
    let sections = page.text.split("\n## ").find(|part| part.starts_with("Six examples")).unwrap().split("\n### ");
    let example = |section: &str| {
        let (heading, rest) = section.split_once('\n').unwrap();
        let toml = rest.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
        let rows = rest.lines().filter(|line| line.starts_with('|')).skip(2);
        let cells = |row: &str| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
        (heading.to_owned(), Example { rules: rules(toml), rows: rows.map(cells).collect() })
    };
    sections.skip(1).map(example).collect()
}

fn rules(toml: &str) -> Vec<OfferRule> {
    let whole = REQUIRED.iter().map(|(_, text)| *text).collect::<String>() + toml;
    let config = config::parse(Path::new("vetbridge.toml"), &whole, &|_| Ok(String::new())).unwrap();
    config.practices[0].rules.clone()
}

fn zones() -> Zones {
    let sydney = "Australia/Sydney".parse().unwrap();
    Zones { server: sydney, practice: sydney }
}

fn now() -> DateTime<Utc> {
    zones().moment("2027-02-15T08:00:00".parse().unwrap()).unwrap()
}

/// The vet on schedule 211.
fn vet() -> Resource {
    let id: ResourceId = "u1158-s211".parse().unwrap();
    let kind = |appointment_type, slots| ResourceType {
        id: TypeId { appointment_type, resource: id },
        plain_name: String::new(),
        name: String::new(),
        slots,
        length_minutes: slots * 15,
    };
    Resource {
        id,
        location: LocationId(98),
        name: "Vera Vet".into(),
        clinician: None,
        slot_size_minutes: 15,
        types: vec![kind(SURGERY, 2), kind(CONSULT, 1)],
    }
}

/// The first and the last start of each type on a day with so many bookings, whose end is taken for so long:
/// `09:00 to 16:45`, or `none`.
fn offered(rules: &[OfferRule], date: NaiveDate, booked: usize, taken: TimeDelta) -> [String; 2] {
    offered_beside(
        rules,
        date,
        &vec![CountedBooking { resource: vet().id, appointment_type: CONSULT, date }; booked],
        taken,
    )
}

/// The same beside these bookings.
fn offered_beside(rules: &[OfferRule], date: NaiveDate, counted: &[CountedBooking], taken: TimeDelta) -> [String; 2] {
    let (vet, day) = (vet(), Days::one(date));
    let window = window(day, &zones());
    let at = |hour| zones().moment(date.and_hms_opt(hour, 0, 0).unwrap()).unwrap();
    let (open, taken) = (Span::new(at(9), at(17) - taken), Span::new(at(17) - taken, at(17)));
    let schedule = ScheduleReading::new(window, now(), FreeBusy { free: vec![open], busy: vec![taken] });
    let free = vec![UserSpan { schedule: vet.id.schedule, span: open }];
    let user = UserReading::new(window, now(), [UserFreeBusy { free, busy: vec![] }]);
    let readings = Readings {
        schedules: [(vet.id.schedule, Some(schedule))].into(),
        users: [(vet.id.user.unwrap(), user)].into(),
    };
    let question = Question {
        zones: zones(),
        readings: &readings,
        own: &[],
        rosters: &Rosters::new(),
        clinician_doubt: ClinicianDoubt::Offer,
        moment: Moment { now: now(), min_notice: TimeDelta::zero() },
        rules: RulesInForce { rules, counted },
    };
    let offered = days(&question, std::slice::from_ref(&vet), day).remove(0).day;
    [CONSULT, SURGERY].map(|kind| {
        let mut starts: Vec<u32> =
            offered.starts().filter(|(_, types)| types.contains(&kind)).map(|(minute, _)| minute).collect();
        let clock = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
        let whole = starts.windows(2).all(|two| two[0] + 15 == two[1]);
        assert!(whole, "the page names a first and a last start, with all between them");
        match (starts.first().copied(), starts.pop()) {
            (Some(first), Some(last)) => format!("{} to {}", clock(first), clock(last)),
            _ => "none".to_owned(),
        }
    })
}

#[test]
fn each_example_offers_what_its_table_says() {
    let examples = examples();
    let headings: Vec<&str> = examples.keys().map(String::as_str).collect();
    assert_eq!(headings.len(), 6, "{headings:?}");
    for (heading, example) in &examples {
        assert!(!example.rows.is_empty() && example.rules.len() == 1, "{heading}");
        for row in &example.rows {
            let (day, booked) = row[0].split_once(", ").unwrap_or((&row[0], "0 booked online"));
            let date = NaiveDate::parse_from_str(&format!("{day} 2027"), "%A %d %B %Y").unwrap();
            let booked = booked.strip_suffix(" booked online").unwrap().parse().unwrap();
            assert_eq!(row[1..], offered(&example.rules, date, booked, TimeDelta::zero()), "{heading}: {}", row[0]);
        }
    }
}

#[test]
fn a_vet_on_two_schedules_gets_the_number_of_the_rule_on_each_of_them() {
    let both = ["u1158-s136", "u1158-s211"].map(|id| id.parse::<ResourceId>().unwrap());
    let mut rules = examples()["Four a day for each vet"].rules.clone();
    rules[0].resources = both.into();
    let date = NaiveDate::from_ymd_opt(2027, 2, 15).unwrap();
    let left = |booked: [usize; 2]| {
        let of = |(resource, count)| vec![CountedBooking { resource, appointment_type: CONSULT, date }; count];
        let counted: Vec<CountedBooking> = both.into_iter().zip(booked).flat_map(of).collect();
        offered_beside(&rules, date, &counted, TimeDelta::zero()) != ["none", "none"]
    };
    assert!(left([4, 3]) && !left([4, 4]), "eight in all");
}

#[test]
fn when_the_telephone_takes_a_kept_time_the_last_ones_that_are_left_are_kept() {
    let example = &examples()["The last two times of the day are for the telephone"];
    let monday = NaiveDate::from_ymd_opt(2027, 2, 15).unwrap();
    let quarter = TimeDelta::minutes(15);
    let [consult, surgery] = offered(&example.rules, monday, 0, quarter);
    assert_eq!((consult.as_str(), surgery.as_str()), ("09:00 to 16:00", "09:00 to 15:45"));
}

#[test]
fn new_clients_are_told_the_message_of_the_page_and_others_are_not() {
    let example = &examples()["New clients call"];
    let vet = vet();
    let request = |is_new_patient| BookingRequest {
        booking_id: BookingId(1),
        pms_resource_id: Some(vet.id.to_string()),
        pms_appointment_type_id: Some(vet.types[0].id.to_string()),
        pms_appointment_ids: Vec::new(),
        pms_patient_id: None,
        booked_time: None,
        status: BookingStatus::Requested,
        appointment_time: Some("2027-02-15T09:00:00".parse().unwrap()),
        appointment_length_seconds: None,
        reason: None,
        comments: None,
        patient: Patient::default(),
        telehealth_url: None,
        is_new_patient,
    };
    let offer = Offered {
        resources: std::slice::from_ref(&vet),
        zones: &zones(),
        accepted: &Accepted::default(),
        asked: &Asked::default(),
        rules: &example.rules,
    };
    let told = ask(&request(Some(true)), offer, now());
    assert!(
        matches!(&told, Ask::TurnAway(_, message, _) if message == "New clients please call the practice."),
        "{told:?}"
    );
    for known in [Some(false), None] {
        assert!(matches!(ask(&request(known), offer, now()), Ask::Insert(_)), "{known:?}");
    }
}
