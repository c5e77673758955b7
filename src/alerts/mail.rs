//! Mails to one mailbox. Each of several gets its own, so that one that is refused or away holds up
//! no other.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::header::ContentTransferEncoding;
use lettre::message::{Body, Mailbox, Message, header};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use rustls::ClientConfig;
use secrecy::ExposeSecret as _;

use super::failure::{MailFailure, NotArrived};
use super::letter::Letter;
use super::mail_stream::{DETAIL_CHARS_MAX, HELLO_NAME, connect};
use crate::characters::one_line;
use crate::config::{EmailSettings, MailSecurity};
use crate::http::network::{SetupError, install_crypto_provider};
use crate::http::shown_certificates::{ShownCertificates, client_config};

/// From connecting to the last answer: some servers let the first word wait.
const MAIL_MAX: Duration = Duration::from_secs(60);

/// The longest line that SMTP carries is of 998 bytes (RFC 5321, 4.5.3.1.6).
const LINE_BYTES_MAX: usize = 998;

/// Writes mails to one mailbox.
pub struct Mailer {
    settings: EmailSettings,
    to: Mailbox,
    tls: Option<Arc<ClientConfig>>,
    shown: Arc<ShownCertificates>,
}

impl Mailer {
    /// One for each mailbox of the settings. `ca_pem` are certificates that are trusted besides the
    /// platform's.
    ///
    /// # Errors
    /// The certificates cannot be used, or the platform has none.
    pub fn for_each(settings: &EmailSettings, ca_pem: Option<&[u8]>) -> Result<Vec<Self>, SetupError> {
        install_crypto_provider();
        let shown = Arc::new(ShownCertificates::of(&settings.host));
        let is_plain = settings.security == MailSecurity::Plain;
        let tls = if is_plain { None } else { Some(Arc::new(client_config(ca_pem, &shown)?)) };
        let mailer = |to: &Mailbox| Self {
            settings: settings.clone(),
            to: to.clone(),
            tls: tls.clone(),
            shown: Arc::clone(&shown),
        };
        Ok(settings.to.iter().map(mailer).collect())
    }

    /// Who is written to.
    pub fn to(&self) -> String {
        self.to.email.to_string()
    }

    /// The certificates that the mail server shows.
    pub fn shown_certificates(&self) -> &ShownCertificates {
        &self.shown
    }

    /// Sends a mail.
    ///
    /// # Errors
    /// The mail server may not have taken it.
    pub async fn send(&self, letter: &Letter) -> Result<(), NotArrived> {
        let sent = tokio::time::timeout(MAIL_MAX, Box::pin(self.sent(letter))).await;
        sent.unwrap_or(Err(NotArrived::Mail(MailFailure::TooSlow)))
    }

    async fn sent(&self, letter: &Letter) -> Result<(), NotArrived> {
        let mail = self.mail(letter).map_err(|error| refused(&error))?;
        let envelope = Envelope::new(Some(self.settings.from.email.clone()), vec![self.to.email.clone()]);
        let envelope = envelope.map_err(|error| refused(&error))?;
        let stream = connect(&self.settings, self.tls.as_ref()).await?;
        let name = ClientId::Domain(HELLO_NAME.to_owned());
        let mut connection =
            AsyncSmtpConnection::connect_with_transport(stream, &name).await.map_err(|error| of_smtp(&error))?;
        if let Some((username, password)) = &self.settings.login {
            let credentials = Credentials::new(username.clone(), password.expose_secret().to_owned());
            let taken = connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await;
            taken.map_err(|error| match of_smtp(&error) {
                NotArrived::Mail(MailFailure::Refused(why)) => NotArrived::Mail(MailFailure::Login(why)),
                other @ (NotArrived::Mail(_) | NotArrived::Call(_)) => other,
            })?;
        }
        connection.send(&envelope, &mail.formatted()).await.map_err(|error| of_smtp(&error))?;
        // It is taken, whatever the server says to this.
        let _ = connection.quit().await;
        Ok(())
    }

    fn mail(&self, letter: &Letter) -> Result<Message, lettre::error::Error> {
        let (from, domain) = (self.settings.from.clone(), self.settings.from.email.domain());
        let all = self.settings.to.iter().cloned();
        let mail = all.fold(Message::builder().from(from), |mail, to| mail.to(to));
        mail.subject(&letter.title)
            .date(letter.at.into())
            .message_id(Some(format!("<{}@{domain}>", letter.id)))
            .header(header::ContentType::TEXT_PLAIN)
            .body(body(&letter.text))
    }
}

/// As it is where mail servers take it so, for those who read or filter the raw text; else encoded.
fn body(text: &str) -> Body {
    let fits = text.lines().all(|line| line.len() <= LINE_BYTES_MAX && !line.contains(['\r', '\0']));
    if fits && text.is_ascii() {
        return Body::dangerous_pre_encoded(text.replace('\n', "\r\n").into_bytes(), ContentTransferEncoding::SevenBit);
    }
    Body::new(text.to_owned())
}

fn refused(why: &dyn std::fmt::Display) -> NotArrived {
    NotArrived::Mail(MailFailure::Refused(one_line(&why.to_string(), DETAIL_CHARS_MAX)))
}

/// The server's own words, or what broke the connection.
fn of_smtp(error: &lettre::transport::smtp::Error) -> NotArrived {
    let mut why = error.to_string();
    if let Some(source) = error.source().map(ToString::to_string).filter(|source| !why.contains(source)) {
        why = format!("{why}: {source}");
    }
    let why = one_line(&why, DETAIL_CHARS_MAX);
    if error.is_transient() {
        return NotArrived::Mail(MailFailure::NotNow(why));
    }
    let is_said = error.status().is_some() || error.is_client() || error.is_response();
    NotArrived::Mail(if is_said { MailFailure::Refused(why) } else { MailFailure::Connection(why) })
}
