//! `[state]`: where the state directory is.

use std::path::PathBuf;

use super::secret::Surroundings;
use super::toml_reader::Table;
use super::values::words;

/// The state directory, where the file does not say.
const PATH: &str = "/var/lib/vetbridge";

/// Reads the section, which may be absent. `None`: wrong and reported.
pub(super) fn read(root: &Table<'_>, around: &Surroundings<'_>) -> Option<PathBuf> {
    let Some(table) = root.table("state") else { return Some(PathBuf::from(PATH)) };
    let path = table.or("path", PATH.to_owned(), words);
    table.finish();
    path.map(|path| around.path(&path))
}
