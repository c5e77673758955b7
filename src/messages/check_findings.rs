//! What `check` and `discover` find wrong: the configuration asks for what OpenVPMS does not have,
//! or nothing of it could be booked.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::Path;

use chrono::TimeDelta;

use super::{Advice, listed, plain, rules};
use crate::availability::openness::Shut;
use crate::ids::{LocationId, PracticeId, ResourceId, ScheduleId, UserId};
use crate::os::ownership::{FileRight, Obstacle, WayIn};
use crate::os::words::{self, CONFIG_FILE, take_from_others};

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

/// Configured schedules that stand at a location that is not among the practice's; `missing` of
/// those OpenVPMS does not have.
pub fn schedules_at_other_location(
    schedules: &BTreeSet<ScheduleId>,
    location: LocationId,
    name: &str,
    own: &[LocationId],
    missing: &[LocationId],
) -> Advice {
    let (noun, verb) = if schedules.len() == 1 { ("Schedule", "is") } else { ("Schedules", "are") };
    let absent = match missing {
        [] => String::new(),
        missing => format!(" (OpenVPMS has no location {} flagged for online booking)", listed(missing)),
    };
    let kept = own.iter().filter(|own| !missing.contains(own)).chain([&location]);
    let right: BTreeSet<LocationId> = kept.copied().collect();
    let right = right.iter().map(LocationId::to_string).collect::<Vec<_>>().join(", ");
    Advice::new(
        format!(
            "{noun} {} {verb} at location {location} ({}), and the practice's locations are {}{absent}",
            listed(schedules),
            plain(name),
            listed(own)
        ),
        format!(
            "Write locations = [{right}] if the practice has that location, else take the [[practice.resource]] \
             entries of it out"
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
pub fn never_open(what: &str, shut: &Shut, days: u32) -> Advice {
    match shut {
        Shut::Schedule => Advice::new(
            format!("{what} has no open time in the next {days} days, so nothing of it can be booked"),
            look_at_the_schedule(),
        ),
        Shut::Clinician => Advice::new(
            format!("{what} has no roster in the next {days} days, so nothing of it can be booked"),
            "Roster the clinician to the schedule in OpenVPMS, at this location; a roster counts from when it is \
             published",
        ),
        Shut::Rules(why) => rules::nothing_left(what, why, days),
    }
}

/// How many more there are than are named.
pub fn more_never_open(count: usize) -> String {
    format!("So it is with {count} more; `vetbridge check` names all of them.")
}

/// What to look at where a schedule is never open.
fn look_at_the_schedule() -> String {
    format!(
        "Look at the schedule in OpenVPMS: its Online Booking Times are not set for any day, it has no hours, or it {}",
        super::explain::CLOSES_AT_MIDNIGHT
    )
}

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

/// Types that are longer than any opening of their schedule.
pub fn types_never_fit(types: &str, schedule: &str, longest_minutes: i64, days: u32) -> Advice {
    Advice::new(
        format!(
            "Appointment type {types} on schedule {schedule} is longer than any opening in the next {days} days (at \
             most {longest_minutes} minutes), so it is never offered"
        ),
        "Correct its number of slots on the schedule in OpenVPMS, or the schedule's hours, or untick Online Booking \
         of the type",
    )
}

/// Free times while the practice does not promise to answer.
pub fn offered_outside_live_hours(hours: &str) -> Advice {
    Advice::new(
        format!(
            "Times are offered outside the live hours: {hours}. For a booking of them Healthengine has no promise of \
             an answer"
        ),
        "Add these hours to [practice.live_hours] if vetbridge and OpenVPMS run then; nothing, if they may be \
         answered later",
    )
}

/// A practice with nothing to sell.
pub fn nothing_at_location(location: LocationId, name: &str) -> Advice {
    Advice::new(
        format!(
            "Location {location} ({}) has no schedule flagged for online booking, so nothing of it is offered",
            plain(name)
        ),
        "Flag its schedules in OpenVPMS (Online Booking), or take the location out of locations",
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
    let effect = if ahead.abs() < TimeDelta::seconds(20) {
        "which eats into the 20 s for a rejection"
    } else {
        "so rejections come too late, and what is past is not told from what is to come"
    };
    Advice::new(
        format!("This machine's clock is {} s {direction} Healthengine's, {effect}", ahead.num_seconds().abs()),
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

/// Healthengine was told nothing yet.
pub fn nothing_at_healthengine(resources: usize, types: usize) -> Advice {
    Advice::new(
        format!(
            "Healthengine has no resource of this practice yet; vetbridge run sends {resources} resources and {types} \
             appointment types"
        ),
        "Once they are there, link each to a practitioner and to its appointment types in the Practice Admin portal: \
         the API does not tell whether that was done",
    )
}

/// Healthengine has what is offered.
pub fn same_at_healthengine(resources: usize, types: usize) -> String {
    format!(
        "Healthengine has the same {resources} resources and {types} appointment types; whether they are linked there \
         its API does not tell"
    )
}

/// Healthengine has other lists than would be sent; each by its ids.
pub fn differs_at_healthengine(missing: &[String], changed: &[String], extra: &[String]) -> Advice {
    let parts = [("not there yet", missing), ("there under another name or length", changed), ("only there", extra)];
    let parts = parts.into_iter().filter(|(_, ids)| !ids.is_empty());
    let parts: Vec<String> = parts.map(|(how, ids)| format!("{how}: {}", some_of(ids))).collect();
    let remedy = if extra.is_empty() {
        "Nothing: vetbridge run sends it; what is new there has to be linked in the Practice Admin portal"
    } else {
        "What is only there is deleted with its links once vetbridge run sends the lists: if that is not meant, put it \
         back in OpenVPMS or in the [[practice.resource]] entries first"
    };
    Advice::new(
        format!("Healthengine has other resources or appointment types than are offered: {}", parts.join("; ")),
        remedy,
    )
}

/// A file with a secret that every user of the machine can read.
pub fn secret_read_by_all(file: impl Display, is_config: bool) -> Advice {
    let holds = if is_config { "holds secrets" } else { "holds a secret" };
    Advice::new(
        format!("The file {file} {holds} and can be read by every user of this machine"),
        take_from_others(&file.to_string()),
    )
}

/// A file that root can read, and the service cannot, or may not.
pub fn closed_to_the_service(file: &Path, obstacle: &Obstacle) -> Advice {
    let Obstacle { path, lacks, user, way_in } = obstacle;
    let (file, shown) = (file.display(), path.display().to_string());
    let what = match lacks {
        FileRight::Read => "the file".to_owned(),
        FileRight::Enter => format!("the folder {shown}"),
    };
    match way_in {
        WayIn::Membership(group) => Advice::new(
            format!(
                "The service reads {file} only if {user} is in the group {group}, to which {what} is open, and \
                 /etc/group does not say so"
            ),
            format!(
                "Nothing, if a drop-in of the unit (SupplementaryGroups={group}, by `systemctl edit vetbridge`) or a \
                 directory service puts it there; otherwise add {user} to that group (usermod -aG) and restart the \
                 service, or keep the file in the folder of the configuration"
            ),
        ),
        WayIn::OwnRight | WayIn::Group(_) => Advice::new(
            format!(
                "The service cannot read {file}: the state belongs to {user}, so it runs as that user, to whom {what} \
                 is closed"
            ),
            let_in(path, *lacks, way_in),
        ),
    }
}

/// Other services may need a folder as it is, unless it is vetbridge's own.
fn let_in(path: &Path, lacks: FileRight, way_in: &WayIn) -> String {
    let letter = match lacks {
        FileRight::Read => 'r',
        FileRight::Enter => 'x',
    };
    let typed = words::typed(&path.display().to_string());
    let is_own_folder = Path::new(CONFIG_FILE).parent().is_some_and(|own| path.starts_with(own));
    match way_in {
        WayIn::OwnRight => format!("Let it in: chmod u+{letter} {typed}"),
        WayIn::Group(group) | WayIn::Membership(group) if lacks == FileRight::Read || is_own_folder => {
            format!("Let it in: chgrp {group} {typed} && chmod g+{letter} {typed}")
        }
        WayIn::Group(_) | WayIn::Membership(_) => {
            format!("Keep the file in a folder that the service may enter, as that of {CONFIG_FILE} is")
        }
    }
}

/// A configuration without any practice.
pub fn no_practice() -> Advice {
    Advice::new(
        "No practice is configured, so nothing is bridged",
        "Add a [[practice]]; vetbridge discover --toml writes one",
    )
}

/// `98 (Main Clinic) and 99 (Branch)`, the first ten.
pub fn named<T: Display>(things: &[(T, String)]) -> String {
    let things: Vec<String> = things.iter().map(|(id, name)| format!("{id} ({})", plain(name))).collect();
    some_of(&things)
}

/// The first ten, and how many more there are.
fn some_of(things: &[String]) -> String {
    const SHOWN: usize = 10;
    let mut shown: Vec<String> = things.iter().take(SHOWN).map(|thing| plain(thing)).collect();
    if things.len() > SHOWN {
        shown.push(format!("{} more", things.len() - SHOWN));
    }
    listed(shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::availability::rules::{NothingLeft, RuleAt, RuleKey};
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
            nothing_at_location(LocationId(99), "Branch"),
            never_open("Schedule 136 (Main)", &Shut::Schedule, 60),
            never_open("s136 (Main)", &Shut::Rules(NothingLeft(vec![RuleAt { number: 1, key: RuleKey::Hours }])), 60),
            never_open("Clinician 1158 (Andrew Turner) on schedule 211", &Shut::Clinician, 60),
            type_very_long("Boarding", 720, 48, 15),
            unknown_user(user, &[(user, "Andrew\nTurner".into())]),
            user_not_bookable(user, "Andrew Turner", ResourceId::clinician(user, schedule)),
            schedule_in_two_practices(schedule, &PracticeId("1".into())),
            clinician_without_name("Clinician 1158", user),
            schedules_at_other_location(
                &[schedule].into(),
                LocationId(98),
                "Main",
                &[LocationId(97)],
                &[LocationId(97)],
            ),
            types_never_fit("\"Boarding\" (720 minutes)", "136 (Main)", 480, 60),
            offered_outside_live_hours("monday 18:00-19:00"),
            nothing_at_healthengine(2, 8),
            differs_at_healthengine(&["s136".into()], &[], &[]),
            differs_at_healthengine(&[], &["s136".into()], &["s7".into()]),
            secret_read_by_all("openvpms.password", false),
            clocks_differ(TimeDelta::seconds(-45)),
            role_hint("he"),
            features_left_on(&["documents"]),
            no_practice(),
        ] {
            assert_well_said(&advice);
        }
    }

    #[test]
    fn what_keeps_the_service_from_a_file_is_named_with_what_to_type() {
        let named = Path::new("/etc/vetbridge/p");
        let of =
            |path: &str, lacks, way_in| Obstacle { path: path.into(), lacks, user: "vetbridge".to_owned(), way_in };
        let group = || WayIn::Group("clinic".to_owned());
        for (obstacle, typed) in [
            (
                of("/etc/vetbridge/p", FileRight::Read, group()),
                "chgrp clinic /etc/vetbridge/p && chmod g+r /etc/vetbridge/p",
            ),
            (of("/etc/vetbridge/p", FileRight::Read, WayIn::OwnRight), "chmod u+r /etc/vetbridge/p"),
            (
                of("/etc/vetbridge", FileRight::Enter, group()),
                "chgrp clinic /etc/vetbridge && chmod g+x /etc/vetbridge",
            ),
        ] {
            let said = closed_to_the_service(named, &obstacle);
            assert_well_said(&said);
            assert!(said.problem.contains("/etc/vetbridge/p: the state belongs to vetbridge"), "{said:?}");
            assert!(said.remedy.ends_with(typed), "{said:?}");
        }
    }

    #[test]
    fn a_folder_that_other_services_may_need_is_left_as_it_is() {
        let key = Path::new("/etc/ssl/private/clinic.pem");
        let of = |way_in| {
            let path = "/etc/ssl/private".into();
            closed_to_the_service(
                key,
                &Obstacle { path, lacks: FileRight::Enter, user: "vetbridge".to_owned(), way_in },
            )
        };
        let closed = of(WayIn::Group("vetbridge".to_owned()));
        assert_well_said(&closed);
        assert!(closed.problem.ends_with("the folder /etc/ssl/private is closed"), "{closed:?}");
        assert!(closed.remedy.starts_with("Keep the file in a folder"), "{closed:?}");
        let open_to_some = of(WayIn::Membership("ssl-cert".to_owned()));
        assert_well_said(&open_to_some);
        assert!(open_to_some.problem.contains("the group ssl-cert, to which the folder /etc/ssl/private is open"));
        assert!(open_to_some.remedy.contains("SupplementaryGroups=ssl-cert"), "{open_to_some:?}");
        for said in [closed, open_to_some] {
            assert!(!said.remedy.contains("ch"), "no chgrp, chmod or chown: {said:?}");
        }
    }

    #[test]
    fn long_lists_are_cut() {
        let many: Vec<_> = (1..=25).map(|id| (LocationId(id), "L".to_owned())).collect();
        assert!(unknown_location(LocationId(99), &many).remedy.contains("10 (L) and 15 more"));
    }
}
