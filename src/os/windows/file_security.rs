//! Whose a file is, and who may change it. Every user of the computer may make a directory below
//! `%ProgramData%` or on a drive, and so can have put one there before vetbridge was installed,
//! with a configuration or a program of theirs in it.
//!
//! `others` are accounts that are trusted besides Windows and the administrators.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use windows_permissions::constants::{SeObjectType, SecurityInformation};
use windows_permissions::wrappers::{
    ConvertSecurityDescriptorToStringSecurityDescriptor, ConvertSidToStringSid, GetNamedSecurityInfo, LookupAccountSid,
};
use windows_permissions::{LocalBox, SecurityDescriptor, Sid};

use crate::os::sddl::{self, OpenedTo};
use crate::os::service_fault::ServiceFault;
use crate::os::service_sid::{SERVICE_NAME, of_service};
use crate::os::trusted_owners::is_trusted;

/// For messages about what all users may do.
const EVERY_USER: &str = "every user of this computer";

/// The access list of a file or directory, as text.
///
/// # Errors
/// Windows does not say.
pub(super) fn list_of(path: &Path) -> io::Result<String> {
    let found = descriptor(path, SecurityInformation::Dacl)?;
    let text = ConvertSecurityDescriptorToStringSecurityDescriptor(&found, SecurityInformation::Dacl)?;
    Ok(text.to_string_lossy().into_owned())
}

/// Refuses what belongs to somebody who may be no administrator, and links, which can lead
/// anywhere. Whose a file is that is gone meanwhile does not matter.
///
/// # Errors
/// It belongs to somebody else, or whose it is cannot be found out.
pub(super) fn refuse_foreign(path: &Path) -> Result<(), ServiceFault> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(unknown(path, error)),
    };
    if found.file_type().is_symlink() {
        return Err(ServiceFault::Link { path: path.to_owned() });
    }
    match foreign_owner(path, &own_and_service()) {
        Ok(None) => Ok(()),
        Ok(Some(owner)) => Err(ServiceFault::Foreign { path: path.to_owned(), owner }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(unknown(path, error)),
    }
}

/// The same of everything in a directory.
///
/// # Errors
/// As above, for the first that is found.
pub(super) fn refuse_foreign_below(directory: &Path) -> Result<(), ServiceFault> {
    let entries = fs::read_dir(directory).map_err(|error| unknown(directory, error))?;
    for entry in entries {
        let entry = entry.map_err(|error| unknown(directory, error))?.path();
        refuse_foreign(&entry)?;
        if entry.is_dir() {
            refuse_foreign_below(&entry)?;
        }
    }
    Ok(())
}

/// Refuses a file or directory in whose place somebody could put another one: the directories above
/// it are all the administrators'.
///
/// # Errors
/// One of them is not.
pub(super) fn refuse_replaceable(path: &Path) -> Result<(), ServiceFault> {
    let others = own_and_service();
    for above in path.ancestors().skip(1).filter(|above| !above.as_os_str().is_empty() && above.exists()) {
        let by = match foreign_owner(above, &others).map_err(|error| unknown(above, error))? {
            Some(owner) => Some(owner),
            None => {
                let list = list_of(above).map_err(|error| unknown(above, error))?;
                sddl::replacer(&list, &others).map(called)
            }
        };
        if let Some(by) = by {
            return Err(ServiceFault::Replaceable { path: above.to_owned(), by });
        }
    }
    Ok(())
}

/// Refuses a file, such as the program, that others could change or replace.
///
/// # Errors
/// It can be.
pub(super) fn refuse_changeable(file: &Path) -> Result<(), ServiceFault> {
    refuse_replaceable(file)?;
    for path in file.ancestors().take(2) {
        if let Some(by) = changer_of(path, &own_and_service()).map_err(|error| unknown(path, error))? {
            return Err(ServiceFault::Replaceable { path: path.to_owned(), by });
        }
    }
    refuse_foreign(file)
}

/// Who else than administrators and `others` may change the file, or what is in the directory.
///
/// # Errors
/// Windows does not say.
pub(super) fn changer_of(path: &Path, others: &[String]) -> io::Result<Option<String>> {
    Ok(sddl::changer(&list_of(path)?, others).map(called))
}

/// Of a directory of the service that was closed once: the one account that may change what is in
/// it all the same.
///
/// # Errors
/// Many may.
pub(super) fn refuse_open_to_many(path: &Path) -> Result<Option<String>, ServiceFault> {
    // The service itself may not be allowed to read its list.
    let list = list_of(path).unwrap_or_default();
    match sddl::opened_to(&list, &own_and_service()) {
        None => Ok(None),
        Some(OpenedTo::One(account)) => Ok(Some(called(account))),
        Some(OpenedTo::Many(account)) => Err(ServiceFault::NotClosed { path: path.to_owned(), by: called(account) }),
    }
}

/// Who is trusted with the places of the service: the service, and who types the command.
pub(super) fn own_and_service() -> Vec<String> {
    own().into_iter().chain([of_service(SERVICE_NAME)]).collect()
}

/// Whose it is, if not an administrator's or one of the `others`.
///
/// # Errors
/// Windows does not say.
pub(super) fn foreign_owner(path: &Path, others: &[String]) -> io::Result<Option<String>> {
    let found = descriptor(path, SecurityInformation::Owner)?;
    let owner = found.owner().ok_or_else(|| io::Error::other("it has no owner"))?;
    let number = ConvertSidToStringSid(owner)?.to_string_lossy().into_owned();
    if is_trusted(&number, others) {
        return Ok(None);
    }
    Ok(Some(name_of(owner).unwrap_or(number)))
}

/// An account as people know it who is in an access list.
fn called(account: &str) -> String {
    if sddl::is_all_users(account) {
        return EVERY_USER.to_owned();
    }
    let number = account.parse::<LocalBox<Sid>>().ok();
    number.and_then(|number| name_of(&number)).unwrap_or_else(|| account.to_owned())
}

fn name_of(account: &Sid) -> Option<String> {
    let (name, domain) = LookupAccountSid(account).ok()?;
    let parts = [domain.to_string_lossy().into_owned(), name.to_string_lossy().into_owned()];
    Some(parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(r"\"))
}

/// Who owns what this process makes: the administrators, in a prompt of theirs.
pub(super) fn own() -> Option<String> {
    let made = tempfile::NamedTempFile::new().ok()?;
    let found = descriptor(made.path(), SecurityInformation::Owner).ok()?;
    Some(ConvertSidToStringSid(found.owner()?).ok()?.to_string_lossy().into_owned())
}

fn descriptor(path: &Path, part: SecurityInformation) -> io::Result<LocalBox<SecurityDescriptor>> {
    GetNamedSecurityInfo::<OsStr>(path.as_os_str(), SeObjectType::SE_FILE_OBJECT, part)
}

fn unknown(path: &Path, error: io::Error) -> ServiceFault {
    ServiceFault::OwnerUnknown { path: PathBuf::from(path), reason: error.to_string() }
}
