//! Whose a file is, and who may change it. Every user of the computer may make a directory below
//! `%ProgramData%` or on a drive, and so can have put one there before vetbridge was installed,
//! with a configuration or a program of theirs in it.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use windows_permissions::constants::{SeObjectType, SecurityInformation};
use windows_permissions::wrappers::{
    ConvertSecurityDescriptorToStringSecurityDescriptor, ConvertSidToStringSid, GetNamedSecurityInfo, LookupAccountSid,
};
use windows_permissions::{LocalBox, SecurityDescriptor, Sid};

use crate::os::sddl;
use crate::os::service_fault::ServiceFault;
use crate::os::trusted_owners::{ADMINISTRATORS, SYSTEM, is_trusted};

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
    match foreign_owner(path) {
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
    for above in path.ancestors().skip(1).filter(|above| !above.as_os_str().is_empty() && above.exists()) {
        let by = match foreign_owner(above).map_err(|error| unknown(above, error))? {
            Some(owner) => Some(owner),
            None => {
                let list = list_of(above).map_err(|error| unknown(above, error))?;
                sddl::replacer(&list, own().as_deref()).map(called)
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
        if let Some(by) = changer_of(path).map_err(|error| unknown(path, error))? {
            return Err(ServiceFault::Replaceable { path: path.to_owned(), by });
        }
    }
    refuse_foreign(file)
}

/// Who else than administrators may change the file, or what is in the directory.
///
/// # Errors
/// Windows does not say.
pub(super) fn changer_of(path: &Path) -> io::Result<Option<String>> {
    Ok(sddl::changer(&list_of(path)?, own().as_deref()).map(called))
}

/// True if this process has the rights of an administrator, or is one of Windows itself.
pub(super) fn is_administrator() -> bool {
    matches!(own().as_deref(), Some(ADMINISTRATORS | SYSTEM))
}

/// Whose it is, if not the one's who types the command, an administrator's or the service's.
///
/// # Errors
/// Windows does not say.
pub(super) fn foreign_owner(path: &Path) -> io::Result<Option<String>> {
    let found = descriptor(path, SecurityInformation::Owner)?;
    let owner = found.owner().ok_or_else(|| io::Error::other("it has no owner"))?;
    let number = ConvertSidToStringSid(owner)?.to_string_lossy().into_owned();
    if is_trusted(&number, own().as_deref()) {
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

/// Who owns what this process makes.
fn own() -> Option<String> {
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
