//! Proxies: of HTTP and of socks.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use vetbridge::call_error::{Cause, ErrorClass};
use vetbridge::http::Transport;
use vetbridge::http::base_url::BaseUrl;
use vetbridge::http::connections::{LOOK_UP_EVERY, at_one_address};
use vetbridge::http::network::ServerSettings;

use crate::certificates::TEST_CA;
use crate::names::{Hosts, pass};
use crate::raw_server::{RawServer, Then, answer, get, ok, post, read_request, settings, transport};

#[tokio::test]
async fn calls_go_through_the_proxy_that_is_configured_with_its_credentials() {
    let proxy = RawServer::start([ok()]).await;
    let mut settings = settings("http://10.99.99.99:8080/base");
    settings.proxy = Some(SecretString::from(format!("http://judith:s3%40cret@{}", proxy.address)));
    assert!(!format!("{settings:?}").contains("s3"), "{settings:?}");
    let server = transport(&settings);
    server.exchange(get()).await.unwrap();
    server.exchange(post()).await.unwrap();
    for request in proxy.seen() {
        assert!(request.contains(" http://10.99.99.99:8080/base/"), "{request}");
        assert!(request.contains("Basic anVkaXRoOnMzQGNyZXQ="), "{request}");
    }
    // To a server with TLS a tunnel is asked for, by its name.
    settings.base_url = BaseUrl::parse("https://clinic.test/base", false).unwrap();
    settings.ca_pem = Some(TEST_CA.as_bytes().to_vec());
    let refuses = RawServer::start([Then::AnswerAndClose(answer("407 Proxy Authentication Required", b""))]).await;
    settings.proxy = Some(SecretString::from(format!("http://{}", refuses.address)));
    let error = transport(&settings).exchange(post()).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::NotSent, "{error}");
    assert!(refuses.seen()[0].starts_with("CONNECT clinic.test:443 "), "{:?}", refuses.seen());
}

#[tokio::test]
async fn a_proxy_that_wants_other_credentials_is_named_with_what_it_wants_and_they_are_not_shown() {
    let refuses = RawServer::start([Then::AnswerAndClose(answer("407 Proxy Authentication Required", b""))]).await;
    // One of socks that takes no user.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let socks = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut greeting = [0; 3];
            let _ = stream.read_exact(&mut greeting).await;
            let with_user = greeting[2] == 2;
            let _ = stream.write_all(&[5, if with_user { 2 } else { 0xff }]).await;
            let mut sign_in = [0; 64];
            let _ = stream.read(&mut sign_in).await;
            let _ = stream.write_all(&[1, 1]).await;
        }
    });
    for scheme_and_address in [format!("http://@{}", refuses.address), format!("socks5://@{socks}")] {
        for (credentials, said) in
            [("", "wants a user name and a password"), ("judith:s3cret", "does not accept the user name")]
        {
            for url in ["https://10.99.99.99/base", "http://10.99.99.99:8080/base"] {
                let mut settings = settings(url);
                settings.ca_pem = Some(TEST_CA.as_bytes().to_vec());
                settings.proxy = Some(SecretString::from(
                    scheme_and_address
                        .replace('@', &if credentials.is_empty() { String::new() } else { format!("{credentials}@") }),
                ));
                let error = transport(&settings).exchange(post()).await.unwrap_err();
                let what = format!("{url} {scheme_and_address} {credentials}: {error}");
                assert_eq!((error.class, error.cause), (ErrorClass::NotSent, Some(Cause::Proxy)), "{what}");
                let named = format!("the proxy {} {said}", scheme_and_address.replace('@', ""));
                assert!(error.to_string().contains(&named) && !error.to_string().contains("s3cret"), "{what}");
                let remedy = vetbridge::messages::call_remedies::openvpms(&error);
                assert!(remedy.contains("proxy under [openvpms]"), "{remedy}");
            }
        }
    }
}

/// A look and a POST of one booking, between which a name is moved, which another call finds.
async fn a_booking_while(transport: &Arc<dyn Transport>, move_the_name: impl FnOnce()) {
    at_one_address(async {
        transport.exchange(get()).await.unwrap();
        move_the_name();
        pass(LOOK_UP_EVERY).await;
        let other = transport.clone();
        tokio::spawn(async move { other.exchange(get()).await.unwrap() }).await.unwrap();
        transport.exchange(post()).await.unwrap();
    })
    .await;
    transport.exchange(post()).await.unwrap();
}

#[tokio::test]
async fn through_a_proxy_that_is_given_by_its_name_a_look_and_its_post_go_one_way() {
    let first = RawServer::start([ok()]).await;
    let second = RawServer::start_at(("127.0.0.2", first.address.port()), [ok()]).await;
    let hosts = Arc::new(Hosts::default());
    hosts.set("proxy.test", &["127.0.0.1"]);
    // The server's own name is the proxy's to look up: nobody knows it here.
    let url = BaseUrl::parse("http://clinic.test:8080/base", true).unwrap();
    let mut settings = ServerSettings { base_url: url, names: hosts.clone(), ..first.settings() };
    settings.proxy = Some(SecretString::from(format!("http://proxy.test:{}", first.address.port())));
    a_booking_while(&transport(&settings), || hosts.set("proxy.test", &["127.0.0.2"])).await;
    let methods = |server: &RawServer| {
        let methods = server.seen().into_iter().map(|request| request.split(' ').next().unwrap().to_owned());
        methods.collect::<Vec<_>>()
    };
    assert_eq!(
        (methods(&first), methods(&second)),
        (vec!["GET".to_owned(), "POST".to_owned()], vec!["GET".to_owned(), "POST".to_owned()])
    );
    assert!(first.seen()[0].contains(" http://clinic.test:8080/base/"), "{:?}", first.seen());
}

/// A proxy of socks that answers by itself: where its callers wanted to go, with the method that they used there.
async fn socks_server() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, wishes) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
    let seen = wishes.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let seen = seen.clone();
            tokio::spawn(async move {
                let (mut greeting, mut wish) = ([0; 3], [0; 10]);
                stream.read_exact(&mut greeting).await.unwrap();
                stream.write_all(&[5, 0]).await.unwrap();
                stream.read_exact(&mut wish).await.unwrap();
                stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
                while let Some(request) = read_request(&mut stream).await {
                    let method = request.split(' ').next().unwrap();
                    let wish = format!("{method} {}.{}.{}.{}", wish[4], wish[5], wish[6], wish[7]);
                    seen.lock().unwrap().push(wish);
                    stream.write_all(&answer("200 OK", b"{}")).await.unwrap();
                }
            });
        }
    });
    (address, wishes)
}

#[tokio::test]
async fn through_a_socks_proxy_that_is_given_by_its_name_a_look_and_its_post_meet_one_address() {
    let (address, wishes) = socks_server().await;
    let hosts = Arc::new(Hosts::default());
    hosts.set("proxy.test", &["127.0.0.1"]);
    hosts.set("clinic.test", &["10.99.99.1"]);
    let url = BaseUrl::parse("http://clinic.test:8080/base", true).unwrap();
    let mut settings = ServerSettings { base_url: url, names: hosts.clone(), ..settings("http://127.0.0.1/base") };
    settings.proxy = Some(SecretString::from(format!("socks5://proxy.test:{}", address.port())));
    a_booking_while(&transport(&settings), || hosts.set("clinic.test", &["10.99.99.2"])).await;
    assert_eq!(*wishes.lock().unwrap(), ["GET 10.99.99.1", "GET 10.99.99.2", "POST 10.99.99.1", "POST 10.99.99.2"]);
}

#[tokio::test]
async fn a_socks_proxy_is_spoken_to_in_its_own_language() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = settings("http://10.99.99.99:8080/base");
    settings.proxy = Some(SecretString::from(format!("socks5://{}", listener.local_addr().unwrap())));
    let asked = tokio::spawn(async move { transport(&settings).exchange(get()).await });
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut greeting = [0; 3];
    stream.read_exact(&mut greeting).await.unwrap();
    assert_eq!(greeting, [5, 1, 0]);
    stream.write_all(&[5, 0]).await.unwrap();
    let mut wish = [0; 10];
    stream.read_exact(&mut wish).await.unwrap();
    assert_eq!(wish, [5, 1, 0, 1, 10, 99, 99, 99, 0x1f, 0x90]);
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
    assert!(read_request(&mut stream).await.unwrap().starts_with("GET /base/locations"));
    stream.write_all(&answer("200 OK", b"[]")).await.unwrap();
    assert_eq!(asked.await.unwrap().unwrap().body, b"[]");
}
