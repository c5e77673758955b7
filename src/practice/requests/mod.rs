//! What Healthengine asks for.
//!
//! | file | does |
//! | --- | --- |
//! | [`poller`] | asks Healthengine what it wants, bookings first, and sees that each of it is answered |
//! | [`outstanding`] | tells how long its requests have been waiting for answers |
//! | [`documents`] | rejects what belongs to features that OpenVPMS cannot serve |

mod documents;
mod outstanding;
pub(super) mod poller;
