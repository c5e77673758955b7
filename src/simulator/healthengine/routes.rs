//! Every operation of the API's definition, 1.9.0, as one table.

use super::visit::{HandlerOutcome, HandlerRefusal, Visit};
use super::{answers, availability, configuration, documents, features, requests, subscriptions};
use percent_encoding::percent_decode_str;

/// Carries one operation out.
pub(super) type Handler = fn(&mut Visit<'_>) -> HandlerOutcome;

/// An operation: method, path below the base, handler.
pub(super) struct Operation {
    method: &'static str,
    path: &'static str,
    pub(super) handler: Handler,
}

impl Operation {
    /// `POST bookings/{bookingId}/confirmInsert`.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

const fn get(path: &'static str, handler: Handler) -> Operation {
    Operation { method: "GET", path, handler }
}

const fn post(path: &'static str, handler: Handler) -> Operation {
    Operation { method: "POST", path, handler }
}

const fn delete(path: &'static str, handler: Handler) -> Operation {
    Operation { method: "DELETE", path, handler }
}

const ROUTES: &[Operation] = &[
    get("requests", requests::kinds),
    get("requests/bookings", requests::bookings),
    get("requests/bookingUpdates", requests::booking_updates),
    get("requests/availability", requests::availability),
    get("requests/pmsAppointmentChanges", requests::appointment_changes),
    get("requests/availableDocuments", requests::none),
    get("requests/uploadDocuments", documents::uploads),
    get("requests/clientSnapshots", requests::none),
    get("requests/attachDocuments", documents::attachments),
    post("bookings/{bookingId}/confirmInsert", answers::confirm_insert),
    post("bookings/{bookingId}/rejectInsert", answers::reject_insert),
    post("bookings/{bookingId}/confirmUpdate/{requestId}", answers::confirm_update),
    post("bookings/{bookingId}/rejectUpdate/{requestId}", answers::reject_update),
    post("bookings/{bookingId}/cancel", answers::cancel),
    post("bookings/{bookingId}/didNotAttend", answers::did_not_attend),
    post("bookings/{bookingId}/noPmsAppointmentChange", answers::no_appointment_change),
    post("availability/snapshot", availability::snapshot),
    post("availability/snapshots", availability::snapshots),
    get("config/pmsResources", configuration::resources),
    get("config/pmsResources/findById", configuration::resource),
    post("config/pmsResources/snapshot", configuration::replace_resources),
    get("config/pmsAppointmentTypes", configuration::appointment_types),
    get("config/pmsAppointmentTypes/findById", configuration::appointment_type),
    post("config/pmsAppointmentTypes/snapshot", configuration::replace_appointment_types),
    get("config/livenessContract", configuration::liveness),
    post("config/livenessContract", configuration::replace_liveness),
    get("features", features::all),
    get("features/{id}", features::one),
    post("features/{id}/enable", features::enable),
    post("features/{id}/disable", features::disable),
    get("subscription", subscriptions::all),
    post("subscription", subscriptions::create),
    get("subscription/{id}", subscriptions::one),
    delete("subscription/{id}", subscriptions::delete),
    get("subscriptionErrorLog", subscriptions::error_log),
    post("documents/available", of_an_extra_feature),
    post("documents/upload", of_an_extra_feature),
    post("documents/rejectUpload", documents::reject_upload),
    post("clientSnapshot", of_an_extra_feature),
    get("attachDocuments/{requestId}", of_an_extra_feature),
    post("attachDocuments/{requestId}/confirmInsert", of_an_extra_feature),
    post("attachDocuments/{requestId}/rejectInsert", documents::reject_attachment),
];

/// The operation for a method and a path below the base, with what stands for `{…}`; or 404, or 405
/// where only the method is wrong.
pub(super) fn find(method: &str, path: &str) -> Result<(&'static Operation, Vec<String>), u16> {
    let mut status = 404;
    for route in ROUTES {
        let Some(params) = fits(route.path, path) else { continue };
        if route.method == method {
            return Ok((route, params));
        }
        status = 405;
    }
    Err(status)
}

fn fits(pattern: &str, path: &str) -> Option<Vec<String>> {
    let mut params = Vec::new();
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(params),
            (Some(wanted), Some(given)) if wanted.starts_with('{') && !given.is_empty() => {
                params.push(percent_decode_str(given).decode_utf8_lossy().into_owned());
            }
            (Some(wanted), Some(given)) if wanted == given => {}
            (Some(_), Some(_)) | (Some(_), None) | (None, Some(_)) => return None,
        }
    }
}

/// OpenVPMS's booking API cannot serve the extra features, so they are not modelled beyond being on
/// or off, and the rejection of what they ask for (`documents`).
fn of_an_extra_feature(_: &mut Visit<'_>) -> HandlerOutcome {
    Err(HandlerRefusal::mistake(403, "the extra feature is not supported for this practice"))
}
