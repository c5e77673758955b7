//! What Healthengine asks for.
//!
//! | file | does |
//! | --- | --- |
//! | [`poller`] | asks Healthengine what it wants, bookings first, and sees that each of it is answered |
//! | [`early_poll`] | asks the first time while the store is being read |
//! | [`outstanding`] | tells how long its requests have been waiting for answers |
//! | [`documents`] | rejects what belongs to features that OpenVPMS cannot serve |

mod documents;
pub(super) mod early_poll;
mod outstanding;
pub(super) mod poller;
