//! What people are told where they did not ask: messages that something needs a person, or does not
//! any more, and what is said of messages that do not arrive.

use std::fmt::Write as _;

use super::{Advice, plain, tls};
use crate::alerts::concern::{About, AlertKind, AlertMessage, Concern};
use crate::alerts::failure::{MailFailure, NotArrived};
use crate::call_error::{CallError, Cause, ErrorClass};
use crate::characters::one_line;

/// So many things are named in one message,
const NAMED_MAX: usize = 20;
/// each in so many characters.
const SENTENCE_CHARS_MAX: usize = 900;

/// The place of the webhook in the configuration.
pub const WEBHOOK: &str = "[alerts] webhook_url";
/// The place of the heartbeat.
pub const HEARTBEAT: &str = "[alerts] heartbeat_url";

/// The place of mails to somebody.
pub fn mail_to(address: &str) -> String {
    format!("[alerts.email] to {}", plain(address))
}

/// Why a practice is told to be out of step.
pub fn out_of_step(reasons: &[String]) -> String {
    format!("Healthengine may not show what the diary says. {}", reasons.join(" "))
}

/// The subject of a mail, and the first line of every message.
pub fn title(message: &AlertMessage) -> String {
    let whose = match message.concerns.as_slice() {
        [only] => whose_is(only),
        several => {
            let first = several.first().and_then(|first| first.practice.as_ref());
            match first.filter(|first| several.iter().all(|own| own.practice.as_ref() == Some(first))) {
                Some(practice) => format!("{} things at practice {}", several.len(), plain(&practice.0)),
                None => format!("{} things", several.len()),
            }
        }
    };
    let verb = if message.concerns.len() == 1 { "needs" } else { "need" };
    match message.kind {
        AlertKind::Begun => format!("vetbridge: {whose} {verb} a person"),
        AlertKind::Over if message.concerns.len() > 1 => format!("vetbridge: {whose} are over"),
        AlertKind::Over => format!("vetbridge: over at {whose}"),
        AlertKind::Test => "vetbridge: this is a test".to_owned(),
    }
}

fn whose_is(concern: &Concern) -> String {
    concern.practice.as_ref().map_or_else(|| "the service".to_owned(), |own| format!("practice {}", plain(&own.0)))
}

/// The whole of a message, in plain text.
pub fn text(message: &AlertMessage) -> String {
    let mut text = format!("{}\n", title(message));
    if message.kind == AlertKind::Test {
        text.push_str("\nMessages that something needs a person arrive here. Nothing has to be done.\n");
    }
    for concern in message.concerns.iter().take(NAMED_MAX) {
        // Writing to a string does not fail.
        let _ = write!(text, "\n{}", paragraph(message.kind, concern));
    }
    let more = message.concerns.len().saturating_sub(NAMED_MAX);
    if more > 0 {
        let _ = write!(text, "\nAnd {more} more.\nType: vetbridge status\n");
    }
    text
}

fn paragraph(kind: AlertKind, concern: &Concern) -> String {
    let whose = whose_is(concern).replacen("practice", "Practice", 1).replacen("the service", "The service", 1);
    let about = match &concern.about {
        About::Booking(id) => format!(", booking {id}"),
        About::Problem(_) => String::new(),
        About::OutOfStep => ", out of step".to_owned(),
    };
    let since = concern.since.format("%Y-%m-%d %H:%M UTC");
    let sentence = one_line(&concern.sentence, SENTENCE_CHARS_MAX);
    match (kind, &concern.about) {
        (AlertKind::Over, _) => {
            format!(
                "{whose}{about}: over. Since {since} it was:\n{sentence}\nNothing has to be done. To see how it \
                     stands, type: vetbridge status\n"
            )
        }
        (_, About::Booking(id)) => format!(
            "{whose}{about}, since {since}:\n{sentence}\nType: vetbridge bookings show {id}\nOnce it is clear, settle \
             it: vetbridge bookings resolve {id}\n"
        ),
        (_, About::Problem(_) | About::OutOfStep) => {
            format!("{whose}{about}, since {since}:\n{sentence}\nType: vetbridge check\n")
        }
    }
}

/// Messages that do not arrive, each with its place in the configuration.
pub fn not_delivered<'a>(failing: impl IntoIterator<Item = (&'a str, &'a NotArrived)>) -> String {
    let failing: Vec<String> = failing.into_iter().map(|(place, failure)| failed(place, failure).to_string()).collect();
    format!("{} Each message is tried again for an hour.", failing.join(" "))
}

/// A message that is given up.
pub fn given_up(place: &str, title: &str) -> String {
    format!("A message did not arrive within an hour and is given up ({place}): {title}")
}

/// The heartbeat was not taken.
pub fn heartbeat_failed(failure: &NotArrived) -> String {
    failed(HEARTBEAT, failure).to_string()
}

/// The heartbeat is taken again.
pub const HEARTBEAT_TAKEN: &str = "The heartbeat is taken again.";

/// The test arrived.
pub fn test_arrived(place: &str) -> &'static str {
    match place {
        HEARTBEAT => "the heartbeat was taken",
        WEBHOOK => "the test message was taken",
        _ => "the test mail was taken by the mail server; look whether it came",
    }
}

/// Nobody is told of anything.
pub fn no_channel() -> Advice {
    Advice::new(
        "[alerts] names nobody to tell",
        "Add webhook_url, heartbeat_url or [alerts.email] with server, from and to",
    )
}

/// `--alerts` without anything to test.
pub fn not_configured() -> Advice {
    Advice::new("There is no [alerts] in the configuration", "Add it, or leave --alerts out")
}

/// Something did not arrive, with what to do about it.
pub fn failed(place: &str, failure: &NotArrived) -> Advice {
    let what = if place == HEARTBEAT { "The heartbeat is not taken" } else { "Messages do not arrive" };
    let (why, remedy) = match failure {
        NotArrived::Call(error) => (error.to_string(), call_remedy(place, error)),
        NotArrived::Mail(failure) => mail_failed(failure),
    };
    Advice::new(format!("{what} ({place}): {}", why.trim_end_matches('.')), remedy)
}

fn call_remedy(place: &str, error: &CallError) -> String {
    match error.cause {
        Some(Cause::Certificate(fault)) => return tls::remedy(fault).replace("ca_file", "[alerts] ca_file"),
        Some(Cause::Proxy) => return "Write them into [alerts] proxy, as in http://user:secret@host:port".to_owned(),
        Some(Cause::SpeaksHttp) => return format!("Write http:// into {place}, or the port that speaks https"),
        Some(Cause::SpeaksHttps) => return format!("Write https:// into {place}, or the port that speaks http"),
        Some(Cause::Page | Cause::TooLarge | Cause::LeftAlone) | None => {}
    }
    match error.class {
        ErrorClass::NotSent => format!(
            "Check the address in {place} and the internet connection of this machine, or set [alerts] proxy; then \
             type vetbridge check --alerts"
        ),
        ErrorClass::Lost | ErrorClass::Unavailable | ErrorClass::TooMany => {
            "The receiver may be busy or away: type vetbridge check --alerts in a minute".to_owned()
        }
        ErrorClass::Refused | ErrorClass::Credentials | ErrorClass::Forbidden | ErrorClass::Contract => format!(
            "Copy the address into {place} again, or have the receiver make another one; then type vetbridge check \
             --alerts"
        ),
    }
}

/// What went wrong with a mail, and what to do.
fn mail_failed(failure: &MailFailure) -> (String, String) {
    let (why, remedy) = match failure {
        MailFailure::Connection(why) => (
            format!("no connection to the mail server: {}", plain(why)),
            "Check [alerts.email] server, and that this machine may reach it (a firewall, the port)",
        ),
        MailFailure::TooSlow => (
            "the mail server did not answer in time".to_owned(),
            "Check the scheme and port of [alerts.email] server: smtps:// with 465, smtp:// with 587",
        ),
        MailFailure::Encryption(why) => (
            format!("the connection to the mail server cannot be encrypted: {}", plain(why)),
            "Check the scheme and port of [alerts.email] server: smtps:// with 465, smtp:// with 587",
        ),
        MailFailure::NoStartTls => (
            "the mail server offers no STARTTLS, and nothing is sent in the clear".to_owned(),
            "Write smtps:// and its port into [alerts.email] server, or use a server that offers STARTTLS",
        ),
        MailFailure::Login(why) => (
            format!("the mail server does not take user name and password: {}", plain(why)),
            "Check username and password in [alerts.email]; some providers want a password made for programs",
        ),
        MailFailure::Refused(why) => (
            format!("the mail server does not take the mail: {}", plain(why)),
            "Check from and to in [alerts.email], and that the user may write as from",
        ),
    };
    (why, format!("{remedy}; then type vetbridge check --alerts"))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::super::assert_well_said;
    use super::*;
    use crate::ids::{BookingId, PracticeId};

    fn concern(practice: Option<&str>, about: About) -> Concern {
        Concern {
            practice: practice.map(|id| PracticeId(id.into())),
            about,
            sentence: "Check the diary.".into(),
            since: DateTime::from_timestamp(1_770_000_000, 0).unwrap(),
            puts_out_of_step: false,
        }
    }

    fn message(kind: AlertKind, concerns: &[Concern]) -> AlertMessage {
        AlertMessage { kind, concerns: concerns.to_vec() }
    }

    #[test]
    fn a_message_has_the_practice_the_sentence_and_what_to_type() {
        let booking = concern(Some("1234567"), About::Booking(BookingId(17)));
        let begun = text(&message(AlertKind::Begun, std::slice::from_ref(&booking)));
        assert_eq!(
            begun,
            "vetbridge: practice 1234567 needs a person\n\nPractice 1234567, booking 17, since 2026-02-02 02:40 UTC:\n\
             Check the diary.\nType: vetbridge bookings show 17\nOnce it is clear, settle it: vetbridge bookings \
             resolve 17\n"
        );
        let over = text(&message(AlertKind::Over, &[booking]));
        for part in ["vetbridge: over at practice 1234567\n", "booking 17: over", "Check the diary.", "type: vetbridge"]
        {
            assert!(over.contains(part), "{part}: {over}");
        }
        let problem = concern(None, About::Problem("store".into()));
        let begun = text(&message(AlertKind::Begun, &[problem]));
        assert!(begun.starts_with("vetbridge: the service needs a person\n"), "{begun}");
        assert!(begun.contains("Type: vetbridge check\n"), "{begun}");
    }

    #[test]
    fn a_burst_is_counted_in_the_title_and_named_as_far_as_people_read() {
        let many: Vec<Concern> = (0..25).map(|id| concern(Some("7"), About::Booking(BookingId(id)))).collect();
        let told = text(&message(AlertKind::Begun, &many));
        assert!(told.starts_with("vetbridge: 25 things at practice 7 need a person\n"), "{told}");
        assert!(
            told.contains("booking 19,") && !told.contains("booking 20,") && told.contains("And 5 more."),
            "{told}"
        );
        let both = message(AlertKind::Over, &[concern(Some("7"), About::OutOfStep), concern(None, About::OutOfStep)]);
        assert_eq!(title(&both), "vetbridge: 2 things are over");
    }

    #[test]
    fn whatever_hinders_a_message_has_a_remedy() {
        use crate::call_error::CertificateFault;
        use ErrorClass::{Contract, Credentials, Forbidden, Lost, NotSent, Refused, TooMany, Unavailable};
        let classes = [NotSent, Lost, Unavailable, Refused, Credentials, Forbidden, TooMany, Contract];
        let calls = classes.map(|class| CallError::with_status(class, 500, "the receiver answered"));
        let caused = [Cause::Certificate(CertificateFault::UnknownIssuer), Cause::Proxy];
        let caused = caused.map(|cause| CallError::new(NotSent, "no connection").due_to(cause));
        let calls = calls.into_iter().chain(caused).map(NotArrived::Call);
        let mails = [
            MailFailure::Connection("refused".into()),
            MailFailure::TooSlow,
            MailFailure::Encryption("no TLS".into()),
            MailFailure::NoStartTls,
            MailFailure::Login("535 no".into()),
            MailFailure::Refused("550 no".into()),
        ];
        for failure in calls.chain(mails.map(NotArrived::Mail)) {
            assert_well_said(&failed(WEBHOOK, &failure));
        }
    }
}
