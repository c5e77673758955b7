//! An export becomes the content of a state directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::directory::StateDirectory;
use super::error::OpenError;
use super::export::{Export, ExportHead};
use super::meta::Meta;
use super::opening;
use super::replace::{announce, finish, reborn};
use super::secret_file::SecretKey;

/// Puts an export in the place of whatever a state directory holds.
///
/// # Errors
/// The directory cannot be used, or holds a state and `replace` is false. Then nothing was changed.
pub fn import(
    path: &Path,
    export: &Export,
    key: &SecretKey,
    replace: bool,
    now: DateTime<Utc>,
) -> Result<Option<PathBuf>, OpenError> {
    let directory = StateDirectory::open(path, now)?;
    if !replace && (directory.marker()?.is_some() || directory.has_database()) {
        return Err(OpenError::Occupied { path: directory.path().to_owned() });
    }
    let meta = Meta { imported_at: Some(now), ..reborn(&export.head.meta, directory.path())? };
    let records = export.records.iter().map(|(key, text)| (key.clone(), Arc::clone(text)));
    announce(&directory, &ExportHead { exported_at: now, meta }, key, records)?;
    let aside = finish(&directory)?;
    // Reads all of it once, as the service will.
    opening::open_in(directory, now, &|| ()).map(|_| aside)
}
