//! When Healthengine is asked what it wants, and what it means that an answer is missing. No I/O.
//!
//! | file | decides |
//! | --- | --- |
//! | [`failed_calls`] | which calls are problems, and which would only be refused again |
//! | [`late_bookings`] | in which order bookings are dealt with that are late |
//! | [`lists`] | what it means that something is not on a list of requests |
//! | [`pace`] | how long the bridge waits between two polls |
//! | [`waiting`] | which requests wait for our answer for too long |

pub mod failed_calls;
pub mod late_bookings;
pub mod lists;
pub mod pace;
pub mod waiting;

use crate::healthengine::RequestKind;

/// What Healthengine asks of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Document {
    /// To be sent to Healthengine.
    Upload,
    /// To be filed in the practice's system.
    Attach,
}

impl Document {
    /// What Healthengine calls it.
    pub fn kind(self) -> RequestKind {
        match self {
            Self::Upload => RequestKind::UploadDocuments,
            Self::Attach => RequestKind::AttachDocuments,
        }
    }
}
