use super::*;
use crate::booking::deadline::Deadline;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
}

const MADE: Sign = Sign::MadeByAnother(BookingId(7));
const TIMEOUT: TimeDelta = TimeDelta::seconds(10);
const OUTRUN: Sign = Sign::Outrun(BookingId(7));

fn fresh() -> OtherBridgeSuspicion {
    OtherBridgeSuspicion::new(OtherBridgeRecord::default(), None, at(0))
}

/// One that made bookings undisturbed, for half an hour.
fn established() -> OtherBridgeSuspicion {
    let mut own = fresh();
    (0..3).for_each(|_| own.confirmed());
    own
}

fn imported() -> OtherBridgeSuspicion {
    OtherBridgeSuspicion::new(OtherBridgeRecord::default(), Some(at(-60)), at(0))
}

#[test]
fn the_first_start_after_an_import_listens_and_the_next_one_does_not() {
    let mut own = imported();
    assert!(own.stands_back() && own.is_watchful() && !own.is_certain() && own.withholds_rejections());
    own.left_in_vain();
    assert!(own.stands_back(), "one booking says little: the other may have been slow");
    own.left_in_vain();
    assert_eq!(own.stance(), Stance::Alone);
    let again = |imported| OtherBridgeSuspicion::new(own.remembered(), imported, at(100)).stance();
    assert_eq!(again(Some(at(-60))), Stance::Alone);
    assert_eq!(again(Some(at(90))), Stance::Listening { since: at(100), unanswered: 0 }, "another import");
}

#[test]
fn listening_ends_with_its_time_also_when_the_clock_was_set_back() {
    for later in [at(600), at(-600)] {
        let mut own = imported();
        own.tick(at(599));
        assert!(own.stands_back());
        own.tick(later);
        assert_eq!((own.stance(), own.remembered().heard_out), (Stance::Alone, Some(at(-60))));
    }
}

#[test]
fn a_restart_in_the_middle_of_listening_listens_anew() {
    let own = imported();
    assert!(OtherBridgeSuspicion::new(own.remembered(), Some(at(-60)), at(300)).stands_back());
}

#[test]
fn the_one_that_listens_yields_at_the_first_sign_until_three_bookings_in_a_row_are_answered_by_nobody_else() {
    let mut own = imported();
    own.saw(&MADE, at(20));
    assert_eq!(own.stance(), Stance::Yielding { unanswered: 0 });
    (0..2).for_each(|_| own.left_in_vain());
    own.saw(&MADE, at(40));
    (0..2).for_each(|_| own.left_in_vain());
    own.tick(at(100_000));
    assert!(own.is_certain(), "time alone ends nothing");
    own.left_in_vain();
    assert_eq!((own.stance(), own.remembered().noticed_at), (Stance::Alone, None));
}

#[test]
fn one_that_was_started_a_moment_ago_yields_and_one_that_was_there_first_goes_on() {
    let mut young = fresh();
    young.saw(&MADE, at(700));
    assert_eq!(young.stance(), Stance::Yielding { unanswered: 0 }, "it never made a booking");
    let mut busy = established();
    busy.saw(&MADE, at(599));
    assert_eq!(busy.stance(), Stance::Yielding { unanswered: 0 }, "it runs for less than ten minutes");
    let mut first = established();
    first.saw(&MADE, at(600));
    assert_eq!(first.stance(), Stance::Asserting { undisturbed: 0, signs: 1 });
    assert!(!first.stands_back() && first.is_watchful() && first.is_certain());
    (0..10).for_each(|_| first.confirmed());
    assert_eq!(first.stance(), Stance::Alone);
}

#[test]
fn of_two_that_were_there_for_long_the_one_that_is_beaten_three_times_yields() {
    let mut own = established();
    for seconds in [700, 800] {
        own.saw(&MADE, at(seconds));
        own.confirmed();
        assert!(!own.stands_back());
    }
    own.saw(&MADE, at(900));
    assert_eq!(own.stance(), Stance::Yielding { unanswered: 0 });
}

#[test]
fn of_two_that_were_there_for_long_the_one_whose_appointment_stands_beside_the_others_yields_at_once() {
    let mut own = established();
    own.saw(&OUTRUN, at(700));
    own.saw(&MADE, at(720));
    assert!(!own.stands_back());
    own.saw(&OUTRUN, at(740));
    assert_eq!(own.stance(), Stance::Yielding { unanswered: 0 });
}

#[test]
fn being_outrun_once_is_no_certainty_and_twice_within_an_hour_is() {
    let mut own = fresh();
    own.saw(&OUTRUN, at(10));
    assert!(own.stands_back() && !own.is_certain() && own.remembered().noticed_at.is_none());
    assert!(!own.withholds_rejections(), "what staff took is rejected as ever");
    own.saw(&OUTRUN, at(20));
    assert!(own.is_certain());
    let mut rarely = fresh();
    rarely.saw(&OUTRUN, at(0));
    rarely.tick(at(600));
    rarely.saw(&OUTRUN, at(3_600));
    assert!(!rarely.is_certain());
    let mut first = established();
    first.saw(&OUTRUN, at(700));
    first.saw(&MADE, at(720));
    assert_eq!(first.stance(), Stance::Asserting { undisturbed: 0, signs: 1 }, "it was there first");
}

#[test]
fn after_a_restart_the_one_that_noticed_another_listens_first() {
    let mut own = fresh();
    own.saw(&MADE, at(10));
    let mut again = OtherBridgeSuspicion::new(own.remembered(), None, at(100));
    assert!(again.stands_back() && !again.is_certain());
    again.tick(at(700));
    assert_eq!((again.stance(), again.remembered().noticed_at), (Stance::Alone, None));
}

#[test]
fn a_booking_is_left_for_twelve_seconds_from_when_it_was_made_or_for_six_from_when_it_is_seen_late() {
    let own = imported();
    let left = |booked: Option<i64>| (own.left_until(booked.map(at), at(100), TIMEOUT) - at(100)).num_seconds();
    assert_eq!((left(Some(100)), left(Some(95)), left(Some(89))), (12, 7, 1));
    assert_eq!((left(Some(87)), left(Some(0)), left(None)), (6, 6, 6));
    assert_eq!(left(Some(5_000)), 12, "a wrong clock");
}

#[test]
fn a_booking_that_is_left_in_vain_is_not_rejected_for_want_of_time_to_look() {
    let started =
        |ms: i64| OtherBridgeSuspicion::new(OtherBridgeRecord::default(), None, at(0) + TimeDelta::milliseconds(ms));
    for own in [0, 10, 20, 30].map(started).into_iter().chain([imported()]) {
        let until = own.left_until(Some(at(100)), at(101), TIMEOUT);
        // Healthengine's clock is known to half a second.
        for off in [-500, 0, 500] {
            let deadline = Deadline::new(Some(at(100)), TimeDelta::milliseconds(off));
            let left = deadline.look_until(until).unwrap() - until;
            assert!(left >= TimeDelta::seconds(1), "{left} for {own:?}, {off} ms off");
        }
    }
}

#[test]
fn a_booking_is_left_to_a_bridge_that_is_certain_until_no_post_of_its_can_be_under_way() {
    let left = |mut own: OtherBridgeSuspicion, booked: Option<i64>| {
        own.saw(&MADE, at(50));
        (own.left_until(booked.map(at), at(100), TIMEOUT) - at(100)).num_seconds()
    };
    // It looks until the booking is 14 seconds old, and its POST may take ten.
    assert_eq!((left(fresh(), Some(100)), left(fresh(), Some(93)), left(imported(), Some(100))), (26, 19, 31));
    // What is seen late the other may have seen late too; a booking of the future is of a wrong
    // clock.
    assert_eq!((left(fresh(), Some(92)), left(fresh(), Some(5_000)), left(fresh(), None)), (26, 26, 26));
}

#[test]
fn only_the_one_that_stands_back_from_another_rejects_nothing_for_not_being_seen() {
    assert!(!fresh().holds() && !imported().holds());
    let (mut later, mut first) = (fresh(), established());
    later.saw(&MADE, at(700));
    first.saw(&MADE, at(700));
    assert!(later.holds() && !first.holds());
}

#[test]
fn of_two_that_both_stand_back_the_imported_one_waits_longest_and_the_others_differ() {
    let left = |own: OtherBridgeSuspicion| (own.left_until(Some(at(100)), at(100), TIMEOUT) - at(100)).num_seconds();
    let started =
        |ms: i64| OtherBridgeSuspicion::new(OtherBridgeRecord::default(), None, at(0) + TimeDelta::milliseconds(ms));
    let waits: Vec<i64> = [0, 10, 20, 30, 40].map(started).into_iter().map(left).collect();
    assert_eq!(waits, [7, 8, 9, 10, 7]);
    assert_eq!(left(imported()), 12);
}

#[test]
fn whoever_sees_the_others_subscription_being_made_was_there_first_unless_it_listens() {
    let mut own = fresh();
    own.saw(&Sign::ForeignSubscription, at(10));
    assert_eq!(own.stance(), Stance::Asserting { undisturbed: 0, signs: 1 });
    let mut late = imported();
    late.saw(&Sign::ForeignSubscription, at(10));
    assert_eq!(late.stance(), Stance::Yielding { unanswered: 0 });
    let mut own = fresh();
    own.saw(&Sign::RenewedSubscription, at(10));
    assert_eq!(own.stance(), Stance::Yielding { unanswered: 0 }, "it stood before this one began");
}

#[test]
fn a_reference_is_foreign_if_its_booking_is_younger_than_one_that_this_process_saw_being_made() {
    let mut own = fresh();
    assert!(!own.is_foreign(BookingId(50)), "nothing was seen being made");
    own.listed(BookingId(20), Some(at(-5)));
    assert!(!own.is_foreign(BookingId(50)), "that one was made before the start");
    own.listed(BookingId(30), Some(at(5)));
    own.listed(BookingId(40), Some(at(6)));
    assert!(own.is_foreign(BookingId(35)) && own.is_foreign(BookingId(50)));
    assert!(!own.is_foreign(BookingId(30)) && !own.is_foreign(BookingId(10)), "a forgotten one of ours");
}

#[test]
fn what_a_bridge_that_was_noticed_made_is_no_sign_of_it_later() {
    let mut own = fresh();
    own.listed(BookingId(30), Some(at(5)));
    own.saw(&Sign::ForeignReference(BookingId(35)), at(10));
    own.listed(BookingId(60), Some(at(20)));
    (0..3).for_each(|_| own.left_in_vain());
    assert_eq!(own.stance(), Stance::Alone);
    assert!(!own.is_foreign(BookingId(50)) && own.is_foreign(BookingId(61)));
}
