//! `vetbridge bookings`: the ledger, as the running service has it, or from the state directory
//! while none runs.

mod resolve;

use std::fmt::Write as _;
use std::process::ExitCode;

use chrono::{DateTime, FixedOffset};

use super::running::{self, FoundService, NoService};
use super::{BookingsArgs, BookingsCommand, Global, output};
use crate::clock::Clock;
use crate::config;
use crate::ids::{BookingId, PracticeId};
use crate::messages::resolve::how_to_settle;
use crate::messages::{commands as say, plain};
use crate::practice::ledger::Ledger;
use crate::practice::zones;
use crate::server::view::{self, BookingView};
use crate::store::Store;
use crate::zone::Zone;

/// Runs the command.
pub(super) async fn run(global: &Global, args: &BookingsArgs) -> anyhow::Result<ExitCode> {
    let file = global.config_file()?;
    let instance = config::load_instance(&file)?;
    if let Some(BookingsCommand::Resolve(resolve)) = &args.command {
        show(&Box::pin(resolve::run(&file, &instance, resolve)).await?, args.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    let source = match running::find(&instance).await? {
        FoundService::Running(service) => LedgerSource::Service(service),
        FoundService::Absent(absent) if absent.never_ran() => {
            output::note(&say::never_ran(&instance.state_path));
            LedgerSource::Nothing
        }
        FoundService::Absent(absent) => LedgerSource::state(&absent).await?,
    };
    match &args.command {
        None | Some(BookingsCommand::List | BookingsCommand::Resolve(_)) => {
            let bookings = source.all().await?;
            output::result(if args.json { serde_json::to_string_pretty(&bookings)? } else { table(&bookings) })?;
            if bookings.iter().any(|booking| booking.needs_attention.is_some()) {
                output::note(&format!("{}.", how_to_settle("ID")));
            }
        }
        Some(BookingsCommand::Show { id }) => {
            let booking = source.one(*id).await?.ok_or_else(|| say::unknown_booking(*id))?;
            show(&booking, args.json)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints one booking.
fn show(booking: &BookingView, json: bool) -> anyhow::Result<()> {
    output::result(if json { serde_json::to_string_pretty(booking)? } else { details(booking) })?;
    Ok(())
}

/// Where the ledger is read.
enum LedgerSource {
    Service(running::RunningService),
    State(Store, Ledger),
    /// There never was one.
    Nothing,
}

impl LedgerSource {
    async fn state(absent: &NoService) -> anyhow::Result<Self> {
        let store = absent.open_store().await?;
        let ledger = Ledger::open(store.clone(), Clock::system().now());
        Ok(Self::State(store, ledger))
    }

    async fn all(&self) -> anyhow::Result<Vec<BookingView>> {
        match self {
            Self::Service(service) => service.bookings().await,
            Self::State(store, ledger) => {
                let entries = ledger.all();
                Ok(entries.iter().map(|entry| view::booking(entry, zone(store, &entry.practice_id))).collect())
            }
            Self::Nothing => Ok(Vec::new()),
        }
    }

    async fn one(&self, id: i64) -> anyhow::Result<Option<BookingView>> {
        match self {
            Self::Service(service) => service.booking(id).await,
            Self::State(store, ledger) => {
                let entry = ledger.get(BookingId(id))?;
                Ok(entry.map(|entry| view::booking(&entry, zone(store, &entry.practice_id))))
            }
            Self::Nothing => Ok(None),
        }
    }
}

/// The practice's zone as the service last knew it.
fn zone(store: &Store, practice: &PracticeId) -> Zone {
    zones::remembered(store, practice).unwrap_or(Zone::Iana(chrono_tz::UTC))
}

const HEADINGS: [&str; 7] = ["BOOKING", "PRACTICE", "APPOINTMENT", "SCHEDULE", "STATE", "SINCE", "NEEDS ATTENTION"];

/// A line for each booking; the columns as wide as what stands in them.
fn table(bookings: &[BookingView]) -> String {
    if bookings.is_empty() {
        return say::NO_BOOKINGS.to_owned();
    }
    let rows: Vec<[String; 7]> = std::iter::once(HEADINGS.map(str::to_owned)).chain(bookings.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 7] = std::array::from_fn(width);
    let mut out = String::new();
    for row in &rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        // Writing into a string cannot fail.
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

fn row(booking: &BookingView) -> [String; 7] {
    [
        booking.booking_id.to_string(),
        plain(&booking.practice_id),
        when(booking),
        booking.schedule.map_or_else(dash, |schedule| schedule.to_string()),
        booking.state.clone(),
        booking.history.last().map_or_else(dash, |last| minute(last.at)),
        booking.needs_attention.as_deref().map(plain).unwrap_or_default(),
    ]
}

fn dash() -> String {
    "-".to_owned()
}

/// `2026-03-03 09:15-09:30`.
fn when(booking: &BookingView) -> String {
    match (booking.start, booking.end) {
        (Some(start), Some(end)) => format!("{}-{}", minute(start), end.format("%H:%M")),
        (Some(start), None) => minute(start),
        (None, _) => dash(),
    }
}

fn minute(at: DateTime<FixedOffset>) -> String {
    at.format("%Y-%m-%d %H:%M").to_string()
}

/// One booking, with its history.
fn details(booking: &BookingView) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(out, "{name:<12} {value}");
    };
    line("Booking", &booking.booking_id.to_string());
    line("Practice", &plain(&booking.practice_id));
    line("Appointment", &when(booking));
    line("Schedule", &booking.schedule.map_or_else(dash, |schedule| schedule.to_string()));
    line("Reference", &booking.reference.as_deref().map_or_else(dash, plain));
    line("State", &booking.state);
    if let Some(sentence) = &booking.needs_attention {
        line("Attention", &plain(sentence));
        line("", &format!("{}.", how_to_settle(booking.booking_id)));
    }
    let _ = writeln!(out, "\nHistory (at the practice's time, {})", offset(booking));
    let width = booking.history.iter().map(|happening| happening.state.len()).max().unwrap_or(0);
    for happening in &booking.history {
        let at = happening.at.format("%Y-%m-%d %H:%M:%S");
        let _ = writeln!(out, "  {at}  {:<width$}  {}", happening.state, plain(&happening.reason));
    }
    out
}

fn offset(booking: &BookingView) -> String {
    booking.history.last().map_or_else(|| "UTC".to_owned(), |last| format!("UTC{}", last.at.offset()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::view::HappeningView;

    fn booking(id: i64, needs_attention: Option<&str>) -> BookingView {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap();
        let happening = |state: &str, time: &str, reason: &str| HappeningView {
            state: state.into(),
            at: at(&format!("2026-03-02T{time}+11:00")),
            reason: reason.into(),
        };
        BookingView {
            booking_id: id,
            practice_id: "1234567".into(),
            state: "confirmed".into(),
            reference: Some("602:3:x".into()),
            schedule: Some(136),
            start: Some(at("2026-03-03T09:15:00+11:00")),
            end: Some(at("2026-03-03T09:30:00+11:00")),
            needs_attention: needs_attention.map(Into::into),
            history: vec![
                happening("received", "08:00:00", "Healthengine lists the booking."),
                happening("confirmed", "08:00:01", "Told."),
            ],
        }
    }

    #[test]
    fn the_table_has_a_line_for_each_booking_in_columns() {
        let unplaced = BookingView { start: None, end: None, schedule: None, ..booking(36_127_213, None) };
        assert_eq!(
            table(&[booking(7, Some("Look\nat it.")), unplaced]),
            "BOOKING   PRACTICE  APPOINTMENT             SCHEDULE  STATE      SINCE             NEEDS ATTENTION\n\
             7         1234567   2026-03-03 09:15-09:30  136       confirmed  2026-03-02 08:00  Look\\nat it.\n\
             36127213  1234567   -                       -         confirmed  2026-03-02 08:00\n"
        );
        assert_eq!(table(&[]), "There are no bookings in the ledger.");
    }

    #[test]
    fn one_booking_is_shown_with_its_history() {
        assert_eq!(
            details(&booking(7, Some("Check the diary."))),
            "Booking      7\nPractice     1234567\nAppointment  2026-03-03 09:15-09:30\nSchedule     136\n\
             Reference    602:3:x\nState        confirmed\nAttention    Check the diary.\n             Once that is \
             done, `vetbridge bookings resolve 7` settles it, with --confirmed, --rejected or --cancelled as the \
             diary has it.\n\n\
             History (at the practice's time, UTC+11:00)\n  2026-03-02 08:00:00  received   Healthengine lists the \
             booking.\n  2026-03-02 08:00:01  confirmed  Told.\n"
        );
    }

    #[test]
    fn json_has_the_fields_of_the_contract_with_the_practices_offset() {
        let json = serde_json::to_value(booking(7, None)).unwrap();
        assert_eq!(json["booking_id"], 7);
        assert_eq!(json["start"], "2026-03-03T09:15:00+11:00");
        assert_eq!(json["needs_attention"], serde_json::Value::Null);
        assert_eq!(json["history"][1]["state"], "confirmed");
        let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
        let expected = [
            "booking_id",
            "end",
            "history",
            "needs_attention",
            "practice_id",
            "reference",
            "schedule",
            "start",
            "state",
        ];
        assert_eq!(keys, expected);
    }
}
