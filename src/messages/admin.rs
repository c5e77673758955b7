//! What the admin listener says to whoever asks it wrongly.

use std::fmt::Display;

use super::{listed, plain};

/// 401.
pub const TOKEN_NEEDED: &str = "The admin token is needed: send the header \"Authorization: Bearer …\", or open the \
                                page with ?token=…. It stands in the file admin-token of the state directory.\n";
/// 401 for a command.
pub const NOT_PROVED: &str = "The proof of this request does not hold: it is too old, was used before, or comes from \
                              somebody who cannot read the state directory.";
/// 400 for a command that wants proof.
pub const NO_NONCE: &str = "The header vetbridge-nonce has to hold a random number.";
/// 421.
pub const NOT_ASKED_RIGHTLY: &str = "This is the admin listener of a vetbridge, and it is not known by the name in \
                                     the header Host. Ask it by its address or as localhost, or add the name to \
                                     [admin] hosts and restart it.";
/// 403 for a change.
pub const FOREIGN_ORIGIN: &str = "This change does not come from this vetbridge's own page, or vetbridge was started \
                                  again since that was loaded. Nothing was changed: load the page again and repeat \
                                  it there.";
/// 415.
pub const NOT_JSON: &str = "The body has to be JSON, with the header \"Content-Type: application/json\".";
/// 500.
pub const NO_RANDOM: &str = "This machine has no random numbers at the moment. Try again.";
/// The button that ends a browser's session.
pub const SIGN_OUT: &str = "Sign out";
/// After that.
pub const SIGNED_OUT: &str = "Signed out. The token, or the link with it, signs in again.";
/// The button that begins one.
pub const SIGN_IN: &str = "Sign in";
/// The field for the token.
pub const TOKEN_FIELD: &str = "Admin token";
/// 401 for a browser.
pub const TOKEN_NEEDED_HERE: &str = "This page needs the admin token, or your session has ended. Whatever button \
                                     you pressed did nothing: sign in, and press it again.";
/// 401 for a browser that sent something else.
pub const WRONG_TOKEN: &str = "That is not the admin token. Copy the whole line, and nothing else.";
/// 401 for a program that sent something else.
pub const WRONG_TOKEN_SHOWN: &str = "That is not the admin token. It stands in the file admin-token of the state \
                                     directory: send the whole line, and nothing else.\n";
/// Below the field.
pub const WHERE_THE_TOKEN_IS: &str = "The token stands in the file admin-token of vetbridge's state directory. \
                                      Whoever looks after vetbridge can send you a link that holds it.";
/// 404.
pub const NO_SUCH_PATH: &str = "There is nothing at this address. The status page is at /, and programs begin at \
                                /api/v1/status.";
/// 405.
pub const NO_SUCH_METHOD: &str = "This path takes another method; the header Allow says which.";
/// A resync whose task ended without an outcome.
pub const RESYNC_INTERRUPTED: &str = "The resync was interrupted. Look into the log, and try again.";

/// A practice that is off.
pub const OFF_AND_SILENT: &str = "Its days at Healthengine are empty, and nothing is sent for it.";
/// A practice that is about to be off.
pub const OFF_AND_LEAVING: &str = "What is under way is being settled; then its days at Healthengine are emptied.";

/// A server that is left alone; `until` in UTC.
pub fn left_alone(server: &str, status: u16, until: impl Display) -> String {
    format!(
        "{server} wants to be left alone until {until} (Retry-After with {status}): nothing is read or sent in the \
         background until then, and bookings are looked for every 30 s. `vetbridge resync`, a reload of the \
         configuration, or \"Ask again now\" on the status page asks it at once."
    )
}

/// The log of a person's wish.
pub fn asked_again(servers: &[&str]) -> String {
    format!("Asked again although left alone until now: {}. A person, or a reload, wants it.", listed(servers))
}

/// The button.
pub const ASK_AGAIN: &str = "Ask again now";

/// 413.
pub fn body_too_large(bytes_max: usize) -> String {
    format!("The request body is over {bytes_max} bytes.")
}

/// 404 for a booking. `id` is what stood in the path.
pub fn no_such_booking(id: impl Display) -> String {
    format!("There is no booking {} in the ledger.", plain(&id.to_string()))
}

/// 404 for a practice.
pub fn no_such_practice(id: &str) -> String {
    format!(
        "Practice {} is not on here: `vetbridge status` lists the practices that are, and those that are paused or \
         disabled.",
        plain(id)
    )
}

/// 400 for a query.
pub fn bad_query(why: impl Display) -> String {
    format!(
        "The query cannot be read: {}. A resync takes only=config|availability and dry_run=true|false.",
        plain(&why.to_string())
    )
}

/// 400 for a query of bookings.
pub fn bad_booking_query(why: impl Display) -> String {
    format!(
        "The query cannot be read: {}. A list of bookings takes practice=ID, state=STATE, since=DATE|DURATION, \
         search=TEXT and limit=N.",
        plain(&why.to_string())
    )
}

/// A state that bookings do not have.
pub fn no_such_state(state: &str, known: &str) -> String {
    format!("No booking is in the state {}: there are {known}.", plain(state))
}

/// A text that says nothing clear of a time.
pub const BAD_LIMIT: &str = "A limit is a number from 1 on.";
/// 400.
pub const BAD_SINCE: &str = "Since is a day, as 2027-02-15, or a length of time, as 36h or 7d.";

/// 500: a mistake of the program, which the log has.
pub const NO_LIST: &str = "The bookings could not be listed; the log says why.";

/// 503: as many clients as may do so at one time.
pub const TOO_MANY_READ: &str = "Too many lists are being read at this moment. Ask again in a minute.";

/// 400: no object.
pub const RESOLVE_NO_JSON: &str =
    "The body has to be a JSON object such as {\"outcome\": \"rejected\", \"note\": \"no such appointment\"}.";
/// 400: a field that nobody knows.
pub const RESOLVE_UNKNOWN_FIELD: &str =
    "The body has a field that is not known here. It takes outcome, reference, force and note.";
/// 400: no outcome.
pub const RESOLVE_NO_OUTCOME: &str = "The outcome has to be \"confirmed\", \"rejected\" or \"cancelled\".";
/// 400: what belongs to a confirmation.
pub const RESOLVE_CONFIRMED_ONLY: &str = "Reference and force belong to the outcome \"confirmed\" only.";
/// 400: neither true nor false.
pub const RESOLVE_NO_FLAG: &str = "The field force has to be true or false.";

/// 400: a field that is no text.
pub fn resolve_no_text(field: &str) -> String {
    format!("The field {field} has to be a text, or absent.")
}

/// With its capital letter and its full stop.
pub fn sentence(what: &impl Display) -> String {
    let text = what.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}
