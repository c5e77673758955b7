//! Who may see the page and use the API.
//!
//! | who | shows |
//! | --- | --- |
//! | a program | the admin token, as a bearer token |
//! | a browser | the cookie of its session ([`super::sessions`]), which the link with `?token=` or the form of the sign-in page begins |
//! | a command of this program | a proof of the command key ([`super::proof`]) |
//!
//! Whoever asks has to name the listener rightly, and a change must not come from the page of
//! somebody else ([`super::origin`]). A session's change has to say that it comes from the own
//! page, or be a form with the session's form token: a cookie goes along with whatever a browser
//! sends.

use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Json};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq;

use super::guard;
use super::listener::Local;
use super::origin::{Hosts, Origin, only_reads};
use super::problem::problem;
use super::proof::{self, Proofs, ProvedRequest};
use super::sessions::{FormToken, LASTS, Sessions};
use crate::messages::admin as say;
use crate::store::{self, SecretKey};

/// What opens the admin listener, and the names that it answers to.
pub struct Access {
    /// The admin token as the state directory has it.
    pub token: SecretString,
    /// What commands prove themselves with.
    pub command_key: SecretKey,
    /// `[admin] hosts`.
    pub hosts: Vec<String>,
}

/// The cookie of a session.
const COOKIE: &str = "vetbridge-session";
/// The cookie of a session with a rehearsal. A browser keeps cookies by host and not by port, and
/// the service may run on the same machine.
const REHEARSAL_COOKIE: &str = "vetbridge-rehearsal-session";
/// How the browser came to the proxy, as the proxy says.
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// The field of a form that carries the session's form token.
pub(super) const FORM_TOKEN: &str = "form_token";
/// Where a browser begins a session with the token.
pub(super) const SIGN_IN: &str = "/sign-in";
/// Where a browser ends its session.
pub(super) const SIGN_OUT: &str = "/sign-out";
/// The media type of forms.
const FORM: &str = "application/x-www-form-urlencoded";

/// The guard at the door; clones are the same.
#[derive(Clone)]
pub struct Gate(Arc<GateInner>);

struct GateInner {
    token: SecretString,
    pages_of: PagesOf,
    hosts: Hosts,
    sessions: Sessions,
    proofs: Proofs,
}

/// Who is let in, among a request's extensions.
#[derive(Clone)]
pub(crate) struct Caller {
    /// That of a browser. Whoever showed the token, or proved that they have the command key, has
    /// none.
    session: Option<FormToken>,
    pages_of: PagesOf,
}

impl Caller {
    /// What a form of the page has to carry.
    pub(super) fn form_token(&self) -> Option<&FormToken> {
        self.session.as_ref()
    }

    /// Whose pages they see.
    pub(super) fn pages_of(&self) -> PagesOf {
        self.pages_of
    }
}

/// Where the status page is when other pages stand at the root.
pub const STATUS_PATH: &str = "/status";

/// Whose pages are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PagesOf {
    /// A service's.
    Service,
    /// Those of a rehearsal, which nobody is to take for a service's.
    Rehearsal,
}

impl PagesOf {
    /// Where the status page is.
    pub(super) fn status_path(self) -> &'static str {
        match self {
            Self::Service => "/",
            Self::Rehearsal => STATUS_PATH,
        }
    }
}

/// Whom a request is for, among its extensions.
#[derive(Clone)]
struct AskedAs(Authority);

impl Gate {
    /// A gate without any session.
    ///
    /// # Errors
    /// The system has no random bytes.
    pub fn new(access: Access) -> std::io::Result<Self> {
        Self::of(access, PagesOf::Service)
    }

    /// A gate of a rehearsal: its sessions are beside those of a service on the same machine.
    ///
    /// # Errors
    /// The system has no random bytes.
    pub fn of_rehearsal(access: Access) -> std::io::Result<Self> {
        Self::of(access, PagesOf::Rehearsal)
    }

    fn of(access: Access, pages_of: PagesOf) -> std::io::Result<Self> {
        let Access { token, command_key, hosts } = access;
        let proofs = Proofs::new(command_key, store::fresh_command_key()?);
        let (hosts, sessions) = (Hosts::new(hosts), Sessions::default());
        Ok(Self(Arc::new(GateInner { token, pages_of, hosts, sessions, proofs })))
    }

    /// Whose pages are behind it.
    pub(super) fn pages_of(&self) -> PagesOf {
        self.0.pages_of
    }

    fn cookie(&self) -> &'static str {
        match self.0.pages_of {
            PagesOf::Service => COOKIE,
            PagesOf::Rehearsal => REHEARSAL_COOKIE,
        }
    }

    /// Compared in constant time.
    fn is_token(&self, text: &str) -> bool {
        let token = self.0.token.expose_secret();
        !token.is_empty() && bool::from(token.as_bytes().ct_eq(text.as_bytes()))
    }

    /// Begins a session, as the link does, if that is the token.
    pub(super) fn sign_in(&self, offered: &str, headers: &HeaderMap) -> Option<Response> {
        self.is_token(offered).then(|| begin_session(self, headers))
    }

    /// Ends the session of this browser. The header that takes its cookie.
    pub(super) fn sign_out(&self, caller: &Caller) -> [(HeaderName, String); 1] {
        if let Some(token) = caller.form_token() {
            self.0.sessions.end(token);
        }
        [(header::SET_COOKIE, format!("{}=; Max-Age=0; HttpOnly; SameSite=Strict; Path=/", self.cookie()))]
    }
}

/// Refuses what is not asked of us, and changes that somebody else's page wants.
pub(super) async fn check_names(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let Some(host) = gate.0.hosts.asked_as(request.headers(), request.uri(), local(&request)) else {
        return problem(StatusCode::MISDIRECTED_REQUEST, say::NOT_ASKED_RIGHTLY);
    };
    if !only_reads(request.method()) && gate.0.hosts.origin(request.headers(), &host) == Origin::Foreign {
        return problem(StatusCode::FORBIDDEN, say::FOREIGN_ORIGIN);
    }
    request.extensions_mut().insert(AskedAs(host));
    next.run(request).await
}

/// Lets in who may come in; a link with `?token=` begins a session, so that the token leaves the
/// address bar.
pub(super) async fn check(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    if in_query(request.uri()).is_some_and(|offered| gate.is_token(&decoded(offered))) {
        return begin_session(&gate, request.headers());
    }
    if proof::ShownProof::of(request.headers()).is_some() {
        return check_proof(&gate, request, next).await;
    }
    if bearer(request.headers()).is_some_and(|offered| gate.is_token(offered)) {
        request.extensions_mut().insert(Caller { session: None, pages_of: gate.pages_of() });
        return next.run(request).await;
    }
    let Some(form_token) =
        in_cookie(request.headers(), gate.cookie()).and_then(|offered| gate.0.sessions.find(offered))
    else {
        let is_wrong = in_query(request.uri()).is_some() || bearer(request.headers()).is_some();
        let says = if is_wrong { say::WRONG_TOKEN_SHOWN } else { say::TOKEN_NEEDED };
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], says).into_response();
    };
    let request =
        if only_reads(request.method()) { Ok(request) } else { check_change(&gate, request, &form_token).await };
    match request {
        Ok(mut request) => {
            request.extensions_mut().insert(Caller { session: Some(form_token), pages_of: gate.pages_of() });
            next.run(request).await
        }
        Err(refused) => *refused,
    }
}

fn begin_session(gate: &Gate, headers: &HeaderMap) -> Response {
    let Ok(value) = gate.0.sessions.begin() else {
        return problem(StatusCode::INTERNAL_SERVER_ERROR, say::NO_RANDOM);
    };
    let (name, value, seconds) = (gate.cookie(), value.expose_secret(), LASTS.as_secs());
    let secure = if came_over_tls(headers) { "Secure; " } else { "" };
    let cookie = format!("{name}={value}; Max-Age={seconds}; {secure}HttpOnly; SameSite=Strict; Path=/");
    ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
}

/// True if a proxy says that the browser came to it over TLS: the browser then never sends the
/// cookie over plain http. A browser takes no such cookie from the plain listener itself, so it is
/// not the rule. Whoever says it untruly spoils nothing but their own cookie.
fn came_over_tls(headers: &HeaderMap) -> bool {
    headers.get(X_FORWARDED_PROTO).is_some_and(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"))
}

/// A browser's change: from the own page, or a form with the token of its session.
async fn check_change(gate: &Gate, request: Request, form_token: &FormToken) -> Result<Request, Box<Response>> {
    let refused = || Box::new(problem(StatusCode::FORBIDDEN, say::FOREIGN_ORIGIN));
    if content_type(request.headers()).as_deref() != Some(FORM) {
        let host = request.extensions().get::<AskedAs>();
        let own = host.is_some_and(|AskedAs(host)| gate.0.hosts.origin(request.headers(), host) == Origin::Own);
        return if own { Ok(request) } else { Err(refused()) };
    }
    let (head, body) = request.into_parts();
    let body = whole(body).await?;
    let field = std::str::from_utf8(&body).ok().and_then(|form| in_form(form, FORM_TOKEN));
    match field {
        Some(offered) if form_token.is(&decoded(offered)) => Ok(Request::from_parts(head, Body::from(body))),
        _ => Err(refused()),
    }
}

/// Lets in a command that proves that it has the key, and proves the answer to it.
async fn check_proof(gate: &Gate, request: Request, next: Next) -> Response {
    let (Some(shown), Some(local)) = (proof::ShownProof::of(request.headers()), local(&request)) else {
        return problem(StatusCode::UNAUTHORIZED, say::NOT_PROVED);
    };
    let (mut head, body) = request.into_parts();
    let body = match whole(body).await {
        Ok(body) => body,
        Err(refused) => return *refused,
    };
    let (method, target) = (head.method.clone(), head.uri.to_string());
    let asked = ProvedRequest { method: method.as_str(), target: &target, body: &body };
    let Some(exchange) = gate.0.proofs.accept(&shown, local, asked) else {
        return problem(StatusCode::UNAUTHORIZED, say::NOT_PROVED);
    };
    head.extensions.insert(Caller { session: None, pages_of: gate.pages_of() });
    let mut answer = next.run(Request::from_parts(head, Body::from(body.clone()))).await;
    if let Ok(proof) = HeaderValue::try_from(exchange.of_answer(answer.status().as_u16(), asked)) {
        answer.headers_mut().insert(proof::ANSWER, proof);
    }
    answer
}

/// Answers a command's random number; see [`proof`].
pub(super) async fn prove(State(gate): State<Gate>, local: Option<Extension<Local>>, headers: HeaderMap) -> Response {
    let nonce = headers.get(proof::NONCE).and_then(|nonce| nonce.to_str().ok());
    let hello = nonce.zip(local).and_then(|(nonce, Extension(Local(local)))| gate.0.proofs.hello(nonce, local));
    hello.map_or_else(|| problem(StatusCode::BAD_REQUEST, say::NO_NONCE), |hello| Json(hello).into_response())
}

async fn whole(body: Body) -> Result<Bytes, Box<Response>> {
    let too_large = |_| Box::new(problem(StatusCode::PAYLOAD_TOO_LARGE, say::body_too_large(guard::BODY_BYTES_MAX)));
    axum::body::to_bytes(body, guard::BODY_BYTES_MAX).await.map_err(too_large)
}

fn local(request: &Request) -> Option<SocketAddr> {
    request.extensions().get::<Local>().map(|Local(local)| *local)
}

/// The media type of a body, without parameters.
pub(super) fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// The link that opens the status page.
pub fn link(address: impl Display, token: &str) -> String {
    format!("http://{address}/?token={}", utf8_percent_encode(token, NON_ALPHANUMERIC))
}

/// A token can be of an operator's own making, with characters that a query cannot carry as they
/// are.
fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

pub(super) fn in_query(uri: &Uri) -> Option<&str> {
    in_form(uri.query()?, "token")
}

fn in_form<'a>(form: &'a str, field: &str) -> Option<&'a str> {
    let mut pairs = form.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == field).map(|(_, value)| value)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn in_cookie<'a>(headers: &'a HeaderMap, cookie: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == cookie)
        .map(|(_, value)| value)
}
