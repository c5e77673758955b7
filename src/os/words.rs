//! The words of the system in sentences that an administrator reads: what to type, and how things
//! are called there.

/// How one system calls things.
struct SystemWords {
    start: &'static str,
    stop: &'static str,
    restart: &'static str,
    reload: &'static str,
    config_file: &'static str,
    may_everything: &'static str,
    read_access: &'static str,
    secret_read_access: &'static str,
    from_the_service_manager: &'static str,
    no_credentials: &'static str,
    low_ports: &'static str,
    make_directory: &'static str,
    no_temporary_files: &'static str,
    /// `FILE` stands for the file.
    take_from_others: &'static str,
}

const UNIX: SystemWords = SystemWords {
    start: "systemctl start vetbridge",
    stop: "systemctl stop vetbridge",
    restart: "systemctl restart vetbridge",
    reload: "send SIGHUP",
    config_file: "/etc/vetbridge/vetbridge.toml",
    may_everything: "Run the command as the user that the service runs as, or as root",
    read_access: "give the user that vetbridge runs as read access (chown or chmod)",
    secret_read_access: "make it readable for the user that vetbridge runs as, and for nobody else (chown, chmod 600)",
    from_the_service_manager: "the environment or from LoadCredential=",
    no_credentials: "CREDENTIALS_DIRECTORY is not set: a credential comes from systemd (LoadCredential= in the unit); \
         elsewhere use { file = … }",
    low_ports: "allow the service to use it (CAP_NET_BIND_SERVICE)",
    make_directory: "make the directory for the user that vetbridge runs as (in a systemd unit StateDirectory= makes \
         it): install -d -m 700 -o USER",
    no_temporary_files: "There is no place for temporary files. Name a directory that can be written in the variable \
         TMPDIR; in a container with a read-only root, mount a tmpfs at /tmp",
    take_from_others: "Make it readable for the user that vetbridge runs as only: chmod 600 FILE (640 with a group of \
         its own)",
};

const WINDOWS: SystemWords = SystemWords {
    start: "vetbridge service start",
    stop: "vetbridge service stop",
    restart: "vetbridge service restart",
    reload: "type `vetbridge service reload`",
    config_file: r"%ProgramData%\vetbridge\vetbridge.toml",
    may_everything: "Run the command as an administrator",
    read_access: "run the command as an administrator; `vetbridge service install`, typed again, lets the service read \
         its files",
    secret_read_access: "run the command as an administrator; `vetbridge service install`, typed again, lets the \
         service read its files",
    from_the_service_manager: "the environment",
    no_credentials: "CREDENTIALS_DIRECTORY is not set: credentials are a matter of other systems; use { file = … }",
    low_ports: "see which ports Windows keeps for itself: netsh int ipv4 show excludedportrange tcp",
    make_directory: "have it made for the service: `vetbridge service install`, as an administrator, makes",
    no_temporary_files: "There is no place for temporary files. Name a directory that can be written in the variable \
         TEMP",
    take_from_others: "Take it from the others, then let the service read it: icacls \"FILE\" /inheritance:r /grant:r \
         *S-1-5-18:F *S-1-5-32-544:F, then `vetbridge service install`",
};

const HERE: &SystemWords = if cfg!(windows) { &WINDOWS } else { &UNIX };

/// Starts the service.
pub const START: &str = HERE.start;
/// Stops it.
pub const STOP: &str = HERE.stop;
/// Stops and starts it.
pub const RESTART: &str = HERE.restart;
/// Has it read its configuration, within a sentence.
pub const RELOAD: &str = HERE.reload;
/// Stops the service of another machine, whatever runs there.
pub const STOP_ELSEWHERE: &str =
    "`systemctl stop vetbridge` on its machine, or `vetbridge service stop` where that is Windows";
/// Where the service finds its configuration.
pub const CONFIG_FILE: &str = HERE.config_file;
/// Who may do what the service may.
pub const MAY_EVERYTHING: &str = HERE.may_everything;
/// How somebody gets access, within a sentence.
pub const READ_ACCESS: &str = HERE.read_access;
/// The same of a secret.
pub const SECRET_READ_ACCESS: &str = HERE.secret_read_access;
/// Where secrets come from that change with a restart only.
pub const FROM_THE_SERVICE_MANAGER: &str = HERE.from_the_service_manager;
/// Why there are no credentials.
pub const NO_CREDENTIALS: &str = HERE.no_credentials;
/// How a refused port is opened, within a sentence.
pub const LOW_PORTS: &str = HERE.low_ports;
/// How a directory is made for the service, within a sentence; the path follows.
pub const MAKE_DIRECTORY: &str = HERE.make_directory;
/// No temporary file can be made, and what to do about it, before what the system says.
pub const NO_TEMPORARY_FILES: &str = HERE.no_temporary_files;

/// How a file is kept from others.
pub fn take_from_others(file: &str) -> String {
    HERE.take_from_others.replace("FILE", file)
}

/// A path as it is typed in the usual shell.
pub fn typed(path: &str) -> String {
    if cfg!(windows) { typed_on_windows(path) } else { typed_on_unix(path) }
}

fn typed_on_unix(path: &str) -> String {
    let is_plain = |own: char| own.is_ascii_alphanumeric() || "/._-+:@%".contains(own);
    if path.chars().all(is_plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

/// No path has double quotes there.
fn typed_on_windows(path: &str) -> String {
    let is_plain = |own: char| own.is_ascii_alphanumeric() || r"\/._-+:".contains(own);
    if path.chars().all(is_plain) { path.to_owned() } else { format!("\"{path}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_blanks_is_quoted_as_the_shell_wants_it() {
        assert_eq!(typed_on_unix("/etc/a.toml"), "/etc/a.toml");
        assert_eq!(typed_on_unix("/srv/it's mine"), r"'/srv/it'\''s mine'");
        assert_eq!(typed_on_windows(r"C:\vetbridge\a.toml"), r"C:\vetbridge\a.toml");
        assert_eq!(typed_on_windows(r"C:\Program Files\a.toml"), "\"C:\\Program Files\\a.toml\"");
    }

    fn all(words: &SystemWords) -> [&'static str; 14] {
        let SystemWords {
            start,
            stop,
            restart,
            reload,
            config_file,
            may_everything,
            read_access,
            secret_read_access,
            from_the_service_manager,
            no_credentials,
            low_ports,
            make_directory,
            no_temporary_files,
            take_from_others,
        } = words;
        [
            start,
            stop,
            restart,
            reload,
            config_file,
            may_everything,
            read_access,
            secret_read_access,
            from_the_service_manager,
            no_credentials,
            low_ports,
            make_directory,
            no_temporary_files,
            take_from_others,
        ]
    }

    #[test]
    fn neither_system_has_words_of_the_other() {
        for text in all(&WINDOWS) {
            for foreign in ["systemctl", "systemd", "chmod", "chown", "SIG", "/etc", "/var", "root", "CAP_", "Load"] {
                assert!(!text.contains(foreign), "{text}");
            }
        }
        for text in all(&UNIX) {
            for foreign in ["icacls", "administrator", "%", "vetbridge service", "Windows"] {
                assert!(!text.contains(foreign), "{text}");
            }
        }
    }
}
