//! Requests to the admin listener: paths, queries, headers, JSON and forms.

#![no_main]

use std::path::Path;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, Request, Uri, header};
use chrono::{DateTime, Utc};
use http_body_util::BodyExt as _;
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};
use tower_service::Service as _;
use vetbridge::bridge::Bridge;
use vetbridge::clock::Clock;
use vetbridge::config;
use vetbridge::http_clients::Network;
use vetbridge::server::{Access, Admin, Gate};
use vetbridge::store::{Export, ExportHead, MemoryEngine, Store, fresh_command_key};

const TOKEN: &str = "a-token-that-nobody-guesses-0123456789";
const BOOKING: &str = "36127212";
const BOOKINGS: &str = include_str!("../../../fixtures/store/booking.v1.jsonl");

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Builder::new_current_thread().enable_all().build().unwrap());
static ROUTER: LazyLock<Router> = LazyLock::new(|| RUNTIME.block_on(async { router() }));

/// The listener of a bridge with a ledger, which has not started. Who asks for something to be sent
/// again makes it call its servers: nobody listens where it looks for them.
fn router() -> Router {
    let text = config::EXAMPLE
        .replace("http://10.8.0.1:8080/", "http://127.0.0.1:9/")
        .replace("# url = \"https://healthengine.com.au/", "url = \"http://127.0.0.1:9/")
        .replace("{ file = \"openvpms.password\" }", "\"pw\"")
        .replace("{ env = \"HEALTHENGINE_API_KEY\" }", "\"api\"")
        .replace("{ env = \"PRACTICE_1234567_KEY\" }", "\"k1\"");
    let nothing = |_: &str| Err(std::env::VarError::NotPresent);
    assert_eq!(text.matches("http://127.0.0.1:9/").count(), 2);
    let config = config::parse(Path::new("/nowhere/vetbridge.toml"), &text, &nothing).unwrap();
    let now = DateTime::<Utc>::UNIX_EPOCH;
    let fresh = Store::in_memory(&MemoryEngine::new(), now).unwrap();
    let entries = BOOKINGS.lines().zip([36_127_212, 7, 8]);
    let records = entries.map(|(text, id)| (format!("booking/{id:020}"), Arc::from(text))).collect();
    let export = Export { head: ExportHead { exported_at: now, meta: fresh.meta() }, records };
    let store = Store::in_memory(&MemoryEngine::imported(&export, now), now).unwrap();
    let bridge = Bridge::new(&config, &Network::new(&config).unwrap(), store, Clock::virtual_from(now));
    let access = Access {
        token: TOKEN.to_owned().into(),
        command_key: fresh_command_key().unwrap(),
        hosts: vec!["bridge.example".into()],
    };
    Admin::new(Arc::new(bridge), Gate::new(access).unwrap()).router()
}

// The first byte: bit 0 sends the token, bit 1 leaves the host out. Then lines: method, path and
// query, headers, an empty one, and the body.
fuzz_target!(|data: &[u8]| {
    let Some((flags, rest)) = data.split_first() else { return };
    let mut rest = rest;
    let mut line = || {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let line = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        line
    };
    let (Ok(method), Ok(uri)) = (Method::from_bytes(line()), Uri::try_from(line())) else { return };
    let mut headers = Vec::new();
    for _ in 0..16 {
        let line = line();
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { break };
        headers.push((HeaderName::from_bytes(&line[..colon]), HeaderValue::from_bytes(line[colon + 1..].trim_ascii())));
    }
    let mut request = Request::new(Body::from(rest.to_vec()));
    (*request.uri_mut(), *request.method_mut()) = (uri, method);
    if flags & 2 == 0 {
        request.headers_mut().insert(header::HOST, HeaderValue::from_static("localhost"));
    }
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (name, value) {
            request.headers_mut().append(name, value);
        }
    }
    let has_token = flags & 1 == 1;
    if has_token {
        let value = HeaderValue::from_str(&format!("Bearer {TOKEN}")).unwrap();
        request.headers_mut().insert(header::AUTHORIZATION, value);
    }
    // A client that sends the token in another way has it.
    let knows_it = has_token || data.windows(TOKEN.len()).any(|own| own == TOKEN.as_bytes());
    let mut router = ROUTER.clone();
    let (status, body) = RUNTIME.block_on(async {
        let answer = router.call(request).await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.into_body().collect().await.unwrap().to_bytes())
    });
    // 502 is for what a server did not do, 503 for what waits for a practice.
    assert!(matches!(status, ..500 | 502 | 503), "{status}");
    let tells = |word: &str| body.windows(word.len()).any(|own| own == word.as_bytes());
    assert!(!tells(TOKEN), "the token is told");
    let said_by_itself = data.windows(BOOKING.len()).any(|own| own == BOOKING.as_bytes());
    assert!(knows_it || said_by_itself || !tells(BOOKING), "a stranger sees a booking");
});
