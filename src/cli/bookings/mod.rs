//! `vetbridge bookings`: the ledger, as the running service has it, or from the state directory
//! while none runs.

mod resolve;

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use chrono::{DateTime, FixedOffset};

use super::output::JsonArray;
use super::running::{self, FoundService, NoService};
use super::{BookingsArgs, BookingsCommand, Global, ListArgs, output};
use crate::clock::Clock;
use crate::config;
use crate::ids::{BookingId, PracticeId};
use crate::messages::resolve::{self as say_resolve, how_to_settle};
use crate::messages::{commands as say, plain};
use crate::practice::booking_names::BookingNames;
use crate::practice::ledger::Ledger;
use crate::practice::zones;
use crate::server::booking_list::{BookingQuery, FoundBookings};
use crate::server::booking_view::BookingView;
use crate::server::view::BridgeStatus;
use crate::store::Store;
use crate::zone::Zone;

/// So many bookings are listed unless something else is typed. JSON is for programs, which must not
/// take a part for the whole.
const LISTED: usize = 50;

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
        None | Some(BookingsCommand::Resolve(_)) => list(&source, &file, &args.list, args.json).await?,
        Some(BookingsCommand::List(own)) => list(&source, &file, &own.clone().or(&args.list), args.json).await?,
        Some(BookingsCommand::Show { id }) => {
            let booking = source.one(*id).await?.ok_or_else(|| say::unknown_booking(*id))?;
            show(&booking, args.json)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the bookings that are wanted, and says how many more there are. All of them in JSON are
/// printed as they come; for a table the widest is looked for first.
async fn list(source: &LedgerSource, file: &Path, args: &ListArgs, json: bool) -> anyhow::Result<()> {
    let ListArgs { practice, state, since, search, before, limit } = args.clone();
    let of_all = practice.is_none() && state.is_none() && since.is_none() && search.is_none() && before.is_none();
    let limit = limit.or((!json).then_some(LISTED));
    let before = before.map(|id| id.to_string());
    let query = BookingQuery { practice, state, since, search, before, limit };
    let (mut array, mut rows) = (json.then(JsonArray::begin), Vec::new());
    let (mut shown, mut is_flagged) = (0, false);
    let total = source
        .listed(&query, |booking| {
            shown += 1;
            is_flagged |= booking.needs_attention.is_some();
            match &mut array {
                Some(array) => array.push(&booking),
                None => {
                    rows.push(booking);
                    Ok(())
                }
            }
        })
        .await?;
    if let Some(practice) = query.practice.as_ref().filter(|_| total == 0) {
        source.must_know(practice, file).await?;
    }
    match array {
        Some(array) => array.end()?,
        None if total == 0 => output::result(say::no_bookings(of_all))?,
        None => output::result(table(&rows, output::columns()))?,
    }
    if total > shown {
        output::note(&say::more_bookings(total - shown, total));
    }
    if is_flagged {
        output::note(&format!("{}.", how_to_settle("ID")));
    }
    Ok(())
}

/// Prints one booking.
fn show(booking: &BookingView, json: bool) -> anyhow::Result<()> {
    if json { output::json(booking) } else { Ok(output::result(details(booking, output::columns()))?) }
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

    /// Shows the bookings that are wanted, and says how many there are without a limit.
    async fn listed(
        &self,
        query: &BookingQuery,
        mut show: impl FnMut(BookingView) -> anyhow::Result<()>,
    ) -> anyhow::Result<usize> {
        match self {
            Self::Service(service) => service.bookings(query, show).await,
            Self::State(store, ledger) => {
                let zone_of = |practice: &PracticeId| zone(store, practice);
                let found = FoundBookings::find(ledger, store, query, Clock::system().now(), zone_of, |_| None);
                let listing = found.map_err(anyhow::Error::msg)?;
                listing.views(ledger).try_for_each(&mut show)?;
                Ok(listing.total())
            }
            Self::Nothing => Ok(0),
        }
    }

    /// An error if a practice is neither configured nor has it bookings in the ledger.
    async fn must_know(&self, practice: &str, file: &Path) -> anyhow::Result<()> {
        let all = BookingQuery { practice: Some(practice.to_owned()), limit: Some(1), ..BookingQuery::default() };
        if self.listed(&all, |_| Ok(())).await? > 0 {
            return Ok(());
        }
        let known: Vec<String> = match self {
            Self::Service(service) => {
                let BridgeStatus { practices, off, .. } = service.status().await?;
                practices.into_iter().map(|own| own.id).chain(off.into_iter().map(|own| own.id)).collect()
            }
            // Whoever may not read the secrets of the file is not told.
            Self::State(..) | Self::Nothing => match config::load(file) {
                Ok(config) => config.practices.into_iter().map(|own| own.id.0).collect(),
                Err(_) => return Ok(()),
            },
        };
        if known.iter().any(|own| own == practice) {
            return Ok(());
        }
        Err(say::practice_not_configured(practice, file, &known).into())
    }

    async fn one(&self, id: i64) -> anyhow::Result<Option<BookingView>> {
        match self {
            Self::Service(service) => service.booking(id).await,
            Self::State(store, ledger) => {
                let entry = ledger.get(BookingId(id))?;
                Ok(entry.map(|entry| {
                    let names = BookingNames::read(store, &entry.practice_id);
                    BookingView::of(&entry, zone(store, &entry.practice_id), &names)
                }))
            }
            Self::Nothing => Ok(None),
        }
    }
}

/// The practice's zone as the service last knew it.
fn zone(store: &Store, practice: &PracticeId) -> Zone {
    zones::remembered(store, practice).unwrap_or(Zone::Iana(chrono_tz::UTC))
}

/// Between two columns of the table.
const GAP: usize = 2;

/// A terminal that is narrower breaks the lines itself.
const COLUMNS_MIN: usize = 60;

/// A line for each booking, and below it what a person has to do about it; no line is longer than
/// `columns`.
fn table(bookings: &[BookingView], columns: usize) -> String {
    let columns = columns.max(COLUMNS_MIN);
    let of_several = bookings.iter().any(|booking| booking.practice_id != bookings[0].practice_id);
    let headings = ["BOOKING", "PRACTICE", "APPOINTMENT", "STATE", "WITH", "TYPE"].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(headings).chain(bookings.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let mut widths: [usize; 6] = std::array::from_fn(width);
    let shown: Vec<usize> = (0..6).filter(|column| of_several || *column != PRACTICE).collect();
    // The two columns of names share what the others leave.
    let others = shown.iter().filter(|column| **column < WITH).map(|column| widths[*column] + GAP);
    let left = columns.saturating_sub(others.sum::<usize>() + GAP);
    widths[TYPE] = widths[TYPE].min(left.saturating_sub(widths[WITH]).max(left * 2 / 5));
    widths[WITH] = widths[WITH].min(left.saturating_sub(widths[TYPE]));
    let attention = bookings.iter().map(|booking| booking.needs_attention.as_deref().or_else(|| cancellation(booking)));
    let mut out = String::new();
    for (row, attention) in rows.iter().zip(std::iter::once(None).chain(attention)) {
        let cells = shown.iter().map(|column| {
            let (width, cell) = (widths[*column], cut(&row[*column], widths[*column]));
            format!("{cell:<width$}")
        });
        let line = cells.collect::<Vec<_>>().join(&" ".repeat(GAP));
        // Writing into a string cannot fail.
        let _ = writeln!(out, "{}", line.trim_end());
        attention.iter().for_each(|sentence| out.push_str(&wrapped("    ", &plain(sentence), columns)));
    }
    out
}

const PRACTICE: usize = 1;
const WITH: usize = 4;
const TYPE: usize = 5;

fn row(booking: &BookingView) -> [String; 6] {
    let schedule = named(booking.schedule_name.as_deref(), booking.schedule, "schedule");
    let clinician = named(booking.clinician_name.as_deref(), booking.clinician, "user");
    let wanted = |name: &Option<String>, id: &Option<String>, what| wanted(name.as_deref(), id.as_deref(), what);
    let wanted_resource = || wanted(&booking.wanted_resource_name, &booking.wanted_resource, "resource");
    let wanted_type = || wanted(&booking.wanted_appointment_type_name, &booking.wanted_appointment_type, "type");
    let kind = named(booking.appointment_type_name.as_deref(), booking.appointment_type, "type");
    [
        booking.booking_id.to_string(),
        plain(&booking.practice_id),
        booking.start.map_or_else(dash, minute),
        booking.state.clone(),
        clinician.into_iter().chain(schedule.or_else(wanted_resource)).collect::<Vec<_>>().join(", "),
        kind.or_else(wanted_type).unwrap_or_default(),
    ]
}

/// A name where it is known, else the number.
fn named(name: Option<&str>, id: Option<i64>, what: &str) -> Option<String> {
    name.map(plain).or_else(|| id.map(|id| format!("{what} {id}")))
}

/// The same of what is wanted and has no place.
fn wanted(name: Option<&str>, id: Option<&str>, what: &str) -> Option<String> {
    name.map(plain).or_else(|| id.map(|id| format!("{what} {}", plain(id))))
}

/// A cell that is too long ends in an ellipsis.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// A sentence on as many indented lines as it needs.
fn wrapped(indent: &str, text: &str, columns: usize) -> String {
    let (mut out, mut line) = (String::new(), indent.to_owned());
    for word in text.split(' ') {
        let is_first = line.len() == indent.len();
        if !is_first && line.chars().count() + 1 + word.chars().count() > columns {
            let _ = writeln!(out, "{line}");
            line = format!("{indent}{word}");
        } else {
            let _ = write!(line, "{}{word}", if is_first { "" } else { " " });
        }
    }
    let _ = writeln!(out, "{line}");
    out
}

/// The same behind a beginning of its own.
fn hanging(head: &str, text: &str, columns: usize) -> String {
    let indent = " ".repeat(head.chars().count());
    let lines = wrapped(&indent, text, columns);
    format!("{head}{}", lines.strip_prefix(&indent).unwrap_or(&lines))
}

/// What is open of the pet owner's cancellation.
fn cancellation(booking: &BookingView) -> Option<&'static str> {
    match booking.cancellation.as_deref()? {
        "refused" => Some(say_resolve::CANCELLATION_REFUSED),
        _ => Some(say_resolve::CANCELLATION_WAITS),
    }
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

/// One booking, with its history; no line is longer than `columns`.
fn details(booking: &BookingView, columns: usize) -> String {
    let columns = columns.max(COLUMNS_MIN);
    let mut out = String::new();
    let mut line = |name: &str, value: &str| {
        out.push_str(&hanging(&format!("{name:<12} "), value, columns));
    };
    line("Booking", &booking.booking_id.to_string());
    line("Practice", &plain(&booking.practice_id));
    line("Appointment", &when(booking));
    line("Schedule", &both(booking.schedule_name.as_deref(), booking.schedule));
    if booking.clinician.is_some() {
        line("Clinician", &both(booking.clinician_name.as_deref(), booking.clinician));
    }
    line("Type", &both(booking.appointment_type_name.as_deref(), booking.appointment_type));
    let wanted = |name: &Option<String>, id: &Option<String>| match (name, id) {
        (Some(name), Some(id)) => Some(format!("{} ({})", plain(id), plain(name))),
        (_, id) => id.as_deref().map(plain),
    };
    if let Some(resource) = wanted(&booking.wanted_resource_name, &booking.wanted_resource) {
        line("Wanted", &format!("resource {resource}"));
    }
    if let Some(kind) = wanted(&booking.wanted_appointment_type_name, &booking.wanted_appointment_type) {
        line("Wanted", &format!("appointment type {kind}"));
    }
    line("Reference", &booking.reference.as_deref().map_or_else(dash, plain));
    line("State", &booking.state);
    cancellation(booking).iter().for_each(|open| line("Cancellation", open));
    if let Some(sentence) = &booking.needs_attention {
        line("Attention", &plain(sentence));
        line("", &format!("{}.", how_to_settle(booking.booking_id)));
    }
    let _ = writeln!(out, "\nHistory (at the practice's time, {})", offset(booking));
    let width = booking.history.iter().map(|happening| happening.state.len()).max().unwrap_or(0);
    for happening in &booking.history {
        let at = happening.at.format("%Y-%m-%d %H:%M:%S");
        let head = format!("  {at}  {:<width$}  ", happening.state);
        out.push_str(&hanging(&head, &plain(&happening.reason), columns));
    }
    out
}

/// A number, with its name where it is known.
fn both(name: Option<&str>, id: Option<i64>) -> String {
    match (name, id) {
        (Some(name), Some(id)) => format!("{id} ({})", plain(name)),
        (None, Some(id)) => id.to_string(),
        (_, None) => dash(),
    }
}

fn offset(booking: &BookingView) -> String {
    booking.history.last().map_or_else(|| "UTC".to_owned(), |last| format!("UTC{}", last.at.offset()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::booking_view::HappeningView;

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
            cancellation: None,
            clinician: Some(1158),
            appointment_type: Some(66),
            schedule_name: Some("Consulting room".into()),
            clinician_name: Some("Vera Vet".into()),
            appointment_type_name: Some("Standard consultation".into()),
            wanted_resource: None,
            wanted_appointment_type: None,
            wanted_resource_name: None,
            wanted_appointment_type_name: None,
        }
    }

    #[test]
    fn the_table_names_schedule_clinician_and_type_and_fits_eighty_columns() {
        let unknown = BookingView {
            clinician: None,
            clinician_name: None,
            schedule_name: None,
            appointment_type_name: None,
            ..booking(36_127_213, None)
        };
        let unplaced = BookingView { start: None, schedule: None, appointment_type: None, ..unknown.clone() };
        let told = "Look into the diary at 2026-03-03 09:15: the appointment may stand there, and nobody knows.";
        assert_eq!(
            table(&[booking(7, Some(told)), unknown.clone(), unplaced], 80),
            "BOOKING   APPOINTMENT       STATE      WITH                      TYPE\n\
             7         2026-03-03 09:15  confirmed  Vera Vet, Consulting ro…  Standard consu…\n    \
             Look into the diary at 2026-03-03 09:15: the appointment may stand there,\n    \
             and nobody knows.\n\
             36127213  2026-03-03 09:15  confirmed  schedule 136              type 66\n\
             36127213  -                 confirmed\n"
        );
        let other = BookingView { practice_id: "7654321".into(), ..unknown };
        let of_two = table(&[booking(7, Some(told)), other], 80);
        assert!(of_two.contains("PRACTICE") && of_two.lines().all(|line| line.chars().count() <= 80), "{of_two}");
    }

    #[test]
    fn the_table_uses_the_room_that_a_terminal_has_and_stays_readable_where_there_is_none() {
        let told = "Look into the diary at 2026-03-03 09:15: the appointment may stand there, and nobody knows.";
        let bookings = [booking(7, Some(told))];
        let wide = table(&bookings, 120);
        assert!(wide.contains("Vera Vet, Consulting room  Standard consultation\n"), "{wide}");
        assert!(wide.contains(told), "{wide}");
        let narrow = table(&bookings, 10);
        assert_eq!(narrow, table(&bookings, 60));
        assert!(narrow.contains("Vera Vet") && narrow.lines().all(|line| line.chars().count() <= 60), "{narrow}");
    }

    #[test]
    fn what_a_booking_without_a_place_asks_for_is_shown_by_name_or_else_as_healthengine_sent_it() {
        let wanted = BookingView {
            schedule: None,
            schedule_name: None,
            clinician: None,
            clinician_name: None,
            appointment_type: None,
            appointment_type_name: None,
            end: None,
            wanted_resource: Some("s999".into()),
            wanted_appointment_type: Some("66:s136".into()),
            wanted_appointment_type_name: Some("Standard consultation".into()),
            ..booking(7, None)
        };
        let shown = table(std::slice::from_ref(&wanted), 80);
        assert!(shown.ends_with("resource s999  Standard consultation\n"), "{shown}");
        let shown = details(&wanted, 80);
        assert!(
            shown.contains(
                "Wanted       resource s999\nWanted       appointment type 66:s136 (Standard consultation)\n"
            ),
            "{shown}"
        );
    }

    #[test]
    fn one_booking_is_shown_with_its_history() {
        assert_eq!(
            details(&booking(7, Some("Check the diary.")), 80),
            "Booking      7\nPractice     1234567\nAppointment  2026-03-03 09:15-09:30\n\
             Schedule     136 (Consulting room)\nClinician    1158 (Vera Vet)\n\
             Type         66 (Standard consultation)\nReference    602:3:x\nState        confirmed\n\
             Attention    Check the diary.\n             Once that is done, `vetbridge bookings resolve 7` \
             settles it, with\n             --confirmed, --rejected or --cancelled as the diary has it.\n\n\
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
        for key in ["end", "history", "needs_attention", "practice_id", "reference", "schedule", "start", "state"] {
            assert!(keys.iter().any(|own| *own == key), "{keys:?}");
        }
    }
}
