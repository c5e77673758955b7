//! What is known of the POSTs that were to make an appointment, and what is doubtful about the last
//! one.

use chrono::{DateTime, Utc};

/// What is known of the POSTs of a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PostRecord {
    /// True if the store is younger than the booking, so that an appointment of ours can exist that
    /// the ledger does not know.
    pub predates_store: bool,
    /// When the last POST left.
    pub submitted_at: Option<DateTime<Utc>>,
    /// The answer to the last POST, if it was lost.
    pub lost_answer: Option<LostAnswer>,
    /// How many POSTs may have reached the server and were found to have left nothing.
    pub without_effect: u32,
    /// How many looks in a row OpenVPMS did not answer.
    pub unanswered_looks: u32,
    /// OpenVPMS is not asked about this booking until then, as the process measures it.
    pub not_before: Option<DateTime<Utc>>,
}

impl PostRecord {
    /// True if an appointment of ours may stand that no answer told of.
    pub fn may_have_left_one(&self) -> bool {
        self.predates_store || self.without_effect > 0
    }
}

/// A POST whose outcome nobody knows. Its moments are noted as the process measured them
/// ([`crate::clock::Measured`]): a clock that is set forward must not make a request seem to be
/// over that can still be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LostAnswer {
    /// When the answer was lost, or the record of the POST was found. The POST left no later.
    pub since: DateTime<Utc>,
    /// When the slot was last looked at, answered or not.
    pub looked_at: Option<DateTime<Utc>>,
    /// Whether the request can still be carried out.
    pub request: LostRequest,
}

/// Whether a request whose answer was lost can still be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LostRequest {
    /// The server itself answered (500): it will not carry the request out later.
    IsOver,
    /// The request may lie in a queue.
    MayComeLate {
        /// The first reading that counts and said free.
        free_at: Option<DateTime<Utc>>,
    },
}

impl LostAnswer {
    /// An answer that was lost at this moment.
    pub fn new(since: DateTime<Utc>, server_is_through: bool) -> Self {
        let request = match server_is_through {
            true => LostRequest::IsOver,
            false => LostRequest::MayComeLate { free_at: None },
        };
        Self { since, looked_at: None, request }
    }
}
