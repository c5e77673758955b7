//! The transport against servers that misbehave, over loopback: which error class each kind of failure gets, and how often a
//! request leaves.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream, ToSocketAddrs};
use vetbridge::http::base_url::BaseUrl;
use vetbridge::http::connections::{AGE_MAX, LOOK_UP_EVERY, NameLookup, at_one_address, read_anew, where_it_was_read};
use vetbridge::http::network::{Credentials, HeaderName, Server, ServerSettings, SetupError};
use vetbridge::http::{Lane, Method, Request, Response, Transport};
use vetbridge::remote::{Answer, Cause, CertificateFault, ErrorClass};

/// Long enough for loopback on a busy machine, short enough to wait for.
const SHORT: Duration = Duration::from_secs(1);

/// What the server does once it has read a request.
#[derive(Clone)]
enum Then {
    /// Sends these bytes and reads the next request.
    Answer(Vec<u8>),
    /// Sends these bytes and closes.
    AnswerAndClose(Vec<u8>),
    /// Says nothing more and keeps the connection.
    Silence,
    /// Resets the connection.
    Reset,
    /// Sends one byte of an endless head now and then.
    Trickle,
}

/// A server that follows a script, one entry per request; the last one repeats.
struct RawServer {
    address: SocketAddr,
    /// Head and body of every request, with the number of the connection that it came over.
    requests: Arc<Mutex<Vec<(usize, String)>>>,
}

impl RawServer {
    async fn start(script: impl Into<Vec<Then>>) -> Self {
        Self::start_at("127.0.0.1:0", script).await
    }

    async fn start_at(address: impl ToSocketAddrs, script: impl Into<Vec<Then>>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (script, seen) = (script.into(), requests.clone());
        tokio::spawn(async move {
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, connection, script.clone(), seen.clone()));
            }
        });
        Self { address, requests }
    }

    fn seen(&self) -> Vec<String> {
        self.requests.lock().unwrap().iter().map(|(_, request)| request.clone()).collect()
    }

    fn connections(&self) -> Vec<usize> {
        self.requests.lock().unwrap().iter().map(|(connection, _)| *connection).collect()
    }

    fn settings(&self) -> ServerSettings {
        settings(&format!("http://{}/base", self.address))
    }

    fn transport(&self) -> Arc<dyn Transport> {
        transport(&self.settings())
    }

    fn hasty(&self) -> Arc<dyn Transport> {
        transport(&ServerSettings { request_timeout: SHORT, ..self.settings() })
    }
}

async fn serve(mut stream: TcpStream, connection: usize, script: Vec<Then>, seen: Arc<Mutex<Vec<(usize, String)>>>) {
    while let Some(request) = read_request(&mut stream).await {
        let number = {
            let mut seen = seen.lock().unwrap();
            seen.push((connection, request));
            seen.len() - 1
        };
        match script.get(number).or(script.last()).unwrap() {
            // The client may hang up in the middle, which is its right.
            Then::Answer(bytes) => drop(stream.write_all(bytes).await),
            Then::AnswerAndClose(bytes) => {
                let _ = stream.write_all(bytes).await;
                let _ = stream.shutdown().await;
                return;
            }
            Then::Silence => std::future::pending().await,
            Then::Reset => {
                stream.set_zero_linger().unwrap();
                return;
            }
            Then::Trickle => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nx: ").await;
                while stream.write_all(b"y").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                return;
            }
        }
    }
}

/// Head and body, as text; `None` when the client is done.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, _)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let head_length = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        if bytes.len() >= head_length + length.unwrap_or(0) {
            return Some(text);
        }
    }
}

fn settings(url: &str) -> ServerSettings {
    let mut settings = ServerSettings::new(BaseUrl::parse(url, false).unwrap(), "Example (it@example.com) DEV");
    settings.max_requests_per_second = NonZeroU32::new(1000).unwrap();
    settings
}

fn transport(settings: &ServerSettings) -> Arc<dyn Transport> {
    let basic = Credentials::Basic { username: "sample".into(), password: SecretString::from("changeit") };
    Server::new(settings).unwrap().transport(&basic).unwrap()
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn ok() -> Then {
    Then::Answer(answer("200 OK", b"[]"))
}

fn get() -> Request {
    Request {
        method: Method::Get,
        path: "/locations?from=2019-02-15T00%3A00%3A00%2B11%3A00".into(),
        accept: "application/json",
        json: None,
        gzip: false,
        lane: Lane::Background,
        repeatable: true,
    }
}

/// A booking: leaves once.
fn post() -> Request {
    Request {
        method: Method::Post,
        path: "/bookings".into(),
        accept: "text/plain",
        json: Some(br#"{"firstName":"Judith"}"#.to_vec()),
        gzip: false,
        lane: Lane::Desk,
        repeatable: false,
    }
}

fn class(answer: &Answer<Response>) -> (ErrorClass, Option<u16>) {
    let error = answer.as_ref().unwrap_err();
    assert!(!error.detail.contains("127.0.0.1") && !error.detail.contains("Judith"), "{error}");
    (error.class, error.status)
}

#[tokio::test]
async fn a_refused_connection_has_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let transport = transport(&settings(&url));
    for request in [get(), post()] {
        assert_eq!(class(&transport.exchange(request).await), (ErrorClass::NotSent, None));
    }
}

#[tokio::test]
async fn a_tls_handshake_that_hangs_or_fails_has_sent_nothing() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut hasty = settings(&format!("https://{}", silent.local_addr().unwrap()));
    hasty.request_timeout = SHORT;
    // A certificate of our own choosing spares the platform's, which a bare machine does not have.
    hasty.ca_pem = Some(TEST_CA.as_bytes().to_vec());
    let error = transport(&hasty).exchange(post()).await.unwrap_err();
    assert_eq!((error.class, error.detail.as_str()), (ErrorClass::NotSent, "no connection came about in time"));

    let plain = RawServer::start([Then::AnswerAndClose(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())]).await;
    hasty.base_url = BaseUrl::parse(&format!("https://{}", plain.address), false).unwrap();
    drop(silent);
    let answer = transport(&hasty).exchange(post()).await;
    assert_eq!(class(&answer), (ErrorClass::NotSent, None));
}

#[tokio::test]
async fn silence_after_the_request_is_lost_and_nothing_is_sent_again() {
    let server = RawServer::start([Then::Silence]).await;
    for request in [get(), post()] {
        assert_eq!(class(&server.hasty().exchange(request).await), (ErrorClass::Lost, None));
    }
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_head_that_trickles_in_is_given_up_and_lost() {
    let server = RawServer::start([Then::Trickle]).await;
    assert_eq!(class(&server.hasty().exchange(post()).await), (ErrorClass::Lost, None));
}

#[tokio::test]
async fn a_reset_or_a_hang_up_after_reading_is_lost_and_a_booking_leaves_once() {
    for then in [Then::Reset, Then::AnswerAndClose(Vec::new())] {
        let server = RawServer::start([then]).await;
        assert_eq!(class(&server.transport().exchange(post()).await), (ErrorClass::Lost, None));
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_read_that_meets_a_reset_is_repeated_twice_at_most() {
    let server = RawServer::start([Then::Reset, ok()]).await;
    assert_eq!(server.transport().exchange(get()).await.unwrap().body, b"[]");
    assert_eq!(server.seen().len(), 2);

    let server = RawServer::start([Then::Reset]).await;
    assert_eq!(class(&server.transport().exchange(get()).await), (ErrorClass::Lost, None));
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_lost() {
    let server = RawServer::start([Then::AnswerAndClose(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec())]).await;
    assert_eq!(class(&server.transport().exchange(post()).await), (ErrorClass::Lost, None));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn half_a_body_is_lost_with_its_status() {
    let whole = answer("201 Created", b"23:bdab2340-e580");
    for half in [
        whole[..whole.len() - 4].to_vec(),
        b"HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n4\r\n23:b".to_vec(),
    ] {
        let server = RawServer::start([Then::AnswerAndClose(half)]).await;
        assert_eq!(class(&server.transport().exchange(post()).await), (ErrorClass::Lost, Some(201)));
    }
    let server = RawServer::start([Then::Answer(b"HTTP/1.1 201 Created\r\ncontent-length: 9\r\n\r\n".to_vec())]).await;
    assert_eq!(class(&server.hasty().exchange(post()).await), (ErrorClass::Lost, Some(201)));
}

#[tokio::test]
async fn what_was_created_is_known_by_its_location_although_the_body_broke_off() {
    let half =
        b"HTTP/1.1 201 Created\r\nLocation: http://host/bookings/23:bdab\r\ncontent-length: 99\r\n\r\n23:b".to_vec();
    let server = RawServer::start([Then::AnswerAndClose(half)]).await;
    let response = server.transport().exchange(post()).await.unwrap();
    assert_eq!((response.status, response.header("location")), (201, Some("http://host/bookings/23:bdab")));
    assert_eq!(response.body, b"");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nothing_is_sent_to_where_it_points() {
    let target = RawServer::start([ok()]).await;
    let head = format!("307 Temporary Redirect\r\nlocation: http://{}/", target.address);
    let server = RawServer::start([Then::Answer(answer(&head, b""))]).await;
    for request in [post(), get()] {
        assert_eq!(server.transport().exchange(request).await.unwrap().status, 307);
    }
    assert_eq!((server.seen().len(), target.seen().len()), (2, 0));
}

#[tokio::test]
async fn every_status_is_an_answer() {
    for status in ["204 No Content", "404 Not Found", "500 Internal Server Error", "502 Bad Gateway"] {
        let server =
            RawServer::start([Then::Answer(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").into())]).await;
        let response = server.transport().exchange(get()).await.unwrap();
        assert_eq!(response.status, status[..3].parse::<u16>().unwrap());
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_whatever_it_says_about_its_length() {
    let counted = answer("200 OK", &[b'x'; 2000]);
    let mut chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..20 {
        chunked.extend_from_slice(b"64\r\n");
        chunked.extend_from_slice(&[b'x'; 100]);
        chunked.extend_from_slice(b"\r\n");
    }
    for endless in [counted, chunked] {
        let server = RawServer::start([Then::Answer(endless)]).await;
        let small = transport(&ServerSettings { body_limit_bytes: 1000, ..server.settings() });
        assert_eq!(class(&small.exchange(get()).await), (ErrorClass::Contract, Some(200)));
    }
    let exactly = RawServer::start([Then::Answer(answer("200 OK", &[b'x'; 1000]))]).await;
    let small = transport(&ServerSettings { body_limit_bytes: 1000, ..exactly.settings() });
    assert_eq!(small.exchange(get()).await.unwrap().body.len(), 1000);
}

#[tokio::test]
async fn two_long_bodies_are_taken_in_at_one_time_and_short_ones_wait_for_none() {
    const LONG: usize = 300 * 1024;
    let long = answer("200 OK", &[b'x'; LONG]);
    // Two that stop in the middle, behind the point from which they are long ones.
    let stuck = Then::Answer(long[..long.len() - 1].to_vec());
    let server = RawServer::start([stuck.clone(), stuck, Then::Answer(long.clone())]).await;
    let (shared, short) = (server.transport(), RawServer::start([ok()]).await);
    let ask = || {
        let transport = shared.clone();
        tokio::spawn(async move { transport.exchange(get()).await })
    };
    let stuck = [ask(), ask()];
    while server.seen().len() < 2 {
        tokio::task::yield_now().await;
    }
    // As soon as both have the places, the next one does not come to its end, although the whole of it was sent.
    let mut held_back = None;
    for _ in 0..20 {
        let mut next = ask();
        match tokio::time::timeout(Duration::from_millis(300), &mut next).await {
            Ok(answered) => assert_eq!(answered.unwrap().unwrap().body.len(), LONG),
            Err(_) => {
                held_back = Some(next);
                break;
            }
        }
    }
    let held_back = held_back.expect("a long body that waits");
    assert!(short.transport().exchange(get()).await.is_ok());
    // A place is free again when whoever had it gives up.
    stuck[0].abort();
    let answered = tokio::time::timeout(Duration::from_secs(5), held_back).await.expect("a place that is free again");
    assert_eq!(answered.unwrap().unwrap().body.len(), LONG);
    stuck[1].abort();
}

#[tokio::test]
async fn a_compressed_answer_is_limited_by_what_it_unfolds_to() {
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let bomb = gzip(&vec![0; 64 * 1024 * 1024]);
    assert!(bomb.len() < 100_000, "the bomb itself is within the limit");
    let harmless = gzip(b"[1]");
    let script = [bomb, harmless.clone(), harmless[..harmless.len() - 6].to_vec()];
    let script = script.map(|body| Then::Answer(answer("200 OK\r\ncontent-encoding: gzip", &body)));
    let server = RawServer::start(script).await;
    let transport = server.transport();
    assert_eq!(class(&transport.exchange(get()).await), (ErrorClass::Contract, Some(200)));
    assert_eq!(transport.exchange(get()).await.unwrap().body, b"[1]");
    assert_eq!(class(&transport.exchange(Request { repeatable: false, ..get() }).await), (ErrorClass::Lost, Some(200)));
}

#[tokio::test]
async fn no_call_of_any_handle_leaves_while_the_server_wants_to_be_left_alone_until_that_is_lifted() {
    for (status, seconds) in [("429 Too Many Requests", 3600), ("503 Service Unavailable", 60)] {
        let server =
            RawServer::start([Then::Answer(answer(&format!("{status}\r\nretry-after: 99999"), b"")), ok()]).await;
        let shared = Server::new(&server.settings()).unwrap();
        let [one, other] = [(); 2].map(|()| shared.transport(&Credentials::Headers(Vec::new())).unwrap());
        assert!(one.exchange(get()).await.is_ok(), "the first answer is passed on as it is");
        let error = other.exchange(get()).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::NotSent);
        let pause = error.retry_after.unwrap().as_secs();
        assert!((seconds - 10..=seconds).contains(&pause), "{status}: {pause}");
        let probe = other.exchange(post()).await.unwrap_err().retry_after.unwrap();
        assert!(probe.as_secs() <= 30, "the desk asks again soon: {probe:?}");
        assert_eq!(server.seen().len(), 1);
        shared.penalty().lift();
        for request in [get(), post()] {
            assert!(other.exchange(request).await.is_ok());
        }
    }
}

#[tokio::test]
async fn retry_after_with_another_status_closes_nothing() {
    let server = RawServer::start([Then::Answer(answer("200 OK\r\nretry-after: 60", b"[]"))]).await;
    let transport = server.transport();
    assert!(transport.exchange(get()).await.is_ok());
    assert!(transport.exchange(get()).await.is_ok());
}

#[tokio::test]
async fn reads_share_a_connection_and_every_booking_has_its_own() {
    let server = RawServer::start([ok()]).await;
    let transport = server.transport();
    for request in [get(), get(), post(), post(), get()] {
        transport.exchange(request).await.unwrap();
    }
    assert_eq!(server.connections(), [0, 0, 1, 2, 0]);
}

#[tokio::test]
async fn a_read_survives_an_idle_connection_that_the_server_closed() {
    let server = RawServer::start([Then::AnswerAndClose(answer("200 OK", b"[]"))]).await;
    let transport = server.transport();
    for _ in 0..5 {
        assert!(transport.exchange(get()).await.is_ok());
    }
}

#[tokio::test]
async fn a_request_carries_path_credentials_and_body_exactly() {
    let server = RawServer::start([ok()]).await;
    let shared = Server::new(&server.settings()).unwrap();
    let headers = vec![(HeaderName::from_static("practice-key"), SecretString::from("t1qKf"))];
    let by_header = shared.transport(&Credentials::Headers(headers)).unwrap();
    server.transport().exchange(post()).await.unwrap();
    by_header.exchange(get()).await.unwrap();
    by_header.exchange(Request { gzip: true, ..post() }).await.unwrap();
    by_header.exchange(Request { json: None, ..post() }).await.unwrap();

    let seen = server.seen();
    assert!(seen[0].starts_with("POST /base/bookings HTTP/1.1\r\n"), "{}", seen[0]);
    for line in [
        "authorization: Basic c2FtcGxlOmNoYW5nZWl0\r\n",
        "user-agent: Example (it@example.com) DEV\r\n",
        "accept: text/plain\r\n",
        "content-type: application/json\r\n",
        "\r\n\r\n{\"firstName\":\"Judith\"}",
    ] {
        assert!(seen[0].contains(line), "{line} is missing in {}", seen[0]);
    }
    assert!(
        seen[1].starts_with("GET /base/locations?from=2019-02-15T00%3A00%3A00%2B11%3A00 HTTP/1.1\r\n"),
        "{}",
        seen[1]
    );
    assert!(seen[1].contains("practice-key: t1qKf\r\n") && !seen[1].contains("authorization"), "{}", seen[1]);
    assert!(seen[2].contains("content-encoding: gzip\r\n") && !seen[2].contains("Judith"), "{}", seen[2]);
    assert!(seen[3].contains("content-length: 0\r\n") && !seen[3].contains("content-type"), "{}", seen[3]);
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_named_without_their_secrets() {
    let server = RawServer::start([ok()]).await;
    let no_certificate = ServerSettings { ca_pem: Some(b"nonsense".to_vec()), ..server.settings() };
    assert_eq!(Server::new(&no_certificate).err(), Some(SetupError::CertificateAuthority));

    let shared = Server::new(&server.settings()).unwrap();
    let broken = vec![(HeaderName::from_static("api-key"), SecretString::from("eyJ0e\n"))];
    let error = shared.transport(&Credentials::Headers(broken)).err().unwrap();
    assert!(error.to_string().contains("api-key") && !error.to_string().contains("eyJ0e"), "{error}");
    let colon = Credentials::Basic { username: "a:b".into(), password: SecretString::from("changeit") };
    assert_eq!(shared.transport(&colon).err(), Some(SetupError::UserName));
    assert!(!format!("{colon:?}").contains("changeit"));
}

/// Names that a test moves to other addresses.
#[derive(Default)]
struct Moved(Mutex<Vec<&'static str>>);

impl Moved {
    fn to(&self, addresses: &[&'static str]) {
        *self.0.lock().unwrap() = addresses.to_vec();
    }
}

#[async_trait]
impl NameLookup for Moved {
    async fn addresses(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        assert_eq!(host, "clinic.test");
        let addresses = self.0.lock().unwrap().clone();
        if addresses.is_empty() {
            return Err(std::io::Error::other("no answer from the name server"));
        }
        Ok(addresses.iter().map(|address| SocketAddr::new(address.parse().unwrap(), port)).collect())
    }
}

/// Time goes by, and nothing happens meanwhile.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// Two servers at one port of two addresses, and a client that knows them by a name that leads to the first.
async fn two_servers() -> ([RawServer; 2], Arc<Moved>, ServerSettings) {
    let first = RawServer::start([ok()]).await;
    let second = RawServer::start_at(("127.0.0.2", first.address.port()), [ok()]).await;
    let names = Arc::new(Moved::default());
    names.to(&["127.0.0.1"]);
    let url = BaseUrl::parse(&format!("http://clinic.test:{}/base", first.address.port()), true).unwrap();
    let settings = ServerSettings { base_url: url, names: names.clone(), ..first.settings() };
    ([first, second], names, settings)
}

#[tokio::test]
async fn a_look_and_the_post_after_it_meet_the_same_server_when_the_name_is_moved_between_them() {
    let (servers, names, settings) = two_servers().await;
    let transport = transport(&settings);
    let seen = || [&servers[0], &servers[1]].map(|server| server.seen().len());
    transport.exchange(get()).await.unwrap();
    transport.exchange(post()).await.unwrap();
    assert_eq!(seen(), [2, 0]);

    // Within the work of one booking nothing changes.
    names.to(&["127.0.0.2"]);
    at_one_address(async {
        transport.exchange(get()).await.unwrap();
        pass(LOOK_UP_EVERY).await;
        // Another task finds the change, and does not move this one.
        let other = tokio::spawn({
            let transport = transport.clone();
            async move { transport.exchange(get()).await.unwrap() }
        });
        other.await.unwrap();
        transport.exchange(post()).await.unwrap();
        transport.exchange(get()).await.unwrap();
    })
    .await;
    assert_eq!(seen(), [5, 1]);
    // The next booking meets the other server with its look and with its POST, whatever connections were still open.
    at_one_address(async {
        transport.exchange(get()).await.unwrap();
        transport.exchange(post()).await.unwrap();
    })
    .await;
    assert_eq!(seen(), [5, 3]);
    // While the name cannot be looked up its last address stays.
    names.to(&[]);
    for _ in 0..3 {
        pass(LOOK_UP_EVERY).await;
        transport.exchange(get()).await.unwrap();
        transport.exchange(post()).await.unwrap();
    }
    assert_eq!(seen(), [5, 9]);
}

/// Answers one request, and is gone.
async fn gone_after_one_answer(listener: TcpListener) {
    let (mut stream, _) = listener.accept().await.unwrap();
    drop(listener);
    read_request(&mut stream).await.unwrap();
    stream.write_all(&answer("200 OK", b"{}")).await.unwrap();
}

#[tokio::test]
async fn of_two_servers_behind_one_name_a_post_goes_to_the_one_that_answered_the_look_or_to_none() {
    let first = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = first.local_addr().unwrap().port();
    let second = RawServer::start_at(("127.0.0.2", port), [ok()]).await;
    let names = Arc::new(Moved::default());
    names.to(&["127.0.0.1", "127.0.0.2"]);
    let url = BaseUrl::parse(&format!("http://clinic.test:{port}/base"), true).unwrap();
    let transport = transport(&ServerSettings { base_url: url, names, ..second.settings() });
    let first = tokio::spawn(gone_after_one_answer(first));
    at_one_address(async {
        transport.exchange(get()).await.unwrap();
        first.await.unwrap();
        let posted = where_it_was_read(transport.exchange(post())).await.unwrap_err();
        assert_eq!((posted.class, second.seen().len()), (ErrorClass::NotSent, 0), "{posted}");
        // Reads go where somebody answers. After those of two servers nobody knows which of them has the diary.
        transport.exchange(get()).await.unwrap();
        let posted = where_it_was_read(transport.exchange(post())).await.unwrap_err();
        assert_eq!((posted.class, second.seen().len()), (ErrorClass::NotSent, 1), "{posted}");
        read_anew();
        transport.exchange(get()).await.unwrap();
        where_it_was_read(transport.exchange(post())).await.unwrap();
        assert_eq!(second.seen().len(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_connection_has_a_greatest_age_however_busy_it_is() {
    let server = RawServer::start([ok()]).await;
    let transport = server.transport();
    let mut age = Duration::ZERO;
    while age <= AGE_MAX {
        transport.exchange(get()).await.unwrap();
        pass(Duration::from_secs(10)).await;
        age += Duration::from_secs(10);
    }
    transport.exchange(get()).await.unwrap();
    assert!(*server.connections().last().unwrap() > 0, "{:?}", server.connections());
}

/// An address where connections neither come about nor fail: its queue is full.
async fn black_hole(
    address: &str,
    port: u16,
) -> (TcpListener, Vec<tokio::task::JoinHandle<std::io::Result<TcpStream>>>) {
    let address = SocketAddr::new(address.parse().unwrap(), port);
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.unwrap();
    socket.bind(address).unwrap();
    let listener = socket.listen(0).unwrap();
    let waiting = (0..4).map(|_| tokio::spawn(TcpStream::connect(address))).collect();
    tokio::time::timeout(Duration::from_millis(200), std::future::pending::<()>()).await.unwrap_err();
    (listener, waiting)
}

#[tokio::test]
async fn of_several_addresses_the_one_that_works_is_used_within_the_connect_time_and_first_the_next_time() {
    let (servers, names, mut settings) = two_servers().await;
    let _dead = black_hole("127.0.0.3", servers[0].address.port()).await;
    settings.request_timeout = Duration::from_secs(6);
    // 127.0.0.4 refuses.
    names.to(&["127.0.0.3", "127.0.0.4", "127.0.0.1"]);
    let transport = transport(&settings);
    let began = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    transport.exchange(get()).await.unwrap();
    let took = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap() - began;
    assert!(took < Duration::from_secs(3), "{took:?}, and connecting may take three seconds");
    let began = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    transport.exchange(post()).await.unwrap();
    let took = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap() - began;
    assert!(took < Duration::from_millis(700), "the dead address is not tried again: {took:?}");
}

#[tokio::test]
async fn calls_go_through_the_proxy_that_is_configured_with_its_credentials() {
    let proxy = RawServer::start([ok()]).await;
    let mut settings = settings("http://10.99.99.99:8080/base");
    settings.proxy = Some(SecretString::from(format!("http://judith:s3%40cret@{}", proxy.address)));
    assert!(!format!("{settings:?}").contains("s3"), "{settings:?}");
    let server = transport(&settings);
    server.exchange(get()).await.unwrap();
    server.exchange(post()).await.unwrap();
    for request in proxy.seen() {
        assert!(request.contains(" http://10.99.99.99:8080/base/"), "{request}");
        assert!(request.contains("Basic anVkaXRoOnMzQGNyZXQ="), "{request}");
    }
    // To a server with TLS a tunnel is asked for, by its name.
    settings.base_url = BaseUrl::parse("https://clinic.test/base", false).unwrap();
    settings.ca_pem = Some(TEST_CA.as_bytes().to_vec());
    let refuses = RawServer::start([Then::AnswerAndClose(answer("407 Proxy Authentication Required", b""))]).await;
    settings.proxy = Some(SecretString::from(format!("http://{}", refuses.address)));
    let error = transport(&settings).exchange(post()).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::NotSent, "{error}");
    assert!(refuses.seen()[0].starts_with("CONNECT clinic.test:443 "), "{:?}", refuses.seen());
}

#[tokio::test]
async fn a_proxy_that_wants_other_credentials_is_named_with_what_it_wants_and_they_are_not_shown() {
    let refuses = RawServer::start([Then::AnswerAndClose(answer("407 Proxy Authentication Required", b""))]).await;
    // One of socks that takes no user.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let socks = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut greeting = [0; 3];
            let _ = stream.read_exact(&mut greeting).await;
            let with_user = greeting[2] == 2;
            let _ = stream.write_all(&[5, if with_user { 2 } else { 0xff }]).await;
            let mut sign_in = [0; 64];
            let _ = stream.read(&mut sign_in).await;
            let _ = stream.write_all(&[1, 1]).await;
        }
    });
    for scheme_and_address in [format!("http://@{}", refuses.address), format!("socks5://@{socks}")] {
        for (credentials, said) in
            [("", "wants a user name and a password"), ("judith:s3cret", "does not accept the user name")]
        {
            for url in ["https://10.99.99.99/base", "http://10.99.99.99:8080/base"] {
                let mut settings = settings(url);
                settings.ca_pem = Some(TEST_CA.as_bytes().to_vec());
                settings.proxy = Some(SecretString::from(
                    scheme_and_address
                        .replace('@', &if credentials.is_empty() { String::new() } else { format!("{credentials}@") }),
                ));
                let error = transport(&settings).exchange(post()).await.unwrap_err();
                let what = format!("{url} {scheme_and_address} {credentials}: {error}");
                assert_eq!((error.class, error.cause), (ErrorClass::NotSent, Some(Cause::Proxy)), "{what}");
                let named = format!("the proxy {} {said}", scheme_and_address.replace('@', ""));
                assert!(error.to_string().contains(&named) && !error.to_string().contains("s3cret"), "{what}");
                let remedy = vetbridge::messages::remedies::openvpms(&error);
                assert!(remedy.contains("proxy under [openvpms]"), "{remedy}");
            }
        }
    }
}

/// Names that stand for addresses, each for its own.
#[derive(Default)]
struct Hosts(Mutex<BTreeMap<&'static str, Vec<&'static str>>>);

impl Hosts {
    fn set(&self, name: &'static str, addresses: &[&'static str]) {
        self.0.lock().unwrap().insert(name, addresses.to_vec());
    }
}

#[async_trait]
impl NameLookup for Hosts {
    async fn addresses(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        let hosts = self.0.lock().unwrap();
        let addresses = hosts.get(host).ok_or_else(|| std::io::Error::other("no such name"))?;
        Ok(addresses.iter().map(|address| SocketAddr::new(address.parse().unwrap(), port)).collect())
    }
}

/// A look and a POST of one booking, between which a name is moved, which another call finds.
async fn a_booking_while(transport: &Arc<dyn Transport>, move_the_name: impl FnOnce()) {
    at_one_address(async {
        transport.exchange(get()).await.unwrap();
        move_the_name();
        pass(LOOK_UP_EVERY).await;
        let other = transport.clone();
        tokio::spawn(async move { other.exchange(get()).await.unwrap() }).await.unwrap();
        transport.exchange(post()).await.unwrap();
    })
    .await;
    transport.exchange(post()).await.unwrap();
}

#[tokio::test]
async fn through_a_proxy_that_is_given_by_its_name_a_look_and_its_post_go_one_way() {
    let first = RawServer::start([ok()]).await;
    let second = RawServer::start_at(("127.0.0.2", first.address.port()), [ok()]).await;
    let hosts = Arc::new(Hosts::default());
    hosts.set("proxy.test", &["127.0.0.1"]);
    // The server's own name is the proxy's to look up: nobody knows it here.
    let url = BaseUrl::parse("http://clinic.test:8080/base", true).unwrap();
    let mut settings = ServerSettings { base_url: url, names: hosts.clone(), ..first.settings() };
    settings.proxy = Some(SecretString::from(format!("http://proxy.test:{}", first.address.port())));
    a_booking_while(&transport(&settings), || hosts.set("proxy.test", &["127.0.0.2"])).await;
    let methods = |server: &RawServer| {
        let methods = server.seen().into_iter().map(|request| request.split(' ').next().unwrap().to_owned());
        methods.collect::<Vec<_>>()
    };
    assert_eq!(
        (methods(&first), methods(&second)),
        (vec!["GET".to_owned(), "POST".to_owned()], vec!["GET".to_owned(), "POST".to_owned()])
    );
    assert!(first.seen()[0].contains(" http://clinic.test:8080/base/"), "{:?}", first.seen());
}

/// A proxy of socks that answers by itself: where its callers wanted to go, with the method that they used there.
async fn socks_server() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, wishes) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
    let seen = wishes.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let seen = seen.clone();
            tokio::spawn(async move {
                let (mut greeting, mut wish) = ([0; 3], [0; 10]);
                stream.read_exact(&mut greeting).await.unwrap();
                stream.write_all(&[5, 0]).await.unwrap();
                stream.read_exact(&mut wish).await.unwrap();
                stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
                while let Some(request) = read_request(&mut stream).await {
                    let method = request.split(' ').next().unwrap();
                    let wish = format!("{method} {}.{}.{}.{}", wish[4], wish[5], wish[6], wish[7]);
                    seen.lock().unwrap().push(wish);
                    stream.write_all(&answer("200 OK", b"{}")).await.unwrap();
                }
            });
        }
    });
    (address, wishes)
}

#[tokio::test]
async fn through_a_socks_proxy_that_is_given_by_its_name_a_look_and_its_post_meet_one_address() {
    let (address, wishes) = socks_server().await;
    let hosts = Arc::new(Hosts::default());
    hosts.set("proxy.test", &["127.0.0.1"]);
    hosts.set("clinic.test", &["10.99.99.1"]);
    let url = BaseUrl::parse("http://clinic.test:8080/base", true).unwrap();
    let mut settings = ServerSettings { base_url: url, names: hosts.clone(), ..settings("http://127.0.0.1/base") };
    settings.proxy = Some(SecretString::from(format!("socks5://proxy.test:{}", address.port())));
    a_booking_while(&transport(&settings), || hosts.set("clinic.test", &["10.99.99.2"])).await;
    assert_eq!(*wishes.lock().unwrap(), ["GET 10.99.99.1", "GET 10.99.99.2", "POST 10.99.99.1", "POST 10.99.99.2"]);
}

#[tokio::test]
async fn beside_dead_ipv6_addresses_the_working_one_is_used_within_the_connect_time() {
    let server = RawServer::start([ok()]).await;
    let port = server.address.port();
    let hosts = Arc::new(Hosts::default());
    // One of the local link, which no packet finds without the name of an interface; one that nobody answers at; one that works.
    hosts.set("clinic.test", &["fe80::1", "::1", "127.0.0.1"]);
    let _dead = black_hole("::1", port).await;
    let url = BaseUrl::parse(&format!("http://clinic.test:{port}/base"), true).unwrap();
    let settings =
        ServerSettings { base_url: url, names: hosts, request_timeout: Duration::from_secs(6), ..server.settings() };
    let transport = transport(&settings);
    for (request, at_most) in [(get(), Duration::from_secs(3)), (post(), Duration::from_millis(700))] {
        let began = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        transport.exchange(request).await.unwrap();
        let took = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap() - began;
        assert!(took < at_most, "{took:?}, and connecting may take three seconds");
    }
}

#[tokio::test]
async fn a_name_that_has_no_address_yet_has_sent_nothing_and_works_as_soon_as_it_has_one() {
    let server = RawServer::start([ok()]).await;
    let hosts = Arc::new(Hosts::default());
    let url = BaseUrl::parse(&format!("http://clinic.test:{}/base", server.address.port()), true).unwrap();
    let transport = transport(&ServerSettings { base_url: url, names: hosts.clone(), ..server.settings() });
    hosts.set("clinic.test", &[]);
    let error = transport.exchange(post()).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::NotSent, "{error}");
    assert!(error.to_string().contains("name could not be looked up: it has no address"), "{error}");
    hosts.set("clinic.test", &["127.0.0.1"]);
    transport.exchange(post()).await.unwrap();
}

#[tokio::test]
async fn a_socks_proxy_is_spoken_to_in_its_own_language() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = settings("http://10.99.99.99:8080/base");
    settings.proxy = Some(SecretString::from(format!("socks5://{}", listener.local_addr().unwrap())));
    let asked = tokio::spawn(async move { transport(&settings).exchange(get()).await });
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut greeting = [0; 3];
    stream.read_exact(&mut greeting).await.unwrap();
    assert_eq!(greeting, [5, 1, 0]);
    stream.write_all(&[5, 0]).await.unwrap();
    let mut wish = [0; 10];
    stream.read_exact(&mut wish).await.unwrap();
    assert_eq!(wish, [5, 1, 0, 1, 10, 99, 99, 99, 0x1f, 0x90]);
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
    assert!(read_request(&mut stream).await.unwrap().starts_with("GET /base/locations"));
    stream.write_all(&answer("200 OK", b"[]")).await.unwrap();
    assert_eq!(asked.await.unwrap().unwrap().body, b"[]");
}

/// A server that shows this certificate to whoever connects, and answers nobody.
fn tls_server(certificate: &str, key: &str) -> SocketAddr {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};

    vetbridge::http::network::install_crypto_provider();
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls");
    let certificate = CertificateDer::from_pem_file(directory.join(certificate)).unwrap();
    let key = PrivateKeyDer::from_pem_file(directory.join(key)).unwrap();
    let config =
        rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let config = Arc::new(config);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let _refused = connection.complete_io(&mut stream);
        }
    });
    address
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_named_each_with_its_remedy() {
    use CertificateFault::{AuthorityAsServer, Expired, NoName, NotYetValid, OtherName, UnknownIssuer};
    let authority = include_str!("../fixtures/tls/ca.pem");
    for (certificate, key, trusted, fault, told, remedy) in [
        ("no-name.pem", "server.key", authority, NoName, "no subjectAltName", "made anew with the host of url"),
        ("other-name.pem", "server.key", authority, OtherName, "other.example", "made anew for the host of url"),
        ("expired.pem", "server.key", authority, Expired, "has expired", "Renew it"),
        ("not-yet-valid.pem", "server.key", authority, NotYetValid, "not valid yet", "clock"),
        ("good.pem", "server.key", TEST_CA, UnknownIssuer, "nobody whom this machine trusts", "ca_file"),
        ("ca.pem", "ca.key", authority, AuthorityAsServer, "CA:TRUE", "CA:FALSE"),
    ] {
        let mut settings = settings(&format!("https://{}/base", tls_server(certificate, key)));
        settings.ca_pem = Some(trusted.as_bytes().to_vec());
        let error = transport(&settings).exchange(post()).await.unwrap_err();
        assert_eq!((error.class, error.cause), (ErrorClass::NotSent, Some(Cause::Certificate(fault))), "{error}");
        let advice = vetbridge::messages::remedies::openvpms(&error);
        assert!(error.detail.contains(told) && advice.contains(remedy), "{certificate}: {error}. {advice}");
    }
}

/// A certificate authority that signed nothing.
const TEST_CA: &str = include_str!("../fixtures/test-ca.pem");
