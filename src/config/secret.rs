//! Secrets: where they come from, and that they go nowhere else.
//!
//! The four forms of the file: the text itself, `{ env = "NAME" }`, `{ file = "path" }` (one trailing newline dropped) and
//! `{ credential = "NAME" }`, a file in `$CREDENTIALS_DIRECTORY`, as systemd's `LoadCredential=` gives it. Files are read with
//! every reading of the configuration; the environment of a process does not change, so a change there needs a restart.
//!
//! This is the only place that reads the environment (but for the name of the configuration file, in [`crate::cli`]).

use std::env::VarError;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::file::Value;
use crate::messages::config as say;

/// No secret is longer; a bound, so that a wrong path does not fill the memory.
const LONGEST_BYTES: u64 = 64 * 1024;

/// A secret of the configuration. `Debug` hides it; two can be compared, which is how a reload knows that one changed.
#[derive(Debug, Clone)]
pub struct Secret(SecretString);

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose_secret() == other.expose_secret()
    }
}

impl ExposeSecret<str> for Secret {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl<T: Into<SecretString>> From<T> for Secret {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl Secret {
    /// As those want it who send it.
    pub fn to_send(&self) -> SecretString {
        self.0.clone()
    }
}

/// Where a configuration is read: what its relative paths and variable names mean.
pub(super) struct Surroundings<'a> {
    /// The directory of the configuration file.
    pub(super) base: &'a Path,
    /// The environment.
    pub(super) env: &'a dyn Fn(&str) -> Result<String, VarError>,
}

/// The environment of this process.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads it")]
pub(super) fn process_environment(name: &str) -> Result<String, VarError> {
    std::env::var(name)
}

impl Surroundings<'_> {
    /// A path of the file, relative to the file.
    pub(super) fn path(&self, text: &str) -> PathBuf {
        self.base.join(text)
    }

    /// A secret in any of its forms. Any single line of text.
    pub(super) fn secret(&self, value: &Value<'_>) -> Option<Secret> {
        let secret = if value.is_table() { self.referred(value)? } else { Secret::from(self.literal(value)?) };
        let text = secret.expose_secret();
        if text.trim().is_empty() {
            value.fail(say::secret_empty())
        } else if text.chars().any(char::is_control) {
            value.fail(say::secret_control_characters())
        } else {
            Some(secret)
        }
    }

    /// A secret that is sent in a header of its own.
    pub(super) fn header_secret(&self, value: &Value<'_>) -> Option<Secret> {
        let secret = self.secret(value)?;
        let fits = secret.expose_secret().bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        if fits { Some(secret) } else { value.fail(say::not_for_header()) }
    }

    fn literal<'v>(&self, value: &Value<'v>) -> Option<&'v str> {
        if value.is_text() { value.text() } else { value.fail(say::secret_form()) }
    }

    fn referred(&self, value: &Value<'_>) -> Option<Secret> {
        let table = value.table(value.name())?;
        let (env, file, credential) = (table.get("env"), table.get("file"), table.get("credential"));
        if !table.finish() {
            return None;
        }
        match (env, file, credential) {
            (Some(name), None, None) => self.variable(&name),
            (None, Some(path), None) => read(&path, &self.path(path.text()?)),
            (None, None, Some(name)) => self.credential(&name),
            _ => value.fail(say::secret_form()),
        }
    }

    fn variable(&self, value: &Value<'_>) -> Option<Secret> {
        let name = value.text()?;
        match (self.env)(name) {
            Ok(text) => Some(text.into()),
            Err(VarError::NotPresent) => value.fail(say::secret_env_missing(name)),
            Err(VarError::NotUnicode(_)) => value.fail(say::secret_env_no_text(name)),
        }
    }

    fn credential(&self, value: &Value<'_>) -> Option<Secret> {
        let name = value.text()?;
        if name.is_empty() || name.contains('/') || name == "." || name == ".." {
            return value.fail(say::bad_credential_name());
        }
        match (self.env)("CREDENTIALS_DIRECTORY") {
            Ok(directory) => read(value, &Path::new(&directory).join(name)),
            Err(_) => value.fail(say::no_credentials_directory()),
        }
    }
}

/// The secret in a file, without one trailing newline.
fn read(value: &Value<'_>, path: &Path) -> Option<Secret> {
    let mut bytes = Vec::new();
    let outcome = File::open(path).and_then(|file| file.take(LONGEST_BYTES + 1).read_to_end(&mut bytes));
    match outcome {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => return value.fail(say::secret_no_text(path)),
        Err(error) => return value.fail(say::secret_unreadable(path, &error)),
    }
    match String::from_utf8(bytes) {
        Ok(text) if text.len() as u64 <= LONGEST_BYTES => {
            let line = text.strip_suffix('\n').unwrap_or(&text);
            Some(line.strip_suffix('\r').unwrap_or(line).into())
        }
        _ => value.fail(say::secret_no_text(path)),
    }
}
