//! Crowds of clients that hold on to what they can get, on both listeners, and an ordinary client
//! among them. By itself, because it takes all of the machine that it gets.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

#[path = "../cli_online/clinic.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod clinic;
#[path = "../cli_online/service.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod service;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::clinic::{Clinic, free_port};
use crate::service::Service;

/// An ordinary client is answered within this time, whatever others do.
const ANSWERED_WITHIN: Duration = Duration::from_secs(3);

/// What the clients of a crowd do.
#[derive(Debug, Clone, Copy)]
enum Kind {
    PipeliningWithoutReading,
    HalfAHead,
    HalfABody,
    SlowReading,
    Idle,
}

const KINDS: [Kind; 5] =
    [Kind::PipeliningWithoutReading, Kind::HalfAHead, Kind::HalfABody, Kind::SlowReading, Kind::Idle];

/// A listener to be crowded: what a right request is there, and one with a body of a hundred bytes that is awaited.
#[derive(Debug, Clone)]
struct Door {
    address: SocketAddr,
    request: String,
    with_body: String,
}

async fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    // So that little is enough to make either side wait.
    socket.set_recv_buffer_size(4096)?;
    socket.set_send_buffer_size(4096)?;
    socket.connect(address).await
}

/// One visit: ends when the server has had enough.
async fn visit(door: &Door, kind: Kind) -> std::io::Result<()> {
    let mut stream = connect(door.address).await?;
    match kind {
        Kind::PipeliningWithoutReading => loop {
            stream.write_all(door.request.as_bytes()).await?;
        },
        Kind::SlowReading => {
            let (mut reads, mut writes) = stream.into_split();
            let request = door.request.clone();
            let writing = async move {
                loop {
                    writes.write_all(request.as_bytes()).await?;
                }
            };
            let reading = async move {
                while reads.read_u8().await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Ok(())
            };
            tokio::select! { ended = writing => ended, ended = reading => ended }
        }
        Kind::HalfAHead => {
            stream.write_all(&door.request.as_bytes()[..door.request.len() / 2]).await?;
            until_hung_up(stream).await
        }
        Kind::HalfABody => {
            stream.write_all(door.with_body.as_bytes()).await?;
            stream.write_all(b"{\"outcome\": ").await?;
            until_hung_up(stream).await
        }
        Kind::Idle => {
            stream.write_all(door.request.as_bytes()).await?;
            until_hung_up(stream).await
        }
    }
}

async fn until_hung_up(mut stream: TcpStream) -> std::io::Result<()> {
    while stream.read(&mut [0; 1024]).await? > 0 {}
    Ok(())
}

/// So many clients, each of which comes again when it was hung up on.
fn crowd(door: &Door, kind: Kind, clients: usize) -> JoinSet<()> {
    let mut crowd = JoinSet::new();
    for _ in 0..clients {
        let door = door.clone();
        crowd.spawn(async move {
            loop {
                let _ = visit(&door, kind).await;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        });
    }
    crowd
}

/// Asks as an ordinary client does.
async fn ordinary(door: &Door, among: &str) {
    let asked = async {
        let mut stream = TcpStream::connect(door.address).await?;
        stream.write_all(door.request.as_bytes()).await?;
        let mut answer = [0; 15];
        stream.read_exact(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    match timeout(ANSWERED_WITHIN, asked).await {
        Ok(Ok(answer)) => assert_eq!(&answer, b"HTTP/1.1 200 OK", "among {among}"),
        Ok(Err(error)) => panic!("among {among}: {error}"),
        Err(_) => panic!("among {among}: no answer in time"),
    }
}

async fn stand(door: &Door, clients: usize) {
    for kind in KINDS {
        let mut crowd = crowd(door, kind, clients);
        // Some come before everybody has found a place, some after.
        for _ in 0..8 {
            ordinary(door, &format!("{clients} clients, {kind:?}")).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        crowd.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_crowd_of_clients_does_an_ordinary_one_is_answered_within_three_seconds() {
    let clinic = Clinic::open().await;
    let port = free_port().await;
    let webhooks = format!(
        "[webhooks]\nlisten = \"127.0.0.1:{port}\"\npublic_url = \"https://bridge.example.com\"\nsecret \
         = \"the-webhook-secret\"\nallowed_ips = [\"127.0.0.1\"]\n"
    );
    clinic.write("vetbridge.toml", &clinic.configuration().replace("[sync]", &format!("{webhooks}[sync]")));
    let service = Service::start(&clinic).await;
    let post = "POST /webhooks/the-webhook-secret HTTP/1.1\r\nhost: bridge.example.com\r\n";
    let (own, token) = (clinic.port, service.token());
    let doors = [
        Door {
            address: ([127, 0, 0, 1], own).into(),
            request: format!("GET /healthz HTTP/1.1\r\nhost: 127.0.0.1:{own}\r\n\r\n"),
            with_body: format!(
                "POST /api/v1/bookings/7/resolve HTTP/1.1\r\nhost: 127.0.0.1:{own}\r\nauthorization: Bearer {token}\r\n\
                 content-type: application/json\r\ncontent-length: 100\r\n\r\n"
            ),
        },
        Door {
            address: ([127, 0, 0, 1], port).into(),
            request: format!("{post}content-length: 0\r\n\r\n"),
            with_body: format!("{post}content-length: 100\r\n\r\n"),
        },
    ];
    for door in &doors {
        for clients in [64, 200] {
            stand(door, clients).await;
        }
    }
    service.stop().await;
}
