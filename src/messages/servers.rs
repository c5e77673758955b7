//! What can be wrong with the two servers, and with what the configuration says of them.

use std::fmt::Display;

use chrono::{NaiveTime, TimeDelta};

use super::{Advice, listed, plain, remedies};
use crate::availability::openness::Shut;
use crate::ids::{LocationId, PracticeId, ResourceId, ScheduleId, UserId};
use crate::remote::{CallError, Cause, ErrorClass};
use crate::zone::Zone;
use crate::zone::places::places_of;
use crate::zone::zones::{DiaryShift, Zones};

/// OpenVPMS did not answer as it should.
pub fn openvpms(error: &CallError, url: impl Display, username: &str) -> Advice {
    let problem = match error.class {
        ErrorClass::NotSent => format!("OpenVPMS cannot be reached at {url}: {error}"),
        ErrorClass::Lost => format!("OpenVPMS at {url} did not answer: {error}"),
        ErrorClass::Unavailable => format!("OpenVPMS at {url} answers with an error of its own: {error}"),
        ErrorClass::Refused => format!("OpenVPMS at {url} refuses: {error}"),
        ErrorClass::Credentials => {
            format!("OpenVPMS refuses the password of user \"{}\" (401)", plain(username))
        }
        ErrorClass::Forbidden => format!("OpenVPMS denies user \"{}\" the booking API (403)", plain(username)),
        ErrorClass::TooMany => format!("OpenVPMS at {url} wants to be asked less (429)"),
        ErrorClass::Contract => format!("What answers at {url} is not the booking API of OpenVPMS: {error}"),
    };
    Advice::new(problem, remedies::openvpms(error))
}

/// As a name that is only another one's alias.
pub const NAME_WITHOUT_ADDRESS: &str = "it has no address";

/// A booking is not sent while nobody can tell which of several servers has the diary.
pub const SEVERAL_SERVERS: &str =
    "several servers answer under the name in url, and the reads before this call met more than one of them";

/// The proxy of the configuration answers 407, or as socks does where the credentials are wrong.
pub fn proxy_shut(address: &str, has_credentials: bool) -> String {
    if has_credentials {
        format!("the proxy {address} does not accept the user name and the password that it was given")
    } else {
        format!("the proxy {address} wants a user name and a password")
    }
}

/// A proxy of the environment that is not used.
pub fn proxy_variables(names: &[&str]) -> Advice {
    Advice::new(
        format!("Set in the environment and not used: {}", listed(names)),
        "Nothing, if both servers are reached directly; else name the proxy as proxy under [openvpms] or \
         [healthengine]",
    )
}

/// Healthengine did not answer as it should.
pub fn healthengine(error: &CallError, url: impl Display, practice: &PracticeId) -> Advice {
    if error.cause == Some(Cause::Page) {
        return Advice::new(
            format!("Something answers at {url} in Healthengine's place: {error}"),
            "Check [healthengine] url; if it is right, ask whoever looks after the network here (a firewall, a proxy, \
             a login page), then Healthengine's support",
        );
    }
    let problem = match error.class {
        ErrorClass::NotSent => format!("Healthengine cannot be reached at {url}: {error}"),
        ErrorClass::Lost => format!("Healthengine at {url} did not answer: {error}"),
        ErrorClass::Unavailable => format!("Healthengine at {url} answers with an error of its own: {error}"),
        ErrorClass::Refused => format!("Healthengine refuses for practice {practice}: {error}"),
        ErrorClass::Credentials => "Healthengine refuses the api_key (401)".to_owned(),
        ErrorClass::Forbidden => format!("Healthengine has no consent of practice {practice} for us (403)"),
        ErrorClass::TooMany => format!("Healthengine at {url} wants to be asked less (429)"),
        ErrorClass::Contract => format!("What answers at {url} is not the PMS API of Healthengine: {error}"),
    };
    Advice::new(problem, remedies::healthengine(error))
}

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

/// A zone of the server that names no place, and none in the configuration.
/// `sample` is 09:00 in its diary as Sydney reads it today.
pub fn zone_needed(location: LocationId, reported: &str, sample: Option<NaiveTime>) -> Advice {
    Advice::new(
        format!(
            "OpenVPMS reports the time zone \"{}\" for location {location}, which is no place, so nobody knows what \
             times its diary means, and nothing is offered",
            plain(reported)
        ),
        format!(
            "{}. Add timezone = \"Australia/…\" to the [[practice]] only if the diary is right as it is: in \
             Australia/Sydney an appointment at 09:00 in the diary would then be offered at {}",
            capital(&set_the_servers_zone(reported)),
            sample.map_or_else(|| "another time".to_owned(), |nine| nine.format("%H:%M").to_string())
        ),
    )
}

/// What to do about a Java machine that says no place, or another than the clinic's; `zone` is what
/// it says, or should.
pub(super) fn set_the_servers_zone(zone: &str) -> String {
    let known = zone.parse::<Zone>().is_ok_and(|zone| zone.names_a_place());
    let place = match places_of(zone) {
        [] if known => plain(zone),
        [] => "Australia/Sydney".to_owned(),
        [only] => (*only).to_owned(),
        [first, others @ ..] => format!("{first} (or {})", others.join(", ")),
    };
    format!(
        "set the zone of the OpenVPMS server itself: -Duser.timezone={place} among the options of its Java machine \
         (CATALINA_OPTS of Tomcat), then restart it"
    )
}

fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The practice's zone is given, and the server's clock is another one though it names no place.
pub fn diary_shifted(zones: &Zones, shift: DiaryShift) -> Advice {
    let (today, later) = (shift.nine_today.format("%H:%M"), shift.nine_later.format("%H:%M"));
    Advice::new(
        format!(
            "OpenVPMS keeps its diary in {}, which is no place, and the practice is in {}: an appointment at 09:00 in \
             the diary is offered at {today} (in half a year at {later})",
            plain(&zones.server.to_string()),
            zones.practice
        ),
        format!(
            "If staff mean 09:00 at the practice, {} and take timezone out",
            set_the_servers_zone(&zones.practice.to_string())
        ),
    )
}

/// A zone of the server that nobody knows.
pub fn server_zone_unknown(location: LocationId, reported: &str) -> Advice {
    Advice::new(
        format!(
            "OpenVPMS reports the time zone \"{}\" for location {location}, which is unknown here",
            plain(reported)
        ),
        capital(&set_the_servers_zone(reported)),
    )
}

/// For whoever pastes a `[[practice]]`: `reported` names no place.
pub fn better_set_the_servers_zone(reported: &str) -> String {
    format!(
        "OpenVPMS reports the time zone \"{}\", which is no place. Better than to fill timezone in, {}, and leave it \
         out.",
        plain(reported),
        set_the_servers_zone(reported)
    )
}

/// A practice in another zone than the server.
pub fn zones_differ(practice: impl Display, server: impl Display) -> Advice {
    Advice::new(
        format!(
            "The practice is in {practice} and OpenVPMS in {server}: its diary shows other times than patients see"
        ),
        "Nothing, if the practice is that far from the server; else correct timezone",
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

    /// Both parts of an advice say something, on one line, in sentences that [`Advice`] ends.
    fn assert_well_said(advice: &Advice) {
        for part in [&advice.problem, &advice.remedy] {
            assert!(
                part.len() > 10 && !part.contains('\n') && !part.contains("  ") && !part.ends_with('.'),
                "{part:?}"
            );
            assert!(part.starts_with(|c: char| c.is_uppercase()), "{part:?}");
        }
    }

    #[test]
    fn every_way_to_fail_has_a_sentence_and_a_remedy() {
        use ErrorClass::*;
        for class in [NotSent, Lost, Unavailable, Refused, Credentials, Forbidden, TooMany, Contract] {
            let error = CallError::new(class, "why");
            assert_well_said(&openvpms(&error, "http://x/openvpms", "healthengine"));
            assert_well_said(&healthengine(&error, "https://x/v1", &PracticeId("1".into())));
            assert_well_said(&healthengine(&error.due_to(Cause::Page), "https://x/v1", &PracticeId("1".into())));
        }
    }

    #[test]
    fn the_usual_mistakes_name_place_and_remedy() {
        let wrong_password = openvpms(&CallError::with_status(ErrorClass::Credentials, 401, "x"), "http://x", "he");
        assert!(wrong_password.problem.contains("\"he\"") && wrong_password.remedy.contains("password in [openvpms]"));

        let login_page = CallError::with_status(ErrorClass::Contract, 200, "an HTML page, \"Login\", instead of JSON");
        let wrong_url = openvpms(&login_page, "http://x", "he");
        assert!(wrong_url.problem.contains("http://x") && wrong_url.problem.contains("Login"));
        assert!(wrong_url.remedy.contains("[openvpms] url"));

        let no_consent = CallError::with_status(ErrorClass::Forbidden, 403, "x");
        let no_consent = healthengine(&no_consent, "https://x", &PracticeId("1234567".into()));
        assert!(no_consent.problem.contains("1234567") && no_consent.remedy.contains("API Consumer Consent"));

        assert_well_said(&proxy_variables(&["HTTP_PROXY"]));

        let location = unknown_location(LocationId(97), &[(LocationId(98), "Main Clinic".into())]);
        assert!(location.problem.contains("97") && location.remedy.contains("98 (Main Clinic)"));
        let schedule = unknown_schedule(ScheduleId(1), &[]);
        assert!(schedule.problem.contains("schedule 1") && schedule.remedy.contains("none"));
    }

    #[test]
    fn all_other_advice_is_well_said() {
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
            zone_needed(LocationId(98), "GMT+10:00", NaiveTime::from_hms_opt(10, 0, 0)),
            diary_shifted(
                &Zones { server: "Etc/UTC".parse().unwrap(), practice: "Australia/Perth".parse().unwrap() },
                DiaryShift { nine_today: NaiveTime::MIN, nine_later: NaiveTime::MIN, is_wrong: true },
            ),
            server_zone_unknown(LocationId(98), "Mars"),
            zones_differ("Australia/Perth", "Australia/Sydney"),
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
