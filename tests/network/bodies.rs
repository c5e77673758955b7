//! Limits on the body of an answer.

use std::io::Write as _;
use std::time::Duration;

use vetbridge::call_error::ErrorClass;
use vetbridge::http::Request;
use vetbridge::http::network::ServerSettings;

use crate::raw_server::{RawServer, Then, answer, class, get, ok, transport};

#[tokio::test]
async fn a_body_over_the_limit_is_refused_whatever_it_says_about_its_length() {
    let counted = answer("200 OK", &[b'x'; 2000]);
    let mut chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..20 {
        chunked.extend_from_slice(b"64\r\n");
        chunked.extend_from_slice(&[b'x'; 100]);
        chunked.extend_from_slice(b"\r\n");
    }
    for endless in [counted, chunked] {
        let server = RawServer::start([Then::Answer(endless)]).await;
        let small = transport(&ServerSettings { body_limit_bytes: 1000, ..server.settings() });
        assert_eq!(class(&small.exchange(get()).await), (ErrorClass::Contract, Some(200)));
    }
    let exactly = RawServer::start([Then::Answer(answer("200 OK", &[b'x'; 1000]))]).await;
    let small = transport(&ServerSettings { body_limit_bytes: 1000, ..exactly.settings() });
    assert_eq!(small.exchange(get()).await.unwrap().body.len(), 1000);
}

#[tokio::test]
async fn two_long_bodies_are_taken_in_at_one_time_and_short_ones_wait_for_none() {
    const LONG: usize = 300 * 1024;
    let long = answer("200 OK", &[b'x'; LONG]);
    // Two that stop in the middle, behind the point from which they are long ones.
    let stuck = Then::Answer(long[..long.len() - 1].to_vec());
    let server = RawServer::start([stuck.clone(), stuck, Then::Answer(long.clone())]).await;
    let (shared, short) = (server.transport(), RawServer::start([ok()]).await);
    let ask = || {
        let transport = shared.clone();
        tokio::spawn(async move { transport.exchange(get()).await })
    };
    let stuck = [ask(), ask()];
    while server.seen().len() < 2 {
        tokio::task::yield_now().await;
    }
    // As soon as both have the places, the next one does not come to its end, although the whole of it was sent.
    let mut held_back = None;
    for _ in 0..20 {
        let mut next = ask();
        match tokio::time::timeout(Duration::from_millis(300), &mut next).await {
            Ok(answered) => assert_eq!(answered.unwrap().unwrap().body.len(), LONG),
            Err(_) => {
                held_back = Some(next);
                break;
            }
        }
    }
    let held_back = held_back.expect("a long body that waits");
    assert!(short.transport().exchange(get()).await.is_ok());
    // A place is free again when whoever had it gives up.
    stuck[0].abort();
    let answered = tokio::time::timeout(Duration::from_secs(5), held_back).await.expect("a place that is free again");
    assert_eq!(answered.unwrap().unwrap().body.len(), LONG);
    stuck[1].abort();
}

#[tokio::test]
async fn a_compressed_answer_is_limited_by_what_it_unfolds_to() {
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let bomb = gzip(&vec![0; 64 * 1024 * 1024]);
    assert!(bomb.len() < 100_000, "the bomb itself is within the limit");
    let harmless = gzip(b"[1]");
    let script = [bomb, harmless.clone(), harmless[..harmless.len() - 6].to_vec()];
    let script = script.map(|body| Then::Answer(answer("200 OK\r\ncontent-encoding: gzip", &body)));
    let server = RawServer::start(script).await;
    let transport = server.transport();
    assert_eq!(class(&transport.exchange(get()).await), (ErrorClass::Contract, Some(200)));
    assert_eq!(transport.exchange(get()).await.unwrap().body, b"[1]");
    assert_eq!(class(&transport.exchange(Request { repeatable: false, ..get() }).await), (ErrorClass::Lost, Some(200)));
}
