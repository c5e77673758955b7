//! Who else has a hand in a file on Windows: its owner, and for administrators that of its folder
//! too, and whoever the access lists of both let change it.

use std::io;
use std::path::{Path, absolute};

use super::file_security::{changer_of, foreign_owner, own};
use super::{access_list, places};
use crate::os::ownership::{ForeignHand, Hand, Obstacle};
use crate::os::trusted_owners::is_administrators;

/// Who else than administrators, and who types the command, can have put the file there; the
/// service is somebody else too. Whoever is no administrator keeps files of their own where other
/// users may change them.
///
/// # Errors
/// It cannot be found out.
pub fn foreign_hand(file: &Path) -> io::Result<Option<ForeignHand>> {
    let (named, own) = (absolute(file)?, own());
    let is_administrator = is_administrators(own.as_deref());
    let own = Vec::from_iter(own);
    for path in named.ancestors().take(if is_administrator { 2 } else { 1 }) {
        let hand = match foreign_owner(path, &own)? {
            Some(owner) => Some(Hand::Owns(owner)),
            None if is_administrator => changer_of(path, &own)?.map(Hand::Changes),
            None => None,
        };
        if let Some(hand) = hand {
            return Ok(Some(ForeignHand { path: path.to_owned(), hand }));
        }
    }
    Ok(None)
}

/// Nothing: `vetbridge service install` lets the service read the files of its configuration.
pub fn obstacle(_file: &Path, _user: u32, _group: u32) -> Option<Obstacle> {
    None
}

/// Who else than administrators may change what is in a directory of the service with this
/// configuration, though `vetbridge service prepare` has closed it.
pub fn opened_to(config: &Path) -> Option<ForeignHand> {
    let own = places::own_directory();
    let closed = [own.clone(), places::state_directory(), places::log_directory()];
    let closed = closed.into_iter().filter(|_| config.starts_with(&own));
    closed.into_iter().find_map(|path| {
        let hand = Hand::Changes(access_list::changer_of_closed(&path)?);
        Some(ForeignHand { path, hand })
    })
}
