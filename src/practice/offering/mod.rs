//! What a practice offers: as OpenVPMS was last read, and as Healthengine accepted it.
//!
//! The configuration sync writes it ([`OfferingWriter`]), everybody else reads it
//! ([`OfferingReader`]). What bookings need of it before all of OpenVPMS was read is in
//! [`early_inventory`]; [`inventory`] reads OpenVPMS, [`schedule_places`] remembers where to look.

pub(super) mod early_inventory;
pub(super) mod inventory;
mod offered;
pub(super) mod schedule_places;

pub use offered::Offering;
pub(super) use offered::{OfferingReader, OfferingWriter, channel};
