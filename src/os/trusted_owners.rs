//! Whom a file of Windows may belong to, so that no ordinary user can have put it there. Accounts
//! are named by their numbers: their names differ from language to language.

use crate::os::service_sid::{SERVICE_NAME, of_service};

/// Windows itself, as services run.
pub const SYSTEM: &str = "S-1-5-18";
/// The group of administrators, to which belongs what they make with *Run as administrator*.
pub const ADMINISTRATORS: &str = "S-1-5-32-544";
/// The service of Windows that owns the files of Windows.
const TRUSTED_INSTALLER: &str = "TrustedInstaller";

/// True if the owner is Windows, the administrators, the service, or `own`: whoever types the
/// command, who has to be an administrator for it to come about.
pub fn is_trusted(owner: &str, own: Option<&str>) -> bool {
    owner == SYSTEM
        || owner == ADMINISTRATORS
        || owner == of_service(TRUSTED_INSTALLER)
        || owner == of_service(SERVICE_NAME)
        || own == Some(owner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = "S-1-5-21-1004336348-1177238915-682003330-1013";

    #[test]
    fn what_an_ordinary_user_has_made_is_told_from_what_windows_and_administrators_have() {
        for trusted in [SYSTEM, ADMINISTRATORS, &of_service("TrustedInstaller"), &of_service("vetbridge")] {
            assert!(is_trusted(trusted, None), "{trusted}");
        }
        for foreign in [ALICE, "S-1-5-32-545", &of_service("Spooler"), ""] {
            assert!(!is_trusted(foreign, None) && !is_trusted(foreign, Some(ADMINISTRATORS)), "{foreign}");
        }
        assert!(is_trusted(ALICE, Some(ALICE)), "who types the command");
    }
}
