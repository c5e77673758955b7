//! `[healthengine]`: how to reach the marketplace, and as whom.

use std::time::Duration;

use reqwest::Url;

use super::Secret;
use super::proxy::{self, Proxy};
use super::request_limits::{self, REQUEST_TIMEOUT};
use super::secret::Surroundings;
use super::toml_reader::{Table, Value};
use super::values::{interval, is_readable_on_the_way, url, user_agent_contact, user_agent_words};
use crate::messages::config_file as say;

/// The URL of the PMS API in production.
const URL: &str = "https://healthengine.com.au/pms-api/v1";

/// How to reach Healthengine; what all practices share.
#[derive(Debug, Clone, PartialEq)]
pub struct HealthengineSettings {
    /// The base URL of the PMS API, with its version.
    pub url: Url,
    /// The proxy that leads there.
    pub proxy: Option<Proxy>,
    /// The key of us, the API consumer.
    pub api_key: Secret,
    /// Who we are, for `User-Agent`. Printable ASCII without brackets.
    pub vendor: String,
    /// Whom Healthengine can write to about it. Printable ASCII without brackets.
    pub contact: String,
    /// Which of Healthengine's environments this is.
    pub environment: Environment,
    /// 1 to 1000.
    pub max_requests_per_second: u32,
    /// How long one call may take, at least 100 ms.
    pub request_timeout: Duration,
}

impl HealthengineSettings {
    /// What the API asks every consumer to say of itself: `vendor (contact) environment`.
    pub fn user_agent(&self) -> String {
        format!("{} ({}) {}", self.vendor, self.contact, self.environment.name())
    }
}

impl HealthengineSettings {
    /// Of the built-in Healthengine, which is asked in memory: the address leads nowhere.
    pub(super) fn built_in() -> Option<Self> {
        Some(Self {
            url: Url::parse("http://built-in.invalid/").ok()?,
            proxy: None,
            api_key: "rehearsal".into(),
            vendor: "vetbridge rehearsal".to_owned(),
            contact: "nobody@example.com".to_owned(),
            environment: Environment::Dev,
            max_requests_per_second: 1000,
            request_timeout: REQUEST_TIMEOUT,
        })
    }
}

/// An environment of Healthengine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// Development.
    Dev,
    /// User acceptance tests.
    Uat,
    /// Production.
    Prod,
}

impl Environment {
    /// As configured and as sent.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dev => "DEV",
            Self::Uat => "UAT",
            Self::Prod => "PROD",
        }
    }
}

/// Reads the section, which must be there. `None`: wrong and reported.
pub(super) fn read(root: &Table<'_>, around: &Surroundings<'_>) -> Option<HealthengineSettings> {
    let table = root.required_table("healthengine")?;
    let default_url = Url::parse(URL).ok()?;
    let url = table.or("url", default_url, |value| {
        let url = url(&["http", "https"])(value)?;
        if is_readable_on_the_way(&url) { value.fail(say::plain_http(false)) } else { Some(url) }
    });
    let proxy = table.optional("proxy", |value| proxy::read(value, around));
    let api_key = table.required("api_key", |value| around.header_secret(value));
    let vendor = table.required("vendor", user_agent_words);
    let contact = table.required("contact", user_agent_contact);
    let environment = table.required("environment", environment);
    let max_requests_per_second = request_limits::per_second(&table);
    let request_timeout = table.or("request_timeout", REQUEST_TIMEOUT, interval);
    table.finish();
    Some(HealthengineSettings {
        url: url?,
        proxy: proxy?,
        api_key: api_key?,
        vendor: vendor?,
        contact: contact?,
        environment: environment?,
        max_requests_per_second: max_requests_per_second?,
        request_timeout: request_timeout?,
    })
}

fn environment(value: &Value<'_>) -> Option<Environment> {
    let text = value.text()?;
    let all = [Environment::Dev, Environment::Uat, Environment::Prod];
    let found = all.into_iter().find(|own| own.name() == text);
    found.or_else(|| value.fail(say::one_of_the_environments(text)))
}
