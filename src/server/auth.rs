//! Who may see the page and use the API: whoever has the admin token.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use subtle::ConstantTimeEq;

use super::Admin;

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
pub(super) async fn check(State(admin): State<Admin>, request: Request, next: Next) -> Response {
    let offered = request.uri().query().and_then(|query| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == "token").map(|(_, value)| value.to_owned()).next()
    });
    if let Some(offered) = offered.filter(|offered| admin.token.is(offered)) {
        let cookie = format!("{COOKIE}={offered}; HttpOnly; SameSite=Strict; Path=/");
        return ([(header::SET_COOKIE, cookie)], Redirect::to(request.uri().path())).into_response();
    }
    if bearer(request.headers()).or_else(|| cookie(request.headers())).is_some_and(|text| admin.token.is(text)) {
        return next.run(request).await;
    }
    let help = "The admin token is needed: `Authorization: Bearer …`, or open the page with ?token=…. It stands in the file admin-token of the state directory.\n";
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], help).into_response()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value)
}
