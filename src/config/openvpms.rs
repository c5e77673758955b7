//! `[openvpms]`: how to reach the practice system.

use std::time::Duration;

use reqwest::Url;

use super::Secret;
use super::certificate::{self, CaFile};
use super::proxy::{self, Proxy};
use super::request_limits::{self, REQUEST_TIMEOUT};
use super::secret::Surroundings;
use super::toml_reader::{Table, Value};
use super::values::{interval, is_readable_on_the_way, url, username};
use crate::messages::config_file as say;

/// How to reach OpenVPMS.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenVpmsSettings {
    /// The web application; the client appends `/ws/booking/v2`. http or https, no user, query or
    /// fragment. A path may end with a slash or not, as in the file.
    pub url: Url,
    /// The user with the role Online Booking. No colon in it (HTTP Basic has no room for one).
    pub username: String,
    /// Their password.
    pub password: Secret,
    /// A private certificate authority (PEM).
    pub ca_file: Option<CaFile>,
    /// The proxy that leads there.
    pub proxy: Option<Proxy>,
    /// True if http is allowed to hosts that are neither loopback nor private addresses.
    pub allow_plain_http: bool,
    /// 1 to 1000.
    pub max_requests_per_second: u32,
    /// How long one call may take, at least 100 ms.
    pub request_timeout: Duration,
}

/// Reads the address alone, which nothing is sent to. `None`: wrong and reported.
pub(super) fn read_url(root: &Table<'_>) -> Option<Url> {
    root.required_table("openvpms")?.required("url", url(&["http", "https"]))
}

/// Reads the section, which must be there. `None`: wrong and reported.
pub(super) fn read(root: &Table<'_>, around: &Surroundings<'_>) -> Option<OpenVpmsSettings> {
    let table = root.required_table("openvpms")?;
    let allow_plain_http = table.or("allow_plain_http", false, Value::flag);
    let url = table.required("url", |value| {
        let url = url(&["http", "https"])(value)?;
        let refused = is_readable_on_the_way(&url) && allow_plain_http == Some(false);
        if refused { value.fail(say::plain_http(true)) } else { Some(url) }
    });
    let username = table.required("username", username);
    let password = table.required("password", |value| around.secret(value));
    let ca_file = table.optional("ca_file", |value| certificate::read(value, around));
    let proxy = table.optional("proxy", |value| proxy::read(value, around));
    let max_requests_per_second = request_limits::per_second(&table);
    let request_timeout = table.or("request_timeout", REQUEST_TIMEOUT, interval);
    table.finish();
    Some(OpenVpmsSettings {
        url: url?,
        username: username?,
        password: password?,
        ca_file: ca_file?,
        proxy: proxy?,
        allow_plain_http: allow_plain_http?,
        max_requests_per_second: max_requests_per_second?,
        request_timeout: request_timeout?,
    })
}
