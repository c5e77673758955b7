//! What is said of time zones: the one that the OpenVPMS server reports, and what its diary means
//! in it.

use std::fmt::Display;

use chrono::NaiveTime;

use super::{Advice, plain};
use crate::ids::LocationId;
use crate::zone::Zone;
use crate::zone::typed_zones::{Candidate, USUAL, places_of};
use crate::zone::zones::{DiaryShift, Zones};

/// A zone of the server that names no place, and none in the configuration.
/// `sample` is 09:00 in its diary as Sydney reads it today.
pub fn zone_needed(location: LocationId, reported: &str, sample: Option<NaiveTime>) -> Advice {
    Advice::new(
        format!(
            "OpenVPMS reports the time zone \"{}\" for location {location}, which is no place in Australia or New \
             Zealand, so nobody knows what times its diary means, and nothing is offered",
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

/// `"Australia/Adelaide" (South Australia) or "Australia/Darwin" (Northern Territory)`.
pub(super) fn either(places: &[Candidate]) -> String {
    let named: Vec<String> = places.iter().map(|own| format!("\"{}\" ({})", own.zone, own.keepers)).collect();
    match named.as_slice() {
        [init @ .., last] if !init.is_empty() => format!("{} or {last}", init.join(", ")),
        only => only.concat(),
    }
}

/// What to do about a Java machine that says no place, or another than the clinic's; `zone` is what
/// it says, or should.
pub(super) fn set_the_servers_zone(zone: &str) -> String {
    let known = zone.parse::<Zone>().is_ok_and(|zone| zone.names_a_place());
    let (place, choice) = match places_of(zone) {
        [] if known => (plain(zone), String::new()),
        [only] => (only.zone.to_owned(), String::new()),
        several => {
            let several = if several.is_empty() { USUAL } else { several };
            (several[0].zone.to_owned(), format!(", or the clinic's own of {}", either(several)))
        }
    };
    format!(
        "set the zone of the OpenVPMS server itself: -Duser.timezone={place}{choice}, among the options of its Java \
         machine (CATALINA_OPTS of Tomcat), then restart it"
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
            "OpenVPMS keeps its diary in {}, which is no place in Australia or New Zealand, and the practice is in {}: \
             an appointment at 09:00 in the diary is offered at {today} (in half a year at {later})",
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
        "OpenVPMS reports the time zone \"{}\", which is no place in Australia or New Zealand. Better than to fill \
         timezone in, {}, and leave it out.",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::assert_well_said;

    #[test]
    fn all_advice_about_time_zones_is_well_said() {
        for advice in [
            zone_needed(LocationId(98), "GMT+10:00", NaiveTime::from_hms_opt(10, 0, 0)),
            diary_shifted(
                &Zones { server: "Etc/UTC".parse().unwrap(), practice: "Australia/Perth".parse().unwrap() },
                DiaryShift { nine_today: NaiveTime::MIN, nine_later: NaiveTime::MIN, is_wrong: true },
            ),
            server_zone_unknown(LocationId(98), "Mars"),
            zones_differ("Australia/Perth", "Australia/Sydney"),
            zone_needed(LocationId(98), "America/New_York", None),
        ] {
            assert_well_said(&advice);
        }
    }
}
