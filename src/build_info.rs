//! What this program was built from.

/// The version of the program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit, as far as the build knew it; else `unknown`. See `build.rs`.
pub const COMMIT: &str = env!("VETBRIDGE_COMMIT");

/// The version of the time zone rules in it.
pub const TZDB: &str = chrono_tz::IANA_TZDB_VERSION;
