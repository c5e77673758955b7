//! What Healthengine offers, held against the diary's free time.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate, NaiveDateTime, TimeDelta};

use super::clinic::SITES;
use super::free_time;
use super::stage::Stage;
use crate::ids::{AppointmentTypeId, PracticeId, ResourceId, TypeId};
use crate::simulator::healthengine::{MarketplaceBooking, MarketplaceStatus};
use crate::simulator::openvpms::World;

/// As many days as the configuration offers.
const DAYS: u64 = 14;

/// The starts of a day, each with its types.
type Starts = BTreeMap<NaiveDateTime, BTreeSet<AppointmentTypeId>>;

/// What was compared, and what differs.
#[derive(Debug, Default)]
pub(super) struct Offers {
    /// Resources, over both practices.
    pub(super) resources: usize,
    /// Days, over all resources.
    pub(super) days: usize,
    /// Starts that are offered as they should be.
    pub(super) starts: usize,
    /// In words.
    pub(super) differences: Vec<String>,
}

/// Compares all days of all resources.
pub(super) fn compare(stage: &Stage, world: &World, bookings: &[MarketplaceBooking]) -> Offers {
    let mut offers = Offers::default();
    let mut all = Vec::new();
    for practice in SITES.iter().map(|site| site.practice()) {
        let resources = stage.marketplace().resources(&practice).unwrap_or_default();
        for resource in resources.iter().filter_map(|own| own.id.parse::<ResourceId>().ok()) {
            offers.resources += 1;
            let days = (0..DAYS).map(|days| stage.today() + Days::new(days));
            all.extend(days.map(|day| (resource, day, offered(stage, &practice, resource, day))));
        }
    }
    // What slips into the past while we look is nobody's mistake.
    let soon = stage.wall() + TimeDelta::minutes(1);
    for (resource, day, mut offered) in all {
        offers.days += 1;
        let mut free = bookable(world, bookings, resource, day);
        offered.retain(|start, _| *start > soon);
        free.retain(|start, _| *start > soon);
        offers.starts += offered.len();
        offers.differences.extend(difference(resource, &offered, &free));
    }
    offers
}

fn offered(stage: &Stage, practice: &PracticeId, resource: ResourceId, day: NaiveDate) -> Starts {
    let offers = stage.marketplace().offered(practice, &resource.to_string(), day).unwrap_or_default();
    let kinds = |kinds: Vec<String>| {
        let ids = kinds.iter().filter_map(|kind| kind.parse::<TypeId>().ok());
        ids.map(|id| id.appointment_type).collect()
    };
    offers.into_iter().map(|offer| (offer.start, kinds(offer.kinds))).collect()
}

/// The diary's free time, less what Healthengine itself counts as booked: it goes on holding the
/// old time of a booking that staff moved, because nobody can tell it.
fn bookable(world: &World, bookings: &[MarketplaceBooking], resource: ResourceId, day: NaiveDate) -> Starts {
    let stands = |view: &&MarketplaceBooking| {
        let status = matches!(view.status, MarketplaceStatus::Requested | MarketplaceStatus::Confirmed);
        status && view.resource == resource.to_string()
    };
    let held: Vec<_> = bookings
        .iter()
        .filter(stands)
        .map(|view| (view.start, view.start + TimeDelta::seconds(view.length_seconds.into())))
        .collect();
    let mut starts = free_time::starts(world, resource, day);
    for (start, kinds) in &mut starts {
        kinds.retain(|kind| {
            let end = *start + super::clinic::length(world, resource.schedule, *kind);
            !held.iter().any(|(from, to)| *from < end && *start < *to)
        });
    }
    starts.retain(|_, kinds| !kinds.is_empty());
    starts
}

/// The first start of a day that is not offered as it should be, and how many there are.
fn difference(resource: ResourceId, offered: &Starts, free: &Starts) -> Option<String> {
    let all: BTreeSet<&NaiveDateTime> = offered.keys().chain(free.keys()).collect();
    let wrong: Vec<_> = all.into_iter().filter(|start| offered.get(*start) != free.get(*start)).collect();
    let first = *wrong.first()?;
    let types = |starts: &Starts| match starts.get(first) {
        None => "nothing".to_owned(),
        Some(kinds) => kinds.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    Some(format!(
        "Resource {resource} at {}: Healthengine offers {}, the diary has room for {} (the first of {} such times \
         that day).",
        first.format("%Y-%m-%d %H:%M"),
        types(offered),
        types(free),
        wrong.len()
    ))
}
