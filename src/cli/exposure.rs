//! What of a valid configuration stands open to more than it should: said by `check` as a problem
//! and by `run` as a warning. The service works with it all the same, so an update of vetbridge
//! stops no clinic.

use crate::config::Config;
use crate::messages::{Advice, exposure as say};

/// Where, and what to do, in the order of the file.
pub(super) fn exposures(config: &Config) -> Vec<(&'static str, Advice)> {
    let mut found = Vec::new();
    if config.admin_listen.ip().is_unspecified() {
        found.push(("[admin] listen", say::admin_on_every_address(config.admin_listen, config.admin_listen.port())));
    }
    if let Some(webhooks) = &config.webhooks {
        if webhooks.listen.ip().is_unspecified() {
            found.push(("[webhooks] listen", say::webhooks_on_every_address(webhooks.listen, webhooks.listen.port())));
        }
        if webhooks.secret_is_weak() {
            found.push(("[webhooks] secret", say::weak_webhook_secret()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::sample;

    const STRONG: &str = "3f786850e387550fdab836ed7e6dc881de23001b5c8f4f1f2a7b5a9d8c6e4f02";

    fn places(admin: &str, webhooks: &str, secret: &str) -> Vec<&'static str> {
        let text = format!(
            r#"{}
[admin]
listen = "{admin}"
[webhooks]
listen = "{webhooks}"
public_url = "https://x.example"
secret = "{secret}"
"#,
            sample::SERVERS
        );
        exposures(&sample::parsed(&text)).into_iter().map(|(place, _)| place).collect()
    }

    #[test]
    fn a_secret_that_can_be_guessed_and_a_listener_on_every_address_are_named() {
        let (admin, webhooks) = ("127.0.0.1:8686", "127.0.0.1:8687");
        assert_eq!(places(admin, webhooks, STRONG), [""; 0]);
        for weak in ["a", "secret", "123456789012345", "aaaaaaaaaaaaaaaaaaaaaaaa", "abababababababababab"] {
            assert_eq!(places(admin, webhooks, weak), ["[webhooks] secret"], "{weak}");
        }
        assert_eq!(places(admin, webhooks, "k3J9-xQ2p_Zt7Lm4"), [""; 0]);
        for all in ["0.0.0.0:8687", "[::]:8687"] {
            assert_eq!(places(admin, all, STRONG), ["[webhooks] listen"], "{all}");
        }
        assert_eq!(places("0.0.0.0:8686", "10.8.0.2:8687", STRONG), ["[admin] listen"]);
    }
}
