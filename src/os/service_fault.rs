//! What can go wrong with the service of Windows, as the person at the keyboard reads it.

use std::path::PathBuf;
use std::time::Duration;

/// Something about the service did not come about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceFault {
    /// Only administrators may do that.
    #[error(
        "Windows refuses that (access denied). Open the prompt with \"Run as administrator\" and type the command again"
    )]
    NotAllowed,
    /// There is no such service.
    #[error("The service vetbridge is not installed. Type `vetbridge service install`")]
    NotInstalled,
    /// It was removed while somebody looks at it.
    #[error(
        "The service vetbridge is being removed, which ends when nobody looks at it any more. Close the windows \
         Services and Event Viewer, and type the command again"
    )]
    BeingRemoved,
    /// It does not run.
    #[error("The service vetbridge does not run. Type `vetbridge service start`")]
    NotRunning,
    /// It is starting or stopping.
    #[error("The service vetbridge is about to start or to stop. Wait for some seconds, and type the command again")]
    Busy,
    /// It came to an end while it was waited for.
    #[error(
        "The service ended at once, with status {status}. The last lines of the log in {} say why", .logs.display()
    )]
    EndedAtOnce {
        /// Its exit status.
        status: u32,
        /// The directory of the log.
        logs: PathBuf,
    },
    /// It takes too long.
    #[error(
        "The service did not {what} within {} seconds. The log in {} says what it does; the window Services shows its \
         state", .within.as_secs(), .logs.display()
    )]
    TooSlow {
        /// Start, or stop.
        what: &'static str,
        /// How long it was waited for.
        within: Duration,
        /// The directory of the log.
        logs: PathBuf,
    },
    /// `icacls` failed.
    #[error(
        "The access list of {} could not be set ({reason}), so other users of this computer may be able to read it. \
         Run the command as an administrator; if it stays, see its properties, Security, and leave SYSTEM, \
         Administrators and the service in the list", .path.display()
    )]
    AccessList {
        /// File or directory.
        path: PathBuf,
        /// What the program said.
        reason: String,
    },
    /// A directory is a link to another one.
    #[error(
        "{} is a link to another place, and anybody may have made it. Remove it, and run the command again",
        .path.display()
    )]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// Somebody else may have put it there.
    #[error(
        "{path} belongs to {owner}, who may be no administrator, so vetbridge does not trust it. If nobody knows it, \
         delete it. If it is yours, look at what it holds and give it to the administrators (icacls \"{path}\" \
         /setowner *S-1-5-32-544 /T /L). Then run the command again",
        path = .path.display()
    )]
    Foreign {
        /// File or directory.
        path: PathBuf,
        /// Whose it is.
        owner: String,
    },
    /// Whose a file is cannot be found out.
    #[error(
        "Windows does not say whose {} is ({reason}), so vetbridge does not trust it. Run the command as an \
         administrator; if it stays, delete that, or give it to the administrators (takeown /A /F)", .path.display()
    )]
    OwnerUnknown {
        /// File or directory.
        path: PathBuf,
        /// What Windows says.
        reason: String,
    },
    /// A file of the service could be changed or replaced.
    #[error(
        "{} can be changed by {by}, and with it what the service does. Use a place that administrators alone can \
         change: the program belongs below C:\\Program Files, where its installer puts it, configuration and state \
         below C:\\ProgramData\\vetbridge", .path.display()
    )]
    Replaceable {
        /// File or directory.
        path: PathBuf,
        /// By whom.
        by: String,
    },
    /// The directory of the configuration is open to others than administrators.
    #[error(
        "{} can be changed by {by}, who may be no administrator, so the service does not trust what is there. Look at \
         it, and type `vetbridge service install` as an administrator: it closes the directory", .path.display()
    )]
    NotClosed {
        /// The directory.
        path: PathBuf,
        /// By whom.
        by: String,
    },
    /// The folder that is to hold the program could be filled by others, and is not empty.
    #[error(
        "{} was open to {by} and has something in it, which they can have put there. Choose a folder below C:\\Program \
         Files, or an empty or new one", .path.display()
    )]
    FolderNotEmpty {
        /// The folder.
        path: PathBuf,
        /// To whom.
        by: String,
    },
    /// A directory cannot be made.
    #[error("{} cannot be made ({reason}). Make its parent directory, or free its name", .path.display())]
    Directory {
        /// Which one.
        path: PathBuf,
        /// What Windows says.
        reason: String,
    },
    /// Anything else that Windows says.
    #[error("The service manager of Windows refuses that ({0}). Restart the computer if a second attempt fails too")]
    Other(String),
    /// `service run`, typed by a person.
    #[error("Only Windows itself starts the service in this way. Type `vetbridge service start`, or `vetbridge run`")]
    NotStartedByWindows,
}

impl ServiceFault {
    /// What an error number of Windows means here.
    pub fn of_windows(number: Option<i32>, said: String) -> Self {
        match number {
            Some(5) => Self::NotAllowed,
            Some(1060) => Self::NotInstalled,
            Some(1061) => Self::Busy,
            Some(1062) => Self::NotRunning,
            Some(1063) => Self::NotStartedByWindows,
            Some(1072) => Self::BeingRemoved,
            _ => Self::Other(said),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_windows_says_by_number_is_said_with_what_to_do() {
        for (number, remedy) in [
            (5, "Run as administrator"),
            (1060, "vetbridge service install"),
            (1061, "Wait for some seconds"),
            (1062, "vetbridge service start"),
            (1063, "vetbridge run"),
            (1072, "Close the windows Services"),
        ] {
            let fault = ServiceFault::of_windows(Some(number), "words of Windows".to_owned()).to_string();
            assert!(fault.contains(remedy) && !fault.contains("words of Windows"), "{number}: {fault}");
        }
        let other = ServiceFault::of_windows(Some(1450), "no resources".to_owned()).to_string();
        assert!(other.contains("no resources"), "{other}");
    }

    #[test]
    fn what_somebody_else_could_have_put_there_is_named_with_whose_it_is_and_a_remedy() {
        let path = PathBuf::from(r"C:\ProgramData\vetbridge");
        let (owner, by) = (r"CLINIC\alice".to_owned(), || "every user of this computer".to_owned());
        for (fault, parts) in [
            (
                ServiceFault::Foreign { path: path.clone(), owner },
                [r"belongs to CLINIC\alice", r#"icacls "C:\ProgramData\vetbridge" /setowner *S-1-5-32-544"#],
            ),
            (
                ServiceFault::OwnerUnknown { path: path.clone(), reason: "access denied".to_owned() },
                ["access denied", "takeown"],
            ),
            (
                ServiceFault::Replaceable { path: path.clone(), by: by() },
                ["changed by every user", r"C:\Program Files"],
            ),
            (
                ServiceFault::FolderNotEmpty { path: path.clone(), by: by() },
                ["open to every user of this computer and has something in it", "empty or new one"],
            ),
            (
                ServiceFault::NotClosed { path: path.clone(), by: by() },
                ["changed by every user", "vetbridge service install"],
            ),
            (ServiceFault::Link { path: path.clone() }, ["link to another place", "Remove it"]),
        ] {
            let said = fault.to_string();
            assert!(said.contains(r"C:\ProgramData\vetbridge"), "{said}");
            assert!(parts.iter().all(|part| said.contains(part)), "{said}");
        }
    }

    #[test]
    fn an_access_list_that_could_not_be_set_names_the_place_the_danger_and_the_remedy() {
        let fault = ServiceFault::AccessList { path: "C:\\state".into(), reason: "status 5".to_owned() }.to_string();
        for part in ["C:\\state", "status 5", "other users", "as an administrator"] {
            assert!(fault.contains(part), "{fault}");
        }
    }
}
