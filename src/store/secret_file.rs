//! Secrets that the bridge makes for itself: one file each (mode 0600) in the state directory.
//!
//! - `pseudonym-key`: 32 bytes in hex. Ids of patients at Healthengine are made with it, and must
//!   not change. It is a file of its own and no record, so that it outlives a damaged database that
//!   is replaced by an empty one; `state export` carries it.
//! - [`SecretFile`]: a key of another component's, as [`crate::practice::client_memory`] has one.
//!   It stays behind when the state moves.
//! - `admin-token`: the token of the admin API. People read it, and may put one of their own
//!   choosing there. It stays behind when the state moves.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};

use super::directory::{disk, read_small, remove_if_there, sync_directory_of, write_file};
use super::error::OpenError;
use crate::hex;
use crate::os::files;

pub(super) const ADMIN_TOKEN: &str = "admin-token";
pub(super) const PSEUDONYM_KEY: &str = "pseudonym-key";
/// Shorter tokens can be guessed.
const TOKEN_CHARS_MIN: usize = 16;

/// 32 random bytes that never show in output.
#[derive(Clone)]
pub struct SecretKey(Zeroizing<[u8; 32]>);

impl SecretKey {
    /// A key of known bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

/// Reads the admin token of a state directory, for a command that talks to the running service.
/// `None` if there is none yet.
///
/// # Errors
/// The file cannot be read, or holds no token.
pub fn admin_token(state: &Path) -> Result<Option<SecretString>, OpenError> {
    read(&state.join(ADMIN_TOKEN), |text| {
        let fits = text.len() >= TOKEN_CHARS_MIN && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| text.into()).ok_or("a token is at least 16 visible ASCII characters on one line")
    })
}

/// The admin token, made if there is none.
pub(super) fn ensure_admin_token(state: &Path) -> Result<SecretString, OpenError> {
    let path = state.join(ADMIN_TOKEN);
    match admin_token(state)? {
        Some(token) => make_private(&path).map(|()| token),
        None => make(&path).map(|(text, _)| text),
    }
}

/// Reads the key of pseudonyms of a state directory. `None` if there is none.
///
/// # Errors
/// The file cannot be read, or holds no key.
pub fn pseudonym_key(state: &Path) -> Result<Option<SecretKey>, OpenError> {
    read(&state.join(PSEUDONYM_KEY), key)
}

/// Writes the key of pseudonyms that comes with an import.
pub(super) fn put_pseudonym_key(state: &Path, key: &SecretKey) -> Result<(), OpenError> {
    let path = state.join(PSEUDONYM_KEY);
    let text = Zeroizing::new(hex::encode(key.bytes()));
    write_file(&path, line_of(&text).as_bytes()).map_err(disk(&path))
}

/// A key that nobody ever had.
pub(super) fn fresh_key() -> std::io::Result<SecretKey> {
    let mut bytes = Zeroizing::new([0; 32]);
    random(&mut *bytes)?;
    Ok(SecretKey(bytes))
}

/// The key of pseudonyms, made if there is none. The flag says whether it was made.
pub(super) fn ensure_pseudonym_key(state: &Path) -> Result<(SecretKey, bool), OpenError> {
    let path = state.join(PSEUDONYM_KEY);
    match pseudonym_key(state)? {
        Some(key) => make_private(&path).map(|()| (key, false)),
        None => make(&path).map(|(_, key)| (key, true)),
    }
}

/// A secret of another component's: a key in a file of its own, which its owner makes and removes.
///
/// A store in memory has no files. Its keys are all zeros, so that a simulation is the same each
/// time.
#[derive(Debug, Clone)]
pub struct SecretFile {
    path: Option<PathBuf>,
}

impl SecretFile {
    /// The file of this name in a state directory; `None` of a store in memory.
    pub(super) fn new(state: Option<&Path>, name: &str) -> Self {
        Self { path: state.map(|state| state.join(name)) }
    }

    /// True of a store in memory.
    pub fn is_in_memory(&self) -> bool {
        self.path.is_none()
    }

    /// The key. `None` if there is none, and also if the file holds something else: what was
    /// encrypted with the key is lost then.
    ///
    /// # Errors
    /// There is one, and the disk does not give it.
    pub fn read(&self) -> Result<Option<SecretKey>, OpenError> {
        let Some(path) = &self.path else { return Ok(Some(SecretKey::from_bytes([0; 32]))) };
        match read(path, key) {
            Ok(Some(key)) => make_private(path).map(|()| Some(key)),
            Ok(None) | Err(OpenError::SecretFile { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a key, in place of any other; durable when this returns. What was encrypted before is
    /// lost.
    ///
    /// # Errors
    /// The disk refuses it.
    pub fn make(&self) -> Result<SecretKey, OpenError> {
        match &self.path {
            Some(path) => make(path).map(|(_, key)| key),
            None => Ok(SecretKey::from_bytes([0; 32])),
        }
    }

    /// Removes the key for good.
    ///
    /// # Errors
    /// The disk refuses it.
    pub fn remove(&self) -> Result<(), OpenError> {
        let Some(path) = &self.path else { return Ok(()) };
        remove_if_there(path).and_then(|()| sync_directory_of(path)).map_err(disk(path))
    }
}

fn key(text: &str) -> Result<SecretKey, &'static str> {
    from_hex(text).ok_or("a key is 64 hexadecimal digits")
}

fn read<T>(path: &Path, parse: impl FnOnce(&str) -> Result<T, &'static str>) -> Result<Option<T>, OpenError> {
    let text = match read_small(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(disk(path)(error)),
    };
    parse(text.trim_end()).map(Some).map_err(|problem| OpenError::SecretFile { path: path.to_owned(), problem })
}

/// Should others be able to read the file too, stops that.
fn make_private(path: &Path) -> Result<(), OpenError> {
    if files::make_private(path).map_err(disk(path))? {
        tracing::warn!(file = %path.display(), "a secret file could be read by other users; its mode is 0600 again");
    }
    Ok(())
}

fn make(path: &Path) -> Result<(SecretString, SecretKey), OpenError> {
    let key = fresh_key().map_err(disk(path))?;
    let text: SecretString = hex::encode(key.bytes()).into();
    write_file(path, line_of(text.expose_secret()).as_bytes()).map_err(disk(path))?;
    Ok((text, key))
}

/// As it stands in a file, in a buffer that does not grow: one that does leaves what it held
/// behind.
fn line_of(text: &str) -> Zeroizing<String> {
    let mut line = Zeroizing::new(String::with_capacity(text.len() + 1));
    line.push_str(text);
    line.push('\n');
    line
}

/// A token for a process that can keep none.
///
/// # Errors
/// The system has no random bytes.
pub fn fresh_token() -> std::io::Result<SecretString> {
    fresh_key().map(|key| hex::encode(key.bytes()).into())
}

/// A name for an instance of the store.
pub(super) fn fresh_id() -> std::io::Result<String> {
    let mut bytes = [0; 8];
    random(&mut bytes)?;
    Ok(hex::encode(&bytes))
}

/// Random bytes of the operating system.
///
/// # Errors
/// The system has none.
pub fn random(bytes: &mut [u8]) -> std::io::Result<()> {
    getrandom::fill(bytes).map_err(|error| std::io::Error::other(error.to_string()))
}

/// The key that these 64 digits stand for.
pub(super) fn from_hex(text: &str) -> Option<SecretKey> {
    let mut bytes = Zeroizing::new([0; 32]);
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(SecretKey(bytes))
}

#[cfg(test)]
mod tests {
    use std::fs;
    #[cfg(unix)]
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_reads_back_as_it_was_made_and_is_not_made_twice() {
        let state = tempfile::tempdir().unwrap();
        let (made, fresh) = ensure_pseudonym_key(state.path()).unwrap();
        let (read, again) = ensure_pseudonym_key(state.path()).unwrap();
        assert_eq!((made.bytes(), fresh, again), (read.bytes(), true, false));
        assert_ne!(made.bytes(), &[0; 32]);
        assert_eq!(format!("{made:?}"), "SecretKey(..)");
    }

    #[test]
    fn a_token_is_private_and_one_that_was_not_becomes_so() {
        let state = tempfile::tempdir().unwrap();
        let path = state.path().join(ADMIN_TOKEN);
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert!(admin_token(state.path()).unwrap().is_none());
        let made = ensure_admin_token(state.path()).unwrap();
        assert_eq!((mode(), made.expose_secret().len()), (0o600, 64));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let read = ensure_admin_token(state.path()).unwrap();
        assert_eq!((mode(), read.expose_secret()), (0o600, made.expose_secret()));
    }

    #[test]
    fn a_token_of_the_operators_own_is_taken_and_a_weak_one_is_refused_without_repeating_it() {
        let state = tempfile::tempdir().unwrap();
        let path = state.path().join(ADMIN_TOKEN);
        fs::write(&path, "correct-horse-battery-staple\n").unwrap();
        assert_eq!(ensure_admin_token(state.path()).unwrap().expose_secret(), "correct-horse-battery-staple");
        for weak in ["", "hunter2", "correct horse battery staple", "a-long-token-and\na-second-line"] {
            fs::write(&path, weak).unwrap();
            let error = ensure_admin_token(state.path()).unwrap_err().to_string();
            assert!(error.contains("admin-token") && (weak.is_empty() || !error.contains(weak)), "{error}");
        }
        for wrong in ["", "abc", &"é".repeat(32)] {
            fs::write(state.path().join(PSEUDONYM_KEY), wrong).unwrap();
            assert!(matches!(ensure_pseudonym_key(state.path()), Err(OpenError::SecretFile { .. })), "{wrong}");
        }
    }

    #[test]
    fn a_secret_file_is_made_when_it_is_wanted_and_anything_else_in_its_place_is_none() {
        let state = tempfile::tempdir().unwrap();
        let path = state.path().join("client-memory-key");
        let file = SecretFile::new(Some(state.path()), "client-memory-key");
        assert!(file.read().unwrap().is_none() && !path.exists());
        let made = file.make().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(file.read().unwrap().unwrap().bytes(), made.bytes());
        for wrong in ["", "abc", &"x".repeat(10_000)] {
            fs::write(&path, wrong).unwrap();
            assert!(file.read().unwrap().is_none());
        }
        assert_ne!(file.make().unwrap().bytes(), made.bytes());
        file.remove().unwrap();
        assert!(!path.exists());
        file.remove().unwrap();
    }
}
