//! `vetbridge probe`: what a container's health check asks, and what it must not depend on.

use std::io::{Read as _, Write as _};

use tempfile::TempDir;

use crate::clinic::{Clinic, Ended, eventually, free_port};
use crate::service::Service;

/// The command in a directory without any file, as another user of the machine would type it.
async fn probe(clinic: &Clinic, port: u16) -> Ended {
    let (nowhere, address) = (TempDir::new().unwrap(), format!("127.0.0.1:{port}"));
    let mut command = clinic.command(&["probe", &address]);
    let output = tokio::task::spawn_blocking(move || command.current_dir(nowhere.path()).output()).await;
    let output = output.unwrap().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { status: output.status.code().unwrap(), out: text(output.stdout), error: text(output.stderr) }
}

/// A server that has one answer to everything.
fn server(answer: &'static str) -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut asked = [0; 2048];
            let _gone = stream.read(&mut asked).and_then(|_| stream.write_all(answer.as_bytes()));
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_works_whatever_became_of_its_configuration_and_of_openvpms() {
    let clinic = Clinic::open().await;
    let none = probe(&clinic, clinic.port).await;
    assert_eq!((none.status, none.out.as_str()), (1, ""), "{none:?}");
    assert!(none.error.contains("nobody listens") && none.error.contains("[admin] listen"), "{none:?}");

    let service = Service::start_and_get_in_step(&clinic).await;
    let works = probe(&clinic, clinic.port).await;
    assert_eq!((works.status, works.out.as_str(), works.error.as_str()), (0, "The process works.\n", ""));

    clinic.write("vetbridge.toml", "[[[\n");
    clinic.openvpms_faults.close_port();
    eventually("the practice is out of step", async || service.open("/readyz").await.status() == 503).await;
    assert_eq!(probe(&clinic, clinic.port).await.status, 0);
    service.stop().await;
    assert_eq!(probe(&clinic, clinic.port).await.status, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_stands_still_and_an_answer_of_something_else_are_told_apart() {
    let clinic = Clinic::open().await;
    let ill = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 3\r\nconnection: close\r\n\r\nok\n";
    let stands = probe(&clinic, server(ill)).await;
    assert!(stands.status == 1 && stands.error.contains("stands still"), "{stands:?}");
    for other in [
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\nok\nand so",
        "HTTP/1.1 404 Not Found\r\ncontent-length: 3\r\nconnection: close\r\n\r\nok\n",
        "no http at all\r\n\r\n",
    ] {
        let answered = probe(&clinic, server(other)).await;
        assert!(answered.status == 1 && answered.error.contains("No vetbridge answers"), "{other}: {answered:?}");
    }
    let nobody = probe(&clinic, free_port().await).await;
    assert!(nobody.status == 1 && nobody.error.contains("nobody listens"), "{nobody:?}");
}
