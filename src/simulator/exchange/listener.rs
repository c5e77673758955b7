//! A model on a loopback port.
//!
//! On hyper itself, because a simulated server must be able to do what a framework prevents: hang
//! up instead of answering, announce a length and break off in the middle, stay silent.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::model::{ArrivedRequest, Fate, Faults, Model, SentAnswer, fate};

/// The most a request body may hold; a hundred snapshots of availability stay far below it.
const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Why an exchange ends without a whole answer. hyper closes the connection on it.
#[derive(Debug, thiserror::Error)]
#[error("the simulated server hangs up")]
struct HungUp;

type Body = BoxBody<Bytes, HungUp>;

/// Answers on this listener until `stop`; then every connection ends. While the plan has the port
/// closed, it is: the listener is given up and made again on the same address afterwards.
pub async fn serve(listener: TcpListener, model: Arc<dyn Model>, faults: Faults, stop: CancellationToken) {
    let Ok(address) = listener.local_addr() else { return };
    let mut port = faults.port.subscribe();
    let mut listener = Some(listener);
    while let Some(open) = listener.take() {
        let connections = stop.child_token();
        tokio::select! {
            () = accept(&open, &model, &faults, &connections) => {}
            _ = port.wait_for(|closed| *closed) => {}
            () = stop.cancelled() => {}
        }
        connections.cancel();
        drop(open);
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = port.wait_for(|closed| !*closed) => {}
        }
        listener = TcpListener::bind(address).await.ok();
    }
}

/// Takes connections, each served in a task of its own. Does not return.
async fn accept(listener: &TcpListener, model: &Arc<dyn Model>, faults: &Faults, connections: &CancellationToken) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let served = connection(stream, Arc::clone(model), faults.clone());
                let stop = connections.clone();
                tokio::spawn(async move { stop.run_until_cancelled(served).await });
            }
            // Out of descriptors, or a client that left before it was accepted: the next one may do
            // better.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

/// Serves one connection until either side ends it.
async fn connection(stream: TcpStream, model: Arc<dyn Model>, faults: Faults) {
    let service = service_fn(|request| exchange(request, &model, &faults));
    // An error here is a client that went away, or our own hanging up: both are the normal course
    // of a simulation.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// One exchange. An error makes hyper close the connection without an answer.
async fn exchange(
    request: Request<Incoming>,
    model: &Arc<dyn Model>,
    faults: &Faults,
) -> Result<Response<Body>, HungUp> {
    let Some(asked) = arrived(request).await else {
        return Ok(whole(SentAnswer::html(413, "Request Entity Too Large").with_header("connection", "close")));
    };
    match fate(model, faults, asked) {
        Fate::Answered(answered, after) => {
            if !after.is_zero() {
                tokio::time::sleep(after).await;
            }
            Ok(whole(answered))
        }
        Fate::Truncated(answered) => Ok(half(answered)),
        Fate::HangUp | Fate::Refused => Err(HungUp),
        // Until the client gives up: hyper drops this future then.
        Fate::Silence => std::future::pending().await,
    }
}

/// The request with its whole body; `None` if that is over the limit or broke off.
async fn arrived(request: Request<Incoming>) -> Option<ArrivedRequest> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await.ok()?.to_bytes();
    let target = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    Some(ArrivedRequest { method: head.method.as_str().to_owned(), target, headers, body: body.to_vec() })
}

/// The answer as the model made it.
fn whole(answered: SentAnswer) -> Response<Body> {
    let (answered, body) = split(answered);
    let body = Full::new(body).map_err(|never: Infallible| match never {}).boxed();
    with_head(&answered, body)
}

/// The head with the whole length, half of the body, then the connection breaks.
fn half(answered: SentAnswer) -> Response<Body> {
    let (answered, body) = split(answered);
    let sent = body.slice(..body.len() / 2);
    // hyper writes out what it has when the body makes it wait; without the pause the head would be
    // lost as well.
    let broken = stream::once(async {
        tokio::task::yield_now().await;
        Err(HungUp)
    });
    let frames = stream::iter([Ok(Frame::data(sent))]).chain(broken);
    let mut response = with_head(&answered, BodyExt::boxed(StreamBody::new(frames)));
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    response
}

fn split(mut answered: SentAnswer) -> (SentAnswer, Bytes) {
    let body = Bytes::from(std::mem::take(&mut answered.body));
    (answered, body)
}

/// A status or header that HTTP does not have is the model's mistake, and comes out as 500 or is
/// left out.
fn with_head(answered: &SentAnswer, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(answered.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in &answered.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::super::Fault;
    use super::*;

    /// Counts what it carries out.
    #[derive(Default)]
    struct Counter(AtomicU32);

    impl Model for Counter {
        fn answer(&self, asked: &ArrivedRequest) -> SentAnswer {
            self.0.fetch_add(1, Ordering::SeqCst);
            let body = format!("{} {} {}", asked.method, asked.target, String::from_utf8_lossy(&asked.body));
            SentAnswer { status: 201, headers: vec![("x-kind".into(), "model".into())], body: body.into_bytes() }
        }
    }

    struct Served {
        model: Arc<Counter>,
        faults: Faults,
        address: std::net::SocketAddr,
        _stop: tokio_util::sync::DropGuard,
    }

    async fn served() -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (model, faults, stop) = (Arc::new(Counter::default()), Faults::none(), CancellationToken::new());
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, model.clone(), faults.clone(), stop.clone()));
        Served { model, faults, address, _stop: stop.drop_guard() }
    }

    impl Served {
        /// All bytes that come back until the server closes; `None` when it stays silent for longer
        /// than a test should take.
        async fn ask(&self) -> Option<String> {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            let request = "POST /a%20b?c=d HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi";
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            let read = tokio::time::timeout(Duration::from_millis(300), stream.read_to_string(&mut answer)).await;
            read.ok().map(|_| answer)
        }

        fn carried_out(&self) -> u32 {
            self.model.0.load(Ordering::SeqCst)
        }
    }

    #[tokio::test]
    async fn a_request_arrives_as_it_was_sent_and_is_answered_as_the_model_says() {
        let served = served().await;
        let answer = served.ask().await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 201 Created\r\nx-kind: model\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\nPOST /a%20b?c=d hi"), "{answer}");
    }

    #[tokio::test]
    async fn every_fault_shows_the_client_what_it_is_named_for() {
        let served = served().await;
        // What goes wrong, how the answer ends (nothing at all, or silence), and how often the
        // model acted.
        let table = [
            (Fault::Refuse, Some(""), 0),
            (Fault::LoseRequest, Some(""), 0),
            (Fault::LoseAnswer, Some(""), 1),
            (Fault::Hang, None, 0),
            (Fault::Slow(Duration::from_millis(5)), Some("POST /a%20b?c=d hi"), 1),
            (Fault::Slow(Duration::from_secs(60)), None, 1),
            (Fault::StatusBefore(503), Some("<h1>HTTP Status 503</h1></body></html>"), 0),
            (Fault::StatusAfter(500), Some("<h1>HTTP Status 500</h1></body></html>"), 1),
            (Fault::LoginPage, Some("<h1>Login</h1></body></html>"), 0),
            (Fault::Truncate, Some("POST /a%2"), 1),
            (Fault::TooMany(7), Some("<h1>Too Many Requests</h1></body></html>"), 0),
        ];
        for (fault, expected, acts) in table {
            let before = served.carried_out();
            let plan = fault.clone();
            served.faults.set(move |_| Some(plan.clone()));
            let answer = served.ask().await;
            match expected {
                None => assert_eq!(answer, None, "{fault:?}"),
                Some("") => assert_eq!(answer.as_deref(), Some(""), "{fault:?}"),
                Some(end) => {
                    let answer = answer.unwrap();
                    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
                    assert!(body.ends_with(end), "{fault:?}: {answer}");
                }
            }
            assert_eq!(served.carried_out() - before, acts, "{fault:?}");
        }
    }

    #[tokio::test]
    async fn a_truncated_answer_announces_its_whole_length() {
        let served = served().await;
        served.faults.set(|_| Some(Fault::Truncate));
        let answer = served.ask().await.unwrap();
        assert!(answer.contains("content-length: 18\r\n") && answer.ends_with("\r\n\r\nPOST /a%2"), "{answer}");
    }

    #[tokio::test]
    async fn what_is_carried_out_late_happens_after_the_client_has_gone() {
        let served = served().await;
        served.faults.set(|_| Some(Fault::CarryOutLate(Duration::from_millis(400))));
        assert_eq!((served.ask().await, served.carried_out()), (None, 0));
        for _ in 0..100 {
            if served.carried_out() == 1 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("it was never carried out");
    }

    #[tokio::test]
    async fn a_closed_port_refuses_and_opens_again_on_the_same_address() {
        let served = served().await;
        assert!(served.ask().await.unwrap().contains("201"));
        served.faults.close_port();
        until(|| async { TcpStream::connect(served.address).await.is_err() }).await;
        served.faults.heal();
        until(|| async { TcpStream::connect(served.address).await.is_ok() }).await;
        assert!(served.ask().await.unwrap().contains("201"));
    }

    /// Waits for a condition, for two seconds at most.
    async fn until<F: Future<Output = bool>>(condition: impl Fn() -> F) {
        for _ in 0..200 {
            if condition().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it never came true");
    }
}
