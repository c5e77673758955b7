//! Asking a server again that wants to be left alone: by the API, and by a button of the status
//! page.

use axum::Json;
use axum::extract::State;
use axum::response::Redirect;

use maud::{Markup, html};

use super::auth::{self, Caller};
use super::{Admin, view};
use crate::messages::admin as say;
use crate::messages::page::PageAction;

/// Where the button leads.
pub(super) const ASK_AGAIN_PATH: &str = "/ask-again";

/// The button of the page.
pub(super) fn button(caller: &Caller) -> Markup {
    html! {
        @if let Some(token) = caller.form_token() {
            form method="post" action=(ASK_AGAIN_PATH) {
                input type="hidden" name=(auth::FORM_TOKEN) value=(token.text());
                button { (say::ASK_AGAIN) }
            }
        }
    }
}

/// Which servers are asked again.
pub(super) async fn ask_again(State(admin): State<Admin>) -> Json<view::AskedAgain> {
    Json(view::AskedAgain::of(&admin.bridge.ask_again()))
}

/// The button: back to the page.
pub(super) async fn ask_again_and_show(State(admin): State<Admin>) -> Redirect {
    admin.bridge.ask_again();
    Redirect::to(&format!("{}?done={}", admin.gate.pages_of().status_path(), PageAction::Asked.name()))
}
