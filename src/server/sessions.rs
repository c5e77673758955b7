//! The sessions of browsers: what the cookie holds instead of the admin token.
//!
//! A session begins with the link that carries the token, and ends after [`LASTS`], with the
//! process, or when [`SESSIONS_MAX`] others began after it. Its value is random and kept as a
//! digest alone. With it goes a token for the forms of the page, which a page of anybody else
//! cannot read and so cannot send.

use parking_lot::Mutex;
use std::time::Duration;

use ring::digest;
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;

use crate::store;

/// A session ends after this time.
pub(super) const LASTS: Duration = Duration::from_secs(12 * 3600);
/// So many browsers at one time are more than a clinic has.
const SESSIONS_MAX: usize = 32;

/// All sessions.
#[derive(Default)]
pub(super) struct Sessions(Mutex<Vec<Session>>);

struct Session {
    digest: digest::Digest,
    form_token: FormToken,
    ends: Instant,
}

/// What the forms of a session's page carry.
#[derive(Clone)]
pub(crate) struct FormToken(SecretString);

impl FormToken {
    /// For the page.
    pub(super) fn text(&self) -> &str {
        self.0.expose_secret()
    }

    /// True if a form brought it. The comparison takes as long whatever it brought.
    pub(super) fn is(&self, offered: &str) -> bool {
        self.text().as_bytes().ct_eq(offered.as_bytes()).into()
    }
}

impl Sessions {
    /// Begins a session and returns its value.
    ///
    /// # Errors
    /// The system has no random bytes.
    pub(super) fn begin(&self) -> std::io::Result<SecretString> {
        let (value, form_token, now) = (store::fresh_token()?, FormToken(store::fresh_token()?), Instant::now());
        let mut sessions = self.0.lock();
        sessions.retain(|session| session.ends > now);
        if sessions.len() >= SESSIONS_MAX {
            sessions.remove(0);
        }
        sessions.push(Session { digest: digest_of(value.expose_secret()), form_token, ends: now + LASTS });
        Ok(value)
    }

    /// The session of this value, if there is one.
    pub(super) fn find(&self, value: &str) -> Option<FormToken> {
        let (offered, now) = (digest_of(value), Instant::now());
        let sessions = self.0.lock();
        let mut live = sessions.iter().filter(|session| session.ends > now);
        let found = live.find(|session| bool::from(session.digest.as_ref().ct_eq(offered.as_ref())));
        found.map(|session| session.form_token.clone())
    }

    /// Ends the session of this form token.
    pub(super) fn end(&self, form_token: &FormToken) {
        let mut sessions = self.0.lock();
        sessions.retain(|session| !session.form_token.is(form_token.text()));
    }
}

fn digest_of(value: &str) -> digest::Digest {
    digest::digest(&digest::SHA256, value.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_session_ends_after_twelve_hours_and_when_many_others_began() {
        let sessions = Sessions::default();
        let begin = || sessions.begin().unwrap().expose_secret().to_owned();
        let (first, second) = (begin(), begin());
        assert!(first != second && first.len() == 64, "{first} {second}");
        let (of_first, of_second) = (sessions.find(&first).unwrap(), sessions.find(&second).unwrap());
        assert!(of_first.is(of_first.text()) && !of_first.is(of_second.text()) && !of_first.is(&first));
        assert!(sessions.find("").is_none() && sessions.find(&first[1..]).is_none());
        tokio::time::sleep(LASTS - Duration::from_secs(1)).await;
        assert!(sessions.find(&first).is_some());
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(sessions.find(&first).is_none());

        let first = begin();
        sessions.end(&sessions.find(&first).unwrap());
        assert!(sessions.find(&first).is_none());

        let first = begin();
        for _ in 1..SESSIONS_MAX {
            begin();
        }
        assert!(sessions.find(&first).is_some());
        begin();
        assert!(sessions.find(&first).is_none());
    }
}
