//! Secrets: where they come from, and that none is shown.

use std::env::VarError;
use std::path::Path;

use secrecy::ExposeSecret;
use vetbridge::characters::Oddity;
use vetbridge::config;

use crate::configuration::LEAST;
use crate::keys::EVERYTHING;
use crate::{directory, parse_in, problem_with};

#[test]
fn debug_of_a_configuration_shows_no_secret() {
    let config = parse_in(directory().path(), EVERYTHING).unwrap();
    let shown = format!("{config:#?}");
    for secret in ["from a file", "from the environment", "practice secret", "abc-123"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("1234567"), "{shown}");
}

#[test]
fn a_secret_that_cannot_be_read_names_the_place_and_the_remedy() {
    let with = |secret: &str| problem_with("password = \"changeit\"", &format!("password = {secret}"));
    assert!(
        with("{ env = \"NOT_SET\" }")
            .starts_with("5: [openvpms] password env: the environment variable NOT_SET is not set")
    );
    let missing = with("{ file = \"none.password\" }");
    assert!(missing.contains("none.password does not exist: create it"), "{missing}");
    assert!(with("{ file = \".\" }").contains("is not UTF-8 text"));
    assert!(with("{ file = \"a\", env = \"B\" }").contains("exactly one of them"));
    assert!(with("{ }").contains("exactly one of them"));
    assert!(with("7").contains("a secret is a text in quotes"));
    assert!(with("\"\"").contains("the secret is empty"));
    assert!(with("\"two\\nlines\"").contains("single line"));
    assert!(with("{ credential = \"../x\" }").contains("plain file name"));
    assert!(with("{ files = \"x\" }").contains("unknown key `files`; the nearest valid key is `file`"));
    let no_directory = config::parse(
        Path::new("x.toml"),
        &LEAST.replace("password = \"changeit\"", "password = { credential = \"x\" }"),
        &|_| Err(VarError::NotPresent),
    );
    assert!(no_directory.unwrap_err().to_string().contains("LoadCredential"));
}

#[cfg(unix)]
#[test]
fn a_secret_file_without_permission_says_chmod() {
    use std::os::unix::fs::PermissionsExt;
    let directory = directory();
    let file = directory.path().join("locked");
    std::fs::write(&file, "pw").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).unwrap();
    // Root reads everything: then there is nothing to see here, and the sentence has a test of its own.
    if std::fs::read(&file).is_ok() {
        return;
    }
    let error =
        parse_in(directory.path(), &LEAST.replace("password = \"changeit\"", "password = { file = \"locked\" }"))
            .unwrap_err();
    assert!(error.to_string().contains("chmod 600"), "{error}");
}

#[test]
fn what_can_only_be_a_mistake_is_left_out_at_the_ends_of_a_secret_and_the_rest_is_named() {
    let directory = directory();
    let text = LEAST
        .replace("password = \"changeit\"", "password = { file = \"password\" }")
        .replace("api_key = \"eyJ0e-consumer\"", "api_key = { file = \"key\" }");
    let read = |password: &[u8], key: &[u8]| {
        std::fs::write(directory.path().join("password"), password).unwrap();
        std::fs::write(directory.path().join("key"), key).unwrap();
        parse_in(directory.path(), &text)
    };
    for ends in ["", "\n", "\r\n", "\n\n", "\t\n", "\u{a0}\n", "\u{200b}", "\u{feff}", "\u{2060}\r\n", "\u{202c}"] {
        let config = read(format!("\u{feff}pw{ends}").as_bytes(), format!("\u{feff} key {ends} ").as_bytes()).unwrap();
        assert_eq!(config.openvpms.password.expose_secret(), "pw", "{ends:?}");
        assert_eq!(config.healthengine.api_key.expose_secret(), "key", "{ends:?}");
        assert_eq!(config.openvpms.password.oddity(), None, "{ends:?}");
    }
    for (password, oddity) in [
        (" pw", Oddity::BeginsWith(' ')),
        ("pw \n", Oddity::EndsWith(' ')),
        (" pw ", Oddity::BeginsAndEndsWith(' ', ' ')),
        ("p\u{a0}w", Oddity::Holds(2, '\u{a0}')),
        ("\"pw\"", Oddity::Quoted),
    ] {
        let config = read(password.as_bytes(), b"key").unwrap();
        assert_eq!(config.openvpms.password.expose_secret(), password.trim_end_matches('\n'), "kept: it can be meant");
        assert_eq!(config.openvpms.password.oddity(), Some(oddity));
    }
    let refused = |password: &str, key: &str| read(password.as_bytes(), key.as_bytes()).unwrap_err().to_string();
    let lines = refused("pw\npw", "key");
    let (pw, key) = (directory.path().join("password"), directory.path().join("key"));
    let told = format!("character 3 of the secret in {} is a line break", pw.display());
    assert!(lines.contains(&told) && lines.contains("take the other lines away"), "{lines}");
    let inside = refused("pw", "ke\u{200b}y");
    let told = format!("character 3 of the secret in {} is a space of no width (U+200B)", key.display());
    assert!(inside.contains("api_key") && inside.contains(&told), "{inside}");
    assert!(refused("\u{feff}\u{a0}\n", "key").contains("password is empty: fill it in"));
    let utf16 = read(b"\xff\xfep\0w\0", b"key").unwrap_err().to_string();
    assert!(utf16.contains("is UTF-16") && utf16.contains("save it as UTF-8"), "{utf16}");
    let unmarked = read(b"p\0w\0\r\0\n\0", b"key").unwrap_err().to_string();
    assert!(unmarked.contains("is UTF-16"), "{unmarked}");
}

#[test]
fn a_file_as_editors_of_windows_write_it_is_read_and_so_is_what_was_pasted_with_unseen_marks() {
    let pasted = LEAST
        .replace("username = \"sample\"", "username = \"healthengine\u{200b}\"")
        .replace("id = \"1\"", "id = \"\u{a0}1\u{feff}\"");
    let text = format!("\u{feff}{pasted}").replace('\n', "\r\n");
    let config = parse_in(directory().path(), &text).unwrap();
    assert_eq!((config.openvpms.username.as_str(), config.practices[0].id.0.as_str()), ("healthengine", "1"));
}

#[test]
fn the_files_that_a_configuration_depends_on_are_known_also_where_one_is_missing() {
    let directory = directory();
    let place = |name: &str| directory.path().join(name);
    let text = LEAST
        .replace("password = \"changeit\"", "password = { file = \"password\" }\nca_file = \"ca.pem\"")
        .replace("api_key = \"eyJ0e-consumer\"", "api_key = { file = \"key\" }");
    std::fs::write(place("vetbridge.toml"), text).unwrap();
    std::fs::write(place("password"), "pw").unwrap();
    let (config, files) = config::load_with_files(&place("vetbridge.toml"));
    assert!(config.is_err());
    assert_eq!(files.into_iter().collect::<Vec<_>>(), ["ca.pem", "key", "password"].map(place));
}
