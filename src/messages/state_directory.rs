//! What is said of the state as a whole: exports, imports, damage.

use std::fmt::{Display, Write as _};
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};

use super::{Advice, counted, plain};
use crate::os::words::{MAKE_DIRECTORY, STOP, STOP_ELSEWHERE};
use crate::store::Unreadable;

/// Only so many records are named one by one.
const NAMED_MAX: usize = 50;

/// `run` found a damaged database, set it aside and goes on.
pub fn rebuilt(why: impl Display, aside: Option<&Path>, taken: usize, lost: &[Unreadable]) -> String {
    let place = aside.map_or_else(String::new, |aside| format!(" It was set aside as {}.", aside.display()));
    format!(
        "The database could not be opened: {why}.{place} {} of it could be taken over{}. Bookings that are missing \
         are taken over from Healthengine when they are next heard of; a booking whose time is taken is flagged \
         instead of rejected. {}",
        counted(taken, "record"),
        if lost.is_empty() { String::new() } else { format!("; lost are: {}", names(lost)) },
        "If there is a backup from shortly before (`vetbridge state export` made it), stop vetbridge and run \
         `vetbridge state import --replace FILE`."
    )
}

/// The same, beside the files.
pub fn damaged_report(why: &str, taken: usize, lost: &[Unreadable], now: DateTime<Utc>) -> String {
    let mut text = format!(
        "{}: vetbridge could not open this database and went on with what it could read of it.\n\nWhat was wrong: \
         {why}\nTaken over: {}\n",
        now.to_rfc3339_opts(SecondsFormat::Secs, true),
        counted(taken, "record"),
    );
    text.push_str("Lost, as far as it can be named:\n");
    for Unreadable { key, reason } in lost {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "  {}: {reason}", plain(key));
    }
    if lost.is_empty() {
        text.push_str("  nothing; records that could not be found at all cannot be named\n");
    }
    text.push_str(
        "\nWhat to do: compare the diary of the coming days with Healthengine's bookings, and settle what is flagged \
         (`vetbridge bookings`).\n\
         Then move this directory out of the state directory; until then vetbridge reports it at every start.\n",
    );
    text
}

/// A health problem for as long as the files are there.
pub fn set_aside(found: &[PathBuf]) -> Option<String> {
    let latest = found.last()?;
    Some(format!(
        "The database was damaged and was set aside as {}; what could be read was taken over (its READ-ME.txt says \
         what was not). Compare the diary of the coming days with Healthengine's bookings, then move that directory \
         away and restart vetbridge.",
        latest.display()
    ))
}

/// Bookings that cannot be read: nothing is done about them.
pub fn unreadable_bookings(unreadable: &[Unreadable]) -> Option<String> {
    (!unreadable.is_empty()).then(|| {
        format!(
            "{} of the ledger cannot be read and are left alone: {}. Look at them in OpenVPMS and at Healthengine. \
             `vetbridge state export` leaves them out, so an export that is imported again (`vetbridge state import \
             --replace`) is without them, and Healthengine's open bookings are then decided anew.",
            counted(unreadable.len(), "booking"),
            names(unreadable)
        )
    })
}

fn names(unreadable: &[Unreadable]) -> String {
    let named = unreadable.iter().take(NAMED_MAX).map(|own| format!("{} ({})", plain(&own.key), own.reason));
    let mut text = named.collect::<Vec<_>>().join(", ");
    if unreadable.len() > NAMED_MAX {
        // Writing into a string cannot fail.
        let _ = write!(text, " and {} more", unreadable.len() - NAMED_MAX);
    }
    text
}

/// What was exported, for whoever typed the command.
pub fn exported(records: usize, to: &Path) -> String {
    format!(
        "{} are in {}. The file holds the key that patients' ids are made with: keep it where nobody else can read it.",
        counted(records, "record"),
        to.display()
    )
}

/// An export that is not all of the state; what is missing stands above this line.
pub fn export_incomplete(missing: usize) -> Advice {
    Advice::new(
        format!("The export is without {}, because they cannot be read", counted(missing, "record")),
        "Keep an earlier export too; `vetbridge state verify` says what is wrong",
    )
}

/// The same where root has asked the owner of the state for it.
pub fn export_incomplete_as_told() -> Advice {
    Advice::new(
        "The export is not all of the state; the line above says why",
        "Keep an earlier export too; `vetbridge state verify` says what is wrong",
    )
}

/// An export of a database that was begun anew. It says nothing of what was lost before.
pub fn export_begun_anew(former: &Path) -> Advice {
    Advice::new(
        format!(
            "The database was damaged, so the export has what could be read of it and what came since; the former one \
             is in {}",
            former.display()
        ),
        "Keep an earlier export too. Compare the diary of the coming days with Healthengine's bookings, then move that \
         directory away",
    )
}

/// An export that is not whole did not replace another one.
pub fn earlier_export_kept(file: &Path) -> String {
    format!("{} was left as it is: it may be the last export with everything in it.", file.display())
}

/// `verify`: an import took the place of a database.
pub fn replaced_is_kept(former: &Path) -> String {
    format!(
        "{} is what was here before an import: a former ledger, with the key of pseudonyms. Delete it when you are \
         sure that the import was right.",
        former.display()
    )
}

/// A record that cannot be read, on a line of its own.
pub fn damaged_record(unreadable: &Unreadable) -> String {
    format!("{}: {}", plain(&unreadable.key), unreadable.reason)
}

/// The output file is there.
pub fn file_exists(path: &Path) -> Advice {
    Advice::new(
        format!("{} exists already, and an earlier export may be the better one", path.display()),
        "Name another file, or say --force",
    )
}

/// A file of the command line cannot be read or written.
pub fn file(path: &Path, why: impl Display) -> Advice {
    Advice::new(format!("{}: {why}", path.display()), "Correct the name, or run the command as a user who may")
}

/// An export would be shown on a terminal.
pub fn terminal() -> Advice {
    Advice::new(
        "An export holds a secret key, which does not belong on a terminal",
        "Name a file: `vetbridge state export FILE`",
    )
}

/// An export that is JSON itself, and what was done too.
pub fn json_needs_a_file() -> Advice {
    Advice::new(
        "Without a file the export itself goes to standard output, where --json would say what was done",
        "Name a file: `vetbridge state export FILE --json`",
    )
}

/// An import while a service runs.
pub fn stop_the_service(holder: &str) -> Advice {
    Advice::new(
        format!("A vetbridge runs on this state directory ({holder}), so nothing can be imported into it"),
        format!("Stop it first ({STOP}), then run the command again"),
    )
}

/// What was imported.
pub fn imported(records: usize, state: &Path, aside: Option<&Path>) -> String {
    let former = aside.map_or_else(String::new, |aside| format!(" What was there before is in {}.", aside.display()));
    format!(
        "{} are in {}.{former} With the next start everything is sent to Healthengine again, and bookings made since \
         the export are taken over from there.\n\
         Stop the vetbridge that the export came from, if it is another one and still runs ({STOP_ELSEWHERE}; not \
         `vetbridge pause`, which empties the days that both offer): two on one practice make bookings twice, or \
         reject what the other one made. In case it runs, the first start leaves each booking to it for twelve \
         seconds, for ten minutes or until two bookings were answered by nobody else.",
        counted(records, "record"),
        state.display()
    )
}

/// `check`: the first run could not make the directory.
pub fn cannot_be_made(state: &Path, why: &io::Error) -> Advice {
    let remedy = if why.kind() == io::ErrorKind::PermissionDenied {
        format!("Before the first run {MAKE_DIRECTORY} {}", state.display())
    } else {
        "Name a place in [state] path where one can be made".to_owned()
    };
    Advice::new(format!("The state directory {} cannot be made: {why}", state.display()), remedy)
}

/// The state was made by root, for whoever runs the service as somebody else.
pub fn made_by_root(state: &Path) -> String {
    format!(
        "The state directory {} belongs to root. If the service runs as another user, give it to that user: chown -R \
         USER {}",
        state.display(),
        state.display()
    )
}

/// Root has asked the owner of the state for an export.
pub const OWNER_FAILED: &str = "There is no export; the line above says why.";

/// There is nothing to export or to verify.
pub fn no_state(state: &Path) -> Advice {
    Advice::new(
        format!("There is no state in {}: no vetbridge has run with it yet", state.display()),
        "Check [state] path in the configuration, or start the service once",
    )
}

/// `verify` found nothing wrong.
pub fn verified(records: usize, kinds: &[(String, usize)]) -> String {
    let kinds: Vec<String> = kinds.iter().map(|(kind, number)| format!("{number} of {kind}")).collect();
    let of = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
    format!("{} can be read{of}.", counted(records, "record"))
}

/// `verify` asked the running service.
pub fn verified_as_the_service_has_it(address: impl Display) -> String {
    format!(
        "vetbridge runs at {address}, so these are the records as it read them at its start and wrote them since. To \
         read the files themselves, stop it first."
    )
}

/// `verify` found something.
pub fn damaged(problems: usize) -> Advice {
    Advice::new(
        format!("{} in the state", counted(problems, "problem")),
        "Import a backup (`vetbridge state import --replace FILE`); or start the service all the same: it goes on \
         with what can be read",
    )
}

/// A file of the state directory that should be there.
pub fn missing(path: &Path) -> String {
    format!("{} is missing: restore it from a backup, or a fresh one is made at the next start", path.display())
}
