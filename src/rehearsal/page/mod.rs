//! The pages of a rehearsal: what Healthengine would show, and a pet owner to play.
//!
//! | file | shows |
//! | --- | --- |
//! | [`overview`] | what is wrong, what would be sent, how much is offered |
//! | [`offer`] | the days of a resource, appointment type by appointment type |
//! | [`booking`] | a time being chosen; a booking on its way through |
//!
//! They stand at the root of the admin listener, behind the same door as its other pages.

mod booking;
mod offer;
mod overview;
mod shown;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use self::shown::RehearsalPages;
use super::facts::RehearsalFacts;
use super::stand::Stand;

/// The paths of the pages.
pub(super) fn pages(stand: Stand, facts: Arc<RehearsalFacts>) -> Router {
    Router::new()
        .route("/", get(overview::show))
        .route("/offer", get(offer::show))
        .route("/choose", get(booking::ask))
        .route("/choose", post(booking::book))
        .route("/rehearsed/{id}", get(booking::show))
        .route("/rehearsed/{id}/cancel", post(booking::cancel))
        .with_state(RehearsalPages { stand, facts })
}
