//! Secrets: where they come from, and that they go nowhere else.
//!
//! The four forms of the file: the text itself, `{ env = "NAME" }`, `{ file = "path" }` and `{
//! credential = "NAME" }`, a file in `$CREDENTIALS_DIRECTORY`, as systemd's `LoadCredential=` gives
//! it. Files are read with every reading of the configuration, and watched; the environment of a
//! process and the copies that systemd makes do not change, so a change there needs a restart.
//!
//! What can only be a mistake is left out at both ends: byte order marks, line breaks, tabs,
//! no-break and zero-width blanks. Plain blanks too where the secret is sent in a header of its own
//! or in a URL, which cannot carry them there; a password may begin or end with one, so it is kept
//! and named ([`Secret::oddity`]).
//!
//! What is read here is wiped from memory when it goes. The environment of the process stays as it
//! is, and a text in the file itself that is written with an escape is copied by the TOML parser.
//!
//! This is the only place that reads the environment (but for the name of the configuration file,
//! in [`crate::cli`]).

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::env::VarError;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use super::toml_reader::Value;
use super::values::path_text;
use crate::characters::Oddity;
use crate::characters::{is_blank, is_invisible, is_utf16, trimmed};
use crate::messages::config_secrets as say;

/// No secret is longer; a bound, so that a wrong path does not fill the memory.
const LONGEST_BYTES: u64 = 64 * 1024;

/// A secret of the configuration. `Debug` hides it; two can be compared, which is how a reload
/// knows that one changed.
#[derive(Debug, Clone)]
pub struct Secret {
    text: SecretString,
    is_copy: bool,
    is_credential: bool,
    file: Option<PathBuf>,
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose_secret() == other.expose_secret()
    }
}

impl ExposeSecret<str> for Secret {
    fn expose_secret(&self) -> &str {
        self.text.expose_secret()
    }
}

impl<T: Into<SecretString>> From<T> for Secret {
    fn from(text: T) -> Self {
        Self { text: text.into(), is_copy: false, is_credential: false, file: None }
    }
}

impl Secret {
    /// As those want it who send it.
    pub fn to_send(&self) -> SecretString {
        self.text.clone()
    }

    /// True if the process has a copy from its start: of a variable, or of a file that systemd
    /// copied. A change needs a restart.
    pub fn is_copy(&self) -> bool {
        self.is_copy
    }

    /// True if the file names it as a credential: systemd reads it as root and hands it to the
    /// service.
    pub fn is_credential(&self) -> bool {
        self.is_credential
    }

    /// The file that it was read from.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// What to tell a person whose secret is refused.
    pub fn oddity(&self) -> Option<Oddity> {
        let text = self.expose_secret();
        let unseen = |character: &char| is_blank(*character) || is_invisible(*character);
        let (first, last) = (text.chars().next()?, text.chars().next_back()?);
        let inside = || text.chars().enumerate().find(|(_, c)| *c != ' ' && unseen(c)).map(|(at, c)| (at + 1, c));
        if unseen(&first) && unseen(&last) {
            Some(Oddity::BeginsAndEndsWith(first, last))
        } else if unseen(&first) {
            Some(Oddity::BeginsWith(first))
        } else if unseen(&last) {
            Some(Oddity::EndsWith(last))
        } else if let Some((place, character)) = inside() {
            Some(Oddity::Holds(place, character))
        } else {
            let quoted = text.len() > 2 && first == last && matches!(first, '"' | '\'' | '`');
            quoted.then_some(Oddity::Quoted)
        }
    }
}

/// Where a configuration is read: what its relative paths and variable names mean.
pub(super) struct Surroundings<'a> {
    /// The directory of the configuration file.
    pub(super) base: &'a Path,
    /// The environment.
    pub(super) env: &'a dyn Fn(&str) -> Result<String, VarError>,
    /// The files that were looked into, found or not: those to watch.
    pub(super) files: RefCell<BTreeSet<PathBuf>>,
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

    /// What is at the path is part of the configuration.
    pub(super) fn looks_into(&self, path: &Path) {
        self.files.borrow_mut().insert(path.to_owned());
    }

    /// A secret in any of its forms. Any single line of text; blanks at its ends count.
    pub(super) fn secret(&self, value: &Value<'_>) -> Option<Secret> {
        self.read_secret(value, |text| {
            text.trim_matches(|character| character != ' ' && (is_blank(character) || is_invisible(character)))
        })
    }

    /// A secret that cannot begin or end with a blank, because of the way it is sent.
    pub(super) fn word(&self, value: &Value<'_>) -> Option<Secret> {
        self.read_secret(value, trimmed)
    }

    /// A secret that is sent in a header of its own.
    pub(super) fn header_secret(&self, value: &Value<'_>) -> Option<Secret> {
        let secret = self.word(value)?;
        let unfit = |(_, character): &(usize, char)| *character != ' ' && !character.is_ascii_graphic();
        match secret.expose_secret().chars().enumerate().find(unfit) {
            None => Some(secret),
            Some((at, character)) => value.fail(say::secret_not_for_header(at + 1, character, secret.file())),
        }
    }

    fn read_secret(&self, value: &Value<'_>, tidied: impl Fn(&str) -> &str) -> Option<Secret> {
        let Secret { text, is_copy, is_credential, file } =
            if value.is_table() { self.referred(value)? } else { Secret::from(self.literal(value)?) };
        let text = tidied(text.expose_secret());
        if trimmed(text).is_empty() {
            return value.fail(say::secret_empty(file.as_deref()));
        }
        match text.chars().enumerate().find(|(_, character)| character.is_control()) {
            None => Some(Secret { text: text.into(), is_copy, is_credential, file }),
            Some((at, character)) => value.fail(say::secret_control_character(at + 1, character, file.as_deref())),
        }
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
            (None, Some(path), None) => self.file(&path, &self.path(&path_text(&path)?)),
            (None, None, Some(name)) => self.credential(&name),
            _ => value.fail(say::secret_form()),
        }
    }

    fn variable(&self, value: &Value<'_>) -> Option<Secret> {
        let name = value.text()?;
        match (self.env)(name) {
            Ok(text) => Some(Secret { is_copy: true, ..Secret::from(text) }),
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
            Ok(directory) => {
                let read = self.file(value, &Path::new(&directory).join(name))?;
                Some(Secret { is_credential: true, ..read })
            }
            Err(_) => value.fail(say::no_credentials_directory()),
        }
    }

    fn file(&self, value: &Value<'_>, path: &Path) -> Option<Secret> {
        self.looks_into(path);
        let file = Some(path.to_owned());
        read(value, path).map(|read| Secret { is_copy: self.is_copied(path), file, ..read })
    }

    /// True for a file that systemd copied when the process started, however the configuration
    /// names it.
    pub(super) fn is_copied(&self, path: &Path) -> bool {
        let copies = (self.env)("CREDENTIALS_DIRECTORY").ok().filter(|directory| !directory.is_empty());
        copies.is_some_and(|directory| path.starts_with(directory))
    }
}

/// What is in a file.
fn read(value: &Value<'_>, path: &Path) -> Option<Secret> {
    // With room for all of it: a buffer that grows leaves what it held behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * LONGEST_BYTES as usize));
    let outcome = File::open(path).and_then(|file| file.take(LONGEST_BYTES + 1).read_to_end(&mut bytes));
    match outcome {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => return value.fail(say::secret_no_text(path)),
        Err(error) => return value.fail(say::secret_unreadable(path, &error)),
    }
    if is_utf16(&bytes) {
        return value.fail(say::secret_utf16(path));
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) if text.len() as u64 <= LONGEST_BYTES => Some(text.into()),
        _ => value.fail(say::secret_no_text(path)),
    }
}
