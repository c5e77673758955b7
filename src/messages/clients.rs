//! Sentences about the client memory.

use std::fmt::Display;

/// Its records cannot be read.
pub fn unreadable(records: usize) -> String {
    format!(
        "{records} records of the client memory cannot be read and are forgotten: the file client-memory-key in the \
         state directory is missing or another one, or they are of another version. Nothing has to be done: clients \
         are remembered again as they book."
    )
}

/// Its key file cannot be read or made.
pub fn out_of_order(error: impl Display) -> String {
    format!(
        "The client memory is not used until vetbridge reads its configuration again: {error}. Bookings are not \
         affected."
    )
}

/// It was switched off, and its key is still there.
pub fn key_stays(error: impl Display) -> String {
    format!(
        "The client memory is off and empty, but its key cannot be removed: {error}. Remove the file \
         client-memory-key by hand."
    )
}
