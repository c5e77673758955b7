//! `max_requests_per_second` and `request_timeout`: the keys that the sections of both servers
//! have.

use std::time::Duration;

use super::toml_reader::Table;
use super::values::whole;

/// How long one call may take, where the file does not say.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
const REQUESTS_PER_SECOND: u32 = 10;
const REQUESTS_PER_SECOND_MAX: u32 = 1000;

/// Reads `max_requests_per_second`. `None`: wrong and reported.
pub(super) fn per_second(table: &Table<'_>) -> Option<u32> {
    table.or("max_requests_per_second", REQUESTS_PER_SECOND, whole(1, REQUESTS_PER_SECOND_MAX))
}
