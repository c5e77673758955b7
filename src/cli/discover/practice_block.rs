//! `[[practice]]` blocks to paste into a configuration. With `id` and `key` filled in they pass
//! `check`.
//!
//! So nothing is written that `check` would refuse: a schedule without appointment types, or one
//! that stands in an earlier block, is a comment, and so is a location without any other. Names
//! stand in comments only. A schedule that is never open is written, with a comment that says what
//! `check` will say of it too.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use super::day_parts::{DAY_MINUTES, DayPart, day_parts};
use super::found::FoundLocation;
use crate::availability::openness::Shut;
use crate::cli::inventory::Column;
use crate::config::live_hours::{DayKind, HoursRange};
use crate::ids::ScheduleId;
use crate::messages::{check_findings as say, listed, plain, time_zones};
use crate::span::Span;
use crate::zone::Zone;

/// Live hours are rounded out to this.
const ROUND_MINUTES: u16 = 30;
/// A clinic whose diary says nothing: a guess to correct.
const GUESSED_HOURS: (u16, u16) = (8 * 60, 18 * 60);

/// A block for each location.
pub(super) fn toml(found: &[FoundLocation], horizon_days: u32) -> String {
    let mut out = String::from(
        "# Remove the resources that are not to be offered, and see with `vetbridge rehearse` what Healthengine would \
         show.\n\
         # Then fill in id and key (or key = { file = \"…\" }), and run `vetbridge check`.\n\
         # OpenVPMS does not tell clinicians from other users: remove the users whom nobody is to book.\n",
    );
    let mut listed_already = BTreeSet::new();
    for location in found {
        // Writing into a string cannot fail.
        let _ = block(&mut out, location, horizon_days, &mut listed_already);
    }
    out
}

fn block(
    out: &mut String,
    found: &FoundLocation,
    horizon_days: u32,
    listed_already: &mut BTreeSet<ScheduleId>,
) -> fmt::Result {
    let location = &found.place.location;
    writeln!(
        out,
        "\n# {}: location {} of OpenVPMS, {}",
        plain(&location.name),
        location.id,
        plain(&location.time_zone)
    )?;
    let columns: Vec<&Column> = found
        .place
        .schedules
        .iter()
        .filter(|column| !column.types.is_empty() && listed_already.insert(column.schedule.id))
        .collect();
    for Column { schedule, types: _ } in
        found.place.schedules.iter().filter(|own| !columns.iter().any(|column| column.schedule.id == own.schedule.id))
    {
        let reason = "is left out: it has no appointment type for online booking, or stands in a practice above";
        writeln!(out, "# Schedule {} ({}) {reason}.", schedule.id, plain(&schedule.name))?;
    }
    if columns.is_empty() {
        return writeln!(out, "# Nothing here can be booked online.");
    }
    writeln!(out, "[[practice]]")?;
    writeln!(out, "id = \"\"  # the practice id from Healthengine")?;
    writeln!(out, "key = \"\"  # the practice key from Healthengine")?;
    writeln!(out, "locations = [{}]", location.id)?;
    if !found.zone.is_some_and(|zone| zone.names_a_place()) {
        writeln!(out, "# {}", time_zones::better_set_the_servers_zone(&location.time_zone))?;
        writeln!(out, "timezone = \"\"  # fill in, like \"Australia/Sydney\", only if the server is to stay as it is")?;
    }
    live_hours(out, found)?;
    for Column { schedule, types } in &columns {
        if found.never_open.contains(&schedule.id) {
            let what = format!("Schedule {} ({})", schedule.id, plain(&schedule.name));
            writeln!(out, "# {}", say::never_open(&what, &Shut::Schedule, horizon_days))?;
        }
        let types = listed(types.iter().map(|kind| plain(&kind.name)));
        writeln!(out, "[[practice.resource]]  # {}: {types}", plain(&schedule.name))?;
        writeln!(out, "schedule = {}", schedule.id)?;
    }
    for user in &found.users {
        for Column { schedule, types: _ } in columns.iter().filter(|column| user.rostered.contains(&column.schedule.id))
        {
            writeln!(out, "[[practice.resource]]  # {} on {}", user.user.called(), plain(&schedule.name))?;
            writeln!(out, "user = {}", user.id())?;
            writeln!(out, "schedule = {}", schedule.id)?;
        }
    }
    Ok(())
}

fn live_hours(out: &mut String, found: &FoundLocation) -> fmt::Result {
    let hours = found.zone.map(|zone| week(&zone, found)).unwrap_or_default();
    if hours.is_empty() {
        writeln!(out, "[practice.live_hours]  # a guess: the next 14 days in OpenVPMS show no open time")?;
        let guess = HoursRange::new(GUESSED_HOURS.0, GUESSED_HOURS.1);
        for (day, range) in DayKind::ALL.iter().take(5).zip(std::iter::repeat(guess)) {
            hours_of_day(out, *day, range)?;
        }
        return Ok(());
    }
    writeln!(out, "[practice.live_hours]  # from the next 14 days in OpenVPMS")?;
    hours.into_iter().try_for_each(|(day, range)| hours_of_day(out, day, Some(range)))
}

fn hours_of_day(out: &mut String, day: DayKind, range: Option<HoursRange>) -> fmt::Result {
    range.map_or(Ok(()), |range| writeln!(out, "{} = [\"{range}\"]", day.key()))
}

/// From the earliest opening to the latest closing of each weekday, rounded out; days without any
/// are absent.
///
/// A day that is booked out shows busy time only, so busy time counts; but a calendar block can
/// fill a night. So busy time counts only within the hours of the day at which some day of the
/// fortnight shows free time.
fn week(zone: &Zone, found: &FoundLocation) -> Vec<(DayKind, HoursRange)> {
    let parts = |spans: &[Span]| -> Vec<DayPart> { spans.iter().flat_map(|span| day_parts(zone, span)).collect() };
    let free: Vec<DayPart> = found.free_busy.values().flat_map(|times| parts(&times.free)).collect();
    let busy = found.free_busy.values().flat_map(|times| parts(&times.busy));
    let earliest = free.iter().map(|part| part.start).min().unwrap_or(0);
    let latest = free.iter().map(|part| part.end).max().unwrap_or(DAY_MINUTES);
    let busy = busy.map(|part| DayPart { start: part.start.max(earliest), end: part.end.min(latest), ..part });
    let parts: Vec<DayPart> = free.iter().copied().chain(busy.filter(|part| part.start < part.end)).collect();
    let hours_of = |day: &DayKind| {
        let own = || parts.iter().filter(|part| part.day == *day);
        let start = own().map(|part| part.start).min()? / ROUND_MINUTES * ROUND_MINUTES;
        let end = own().map(|part| part.end).max()?.div_ceil(ROUND_MINUTES) * ROUND_MINUTES;
        Some((*day, HoursRange::new(start, end.min(DAY_MINUTES))?))
    };
    DayKind::ALL.iter().filter_map(hours_of).collect()
}
