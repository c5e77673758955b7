//! Requests to the webhook listener: path, `X-Forwarded-For`, method, body.

#![no_main]

use std::net::IpAddr;
use std::sync::LazyLock;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, Uri};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};
use tower_service::Service as _;
use vetbridge::config::WebhookSettings;
use vetbridge::server::Peer;
use vetbridge::server::webhooks::Webhooks;

const SECRET: &str = "s3cret~";
const PROXY: &str = "127.0.0.1";
const HEALTHENGINE: &str = "13.55.48.1";

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Builder::new_current_thread().enable_time().build().unwrap());
static ROUTER: LazyLock<Router> = LazyLock::new(|| {
    let settings = WebhookSettings {
        listen: "127.0.0.1:0".parse().unwrap(),
        public_url: "https://bridge.example/some/path".parse().unwrap(),
        secret: SECRET.to_owned().into(),
        allowed_ips: vec![ip(HEALTHENGINE)],
        trusted_proxies: vec![ip(PROXY)],
    };
    Webhooks::new(&settings, |_hint| {}).router()
});

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

// Lines: path, method, X-Forwarded-For (`|` begins another header line), body.
fuzz_target!(|data: &[u8]| {
    let mut lines = data.splitn(4, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (path, method, forwarded, body) = (line(), line(), line(), line());
    let Ok(uri) = Uri::try_from(path) else { return };
    let method = Method::from_bytes(method).unwrap_or(Method::POST);
    let mut request = Request::new(Body::from(body.to_vec()));
    (*request.uri_mut(), *request.method_mut()) = (uri.clone(), method.clone());
    for value in forwarded.split(|byte| *byte == b'|').filter_map(|value| HeaderValue::from_bytes(value).ok()) {
        request.headers_mut().append("x-forwarded-for", value);
    }
    request.extensions_mut().insert(Peer(ip(PROXY)));
    let answer = RUNTIME.block_on(async { ROUTER.clone().call(request).await }).unwrap();
    let status = answer.status().as_u16();
    assert!([200, 403, 404, 405, 413].contains(&status), "{status}");
    if status == 200 {
        assert_eq!(method, Method::POST);
        assert!(uri.path().contains("webhooks") || uri.path().contains('%'), "{uri}");
        assert!(!forwarded.is_empty());
    }
});
