//! Why a server cannot be set up.

/// Why a server cannot be set up. None of the texts holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The PEM file holds no certificate, or a broken one.
    #[error("the certificate authority's file holds no readable certificate (PEM)")]
    CertificateAuthority,
    /// The user agent or a credential cannot stand in a header.
    #[error("the value for {0} has characters that cannot be sent (a line break, perhaps, or something invisible)")]
    HeaderValue(String),
    /// HTTP Basic separates user and password by a colon.
    #[error("a user name with a colon in it cannot be sent")]
    UserName,
    /// It is no URL of a proxy.
    #[error("the proxy's address cannot be used: http://host:port, https://host:port or socks5://host:port is needed")]
    Proxy,
    /// TLS could not be set up, as where the platform has no certificates at all.
    #[error("the connection could not be set up: {0}")]
    Client(String),
}
