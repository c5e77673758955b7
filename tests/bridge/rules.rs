//! Rules of the offer: what they keep back, when, and from whom.

use vetbridge::booking::entry::State;
use vetbridge::ids::BookingId;
use vetbridge::simulator::healthengine::{MarketplaceStatus, RequestOutcome};

use crate::support::{Clinic, PRACTICE, booked, minutes, practice, rules, seconds, wish};

/// A reading of the near days, and the sending of what it shows.
const READING: u64 = 70;
/// A booking, or its end, and what follows from it.
const AT_ONCE: u64 = 8;

/// The practice's rules from the next start or reload on.
fn set(clinic: &mut Clinic, tables: &str) {
    clinic.config.practices[0].rules = rules(tables);
}

/// A clinic that runs with these rules from the beginning.
async fn open_with(tables: &str) -> Clinic {
    let mut clinic = Clinic::new();
    set(&mut clinic, tables);
    clinic.open_up().await;
    clinic
}

fn is_published(clinic: &Clinic, start: &str) -> bool {
    clinic.published("s136", "66:s136", start)
}

fn reason(clinic: &Clinic, id: BookingId) -> String {
    clinic.entry(id).history.last().unwrap().reason.to_string()
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_comes_or_goes_with_the_configuration_shows_within_one_reading() {
    let mut clinic = Clinic::open().await;
    assert!(is_published(&clinic, "2027-02-16 14:00") && is_published(&clinic, "2027-02-27 14:00"));
    set(&mut clinic, "[[practice.rule]]\nhours = [\"09:00-12:00\"]");
    clinic.reload();
    clinic
        .until("afternoons are gone", seconds(READING), |clinic| {
            !is_published(clinic, "2027-02-16 14:00") && !is_published(clinic, "2027-02-27 14:00")
        })
        .await;
    assert!(is_published(&clinic, "2027-02-16 11:45") && !is_published(&clinic, "2027-02-16 12:00"));
    clinic.until_in_step().await;
    clinic.config.practices[0].rules.clear();
    clinic.reload();
    clinic.until("they are back", seconds(READING), |clinic| is_published(clinic, "2027-02-16 14:00")).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_day_is_full_at_once_and_is_open_again_at_once_when_a_booking_is_cancelled() {
    let clinic = open_with("[[practice.rule]]\nmax_per_day = 2").await;
    let first = booked(&clinic, "2027-02-16 10:00").await;
    assert!(is_published(&clinic, "2027-02-16 15:00"));
    let second = clinic.owner_books("s136", "66:s136", "2027-02-16 11:00");
    clinic.until_state(second, State::Confirmed, seconds(AT_ONCE)).await;
    clinic.until("the day is full", seconds(2), |clinic| !is_published(clinic, "2027-02-16 15:00")).await;
    assert!(clinic.published("s211", "66:s211", "2027-02-16 15:00"), "another resource");
    assert!(is_published(&clinic, "2027-02-17 15:00"), "another day");
    clinic.healthengine.cancel(first).unwrap();
    clinic.until_state(first, State::Cancelled, seconds(AT_ONCE)).await;
    clinic.until("it is open again", seconds(2), |clinic| is_published(clinic, "2027-02-16 15:00")).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_chose_the_last_place_of_a_day_with_another_is_served_above_the_limit() {
    let clinic = open_with("[[practice.rule]]\nmax_per_day = 1").await;
    let first = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    let second = clinic.owner_books("s136", "66:s136", "2027-02-16 11:00");
    for booking in [first, second] {
        clinic.until_state(booking, State::Confirmed, seconds(AT_ONCE)).await;
    }
    clinic.until("the day is full", seconds(2), |clinic| !is_published(clinic, "2027-02-16 15:00")).await;
    // A page that was loaded before.
    clinic.pass(minutes(20)).await;
    let third = clinic.owner_books_regardless("s136", "66:s136", "2027-02-16 12:00");
    clinic.until_state(third, State::Confirmed, seconds(AT_ONCE)).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn bookings_of_this_morning_count_in_the_afternoon_and_after_a_restart() {
    let mut clinic = open_with("[[practice.rule]]\nmax_per_day = 1").await;
    booked(&clinic, "2027-02-15 10:00").await;
    clinic.pass(minutes(7 * 60)).await;
    assert!(!is_published(&clinic, "2027-02-15 16:30"));
    clinic.stop().await;
    clinic.start();
    clinic.until_in_step().await;
    assert!(!is_published(&clinic, "2027-02-15 16:30"));
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn the_last_free_times_move_with_what_is_booked_and_cancelled() {
    let clinic = open_with("[[practice.rule]]\nkeep_free = 2").await;
    assert!(is_published(&clinic, "2027-02-16 16:45") && !is_published(&clinic, "2027-02-16 17:00"));
    assert!(!clinic.published("s136", "63:s136", "2027-02-16 16:45"), "it would run into a kept start");
    // The telephone takes one.
    let appointment = clinic.staff_book(136, "2027-02-16 17:15", 15);
    clinic.until("it is seen", seconds(READING), |clinic| !is_published(clinic, "2027-02-16 16:45")).await;
    clinic.staff_cancel(appointment);
    clinic.until("it is seen", seconds(READING), |clinic| is_published(clinic, "2027-02-16 16:45")).await;
    // A pet owner takes the last that is offered: those that are kept stay free.
    let booking = booked(&clinic, "2027-02-16 16:45").await;
    let is_taken = |clinic: &Clinic| !is_published(clinic, "2027-02-16 16:45");
    clinic.until("it is taken", seconds(2), is_taken).await;
    assert!(is_published(&clinic, "2027-02-16 16:30") && !is_published(&clinic, "2027-02-16 17:00"));
    clinic.healthengine.cancel(booking).unwrap();
    clinic.until("it is back", seconds(AT_ONCE), |clinic| is_published(clinic, "2027-02-16 16:45")).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_time_that_was_offered_when_it_was_chosen_is_booked_whatever_the_rules_say_since() {
    let mut clinic = Clinic::open().await;
    set(&mut clinic, "[[practice.rule]]\nhours = [\"09:00-12:00\"]");
    clinic.reload();
    clinic.until("it is withdrawn", seconds(READING), |clinic| !is_published(clinic, "2027-02-16 14:00")).await;
    let chosen = clinic.owner_books_regardless("s136", "66:s136", "2027-02-16 14:00");
    clinic.until_state(chosen, State::Confirmed, seconds(AT_ONCE)).await;
    // Also after a restart.
    clinic.stop().await;
    clinic.start();
    clinic.until_in_step().await;
    clinic.pass(minutes(10)).await;
    let later = clinic.owner_books_regardless("s136", "66:s136", "2027-02-16 15:00");
    clinic.until_state(later, State::Confirmed, seconds(AT_ONCE)).await;
    // Nobody looks at a page for so long.
    clinic.pass(minutes(31)).await;
    let late = clinic.owner_books_regardless("s136", "66:s136", "2027-02-16 16:00");
    clinic.until_state(late, State::Rejected, seconds(AT_ONCE)).await;
    assert_eq!(reason(&clinic, late), "The practice does not offer this time online: rule 1 (hours).");
    assert_eq!(clinic.booking(late).answer, RequestOutcome::Rejected, "in time");
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_changes_while_the_process_is_stopped_takes_no_time_from_whoever_was_offered_it() {
    let mut clinic = Clinic::open().await;
    clinic.stop().await;
    set(&mut clinic, "[[practice.rule]]\nhours = [\"09:00-12:00\"]");
    clinic.start();
    clinic.until("it is withdrawn", seconds(READING), |clinic| !is_published(clinic, "2027-02-16 14:00")).await;
    let chosen = clinic.owner_books_regardless("s136", "66:s136", "2027-02-16 14:00");
    clinic.until_state(chosen, State::Confirmed, seconds(AT_ONCE)).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_time_that_a_rule_never_offered_is_rejected_and_stays_free_in_the_diary() {
    let clinic = open_with("[[practice.rule]]\ntypes = [63]\nhours = [\"09:00-12:00\"]").await;
    let never = clinic.owner_books_regardless("s136", "63:s136", "2027-02-16 14:00");
    clinic.until_state(never, State::Rejected, seconds(AT_ONCE)).await;
    assert_eq!(clinic.status(never), MarketplaceStatus::Failed);
    assert!(clinic.appointments_of(never).is_empty());
    // Another type is offered there.
    let other = clinic.owner_books_regardless("s136", "66:s136", "2027-02-16 14:00");
    clinic.until_state(other, State::Confirmed, seconds(AT_ONCE)).await;
    clinic.finish().await;
}

/// A clinic in which every day is sent again at 09:00, a good hour after it opened.
async fn open_with_a_resync_at_nine(tables: &str) -> Clinic {
    let mut clinic = Clinic::new();
    set(&mut clinic, tables);
    clinic.config.sync.full_resync_at = "09:00:00".parse().unwrap();
    clinic.open_up().await;
    clinic
}

async fn pass_to_the_full_resync(clinic: &Clinic) {
    while clinic.wall() < crate::support::wall_time("2027-02-15 09:00") {
        clinic.pass(minutes(5)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_resync_makes_nothing_bookable_that_was_never_offered() {
    let clinic = open_with_a_resync_at_nine("[[practice.rule]]\nhours = [\"09:00-12:00\"]").await;
    pass_to_the_full_resync(&clinic).await;
    for later in [0, 5, 25] {
        clinic.pass(minutes(later)).await;
        let never = clinic.owner_books_regardless("s136", "66:s136", "2027-02-17 14:00");
        clinic.until_state(never, State::Rejected, seconds(AT_ONCE)).await;
        assert_eq!(reason(&clinic, never), "The practice does not offer this time online: rule 1 (hours).");
    }
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_full_resync_takes_no_time_from_whoever_was_offered_it_before() {
    let mut clinic = open_with_a_resync_at_nine("").await;
    pass_to_the_full_resync(&clinic).await;
    set(&mut clinic, "[[practice.rule]]\nhours = [\"09:00-12:00\"]");
    clinic.reload();
    clinic.until("it is withdrawn", seconds(READING), |clinic| !is_published(clinic, "2027-02-17 14:00")).await;
    clinic.pass(minutes(15)).await;
    let chosen = clinic.owner_books_regardless("s136", "66:s136", "2027-02-17 14:00");
    clinic.until_state(chosen, State::Confirmed, seconds(AT_ONCE)).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_offered_since_a_backup_is_booked_when_the_backup_came_back_with_a_rule() {
    let ruled = "[[practice.rule]]\nhours = [\"09:00-12:00\"]";
    let mut clinic = open_with(ruled).await;
    let backup = clinic.export();
    clinic.config.practices[0].rules.clear();
    clinic.reload();
    clinic.until("it is offered", seconds(READING), |clinic| is_published(clinic, "2027-02-16 14:00")).await;
    clinic.stop().await;
    clinic.import(&backup);
    set(&mut clinic, ruled);
    clinic.start();
    clinic.until("it is withdrawn", seconds(READING), |clinic| !is_published(clinic, "2027-02-16 14:00")).await;
    clinic.pass(minutes(5)).await;
    let chosen = clinic.owner_books_regardless("s136", "66:s136", "2027-02-16 14:00");
    clinic.until_state(chosen, State::Confirmed, minutes(1)).await;
    clinic.finish().await;
}

const CALL_US: &str = "[[practice.rule]]\nnew_patients = \"reject\"\nmessage = \"New clients please call.\"";

/// A new client books what is offered.
fn new_client_books(clinic: &Clinic, start: &str) -> BookingId {
    let mut wish = wish("s136", "66:s136", start);
    wish.is_new_patient = true;
    clinic.try_to_book(wish).expect("a time that is offered")
}

#[tokio::test(start_paused = true)]
async fn a_new_client_is_rejected_in_time_with_the_message_and_the_time_is_offered_to_others_again() {
    let clinic = open_with(CALL_US).await;
    clinic.journal.clear();
    let booking = new_client_books(&clinic, "2027-02-16 10:00");
    clinic.until_state(booking, State::Rejected, seconds(AT_ONCE)).await;
    assert_eq!(reason(&clinic, booking), "New clients please call.");
    let by = "New clients are turned away by rule 1 (new_patients).";
    assert!(clinic.entry(booking).history.iter().any(|own| own.reason.to_string() == by), "the administrator's");
    let view = clinic.booking(booking);
    assert_eq!((view.status, view.answer), (MarketplaceStatus::Failed, RequestOutcome::Rejected));
    assert_eq!(clinic.journal.count("POST", "/bookings"), 0, "OpenVPMS was not asked to make it");
    let is_offered = |clinic: &Clinic| clinic.offers("s136", "66:s136", "2027-02-16 10:00");
    clinic.until("it is offered again", seconds(3), is_offered).await;
    let known = booked(&clinic, "2027-02-16 10:00").await;
    assert_eq!(clinic.status(known), MarketplaceStatus::Confirmed);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn the_rejection_of_a_new_client_frees_no_time_that_somebody_else_has() {
    let clinic = open_with(CALL_US).await;
    clinic.staff_book(136, "2027-02-16 10:00", 15);
    let booking = new_client_books(&clinic, "2027-02-16 10:00");
    clinic.until_state(booking, State::Rejected, seconds(AT_ONCE)).await;
    // Healthengine's queue holds the fresh day for a moment.
    clinic.pass(seconds(3)).await;
    let is_offered = |clinic: &Clinic| clinic.offers("s136", "66:s136", "2027-02-16 10:00");
    clinic.throughout("it is not offered again", minutes(2), |clinic| !is_offered(clinic)).await;
    assert_eq!(clinic.openvpms.staff(|world| world.standing().count()), 1, "the staff's own");
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn of_whom_healthengine_does_not_say_that_they_are_new_is_not_new() {
    let clinic = open_with(CALL_US).await;
    for (start, said) in [("2027-02-16 10:00", None), ("2027-02-16 11:00", Some(serde_json::Value::Null))] {
        let booking = new_client_books(&clinic, start);
        clinic.healthengine.write_field(booking, "isNewPatient", said).unwrap();
        clinic.until_state(booking, State::Confirmed, seconds(AT_ONCE)).await;
    }
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_new_client_who_was_told_yes_before_anybody_looked_has_an_appointment() {
    let mut clinic = open_with(CALL_US).await;
    clinic.stop().await;
    let booking = new_client_books(&clinic, "2027-02-16 10:00");
    clinic.pass(minutes(2)).await;
    clinic.start();
    clinic.until_state(booking, State::Confirmed, minutes(1)).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_new_client_is_turned_away_by_a_rule_that_came_after_they_chose() {
    let mut clinic = Clinic::open().await;
    set(&mut clinic, &format!("{CALL_US}\ntypes = [66]"));
    clinic.reload();
    clinic.until_in_step().await;
    let booking = new_client_books(&clinic, "2027-02-16 10:00");
    clinic.until_state(booking, State::Rejected, seconds(AT_ONCE)).await;
    let mut other = wish("s136", "63:s136", "2027-02-16 11:00");
    other.is_new_patient = true;
    let other = clinic.try_to_book(other).unwrap();
    clinic.until_state(other, State::Confirmed, seconds(AT_ONCE)).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_leaves_nothing_of_a_resource_is_a_problem_until_it_is_changed() {
    let mut clinic = Clinic::open().await;
    set(
        &mut clinic,
        "[[practice.rule]]\nkeep_free = 1\n[[practice.rule]]\nresources = [\"s136\"]\nmin_notice = \"100d\"",
    );
    clinic.reload();
    let told = |clinic: &Clinic| clinic.problems().get("never_open").cloned().unwrap_or_default();
    clinic.until("somebody hears of it", minutes(1), |clinic| !told(clinic).is_empty()).await;
    let text = told(&clinic);
    assert!(
        text.contains("Rule 2 (min_notice) leaves no time of")
            && text.contains("min_notice in the 2nd [[practice.rule]]"),
        "{text}"
    );
    assert!(!text.contains("s211"), "{text}");
    set(&mut clinic, "[[practice.rule]]\nkeep_free = 1");
    clinic.reload();
    // The reading with which the practice starts anew knows it.
    clinic.until("it is over", seconds(AT_ONCE), |clinic| told(clinic).is_empty()).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_notice_of_a_rule_withdraws_times_as_they_come_near() {
    let clinic = open_with("[[practice.rule]]\ntypes = [63]\nmin_notice = \"2h\"").await;
    let surgery = |clinic: &Clinic, start: &str| clinic.published("s136", "63:s136", start);
    let start = "2027-02-15 12:00";
    assert!(surgery(&clinic, start));
    while clinic.wall() < crate::support::wall_time("2027-02-15 10:02") {
        clinic.pass(minutes(1)).await;
    }
    assert!(!surgery(&clinic, start) && is_published(&clinic, start));
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn the_status_of_a_practice_lists_the_rules_in_force() {
    let mut clinic =
        open_with("[[practice.rule]]\nkeep_free = 2\n[[practice.rule]]\ntypes = [63]\nmin_notice = \"2h\"").await;
    let texts = |clinic: &Clinic| {
        let status = vetbridge::server::view::status(clinic.bridge());
        let own = status.practices.into_iter().find(|own| own.id == practice(PRACTICE).0).unwrap();
        own.rules.into_iter().map(|rule| rule.text).collect::<Vec<_>>()
    };
    assert_eq!(
        texts(&clinic),
        [
            "Rule 1: the last 2 free starts of the day are kept.",
            "Rule 2, appointment type 63: no sooner than 2 hours from now."
        ]
    );
    clinic.config.practices[0].rules[1].types = [vetbridge::ids::AppointmentTypeId(9)].into();
    clinic.reload();
    let of_nobody = |clinic: &Clinic| {
        let said = "Rule 2 names appointment type 9, which the practice does not offer.";
        texts(clinic).get(1).is_some_and(|text| text.contains(said))
    };
    clinic.until("what a rule names and nobody offers is told", seconds(10), of_nobody).await;
    clinic.config.practices[0].rules.clear();
    clinic.reload();
    clinic.until("none is in force", seconds(10), |clinic| texts(clinic).is_empty()).await;
    clinic.finish().await;
}
