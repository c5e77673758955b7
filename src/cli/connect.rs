//! From settings to handles: the only place of the command line that makes HTTP clients.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use crate::bridge::Connect;
use crate::clock::Clock;
use crate::config::{Config, Healthengine, OpenVpms, Practice};
use crate::healthengine::HealthengineHandle;
use crate::healthengine::client::{Client as HealthengineClient, credentials};
use crate::http::Lane;
use crate::http::base_url::BaseUrl;
use crate::http::network::{Credentials, Server, ServerSettings};
use crate::openvpms::OpenVpmsHandle;
use crate::openvpms::client::Client as OpenVpmsClient;
use crate::practice::Doors;

/// How vetbridge introduces itself to OpenVPMS. Healthengine prescribes its own form.
const USER_AGENT: &str = concat!("vetbridge/", env!("CARGO_PKG_VERSION"));

/// A handle to OpenVPMS. An error means that the settings cannot work (such as a `ca_file` that holds no certificate); nothing
/// is sent yet.
pub fn openvpms(settings: &OpenVpms) -> anyhow::Result<OpenVpmsHandle> {
    Ok(doors(settings)?.background)
}

/// A handle to Healthengine for one practice.
pub fn healthengine(settings: &Healthengine, practice: &Practice) -> anyhow::Result<HealthengineHandle> {
    handle(&healthengine_server(settings)?, settings, practice)
}

fn doors(settings: &OpenVpms) -> anyhow::Result<Doors> {
    let base_url = BaseUrl::parse(settings.url.as_str(), settings.allow_plain_http).context("[openvpms] url")?;
    let ca_pem = match &settings.ca_file {
        Some(file) => Some(std::fs::read(file).with_context(|| format!("[openvpms] ca_file {}", file.display()))?),
        None => None,
    };
    let server =
        server(base_url, USER_AGENT.to_owned(), settings.max_requests_per_second, settings.request_timeout, ca_pem);
    let server = server.context("[openvpms]")?;
    let credentials = Credentials::Basic { username: settings.username.clone(), password: settings.password.clone() };
    let client = OpenVpmsClient::new(server.transport(&credentials).context("[openvpms]")?);
    Ok(Doors { desk: Arc::new(client.with_lane(Lane::Desk)), background: Arc::new(client) })
}

fn healthengine_server(settings: &Healthengine) -> anyhow::Result<Arc<Server>> {
    let base_url = BaseUrl::parse(settings.url.as_str(), false).context("[healthengine] url")?;
    server(base_url, settings.user_agent(), settings.max_requests_per_second, settings.request_timeout, None)
        .context("[healthengine]")
}

fn handle(server: &Arc<Server>, settings: &Healthengine, practice: &Practice) -> anyhow::Result<HealthengineHandle> {
    let credentials = credentials(settings.api_key.clone(), &practice.id.0, practice.key.clone());
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
    openvpms: Doors,
    healthengine: std::collections::BTreeMap<crate::ids::PracticeId, HealthengineHandle>,
}

impl Network {
    /// Makes the clients; nothing is sent yet.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let server = healthengine_server(&config.healthengine)?;
        let handle = |practice: &Practice| Ok((practice.id.clone(), handle(&server, &config.healthengine, practice)?));
        let healthengine = config.practices.iter().map(handle).collect::<anyhow::Result<_>>()?;
        Ok(Self { openvpms: doors(&config.openvpms)?, healthengine })
    }
}

impl Connect for Network {
    fn openvpms(&self) -> Doors {
        self.openvpms.clone()
    }

    fn healthengine(&self, practice: &Practice) -> Option<HealthengineHandle> {
        self.healthengine.get(&practice.id).cloned()
    }
}
