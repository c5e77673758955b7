//! Some other program answers where the service should: whatever a command sends it is worth nothing.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::clinic::{Clinic, PRACTICE};
use crate::service::Service;

/// All that was ever sent to it, as text.
#[derive(Debug, Clone, Default)]
struct Heard(Arc<Mutex<String>>);

impl Heard {
    fn add(&self, bytes: &[u8]) {
        self.0.lock().unwrap().push_str(&String::from_utf8_lossy(bytes));
    }

    fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

struct Impostor {
    port: u16,
    heard: Heard,
    _stop: DropGuard,
}

impl Impostor {
    /// Says that it is well, and to everything else what might make a command go on.
    async fn that_says_yes() -> Self {
        Self::new(|mut stream, heard, _| async move {
            let mut request = vec![0; 64 * 1024];
            while let Ok(length @ 1..) = stream.read(&mut request).await {
                heard.add(&request[..length]);
                let asked = String::from_utf8_lossy(&request[..length]).into_owned();
                let body = if asked.starts_with("GET /healthz") {
                    "ok\n".to_owned()
                } else {
                    format!("{{\"nonce\": \"{0}\", \"proof\": \"{0}\"}}", "A".repeat(43))
                };
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
        })
        .await
    }

    /// Passes everything on to the service at this port, as if it had been asked there, and every answer back.
    async fn that_passes_on_to(service: u16) -> Self {
        Self::new(move |mut stream, heard, own| async move {
            let mut request = vec![0; 64 * 1024];
            let mut onward = TcpStream::connect(("127.0.0.1", service)).await.unwrap();
            let mut answer = vec![0; 64 * 1024];
            loop {
                tokio::select! {
                    read = stream.read(&mut request) => {
                        let Ok(length @ 1..) = read else { return };
                        heard.add(&request[..length]);
                        let text = String::from_utf8_lossy(&request[..length]);
                        let text = text.replace(&format!("127.0.0.1:{own}"), &format!("127.0.0.1:{service}"));
                        let _ = onward.write_all(text.as_bytes()).await;
                    }
                    read = onward.read(&mut answer) => {
                        let Ok(length @ 1..) = read else { return };
                        let _ = stream.write_all(&answer[..length]).await;
                    }
                }
            }
        })
        .await
    }

    async fn new<F: Future<Output = ()> + Send + 'static>(
        serve: impl Fn(TcpStream, Heard, u16) -> F + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, heard) = (listener.local_addr().unwrap().port(), Heard::default());
        let (stop, hears) = (CancellationToken::new(), heard.clone());
        let until = stop.clone();
        tokio::spawn(async move {
            until
                .run_until_cancelled(async {
                    while let Ok((stream, _)) = listener.accept().await {
                        tokio::spawn(serve(stream, hears.clone(), port));
                    }
                })
                .await
        });
        Self { port, heard, _stop: stop.drop_guard() }
    }
}

/// Runs every command that talks to a service, and wants each to say that this is none of its own.
async fn assert_nothing_is_learnt(clinic: &Clinic, impostor: &Impostor, token: &str) {
    let configuration =
        clinic.configuration().replace(&format!("127.0.0.1:{}", clinic.port), &format!("127.0.0.1:{}", impostor.port));
    clinic.write("vetbridge.toml", &configuration);
    let commands: [&[&str]; 9] = [
        &["status"],
        &["check"],
        &["resync"],
        &["bookings"],
        &["bookings", "show", "7"],
        &["bookings", "resolve", "7", "--rejected"],
        &["pause", "--practice", PRACTICE],
        &["state", "export", "export.jsonl"],
        &["state", "verify"],
    ];
    for command in commands {
        let ended = clinic.run(command).await;
        let said = ended.out + &ended.error;
        assert_eq!(ended.status, 1, "{command:?}: {said}");
        assert!(said.contains("does not take the token of the state directory"), "{command:?}: {said}");
        assert!(said.contains("another program in its place") && said.contains("--config"), "{command:?}: {said}");
    }
    let heard = impostor.heard.text();
    assert!(heard.matches("GET /healthz").count() >= 9 && heard.contains("GET /api/v1/proof"), "{heard}");
    assert!(!heard.contains(token), "{heard}");
    // Nothing but questions for health and proof, and nothing that could be shown to the service.
    assert!(!heard.to_ascii_lowercase().contains("authorization") && !heard.contains("POST "), "{heard}");
    let targets = heard.lines().filter(|line| line.ends_with(" HTTP/1.1"));
    let others: Vec<_> =
        targets.filter(|line| !line.contains("/healthz ") && !line.contains("/api/v1/proof ")).collect();
    assert!(others.is_empty(), "{others:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_took_the_services_port_learns_nothing_from_any_command() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let token = service.token().to_owned();
    service.stop().await;
    let impostor = Impostor::that_says_yes().await;
    assert_nothing_is_learnt(&clinic, &impostor, &token).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_passes_everything_on_to_the_service_learns_nothing_either() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let impostor = Impostor::that_passes_on_to(clinic.port).await;
    assert_nothing_is_learnt(&clinic, &impostor, service.token()).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_listens_on_every_address_is_recognised_and_no_command_shows_it_the_token() {
    let clinic = Clinic::open().await;
    let everywhere =
        clinic.configuration().replace(&format!("127.0.0.1:{}\"", clinic.port), &format!("0.0.0.0:{}\"", clinic.port));
    clinic.write("vetbridge.toml", &everywhere);
    let service = Service::start_and_get_in_step(&clinic).await;
    let status = clinic.run(&["status"]).await;
    assert!(status.status == 0 && status.out.contains("Main Clinic (1234567): in step"), "{status:?}");
    let paused = clinic.run(&["pause", "--practice", PRACTICE]).await;
    assert_eq!(paused.status, 0, "{paused:?}");
    service.stop().await;
}
