//! The words of the pages: for a receptionist what to do, for a manager whether all is well.

use chrono::TimeDelta;

use super::out_of_step::OutOfStep;
use super::{lasting, listed, of_locations};
use crate::booking::entry::{Entry, OpenCancellation, State};
use crate::booking::wanted::WantedPlace;
use crate::bridge::off::Off;
use crate::ids::{BookingId, PracticeId};
use crate::zone::Zone;

/// How a thing looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// All is well.
    Well,
    /// Somebody should know.
    Warn,
    /// Pet owners notice it.
    Ill,
}

/// How a practice stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PracticeStanding {
    /// In a word or two.
    pub word: &'static str,
    /// How it looks.
    pub tone: Tone,
    /// What is the case.
    pub sentence: String,
    /// What it means for pet owners.
    pub meaning: String,
    /// What it comes from, where one problem says so.
    pub cause: Option<StandingCause>,
}

/// What a practice's standing comes from. The problem of it says since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandingCause {
    /// Healthengine refuses the credentials or the consent.
    Access,
    /// OpenVPMS is away.
    OpenVpms,
    /// Healthengine is away.
    Healthengine,
    /// Healthengine does not take what is sent.
    NotTaken,
}

/// What the standing of a practice that is on follows from.
#[derive(Debug, Clone, Copy)]
pub struct PracticeFacts<'a> {
    /// Why it is not in step; empty if it is.
    pub reasons: &'a [OutOfStep],
    /// How many problems it has.
    pub problems: usize,
    /// How many times Healthengine offers; `None` where nobody knows, as with a store that is new.
    pub starts: Option<usize>,
    /// True if OpenVPMS does not answer, although the diary was read a moment ago.
    pub openvpms_is_away: bool,
    /// True if bookings wait while OpenVPMS is away.
    pub holds_bookings: bool,
    /// For how long the practice has stood as it does, as far as that is known.
    pub lasts: Option<TimeDelta>,
}

/// Healthengine takes a practice off its site after it was not asked for so long inside the live
/// hours.
const OFF_THE_SITE_AFTER: TimeDelta = TimeDelta::minutes(10);

/// How a practice that is on stands. Of several reasons the one that costs pet owners most counts.
pub fn standing(facts: &PracticeFacts<'_>) -> PracticeStanding {
    let has = |reason: OutOfStep| facts.reasons.contains(&reason).then_some(reason);
    let times = facts.starts.map_or_else(|| "The times that were offered before".to_owned(), times);
    let ill = |word, reason: &OutOfStep, meaning: String, cause: Option<StandingCause>| PracticeStanding {
        word,
        tone: Tone::Ill,
        sentence: reason.to_string(),
        meaning,
        cause,
    };
    if let Some(reason) = has(OutOfStep::NoAccess) {
        let meaning = format!("{times} may still be shown, and bookings of them do not arrive.");
        return ill("Healthengine refuses", &reason, meaning, Some(StandingCause::Access));
    }
    for (word, reason) in
        [("OpenVPMS refuses", OutOfStep::OpenVpmsRefuses), ("OpenVPMS away", OutOfStep::OpenVpmsNotRead)]
    {
        if facts.reasons.contains(&reason) {
            return ill(word, &reason, while_openvpms_is_away(&times, facts), Some(StandingCause::OpenVpms));
        }
    }
    if facts.openvpms_is_away {
        return PracticeStanding {
            word: "OpenVPMS away",
            tone: Tone::Ill,
            sentence: OPENVPMS_AWAY.to_owned(),
            meaning: while_openvpms_is_away(&times, facts),
            cause: Some(StandingCause::OpenVpms),
        };
    }
    if let Some(reason) = has(OutOfStep::DiaryNotReadYet) {
        let meaning = format!("{times} are shown from before the start. A booking is made once OpenVPMS answers.");
        return PracticeStanding { tone: Tone::Warn, ..ill("Starting", &reason, meaning, None) };
    }
    if let Some(reason) = has(OutOfStep::PollNotAnswered).or_else(|| has(OutOfStep::NotPolled)) {
        let meaning = if facts.lasts.is_some_and(|lasts| OFF_THE_SITE_AFTER <= lasts) {
            "This has lasted for more than ten minutes: inside the live hours Healthengine has taken the practice off \
             its site by then. Bookings that were made arrive late, and count as confirmed there."
                .to_owned()
        } else {
            format!(
                "{times} are shown. Bookings of them arrive late, and Healthengine confirms them to pet owners \
                 meanwhile, also where the time is taken. After ten minutes it takes the practice off its site."
            )
        };
        return ill("Healthengine away", &reason, meaning, Some(StandingCause::Healthengine));
    }
    if let Some(reason) = facts.reasons.first() {
        let meaning = format!("{times} are shown, and some of them may be taken: bookings of these are rejected.");
        let cause = match reason {
            OutOfStep::NotTaken => Some(StandingCause::NotTaken),
            OutOfStep::NotConfiguredUnread => Some(StandingCause::OpenVpms),
            OutOfStep::NotConfigured
            | OutOfStep::OpenVpmsNotRead
            | OutOfStep::OpenVpmsRefuses
            | OutOfStep::DiaryNotReadYet
            | OutOfStep::DiaryNotRead
            | OutOfStep::PollNotAnswered
            | OutOfStep::NotPolledYet
            | OutOfStep::NotPolled
            | OutOfStep::NoAccess
            | OutOfStep::NotAlone
            | OutOfStep::LoopIll(_) => None,
        };
        return ill("Behind", reason, meaning, cause);
    }
    let (word, tone, sentence) = match facts.problems {
        0 => ("Working", Tone::Well, "Healthengine shows what the diary says."),
        _ => ("Working", Tone::Warn, "Healthengine shows what the diary says, and something needs a look."),
    };
    PracticeStanding {
        word,
        tone,
        sentence: sentence.to_owned(),
        // In step, nothing sent is nothing offered.
        meaning: format!("{} can be booked.", self::times(facts.starts.unwrap_or(0))),
        cause: None,
    }
}

/// A practice whose diary was read a moment ago, and cannot be read now.
const OPENVPMS_AWAY: &str = "OpenVPMS does not answer. The times that are shown are those of a moment ago.";

fn while_openvpms_is_away(times: &str, facts: &PracticeFacts<'_>) -> String {
    let fate = if facts.holds_bookings { "waits until OpenVPMS can be read" } else { "is rejected" };
    format!("{times} are still offered; every booking {fate}.")
}

/// How a practice that is off stands. `has_since` if it is known since when.
pub fn standing_off(why: &str, silent: bool, has_since: bool) -> PracticeStanding {
    let word = match why {
        "paused" => "Paused",
        "disabled" => "Disabled",
        _ => "Removed",
    };
    let (sentence, meaning) = if silent {
        ("Nothing is sent for the practice.", "No time can be booked.")
    } else {
        ("What is under way is being settled.", "The last times are being taken away.")
    };
    let mut meaning = meaning.to_owned();
    if !has_since {
        // The configuration says that it is off, and nobody wrote down when that was typed.
        meaning.push_str(SINCE_IS_NOT_KNOWN);
    }
    PracticeStanding { word, tone: Tone::Warn, sentence: sentence.to_owned(), meaning, cause: None }
}

/// The name of a practice: that of its location, or of the first of several; before that is known,
/// its id.
pub fn practice_name(id: &PracticeId, locations: &[String]) -> String {
    of_locations(locations).unwrap_or_else(|| format!("Practice {id}"))
}

/// What a booking asks for that has no place in the diary: the names, or else the ids, of what the
/// request named.
pub fn wanted(wanted: &WantedPlace, resource: Option<String>, appointment_type: Option<String>) -> String {
    let kind = appointment_type.or_else(|| Some(format!("appointment type {}", wanted.appointment_type.as_ref()?)));
    let resource = resource.or_else(|| Some(format!("resource {}", wanted.resource.as_ref()?)));
    let both: Vec<String> = kind.into_iter().chain(resource).collect();
    if both.is_empty() { "nothing that is offered".to_owned() } else { format!("wanted: {}", both.join(", ")) }
}

/// Behind what a practice is that is off, where nobody knows since when.
const SINCE_IS_NOT_KNOWN: &str = " Since when is not known.";

/// The zone of all times on a page. No clinic is in UTC: that is what times are in before the
/// practice's zone is known.
pub fn times_are_of(zone: Zone) -> String {
    let is_known = zone != Zone::Iana(chrono_tz::UTC);
    let until = if is_known { "" } else { " until the practice's own zone is known" };
    format!("Times are of {zone}{until}.")
}

/// The zones of times on one page, each practice's said once.
pub fn zones(practices: &[(String, String)]) -> String {
    let each = practices.iter().map(|(practice, zone)| format!("{zone} for {practice}"));
    format!("Times are of each practice's zone: {}.", listed(each))
}

/// Which of the bookings that were found stand on a page.
pub fn found(count: usize, shown: std::ops::Range<usize>) -> String {
    match (count, shown.len()) {
        (count, shown) if count == shown => format!("{count} found."),
        (count, 0) => format!("{count} found; there are no older ones."),
        (count, _) => format!("{count} found; {} to {} are shown.", shown.start + 1, shown.end),
    }
}

/// What the search takes.
pub const SEARCH_FIELD: &str = "Number, reference, name, state or date";
/// How it is typed.
pub const SEARCH_HINT: &str = "As it stands on these pages: \"tomorrow\", \"15 Feb 2027\". Of several terms, such as \
                               \"Surgery rejected\", all must be found.";
/// The link to what follows on a list of bookings.
pub const OLDER: &str = "Older";
/// The link to its beginning.
pub const TO_THE_FIRST: &str = "Back to the first";
/// 400 for a link to older bookings that nobody made.
pub const BAD_PLACE: &str = "The link to older bookings cannot be read. Search again.";

/// A state of the ledger for people. A cancellation that waits is said, whatever the state.
pub fn booking_word(entry: &Entry, cancellation_waits: bool) -> &'static str {
    let waits = || cancellation_waits && entry.stands();
    if entry.open_cancellation() == Some(OpenCancellation::Refused) {
        "Cancelled by the pet owner, still in the diary"
    } else if waits() || entry.open_cancellation() == Some(OpenCancellation::Waiting) {
        "Cancellation waits"
    } else if entry.state == State::Cancelled && entry.owes_a_cancellation() {
        "Cancelled, Healthengine not told yet"
    } else {
        state_word(entry.state)
    }
}

/// The same of a state alone, as the story has it.
pub fn state_word(state: State) -> &'static str {
    match state {
        State::Received => "Arrived",
        State::Submitting => "Being made",
        State::Inserted => "In the diary, being confirmed",
        State::Confirmed => "In the diary",
        State::Rejected => "Rejected",
        State::InDoubt => "In doubt",
        State::Cancelled => "Cancelled",
    }
}

/// What an administrator wants to know, and a receptionist need not read.
pub const FOR_THE_ADMINISTRATOR: &str = "For the administrator";

/// Beside a booking that needs somebody.
pub const NEEDS_A_PERSON: &str = "needs a person";

/// Behind "Online bookings": how they are. So many practices are on, and so many paused.
pub fn in_short(healthy: bool, on: usize, paused: usize) -> &'static str {
    match (healthy, on, paused) {
        (false, _, _) => "need a look",
        (true, _, 0) => "are well",
        (true, 0, _) => "are paused",
        (true, _, _) => "are paused in part",
    }
}

/// How much needs somebody.
pub fn to_do(count: usize, paused: usize) -> String {
    match count {
        0 if paused > 0 => NOTHING_BUT_A_PAUSE.to_owned(),
        0 => NOTHING_TO_DO.to_owned(),
        1 => "1 thing needs a person.".to_owned(),
        _ => format!("{count} things need a person."),
    }
}

/// What a person did on a page; the page that follows says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageAction {
    /// Paused a practice.
    Paused,
    /// Ended the pause of a practice.
    Resumed,
    /// Had everything of a practice sent again.
    Resync,
    /// Had the servers asked that want to be left alone.
    Asked,
    /// Settled a booking.
    Settled,
}

impl PageAction {
    /// The word in an address.
    pub fn name(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::Resync => "resync",
            Self::Asked => "asked",
            Self::Settled => "settled",
        }
    }

    /// The action of this word.
    pub fn of(name: &str) -> Option<Self> {
        let all = [Self::Paused, Self::Resumed, Self::Resync, Self::Asked, Self::Settled];
        all.into_iter().find(|action| action.name() == name)
    }

    /// What was done, in a sentence. `what` is the practice or the booking.
    pub fn done(self, what: &str) -> String {
        match self {
            Self::Paused => format!("You paused {what}. Its times are being taken off Healthengine."),
            Self::Resumed => format!("You ended the pause of {what}. Its times are being offered again."),
            Self::Resync => format!("Everything of {what} is being sent again. How that goes stands below its name."),
            Self::Asked => "The servers are being asked again.".to_owned(),
            Self::Settled => format!("You settled {what}."),
        }
    }
}

/// A resync of a practice that is paused.
pub fn paused_is_not_sent(practice: &str) -> String {
    format!(
        "{practice} is paused, so nothing is sent for it. Press \"{END_THE_PAUSE}\" on the status page: that sends \
         everything again."
    )
}

/// The same of a practice that is off by the configuration.
pub fn off_is_not_sent(practice: &str, off: Off) -> String {
    format!("{practice} is {}, so nothing is sent for it. {SWITCHED_ON_BY}", off.name())
}

/// Who can do what no button does.
pub const SWITCHED_ON_BY: &str = "Whoever looks after vetbridge can switch the practice on in its configuration.";

/// The days of a practice of which no resource is known.
pub fn nothing_known_yet(practice: &str) -> String {
    format!(
        "It is not known what {practice} offers, because OpenVPMS has not been read since the start. The status page \
         says what is wrong."
    )
}

/// A pause that somebody may have forgotten.
pub fn paused_for_long(lasts: TimeDelta) -> String {
    format!(
        "The practice has been paused for {}: pet owners cannot book. If it is to take bookings, end the pause. If it \
         is closed for good, whoever looks after vetbridge disables it in the configuration.",
        lasting(lasts)
    )
}

/// Sending everything again failed, and Healthengine was told everything since.
pub const MADE_UP_FOR: &str = "Since then all of it has reached Healthengine.";

/// The question before a booking is settled, with what the pressed button says.
pub fn settle_question(booking: BookingId, label: &str) -> String {
    format!("Settle booking {booking} with the answer \"{label}\"?")
}

/// The button.
pub const SEND_AGAIN: &str = "Send everything again";
/// The button.
pub const END_THE_PAUSE: &str = "End the pause";

/// `8,935 times`.
pub fn times(count: usize) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{grouped} {}", if count == 1 { "time" } else { "times" })
}

/// Before anything was done for the first time since the start.
pub const NOT_YET: &str = "not yet";
/// Nothing needs a person.
pub const NOTHING_TO_DO: &str = "Nothing. Bookings go into the diary by themselves.";
/// The same while a practice is paused.
pub const NOTHING_BUT_A_PAUSE: &str = "Nothing. A practice that is paused takes no bookings until somebody ends the \
                                       pause.";
/// What a pause does.
pub const PAUSING: &str = "The practice's times are taken off Healthengine, and no booking is taken any more; \
                           Healthengine may hide the practice as a whole. What is under way is settled first. When a \
                           pet owner cancels during the pause, the diary shows it only after its end. The pause lasts \
                           until somebody ends it.";
/// What the end of a pause does.
pub const RESUMING: &str = "The practice's times are offered at Healthengine again, within a minute or two.";
/// What a resync does.
pub const RESYNCING: &str = "The whole configuration and every day are read and sent to Healthengine again. What the \
                             guard holds back is released. Use it when Healthengine shows something else than the \
                             diary.";

#[cfg(test)]
mod tests {
    use super::*;

    fn facts<'a>(reasons: &'a [OutOfStep]) -> PracticeFacts<'a> {
        let openvpms_is_away = false;
        PracticeFacts { reasons, problems: 0, starts: Some(8935), openvpms_is_away, holds_bookings: false, lasts: None }
    }

    #[test]
    fn an_outage_says_what_it_means_for_pet_owners() {
        let reasons = [OutOfStep::PollNotAnswered, OutOfStep::OpenVpmsNotRead];
        let away = standing(&facts(&reasons));
        assert_eq!((away.word, away.tone), ("OpenVPMS away", Tone::Ill));
        assert_eq!(away.meaning, "8,935 times are still offered; every booking is rejected.");
        let held = standing(&PracticeFacts { holds_bookings: true, ..facts(&reasons) });
        assert!(held.meaning.ends_with("every booking waits until OpenVPMS can be read."), "{}", held.meaning);
        let young = standing(&facts(&[OutOfStep::DiaryNotReadYet]));
        assert_eq!((young.word, young.tone), ("Starting", Tone::Warn));
        assert!(standing(&facts(&reasons[..1])).meaning.contains("ten minutes"));
        assert_eq!(standing(&facts(&[])).meaning, "8,935 times can be booked.");
        // The diary was read a moment ago, so the practice is in step, and no booking can be made.
        let since_a_moment = standing(&PracticeFacts { openvpms_is_away: true, ..facts(&[]) });
        assert_eq!((since_a_moment.word, since_a_moment.tone), ("OpenVPMS away", Tone::Ill));
        assert_eq!(since_a_moment.meaning, away.meaning);
    }

    #[test]
    fn what_nobody_knows_is_not_called_none() {
        for reasons in [
            [OutOfStep::OpenVpmsNotRead],
            [OutOfStep::DiaryNotReadYet],
            [OutOfStep::PollNotAnswered],
            [OutOfStep::NoAccess],
            [OutOfStep::NotTaken],
        ] {
            let own = standing(&PracticeFacts { starts: None, ..facts(&reasons) });
            assert!(own.meaning.starts_with("The times that were offered before "), "{}", own.meaning);
        }
        assert_eq!(times_are_of("UTC".parse().unwrap()), "Times are of UTC until the practice's own zone is known.");
        assert_eq!(times_are_of("Australia/Perth".parse().unwrap()), "Times are of Australia/Perth.");
        assert!(standing_off("disabled", true, false).meaning.ends_with("Since when is not known."));
        assert_eq!(standing_off("paused", true, true).meaning, "No time can be booked.");
    }

    #[test]
    fn a_user_whom_openvpms_refuses_is_not_called_a_server_that_is_away() {
        let refused = standing(&facts(&[OutOfStep::OpenVpmsRefuses]));
        assert_eq!((refused.word, refused.cause), ("OpenVPMS refuses", Some(StandingCause::OpenVpms)));
        assert!(refused.sentence.contains("refuses the user name and password"), "{}", refused.sentence);
    }

    #[test]
    fn after_ten_minutes_without_healthengine_its_times_are_not_said_to_be_shown() {
        let meaning = |minutes| {
            let reasons = [OutOfStep::PollNotAnswered];
            standing(&PracticeFacts { lasts: Some(TimeDelta::minutes(minutes)), ..facts(&reasons) }).meaning
        };
        assert!(meaning(9).starts_with("8,935 times are shown") && meaning(9).contains("After ten minutes"));
        assert!(!meaning(10).contains("are shown") && meaning(10).contains("has taken the practice off"));
    }

    #[test]
    fn a_pause_is_never_called_well() {
        assert_eq!(
            [in_short(true, 2, 0), in_short(true, 1, 1), in_short(true, 0, 1)],
            ["are well", "are paused in part", "are paused"]
        );
        assert_eq!(in_short(false, 0, 1), "need a look");
        assert_eq!((to_do(0, 0).as_str(), to_do(0, 1).as_str()), (NOTHING_TO_DO, NOTHING_BUT_A_PAUSE));
        assert_eq!(to_do(2, 1), "2 things need a person.");
    }

    #[test]
    fn numbers_of_times_are_grouped_by_thousands() {
        let texts: Vec<String> = [0, 1, 999, 1000, 1_234_567].map(times).to_vec();
        assert_eq!(texts, ["0 times", "1 time", "999 times", "1,000 times", "1,234,567 times"]);
    }
}
