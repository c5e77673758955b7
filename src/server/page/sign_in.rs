//! Where a browser that is not let in types the token, and where one goes that signs out.

use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::{Extension, Form};
use maud::html;
use serde::Deserialize;

use super::layout;
use crate::messages::admin as say;
use crate::server::auth::{self, Caller, Gate, PagesOf};

#[derive(Deserialize)]
pub(in crate::server) struct SignInForm {
    #[serde(default)]
    token: String,
}

/// The page with the field for the token.
pub(super) fn render(pages_of: PagesOf, sentence: &str) -> Html<String> {
    let content = html! {
        h1 { "Sign in" }
        p role="status" { (sentence) }
        form method="post" action=(auth::SIGN_IN) {
            label { (say::TOKEN_FIELD) br; input type="password" name="token" autocomplete="off" size="40" required; }
            div.buttons { button { (say::SIGN_IN) } }
        }
        p.quiet { (say::WHERE_THE_TOKEN_IS) }
    };
    layout::page_without_caller("Sign in", pages_of, &content)
}

/// Begins a session. A page of somebody else gets no so far ([`auth::check_names`]).
pub(in crate::server) async fn sign_in(
    State(gate): State<Gate>,
    headers: HeaderMap,
    form: Result<Form<SignInForm>, FormRejection>,
) -> Response {
    let token = form.map(|Form(form)| form.token).unwrap_or_default();
    gate.sign_in(token.trim(), &headers).unwrap_or_else(|| {
        (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], render(gate.pages_of(), say::WRONG_TOKEN))
            .into_response()
    })
}

/// Whoever opens the address of the form is asked for the token, or is let in already.
pub(in crate::server) async fn to_the_page() -> Redirect {
    Redirect::to("/")
}

/// Ends the session of this browser.
pub(in crate::server) async fn sign_out(
    State(gate): State<Gate>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Response {
    let gone = gate.sign_out(&caller);
    if wants_a_page(&headers) {
        (gone, render(gate.pages_of(), say::SIGNED_OUT)).into_response()
    } else {
        (gone, format!("{}\n", say::SIGNED_OUT)).into_response()
    }
}

/// True if a browser asks for a page; programs do not name the type.
pub(super) fn wants_a_page(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepts.flat_map(|value| value.split(',')).any(|kind| kind.split(';').next().map(str::trim) == Some("text/html"))
}
