//! Who else has a hand in a file on Windows: its owner, and for administrators whoever its access
//! list and that of its folder let change it.

use std::io;
use std::path::{Path, absolute};

use super::file_security::{changer_of, foreign_owner, is_administrator};
use crate::os::ownership::{ForeignHand, Hand, Obstacle};

/// Who else than administrators, and who types the command, can have put the file there. Whoever is
/// no administrator keeps files of their own where other users may change them.
///
/// # Errors
/// It cannot be found out.
pub fn foreign_hand(file: &Path) -> io::Result<Option<ForeignHand>> {
    let named = absolute(file)?;
    if let Some(owner) = foreign_owner(&named)? {
        return Ok(Some(ForeignHand { path: named, hand: Hand::Owns(owner) }));
    }
    let looked_at = named.ancestors().take(if is_administrator() { 2 } else { 0 });
    for path in looked_at {
        if let Some(by) = changer_of(path)? {
            return Ok(Some(ForeignHand { path: path.to_owned(), hand: Hand::Changes(by) }));
        }
    }
    Ok(None)
}

/// Nothing: `vetbridge service install` lets the service read the files of its configuration.
pub fn obstacle(_file: &Path, _user: u32, _group: u32) -> Option<Obstacle> {
    None
}
