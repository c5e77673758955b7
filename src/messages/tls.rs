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

/// A certificate that was shown, or a certificate authority, ends soon.
pub fn certificate_ends(end: DateTime<Utc>, days: i64) -> Advice {
    Advice::new(
        format!("The certificate ends on {}, in {days} days", end.format("%Y-%m-%d")),
        "Have it renewed before: from then on nothing can be sent to what it stands for",
    )
}

/// A certificate that is over.
pub fn certificate_ended(end: DateTime<Utc>) -> Advice {
    Advice::new(
        format!("The certificate ended on {}", end.format("%Y-%m-%d")),
        "Have it renewed; if it is newer than that, set this machine's clock (timedatectl set-ntp true)",
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
