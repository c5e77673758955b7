//! What can be wrong with a secret of the configuration. No message shows a character that may be
//! part of one.

#![expect(clippy::wildcard_enum_match_arm, reason = "only some kinds of I/O errors have a remedy of their own")]

use std::io;
use std::path::Path;

use super::config_file::UTF16;
use super::{Advice, plain};
use crate::characters::{Oddity, called};
use crate::os::words::{NO_CREDENTIALS, SECRET_READ_ACCESS};

/// A secret in none of its four forms.
pub fn secret_form() -> &'static str {
    "a secret is a text in quotes, { env = \"NAME\" }, { file = \"path\" } or { credential = \"NAME\" }, exactly one \
     of them"
}

/// Where a secret stands that has a file of its own.
fn in_file(file: Option<&Path>) -> String {
    file.map_or_else(String::new, |file| format!(" in {}", file.display()))
}

/// A secret of nothing.
pub fn secret_empty(file: Option<&Path>) -> String {
    format!("the secret{} is empty: fill it in", in_file(file))
}

/// A secret of several lines or with other control characters.
pub fn secret_control_character(place: usize, character: char, file: Option<&Path>) -> String {
    let remedy = match character {
        '\n' | '\r' => "it must be a single line, so take the other lines away",
        _ => "it must be a single line, so type the secret again without that",
    };
    format!("character {place} of the secret{} is {}: {remedy}", in_file(file), seen(character))
}

/// A secret for a header with a character that none can carry.
pub fn secret_not_for_header(place: usize, character: char, file: Option<&Path>) -> String {
    format!(
        "character {place} of the secret{} is {}, and only printable ASCII characters can be sent in an HTTP header: \
         copy or type the secret again without it",
        in_file(file),
        seen(character)
    )
}

/// What is hardly meant and is kept all the same; in this file, if it is in one of its own.
pub fn oddity(oddity: Oddity, file: Option<&Path>) -> Advice {
    let (what, away) = match oddity {
        Oddity::BeginsWith(character) => (format!("begins with {}", seen(character)), "that away at its beginning"),
        Oddity::EndsWith(character) => (format!("ends with {}", seen(character)), "that away at its end"),
        Oddity::BeginsAndEndsWith(first, last) if first == last => {
            (format!("begins and ends with {}", seen(first)), "both away")
        }
        Oddity::BeginsAndEndsWith(first, last) => {
            (format!("begins with {} and ends with {}", seen(first), seen(last)), "both away")
        }
        Oddity::Holds(place, character) => (format!("has {} as its character {place}", seen(character)), "that away"),
        Oddity::Quoted => ("stands in quotes, which are sent with it".to_owned(), "the quotes away"),
    };
    Advice::new(
        format!("The secret{} {what}", in_file(file)),
        format!("Take {away}, unless it is really part of the secret"),
    )
}

/// A character without showing one that may be part of a secret.
fn seen(character: char) -> String {
    called(character).unwrap_or_else(|| "no such character".to_owned())
}

/// A secret file as Windows writes it by default.
pub fn secret_utf16(path: &Path) -> String {
    format!("{} {UTF16}, with the secret as its only line", path.display())
}

/// An environment variable that is not there.
pub fn secret_env_missing(name: &str) -> String {
    format!("the environment variable {} is not set: set it where vetbridge is started", plain(name))
}

/// An environment variable that is no text.
pub fn secret_env_no_text(name: &str) -> String {
    format!("the environment variable {} is not UTF-8 text: set it again", plain(name))
}

/// A secret file that cannot be read.
pub fn secret_unreadable(path: &Path, error: &io::Error) -> String {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => {
            format!("the secret file {path} does not exist: create it, with the secret as its only line")
        }
        io::ErrorKind::PermissionDenied => {
            format!("the secret file {path} cannot be read (permission denied): {SECRET_READ_ACCESS}")
        }
        _ => format!("the secret file {path} cannot be read: {error}"),
    }
}

/// A secret file that holds something else.
pub fn secret_no_text(path: &Path) -> String {
    format!("{} is not UTF-8 text of at most 64 KiB: it must hold the secret as its only line", path.display())
}

/// `{ credential = … }` without a directory of credentials.
pub fn no_credentials_directory() -> &'static str {
    NO_CREDENTIALS
}

/// A credential name with a path in it.
pub fn bad_credential_name() -> &'static str {
    "a credential is named by a plain file name"
}

/// A webhook secret that a URL would have to escape.
pub fn webhook_secret_characters(place: usize, character: char) -> String {
    let which = called(character).map_or_else(String::new, |called| format!("; character {place} is {called}"));
    format!(
        "is part of a URL: use only letters, digits and - . _ ~ (for example the output of `openssl rand -hex \
         32`){which}"
    )
}

/// A webhook secret of dots alone.
pub fn webhook_secret_dots() -> &'static str {
    "is part of a URL, in which dots alone mean another place: use the output of `openssl rand -hex 32`"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_file_that_may_not_be_read_says_for_whom_it_must_be_readable() {
        let message = secret_unreadable(Path::new("/etc/vetbridge/key"), &io::ErrorKind::PermissionDenied.into());
        assert!(message.contains("/etc/vetbridge/key") && message.contains("chmod 600"), "{message}");
    }
}
