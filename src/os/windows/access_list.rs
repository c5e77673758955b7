//! Who may read files and directories on Windows: access lists, set and read by the system's own
//! program `icacls`, because there is no other way without unsafe code.
//!
//! A directory below `%ProgramData%` is readable by every user of the computer, and every user may
//! make one there. So a list is set anew, inherits nothing, and what was in the directory before
//! belongs to the administrators from then on.
//!
//! Accounts are named by their numbers: their names differ from language to language.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::os::sddl;
use crate::os::service_fault::ServiceFault;
use crate::os::service_sid::{SERVICE_NAME, of_service};

const SYSTEM: &str = "S-1-5-18";
const ADMINISTRATORS: &str = "S-1-5-32-544";
/// Whoever owns a file: the one that made it.
const OWNER: &str = "S-1-3-4";

/// What the service may do in a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceRights {
    /// Read its files.
    Read,
    /// Make, change and remove them too.
    Modify,
}

impl ServiceRights {
    fn letters(self) -> &'static str {
        match self {
            Self::Read => "RX",
            Self::Modify => "M",
        }
    }
}

/// Makes the directory if need be and closes it to everybody but the system, administrators and the
/// service, with all that is in it but `others`, which have lists of their own: a service that runs
/// keeps its access to them all the time.
///
/// # Errors
/// It cannot be made, or its list cannot be set.
pub fn close_directory(path: &Path, rights: ServiceRights, others: &[PathBuf]) -> Result<(), ServiceFault> {
    // Whoever made it before could have made a link that leads elsewhere, and what it leads to
    // would be given away with it.
    if fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_symlink()) {
        return Err(ServiceFault::Link { path: path.to_owned() });
    }
    fs::create_dir_all(path)
        .map_err(|error| ServiceFault::Directory { path: path.to_owned(), reason: error.to_string() })?;
    // The owner of a directory can always change its list.
    icacls(path, path, ["/setowner", &account(ADMINISTRATORS), "/T", "/L", "/Q"])?;
    let all =
        ["/inheritance:r".to_owned(), "/grant:r".to_owned(), inherited(SYSTEM, "F"), inherited(ADMINISTRATORS, "F")];
    icacls(
        path,
        path,
        all.into_iter().chain([inherited(&of_service(SERVICE_NAME), rights.letters()), "/Q".to_owned()]),
    )?;
    let entries = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    entries
        .filter(|entry| !others.contains(entry))
        .try_for_each(|entry| icacls(path, &entry, ["/reset", "/T", "/L", "/Q"]))
}

/// Closes what was just made to everybody but its maker, the system and administrators; of a
/// directory, with all that will be in it, to the service neither.
///
/// # Errors
/// The list cannot be set.
pub fn close_own(path: &Path) -> Result<(), ServiceFault> {
    let is_directory = path.is_dir();
    let grant = |sid: &str, rights: &str| {
        if is_directory { inherited(sid, rights) } else { format!("{}:{rights}", account(sid)) }
    };
    let mut arguments = vec!["/inheritance:r".to_owned(), "/grant:r".to_owned()];
    arguments.extend([SYSTEM, ADMINISTRATORS, OWNER].map(|sid| grant(sid, "F")));
    if is_directory {
        arguments.push(grant(&of_service(SERVICE_NAME), ServiceRights::Modify.letters()));
    }
    arguments.push("/Q".to_owned());
    icacls(path, path, arguments)
}

/// Lets the service read a file that lies elsewhere.
///
/// # Errors
/// The list cannot be set.
pub fn let_the_service_read(file: &Path) -> Result<(), ServiceFault> {
    icacls(file, file, ["/grant", &format!("{}:R", account(&of_service(SERVICE_NAME))), "/Q"])
}

/// True if all users of the computer are in the file's list; false too if that cannot be found out.
pub fn lets_all_users_in(file: &Path) -> bool {
    let saved = || -> io::Result<Vec<u8>> {
        let scratch = tempfile::tempdir()?;
        let list = scratch.path().join("list");
        icacls(file, file, [OsStr::new("/save"), list.as_os_str(), OsStr::new("/Q")]).map_err(io::Error::other)?;
        fs::read(&list)
    };
    saved().is_ok_and(|bytes| sddl::lets_all_users_in(&text(&bytes)))
}

/// `icacls` writes UTF-16.
fn text(bytes: &[u8]) -> String {
    let (units, _) = bytes.as_chunks::<2>();
    String::from_utf16_lossy(&units.iter().map(|unit| u16::from_le_bytes(*unit)).collect::<Vec<u16>>())
}

fn account(sid: &str) -> String {
    format!("*{sid}")
}

/// Of a directory, and of everything in it.
fn inherited(sid: &str, rights: &str) -> String {
    format!("{}:(OI)(CI){rights}", account(sid))
}

/// Runs the program of the system's own directory, and no other of that name.
fn program() -> PathBuf {
    let system = winsafe::GetSystemDirectory().unwrap_or_else(|_| r"C:\Windows\System32".to_owned());
    PathBuf::from(system).join("icacls.exe")
}

/// `about` is what the error is about.
fn icacls(
    about: &Path,
    path: &Path,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Result<(), ServiceFault> {
    let fault = |reason: String| ServiceFault::AccessList { path: about.to_owned(), reason };
    let mut command = Command::new(program());
    let ended = command.arg(path).args(arguments).stdin(Stdio::null()).output();
    let ended = ended.map_err(|error| fault(format!("icacls cannot be started: {error}")))?;
    if ended.status.success() {
        return Ok(());
    }
    // It speaks the language and the code page of the console.
    let said = String::from_utf8_lossy(&ended.stderr).lines().next().unwrap_or_default().trim().to_owned();
    let status = ended.status.code().unwrap_or(-1);
    Err(fault(if said.is_empty() { format!("icacls ended with status {status}") } else { format!("icacls: {said}") }))
}
