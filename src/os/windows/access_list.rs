//! Who may read files and directories on Windows: access lists, set by the system's own program
//! `icacls`, because there is no other way without unsafe code.
//!
//! A directory below `%ProgramData%` is readable by every user of the computer, and every user may
//! make one there. So what somebody else has put there is refused, and the list is set anew and
//! inherits nothing. That the list names the service says that all of this was done: what is in
//! such a directory, administrators have put there.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::file_security::{self, changer_of, list_of, own_and_service};
use crate::os::sddl;
use crate::os::service_fault::ServiceFault;
use crate::os::service_sid::{SERVICE_NAME, of_service};
use crate::os::trusted_owners::{ADMINISTRATORS, SYSTEM};

/// The group that every user belongs to.
const USERS: &str = "S-1-5-32-545";
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
/// It cannot be made, somebody else may have put it or something in it there, or its list cannot be
/// set.
pub fn close_directory(path: &Path, rights: ServiceRights, others: &[PathBuf]) -> Result<(), ServiceFault> {
    make(path)?;
    if !is_closed_for_the_service(path) {
        // A service that runs keeps the directory until what others have put there is dealt with.
        if names_the_service(path) {
            file_security::refuse_foreign_below(path)?;
        }
        icacls(path, path, ["/setowner", &account(ADMINISTRATORS), "/L", "/Q"])?;
        icacls(path, path, ["/reset", "/L", "/Q"])?;
        set_list(path, [inherited(SYSTEM, "F"), inherited(ADMINISTRATORS, "F")])?;
        // Nobody else can put anything there from here on.
        file_security::refuse_foreign_below(path)?;
    }
    // The owner of a file can always change its list.
    icacls(path, path, ["/setowner", &account(ADMINISTRATORS), "/T", "/L", "/Q"])?;
    let service = inherited(&of_service(SERVICE_NAME), rights.letters());
    set_list(path, [inherited(SYSTEM, "F"), inherited(ADMINISTRATORS, "F"), service])?;
    let entries = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    entries
        .filter(|entry| !others.contains(entry))
        .try_for_each(|entry| icacls(path, &entry, ["/reset", "/T", "/L", "/Q"]))
}

/// Makes the folder of the program if need be, so that administrators alone can change what is in
/// it. One that was so before, as below `C:\Program Files`, keeps its list and what it has. One
/// that is refused stays as it is: closed by this, it would count as safe the next time, with what
/// others had put there.
///
/// # Errors
/// It cannot be made, somebody else may have put it or something in it there, or its list cannot be
/// set.
pub fn close_program_folder(path: &Path) -> Result<(), ServiceFault> {
    let is_made = make(path)?;
    let by = match changer_of(path, &own_and_service()) {
        // Somebody may have put something there before it was closed.
        Ok(None) if !is_made => return file_security::refuse_foreign_below(path),
        Ok(by) => by,
        Err(_) => None,
    };
    let by = by.unwrap_or_else(|| "somebody else".to_owned());
    refuse_filled(path, &by)?;
    icacls(path, path, ["/setowner", &account(ADMINISTRATORS), "/L", "/Q"])?;
    icacls(path, path, ["/reset", "/L", "/Q"])?;
    set_list(path, [inherited(SYSTEM, "F"), inherited(ADMINISTRATORS, "F"), inherited(USERS, "RX")])?;
    // Somebody may have been faster.
    refuse_filled(path, &by)
}

/// `by` are those who could have filled it.
fn refuse_filled(path: &Path, by: &str) -> Result<(), ServiceFault> {
    match fs::read_dir(path).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(ServiceFault::FolderNotEmpty { path: path.to_owned(), by: by.to_owned() }),
    }
}

/// Refuses a directory that is not as [`close_directory`] leaves it: administrators can have
/// deleted it since, and somebody else have made another one. `Some`: the one account that may
/// change it all the same, as Explorer lets an administrator in who opens it. That is no reason to
/// stay away from work.
///
/// # Errors
/// It is not.
pub fn refuse_unclosed(path: &Path) -> Result<Option<String>, ServiceFault> {
    file_security::refuse_foreign(path)?;
    file_security::refuse_open_to_many(path)
}

/// Who else than administrators and the service may change what is in a directory that
/// [`close_directory`] has closed. Nobody, of one that it has not.
pub fn changer_of_closed(path: &Path) -> Option<String> {
    if names_the_service(path) { changer_of(path, &own_and_service()).ok().flatten() } else { None }
}

/// True if it was not there. Whoever made it before could have made a link that leads elsewhere,
/// and what it leads to would be given away with it.
fn make(path: &Path) -> Result<bool, ServiceFault> {
    let is_there = fs::symlink_metadata(path).is_ok();
    file_security::refuse_foreign(path)?;
    fs::create_dir_all(path)
        .map_err(|error| ServiceFault::Directory { path: path.to_owned(), reason: error.to_string() })?;
    file_security::refuse_replaceable(path)?;
    file_security::refuse_foreign(path)?;
    Ok(!is_there)
}

fn is_closed_for_the_service(path: &Path) -> bool {
    names_the_service(path) && matches!(changer_of(path, &own_and_service()), Ok(None))
}

fn names_the_service(path: &Path) -> bool {
    list_of(path).is_ok_and(|list| sddl::names(&list, &of_service(SERVICE_NAME)))
}

fn set_list(path: &Path, entries: impl IntoIterator<Item = String>) -> Result<(), ServiceFault> {
    let list = ["/inheritance:r".to_owned(), "/grant:r".to_owned()].into_iter().chain(entries);
    icacls(path, path, list.chain(["/Q".to_owned()]))
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
    let mut entries = [SYSTEM, ADMINISTRATORS, OWNER].map(|sid| grant(sid, "F")).to_vec();
    if is_directory {
        entries.push(grant(&of_service(SERVICE_NAME), ServiceRights::Modify.letters()));
    }
    set_list(path, entries)
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
    list_of(file).is_ok_and(|list| sddl::lets_all_users_in(&list))
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
