//! The simulators over HTTP, for what only a network can show.

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use vetbridge::simulator::exchange::{Faults, Model, serve};

/// Serves a model on a free port.
pub(crate) async fn listen(model: Arc<dyn Model>, faults: &Faults, stop: &CancellationToken) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(serve(listener, model, faults.clone(), stop.clone()));
    port
}
