use super::*;

pub(super) fn schedule(id: i64, name: &str, slot_size_minutes: u32) -> Schedule {
    Schedule { id: ScheduleId(id), name: name.to_owned(), slot_size_minutes }
}

pub(super) fn consult(id: i64, slots: u32) -> AppointmentType {
    let name = if id == 63 { "Long Consult".to_owned() } else { format!("Consult {id}") };
    AppointmentType { id: AppointmentTypeId(id), name, slots }
}

fn location(id: i64, time_zone: &str) -> Location {
    Location { id: LocationId(id), name: format!("Clinic {id}"), time_zone: time_zone.to_owned() }
}

fn user(id: i64, name: &str) -> User {
    User { id: UserId(id), name: name.to_owned() }
}

/// The clinic of the published guide: two locations, of which 98 has two schedules and two
/// clinicians.
pub(super) fn clinic() -> Inventory {
    let main = vec![
        (schedule(211, "Main Surgery Schedule", 30), vec![consult(66, 1)]),
        (schedule(136, "Main Appointment Schedule", 15), vec![consult(66, 1), consult(63, 2)]),
    ];
    let branch = vec![(schedule(140, "Branch Schedule", 20), vec![consult(66, 1)])];
    Inventory {
        locations: vec![location(106, "Australia/Sydney"), location(98, "Australia/Sydney")],
        schedules: BTreeMap::from([(LocationId(98), main), (LocationId(106), branch)]),
        users: BTreeMap::from([
            (LocationId(98), vec![user(1158, "Andrew Turner"), user(1159, "Dr Chris Barton")]),
            (LocationId(106), vec![user(1160, "Beth Branch")]),
        ]),
        user_locations: BTreeMap::from([(UserId(1161), BTreeSet::from([LocationId(106)]))]),
        absences: BTreeMap::from([(ScheduleId(7), Absence::Unknown), (ScheduleId(8), Absence::NotFlagged)]),
    }
}

fn at_98(resources: Vec<Wanted>) -> Asked {
    Asked { locations: BTreeSet::from([LocationId(98)]), resources, time_zone: None }
}

fn want(user: Option<i64>, schedule: i64) -> Wanted {
    Wanted { schedule: ScheduleId(schedule), user: user.map(UserId), name: None }
}

#[test]
fn without_entries_every_listed_schedule_of_the_practices_locations_is_offered() {
    let mapping = Mapping::new(&clinic(), &at_98(vec![]));
    let resources: Vec<(String, String)> =
        mapping.pms_resources().into_iter().map(|one| (one.pms_resource_id, one.pms_resource_name)).collect();
    assert_eq!(
        resources,
        [("s136".into(), "Main Appointment Schedule".into()), ("s211".into(), "Main Surgery Schedule".into())]
    );
    let types: Vec<(String, String, Option<u32>, Option<String>)> = mapping
        .pms_appointment_types()
        .into_iter()
        .map(|one| {
            (one.pms_appointment_type_id, one.pms_appointment_type_name, one.length_minutes, one.pms_resource_id)
        })
        .collect();
    let (room, surgery) = (Some("s136".to_owned()), Some("s211".to_owned()));
    assert_eq!(
        types,
        [
            ("63:s136".into(), "Long Consult - Main Appointment Schedule".into(), Some(30), room.clone()),
            ("66:s136".into(), "Consult 66 - Main Appointment Schedule".into(), Some(15), room),
            ("66:s211".into(), "Consult 66 - Main Surgery Schedule".into(), Some(30), surgery),
        ]
    );
    assert_eq!((mapping.left_out, mapping.missing_locations), (vec![], vec![]));
}

#[test]
fn a_clinician_is_named_with_the_schedule_and_has_first_and_last_name() {
    let named = Wanted { name: Some(" Chris  on Mondays ".into()), ..want(Some(1159), 136) };
    let mapping = Mapping::new(&clinic(), &at_98(vec![want(Some(1158), 211), named]));
    let resources = mapping.pms_resources();
    let all: Vec<_> = resources
        .iter()
        .map(|one| {
            (&*one.pms_resource_id, &*one.pms_resource_name, one.first_name.as_deref(), one.last_name.as_deref())
        })
        .collect();
    assert_eq!(
        all,
        [
            ("u1159-s136", "Chris on Mondays", Some("Chris"), Some("Barton")),
            ("u1158-s211", "Andrew Turner - Main Surgery Schedule", Some("Andrew"), Some("Turner")),
        ]
    );
    assert_eq!(mapping.resources[1].types[0].name, "Consult 66 - Andrew Turner - Main Surgery Schedule");
}

#[test]
fn what_is_asked_for_and_not_there_is_left_out_with_the_reason() {
    let entries = vec![
        want(None, 7),
        want(None, 8),
        want(None, 9),
        want(None, 140),
        want(Some(1157), 136),
        want(Some(1160), 136),
        want(Some(1161), 136),
        want(None, 136),
    ];
    let mapping = Mapping::new(&clinic(), &at_98(entries));
    let reasons: Vec<(String, LeftOutReason)> =
        mapping.left_out.iter().map(|one| (one.resource.to_string(), one.reason)).collect();
    assert_eq!(
        reasons,
        [
            ("s7".into(), LeftOutReason::ScheduleUnknown),
            ("s8".into(), LeftOutReason::ScheduleNotFlagged),
            ("s9".into(), LeftOutReason::ScheduleNotListed),
            ("u1157-s136".into(), LeftOutReason::ClinicianNotListed),
            ("u1160-s136".into(), LeftOutReason::ClinicianNotAtLocation(LocationId(98))),
            ("u1161-s136".into(), LeftOutReason::ClinicianNotAtLocation(LocationId(98))),
            ("s140".into(), LeftOutReason::ScheduleElsewhere(LocationId(106))),
        ]
    );
    assert_eq!(mapping.resources.len(), 1);
}

#[test]
fn equal_names_get_ids_in_brackets_and_no_order_matters() {
    let mut inventory = clinic();
    let rooms = vec![
        (
            schedule(1, "Room", 15),
            vec![consult(66, 1), AppointmentType { name: "Consult 66".into(), ..consult(67, 1) }],
        ),
        (schedule(2, "Room", 15), vec![consult(66, 1)]),
    ];
    inventory.schedules.insert(LocationId(98), rooms);
    let mapping = Mapping::new(&inventory, &at_98(vec![]));
    let names = |mapping: &Mapping| -> Vec<String> {
        let types = mapping.pms_appointment_types().into_iter().map(|one| one.pms_appointment_type_name);
        mapping.pms_resources().into_iter().map(|one| one.pms_resource_name).chain(types).collect()
    };
    assert_eq!(
        names(&mapping),
        [
            "Room (s1)",
            "Room (s2)",
            "Consult 66 - Room (s1) (66:s1)",
            "Consult 66 - Room (s1) (67:s1)",
            "Consult 66 - Room (s2)"
        ]
    );
    inventory.schedules.values_mut().for_each(|list| list.reverse());
    inventory.locations.reverse();
    assert_eq!(Mapping::new(&inventory, &at_98(vec![])), mapping);
}

#[test]
fn a_schedule_without_types_stays_and_is_named_as_a_problem() {
    let mut inventory = clinic();
    inventory.schedules.insert(LocationId(98), vec![(schedule(136, "Room", 15), vec![])]);
    let mapping = Mapping::new(&inventory, &at_98(vec![]));
    assert_eq!(mapping.resources.len(), 1);
    assert_eq!(mapping.without_types().collect::<Vec<_>>(), [ResourceId::schedule(ScheduleId(136))]);
}

#[test]
fn the_practices_zone_comes_from_the_configuration_or_from_a_server_that_names_a_place() {
    let with_zone = |reported: &str, configured: Option<&str>| {
        let inventory = Inventory { locations: vec![location(98, reported)], ..clinic() };
        let asked = Asked { time_zone: configured.map(|name| name.parse().unwrap()), ..at_98(vec![]) };
        Mapping::new(&inventory, &asked).zones
    };
    let zone = |name: &str| -> Zone { name.parse().unwrap() };
    let (sydney, fixed) = (zone("Australia/Sydney"), zone("GMT+10:00"));
    assert_eq!(with_zone("Australia/Sydney", None), Ok(Zones { server: sydney, practice: sydney }));
    assert_eq!(with_zone("GMT+10:00", Some("Australia/Sydney")), Ok(Zones { server: fixed, practice: sydney }));
    assert_eq!(with_zone("GMT+10:00", None), Err(ZoneProblem::PracticeZoneNeeded("GMT+10:00".into())));
    for no_place in ["Etc/UTC", "GMT", "UTC", "Zulu", "EST", "Etc/GMT-10", "UCT", "America/New_York"] {
        assert_eq!(with_zone(no_place, None), Err(ZoneProblem::PracticeZoneNeeded(no_place.into())), "{no_place}");
        let named = with_zone(no_place, Some("Australia/Sydney"));
        assert_eq!(named, Ok(Zones { server: zone(no_place), practice: sydney }), "a person said it");
    }
    assert_eq!(
        with_zone("Lummerland", Some("Australia/Sydney")),
        Err(ZoneProblem::ServerZoneUnknown("Lummerland".into()))
    );

    let unlisted = Asked { locations: BTreeSet::from([LocationId(1)]), ..Asked::default() };
    let mapping = Mapping::new(&clinic(), &unlisted);
    assert_eq!(mapping.zones, Err(ZoneProblem::NoLocation));
    assert_eq!(mapping.missing_locations, [LocationId(1)]);
}

#[test]
fn clinicians_without_a_name_are_called_by_their_numbers_and_no_mark_of_direction_is_sent() {
    let mut inventory = clinic();
    inventory
        .users
        .insert(LocationId(98), vec![user(1158, " \u{200b}"), user(1159, ""), user(1160, "\u{202e}Vera Vet")]);
    let asked = at_98(vec![want(Some(1158), 136), want(Some(1159), 136), want(Some(1160), 136)]);
    let told: Vec<(String, Option<String>, Option<String>)> = Mapping::new(&inventory, &asked)
        .pms_resources()
        .into_iter()
        .map(|one| (one.pms_resource_name, one.first_name, one.last_name))
        .collect();
    let schedule = "Main Appointment Schedule";
    assert_eq!(
        told,
        [
            (format!("Clinician 1158 - {schedule}"), None, Some("Clinician 1158".into())),
            (format!("Clinician 1159 - {schedule}"), None, Some("Clinician 1159".into())),
            (format!("Vera Vet - {schedule}"), Some("Vera".into()), Some("Vet".into())),
        ]
    );
}
