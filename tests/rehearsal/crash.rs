//! A rehearsal that is killed while its appointments stand.

use std::path::Path;
use std::time::Duration;

use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::openvpms::World;

use crate::booking::{marked, standing};
use crate::clinic::{Clinic, eventually};
use crate::process::Running;
use crate::service::Service;

const KNOWN: &str = r#""reference": ""#;
const UNKNOWN: &str = r#""reference": null"#;

/// One appointment that stands, on schedule 136, of a rehearsal that was killed once its list said
/// this of the appointment's reference.
async fn killed(calls: fn(&str) -> Option<Fault>, reference: &str) -> Clinic {
    let clinic = Clinic::open().await;
    clinic.write("vetbridge.toml", &(clinic.configuration() + "[[practice.resource]]\nschedule = 136\n"));
    clinic.openvpms_faults.set(move |asked| calls(&asked.method));
    let running = Running::start(&clinic, &["--book"]).await;
    eventually("an appointment stands", async || standing(&clinic) == 1).await;
    let list = clinic.state().join("rehearsal-leftovers.json");
    let says_so = || std::fs::read_to_string(&list).is_ok_and(|text| text.contains(reference));
    eventually("the list says so", async || says_so()).await;
    running.kill().await;
    clinic.openvpms_faults.heal();
    assert_eq!(standing(&clinic), 1);
    clinic
}

/// As if its one appointment had been noted long ago.
fn age(list: &Path) {
    let text = std::fs::read_to_string(list).unwrap();
    let (before, noted) = text.split_once("\"noted_at\": \"").unwrap();
    let aged = format!("{before}\"noted_at\": \"2020-01-01T00:00:00Z{}", &noted[noted.find('"').unwrap()..]);
    std::fs::write(list, aged).unwrap();
}

/// The cancellation hangs, so the rehearsal is killed with an appointment whose reference it knows.
fn cancellations_hang(method: &str) -> Option<Fault> {
    (method == "DELETE").then_some(Fault::Hang)
}

/// The appointment is made and its answer never comes.
fn answers_are_lost(method: &str) -> Option<Fault> {
    (method == "POST").then_some(Fault::Slow(Duration::from_secs(60)))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_rehearsal_left_is_named_by_the_next_and_removed_when_that_is_typed() {
    let clinic = killed(cancellations_hang, KNOWN).await;
    let next = clinic.run(&["rehearse", "--for", "1s"]).await;
    assert!(next.out.contains("An earlier rehearsal left") && next.out.contains("--remove-leftovers"), "{next:?}");
    assert_eq!((next.status, standing(&clinic)), (0, 1), "it is only read");
    let removed = clinic.run(&["rehearse", "--remove-leftovers"]).await;
    assert!(removed.status == 0 && removed.out.contains("Removed from the diary: s136 on "), "{removed:?}");
    assert_eq!(standing(&clinic), 0);
    assert!(!clinic.state().join("rehearsal-leftovers.json").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_that_books_removes_first_what_a_killed_one_left() {
    let clinic = killed(cancellations_hang, KNOWN).await;
    let next = clinic.run(&["rehearse", "--book", "--for", "1s"]).await;
    assert!(next.status == 0 && next.out.contains("Removed from the diary: s136 on "), "{next:?}");
    assert_eq!((marked(&clinic).len(), standing(&clinic)), (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appointment_whose_reference_was_never_heard_is_named_with_its_place_until_it_is_gone() {
    let clinic = killed(answers_are_lost, UNKNOWN).await;
    let next = clinic.run(&["rehearse", "--remove-leftovers"]).await;
    assert!(next.status == 1 && next.error.contains("without a booking reference"), "{next:?}");
    assert!(next.error.contains("vetbridge rehearsal") && next.error.contains("by hand"), "{next:?}");
    let appointment = marked(&clinic)[0].id;
    assert!(clinic.openvpms.staff(|world: &mut World| world.remove_appointment(appointment)));
    // Its request may still be under way.
    let list = clinic.state().join("rehearsal-leftovers.json");
    let soon = clinic.run(&["rehearse", "--remove-leftovers"]).await;
    assert!(soon.status == 1 && soon.error.contains("look again in two minutes") && list.exists(), "{soon:?}");
    age(&list);
    let after = clinic.run(&["rehearse", "--remove-leftovers"]).await;
    assert!(after.out.contains("Not in the diary: s136 on "), "{after:?}");
    assert!(after.status == 0 && !clinic.state().join("rehearsal-leftovers.json").exists(), "{after:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_starts_beside_what_a_killed_rehearsal_left_and_leaves_it_alone() {
    let clinic = killed(cancellations_hang, KNOWN).await;
    let list = clinic.state().join("rehearsal-leftovers.json");
    let before = std::fs::read(&list).unwrap();
    let service = Service::start_and_get_in_step(&clinic).await;
    service.stop().await;
    assert_eq!((std::fs::read(&list).unwrap(), standing(&clinic)), (before, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_rehearsals_do_not_book_at_one_time() {
    let clinic = Clinic::open().await;
    let running = Running::start(&clinic, &["--book"]).await;
    let second = clinic.run(&["rehearse", "--book", "--for", "1s"]).await;
    assert!(second.status == 1 && second.error.contains("Another rehearsal"), "{second:?}");
    let (status, out) = running.stop().await;
    assert_eq!((status, standing(&clinic)), (0, 0), "{out:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_left_in_another_openvpms_is_not_looked_for_in_this_one() {
    let clinic = killed(cancellations_hang, KNOWN).await;
    let list = clinic.state().join("rehearsal-leftovers.json");
    let text = std::fs::read_to_string(&list).unwrap();
    let here = text.split("\"openvpms\": \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let elsewhere = text.replace(&here, "http://10.8.0.9/openvpms");
    std::fs::write(&list, &elsewhere).unwrap();
    let next = clinic.run(&["rehearse", "--remove-leftovers"]).await;
    assert!(next.status == 1 && next.error.contains("made in OpenVPMS at http://10.8.0.9/openvpms"), "{next:?}");
    assert_eq!(standing(&clinic), 1);
    std::fs::write(&list, text).unwrap();
    assert_eq!(clinic.run(&["rehearse", "--remove-leftovers"]).await.status, 0);
    assert_eq!(standing(&clinic), 0);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_is_closed_leaves_nothing_in_the_diary() {
    let clinic = Clinic::open().await;
    clinic.write("vetbridge.toml", &(clinic.configuration() + "[[practice.resource]]\nschedule = 136\n"));
    // The round waits for this confirmation while the terminal is closed.
    clinic.openvpms_faults.set(|asked| (asked.method == "POST").then_some(Fault::Slow(Duration::from_millis(500))));
    let running = Running::start(&clinic, &["--book"]).await;
    eventually("an appointment stands", async || standing(&clinic) == 1).await;
    // Whoever runs these tests with hangups ignored, as `nohup` does, has them ignored here too.
    let own = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = own.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    let is_ignored = ignored.is_some_and(|mask| mask & 1 != 0);
    let (status, out) = if is_ignored { running.stop().await } else { running.hang_up().await };
    assert_eq!((status, standing(&clinic)), (0, 0), "{out:?}");
    assert!(!out.iter().any(|line| line.contains("made no booking of its own")), "{out:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_reference_leaves_the_list_once_somebody_has_looked() {
    let clinic = killed(answers_are_lost, UNKNOWN).await;
    let soon = clinic.run(&["rehearse", "--strike-off"]).await;
    assert!(soon.status == 0 && soon.out.contains("Nothing on the list can be struck off"), "{soon:?}");
    let list = clinic.state().join("rehearsal-leftovers.json");
    age(&list);
    let refused = clinic.run(&["rehearse", "--remove-leftovers"]).await;
    assert!(refused.status == 1 && refused.error.contains("vetbridge rehearse --strike-off"), "{refused:?}");
    let struck = clinic.run(&["rehearse", "--strike-off"]).await;
    assert!(struck.status == 0 && struck.out.contains("Off the list: s136 on "), "{struck:?}");
    assert!(!list.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_a_reference_is_not_struck_off() {
    let clinic = killed(cancellations_hang, KNOWN).await;
    let list = clinic.state().join("rehearsal-leftovers.json");
    age(&list);
    let before = std::fs::read(&list).unwrap();
    assert_eq!(clinic.run(&["rehearse", "--strike-off"]).await.status, 0);
    assert_eq!(std::fs::read(&list).unwrap(), before);
}
