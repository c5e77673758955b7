//! Whom a file of Windows may belong to, so that no ordinary user can have put it there. Accounts
//! are named by their numbers: their names differ from language to language.

use crate::os::service_sid::of_service;

/// Windows itself, as services run.
pub const SYSTEM: &str = "S-1-5-18";
/// The group of administrators, to which belongs what they make with *Run as administrator*.
pub const ADMINISTRATORS: &str = "S-1-5-32-544";
/// The service of Windows that owns the files of Windows.
const TRUSTED_INSTALLER: &str = "TrustedInstaller";

/// How the number of an account of a computer or of a domain begins.
pub(super) const OF_A_DOMAIN: &str = "S-1-5-21-";
/// How it ends for the account Administrator, and for the groups Domain Admins and Enterprise
/// Admins.
const ADMINISTER_A_DOMAIN: [&str; 3] = ["-500", "-512", "-519"];

/// True if the account is Windows, or administers the computer.
pub fn administers(account: &str) -> bool {
    let administers_a_domain =
        account.starts_with(OF_A_DOMAIN) && ADMINISTER_A_DOMAIN.iter().any(|end| account.ends_with(end));
    account == SYSTEM || account == ADMINISTRATORS || account == of_service(TRUSTED_INSTALLER) || administers_a_domain
}

/// True if the account is Windows, administers the computer, or is one of `others`: whoever types
/// the command, and the service where its own places are looked at.
pub fn is_trusted(account: &str, others: &[String]) -> bool {
    administers(account) || others.iter().any(|other| other == account)
}

/// True if a process has the rights of an administrator, by whose what it makes is. One of which
/// that cannot be found out is taken for an administrator's, who is told of more.
pub fn is_administrators(owner_of_new_files: Option<&str>) -> bool {
    owner_of_new_files.is_none_or(administers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::service_sid::SERVICE_NAME;

    const ALICE: &str = "S-1-5-21-1004336348-1177238915-682003330-1013";

    #[test]
    fn what_an_ordinary_user_has_made_is_told_from_what_windows_and_administrators_have() {
        for trusted in [
            SYSTEM,
            ADMINISTRATORS,
            &of_service("TrustedInstaller"),
            "S-1-5-21-1-2-3-500",
            "S-1-5-21-1-2-3-512",
            "S-1-5-21-1-2-3-519",
        ] {
            assert!(is_trusted(trusted, &[]), "{trusted}");
        }
        let service = of_service(SERVICE_NAME);
        for foreign in
            [ALICE, "S-1-5-32-545", "S-1-5-21-1-2-3-1500", "S-1-5-21-1-2-3-513", &service, &of_service("Spooler"), ""]
        {
            let administrators = ADMINISTRATORS.to_owned();
            assert!(!is_trusted(foreign, &[]) && !is_trusted(foreign, &[administrators]), "{foreign}");
        }
    }

    #[test]
    fn who_types_the_command_and_the_service_are_trusted_where_they_are_named() {
        let (alice, service) = (ALICE.to_owned(), of_service(SERVICE_NAME));
        assert!(is_trusted(ALICE, std::slice::from_ref(&alice)));
        assert!(!is_trusted(&service, std::slice::from_ref(&alice)), "a person's own file, changed by the service");
        assert!(is_trusted(&service, &[alice, service.clone()]));
    }

    #[test]
    fn a_process_of_which_nothing_is_known_is_judged_as_an_administrators() {
        for owner in [None, Some(ADMINISTRATORS), Some(SYSTEM), Some("S-1-5-21-1-2-3-500")] {
            assert!(is_administrators(owner), "{owner:?}");
        }
        assert!(!is_administrators(Some(ALICE)));
    }
}
