//! Webhooks over HTTP, as they arrive behind the clinic's reverse proxy.
//!
//! A callback is https and the proxy ends TLS, so what reaches the bridge is plain http from the
//! proxy, with the sender's address in `X-Forwarded-For`. This courier is sender and proxy in one.

use std::net::{IpAddr, SocketAddr};

use async_trait::async_trait;
use reqwest::{Client, Url, header};

use super::deliveries::Courier;
use super::delivery_queue::Delivered;

/// Carries webhooks to a listener on this machine.
pub struct HttpCourier {
    client: Client,
    listener: SocketAddr,
    sender: IpAddr,
    /// What the proxy strips from the path, such as `/some/path`.
    strips: String,
}

impl HttpCourier {
    /// Calls the listener as a proxy does that speaks for this sender and leaves the path as it is.
    ///
    /// # Errors
    /// No client can be made.
    pub fn new(listener: SocketAddr, sender: IpAddr) -> reqwest::Result<Self> {
        crate::http::network::install_crypto_provider();
        let client = Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .redirect(reqwest::redirect::Policy::none())
            .user_agent("Healthengine")
            .build()?;
        Ok(Self { client, listener, sender, strips: String::new() })
    }

    /// With a proxy that strips this from the beginning of the path.
    #[must_use]
    pub fn stripping(mut self, path: &str) -> Self {
        path.clone_into(&mut self.strips);
        self
    }
}

#[async_trait]
impl Courier for HttpCourier {
    async fn post(&self, callback_url: &str, body: Vec<u8>) -> Delivered {
        let Ok(callback) = Url::parse(callback_url) else { return Delivered::Refused };
        let path = callback.path().strip_prefix(&self.strips).unwrap_or(callback.path());
        let call = self
            .client
            .post(format!("http://{}{path}", self.listener))
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-forwarded-for", self.sender.to_string())
            .body(body);
        match call.send().await {
            Ok(answer) => Delivered::Answered(answer.status().as_u16()),
            Err(error) if error.is_connect() => Delivered::Refused,
            Err(_) => Delivered::HungUp,
        }
    }
}
