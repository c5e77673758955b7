//! A clinic between two built-in servers that take their time to answer, and that note when each
//! step of a booking reaches them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{Days, NaiveDateTime, NaiveTime, TimeDelta};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};
use vetbridge::clock::Clock;
use vetbridge::ids::{BookingId, PracticeId, ScheduleId};
use vetbridge::simulator::exchange::{ArrivedRequest, Fault, Faults, Model, SentAnswer, serve};
use vetbridge::simulator::healthengine::{
    Courier, Delivered, HealthengineModel, HttpCourier, ModelSettings, NewPractice, PetOwner, Wish,
};
use vetbridge::simulator::openvpms::{Hours, OpenVpmsSim, Uuids, World};
use vetbridge::zone::Zone;

use crate::configuration::API_KEY;

/// The practice of every clinic here.
pub(crate) const PRACTICE: &str = "1234567";
/// Its key.
pub(crate) const PRACTICE_KEY: &str = "k";
/// The first of its schedules; the others follow.
const FIRST_SCHEDULE: i64 = 136;
/// So many appointments of 15 minutes fit into a day of one schedule, from nine o'clock on.
const A_DAY: usize = 40;

/// The way of a booking, from one call's arrival to the next one's.
pub(crate) const LEGS: [&str; 4] = ["poll to list", "list to look", "look to POST", "POST to confirmation"];

/// What a server was asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum System {
    OpenVpms,
    Healthengine,
}

/// When each step of each booking reached a server.
#[derive(Default)]
struct Steps {
    polled: Option<Instant>,
    webhook: BTreeMap<BookingId, Instant>,
    /// The beginning of the poll that found it.
    found: BTreeMap<BookingId, Instant>,
    confirmed: BTreeMap<BookingId, Instant>,
    /// When each of [`LEGS`] began for the last time,
    begun: [Option<Instant>; LEGS.len()],
    /// and how long they took, booking by booking.
    legs: Vec<[Duration; LEGS.len()]>,
    openvpms_calls: usize,
    healthengine_calls: usize,
}

/// What is noted of a clinic.
#[derive(Default)]
pub(crate) struct Watch {
    steps: Mutex<Steps>,
    confirmed: Notify,
}

impl Watch {
    /// From the beginning of the poll that finds a booking to the arrival of its confirmation.
    pub(crate) fn since_poll(&self, booking: BookingId) -> Duration {
        let steps = self.steps.lock().unwrap();
        steps.confirmed[&booking] - steps.found[&booking]
    }

    /// The same from the moment at which its webhook leaves.
    pub(crate) fn since_webhook(&self, booking: BookingId) -> Duration {
        let steps = self.steps.lock().unwrap();
        steps.confirmed[&booking] - steps.webhook[&booking]
    }

    /// From the first of these polls to the last of these confirmations.
    pub(crate) fn first_to_last(&self, bookings: &[BookingId]) -> Duration {
        let steps = self.steps.lock().unwrap();
        let first = bookings.iter().map(|booking| steps.found[booking]).min().unwrap();
        bookings.iter().map(|booking| steps.confirmed[booking]).max().unwrap() - first
    }

    /// How long each of [`LEGS`] took, booking by booking; to be read where one is made at a time.
    pub(crate) fn legs(&self) -> Vec<[Duration; LEGS.len()]> {
        self.steps.lock().unwrap().legs.clone()
    }

    /// How often OpenVPMS and Healthengine were asked.
    pub(crate) fn calls(&self) -> (usize, usize) {
        let steps = self.steps.lock().unwrap();
        (steps.openvpms_calls, steps.healthengine_calls)
    }

    /// Returns when all of these bookings are confirmed.
    pub(crate) async fn all_confirmed(&self, bookings: &[BookingId]) {
        loop {
            let more = self.confirmed.notified();
            tokio::pin!(more);
            more.as_mut().enable();
            let confirmed = |booking| self.steps.lock().unwrap().confirmed.contains_key(booking);
            if bookings.iter().all(confirmed) {
                return;
            }
            more.await;
        }
    }

    fn arrived(&self, system: System, asked: &ArrivedRequest) {
        let (mut steps, now, target) = (self.steps.lock().unwrap(), Instant::now(), asked.target.as_str());
        match system {
            System::OpenVpms => steps.openvpms_calls += 1,
            System::Healthengine => steps.healthengine_calls += 1,
        }
        if target.ends_with("/requests") {
            steps.polled = Some(now);
        }
        if let Some(leg) = leg_that_begins(asked) {
            steps.begun[leg] = Some(now);
        }
        if let Some(path) = target.strip_suffix("/confirmInsert") {
            let booking = path.rsplit('/').next().and_then(|id| id.parse().ok()).map(BookingId).unwrap();
            steps.confirmed.entry(booking).or_insert(now);
            if let [Some(poll), Some(list), Some(look), Some(post)] = steps.begun {
                steps.legs.push([list - poll, look - list, post - look, now - post]);
            }
            self.confirmed.notify_waiters();
        }
    }

    fn listed(&self, answer: &[u8]) {
        let answer: Value = serde_json::from_slice(answer).unwrap();
        let mut steps = self.steps.lock().unwrap();
        let polled = steps.polled.unwrap();
        for booking in answer["data"].as_array().unwrap() {
            steps.found.entry(BookingId(booking["bookingId"].as_i64().unwrap())).or_insert(polled);
        }
    }
}

fn leg_that_begins(asked: &ArrivedRequest) -> Option<usize> {
    let target = asked.target.split('?').next().unwrap();
    match asked.method.as_str() {
        "GET" => ["/requests", "/requests/bookings", "/freebusy"].iter().position(|end| target.ends_with(end)),
        _ => target.ends_with("/bookings").then_some(3),
    }
}

/// A server that is watched.
struct Watched<M> {
    model: M,
    system: System,
    watch: Arc<Watch>,
}

impl<M: Model> Model for Watched<M> {
    fn answer(&self, asked: &ArrivedRequest) -> SentAnswer {
        self.watch.arrived(self.system, asked);
        let answer = self.model.answer(asked);
        if asked.target.contains("/requests/bookings?") {
            self.watch.listed(&answer.body);
        }
        answer
    }
}

/// Notes when a webhook leaves.
struct WatchedCourier {
    courier: HttpCourier,
    watch: Arc<Watch>,
}

#[async_trait]
impl Courier for WatchedCourier {
    async fn post(&self, callback_url: &str, body: Vec<u8>) -> Delivered {
        let event: Value = serde_json::from_slice(&body).unwrap();
        if let Some(booking) = event["data"]["bookingId"].as_i64() {
            self.watch.steps.lock().unwrap().webhook.entry(BookingId(booking)).or_insert_with(Instant::now);
        }
        self.courier.post(callback_url, body).await
    }
}

/// Both servers of a clinic, until it is dropped.
pub(crate) struct Clinic {
    pub(crate) openvpms_port: u16,
    pub(crate) healthengine_port: u16,
    pub(crate) healthengine: HealthengineModel,
    pub(crate) watch: Arc<Watch>,
    pub(crate) zone: Zone,
    schedules: i64,
    /// How many appointments each schedule has.
    made: usize,
    stop: CancellationToken,
    _stops: DropGuard,
}

impl Clinic {
    /// With so many schedules, and servers that answer after `delay`.
    pub(crate) async fn open(schedules: i64, delay: Duration) -> Self {
        let (clock, stop, watch) = (Clock::system(), CancellationToken::new(), Arc::<Watch>::default());
        let world = world(schedules);
        let zone = world.zone;
        let healthengine = HealthengineModel::new(ModelSettings::new(API_KEY), clock.clone());
        healthengine.add_practice(NewPractice::new(PRACTICE, PRACTICE_KEY, zone));
        let diary =
            Watched { model: OpenVpmsSim::new(world, clock), system: System::OpenVpms, watch: Arc::clone(&watch) };
        let marketplace =
            Watched { model: healthengine.clone(), system: System::Healthengine, watch: Arc::clone(&watch) };
        Self {
            openvpms_port: listen(Arc::new(diary), delay, &stop).await,
            healthengine_port: listen(Arc::new(marketplace), delay, &stop).await,
            healthengine,
            watch,
            zone,
            schedules,
            made: 0,
            _stops: stop.clone().drop_guard(),
            stop,
        }
    }

    /// The schedules, in order.
    pub(crate) fn schedules(&self) -> impl Iterator<Item = i64> + use<> {
        FIRST_SCHEDULE..FIRST_SCHEDULE + self.schedules
    }

    /// Delivers webhooks to this listener.
    pub(crate) fn deliver_webhooks(&self, listener: std::net::SocketAddr) {
        let courier = HttpCourier::new(listener, "13.55.48.1".parse().unwrap()).unwrap();
        let courier = Arc::new(WatchedCourier { courier, watch: Arc::clone(&self.watch) });
        let (model, stop) = (self.healthengine.clone(), self.stop.clone());
        tokio::spawn(async move { model.deliver_webhooks(courier, stop).await });
    }

    /// A pet owner books the next time of a schedule.
    pub(crate) fn book(&self, schedule: i64) -> BookingId {
        let owner = PetOwner {
            first_name: Some("Alex".to_owned()),
            last_name: Some("Sample".to_owned()),
            phone: Some("0412 345 678".to_owned()),
            email: Some("alex@pets.example".to_owned()),
            ..PetOwner::default()
        };
        let wish = Wish::new(format!("s{schedule}"), format!("66:s{schedule}"), self.next_start())
            .by(owner, "Pet name: Muffett\nLimping since yesterday.");
        self.healthengine.book_regardless(&PracticeId(PRACTICE.to_owned()), wish).unwrap()
    }

    /// The next bookings are for the next time of the day.
    pub(crate) fn go_on(&mut self) {
        self.made += 1;
    }

    fn next_start(&self) -> NaiveDateTime {
        let day = self.zone.wall(Clock::system().now()).date() + Days::new(1 + (self.made / A_DAY) as u64);
        day.and_hms_opt(9, 0, 0).unwrap() + TimeDelta::minutes(15 * (self.made % A_DAY) as i64)
    }
}

fn world(schedules: i64) -> World {
    let mut world = World::guide_inventory(Uuids::from_seed(1));
    let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0);
    let mut pattern = world.schedules[0].clone();
    pattern.hours = Hours { start: time(9), end: time(19) };
    let schedule = |number: i64| {
        let mut schedule = pattern.clone();
        schedule.id = ScheduleId(FIRST_SCHEDULE + number);
        schedule.name = format!("Schedule {number}");
        schedule
    };
    world.schedules = (0..schedules).map(schedule).collect();
    world
}

async fn listen(model: Arc<dyn Model>, delay: Duration, stop: &CancellationToken) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let faults = Faults::none();
    faults.set(move |_| (!delay.is_zero()).then_some(Fault::Slow(delay)));
    tokio::spawn(serve(listener, model, faults, stop.clone()));
    port
}
