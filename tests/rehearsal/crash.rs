//! A rehearsal that is killed while its appointments stand.

use std::path::Path;
use std::time::Duration;

use vetbridge::simulator::exchange::{ArrivedRequest, Fault};
use vetbridge::simulator::openvpms::World;

use crate::booking::{marked, standing};
use crate::clinic::{Clinic, eventually};
use crate::process::Running;
use crate::service::Service;

const KNOWN: &str = r#""reference": ""#;
const UNKNOWN: &str = r#""reference": null"#;
const ELSEWHERE: &str = "http://10.8.0.9/openvpms";

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

/// As if what is on it had been made in another OpenVPMS.
fn move_elsewhere(list: &Path) {
    let text = std::fs::read_to_string(list).unwrap();
    let here = text.split("\"openvpms\": \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    std::fs::write(list, text.replace(&here, ELSEWHERE)).unwrap();
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
    move_elsewhere(&list);
    let next = clinic.run(&["rehearse", "--remove-leftovers"]).await;
    assert!(next.status == 1 && next.error.contains(&format!("made in OpenVPMS at {ELSEWHERE}")), "{next:?}");
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

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_another_openvpms_fails_no_rehearsal_and_can_be_struck_off() {
    let clinic = killed(cancellations_hang, KNOWN).await;
    let list = clinic.state().join("rehearsal-leftovers.json");
    move_elsewhere(&list);
    let running = Running::start(&clinic, &["--book"]).await;
    running.until_said("confirmed after").await;
    let (page, then) = (running.page("/").await, "This rehearsal looks again when it ends.");
    assert!(page.contains(ELSEWHERE) && page.contains(then) && !page.contains("to remove them;"), "{page}");
    let (status, out) = running.stop().await;
    let said = |part: &str| out.iter().any(|line| line.contains(part));
    assert!(status == 0 && said(then) && said("left in another OpenVPMS") && list.exists(), "{out:?}");
    let named = clinic.run(&["rehearse", "--book", "--for", "1s"]).await;
    assert!(named.status == 0 && named.error.contains(ELSEWHERE), "{named:?}");
    assert!(named.error.contains("vetbridge rehearse --strike-off"), "{named:?}");
    let struck = clinic.run(&["rehearse", "--strike-off"]).await;
    assert!(struck.status == 0 && struck.out.contains("Off the list: s136 on ") && !list.exists(), "{struck:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_openvpms_refused_to_cancel_can_be_struck_off_until_it_takes_the_cancellation() {
    let clinic = killed(cancellations_hang, KNOWN).await;
    let list = clinic.state().join("rehearsal-leftovers.json");
    let cancellations =
        |status| move |asked: &ArrivedRequest| (asked.method == "DELETE").then_some(Fault::RefusalBefore(status));
    for (status, is_refused) in [(400, true), (503, false), (400, true)] {
        clinic.openvpms_faults.set(cancellations(status));
        let tried = clinic.run(&["rehearse", "--remove-leftovers"]).await;
        let told = tried.error.contains("OpenVPMS refuses to cancel it");
        assert!(tried.status == 1 && told == is_refused && list.exists(), "{status}: {tried:?}");
        assert_eq!(tried.error.contains("--strike-off"), is_refused, "{status}: {tried:?}");
        if !is_refused {
            let kept = clinic.run(&["rehearse", "--strike-off"]).await;
            assert!(kept.out.contains("Nothing on the list can be struck off") && list.exists(), "{kept:?}");
        }
    }
    let struck = clinic.run(&["rehearse", "--strike-off"]).await;
    assert!(struck.status == 0 && struck.out.contains("Off the list: s136 on ") && !list.exists(), "{struck:?}");
    let again = clinic.run(&["rehearse", "--strike-off"]).await;
    assert!(again.status == 0 && again.out.contains("No rehearsal has left anything"), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_struck_off_without_the_secrets_of_the_service() {
    let clinic = Clinic::open().await;
    let credential = "{ credential = \"openvpms.password\" }";
    let text = clinic.configuration().replace("{ file = \"openvpms.password\" }", credential);
    clinic.write("vetbridge.toml", &text);
    assert!(text.contains(credential));
    let unreadable = clinic.run(&["rehearse", "--remove-leftovers"]).await;
    assert!(unreadable.error.contains("CREDENTIALS_DIRECTORY"), "{unreadable:?}");
    // As an earlier vetbridge wrote it.
    let times = "\"start\": \"2027-02-16T10:15:00+11:00\", \"end\": \"2027-02-16T10:30:00+11:00\"";
    let one = format!(
        "[{{\"openvpms\": \"{ELSEWHERE}\", \"location\": 98, \"schedule\": 136, \"user\": null, \
         \"appointment_type\": 66, {times}, \"reference\": \"603:be08\"}}]"
    );
    std::fs::create_dir_all(clinic.state()).unwrap();
    clinic.write("state/rehearsal-leftovers.json", &one);
    let struck = clinic.run(&["rehearse", "--strike-off"]).await;
    assert!(struck.status == 0 && struck.out.contains("booking reference 603:be08"), "{struck:?}");
    assert!(!clinic.state().join("rehearsal-leftovers.json").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_gone_before_it_is_cancelled_is_not_said_to_be_removed() {
    let clinic = killed(cancellations_hang, KNOWN).await;
    let appointment = marked(&clinic)[0].id;
    assert!(clinic.openvpms.staff(|world: &mut World| world.remove_appointment(appointment)));
    let looked = clinic.run(&["rehearse", "--remove-leftovers"]).await;
    assert!(looked.status == 0 && looked.out.contains("Not in the diary: s136 on "), "{looked:?}");
    assert!(!looked.out.contains("Removed"), "{looked:?}");
}
