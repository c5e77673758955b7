//! What holds for every path of the admin listener.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};

use super::auth::{self, Gate};
use super::page::{failures, sign_in};
use super::{guard, proof};

/// All paths, and what holds for every one: `guarded` is for those whom the gate lets in, `open`
/// for everybody.
pub(super) fn bounded(gate: Gate, guarded: Router, open: Router) -> Router {
    let guarded = guarded
        .merge(Router::new().route(auth::SIGN_OUT, post(sign_in::sign_out)).with_state(gate.clone()))
        .layer(from_fn_with_state(gate.clone(), auth::check))
        .layer(from_fn_with_state(gate.clone(), failures::as_pages));
    let own = Router::new()
        .route(proof::PATH, get(auth::prove))
        .route(auth::SIGN_IN, get(sign_in::to_the_page).post(sign_in::sign_in));
    let open = open.merge(own.with_state(gate.clone()));
    open.merge(guarded)
        .layer(DefaultBodyLimit::max(guard::BODY_BYTES_MAX))
        .layer(from_fn_with_state(gate, auth::check_names))
        .layer(from_fn(guard::limit_body))
        .layer(from_fn(guard::headers))
}
