//! Accepts connections, with limits on everything a stranger could hold open.
//!
//! Connections have places: those of expected peers 64, and who finds none waits; those of strangers eight, and who finds none is
//! hung up on. So strangers can fill their own places and no others. Who is a stranger is the caller's word; the admin listener
//! has none.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service as _;

/// So many connections of expected peers are served at one time; more wait.
const CONNECTIONS_MAX: usize = 64;
/// So many of strangers; more are hung up on.
const STRANGERS_MAX: usize = 8;
/// A client that has not sent its headers by then is hung up on.
const HEADERS_WITHIN: Duration = Duration::from_secs(5);
/// Answers in flight have this long to come to an end when the listener stops.
const STOPS_WITHIN: Duration = Duration::from_secs(2);

/// Who is at the other end of the connection, among a request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// Serves everybody until the token is cancelled, then lets answers in flight come to an end.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    serve_expected(listener, router, |_| true, stop).await;
}

/// The same where only some peers are expected.
pub(super) async fn serve_expected(
    listener: TcpListener,
    router: Router,
    is_expected: impl Fn(IpAddr) -> bool,
    stop: CancellationToken,
) {
    let (places, strangers) = (Arc::new(Semaphore::new(CONNECTIONS_MAX)), Arc::new(Semaphore::new(STRANGERS_MAX)));
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, address)) = accepted else {
            // Out of file descriptors, as a rule: give others time to close theirs.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let place = if is_expected(peer(address)) {
            tokio::select! {
                () = stop.cancelled() => break,
                place = Arc::clone(&places).acquire_owned() => place.ok(),
            }
        } else {
            Arc::clone(&strangers).try_acquire_owned().ok()
        };
        let Some(place) = place else { continue };
        connections.spawn(connection(stream, Peer(peer(address)), router.clone(), stop.clone(), place));
    }
    connections.close();
    connections.wait().await;
}

/// The address, in the form in which it would be configured: a listener on `[::]` sees IPv4 peers as `::ffff:…`.
fn peer(address: SocketAddr) -> IpAddr {
    address.ip().to_canonical()
}

async fn connection(
    stream: TcpStream,
    peer: Peer,
    router: Router,
    stop: CancellationToken,
    _place: OwnedSemaphorePermit,
) {
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        router.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // A client that hangs up is its own affair.
        _ = connection.as_mut() => {}
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(STOPS_WITHIN, connection).await;
        }
    }
}
