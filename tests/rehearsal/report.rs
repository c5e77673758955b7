//! The report for Healthengine's go-live team.

use std::collections::BTreeSet;

use vetbridge::simulator::exchange::Fault;

use crate::booking::standing;
use crate::clinic::{Clinic, eventually};
use crate::process::{Running, count, listen_to_openvpms};

const GO_LIVE: &str = include_str!("../../docs/go-live.md");

/// Names that no other text has.
const MARKS: [&str; 4] = ["Marked-Firstname", "Marked-Lastname", "Marked-Pet", "0491570999"];

/// A title as a test is named after it.
fn name(title: &str) -> String {
    let lower = title.to_lowercase();
    let words = lower.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_has_every_scenario_with_what_was_seen_and_nobody_of_the_clinic() {
    let clinic = Clinic::open().await;
    clinic.openvpms.staff(|world| {
        let customer = &mut world.customers[0];
        MARKS[0].clone_into(&mut customer.first_name);
        MARKS[1].clone_into(&mut customer.last_name);
        MARKS[2].clone_into(&mut customer.patients[0].name);
        MARKS[3].clone_into(&mut customer.phones[0].number);
    });
    let ended =
        clinic.run(&["rehearse", "--book", "--report", "report.md", "--for", "1s", "--log-level", "trace"]).await;
    let report = std::fs::read_to_string(clinic.directory.path().join("report.md")).unwrap();
    assert_eq!(ended.status, 0, "{}\n{report}", ended.out);
    let table = GO_LIVE.split("## Scenarios").nth(1).unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| ")?.rsplit('`').nth(1)).map(str::to_owned);
    let headings = report.lines().filter_map(|line| line.strip_prefix("### ")).map(name);
    assert_eq!(headings.collect::<BTreeSet<_>>(), rows.collect::<BTreeSet<_>>());
    assert!(!report.contains("Failed between"), "{report}");
    assert_eq!(report.matches("- Between the simulators: ").count(), 20, "{report}");
    for scenario in report.split("### ").skip(1) {
        assert!(
            scenario.contains("- At the clinic: ") || scenario.contains("- Not tried at the clinic: "),
            "{scenario}"
        );
    }
    let seen = report.split("### Handling priority requests").nth(1).unwrap();
    assert!(seen.contains("2 bookings made, 2 confirmed within"), "{seen}");
    let zones = "time zone of the server Australia/Sydney, times below are those of Australia/Sydney";
    for part in [zones, env!("CARGO_PKG_VERSION"), "0 of them against its API", "| resource | time |"] {
        assert!(report.contains(part), "{part:?} is missing in {report}");
    }
    assert!(
        !ended.error.contains("simulated.toml"),
        "what is simulated is not logged as the clinic's: {}",
        ended.error
    );
    for (what, text) in [("report", &report), ("output", &ended.out), ("log", &ended.error)] {
        for mark in MARKS {
            assert!(!text.contains(mark), "the {what} says {mark:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_without_book_says_what_was_not_tried_and_one_without_a_place_says_so_first() {
    let clinic = Clinic::open().await;
    let nowhere = clinic.run(&["rehearse", "--book", "--report", "no/such/report.md"]).await;
    assert!(nowhere.status == 1 && nowhere.error.contains("no/such/report.md"), "{nowhere:?}");
    assert_eq!(crate::booking::marked(&clinic).len(), 0);
    let ended = clinic.run(&["rehearse", "--report", "report.md", "--for", "1s"]).await;
    let report = std::fs::read_to_string(clinic.directory.path().join("report.md")).unwrap();
    assert_eq!(ended.status, 0, "{}\n{report}", ended.out);
    assert!(report.contains("started without --book") && report.contains("Between the simulators"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_a_rehearsal_that_was_broken_off_says_so_and_replaces_none() {
    let clinic = Clinic::open().await;
    let path = clinic.directory.path().join("report.md");
    let running = Running::start(&clinic, &["--book", "--report", "report.md"]).await;
    let (status, out) = running.stop().await;
    let report = std::fs::read_to_string(&path).unwrap();
    let head = report.split("\n## ").next().unwrap();
    assert!(
        status == 0 && head.starts_with("# Rehearsal of vetbridge\n\n**This rehearsal was broken off at "),
        "{head}"
    );
    assert!(head.contains("None of the scenarios that need a fault") && !head.contains("were tried"), "{head}");
    assert_eq!(report.matches("- Not tried between the simulators: it was broken off.").count(), 20, "{report}");
    for falsehood in ["no resource had a free time", "before the rehearsal ended", "(the table"] {
        assert!(!report.contains(falsehood), "{falsehood}: {report}");
    }
    assert!(!out.iter().any(|line| line.contains("time within") || line.contains("times within")), "{out:?}");
    let running = Running::start(&clinic, &["--report", "report.md"]).await;
    let (status, out) = running.stop().await;
    assert!(status == 0 && out.iter().any(|line| line.contains("report.md is the earlier one")), "{out:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), report);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_that_was_broken_off_is_so_called_in_the_report() {
    let clinic = Clinic::open().await;
    clinic.write("vetbridge.toml", &(clinic.configuration() + "[[practice.resource]]\nschedule = 136\n"));
    let slow = Fault::Slow(std::time::Duration::from_millis(1500));
    clinic.openvpms_faults.set(move |asked| (asked.method == "POST").then(|| slow.clone()));
    let running = Running::start(&clinic, &["--book", "--report", "report.md"]).await;
    eventually("an appointment stands", async || standing(&clinic) == 1).await;
    let (status, out) = running.stop().await;
    let report = std::fs::read_to_string(clinic.directory.path().join("report.md")).unwrap();
    let table = report.split("\n## Bookings").nth(1).unwrap();
    assert!(status == 0 && table.contains("| it was broken off |"), "{out:?}\n{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_replaces_an_earlier_one_and_no_other_file() {
    let clinic = Clinic::open().await;
    let heard = listen_to_openvpms(&clinic);
    clinic.write("notes.md", "# Notes\n");
    let refused = clinic.run(&["rehearse", "--report", "notes.md", "--for", "1s"]).await;
    assert!(refused.status == 1 && refused.error.contains("is no report of a rehearsal"), "{refused:?}");
    let read = |name: &str| std::fs::read_to_string(clinic.directory.path().join(name)).unwrap();
    assert_eq!((read("notes.md"), count(&heard, "GET")), ("# Notes\n".to_owned(), 0), "nothing was asked yet");
    clinic.write("report.md", &format!("{}\nof another day", "# Rehearsal of vetbridge\n"));
    let replaced = clinic.run(&["rehearse", "--report", "report.md", "--for", "1s"]).await;
    assert!(replaced.status == 0 && !read("report.md").contains("of another day"), "{replaced:?}");
}
