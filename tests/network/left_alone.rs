//! A server that wants to be left alone.

use vetbridge::call_error::ErrorClass;
use vetbridge::http::network::{Credentials, Server};

use crate::raw_server::{RawServer, Then, answer, get, ok, post};

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
        assert!(probe.as_secs() <= 30, "the interactive lane asks again soon: {probe:?}");
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
