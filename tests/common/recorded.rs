//! The exchanges recorded with a real OpenVPMS 2.1 booking server, and the clinic they were made in.
//!
//! Included by path (`#[path = "common/recorded.rs"] mod recorded;`), so that each test binary takes what it needs.
#![allow(clippy::unwrap_used, reason = "a fixture that cannot be read fails the test")]
#![allow(dead_code, unreachable_pub, reason = "included by several tests, none of which needs all of it")]

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

const TEXT: &str = include_str!("../../fixtures/openvpms-recorded.jsonl");

/// The path that `path` of a request stands below.
pub const BASE: &str = "/openvpms/ws/booking/v2";

/// The clinic's line: `{"world": …}`.
pub fn clinic() -> &'static str {
    TEXT.lines().next().unwrap()
}

/// All exchanges, in order; each builds on those before it.
pub fn exchanges() -> Vec<Exchange> {
    TEXT.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// What it shows.
    pub name: String,
    /// Which server answered.
    pub server: String,
    /// What staff did just before.
    #[serde(default)]
    pub before: Vec<Before>,
    pub request: Request,
    pub response: Response,
    /// What the diary then held.
    pub stored: Option<Stored>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Before {
    pub staff: String,
    pub id: Option<i64>,
    pub status: Option<String>,
    pub start: Option<String>,
    pub end: Option<String>,
    pub start_time: Option<String>,
    pub end_time: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub method: String,
    /// Below [`BASE`].
    path: Option<String>,
    path_from_root: Option<String>,
    body: Option<Value>,
    body_base64: Option<String>,
    /// Only where they matter; null for one that is left out.
    #[serde(default)]
    pub headers: BTreeMap<String, Option<String>>,
    /// Only where it was not the right one.
    pub authorization: Option<String>,
}

impl Request {
    /// Path and query from the server's root.
    pub fn target(&self) -> String {
        let below = self.path.as_ref().map(|path| format!("{BASE}{path}"));
        below.or_else(|| self.path_from_root.clone()).unwrap()
    }

    /// The bytes of the body, if there was one.
    pub fn body(&self) -> Option<Vec<u8>> {
        if let Some(text) = &self.body_base64 {
            return Some(STANDARD.decode(text).unwrap());
        }
        let mut body = self.body.clone()?;
        if let Some(text) = body.as_str() {
            return Some(text.as_bytes().to_vec());
        }
        if body.get("notes").is_some_and(|notes| notes == "x repeated 3000000 times") {
            body["notes"] = "x".repeat(3_000_000).into();
        }
        Some(body.to_string().into_bytes())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Response {
    pub status: u16,
    pub content_type: Option<String>,
    /// JSON as such, anything else as text (HTML is cut after 200 characters).
    pub body: Option<Value>,
    pub connection: Option<String>,
    pub location: Option<String>,
    pub www_authenticate: Option<String>,
    pub allow: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Stored {
    pub status: String,
    pub start: String,
    pub end: String,
    pub customer: Option<i64>,
    pub patient: Option<i64>,
    pub clinician: Option<i64>,
    pub appointment_type: i64,
    pub booking_notes: Option<String>,
}
