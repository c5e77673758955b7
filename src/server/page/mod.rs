//! The pages: for a receptionist what needs somebody, for a manager whether all is well, for an
//! administrator why.
//!
//! | file | shows |
//! | --- | --- |
//! | [`overview`] | the status page: what needs a person, the practices, today's and tomorrow's bookings |
//! | [`bookings`], [`found`] | the search over all bookings, page by page; one booking's story |
//! | [`day`], [`picture`] | a day of a resource: what is offered, and why the rest is not |
//! | [`forms`] | what a person has done, each asked once more |
//! | [`sign_in`] | the field for the token, for a browser that is not let in |
//! | [`failures`] | a request that failed, with a way back |
//! | [`store_gone`] | what is left without a store |
//! | [`layout`], [`names`] | what the pages have in common |
//!
//! They work without a script, and have nothing from outside: the style comes from the listener.

mod bookings;
mod day;
pub(super) mod failures;
mod forms;
mod found;
pub(crate) mod layout;
pub(super) mod names;
pub(super) mod overview;
mod picture;
pub(super) mod sign_in;
pub(super) mod store_gone;

use axum::Router;
use axum::routing::get;

use super::Admin;

/// The paths of the pages, but for that of the status page.
pub(super) fn routes() -> Router<Admin> {
    Router::new()
        .route("/bookings", get(found::list))
        .route("/bookings/{id}", get(bookings::story))
        .route("/bookings/{id}/settle", get(forms::ask_to_settle).post(forms::settle))
        .route("/practices/{id}/days", get(day::show))
        .route("/practices/{id}/pause", get(forms::ask_to_pause).post(forms::pause))
        .route("/practices/{id}/resume", get(forms::ask_to_resume).post(forms::resume))
        .route("/practices/{id}/resync", get(forms::ask_to_resync).post(forms::resync))
}
