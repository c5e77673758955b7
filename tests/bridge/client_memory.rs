//! Clients whose name is misspelt are found all the same, and nobody is taken for another.

use vetbridge::booking::entry::State;
use vetbridge::ids::BookingId;
use vetbridge::simulator::exchange::{ArrivedRequest, Fault};
use vetbridge::simulator::healthengine::{PetOwner, Wish};
use vetbridge::simulator::openvpms::{Appointment, ReferenceParts};

use crate::support::{Clinic, judith, minutes, person, seconds, wall_time};

/// Judith's phone and email, and a name.
fn like_judith(first: &str, last: &str) -> PetOwner {
    PetOwner { first_name: Some(first.into()), last_name: Some(last.into()), ..judith() }
}

/// Somebody books, and time enough goes by to learn from it.
async fn books(clinic: &Clinic, owner: PetOwner, start: &str) -> (BookingId, Appointment) {
    let wish = Wish::new("s136", "66:s136", wall_time(start)).by(owner, "Limping\nPet name: Muffett");
    let booking = clinic.try_to_book(wish).expect("a time that is offered");
    clinic.until_state(booking, State::Confirmed, seconds(70)).await;
    clinic.pass(seconds(5)).await;
    (booking, clinic.appointment_of(booking))
}

fn customer(appointment: &Appointment) -> Option<i64> {
    appointment.customer.map(|customer| customer.0)
}

fn typed_lines(appointment: &Appointment) -> Vec<String> {
    let notes = appointment.notes.as_deref().unwrap_or_default().lines();
    notes.filter(|line| line.starts_with("Name as typed")).map(str::to_owned).collect()
}

/// How often bookings were read.
fn reads(clinic: &Clinic) -> usize {
    clinic.journal.calls().iter().filter(|call| call.what.starts_with("GET /ws/booking/v2/bookings/")).count()
}

fn remembers(clinic: &Clinic) -> bool {
    contains(&clinic.raw_disk(), "client-memory/")
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part.eq_ignore_ascii_case(text.as_bytes()))
}

#[tokio::test(start_paused = true)]
async fn a_client_who_was_attached_once_is_attached_again_in_spite_of_a_slip_and_staff_see_what_was_typed() {
    let clinic = Clinic::open().await;
    let (first, appointment) = books(&clinic, judith(), "2027-02-16 09:00").await;
    assert_eq!((customer(&appointment), typed_lines(&appointment)), (Some(3), vec![]));

    for (number, (given, family)) in
        [("Jduith", "Burke"), ("Judy", "Bourke"), ("Bourke", "Judith"), ("Júdith", "O'Neill"), ("Judith Bourke", "")]
            .into_iter()
            .enumerate()
    {
        let (booking, appointment) =
            books(&clinic, like_judith(given, family), &format!("2027-02-16 1{number}:00")).await;
        assert_eq!(customer(&appointment), Some(3), "{given} {family}");
        let notes = appointment.notes.as_deref().unwrap();
        let lines: Vec<&str> = notes.lines().collect();
        assert_eq!(
            lines,
            [
                &format!("Notes: Healthengine booking {booking}"),
                "Type: Standard Consult",
                "Booked as: Standard Consult - Main Appointment Schedule",
                format!("Name as typed: {given} {family}").trim_end(),
                "Reason: Limping / Pet name: Muffett",
                "Existing patient",
            ]
        );
        assert_eq!(clinic.booking(booking).pms_patient_id, clinic.booking(first).pms_patient_id);
    }
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn phone_or_email_alone_are_enough_and_another_of_either_does_no_harm() {
    let clinic = Clinic::open().await;
    clinic.openvpms.staff(|world| world.customers[0].emails.push("judith@example.com".into()));
    books(&clinic, judith(), "2027-02-16 09:00").await;
    let by_phone = PetOwner { email: None, ..like_judith("Jduith", "Bourke") };
    let another_phone = PetOwner { phone: Some("0491 570 006".into()), ..like_judith("Judy", "Bourke") };
    let another_email = PetOwner { email: Some("j.b@example.org".into()), ..like_judith("Judy", "Bourke") };
    for (number, owner) in [by_phone, another_phone, another_email].into_iter().enumerate() {
        let (_, appointment) = books(&clinic, owner, &format!("2027-02-16 1{number}:00")).await;
        assert_eq!(customer(&appointment), Some(3), "{number}");
    }
    // The phone that came with the known email is known since.
    let (_, appointment) = books(&clinic, person("Bourke", "Judith", "0491 570 006"), "2027-02-16 14:00").await;
    assert_eq!((customer(&appointment), typed_lines(&appointment).len()), (None, 1), "OpenVPMS has another phone");
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn one_person_keeps_one_pseudonym_whether_the_name_was_typed_well_or_not() {
    let mut clinic = Clinic::new();
    clinic.openvpms.staff(|world| world.reference_parts = ReferenceParts::Two);
    clinic.open_up().await;
    let (first, _) = books(&clinic, judith(), "2027-02-16 09:00").await;
    let (second, appointment) = books(&clinic, like_judith("Jduith", "Bourke"), "2027-02-16 10:00").await;
    let (other, _) = books(&clinic, like_judith("Peter", "Bourke"), "2027-02-16 11:00").await;
    assert_eq!(customer(&appointment), Some(3));
    let pseudonym = |booking| clinic.booking(booking).pms_patient_id.unwrap();
    assert!(pseudonym(first).starts_with("p-"));
    assert_eq!(pseudonym(second), pseudonym(first));
    assert_ne!(pseudonym(other), pseudonym(first));
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_is_taken_for_another_who_has_the_same_phone() {
    let clinic = Clinic::open().await;
    clinic.openvpms.staff(|world| {
        for (id, first) in [(901, "Susan"), (902, "Suzanne")] {
            let mut own = world.customers[0].clone();
            own.id = vetbridge::simulator::openvpms::CustomerId(id);
            first.clone_into(&mut own.first_name);
            world.customers.push(own);
        }
    });
    books(&clinic, judith(), "2027-02-16 09:00").await;
    for (number, (given, family)) in
        [("Peter", "Bourke"), ("J", "Bourke"), ("Judith Anne", "Bourke"), ("Jude", "Bourke"), ("Judd", "Miller")]
            .into_iter()
            .enumerate()
    {
        let (_, appointment) = books(&clinic, like_judith(given, family), &format!("2027-02-16 1{number}:00")).await;
        assert_eq!((customer(&appointment), typed_lines(&appointment)), (None, vec![]), "{given} {family}");
    }
    // Two whom the typed name fits equally well.
    for (given, hour, expected) in [("Susan", 9, Some(901)), ("Suzanne", 10, Some(902)), ("Sue", 11, None)] {
        let (_, appointment) = books(&clinic, like_judith(given, "Bourke"), &format!("2027-02-17 {hour:02}:00")).await;
        assert_eq!((customer(&appointment), typed_lines(&appointment)), (expected, vec![]), "{given}");
    }
    let (_, appointment) = books(&clinic, like_judith("Suzzanne", "Burke"), "2027-02-17 12:00").await;
    assert_eq!((customer(&appointment), typed_lines(&appointment).len()), (Some(902), 1));
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_is_known_after_a_restart_and_a_power_cut_until_the_days_are_over() {
    let mut clinic = Clinic::open().await;
    clinic.config.bookings.client_memory_days = 10;
    books(&clinic, judith(), "2027-02-16 09:00").await;
    clinic.pull_the_plug().await;
    clinic.start();
    let (_, appointment) = books(&clinic, like_judith("Jduith", "Bourke"), "2027-02-16 10:00").await;
    assert_eq!(customer(&appointment), Some(3));
    clinic.stop().await;
    clinic.pass(minutes(9 * 24 * 60)).await;
    clinic.start();
    let (_, appointment) = books(&clinic, like_judith("Judy", "Bourke"), "2027-02-25 09:00").await;
    assert_eq!(customer(&appointment), Some(3), "after nine days");
    clinic.stop().await;
    clinic.pass(minutes(10 * 24 * 60)).await;
    clinic.start();
    clinic.pass(seconds(2)).await;
    assert!(!remembers(&clinic));
    let (_, appointment) = books(&clinic, like_judith("Judy", "Bourke"), "2027-03-09 09:00").await;
    assert_eq!((customer(&appointment), typed_lines(&appointment)), (None, vec![]), "after ten more");
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_about_a_client_can_be_read_on_the_disk() {
    let clinic = Clinic::open().await;
    books(&clinic, judith(), "2027-02-16 09:00").await;
    books(&clinic, like_judith("Jduith", "Burke"), "2027-02-16 10:00").await;
    assert!(remembers(&clinic));
    let bytes = clinic.raw_disk();
    for secret in [
        "Judith",
        "Jduith",
        "Bourke",
        "Burke",
        "418976543",
        "418 976 543",
        "judith@example",
        "example.com",
        "Muffett",
        // Base64 of the names at each alignment, without its ends.
        "VkaXRo",
        "Ep1ZGl0a",
        "dWRpdG",
        "Qm91cmtl",
        "JvdXJr",
        "b3Vya2",
    ] {
        assert!(!contains(&bytes, secret), "{secret}");
    }
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn switched_off_it_asks_nothing_keeps_nothing_and_removes_what_there_was() {
    let mut clinic = Clinic::open().await;
    books(&clinic, judith(), "2027-02-16 09:00").await;
    assert!(remembers(&clinic));
    clinic.config.bookings.client_memory_days = 0;
    clinic.reload();
    clinic.until_in_step().await;
    clinic.pass(seconds(2)).await;
    assert!(!remembers(&clinic));
    clinic.journal.clear();
    let (_, appointment) = books(&clinic, like_judith("Jduith", "Bourke"), "2027-02-16 10:00").await;
    let (_, exact) = books(&clinic, judith(), "2027-02-16 11:00").await;
    assert_eq!((customer(&appointment), customer(&exact)), (None, Some(3)));
    clinic.stop().await;
    assert!(!remembers(&clinic));
    // The rounds that watch for changes by staff ask too, but not so soon.
    assert_eq!(reads(&clinic), 0);
    clinic.config.bookings.client_memory_days = 400;
    clinic.start();
    clinic.until_in_step().await;
    let (_, appointment) = books(&clinic, like_judith("Jduith", "Bourke"), "2027-02-16 12:00").await;
    assert_eq!(customer(&appointment), None);
    books(&clinic, judith(), "2027-02-16 13:00").await;
    clinic.stop().await;
    assert!(remembers(&clinic));
    clinic.config.bookings.client_memory_days = 0;
    clinic.start();
    clinic.until_in_step().await;
    clinic.pass(seconds(2)).await;
    assert!(!remembers(&clinic), "also when it was switched off while the bridge was stopped");
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn of_a_server_that_does_not_tell_bookings_nothing_is_learnt_and_each_is_asked_for_once() {
    let clinic = Clinic::open().await;
    clinic.openvpms.staff(|world| world.reading_a_booking_fails = true);
    clinic.journal.clear();
    books(&clinic, judith(), "2027-02-16 09:00").await;
    clinic.pass(minutes(3)).await;
    assert_eq!(reads(&clinic), 1);
    assert!(!remembers(&clinic));
    let (_, appointment) = books(&clinic, like_judith("Jduith", "Bourke"), "2027-02-16 10:00").await;
    assert_eq!(customer(&appointment), None);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn reading_back_delays_no_confirmation_and_is_given_up_after_a_few_attempts() {
    let clinic = Clinic::open().await;
    let is_read = |asked: &ArrivedRequest| asked.method == "GET" && asked.target.contains("/bookings/");
    clinic.openvpms_faults.set(move |asked| is_read(asked).then_some(Fault::Hang));
    clinic.journal.clear();
    for hour in 9..15 {
        let wish = Wish::new("s136", "66:s136", wall_time(&format!("2027-02-24 {hour:02}:00"))).by(judith(), "");
        let booking = clinic.try_to_book(wish).unwrap();
        let took = clinic.until_state(booking, State::Confirmed, seconds(10)).await;
        assert!(took <= seconds(7), "{took:?}");
    }
    // Not near, so that no round asks for them.
    clinic.pass(minutes(60)).await;
    assert_eq!(reads(&clinic), 6 * 4);
    assert!(!remembers(&clinic));
    clinic.openvpms_faults.set(|_| None);
    let wish = Wish::new("s136", "66:s136", wall_time("2027-02-24 16:00")).by(judith(), "");
    let booking = clinic.try_to_book(wish).unwrap();
    clinic.until_state(booking, State::Confirmed, seconds(10)).await;
    clinic.until("it is learnt", seconds(5), remembers).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_was_away_for_a_moment_is_asked_again() {
    let clinic = Clinic::open().await;
    let mut away = 2;
    clinic.openvpms_faults.set(move |asked| {
        let is_read = asked.method == "GET" && asked.target.contains("/bookings/");
        if is_read && away > 0 {
            away -= 1;
            return Some(Fault::LoseRequest);
        }
        None
    });
    books(&clinic, judith(), "2027-02-24 09:00").await;
    assert!(!remembers(&clinic));
    clinic.until("it is learnt", minutes(4), remembers).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_spelling_that_openvpms_has_no_longer_is_sent_once_and_then_forgotten() {
    let clinic = Clinic::open().await;
    books(&clinic, judith(), "2027-02-16 09:00").await;
    clinic.openvpms.staff(|world| "Miller".clone_into(&mut world.customers[0].last_name));
    let (_, appointment) = books(&clinic, like_judith("Judith", "Miller"), "2027-02-16 10:00").await;
    assert_eq!((customer(&appointment), typed_lines(&appointment).len()), (None, 1));
    let (_, appointment) = books(&clinic, like_judith("Judith", "Miller"), "2027-02-16 11:00").await;
    assert_eq!((customer(&appointment), typed_lines(&appointment).len()), (Some(3), 0));
    let (_, appointment) = books(&clinic, like_judith("Judith", "Bourke"), "2027-02-16 12:00").await;
    assert_eq!(customer(&appointment), Some(3), "and the maiden name is understood");
    clinic.finish().await;
}
