//! `discover` of a small clinic.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::found::{FoundLocation, discover};
use super::*;
use crate::call_error::{CallError, ErrorClass};
use crate::cli::fakes::FakeOpenVpms;
use crate::ids::{LocationId, ScheduleId, UserId};
use crate::openvpms::{AppointmentType, FreeBusy, Location, Schedule, UserFreeBusy, UserSpan};
use crate::span::Span;
use crate::zone::Zone;

/// Monday, 16 February 2026, 10:00 in Sydney.
fn now() -> DateTime<Utc> {
    "2026-02-15T23:00:00Z".parse().unwrap()
}

/// A span of wall time in Sydney.
fn span(from: &str, to: &str) -> Span {
    let zone: Zone = "Australia/Sydney".parse().unwrap();
    let at = |text: &str| zone.instant(format!("{text}:00").parse().unwrap()).unwrap();
    Span::new(at(from), at(to))
}

/// The main clinic: schedule 136 open on Monday and Tuesday, Andrew rostered on it.
fn clinic() -> FakeOpenVpms {
    let mut openvpms = FakeOpenVpms::main_clinic();
    openvpms.free_busy.insert(
        ScheduleId(136),
        FreeBusy {
            free: vec![span("2026-02-16T08:45", "2026-02-16T12:00"), span("2026-02-16T13:00", "2026-02-16T17:20")],
            // Tuesday is booked out, and a calendar block fills the night to Wednesday.
            busy: vec![span("2026-02-17T09:00", "2026-02-17T16:00"), span("2026-02-17T20:00", "2026-02-18T07:00")],
        },
    );
    // Open later than the fortnight that tells the live hours.
    let later = FreeBusy { free: vec![span("2026-04-01T09:00", "2026-04-01T12:00")], busy: vec![] };
    openvpms.free_busy.insert(ScheduleId(211), later);
    let shift =
        |schedule| UserSpan { span: span("2026-03-20T09:00", "2026-03-20T12:00"), schedule: ScheduleId(schedule) };
    openvpms.rosters.insert(
        (UserId(1158), LocationId(98)),
        // 999 is not flagged for online booking.
        UserFreeBusy { free: vec![shift(136)], busy: vec![shift(999)] },
    );
    openvpms
}

async fn found(openvpms: &FakeOpenVpms) -> Vec<FoundLocation> {
    discover(openvpms, 60, now()).await.unwrap()
}

#[tokio::test]
async fn the_text_shows_schedules_types_and_who_is_rostered_where() {
    let text = render::text(&found(&clinic()).await, 60);
    assert_eq!(
        text,
        "location 98  Main Clinic  (Australia/Sydney)\n  \
         schedule 136  Main  slots of 15 minutes\n    \
         appointment type 66  Standard Consult  15 minutes\n  \
         schedule 211  Surgery  slots of 15 minutes\n    \
         appointment type 66  Standard Consult  15 minutes\n  \
         user 1158  Andrew Turner  rostered on schedule 136\n\n\
         Next: write a [[practice]] with locations = [ID] into the configuration (`vetbridge discover --toml` prints \
         it whole), and type `vetbridge rehearse` to see what Healthengine would show.\n"
    );
}

#[tokio::test]
async fn json_is_one_array_of_locations() {
    let json: serde_json::Value = serde_json::from_str(&render::json(&found(&clinic()).await).unwrap()).unwrap();
    assert_eq!(json[0]["location"], 98);
    assert_eq!(json[0]["schedules"][0]["appointment_types"][0]["appointment_type"], 66);
    assert_eq!(json[0]["users"][0]["rostered"], serde_json::json!([136]));
    assert_eq!(json[0]["users"][0]["locations"], serde_json::json!([98]));
}

#[tokio::test]
async fn a_roster_beyond_the_horizon_is_not_seen() {
    let found = discover(&clinic(), 30, now()).await.unwrap();
    assert!(found[0].users[0].rostered.is_empty());
    assert!(render::text(&found, 30).contains("not rostered here in the next 30 days"));
}

#[tokio::test]
async fn the_blocks_have_live_hours_from_the_fortnight_rounded_out_and_pairs_from_the_rosters() {
    let toml = practice_block::toml(&found(&clinic()).await, 60);
    let block = toml.split("[[practice]]").nth(1).unwrap();
    assert_eq!(
        block,
        "\nid = \"\"  # the practice id from Healthengine\n\
         key = \"\"  # the practice key from Healthengine\n\
         locations = [98]\n\
         [practice.live_hours]  # from the next 14 days in OpenVPMS\n\
         monday = [\"08:30-17:30\"]\n\
         tuesday = [\"09:00-16:00\"]\n\
         [[practice.resource]]  # Main: Standard Consult\n\
         schedule = 136\n\
         [[practice.resource]]  # Surgery: Standard Consult\n\
         schedule = 211\n\
         [[practice.resource]]  # Andrew Turner on Main\n\
         user = 1158\n\
         schedule = 136\n"
    );
}

/// The rest of a configuration, and the blocks with ids and keys filled in.
fn filled_in(toml: &str) -> Result<config::Config, config::ConfigError> {
    config::parse(Path::new("x.toml"), &config::sample::filled_in(toml), &|_| Err(std::env::VarError::NotPresent))
}

#[tokio::test]
async fn what_is_pasted_and_filled_in_is_a_valid_configuration() {
    let mut openvpms = clinic();
    // A second location, whose name tries to be more than a comment, shares schedule 211 and has
    // one without types.
    let location =
        |id, name: &str| Location { id: LocationId(id), name: name.into(), time_zone: "Australia/Sydney".into() };
    openvpms.locations.push(location(99, "Branch\n[[practice]]\nid = \"x\""));
    let schedule = |id, name: &str| Schedule { id: ScheduleId(id), name: name.into(), slot_size_minutes: 20 };
    openvpms
        .schedules
        .insert(LocationId(99), vec![schedule(211, "Surgery"), schedule(300, "Room"), schedule(301, "Store")]);
    let consult = AppointmentType { id: crate::ids::AppointmentTypeId(66), name: "Consult".into(), slots: 2 };
    openvpms.types.insert(ScheduleId(300), vec![consult]);
    // And a third has nothing at all.
    openvpms.locations.push(location(100, "Closed"));
    let toml = practice_block::toml(&found(&openvpms).await, 60);
    assert!(filled_in("").unwrap().practices.is_empty());
    let config = filled_in(&toml).unwrap();
    let offered: Vec<Vec<String>> = config
        .practices
        .iter()
        .map(|practice| practice.resources.iter().map(|entry| entry.id().to_string()).collect())
        .collect();
    assert_eq!(offered, [vec!["s136", "s211", "u1158-s136"], vec!["s300"]]);
    // The branch shows no time in the fortnight: its hours are a guess, and said to be.
    assert!(toml.contains("# a guess"), "{toml}");
    assert!(
        toml.contains("# Schedule 301 (Store) is left out") && toml.contains("# Nothing here can be booked online."),
        "{toml}"
    );
}

#[tokio::test]
async fn a_server_without_a_named_zone_leaves_one_to_fill_in() {
    let mut openvpms = clinic();
    openvpms.locations[0].time_zone = "GMT+10:00".into();
    let toml = practice_block::toml(&found(&openvpms).await, 60);
    assert!(toml.contains("timezone = \"\"  # fill in") && toml.contains("monday = ["), "{toml}");
    assert!(filled_in(&toml.replace("timezone = \"\"", "timezone = \"Australia/Brisbane\"")).is_ok());
    // A zone that means nothing shows what there is without times.
    openvpms.locations[0].time_zone = "Moon/Base".into();
    let found = found(&openvpms).await;
    assert!(render::text(&found, 60).contains("unknown here") && found[0].free_busy.is_empty());
}

#[tokio::test]
async fn a_server_that_cannot_be_asked_is_an_error() {
    let failing = Some(CallError::with_status(ErrorClass::Credentials, 401, "x"));
    let openvpms = FakeOpenVpms { failing, ..FakeOpenVpms::default() };
    assert_eq!(discover(&openvpms, 60, now()).await.err().unwrap().class, ErrorClass::Credentials);
    assert!(render::text(&[], 60).contains("no location"));
}

#[tokio::test]
async fn a_schedule_without_any_open_time_is_told_with_the_likely_cause() {
    let mut openvpms = clinic();
    openvpms.free_busy.insert(ScheduleId(136), FreeBusy::default());
    let found = found(&openvpms).await;
    let told = "Schedule 136 (Main) has no open time in the next 60 days";
    assert!(render::text(&found, 60).contains(told) && render::text(&found, 60).contains("closes at 24:00"));
    assert!(practice_block::toml(&found, 60).contains(&format!("# {told}")));
    let json: serde_json::Value = serde_json::from_str(&render::json(&found).unwrap()).unwrap();
    assert_eq!(json[0]["schedules"][0]["never_open"], true);
    let open = discover(&clinic(), 60, now()).await.unwrap();
    assert!(!render::text(&open, 60).contains("Schedule 136 (Main) has no open time"));
}
