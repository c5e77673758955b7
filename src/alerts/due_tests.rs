//! Which messages are due, second by second.

use chrono::DateTime;

use super::*;
use crate::ids::BookingId;

const AFTER: Duration = Duration::from_secs(300);

fn practice() -> PracticeId {
    PracticeId("1234567".into())
}

fn concern(about: About) -> Concern {
    let puts_out_of_step = about == About::Problem("openvpms".into());
    let since = DateTime::UNIX_EPOCH;
    let (practice, sentence) = (Some(practice()), "Do this.".into());
    Concern { practice, about, sentence, since, puts_out_of_step, outage: None, tells_of_outage: false }
}

fn booking(id: i64) -> Concern {
    concern(About::Booking(BookingId(id)))
}

fn problem(subject: &str) -> Concern {
    concern(About::Problem(subject.into()))
}

fn sight(concerns: &[Concern]) -> Sight {
    let in_step = !concerns.iter().any(|own| own.about == About::OutOfStep);
    Sight { concerns: concerns.to_vec(), practices: [(practice(), in_step)].into(), is_alive: true }
}

/// Looks twice a second: second, kind and number of things of each message.
fn told(watch: &mut AlertWatch, seconds: std::ops::Range<u64>, seen: impl Fn(u64) -> Vec<Concern>) -> Told {
    let mut told = Vec::new();
    for half in seconds.start * 2..seconds.end * 2 {
        let at = Duration::from_millis(half * 500);
        let messages = watch.look(&sight(&seen(half / 2)), AFTER, at);
        told.extend(messages.into_iter().map(|message| (half / 2, message.kind, message.concerns.len())));
    }
    told
}

type Told = Vec<(u64, AlertKind, usize)>;
use AlertKind::{Begun, Over};

#[test]
fn a_booking_is_told_at_once_and_once_and_its_end_too() {
    let flagged = |second| if (10..60).contains(&second) { vec![booking(1)] } else { vec![] };
    assert_eq!(told(&mut AlertWatch::default(), 0..999, flagged), [(12, Begun, 1), (62, Over, 1)]);
}

#[test]
fn what_heals_within_the_time_is_not_told_and_what_lasts_is() {
    let healed = |second| if (10..300).contains(&second) { vec![problem("clock")] } else { vec![] };
    assert_eq!(told(&mut AlertWatch::default(), 0..999, healed), []);
    let lasting = |second| if (10..400).contains(&second) { vec![problem("clock")] } else { vec![] };
    assert_eq!(told(&mut AlertWatch::default(), 0..999, lasting), [(312, Begun, 1), (402, Over, 1)]);
    let flapping = |second: u64| if !second.is_multiple_of(100) { vec![problem("clock")] } else { vec![] };
    assert_eq!(told(&mut AlertWatch::default(), 0..999, flapping), []);
}

#[test]
fn a_burst_is_one_message_and_what_comes_later_another() {
    let burst = |second: u64| match second {
        0..10 => vec![],
        10 => vec![booking(1)],
        11 => vec![booking(1), booking(2), booking(3)],
        12..20 => vec![booking(1), booking(2), booking(3), booking(4)],
        _ => vec![booking(4)],
    };
    let expected = [(12, Begun, 4), (22, Over, 3)];
    assert_eq!(told(&mut AlertWatch::default(), 0..99, burst), expected);
}

#[test]
fn a_booking_that_is_settled_within_the_burst_is_not_told() {
    let brief = |second| if second == 10 { vec![booking(1)] } else { vec![] };
    assert_eq!(told(&mut AlertWatch::default(), 0..99, brief), []);
}

#[test]
fn a_booking_of_which_something_else_has_to_be_done_is_told_again_and_a_failed_attempt_is_not() {
    let with = |sentence: &str| vec![Concern { sentence: sentence.into(), ..booking(1) }];
    let seen = |second: u64| match second {
        0..10 => with("Do this."),
        10..20 => with("Do this. An attempt failed."),
        _ => with("Do that."),
    };
    assert_eq!(told(&mut AlertWatch::default(), 0..99, seen), [(2, Begun, 1), (22, Begun, 1)]);
}

#[test]
fn an_outage_is_one_message_whose_end_is_told_when_the_practice_is_in_step_again() {
    let outage = |second: u64| match second {
        10..100 => vec![problem("openvpms")],
        100..500 => vec![problem("openvpms"), concern(About::OutOfStep)],
        500..600 => vec![concern(About::OutOfStep)],
        _ => vec![],
    };
    assert_eq!(told(&mut AlertWatch::default(), 0..999, outage), [(312, Begun, 1), (602, Over, 1)]);
}

#[test]
fn that_a_practice_is_out_of_step_is_told_where_no_problem_says_why() {
    let alone = |second: u64| match second {
        // Whatever else is wrong does not say why, and what says why comes and goes.
        _ if second.is_multiple_of(100) => vec![problem("left_out"), concern(About::OutOfStep), problem("openvpms")],
        _ => vec![problem("left_out"), concern(About::OutOfStep)],
    };
    assert_eq!(told(&mut AlertWatch::default(), 0..999, alone), [(302, Begun, 2)]);
}

#[test]
fn what_an_earlier_process_told_is_not_told_again_and_its_end_is() {
    let mut watch = AlertWatch::default();
    let whole = Concern { practice: None, ..problem("store") };
    watch.inherit([booking(1), booking(2), problem("openvpms"), problem("webhooks"), whole], Duration::ZERO);
    let seen = |second: u64| match second {
        0..5 => vec![booking(1), concern(About::OutOfStep)],
        5..20 => vec![booking(1), concern(About::OutOfStep), problem("openvpms")],
        _ => vec![booking(1), problem("webhooks")],
    };
    // The other booking and the store are known at once; the outage is over when the practice is in
    // step, and the problem that takes its time is still there.
    assert_eq!(told(&mut watch, 0..999, seen), [(2, Over, 2), (22, Over, 1)]);
    let mut watch = AlertWatch::default();
    watch.inherit([problem("webhooks")], Duration::ZERO);
    assert_eq!(told(&mut watch, 0..999, |_| vec![]), [(302, Over, 1)], "it had time to be noticed again");
}

#[test]
fn a_practice_that_is_switched_off_has_no_problem_any_more() {
    let mut watch = AlertWatch::default();
    assert_eq!(told(&mut watch, 0..320, |_| vec![problem("openvpms")]), [(302, Begun, 1)]);
    let nothing = Sight::default();
    let at = Duration::from_secs;
    assert_eq!(watch.look(&nothing, AFTER, at(320)), []);
    assert_eq!(watch.look(&nothing, AFTER, at(322)).len(), 1);
}

#[test]
fn the_heartbeat_goes_on_for_a_booking_and_stops_out_of_step_and_in_an_ill_process() {
    assert!(sight(&[booking(1), problem("left_out")]).is_well());
    assert!(!sight(&[concern(About::OutOfStep)]).is_well());
    assert!(!Sight { is_alive: false, ..sight(&[]) }.is_well());
}

#[test]
fn an_outage_of_a_server_is_told_once_for_all_that_suffer_from_it() {
    let outage = Some(crate::call_error::ServerOutage::HealthengineAway);
    let of = |practice: &str, subject: &str| {
        let practice = Some(PracticeId(practice.into()));
        Concern { practice, outage, puts_out_of_step: true, ..problem(subject) }
    };
    // A second practice polls later, a call more rarely than the poll, and each ends by itself.
    let seen = |second: u64| {
        let spans = [("1234567", "healthengine", 10..700), ("8", "healthengine", 100..720), ("8", "days", 400..710)];
        let now = spans.into_iter().filter(|(_, _, span)| span.contains(&second));
        now.map(|(practice, subject, _)| of(practice, subject)).collect()
    };
    assert_eq!(told(&mut AlertWatch::default(), 0..999, seen), [(312, Begun, 2), (722, Over, 3)]);
}

#[test]
fn a_problem_that_says_why_is_told_in_place_of_being_out_of_step() {
    let out = |second: u64| if second >= 10 { vec![concern(About::OutOfStep)] } else { vec![] };
    let both = |second: u64| if second >= 20 { [out(second), vec![problem("openvpms")]].concat() } else { out(second) };
    let mut watch = AlertWatch::default();
    assert_eq!(told(&mut watch, 0..999, both), [(312, Begun, 1)]);
    assert!(watch.told.keys().all(|(_, about)| *about == About::Problem("openvpms".into())));
}
