//! Practices, and what must hold between them.

use crate::configuration::LEAST;
use crate::{directory, parse_in, problem_with, problems};

#[test]
fn an_unknown_time_zone_names_the_nearest_one() {
    let with = |zone: &str| problem_with("locations = [98]", &format!("locations = [98]\ntimezone = \"{zone}\""));
    assert_eq!(
        with("Australia/Sidney"),
        "15: [[practice]] timezone: \"Australia/Sidney\" is no IANA time zone; the nearest is \"Australia/Sydney\""
    );
    assert!(with("Brisbane").contains("write \"Australia/Brisbane\" (Queensland"));
    assert!(with("GMT+10:00").contains("is no IANA time zone"));
    for no_place in
        ["Etc/UTC", "GMT", "UTC", "Zulu", "EST", "Etc/GMT-10", "America/New_York", "US/Pacific", "Asia/Tokyo"]
    {
        let said = with(no_place);
        assert!(said.contains("names no place in Australia or New Zealand") && said.contains("\"Australia/"), "{said}");
    }
}

#[test]
fn a_time_that_several_states_keep_names_the_zone_of_each_of_them() {
    let with = |zone: &str| problem_with("locations = [98]", &format!("locations = [98]\ntimezone = \"{zone}\""));
    let eastern = ["Australia/Sydney", "Australia/Melbourne", "Australia/Hobart", "Australia/Brisbane"];
    for (zone, names) in [
        ("AEST", &eastern[..]),
        ("GMT+10", &eastern),
        ("AEDT", &eastern[..3]),
        ("AUS Eastern Standard Time", &eastern[..2]),
        ("E. Australia Standard Time", &eastern[3..]),
        ("Sydney", &eastern[..1]),
        ("ACST", &["Australia/Adelaide", "Australia/Darwin"]),
        ("AWST", &["Australia/Perth"]),
    ] {
        let said = with(zone);
        let named: Vec<&str> = said.split('"').skip(3).step_by(2).collect();
        assert_eq!(named, names, "{said}");
    }
}

#[test]
fn a_location_by_its_name_says_what_an_id_is_and_where_it_is_shown() {
    for (locations, column) in
        [("\"Main Clinic\"", "a string"), ("98", "an integer"), ("[98, \"Main Clinic\"]", "a string")]
    {
        let said = problem_with("locations = [98]", &format!("locations = {locations}"));
        let told = format!("ids that locations have in OpenVPMS, like [98], found {column}: an id is a whole number");
        assert!(said.contains(&told) && said.contains("`vetbridge discover` shows"), "{said}");
    }
}

/// A second practice.
fn and_practice(id: &str, locations: &str, resources: &str) -> String {
    crate::configuration::practice(id, "k", locations, "") + resources
}

#[test]
fn a_practice_a_resource_or_a_schedule_that_stands_twice_is_an_error() {
    let resource = |schedule: i64| format!("[[practice.resource]]\nschedule = {schedule}\n");
    let room = resource(136);

    let found = problems(&format!("{LEAST}{}", and_practice("1", "[98]", "")));
    assert_eq!(
        found,
        ["18: [[practice]] id: practice 1 is configured already (line 12): a practice id can stand in one \
             [[practice]] only"]
    );

    let found = problems(&format!("{LEAST}{room}{room}"));
    assert_eq!(
        found,
        ["20: [[practice.resource]] schedule: resource s136 is configured already (line 18): remove one of the two"]
    );

    let found = problems(&format!("{LEAST}{room}{}", and_practice("2", "[99]", &room)));
    assert_eq!(found.len(), 1);
    assert!(
        found[0]
            .starts_with("26: [[practice.resource]] schedule: schedule 136 belongs to practice 1 already (line 18)"),
        "{found:?}"
    );

    let found = problems(&LEAST.replace("[98]", "[98, 98]"));
    assert_eq!(found, ["14: [[practice]] locations: location 98 is listed twice: remove one"]);

    // The room itself and a clinician in it are two resources.
    let clinician = "[[practice.resource]]\nuser = 1158\nschedule = 136\n";
    assert!(parse_in(directory().path(), &format!("{LEAST}{room}{clinician}")).is_ok());
    // Twice on one line is twice.
    let inline = LEAST.replace("locations = [98]", "locations = [98]\nresource = [{ schedule = 1 }, { schedule = 1 }]");
    assert!(problems(&inline)[0].contains("resource s1 is configured already"));
}

#[test]
fn a_location_is_shared_by_practices_that_both_say_which_schedules_are_theirs() {
    let resource = |schedule: i64| format!("[[practice.resource]]\nschedule = {schedule}\n");
    let both = format!("{LEAST}{}{}", resource(136), and_practice("2", "[98]", &resource(137)));
    assert_eq!(parse_in(directory().path(), &both).unwrap().practices.len(), 2);
    for (first, second) in [("", ""), (resource(136).as_str(), ""), ("", resource(137).as_str())] {
        let found = problems(&format!("{LEAST}{first}{}", and_practice("2", "[98]", second)));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("location 98 belongs to practice 1 too (line 14)"), "{found:?}");
    }
}

#[test]
fn practices_need_live_hours_and_locations() {
    assert_eq!(
        problem_with("monday = [\"08:00-18:00\"]", "monday = []"),
        "15: [practice.live_hours] names no hours: at least one day needs some, like monday = [\"08:00-18:00\"]"
    );
    assert_eq!(
        problem_with("locations = [98]", "locations = []"),
        "14: [[practice]] locations: must name at least one location of OpenVPMS"
    );
    let without = LEAST.split("[practice.live_hours]").next().unwrap();
    assert_eq!(problems(without), ["11: there is no [practice.live_hours], which is required"]);
    assert_eq!(problem_with("id = \"1\"", "id = \"\""), "12: [[practice]] id: must not be empty");
}
