//! What `check` and `discover` find wrong: the configuration asks for what OpenVPMS does not have,
//! or nothing of it could be booked.

use std::fmt::Display;

use chrono::TimeDelta;

use super::{Advice, listed, plain};
use crate::availability::openness::Shut;
use crate::ids::{LocationId, PracticeId, ResourceId, ScheduleId, UserId};

/// A configured location that OpenVPMS does not list.
pub fn unknown_location(location: LocationId, known: &[(LocationId, String)]) -> Advice {
    Advice::new(
        format!("OpenVPMS has no location {location} flagged for online booking"),
        format!("It has {}: correct locations, or flag the location in OpenVPMS", named(known)),
    )
}

/// A configured schedule that OpenVPMS does not know.
pub fn unknown_schedule(schedule: ScheduleId, known: &[(ScheduleId, String)]) -> Advice {
    Advice::new(
        format!("OpenVPMS has no schedule {schedule}"),
        format!("The practice's locations have {}: correct the [[practice.resource]]", named(known)),
    )
}

/// A configured schedule without its flag.
pub fn schedule_not_flagged(schedule: ScheduleId) -> Advice {
    Advice::new(
        format!("Schedule {schedule} is not flagged for online booking in OpenVPMS"),
        "Flag it there (Online Booking), or remove the [[practice.resource]]",
    )
}

/// A configured schedule that stands at a location of somebody else.
pub fn schedule_elsewhere(schedule: ScheduleId, known: &[(ScheduleId, String)]) -> Advice {
    Advice::new(
        format!("Schedule {schedule} is at none of the practice's locations"),
        format!(
            "They have {}: correct the [[practice.resource]], or add the schedule's location to locations",
            named(known)
        ),
    )
}

/// A schedule that nobody could book anything on.
pub fn schedule_without_types(schedule: ScheduleId, name: &str) -> Advice {
    Advice::new(
        format!(
            "Schedule {schedule} ({}) has no appointment type for online booking, so nothing of it is offered",
            plain(name)
        ),
        "Flag its appointment types in OpenVPMS (Online Booking), or leave the schedule out of the \
         [[practice.resource]] entries",
    )
}

/// Schedules or clinicians that have no time to book.
pub fn never_open(what: &str, shut: Shut, days: u32) -> Advice {
    match shut {
        Shut::Schedule => Advice::new(
            format!("{what} has no open time in the next {days} days, so nothing of it can be booked"),
            NEVER_OPEN,
        ),
        Shut::Clinician => Advice::new(
            format!("{what} has no roster in the next {days} days, so nothing of it can be booked"),
            "Roster the clinician to the schedule in OpenVPMS, at this location; a roster counts from when it is \
             published",
        ),
    }
}

/// How many more there are than are named.
pub fn more_never_open(count: usize) -> String {
    format!("So it is with {count} more; `vetbridge check` names all of them.")
}

/// What to look at where a schedule is never open.
const NEVER_OPEN: &str = "Look at the schedule in OpenVPMS: its Online Booking Times are not set for any day, it has \
                          no hours, or it closes at 24:00, of which OpenVPMS makes no open time at all (set 23:59, or \
                          leave the closing time blank)";

/// A type that hardly anybody means.
pub fn type_very_long(name: &str, length_minutes: u32, slots: u32, slot_size_minutes: u32) -> Advice {
    Advice::new(
        format!(
            "Appointment type \"{}\" takes {length_minutes} minutes ({slots} slots of {slot_size_minutes}), and is \
             offered only where all of that is free",
            plain(name)
        ),
        "Correct its number of slots on the schedule in OpenVPMS, if that is not meant",
    )
}

/// A practice with nothing to sell.
pub fn nothing_to_offer() -> Advice {
    Advice::new(
        "None of the practice's locations has a schedule flagged for online booking",
        "Flag the schedules in OpenVPMS (Online Booking)",
    )
}

/// A configured clinician that OpenVPMS does not know.
pub fn unknown_user(user: UserId, known: &[(UserId, String)]) -> Advice {
    Advice::new(
        format!("OpenVPMS has no user {user}"),
        format!("The practice's locations have {}: correct the [[practice.resource]]", named(known)),
    )
}

/// A configured clinician who cannot be booked where the schedule is.
pub fn user_not_bookable(user: UserId, name: &str, resource: ResourceId) -> Advice {
    Advice::new(
        format!("User {user} ({}) cannot be booked at the location of {resource}", plain(name)),
        "Give the user that location in OpenVPMS and flag them for online booking, or remove the [[practice.resource]]",
    )
}

/// A clinician whose user has no name in OpenVPMS.
pub fn clinician_without_name(called: &str, user: UserId) -> Advice {
    Advice::new(
        format!("User {user} has no name in OpenVPMS, so pet owners see \"{}\"", plain(called)),
        "Give the user a name in OpenVPMS, or the [[practice.resource]] one with name",
    )
}

/// A schedule that two practices would sell.
pub fn schedule_in_two_practices(schedule: ScheduleId, other: &PracticeId) -> Advice {
    Advice::new(
        format!("Schedule {schedule} belongs to practice {other} too, and two practices would sell the same time"),
        "List in both practices which schedules are theirs ([[practice.resource]])",
    )
}

/// A clock that is wrong. `ahead` is how far Healthengine's clock is before ours.
pub fn clocks_differ(ahead: TimeDelta) -> Advice {
    let direction = if ahead > TimeDelta::zero() { "behind" } else { "ahead of" };
    Advice::new(
        format!(
            "This machine's clock is {} s {direction} Healthengine's, which eats into the 20 s for a rejection",
            ahead.num_seconds().abs()
        ),
        "Set the clock, and let NTP keep it (timedatectl set-ntp true)",
    )
}

/// What no reading can find out.
pub fn role_hint(username: &str) -> Advice {
    Advice::new(
        format!("Reading cannot tell whether user \"{}\" has the role Online Booking", plain(username)),
        "Make sure of it in OpenVPMS: without the role every booking fails with status 500",
    )
}

/// Extra features that a former integration left on.
pub fn features_left_on(features: &[&str]) -> Advice {
    Advice::new(
        format!(
            "Healthengine has extra features on that OpenVPMS cannot serve: {}",
            listed(features.iter().map(|name| plain(name)))
        ),
        "Nothing: vetbridge run switches them off",
    )
}

/// A configuration without any practice.
pub fn no_practice() -> Advice {
    Advice::new(
        "No practice is configured, so nothing is bridged",
        "Add a [[practice]]; vetbridge discover --toml writes one",
    )
}

/// `98 (Main Clinic) and 99 (Branch)`, the first ten.
fn named<T: Display>(things: &[(T, String)]) -> String {
    const SHOWN: usize = 10;
    let mut shown: Vec<String> =
        things.iter().take(SHOWN).map(|(id, name)| format!("{id} ({})", plain(name))).collect();
    if things.len() > SHOWN {
        shown.push(format!("{} more", things.len() - SHOWN));
    }
    listed(shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::assert_well_said;

    #[test]
    fn what_is_configured_and_unknown_is_named_with_what_there_is() {
        let location = unknown_location(LocationId(97), &[(LocationId(98), "Main Clinic".into())]);
        assert!(location.problem.contains("97") && location.remedy.contains("98 (Main Clinic)"));
        let schedule = unknown_schedule(ScheduleId(1), &[]);
        assert!(schedule.problem.contains("schedule 1") && schedule.remedy.contains("none"));
    }

    #[test]
    fn all_advice_of_a_check_is_well_said() {
        let (schedule, user) = (ScheduleId(136), UserId(1158));
        for advice in [
            schedule_not_flagged(schedule),
            schedule_elsewhere(schedule, &[(schedule, "Main".into())]),
            schedule_without_types(schedule, "Main"),
            nothing_to_offer(),
            never_open("Schedule 136 (Main)", Shut::Schedule, 60),
            never_open("Clinician 1158 (Andrew Turner) on schedule 211", Shut::Clinician, 60),
            type_very_long("Boarding", 720, 48, 15),
            unknown_user(user, &[(user, "Andrew\nTurner".into())]),
            user_not_bookable(user, "Andrew Turner", ResourceId::clinician(user, schedule)),
            schedule_in_two_practices(schedule, &PracticeId("1".into())),
            clinician_without_name("Clinician 1158", user),
            clocks_differ(TimeDelta::seconds(-45)),
            role_hint("he"),
            features_left_on(&["documents"]),
            no_practice(),
        ] {
            assert_well_said(&advice);
        }
    }

    #[test]
    fn long_lists_are_cut() {
        let many: Vec<_> = (1..=25).map(|id| (LocationId(id), "L".to_owned())).collect();
        assert!(unknown_location(LocationId(99), &many).remedy.contains("10 (L) and 15 more"));
    }
}
