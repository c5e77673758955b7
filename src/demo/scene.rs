//! What people act on. What pet owners do with it stands in `pet_owners`, what staff do in `staff`.

use super::account::Account;
use super::journal::Journal;
use super::stage::Stage;
use crate::random::Random;

/// The stage, what was done on it, what is told of it, and the source of all choices.
pub(super) struct Scene {
    pub(super) stage: Stage,
    pub(super) journal: Journal,
    pub(super) account: Account,
    pub(super) random: Random,
}
