//! The pet owner who books: from what they typed to the fields of OpenVPMS, and whether the
//! practice knows them. No I/O.
//!
//! | file | has |
//! | --- | --- |
//! | [`contact`], [`phone`], [`notes`], [`typed_text`] | from what a pet owner typed to the fields of OpenVPMS |
//! | [`known_clients`] | whether they are a client whom OpenVPMS was seen to know |
//! | [`name_match`], `given_names` | whether a typed name is a known client's |
//! | [`encryption`] | the encryption of what is remembered of clients |
//! | [`pseudonym`] | the patient id that Healthengine gets |
//!
//! [`crate::practice::client_memory`] stores what is remembered.

pub mod contact;
pub mod encryption;
mod given_names;
pub mod known_clients;
pub mod name_match;
pub mod notes;
pub mod phone;
pub mod pseudonym;
pub mod typed_text;
