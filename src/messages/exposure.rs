//! What stands open to more than it should.

use std::fmt::Display;

use super::Advice;
use crate::os::words::RELOAD;

/// The status page on every address of the machine.
pub fn admin_on_every_address(listen: impl Display, port: u16) -> Advice {
    Advice::new(
        format!(
            "The status page listens on every address of this machine ({listen}): whoever reaches one of them can try \
             tokens, and the token travels in the clear"
        ),
        format!(
            "Set listen = \"127.0.0.1:{port}\" under [admin] and reach it through ssh -L or a proxy with a \
             certificate; where it must be reached from elsewhere, name the one address of this machine that is for \
             that",
        ),
    )
}

/// The status page on an address that other machines can reach.
pub fn admin_beyond_loopback(listen: impl Display) -> Advice {
    Advice::new(
        format!(
            "The status page listens on {listen} in plain http: the admin token travels in the clear to whoever asks \
             it from another machine"
        ),
        "Nothing, if that address is reached through a VPN or a proxy with a certificate only; else listen on \
         127.0.0.1 and come through ssh -L",
    )
}

/// The webhook listener on every address of the machine.
pub fn webhooks_on_every_address(listen: impl Display, port: u16) -> Advice {
    Advice::new(
        format!(
            "The webhook listener takes calls on every address of this machine ({listen}), in plain http: whoever \
             reaches one of them can call it without the proxy"
        ),
        format!(
            "Put a proxy with a certificate before it and set listen = \"127.0.0.1:{port}\" under [webhooks]; where \
             the proxy is on another machine, name the one address of this machine that it calls",
        ),
    )
}

/// A webhook secret that can be guessed.
pub fn weak_webhook_secret() -> Advice {
    Advice::new(
        "The webhook secret can be guessed: it has fewer than 16 characters, or hardly any different ones",
        format!(
            "Make one with `openssl rand -hex 32`, put it in its place and {RELOAD}; practices are subscribed with it \
             by themselves"
        ),
    )
}
