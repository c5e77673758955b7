//! What people are told where they did not ask: messages that something needs a person, or does not
//! any more, and what is said of messages that do not arrive.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::typed_commands::TypedCommands;
use super::{Advice, listed, plain, practice_called, tls};
use crate::alerts::concern::{About, AlertKind, AlertMessage, Concern};
use crate::alerts::failure::{MailFailure, NotArrived};
use crate::call_error::{CallError, Cause, ErrorClass};
use crate::characters::one_line;
use crate::ids::{BookingId, PracticeId};
use crate::zone::Zone;

/// So many things are named in one message,
const NAMED_MAX: usize = 20;
/// each in so many characters.
const SENTENCE_CHARS_MAX: usize = 900;

/// What a message is written with.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// The zones of the practices that it names; whatever has none is told in UTC.
    pub zones: BTreeMap<PracticeId, Zone>,
    /// What the practices are called, as far as that is known.
    pub names: BTreeMap<PracticeId, String>,
    /// How commands are typed so that they find the service.
    pub commands: TypedCommands,
}

impl Terms {
    /// When, with the zone.
    fn moment(&self, practice: Option<&PracticeId>, at: DateTime<Utc>) -> String {
        match practice.and_then(|practice| self.zones.get(practice)) {
            Some(zone) => format!("{} {zone}", zone.wall(at).format("%Y-%m-%d %H:%M")),
            None => at.format("%Y-%m-%d %H:%M UTC").to_string(),
        }
    }

    /// What a practice is called, within a sentence.
    fn called(&self, practice: &PracticeId) -> String {
        match self.names.get(practice) {
            Some(name) => practice_called(&practice.0, Some(name)),
            None => format!("practice {}", plain(&practice.0)),
        }
    }

    /// A command to type.
    fn command(&self, command: &str) -> String {
        format!("vetbridge {command}{}", self.commands.option(command))
    }
}

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
pub fn title(message: &AlertMessage, terms: &Terms) -> String {
    let things = things(&message.concerns);
    let whose = match things.as_slice() {
        [only] => whose_is(only, terms),
        several => {
            let first = message.concerns.first().and_then(|first| first.practice.as_ref());
            match first.filter(|first| message.concerns.iter().all(|own| own.practice.as_ref() == Some(first))) {
                Some(practice) => format!("{} things at {}", several.len(), terms.called(practice)),
                None => format!("{} things", several.len()),
            }
        }
    };
    let verb = match things.as_slice() {
        [only] if only.practices.len() < 2 => "needs",
        _ => "need",
    };
    match message.kind {
        AlertKind::Begun => format!("vetbridge: {whose} {verb} a person"),
        AlertKind::Over if things.len() > 1 => format!("vetbridge: {whose} are over"),
        AlertKind::Over => format!("vetbridge: over at {whose}"),
        AlertKind::Test => "vetbridge: this is a test".to_owned(),
    }
}

/// One thing to see to: a concern, or all that come from one outage of a server.
struct Thing<'a> {
    /// What is told of it.
    concern: &'a Concern,
    /// Whom it concerns, if it is a practice.
    practices: Vec<&'a PracticeId>,
    /// Since when.
    since: DateTime<Utc>,
}

/// Each thing once, in the order of its first concern.
fn things(concerns: &[Concern]) -> Vec<Thing<'_>> {
    let mut things: Vec<Thing<'_>> = Vec::new();
    for concern in concerns {
        let Some(thing) = things.iter_mut().find(|thing| thing.concern.has_cause_of(concern)) else {
            let practices = concern.practice.iter().collect();
            things.push(Thing { concern, practices, since: concern.since });
            continue;
        };
        thing.since = thing.since.min(concern.since);
        if let Some(own) = concern.practice.as_ref().filter(|own| !thing.practices.contains(own)) {
            thing.practices.push(own);
        }
        if concern.tells_of_outage && !thing.concern.tells_of_outage {
            thing.concern = concern;
        }
    }
    things
}

fn whose_is(thing: &Thing<'_>, terms: &Terms) -> String {
    if thing.practices.is_empty() {
        return "the service".to_owned();
    }
    listed(thing.practices.iter().map(|own| terms.called(own)))
}

/// The whole of a message, in plain text, as it is written at this time.
pub fn text(message: &AlertMessage, at: DateTime<Utc>, terms: &Terms) -> String {
    let mut text = format!("{}\n", title(message, terms));
    if message.kind == AlertKind::Test {
        text.push_str("\nMessages that something needs a person arrive here. Nothing has to be done.\n");
    }
    let things = things(&message.concerns);
    let named = things.iter().take(NAMED_MAX);
    // Writing to a string does not fail.
    for thing in named.clone() {
        let _ = write!(text, "\n{}", paragraph(message.kind, thing, at, terms));
    }
    let more = things.len().saturating_sub(NAMED_MAX);
    if more > 0 {
        let _ = write!(text, "\nAnd {more} more.\nType: {}\n", terms.command("status"));
    }
    let booking = |thing: &Thing<'_>| match thing.concern.about {
        About::Booking(id) => Some(id),
        About::Problem(_) | About::OutOfStep => None,
    };
    let bookings: Vec<BookingId> = named.filter_map(booking).collect();
    match (message.kind, bookings.as_slice()) {
        (AlertKind::Begun, [only]) => text.push_str(&outcomes(&only.to_string(), terms)),
        (AlertKind::Begun, [_, ..]) => text.push_str(&outcomes("ID", terms)),
        (AlertKind::Begun | AlertKind::Over | AlertKind::Test, _) => {}
    }
    text
}

/// How a booking is settled.
fn outcomes(booking: &str, terms: &Terms) -> String {
    let outcomes = [
        ("confirmed", "the appointment stands"),
        ("rejected", "there is no appointment"),
        ("cancelled", "the appointment is to go, or is gone"),
    ];
    let line = |(outcome, meaning): (&str, &str)| {
        format!("{meaning}: {}\n", terms.command(&format!("bookings resolve {booking} --{outcome}")))
    };
    let lines: String = outcomes.map(line).concat();
    format!("\nOnce it is clear, settle it on the status page, or type what the diary says:\n{lines}")
}

fn paragraph(kind: AlertKind, thing: &Thing<'_>, at: DateTime<Utc>, terms: &Terms) -> String {
    let concern = thing.concern;
    let whose = whose_is(thing, terms);
    let whose = match whose.split_once(' ') {
        Some(("practice", rest)) => format!("Practice {rest}"),
        Some(("the", rest)) => format!("The {rest}"),
        _ => whose,
    };
    let about = match &concern.about {
        About::Booking(id) => format!(", booking {id}"),
        About::Problem(_) => String::new(),
        About::OutOfStep => ", out of step".to_owned(),
    };
    let since = terms.moment(concern.practice.as_ref(), thing.since);
    let sentence = terms.commands.typed(&one_line(&concern.sentence, SENTENCE_CHARS_MAX));
    match (kind, &concern.about) {
        (AlertKind::Over, _) => {
            let lasted = super::lasting(at - thing.since);
            format!(
                "{whose}{about}: over after {lasted}. Since {since} it was:\n{sentence}\nNothing has to be done. To \
                 see how it stands, type: {}\n",
                terms.command("status")
            )
        }
        (_, About::Booking(id)) => format!(
            "{whose}{about}, since {since}:\n{sentence}\nType: {}\n",
            terms.command(&format!("bookings show {id}"))
        ),
        (_, About::Problem(_) | About::OutOfStep) => {
            format!("{whose}{about}, since {since}:\n{sentence}\nType: {}\n", terms.command("check"))
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

/// The heartbeat is not tested.
pub fn heartbeat_not_tested(out_of_step: &[PracticeId]) -> Advice {
    let practices = listed(out_of_step.iter().map(|own| plain(&own.0)));
    let (which, is) = if out_of_step.len() == 1 { ("practice", "is") } else { ("practices", "are") };
    Advice::new(
        format!(
            "The heartbeat was not asked, because {which} {practices} {is} out of step: it would say that all is well"
        ),
        "See to what is wrong first, then type `vetbridge check --alerts` again",
    )
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
             type `vetbridge check --alerts`"
        ),
        ErrorClass::Lost | ErrorClass::Unavailable | ErrorClass::TooMany => {
            "The receiver may be busy or away: type `vetbridge check --alerts` in a minute".to_owned()
        }
        ErrorClass::Refused | ErrorClass::Credentials | ErrorClass::Forbidden | ErrorClass::Contract => format!(
            "Copy the address into {place} again, or have the receiver make another one; then type \
             `vetbridge check --alerts`"
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
        MailFailure::NotNow(why) => (
            format!("the mail server does not take the mail at the moment: {}", plain(why)),
            "It may be busy, or want a mail from somebody new to be sent twice: wait a minute",
        ),
    };
    (why, format!("{remedy}; then type `vetbridge check --alerts`"))
}

#[cfg(test)]
mod tests {
    use super::super::assert_well_said;
    use super::*;

    fn concern(practice: Option<&str>, about: About) -> Concern {
        Concern {
            practice: practice.map(|id| PracticeId(id.into())),
            about,
            sentence: "Check the diary.".into(),
            since: DateTime::from_timestamp(1_770_000_000, 0).unwrap(),
            puts_out_of_step: false,
            outage: None,
            tells_of_outage: false,
        }
    }

    fn text(message: &AlertMessage) -> String {
        let zones = [(PracticeId("1234567".into()), "Australia/Sydney".parse().unwrap())].into();
        let at = DateTime::from_timestamp(1_770_005_400, 0).unwrap();
        super::text(message, at, &Terms { zones, ..Terms::default() })
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
            "vetbridge: practice 1234567 needs a person\n\nPractice 1234567, booking 17, since 2026-02-02 13:40 \
             Australia/Sydney:\nCheck the diary.\nType: vetbridge bookings show 17\n\nOnce it is clear, settle it on \
             the status page, or type what the diary says:\nthe appointment stands: vetbridge bookings resolve 17 \
             --confirmed\nthere is no appointment: vetbridge bookings resolve 17 --rejected\nthe appointment is to go, \
             or is gone: vetbridge bookings resolve 17 --cancelled\n"
        );
        let over = text(&message(AlertKind::Over, &[booking]));
        let parts = ["vetbridge: over at practice 1234567\n", "booking 17: over after 1 hour 30 minutes. Since 2026"];
        for part in parts.into_iter().chain(["Check the diary.", "type: vetbridge status\n"]) {
            assert!(over.contains(part), "{part}: {over}");
        }
        let problem = concern(None, About::Problem("store".into()));
        let begun = text(&message(AlertKind::Begun, &[problem]));
        assert!(begun.starts_with("vetbridge: the service needs a person\n"), "{begun}");
        assert!(begun.contains("since 2026-02-02 02:40 UTC:") && begun.contains("Type: vetbridge check\n"), "{begun}");
    }

    #[test]
    fn commands_name_the_file_where_they_would_not_find_it() {
        let terms = Terms { commands: TypedCommands::with_config("/srv/my clinic/v.toml"), ..Terms::default() };
        let all = [concern(Some("7"), About::Booking(BookingId(1))), concern(Some("7"), About::OutOfStep)];
        let all = all.map(|own| Concern { sentence: "At once by `vetbridge resync`.".into(), ..own });
        for kind in [AlertKind::Begun, AlertKind::Over] {
            let text = super::text(&message(kind, &all), DateTime::UNIX_EPOCH, &terms);
            let commands = text.matches(": vetbridge ").count();
            let named = text.matches(" --config '/srv/my clinic/v.toml'\n").count();
            assert!(commands >= 2 && named == commands, "{text}");
            assert_eq!(text.matches("`vetbridge resync --config '/srv/my clinic/v.toml'`").count(), 2, "{text}");
        }
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
        assert_eq!(title(&both, &Terms::default()), "vetbridge: 2 things are over");
    }

    #[test]
    fn an_outage_of_a_server_is_one_thing_that_names_every_practice() {
        let of = |practice: &str, sentence: &str, tells_of_outage: bool| Concern {
            sentence: sentence.into(),
            outage: Some(crate::call_error::ServerOutage::HealthengineAway),
            tells_of_outage,
            ..concern(Some(practice), About::Problem(sentence.into()))
        };
        let all = [of("7", "No day is taken.", false), of("7", "It is away.", true), of("8", "It is away.", true)];
        let told = text(&message(AlertKind::Begun, &all));
        assert!(told.starts_with("vetbridge: practice 7 and practice 8 need a person\n"), "{told}");
        assert_eq!(told.matches("It is away.").count(), 1, "{told}");
        assert!(!told.contains("No day is taken."), "{told}");
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
            MailFailure::NotNow("451 later".into()),
        ];
        for failure in calls.chain(mails.map(NotArrived::Mail)) {
            assert_well_said(&failed(WEBHOOK, &failure));
        }
    }
}
