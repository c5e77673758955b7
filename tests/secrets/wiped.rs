//! Secrets that were read are gone from memory with their last owner.
//!
//! A secret is written to its file by a buffer that is wiped, and looked for in the memory of this
//! process while it is in use (so that the search is known to find it), and after that.

use std::path::Path;

use secrecy::zeroize::Zeroizing;
use vetbridge::clock::Clock;
use vetbridge::config;
use vetbridge::http_clients::Network;
use vetbridge::server::webhooks::Webhooks;
use vetbridge::store::{Store, admin_token};

use crate::memory::Needle;

/// A random secret, masked.
struct Hidden {
    needle: Needle,
    masked: Vec<u8>,
}

const KEY: u8 = 0x33;

impl Hidden {
    /// Of 40 characters.
    fn new() -> Self {
        let mut random = Zeroizing::new([0; 40]);
        vetbridge::store::random(&mut *random).unwrap();
        let text = Zeroizing::new(random.map(|byte| b'a' + byte % 26));
        Self { needle: Needle::of(&*text), masked: text.iter().map(|byte| byte ^ KEY).collect() }
    }

    /// The text around it and itself; wiped when it goes.
    fn within(&self, before: &str, after: &str) -> Zeroizing<Vec<u8>> {
        let mut text = Zeroizing::new(Vec::with_capacity(before.len() + self.masked.len() + after.len()));
        text.extend_from_slice(before.as_bytes());
        text.extend(self.masked.iter().map(|byte| byte ^ KEY));
        text.extend_from_slice(after.as_bytes());
        text
    }

    /// What HTTP Basic makes of it, for this user.
    fn basic(&self, user: &str) -> Needle {
        use base64::Engine as _;
        let mut text = Zeroizing::new(vec![0; 200]);
        let plain = self.within(&format!("{user}:"), "");
        let length = base64::engine::general_purpose::STANDARD.encode_slice(&*plain, &mut text).unwrap();
        Needle::of(&text[..length])
    }
}

fn put(directory: &Path, name: &str, text: &[u8]) {
    std::fs::write(directory.join(name), text).unwrap();
}

#[test]
fn a_copy_that_is_not_wiped_is_found() {
    let hidden = Hidden::new();
    assert_eq!(hidden.needle.occurrences(), 0);
    // Many, because whoever allocates next may get the place of one.
    let copies: Vec<Vec<u8>> = (0..100).map(|_| hidden.within("", "").to_vec()).collect();
    assert_eq!(hidden.needle.occurrences(), copies.len());
    drop(copies);
    assert!(hidden.needle.occurrences() > 0, "after they were dropped");
}

#[tokio::test]
async fn the_secrets_of_a_configuration_are_wiped_with_it_and_with_what_was_made_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let [password, api_key, practice_key, webhook, receiver] = [(); 5].map(|()| Hidden::new());
    let authorization = password.basic("sample");
    put(at, "openvpms.password", &password.within("", "\n"));
    put(at, "healthengine.key", &api_key.within("", "\n"));
    put(at, "webhook.secret", &webhook.within("", "\n"));
    put(at, "alerts.url", &receiver.within("http://127.0.0.1:9/hooks/", "?key=x\n"));
    let before = r#"[openvpms]
url = "http://127.0.0.1:9/openvpms"
username = "sample"
password = { file = "openvpms.password" }
[healthengine]
api_key = { file = "healthengine.key" }
url = "http://127.0.0.1:9/pms-api/v1"
vendor = "Example Vets Bridge"
contact = "it@examplevets.com.au"
environment = "UAT"
[webhooks]
public_url = "https://bridge.example"
secret = { file = "webhook.secret" }
[alerts]
webhook_url = { file = "alerts.url" }
[[practice]]
id = "1"
locations = [98]
live_hours = { monday = ["08:00-18:00"] }
key = ""#;
    put(at, "vetbridge.toml", &practice_key.within(before, "\"\n"));
    let all = [
        ("password", &password.needle),
        ("its header", &authorization),
        ("api_key", &api_key.needle),
        ("practice key", &practice_key.needle),
        ("webhook secret", &webhook.needle),
        ("webhook_url", &receiver.needle),
    ];
    for (what, needle) in all {
        assert_eq!(needle.occurrences(), 0, "{what}: before it was read");
    }

    let config = config::load(&at.join("vetbridge.toml")).unwrap();
    let network = Network::new(&config).unwrap();
    let listener = Webhooks::new(config.webhooks.as_ref().unwrap(), |_| {});
    for (what, needle) in all {
        assert!(needle.occurrences() > 0, "{what}: in use");
    }
    // As at a reload: another configuration, and the listener goes on.
    put(at, "webhook.secret", b"another-secret-of-the-listener\n");
    listener.reconfigure(config::load(&at.join("vetbridge.toml")).unwrap().webhooks.as_ref().unwrap());
    drop((config, network));
    for (what, needle) in all {
        assert_eq!(needle.occurrences(), 0, "{what}: after its last owner");
    }
    drop(listener);
}

#[test]
fn the_token_and_the_key_of_a_state_directory_are_wiped_with_the_store_and_its_export() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("state");
    let (token, now) = (Hidden::new(), Clock::system().now());
    drop(Store::open(&state, now).unwrap());
    put(&state, "admin-token", &token.within("", "\n"));
    let key = Zeroizing::new(std::fs::read(state.join("pseudonym-key")).unwrap());
    let key_needle = Needle::of(key.trim_ascii());
    drop(key);
    let all = [("token", &token.needle), ("key", &key_needle)];

    let store = Store::open(&state, now).unwrap();
    let export = store.export(&vetbridge::practice::KINDS, now);
    let key = vetbridge::store::pseudonym_key(&state).unwrap().unwrap();
    let text = export.to_text(&key).unwrap();
    for (what, needle) in all {
        assert!(needle.occurrences() > 0, "{what}: in use");
    }
    assert!(admin_token(&state).unwrap().is_some());
    drop((store, export, key, text));
    for (what, needle) in all {
        assert_eq!(needle.occurrences(), 0, "{what}: after its last owner");
    }
}
