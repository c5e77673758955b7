//! What a failed exchange is called, and how often the request left.

use tokio::net::TcpListener;
use vetbridge::call_error::ErrorClass;
use vetbridge::http::base_url::BaseUrl;

use crate::certificates::TEST_CA;
use crate::raw_server::{RawServer, SHORT, Then, answer, class, get, ok, post, settings, transport};

#[tokio::test]
async fn a_refused_connection_has_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let transport = transport(&settings(&url));
    for request in [get(), post()] {
        assert_eq!(class(&transport.exchange(request).await), (ErrorClass::NotSent, None));
    }
}

#[tokio::test]
async fn a_tls_handshake_that_hangs_or_fails_has_sent_nothing() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut hasty = settings(&format!("https://{}", silent.local_addr().unwrap()));
    hasty.request_timeout = SHORT;
    // A certificate of our own choosing spares the platform's, which a bare machine does not have.
    hasty.ca_pem = Some(TEST_CA.as_bytes().to_vec());
    let error = transport(&hasty).exchange(post()).await.unwrap_err();
    assert_eq!((error.class, error.detail.as_str()), (ErrorClass::NotSent, "no connection came about in time"));

    let plain = RawServer::start([Then::AnswerAndClose(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())]).await;
    hasty.base_url = BaseUrl::parse(&format!("https://{}", plain.address), false).unwrap();
    drop(silent);
    let answer = transport(&hasty).exchange(post()).await;
    assert_eq!(class(&answer), (ErrorClass::NotSent, None));
}

#[tokio::test]
async fn silence_after_the_request_is_lost_and_nothing_is_sent_again() {
    let server = RawServer::start([Then::Silence]).await;
    for request in [get(), post()] {
        assert_eq!(class(&server.hasty().exchange(request).await), (ErrorClass::Lost, None));
    }
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_head_that_trickles_in_is_given_up_and_lost() {
    let server = RawServer::start([Then::Trickle]).await;
    assert_eq!(class(&server.hasty().exchange(post()).await), (ErrorClass::Lost, None));
}

#[tokio::test]
async fn a_reset_or_a_hang_up_after_reading_is_lost_and_a_booking_leaves_once() {
    for then in [Then::Reset, Then::AnswerAndClose(Vec::new())] {
        let server = RawServer::start([then]).await;
        assert_eq!(class(&server.transport().exchange(post()).await), (ErrorClass::Lost, None));
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_read_that_meets_a_reset_is_repeated_twice_at_most() {
    let server = RawServer::start([Then::Reset, ok()]).await;
    assert_eq!(server.transport().exchange(get()).await.unwrap().body, b"[]");
    assert_eq!(server.seen().len(), 2);

    let server = RawServer::start([Then::Reset]).await;
    assert_eq!(class(&server.transport().exchange(get()).await), (ErrorClass::Lost, None));
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_lost() {
    let server = RawServer::start([Then::AnswerAndClose(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec())]).await;
    assert_eq!(class(&server.transport().exchange(post()).await), (ErrorClass::Lost, None));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn half_a_body_is_lost_with_its_status() {
    let whole = answer("201 Created", b"23:bdab2340-e580");
    for half in [
        whole[..whole.len() - 4].to_vec(),
        b"HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n4\r\n23:b".to_vec(),
    ] {
        let server = RawServer::start([Then::AnswerAndClose(half)]).await;
        assert_eq!(class(&server.transport().exchange(post()).await), (ErrorClass::Lost, Some(201)));
    }
    let server = RawServer::start([Then::Answer(b"HTTP/1.1 201 Created\r\ncontent-length: 9\r\n\r\n".to_vec())]).await;
    assert_eq!(class(&server.hasty().exchange(post()).await), (ErrorClass::Lost, Some(201)));
}

#[tokio::test]
async fn what_was_created_is_known_by_its_location_although_the_body_broke_off() {
    let half =
        b"HTTP/1.1 201 Created\r\nLocation: http://host/bookings/23:bdab\r\ncontent-length: 99\r\n\r\n23:b".to_vec();
    let server = RawServer::start([Then::AnswerAndClose(half)]).await;
    let response = server.transport().exchange(post()).await.unwrap();
    assert_eq!((response.status, response.header("location")), (201, Some("http://host/bookings/23:bdab")));
    assert_eq!(response.body, b"");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nothing_is_sent_to_where_it_points() {
    let target = RawServer::start([ok()]).await;
    let head = format!("307 Temporary Redirect\r\nlocation: http://{}/", target.address);
    let server = RawServer::start([Then::Answer(answer(&head, b""))]).await;
    for request in [post(), get()] {
        assert_eq!(server.transport().exchange(request).await.unwrap().status, 307);
    }
    assert_eq!((server.seen().len(), target.seen().len()), (2, 0));
}

#[tokio::test]
async fn every_status_is_an_answer() {
    for status in ["204 No Content", "404 Not Found", "500 Internal Server Error", "502 Bad Gateway"] {
        let server =
            RawServer::start([Then::Answer(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").into())]).await;
        let response = server.transport().exchange(get()).await.unwrap();
        assert_eq!(response.status, status[..3].parse::<u16>().unwrap());
        assert_eq!(server.seen().len(), 1);
    }
}
