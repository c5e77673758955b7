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

#[test]
fn a_file_of_another_encoding_says_which_and_how_to_save_it() {
    let directory = directory();
    let file = directory.path().join("vetbridge.toml");
    let load = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        config::load(&file).unwrap_err().to_string()
    };
    let utf16: Vec<u8> = "[openvpms]\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [utf16.clone(), [&[0xff, 0xfe], &utf16[..]].concat(), [&[0xfe, 0xff, 0], &utf16[..]].concat()] {
        let said = load(&bytes);
        assert!(said.contains("is UTF-16") && said.contains("save it as UTF-8"), "{said}");
    }
    let said = load(b"[openvpms]\nusername = \"Schl\xfcter\"\n");
    assert!(said.contains("line 2 is not UTF-8 text: save the file as UTF-8"), "{said}");
}
