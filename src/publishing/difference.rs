//! How days that are to be sent differ from what Healthengine has, for a person.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::availability::{Moment, ResourceDay, SentDay, from_first_offered};
use crate::healthengine::AvailabilityRange;
use crate::zone::Zone;

/// So many days are shown.
const DAYS_SHOWN: usize = 50;
/// So many ranges of a day that come, and as many that go.
const RANGES_SHOWN: usize = 8;

/// The days that differ, the first of them in full.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaysDifference {
    /// The first days.
    pub days: Vec<ChangedDay>,
    /// How many more there are.
    pub more: usize,
}

/// A day on which something else is offered than Healthengine has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedDay {
    /// The resource.
    pub resource: String,
    /// Its name.
    pub name: String,
    /// The day, by the practice's calendar.
    pub date: NaiveDate,
    /// What is offered no longer.
    pub removed: ChangedRanges,
    /// What is offered from now on.
    pub added: ChangedRanges,
}

/// Ranges of a day, the first of them in full.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedRanges {
    /// The first ranges, as they are sent.
    pub ranges: Vec<AvailabilityRange>,
    /// How many more there are.
    pub more: usize,
}

impl DaysDifference {
    /// One more day differs.
    pub fn add(&mut self, day: impl FnOnce() -> ChangedDay) {
        if self.days.len() < DAYS_SHOWN {
            self.days.push(day());
        } else {
            self.more += 1;
        }
    }
}

impl ChangedDay {
    /// How a day differs from what was last sent of it; what is past by now is no difference.
    pub fn new(sent: Option<&SentDay>, wanted: &ResourceDay, name: String, moment: Moment, practice: &Zone) -> Self {
        let ranges = |day| {
            from_first_offered(day, wanted.date, moment, practice).snapshot(wanted.resource, wanted.date).availability
        };
        let (before, after) = (sent.map(|sent| ranges(&sent.day)).unwrap_or_default(), ranges(&wanted.day));
        Self {
            resource: wanted.resource.to_string(),
            name,
            date: wanted.date,
            removed: ChangedRanges::only_in(&before, &after),
            added: ChangedRanges::only_in(&after, &before),
        }
    }
}

impl ChangedRanges {
    fn only_in(these: &[AvailabilityRange], others: &[AvailabilityRange]) -> Self {
        let mut only = these.iter().filter(|range| !others.contains(range)).cloned();
        let ranges: Vec<AvailabilityRange> = only.by_ref().take(RANGES_SHOWN).collect();
        Self { ranges, more: only.count() }
    }
}

impl fmt::Display for DaysDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.days.iter().try_for_each(|day| write!(f, "{day}"))?;
        if self.more > 0 { writeln!(f, "  and {} more days", self.more) } else { Ok(()) }
    }
}

impl fmt::Display for ChangedDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  {}  {}  {}", self.date, self.resource, self.name)?;
        for (sign, changed) in [("-", &self.removed), ("+", &self.added)] {
            for range in &changed.ranges {
                // Of "63:s136" the resource stands above.
                let types = range.pms_appointment_type_ids.iter().map(|id| id.split(':').next().unwrap_or(id));
                let types: Vec<&str> = types.collect();
                writeln!(f, "    {sign} {}-{}  types {}", range.start, range.end, types.join(" "))?;
            }
            if changed.more > 0 {
                writeln!(f, "    {sign} and {} more ranges", changed.more)?;
            }
        }
        if self.removed.ranges.is_empty() && self.added.ranges.is_empty() {
            writeln!(f, "    nothing is offered")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;
    use crate::availability::Day;
    use crate::ids::{AppointmentTypeId, ResourceId, ScheduleId};

    /// The first day at which these minutes are offered with type 63; as it is at midnight.
    fn changed(before: Option<&[u32]>, after: &[u32]) -> ChangedDay {
        let at: DateTime<Utc> = "2027-02-14T00:00:00Z".parse().unwrap();
        let types = [AppointmentTypeId(63)];
        let day = |minutes: &[u32]| Day::from_starts(15, minutes.iter().map(|minute| (*minute, &types[..])));
        let resource = ResourceId::schedule(ScheduleId(136));
        let wanted = ResourceDay { resource, date: "2027-02-15".parse().unwrap(), day: day(after) };
        let sent = before.map(|minutes| SentDay { day: day(minutes), at, accepted: true });
        let moment = Moment { now: at, min_notice: TimeDelta::zero() };
        ChangedDay::new(sent.as_ref(), &wanted, "Room".into(), moment, &Zone::Iana(chrono_tz::UTC))
    }

    #[test]
    fn a_day_shows_the_ranges_that_go_and_those_that_come() {
        let day = changed(Some(&[540, 555, 600]), &[555, 600]);
        assert_eq!(
            day.to_string(),
            "  2027-02-15  s136  Room\n    - 09:00-09:30  types 63\n    + 09:15-09:30  types 63\n"
        );
        assert!(changed(None, &[]).to_string().ends_with("nothing is offered\n"));
        assert!(changed(Some(&[]), &[540]).to_string().ends_with("Room\n    + 09:00-09:15  types 63\n"));
    }

    #[test]
    fn what_is_shown_has_a_bound_and_says_how_much_more_there_is() {
        let starts: Vec<u32> = (0..20).map(|hour| hour * 60).collect();
        let day = changed(None, &starts);
        assert_eq!((day.added.ranges.len(), day.added.more), (RANGES_SHOWN, 20 - RANGES_SHOWN));
        let mut all = DaysDifference::default();
        (0..70).for_each(|_| all.add(|| day.clone()));
        assert!(all.to_string().ends_with("    + and 12 more ranges\n  and 20 more days\n"), "{all}");
    }
}
