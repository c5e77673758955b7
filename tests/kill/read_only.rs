//! A state directory that cannot be written: the program runs without a store until it can.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use vetbridge::simulator::healthengine::MarketplaceStatus;

use crate::clinic::{Clinic, eventually};
use crate::service::Service;

/// A user without any rights of its own. Root may write everywhere, so as root the program runs as this one.
const NOBODY: u32 = 65_534;

/// The user that the program is to run as, once everything that it needs is theirs.
fn give_away(directory: &Path) -> Option<u32> {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    fn give(path: &Path) {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        if path.is_dir() {
            fs::read_dir(path).unwrap().for_each(|entry| give(&entry.unwrap().path()));
        }
    }
    give(directory);
    Some(NOBODY)
}

/// Clients that ask the admin listener for its health all the time, each time on a connection of its own.
struct Callers {
    stop: CancellationToken,
    calls: JoinSet<(usize, Vec<String>)>,
}

impl Callers {
    fn begin(port: u16) -> Self {
        let (stop, mut calls) = (CancellationToken::new(), JoinSet::new());
        for _ in 0..4 {
            let stop = stop.clone();
            calls.spawn(async move {
                let (mut answered, mut failed) = (0, Vec::new());
                while !stop.is_cancelled() {
                    match call(port).await {
                        Ok(answer) if answer.starts_with("HTTP/1.1 200 OK") => answered += 1,
                        Ok(other) => failed.push(other),
                        Err(error) => failed.push(error.to_string()),
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                (answered, failed)
            });
        }
        Self { stop, calls }
    }

    /// How many calls were answered, and what became of the others.
    async fn end(self) -> (usize, Vec<String>) {
        self.stop.cancel();
        let ended = self.calls.join_all().await;
        (ended.iter().map(|(answered, _)| answered).sum(), ended.into_iter().flat_map(|(_, failed)| failed).collect())
    }
}

async fn call(port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let request = format!("GET /healthz HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_read_only_state_it_rejects_in_time_shows_red_and_goes_on_by_itself() {
    let clinic = Clinic::open().await;
    fs::create_dir(clinic.state()).unwrap();
    let user = give_away(clinic.directory.path());
    let service = Service::start_as(&clinic, user).await;
    eventually("it is in step", async || service.open("/readyz").await.status() == 200).await;
    let before = clinic.book("s136").await;
    let status = |id| clinic.healthengine.booking(id).unwrap().status;
    let answered = |id| clinic.healthengine.booking(id).unwrap().answered_at.is_some();
    eventually("it is confirmed", async || answered(before)).await;
    service.stop().await;

    fs::set_permissions(clinic.state(), Permissions::from_mode(0o500)).unwrap();
    let service = Service::start_as(&clinic, user).await;
    let seen: Value = service.get("/api/v1/status").await.json().await.unwrap();
    let problem = seen["problems"][0].clone();
    assert_eq!((&seen["healthy"], problem["subject"].as_str()), (&Value::Bool(false), Some("store")), "{seen}");
    let text = problem["text"].as_str().unwrap();
    assert!(text.contains("Permission denied") && text.contains("as the user that the service runs as"), "{text}");
    assert_eq!(service.open("/healthz").await.status(), 200);
    assert_eq!(service.open("/readyz").await.status(), 503);
    assert_eq!(service.open("/").await.status(), 401);
    let page = service.get("/").await.text().await.unwrap();
    assert!(page.contains("need a look") && page.contains("Bookings cannot be made"), "{page}");
    assert_eq!(service.get("/api/v1/bookings").await.status(), 503);

    eventually("it polls", async || {
        let seen: Value = service.get("/api/v1/status").await.json().await.unwrap();
        seen["practices"][0]["polled_at"].is_string()
    })
    .await;
    let rejected = clinic.book("s136").await;
    eventually("it is rejected", async || status(rejected) == MarketplaceStatus::Failed).await;
    let view = clinic.healthengine.booking(rejected).unwrap();
    assert!((view.answered_at.unwrap() - view.booked_at).num_seconds() < 15, "{view:?}");

    let callers = Callers::begin(clinic.port);
    fs::set_permissions(clinic.state(), Permissions::from_mode(0o700)).unwrap();
    eventually("it goes on by itself", async || service.open("/readyz").await.status() == 200).await;
    let (answered_calls, failed_calls) = callers.end().await;
    assert!(
        answered_calls > 100 && failed_calls.is_empty(),
        "{answered_calls} calls answered, failed: {failed_calls:?}"
    );
    let after = clinic.book("s136").await;
    eventually("it is confirmed", async || answered(after)).await;
    assert_eq!((status(before), status(after)), (MarketplaceStatus::Confirmed, MarketplaceStatus::Confirmed));
    service.stop().await;
}
