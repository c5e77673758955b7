//! Sentences about the configuration that goes to Healthengine.

use super::time_zones;
use crate::call_error::CallError;
use crate::ids::{LocationId, PracticeId, ResourceId};
use crate::mapping::departures::Departure;
use crate::mapping::guard::HoldReason;
use crate::mapping::{LeftOut, LeftOutReason, ZoneProblem};
use crate::zone::zones::{DiaryShift, Zones};

/// A resource of the config file that cannot be offered.
pub fn left_out(left_out: &LeftOut) -> String {
    let id = left_out.resource;
    let schedule = id.schedule;
    match left_out.reason {
        LeftOutReason::ScheduleNotListed => {
            format!(
                "Resource {id} is left out: OpenVPMS does not list schedule {schedule} at the practice's locations."
            )
        }
        LeftOutReason::ScheduleUnknown => format!("Resource {id} is left out: OpenVPMS knows no schedule {schedule}."),
        LeftOutReason::ScheduleNotFlagged => {
            format!("Resource {id} is left out: tick Online Booking of schedule {schedule} in OpenVPMS.")
        }
        LeftOutReason::ScheduleElsewhere(location) => {
            format!(
                "Resource {id} is left out: schedule {schedule} is at location {location}, which is not among the \
                 practice's `locations`."
            )
        }
        LeftOutReason::ClinicianNotListed => match id.user {
            Some(user) => {
                format!("Resource {id} is left out: OpenVPMS offers no clinician {user}; tick their Online Booking.")
            }
            None => format!("Resource {id} is left out."),
        },
        LeftOutReason::ClinicianNotAtLocation(location) => {
            format!("Resource {id} is left out: the clinician does not work at location {location}.")
        }
    }
}

/// A location of the config file that OpenVPMS does not list.
pub fn missing_location(location: &LocationId) -> String {
    format!(
        "OpenVPMS does not list location {location}: check `locations`, and tick the location's Online Booking in \
         OpenVPMS."
    )
}

/// How many more there are than are named.
pub fn more_left_out(count: usize) -> Option<String> {
    (count > 0).then(|| format!("And {count} more are left out; `vetbridge check` names all of them."))
}

/// An inventory that no clinic has.
pub fn too_large(schedules: usize, types: usize) -> String {
    format!(
        "OpenVPMS lists more than {schedules} schedules or {types} appointment types for one practice: share the \
         locations among several practices, or untick Online Booking of what is not meant"
    )
}

/// Clinicians at more locations than any group has.
pub fn too_many_places(places: usize) -> String {
    format!("OpenVPMS says that the clinicians work at more than {places} locations")
}

/// No zone, no availability.
pub fn zone_problem(problem: &ZoneProblem) -> String {
    match problem {
        ZoneProblem::NoLocation => {
            "OpenVPMS lists none of the practice's locations, so its time zone is unknown: check `locations`.".into()
        }
        ZoneProblem::ServerZoneUnknown(zone) => {
            format!(
                "OpenVPMS reports the time zone \"{}\", which is none: {}.",
                super::plain(zone),
                time_zones::set_the_servers_zone(zone)
            )
        }
        ZoneProblem::PracticeZoneNeeded(zone) => format!(
            "OpenVPMS reports the time zone \"{}\", which is no place in Australia or New Zealand, so nobody knows \
             what times its diary means, and nothing is offered: {}. Only if the diary is right as it is, name the \
             practice's zone with `timezone` in its [[practice]]; `vetbridge check` shows what becomes of the \
             diary's times then.",
            super::plain(zone),
            time_zones::set_the_servers_zone(zone)
        ),
    }
}

/// Hours lie between what staff read in the diary and what pet owners are offered.
pub fn diary_shifted(zones: &Zones, shift: DiaryShift) -> String {
    let server = super::plain(&zones.server.to_string());
    format!(
        "OpenVPMS keeps its diary in {server}, which is no place in Australia or New Zealand, and the practice is in \
         {}: an appointment at 09:00 in the diary is offered at {}. If staff mean 09:00 at the practice, {} \
         and take `timezone` out.",
        zones.practice,
        shift.nine_today.format("%H:%M"),
        time_zones::set_the_servers_zone(&zones.practice.to_string())
    )
}

/// The guard does not let a list pass.
pub fn held_back(list: &str, reason: HoldReason, practice: &PracticeId) -> String {
    let release = format!("If that is meant, type `vetbridge resync --practice {practice} --only config`.");
    match reason {
        HoldReason::Empty => {
            format!("OpenVPMS offers no {list} at all; the last accepted ones are kept at Healthengine. {release}")
        }
        HoldReason::Shrunk { accepted, kept, readings } => format!(
            "OpenVPMS offers only {kept} of {accepted} {list}; the last accepted ones are kept until three readings \
             agree ({readings} so far). {release}"
        ),
        HoldReason::ResourcesHeld => "The appointment types wait for the resources, which are held back.".into(),
    }
}

/// An extra feature cannot be switched off.
pub fn feature_stays_on(feature: &str, error: &CallError) -> String {
    format!(
        "Healthengine's extra feature \"{feature}\" is on, which OpenVPMS cannot serve, and it cannot be switched \
         off: {error}."
    )
}

/// Something is deleted at Healthengine.
pub fn left_healthengine(what: &str, name: &str, id: &str, bookings: usize, days: usize) -> String {
    let mut lost = vec!["the link that staff made there by hand".to_owned()];
    if days > 0 {
        lost.push(counted(days, "day on which times of it were offered", "days on which times of it were offered"));
    }
    let bookings = match bookings {
        0 => String::new(),
        some => format!(
            " {} on it and {} in OpenVPMS's diary.",
            counted(some, "upcoming booking is", "upcoming bookings are"),
            if some == 1 { "stays" } else { "stay" }
        ),
    };
    format!(
        "{what} \"{}\" ({id}) is not offered any more and is deleted at Healthengine, with {}.{bookings}",
        super::plain(name),
        super::listed(lost)
    )
}

/// How many more left than are named.
pub fn more_left(count: usize) -> Option<String> {
    (count > 0).then(|| format!("So are {count} more."))
}

/// What to do about what left.
pub fn how_departures_end(practice: &PracticeId) -> String {
    format!(
        "If that is not meant: its schedule may have moved to a location that is not in `locations`, or its Online \
         Booking is not ticked in OpenVPMS; put that right and link it again at Healthengine. If it is meant, \
         `vetbridge resync --practice {practice} --only config` takes this off the list."
    )
}

/// What had left is there again.
pub fn is_back(what: &str, name: &str, id: &str) -> String {
    format!(
        "{what} \"{}\" ({id}) is offered again. It must be linked again at Healthengine by hand.",
        super::plain(name)
    )
}

/// A schedule is closed to online booking before the configuration says so.
pub fn days_emptied(resource: ResourceId, days: usize) -> String {
    format!(
        "OpenVPMS says that schedule {} is not open for online booking (any more): {} of {resource} at Healthengine \
         {} emptied. If that is not meant, tick Online Booking of the schedule in OpenVPMS.",
        resource.schedule,
        counted(days, "day", "days"),
        if days == 1 { "is" } else { "are" }
    )
}

/// Days that a shorter horizon leaves out.
pub fn beyond_the_horizon(days: usize) -> String {
    format!("{} beyond `horizon_days` and emptied at Healthengine.", counted(days, "day lies", "days lie"))
}

fn counted(count: usize, one: &str, several: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {several}") }
}

/// So many are named in one problem.
const DEPARTURES_NAMED: usize = 10;

/// What is lost with a resource or appointment type that leaves Healthengine.
pub fn departure(own: &Departure) -> String {
    let what = if own.is_type { "Appointment type" } else { "Resource" };
    left_healthengine(what, &own.name, &own.id, own.bookings, own.days)
}

/// What left Healthengine a short while ago, the latest first.
pub fn departures(shown: &[&Departure], practice: &PracticeId) -> Option<String> {
    let mut sentences: Vec<String> = shown.iter().take(DEPARTURES_NAMED).map(|own| departure(own)).collect();
    if sentences.is_empty() {
        return None;
    }
    sentences.extend(more_left(shown.len().saturating_sub(DEPARTURES_NAMED)));
    sentences.push(how_departures_end(practice));
    Some(sentences.join(" "))
}
