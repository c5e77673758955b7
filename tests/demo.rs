//! The demo: as it is typed, and as a measure that can find fault.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "common/program.rs"]
mod program;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assert_cmd::Command;
use chrono::{NaiveTime, TimeDelta};
use vetbridge::demo::{Demo, Options};
use vetbridge::ids::{PracticeId, UserId};
use vetbridge::simulator::openvpms::{AppointmentId, AppointmentStatus, NewAppointment};

#[test]
fn the_demo_needs_nothing_and_ends_with_both_sides_in_agreement() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = Command::from_std(program::vetbridge(temporary.path()));
    command.env("TMPDIR", temporary.path()).args(["demo", "--for", "12s", "--seed", "5"]);
    let output = command.timeout(Duration::from_secs(120)).output().unwrap();
    let (told, log) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{told}{log}");
    for part in ["http://127.0.0.1:", "--seed 5", " books for ", "is in the diary after", "Both sides agree."] {
        assert!(told.contains(part), "{part:?} is missing in\n{told}{log}");
    }
    let made: u32 = told.split("Bookings ").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap();
    assert!(made >= 2, "{told}");
    assert!(!log.contains("ERROR"), "{log}");
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0, "something was left behind");
}

#[test]
fn commands_reach_the_demo_with_the_configuration_that_it_prints() {
    let temporary = tempfile::tempdir().unwrap();
    let mut demo = program::vetbridge(temporary.path());
    demo.env("TMPDIR", temporary.path()).args(["demo", "--for", "40s", "--seed", "9"]).stdout(Stdio::piped());
    let mut demo = demo.stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines().map(Result::unwrap);
    let commands = lines.find(|line| line.starts_with("Commands ")).unwrap();
    let (_, config) = commands.split_once("--config ").unwrap();
    let answered = lines.find(|line| line.contains("confirmed after")).unwrap();
    let booking = answered.split(['[', ']']).nth(1).unwrap();
    let run = |arguments: &[&str]| {
        let output = program::vetbridge(temporary.path()).args(arguments).args(["--config", config]).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(run(&["bookings", "list"]).contains(booking));
    let resolved = run(&["bookings", "resolve", booking, "--cancelled"]);
    assert!(resolved.contains("State        cancelled"), "{resolved}");
    assert!(run(&["status", "--json"]).contains("\"practices\""));
    let last: Vec<String> = lines.collect();
    assert!(demo.wait().unwrap().success(), "{last:#?}");
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0, "something was left behind");
}

#[test]
fn the_log_of_the_bridge_names_no_pet_owner_however_much_it_says() {
    let output = Command::from_std(program::vetbridge(Path::new(".")))
        .args(["demo", "--for", "10s", "--seed", "6", "--log-level", "trace"])
        .timeout(Duration::from_secs(120))
        .output()
        .unwrap();
    let (told, log) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(log.contains("state=\"confirmed\"") || log.contains("confirmed"), "{log}");
    let booking = told.lines().find(|line| line.contains(" books for ")).unwrap();
    let name = booking.split("  ").nth(1).unwrap().split(" [").next().unwrap().trim();
    let (first, last) = name.split_once(' ').unwrap();
    let pet = booking.split(" books for ").nth(1).unwrap().split(':').next().unwrap();
    // The time before each line has any six digits once in a while; ports have five.
    let without_time = |line| match str::split_once(line, ' ') {
        Some((time, said)) if time.ends_with('Z') => said,
        _ => line,
    };
    let said: Vec<&str> = log.lines().map(without_time).collect();
    let phone = ["491570", "491 570", "491571", "491 571"];
    for secret in
        [first, last, pet, "@example.com", "demo-api-key", "demo-practice-key", "changeit"].iter().chain(&phone)
    {
        assert!(!said.iter().any(|line| line.contains(secret)), "the log says {secret:?}");
    }
}

/// A demo whose account is kept, after some bookings were confirmed and everything has come to rest.
async fn at_rest(seed: u64) -> (Demo, Arc<Mutex<String>>) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let account = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&account);
    let lines = Box::new(move |line: &str| {
        let mut kept = kept.lock().unwrap();
        kept.push_str(line);
        kept.push('\n');
    });
    let mut demo = Demo::start(Options { seed, port: 0 }, lines).await.unwrap();
    let told = Arc::clone(&account);
    demo.play(async {
        while told.lock().unwrap().matches(", confirmed after").count() < 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let summary = demo.settle().await;
    assert!(summary.agrees(), "{}\n{summary}", account.lock().unwrap());
    (demo, account)
}

/// An appointment that a pet owner booked and nobody touched.
fn booked(demo: &Demo) -> (AppointmentId, String) {
    demo.behind_everybodys_back(|world| {
        let booked = world.appointments().filter(|own| own.status == AppointmentStatus::Pending).find_map(|own| {
            let notes = own.notes.as_deref()?;
            let number = notes.lines().find_map(|line| line.split("Healthengine booking ").nth(1))?;
            Some((own.id, number.to_owned()))
        });
        booked.unwrap()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn both_vets_are_offered_in_one_room_in_the_morning_and_in_the_other_in_the_afternoon() {
    let (demo, _account) = at_rest(14).await;
    let practice = PracticeId("1234567".to_owned());
    let today = demo.behind_everybodys_back(|world| world.roster.iter().map(|shift| shift.start.date()).min().unwrap());
    let noon = NaiveTime::from_hms_opt(12, 0, 0).unwrap();
    for (resource, in_the_morning) in
        [("u1158-s136", true), ("u1158-s211", false), ("u1159-s136", false), ("u1159-s211", true)]
    {
        let offered = today.iter_days().take(14).flat_map(|day| {
            demo.marketplace().offered(&practice, resource, day).unwrap().into_iter().map(|offer| offer.start.time())
        });
        let (mornings, afternoons): (Vec<_>, Vec<_>) = offered.partition(|start| *start < noon);
        let (his, others) = if in_the_morning { (mornings, afternoons) } else { (afternoons, mornings) };
        assert!(his.len() > 20 && others.is_empty(), "{resource}: {} of his, {others:?}", his.len());
    }
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vet_who_goes_home_at_noon_makes_a_difference_until_the_bridge_has_seen_it() {
    let (mut demo, _account) = at_rest(15).await;
    demo.behind_everybodys_back(|world| {
        let noon = NaiveTime::from_hms_opt(12, 0, 0).unwrap();
        world.roster.retain(|shift| shift.user != UserId(1159) || shift.start.time() < noon);
    });
    let differences = demo.compare().differences;
    let all_of_his = differences.iter().all(|own| own.starts_with("Resource u1159-s136 "));
    assert!(!differences.is_empty() && all_of_his, "{differences:#?}");
    let summary = demo.settle().await;
    assert!(summary.agrees(), "{summary}");
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appointment_that_vanishes_makes_a_difference_that_names_the_booking() {
    let (demo, _account) = at_rest(11).await;
    let (appointment, booking) = booked(&demo);
    assert!(demo.behind_everybodys_back(|world| world.remove_appointment(appointment)));
    let summary = demo.compare();
    let named = summary.differences.iter().any(|own| own.starts_with(&format!("Booking {booking} ")));
    assert!(!summary.agrees() && named, "{summary}");
    assert!(summary.to_string().ends_with("Both sides do NOT agree."), "{summary}");
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn free_time_that_is_not_offered_makes_a_difference() {
    let (demo, _account) = at_rest(13).await;
    demo.behind_everybodys_back(|world| {
        let blocks: Vec<_> = world.blocks().map(|own| own.id).collect();
        assert!(!blocks.is_empty() && blocks.into_iter().all(|block| world.remove_block(block)));
    });
    let summary = demo.compare();
    let all_about_offers = summary.differences.iter().all(|own| own.starts_with("Resource s31"));
    let nothing = summary.differences.iter().any(|own| own.contains("Healthengine offers nothing"));
    assert!(all_about_offers && nothing, "{summary}");
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appointment_that_is_moved_or_made_in_secret_makes_a_difference() {
    let (demo, _account) = at_rest(12).await;
    let (appointment, booking) = booked(&demo);
    demo.behind_everybodys_back(|world| {
        let own = world.appointment(appointment).unwrap().clone();
        let night = own.start.date().and_hms_opt(20, 0, 0).unwrap();
        assert!(world.move_appointment(appointment, own.schedule, night, night + (own.end - own.start)));
    });
    let summary = demo.compare();
    let text = format!("Booking {booking} stands in the diary at another place");
    assert!(summary.differences.iter().any(|own| own.starts_with(&text)), "{summary}");
    let secret = demo.behind_everybodys_back(|world| {
        let own = world.appointment(appointment).unwrap().clone();
        world.add_appointment(NewAppointment {
            schedule: own.schedule,
            start: own.start + TimeDelta::minutes(1),
            end: own.end + TimeDelta::minutes(1),
            appointment_type: own.appointment_type,
            clinician: None,
            customer: None,
            patient: None,
        })
    });
    let text = format!("Appointment {secret} was made by nobody.");
    assert!(demo.compare().differences.contains(&text), "{summary}");
    demo.stop().await;
}
