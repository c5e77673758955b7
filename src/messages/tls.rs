//! What is wrong with a server's certificate, and what to do; sentences without their full stop.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::{Advice, listed, plain};
use crate::call_error::CertificateFault as Fault;

/// What is wrong.
pub fn what(fault: Fault) -> &'static str {
    match fault {
        Fault::NoName => "the server's certificate names no host: it has no subjectAltName",
        Fault::OtherName => "the server's certificate is for another name",
        Fault::Expired => "the server's certificate has expired",
        Fault::NotYetValid => "the server's certificate is not valid yet",
        Fault::UnknownIssuer => "nobody whom this machine trusts signed the server's certificate",
        Fault::AuthorityAsServer => "the server uses the certificate of a certificate authority (CA:TRUE) as its own",
        Fault::Other => "the server's certificate cannot be used",
    }
}

/// A certificate for other names than the one that was asked for.
pub fn other_name(expected: &str, presented: &[String]) -> String {
    const SHOWN: usize = 5;
    let names = presented.iter().take(SHOWN).map(|name| plain(name));
    format!("the server's certificate is for {}, not for {}", listed(names), plain(expected))
}

/// A certificate authority's file that is of no use.
pub fn no_authority(file: &Path) -> Advice {
    Advice::new(
        format!("{} holds no readable certificate (PEM), so no connection can be made", file.display()),
        "Name the file with the authority's certificate, which begins with -----BEGIN CERTIFICATE-----",
    )
}

/// Which certificate it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateRole {
    /// The server's own.
    Own,
    /// One between it and an authority, which the server sends.
    Intermediate,
    /// The authority's own, in a file here.
    Authority,
}

/// Who has it renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateKeeper {
    /// Whoever looks after OpenVPMS's server.
    Clinic,
    /// Healthengine.
    Healthengine,
    /// Whoever looks after the proxy before the webhook listener.
    Proxy,
    /// Whoever runs a receiver of alerts.
    Elsewhere,
}

fn which(role: CertificateRole, name: &str) -> String {
    let named = if name.is_empty() { String::new() } else { format!(" ({})", plain(name)) };
    match role {
        CertificateRole::Own => format!("The server's certificate{named}"),
        CertificateRole::Intermediate => {
            format!("An intermediate certificate{named} that the server sends with its own")
        }
        CertificateRole::Authority => format!("The certificate authority's certificate{named}"),
    }
}

/// What to do about one that ends, or has ended.
fn renewal(role: CertificateRole, keeper: CertificateKeeper) -> &'static str {
    use CertificateKeeper::{Clinic, Elsewhere, Healthengine, Proxy};
    use CertificateRole::{Authority, Intermediate, Own};
    match (keeper, role) {
        (Clinic, Authority) => "Have the authority's successor made and write it into the file beside this one",
        (Clinic, Own) => "Have the certificate of OpenVPMS's server renewed",
        (Clinic, Intermediate) => {
            "Install the present chain of the authority on OpenVPMS's server, behind the server's own certificate \
             (renewing that one brings it, as a rule)"
        }
        (Healthengine, Own | Intermediate | Authority) => {
            "Nothing here: such certificates are changed in their last days, as a rule; if it stays, tell \
             Healthengine's support"
        }
        (Proxy, Own | Authority) => {
            "Have the certificate of the proxy renewed, and see why it was not renewed by itself"
        }
        (Proxy, Intermediate) => {
            "Install the present chain of the authority on the proxy, behind its own certificate (renewing that one \
             brings it, as a rule)"
        }
        (Elsewhere, Own | Intermediate | Authority) => "Tell whoever runs the receiver's server",
    }
}

/// A certificate ends soon.
pub fn certificate_ends(
    role: CertificateRole,
    name: &str,
    end: DateTime<Utc>,
    days: i64,
    keeper: CertificateKeeper,
) -> Advice {
    let days = if days == 1 { "1 day".to_owned() } else { format!("{days} days") };
    Advice::new(
        format!("{} ends on {}, in {days}", which(role, name), end.format("%Y-%m-%d")),
        format!("{}: from then on no connection is made", renewal(role, keeper)),
    )
}

/// A certificate that is over.
pub fn certificate_ended(role: CertificateRole, name: &str, end: DateTime<Utc>, keeper: CertificateKeeper) -> Advice {
    Advice::new(
        format!("{} ended on {}", which(role, name), end.format("%Y-%m-%d")),
        format!(
            "{}; if it is newer than that, set this machine's clock (timedatectl set-ntp true)",
            renewal(role, keeper)
        ),
    )
}

/// An intermediate certificate that is over, and that this machine does without.
pub fn intermediate_done_without(name: &str, end: DateTime<Utc>, keeper: CertificateKeeper) -> Advice {
    let role = CertificateRole::Intermediate;
    Advice::new(
        format!(
            "{} ended on {}: this machine knows another way to the authority, and others may not",
            which(role, name),
            end.format("%Y-%m-%d")
        ),
        renewal(role, keeper),
    )
}

/// What to do about one of the clinic's own server.
pub fn remedy(fault: Fault) -> &'static str {
    match fault {
        Fault::NoName => {
            "Have it made anew with the host of url as subjectAltName (openssl: -addext \"subjectAltName=DNS:name\", \
             or IP:address)"
        }
        Fault::OtherName => {
            "Write a name that stands in the certificate into url, or have it made anew for the host of url"
        }
        Fault::Expired => {
            "Renew it on the server; if it is valid there, set this machine's clock (timedatectl set-ntp true)"
        }
        Fault::NotYetValid => {
            "Set this machine's clock (timedatectl set-ntp true); if it is right, have the certificate made anew"
        }
        Fault::UnknownIssuer => {
            "If a private certificate authority signed it, name that one's file as ca_file; the server must send the \
             certificates between the two"
        }
        Fault::AuthorityAsServer => {
            "Give the server a certificate of its own with CA:FALSE, signed by the authority, and name the \
             authority's as ca_file"
        }
        Fault::Other => "Have it made anew, as an ordinary server certificate (SHA-256, RSA of 2048 bits or ECDSA)",
    }
}

/// What to do about one in the place of a server of the internet.
pub fn remedy_outside(fault: Fault) -> &'static str {
    match fault {
        Fault::Expired | Fault::NotYetValid => "Set this machine's clock (timedatectl set-ntp true)",
        Fault::UnknownIssuer | Fault::AuthorityAsServer => {
            "A firewall here may open TLS: then this machine has to trust the firewall's certificate authority \
             (update-ca-certificates)"
        }
        Fault::NoName | Fault::OtherName | Fault::Other => {
            "Check url; if it is right, ask whoever looks after the network here what answers in its place"
        }
    }
}
