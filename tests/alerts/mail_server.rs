//! A mail server that keeps what it is sent. The conversation is mailin's.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use mailin::{Action, AuthMechanism, Handler, Response, Session, SessionBuilder, response};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const PASSWORD: &str = "smtp-hunter2";

/// One mail.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mail {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) text: String,
    pub(crate) user: Option<String>,
}

/// How the server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encryption {
    Never,
    StartTls,
    FromTheStart,
}

pub(crate) struct MailServer {
    pub(crate) port: u16,
    mails: Arc<Mutex<Vec<Mail>>>,
    refuses: Arc<AtomicUsize>,
}

impl MailServer {
    pub(crate) async fn open() -> Self {
        Self::open_with(Encryption::Never, false).await
    }

    /// With a login, if it wants one: the user is `bridge`.
    pub(crate) async fn open_with(encryption: Encryption, wants_login: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (mails, refuses) = (Arc::<Mutex<Vec<Mail>>>::default(), Arc::<AtomicUsize>::default());
        let desk = Desk { mails: Arc::clone(&mails), refuses: Arc::clone(&refuses), mail: Mail::default() };
        tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let mut builder = SessionBuilder::new("mail.example");
                if encryption == Encryption::StartTls {
                    builder.enable_start_tls();
                }
                if wants_login {
                    builder.enable_auth(AuthMechanism::Plain);
                    if encryption != Encryption::StartTls {
                        builder.insecure_enable_plaintext_auth();
                    }
                }
                let session = builder.build(IpAddr::V4(Ipv4Addr::LOCALHOST), desk.clone());
                tokio::spawn(serve(tcp, session, encryption));
            }
        });
        Self { port, mails, refuses }
    }

    /// What came so far.
    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }

    /// Takes none of the next mails.
    pub(crate) fn refuse(&self, mails: usize) {
        self.refuses.store(mails, Ordering::SeqCst);
    }
}

async fn serve(tcp: tokio::net::TcpStream, mut session: Session<Desk>, encryption: Encryption) {
    let greeting = session.greeting();
    if encryption == Encryption::FromTheStart {
        let Ok(tls) = acceptor().accept(tcp).await else { return };
        let _over = talk(tls, &mut session, Some(greeting)).await;
    } else if let Some(tcp) = talk(tcp, &mut session, Some(greeting)).await {
        let Ok(tls) = acceptor().accept(tcp).await else { return };
        session.tls_active();
        let _over = talk(tls, &mut session, None).await;
    }
}

/// Until one of them hangs up. The connection, if it is to be encrypted.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    session: &mut Session<Desk>,
    greeting: Option<Response>,
) -> Option<S> {
    let mut stream = BufReader::new(stream);
    let say = async |stream: &mut BufReader<S>, said: &Response| {
        let bytes = said.buffer().unwrap();
        stream.write_all(&bytes).await.and(stream.flush().await)
    };
    if let Some(greeting) = greeting {
        say(&mut stream, &greeting).await.ok()?;
    }
    loop {
        let mut line = Vec::new();
        if stream.read_until(b'\n', &mut line).await.ok()? == 0 {
            return None;
        }
        let said = session.process(&line);
        match said.action {
            Action::NoReply => {}
            Action::Reply => say(&mut stream, &said).await.ok()?,
            Action::Close => {
                let _gone = say(&mut stream, &said).await;
                return None;
            }
            Action::UpgradeTls => {
                say(&mut stream, &said).await.ok()?;
                return Some(stream.into_inner());
            }
        }
    }
}

/// With a certificate for 127.0.0.1 that the authority of `fixtures/tls` signed.
fn acceptor() -> TlsAcceptor {
    vetbridge::http::network::install_crypto_provider();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls");
    let certificate = CertificateDer::from_pem_file(directory.join("good.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(directory.join("server.key")).unwrap();
    let config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key);
    TlsAcceptor::from(Arc::new(config.unwrap()))
}

#[derive(Clone)]
struct Desk {
    mails: Arc<Mutex<Vec<Mail>>>,
    refuses: Arc<AtomicUsize>,
    mail: Mail,
}

impl Handler for Desk {
    fn mail(&mut self, _ip: IpAddr, _domain: &str, from: &str) -> Response {
        let is_refused = |left: usize| left.checked_sub(1);
        if self.refuses.fetch_update(Ordering::SeqCst, Ordering::SeqCst, is_refused).is_ok() {
            return response::INTERNAL_ERROR;
        }
        self.mail.from = from.to_owned();
        response::OK
    }

    fn rcpt(&mut self, to: &str) -> Response {
        if to.starts_with("nobody@") {
            return response::NO_MAILBOX;
        }
        self.mail.to.push(to.to_owned());
        response::OK
    }

    fn data(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.mail.text.push_str(&String::from_utf8_lossy(bytes));
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        self.mails.lock().unwrap().push(std::mem::take(&mut self.mail));
        response::OK
    }

    fn auth_plain(&mut self, _authorization: &str, user: &str, password: &str) -> Response {
        if password != PASSWORD {
            return response::INVALID_CREDENTIALS;
        }
        self.mail.user = Some(user.to_owned());
        response::AUTH_OK
    }
}
