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

#[test]
fn a_rehearsal_needs_openvpms_and_locations_and_reads_nothing_of_healthengine() {
    let directory = directory();
    let file = directory.path().join("vetbridge.toml");
    std::fs::write(
        &file,
        "[openvpms]\nurl = \"http://127.0.0.1/openvpms\"\nusername = \"sample\"\npassword = \"changeit\"\n\
         [healthengine]\nurl = \"https://never.example/\"\napi_key = { file = \"no such file\" }\n\
         [webhooks]\nsecret = 7\n[alerts]\nheartbeat_url = { env = \"NOT_SET\" }\n\
         [[practice]]\nlocations = [98]\n[[practice]]\nid = \"\"\nkey = { env = \"NOT_SET\" }\nlocations = [106]\n\
         [[practice]]\nid = \"1234567\"\nlocations = [107]\n[practice.live_hours]\nmonday = [\"08:00-18:00\"]\n",
    )
    .unwrap();
    let config = config::load_for_rehearsal(&file).unwrap();
    let ids: Vec<&str> = config.practices.iter().map(|own| own.id.0.as_str()).collect();
    assert_eq!(ids, ["rehearsal-1", "rehearsal-2", "1234567"]);
    assert!(config.webhooks.is_none() && config.alerts.is_none());
    assert!(!config.healthengine.url.as_str().contains("never.example"));
    let sunday_night = chrono::NaiveDate::from_ymd_opt(2027, 2, 14).unwrap().and_hms_opt(23, 30, 0).unwrap();
    let live: Vec<bool> = config.practices.iter().map(|own| own.live_hours.is_live(sunday_night)).collect();
    assert_eq!(live, [true, true, false]);
}

#[test]
fn a_rehearsal_refuses_what_is_wrong_in_what_it_reads() {
    let directory = directory();
    let file = directory.path().join("vetbridge.toml");
    std::fs::write(
        &file,
        "[openvpms]\nurl = \"http://127.0.0.1/openvpms\"\nusername = \"sample\"\npassword = \"changeit\"\n\
         [sync]\nhorizont_days = 7\n[[practice]]\nid = \"1\"\nlocations = []\n[[practice]]\nid = \"1\"\nlocations = [98]\n\
         [practise]\n",
    )
    .unwrap();
    let error = config::load_for_rehearsal(&file).unwrap_err().to_string();
    for part in ["horizont_days", "location", "practise", "practice 1 is configured already"] {
        assert!(error.contains(part), "{part:?} is missing in {error}");
    }
}
