//! Whether bodies are sent compressed.
//!
//! The API takes compressed bodies; something in between may not: it answers a page, 415 or a
//! refusal of its own. Then the call is made again with the plain body, and if that fares better,
//! bodies are plain for a while.

use std::time::Duration;

use tokio::time::Instant;

use super::gateway_answers::Voice;

/// How long bodies are plain after compressed ones were refused.
const PLAIN_FOR: Duration = Duration::from_secs(60 * 60);
/// How long compression is above suspicion after a plain body was refused like the compressed one.
const CLEARED_FOR: Duration = Duration::from_secs(10 * 60);

/// What is known of compressed bodies.
#[derive(Debug, Default)]
pub(super) struct Compression {
    plain_until: Option<Instant>,
    cleared_until: Option<Instant>,
}

impl Compression {
    /// True if a body is worth compressing.
    pub(super) fn is_on(&self, now: Instant) -> bool {
        self.plain_until.is_none_or(|until| until <= now)
    }

    /// True if a call with a compressed body, answered like this, is to be made again with the
    /// plain one.
    pub(super) fn is_suspect(&self, status: u16, voice: Voice, now: Instant) -> bool {
        let is_cleared = self.cleared_until.is_some_and(|until| now < until);
        match (status, voice) {
            // The body is not what these are about.
            (407 | 408 | 429, _) => false,
            (415, _) => true,
            (400..=499, Voice::Page) => true,
            (400 | 413, Voice::Api) | (400 | 403 | 413, Voice::Silent) => !is_cleared,
            (_, Voice::Api | Voice::Silent | Voice::Page) => false,
        }
    }

    /// The plain body was answered after the compressed one was not taken.
    pub(super) fn compared(&mut self, plain_status: u16, plain_voice: Voice, compressed_voice: Voice, now: Instant) {
        let got_through = plain_voice != Voice::Page && compressed_voice == Voice::Page;
        if matches!(plain_status, 200..=299) || (got_through && plain_status < 500) {
            tracing::info!(
                "Healthengine, or something before it, does not take compressed bodies: \
                 they are sent plain for an hour."
            );
            self.plain_until = Some(now + PLAIN_FOR);
        } else {
            self.cleared_until = Some(now + CLEARED_FOR);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_gateway_says_of_a_compressed_body_is_asked_again_with_the_plain_one() {
        let (compression, now) = (Compression::default(), Instant::now());
        for (status, voice, suspect) in [
            (403, Voice::Page, true),
            (400, Voice::Page, true),
            (404, Voice::Page, true),
            (415, Voice::Api, true),
            (400, Voice::Api, true),
            (413, Voice::Api, true),
            (403, Voice::Silent, true),
            // The API's own word about who asks, and what for.
            (401, Voice::Silent, false),
            (403, Voice::Api, false),
            (404, Voice::Silent, false),
            (405, Voice::Silent, false),
            (410, Voice::Api, false),
            // Not about the body.
            (429, Voice::Page, false),
            (502, Voice::Page, false),
            (200, Voice::Page, false),
            (200, Voice::Api, false),
        ] {
            assert_eq!(compression.is_suspect(status, voice, now), suspect, "{status} {voice:?}");
        }
    }

    #[tokio::test]
    async fn plain_bodies_that_get_through_are_sent_for_an_hour_and_a_refusal_of_both_clears_compression() {
        let (mut compression, now) = (Compression::default(), Instant::now());
        compression.compared(400, Voice::Api, Voice::Api, now);
        assert!(compression.is_on(now) && !compression.is_suspect(400, Voice::Api, now));
        assert!(compression.is_suspect(403, Voice::Page, now), "a page is still a page");
        assert!(compression.is_suspect(400, Voice::Api, now + CLEARED_FOR));

        compression.compared(200, Voice::Api, Voice::Page, now);
        assert!(!compression.is_on(now + PLAIN_FOR - Duration::from_secs(1)) && compression.is_on(now + PLAIN_FOR));
    }
}
