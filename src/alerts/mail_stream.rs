//! A connection to a mail server as lettre wants it: bounded, and encrypted before lettre sees it.
//!
//! STARTTLS is spoken here rather than by lettre, so that no byte that came in the clear is taken
//! for one that came encrypted, and both kinds of encryption are set up in one place.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use lettre::transport::smtp::client::AsyncTokioStream;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::io::{AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::failure::{MailFailure, NotArrived};
use crate::characters::one_line;
use crate::config::{EmailSettings, MailSecurity};
use crate::http::tls::certificate_error;

/// A mail server has no more to say in one connection.
const RECEIVED_BYTES_MAX: usize = 64 * 1024;
/// and none of its answers before the encryption is longer.
const ANSWER_BYTES_MAX: u64 = 16 * 1024;
/// How much of an error's text is kept.
pub(super) const DETAIL_CHARS_MAX: usize = 200;
/// One address is tried for so long.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How we call ourselves; a machine behind a router has no better name.
pub(super) const HELLO_NAME: &str = "[127.0.0.1]";
/// What lettre waits for first, where the real one was read here.
const GREETING: &[u8] = b"220 ready\r\n";

/// A connection that gives up when too much comes over it.
#[derive(Debug)]
struct MailStream<S> {
    stream: S,
    peer: SocketAddr,
    /// Read before anything of the stream.
    greeting: &'static [u8],
    left_bytes: usize,
}

impl<S: AsyncRead + Unpin> AsyncRead for MailStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.greeting.is_empty() {
            let (now, later) = self.greeting.split_at(self.greeting.len().min(buffer.remaining()));
            buffer.put_slice(now);
            self.greeting = later;
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let came = Pin::new(&mut self.stream).poll_read(cx, buffer);
        match self.left_bytes.checked_sub(buffer.filled().len().saturating_sub(before)) {
            Some(left) => self.left_bytes = left,
            None => return Poll::Ready(Err(io::Error::other("the mail server says too much"))),
        }
        came
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for MailStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin + std::fmt::Debug> AsyncTokioStream for MailStream<S> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

/// A connection as the settings want it.
pub(super) async fn connect(
    settings: &EmailSettings,
    tls: Option<&Arc<ClientConfig>>,
) -> Result<Box<dyn AsyncTokioStream>, NotArrived> {
    let (mut tcp, peer) = tcp(&settings.host, settings.port).await.map_err(|error| broken(&error))?;
    let (is_encrypted, greeting) = match settings.security {
        MailSecurity::Tls => (true, &b""[..]),
        MailSecurity::Plain => (false, &b""[..]),
        MailSecurity::StartTls | MailSecurity::StartTlsIfOffered => {
            let is_offered = starttls(&mut tcp).await?;
            if !is_offered && settings.security == MailSecurity::StartTls {
                return Err(NotArrived::Mail(MailFailure::NoStartTls));
            }
            (is_offered, GREETING)
        }
    };
    let (peer, left_bytes) = (peer, RECEIVED_BYTES_MAX);
    match tls.filter(|_| is_encrypted) {
        None => Ok(Box::new(MailStream { stream: tcp, peer, greeting, left_bytes })),
        Some(tls) => {
            let name = ServerName::try_from(settings.host.clone()).map_err(|error| unencrypted(&error))?;
            let encrypted = TlsConnector::from(Arc::clone(tls)).connect(name, tcp).await;
            let stream = encrypted.map_err(|error| match certificate_error(&error) {
                Some(certificate) => NotArrived::Call(certificate),
                None => unencrypted(&error),
            })?;
            Ok(Box::new(MailStream { stream, peer, greeting, left_bytes }))
        }
    }
}

async fn tcp(host: &str, port: u16) -> io::Result<(TcpStream, SocketAddr)> {
    let mut last = io::Error::other("the server's name stands for no address");
    for address in tokio::net::lookup_host((host, port)).await? {
        match tokio::time::timeout(CONNECT_MAX, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => return Ok((tcp, address)),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

/// Up to the moment at which the encryption begins. False if the server offers none.
async fn starttls(tcp: &mut TcpStream) -> Result<bool, NotArrived> {
    let mut lines = BufReader::new(tcp);
    answer(&mut lines, "220").await?;
    let hello = format!("EHLO {HELLO_NAME}\r\n");
    lines.write_all(hello.as_bytes()).await.map_err(|error| broken(&error))?;
    let offers = answer(&mut lines, "250").await?;
    if !offers.lines().any(|line| line.get(4..).is_some_and(|word| word.trim().eq_ignore_ascii_case("STARTTLS"))) {
        return Ok(false);
    }
    lines.write_all(b"STARTTLS\r\n").await.map_err(|error| broken(&error))?;
    answer(&mut lines, "220").await?;
    // What comes in the clear behind the answer was put there by somebody on the way.
    if lines.buffer().is_empty() { Ok(true) } else { Err(unencrypted(&"more was said than was asked")) }
}

/// All lines of one answer, which has this code.
async fn answer(lines: &mut BufReader<&mut TcpStream>, code: &str) -> Result<String, NotArrived> {
    let (mut all, mut limited) = (String::new(), lines.take(ANSWER_BYTES_MAX));
    loop {
        let begin = all.len();
        let read = limited.read_line(&mut all).await.map_err(|error| broken(&error))?;
        let line = &all[begin..];
        if read == 0 || !line.ends_with('\n') {
            return Err(broken(&"the mail server broke off"));
        }
        if !line.starts_with(code) {
            return Err(NotArrived::Mail(MailFailure::Refused(one_line(line, DETAIL_CHARS_MAX))));
        }
        if line.as_bytes().get(3) != Some(&b'-') {
            return Ok(all);
        }
    }
}

fn broken(why: &dyn std::fmt::Display) -> NotArrived {
    NotArrived::Mail(MailFailure::Connection(one_line(&why.to_string(), DETAIL_CHARS_MAX)))
}

fn unencrypted(why: &dyn std::fmt::Display) -> NotArrived {
    NotArrived::Mail(MailFailure::Encryption(one_line(&why.to_string(), DETAIL_CHARS_MAX)))
}
