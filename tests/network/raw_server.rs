//! A server that follows a script, and what the tests ask it.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use vetbridge::call_error::{Answer, ErrorClass};
use vetbridge::http::base_url::BaseUrl;
use vetbridge::http::network::{Credentials, Server, ServerSettings};
use vetbridge::http::{Lane, Method, Request, Response, Transport};

/// Long enough for loopback on a busy machine, short enough to wait for.
pub(crate) const SHORT: Duration = Duration::from_secs(1);

/// What the server does once it has read a request.
#[derive(Clone)]
pub(crate) enum Then {
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
pub(crate) struct RawServer {
    pub(crate) address: SocketAddr,
    /// Head and body of every request, with the number of the connection that it came over.
    pub(crate) requests: Arc<Mutex<Vec<(usize, String)>>>,
}

impl RawServer {
    pub(crate) async fn start(script: impl Into<Vec<Then>>) -> Self {
        Self::start_at("127.0.0.1:0", script).await
    }

    pub(crate) async fn start_at(address: impl ToSocketAddrs, script: impl Into<Vec<Then>>) -> Self {
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

    pub(crate) fn seen(&self) -> Vec<String> {
        self.requests.lock().unwrap().iter().map(|(_, request)| request.clone()).collect()
    }

    pub(crate) fn connections(&self) -> Vec<usize> {
        self.requests.lock().unwrap().iter().map(|(connection, _)| *connection).collect()
    }

    pub(crate) fn settings(&self) -> ServerSettings {
        settings(&format!("http://{}/base", self.address))
    }

    pub(crate) fn transport(&self) -> Arc<dyn Transport> {
        transport(&self.settings())
    }

    pub(crate) fn hasty(&self) -> Arc<dyn Transport> {
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
pub(crate) async fn read_request(stream: &mut TcpStream) -> Option<String> {
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

pub(crate) fn settings(url: &str) -> ServerSettings {
    let mut settings = ServerSettings::new(BaseUrl::parse(url, false).unwrap(), "Example (it@example.com) DEV");
    settings.max_requests_per_second = NonZeroU32::new(1000).unwrap();
    settings
}

pub(crate) fn transport(settings: &ServerSettings) -> Arc<dyn Transport> {
    let basic = Credentials::Basic { username: "sample".into(), password: SecretString::from("changeit") };
    Server::new(settings).unwrap().transport(&basic).unwrap()
}

pub(crate) fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

pub(crate) fn ok() -> Then {
    Then::Answer(answer("200 OK", b"[]"))
}

pub(crate) fn get() -> Request {
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
pub(crate) fn post() -> Request {
    Request {
        method: Method::Post,
        path: "/bookings".into(),
        accept: "text/plain",
        json: Some(br#"{"firstName":"Judith"}"#.to_vec()),
        gzip: false,
        lane: Lane::Interactive,
        repeatable: false,
    }
}

pub(crate) fn class(answer: &Answer<Response>) -> (ErrorClass, Option<u16>) {
    let error = answer.as_ref().unwrap_err();
    assert!(!error.detail.contains("127.0.0.1") && !error.detail.contains("Judith"), "{error}");
    (error.class, error.status)
}
