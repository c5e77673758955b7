//! Webhooks at the clinic of the tests: Healthengine delivers them to the bridge's own listener,
//! without a socket in between.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use tokio_util::sync::{CancellationToken, DropGuard};
use tower_service::Service as _;
use vetbridge::bridge::Bridge;
use vetbridge::config;
use vetbridge::server::Peer;
use vetbridge::server::webhooks::Webhooks;
use vetbridge::simulator::healthengine::{Courier, Delivered, HealthengineModel, HeldSubscription};

use super::{Clinic, practice};

/// What no log may hold.
pub(crate) const SECRET: &str = "s3cret-of-the-webhooks";
/// One of Healthengine's own addresses.
const SENDER: &str = "13.55.48.1";

/// Where deliveries arrive: at the listener of the process that runs, if one does.
#[derive(Clone, Default)]
pub(crate) struct Door {
    open: Arc<Mutex<Option<Webhooks>>>,
    fault: Arc<Mutex<Option<Delivered>>>,
    /// What was answered, in order.
    answers: Arc<Mutex<Vec<Delivered>>>,
}

impl Door {
    /// Opens it for a process, if its configuration has a listener.
    pub(super) fn open(&self, config: Option<&config::WebhookSettings>, bridge: &Arc<Bridge>) {
        let bridge = Arc::clone(bridge);
        let webhooks = config.map(|config| Webhooks::new(config, move |hint| bridge.webhook(&hint)));
        *self.open.lock().unwrap() = webhooks;
    }

    /// The process that it leads to was told other settings.
    pub(super) fn reconfigure(&self, config: Option<&config::WebhookSettings>) {
        if let (Some(webhooks), Some(config)) = (self.open.lock().unwrap().as_ref(), config) {
            webhooks.reconfigure(config);
        }
    }

    /// Closes it.
    pub(super) fn close(&self) {
        *self.open.lock().unwrap() = None;
    }

    /// From here on deliveries end like this on the way, until `None` is said.
    pub(crate) fn fail(&self, with: Option<Delivered>) {
        *self.fault.lock().unwrap() = with;
    }

    /// How the deliveries so far ended.
    pub(crate) fn answers(&self) -> Vec<Delivered> {
        self.answers.lock().unwrap().clone()
    }

    async fn carry(&self, callback_url: &str, body: Vec<u8>) -> Delivered {
        let fault = *self.fault.lock().unwrap();
        match fault {
            Some(Delivered::TimedOut) => return std::future::pending().await,
            Some(fault) => return fault,
            None => {}
        }
        let Some(webhooks) = self.open.lock().unwrap().clone() else { return Delivered::Refused };
        let mut router: Router = webhooks.router();
        let path = callback_url.strip_prefix("https://").and_then(|rest| rest.find('/').map(|at| &rest[at..])).unwrap();
        let mut request = Request::builder().method("POST").uri(path).body(Body::from(body)).unwrap();
        request.extensions_mut().insert(Peer(SENDER.parse::<IpAddr>().unwrap()));
        Delivered::Answered(router.call(request).await.unwrap().status().as_u16())
    }
}

#[async_trait]
impl Courier for Door {
    async fn post(&self, callback_url: &str, body: Vec<u8>) -> Delivered {
        let delivered = self.carry(callback_url, body).await;
        self.answers.lock().unwrap().push(delivered);
        delivered
    }
}

/// Healthengine delivers until this is dropped.
pub(super) fn deliver(healthengine: &HealthengineModel, door: &Door) -> DropGuard {
    let (healthengine, door, stop) = (healthengine.clone(), Arc::new(door.clone()), CancellationToken::new());
    let stopped = stop.clone();
    tokio::spawn(async move { healthengine.deliver_webhooks(door, stopped).await });
    stop.drop_guard()
}

/// `[webhooks]` at this address.
pub(crate) fn settings(public_url: &str, secret: &str) -> config::WebhookSettings {
    config::WebhookSettings {
        listen: "127.0.0.1:8687".parse().unwrap(),
        public_url: public_url.parse().unwrap(),
        secret: secret.to_owned().into(),
        allowed_ips: vec![SENDER.parse().unwrap()],
        trusted_proxies: Vec::new(),
    }
}

impl Clinic {
    /// With a listener for webhooks from the next start on. Healthengine delivers from here on.
    pub(crate) fn with_webhooks(mut self) -> Self {
        self.config.webhooks = Some(settings("https://bridge.example/some/path", SECRET));
        self.deliveries = Some(deliver(&self.healthengine, &self.door));
        self
    }

    /// The standing subscriptions of a practice.
    pub(crate) fn subscriptions_of(&self, id: &str) -> Vec<(String, HeldSubscription)> {
        self.healthengine.subscriptions(&practice(id)).unwrap()
    }
}
