//! The addresses behind a name: several of them, other ones, and none.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use vetbridge::call_error::ErrorClass;
use vetbridge::http::base_url::BaseUrl;
use vetbridge::http::connections::{AGE_MAX, LOOK_UP_EVERY, NameLookup, at_one_address, read_anew, where_it_was_read};
use vetbridge::http::network::ServerSettings;

use crate::raw_server::{RawServer, answer, get, ok, post, read_request, transport};

/// Names that a test moves to other addresses.
#[derive(Default)]
struct Moved(Mutex<Vec<&'static str>>);

impl Moved {
    fn to(&self, addresses: &[&'static str]) {
        *self.0.lock().unwrap() = addresses.to_vec();
    }
}

#[async_trait]
impl NameLookup for Moved {
    async fn addresses(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        assert_eq!(host, "clinic.test");
        let addresses = self.0.lock().unwrap().clone();
        if addresses.is_empty() {
            return Err(std::io::Error::other("no answer from the name server"));
        }
        Ok(addresses.iter().map(|address| SocketAddr::new(address.parse().unwrap(), port)).collect())
    }
}

/// Time goes by, and nothing happens meanwhile.
pub(crate) async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// Two servers at one port of two addresses, and a client that knows them by a name that leads to the first.
async fn two_servers() -> ([RawServer; 2], Arc<Moved>, ServerSettings) {
    let first = RawServer::start([ok()]).await;
    let second = RawServer::start_at(("127.0.0.2", first.address.port()), [ok()]).await;
    let names = Arc::new(Moved::default());
    names.to(&["127.0.0.1"]);
    let url = BaseUrl::parse(&format!("http://clinic.test:{}/base", first.address.port()), true).unwrap();
    let settings = ServerSettings { base_url: url, names: names.clone(), ..first.settings() };
    ([first, second], names, settings)
}

#[tokio::test]
async fn a_look_and_the_post_after_it_meet_the_same_server_when_the_name_is_moved_between_them() {
    let (servers, names, settings) = two_servers().await;
    let transport = transport(&settings);
    let seen = || [&servers[0], &servers[1]].map(|server| server.seen().len());
    transport.exchange(get()).await.unwrap();
    transport.exchange(post()).await.unwrap();
    assert_eq!(seen(), [2, 0]);

    // Within the work of one booking nothing changes.
    names.to(&["127.0.0.2"]);
    at_one_address(async {
        transport.exchange(get()).await.unwrap();
        pass(LOOK_UP_EVERY).await;
        // Another task finds the change, and does not move this one.
        let other = tokio::spawn({
            let transport = transport.clone();
            async move { transport.exchange(get()).await.unwrap() }
        });
        other.await.unwrap();
        transport.exchange(post()).await.unwrap();
        transport.exchange(get()).await.unwrap();
    })
    .await;
    assert_eq!(seen(), [5, 1]);
    // The next booking meets the other server with its look and with its POST, whatever connections were still open.
    at_one_address(async {
        transport.exchange(get()).await.unwrap();
        transport.exchange(post()).await.unwrap();
    })
    .await;
    assert_eq!(seen(), [5, 3]);
    // While the name cannot be looked up its last address stays.
    names.to(&[]);
    for _ in 0..3 {
        pass(LOOK_UP_EVERY).await;
        transport.exchange(get()).await.unwrap();
        transport.exchange(post()).await.unwrap();
    }
    assert_eq!(seen(), [5, 9]);
}

/// Answers one request, and is gone.
async fn gone_after_one_answer(listener: TcpListener) {
    let (mut stream, _) = listener.accept().await.unwrap();
    drop(listener);
    read_request(&mut stream).await.unwrap();
    stream.write_all(&answer("200 OK", b"{}")).await.unwrap();
}

#[tokio::test]
async fn of_two_servers_behind_one_name_a_post_goes_to_the_one_that_answered_the_look_or_to_none() {
    let first = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = first.local_addr().unwrap().port();
    let second = RawServer::start_at(("127.0.0.2", port), [ok()]).await;
    let names = Arc::new(Moved::default());
    names.to(&["127.0.0.1", "127.0.0.2"]);
    let url = BaseUrl::parse(&format!("http://clinic.test:{port}/base"), true).unwrap();
    let transport = transport(&ServerSettings { base_url: url, names, ..second.settings() });
    let first = tokio::spawn(gone_after_one_answer(first));
    at_one_address(async {
        transport.exchange(get()).await.unwrap();
        first.await.unwrap();
        let posted = where_it_was_read(transport.exchange(post())).await.unwrap_err();
        assert_eq!((posted.class, second.seen().len()), (ErrorClass::NotSent, 0), "{posted}");
        // Reads go where somebody answers. After those of two servers nobody knows which of them has the diary.
        transport.exchange(get()).await.unwrap();
        let posted = where_it_was_read(transport.exchange(post())).await.unwrap_err();
        assert_eq!((posted.class, second.seen().len()), (ErrorClass::NotSent, 1), "{posted}");
        read_anew();
        transport.exchange(get()).await.unwrap();
        where_it_was_read(transport.exchange(post())).await.unwrap();
        assert_eq!(second.seen().len(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_connection_has_a_greatest_age_however_busy_it_is() {
    let server = RawServer::start([ok()]).await;
    let transport = server.transport();
    let mut age = Duration::ZERO;
    while age <= AGE_MAX {
        transport.exchange(get()).await.unwrap();
        pass(Duration::from_secs(10)).await;
        age += Duration::from_secs(10);
    }
    transport.exchange(get()).await.unwrap();
    assert!(*server.connections().last().unwrap() > 0, "{:?}", server.connections());
}

/// An address where connections neither come about nor fail: its queue is full.
async fn black_hole(
    address: &str,
    port: u16,
) -> (TcpListener, Vec<tokio::task::JoinHandle<std::io::Result<TcpStream>>>) {
    let address = SocketAddr::new(address.parse().unwrap(), port);
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.unwrap();
    socket.bind(address).unwrap();
    let listener = socket.listen(0).unwrap();
    let waiting = (0..4).map(|_| tokio::spawn(TcpStream::connect(address))).collect();
    tokio::time::timeout(Duration::from_millis(200), std::future::pending::<()>()).await.unwrap_err();
    (listener, waiting)
}

#[tokio::test]
async fn of_several_addresses_the_one_that_works_is_used_within_the_connect_time_and_first_the_next_time() {
    let (servers, names, mut settings) = two_servers().await;
    let _dead = black_hole("127.0.0.3", servers[0].address.port()).await;
    settings.request_timeout = Duration::from_secs(6);
    // 127.0.0.4 refuses.
    names.to(&["127.0.0.3", "127.0.0.4", "127.0.0.1"]);
    let transport = transport(&settings);
    let began = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    transport.exchange(get()).await.unwrap();
    let took = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap() - began;
    assert!(took < Duration::from_secs(3), "{took:?}, and connecting may take three seconds");
    let began = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    transport.exchange(post()).await.unwrap();
    let took = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap() - began;
    assert!(took < Duration::from_millis(700), "the dead address is not tried again: {took:?}");
}

/// Names that stand for addresses, each for its own.
#[derive(Default)]
pub(crate) struct Hosts(pub(crate) Mutex<BTreeMap<&'static str, Vec<&'static str>>>);

impl Hosts {
    pub(crate) fn set(&self, name: &'static str, addresses: &[&'static str]) {
        self.0.lock().unwrap().insert(name, addresses.to_vec());
    }
}

#[async_trait]
impl NameLookup for Hosts {
    async fn addresses(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        let hosts = self.0.lock().unwrap();
        let addresses = hosts.get(host).ok_or_else(|| std::io::Error::other("no such name"))?;
        Ok(addresses.iter().map(|address| SocketAddr::new(address.parse().unwrap(), port)).collect())
    }
}

#[tokio::test]
async fn beside_dead_ipv6_addresses_the_working_one_is_used_within_the_connect_time() {
    let server = RawServer::start([ok()]).await;
    let port = server.address.port();
    let hosts = Arc::new(Hosts::default());
    // One of the local link, which no packet finds without the name of an interface; one that
    // nobody answers at; one that works.
    hosts.set("clinic.test", &["fe80::1", "::1", "127.0.0.1"]);
    let _dead = black_hole("::1", port).await;
    let url = BaseUrl::parse(&format!("http://clinic.test:{port}/base"), true).unwrap();
    let settings =
        ServerSettings { base_url: url, names: hosts, request_timeout: Duration::from_secs(6), ..server.settings() };
    let transport = transport(&settings);
    for (request, at_most) in [(get(), Duration::from_secs(3)), (post(), Duration::from_millis(700))] {
        let began = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        transport.exchange(request).await.unwrap();
        let took = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap() - began;
        assert!(took < at_most, "{took:?}, and connecting may take three seconds");
    }
}

#[tokio::test]
async fn a_name_that_has_no_address_yet_has_sent_nothing_and_works_as_soon_as_it_has_one() {
    let server = RawServer::start([ok()]).await;
    let hosts = Arc::new(Hosts::default());
    let url = BaseUrl::parse(&format!("http://clinic.test:{}/base", server.address.port()), true).unwrap();
    let transport = transport(&ServerSettings { base_url: url, names: hosts.clone(), ..server.settings() });
    hosts.set("clinic.test", &[]);
    let error = transport.exchange(post()).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::NotSent, "{error}");
    assert!(error.to_string().contains("name could not be looked up: it has no address"), "{error}");
    hosts.set("clinic.test", &["127.0.0.1"]);
    transport.exchange(post()).await.unwrap();
}
