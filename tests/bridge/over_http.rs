//! The same over real sockets, with the database on a disk: what only the network and the clock of
//! the machine can break.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{Days, NaiveDateTime};
use tokio_util::sync::{CancellationToken, DropGuard};
use vetbridge::booking::entry::State;
use vetbridge::clock::Clock;
use vetbridge::config::{self, Config};
use vetbridge::http::network::install_crypto_provider;
use vetbridge::http_clients::Network;
use vetbridge::ids::BookingId;
use vetbridge::service::Service;
use vetbridge::simulator::exchange::{Fault, Faults};
use vetbridge::simulator::healthengine::{HealthengineModel, MarketplaceStatus, ModelSettings, NewPractice, Wish};
use vetbridge::simulator::openvpms::{OpenVpmsSim, Uuids, World};

use crate::support::{API_KEY, PRACTICE, is_submission, judith, listen, practice, servers_at, standing, sydney};

/// Every wait ends after this long. A test that needs more than a few seconds of it has failed.
const LIMIT: Duration = Duration::from_secs(30);

struct Online {
    clock: Clock,
    openvpms: Arc<OpenVpmsSim>,
    openvpms_faults: Faults,
    healthengine: HealthengineModel,
    config: Config,
    service: Option<Service>,
    _state: tempfile::TempDir,
    _servers: DropGuard,
}

impl Online {
    async fn open() -> Self {
        install_crypto_provider();
        let (clock, stop) = (Clock::system(), CancellationToken::new());
        let openvpms = Arc::new(OpenVpmsSim::new(World::guide_inventory(Uuids::from_seed(1)), clock.clone()));
        let healthengine = HealthengineModel::new(ModelSettings::new(API_KEY), clock.clone());
        healthengine.add_practice(NewPractice::new(PRACTICE, "key", sydney()));
        let openvpms_faults = Faults::none();
        let openvpms_port = listen(openvpms.clone(), &openvpms_faults, &stop).await;
        let healthengine_port = listen(Arc::new(healthengine.clone()), &Faults::none(), &stop).await;
        let state = tempfile::tempdir().unwrap();
        let config = config(openvpms_port, healthengine_port, state.path());
        let mut online = Self {
            clock,
            openvpms,
            openvpms_faults,
            healthengine,
            config,
            service: None,
            _state: state,
            _servers: stop.drop_guard(),
        };
        online.start().await;
        online.until("the time is offered", |online| online.offers("10:00")).await;
        online
    }

    async fn start(&mut self) {
        let network = Network::new(&self.config).unwrap();
        self.service = Some(Service::start(&self.config, &network, self.clock.clone()).await.unwrap());
    }

    async fn stop(&mut self) {
        self.service.take().unwrap().stop().await;
    }

    /// In two days: always to come, and always near.
    fn at(&self, time: &str) -> NaiveDateTime {
        let day = sydney().wall(self.clock.now()).date() + Days::new(2);
        day.and_time(format!("{time}:00").parse().unwrap())
    }

    fn offers(&self, time: &str) -> bool {
        let start = self.at(time);
        let offers = self.healthengine.offered(&practice(PRACTICE), "s136", start.date()).unwrap();
        offers.iter().any(|offer| offer.start == start)
    }

    fn owner_books(&self, time: &str) -> BookingId {
        let wish = Wish::new("s136", "66:s136", self.at(time)).by(judith(), "Pet name: Muffett");
        self.healthengine.book(&practice(PRACTICE), wish).unwrap()
    }

    fn status(&self, booking: BookingId) -> MarketplaceStatus {
        self.healthengine.booking(booking).unwrap().status
    }

    fn state(&self, booking: BookingId) -> Option<State> {
        let ledger = self.service.as_ref().unwrap().bridge().ledger();
        ledger.get(booking).unwrap().map(|entry| entry.state)
    }

    fn standing(&self, booking: BookingId) -> usize {
        standing(&self.openvpms, booking).len()
    }

    async fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let met = async {
            while !condition(self) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(LIMIT, met).await.unwrap_or_else(|_| panic!("not in time: {what}"));
    }

    async fn finish(mut self) {
        self.stop().await;
        let violations = self.healthengine.violations();
        assert!(violations.is_empty(), "{violations:#?}");
    }
}

fn config(openvpms_port: u16, healthengine_port: u16, state: &Path) -> Config {
    let servers =
        servers_at(openvpms_port, healthengine_port, "request_timeout = \"500ms\"\nmax_requests_per_second = 200\n");
    let text = format!(
        r#"{servers}
[state]
path = "{}"
[admin]
listen = "127.0.0.1:0"
[sync]
horizon_days = 7
near_days = 3
availability_interval = "300ms"
request_interval = "100ms"
idle_request_interval = "100ms"
[[practice]]
id = "{PRACTICE}"
key = "key"
locations = [98]
[practice.live_hours]
public_holidays = ["00:00-24:00"]
"#,
        state.display()
    );
    let no_environment = |_: &str| Err(std::env::VarError::NotPresent);
    config::parse(&state.join("vetbridge.toml"), &text, &no_environment).unwrap()
}

#[tokio::test]
async fn over_http_a_booking_is_made_and_cancelled_from_either_side() {
    let online = Online::open().await;
    let (one, other) = (online.owner_books("10:00"), online.owner_books("11:00"));
    for booking in [one, other] {
        online.until("it is confirmed", |online| online.state(booking) == Some(State::Confirmed)).await;
        assert_eq!((online.standing(booking), online.status(booking)), (1, MarketplaceStatus::Confirmed));
    }
    online.healthengine.cancel(one).unwrap();
    let staff_cancel = |world: &mut World| {
        let id = world.with_note(&format!("Healthengine booking {other}"))[0].id;
        world.cancel(id)
    };
    assert!(online.openvpms.staff(staff_cancel));
    for booking in [one, other] {
        online.until("it is cancelled", |online| online.state(booking) == Some(State::Cancelled)).await;
        online.until("its pet owner knows", |online| online.status(booking) == MarketplaceStatus::Cancelled).await;
        assert_eq!(online.standing(booking), 0);
    }
    online.until("both times are offered again", |online| online.offers("10:00") && online.offers("11:00")).await;
    online.finish().await;
}

#[tokio::test]
async fn over_http_lost_answers_leave_one_appointment_and_a_restart_knows_of_it() {
    let mut online = Online::open().await;
    for (time, fault, state) in [
        ("10:00", Fault::LoseAnswer, State::InDoubt),
        ("11:00", Fault::LoseRequest, State::Confirmed),
        ("12:00", Fault::Hang, State::Confirmed),
        // The head of the answer names the appointment, so half of a body does no harm.
        ("13:00", Fault::Truncate, State::Confirmed),
        ("14:00", Fault::StatusAfter(500), State::InDoubt),
        ("15:00", Fault::StatusBefore(503), State::Confirmed),
    ] {
        let mut faults = vec![fault.clone()];
        online.openvpms_faults.set(move |asked| if is_submission(asked) { faults.pop() } else { None });
        let booking = online.owner_books(time);
        online.until(&format!("it is settled after {fault:?}"), |online| online.state(booking) == Some(state)).await;
        online.until("its pet owner knows", |online| online.status(booking) == MarketplaceStatus::Confirmed).await;
        assert_eq!(online.standing(booking), 1, "{fault:?}");
    }
    // The day of the last booking goes out half a second after it was last sent.
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    online.stop().await;
    online.healthengine.forget_exchanges();
    online.start().await;
    let polled = |online: &Online| online.healthengine.tallies().get("GET requests").is_some_and(|polls| *polls > 5);
    online.until("it polls", polled).await;
    let tallies = online.healthengine.tallies();
    assert!(tallies.keys().all(|call| call.starts_with("GET")), "nothing is sent again: {tallies:?}");
    online.finish().await;
}

#[tokio::test]
async fn over_http_a_closed_port_means_a_rejection_in_time_and_nothing_is_lost_when_it_opens() {
    let online = Online::open().await;
    online.openvpms_faults.close_port();
    let booking = online.owner_books("10:00");
    online.until("it is rejected", |online| online.status(booking) == MarketplaceStatus::Failed).await;
    online.openvpms_faults.heal();
    online.until("its time is offered again", |online| online.offers("10:00")).await;
    let again = online.owner_books("10:00");
    online.until("it is confirmed", |online| online.state(again) == Some(State::Confirmed)).await;
    assert_eq!((online.standing(booking), online.standing(again)), (0, 1));
    online.finish().await;
}
