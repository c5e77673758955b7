//! The door: bytes in, bytes out. Checks who asks and in what form, finds the handler, keeps the
//! record.
//!
//! Order of the checks: path and method exist (404, 405), api-key (401), practice id, key and
//! consent (403), `User-Agent` (400), body within bounds, its encoding, type and syntax (413, 400).
//! What the real server checks first is not documented.

use std::io::Read;

use chrono::{DateTime, Utc};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::model::HealthengineModel;
use super::record::LoggedExchange;
use super::routes;
use super::settings::{AbsentForm, ModelSettings};
use super::state::{ModelState, PracticeAccount};
use super::visit::{HandlerOutcome, HandlerRefusal, HandlerReply, Visit};
use crate::ids::PracticeId;
use crate::simulator::exchange::{ArrivedRequest, Model, SentAnswer};

/// Where the API stands below the server's root.
pub const BASE_PATH: &str = "/pms-api/v1";

impl Model for HealthengineModel {
    fn answer(&self, asked: &ArrivedRequest) -> SentAnswer {
        self.with(|state, now| state.answer(asked, now))
    }
}

impl ModelState {
    fn answer(&mut self, asked: &ArrivedRequest, now: DateTime<Utc>) -> SentAnswer {
        let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
        let below_base = path.strip_prefix(BASE_PATH).and_then(|path| path.strip_prefix('/'));
        let route = below_base.map_or(Err(404), |path| routes::find(&asked.method, path));
        let mut notes = Vec::new();
        let outcome = match &route {
            Ok((route, params)) => self.carry_out(asked, now, route.handler, params.clone(), query, &mut notes),
            Err(status) => Err(HandlerRefusal::mistake(*status, "no such operation")),
        };

        let (status, body) = match outcome {
            Ok(HandlerReply { status, body, verbatim: true }) => (status, body),
            Ok(HandlerReply { status, body, verbatim: false }) => {
                (status, body.map(|body| dressed(body, &self.settings)))
            }
            Err(refusal) => {
                let body = refusal.body();
                if refusal.violation {
                    notes.push(format!("{}: {}", refusal.status, refusal.error));
                }
                (refusal.status, body)
            }
        };
        let exchange = LoggedExchange {
            at: now,
            method: asked.method.clone(),
            path: below_base.unwrap_or(path).to_owned(),
            status,
            practice: header(asked, "practice-id").map(ToOwned::to_owned),
        };
        for note in notes {
            self.record.violation(&exchange, note);
        }
        let counted = route.map_or_else(|_| format!("{} unknown", asked.method), |(route, _)| route.name());
        self.record.exchange(exchange, &counted);
        answered(status, body, now)
    }

    fn carry_out(
        &mut self,
        asked: &ArrivedRequest,
        now: DateTime<Utc>,
        handler: routes::Handler,
        params: Vec<String>,
        query: &str,
        notes: &mut Vec<String>,
    ) -> HandlerOutcome {
        let claimed = header(asked, "practice-id");
        let known = claimed.and_then(|id| self.practices.get_mut(&PracticeId(id.to_owned())));
        if known.as_ref().is_some_and(|practice| practice.silence_expected) {
            notes.push("a call for a practice whose integration is off".to_owned());
        }
        let practice = match admit(asked, &self.settings.api_key, known) {
            Ok(practice) => practice,
            Err(refusal) => {
                let call = format!("{} {} {}", claimed.unwrap_or_default(), asked.method, asked.target);
                if self.record.refused_too_often(call, now, self.settings.refused_calls_max_per_minute) {
                    notes.push(format!("asks in a loop although it is answered {}", refusal.status));
                }
                return Err(refusal);
            }
        };
        check_user_agent(header(asked, "user-agent").unwrap_or_default())?;
        let body = read_body(asked, self.settings.body_bytes_max)?;
        let query = read_query(query);
        handler(&mut Visit { now, practice, ids: &mut self.ids, settings: &self.settings, params, query, body, notes })
    }
}

/// The credentials. Being refused is no violation: keys are mistyped and consent is revoked; not
/// stopping is one.
fn admit<'a>(
    asked: &ArrivedRequest,
    api_key: &str,
    known: Option<&'a mut PracticeAccount>,
) -> Result<&'a mut PracticeAccount, HandlerRefusal> {
    if header(asked, "api-key") != Some(api_key) {
        return Err(HandlerRefusal::fair(401, "unknown api-key"));
    }
    known
        .filter(|practice| practice.consent && header(asked, "practice-key") == Some(&practice.key))
        .ok_or_else(|| HandlerRefusal::fair(403, "no consent of this practice for this consumer"))
}

fn header<'a>(asked: &'a ArrivedRequest, name: &str) -> Option<&'a str> {
    asked.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
}

/// `APP_VENDOR_NAME (APP_VENDOR_EMAIL) APP_ENVIRONMENT`, as the quick start wants it ("ideally";
/// here always).
fn check_user_agent(agent: &str) -> Result<(), HandlerRefusal> {
    let fits = agent.rsplit_once(") ").and_then(|(start, environment)| {
        let (vendor, contact) = start.split_once(" (")?;
        let (name, host) = contact.split_once('@')?;
        let fits = !vendor.trim().is_empty() && !name.is_empty() && host.contains('.') && !contact.contains(' ');
        (fits && ["DEV", "UAT", "PROD"].contains(&environment)).then_some(())
    });
    fits.ok_or_else(|| HandlerRefusal::mistake(400, "User-Agent must be: vendor (email) DEV, UAT or PROD"))
}

/// The JSON of a body that is not empty.
fn read_body(asked: &ArrivedRequest, limit: usize) -> Result<Option<Value>, HandlerRefusal> {
    if asked.body.is_empty() {
        return Ok(None);
    }
    if asked.method == "GET" {
        return Err(HandlerRefusal::mistake(400, "a GET has no body"));
    }
    let bytes = match header(asked, "content-encoding") {
        None | Some("identity") => asked.body.clone(),
        Some("gzip") => {
            let mut bytes = Vec::new();
            let mut plain = flate2::read::GzDecoder::new(asked.body.as_slice()).take(limit as u64 + 1);
            plain.read_to_end(&mut bytes).map_err(|_| HandlerRefusal::mistake(400, "the body is not gzip"))?;
            bytes
        }
        Some(_) => return Err(HandlerRefusal::mistake(400, "Content-Encoding must be gzip")),
    };
    if bytes.len() > limit {
        return Err(HandlerRefusal::mistake(413, "the body is too large"));
    }
    let kind = header(asked, "content-type").unwrap_or_default();
    if !kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        return Err(HandlerRefusal::mistake(400, "Content-Type must be application/json"));
    }
    // The parser's own message could quote the body.
    serde_json::from_slice(&bytes).map(Some).map_err(|error| {
        HandlerRefusal::mistake(400, format!("the body is not JSON (line {}, column {})", error.line(), error.column()))
    })
}

fn read_query(query: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

/// An answer as later editions could write it, or without its nulls, as the settings say.
fn dressed(value: Value, settings: &ModelSettings) -> Value {
    match value {
        Value::Array(list) => list.into_iter().map(|value| dressed(value, settings)).collect(),
        Value::Object(map) => {
            let kept = map.into_iter().filter(|(_, value)| settings.absent == AbsentForm::Null || !value.is_null());
            let mut map: Map<String, Value> = kept.map(|(name, value)| (name, dressed(value, settings))).collect();
            if settings.extra_fields {
                map.insert("addedLater".to_owned(), json!({ "list": [1, null, "two"] }));
            }
            Value::Object(map)
        }
        plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => plain,
    }
}

fn answered(status: u16, body: Option<Value>, now: DateTime<Utc>) -> SentAnswer {
    let mut headers = vec![("date".to_owned(), now.format("%a, %d %b %Y %H:%M:%S GMT").to_string())];
    if body.is_some() {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    SentAnswer { status, headers, body: body.map(|body| body.to_string().into_bytes()).unwrap_or_default() }
}
