//! The text of configuration files for tests and benchmarks.
//!
//! Included by path (`#[path = "common/configuration.rs"] mod configuration;`), so that each test
//! binary takes what it needs. The unit tests of the library have it as `config::sample`.

#![allow(dead_code, reason = "each test binary uses the part that it needs")]

/// The consumer's key in [`SERVERS`].
pub(crate) const API_KEY: &str = "eyJ0e-consumer";

macro_rules! servers {
    () => {
        r#"
[openvpms]
url = "http://127.0.0.1/openvpms"
username = "sample"
password = "changeit"
[healthengine]
api_key = "eyJ0e-consumer"
vendor = "Example Vets Bridge"
contact = "it@examplevets.com.au"
environment = "UAT"
"#
    };
}

/// How the two systems are reached, with no key that may be left out.
pub(crate) const SERVERS: &str = servers!();

/// A whole file: what must be there, and no more.
pub(crate) const LEAST: &str = concat!(
    servers!(),
    r#"[[practice]]
id = "1"
key = "k"
locations = [98]
[practice.live_hours]
monday = ["08:00-18:00"]
"#
);

/// [`SERVERS`] at these ports of this machine, each of the two with these further keys.
pub(crate) fn servers_at(openvpms_port: u16, healthengine_port: u16, keys: &str) -> String {
    let healthengine = format!("url = \"http://127.0.0.1:{healthengine_port}/pms-api/v1\"");
    SERVERS
        .replace("http://127.0.0.1/", &format!("http://127.0.0.1:{openvpms_port}/"))
        .replace("[openvpms]\n", &format!("[openvpms]\n{keys}"))
        .replace("[healthengine]\n", &format!("[healthengine]\n{healthengine}\n{keys}"))
}

/// A practice at these locations, such as `[98]`. `rest` is what stands before its live hours.
pub(crate) fn practice(id: &str, key: &str, locations: &str, rest: &str) -> String {
    let end = if rest.is_empty() { "" } else { "\n" };
    format!(
        "[[practice]]\nid = \"{id}\"\nkey = \"{key}\"\nlocations = {locations}\n{rest}{end}\
         [practice.live_hours]\nmonday = [\"08:00-18:00\"]\n"
    )
}

/// The blocks of `discover --toml` in a whole file: the practices get the ids 1, 2, … and a key.
pub(crate) fn filled_in(blocks: &str) -> String {
    let mut text = SERVERS.to_owned();
    for (number, block) in blocks.split("id = \"\"").enumerate() {
        if number > 0 {
            text.push_str(&format!("id = \"{number}\""));
        }
        text.push_str(&block.replace("key = \"\"", "key = \"k\""));
    }
    text
}
