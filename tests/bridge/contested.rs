//! Several pet owners, or staff and a pet owner, want the same time.

use vetbridge::booking::entry::State;
use vetbridge::ids::{BookingId, ScheduleId};
use vetbridge::simulator::healthengine::MarketplaceStatus;

use crate::support::{Clinic, PRACTICE, practice, seconds, wall_time};

/// Waits until all are settled; who got the time, and who did not.
async fn settled(clinic: &Clinic, bookings: &[BookingId]) -> (Vec<BookingId>, Vec<BookingId>) {
    let is_settled =
        |id: &BookingId| matches!(clinic.status(*id), MarketplaceStatus::Confirmed | MarketplaceStatus::Failed);
    clinic.until("all are answered", seconds(15), |_| bookings.iter().all(is_settled)).await;
    bookings.iter().partition(|id| clinic.status(**id) == MarketplaceStatus::Confirmed)
}

#[tokio::test(start_paused = true)]
async fn of_two_pet_owners_who_want_one_time_the_first_gets_it_and_the_other_is_told_in_time() {
    let clinic = Clinic::open().await;
    let one = clinic.owner_books("s136", "66:s136", "2027-02-15 09:00");
    let other = clinic.owner_books_regardless("s136", "66:s136", "2027-02-15 09:00");
    let (got, failed) = settled(&clinic, &[one, other]).await;
    assert_eq!((got, failed), (vec![one], vec![other]));
    let late = clinic.booking(other);
    assert!((late.answered_at.unwrap() - late.booked_at).num_seconds() < 15);
    assert_eq!(clinic.entry(other).needs_attention, None);
    assert_eq!(clinic.state(other), Some(State::Rejected));
    // The rejection asks for the day, and pet owners see what is left of it.
    let asked_for = |clinic: &Clinic| clinic.healthengine.days_asked_for(&practice(PRACTICE)).unwrap();
    clinic.until("the day is sent", seconds(6), |clinic| asked_for(clinic).is_empty()).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn times_that_overlap_are_given_once_and_the_others_stay_free() {
    let clinic = Clinic::open().await;
    let book = |kind: &str, start: &str| clinic.owner_books_regardless("s136", kind, start);
    // 9:00 to 9:30, 9:15 to 9:45 and 9:30 to 9:45: the one in the middle meets both others.
    let bookings =
        [book("63:s136", "2027-02-16 09:00"), book("63:s136", "2027-02-16 09:15"), book("66:s136", "2027-02-16 09:30")];
    let (got, failed) = settled(&clinic, &bookings).await;
    assert_eq!((got.len(), failed), (2, vec![bookings[1]]));
    clinic.assert_no_overlap();
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn ten_at_once_on_two_schedules_leave_one_appointment_on_each() {
    let clinic = Clinic::open().await;
    let mut bookings = Vec::new();
    for _ in 0..5 {
        bookings.push(clinic.owner_books_regardless("s136", "66:s136", "2027-02-16 11:00"));
        bookings.push(clinic.owner_books_regardless("s211", "66:s211", "2027-02-16 11:00"));
    }
    let (got, failed) = settled(&clinic, &bookings).await;
    assert_eq!((got.len(), failed.len()), (2, 8));
    clinic.assert_no_overlap();
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn what_staff_just_wrote_into_the_diary_is_not_booked_over_nor_is_a_calendar_block() {
    let clinic = Clinic::open().await;
    clinic.staff_book(136, "2027-02-15 10:00", 15);
    clinic
        .openvpms
        .staff(|world| world.add_block(ScheduleId(211), wall_time("2027-02-15 12:00"), wall_time("2027-02-15 13:00")));
    let bookings = [
        clinic.owner_books("s136", "63:s136", "2027-02-15 09:45"),
        clinic.owner_books("s211", "66:s211", "2027-02-15 12:30"),
    ];
    let (got, failed) = settled(&clinic, &bookings).await;
    assert_eq!((got.len(), failed.len()), (0, 2));
    clinic.until_in_step().await;
    clinic.assert_no_overlap();
    clinic.finish().await;
}
