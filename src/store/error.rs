//! What can go wrong with the store, in the words an operator reads: what happened, and what to do.

use std::path::PathBuf;

use crate::os::words::{MAY_EVERYTHING, START};

/// A change that was not stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The disk or the database refused a write. Nothing can be stored any more in this process:
    /// stop with a status that is not zero, so that the supervisor starts it again. What was
    /// committed before is safe.
    #[error("the store cannot be written any more: {reason}. See to the disk; then start vetbridge again")]
    Broken {
        /// What the disk or the database said.
        reason: String,
    },
    /// A mistake of the program: a key that is none.
    #[error("a key of a {kind} record cannot be used: {problem}")]
    BadKey {
        /// Of which kind of record.
        kind: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// A record over 16 MiB.
    #[error("the record {key} is too large to be stored ({bytes} bytes)")]
    TooLarge {
        /// Kind and key.
        key: String,
        /// Its size.
        bytes: usize,
    },
    /// A mistake of the program: a record that JSON cannot express.
    #[error("the record {key} cannot be written as JSON")]
    NoJson {
        /// Kind and key.
        key: String,
    },
}

/// A state directory that was not opened. Nothing was deleted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The directory and its parent are missing.
    #[error("the state directory {path} cannot be made, because {parent} does not exist. Make it, or correct [state] \
             path in the configuration", parent = .path.parent().unwrap_or(.path).display(), path = .path.display())]
    NoParent {
        /// The state directory.
        path: PathBuf,
    },
    /// The parent is no directory.
    #[error("the state directory {path} cannot be made, because {parent} is a file. Correct [state] path in the \
             configuration", parent = .path.parent().unwrap_or(.path).display(), path = .path.display())]
    ParentIsFile {
        /// The state directory.
        path: PathBuf,
    },
    /// The parent is there, and its file system lets nobody make a directory in it.
    #[error("the state directory {path} cannot be made, because no directory can be made in {parent}. Name another \
             place in [state] path", parent = .path.parent().unwrap_or(.path).display(), path = .path.display())]
    NoPlace {
        /// The state directory.
        path: PathBuf,
    },
    /// A file where the directory should be.
    #[error("the state directory {} is a file. Correct [state] path in the configuration", .path.display())]
    NotADirectory {
        /// The state directory.
        path: PathBuf,
    },
    /// The directory is another user's.
    #[error("the state directory {} belongs to the user with id {owner}, and vetbridge runs as {ours}. {remedy}",
            .path.display(), remedy = to_be_its_owner(.owner, .ours))]
    OtherOwner {
        /// The state directory.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who we are.
        ours: u32,
    },
    /// The directory was never a state directory, and is not empty.
    #[error("{} is no state directory of vetbridge: it holds {example}. Give [state] path a directory of its \
             own", .path.display())]
    ForeignFiles {
        /// The directory.
        path: PathBuf,
        /// One of the strangers in it.
        example: String,
    },
    /// Another process has it open.
    #[error("the state directory {} is in use by another vetbridge ({holder}). Stop that one first, or give this one \
             its own [state] path", .path.display())]
    InUse {
        /// The state directory.
        path: PathBuf,
        /// Its process id and since when, as far as is known.
        holder: String,
    },
    /// The directory, the disk or a file in it refuses reading or writing. It may pass: a full disk
    /// is emptied.
    #[error("the state directory {} cannot be used: {reason}. Check free space, mount and \
             permissions", .path.display())]
    Disk {
        /// The state directory, or a file in it.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// This user may not use it. It may pass: somebody gives it to the user of a running service.
    #[error("the state directory {} cannot be used: {reason}. {MAY_EVERYTHING}; or name another directory in [state] \
             path", .path.display())]
    Denied {
        /// The state directory, or a file in it.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A database was here and is gone.
    #[error("the database in {} is empty, but one was in use there since {since}. Restore the directory from a \
             backup; or, to begin anew on purpose, remove the file {} and start again (bookings are then taken over \
             from Healthengine as far as it remembers them)", .path.display(), .marker.display())]
    Vanished {
        /// The state directory.
        path: PathBuf,
        /// The file that says that a database was in use.
        marker: PathBuf,
        /// Since when.
        since: String,
    },
    /// Database and marker file belong to two instances.
    #[error("the state directory {} holds the database of another instance than its file {} says. Restore the whole \
             directory from one backup; or, if the database is the right one, remove that \
             file", .path.display(), .marker.display())]
    MixedUp {
        /// The state directory.
        path: PathBuf,
        /// The file that names the other instance.
        marker: PathBuf,
    },
    /// The database cannot be read.
    #[error("the database in {} is damaged ({reason}). Restore the directory from a backup; or move it away and start \
             with an empty one (bookings are then taken over from Healthengine as far as it remembers \
             them)", .path.display())]
    Damaged {
        /// The state directory.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// A later program used the database.
    #[error("the state directory {} was used by a later vetbridge: its records of kind {kind} have version {version}, \
             and this program knows {known} at most. Nothing was changed. Start the later program again; or restore \
             the backup that was made before the update", .path.display())]
    Newer {
        /// The state directory.
        path: PathBuf,
        /// Of which kind of record.
        kind: String,
        /// Its version.
        version: u32,
        /// Ours.
        known: u32,
    },
    /// An import would replace what is there.
    #[error("the state directory {} holds a state already. Say --replace to set that aside (under another name, \
             nothing is deleted), or give [state] path another directory", .path.display())]
    Occupied {
        /// The state directory.
        path: PathBuf,
    },
    /// An import was cut short, and what it left cannot be read.
    #[error("{} was to become the content of the state directory and cannot be read ({reason}). Remove the file to \
             keep what is there, or import again", .path.display())]
    Incoming {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// A file with a key or token holds something else.
    #[error("{} does not hold what it should: {problem}. Restore it from a backup, or remove it and start again: a \
             fresh one is made", .path.display())]
    SecretFile {
        /// The file.
        path: PathBuf,
        /// What is wrong, without its content.
        problem: &'static str,
    },
}

/// How the directory is used by its owner. root is not told to take it: it is the service's, which
/// could not open it any more.
fn to_be_its_owner(owner: &u32, ours: &u32) -> String {
    if *ours == 0 {
        return format!("Start the service, which runs as that user ({START}), or give [state] path another directory");
    }
    format!("Run it as that user (sudo -u '#{owner}'), or change the owner with everything inside (chown -R)")
}

impl OpenError {
    /// Whether trying again later, without anybody changing the configuration or the files, can
    /// succeed.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Disk { .. } | Self::Denied { .. } => true,
            Self::NoParent { .. }
            | Self::ParentIsFile { .. }
            | Self::NoPlace { .. }
            | Self::NotADirectory { .. }
            | Self::OtherOwner { .. }
            | Self::ForeignFiles { .. }
            | Self::InUse { .. }
            | Self::Vanished { .. }
            | Self::MixedUp { .. }
            | Self::Damaged { .. }
            | Self::Newer { .. }
            | Self::SecretFile { .. }
            | Self::Occupied { .. }
            | Self::Incoming { .. } => false,
        }
    }
}

/// A text that was to be imported and is no whole export. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadExport {
    /// Something else.
    #[error("this is no export of a vetbridge state. Name a file that `vetbridge state export` wrote")]
    NoExport,
    /// A later program's.
    #[error(
        "this export has version {version}, and this program knows {known} at most. Import it with the vetbridge that \
         wrote it, or a later one"
    )]
    Newer {
        /// Its version.
        version: u32,
        /// Ours.
        known: u32,
    },
    /// The last line is missing.
    #[error("the export is cut off after line {after}. Take another copy of it: it was not written to its end")]
    CutOff {
        /// The last line that is there.
        after: usize,
    },
    /// A line that is none of ours.
    #[error(
        "line {number} of the export is bad: {problem}. Nothing was imported; take another copy of the export, or an \
         earlier one"
    )]
    Line {
        /// Which line, from 1.
        number: usize,
        /// What is wrong with it, without its content.
        problem: String,
    },
    /// Every line can be read, and yet it is not what was written.
    #[error(
        "the export was changed after it was written: number or checksum of its lines differ from what its last line \
         says. Nothing was imported; take another copy of the export, or an earlier one"
    )]
    Changed,
    /// It cannot be read to its end.
    #[error("the export cannot be read: {reason}. Nothing was imported")]
    Unreadable {
        /// What the system said.
        reason: String,
    },
}
