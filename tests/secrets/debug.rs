//! What a panic or a log line could print of a value: its `Debug`.

use vetbridge::config;
use vetbridge::http::network::{Credentials, HeaderName};
use vetbridge::practice::Settings;
use vetbridge::store::SecretKey;

use crate::marks::{self, API_KEY, Marked, PASSWORD};

#[tokio::test]
async fn nothing_that_holds_a_secret_shows_it_by_debug_or_display() {
    let marked = Marked::open().await;
    let file = marked.clinic.directory.path().join("vetbridge.toml");
    let text = marked.configuration(&format!("\"{API_KEY}\""));
    let text = text.replace(
        "[healthengine]",
        &format!("proxy = \"http://judith:{}@proxy.example\"\n[healthengine]", marks::PROXY),
    );
    let config = config::parse(&file, &text, &|_| Err(std::env::VarError::NotPresent)).unwrap();
    let basic = Credentials::Basic { username: "sample".into(), password: PASSWORD.to_owned().into() };
    let headers = Credentials::Headers(vec![(HeaderName::from_static("x-key"), API_KEY.to_owned().into())]);
    let settings = Settings::of(&config);
    let proxy = config.openvpms.proxy.as_ref().unwrap().to_string();
    let shown = format!("{config:?} {config:#?} {basic:?} {headers:?} {proxy} {:?}", settings.webhooks);
    let secrets = config.secrets();
    assert!(secrets.len() >= 8, "{}", secrets.len());
    let shown = format!("{shown} {secrets:?} {:?}", SecretKey::from_bytes(*b"the-practice-key-of-32-letters!!"));
    for mark in marks::all() {
        assert!(!shown.contains(&mark), "{mark}: {shown}");
    }
    assert!(shown.contains("1234567") && shown.contains("proxy.example"), "{shown}");
}
