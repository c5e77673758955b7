//! Windows.

pub mod access;
pub mod access_list;
pub mod event_log;
mod file_security;
pub mod files;
pub mod installation;
pub mod log_file;
pub mod places;
pub mod process_owner;
pub mod service_manager;
pub mod signals;
