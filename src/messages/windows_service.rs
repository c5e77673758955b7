//! What `vetbridge service` says.

use std::fmt::Display;
use std::path::Path;

use super::Advice;
use crate::os::ownership::{ForeignHand, Hand};

/// Typed where it means nothing.
pub fn not_windows() -> Advice {
    Advice::new(
        "`vetbridge service` is for Windows",
        "Here the service manager has the service: type `systemctl start vetbridge`, or `vetbridge run` to run it in \
         the foreground",
    )
}

/// The directories are made and closed.
pub fn prepared(directory: &Path) -> String {
    format!(
        "{} is ready for configuration, state and log, and closed to all but administrators, the system and the \
         service.",
        directory.display()
    )
}

/// Somebody has a hand in a directory that was closed: mostly the administrator who opened it.
pub fn opened_to(foreign: &ForeignHand) -> Advice {
    let ForeignHand { path, hand: Hand::Owns(whom) | Hand::Changes(whom) } = foreign;
    Advice::new(
        format!(
            "{} can be changed by {whom}, and so by every program that this person starts: Explorer adds whoever opens \
             it with Continue",
            path.display()
        ),
        "Type `vetbridge service prepare` as an administrator, which closes it again, and open it from the prompt of \
         an administrator only",
    )
}

/// The folder of the program is made.
pub fn program_folder_prepared(folder: &Path) -> String {
    format!("{} is ready for the program: administrators alone can change what is in it.", folder.display())
}

/// The service is there.
pub fn installed(config: &Path, account: &str) -> String {
    format!(
        "The service vetbridge is installed: it reads {}, runs as {account} and starts with the computer.",
        config.display()
    )
}

/// What to type next.
pub const HOW_TO_START: &str = "`vetbridge check` says whether all is well; `vetbridge service start` starts it now.";

/// Installed, though not as it should be.
pub fn not_restarted_after_errors(why: impl Display) -> String {
    format!(
        "Windows restarts the service after a crash, but not after an exit with an error ({why}). Set it in the \
         window Services: vetbridge, Properties, Recovery, Enable actions for stops with errors."
    )
}

/// The service is gone.
pub fn uninstalled(directory: &Path) -> String {
    format!("The service vetbridge is removed. Configuration, state and log are still in {}.", directory.display())
}

/// It does its work.
pub fn started(logs: &Path) -> String {
    format!("The service runs. Its log is in {}; `vetbridge status` says how it is.", logs.display())
}

/// It has left.
pub const STOPPED: &str = "The service is stopped.";
/// It was asked to read its configuration.
pub const RELOADED: &str =
    "The service was asked to read its configuration again; `vetbridge status` and its log say what came of it.";
/// How it is.
pub const RUNNING: &str = "The service runs.";
/// How it is.
pub const NOT_RUNNING: &str = "The service does not run.";

/// The service's log cannot be written.
pub fn no_log_file(directory: &Path, why: impl Display) -> String {
    format!(
        "The log in {} cannot be written ({why}), so only warnings and errors are kept, in the event log. Type \
         `vetbridge service install` as an administrator: it sets the rights of the directory.",
        directory.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::assert_well_said;

    #[test]
    fn an_opened_directory_is_named_with_whom_it_is_open_to_and_what_closes_it() {
        let path = r"C:\ProgramData\vetbridge".into();
        let said = opened_to(&ForeignHand { path, hand: Hand::Changes(r"CLINIC\alice".to_owned()) });
        assert_well_said(&said);
        assert!(said.problem.starts_with(r"C:\ProgramData\vetbridge can be changed by CLINIC\alice"), "{said}");
        assert!(said.remedy.contains("`vetbridge service prepare`"), "{said}");
    }
}
