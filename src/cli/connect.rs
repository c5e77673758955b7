//! From settings to handles: the only place of the command line that makes HTTP clients.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use crate::bridge::Connect;
use crate::clock::Clock;
use crate::config::{Config, Healthengine, OpenVpms, Practice, Secret};
use crate::healthengine::HealthengineHandle;
use crate::healthengine::client::{Client as HealthengineClient, credentials};
use crate::http::Lane;
use crate::http::base_url::BaseUrl;
use crate::http::network::{Credentials, Server, ServerSettings};
use crate::ids::PracticeId;
use crate::openvpms::OpenVpmsHandle;
use crate::openvpms::client::Client as OpenVpmsClient;
use crate::practice::Doors;

/// How vetbridge introduces itself to OpenVPMS. Healthengine prescribes its own form.
const USER_AGENT: &str = concat!("vetbridge/", env!("CARGO_PKG_VERSION"));

/// A handle to OpenVPMS. An error means that the settings cannot work (such as a `ca_file` that holds no certificate); nothing
/// is sent yet.
pub fn openvpms(settings: &OpenVpms) -> anyhow::Result<OpenVpmsHandle> {
    Ok(doors(settings, ca_pem(settings)?)?.background)
}

/// A handle to Healthengine for one practice.
pub fn healthengine(settings: &Healthengine, practice: &Practice) -> anyhow::Result<HealthengineHandle> {
    handle(&healthengine_server(settings)?, settings, practice)
}

fn doors(settings: &OpenVpms, ca_pem: Option<Vec<u8>>) -> anyhow::Result<Doors> {
    let base_url = BaseUrl::parse(settings.url.as_str(), settings.allow_plain_http).context("[openvpms] url")?;
    let server =
        server(base_url, USER_AGENT.to_owned(), settings.max_requests_per_second, settings.request_timeout, ca_pem);
    let server = server.context("[openvpms]")?;
    let credentials = Credentials::Basic { username: settings.username.clone(), password: settings.password.to_send() };
    let client = OpenVpmsClient::new(server.transport(&credentials).context("[openvpms]")?);
    Ok(Doors { desk: Arc::new(client.with_lane(Lane::Desk)), background: Arc::new(client) })
}

/// The private certificate authority, if there is one. It is read again with every configuration.
fn ca_pem(settings: &OpenVpms) -> anyhow::Result<Option<Vec<u8>>> {
    let read = |file: &PathBuf| std::fs::read(file).with_context(|| format!("[openvpms] ca_file {}", file.display()));
    settings.ca_file.as_ref().map(read).transpose()
}

fn healthengine_server(settings: &Healthengine) -> anyhow::Result<Arc<Server>> {
    let base_url = BaseUrl::parse(settings.url.as_str(), false).context("[healthengine] url")?;
    server(base_url, settings.user_agent(), settings.max_requests_per_second, settings.request_timeout, None)
        .context("[healthengine]")
}

fn handle(server: &Arc<Server>, settings: &Healthengine, practice: &Practice) -> anyhow::Result<HealthengineHandle> {
    let credentials = credentials(settings.api_key.to_send(), &practice.id.0, practice.key.to_send());
    let transport = server.transport(&credentials).with_context(|| format!("practice {}", practice.id))?;
    Ok(Arc::new(HealthengineClient::new(transport, Clock::system())))
}

fn server(
    base_url: BaseUrl,
    user_agent: String,
    per_second: u32,
    timeout: Duration,
    ca_pem: Option<Vec<u8>>,
) -> anyhow::Result<Arc<Server>> {
    let mut settings = ServerSettings::new(base_url, user_agent);
    settings.max_requests_per_second = NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN);
    settings.request_timeout = timeout;
    settings.ca_pem = ca_pem;
    Ok(Server::new(&settings)?)
}

/// Both systems over the network, as the configuration says. Rate limits are shared by all practices.
pub struct Network {
    openvpms: OpenVpmsSide,
    healthengine: HealthengineSide,
}

struct OpenVpmsSide {
    settings: OpenVpms,
    ca_pem: Option<Vec<u8>>,
    doors: Doors,
}

struct HealthengineSide {
    settings: Healthengine,
    server: Arc<Server>,
    handles: BTreeMap<PracticeId, (Secret, HealthengineHandle)>,
}

impl Network {
    /// Makes the clients; nothing is sent yet.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        Self::made(config, None)
    }

    /// The same for another configuration. What did not change is kept: connections, and above all the rate limits, of which a
    /// server must not meet two at once.
    pub fn renewed(&self, config: &Config) -> anyhow::Result<Self> {
        Self::made(config, Some(self))
    }

    fn made(config: &Config, before: Option<&Self>) -> anyhow::Result<Self> {
        let (settings, ca_pem) = (config.openvpms.clone(), ca_pem(&config.openvpms)?);
        let kept = before.map(|before| &before.openvpms);
        let kept = kept.filter(|kept| kept.settings == settings && kept.ca_pem == ca_pem);
        let doors = kept.map_or_else(|| doors(&settings, ca_pem.clone()), |kept| Ok(kept.doors.clone()))?;
        let openvpms = OpenVpmsSide { settings, ca_pem, doors };

        let settings = config.healthengine.clone();
        let kept = before.map(|before| &before.healthengine).filter(|kept| kept.settings == settings);
        let server = kept.map_or_else(|| healthengine_server(&settings), |kept| Ok(Arc::clone(&kept.server)))?;
        let mut handles = BTreeMap::new();
        for practice in &config.practices {
            let kept = kept.and_then(|kept| kept.handles.get(&practice.id)).filter(|(key, _)| *key == practice.key);
            let made = match kept {
                Some((_, handle)) => Arc::clone(handle),
                None => handle(&server, &settings, practice)?,
            };
            handles.insert(practice.id.clone(), (practice.key.clone(), made));
        }
        Ok(Self { openvpms, healthengine: HealthengineSide { settings, server, handles } })
    }
}

impl Connect for Network {
    fn openvpms(&self) -> Doors {
        self.openvpms.doors.clone()
    }

    fn healthengine(&self, practice: &Practice) -> Option<HealthengineHandle> {
        self.healthengine.handles.get(&practice.id).map(|(_, handle)| Arc::clone(handle))
    }
}
