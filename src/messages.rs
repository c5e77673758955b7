//! Every sentence an operator reads.

pub mod booking;
pub mod practice;
pub mod updates;
