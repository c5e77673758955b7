//! One call on its way through the model: what a handler is given, and what it gives back.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::body::Wrong;
use super::settings::ModelSettings;
use super::state::{Ids, PracticeAccount};
use crate::ids::{BookingId, RequestId};

/// What a handler is given: the practice that the headers stand for, and the parts of the request.
pub(super) struct Visit<'a> {
    pub(super) now: DateTime<Utc>,
    pub(super) practice: &'a mut PracticeAccount,
    pub(super) ids: &'a mut Ids,
    pub(super) settings: &'a ModelSettings,
    /// What stands in the path for `{…}`, in order.
    pub(super) params: Vec<String>,
    /// The query, decoded.
    pub(super) query: Vec<(String, String)>,
    /// The body, where there is one.
    pub(super) body: Option<Value>,
    /// What the client did wrong although the call can be carried out.
    pub(super) notes: &'a mut Vec<String>,
}

/// What a handler gives back.
pub(super) type HandlerOutcome = Result<HandlerReply, HandlerRefusal>;

/// A call that was carried out.
pub(super) struct HandlerReply {
    pub(super) status: u16,
    pub(super) body: Option<Value>,
    /// True if the body is what the client once sent, to be given back as it was.
    pub(super) verbatim: bool,
}

impl HandlerReply {
    /// 200 without a body, which is what the API's writes answer.
    pub(super) fn done() -> HandlerOutcome {
        Ok(Self { status: 200, body: None, verbatim: false })
    }

    /// 200 with a body.
    pub(super) fn with(body: Value) -> HandlerOutcome {
        Ok(Self { status: 200, body: Some(body), verbatim: false })
    }

    /// 200 with what the client once sent.
    pub(super) fn echo(body: Value) -> HandlerOutcome {
        Ok(Self { status: 200, body: Some(body), verbatim: true })
    }
}

/// A call that was not carried out.
pub(super) struct HandlerRefusal {
    pub(super) status: u16,
    pub(super) error: String,
    /// True if a well-made client never meets this answer.
    pub(super) violation: bool,
}

impl HandlerRefusal {
    /// The client's mistake.
    pub(super) fn mistake(status: u16, error: impl Into<String>) -> Self {
        Self { status, error: error.into(), violation: true }
    }

    /// What happens to the best of clients.
    pub(super) fn fair(status: u16, error: impl Into<String>) -> Self {
        Self { status, error: error.into(), violation: false }
    }

    /// 401 has no body; everything else says why.
    pub(super) fn body(&self) -> Option<Value> {
        (self.status != 401).then(|| json!({ "error": self.error }))
    }
}

impl From<Wrong> for HandlerRefusal {
    fn from(Wrong(what): Wrong) -> Self {
        Self::mistake(400, what)
    }
}

impl Visit<'_> {
    /// The value of a query parameter.
    pub(super) fn asked_for(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The body of a call that must have one.
    pub(super) fn required_body(&mut self) -> Result<Value, HandlerRefusal> {
        self.body.take().ok_or_else(|| HandlerRefusal::mistake(400, "a JSON body is required"))
    }

    /// The whole body as a list.
    pub(super) fn required_list(&mut self) -> Result<Vec<Value>, HandlerRefusal> {
        let Value::Array(list) = self.required_body()? else {
            return Err(HandlerRefusal::mistake(400, "the body must be an array"));
        };
        Ok(list)
    }

    fn number(&self, position: usize) -> Result<i64, HandlerRefusal> {
        let text = self.params.get(position).map_or("", String::as_str);
        text.parse().map_err(|_| HandlerRefusal::mistake(404, "the path needs an integer id"))
    }

    /// The booking that the path names, which must be the practice's.
    pub(super) fn booking_id(&self) -> Result<BookingId, HandlerRefusal> {
        let id = BookingId(self.number(0)?);
        if self.practice.bookings.contains_key(&id) {
            Ok(id)
        } else {
            Err(HandlerRefusal::mistake(404, "no such booking"))
        }
    }

    /// The request that the path names after the booking.
    pub(super) fn request_id(&self) -> Result<RequestId, HandlerRefusal> {
        self.number(1).map(RequestId)
    }
}
