//! What is read of a webhook: whose it is, and what it announces. Any part can be missing; nothing
//! of it is acted on but to look.

use serde_json::Value;

use crate::healthengine::RequestKind;
use crate::http::json::{field, id, integer, text};
use crate::ids::{BookingId, PracticeId, RequestId};

/// What a webhook says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hint {
    /// Its `clientId`: the practice that the subscription was made for.
    pub practice: Option<PracticeId>,
    /// What waits, of one kind.
    pub kind: Option<RequestKind>,
    /// The booking it is about.
    pub booking: Option<BookingId>,
    /// The request it is about.
    pub request: Option<RequestId>,
}

impl Hint {
    /// Reads a body. One that cannot be read is a hint all the same, and says nothing more.
    pub fn read(body: &[u8]) -> Self {
        let Ok(body) = serde_json::from_slice::<Value>(body) else { return Self::default() };
        let data = field(&body, "data");
        let number = |name| data.and_then(|data| field(data, name)).and_then(integer);
        let kind = data.and_then(|data| field(data, "requestType")).and_then(text);
        Self {
            practice: field(&body, "clientId").and_then(id).map(PracticeId),
            kind: kind.map(|name| RequestKind::named(&name)),
            booking: number("bookingId").map(BookingId),
            request: number("requestId").map(RequestId),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_example_is_read_and_anything_else_is_a_hint_without_words() {
        let example = br#"{"timestamp":"2023-12-01 01:13:55","id":"db26bebd-63f3-47d6-9fb8-09b4edc38aa7",
            "clientId":"1234567","topic":"requests.bookings",
            "data":{"target":"/requests/bookings","requestType":"bookings","bookingId":154}}"#;
        let expected = Hint {
            practice: Some(PracticeId("1234567".into())),
            kind: Some(RequestKind::Bookings),
            booking: Some(BookingId(154)),
            request: None,
        };
        assert_eq!(Hint::read(example), expected);
        for body in [&b""[..], b"{", b"[]", b"7", b"null", b"\xff\xfe", br#"{"clientId":null,"data":[]}"#] {
            assert_eq!(Hint::read(body), Hint::default(), "{body:?}");
        }
        assert_eq!(Hint::read(br#"{"clientId":1234567}"#).practice, Some(PracticeId("1234567".into())));
        assert_eq!(Hint::read("[".repeat(60_000).as_bytes()), Hint::default(), "as deep as the body is long");
    }
}
