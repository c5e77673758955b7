//! placeholder: the owner of the booking desk writes this page.

pub mod contact;
pub mod notes;
pub mod phone;
pub mod pseudonym;
pub mod text;
