//! From settings to handles: the only place that makes HTTP clients.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use crate::alerts::channels::{AlertChannels, Receiver, Way};
use crate::alerts::mail::Mailer;
use crate::alerts::web_address::WebAddress;
use crate::bridge::Connect;
use crate::clock::Clock;
use crate::config::certificate::CaFile;
use crate::config::proxy::Proxy;
use crate::config::{
    self, AlertSettings, Config, HealthengineSettings, OpenVpmsSettings, PracticeSettings, Secret, SecretUrl,
    WebhookSettings,
};
use crate::healthengine::HealthengineHandle;
use crate::healthengine::client::{HealthengineClient, credentials};
use crate::http::base_url::BaseUrl;
use crate::http::network::{Credentials, Server, ServerSettings};
use crate::http::penalty::Penalties;
use crate::http::{Lane, Transport};
use crate::ids::PracticeId;
use crate::messages::alerts as say;
use crate::metrics::calls::CallMetrics;
use crate::openvpms::client::OpenVpmsClient;
use crate::openvpms::{OpenVpmsReader, OpenVpmsWriter};
use crate::practice::OpenVpmsClients;

/// How vetbridge introduces itself to OpenVPMS. Healthengine prescribes its own form.
const USER_AGENT: &str = concat!("vetbridge/", env!("CARGO_PKG_VERSION"));
/// What a receiver of alerts may answer; it is not looked at.
const ALERT_ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Healthengine waits as long for an answer to a webhook.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// Asks OpenVPMS, and changes nothing. An error means that the settings cannot work (such as a
/// `ca_file` that holds no certificate); nothing is sent yet.
pub fn openvpms(settings: &OpenVpmsSettings) -> anyhow::Result<OpenVpmsReader> {
    Ok(openvpms_with_server(settings)?.0)
}

/// Both ways that read, apart from any that writes, with what is to be known of the server itself.
pub struct OpenVpmsReaders {
    /// For those who wait.
    pub interactive: OpenVpmsReader,
    /// For everything else.
    pub background: OpenVpmsReader,
    /// The server, with the rate limit that all ways to it share.
    pub server: Arc<Server>,
}

/// The ways that read. An error means that the settings cannot work.
pub fn openvpms_readers(settings: &OpenVpmsSettings, metrics: &CallMetrics) -> anyhow::Result<OpenVpmsReaders> {
    let server = openvpms_server(settings, None)?;
    let client = openvpms_client(&server, settings, metrics)?;
    let interactive = Arc::new(client.with_lane(Lane::Interactive));
    Ok(OpenVpmsReaders { interactive, background: Arc::new(client), server })
}

/// A way that writes to a server that is read already. An error means that the settings cannot
/// work.
pub fn openvpms_writer(
    server: &Arc<Server>,
    settings: &OpenVpmsSettings,
    metrics: &CallMetrics,
) -> anyhow::Result<OpenVpmsWriter> {
    Ok(Arc::new(openvpms_client(server, settings, metrics)?))
}

/// The same, with what is to be known of the server itself.
pub fn openvpms_with_server(settings: &OpenVpmsSettings) -> anyhow::Result<(OpenVpmsReader, Arc<Server>)> {
    let server = openvpms_server(settings, None)?;
    Ok((Arc::new(openvpms_client(&server, settings, &CallMetrics::default())?), server))
}

/// A handle to Healthengine for one practice.
pub fn healthengine(
    settings: &HealthengineSettings,
    practice: &PracticeSettings,
) -> anyhow::Result<HealthengineHandle> {
    Ok(healthengine_with_server(settings, practice)?.0)
}

/// The same, with what is to be known of the server itself.
pub fn healthengine_with_server(
    settings: &HealthengineSettings,
    practice: &PracticeSettings,
) -> anyhow::Result<(HealthengineHandle, Arc<Server>)> {
    let server = healthengine_server(settings, None)?;
    Ok((handle(&server, settings, &practice.id, &practice.key, &CallMetrics::default())?, server))
}

/// The webhook listener as it is reached by its public URL, without any credentials.
pub fn webhook_door(settings: &WebhookSettings) -> anyhow::Result<(Arc<dyn Transport>, Arc<Server>)> {
    let base_url = BaseUrl::parse(settings.public_url.as_str(), false).context("[webhooks] public_url")?;
    let mut own = ServerSettings::new(base_url, USER_AGENT);
    own.request_timeout = WEBHOOK_TIMEOUT;
    let server = Server::new(&own)?;
    Ok((server.transport(&Credentials::Headers(Vec::new()))?, server))
}

fn openvpms_server(settings: &OpenVpmsSettings, before: Option<&Server>) -> anyhow::Result<Arc<Server>> {
    let base_url = BaseUrl::parse(settings.url.as_str(), settings.allow_plain_http).context("[openvpms] url")?;
    let mut own = ServerSettings::new(base_url, USER_AGENT);
    own.max_requests_per_second = per_second(settings.max_requests_per_second);
    own.request_timeout = settings.request_timeout;
    own.ca_pem = settings.ca_file.as_ref().map(|file| file.pem().to_vec());
    own.proxy = settings.proxy.as_ref().map(Proxy::to_send);
    server(&own, before).context("[openvpms]")
}

fn openvpms_client(
    server: &Arc<Server>,
    settings: &OpenVpmsSettings,
    metrics: &CallMetrics,
) -> anyhow::Result<OpenVpmsClient> {
    let credentials = Credentials::Basic { username: settings.username.clone(), password: settings.password.to_send() };
    let transport = server.transport(&credentials).context("[openvpms]")?;
    Ok(OpenVpmsClient::new(transport).counted(metrics.clone()))
}

fn doors(server: &Arc<Server>, settings: &OpenVpmsSettings, metrics: &CallMetrics) -> anyhow::Result<OpenVpmsClients> {
    let client = openvpms_client(server, settings, metrics)?;
    let interactive = Arc::new(client.with_lane(Lane::Interactive));
    Ok(OpenVpmsClients { interactive, background: Arc::new(client.clone()), writer: Arc::new(client) })
}

fn healthengine_server(settings: &HealthengineSettings, before: Option<&Server>) -> anyhow::Result<Arc<Server>> {
    let base_url = BaseUrl::parse(settings.url.as_str(), false).context("[healthengine] url")?;
    let mut own = ServerSettings::new(base_url, settings.user_agent());
    own.max_requests_per_second = per_second(settings.max_requests_per_second);
    own.request_timeout = settings.request_timeout;
    own.proxy = settings.proxy.as_ref().map(Proxy::to_send);
    server(&own, before).context("[healthengine]")
}

fn handle(
    server: &Arc<Server>,
    settings: &HealthengineSettings,
    practice: &PracticeId,
    key: &Secret,
    metrics: &CallMetrics,
) -> anyhow::Result<HealthengineHandle> {
    let credentials = credentials(settings.api_key.to_send(), &practice.0, key.to_send());
    let transport = server.transport(&credentials).with_context(|| format!("practice {practice}"))?;
    Ok(Arc::new(HealthengineClient::new(transport, Clock::system()).counted(metrics.clone())))
}

/// The ways to people that `[alerts]` names. An error means that the settings cannot work.
///
/// Messages name this configuration file behind each command that they tell people to type, if the
/// command would not find it anywhere else.
pub fn alerts(settings: &AlertSettings, file: &Path) -> anyhow::Result<AlertChannels> {
    let ca_pem = settings.ca_file.as_ref().map(CaFile::pem);
    let web = |url: &SecretUrl| -> anyhow::Result<WebAddress> {
        let base_url = BaseUrl::parse(url.server(), false)?;
        let mut own = ServerSettings::new(base_url, USER_AGENT);
        own.body_limit_bytes = ALERT_ANSWER_BYTES_MAX;
        own.ca_pem = ca_pem.map(<[u8]>::to_vec);
        own.proxy = settings.proxy.as_ref().map(Proxy::to_send);
        let server = Server::new(&own)?;
        let transport = server.transport(&Credentials::Headers(Vec::new()))?;
        Ok(WebAddress::new(transport, url.path()).that_shows(server.shown_certificates()))
    };
    let mut receivers = Vec::new();
    if let Some(url) = &settings.webhook {
        let way = Way::Webhook(web(url).context(say::WEBHOOK)?);
        receivers.push(Receiver { place: say::WEBHOOK.to_owned(), way });
    }
    if let Some(email) = &settings.email {
        let mailers = Mailer::for_each(email, ca_pem).context("[alerts.email]")?;
        let receiver =
            |mailer: Mailer| Receiver { place: say::mail_to(&mailer.to()), way: Way::Mail(Box::new(mailer)) };
        receivers.extend(mailers.into_iter().map(receiver));
    }
    let heartbeat = settings.heartbeat.as_ref().map(|url| web(url).context(say::HEARTBEAT));
    let heartbeat = heartbeat.transpose()?.map(|address| (address, settings.heartbeat_interval));
    let commands = config::commands_for(file);
    Ok(AlertChannels { after: settings.after, receivers, heartbeat, commands })
}

/// `before` is how the same system was reached until now.
fn server(settings: &ServerSettings, before: Option<&Server>) -> anyhow::Result<Arc<Server>> {
    Ok(match before {
        None => Server::new(settings)?,
        Some(before) => before.renewed(settings)?,
    })
}

fn per_second(requests: u32) -> NonZeroU32 {
    NonZeroU32::new(requests).unwrap_or(NonZeroU32::MIN)
}

/// Both systems over the network, as the configuration says. Rate limits are shared by all
/// practices.
pub struct Network {
    openvpms: OpenVpmsSide,
    healthengine: HealthengineSide,
    metrics: CallMetrics,
    alerts: Option<(AlertSettings, Arc<AlertChannels>)>,
}

struct OpenVpmsSide {
    settings: OpenVpmsSettings,
    server: Arc<Server>,
    doors: OpenVpmsClients,
}

struct HealthengineSide {
    settings: HealthengineSettings,
    server: Arc<Server>,
    handles: BTreeMap<PracticeId, (Secret, HealthengineHandle)>,
}

impl Network {
    /// Makes the clients; nothing is sent yet.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        Self::made(config, None)
    }

    /// The same for another configuration. What did not change is kept: connections, and above all
    /// the rate limits, of which a server must not meet two at once: these are kept while its
    /// address is the same.
    pub fn renewed(&self, config: &Config) -> anyhow::Result<Self> {
        Self::made(config, Some(self))
    }

    fn made(config: &Config, before: Option<&Self>) -> anyhow::Result<Self> {
        let metrics = before.map(|before| before.metrics.clone()).unwrap_or_default();
        let settings = config.openvpms.clone();
        let last = before.map(|before| &before.openvpms);
        let (server, doors) = match last.filter(|kept| kept.settings == settings) {
            Some(kept) => (Arc::clone(&kept.server), kept.doors.clone()),
            None => {
                let server = openvpms_server(&settings, last.map(|last| &*last.server))?;
                let doors = doors(&server, &settings, &metrics)?;
                (server, doors)
            }
        };
        let openvpms = OpenVpmsSide { settings, server, doors };

        let settings = config.healthengine.clone();
        let last = before.map(|before| &before.healthengine);
        let kept = last.filter(|kept| kept.settings == settings);
        let server = match kept {
            Some(kept) => Arc::clone(&kept.server),
            None => healthengine_server(&settings, last.map(|last| &*last.server))?,
        };
        let mut handles = BTreeMap::new();
        // One that is gone from the file may still be leaving, and does so with the key that it
        // had.
        let gone = before.into_iter().flat_map(|before| before.healthengine.handles.iter());
        let gone = gone.filter(|(id, _)| config.practices.iter().all(|practice| practice.id != **id));
        let all = config.practices.iter().map(|practice| (&practice.id, &practice.key));
        for (id, key) in all.chain(gone.map(|(id, (key, _))| (id, key))) {
            let kept = kept.and_then(|kept| kept.handles.get(id)).filter(|(kept_key, _)| kept_key == key);
            let made = match kept {
                Some((_, handle)) => Arc::clone(handle),
                None => handle(&server, &settings, id, key, &metrics)?,
            };
            handles.insert(id.clone(), (key.clone(), made));
        }
        let kept = before.and_then(|before| before.alerts.as_ref());
        let alerts = match (&config.alerts, kept) {
            (None, _) => None,
            (Some(settings), Some(kept)) if kept.0 == *settings => Some(kept.clone()),
            (Some(settings), _) => Some((settings.clone(), Arc::new(alerts(settings, &config.source)?))),
        };
        Ok(Self { openvpms, healthengine: HealthengineSide { settings, server, handles }, metrics, alerts })
    }
}

impl Connect for Network {
    fn openvpms(&self) -> OpenVpmsClients {
        self.openvpms.doors.clone()
    }

    fn healthengine(&self, practice: &PracticeSettings) -> Option<HealthengineHandle> {
        self.healthengine.handles.get(&practice.id).map(|(_, handle)| Arc::clone(handle))
    }

    fn alerts(&self) -> Option<Arc<AlertChannels>> {
        self.alerts.as_ref().map(|(_, channels)| Arc::clone(channels))
    }

    fn penalties(&self) -> Penalties {
        Penalties {
            openvpms: Arc::clone(self.openvpms.server.penalty()),
            healthengine: Arc::clone(self.healthengine.server.penalty()),
        }
    }

    fn call_metrics(&self) -> CallMetrics {
        self.metrics.clone()
    }
}
