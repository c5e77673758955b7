//! What differs between the systems that vetbridge runs on, in one place. Every other module asks
//! here, and is the same everywhere.
//!
//! | question | Unix | Windows |
//! | --- | --- | --- |
//! | who may read a file of ours | its mode, 0600 and 0700 | the access list of the directory, set by `icacls` |
//! | whose is a directory | its owner's user id | a matter of the access list |
//! | how a new name is made to last | its directory is synced | nothing to do: NTFS keeps a journal of names |
//! | how data is made to last | any handle is synced | a handle that may write is (`FlushFileBuffers`) |
//! | what a lock means | advice: whoever holds it can be read | mandatory: nobody else reads the file |
//! | what stops us | SIGTERM, SIGINT | Ctrl-C, a closed window, the service manager |
//! | what reloads us | SIGHUP | a control of the service manager |
//! | the service manager | systemd, by `sd_notify` | Windows, by `windows-service` |
//! | where things are | `/etc`, `/var/lib` | `%ProgramData%\vetbridge` |
//! | what a person types | [`words`] | [`words`] |
//!
//! `access`, `files`, `places`, `process_owner`, `service_manager` and `signals` have the same
//! functions in both folders. What only Windows has is in its folder: how the service is installed
//! and run, its event log, its access lists.

pub mod held_lock;
pub mod ownership;
pub mod sddl;
pub mod service_fault;
pub mod service_sid;
pub mod signal;
pub mod trusted_owners;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;
pub mod words;

#[cfg(unix)]
pub use unix::{access, files, places, process_owner, service_manager, signals};
#[cfg(windows)]
pub use windows::{
    access, access_list, event_log, files, installation, log_file, places, process_owner, service_manager, signals,
};
