//! A request of a browser that failed: a page with a way back, where a program gets JSON or a line.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use maud::html;

use super::{layout, sign_in};
use crate::messages::admin as say;
use crate::server::auth::{self, Gate, PagesOf};
use crate::server::origin::only_reads;
use crate::server::view::ErrorBody;

/// A refusal is shorter.
const REFUSAL_BYTES_MAX: usize = 64 * 1024;

/// Where a browser is led whose link held something else than the token. A token does not stay in
/// the address bar, not even a wrong one: it may be most of a right one.
const WRONG_TOKEN_PATH: &str = "/?wrong-token";

/// Makes a page of a refusal, if a browser asked for one. The API is left as it is.
pub(in crate::server) async fn as_pages(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let is_page = sign_in::wants_a_page(request.headers()) && !request.uri().path().starts_with("/api/");
    let has_token = auth::in_query(request.uri()).is_some() && only_reads(request.method());
    let was_wrong = request.uri() == WRONG_TOKEN_PATH;
    let answer = next.run(request).await;
    let status = answer.status();
    let kind = answer.headers().get(header::CONTENT_TYPE).cloned();
    let is_html = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !is_page || is_html || !(status.is_client_error() || status.is_server_error()) {
        return answer;
    }
    if status == StatusCode::UNAUTHORIZED && has_token {
        return Redirect::to(WRONG_TOKEN_PATH).into_response();
    }
    let (mut head, body) = answer.into_parts();
    let Html(page) = if status == StatusCode::UNAUTHORIZED {
        sign_in::render(gate.pages_of(), if was_wrong { say::WRONG_TOKEN } else { say::TOKEN_NEEDED_HERE })
    } else {
        let body = to_bytes(body, REFUSAL_BYTES_MAX).await.unwrap_or_default();
        let sentence = match serde_json::from_slice::<ErrorBody>(&body) {
            Ok(refusal) => refusal.error,
            Err(_) => String::from_utf8_lossy(&body).into_owned(),
        };
        refusal(gate.pages_of(), &sentence)
    };
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    Response::from_parts(head, Body::from(page)).into_response()
}

fn refusal(pages_of: PagesOf, sentence: &str) -> Html<String> {
    let content = html! {
        h1 { "That did not work" }
        div.card.urgent { p { (sentence) } }
        div.buttons {
            a.button href=(pages_of.status_path()) { "Back to the status page" }
            a.button href="/bookings" { "All bookings" }
        }
    };
    layout::page_without_caller("That did not work", pages_of, &content)
}
