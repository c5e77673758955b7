//! How a command and the service know each other, without either ever sending a secret.
//!
//! **Threat.** Some other program listens where the service should: it took the port while the
//! service was stopped, or the configuration names an address that is not the service's. It may
//! record what commands send, answer as it likes, and pass everything on to the real service and
//! back. It cannot read the state directory.
//!
//! **Protocol.** Both have the command key ([`crate::store::command_key`]). All proofs are
//! HMAC-SHA256 under it, over a purpose, the address that the client connected to, and random
//! numbers of both sides.
//! 1. The command sends a random number to [`PATH`]. The service answers with one of its own and a
//!    proof.
//! 2. The command checks that proof before it sends anything else. The address in it is the one
//!    that the service was connected to: an impostor that passes the question on has another one,
//!    and so has no proof to show.
//! 3. The request carries a proof over its method, target and body. It is good for that request,
//!    once, for [`VALID`].
//! 4. The answer carries a proof over the request's and the status, so that the command believes
//!    nobody else.
//!
//! An impostor so learns a random number. What the service answers to strangers who ask for proofs
//! is worth nothing: the key is random ([`crate::store::command_key`] says why), and a proof says
//! nothing about another.
//!
//! **Not covered.** The body of an answer is not part of its proof: whoever could change it sits on
//! the connection itself, which never leaves the machine where `[admin] listen` is on loopback.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::{digest, hmac};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::store::SecretKey;

/// Where the service proves itself.
pub const PATH: &str = "/api/v1/proof";
/// The command's random number.
pub const NONCE: HeaderName = HeaderName::from_static("vetbridge-nonce");
/// The proof of an answer.
pub const ANSWER: HeaderName = HeaderName::from_static("vetbridge-proof");
/// Introduces the proof of a request in `Authorization`.
const SCHEME: &str = "Vetbridge ";
/// A request follows the service's proof at once.
pub const VALID: Duration = Duration::from_secs(30);
/// So many proofs are remembered as used. Only who has the key can make one.
const USED_MAX: usize = 4096;
/// Of a random number, as text.
const NONCE_CHARS: usize = 43;

/// What the service answers to a command's random number.
#[derive(Debug, Serialize, Deserialize)]
pub struct Hello {
    /// The service's random number.
    pub nonce: String,
    /// That it has the key.
    pub proof: String,
}

/// A random number, as text.
///
/// # Errors
/// The system has no random bytes.
pub fn fresh_nonce() -> std::io::Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What all proofs of one exchange are about.
pub struct Exchange<'a> {
    key: hmac::Key,
    about: [&'a str; 2],
    address: String,
}

/// A request as it is proved: its method, its path and query, its body.
#[derive(Debug, Clone, Copy)]
pub struct ProvedRequest<'a> {
    /// Such as `POST`.
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// Empty, or JSON.
    pub body: &'a [u8],
}

impl<'a> Exchange<'a> {
    /// An exchange with the service at `address`. The numbers are the command's and the service's.
    pub fn new(key: &SecretKey, address: SocketAddr, client: &'a str, service: &'a str) -> Self {
        let address = SocketAddr::new(address.ip().to_canonical(), address.port()).to_string();
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key.bytes()), about: [client, service], address }
    }

    /// The text that is proved. No part can run into the next: each stands behind its length.
    fn text(&self, purpose: &str, parts: &[&[u8]]) -> Vec<u8> {
        let common = [purpose, &self.address, self.about[0], self.about[1]].map(str::as_bytes);
        let mut text = Vec::new();
        for part in common.iter().chain(parts) {
            text.extend_from_slice(&(part.len() as u64).to_be_bytes());
            text.extend_from_slice(part);
        }
        text
    }

    fn prove(&self, purpose: &str, parts: &[&[u8]]) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.key, &self.text(purpose, parts)))
    }

    /// In constant time.
    fn holds(&self, proof: &str, purpose: &str, parts: &[&[u8]]) -> bool {
        let proof = URL_SAFE_NO_PAD.decode(proof).unwrap_or_default();
        hmac::verify(&self.key, &self.text(purpose, parts), &proof).is_ok()
    }

    /// The service's proof.
    pub fn of_service(&self) -> String {
        self.prove("service", &[])
    }

    /// True if it is the service's proof.
    pub fn is_of_service(&self, proof: &str) -> bool {
        self.holds(proof, "service", &[])
    }

    /// The value of `Authorization` for a request.
    pub fn authorization(&self, asked: ProvedRequest<'_>) -> String {
        let [client, service] = self.about;
        format!("{SCHEME}{client}.{service}.{}", self.of_request(asked))
    }

    fn request_parts<'b>(asked: &'b ProvedRequest<'_>, body: &'b digest::Digest) -> [&'b [u8]; 3] {
        [asked.method.as_bytes(), asked.target.as_bytes(), body.as_ref()]
    }

    fn of_request(&self, asked: ProvedRequest<'_>) -> String {
        let body = digest::digest(&digest::SHA256, asked.body);
        self.prove("request", &Self::request_parts(&asked, &body))
    }

    fn is_of_request(&self, proof: &str, asked: ProvedRequest<'_>) -> bool {
        let body = digest::digest(&digest::SHA256, asked.body);
        self.holds(proof, "request", &Self::request_parts(&asked, &body))
    }

    /// The proof of an answer to a request.
    pub fn of_answer(&self, status: u16, asked: ProvedRequest<'_>) -> String {
        self.prove("answer", &[&status.to_be_bytes(), self.of_request(asked).as_bytes()])
    }

    /// True if it is the proof of an answer to this request.
    pub fn is_of_answer(&self, proof: &str, status: u16, asked: ProvedRequest<'_>) -> bool {
        self.holds(proof, "answer", &[&status.to_be_bytes(), self.of_request(asked).as_bytes()])
    }
}

/// A request's proof, as it arrived.
#[derive(Debug, Clone)]
pub(super) struct ShownProof {
    client: String,
    service: String,
    proof: String,
}

impl ShownProof {
    /// `None`: the request shows none.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix(SCHEME)?;
        let mut parts = value.split('.').map(str::to_owned);
        let shown = Self { client: parts.next()?, service: parts.next()?, proof: parts.next()? };
        parts.next().is_none().then_some(shown)
    }
}

/// The service's side.
pub(super) struct Proofs {
    key: SecretKey,
    /// The numbers that this process gave out are made with it, so that none has to be remembered.
    numbers: SecretKey,
    began: Instant,
    used: Mutex<BTreeMap<String, Instant>>,
}

impl Proofs {
    pub(super) fn new(key: SecretKey, numbers: SecretKey) -> Self {
        Self { key, numbers, began: Instant::now(), used: Mutex::default() }
    }

    /// What a command hears that shows this number; `None` if it is none.
    pub(super) fn hello(&self, client: &str, local: SocketAddr) -> Option<Hello> {
        let fits = client.len() == NONCE_CHARS && URL_SAFE_NO_PAD.decode(client).is_ok();
        let at = u64::try_from(self.began.elapsed().as_millis()).ok()?;
        let nonce = fits.then(|| self.number(at, client))?;
        let proof = Exchange::new(&self.key, local, client, &nonce).of_service();
        Some(Hello { nonce, proof })
    }

    /// The number that is given out at this time in answer to that of a command.
    fn number(&self, at_ms: u64, client: &str) -> String {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, self.numbers.bytes()));
        context.update(&at_ms.to_be_bytes());
        context.update(client.as_bytes());
        let mut bytes = at_ms.to_be_bytes().to_vec();
        bytes.extend_from_slice(context.sign().as_ref());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// When the number was given out, if it was.
    fn given_out(&self, shown: &ShownProof) -> Option<Instant> {
        let bytes = URL_SAFE_NO_PAD.decode(&shown.service).ok()?;
        let at_ms = u64::from_be_bytes(bytes.get(..8)?.try_into().ok()?);
        let expected = self.number(at_ms, &shown.client);
        let same = bool::from(subtle::ConstantTimeEq::ct_eq(expected.as_bytes(), shown.service.as_bytes()));
        if same { self.began.checked_add(Duration::from_millis(at_ms)) } else { None }
    }

    /// The proof for the answer, if the request's is good. `status` is not known yet, so the
    /// answer's proof is made later.
    pub(super) fn accept<'a>(
        &self,
        shown: &'a ShownProof,
        local: SocketAddr,
        asked: ProvedRequest<'_>,
    ) -> Option<Exchange<'a>> {
        let now = Instant::now();
        let at = self.given_out(shown).filter(|at| now.saturating_duration_since(*at) <= VALID)?;
        let exchange = Exchange::new(&self.key, local, &shown.client, &shown.service);
        if !exchange.is_of_request(&shown.proof, asked) {
            return None;
        }
        let mut used = self.used.lock();
        used.retain(|_, until| *until > now);
        let is_first = used.len() < USED_MAX && used.insert(shown.service.clone(), at + VALID).is_none();
        is_first.then_some(exchange)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: ProvedRequest<'static> = ProvedRequest { method: "POST", target: "/api/v1/x?y=z", body: b"{}" };

    fn key(byte: u8) -> SecretKey {
        SecretKey::from_bytes([byte; 32])
    }

    fn local() -> SocketAddr {
        "127.0.0.1:8686".parse().unwrap()
    }

    fn shown(authorization: &str) -> Option<ShownProof> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, authorization.parse().unwrap());
        ShownProof::of(&headers)
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_is_good_once_for_half_a_minute_and_as_it_is() {
        let proofs = Proofs::new(key(1), key(9));
        let client = fresh_nonce().unwrap();
        let hello = proofs.hello(&client, local()).unwrap();
        let exchange = Exchange::new(&key(1), local(), &client, &hello.nonce);
        assert!(exchange.is_of_service(&hello.proof));
        let good = shown(&exchange.authorization(ASKED)).unwrap();
        for other in [
            ProvedRequest { method: "GET", ..ASKED },
            ProvedRequest { target: "/api/v1/x?y=zz", ..ASKED },
            ProvedRequest { body: b"{ }", ..ASKED },
        ] {
            assert!(proofs.accept(&good, local(), other).is_none(), "{other:?}");
        }
        assert!(proofs.accept(&good, "127.0.0.1:8687".parse().unwrap(), ASKED).is_none(), "passed on");
        let answering = proofs.accept(&good, local(), ASKED).unwrap();
        let proof = answering.of_answer(200, ASKED);
        assert!(exchange.is_of_answer(&proof, 200, ASKED) && !exchange.is_of_answer(&proof, 404, ASKED));
        assert!(proofs.accept(&good, local(), ASKED).is_none(), "a second time");

        let hello = proofs.hello(&client, local()).unwrap();
        let late = shown(&Exchange::new(&key(1), local(), &client, &hello.nonce).authorization(ASKED)).unwrap();
        tokio::time::sleep(VALID + Duration::from_millis(1)).await;
        assert!(proofs.accept(&late, local(), ASKED).is_none(), "late");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_without_the_key_proves_anything_and_numbers_of_others_count_for_nothing() {
        let proofs = Proofs::new(key(1), key(9));
        let client = fresh_nonce().unwrap();
        let hello = proofs.hello(&client, local()).unwrap();
        let other = Exchange::new(&key(2), local(), &client, &hello.nonce);
        assert!(!other.is_of_service(&hello.proof));
        assert!(proofs.accept(&shown(&other.authorization(ASKED)).unwrap(), local(), ASKED).is_none());
        // A number that another process gave out, or nobody.
        let elsewhere = Proofs::new(key(1), key(8)).hello(&client, local()).unwrap();
        for number in [elsewhere.nonce.as_str(), "", "AAAA", &client] {
            let exchange = Exchange::new(&key(1), local(), &client, number);
            assert!(
                proofs.accept(&shown(&exchange.authorization(ASKED)).unwrap(), local(), ASKED).is_none(),
                "{number}"
            );
        }
        // The service's own proof is no request's.
        let as_request = shown(&format!("Vetbridge {client}.{}.{}", hello.nonce, hello.proof)).unwrap();
        assert!(proofs.accept(&as_request, local(), ASKED).is_none());
        for wrong in ["", "short", &"é".repeat(43), &format!("{client}A")] {
            assert!(proofs.hello(wrong, local()).is_none(), "{wrong}");
        }
        for wrong in ["Bearer a.b.c", "Vetbridge a.b", "Vetbridge a.b.c.d", "Vetbridge"] {
            assert!(shown(wrong).is_none(), "{wrong}");
        }
    }
}
