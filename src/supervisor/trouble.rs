//! What can be wrong with a loop, for those who tell people about it.

use std::time::Duration;

/// What is wrong with a loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It panicked, and is started again after this long.
    Panicked(Duration),
    /// It returned although its work is never done, and is started again after this long.
    Returned(Duration),
    /// It has not given a sign of life for this long.
    Stuck(Duration),
}
