//! Why the service cannot start.

#![expect(clippy::wildcard_enum_match_arm, reason = "only some kinds of I/O errors have a remedy of their own")]

use std::fmt::Display;
use std::io;

use super::Advice;

/// A listener cannot listen. `key` is its place in the configuration, such as `[admin] listen`.
pub fn cannot_listen(key: &str, address: impl Display, error: &io::Error) -> Advice {
    match error.kind() {
        io::ErrorKind::AddrInUse => Advice::new(
            format!("{key}: {address} is in use by another program"),
            format!("Stop that program (perhaps another vetbridge), or give {key} another port"),
        ),
        io::ErrorKind::PermissionDenied => Advice::new(
            format!("{key}: no permission to listen on {address}"),
            format!("Give {key} a port of 1024 or more, or allow the service to use it (CAP_NET_BIND_SERVICE)"),
        ),
        io::ErrorKind::AddrNotAvailable => Advice::new(
            format!("{key}: {address} is no address of this machine"),
            format!("Correct {key}; 127.0.0.1 is always there"),
        ),
        _ => Advice::new(format!("{key}: cannot listen on {address}: {error}"), format!("Correct {key}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_names_the_key_and_the_address() {
        let advice = cannot_listen("[admin] listen", "127.0.0.1:8686", &io::ErrorKind::AddrInUse.into()).to_string();
        assert_eq!(
            advice,
            "[admin] listen: 127.0.0.1:8686 is in use by another program. \
             Stop that program (perhaps another vetbridge), or give [admin] listen another port."
        );
        let low = cannot_listen("[admin] listen", "127.0.0.1:80", &io::ErrorKind::PermissionDenied.into());
        assert!(low.remedy.contains("1024"));
    }
}
