//! A reverse proxy before the webhook listener: the webhook passes with its sender's address, and nothing else
//! passes.

use crate::clinic::{Clinic, PRACTICE, eventually, free_port};
use crate::proxy_program::{Proxy, ProxyKind};
use crate::service::Service;
use crate::tls::exchange;

const SECRET: &str = "3f786850e387550fdab836ed7e6dc881de23001b5c8f4f1f2a7b5a9d8c6e4f02";
/// The only address that `allowed_ips` has; all of 127.0.0.0/8 is this machine.
const HEALTHENGINE: [u8; 4] = [127, 0, 0, 2];
const STRANGER: [u8; 4] = [127, 0, 0, 3];

/// What the admin listener, or the webhook listener itself, would answer to one of these.
const ELSEWHERE: [&str; 26] = [
    "GET /",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
    "GET /api/v1/status",
    "POST /api/v1/practices/1234567/pause",
    "POST /",
    "POST /webhooks",
    "POST /webhooks/",
    "POST /Webhooks/SECRET",
    "POST /webhooks/SECRET/",
    "POST /webhooks/SECRET/more",
    "GET /webhooks/SECRET/../../metrics",
    "GET /webhooks/..%2fmetrics",
    "GET /webhooks%2f..%2fmetrics",
    "POST /webhooks/%2e%2e/healthz",
    "GET //metrics",
    "GET /webhooks//SECRET",
    "GET http://127.0.0.1:8686/metrics",
    "POST /webhooks/SECRET%0d%0aX:y",
    "POST /webhooks/SECRET%0a",
    // With `..` followed, these are the right path.
    "POST /webhooks/..;/../webhooks/SECRET",
    "POST /healthz/../webhooks/SECRET",
    "POST /webhooks/x/../SECRET",
    "POST /webhooks/x/%2e%2e/SECRET",
    "POST //webhooks/./SECRET",
];
/// Other methods at the right path.
const METHODS: [&str; 6] = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"];

/// The clinic with webhooks behind a proxy on this machine.
async fn with_webhooks() -> (Clinic, u16) {
    let (clinic, port) = (Clinic::open().await, free_port().await);
    let table = format!(
        "[webhooks]\nlisten = \"127.0.0.1:{port}\"\npublic_url = \"https://bridge.examplevets.com.au\"\nsecret = \
         \"{SECRET}\"\nallowed_ips = [\"127.0.0.2\"]\ntrusted_proxies = [\"127.0.0.1\"]\n"
    );
    clinic.write("vetbridge.toml", &clinic.configuration().replace("[sync]", &format!("{table}[sync]")));
    (clinic, port)
}

/// The status of the answer to a request, with these further header lines and this body.
async fn status(proxy: &Proxy, from: [u8; 4], request: &str, headers: &str, body: &str) -> u16 {
    let (line, length) = (request.replace("SECRET", SECRET), body.len());
    let answer = exchange(
        from,
        proxy.port,
        &format!(
            "{line} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n{headers}\r\n{body}"
        ),
    )
    .await;
    assert!(!answer.contains("vetbridge"), "{line}: nothing of vetbridge's own pages comes out: {answer}");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.unwrap_or_else(|| panic!("{line}: {answer}"))
}

async fn webhook(proxy: &Proxy, from: [u8; 4], headers: &str) -> u16 {
    let body =
        format!(r#"{{"clientId":"{PRACTICE}","topic":"requests.bookings","data":{{"requestType":"bookings"}}}}"#);
    status(proxy, from, "POST /webhooks/SECRET", headers, &body).await
}

/// All that is no webhook, and the status of its answer.
async fn refused(proxy: &Proxy) -> Vec<(String, u16)> {
    let methods = METHODS.map(|method| format!("{method} /webhooks/SECRET"));
    let mut answers = Vec::new();
    for request in ELSEWHERE.map(str::to_owned).into_iter().chain(methods) {
        let code = status(proxy, HEALTHENGINE, &request, "", "").await;
        answers.push((request, code));
    }
    answers
}

async fn only_webhooks_pass(kind: ProxyKind) {
    if !kind.is_here() {
        return;
    }
    let (clinic, port) = with_webhooks().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let proxy = Proxy::before_webhooks(kind, port).await;

    let heard = async || {
        let status: serde_json::Value = service.get("/api/v1/status").await.json().await.unwrap();
        status["practices"][0]["webhook_at"].is_string()
    };
    assert!(!heard().await);
    assert_eq!(webhook(&proxy, HEALTHENGINE, "").await, 200);
    eventually("the webhook is heard", heard).await;

    // A stranger is refused as themselves, whatever they say of themselves.
    assert_eq!(webhook(&proxy, STRANGER, "").await, 403);
    eventually("who it was is logged", async || service.log().contains("its sender 127.0.0.3 is not among")).await;
    assert_eq!(webhook(&proxy, STRANGER, "X-Forwarded-For: 127.0.0.2\r\n").await, 403);
    assert_eq!(webhook(&proxy, STRANGER, "X-Real-IP: 127.0.0.2\r\nForwarded: for=127.0.0.2\r\n").await, 403);
    // Healthengine's own word of whom it speaks for is none either.
    assert_eq!(webhook(&proxy, HEALTHENGINE, "X-Forwarded-For: 127.0.0.3\r\n").await, 200);
    assert_eq!(status(&proxy, HEALTHENGINE, "POST /webhooks/a-wrong-secret", "", "{}").await, 404);
    let long = "x".repeat(70 * 1024);
    // Caddy calls it a failure of what is behind it.
    assert!(matches!(status(&proxy, HEALTHENGINE, "POST /webhooks/SECRET", "", &long).await, 413 | 502));

    let answers = refused(&proxy).await;
    let passed: Vec<_> = answers.iter().filter(|(_, code)| !matches!(code, 400 | 404)).collect();
    assert!(passed.is_empty(), "{kind:?} lets through: {passed:?}");

    // With nobody behind the proxy all of this is answered as before, so it never left the proxy.
    service.stop().await;
    assert_eq!(webhook(&proxy, HEALTHENGINE, "").await, 502);
    assert_eq!(refused(&proxy).await, answers, "{kind:?}");
    assert!(!proxy.logs().contains(SECRET), "{kind:?} logs the secret: {}", proxy.logs());
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_passes_webhooks_with_their_senders_address_and_nothing_else() {
    only_webhooks_pass(ProxyKind::Nginx).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn caddy_passes_webhooks_with_their_senders_address_and_nothing_else() {
    only_webhooks_pass(ProxyKind::Caddy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_passes_the_status_page_to_the_clinics_browsers_and_writes_the_token_nowhere() {
    if !ProxyKind::Nginx.is_here() {
        return;
    }
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let (proxy, token) = (Proxy::before_status_page(clinic.port).await, service.token().to_owned());
    let ask = async |from: [u8; 4], line: &str, headers: &str, body: &str| {
        let length = body.len();
        let head = format!("{line} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: {length}\r\n");
        exchange(from, proxy.port, &format!("{head}{headers}\r\n{body}")).await
    };
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let signed_in = ask(HEALTHENGINE, "POST /sign-in", form, &format!("token={token}")).await;
    assert!(signed_in.starts_with("HTTP/1.1 303") && signed_in.contains("; Secure; HttpOnly"), "{signed_in}");
    let cookie = signed_in.split_once("vetbridge-session=").unwrap().1.split(';').next().unwrap();
    let cookie = format!("Cookie: vetbridge-session={cookie}\r\n");
    let page = ask(HEALTHENGINE, "GET /", &cookie, "").await;
    assert!(page.starts_with("HTTP/1.1 200") && page.contains(PRACTICE), "{page}");

    // A link that somebody made all the same leads to the form, and the token goes no further.
    let link = ask(HEALTHENGINE, &format!("GET /?token={token}"), "", "").await;
    assert!(link.starts_with("HTTP/1.1 302") && !link.contains(&token) && !link.contains("ookie"), "{link}");
    let stranger = ask(STRANGER, "POST /sign-in", form, &format!("token={token}")).await;
    assert!(stranger.starts_with("HTTP/1.1 403"), "{stranger}");
    service.stop().await;
    assert!(ask(HEALTHENGINE, "GET /", &cookie, "").await.starts_with("HTTP/1.1 502"));
    assert!(!proxy.logs().contains(&token), "nginx logs the token: {}", proxy.logs());
}
