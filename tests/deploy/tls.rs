//! TLS with the certificates of `fixtures/tls`: before a server that speaks plain http, and as a client that
//! sends what it is told to the byte.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::ROOT;

/// No exchange of a test takes longer on a machine that is not broken.
const LIMIT: Duration = Duration::from_secs(30);

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(ROOT).join("fixtures/tls").join(name)
}

/// A port on which TLS ends, with a certificate for 127.0.0.1, before the server at this port.
pub(crate) async fn before(port: u16) -> u16 {
    vetbridge::http::network::install_crypto_provider();
    let certificate = CertificateDer::from_pem_file(fixture("good.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(fixture("server.key")).unwrap();
    let config =
        rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut encrypted) = acceptor.accept(stream).await else { return };
                let Ok(mut plain) = TcpStream::connect(("127.0.0.1", port)).await else { return };
                let _ended = copy_bidirectional(&mut encrypted, &mut plain).await;
            });
        }
    });
    own
}

/// Sends these bytes from this address of loopback, over TLS, and returns all that comes back.
pub(crate) async fn exchange(from: [u8; 4], port: u16, request: &str) -> String {
    exchange_under(&fixture("ca.pem"), from, port, request).await
}

/// The same with a server of this authority.
pub(crate) async fn exchange_under(authority: &Path, from: [u8; 4], port: u16, request: &str) -> String {
    vetbridge::http::network::install_crypto_provider();
    let exchanged = tokio::time::timeout(LIMIT, async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::from(from)), 0)).unwrap();
        let stream = socket.connect(([127, 0, 0, 1], port).into()).await.unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
        let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        // A server that has refused a request may end the connection before it has read all of it.
        let _refused = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ended = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    });
    exchanged.await.unwrap_or_else(|_| panic!("no answer within {LIMIT:?} to {request}"))
}
