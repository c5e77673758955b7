//! Bookings: from what a pet owner typed to what OpenVPMS is told.

pub mod contact;
pub mod notes;
pub mod phone;
pub mod pseudonym;
pub mod text;
