//! Linux and its kin.

pub mod access;
mod accounts;
pub mod files;
pub mod places;
pub mod process_owner;
pub mod service_manager;
pub mod signals;
