//! The webhook listener over real sockets: every answer it has, and what a stranger can do to it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};
use vetbridge::config;
use vetbridge::server::webhooks::{BODY_BYTES_MAX, Webhooks};
use vetbridge::webhooks::hint::Hint;

use crate::support::practice;

/// Nothing here takes longer on a machine that is not broken.
const LIMIT: Duration = Duration::from_secs(30);
const RIGHT: &str = "/webhooks/s3cret";
/// Whom the reverse proxy on this machine speaks for.
const HEALTHENGINE: &str = "13.55.48.1";

struct Listener {
    webhooks: Webhooks,
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Hint>>>,
    _stop: DropGuard,
}

fn settings(secret: &str, allowed: &[&str], proxies: &[&str]) -> config::WebhookSettings {
    let addresses = |list: &[&str]| list.iter().map(|address| address.parse().unwrap()).collect();
    config::WebhookSettings {
        listen: "127.0.0.1:0".parse().unwrap(),
        public_url: "https://bridge.example/some/path".parse().unwrap(),
        secret: secret.to_owned().into(),
        allowed_ips: addresses(allowed),
        trusted_proxies: addresses(proxies),
    }
}

impl Listener {
    async fn open(config: &config::WebhookSettings) -> Self {
        let listener = TcpListener::bind(config.listen).await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let heard: Arc<Mutex<Vec<Hint>>> = Arc::default();
        let hears = Arc::clone(&heard);
        let webhooks = Webhooks::new(config, move |hint| hears.lock().unwrap().push(hint));
        tokio::spawn(webhooks.clone().serve(Arc::new(listener), stop.clone()));
        Self { webhooks, address, heard, _stop: stop.drop_guard() }
    }

    /// As it stands behind a proxy on this machine.
    async fn behind_a_proxy() -> Self {
        Self::open(&settings("s3cret", &[HEALTHENGINE], &["127.0.0.1"])).await
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn connect_from(&self, last: u8) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::new(127, 0, 0, last), 0).into()).unwrap();
        socket.connect(self.address).await.unwrap()
    }

    /// Sends these bytes and reads the whole answer.
    async fn exchange(&self, bytes: &[u8]) -> String {
        talk(self.connect().await, bytes).await
    }

    /// What is answered to a call of Healthengine's through the proxy.
    async fn call(&self, method: &str, path: &str, body: &[u8]) -> u16 {
        status(&self.exchange(&request(method, path, &[("X-Forwarded-For", HEALTHENGINE)], body)).await)
    }

    fn heard(&self) -> Vec<Hint> {
        std::mem::take(&mut *self.heard.lock().unwrap())
    }
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text =
        format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    [text.as_bytes(), b"\r\n", body].concat()
}

async fn talk(mut stream: TcpStream, bytes: &[u8]) -> String {
    // A listener that has heard enough may hang up before it heard all.
    let _ = stream.write_all(bytes).await;
    answer(stream).await
}

async fn answer(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(LIMIT, stream.read_to_end(&mut answer)).await.expect("an end of the connection");
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("an answer: {answer:?}"))
}

#[tokio::test]
async fn a_webhook_is_answered_with_200_whatever_it_says() {
    let listener = Listener::behind_a_proxy().await;
    let example =
        br#"{"clientId":"1234567","topic":"requests.bookings","data":{"requestType":"bookings","bookingId":154}}"#;
    assert_eq!(listener.call("POST", RIGHT, example).await, 200);
    assert_eq!(listener.heard()[0].practice, Some(practice("1234567")));
    let longest = vec![b'x'; BODY_BYTES_MAX];
    for body in [&b""[..], b"{", b"\xff\xfe\x00", &longest] {
        assert_eq!(listener.call("POST", RIGHT, body).await, 200);
    }
    assert_eq!(listener.call("POST", "/some/path/webhooks/s3cret", b"{}").await, 200);
    assert_eq!(listener.call("POST", "/webhooks/s3cret?a=b", b"{}").await, 200);
    assert_eq!(listener.heard(), vec![Hint::default(); 6]);
}

#[tokio::test]
async fn anything_else_is_refused_and_heard_by_nobody() {
    let listener = Listener::behind_a_proxy().await;
    for path in [
        "/",
        "/webhooks",
        "/webhooks/",
        "/webhooks/wrong",
        "/webhooks/s3cret/",
        "/webhooks/s3cretx",
        "/status",
        "/healthz",
    ] {
        for method in ["POST", "GET"] {
            assert_eq!(listener.call(method, path, b"").await, 404, "{method} {path}");
        }
    }
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let answer = listener.exchange(&request(method, RIGHT, &[("X-Forwarded-For", HEALTHENGINE)], b"")).await;
        assert!(status(&answer) == 405 && answer.to_lowercase().contains("\r\nallow: post\r\n"), "{method}: {answer}");
    }
    assert_eq!(listener.call("POST", RIGHT, &vec![b'x'; BODY_BYTES_MAX + 1]).await, 413);
    // Announced and never sent; sent and never announced.
    let announced = format!(
        "POST {RIGHT} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {HEALTHENGINE}\r\nContent-Length: 999999999\r\n\r\n"
    );
    assert_eq!(status(&listener.exchange(announced.as_bytes()).await), 413);
    let mut chunks = format!(
        "POST {RIGHT} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {HEALTHENGINE}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    .into_bytes();
    for _ in 0..=BODY_BYTES_MAX / 1024 {
        chunks.extend([b"400\r\n".as_slice(), &[b'x'; 1024], b"\r\n"].concat());
    }
    for end in ["", "0\r\n\r\n"] {
        let chunks = [&chunks[..], end.as_bytes()].concat();
        assert_eq!(status(&listener.exchange(&chunks).await), 413, "{end:?}");
    }
    assert_eq!(listener.heard(), []);
}

#[tokio::test]
async fn a_sender_that_is_not_allowed_hears_the_same_whatever_he_knows() {
    let listener = Listener::behind_a_proxy().await;
    let large = vec![b'x'; BODY_BYTES_MAX + 1];
    for forwarded in [Some("9.9.9.9"), Some("13.55.48.1, 9.9.9.9"), Some("13.55.48.1, nobody"), None] {
        let headers: Vec<(&str, &str)> = forwarded.iter().map(|value| ("X-Forwarded-For", *value)).collect();
        let mut answers = Vec::new();
        for (method, path) in [("POST", RIGHT), ("POST", "/webhooks/wrong"), ("GET", RIGHT), ("GET", "/")] {
            let mut answer = listener.exchange(&request(method, path, &headers, b"{}")).await;
            assert_eq!(status(&answer), 403, "{forwarded:?} {method} {path}");
            answer.truncate(answer.find("date:").unwrap_or(answer.len()));
            answers.push(answer);
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
        assert_eq!(status(&listener.exchange(&request("POST", RIGHT, &headers, &large)).await), 403);
    }
    // Somebody who is no proxy cannot speak for others.
    let spoken = request("POST", RIGHT, &[("X-Forwarded-For", HEALTHENGINE)], b"{}");
    assert_eq!(status(&talk(listener.connect_from(2).await, &spoken).await), 403);
    assert_eq!(listener.heard(), []);
}

#[tokio::test]
async fn without_a_proxy_the_peer_is_the_sender() {
    let listener = Listener::open(&settings("s3cret", &["127.0.0.2"], &[])).await;
    let call = request("POST", RIGHT, &[], b"{}");
    assert_eq!(status(&talk(listener.connect_from(2).await, &call).await), 200);
    assert_eq!(status(&talk(listener.connect_from(3).await, &call).await), 403);
    assert_eq!(listener.heard().len(), 1);
}

#[tokio::test]
async fn settings_change_while_it_listens() {
    let listener = Listener::behind_a_proxy().await;
    assert_eq!(listener.call("POST", RIGHT, b"{}").await, 200);
    listener.webhooks.reconfigure(&settings("another", &[HEALTHENGINE], &["127.0.0.1"]));
    assert_eq!(listener.call("POST", RIGHT, b"{}").await, 404);
    assert_eq!(listener.call("POST", "/webhooks/another", b"{}").await, 200);
    listener.webhooks.reconfigure(&settings("another", &["52.62.53.70"], &["127.0.0.1"]));
    assert_eq!(listener.call("POST", "/webhooks/another", b"{}").await, 403);
    listener.webhooks.reconfigure(&settings("another", &["127.0.0.1"], &[]));
    assert_eq!(listener.call("POST", "/webhooks/another", b"{}").await, 200, "the peer itself");
}

#[tokio::test]
async fn slow_headers_are_hung_up_on_and_a_slow_body_is_not_waited_for() {
    let listener = Listener::behind_a_proxy().await;
    let mut headers = listener.connect().await;
    headers.write_all(b"POST /webhooks/s3cret HTTP/1.1\r\nho").await.unwrap();
    let mut body = listener.connect().await;
    let begun =
        format!("POST {RIGHT} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {HEALTHENGINE}\r\nContent-Length: 100\r\n\r\n{{");
    body.write_all(begun.as_bytes()).await.unwrap();
    assert_eq!(status(&answer(body).await), 200);
    assert_eq!(listener.heard(), [Hint::default()]);
    let hung_up = answer(headers).await;
    assert!(hung_up.is_empty() || hung_up.starts_with("HTTP/1.1 408"), "{hung_up}");
}

#[tokio::test]
async fn strangers_who_hold_connections_open_do_not_keep_healthengine_out() {
    let listener = Listener::behind_a_proxy().await;
    let mut strangers = Vec::new();
    for _ in 0..200 {
        let mut stranger = listener.connect_from(9).await;
        let _ = stranger.write_all(b"POST / HTTP/1.1\r\n").await;
        strangers.push(stranger);
    }
    // Long before any of them is hung up on for being slow.
    let call = listener.call("POST", RIGHT, b"{}");
    assert_eq!(tokio::time::timeout(Duration::from_secs(3), call).await, Ok(200));
}

#[tokio::test]
async fn one_connection_carries_many_webhooks_and_ends_with_the_first_refusal() {
    let listener = Listener::behind_a_proxy().await;
    let call = |path: &str| {
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {HEALTHENGINE}\r\nContent-Length: 2\r\n\r\n{{}}")
    };
    let calls = format!("{}{}{}{}", call(RIGHT), call(RIGHT), call("/wrong"), call(RIGHT));
    let answers = listener.exchange(calls.as_bytes()).await;
    assert_eq!((answers.matches("HTTP/1.1 200").count(), answers.matches("HTTP/1.1 404").count()), (2, 1), "{answers}");
    assert_eq!(listener.heard().len(), 2);
}
