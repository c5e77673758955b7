//! Who is told of what needs a person, in the time that a test owns: outages, restarts, and a
//! service without its store.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use vetbridge::alerts::channels::{AlertChannels, Receiver, Way};
use vetbridge::alerts::teller::{AlertSource, Alerts};
use vetbridge::alerts::web_address::WebAddress;
use vetbridge::booking::entry::State;
use vetbridge::booking::resolution::Resolution;
use vetbridge::call_error::Answer;
use vetbridge::clock::Clock;
use vetbridge::config::WhenDown;
use vetbridge::http::{Request, Response, Transport};
use vetbridge::ids::{BookingId, PracticeId};
use vetbridge::messages::supervisor;
use vetbridge::messages::typed_commands::TypedCommands;
use vetbridge::practice::health::problems::Problem;
use vetbridge::simulator::exchange::Fault;

use crate::support::{Clinic, Mine, PRACTICE, minutes, seconds};

/// What came, and in which second; and what is answered before 200.
#[derive(Default)]
struct Sink {
    clock: Option<Clock>,
    came: Mutex<Vec<(i64, String)>>,
    answers: Mutex<VecDeque<u16>>,
}

#[async_trait]
impl Transport for Sink {
    async fn exchange(&self, request: Request) -> Answer<Response> {
        let body = request.json.map(|json| serde_json::from_slice::<serde_json::Value>(&json).unwrap());
        let text = body.map(|body| body["text"].as_str().unwrap().to_owned()).unwrap_or_default();
        let now = self.clock.as_ref().unwrap().now().timestamp();
        self.came.lock().unwrap().push((now, text));
        let status = self.answers.lock().unwrap().pop_front().unwrap_or(200);
        Ok(Response { status, headers: Vec::new(), body: Vec::new() })
    }
}

/// Whom a process tells.
struct Told {
    hook: Arc<Sink>,
    heart: Arc<Sink>,
    alerts: Alerts,
}

impl Told {
    fn of(clinic: &Clinic) -> Self {
        let sink = || Arc::new(Sink { clock: Some(clinic.clock.clone()), ..Sink::default() });
        Self::by_a_process(clinic, sink(), sink())
    }

    fn by_a_process(clinic: &Clinic, hook: Arc<Sink>, heart: Arc<Sink>) -> Self {
        let address = |sink: &Arc<Sink>| WebAddress::new(Arc::clone(sink) as Arc<dyn Transport>, "/x".into());
        let receivers = vec![Receiver { place: "hook".into(), way: Way::Webhook(address(&hook)) }];
        let heartbeat = Some((address(&heart), minutes(1)));
        let channels = AlertChannels { after: minutes(5), receivers, heartbeat, commands: TypedCommands::default() };
        let alerts = Alerts::new(Some(Arc::new(channels)), clinic.clock.clone());
        Self { hook, heart, alerts }
    }

    /// The same receivers, told by another process.
    fn next_process(self, clinic: &Clinic) -> Self {
        Self::by_a_process(clinic, self.hook, self.heart)
    }

    /// Tells of this source while something happens.
    async fn while_<T>(&self, source: &impl AlertSource, happens: impl Future<Output = T>) -> T {
        tokio::select! {
            biased;
            happened = happens => happened,
            () = self.alerts.run(source) => unreachable!(),
        }
    }

    fn texts(&self) -> Vec<String> {
        self.hook.came.lock().unwrap().iter().map(|(_, text)| text.clone()).collect()
    }

    fn beats(&self) -> usize {
        self.heart.came.lock().unwrap().len()
    }
}

/// A booking whose POST was carried out and whose answer was lost.
async fn in_doubt(clinic: &Clinic, start: &str) -> BookingId {
    clinic.fail_submissions([Fault::LoseAnswer]);
    let booking = clinic.owner_books("s136", "66:s136", start);
    clinic.until_state(booking, State::InDoubt, minutes(2)).await;
    clinic.until("it is flagged", minutes(1), |clinic| clinic.entry(booking).needs_attention.is_some()).await;
    booking
}

/// A while after nothing is wrong any more.
async fn until_well(clinic: &Clinic) {
    clinic.until_in_step().await;
    clinic.until("nothing is wrong", minutes(5), |clinic| clinic.problems().is_empty()).await;
    clinic.pass(seconds(10)).await;
}

async fn settle(clinic: &Clinic, booking: BookingId) {
    let verdict = Resolution::Confirmed { reference: None, force: false };
    clinic.practice().resolve(booking, &verdict, None).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_one_message_after_its_time_and_one_at_its_end_and_a_short_one_is_none() {
    let clinic = Clinic::open().await;
    let told = Told::of(&clinic);
    told.alerts.remember_in(clinic.bridge().store().clone());
    let day = async {
        clinic.openvpms_faults.close_port();
        clinic.pass(minutes(4)).await;
        clinic.openvpms_faults.heal();
        clinic.until_in_step().await;
        clinic.pass(minutes(10)).await;
        assert_eq!(told.texts(), [""; 0]);
        let beats = told.beats();
        assert!((10..=14).contains(&beats), "{beats}: not while it was out of step");

        clinic.openvpms_faults.close_port();
        clinic.healthengine_faults.close_port();
        let seen = clinic.clock.now().timestamp();
        clinic.pass(minutes(5)).await;
        assert_eq!(told.texts(), [""; 0]);
        clinic.pass(minutes(60)).await;
        let texts = told.texts();
        assert!((1..=2).contains(&texts.len()), "{texts:#?}");
        let begun = texts.concat();
        assert!(begun.contains("OpenVPMS cannot be read") && begun.contains("Healthengine cannot be asked"), "{begun}");
        let first = told.hook.came.lock().unwrap()[0].0 - seen;
        assert!((300..=400).contains(&first), "{first}");
        clinic.openvpms_faults.heal();
        clinic.healthengine_faults.heal();
        until_well(&clinic).await;
        let over: Vec<String> = told.texts().split_off(texts.len());
        assert_eq!(over.len(), 1, "{over:#?}");
        assert!(over[0].starts_with("vetbridge: 2 things at Main Clinic (1234567) are over\n"), "{over:#?}");
    };
    told.while_(clinic.bridge(), Box::pin(day)).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_reload_in_an_outage_ends_neither_the_outage_nor_what_was_told_of_it() {
    let clinic = Clinic::open().await;
    let told = Told::of(&clinic);
    told.alerts.remember_in(clinic.bridge().store().clone());
    let day = async {
        clinic.openvpms_faults.close_port();
        clinic.healthengine_faults.close_port();
        clinic.pass(minutes(20)).await;
        let begun = told.texts().len();
        let before = clinic.practice().health().problems();
        clinic.reload_with(|config| config.bookings.when_openvpms_is_down = WhenDown::Hold);
        clinic
            .throughout("it stands as before", minutes(5), |clinic| {
                let now = clinic.practice().health().problems();
                let stands =
                    |own: &Problem| now.iter().any(|new| (&new.subject, new.since) == (&own.subject, own.since));
                before.iter().all(stands) && !clinic.practice().not_in_step(clinic.clock.now()).is_empty()
            })
            .await;
        assert_eq!(told.texts().len(), begun, "{:#?}", told.texts());
        // As the remedy says: the file is corrected, and read again.
        clinic.openvpms_faults.heal();
        clinic.healthengine_faults.heal();
        clinic.reload();
        until_well(&clinic).await;
        let over = told.texts().split_off(begun);
        assert_eq!(over.len(), 1, "{over:#?}");
        let resolved = clinic.log.with("Resolved after 2");
        for subject in ["openvpms", "healthengine"] {
            assert_eq!(resolved.iter().filter(|line| line.contains(subject)).count(), 1, "{subject}: {resolved:?}");
        }
    };
    told.while_(clinic.bridge(), Box::pin(day)).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_told_is_not_told_by_the_next_process_and_what_ended_between_them_is() {
    let mut clinic = Clinic::open().await;
    let told = Told::of(&clinic);
    told.alerts.remember_in(clinic.bridge().store().clone());
    let bookings = told
        .while_(clinic.bridge(), async {
            let bookings = [in_doubt(&clinic, "2027-02-15 10:00").await, in_doubt(&clinic, "2027-02-15 11:00").await];
            clinic.openvpms_faults.close_port();
            clinic.pass(minutes(20)).await;
            bookings
        })
        .await;
    let before = told.texts();
    assert_eq!(before.len(), 3, "two bookings and an outage: {before:#?}");
    assert!(before.iter().all(|text| !text.contains("out of step")), "{before:#?}");
    clinic.stop().await;
    clinic.openvpms_faults.heal();
    clinic.pass(minutes(30)).await;

    clinic.start();
    let told = told.next_process(&clinic);
    told.alerts.remember_in(clinic.bridge().store().clone());
    let day = async {
        clinic.until_in_step().await;
        settle(&clinic, bookings[0]).await;
        clinic.pass(seconds(10)).await;
        let over = told.texts().split_off(3);
        assert_eq!(over.len(), 1, "{over:#?}");
        assert!(over[0].contains("over") && over[0].contains(&format!("booking {}:", bookings[0])), "{over:#?}");
        clinic.pass(minutes(10)).await;
        let over = told.texts().split_off(4);
        assert_eq!(over.len(), 1, "the outage ended while nothing ran: {over:#?}");
        assert!(over[0].contains("OpenVPMS cannot be read"), "{over:#?}");
        settle(&clinic, bookings[1]).await;
        clinic.pass(minutes(1)).await;
        assert_eq!(told.texts().len(), 6, "{:#?}", told.texts());
    };
    told.while_(clinic.bridge(), Box::pin(day)).await;
    let all = told.texts().concat();
    for word in ["Judith", "Wong", "Muffett", "0412"] {
        assert!(!all.contains(word), "{word}: {all}");
    }
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_fails_is_tried_for_an_hour_and_the_next_message_after_it() {
    let clinic = Clinic::open().await;
    let told = Told::of(&clinic);
    told.alerts.remember_in(clinic.bridge().store().clone());
    let day = async {
        told.hook.answers.lock().unwrap().extend([503; 66]);
        let first = in_doubt(&clinic, "2027-02-15 10:00").await;
        clinic.pass(minutes(70)).await;
        let tried: Vec<i64> = told.hook.came.lock().unwrap().iter().map(|(at, _)| *at).collect();
        let pauses: Vec<i64> = tried.windows(2).map(|two| two[1] - two[0]).collect();
        for (pause, expected) in pauses.iter().zip([1, 2, 4, 8, 16, 32, 60, 60]) {
            assert!((expected..=expected + 1).contains(pause), "{pauses:?}");
        }
        assert!((3500..=3605).contains(&(tried[tried.len() - 1] - tried[0])), "{pauses:?}");
        told.hook.answers.lock().unwrap().clear();
        let second = in_doubt(&clinic, "2027-02-15 11:00").await;
        clinic.pass(seconds(10)).await;
        let texts = told.texts();
        assert_eq!(texts.len(), tried.len() + 1, "{texts:#?}");
        assert!(texts[texts.len() - 1].contains(&format!("booking {second},")), "{texts:#?}");
        settle(&clinic, first).await;
        settle(&clinic, second).await;
        clinic.pass(seconds(10)).await;
    };
    told.while_(clinic.bridge(), Box::pin(day)).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn that_there_is_no_store_is_told_with_a_silent_heartbeat_and_that_there_is_one_again() {
    let mut clinic = Clinic::open().await;
    clinic.stop().await;
    let told = Told::of(&clinic);
    let without = clinic.without_store();
    told.while_(&*without, clinic.pass(minutes(10))).await;
    assert_eq!(told.beats(), 0);
    let texts = told.texts();
    assert_eq!(texts.len(), 1, "{texts:#?}");
    assert!(texts[0].starts_with("vetbridge: the service needs a person"), "{texts:#?}");
    assert!(texts[0].contains("no space left on device"), "{texts:#?}");
    clinic.start();
    told.alerts.remember_in(clinic.bridge().store().clone());
    told.while_(clinic.bridge(), clinic.pass(minutes(10))).await;
    let texts = told.texts();
    assert_eq!(texts.len(), 2, "{texts:#?}");
    assert!(texts[1].starts_with("vetbridge: over at the service"), "{texts:#?}");
    assert!(told.beats() > 5);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_reload_in_an_outage_does_not_say_that_it_is_over() {
    let mut clinic = Clinic::open().await;
    let told = Told::of(&clinic);
    told.alerts.remember_in(clinic.bridge().store().clone());
    clinic.openvpms_faults.close_port();
    told.while_(clinic.bridge(), clinic.pass(minutes(10))).await;
    assert_eq!(told.texts().len(), 1, "{:#?}", told.texts());
    clinic.config.sync.near_days += 1;
    clinic.reload();
    told.while_(clinic.bridge(), clinic.pass(minutes(20))).await;
    assert_eq!(told.texts().len(), 1, "{:#?}", told.texts());
    clinic.openvpms_faults.heal();
    told.while_(clinic.bridge(), until_well(&clinic)).await;
    assert_eq!(told.texts().len(), 2, "{:#?}", told.texts());
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn the_loop_that_tells_people_is_kept_alive_and_goes_on_telling() {
    let clinic = Clinic::open().await;
    let (told, stop) = (Told::of(&clinic), CancellationToken::new());
    let mut left = 2;
    clinic.mines.plant(move |own, _| {
        (own == supervisor::ALERTS && left > 0).then(|| left -= 1)?;
        Some(Mine::Panic)
    });
    let bridge = clinic.bridge();
    let said = |clinic: &Clinic| clinic.bridge().health().problems().iter().any(|own| own.subject == "loop alerts");
    let happens = async {
        clinic.until("it is said", minutes(1), said).await;
        clinic.until("the problem is resolved", minutes(2), |clinic| !said(clinic)).await;
        let booking = in_doubt(&clinic, "2027-02-16 10:00").await.to_string();
        clinic.until("it is told", minutes(1), |_| told.texts().iter().any(|text| text.contains(&booking))).await;
    };
    tokio::select! {
        () = happens => {}
        () = bridge.keep(supervisor::ALERTS, &stop, || told.alerts.run(bridge)) => unreachable!(),
    }
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_may_be_forgotten_is_told_after_a_day_and_its_end_too() {
    let clinic = Clinic::open().await;
    let told = Told::of(&clinic);
    told.alerts.remember_in(clinic.bridge().store().clone());
    let days = async {
        let id = PracticeId(PRACTICE.into());
        clinic.bridge().set_paused(&id, true).await.unwrap().unwrap();
        clinic.pass(minutes(23 * 60)).await;
        assert_eq!(told.texts(), [""; 0]);
        clinic.pass(minutes(75)).await;
        let texts = told.texts();
        assert!(texts.len() == 1 && texts[0].contains("paused for"), "{texts:#?}");
        clinic.bridge().set_paused(&id, false).await.unwrap().unwrap();
        clinic.pass(minutes(10)).await;
        let texts = told.texts();
        assert!(texts.len() == 2 && texts[1].contains("over"), "{texts:#?}");
    };
    told.while_(clinic.bridge(), days).await;
    clinic.finish().await;
}
