//! Why a message did not arrive.

use crate::call_error::CallError;

/// Why a message did not arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotArrived {
    /// An exchange over HTTP, or the certificate of any receiver.
    Call(CallError),
    /// A mail.
    Mail(MailFailure),
}

/// Why a mail was not taken. The texts are the network's and the server's own words, on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailFailure {
    /// No connection came about, or it broke.
    Connection(String),
    /// It took too long.
    TooSlow,
    /// The connection could not be encrypted.
    Encryption(String),
    /// The server offers no STARTTLS.
    NoStartTls,
    /// The server does not take user name and password.
    Login(String),
    /// The server does not take the mail, whenever it is sent.
    Refused(String),
    /// The server does not take the mail at the moment (a reply of the 400s, RFC 5321, 4.2.1).
    NotNow(String),
}
