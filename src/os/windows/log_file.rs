//! The service has no standard error, so its log goes to files, one for each day (of UTC).

use std::sync::Mutex;

use tracing_appender::rolling::{RollingFileAppender, Rotation};

use super::places;

/// Two weeks.
const FILES_MAX: usize = 14;

/// Opens the file of this day, and later those of the following ones. One thread at a time writes:
/// of two lines that were written at one moment one was lost, seen under Wine.
///
/// # Errors
/// The directory cannot be written.
pub fn open() -> Result<Mutex<RollingFileAppender>, String> {
    let files = RollingFileAppender::builder().rotation(Rotation::DAILY).max_log_files(FILES_MAX);
    let files = files.filename_prefix("vetbridge").filename_suffix("log").build(places::log_directory());
    files.map(Mutex::new).map_err(|error| error.to_string())
}
