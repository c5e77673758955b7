//! Which file is read, and how much of it.

use secrecy::ExposeSecret;
use vetbridge::config;

use crate::directory;

#[test]
fn discover_needs_openvpms_and_nothing_else() {
    let directory = directory();
    let file = directory.path().join("vetbridge.toml");
    std::fs::write(
        &file,
        "[openvpms]\nurl = \"https://x.example\"\nusername = \"u\"\npassword = { file = \"openvpms.password\" }\n",
    )
    .unwrap();
    let only = config::load_openvpms(&file).unwrap();
    assert_eq!(only.openvpms.password.expose_secret(), "from a file");
    std::fs::write(&file, "[openvpms]\nurl = \"https://x.example\"\nuser = \"u\"\n[healthengine]\napi_key = 7\n")
        .unwrap();
    let error = config::load_openvpms(&file).unwrap_err();
    assert_eq!(error.problems.len(), 3, "{error}");
    assert!(!error.to_string().contains("healthengine"), "{error}");
}

#[test]
fn a_file_that_cannot_be_read_says_how_to_name_another() {
    let directory = directory();
    let error = config::load(&directory.path().join("none.toml")).unwrap_err().to_string();
    assert!(error.contains("none.toml: no such file") && error.contains("--config"), "{error}");
    assert!(config::load(directory.path()).is_err());
}
