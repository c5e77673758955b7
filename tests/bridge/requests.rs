//! What Healthengine asks for besides bookings, and in which order it is answered.

use vetbridge::booking::entry::State;
use vetbridge::config::WhenDown;
use vetbridge::ids::BookingId;
use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::healthengine::{MarketplaceStatus, Who};

use crate::support::{Clinic, PRACTICE, booked, day, minutes, practice, seconds};

/// More than a poll and what follows from it.
const POLL: u64 = 7;

#[tokio::test(start_paused = true)]
async fn every_day_that_is_asked_for_is_sent_whatever_the_question() {
    let clinic = Clinic::open().await;
    let server = &clinic.healthengine;
    let ask =
        |date: &str, resource: Option<&str>| server.ask_availability(&practice(PRACTICE), day(date), resource).unwrap();
    let questions = [
        ("2027-02-16", Some("s136")),
        ("2027-02-17", None),
        ("2027-02-16", Some("s999")),
        ("2027-02-16", Some("room of a former integration")),
        ("2027-02-01", Some("s136")),
        ("2027-02-01", None),
        ("2027-12-24", Some("s211")),
        ("2027-12-24", None),
    ];
    for (date, resource) in questions {
        ask(date, resource);
    }
    clinic.journal.clear();
    let open = |clinic: &Clinic| clinic.healthengine.days_asked_for(&practice(PRACTICE)).unwrap();
    clinic.until("all are answered", seconds(POLL), |clinic| open(clinic).is_empty()).await;
    clinic.pass(seconds(40)).await;
    let posts = clinic.journal.count("POST /availability", "");
    assert_eq!(posts, 2 + 1, "two days that were read, and the six empty ones in one batch");
    assert_eq!(clinic.log.with("which is not offered").len(), 6);
    for (date, resource) in questions {
        ask(date, resource);
    }
    clinic.until("all are answered", seconds(POLL), |clinic| open(clinic).is_empty()).await;
    assert_eq!(clinic.log.with("which is not offered").len(), 6, "not logged again within a minute");
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_day_that_is_asked_for_while_openvpms_is_away_is_sent_when_it_is_back() {
    let clinic = Clinic::open().await;
    clinic.openvpms_faults.close_port();
    clinic.healthengine.ask_availability(&practice(PRACTICE), day("2027-02-16"), Some("s136")).unwrap();
    let open = |clinic: &Clinic| !clinic.healthengine.days_asked_for(&practice(PRACTICE)).unwrap().is_empty();
    clinic.throughout("it stays open", minutes(2), open).await;
    clinic.openvpms_faults.heal();
    clinic.until("it is answered", seconds(40), |clinic| !open(clinic)).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn resources_and_types_that_are_asked_for_are_sent_once() {
    let clinic = Clinic::open().await;
    clinic.journal.clear();
    clinic.healthengine.ask_resources(&practice(PRACTICE)).unwrap();
    clinic.pass(minutes(1)).await;
    let count = |begin: &str| clinic.journal.count(begin, "");
    assert_eq!((count("POST /config/pmsResources/snapshot"), count("POST /config/")), (1, 1));
    clinic.healthengine.ask_appointment_types(&practice(PRACTICE)).unwrap();
    clinic.pass(minutes(1)).await;
    assert_eq!((count("POST /config/pmsAppointmentTypes/snapshot"), count("POST /config/")), (1, 2));
    assert_eq!(count("POST /availability"), 0);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn whether_an_appointment_still_stands_is_answered_from_the_diary() {
    let mut clinic = Clinic::open().await;
    let mut bookings = Vec::new();
    for hour in 10..14 {
        bookings.push(booked(&clinic, &format!("2027-02-16 {hour}:00")).await);
    }
    let [stands, gone, unknown, unknown_gone] = bookings[..] else { panic!("four bookings") };
    clinic.stop().await;
    clinic.lose_the_store();
    clinic.pass(minutes(1)).await;
    for booking in [gone, unknown_gone] {
        clinic.staff_cancel(clinic.appointment_of(booking).id);
    }
    clinic.start();
    clinic.pass(minutes(1)).await;
    // The ledger learns of two of them from a question; of the other two it knows nothing before.
    for booking in bookings.clone() {
        clinic.healthengine.ask_appointment_change(booking).unwrap();
    }
    let open = |clinic: &Clinic| clinic.healthengine.appointment_changes_asked_for(&practice(PRACTICE)).unwrap().len();
    clinic.until("all are answered", seconds(POLL), |clinic| open(clinic) == 0).await;
    let status = |booking| clinic.status(booking);
    assert_eq!((status(stands), status(unknown)), (MarketplaceStatus::Confirmed, MarketplaceStatus::Confirmed));
    assert_eq!((status(gone), status(unknown_gone)), (MarketplaceStatus::Cancelled, MarketplaceStatus::Cancelled));
    assert_eq!(clinic.booking(gone).cancelled_by, Some(Who::Pms));
    assert_eq!(clinic.state(stands), Some(State::Confirmed), "adopted");

    // Known, asked again: unchanged.
    clinic.healthengine.ask_appointment_change(stands).unwrap();
    let unchanged = |clinic: &Clinic| clinic.journal.count("POST /bookings", "/noPmsAppointmentChange");
    clinic.until("it is answered", seconds(POLL), |clinic| open(clinic) == 0 && unchanged(clinic) == 3).await;

    // Without an echoed reference nothing is known of it.
    let by_hand = clinic.owner_books("s136", "66:s136", "2027-02-16 15:00");
    clinic.healthengine.progress_by_hand(by_hand).unwrap();
    clinic.excuse(by_hand);
    clinic.healthengine.ask_appointment_change(by_hand).unwrap();
    clinic.until("it is answered", seconds(POLL), |clinic| open(clinic) == 0).await;
    assert_eq!(clinic.state(by_hand), None);

    // OpenVPMS away: it stays open.
    clinic.openvpms_faults.close_port();
    clinic.healthengine.ask_appointment_change(stands).unwrap();
    clinic.throughout("it stays open", seconds(30), |clinic| open(clinic) == 1).await;
    clinic.openvpms_faults.heal();
    clinic.until("it is answered", seconds(POLL), |clinic| open(clinic) == 0).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_kind_of_request_is_said_once_and_holds_nothing_up() {
    let clinic = Clinic::open().await;
    clinic.healthengine.ask_other(&practice(PRACTICE), "patientMood").unwrap();
    let booking = booked(&clinic, "2027-02-16 10:00").await;
    clinic.pass(minutes(1)).await;
    assert_eq!(clinic.log.with("patientMood").len(), 1);
    assert_eq!(clinic.status(booking), MarketplaceStatus::Confirmed);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn features_of_a_former_integration_are_switched_off() {
    let mut clinic = Clinic::new();
    let server = clinic.healthengine.clone();
    for feature in ["documents", "clientSnapshots"] {
        server.set_feature(&practice(PRACTICE), feature, true).unwrap();
    }
    clinic.start();
    clinic.until_in_step().await;
    assert_eq!(server.features_on(&practice(PRACTICE)).unwrap(), Vec::<&str>::new());
    server.set_feature(&practice(PRACTICE), "documents", true).unwrap();
    let off = |clinic: &Clinic| clinic.healthengine.features_on(&practice(PRACTICE)).unwrap().is_empty();
    clinic.until("it is off again", minutes(11), off).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_feature_that_cannot_be_switched_off_is_told_although_openvpms_cannot_be_read() {
    let mut clinic = Clinic::new();
    clinic.healthengine.set_feature(&practice(PRACTICE), "documents", true).unwrap();
    clinic
        .healthengine_faults
        .set(|asked| (asked.method != "GET" && asked.target.contains("/features")).then_some(Fault::StatusBefore(502)));
    for fault in [Fault::Refuse, Fault::Hang] {
        clinic.openvpms_faults.set(move |_| Some(fault.clone()));
        clinic.start();
        clinic.until("it is told", seconds(3), |clinic| clinic.problems().contains_key("features")).await;
        clinic.stop().await;
    }
    clinic.openvpms_faults.heal();
    clinic.healthengine_faults.heal();
    clinic.start();
    clinic.until_in_step().await;
    clinic.until("it is off", seconds(5), |clinic| clinic.problems().is_empty()).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_too_long_to_be_read_whole_is_a_problem_until_it_is_shorter() {
    let mut clinic = Clinic::new();
    clinic.config.bookings.when_openvpms_is_down = WhenDown::Hold;
    clinic.healthengine.configure(|settings| settings.per_page = 1);
    clinic.open_up().await;
    clinic.openvpms_faults.close_port();
    let book = |clinic: &Clinic, hour: u32, minute: u32| {
        clinic.owner_books("s136", "66:s136", &format!("2027-02-16 {hour:02}:{minute:02}"));
    };
    let problem = |clinic: &Clinic| clinic.problems().get("part of the list of bookings").cloned();
    for number in 0..20 {
        book(&clinic, 9 + number / 4, 15 * (number % 4));
    }
    clinic.pass(seconds(12)).await;
    assert_eq!(problem(&clinic), None, "twenty pages are read");
    for number in 0..4 {
        book(&clinic, 14, 15 * number);
    }
    clinic.until("it is told", seconds(12), |clinic| problem(clinic).is_some()).await;
    let text = problem(&clinic).unwrap();
    assert!(text.contains("list of bookings") && text.contains("4 of its pages, in the middle"), "{text}");
    clinic.openvpms_faults.heal();
    clinic.until("the problem is resolved", minutes(3), |clinic| problem(clinic).is_none()).await;
    clinic.pass(minutes(2)).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_cannot_be_read_is_a_problem_until_it_can_and_hides_no_appointment_for_ever() {
    let mut clinic = Clinic::open().await;
    let odd = clinic.owner_books("s136", "66:s136", "2027-02-16 11:00");
    clinic.healthengine.write_field(odd, "bookingId", None).unwrap();
    let problem = |clinic: &Clinic| clinic.problems().get("part of the list of bookings").cloned();
    clinic.until("it is told", seconds(POLL), |clinic| problem(clinic).is_some()).await;
    let text = problem(&clinic).unwrap();
    assert!(text.contains("1 entry of Healthengine's list of bookings cannot be read"), "{text}");
    // Its confirmation is refused, and staff settle it in the portal.
    clinic
        .healthengine_faults
        .set(|asked| asked.target.ends_with("/confirmInsert").then_some(Fault::RefusalBefore(400)));
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    clinic.excuse(booking);
    let refused = |clinic: &Clinic| clinic.journal.count("POST /bookings/", "/confirmInsert") > 0;
    clinic.until("it is refused", seconds(10), refused).await;
    clinic.healthengine.progress_by_hand(booking).unwrap();
    let flagged = |clinic: &Clinic| clinic.entry(booking).needs_attention.is_some();
    clinic.throughout("it is early", minutes(9), |clinic| !flagged(clinic)).await;
    clinic.until("a person is told", minutes(2), flagged).await;
    let told = clinic.entry(booking).needs_attention.unwrap();
    assert!(told.contains("Healthengine does not expect it"), "{told}");
    clinic.healthengine.write_field(odd, "bookingId", Some(odd.0.into())).unwrap();
    clinic.healthengine_faults.heal();
    clinic.until("all can be read", seconds(POLL), |clinic| problem(clinic).is_none()).await;
    clinic.until_state(booking, State::Confirmed, seconds(30)).await;
    assert!(flagged(&clinic));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_could_not_be_read_whole_is_no_problem_once_nothing_of_it_is_asked_for() {
    let mut clinic = Clinic::open().await;
    let odd = clinic.owner_books("s136", "66:s136", "2027-02-16 11:00");
    clinic.excuse(odd);
    clinic.healthengine.write_field(odd, "bookingId", None).unwrap();
    let told = |clinic: &Clinic| clinic.problems().contains_key("part of the list of bookings");
    clinic.until("it is told", seconds(POLL), told).await;
    clinic.healthengine.progress_by_hand(odd).unwrap();
    clinic.until("it is over", seconds(POLL + 5), |clinic| !told(clinic)).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_about_an_appointment_that_is_not_taken_is_a_problem_until_it_is() {
    let clinic = Clinic::open().await;
    let booking = booked(&clinic, "2027-02-16 10:00").await;
    for (fault, subject) in
        [(Fault::StatusBefore(502), "answers".to_owned()), (Fault::RefusalBefore(400), format!("booking {booking}"))]
    {
        let is_answer = |target: &str| target.ends_with("/noPmsAppointmentChange");
        clinic.healthengine_faults.set(move |asked| is_answer(&asked.target).then(|| fault.clone()));
        clinic.healthengine.ask_appointment_change(booking).unwrap();
        let told = |clinic: &Clinic| clinic.problems().contains_key(&subject);
        clinic.until("it is told", seconds(3 * POLL), told).await;
        clinic.healthengine_faults.heal();
        let open = |clinic: &Clinic| {
            !clinic.healthengine.appointment_changes_asked_for(&practice(PRACTICE)).unwrap().is_empty()
        };
        clinic.until("it is answered", seconds(POLL), |clinic| !open(clinic)).await;
        clinic.pass(seconds(1)).await;
        assert!(!clinic.problems().contains_key("answers"), "{:?}", clinic.problems());
    }
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn an_empty_day_that_is_refused_is_not_delivered_and_not_sent_at_every_poll() {
    let clinic = Clinic::open().await;
    clinic.healthengine.configure(|settings| settings.refused_day = Some(("s999".to_owned(), day("2027-02-16"))));
    clinic.journal.clear();
    for resource in ["s999", "s998"] {
        clinic.healthengine.ask_availability(&practice(PRACTICE), day("2027-02-16"), Some(resource)).unwrap();
    }
    let open = |clinic: &Clinic| clinic.healthengine.days_asked_for(&practice(PRACTICE)).unwrap().len();
    clinic.until("the other one is answered", seconds(2 * POLL), |clinic| open(clinic) == 1).await;
    clinic.pass(minutes(5)).await;
    let problem = clinic.problems().get("days").cloned().unwrap_or_default();
    assert!(problem.contains("asks for 1 day of what is not offered") && problem.contains("is not valid"), "{problem}");
    let sent = clinic.journal.count("POST /availability", "");
    assert!((4..=14).contains(&sent), "sent {sent} times in five minutes");
    clinic.healthengine.configure(|settings| settings.refused_day = None);
    clinic.until("it is answered", minutes(6), |clinic| open(clinic) == 0).await;
    clinic.until("the problem is resolved", seconds(POLL), |clinic| !clinic.problems().contains_key("days")).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn bookings_are_made_in_the_order_of_their_deadlines_whatever_the_order_of_the_list() {
    let clinic = Clinic::open().await;
    clinic.healthengine_faults.close_port();
    // All for one schedule, so that one waits for the other; the list has the newest number last, or so it says.
    let starts = ["10:00", "10:15", "10:30", "10:45", "11:00"];
    let mut bookings = Vec::new();
    for start in starts {
        bookings.push(clinic.owner_books("s136", "66:s136", &format!("2027-02-16 {start}")));
        clinic.pass(seconds(1)).await;
    }
    let booked_at = |seconds: i64| {
        let at = clinic.clock.now() - chrono::TimeDelta::seconds(seconds);
        Some(serde_json::Value::String(at.format("%Y-%m-%dT%H:%M:%SZ").to_string()))
    };
    for (number, booking) in bookings.iter().enumerate() {
        clinic.healthengine.write_field(*booking, "bookedTime", booked_at(number as i64)).unwrap();
    }
    clinic.healthengine_faults.heal();
    for booking in &bookings {
        clinic.until_state(*booking, State::Confirmed, seconds(15)).await;
    }
    let mut made: Vec<(i64, BookingId)> = bookings.iter().map(|id| (clinic.appointment_of(*id).id.0, *id)).collect();
    made.sort_unstable();
    let order: Vec<BookingId> = made.into_iter().rev().map(|(_, booking)| booking).collect();
    assert_eq!(order, bookings, "the one with the oldest deadline was made first");
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_in_the_same_poll_comes_after_its_booking() {
    let clinic = Clinic::open().await;
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    let earlier = booked(&clinic, "2027-02-16 12:00").await;
    clinic.healthengine.cancel(earlier).unwrap();
    let fresh = clinic.owner_books("s136", "66:s136", "2027-02-16 13:00");
    clinic.journal.clear();
    clinic
        .until("the update is answered", seconds(POLL), |clinic| clinic.booking(earlier).open_updates.is_empty())
        .await;
    let answers: Vec<String> = clinic.journal.of("POST /bookings/", "").into_iter().map(|call| call.what).collect();
    let place = |part: &str| answers.iter().position(|what| what.contains(part)).unwrap();
    assert!(place(&format!("{fresh}/confirmInsert")) < place(&format!("{earlier}/confirmUpdate")), "{answers:?}");
    assert_eq!(clinic.status(booking), MarketplaceStatus::Confirmed);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn lists_of_several_pages_are_answered_whole() {
    let clinic = Clinic::open().await;
    clinic.healthengine.configure(|settings| settings.per_page = 3);
    let mut bookings = Vec::new();
    for hour in 9..17 {
        bookings.push(clinic.owner_books("s136", "66:s136", &format!("2027-02-16 {hour:02}:00")));
        bookings.push(clinic.owner_books("s211", "66:s211", &format!("2027-02-16 {hour:02}:00")));
    }
    for date in 17..25 {
        clinic
            .healthengine
            .ask_availability(&practice(PRACTICE), day(&format!("2027-02-{date}")), Some("s136"))
            .unwrap();
    }
    let confirmed = |clinic: &Clinic| bookings.iter().all(|id| clinic.state(*id) == Some(State::Confirmed));
    clinic.until("all are confirmed", seconds(15), confirmed).await;
    for booking in &bookings {
        assert_eq!(clinic.entry(*booking).needs_attention, None);
        clinic.healthengine.cancel(*booking).unwrap();
    }
    let cancelled = |clinic: &Clinic| bookings.iter().all(|id| clinic.booking(*id).open_updates.is_empty());
    clinic.until("all are cancelled", seconds(15), cancelled).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_booking_that_cannot_be_is_rejected_with_a_reason_and_an_administrator_is_told() {
    use serde_json::json;
    let clinic = Clinic::open().await;
    let book = |start: &str| clinic.owner_books("s136", "66:s136", &format!("2027-02-16 {start}"));
    let write = |id, field, value| clinic.healthengine.write_field(id, field, value).unwrap();
    let (no_resource, no_type, unknown, off_grid, no_time) =
        (book("09:00"), book("10:00"), book("11:00"), book("12:00"), book("13:00"));
    write(no_resource, "pmsResourceId", Some(json!(null)));
    write(no_type, "pmsAppointmentTypeId", None);
    write(unknown, "pmsResourceId", Some(json!("s999")));
    write(off_grid, "pmsAppointmentTime", Some(json!("2027-02-16T12:05:00")));
    write(no_time, "pmsAppointmentTime", Some(json!(null)));
    let all = [no_resource, no_type, unknown, off_grid, no_time];
    let rejected = |clinic: &Clinic| all.iter().all(|id| clinic.status(*id) == MarketplaceStatus::Failed);
    clinic.until("all are rejected", seconds(10), rejected).await;
    clinic.pass(seconds(1)).await;
    let problems: Vec<String> = clinic.problems().into_keys().collect();
    assert_eq!(problems, [format!("booking {no_type}"), format!("booking {unknown}")]);
    assert!(clinic.journal.of("POST /ws", "").is_empty());
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn documents_of_a_former_integration_are_rejected_and_hold_nothing_up() {
    let clinic = Clinic::open().await;
    let (server, practice) = (&clinic.healthengine, practice(PRACTICE));
    let booking = booked(&clinic, "2027-02-16 10:00").await;
    for number in 0..120 {
        server.ask_upload(&practice, booking, &format!("Referral {number} of Muffett")).unwrap();
        server.ask_attachment(&practice, "New Patient Form of Muffett").unwrap();
    }
    server.configure(|settings| settings.per_page = 7);
    // Of an extra feature too, and without a call to reject them.
    for kind in ["availableDocuments", "clientSnapshots"] {
        server.ask_other(&practice, kind).unwrap();
    }
    let open = |clinic: &Clinic| clinic.healthengine.documents_asked_for(&crate::support::practice(PRACTICE)).unwrap();
    let second = clinic.owner_books("s136", "66:s136", "2027-02-16 11:00");
    clinic.until_state(second, State::Confirmed, seconds(15)).await;
    clinic.until("all are rejected", minutes(2), |clinic| open(clinic) == (0, 0)).await;
    clinic.pass(minutes(1)).await;
    for kind in ["uploadDocuments", "attachDocuments", "availableDocuments", "clientSnapshots"] {
        let said = clinic.log.with(&format!("request=\"{kind}\""));
        assert!((1..=3).contains(&said.len()), "not at every poll: {kind}: {said:?}");
    }
    let rejections = (
        clinic.journal.count("POST /documents/rejectUpload", ""),
        clinic.journal.count("POST /attachDocuments", "/rejectInsert"),
    );
    assert_eq!(rejections, (120, 120), "each once");
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_rejection_of_a_document_that_healthengine_refuses_is_not_repeated_at_every_poll() {
    let clinic = Clinic::open().await;
    let booking = booked(&clinic, "2027-02-16 10:00").await;
    clinic.healthengine.ask_upload(&practice(PRACTICE), booking, "1").unwrap();
    clinic.healthengine.ask_upload(&practice(PRACTICE), booking, " ").unwrap();
    clinic.pass(minutes(2)).await;
    assert_eq!(clinic.healthengine.documents_asked_for(&practice(PRACTICE)).unwrap(), (1, 0));
    assert_eq!(clinic.journal.count("POST /documents/rejectUpload", ""), 2);
}

#[tokio::test(start_paused = true)]
async fn forty_five_pages_of_bookings_are_answered_oldest_deadline_first_twenty_pages_at_a_time() {
    let mut clinic = Clinic::new();
    // The first poll after the outage comes while the latest booking can still be rejected.
    clinic.config.sync.max_retry_interval = seconds(2);
    clinic.open_up().await;
    clinic.healthengine.configure(|settings| settings.per_page = 2);
    clinic.healthengine_faults.close_port();
    let mut bookings = Vec::new();
    for date in 16..28 {
        for hour in 9..17 {
            if bookings.len() < 90 {
                bookings.push(clinic.owner_books("s136", "66:s136", &format!("2027-02-{date} {hour:02}:00")));
            }
        }
    }
    assert_eq!(bookings.len(), 90);
    // All of them long ago, but for one on a page near the end; one is on a page between those that are read.
    clinic.pass(minutes(1)).await;
    let fresh = |id: BookingId| {
        let at = clinic.clock.now().format("%Y-%m-%d %H:%M:%S").to_string();
        clinic.healthengine.write_field(id, "bookedTime", Some(serde_json::Value::String(at))).unwrap();
    };
    let (urgent, between) = (bookings[85], bookings[40]);
    fresh(urgent);
    clinic.healthengine_faults.heal();
    clinic.journal.clear();
    clinic.until_state(urgent, State::Confirmed, seconds(40)).await;
    let all = |clinic: &Clinic| bookings.iter().all(|id| clinic.state(*id) == Some(State::Confirmed));
    clinic.until("all are confirmed", minutes(5), all).await;
    let polls = clinic.journal.count("GET /requests", "/requests");
    let pages = clinic.journal.count("GET /requests/bookings", "/bookings");
    assert!(pages <= polls * 20, "{pages} pages in {polls} polls: never more than twenty pages");
    let confirms = clinic.journal.of("POST /bookings", "/confirmInsert");
    assert_eq!(confirms.len(), 90, "each once");
    let place = |id: BookingId| confirms.iter().position(|call| call.what.contains(&id.to_string())).unwrap();
    assert!(place(urgent) < 10, "the one who can still be told came {}th", place(urgent));
    assert!(place(between) >= 40 - 10, "what is between begins when others are answered");
    clinic.assert_no_overlap();
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn sixty_days_that_are_asked_for_are_one_reading_of_each_schedule() {
    let mut clinic = Clinic::new();
    clinic.config.sync.horizon_days = 60;
    clinic.open_up().await;
    for date in day("2027-02-15").iter_days().take(70) {
        clinic.healthengine.ask_availability(&practice(PRACTICE), date, None).unwrap();
    }
    clinic.pass(seconds(1)).await;
    clinic.journal.clear();
    let open = |clinic: &Clinic| !clinic.healthengine.days_asked_for(&practice(PRACTICE)).unwrap().is_empty();
    clinic.until("all are answered", seconds(POLL + 5), |clinic| !open(clinic)).await;
    let readings = clinic.journal.of("GET /ws/booking/v2/schedules/", "/freebusy");
    let of = |schedule: &str| readings.iter().filter(|call| call.what.contains(schedule)).collect::<Vec<_>>();
    for schedule in ["/136/", "/211/"] {
        let own = of(schedule);
        assert!((1..=2).contains(&own.len()), "one, and one of the near days at most: {own:#?}");
        assert!(
            own.iter().all(|call| call.query.contains("to=2027-04-17")),
            "to the horizon, and a day for what begins on its last: {own:#?}"
        );
    }
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_for_every_resource_sends_those_that_can_be_read_once_and_the_others_when_they_can() {
    let clinic = Clinic::open().await;
    clinic
        .openvpms_faults
        .set(|asked| asked.target.contains("/schedules/211/freebusy").then_some(Fault::StatusBefore(500)));
    let ask = || clinic.healthengine.ask_availability(&practice(PRACTICE), day("2027-02-16"), None).unwrap();
    let open = |clinic: &Clinic| !clinic.healthengine.days_asked_for(&practice(PRACTICE)).unwrap().is_empty();
    ask();
    clinic.journal.clear();
    clinic.throughout("it stays open", minutes(3), open).await;
    assert_eq!(clinic.journal.count("POST /availability", ""), 1);
    clinic.openvpms_faults.heal();
    clinic.until("it is answered", seconds(40), |clinic| !open(clinic)).await;
    clinic.pass(seconds(1)).await;
    assert_eq!(clinic.journal.count("POST /availability", ""), 2);
    // The next request is another one.
    clinic.pass(seconds(POLL)).await;
    ask();
    clinic.until("it is answered", seconds(POLL), |clinic| !open(clinic)).await;
    clinic.finish().await;
}
