//! The bridge at a clinic: the whole service, as `vetbridge run` starts it.

use std::path::Path;
use std::time::Duration;

use vetbridge::clock::Clock;
use vetbridge::config;
use vetbridge::http_clients::Network;
use vetbridge::ids::PracticeId;
use vetbridge::service::Service;

use crate::clinic::{Clinic, PRACTICE, PRACTICE_KEY};
use crate::configuration::servers_at;

/// How the bridge hears of bookings.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hears {
    /// By a poll each 100 ms, the shortest interval there is.
    ByPolls,
    /// By webhooks alone: no other poll comes in time.
    ByWebhooks,
}

/// Starts the bridge; returns when all is in step.
pub(crate) async fn start(clinic: &Clinic, state: &Path, hears: Hears, calls_a_second: u32) -> Service {
    let (webhooks, interval) = match hears {
        Hears::ByPolls => ("", "100ms"),
        Hears::ByWebhooks => {
            let table = "[webhooks]\nlisten = \"127.0.0.1:0\"\npublic_url = \"https://bridge.example\"\n\
                         secret = \"s3cret\"\ntrusted_proxies = [\"127.0.0.1\"]\n";
            (table, "5m")
        }
    };
    let limit = format!("max_requests_per_second = {calls_a_second}\n");
    let text = format!(
        "{}[state]\npath = \"{}\"\n[admin]\nlisten = \"127.0.0.1:0\"\n{webhooks}[sync]\nhorizon_days = 40\n\
         request_interval = \"{interval}\"\nidle_request_interval = \"{interval}\"\n[[practice]]\n\
         id = \"{PRACTICE}\"\nkey = \"{PRACTICE_KEY}\"\nlocations = [98]\n[practice.live_hours]\n\
         public_holidays = [\"00:00-24:00\"]\n",
        servers_at(clinic.openvpms_port, clinic.healthengine_port, &limit),
        state.join("state").display()
    );
    let no_environment = |_: &str| Err(std::env::VarError::NotPresent);
    let config = config::parse(&state.join("vetbridge.toml"), &text, &no_environment).unwrap();
    let service = Service::start(&config, &Network::new(&config).unwrap(), Clock::system()).await.unwrap();
    if let Some(listener) = service.webhook_address() {
        clinic.deliver_webhooks(listener);
        let practice = PracticeId(PRACTICE.to_owned());
        while clinic.healthengine.subscriptions(&practice).unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let ready = format!("http://{}/readyz", service.admin_address());
    while !reqwest::get(&ready).await.is_ok_and(|answer| answer.status() == 200) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    service
}
