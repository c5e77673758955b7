//! What the service says when it starts and stops, and why it cannot.

#![expect(clippy::wildcard_enum_match_arm, reason = "only some kinds of I/O errors have a remedy of their own")]

use std::fmt::Display;
use std::io;
use std::path::Path;

use chrono::TimeDelta;

use super::Advice;
use crate::os::words::LOW_PORTS;

/// The unit lets the service write somewhere else than the configuration says.
pub fn state_is_elsewhere(state: &Path, given: &Path) -> Advice {
    let (state, given) = (state.display(), given.display());
    Advice::new(
        format!(
            "[state] path is {state}, and the systemd unit lets this service write {given} alone (StateDirectory=)"
        ),
        format!("Write path = \"{given}\" under [state], or correct StateDirectory= with `systemctl edit`"),
    )
}

/// A listener cannot listen. `key` is its place in the configuration, such as `[admin] listen`.
pub fn cannot_listen(key: &str, address: impl Display, error: &io::Error) -> Advice {
    match error.kind() {
        io::ErrorKind::AddrInUse => Advice::new(
            format!("{key}: {address} is in use by another program"),
            format!("Stop that program (perhaps another vetbridge), or give {key} another port"),
        ),
        io::ErrorKind::PermissionDenied => Advice::new(
            format!("{key}: no permission to listen on {address}"),
            format!("Give {key} a port of 1024 or more, or {LOW_PORTS}"),
        ),
        io::ErrorKind::AddrNotAvailable => Advice::new(
            format!("{key}: {address} is no address of this machine"),
            format!("Correct {key}; 127.0.0.1 is always there"),
        ),
        _ => Advice::new(format!("{key}: cannot listen on {address}: {error}"), format!("Correct {key}")),
    }
}

/// The first line of the log.
pub const RUNS: &str = "vetbridge runs.";
/// A valid configuration that asks for nothing.
pub const NOTHING_ENABLED: &str =
    "No practice is enabled, so there is nothing to do. Add a [[practice]] block (see `vetbridge discover --toml`).";
/// The wall clock and the clock that waits are measured by moved apart.
pub fn clock_leaped(by: TimeDelta) -> String {
    let seconds = by.num_seconds().unsigned_abs();
    let way = if by < TimeDelta::zero() { "back" } else { "ahead" };
    format!(
        "The machine's clock went {seconds} s {way}: it slept, or its clock was set. Everything that may be due is \
         done at once."
    )
}
/// The system asks for it.
pub const STOPPING: &str = "Stopping: what is in flight is finished first.";

/// The store cannot be opened, and may be later.
pub fn no_store(why: impl Display) -> String {
    format!(
        "Bookings cannot be made: {why}. Until the state can be written, bookings that are made from here on are \
         rejected in time, earlier ones wait at Healthengine, and availability is not sent; the state is tried every \
         30 seconds."
    )
}
/// The store can be opened again.
pub const STORE_AGAIN: &str = "The state can be written again; vetbridge goes on as usual.";
/// Why a booking is rejected, for Healthengine's support.
pub const REJECTED_WITHOUT_STORE: &str =
    "The practice's booking system cannot store bookings at the moment; nothing was booked.";
/// What the admin API has to say without a store.
pub const NO_LEDGER: &str =
    "The booking ledger cannot be read, because the state cannot be opened; /api/v1/status says why.";

/// Where the status page is, for whoever sits at the terminal.
pub fn status_page(link: impl Display) -> String {
    format!("Status page: {link}")
}

/// Where the status page is, for a log, which must not hold the token.
pub fn status_page_and_token(address: impl Display, token_file: &Path) -> String {
    format!("The status page is at http://{address}/; its token is in {}.", token_file.display())
}

/// The last line of a service that did not stop because it was told to.
pub fn had_to_stop(why: &str) -> String {
    let why = why.trim_end_matches('.');
    format!("vetbridge had to stop: {why}. The supervisor starts it again; nothing that was confirmed is lost.")
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
