//! The words of the report that a rehearsal writes for Healthengine's go-live team: what was seen
//! of each scenario. Numbers, times and ids; nothing about a patient.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{counted, listed, plain};
use crate::ids::PracticeId;

/// The first heading.
pub const TITLE: &str = "Rehearsal of vetbridge";
/// What the report is.
pub const ABOUT: &str = "What was seen when vetbridge ran with the clinic's own OpenVPMS and configuration against the \
     Healthengine that is built into it. Healthengine itself was not called.";
/// What else was tried.
pub const SIMULATED: &str = "Scenarios that need a fault, a change of the set-up or a made-up patient were tried \
     between the built-in simulators of both systems.";
/// What else was not tried.
pub const NOT_SIMULATED: &str = "None of the scenarios that need a fault, a change of the set-up or a made-up patient \
     was tried between the built-in simulators of both systems.";
/// Heads the scenarios.
pub const SCENARIOS: &str = "Scenarios of the suggested testing";
/// Before what was seen with the clinic's systems.
pub const AT_THE_CLINIC: &str = "At the clinic";
/// Before what was seen between the simulators.
pub const BETWEEN_SIMULATORS: &str = "Between the simulators";
/// Before why nothing was tried there.
pub const NOT_SIMULATED_HERE: &str = "Not tried between the simulators";
/// Before what went wrong there.
pub const FAILED: &str = "Failed between the simulators";
/// Before why nothing was tried at the clinic.
pub const NOT_TRIED: &str = "Not tried at the clinic";
/// Heads the findings.
pub const FINDINGS: &str = "What was found wrong";
/// Heads the bookings.
pub const BOOKINGS: &str = "Bookings";
/// Why there are none.
pub const NO_BOOKINGS: &str = "None were made: the rehearsal was started without --book.";
/// Why there are none although they were wanted.
pub const NO_TIMES: &str = "None were made: no resource had a free time that is a day away or more.";
/// Why there are none of a rehearsal that somebody ended.
pub const NO_BOOKINGS_YET: &str = "None were made: the rehearsal was broken off before.";

/// Why a scenario needs a fault.
pub const NEEDS_FAULT: &str = "it needs a refusal or a loss that a clinic cannot bring about";
/// Why a scenario needs a change.
pub const NEEDS_CHANGE: &str = "it needs a change of the configuration or of the set-up in OpenVPMS meanwhile";
/// Why a scenario needs a person.
pub const NEEDS_PERSON: &str = "a person types it or presses a button, and nobody did";
/// Why webhooks are not tried.
pub const NEEDS_WEBHOOKS: &str = "webhooks are off in a rehearsal, since nothing outside calls it";
/// Why bookings are not tried.
pub const NEEDS_BOOK: &str = "the rehearsal was started without --book";
/// Why patients are not tried.
pub const NEEDS_PATIENTS: &str = "no client of the clinic's is used";
/// Why several locations are not tried.
pub const ONE_PRACTICE: &str = "the configuration has one practice with one location";
/// Why specialties are not tried.
pub const NO_SPECIALTIES: &str = "no clinician is configured on several schedules";
/// A rehearsal that somebody ended.
pub fn broken_off(at: DateTime<Utc>) -> String {
    format!(
        "**This rehearsal was broken off at {}.** What was not tried by then says so.",
        at.format("%Y-%m-%d %H:%M:%S UTC")
    )
}

/// Why nothing was seen of something that should have been.
pub const NOT_SEEN: &str = "nothing of it was seen before the rehearsal ended";

fn took(length: Duration) -> String {
    if length < Duration::from_secs(1) {
        return format!("{} ms", length.as_millis());
    }
    format!("{}.{} s", length.as_secs(), length.subsec_millis() / 100)
}

fn lasted(length: TimeDelta) -> String {
    took(length.to_std().unwrap_or_default())
}

/// A practice that was linked.
pub fn linked(practice: &PracticeId, after: TimeDelta, resources: usize, types: usize) -> String {
    format!(
        "practice {}: the configuration was accepted {} after the start, with {} and {}",
        plain(&practice.0),
        lasted(after),
        counted(resources, "resource"),
        counted(types, "appointment type"),
    )
}

/// In which order what was sent.
pub fn initial_configuration(steps: &[(&str, TimeDelta)], days: usize, starts: usize) -> String {
    let steps = steps.iter().map(|(step, after)| format!("{step} after {}", lasted(*after)));
    format!("{}; {} of availability with {}", listed(steps), counted(days, "day"), counted(starts, "time"))
}

/// Several practices or locations.
pub fn several_locations(practices: usize, locations: usize) -> String {
    format!("{} over {}", counted(practices, "practice"), counted(locations, "location"))
}

/// Clinicians on several schedules.
pub fn several_schedules(clinicians: usize, resources: usize) -> String {
    format!("{} on several schedules, sent as {}", counted(clinicians, "clinician"), counted(resources, "resource"))
}

/// How often requests were asked for.
pub fn polling(polls: usize, longest: TimeDelta) -> String {
    format!("requests were asked for {}, with {} between two polls at most", counted(polls, "time"), lasted(longest))
}

/// What became of the bookings: of those that were made, how many were confirmed and cancelled, and
/// how long the slowest of each took.
pub fn bookings(
    made: usize,
    confirmed: usize,
    slowest: Option<&TimeDelta>,
    cancelled: usize,
    slowest_gone: Option<&TimeDelta>,
) -> String {
    let within = |slowest: Option<&TimeDelta>| slowest.map(|slowest| format!(" within {}", lasted(*slowest)));
    let not_confirmed = match made.saturating_sub(confirmed) {
        0 => String::new(),
        others => format!(", {others} not (the table of the bookings says why)"),
    };
    let cancelled = match within(slowest_gone) {
        Some(within) => format!("{cancelled} cancelled by the pet owner, each out of the diary{within}"),
        None => "none was there to be cancelled and looked for".to_owned(),
    };
    format!(
        "{} made, {confirmed} confirmed{}{not_confirmed}; {cancelled}",
        counted(made, "booking"),
        within(slowest).unwrap_or_default()
    )
}

/// How a booking read back, in a table.
pub fn booked_row(
    resource: &str,
    start: &str,
    confirmed: Option<TimeDelta>,
    gone: Option<TimeDelta>,
    what: &str,
) -> String {
    let cell = |length: Option<TimeDelta>| length.map_or_else(|| "-".to_owned(), lasted);
    let resource = plain(resource).replace('|', "\\|");
    format!("| {resource} | {start} | {} | {} | {what} |", cell(confirmed), cell(gone))
}

/// What vetbridge is.
pub fn versions(version: &str, commit: &str, tzdb: &str, system: &str) -> String {
    format!("vetbridge {version} (commit {commit}), time zone rules {tzdb}, {system}")
}

/// The server of the clinic, whose API tells no version: in which zones it thinks, and in which
/// ones the practices' times are.
pub fn server_zone(servers: &BTreeSet<String>, practices: &BTreeSet<String>) -> String {
    let named = |zones: &BTreeSet<String>| listed(zones.iter().map(|zone| plain(zone)));
    let times = if practices.is_empty() {
        "no time zone is known".to_owned()
    } else {
        format!("time zone of the server {}, times below are those of {}", named(servers), named(practices))
    };
    format!("OpenVPMS Booking API v2 (it tells no version); {times}")
}

/// How many calls were made.
pub fn calls(healthengine: u64, violations: usize) -> String {
    format!(
        "{} to the built-in Healthengine, {violations} of them against its API",
        if healthengine == 1 { "1 call".to_owned() } else { format!("{healthengine} calls") }
    )
}

/// The practice has not granted consent. The sentence without the last one, which says where the
/// models are.
pub fn without_consent(sentence: &str, refused_after: Duration, offered_after: Duration) -> String {
    format!(
        "after a 403 the status page said within {}: \"{}\" With consent granted, times were offered {} after the next \
         reload",
        took(refused_after),
        plain(sentence.split(" [healthengine] url ").next().unwrap_or(sentence)),
        took(offered_after)
    )
}

/// Two practices over two locations.
pub fn multi_location(first: usize, second: usize) -> String {
    format!(
        "two practices, each at a location of its own, were configured with {} and {}",
        counted(first, "resource"),
        counted(second, "resource")
    )
}

/// Another id.
pub fn updating_practice_id(offered_after: Duration) -> String {
    format!(
        "the new practice was configured and offered after {}; the former one was emptied, and nothing was sent for it \
         afterwards",
        took(offered_after)
    )
}

/// Other live hours.
pub fn liveness_times(after: Duration) -> String {
    format!("changed hours were sent {} after the reload", took(after))
}

/// Other resources.
pub fn resource_changes(after: Duration) -> String {
    format!(
        "a renamed resource was sent {} after the change, and so were one more and one less (read every second here)",
        took(after)
    )
}

/// Other types.
pub fn type_changes(after: Duration) -> String {
    format!(
        "a changed length was sent {} after the change, and so were one less and one more (read every second here)",
        took(after)
    )
}

/// Sent again at a person's wish.
pub fn configuration_resync() -> String {
    "liveness contract, resources and appointment types were sent again by `vetbridge resync --only config`".to_owned()
}

/// Days sent again at a person's wish.
pub fn availability_resync(days: usize) -> String {
    format!("{} were sent again by `vetbridge resync --only availability`", counted(days, "day"))
}

/// Configured again.
pub fn configuration_after_disabling(after: Duration) -> String {
    format!("liveness contract, resources and appointment types were sent {} after it was enabled", took(after))
}

/// Offered again.
pub fn availability_after_disabling(after: Duration) -> String {
    format!(
        "every day was emptied while it was disabled, and times were offered again {} after it was enabled",
        took(after)
    )
}

/// One resource per clinician and schedule.
pub fn multiple_specialties(ids: &[String]) -> String {
    format!("one clinician on two schedules was sent as {}", listed(ids))
}

/// Booking, cancellation, wanted day.
pub fn priority_requests(confirmed: TimeDelta, cancelled: Duration, day: Duration) -> String {
    format!(
        "a booking was confirmed after {}, a cancellation carried out after {}, a wanted day sent after {}",
        lasted(confirmed),
        took(cancelled),
        took(day)
    )
}

/// Answered at once.
pub fn webhook_in_time(slowest: Duration, confirmed: TimeDelta) -> String {
    format!(
        "each webhook was answered with 200 within {} ms, and the booking that it told of confirmed after {}",
        slowest.as_millis(),
        lasted(confirmed)
    )
}

/// Found at the second attempt.
pub fn webhook_retried(confirmed: TimeDelta) -> String {
    format!(
        "the first attempt was lost; the second was answered, and the booking confirmed after {}",
        lasted(confirmed)
    )
}

/// Found without any.
pub fn webhook_missed(confirmed: TimeDelta) -> String {
    format!("every attempt was lost; a poll found the booking, which was confirmed after {}", lasted(confirmed))
}

/// Bookings first.
pub fn request_types() -> String {
    "a booking, a cancellation, a wanted day and a request of an unknown kind came at once: the booking was answered \
     first"
        .to_owned()
}

/// A booking that nobody knows.
pub fn unknown_booking(after: Duration) -> String {
    format!(
        "the update of a booking that vetbridge does not know was rejected after {}; nothing else changed",
        took(after)
    )
}

/// What waited.
pub fn outstanding_requests(after: Duration) -> String {
    format!("a booking that waited was confirmed {} after the practice was enabled again", took(after))
}

/// Spellings of one client.
pub fn patient_details(spellings: usize) -> String {
    format!("{spellings} spellings of one client's name and phone number were attached to that client")
}

/// Changes of one client.
pub fn changed_details(changes: usize) -> String {
    format!(
        "{changes} bookings with a misspelt name, another phone number or another email were attached to the client; \
         somebody else with the same phone number was not"
    )
}
