//! Accepts connections, with limits on everything that a client could hold open.
//!
//! | limit | on |
//! | --- | --- |
//! | [`PLACES`], [`STRANGERS`] | connections; a full house makes room ([`super::connection_places`]) |
//! | [`HEAD_WITHIN`] | the head of a request, and the pause before it |
//! | [`super::connection_conduct`] | bodies that do not come, answers that are not taken, requests and age of a connection |
//! | [`BUFFER_BYTES_MAX`] | what is kept of a connection in memory |
//!
//! Connections have places: those of expected peers, and those of strangers, who so can fill their
//! own places and no others. Who is a stranger is the caller's word; the admin listener has none.
//! The accepting loop waits for nobody longer than [`super::connection_places::GRACE`].
//!
//! A listener that stops answers what was sent to it before: requests in flight, and those of
//! connections that were made already.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use futures_util::FutureExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service as _;

use super::connection_conduct::{BodyOf, Stream, WatchedBody};
use super::connection_places::{HeldPlace, Places};
use crate::supervisor;

/// So many connections of expected peers are served at one time.
const PLACES: usize = 128;
/// So many of strangers.
const STRANGERS: usize = 8;
/// A client that has not sent the head of a request by then is hung up on.
const HEAD_WITHIN: Duration = Duration::from_secs(5);
/// No head of a request is longer.
const BUFFER_BYTES_MAX: usize = 16 * 1024;
/// What a client sent before the listener stopped has arrived by then.
const IN_FLIGHT_MAX: Duration = Duration::from_millis(200);
/// Answers in flight have this long to come to an end when the listener stops.
const STOPS_WITHIN: Duration = Duration::from_secs(2);

/// Who is at the other end of the connection, among a request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// The address that the client connected to, among a request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Local(pub(super) SocketAddr);

/// Serves everybody until the token is cancelled, then lets answers in flight come to an end. The
/// listener stays open while anybody else has a handle to it: what connects from then on is theirs.
pub async fn serve(listener: Arc<TcpListener>, router: Router, stop: CancellationToken) {
    serve_expected(listener, router, |_| true, stop).await;
}

/// The same where only some peers are expected.
pub(super) async fn serve_expected(
    listener: Arc<TcpListener>,
    router: Router,
    is_expected: impl Fn(IpAddr) -> bool,
    stop: CancellationToken,
) {
    let (places, strangers) = (Places::new(PLACES), Places::new(STRANGERS));
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = supervisor::rest(listener.accept()) => accepted,
        };
        let Ok((stream, address)) = accepted else {
            // Out of file descriptors, as a rule: somebody else has to give up theirs.
            places.free_one();
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let peer = canonical(address).ip();
        let place = if is_expected(peer) { wait_for_place(&places, peer).await } else { strangers.take(peer).ok() };
        // A stranger among strangers who all came at this moment.
        let Some(place) = place else { continue };
        let served = connection(stream, Peer(peer), place, router.clone(), stop.clone());
        let stop = stop.clone();
        connections.spawn(async move {
            let place = served.await;
            let _left_or_stopped = stop.run_until_cancelled(place.leave()).await;
        });
    }
    while let Some(Ok((stream, address))) = listener.accept().now_or_never() {
        let peer = canonical(address).ip();
        let Ok(place) = (if is_expected(peer) { &places } else { &strangers }).take(peer) else { break };
        connections.spawn(connection(stream, Peer(peer), place, router.clone(), stop.clone()));
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn wait_for_place(places: &Places, peer: IpAddr) -> Option<HeldPlace> {
    loop {
        match places.take(peer) {
            Ok(place) => return Some(place),
            Err(again_at) => tokio::time::sleep_until(again_at).await,
        }
    }
}

/// The address, in the form in which it would be configured: a listener on `[::]` sees IPv4 peers
/// as `::ffff:…`.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Serves a connection to its end. What is left is its place.
async fn connection(
    stream: TcpStream,
    peer: Peer,
    place: HeldPlace,
    router: Router,
    stop: CancellationToken,
) -> HeldPlace {
    let Ok(local) = stream.local_addr() else { return place };
    let (local, conduct) = (Local(canonical(local)), place.conduct.clone());
    let service = {
        let (conduct, places) = (conduct.clone(), place.places.clone());
        service_fn(move |request: hyper::Request<Incoming>| {
            let (serving, conduct) = (conduct.serves(), conduct.clone());
            let of = BodyOf::Request(conduct.clone());
            let mut request: Request = request.map(|body| Body::new(WatchedBody { body, of }));
            request.extensions_mut().insert(peer);
            request.extensions_mut().insert(local);
            let (answering, places) = (router.clone().call(request), places.clone());
            async move {
                let mut answer = answering.await?;
                if conduct.is_last() || places.is_crowded() {
                    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                let of = BodyOf::Answer { _serving: serving };
                Ok::<_, std::convert::Infallible>(answer.map(|body| WatchedBody { body, of }))
            }
        })
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(BUFFER_BYTES_MAX)
        .serve_connection(TokioIo::new(Stream { stream, conduct: conduct.clone() }), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // A client that hangs up is its own affair.
        _ = connection.as_mut() => return place,
        () = place.lost() => return place,
        () = conduct.out_of_patience() => return place,
        () = stop.cancelled() => {}
    }
    // hyper's graceful end would hang up on a client whose request is on its way.
    conduct.end_with_the_next_answer();
    let _ = tokio::time::timeout(STOPS_WITHIN, async {
        if !conduct.is_serving() && tokio::time::timeout(IN_FLIGHT_MAX, connection.as_mut()).await.is_ok() {
            return;
        }
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    })
    .await;
    place
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::supervisor::{Kept, STUCK_AFTER, Supervisor, Trouble};

    async fn answer(address: SocketAddr) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut answer = Vec::new();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    #[tokio::test]
    async fn a_listener_that_panics_is_told_of_and_listens_again_on_the_same_address() {
        let listener = Arc::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let told = Arc::new(Mutex::new(Vec::new()));
        let hears = Arc::clone(&told);
        let kept = Kept {
            name: "test",
            practice: None,
            limit: STUCK_AFTER,
            tell: Box::new(move |trouble| hears.lock().push(trouble)),
        };
        let serving = tokio::spawn({
            let stop = stop.clone();
            async move {
                let peers = AtomicU32::new(0);
                let router = Router::new().fallback(|| async { "served" });
                let serve = || {
                    let is_expected = |_| {
                        assert!(peers.fetch_add(1, Ordering::Relaxed) > 0, "planted");
                        true
                    };
                    serve_expected(Arc::clone(&listener), router.clone(), is_expected, stop.clone())
                };
                Supervisor::default().keep(kept, &stop, serve).await;
            }
        });
        assert_eq!(answer(address).await, "", "whoever was there at that moment is hung up on");
        assert!(matches!(told.lock().as_slice(), [Some(Trouble::Panicked(_))]), "{told:?}");
        // It waits in the queue of the address until the loop goes on.
        assert!(answer(address).await.ends_with("served"));
        assert_eq!(told.lock().last(), Some(&None), "the problem is resolved");
        stop.cancel();
        serving.await.unwrap();
    }
}
