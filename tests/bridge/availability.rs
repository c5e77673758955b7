//! The diary changes, and pet owners see it.

use std::cell::Cell;

use vetbridge::booking::entry::State;
use vetbridge::ids::{AppointmentTypeId, ScheduleId};
use vetbridge::practice::resync::Only;
use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::healthengine::BatchEndpoint;
use vetbridge::simulator::openvpms::{AppointmentTypeEntity, SlotSize};

use crate::support::{Clinic, PRACTICE, day, minutes, practice, seconds, wall_time};

const NEAR: &str = "2027-02-16 10:00";
const FAR: &str = "2027-02-26 10:00";

fn published(clinic: &Clinic, start: &str) -> bool {
    clinic.published("s136", "66:s136", start)
}

fn snapshots(clinic: &Clinic) -> usize {
    clinic.journal.count("POST /availability/", "")
}

#[tokio::test(start_paused = true)]
async fn a_staff_appointment_closes_its_time_and_a_cancelled_one_opens_it_again() {
    let clinic = Clinic::open().await;
    for (start, interval) in [(NEAR, minutes(1)), (FAR, minutes(15))] {
        assert!(published(&clinic, start));
        let appointment = clinic.staff_book(136, start, 15);
        let limit = interval + seconds(1);
        let took = clinic.until("it is closed", limit, |clinic| !published(clinic, start)).await;
        assert!(start == NEAR || took > minutes(1), "far days are read seldom: {took:?}");
        clinic.staff_cancel(appointment);
        clinic.until("it is open", limit, |clinic| published(clinic, start)).await;
    }
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn days_without_a_change_are_never_sent_again() {
    let clinic = Clinic::open().await;
    clinic.journal.clear();
    clinic.until_wall("2027-02-15 10:30").await;
    assert_eq!(snapshots(&clinic), 0, "starts that slip into the past are no difference");
    assert_eq!(clinic.journal.count("POST ", ""), 0);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn with_a_minimum_notice_nothing_is_offered_inside_it() {
    let mut clinic = Clinic::at("2027-02-15 09:50");
    clinic.config.sync.min_notice = minutes(60);
    clinic.start();
    clinic.pass(minutes(1)).await;
    assert!(!clinic.offers("s136", "66:s136", "2027-02-15 10:45"));
    assert!(clinic.offers("s136", "66:s136", "2027-02-15 11:00"));
    clinic.journal.clear();
    clinic.pass(minutes(60)).await;
    assert!(!clinic.offers("s136", "66:s136", "2027-02-15 11:45"));
    // Today's two days, at most once per slot of a quarter and of half an hour.
    assert!((3..=6).contains(&snapshots(&clinic)), "{}", snapshots(&clinic));
    clinic.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn everything_is_sent_again_once_a_day_at_the_set_time() {
    let mut clinic = Clinic::at("2027-02-16 02:00");
    slow(&mut clinic);
    clinic.start();
    clinic.pass(minutes(1)).await;
    clinic.journal.clear();
    clinic.until_wall("2027-02-16 03:29").await;
    assert_eq!(snapshots(&clinic), 0);
    clinic.until_wall("2027-02-16 03:45").await;
    assert_eq!(snapshots(&clinic), 1, "all 28 days in one batch");
    clinic.until_wall("2027-02-16 06:00").await;
    assert_eq!(snapshots(&clinic), 1, "once");
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_full_resync_that_fell_into_a_stop_is_made_up_for() {
    let mut clinic = Clinic::at("2027-02-15 23:00");
    slow(&mut clinic);
    clinic.start();
    clinic.pass(minutes(1)).await;
    clinic.stop().await;
    clinic.until_wall("2027-02-16 07:00").await;
    clinic.journal.clear();
    clinic.start();
    clinic.pass(minutes(2)).await;
    assert_eq!(snapshots(&clinic), 1);
    clinic.stop().await;
    clinic.start();
    clinic.pass(minutes(20)).await;
    assert_eq!(snapshots(&clinic), 1, "once");
    clinic.finish().await;
}

/// Intervals with which days go by quickly.
fn slow(clinic: &mut Clinic) {
    let sync = &mut clinic.config.sync;
    sync.request_interval = minutes(2);
    sync.idle_request_interval = minutes(5);
    sync.availability_interval = minutes(10);
}

#[tokio::test(start_paused = true)]
async fn a_new_day_comes_to_the_horizon_at_midnight() {
    let mut clinic = Clinic::at("2027-02-15 23:50");
    clinic.start();
    clinic.pass(minutes(5)).await;
    let sent = |clinic: &Clinic| {
        clinic.healthengine.published(&practice(PRACTICE), "s136", day("2027-03-01")).unwrap().is_some()
    };
    assert!(!sent(&clinic));
    clinic.until("the last day is sent", minutes(21), sent).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_day_that_becomes_full_is_sent_empty() {
    let clinic = Clinic::open().await;
    clinic.staff_book(211, "2027-02-16 08:00", 10 * 60);
    clinic
        .until("it is empty", seconds(62), |clinic| {
            let published = clinic.healthengine.published(&practice(PRACTICE), "s211", day("2027-02-16")).unwrap();
            published.is_some_and(|ranges| ranges.is_empty())
        })
        .await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_batch_endpoint_days_go_one_by_one() {
    for status in [404, 405] {
        let mut clinic = Clinic::new();
        clinic.healthengine.configure(|settings| settings.batch = BatchEndpoint::Absent(status));
        clinic.start();
        clinic.until_in_step().await;
        assert_eq!(clinic.journal.count("POST /availability/snapshot", "/snapshot"), 28);
        assert_eq!(clinic.journal.count("POST /availability/snapshots", ""), 1, "asked once");
        clinic.pass(minutes(1)).await;
        clinic.staff_book(136, NEAR, 15);
        clinic.until("it is closed", seconds(62), |clinic| !published(clinic, NEAR)).await;
        assert_eq!(clinic.journal.count("POST /availability/snapshots", ""), 1);
        clinic.finish().await;
    }
}

/// A clinic with a horizon of sixty days, whose bridge is not started.
fn sixty_days() -> Clinic {
    let mut clinic = Clinic::new();
    clinic.config.sync.horizon_days = 60;
    clinic
}

/// How many days of both schedules Healthengine has.
fn days_published(clinic: &Clinic) -> usize {
    let of = |resource| {
        let days = day("2027-02-15").iter_days().take(60);
        days.filter(|day| clinic.healthengine.published(&practice(PRACTICE), resource, *day).unwrap().is_some()).count()
    };
    of("s136") + of("s211")
}

#[tokio::test(start_paused = true)]
async fn one_day_that_is_refused_stops_no_other() {
    for batch in [BatchEndpoint::Offered, BatchEndpoint::Absent(404)] {
        let mut clinic = sixty_days();
        clinic.healthengine.configure(|settings| {
            settings.batch = batch;
            settings.refused_day = Some(("s136".to_owned(), day("2027-03-20")));
        });
        clinic.start();
        clinic.until("all others are sent", minutes(2), |clinic| days_published(clinic) == 119).await;
        clinic.pass(seconds(5)).await;
        let problem = &clinic.problems()["refused_days"];
        assert!(problem.contains("1 day,") && problem.contains("s136 on 2027-03-20"), "{problem}");
        if batch == BatchEndpoint::Offered {
            assert!(snapshots(&clinic) <= 17, "{}", snapshots(&clinic));
        }
        // Whatever changes goes on being sent, and the bad day is not sent in a loop.
        clinic.journal.clear();
        clinic.staff_book(136, NEAR, 15);
        clinic.until("it is closed", seconds(62), |clinic| !published(clinic, NEAR)).await;
        clinic.pass(minutes(5)).await;
        assert_eq!(snapshots(&clinic), 1);
        // It waits for a person, also after a restart.
        clinic.stop().await;
        clinic.start();
        clinic.pass(minutes(1)).await;
        let problem = &clinic.problems()["refused_days"];
        assert!(problem.contains("1 day,") && problem.contains("s136 on 2027-03-20"), "{problem}");

        clinic.healthengine.configure(|settings| settings.refused_day = None);
        let done = clinic.practice().resync(None, false, &|_| {}).await;
        assert_eq!(done.problem, None);
        clinic.pass(seconds(1)).await;
        assert_eq!((days_published(&clinic), clinic.problems()), (120, Default::default()));
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn where_long_calls_are_refused_shorter_ones_are_made() {
    let mut clinic = sixty_days();
    clinic.healthengine.configure(|settings| settings.batch_bytes_max = Some(5_000));
    clinic.start();
    clinic.until("all days are sent", minutes(2), |clinic| days_published(clinic) == 120).await;
    clinic.pass(seconds(5)).await;
    assert_eq!(clinic.problems(), Default::default());
    clinic.journal.clear();
    clinic.practice().resync(None, false, &|_| {}).await;
    let too_long = clinic.journal.calls().into_iter().filter(|call| call.outcome == Ok(413)).count();
    assert!(too_long <= 1, "what was learnt is remembered: {too_long}");
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_fresh_day_goes_between_the_calls_of_a_batch_that_is_taken_apart() {
    let mut clinic = sixty_days();
    clinic.start();
    clinic.until("all days are sent", minutes(2), |clinic| days_published(clinic) == 120).await;
    clinic.pass(seconds(5)).await;
    let refused = (day("2027-02-25"), "s136".to_owned());
    clinic.healthengine.configure(|settings| settings.refused_day = Some((refused.1.clone(), refused.0)));
    clinic.healthengine_faults.set(|asked| asked.target.contains("/availability/").then_some(Fault::Slow(seconds(1))));
    let is_over = Cell::new(false);
    let practice = clinic.practice();
    let everything = async {
        practice.resync(Some(Only::Availability), false, &|_| {}).await;
        is_over.set(true);
    };
    let booking = async {
        clinic.pass(seconds(3)).await;
        assert!(refusals_of_days(&clinic) >= 2, "it is being taken apart");
        let booking = clinic.owner_books("s211", "66:s211", "2027-02-16 10:00");
        clinic.until_state(booking, State::Confirmed, seconds(5)).await;
        let is_closed = |clinic: &Clinic| !clinic.published("s211", "66:s211", "2027-02-16 10:00");
        clinic.until("it is closed", seconds(4), is_closed).await;
        assert!(!is_over.get());
    };
    tokio::join!(everything, booking);
    clinic.healthengine_faults.heal();
    clinic.healthengine.configure(|settings| settings.refused_day = None);
    clinic.practice().resync(Some(Only::Availability), false, &|_| {}).await;
    clinic.finish().await;
}

/// Calls that were refused.
fn refusals_of_days(clinic: &Clinic) -> usize {
    clinic.journal.calls().iter().filter(|call| call.outcome == Ok(400)).count()
}

#[tokio::test(start_paused = true)]
async fn a_day_that_was_refused_in_a_pass_that_failed_later_is_not_sent_again() {
    let clinic = Clinic::open().await;
    clinic.healthengine.configure(|settings| settings.refused_day = Some(("s136".to_owned(), day("2027-02-16"))));
    let mut calls = 0;
    clinic.healthengine_faults.set(move |asked| {
        calls += usize::from(asked.target.contains("/availability/"));
        // Both in one, the refused one alone, the other one alone.
        (asked.target.contains("/availability/") && calls == 3).then_some(Fault::LoseAnswer)
    });
    for start in ["2027-02-16 10:00", "2027-02-17 10:00"] {
        clinic.staff_book(136, start, 15);
    }
    clinic
        .until("the third call is lost", seconds(62), |clinic| {
            clinic.journal.calls().iter().any(|call| call.what.contains("/availability/") && call.outcome.is_err())
        })
        .await;
    assert_eq!(refusals_of_days(&clinic), 2);
    clinic.pass(minutes(4)).await;
    assert_eq!(refusals_of_days(&clinic), 2, "its answer was heard");
    assert!(!published(&clinic, "2027-02-17 10:00"));
    clinic.healthengine.configure(|settings| settings.refused_day = None);
    clinic.practice().resync(Some(Only::Availability), false, &|_| {}).await;
    clinic.pass(seconds(1)).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_endpoint_that_was_away_is_used_again() {
    let clinic = Clinic::open().await;
    let batches = |clinic: &Clinic| clinic.journal.count("POST /availability/snapshots", "");
    // A page of something in between says nothing about what the API has.
    clinic.healthengine_faults.set(|asked| asked.target.ends_with("/snapshots").then_some(Fault::StatusBefore(404)));
    clinic.staff_book(136, NEAR, 15);
    clinic.pass(minutes(2)).await;
    assert!(published(&clinic, NEAR));
    clinic.healthengine_faults.heal();
    clinic.journal.clear();
    clinic.until("it is closed", seconds(62), |clinic| !published(clinic, NEAR)).await;
    assert_eq!((snapshots(&clinic), batches(&clinic)), (1, 1));

    // The API itself, while it is replaced.
    clinic.healthengine.configure(|settings| settings.batch = BatchEndpoint::Absent(404));
    clinic.journal.clear();
    clinic.staff_book(136, "2027-02-16 11:00", 15);
    clinic.until("it is closed", seconds(62), |clinic| !published(clinic, "2027-02-16 11:00")).await;
    assert_eq!((snapshots(&clinic), batches(&clinic)), (2, 1));
    assert_eq!(clinic.log.with("does not take several days in one call").len(), 1);
    clinic.healthengine.configure(|settings| settings.batch = BatchEndpoint::Offered);
    clinic.pass(minutes(6)).await;
    clinic.journal.clear();
    clinic.staff_book(136, "2027-02-16 12:00", 15);
    clinic.until("it is closed", seconds(62), |clinic| !published(clinic, "2027-02-16 12:00")).await;
    assert_eq!((snapshots(&clinic), batches(&clinic)), (1, 1));
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn one_empty_404_of_something_in_between_switches_batches_off_for_minutes_and_not_for_an_hour() {
    for status in [404, 405] {
        let clinic = Clinic::open().await;
        let mut left = 1;
        clinic.twist.set(move |asked, answered| {
            if left > 0 && asked.target.ends_with("/availability/snapshots") {
                left -= 1;
                (answered.status, answered.body) = (status, Vec::new());
            }
        });
        clinic.staff_book(136, NEAR, 15);
        clinic.until("it is closed", seconds(62), |clinic| !published(clinic, NEAR)).await;
        clinic.pass(minutes(6)).await;
        clinic.journal.clear();
        clinic.staff_book(136, "2027-02-16 11:00", 15);
        clinic.until("it is closed", seconds(62), |clinic| !published(clinic, "2027-02-16 11:00")).await;
        assert_eq!((snapshots(&clinic), clinic.journal.count("POST /availability/snapshots", "")), (1, 1), "{status}");
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_reading_that_fails_sends_nothing_and_what_was_sent_stays() {
    let clinic = Clinic::open().await;
    clinic.journal.clear();
    clinic.openvpms_faults.close_port();
    clinic.staff_book(136, NEAR, 15);
    clinic.pass(minutes(10)).await;
    assert_eq!(snapshots(&clinic), 0);
    assert!(published(&clinic, NEAR), "stale is better than wrong");
    assert!(clinic.problems()["openvpms"].contains("that the VPN is up"), "{:?}", clinic.problems());
    assert!(clinic.practice().not_in_step(clinic.clock.now()).len() == 1);
    // Attempts back off to half a minute.
    let readings = clinic.journal.count("GET /ws/booking/v2/schedules/", "/freebusy");
    assert!((2 * 15..2 * 35).contains(&readings), "{readings}");
    clinic.openvpms_faults.heal();
    clinic.until("it is closed", seconds(40), |clinic| !published(clinic, NEAR)).await;
    // What else could not be read, the configuration, follows.
    clinic.until("the problem is resolved", seconds(62), |clinic| clinic.problems().is_empty()).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn one_schedule_that_cannot_be_read_does_not_keep_the_others() {
    let clinic = Clinic::open().await;
    clinic.openvpms_faults.set(|asked| {
        asked.target.contains("schedules/211/").then_some(vetbridge::simulator::exchange::Fault::StatusBefore(500))
    });
    clinic.staff_book(136, NEAR, 15);
    clinic.until("it is closed", seconds(62), |clinic| !published(clinic, NEAR)).await;
    assert!(clinic.problems().contains_key("openvpms"));
    clinic.openvpms_faults.heal();
    clinic.until("the problem is resolved", seconds(62), |clinic| clinic.problems().is_empty()).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_new_schedule_a_new_type_and_another_slot_size_are_offered_with_the_next_configuration() {
    let clinic = Clinic::open().await;
    clinic.openvpms.staff(|world| {
        let kind = AppointmentTypeEntity { id: AppointmentTypeId(90), name: "Dental".into(), online: true };
        world.appointment_types.push(kind);
        let mut schedule = world.schedules[0].clone();
        (schedule.id, schedule.slot_size) = (ScheduleId(137), SlotSize::Minutes(10));
        "Dental Schedule".clone_into(&mut schedule.name);
        schedule.types = vec![(AppointmentTypeId(90), 3)];
        world.schedules.push(schedule);
        world.schedule_mut(ScheduleId(211)).unwrap().slot_size = SlotSize::Minutes(20);
    });
    clinic.until("it is offered", minutes(11), |clinic| clinic.offers("s137", "90:s137", "2027-02-26 10:10")).await;
    clinic.pass(seconds(2)).await;
    assert!(!clinic.offers("s137", "90:s137", "2027-02-26 17:10"), "30 minutes do not fit before 17:30");
    assert_eq!(clinic.healthengine.lost_links(&practice(PRACTICE)).unwrap(), Vec::<String>::new());
    let booking = clinic.owner_books("s137", "90:s137", "2027-02-26 10:10");
    clinic.until("it stands", seconds(10), |clinic| !clinic.appointments_of(booking).is_empty()).await;
    assert_eq!(clinic.appointment_of(booking).end, wall_time("2027-02-26 10:40"));
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_resync_by_hand_sends_every_day_once_more_and_a_dry_run_nothing() {
    let clinic = Clinic::open().await;
    clinic.journal.clear();
    clinic.staff_book(136, FAR, 15);
    let dry = clinic.practice().resync(None, true, &|_| {}).await;
    assert_eq!((dry.problem, dry.days.map(|days| (days.sent, days.changed))), (None, Some((28, 1))));
    assert_eq!(clinic.journal.count("POST ", ""), 0);
    let done = clinic.practice().resync(None, false, &|_| {}).await;
    assert_eq!((done.problem, done.days.map(|days| (days.sent, days.changed))), (None, Some((28, 1))));
    assert_eq!((clinic.journal.count("POST /config", ""), snapshots(&clinic)), (3, 1));
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn days_that_healthengine_knows_already_count_as_sent() {
    let mut clinic = Clinic::open().await;
    clinic.stop().await;
    clinic.lose_the_store();
    clinic.journal.clear();
    clinic.start();
    clinic.pass(minutes(5)).await;
    assert_eq!(snapshots(&clinic), 1);
    assert_eq!(clinic.problems(), Default::default());
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_day_that_healthengine_refuses_is_flagged_and_sent_again_after_pauses_and_when_it_changes_or_a_person_wants_it()
 {
    let clinic = Clinic::open().await;
    // Somebody else's tool replaced the list of resources.
    let other = clinic.another_consumer();
    let mut resources = other.resources().await.unwrap();
    resources.retain(|own| own.pms_resource_id != "s211");
    other.send_resources(&resources).await.unwrap();
    clinic.journal.clear();
    clinic.staff_book(211, NEAR, 30);
    let refused = |clinic: &Clinic| clinic.problems().contains_key("refused_days");
    clinic.until("it is flagged", seconds(62), refused).await;
    assert!(clinic.problems()["refused_days"].contains("s211 on 2027-02-16"), "{:?}", clinic.problems());
    clinic.pass(minutes(4)).await;
    assert_eq!(snapshots(&clinic), 1, "not in a loop");
    clinic.pass(minutes(3)).await;
    assert_eq!(snapshots(&clinic), 2, "after five minutes");
    clinic.pass(minutes(8)).await;
    assert_eq!(snapshots(&clinic), 2, "the pause has grown");
    clinic.staff_book(211, "2027-02-16 15:00", 30);
    clinic.pass(seconds(62)).await;
    assert_eq!(snapshots(&clinic), 3, "when it changes");
    let done = clinic.practice().resync(None, false, &|_| {}).await;
    assert_eq!((done.problem, done.days.map(|days| days.refused)), (None, Some(0)));
    assert_eq!(clinic.problems(), Default::default());
    clinic.healthengine.forget_exchanges();
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_was_started_in_no_place_publishes_nothing_until_it_is_back_in_its_own() {
    let clinic = Clinic::open().await;
    let own = clinic.openvpms.staff(|world| world.zone);
    for no_place in ["Etc/UTC", "GMT", "EST"] {
        clinic.openvpms.staff(|world| world.zone = no_place.parse().unwrap());
        clinic.journal.clear();
        let booking = clinic.owner_books("s136", "66:s136", FAR);
        clinic.until_state(booking, State::Rejected, seconds(20)).await;
        assert!(clinic.appointments_of(booking).is_empty(), "it would stand at another time once the server is back");
        // Before the next reading of the configuration, too: the times that come say that they are of another zone.
        clinic.pass(minutes(25)).await;
        assert_eq!(snapshots(&clinic), 0, "{no_place}");
        let problem = &clinic.problems()["mapping"];
        assert!(problem.contains("-Duser.timezone=Australia/Sydney"), "{problem}");
        assert!(problem.contains(&format!("\"{no_place}\"")), "{problem}");
        clinic.openvpms.staff(|world| world.zone = own);
        let appointment = clinic.staff_book(136, NEAR, 15);
        clinic.until("its own times count again", minutes(15), |clinic| !published(clinic, NEAR)).await;
        clinic.staff_cancel(appointment);
        clinic
            .until("all is well", minutes(15), |clinic| clinic.problems().is_empty() && published(clinic, NEAR))
            .await;
    }
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn batches_that_were_not_there_are_tried_again_after_a_reload() {
    let clinic = Clinic::open().await;
    clinic.healthengine.configure(|settings| settings.batch = BatchEndpoint::Absent(404));
    clinic.staff_book(136, "2027-02-16 11:00", 15);
    clinic.pass(minutes(2)).await;
    clinic.healthengine.configure(|settings| settings.batch = BatchEndpoint::Offered);
    clinic.journal.clear();
    clinic.reload();
    clinic.staff_book(136, "2027-02-16 12:00", 15);
    clinic.pass(minutes(2)).await;
    assert_eq!(clinic.journal.count("POST /availability/snapshots", ""), 1);
    clinic.finish().await;
}
