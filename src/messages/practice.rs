//! Sentences about a practice as a whole: what is wrong, and what an administrator does next.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use chrono::{NaiveDate, TimeDelta};

use super::call_remedies;
use crate::availability::Reason;
use crate::availability::unread::ReadProblem;
use crate::bridge::off::Off;
use crate::call_error::{CallError, Cause, ErrorClass};
use crate::ids::{PracticeId, ResourceId, ScheduleId};
use crate::polling::lists::Gaps;
use crate::publishing::unsent::UnsentProblem;

/// OpenVPMS was never reached since the start.
pub const NEVER_READ: &str = "OpenVPMS has not answered since vetbridge started";
/// The practice stops, or starts anew with another configuration.
pub const STOPPING: &str = "vetbridge is stopping, or reads its configuration again";
/// A resync met a stop or a reload.
pub const RESYNC_BROKEN_OFF: &str =
    "The practice stops, or starts anew with another configuration. Run the resync again.";
/// A practice that was switched off is silent.
pub const LEFT: &str = "Every day is empty at Healthengine, and nothing is sent for the practice any more.";
/// A practice that was removed and whose key is refused.
pub const LEFT_WITHOUT_CONSENT: &str = "Healthengine refuses the practice's key (403), so its days could not be \
                                        emptied; nothing is sent for it any more. If its times can still be booked, \
                                        Healthengine's support takes it off the site.";
/// A look took too long to be of use to the pet owner.
pub const NO_ANSWER_IN_TIME: &str = "no answer in time";
/// What a refusal of credentials or consent is followed by, where somebody tries again.
pub const TRIED_AGAIN: &str = "Tried again every five minutes, and at once by `vetbridge resync`.";

/// A practice was switched off.
pub fn leaving(off: Off) -> String {
    let why = match off {
        Off::Disabled => "is disabled in the configuration",
        Off::Paused => "is paused",
        Off::Removed => "was removed from the configuration",
    };
    format!("The practice {why}: what is under way is settled, then its days at Healthengine are emptied.")
}

/// A practice is paused, and perhaps nobody remembers.
pub fn paused_for_long(practice: &PracticeId, lasts: TimeDelta) -> String {
    let practice = super::plain(&practice.0);
    format!(
        "The practice has been paused for {}: pet owners cannot book. `vetbridge resume --practice {practice}` ends \
         the pause; to close the practice for good, write `enabled = false` into its [[practice]].",
        super::lasting(lasts)
    )
}

/// A practice is off and was silent before.
pub fn stays_off(off: Off) -> &'static str {
    match off {
        Off::Disabled => "The practice is disabled in the configuration; nothing is sent for it.",
        Off::Paused => {
            "The practice is paused, which it stays until `vetbridge resume`, also if it was out of the configuration \
             meanwhile; nothing is sent for it."
        }
        Off::Removed => "The practice was removed from the configuration; nothing is sent for it.",
    }
}

/// Practices are gone from the file whose days stand at Healthengine.
pub fn left_behind(practices: &[PracticeId]) -> String {
    format!(
        "Taken out of the configuration while vetbridge did not run: {}. What Healthengine offers there was never \
         emptied, so pet owners can book times that nobody collects. Put each practice back with its id and key and \
         `enabled = false` for one start.",
        super::listed(practices.iter().map(|practice| format!("practice {}", super::plain(&practice.0))))
    )
}

/// Where a server is by the configuration, as the last sentence of what is said of it.
pub fn server_place(key: &str, file: &Path, url: &str) -> String {
    format!("{key} in {} is {}.", file.display(), super::plain(url))
}

/// A problem is over.
pub fn resolved(lasted: TimeDelta, text: &str) -> String {
    format!("Resolved after {}: {}", super::lasting(lasted), first_sentence(text))
}

/// What was wrong, without what follows from it and what to do.
fn first_sentence(text: &str) -> &str {
    let ends = text.match_indices(". ").map(|(at, _)| at + 1);
    let is_end = |at: &usize| text[*at..].trim_start().starts_with(char::is_uppercase);
    ends.into_iter().find(is_end).map_or(text, |at| &text[..at])
}

/// A problem that follows from an outage of which the log has a line.
pub const ONE_OUTAGE: &str = "Comes from the same outage as a line before this one, and ends with it.";

/// The end of a line about an outage that concerns several practices.
pub fn outage_of(practices: &[PracticeId]) -> String {
    format!(" It concerns the practices {}.", super::listed(practices.iter().map(|own| super::plain(&own.0))))
}

/// A practice is switched off while a problem stands.
pub fn of_no_matter(lasted: TimeDelta) -> String {
    format!("Not looked at any more after {}: the practice is off.", super::lasting(lasted))
}

/// A problem stands for long.
pub fn still(text: &str, lasts: TimeDelta) -> String {
    format!("{text} This has lasted {}.", super::lasting(lasts))
}

/// Healthengine refuses us.
pub fn healthengine_refuses(error: &CallError, practice: &PracticeId) -> String {
    let call = error.call.as_deref().map(|call| format!(", {call}")).unwrap_or_default();
    if error.class == ErrorClass::Credentials {
        return format!(
            "Healthengine refuses the api-key (401{call}). Check `api_key` under [healthengine]; Healthengine's \
             integration team issues it."
        );
    }
    format!(
        "Healthengine refuses practice {practice} (403{call}): its consent is missing or revoked, or id and key do \
         not belong together. The practice's administrator grants consent in Healthengine's Practice Admin portal \
         under API Consumer Consent (or by phone, 1300 377 639) and passes on the practice id and key that are shown \
         there."
    )
}

/// Healthengine does not say what it wants.
pub fn healthengine_unasked(error: &CallError) -> String {
    if error.cause == Some(Cause::Page) {
        return format!(
            "Something between vetbridge and Healthengine answers in its place: {error}. Bookings wait at \
             Healthengine until that is over. {}.",
            call_remedies::healthengine(error)
        );
    }
    format!(
        "Healthengine cannot be asked: {error}. Bookings wait there until it can. {}.",
        call_remedies::healthengine(error)
    )
}

/// Healthengine did not take what a person wanted sent.
pub fn healthengine_failed(error: &CallError, practice: &PracticeId) -> String {
    if error.is_access() {
        return healthengine_refuses(error, practice);
    }
    format!("Healthengine does not take what it is sent: {error}. {}.", call_remedies::healthengine(error))
}

/// Answers to bookings that did not arrive.
pub fn answers_not_taken(bookings: usize, error: &CallError) -> String {
    let (what, again) = if bookings == 1 {
        ("the answer to a booking".to_owned(), "It is given again until Healthengine takes it")
    } else {
        (format!("the answers to {bookings} bookings"), "They are given again until Healthengine takes them")
    };
    format!(
        "Healthengine did not take {what}: {error}. {again}; pet owners see the former state until then. {}.",
        call_remedies::healthengine(error)
    )
}

/// OpenVPMS refuses us, or does not answer: for a person who waits.
pub fn openvpms_failed(error: &CallError) -> String {
    if error.class == ErrorClass::Credentials { openvpms_password(error) } else { openvpms_unread(error, &[]) }
}

/// OpenVPMS, or these schedules of it, cannot be read.
pub fn openvpms_unread(error: &CallError, schedules: &[ScheduleId]) -> String {
    let what = match schedules {
        [] => String::new(),
        [one] => format!(" (schedule {one})"),
        several => format!(" (schedules {})", super::listed(several)),
    };
    format!(
        "OpenVPMS cannot be read{what}: {error}. Availability of what is not read is not sent. {}.",
        call_remedies::openvpms(error)
    )
}

/// OpenVPMS answers 401 for longer than a restart of its database takes.
pub fn openvpms_password(error: &CallError) -> String {
    format!(
        "OpenVPMS refuses the user: {error}. Check `username` and `password` under [openvpms], and that OpenVPMS's \
         database runs."
    )
}

/// The clocks differ by more than deadlines can stand.
pub fn clock_differs(healthengine_ahead: TimeDelta) -> String {
    let (seconds, side) = (
        healthengine_ahead.num_seconds().abs(),
        if healthengine_ahead < TimeDelta::zero() { "ahead of" } else { "behind" },
    );
    format!(
        "This machine's clock is {seconds} s {side} Healthengine's. Switch time synchronisation on (timedatectl \
         set-ntp true)."
    )
}

/// Some days were refused.
pub fn refused_days(days: usize, example: &str) -> String {
    format!(
        "Healthengine refused the availability of {}, for instance: {example}. What was refused is sent again after \
         five minutes, then after growing pauses of up to an hour, and as soon as it changes; `vetbridge resync` \
         sends it at once.",
        super::counted(days, "day")
    )
}

/// Calls that hold this day fail, and others do not.
pub fn day_put_aside(resource: ResourceId, day: NaiveDate, error: &CallError) -> String {
    format!(
        "Healthengine does not take the availability of {resource} on {day}, while it takes others: {error}. That day \
         is sent again after five minutes, then after growing pauses of up to an hour; until then the times that were \
         taken before may still be shown."
    )
}

/// Why a farewell goes on.
pub const NOT_EMPTIED: &str = "Healthengine refused a day that is to be empty.";

/// Why a slot cannot be booked, for Healthengine's support.
pub fn refusal(reason: Reason) -> &'static str {
    match reason {
        Reason::DoesNotExist => "The clocks are put forward over this time on that day.",
        Reason::HappensTwice => "The clocks are put back at this time on that day.",
        Reason::Past => "The time is past.",
        Reason::ScheduleBusy => "The time is taken.",
        Reason::Closed => "The time lies outside the schedule's hours for online booking.",
        Reason::ClinicianBusyElsewhere => "The clinician has another appointment at this time.",
        Reason::NotRostered => "The clinician is not available at this time.",
        Reason::TooShort => "The time that is free is too short for the appointment.",
        Reason::TooSoon => "The time is too soon.",
        Reason::Rule(_) => "The practice does not offer this time online.",
    }
}

/// The schedule was taken out of online booking.
pub const SCHEDULE_CLOSED: &str = "The schedule is no longer open for online booking.";

/// Nothing can be said about days.
pub const NO_ZONE: &str = "the practice's time zone is not known";
/// The same, for a person.
pub const ZONE_MISSING: &str = "The practice's time zone is not known, so no day can be told. Run `vetbridge check`, \
                                which says why; as a rule `timezone` in the [[practice]] is the remedy.";

/// The clinician left the location or lost the online booking flag.
pub const CLINICIAN_ABSENT: &str = "The clinician can no longer be booked online at this location.";

/// Healthengine says that bookings wait, and not which.
pub fn bookings_unread(error: &CallError) -> String {
    format!(
        "Healthengine cannot tell which bookings wait: {error}. They are not served until it can. {}.",
        call_remedies::healthengine(error)
    )
}

/// Healthengine does not say which extra features are on.
pub fn features_unread(error: &CallError) -> String {
    format!(
        "Healthengine cannot tell which extra features are on: {error}. One that is on asks for what vetbridge does \
         not serve. {}.",
        call_remedies::healthengine(error)
    )
}

/// Snapshots of availability do not arrive.
pub fn days_not_taken(days: usize, error: &CallError) -> String {
    let (days, again) = match days {
        1 => ("1 day is".to_owned(), "It is sent again until Healthengine takes it"),
        _ => (format!("{days} days are"), "They are sent again until Healthengine takes them"),
    };
    format!(
        "Healthengine does not take availability: {days} not sent, because of this: {error}. {again}; times that were \
         taken since may still be shown. {}.",
        call_remedies::healthengine(error)
    )
}

/// Days of what is not offered, which Healthengine asks for and refuses.
pub fn asked_days_refused(days: usize, reason: &str) -> String {
    let (them, again) = if days == 1 { ("it", "It is") } else { ("them", "They are") };
    format!(
        "Healthengine asks for {} of what is not offered, and refuses to take {them} empty: {reason}. {again} sent \
         again at growing intervals for as long as it asks. If this stays, ask Healthengine's support.",
        super::counted(days, "day")
    )
}

/// The configuration does not arrive.
pub fn configuration_not_taken(error: &CallError) -> String {
    format!(
        "Healthengine does not take the configuration: {error}. It is sent again until it does. {}.",
        call_remedies::healthengine(error)
    )
}

/// A list of which only the first and the last pages are read.
pub fn list_too_long(list: &str, pages: u32) -> String {
    format!(
        "Healthengine's list of {list} is too long to be read whole: {pages} of its pages, in the middle, wait until \
         others are answered. If this stays, its entries are never answered or never leave the list: look at \
         `vetbridge status` for what else is wrong, then ask Healthengine's support."
    )
}

/// A list of which some entries cannot be made out.
pub fn entries_unreadable(list: &str, entries: usize) -> String {
    let what = if entries == 1 { "1 entry" } else { &format!("{entries} entries") };
    format!(
        "{what} of Healthengine's list of {list} cannot be read (no id, or too many on one page) and cannot be \
         answered. What the list does not show may be one of them, so nothing is concluded from that. If this stays, \
         ask Healthengine's support."
    )
}

/// A list of which a later page cannot be read.
pub fn list_breaks_off(list: &str, error: &CallError) -> String {
    format!(
        "Healthengine's list of {list} cannot be read to its end: {error}. What is on the rest waits until it can. {}.",
        call_remedies::healthengine(error)
    )
}

/// Healthengine has no call for several days, for so long as anybody knows.
pub fn days_one_by_one(error: &CallError, pause: Duration) -> String {
    format!(
        "Healthengine does not take several days in one call ({error}): they go one by one for {} minutes.",
        pause.as_secs() / 60
    )
}

/// A call with so many days was too long.
pub fn shorter_calls(days: usize) -> String {
    format!(
        "Healthengine, or something before it, takes no call with {}: calls are shorter for an hour.",
        super::counted(days, "day")
    )
}

impl fmt::Display for ReadProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password(error) => f.write_str(&openvpms_password(error)),
            Self::Unread { error, schedules } => f.write_str(&openvpms_unread(error, schedules)),
        }
    }
}

impl fmt::Display for UnsentProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not_taken = self.not_taken.as_ref().map(|(days, why)| days_not_taken(*days, why));
        let refused = self.refused.as_ref().map(|(days, because)| asked_days_refused(*days, because));
        let all: Vec<String> = not_taken.into_iter().chain(refused).collect();
        f.write_str(&all.join(" "))
    }
}

/// What was not read of the list that is called so.
pub fn list_gaps(list: &str, gaps: &Gaps) -> Option<String> {
    let too_long = (gaps.pages_left_out > 0).then(|| list_too_long(list, gaps.pages_left_out));
    let unreadable = (gaps.unreadable > 0).then(|| entries_unreadable(list, gaps.unreadable));
    let stopped = gaps.stopped_by.as_ref().map(|error| list_breaks_off(list, error));
    let all: Vec<String> = [stopped, unreadable, too_long].into_iter().flatten().collect();
    (!all.is_empty()).then(|| all.join(" "))
}
