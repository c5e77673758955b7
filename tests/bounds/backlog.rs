//! A backlog costs OpenVPMS what its bookings cost, and no readings beside them: at a rate of ten
//! calls a second, calls are time.

use crate::flood::{answered, book_many, clinic_with};
use crate::support::{Call, minutes};

/// Of two hundred bookings, each takes a look and a POST.
const BOOKINGS: usize = 200;
const FEWEST: usize = 2 * BOOKINGS;

/// True for a look at the day of a booking; the diary's readings at their intervals ask for more
/// days.
fn is_of_a_booking(call: &Call) -> bool {
    let date = |name: &str| {
        let (_, date) = call.query.split_once(name)?;
        date.get(..10)?.parse::<chrono::NaiveDate>().ok()
    };
    let days = date("from=").zip(date("to=")).map(|(from, to)| (to - from).num_days());
    call.is_openvpms() && days.is_none_or(|days| days < 2)
}

#[tokio::test(start_paused = true)]
async fn a_backlog_of_bookings_takes_hardly_a_call_beyond_a_look_and_a_post_for_each() {
    let clinic = clinic_with(10).await;
    clinic.healthengine_faults.close_port();
    // Each schedule has twenty, and those of one schedule are told apart by their times alone.
    assert_eq!(book_many(&clinic, 10, BOOKINGS).len(), BOOKINGS);
    clinic.pass(minutes(1)).await;
    clinic.journal.clear();
    clinic.healthengine_faults.heal();
    clinic.until("all are made", minutes(5), |clinic| answered(clinic) == BOOKINGS).await;
    let calls: Vec<Call> = clinic.journal.calls().into_iter().filter(is_of_a_booking).collect();
    let posts = calls.iter().filter(|call| call.what.starts_with("POST")).count();
    assert_eq!(posts, BOOKINGS);
    let what = calls.iter().map(|call| format!("{} {}", call.what, call.query)).collect::<Vec<_>>().join("\n");
    assert!(calls.len() <= FEWEST + FEWEST / 40, "{} calls instead of {FEWEST}:\n{what}", calls.len());
    clinic.assert_no_overlap();
}
