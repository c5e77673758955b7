//! The event log of Windows, in its part Application: errors and warnings, for whoever watches the
//! computer. The whole log is in a file ([`super::log_file`]).

use std::io::{self, Write};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;
use winsafe::co::EVENTLOG;
use winsafe::{HEVENTLOG, HKEY, RegistryValue};

use crate::os::service_fault::ServiceFault;
use crate::os::service_sid::SERVICE_NAME;

const KEY: &str = r"SYSTEM\CurrentControlSet\Services\EventLog\Application\vetbridge";
/// A program of Windows that holds, for the numbers 1 to 1000, the text "%1": the whole line is its
/// one argument.
const TEXTS: &str = r"%SystemRoot%\System32\EventCreate.exe";
const EVENT_ID: u32 = 1;
/// All three kinds of events.
const KINDS: u32 = 7;
/// Windows takes 31,839 characters.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// Tells the event log where the texts of our events are.
///
/// # Errors
/// The registry cannot be written.
pub fn register() -> Result<(), ServiceFault> {
    let put = |name: &str, value: RegistryValue| HKEY::LOCAL_MACHINE.RegSetKeyValue(Some(KEY), Some(name), value);
    put("EventMessageFile", RegistryValue::ExpandSz(TEXTS.to_owned()))
        .and_then(|()| put("TypesSupported", RegistryValue::Dword(KINDS)))
        .map_err(|error| ServiceFault::of_windows(i32::try_from(error.raw()).ok(), error.to_string()))
}

/// Takes that back. Events that were written stay.
pub fn unregister() {
    // If it is gone already, all is well.
    let _ = HKEY::LOCAL_MACHINE.RegDeleteTree(Some(KEY));
}

/// Where a log line of a level goes.
#[derive(Debug, Clone, Copy)]
pub struct EventLog;

/// One line, of one kind.
#[derive(Debug)]
pub struct EventLine(EVENTLOG);

impl<'a> MakeWriter<'a> for EventLog {
    type Writer = EventLine;

    fn make_writer(&'a self) -> EventLine {
        EventLine(EVENTLOG::INFORMATION_TYPE)
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> EventLine {
        EventLine(match *event.level() {
            Level::ERROR => EVENTLOG::ERROR_TYPE,
            Level::WARN => EVENTLOG::WARNING_TYPE,
            _ => EVENTLOG::INFORMATION_TYPE,
        })
    }
}

impl Write for EventLine {
    /// A line comes in one piece. Nobody can be told if it does not arrive.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(&line[..line.len().min(LINE_BYTES_MAX)]);
        if let Ok(source) = HEVENTLOG::RegisterEventSource(None, SERVICE_NAME) {
            let _ = source.ReportEvent(self.0, 0, EVENT_ID, None, &[text.trim_end()], &[]);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
