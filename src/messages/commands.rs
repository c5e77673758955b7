//! What the commands say that look at a service, or do its work while none runs.

use std::fmt::Display;
use std::path::Path;

use chrono::{DateTime, Utc};

use super::{Advice, listed, plain};
use crate::ids::PracticeId;
use crate::mapping::changes::ConfigurationChanges;
use crate::os::words::{MAY_EVERYTHING, START};
use crate::zone::Zone;

/// The token of the service cannot be read, as a rule because somebody else may.
pub fn token_unreadable(why: impl Display) -> Advice {
    Advice::new(format!("The admin token of the running service cannot be read: {why}"), MAY_EVERYTHING)
}

/// Something answers as a vetbridge does, and cannot prove that it holds this state directory.
/// Nothing was shown to it.
pub fn another_instance(address: impl Display, state: &Path) -> Advice {
    Advice::new(
        format!(
            "The vetbridge that answers at {address} does not take the token of the state directory {}, because it \
             cannot prove that it knows it: it is another instance, an older version, or another program in its \
             place, or the token was changed while it ran",
            state.display()
        ),
        "Name the configuration that it runs with (--config), or give this one its own [admin] listen; after an \
         update or a change of the token restart it",
    )
}

/// The service proved itself, and then somebody else answered.
pub const ANSWER_NOT_PROVED: &str = "the answer does not come from the process that holds the state directory";

/// The service broke the conversation off, or said something that is no answer.
pub fn service_failed(address: impl Display, why: impl Display) -> Advice {
    Advice::new(
        format!("The vetbridge at {address} did not answer as it should: {why}"),
        "Look into its log; if it was stopped or updated meanwhile, run the command again",
    )
}

/// No service answers, and yet a process holds the state. `holder` says which, `why` what the
/// service did instead of answering.
pub fn held_by_a_mute_service(state: &Path, holder: &str, address: impl Display, why: &str) -> Advice {
    Advice::new(
        format!(
            "The state directory {} is in use by another vetbridge ({holder}), and at {address}, where [admin] listen \
             says it should answer, {why}",
            state.display()
        ),
        "Name the configuration that it runs with (--config), or stop it first",
    )
}

/// `check` while the service runs.
pub fn runs_already(address: impl Display) -> String {
    format!("vetbridge runs at {address} and has the state directory")
}

/// `check` before the first start.
pub fn not_started_yet(address: impl Display) -> Advice {
    Advice::new(
        format!("No running service answers at {address}, and none has run with this state directory yet"),
        "Nothing, if vetbridge is to be started after this check",
    )
}

/// `check` of a service that has run, and does not.
pub fn has_stopped(address: impl Display) -> Advice {
    Advice::new(
        format!(
            "vetbridge has run with this state directory, and does not answer at {address} now: nobody answers \
             bookings, and Healthengine hides the practices"
        ),
        format!("Start it ({START}), and check again"),
    )
}

/// `check`, of a running service without a problem.
pub const SERVICE_IS_WELL: &str = "the running service is in step and has no problem";

/// `check`, of one that is not in step.
pub fn not_in_step(reason: &str) -> String {
    format!("not in step: {reason}")
}

/// `check`, of a service whose configuration has not arrived at Healthengine.
pub fn unsent_configuration(changes: &ConfigurationChanges) -> Advice {
    Advice::new(
        format!("Healthengine has not accepted this part of the configuration yet: {}", changes_in_one_line(changes)),
        "Nothing, if this passes within a minute; else see what the practice suffers from",
    )
}

/// What changes at Healthengine, for a table.
pub fn changes_in_one_line(changes: &ConfigurationChanges) -> String {
    changes.to_string().lines().collect::<Vec<_>>().join("; ")
}

/// `check` by another user than the one that the service is to run as. `owner` says whose the
/// directory is.
pub fn check_as_other_user(owner: impl Display) -> Advice {
    Advice::new(
        format!("This check runs as another user than the service: {owner}"),
        "Nothing, if vetbridge run is started as the owner, as by systemd",
    )
}

/// Why nobody answers: the port is closed.
pub const NOBODY_LISTENS: &str = "nobody listens";
/// Why nobody answers: something else listens there.
pub const NOT_VETBRIDGE: &str = "something else answers";

/// Why nobody answers, as the network says.
pub fn no_answer(why: impl Display) -> String {
    format!("there is no answer ({why})")
}

/// A state directory that no vetbridge ever used.
pub fn never_ran(state: &Path) -> String {
    format!(
        "No vetbridge has run with the state directory {} yet, so its ledger is empty. (Check [state] path if that is \
         a surprise.)",
        state.display()
    )
}

/// A booking that the ledger does not know.
pub fn unknown_booking(id: i64) -> Advice {
    Advice::new(
        format!("There is no booking {id} in the ledger"),
        "List the bookings with `vetbridge bookings`; a settled one is forgotten [bookings] keep_days after its \
         appointment",
    )
}

/// No booking to list, of all or of those that are wanted.
pub fn no_bookings(of_all: bool) -> &'static str {
    if of_all { "There are no bookings in the ledger." } else { "There are no such bookings in the ledger." }
}

/// The list ends before the bookings do.
pub fn more_bookings(more: usize, total: usize) -> String {
    format!("And {more} more: --limit {total} shows all, --practice, --state and --since fewer.")
}

/// Pages of the manual.
pub fn pages_written(pages: usize, directory: &Path) -> String {
    format!("Wrote {pages} pages to {}.", directory.display())
}

/// Something could not be written there.
pub fn not_written(directory: &Path, why: impl Display) -> Advice {
    Advice::new(
        format!("The pages cannot be written to {}: {why}", directory.display()),
        "Name a directory that exists and that you may write to",
    )
}

/// A practice that nobody configured, or that is disabled.
pub fn unknown_practice(id: &str, file: &Path, known: &[String]) -> Advice {
    Advice::new(
        format!("Practice {} is not among those that are enabled in {}", plain(id), file.display()),
        match known {
            [] => "Add a [[practice]] to the configuration, or enable one".to_owned(),
            known => format!("Enabled are {}: correct --practice, or the configuration", listed(known)),
        },
    )
}

/// A practice that nobody configured.
pub fn practice_not_configured(id: &str, file: &Path, known: &[String]) -> Advice {
    Advice::new(
        format!("Practice {} is not in {}", plain(id), file.display()),
        match known {
            [] => "Add a [[practice]] to it".to_owned(),
            known => format!("It has {}: correct --practice, or the configuration", listed(known)),
        },
    )
}

/// A command that has nothing to ask.
pub fn not_running(address: impl Display, why: &str) -> Advice {
    Advice::new(
        format!("No vetbridge runs at {address}: {why}"),
        format!("Start it ({START}), or name the configuration that it runs with (--config)"),
    )
}

/// `status` of a service that is well, with so many practices paused.
pub fn healthy(paused: usize) -> String {
    match paused {
        0 => "All is well.".to_owned(),
        1 => "All is well, and 1 practice is paused: it takes no bookings.".to_owned(),
        _ => format!("All is well, and {paused} practices are paused: they take no bookings."),
    }
}

/// `probe` of a service whose process works.
pub const WORKS: &str = "The process works.\n";

/// `probe` of one that has to be started again.
pub fn stands_still(address: impl Display) -> Advice {
    Advice::new(
        format!("The vetbridge at {address} stands still, or a part of it keeps failing (status 503)"),
        "Whoever runs it starts it again; `vetbridge status` and its log say what stands still",
    )
}

/// `probe` where no vetbridge answers.
pub fn not_probed(address: impl Display, why: &str) -> Advice {
    Advice::new(
        format!("No vetbridge answers at {address}: {why}"),
        "Start it, or type the address that [admin] listen of its configuration names (vetbridge probe ADDRESS)",
    )
}

/// `status` of one that is not.
pub const NOT_HEALTHY: &str = "Something needs attention:";

/// Bookings are flagged.
pub fn bookings_need_attention(count: usize) -> String {
    let (bookings, need) = if count == 1 { ("booking", "needs") } else { ("bookings", "need") };
    format!(
        "{count} {bookings} {need} a person; `vetbridge bookings` says for what. {}",
        super::resolve::how_to_settle("ID")
    )
}

/// The service pauses a practice.
pub fn paused(practice: &str, silent: bool, is_disabled: bool) -> String {
    let practice = plain(practice);
    let how = if silent {
        "its days at Healthengine are empty, and nothing is sent for it"
    } else {
        "what is under way is being settled, then its days at Healthengine are emptied (see `vetbridge status`)"
    };
    format!("Practice {practice} is paused: {how}. {}", starts_again(&practice, is_disabled))
}

/// What starts a paused practice. The end of its pause does not, where the file disables it too.
fn starts_again(practice: &str, is_disabled: bool) -> String {
    if is_disabled {
        format!(
            "It is also disabled in the configuration: `vetbridge resume --practice {practice}` ends the pause, and \
             without `enabled = false` in its [[practice]] it starts again."
        )
    } else {
        format!("`vetbridge resume --practice {practice}` starts it again.")
    }
}

/// A pause that stands.
pub fn paused_already(practice: &str, since: Option<(DateTime<Utc>, Zone)>, is_disabled: bool) -> String {
    let practice = plain(practice);
    format!(
        "Practice {practice} is paused already{}; nothing was changed. {}",
        since_text(since),
        starts_again(&practice, is_disabled)
    )
}

/// A pause whose end was asked for and that there is not. `off` says why the practice is off all
/// the same.
pub fn not_paused(practice: &str, off: Option<&str>) -> String {
    let state = match off {
        Some(why) => format!("it is off because it is {why} in the configuration"),
        None => "it is on".to_owned(),
    };
    format!("Practice {} is not paused, and nothing was changed: {state}.", plain(practice))
}

fn since_text(since: Option<(DateTime<Utc>, Zone)>) -> String {
    since.map(|(since, zone)| format!(" since {}", at(since, zone))).unwrap_or_default()
}

/// A moment by the clocks of a zone, which is named.
pub fn at(moment: DateTime<Utc>, zone: Zone) -> String {
    format!("{} {zone}", zone.wall(moment).format("%Y-%m-%d %H:%M:%S"))
}

/// `status` of a practice that is off and called so. Its times are in this zone, which is named if
/// any follow.
pub fn is_off(practice: &str, why: &str, since: Option<DateTime<Utc>>, zone: Zone, has_times: bool) -> String {
    let local = |since| format!(" since {}", zone.wall(since).format("%Y-%m-%d %H:%M:%S"));
    let named = if has_times || since.is_some() { format!(" (times: {zone})") } else { String::new() };
    format!("{practice} is {why}{}{named}.", since.map(local).unwrap_or_default())
}

/// Why a practice that is off is not sent again, and what to do.
pub fn off_is_not_sent(practice: &str, why: &str, since: Option<(DateTime<Utc>, Zone)>) -> Advice {
    let practice = plain(practice);
    Advice::new(
        format!("Practice {practice} is {why}{}, so nothing is sent for it", since_text(since)),
        match why {
            "paused" => format!("Type `vetbridge resume --practice {practice}`, which sends everything again"),
            "disabled" => "Write `enabled = true` into its [[practice]], or take `enabled` out".to_owned(),
            _ => "Put its [[practice]] back into the configuration".to_owned(),
        },
    )
}

/// Why nothing is sent while no service runs.
pub fn resync_without_service(address: impl Display, why: &str) -> Advice {
    Advice::new(
        format!(
            "No vetbridge runs at {address} ({why}), so nothing was sent: pet owners could book times that nobody \
             answers for"
        ),
        format!(
            "Start it ({START}), which sends everything by itself, or name the configuration that it runs with \
             (--config). Type --dry-run to see what would be sent, or --offline-too to send it all the same"
        ),
    )
}

/// The service runs a practice again.
pub fn resumed(practice: &str) -> String {
    format!("Practice {} is on: configuration, availability and outstanding requests follow at once.", plain(practice))
}

/// The pause of a practice ended that stays off.
pub fn resumed_but_off(practice: &str, why: &str) -> String {
    format!(
        "Practice {} is not paused any more, and stays off because it is {why} in the configuration.",
        plain(practice)
    )
}

/// A pause or its end while no service runs.
pub fn paused_for_the_next_start(practice: &str, paused: bool, is_disabled: bool) -> String {
    let practice = plain(practice);
    if paused {
        format!(
            "Practice {practice} is paused. No vetbridge runs: its days at Healthengine are emptied at the next start. \
             {}",
            starts_again(&practice, is_disabled)
        )
    } else {
        format!("Practice {practice} is not paused any more. No vetbridge runs: it is served from the next start on.")
    }
}

/// Nothing to send.
pub fn no_practice_enabled(file: &Path) -> Advice {
    Advice::new(
        format!("No practice is enabled in {}, so there is nothing to send", file.display()),
        "Add a [[practice]], or enable one",
    )
}

/// A resync that did not do all of its work; the problems stand above this line.
pub fn resync_had_problems(practices: &[PracticeId]) -> Advice {
    let which = if practices.len() == 1 { "practice" } else { "practices" };
    Advice::new(
        format!("The resync of {which} {} is not complete", listed(practices)),
        "See to the problem, then run it again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_commands_say_is_a_problem_and_a_remedy_in_sentences() {
        let state = Path::new("/var/lib/vetbridge");
        let practice = PracticeId("1234567".into());
        for advice in [
            token_unreadable("Permission denied"),
            another_instance("127.0.0.1:8686", state),
            service_failed("127.0.0.1:8686", "it hung up"),
            held_by_a_mute_service(state, "process 7", "127.0.0.1:8686", NOBODY_LISTENS),
            unknown_booking(7),
            unknown_practice("7", state, &[]),
            unknown_practice("7", state, &["1".into(), "2".into()]),
            practice_not_configured("7", state, &[]),
            practice_not_configured("7", state, &["1".into()]),
            off_is_not_sent("7", "paused", None),
            off_is_not_sent("7", "disabled", None),
            off_is_not_sent("7", "removed", None),
            resync_without_service("127.0.0.1:8686", NOBODY_LISTENS),
            not_running("127.0.0.1:8686", NOBODY_LISTENS),
            not_probed("127.0.0.1:8686", NOBODY_LISTENS),
            stands_still("127.0.0.1:8686"),
            not_written(state, "Permission denied"),
            no_practice_enabled(state),
            resync_had_problems(std::slice::from_ref(&practice)),
            resync_had_problems(&[practice.clone(), practice]),
        ] {
            for part in [&advice.problem, &advice.remedy] {
                assert!(part.starts_with(char::is_uppercase) && !part.ends_with('.') && !part.contains("  "), "{part}");
            }
        }
        let sydney = "Australia/Sydney".parse().unwrap();
        let since = DateTime::from_timestamp(1_770_000_000, 0).map(|since| (since, sydney));
        let paused = off_is_not_sent("7", "paused", since).to_string();
        assert!(paused.starts_with("Practice 7 is paused since 2026-02-02 13:40:00 Australia/Sydney, so"), "{paused}");
        let both = paused_already("7", since, true);
        assert!(both.contains("also disabled") && !both.contains("` starts it again"), "{both}");
        assert!(unknown_practice("7\n", state, &["1".into(), "2".into()]).to_string().contains("Practice 7\\n is"));
    }
}
