//! A rehearsal that books.

use chrono::TimeDelta;
use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::openvpms::{Appointment, AppointmentStatus, AreaId, Shift, World};

use crate::clinic::{Clinic, eventually, practice};
use crate::process::{Running, count, listen_to_openvpms};

/// The appointments that bear the mark.
pub(crate) fn marked(clinic: &Clinic) -> Vec<Appointment> {
    let all = |world: &mut World| world.with_note("vetbridge rehearsal").into_iter().cloned().collect();
    clinic.openvpms.staff(all)
}

/// How many of them stand.
pub(crate) fn standing(clinic: &Clinic) -> usize {
    marked(clinic).iter().filter(|own| own.status != AppointmentStatus::Cancelled).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_booking_per_resource_is_made_looked_at_and_cancelled() {
    let clinic = Clinic::open().await;
    let resources = "[[practice.resource]]\nschedule = 136\n[[practice.resource]]\nschedule = 211\n\
                     [[practice.resource]]\nuser = 1158\nschedule = 136\n";
    clinic.write("vetbridge.toml", &(clinic.configuration() + resources));
    let heard = listen_to_openvpms(&clinic);
    let ended = clinic.run(&["rehearse", "--book", "--for", "1s"]).await;
    assert_eq!(ended.status, 0, "{ended:?}");
    let made = marked(&clinic);
    assert_eq!((made.len(), standing(&clinic)), (3, 0), "{ended:?}");
    assert_eq!((count(&heard, "POST"), count(&heard, "DELETE")), (3, 3));
    let last_day = clinic.today() + TimeDelta::days(4);
    for own in &made {
        assert_eq!(own.customer, None, "it matches nobody");
        assert!(own.start.date() >= last_day - TimeDelta::days(1), "{} is not the last free time", own.start);
    }
    assert_eq!(ended.out.matches("confirmed after").count(), 3, "{ended:?}");
    assert!(ended.out.contains("3 bookings made, 3 of them cancelled again and gone."), "{ended:?}");
    assert!(!clinic.state().join("rehearsal-leftovers.json").exists());
    assert!(clinic.healthengine.exchanges().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clinician_of_two_practices_is_booked_at_one_place_at_a_time() {
    let clinic = Clinic::open().await;
    clinic.openvpms.staff(|world| {
        // Both practices offer the clinician until five o'clock.
        let surgery = world.roster.iter().map(|own| Shift { area: AreaId(302), ..*own });
        world.roster = world.roster.iter().copied().chain(surgery).collect();
    });
    let resource = |schedule: i64| format!("[[practice.resource]]\nuser = 1158\nschedule = {schedule}\n");
    let other = practice("7654321", "the-other-key", "") + &resource(211);
    clinic.write("vetbridge.toml", &(clinic.configuration() + &resource(136) + &other));
    let ended = clinic.run(&["rehearse", "--book", "--for", "1s"]).await;
    assert!(ended.status == 0 && ended.out.contains("2 bookings made, 2 of them cancelled"), "{ended:?}");
    let made = marked(&clinic);
    assert!(made.iter().all(|own| own.start.date() == made[0].start.date()), "they compete: {made:?}");
    assert!(made[0].end <= made[1].start || made[1].end <= made[0].start, "{made:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_intervals_and_the_horizon_of_a_clinic_the_last_of_its_days_are_booked() {
    let clinic = Clinic::open().await;
    let text = clinic.configuration();
    let (before, sync) = text.split_once("[sync]").unwrap();
    let practice = sync.split_once("[[practice]]").unwrap().1;
    clinic.write("vetbridge.toml", &format!("{before}[[practice]]{practice}"));
    let ended = clinic.run(&["rehearse", "--book", "--for", "1s"]).await;
    let made = marked(&clinic);
    assert_eq!((ended.status, made.len(), standing(&clinic)), (0, 2, 0), "{ended:?}");
    let last_days = clinic.today() + TimeDelta::days(58);
    assert!(made.iter().all(|own| own.start.date() >= last_days), "{made:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_booked_that_begins_within_a_day() {
    let clinic = Clinic::open().await;
    clinic.write(
        "vetbridge.toml",
        &clinic.configuration().replace("horizon_days = 5\nnear_days = 3", "horizon_days = 1"),
    );
    let heard = listen_to_openvpms(&clinic);
    let ended = clinic.run(&["rehearse", "--book", "--for", "1s"]).await;
    assert_eq!((ended.status, count(&heard, "POST")), (0, 0), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_somebody_takes_meanwhile_is_told_as_it_is_and_counts_as_tried_in_the_report() {
    let clinic = Clinic::open().await;
    clinic.openvpms_faults.set(|asked| (asked.method == "POST").then_some(Fault::RefusalBefore(400)));
    let ended = clinic.run(&["rehearse", "--book", "--report", "report.md", "--for", "1s"]).await;
    assert!(ended.status == 1 && ended.out.contains("WRONG: it was not confirmed"), "{ended:?}");
    assert_eq!(marked(&clinic).len(), 0);
    assert!(ended.out.contains("Nothing is left in the diary."), "{ended:?}");
    let report = std::fs::read_to_string(clinic.directory.path().join("report.md")).unwrap();
    let seen = report.split("### Handling priority requests").nth(1).unwrap();
    let expected = "- At the clinic: 2 bookings made, 0 confirmed, 2 not (the table of the bookings says why)";
    assert!(seen.trim_start().starts_with(expected), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_termination_in_the_middle_takes_everything_out_of_the_diary_and_ends_with_success() {
    let clinic = Clinic::open().await;
    let slow = Fault::Slow(std::time::Duration::from_millis(1500));
    clinic.openvpms_faults.set(move |asked| (asked.method == "DELETE").then(|| slow.clone()));
    let running = Running::start(&clinic, &["--book"]).await;
    eventually("something stands", async || standing(&clinic) > 0).await;
    let (status, out) = running.stop().await;
    assert_eq!((status, standing(&clinic)), (0, 0), "{out:?}");
    assert!(!clinic.state().join("rehearsal-leftovers.json").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_removed_is_named_with_its_reference_on_standard_error_and_in_the_file() {
    let clinic = Clinic::open().await;
    let one = "[[practice.resource]]\nschedule = 136\n";
    clinic.write("vetbridge.toml", &(clinic.configuration() + one));
    // The visit begins as soon as it is booked, so to say: OpenVPMS cancels nothing that is checked in.
    clinic.openvpms_faults.set(|asked| (asked.method == "DELETE").then_some(Fault::RefusalBefore(400)));
    let ended = clinic.run(&["rehearse", "--book", "--for", "1s"]).await;
    assert_eq!((ended.status, standing(&clinic)), (1, 1), "{ended:?}");
    let file = std::fs::read_to_string(clinic.state().join("rehearsal-leftovers.json")).unwrap();
    let file: serde_json::Value = serde_json::from_str(&file).unwrap();
    let reference = file[0]["reference"].as_str().unwrap().to_owned();
    let told = ended.error.split("or may stand there").nth(1).unwrap_or_default();
    assert!(told.contains(&reference) && told.contains("s136") && told.contains("--remove-leftovers"), "{ended:?}");
    clinic.openvpms_faults.heal();
    let removed = clinic.run(&["rehearse", "--remove-leftovers"]).await;
    assert!(removed.status == 0 && removed.out.contains(&reference), "{removed:?}");
    assert_eq!(standing(&clinic), 0);
    let again = clinic.run(&["rehearse", "--remove-leftovers"]).await;
    assert!(again.status == 0 && again.out.contains("No rehearsal has left anything"), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_openvpms_says_that_it_cancelled_and_keeps_stays_on_the_list() {
    let clinic = Clinic::open().await;
    clinic.write("vetbridge.toml", &(clinic.configuration() + "[[practice.resource]]\nschedule = 136\n"));
    clinic.openvpms_faults.set(|asked| (asked.method == "DELETE").then_some(Fault::StatusBefore(204)));
    let ended = clinic.run(&["rehearse", "--book", "--for", "1s"]).await;
    assert!(ended.status == 1 && ended.out.contains("1 booking made, 0 of them cancelled"), "{ended:?}");
    assert!(ended.error.contains("or may stand there") && ended.error.contains("s136 on "), "{ended:?}");
    assert!(standing(&clinic) == 1 && clinic.state().join("rehearsal-leftovers.json").exists());
    clinic.openvpms_faults.heal();
    assert_eq!(clinic.run(&["rehearse", "--remove-leftovers"]).await.status, 0);
    assert_eq!(standing(&clinic), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_turns_new_clients_away_does_not_keep_the_diary_from_being_tried() {
    let clinic = Clinic::open().await;
    let rule = "[[practice.rule]]\nnew_patients = \"reject\"\n";
    clinic.write("vetbridge.toml", &(clinic.configuration() + rule));
    let ended = clinic.run(&["rehearse", "--book", "--for", "1s"]).await;
    assert!(ended.status == 0 && ended.out.contains("2 bookings made, 2 of them cancelled"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_that_has_no_time_to_book_is_named_with_the_reason() {
    let clinic = Clinic::open().await;
    let rule = "[[practice.rule]]\nresources = [\"s136\"]\nmax_days_ahead = 0\n";
    clinic.write("vetbridge.toml", &(clinic.configuration() + rule));
    let ended = clinic.run(&["rehearse", "--book", "--report", "report.md", "--for", "1s"]).await;
    let why = ": not booked: it offers no time that begins a day or more from now";
    assert!(ended.status == 0 && ended.out.matches(why).count() == 1, "{ended:?}");
    assert!(ended.out.contains("1 resource not booked, as said above."), "{ended:?}");
    assert!(std::fs::read_to_string(clinic.directory.path().join("report.md")).unwrap().contains(why));
}
