//! What a former integration's document features left open, and its rejection: the one answer that
//! a bridge to OpenVPMS has.
//!
//! Assumptions, where the definition is silent: a request stays listed until it is answered, also
//! when its feature is off by then; rejecting an upload that nobody asked for is 400 and a
//! violation, one that was rejected before is refused as [`super::Repeated`] says; an attachment
//! that was answered is gone (410).

use serde_json::json;

use super::body::Fields;
use super::model::HealthengineModel;
use super::requests::paged;
use super::settings::Repeated;
use super::unknown::Unknown;
use super::visit::{HandlerOutcome, HandlerRefusal, HandlerReply, Visit};
use crate::ids::{BookingId, PracticeId, RequestId};

/// `GET requests/uploadDocuments`
pub(super) fn uploads(visit: &mut Visit<'_>) -> HandlerOutcome {
    paged(visit, visit.practice.wanted.uploads.iter(), |(booking, document)| {
        json!({
            "bookingId": booking, "pmsAppointmentIds": [], "pmsPatientId": null, "pmsDocumentId": document
        })
    })
}

/// `GET requests/attachDocuments`
pub(super) fn attachments(visit: &mut Visit<'_>) -> HandlerOutcome {
    paged(visit, visit.practice.wanted.attachments.iter(), |(request, name)| {
        json!({
            "requestId": request, "pmsPatientId": "p-1", "pmsAppointmentId": null, "bookingId": null,
            "documentId": null, "documentType": "NEW PATIENT FORM", "documentName": name,
            "documentFormat": "application/pdf", "documentSize": 4096,
        })
    })
}

/// `POST documents/rejectUpload`
pub(super) fn reject_upload(visit: &mut Visit<'_>) -> HandlerOutcome {
    let body = visit.required_body()?;
    let fields = Fields::of(&body, "the rejection", &["bookingId", "pmsDocumentId", "reason"], visit.notes)?;
    fields.optional_text("reason")?;
    let booking = fields.required("bookingId")?.as_i64().map(BookingId);
    let booking = booking.ok_or_else(|| HandlerRefusal::mistake(400, "bookingId must be an integer"))?;
    let document = (booking, fields.text("pmsDocumentId")?);
    let wanted = &mut visit.practice.wanted;
    if wanted.uploads.remove(&document) {
        wanted.uploads_rejected.insert(document);
        return HandlerReply::done();
    }
    if !wanted.uploads_rejected.contains(&document) {
        return Err(HandlerRefusal::mistake(400, "no such document was asked for"));
    }
    match visit.settings.repeated {
        Repeated::NotFound | Repeated::BadRequest => Err(HandlerRefusal::fair(400, "it was answered before")),
        Repeated::Accepted => HandlerReply::done(),
    }
}

/// `POST attachDocuments/{requestId}/rejectInsert`
pub(super) fn reject_attachment(visit: &mut Visit<'_>) -> HandlerOutcome {
    let body = visit.required_body()?;
    Fields::of(&body, "the rejection", &["reason"], visit.notes)?.optional_text("reason")?;
    let request = visit.params.first().and_then(|text| text.parse().ok()).map(RequestId);
    let request = request.ok_or_else(|| HandlerRefusal::mistake(404, "the path needs an integer id"))?;
    let wanted = &mut visit.practice.wanted;
    if wanted.attachments.remove(&request).is_some() {
        wanted.attachments_rejected.insert(request);
        return HandlerReply::done();
    }
    if wanted.attachments_rejected.contains(&request) {
        return Err(HandlerRefusal::fair(410, "it was answered before"));
    }
    Err(HandlerRefusal::mistake(404, "no such document was to be filed"))
}

impl HealthengineModel {
    /// Healthengine wants a document that a former integration said it had.
    pub fn ask_upload(&self, practice: &PracticeId, booking: BookingId, document: &str) -> Result<(), Unknown> {
        self.at_practice(practice, |practice, _, _| {
            practice.wanted.uploads.insert((booking, document.to_owned()));
        })
    }

    /// A pet owner filled in a form that is to be filed.
    pub fn ask_attachment(&self, practice: &PracticeId, name: &str) -> Result<RequestId, Unknown> {
        self.at_practice(practice, |practice, ids, _| {
            let request = ids.request();
            practice.wanted.attachments.insert(request, name.to_owned());
            request
        })
    }

    /// How many documents are still asked for: to be sent, and to be filed.
    pub fn documents_asked_for(&self, practice: &PracticeId) -> Result<(usize, usize), Unknown> {
        self.at_practice(practice, |practice, _, _| (practice.wanted.uploads.len(), practice.wanted.attachments.len()))
    }
}
