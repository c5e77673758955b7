//! `[state]`: where the state directory is.

use std::path::PathBuf;

use super::secret::Surroundings;
use super::toml_reader::Table;
use super::values::path_text;
use crate::os::places;

/// Reads the section, which may be absent. `None`: wrong and reported.
pub(super) fn read(root: &Table<'_>, around: &Surroundings<'_>) -> Option<PathBuf> {
    let Some(table) = root.table("state") else { return Some(places::state_directory()) };
    let path = table.or("path", places::state_directory(), |value| path_text(value).map(|path| around.path(&path)));
    table.finish();
    path
}
