//! What a rehearsal says: on standard output, and of what it left in the diary.

use std::fmt::Display;
use std::path::Path;

use chrono::{DateTime, FixedOffset, TimeDelta};

use super::typed_commands::TypedCommands;
use super::{Advice, counted, ended, listed, plain};
use crate::call_error::CallError;
use crate::ids::{BookingReference, PracticeId, ResourceId};
use crate::os::words::NO_TEMPORARY_FILES;

/// Stands in the first line of the notes of each appointment of a rehearsal.
pub const MARK: &str = "vetbridge rehearsal";
/// Why nothing is written.
pub const ONLY_READS: &str = "this rehearsal only reads OpenVPMS";
/// Why a booking is not made.
pub const TOO_SOON: &str = "A rehearsal books nothing that begins within a day.";
/// What came of something that was broken off.
pub const INTERRUPTED: &str = "it was broken off";
/// A booking that nobody answered.
pub const NOT_ANSWERED: &str = "the bridge did not answer it";
/// A booking that was answered when nobody waited any more.
pub const CONFIRMED_TOO_LATE: &str = "it was confirmed when Healthengine had told the pet owner yes already, which it \
     does after 20 s";
/// A cancellation that was not carried out.
pub const NOT_CANCELLED: &str = "the bridge did not carry the cancellation out";
/// An appointment that is not as it was booked.
pub const READS_BACK_OTHERWISE: &str = "OpenVPMS has it on another schedule, at another time or for another type";
/// The made-up pet owner is somebody.
pub const CUSTOMER_MATCHED: &str = "OpenVPMS attached a customer to it, although nobody has that name";
/// Free time where the appointment stands.
pub const TIME_NOT_TAKEN: &str = "its time is not taken in the diary";
/// Taken time where the appointment stood.
pub const TIME_STILL_TAKEN: &str = "its time is still taken in the diary after it was cancelled";
/// An appointment that a cancellation left.
pub const STILL_THERE: &str = "OpenVPMS still has it after it was cancelled";
/// A local time that cannot be booked.
pub const NO_ZONE: &str = "its time names no single moment";
/// The state of a rehearsal has no place.
pub const DIRECTORY: &str = NO_TEMPORARY_FILES;

/// Heads the appointments of an earlier rehearsal.
pub const LEFT: &str = "An earlier rehearsal left appointments in the diary:";
/// Heads what `run` would object to.
pub const LACKING: &str = "What the configuration still lacks for vetbridge run";
/// What `discover` ends with.
pub const AFTER_DISCOVER: &str = "Next: write a [[practice]] with locations = [ID] into the configuration (`vetbridge \
     discover --toml` prints it whole), and type `vetbridge rehearse` to see what Healthengine would show.";
/// No practice can be offered.
pub const NOTHING_REHEARSED: &str = "No enabled practice has a resource that can be offered.";

/// A length of time as people say it of a computer: `4.2 s`.
pub fn seconds(length: TimeDelta) -> String {
    let tenths = (length.num_milliseconds().max(0) + 50) / 100;
    format!("{}.{} s", tenths / 10, tenths % 10)
}

/// A configuration that offers nothing.
pub fn no_practice(file: &Path) -> Advice {
    Advice::new(
        format!("{} has no [[practice]], so there is nothing to rehearse", file.display()),
        "Type `vetbridge discover`, and write a [[practice]] with locations = [ID]; id, key and live hours can wait",
    )
}

/// Two that book at one time.
pub fn another_books() -> Advice {
    Advice::new(
        "Another rehearsal that books is at work with this state directory",
        "Wait for its end, or rehearse without --book",
    )
}

/// The list cannot be read.
pub fn list_unreadable(state: &Path, why: &dyn Display) -> String {
    format!(
        "{}: this list of appointments that a rehearsal left cannot be read: {why}. Look for the notes \"{MARK}\" in \
         the diary, then remove the file.",
        state.join("rehearsal-leftovers.json").display()
    )
}

/// Nobody knows whether anything is left.
pub fn list_not_read(why: &dyn Display) -> String {
    ended(&format!("Whether an earlier rehearsal left appointments in the diary cannot be read: {why}"))
}

/// The list cannot be written, so nothing is booked.
pub fn not_noted(why: &dyn Display) -> String {
    format!("nothing was booked, because it could not be noted before: {why}")
}

/// The list is not as the diary is.
pub fn list_not_written(why: &dyn Display) -> String {
    ended(&format!("The list of what this rehearsal may leave in the diary cannot be written: {why}"))
}

/// `s136 on Tue 16 Feb 2027 at 10:15, booking reference 603:be08`.
pub fn leftover(resource: ResourceId, start: DateTime<FixedOffset>, reference: Option<&BookingReference>) -> String {
    let reference = match reference {
        Some(reference) => format!("booking reference {}", plain(&reference.0)),
        None => "without a booking reference".to_owned(),
    };
    format!("{resource} on {}, {reference}", start.format("%a %-d %b %Y at %H:%M"))
}

/// Told when it was made.
pub fn made(leftover: &str) -> String {
    format!("Rehearsal appointment made: {leftover}")
}

/// Told when it was removed.
pub fn removed(leftover: &str) -> String {
    format!("Removed from the diary: {leftover}.")
}

/// Told of one that is not there.
pub fn absent(leftover: &str) -> String {
    format!("Not in the diary: {leftover}.")
}

/// A time that is free, for now.
pub const MAY_COME_YET: &str = "it is not in the diary, and may still be made by a request that was under way when the \
     rehearsal ended; look again in two minutes";

/// What stands and why.
pub fn stands(leftover: &str, why: &str) -> String {
    format!("{leftover}: {}", why.trim_end_matches('.'))
}

/// An appointment in an OpenVPMS that is not the configured one.
pub fn at_another_server(openvpms: &str) -> String {
    format!(
        "it was made in OpenVPMS at {}, which is not [openvpms] url; remove it with the configuration of that \
         server; or by hand there, and then type `vetbridge rehearse --strike-off`, which takes it off the list",
        plain(openvpms)
    )
}

/// An appointment that OpenVPMS does not cancel any more: its visit has begun, or is over.
pub fn cancel_refused(error: &CallError) -> String {
    format!(
        "OpenVPMS refuses to cancel it ({error}); see to it in the diary, and then type `vetbridge rehearse \
         --strike-off`, which takes it off the list"
    )
}

/// A time that is taken, by whom nobody can ask.
pub fn look_by_hand(mark: &str) -> String {
    format!(
        "the time is taken, and without a reference vetbridge cannot tell by whom; look in the diary there, and remove \
         the appointment with the notes \"{mark}\" by hand if it is there; then type `vetbridge rehearse \
         --strike-off`, which takes it off the list"
    )
}

/// What a person does about it. A rehearsal that books keeps the list to itself while it runs.
pub fn how_to_remove(books: bool) -> &'static str {
    if books {
        "This rehearsal looks again when it ends. For what is left then, type `vetbridge rehearse --remove-leftovers` \
         afterwards."
    } else {
        "Type `vetbridge rehearse --remove-leftovers` to remove them; `vetbridge rehearse --book` does so before it \
         books."
    }
}

/// What an earlier rehearsal left.
pub fn left_behind(left: &[String], books: bool) -> String {
    let list: String = left.iter().map(|left| format!("  {left}\n")).collect();
    format!("{LEFT}\n{list}{}\n\n", how_to_remove(books))
}

/// What this rehearsal leaves, on standard error.
pub fn leaves(left: &[String]) -> String {
    let list: String = left.iter().map(|left| format!("\n  {left}")).collect();
    format!(
        "These appointments of a rehearsal stand in OpenVPMS, or may stand there:{list}\n`vetbridge rehearse \
         --remove-leftovers` looks again, and removes what has a reference."
    )
}

/// Told of one that somebody has looked for.
pub fn struck_off(leftover: &str) -> String {
    format!("Off the list: {leftover}.")
}

/// Nothing to strike off.
pub const NOTHING_STRUCK: &str = "Nothing on the list can be struck off. `vetbridge rehearse --remove-leftovers` finds \
     out what became of each appointment with a booking reference; one that OpenVPMS then refuses to cancel can be \
     struck off, and so can one in another OpenVPMS than that of [openvpms] url. A request that may still be carried \
     out stays for two minutes.";

/// Nothing to remove.
pub const NOTHING_LEFT: &str = "No rehearsal has left anything in the diary.";

/// A booking that was not confirmed.
pub fn not_confirmed(reason: &str) -> String {
    format!("it was not confirmed: {}", reason.trim_end_matches('.'))
}

/// A booking whose appointment nobody can name.
pub fn in_doubt() -> String {
    format!("OpenVPMS did not tell its reference; look for \"{MARK}\" in the diary")
}

/// OpenVPMS cannot be asked about it.
pub fn not_read_back(error: &CallError) -> String {
    format!("OpenVPMS does not say how it stands: {error}")
}

/// How often OpenVPMS is asked, beside what a service may.
fn rate(per_second: u32, of_service: u32) -> String {
    let own = counted(per_second as usize, "request");
    let share = if per_second < of_service { "half of" } else { "all that" };
    let allows = if per_second < of_service { "" } else { " allows" };
    let both = counted((per_second + of_service) as usize, "request");
    format!(
        "at most {own} a second to OpenVPMS, {share} [openvpms] max_requests_per_second{allows};\n\
         \u{20}             with a service that runs meanwhile at most {both} a second"
    )
}

/// What a rehearsal does not know: with rules it may show other times than the service.
fn unknown(has_rules: bool) -> &'static str {
    if has_rules {
        "Not known     bookings of the service, which rules may count (max_per_day); what is changed in the file from \
         now on\n"
    } else {
        ""
    }
}

/// What is said of a rehearsal before everything else.
#[derive(Debug, Clone, Copy)]
pub struct Opening<'a> {
    /// The page.
    pub link: &'a str,
    /// How commands reach it.
    pub commands: &'a TypedCommands,
    /// The address of the server.
    pub openvpms: &'a str,
    /// Calls of the rehearsal.
    pub per_second: u32,
    /// Calls that the configuration allows a service.
    pub service_per_second: u32,
    /// True if appointments are made.
    pub books: bool,
    /// True if a practice has rules.
    pub has_rules: bool,
    /// Those that are rehearsed.
    pub practices: &'a [PracticeId],
}

/// Standard output, before everything else.
pub fn opening(of: &Opening<'_>) -> String {
    let Opening { link, commands, openvpms, per_second, service_per_second, books, has_rules, practices } = *of;
    let does = if books {
        "read, and one booking per resource is made and cancelled again"
    } else {
        "only read; --book makes one booking per resource and cancels it again"
    };
    let practices = listed(practices.iter().map(|id| plain(&id.0)));
    format!(
        "vetbridge rehearse: the clinic's own OpenVPMS, and the built-in Healthengine in the place of the real one.\n\
         Page          {link}\n\
         Commands      vetbridge status{}\n\
         Practices     {practices}\n\
         OpenVPMS      {openvpms} ({does})\n\
         Rate          {}\n\
         Switched off  every call to [healthengine] url, webhooks and their subscriptions, alerts, the heartbeat\n\
         State         in a directory that goes with the rehearsal\n\
         {}\
         Stop          Ctrl-C; a summary follows\n\n",
        commands.option("status"),
        rate(per_second, service_per_second),
        unknown(has_rules)
    )
}

/// A finding on standard output.
pub fn finding(is_problem: bool, place: &str, message: &str, remedy: Option<&str>) -> String {
    let level = if is_problem { "PROBLEM" } else { "note" };
    let remedy = remedy.map(|remedy| format!("\n         {}", ended(remedy))).unwrap_or_default();
    format!("{level:<7}  {place}: {}{remedy}\n", ended(message))
}

/// What `run` would object to, on standard output.
pub fn lacking(what: &[String]) -> String {
    let list: String = what.iter().map(|what| format!("  {what}\n")).collect();
    format!("\n{LACKING}:\n{list}\n")
}

/// What a practice offers.
pub fn offered(practice: &PracticeId, resources: usize, types: usize, starts: usize, days: u32) -> String {
    format!(
        "Practice {}: {}, {}, {} within {days} days",
        plain(&practice.0),
        counted(resources, "resource"),
        counted(types, "appointment type"),
        counted(starts, "time"),
    )
}

/// Not every day was sent in time.
pub const NOT_PUBLISHED: &str = "Not every day was sent; the page says why.";

/// One booking of the round.
pub fn rehearsed(
    what: &str,
    confirmed_after: Option<TimeDelta>,
    cancelled_after: Option<TimeDelta>,
    broken_off: Option<&str>,
    wrong: Option<&str>,
) -> String {
    let confirmed = confirmed_after.map(|after| format!("confirmed after {}", seconds(after)));
    let gone = cancelled_after.map(|after| format!("out of the diary {} after it was cancelled", seconds(after)));
    let wrong = wrong.map(|wrong| format!("WRONG: {}", wrong.trim_end_matches('.')));
    let parts: Vec<String> = [confirmed, gone, broken_off.map(str::to_owned), wrong].into_iter().flatten().collect();
    format!("{}: {}", plain(what), parts.join("; "))
}

/// Why a resource is not booked: nothing to choose from.
pub const NO_TIME_TO_BOOK: &str = "it offers no time that begins a day or more from now";
/// Why a resource is not booked: nothing left to choose from.
pub const TIMES_OF_OTHERS: &str =
    "its times are in the way of what is booked of the others on its schedule or of its clinician";

/// A resource that the round leaves out.
pub fn not_booked_resource(resource: &str, why: &str) -> String {
    format!("{}: not booked: {why}", plain(resource))
}

/// Said once the end was asked for.
pub const CANCELLING: &str = "Ending. What is booked is cancelled first, which can take a minute.";

/// What became of the bookings of a rehearsal.
#[derive(Debug, Clone, Copy)]
pub struct RoundCounts {
    /// Of the round: appointments that were made.
    pub made: usize,
    /// Of these: cancelled, and seen to be gone.
    pub cancelled: usize,
    /// Of the round: not as they should be, made or not.
    pub failed: usize,
    /// Of the round: ended by the end of the rehearsal.
    pub broken_off: usize,
    /// Of the page: cancelled at the end.
    pub withdrawn: usize,
    /// Resources that the round did not book.
    pub left_out: usize,
}

/// What is known of the diary at the end.
#[derive(Debug, Clone, Copy)]
pub enum InTheDiary {
    /// So many appointments stand there or may stand there.
    Left {
        /// In the configured OpenVPMS.
        here: usize,
        /// In another one, of earlier rehearsals.
        elsewhere: usize,
    },
    /// This rehearsal wrote nothing; so much was said of earlier ones.
    NotWritten {
        /// Appointments, or that their list cannot be read.
        left_before: usize,
    },
}

/// The last words.
pub fn summary(counts: &RoundCounts, violations: &[String], diary: InTheDiary) -> String {
    let RoundCounts { made, cancelled, failed, broken_off, withdrawn, left_out } = *counts;
    let mut text = match made {
        0 if failed > 0 || broken_off > 0 => String::new(),
        0 => "The rehearsal made no booking of its own.\n".to_owned(),
        made => format!("{} made, {cancelled} of them cancelled again and gone.\n", counted(made, "booking")),
    };
    if failed > 0 {
        text.push_str(&format!("{} not as they should be.\n", counted(failed, "booking")));
    }
    if broken_off > 0 {
        text.push_str(&format!("{} broken off.\n", counted(broken_off, "booking")));
    }
    if left_out > 0 {
        text.push_str(&format!("{} not booked, as said above.\n", counted(left_out, "resource")));
    }
    if withdrawn > 0 {
        text.push_str(&format!("{} from the page cancelled at the end.\n", counted(withdrawn, "booking")));
    }
    for violation in violations {
        text.push_str(&ended(&format!("The API does not allow this: {violation}")));
        text.push('\n');
    }
    if let InTheDiary::Left { elsewhere: 1.., .. } = diary {
        text.push_str("What an earlier rehearsal left in another OpenVPMS stays on the list.\n");
    }
    text.push_str(&match diary {
        InTheDiary::Left { here: 0, .. } => "Nothing is left in the diary.".to_owned(),
        InTheDiary::Left { here, .. } => format!("{} left in the diary, or perhaps.", counted(here, "appointment")),
        InTheDiary::NotWritten { left_before: 0 } => "Nothing was written to OpenVPMS.".to_owned(),
        InTheDiary::NotWritten { .. } => {
            "Nothing was written to OpenVPMS; what an earlier rehearsal left there is named above.".to_owned()
        }
    });
    text
}

/// A report was written.
pub fn report_written(file: &Path) -> String {
    format!("Report        {}", file.display())
}

/// A report was not written, for the sake of the one before.
pub fn report_kept(file: &Path) -> String {
    format!(
        "Report        {} is the earlier one: this rehearsal was broken off, and does not replace it",
        file.display()
    )
}

/// A file that would be lost.
pub fn report_would_replace(file: &Path) -> Advice {
    Advice::new(
        format!("{} is there and is no report of a rehearsal, so it is not replaced", file.display()),
        "Name another file behind --report",
    )
}

/// A report cannot be written.
pub fn report_unwritable(file: &Path, error: &std::io::Error) -> Advice {
    Advice::new(
        format!("The report cannot be written to {}: {error}", file.display()),
        "Name a file in a directory where you may write",
    )
}
