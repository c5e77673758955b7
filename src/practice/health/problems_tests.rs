//! What stands of problems, and what the log has of them.

use super::*;
use crate::ids::BookingId;

fn at(hours: i64) -> DateTime<Utc> {
    DateTime::<Utc>::UNIX_EPOCH + TimeDelta::hours(hours)
}

#[test]
fn a_problem_keeps_its_beginning_and_is_gone_when_it_is_resolved() {
    let health = Problems::new(PracticeId("1".into()), ServerPlaces::default(), Arc::default());
    health.raise(Subject::OpenVpms, "away", at(1));
    health.raise(Subject::OpenVpms, "still away", at(2));
    let problems = health.problems();
    assert_eq!((problems.len(), problems[0].since, problems[0].text.as_str()), (1, at(1), "still away"));
    health.clear(&Subject::OpenVpms, at(3));
    assert!(health.problems().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_somebody_has_to_be_woken_for_is_logged_once_and_goes_on_as_an_error() {
    let log = Lines::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let health = of_a_practice();
    health.raise(Subject::OtherBridge, "there was another", at(1));
    health.alarm(Subject::OtherBridge, "there is another", at(2));
    health.alarm(Subject::OtherBridge, "there is another still", at(3));
    health.raise(Subject::OtherBridge, "there is another still", at(3));
    health.clear(&Subject::OtherBridge, at(4));
    health.alarm(Subject::OtherBridge, "there is another", at(5));
    tokio::time::sleep(Duration::from_secs(60)).await;
    health.log_again(false, at(5));
    let levels = log.0.lock().clone();
    assert_eq!(levels, ["WARN", "ERROR", "INFO", "ERROR", "ERROR"]);
    assert_eq!(health.problems()[0].since, at(5));
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_one_warning_whichever_practices_and_calls_suffer_from_it() {
    let log = Lines::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let outages = Arc::new(OutageLog::default());
    let of = |id: &str| Problems::new(PracticeId(id.into()), ServerPlaces::default(), Arc::clone(&outages));
    let (first, second, away) = (of("1"), of("2"), Some(ServerOutage::HealthengineAway));
    for (practice, subject) in
        [(&first, Subject::Healthengine), (&first, Subject::Days), (&second, Subject::Healthengine)]
    {
        practice.set_in(away, subject, Some("It is away.".into()), at(1));
    }
    assert_eq!(*log.0.lock(), ["WARN", "INFO", "INFO"]);
    tokio::time::sleep(Duration::from_secs(60)).await;
    first.log_again(true, at(2));
    second.log_again(true, at(2));
    assert_eq!(log.0.lock()[3..], ["ERROR"], "ten minutes of it are one error");
    first.clear(&Subject::Healthengine, at(2));
    second.clear(&Subject::Healthengine, at(2));
    first.raise(Subject::Clock, "Another thing.", at(2));
    assert_eq!(log.0.lock()[4..], ["INFO", "INFO", "WARN"]);
}

/// The level of each line that is logged.
#[derive(Clone, Default)]
struct Lines(std::sync::Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Lines {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        self.0.lock().push(event.metadata().level().to_string());
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

fn of_a_practice() -> Problems {
    Problems::new(PracticeId("1".into()), ServerPlaces::default(), Arc::default())
}

/// A practice that starts anew after these were raised at the first hour.
fn after(subjects: &[Subject], is_on: bool) -> Problems {
    let (former, next) = (of_a_practice(), of_a_practice());
    subjects.iter().for_each(|subject| former.raise(subject.clone(), "away", at(1)));
    next.carry_on_from(&former, is_on, at(2));
    assert!(former.problems().is_empty());
    next
}

#[tokio::test(start_paused = true)]
async fn a_problem_outlives_a_new_start_until_somebody_who_can_know_sees_it_resolved() {
    let next = after(&[Subject::OpenVpms, Subject::Healthengine, Subject::Configuration, Subject::Clock], true);
    assert!(next.problems().iter().all(|own| own.since == at(1)));
    let all = [Subject::OpenVpms, Subject::Healthengine, Subject::Configuration];
    all.iter().for_each(|subject| next.clear(subject, at(3)));
    next.clear(&Subject::Clock, at(3));
    assert_eq!(next.problems().len(), 3, "what failed before was not tried yet");
    next.note(Attempt::Reading);
    next.note(Attempt::Poll);
    all.iter().for_each(|subject| next.clear(subject, at(3)));
    assert!(!next.has(&Subject::OpenVpms) && next.has(&Subject::Healthengine) && next.has(&Subject::Configuration));
    // Found again, it is one of this practice's own, and began when it began.
    next.raise(Subject::Healthengine, "still away", at(4));
    assert!(!next.has_taken_over(&Subject::Healthengine));
    assert!(next.problems().iter().all(|own| own.since == at(1)));
    next.clear(&Subject::Healthengine, at(5));
    next.note(Attempt::Configuration);
    next.clear(&Subject::Configuration, at(5));
    assert!(next.problems().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_problem_that_a_changed_configuration_has_no_use_for_does_not_stay_for_ever() {
    let next = after(&[Subject::Subscriptions, Subject::Loop("x"), Subject::Booking(BookingId(1))], true);
    assert!(!next.has(&Subject::Loop("x")), "the loop has stopped");
    tokio::time::sleep(2 * TAKEN_OVER_LASTS_MAX).await;
    next.log_again(false, at(3));
    assert!(next.has(&Subject::Subscriptions), "the practice has done nothing yet");
    for attempt in [Attempt::Poll, Attempt::Poll, Attempt::Reading, Attempt::Configuration] {
        next.note(attempt);
    }
    next.log_again(false, at(3));
    assert!(!next.has(&Subject::Subscriptions) && next.has(&Subject::Booking(BookingId(1))));
    assert!(after(&[Subject::OpenVpms], false).problems().is_empty(), "nothing of it is asked while it is off");
}

#[test]
fn whatever_puts_a_practice_out_of_step_says_so_and_the_rest_only_while_it_does() {
    let health = of_a_practice();
    let always = [Subject::OpenVpms, Subject::Access, Subject::Mapping, Subject::Days];
    let at_times = [Subject::OtherBridge, Subject::RefusedDays, Subject::Loop("x")];
    let never = [Subject::Clock, Subject::Store, Subject::LeftOut, Subject::Webhooks];
    let subjects = || always.iter().chain(&at_times).chain(&never);
    subjects().for_each(|subject| health.raise(subject.clone(), "x", at(0)));
    let told = |puts: bool| {
        let concerns = health.concerns(|subject| puts && at_times.contains(subject));
        concerns.iter().filter(|own| own.puts_out_of_step).count()
    };
    assert_eq!((told(false), told(true)), (always.len(), always.len() + at_times.len()));
    let loops = Problems::of_the_service();
    loops.raise(Subject::LoopOf("keeper", PracticeId("1".into())), "x", at(0));
    assert_eq!(loops.concerns(|_| true)[0].practice, Some(PracticeId("1".into())), "it is told as its practice's");
}

#[tokio::test(start_paused = true)]
async fn a_problem_is_logged_again_when_it_is_due_and_not_when_somebody_looks_next() {
    let health = of_a_practice();
    health.raise(Subject::Clock, "x", at(0));
    assert_eq!(health.due_within(Duration::from_secs(30)), Duration::from_secs(30));
    tokio::time::sleep(Duration::from_secs(50)).await;
    assert_eq!(health.due_within(Duration::from_secs(30)), Duration::from_secs(10));
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(health.due_within(Duration::from_secs(30)), Duration::ZERO);
    health.log_again(false, at(0));
    assert_eq!(health.due_within(Duration::from_secs(200)), Duration::from_secs(120));
}

#[test]
fn problems_of_bookings_are_bounded_in_number_and_time() {
    let health = Problems::new(PracticeId("1".into()), ServerPlaces::default(), Arc::default());
    for id in 0..200 {
        health.raise(Subject::Booking(BookingId(id)), "x", at(0));
    }
    health.raise(Subject::Clock, "wrong", at(0));
    assert_eq!(health.problems().len(), 51);
    assert!(health.has(&Subject::Booking(BookingId(199))), "the latest is kept");
    health.forget_old_bookings(at(23));
    assert_eq!(health.problems().len(), 51);
    health.forget_old_bookings(at(24));
    assert_eq!(health.problems().len(), 1);
}
