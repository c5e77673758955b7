//! The file of a private certificate authority, read with the configuration: so that another
//! content is another configuration.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::secret::Surroundings;
use super::toml_reader::Value;
use super::values::path_text;
use crate::messages::config_file as say;

/// All authorities of a platform together take a tenth of it.
const LONGEST_BYTES: u64 = 4 * 1024 * 1024;

/// A certificate authority in PEM form. The HTTP client is the one that reads it.
#[derive(Clone, PartialEq)]
pub struct CaFile {
    path: PathBuf,
    pem: Vec<u8>,
    is_copy: bool,
}

impl CaFile {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it.
    pub fn pem(&self) -> &[u8] {
        &self.pem
    }

    /// True if systemd copied it when the process started: a change needs a restart.
    pub fn is_copy(&self) -> bool {
        self.is_copy
    }
}

impl fmt::Debug for CaFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CaFile({})", self.path.display())
    }
}

/// `ca_file`.
pub(super) fn read(value: &Value<'_>, around: &Surroundings<'_>) -> Option<CaFile> {
    let path = around.path(&path_text(value)?);
    around.looks_into(&path);
    match content(&path) {
        Ok(pem) => Some(CaFile { is_copy: around.is_copied(&path), path, pem }),
        Err(error) => value.fail(say::ca_file_unreadable(&path, &error)),
    }
}

fn content(path: &Path) -> io::Result<Vec<u8>> {
    let mut pem = Vec::new();
    File::open(path)?.take(LONGEST_BYTES + 1).read_to_end(&mut pem)?;
    if pem.len() as u64 > LONGEST_BYTES { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(pem) }
}
