//! A booking on its way from the pet owner to the diary and back.

use chrono::TimeDelta;
use vetbridge::booking::entry::State;
use vetbridge::ids::{LocationId, ScheduleId};
use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::healthengine::{MarketplaceStatus, RequestOutcome, Wish};

use crate::support::{Call, Clinic, PRACTICE, day, is_submission, person, practice, seconds, wall_time};

#[tokio::test(start_paused = true)]
async fn a_booking_stands_in_the_diary_and_is_confirmed_within_seconds() {
    let clinic = Clinic::open().await;
    let booking = clinic.owner_books("s136", "63:s136", "2027-02-15 09:00");
    let took = clinic.until_state(booking, State::Confirmed, seconds(6)).await;
    assert!(took <= seconds(6), "{took:?}");

    let appointment = clinic.appointment_of(booking);
    assert_eq!(appointment.schedule, ScheduleId(136));
    assert_eq!((appointment.start, appointment.end), (wall_time("2027-02-15 09:00"), wall_time("2027-02-15 09:30")));
    let view = clinic.booking(booking);
    assert_eq!((view.status, view.answer), (MarketplaceStatus::Confirmed, RequestOutcome::Confirmed));
    let reference = clinic.openvpms.staff(|world| world.reference(&appointment));
    assert_eq!(view.pms_appointment_ids, [reference]);

    let entry = clinic.entry(booking);
    assert_eq!(entry.needs_attention, None);
    assert_eq!(entry.place.unwrap().location, LocationId(98));
    let states: Vec<State> = entry.history.iter().map(|own| own.state).collect();
    assert_eq!(states, [State::Received, State::Submitting, State::Inserted, State::Confirmed]);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_booked_day_is_sent_again_within_a_second() {
    let clinic = Clinic::open().await;
    let booking = clinic.owner_books("s136", "63:s136", "2027-02-25 10:00");
    clinic.until("it is in the diary", seconds(10), |clinic| !clinic.appointments_of(booking).is_empty()).await;
    let published = |clinic: &Clinic| clinic.published("s136", "66:s136", "2027-02-25 10:15");
    assert!(published(&clinic));
    clinic.until("its time is taken out", seconds(1), |clinic| !published(clinic)).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_known_customer_is_found_in_either_spelling_of_the_phone_and_is_the_patient_at_healthengine() {
    let clinic = Clinic::open().await;
    let phones = ["0418 976 543", "+61418976543", "61 418 976 543", "(04) 1897-6543 after five"];
    for (number, phone) in phones.into_iter().enumerate() {
        // The clinic has the number in the national spelling, then in the other.
        clinic.openvpms.staff(|world| {
            let own = if number % 2 == 0 { "0418976543" } else { "+61 418 976 543" };
            own.clone_into(&mut world.customers[0].phones[0].number);
        });
        let start = wall_time(&format!("2027-02-16 1{number}:00"));
        let wish = Wish::new("s136", "66:s136", start).by(person("judith", " Bourke", phone), "Pet name: muffett");
        let booking = clinic.try_to_book(wish).unwrap();
        clinic.until_state(booking, State::Confirmed, seconds(10)).await;
        let appointment = clinic.appointment_of(booking);
        assert_eq!(appointment.customer.map(|id| id.0), Some(3), "{phone}");
        assert_eq!(appointment.patient.map(|id| id.0), Some(4), "{phone}");
        assert_eq!(clinic.booking(booking).pms_patient_id.as_deref(), Some("3"), "{phone}");
    }
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn somebody_unknown_is_in_the_notes_in_full_and_has_one_pseudonym_for_ever() {
    let mut clinic = Clinic::open().await;
    let book = |start: &str| Wish::new("s136", "66:s136", wall_time(start));
    let zoe = || person("Zoë", "O’Hara", "02 9123 4567");
    let mut wish = book("2027-02-16 09:00").by(zoe(), "Itching\nPet name: Rex");
    wish.is_new_patient = true;
    let first = clinic.try_to_book(wish).unwrap();
    clinic.until_state(first, State::Confirmed, seconds(10)).await;
    let appointment = clinic.appointment_of(first);
    let notes = appointment.notes.unwrap();
    let lines: Vec<&str> = notes.lines().collect();
    assert_eq!(
        lines,
        [
            "First Name: Zoë",
            "Last Name: O'Hara",
            "Phone: 0291234567",
            "Mobile: +61291234567",
            "Patient: Rex",
            &format!("Notes: Healthengine booking {first}"),
            "Type: Standard Consult",
            "Booked as: Standard Consult - Main Appointment Schedule",
            "Reason: Itching / Pet name: Rex",
            "New patient",
        ]
    );
    let pseudonym = clinic.booking(first).pms_patient_id.unwrap();
    assert!(!pseudonym.is_empty() && pseudonym != "3");

    clinic.stop().await;
    clinic.start();
    let second = clinic.try_to_book(book("2027-02-16 10:00").by(zoe(), "Itching again")).unwrap();
    let other = clinic.try_to_book(book("2027-02-16 11:00").by(person("Yan", "Li", "02 9123 4567"), "")).unwrap();
    for booking in [second, other] {
        clinic.until_state(booking, State::Confirmed, seconds(70)).await;
    }
    assert_eq!(clinic.booking(second).pms_patient_id.unwrap(), pseudonym);
    assert_ne!(clinic.booking(other).pms_patient_id.unwrap(), pseudonym);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_booking_costs_the_clinics_server_a_look_and_a_post_before_its_name_is_learnt() {
    let clinic = Clinic::open().await;
    let just_read = |clinic: &Clinic| {
        let read_at = clinic.practice().last_done().read_at.unwrap();
        clinic.clock.now() - read_at < TimeDelta::milliseconds(500)
    };
    clinic.until("the near days were just read", seconds(70), just_read).await;
    clinic.pass(seconds(1)).await;
    clinic.journal.clear();
    // On a day that is next read in minutes.
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-25 10:00");
    clinic.until_state(booking, State::Confirmed, seconds(6)).await;
    let offered = |clinic: &Clinic| clinic.published("s136", "66:s136", "2027-02-25 10:00");
    clinic.until("its day is sent", seconds(1), |clinic| !offered(clinic)).await;
    let asked: Vec<String> =
        clinic.journal.calls().into_iter().filter(Call::is_openvpms).map(|call| call.what).collect();
    assert_eq!(asked, ["GET /ws/booking/v2/schedules/136/freebusy", "POST /ws/booking/v2/bookings"]);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn time_that_another_pet_owner_gives_back_while_a_booking_of_that_day_is_made_is_offered() {
    let clinic = Clinic::open().await;
    // A day that is next read in minutes.
    let first = clinic.owner_books("s136", "66:s136", "2027-02-25 10:00");
    clinic.until_state(first, State::Confirmed, seconds(6)).await;
    clinic.fail_submissions([Fault::Slow(seconds(8))]);
    let second = clinic.owner_books("s136", "66:s136", "2027-02-25 12:00");
    clinic.until_state(second, State::Submitting, seconds(6)).await;
    clinic.healthengine.cancel(first).unwrap();
    clinic.until_state(first, State::Cancelled, seconds(6)).await;
    assert_eq!(clinic.state(second), Some(State::Submitting), "its POST is under way");
    clinic.until_state(second, State::Confirmed, seconds(8)).await;
    clinic.pass(seconds(12)).await;
    assert!(clinic.published("s136", "66:s136", "2027-02-25 10:00"), "the look before the POST did not know that");
    assert!(!clinic.published("s136", "66:s136", "2027-02-25 12:00"));
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn what_staff_do_while_a_booking_is_made_is_not_undone_by_the_look_before_it() {
    let clinic = Clinic::open().await;
    let staff = clinic.staff_book(136, "2027-02-25 14:00", 15);
    let mut posted = false;
    clinic.openvpms_faults.set(move |asked| {
        posted |= is_submission(asked);
        let slow = if is_submission(asked) { 8 } else { 5 };
        let is_meant = is_submission(asked) || asked.target.contains("/freebusy");
        (posted && is_meant).then(|| Fault::Slow(seconds(slow)))
    });
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-25 12:00");
    clinic.until_state(booking, State::Submitting, seconds(6)).await;
    clinic.staff_cancel(staff);
    // A reading that begins before the POST is answered, and is answered after what the look showed was sent.
    clinic.healthengine.ask_availability(&practice(PRACTICE), day("2027-02-25"), Some("s136")).unwrap();
    let offered = |clinic: &Clinic| clinic.published("s136", "66:s136", "2027-02-25 14:00");
    clinic.until_state(booking, State::Confirmed, seconds(9)).await;
    clinic.until("the look's day is sent", seconds(1), |clinic| !offered(clinic)).await;
    clinic.until("and what staff did since", seconds(12), offered).await;
    assert!(!clinic.published("s136", "66:s136", "2027-02-25 12:00"));
    clinic.finish().await;
}
