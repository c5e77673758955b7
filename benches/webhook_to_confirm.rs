//! How long a booking takes inside the bridge: from the arrival of its webhook, and from the poll
//! that finds it, to `confirmInsert`.
//!
//! `cargo bench --bench webhook_to_confirm`: both simulators over loopback HTTP, the database on
//! the disk of this machine. The time that the simulated servers spend on answering is measured and
//! taken off.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement prints, and stands on fixed values")]

#[path = "../tests/common/configuration.rs"]
mod configuration;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{Days, NaiveDateTime, TimeDelta};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vetbridge::clock::Clock;
use vetbridge::config;
use vetbridge::http_clients::Network;
use vetbridge::ids::PracticeId;
use vetbridge::polling::pace;
use vetbridge::service::Service;
use vetbridge::simulator::exchange::{ArrivedRequest, Faults, Model, SentAnswer, serve};
use vetbridge::simulator::healthengine::{
    Courier, Delivered, HealthengineModel, HttpCourier, ModelSettings, NewPractice, Wish,
};
use vetbridge::simulator::openvpms::{OpenVpmsSim, Uuids, World};

use configuration::{API_KEY, servers_at};

/// So many bookings are timed each way.
const BOOKINGS: usize = 30;
/// Between two of them, so that none waits for another: longer than between two polls that webhooks cause.
const APART: Duration = pace::SPACING.saturating_add(Duration::from_millis(100));

/// When something began, what the servers had spent by then, and how both stood at `confirmInsert`.
#[derive(Default)]
struct Watch {
    spent_us: AtomicU64,
    polled: Mutex<Option<(Instant, u64)>>,
    webhook: Mutex<Option<(Instant, u64)>>,
    confirmed: Mutex<Option<(Instant, u64)>>,
}

impl Watch {
    fn note(&self, what: &Mutex<Option<(Instant, u64)>>) {
        *what.lock().unwrap() = Some((Instant::now(), self.spent_us.load(Ordering::SeqCst)));
    }

    /// Since one of them: the whole, and what of it the servers spent.
    fn since(&self, what: &Mutex<Option<(Instant, u64)>>) -> (Duration, Duration) {
        let ((began, before), (ended, after)) =
            (what.lock().unwrap().unwrap(), self.confirmed.lock().unwrap().unwrap());
        (ended - began, Duration::from_micros(after - before))
    }
}

/// A model that is watched.
struct Timed<M> {
    model: M,
    watch: Arc<Watch>,
}

impl<M: Model> Model for Timed<M> {
    fn answer(&self, asked: &ArrivedRequest) -> SentAnswer {
        let began = Instant::now();
        if asked.target.ends_with("/requests") {
            self.watch.note(&self.watch.polled);
        }
        if asked.target.ends_with("/confirmInsert") {
            self.watch.note(&self.watch.confirmed);
        }
        let answered = self.model.answer(asked);
        let spent = u64::try_from(began.elapsed().as_micros()).unwrap();
        self.watch.spent_us.fetch_add(spent, Ordering::SeqCst);
        answered
    }
}

struct Watched {
    courier: HttpCourier,
    watch: Arc<Watch>,
}

#[async_trait]
impl Courier for Watched {
    async fn post(&self, callback_url: &str, body: Vec<u8>) -> Delivered {
        self.watch.note(&self.watch.webhook);
        self.courier.post(callback_url, body).await
    }
}

fn main() {
    vetbridge::http::network::install_crypto_provider();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(measure("from a webhook's arrival", true));
    runtime.block_on(measure("from the poll that finds it", false));
}

async fn measure(what: &str, by_webhook: bool) {
    let (clock, stop, watch) = (Clock::system(), CancellationToken::new(), Arc::new(Watch::default()));
    let world = World::guide_inventory(Uuids::from_seed(1));
    let zone = world.zone;
    let openvpms = Timed { model: OpenVpmsSim::new(world, clock.clone()), watch: Arc::clone(&watch) };
    let openvpms = listen(Arc::new(openvpms), &stop).await;
    let model = HealthengineModel::new(ModelSettings::new(API_KEY), clock.clone());
    model.add_practice(NewPractice::new("1234567", "k", zone));
    let healthengine = Timed { model: model.clone(), watch: Arc::clone(&watch) };
    let healthengine = listen(Arc::new(healthengine), &stop).await;
    let state = tempfile::tempdir().unwrap();
    let text = configuration(openvpms, healthengine, state.path(), by_webhook);
    let config =
        config::parse(&state.path().join("vetbridge.toml"), &text, &|_| Err(std::env::VarError::NotPresent)).unwrap();
    let service = Service::start(&config, &Network::new(&config).unwrap(), clock.clone()).await.unwrap();
    if let Some(address) = service.webhook_address() {
        let courier = HttpCourier::new(address, "13.55.48.1".parse().unwrap()).unwrap();
        let (model, stop, watch) = (model.clone(), stop.clone(), Arc::clone(&watch));
        tokio::spawn(async move { model.deliver_webhooks(Arc::new(Watched { courier, watch }), stop).await });
    }

    let practice = PracticeId("1234567".into());
    let tomorrow = zone.wall(clock.now()).date() + Days::new(1);
    let starts: Vec<NaiveDateTime> = (0..BOOKINGS)
        .map(|n| {
            (tomorrow + Days::new(n as u64 / 25)).and_hms_opt(9, 0, 0).unwrap()
                + TimeDelta::minutes(15 * (n as i64 % 25))
        })
        .collect();
    // Until then there is nobody to tell.
    while by_webhook && model.subscriptions(&practice).unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut times = Vec::new();
    for start in starts {
        let wish = || Wish::new("s136", "66:s136", start);
        let booking = loop {
            match model.book(&practice, wish()) {
                Ok(booking) => break booking,
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        };
        while model.booking(booking).unwrap().answered_at.is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        times.push(watch.since(if by_webhook { &watch.webhook } else { &watch.polled }));
        tokio::time::sleep(APART).await;
    }
    // The first one comes while everything is still being set up.
    times.remove(0);
    print_times(what, &times);
    println!("violations of Healthengine's API: {}", model.violations().len());
    service.stop().await;
    stop.cancel();
}

fn print_times(what: &str, times: &[(Duration, Duration)]) {
    let sorted = |time: &dyn Fn(&(Duration, Duration)) -> Duration| {
        let mut times: Vec<Duration> = times.iter().map(time).collect();
        times.sort();
        times
    };
    println!("\n{what} to confirmInsert, {} bookings: median, 95 %, worst", times.len());
    let (whole, servers) = (sorted(&|time| time.0), sorted(&|time| time.1));
    let bridge = sorted(&|time| time.0.saturating_sub(time.1));
    for (name, times) in [("in all", whole), ("of that the simulated servers", servers), ("the bridge", bridge)] {
        let at = |share: usize| times[(times.len() - 1) * share / 100];
        println!("  {name:<32}{:>10.1?}{:>10.1?}{:>10.1?}", at(50), at(95), at(100));
    }
}

async fn listen(model: Arc<dyn Model>, stop: &CancellationToken) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(serve(listener, model, Faults::none(), stop.clone()));
    port
}

/// With webhooks polls are too far apart to find anything; without them a poll comes every half a second.
fn configuration(openvpms: u16, healthengine: u16, state: &Path, by_webhook: bool) -> String {
    let (webhooks, interval) = if by_webhook {
        let table = "[webhooks]\nlisten = \"127.0.0.1:0\"\npublic_url = \"https://bridge.example\"\nsecret \
                     = \"s3cret\"\ntrusted_proxies = [\"127.0.0.1\"]\n";
        (table, "5m")
    } else {
        ("", "500ms")
    };
    format!(
        "{}\
         [state]\npath = \"{}\"\n[admin]\nlisten = \"127.0.0.1:0\"\n{webhooks}\
         [sync]\nhorizon_days = 7\nnear_days = 3\nrequest_interval = \"{interval}\"\nidle_request_interval \
         = \"{interval}\"\n\
         [[practice]]\nid = \"1234567\"\nkey = \"k\"\nlocations = [98]\n[practice.live_hours]\npublic_holidays = \
         [\"00:00-24:00\"]\n",
        servers_at(openvpms, healthengine, ""),
        state.join("state").display()
    )
}
