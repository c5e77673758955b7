//! Who may see the page and use the API: whoever has the admin token.

use std::fmt::Display;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use subtle::ConstantTimeEq;

use crate::messages::admin as say;

/// The admin token. Compared in constant time, never shown.
pub(super) struct Token(String);

/// The cookie that the link sets.
const COOKIE: &str = "vetbridge-token";

impl Token {
    /// The token as the state directory has it.
    pub(super) fn new(token: String) -> Self {
        Self(token)
    }

    fn is(&self, text: &str) -> bool {
        !self.0.is_empty() && bool::from(self.0.as_bytes().ct_eq(text.as_bytes()))
    }
}

/// Lets in whoever brings the token; a link with `?token=` becomes a cookie, so that the token leaves the address bar.
pub(super) async fn check(State(token): State<Arc<Token>>, request: Request, next: Next) -> Response {
    if let Some(offered) = in_query(request.uri()).filter(|offered| token.is(&decoded(offered))) {
        let cookie = format!("{COOKIE}={}; HttpOnly; SameSite=Strict; Path=/", encoded(&decoded(offered)));
        return ([(header::SET_COOKIE, cookie)], Redirect::to(request.uri().path())).into_response();
    }
    let headers = request.headers();
    let cookie = || in_cookie(headers).is_some_and(|offered| token.is(&decoded(offered)));
    if bearer(headers).is_some_and(|offered| token.is(offered)) || cookie() {
        return next.run(request).await;
    }
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], say::TOKEN_NEEDED).into_response()
}

/// The link that opens the status page.
pub fn link(address: impl Display, token: &str) -> String {
    format!("http://{address}/?token={}", encoded(token))
}

/// A token can be of an operator's own making, with characters that a query or a cookie cannot carry as they are.
fn encoded(token: &str) -> String {
    utf8_percent_encode(token, NON_ALPHANUMERIC).to_string()
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn in_query(uri: &Uri) -> Option<&str> {
    let mut pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == "token").map(|(_, value)| value)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn in_cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value)
}
