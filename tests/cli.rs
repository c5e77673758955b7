//! The program as it is typed: what works without servers.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "common/configuration.rs"]
mod configuration;
#[path = "common/program.rs"]
mod program;

use std::path::Path;

use assert_cmd::Command;
use tempfile::TempDir;
use vetbridge::build_info;

use crate::configuration::LEAST;

/// A whole file, with the password in a variable.
fn valid() -> String {
    LEAST.replace("\"changeit\"", "{ env = \"OPENVPMS_PASSWORD\" }")
}

/// The program in a directory, with the password in its environment.
fn vetbridge(directory: &Path) -> Command {
    let mut command = Command::from_std(program::vetbridge(directory));
    command.env("OPENVPMS_PASSWORD", "hunter2hunter2");
    command
}

fn with_config(name: &str, text: &str) -> TempDir {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join(name);
    std::fs::write(&file, text).unwrap();
    // It holds keys: readable by its owner alone, whatever this machine's default is.
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    directory
}

/// What a command did: exit status, standard output, standard error.
fn outcome(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_version_names_the_commit_and_the_time_zone_rules() {
    let (status, out, _) = outcome(vetbridge(Path::new(".")).arg("--version"));
    let (version, commit) = (env!("CARGO_PKG_VERSION"), build_info::COMMIT);
    let expected =
        format!("vetbridge {version} (commit {commit}, time zones: tzdb {})\n", chrono_tz::IANA_TZDB_VERSION);
    assert_eq!((status, out), (0, expected));
}

#[test]
fn help_names_every_command_and_every_option_for_all() {
    let (status, out, _) = outcome(vetbridge(Path::new(".")).arg("--help"));
    assert_eq!(status, 0);
    for word in [
        "run",
        "check",
        "discover",
        "resync",
        "bookings",
        "demo",
        "completions",
        "man",
        "--config",
        "--log-format",
        "--log-level",
        "Exit status",
    ] {
        assert!(out.contains(word), "{word}: {out}");
    }
    let (status, out, _) = outcome(vetbridge(Path::new(".")).args(["discover", "--help"]));
    assert!(status == 0 && out.contains("--toml") && out.contains("--log-level"), "{out}");
}

#[test]
fn a_wrong_command_line_is_status_2() {
    for arguments in
        [&["chek"][..], &["check", "--offlin"], &["demo", "--for", "soon"], &["resync", "--dry-run", "--offline-too"]]
    {
        let (status, out, error) = outcome(vetbridge(Path::new(".")).args(arguments));
        assert_eq!((status, out.as_str()), (2, ""), "{arguments:?}");
        assert!(error.starts_with("error: "), "{error}");
    }
}

#[test]
fn a_valid_configuration_passes_the_offline_check_wherever_it_is_named() {
    let directory = with_config("vetbridge.toml", &valid());
    let (status, out, error) = outcome(vetbridge(directory.path()).args(["check", "--offline"]));
    assert_eq!((status, error.as_str()), (0, ""), "{out}");
    assert!(out.contains("the configuration is valid: 1 practice") && out.ends_with("No problem found.\n"), "{out}");

    let directory = with_config("other.toml", &valid());
    for arguments in
        [&["--config", "other.toml", "check", "--offline"][..], &["check", "--offline", "--config", "other.toml"]]
    {
        assert_eq!(outcome(vetbridge(directory.path()).args(arguments)).0, 0, "{arguments:?}");
    }
    let by_variable =
        outcome(vetbridge(directory.path()).env("VETBRIDGE_CONFIG", "other.toml").args(["check", "--offline"]));
    assert_eq!(by_variable.0, 0);
    // The option goes before the variable.
    let both = ["check", "--offline", "--config", "none.toml"];
    let (status, _, error) = outcome(vetbridge(directory.path()).env("VETBRIDGE_CONFIG", "other.toml").args(both));
    assert_eq!(status, 2);
    assert_eq!(
        error,
        "vetbridge: none.toml: no such file: name the configuration with --config or in VETBRIDGE_CONFIG\n"
    );
}

#[test]
fn proxies_of_the_environment_that_are_not_used_are_named_and_their_values_are_not() {
    let directory = with_config("vetbridge.toml", &valid());
    let mut command = vetbridge(directory.path());
    command.env("HTTPS_PROXY", "http://judith:s3cret@proxy:3128").env("no_proxy", "localhost");
    let (status, out, _) = outcome(command.args(["check", "--offline"]));
    assert_eq!(status, 0, "{out}");
    assert!(out.contains("not used: HTTPS_PROXY and no_proxy") && !out.contains("s3cret"), "{out}");

    let proxied = valid().replace("[healthengine]", "proxy = \"socks5://judith:s3cret@proxy:1080\"\n[healthengine]");
    let directory = with_config("vetbridge.toml", &proxied);
    let (status, out, _) = outcome(vetbridge(directory.path()).args(["check", "--offline"]));
    assert!(status == 0 && out.contains("socks5://proxy:1080") && !out.contains("s3cret"), "{out}");

    let wrong = valid().replace("[healthengine]", "proxy = \"ftp://judith:s3cret@proxy\"\n[healthengine]");
    let directory = with_config("vetbridge.toml", &wrong);
    let (status, _, error) = outcome(vetbridge(directory.path()).args(["check", "--offline"]));
    assert!(status == 2 && error.contains("vetbridge.toml:6:9") && error.contains("socks5://host:port"), "{error}");
    assert!(!error.contains("s3cret"), "{error}");
}

#[test]
fn the_offline_check_as_json_is_one_array() {
    let directory = with_config("vetbridge.toml", &valid());
    let (status, out, _) = outcome(vetbridge(directory.path()).args(["check", "--offline", "--json"]));
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((status, json.as_array().unwrap().len()), (0, 1), "{out}");
    assert_eq!(json[0]["level"], "ok");
}

#[test]
fn an_invalid_configuration_is_status_2_with_every_problem_and_no_secret() {
    let text = valid().replace("username", "usrname").replace("[98]", "\"98\"");
    let directory = with_config("vetbridge.toml", &text);
    for command in [&["check"][..], &["check", "--offline"], &["run"]] {
        let (status, out, error) = outcome(vetbridge(directory.path()).args(command));
        assert_eq!((status, out.as_str()), (2, ""), "{command:?}: {error}");
        assert_eq!(
            error,
            "vetbridge: 3 problems in vetbridge.toml:\n  \
             vetbridge.toml:2:1: [openvpms] has no `username`, which is required\n  \
             vetbridge.toml:4:1: [openvpms]: unknown key `usrname`; the nearest valid key is `username`\n  \
             vetbridge.toml:14:13: [[practice]] locations: expected a list of the ids that locations have in OpenVPMS, \
             like [98], found a string: an id is a whole number, and `vetbridge discover` shows the id of each \
             location\n",
            "{command:?}"
        );
    }
    let (status, out, error) = outcome(vetbridge(directory.path()).args(["check", "--json"]));
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((status, json.as_array().unwrap().len(), error.as_str()), (2, 3, ""));
    assert_eq!(json[2]["place"], "vetbridge.toml:14:13");
}

#[test]
fn an_invalid_configuration_is_a_problem_of_the_other_commands_and_with_json_an_error_is_an_object() {
    let directory = with_config("vetbridge.toml", &(valid() + "\n[[[\n"));
    for command in [
        &["discover"][..],
        &["resync"],
        &["bookings"],
        &["bookings", "show", "7"],
        &["bookings", "resolve", "7", "--rejected"],
        &["explain", "--practice", "1234567", "--resource", "s136", "--date", "2027-02-15"],
        &["pause", "--practice", "1234567"],
        &["resume", "--practice", "1234567"],
        &["status"],
        &["state", "verify"],
        &["state", "import", "backup.jsonl"],
    ] {
        let (status, out, error) = outcome(vetbridge(directory.path()).args(command));
        assert_eq!((status, out.as_str()), (1, ""), "{command:?}: {error}");
        assert!(error.contains("vetbridge.toml:"), "{command:?}: {error}");
        let (status, out, error) = outcome(vetbridge(directory.path()).args(command).arg("--json"));
        let json: serde_json::Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{command:?}: {out}"));
        assert_eq!((status, error.as_str()), (1, ""), "{command:?}");
        assert!(json["error"].as_str().unwrap().contains("vetbridge.toml:"), "{json}");
    }
}

#[test]
fn a_wrong_command_line_with_json_is_an_object_and_help_is_not() {
    let (status, out, error) = outcome(vetbridge(Path::new(".")).args(["bookings", "--json", "--stat", "x"]));
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((status, error.as_str()), (2, ""));
    assert!(json["error"].as_str().unwrap().starts_with("unexpected argument '--stat'"), "{json}");
    let (status, out, _) = outcome(vetbridge(Path::new(".")).args(["bookings", "--json", "--help"]));
    assert!(status == 0 && out.contains("Usage: vetbridge bookings"), "{out}");
}

#[test]
fn completions_and_pages_of_the_manual_name_every_command() {
    let commands = ["run", "resync", "bookings", "pause", "explain", "state", "man"];
    for shell in ["bash", "fish", "zsh", "elvish", "powershell"] {
        let (status, out, error) = outcome(vetbridge(Path::new(".")).args(["completions", shell]));
        assert_eq!((status, error.as_str()), (0, ""));
        assert!(commands.iter().all(|command| out.contains(command)) && out.contains("offline-too"), "{shell}: {out}");
    }
    assert_eq!(outcome(vetbridge(Path::new(".")).args(["completions", "cmd"])).0, 2);
    let (status, page, _) = outcome(vetbridge(Path::new(".")).arg("man"));
    assert!(status == 0 && page.contains(".TH vetbridge 1") && page.contains("resync"), "{page}");

    let directory = TempDir::new().unwrap();
    let (status, out, error) = outcome(vetbridge(directory.path()).args(["man", "."]));
    assert_eq!((status, out.as_str()), (0, ""), "{error}");
    for (name, part) in [
        ("vetbridge.1", "bookings"),
        ("vetbridge-run.1", "vetbridge-run"),
        ("vetbridge-resync.1", "offline"),
        ("vetbridge-bookings-resolve.1", "confirmed"),
        ("vetbridge-state-verify.1", "config"),
    ] {
        let page = std::fs::read_to_string(directory.path().join(name)).unwrap();
        assert!(page.contains(part), "{name}: {page}");
    }
    // What the help does not show has no page either.
    assert_eq!(directory.path().join("vetbridge-service-install.1").exists(), cfg!(windows));
    let (status, _, error) = outcome(vetbridge(directory.path()).args(["bookings", "--limit", "0"]));
    assert!(status == 2 && error.contains("A limit is a number from 1 on."), "{error}");
    let (status, _, error) = outcome(vetbridge(directory.path()).args(["man", "nowhere"]));
    assert!(status == 1 && error.contains("cannot be written to nowhere"), "{error}");
}

#[test]
fn a_secret_from_the_environment_is_found_and_its_absence_named() {
    let directory = with_config("vetbridge.toml", &valid());
    let (status, _, error) =
        outcome(vetbridge(directory.path()).env_remove("OPENVPMS_PASSWORD").args(["check", "--offline"]));
    assert_eq!(status, 2);
    let start = "vetbridge: vetbridge.toml:5:20: [openvpms] password env: the environment variable OPENVPMS_PASSWORD \
                 is not set";
    assert!(error.starts_with(start), "{error}");
}

#[test]
fn a_credential_of_systemd_is_found() {
    let directory =
        with_config("vetbridge.toml", &valid().replace("{ env = \"OPENVPMS_PASSWORD\" }", "{ credential = \"pw\" }"));
    std::fs::write(directory.path().join("pw"), "x\n").unwrap();
    let command = || {
        let mut command = vetbridge(directory.path());
        command.args(["check", "--offline"]);
        command
    };
    assert_eq!(outcome(command().env("CREDENTIALS_DIRECTORY", directory.path())).0, 0);
    assert!(outcome(&mut command()).2.contains("LoadCredential"));
}

#[test]
fn without_any_configuration_the_places_are_named() {
    // The last of the usual places is outside of the test's reach.
    if Path::new("/etc/vetbridge/vetbridge.toml").exists() {
        return;
    }
    let directory = TempDir::new().unwrap();
    let (status, _, error) = outcome(vetbridge(directory.path()).args(["check", "--offline"]));
    assert_eq!(status, 2);
    assert!(
        error.contains("vetbridge.toml and /etc/vetbridge/vetbridge.toml") && error.contains("--config"),
        "{error}"
    );
}

/// Whose a file is matters to everybody, but only root can make one of somebody else. Elsewhere
/// nothing is tested, and a line says so.
#[test]
fn a_configuration_that_was_only_found_is_refused_if_somebody_else_has_a_hand_in_it() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt, chown, symlink};
    use std::os::unix::process::CommandExt as _;

    const NOBODY: u32 = 65_534;
    const ANOTHER: u32 = 65_533;
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        // Not by a macro, whose output the test runner keeps to itself when a test passes.
        let told = b"\nNOT TESTED: a configuration of somebody else; run the tests as root\n";
        std::io::Write::write_all(&mut std::io::stderr(), told).unwrap();
        return;
    }
    let directory = with_config("vetbridge.toml", &valid());
    let (folder, file) = (directory.path(), directory.path().join("vetbridge.toml"));
    let mode = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    let check = |user: u32, named: Option<&Path>| {
        let mut command = program::vetbridge(folder);
        command.env("OPENVPMS_PASSWORD", "hunter2hunter2").args(["check", "--offline"]);
        command.args(named.map(|named| format!("--config={}", named.display()))).uid(user);
        outcome(&mut Command::from_std(command))
    };
    let refused = |user: u32, words: &str| {
        let (status, _, err) = check(user, None);
        let place = format!("{}: nobody named this file", file.display());
        assert!(status == 2 && err.contains(&place) && err.contains(words), "{words}: {status} {err}");
        let (usual, this) = ("--config /etc/vetbridge/vetbridge.toml", format!("--config {}", file.display()));
        assert!(err.contains(usual) && err.contains(&this), "{err}");
    };
    assert_eq!(check(0, None).0, 0, "root's own in root's own folder");

    // A folder such as /tmp.
    mode(folder, 0o1777);
    refused(0, &format!("and {} can be changed by other users", folder.display()));
    mode(folder, 0o755);
    mode(&file, 0o664);
    refused(0, "and it can be changed by other users");
    mode(&file, 0o644);
    assert_eq!(check(0, None).0, 0);
    assert_eq!(check(NOBODY, None).0, 0, "root's file is everybody's");

    chown(&file, Some(NOBODY), Some(NOBODY)).unwrap();
    refused(0, "and it belongs to ");
    refused(ANOTHER, "and it belongs to ");
    assert_eq!(check(NOBODY, None).0, 0, "the own file");
    assert_eq!(check(0, Some(&file)).0, 0, "whoever names it means it");

    // A link of root's own to it, and the own file in somebody else's folder.
    let aside = folder.join("aside.toml");
    std::fs::rename(&file, &aside).unwrap();
    symlink(&aside, &file).unwrap();
    refused(0, &format!("and {} belongs to ", aside.display()));
    std::fs::remove_file(&file).unwrap();
    std::fs::copy(&aside, &file).unwrap();
    chown(folder, Some(NOBODY), None).unwrap();
    refused(0, &format!("and {} belongs to ", folder.display()));
}
