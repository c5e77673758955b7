//! An error for a person, as JSON.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::view;

/// An error for a person, as JSON.
pub(crate) fn problem(status: StatusCode, error: impl Into<String>) -> Response {
    (status, Json(view::ErrorBody { error: error.into() })).into_response()
}
