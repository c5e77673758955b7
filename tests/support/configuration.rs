//! What a configuration file would say.

use std::env::VarError;
use std::path::Path;

use vetbridge::config::{self, Config};
use vetbridge::ids::PracticeId;

#[allow(clippy::duplicate_mod, reason = "a binary that has both harnesses has it twice")]
#[path = "../common/configuration.rs"]
mod text;

pub(crate) use self::text::{API_KEY, SERVERS, filled_in, servers_at};

/// The one practice, or the first of two.
pub(crate) const PRACTICE: &str = "1234567";

/// The second practice, at the branch.
pub(crate) const BRANCH: &str = "7654321";

/// The rest of the main clinic's file. Practices live every day from seven to seven.
const MAIN_CLINIC: &str = r#"
[sync]
horizon_days = 14
near_days = 3

[[practice]]
id = "1234567"
key = "key-of-the-main-clinic"
locations = [98]
[practice.live_hours]
monday = ["07:00-19:00"]
tuesday = ["07:00-19:00"]
wednesday = ["07:00-19:00"]
thursday = ["07:00-19:00"]
friday = ["07:00-19:00"]
saturday = ["07:00-19:00"]
sunday = ["07:00-19:00"]
"#;

/// The block of the second practice.
pub(crate) const SECOND_PRACTICE: &str = r#"
[[practice]]
id = "7654321"
key = "key-of-the-branch"
locations = [106]
[practice.live_hours]
public_holidays = ["07:00-19:00"]
"#;

/// The block of one of many practices, with a location of its own.
pub(super) fn another_clinic(number: i64, location: i64) -> String {
    SECOND_PRACTICE
        .replace("7654321", &(2_000_000 + number).to_string())
        .replace("key-of-the-branch", &format!("key-of-clinic-{number}"))
        .replace("[106]", &format!("[{location}]"))
}

/// The file of the main clinic.
pub(super) fn main_clinic() -> String {
    format!("{SERVERS}{MAIN_CLINIC}")
}

/// What such a file means, where the environment holds nothing.
pub(crate) fn parsed(text: &str) -> Config {
    config::parse(Path::new("vetbridge.toml"), text, &|_: &str| Err(VarError::NotPresent)).unwrap()
}

/// The id of a practice.
pub(crate) fn practice(id: &str) -> PracticeId {
    PracticeId(id.to_owned())
}
