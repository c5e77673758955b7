//! Why a delivery failed, in words that can be shown.
//!
//! What Healthengine's log says of a failed call comes from its HTTP client and repeats the address
//! that was called, which ends in our secret. So what is known is said in words of our own; of
//! anything else only plain words are kept, none of which stands in the address.

use crate::healthengine::SubscriptionError;

/// The longest word that is kept, and how many.
const WORD_CHARS_MAX: usize = 20;
const WORDS_MAX: usize = 12;

/// Why a delivery failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryFault {
    /// It was answered with this HTTP status.
    Status(u16),
    /// No answer came in time.
    TimedOut,
    /// The host name cannot be resolved.
    NoSuchHost,
    /// The certificate is not accepted.
    BadCertificate,
    /// Nobody listens.
    ConnectionRefused,
    /// The connection ended without an answer.
    HungUp,
    /// There is no way to the address.
    NoConnection,
    /// In plain words of the log.
    Other(String),
    /// The log does not say.
    Unknown,
}

/// Why it failed. `callback_url` is where we want to be called; the entry has its own address too,
/// which can be an older one.
pub fn reason(error: &SubscriptionError, callback_url: &str) -> DeliveryFault {
    let (kind, message) = (error.kind.as_deref().unwrap_or_default(), error.message.as_deref().unwrap_or_default());
    // The addresses may hold any word, "timeout" among them.
    let addresses = [callback_url, error.callback_url.as_deref().unwrap_or_default()];
    let text = addresses
        .iter()
        .filter(|address| !address.is_empty())
        .fold(format!("{kind} {message}").replace("\\/", "/").to_lowercase(), |text, address| {
            text.replace(&address.to_lowercase(), " ")
        });
    if let Some(known) = known(&text) {
        return known;
    }
    let addresses = addresses.join(" ").to_lowercase();
    let words = text
        .split(|c: char| !c.is_ascii_alphabetic())
        .filter(|word| (2..=WORD_CHARS_MAX).contains(&word.len()) && !addresses.contains(word));
    let words: Vec<&str> = words.take(WORDS_MAX).collect();
    if words.is_empty() { DeliveryFault::Unknown } else { DeliveryFault::Other(words.join(" ")) }
}

/// What our own words are for.
fn known(text: &str) -> Option<DeliveryFault> {
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if let Some(status) = status(text) {
        return Some(DeliveryFault::Status(status));
    }
    let fault = if has(&["timed out", "timeout", "time out"]) {
        DeliveryFault::TimedOut
    } else if has(&["could not resolve", "resolve host", "getaddrinfo", "name or service", "dns"]) {
        DeliveryFault::NoSuchHost
    } else if has(&["certificate", "ssl", "tls"]) {
        DeliveryFault::BadCertificate
    } else if has(&["refused"]) {
        DeliveryFault::ConnectionRefused
    } else if has(&["reset", "empty reply", "closed"]) {
        DeliveryFault::HungUp
    } else if has(&["failed to connect", "could not connect", "couldn't connect", "unreachable", "no route"]) {
        DeliveryFault::NoConnection
    } else {
        return None;
    };
    Some(fault)
}

/// The HTTP status that the text speaks of: a number from 300 to 599 right after a word that says
/// so.
fn status(text: &str) -> Option<u16> {
    let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let says_so =
        |word: &str| matches!(word, "status" | "code" | "http" | "response" | "in" | "a" | "answered" | "with");
    words.windows(2).find_map(|pair| {
        let number: u16 = pair[1].parse().ok().filter(|number| (300..600).contains(number))?;
        says_so(pair[0]).then_some(number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::webhooks as say;

    const CALLBACK: &str = "https://bridge.example.com.au/hooks/webhooks/correct-horse-s3cret";

    fn told(kind: &str, message: &str) -> String {
        let error = SubscriptionError {
            timestamp: None,
            subscription_id: None,
            callback_url: Some(CALLBACK.into()),
            attempt: None,
            kind: Some(kind.into()),
            message: Some(message.into()),
        };
        reason(&error, "https://bridge.example.com.au/webhooks/newer-secret").to_string()
    }

    #[test]
    fn what_is_known_is_said_in_our_own_words() {
        let exception = "GuzzleHttp\\Exception\\ConnectException";
        let table = [
            (
                "cURL error 6: Could not resolve host: bridge.example.com.au (see https://curl.haxx.se/x)",
                say::NO_SUCH_HOST,
            ),
            ("cURL error 28: Operation timed out after 5001 milliseconds with 0 bytes received", say::TIMED_OUT),
            (
                "cURL error 7: Failed to connect to bridge.example.com.au port 443: Connection refused",
                say::CONNECTION_REFUSED,
            ),
            ("cURL error 60: SSL certificate problem: unable to get local issuer certificate", say::BAD_CERTIFICATE),
            ("cURL error 52: Empty reply from server", say::HUNG_UP),
            ("cURL error 7: Failed to connect: No route to host", say::NO_CONNECTION),
        ];
        for (message, expected) in table {
            assert_eq!(told(exception, message), expected, "{message}");
        }
        for (message, status) in [
            (
                "Client error: `POST https://bridge.example.com.au/hooks/webhooks/correct-horse-s3cret` resulted in a \
                 `403 Forbidden` response",
                403,
            ),
            ("Server error: resulted in a `502 Bad Gateway` response", 502),
            ("unexpected status code 404", 404),
            ("HTTP 301", 301),
        ] {
            assert_eq!(told("BadResponseException", message), say::answered(status), "{message}");
        }
    }

    #[test]
    fn of_anything_else_plain_words_are_kept_and_none_of_the_address() {
        let words = told(
            "OddException",
            "the gods of https://bridge.example.com.au/hooks/webhooks/correct-horse-s3cret frown; s3cret, HORSE \
             0412345678",
        );
        assert_eq!(words, say::other_reason("oddexception the gods of frown"));
        for message in ["correct-horse-s3cret", "correct horse s3cret newer secret", "", "12 34 // ..", "ä ö"] {
            assert_eq!(told("", message), say::NO_REASON, "{message}");
        }
        let long = told("", &"word ".repeat(1000));
        assert_eq!(long.matches("word").count(), WORDS_MAX);
        assert_eq!(told("", &"x".repeat(500)), say::NO_REASON);
    }
}
