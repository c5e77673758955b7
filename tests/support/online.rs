//! A clinic over real sockets, with the database on a disk: what only the network and the clock of
//! the machine can show.

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
use vetbridge::simulator::exchange::Faults;
use vetbridge::simulator::healthengine::{HealthengineModel, MarketplaceStatus, ModelSettings, NewPractice, Wish};
use vetbridge::simulator::openvpms::{OpenVpmsSim, Uuids, World};

use super::{API_KEY, PRACTICE, judith, listen, practice, servers_at, standing, sydney};

/// Every wait ends after this long. A test that needs more than a few seconds of it has failed.
const LIMIT: Duration = Duration::from_secs(30);

/// Both simulators and the whole service, each behind a port of its own.
pub(crate) struct Online {
    pub(crate) clock: Clock,
    pub(crate) openvpms: Arc<OpenVpmsSim>,
    pub(crate) openvpms_faults: Faults,
    pub(crate) healthengine: HealthengineModel,
    config: Config,
    pub(crate) service: Option<Service>,
    _state: tempfile::TempDir,
    _servers: DropGuard,
}

impl Online {
    pub(crate) async fn open() -> Self {
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

    pub(crate) async fn start(&mut self) {
        let network = Network::new(&self.config).unwrap();
        self.service = Some(Service::start(&self.config, &network, self.clock.clone()).await.unwrap());
    }

    pub(crate) async fn stop(&mut self) {
        self.service.take().unwrap().stop().await;
    }

    /// In two days: always to come, and always near.
    pub(crate) fn at(&self, time: &str) -> NaiveDateTime {
        let day = sydney().wall(self.clock.now()).date() + Days::new(2);
        day.and_time(format!("{time}:00").parse().unwrap())
    }

    pub(crate) fn offers(&self, time: &str) -> bool {
        let start = self.at(time);
        let offers = self.healthengine.offered(&practice(PRACTICE), "s136", start.date()).unwrap();
        offers.iter().any(|offer| offer.start == start)
    }

    pub(crate) fn owner_books(&self, time: &str) -> BookingId {
        let wish = Wish::new("s136", "66:s136", self.at(time)).by(judith(), "Pet name: Muffett");
        self.healthengine.book(&practice(PRACTICE), wish).unwrap()
    }

    pub(crate) fn status(&self, booking: BookingId) -> MarketplaceStatus {
        self.healthengine.booking(booking).unwrap().status
    }

    pub(crate) fn state(&self, booking: BookingId) -> Option<State> {
        let ledger = self.service.as_ref().unwrap().bridge().ledger();
        ledger.get(booking).unwrap().map(|entry| entry.state)
    }

    pub(crate) fn standing(&self, booking: BookingId) -> usize {
        standing(&self.openvpms, booking).len()
    }

    pub(crate) async fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let met = async {
            while !condition(self) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(LIMIT, met).await.unwrap_or_else(|_| panic!("not in time: {what}"));
    }

    /// A page of the admin listener, asked for without the token: status, media type and text.
    pub(crate) async fn get(&self, path: &str) -> (u16, String, String) {
        let address = self.service.as_ref().unwrap().admin_address();
        let answer = reqwest::get(format!("http://{address}{path}")).await.unwrap();
        let media_type = answer.headers().get("content-type").map(|own| own.to_str().unwrap().to_owned());
        (answer.status().as_u16(), media_type.unwrap_or_default(), answer.text().await.unwrap())
    }

    pub(crate) async fn finish(mut self) {
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
