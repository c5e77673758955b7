//! Pages with their commands as they are typed: whoever reads a sentence there does not know with
//! which configuration this process was started.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};

use crate::messages::typed_commands::TypedCommands;

/// No page is longer.
const PAGE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// All paths, with these commands on their pages.
pub fn with_typed_commands(router: Router, commands: &TypedCommands) -> Router {
    let commands = Arc::new(commands.written(escaped));
    router.layer(from_fn_with_state(commands, typed))
}

async fn typed(State(commands): State<Arc<TypedCommands>>, request: Request, next: Next) -> Response {
    let answer = next.run(request).await;
    let kind = answer.headers().get(header::CONTENT_TYPE);
    if !kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")) {
        return answer;
    }
    let (mut head, body) = answer.into_parts();
    let Ok(page) = to_bytes(body, PAGE_BYTES_MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    head.headers.remove(header::CONTENT_LENGTH);
    let page = String::from_utf8_lossy(&page);
    Response::from_parts(head, Body::from(commands.typed(&page)))
}

/// As a text stands in a page.
fn escaped(text: &str) -> String {
    maud::html! { (text) }.into_string()
}

#[cfg(test)]
mod tests {
    use axum::response::Html;
    use axum::routing::get;
    use tower_service::Service as _;

    use super::*;

    async fn asked(path: &str) -> String {
        let sentence = "Type `vetbridge resync`.";
        let router = Router::new()
            .route("/page", get(move || async move { Html(sentence) }))
            .route("/text", get(move || async move { sentence }));
        let mut router = with_typed_commands(router, &TypedCommands::with_config("/srv/a&b/v.toml"));
        let answer = router.call(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        String::from_utf8(to_bytes(answer.into_body(), 1000).await.unwrap().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_page_names_the_configuration_behind_a_command_and_what_programs_read_does_not() {
        assert_eq!(asked("/page").await, "Type `vetbridge resync --config '/srv/a&amp;b/v.toml'`.");
        assert_eq!(asked("/text").await, "Type `vetbridge resync`.");
    }
}
