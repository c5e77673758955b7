//! What was seen of the scenarios with the clinic's own OpenVPMS, and why nothing was where nothing
//! was.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::facts::RehearsalFacts;
use super::scenarios::Scenario as S;
use super::stand::Stand;
use crate::ids::{PracticeId, ScheduleId, UserId};
use crate::mapping::Mapping;
use crate::messages::rehearsal::INTERRUPTED;
use crate::messages::rehearsal_report as say;
use crate::simulator::healthengine::LoggedExchange;

/// What is sent first, and what to call it.
const STEPS: [(&str, &str); 4] = [
    ("config/livenessContract", "liveness contract"),
    ("config/pmsResources/snapshot", "resources"),
    ("config/pmsAppointmentTypes/snapshot", "appointment types"),
    ("availability/snapshots", "availability"),
];

/// What was seen of each scenario of which anything was.
pub(super) fn seen(stand: &Stand, facts: &RehearsalFacts) -> BTreeMap<S, String> {
    let all = [
        (S::Linking, linking(stand)),
        (S::InitialConfiguration, initial_configuration(stand)),
        (S::MultiLocation, multi_location(stand)),
        (S::MultipleSpecialties, multiple_specialties(stand)),
        (S::Polling, polling(stand)),
        (S::PriorityRequests, priority_requests(facts)),
    ];
    all.into_iter().filter_map(|(scenario, seen)| Some((scenario, seen?))).collect()
}

/// Why nothing was seen of a scenario.
pub(super) fn why_not(scenario: S, books: bool, is_broken_off: bool) -> &'static str {
    match scenario {
        S::WithoutConsent | S::UnknownBooking | S::RequestTypes | S::OutstandingRequests => say::NEEDS_FAULT,
        S::UpdatingPracticeId
        | S::LivenessTimes
        | S::ResourceChanges
        | S::TypeChanges
        | S::ConfigurationAfterDisabling
        | S::AvailabilityAfterDisabling => say::NEEDS_CHANGE,
        S::ConfigurationResync | S::AvailabilityResync => say::NEEDS_PERSON,
        S::WebhookInTime | S::WebhookRetried | S::WebhookMissed => say::NEEDS_WEBHOOKS,
        S::PatientDetails | S::ChangedDetails => say::NEEDS_PATIENTS,
        S::MultiLocation => say::ONE_PRACTICE,
        S::MultipleSpecialties => say::NO_SPECIALTIES,
        S::PriorityRequests if !books => say::NEEDS_BOOK,
        S::Linking | S::InitialConfiguration | S::Polling | S::PriorityRequests if is_broken_off => INTERRUPTED,
        S::Linking | S::InitialConfiguration | S::Polling | S::PriorityRequests => say::NOT_SEEN,
    }
}

/// When a call was first carried out for a practice.
fn first(stand: &Stand, practice: &str, path: &str) -> Option<DateTime<Utc>> {
    let mut all = stand.model.exchanges().into_iter();
    let is_it = |own: &LoggedExchange| {
        own.method == "POST" && own.path == path && own.status == 200 && own.practice.as_deref() == Some(practice)
    };
    all.find(is_it).map(|own| own.at)
}

fn linking(stand: &Stand) -> Option<String> {
    let began = stand.bridge.started_at();
    let of = |(id, ..): (&PracticeId, _, _)| {
        let accepted = first(stand, &id.0, STEPS[2].0)?;
        let resources = stand.model.resources(id).map_or(0, |all| all.len());
        let types = stand.model.appointment_types(id).map_or(0, |all| all.len());
        Some(say::linked(id, accepted - began, resources, types))
    };
    let all: Vec<String> = stand.practices().filter_map(of).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

fn initial_configuration(stand: &Stand) -> Option<String> {
    let (id, ..) = stand.practices().next()?;
    let began = stand.bridge.started_at();
    let step = |(path, name): &(&str, &'static str)| Some((*name, first(stand, &id.0, path)? - began));
    let steps: Vec<(&str, TimeDelta)> = STEPS.iter().map(step).collect::<Option<_>>()?;
    let starts = stand.practices().flat_map(|(id, ..)| stand.all_offered(id)).map(|own| (own.kind.resource, own.start));
    let starts: BTreeSet<_> = starts.collect();
    Some(say::initial_configuration(&steps, stand.published().0, starts.len()))
}

fn multi_location(stand: &Stand) -> Option<String> {
    let practices = stand.practices().count();
    let of = |mapping: &Mapping| mapping.resources.iter().map(|own| own.location).collect::<BTreeSet<_>>().len();
    let locations: usize = stand.practices().map(|(_, mapping, _)| of(mapping)).sum();
    (practices.max(locations) > 1).then(|| say::several_locations(practices, locations))
}

fn multiple_specialties(stand: &Stand) -> Option<String> {
    let mut places: BTreeMap<UserId, BTreeSet<ScheduleId>> = BTreeMap::new();
    for (_, mapping, _) in stand.practices() {
        for id in mapping.resources.iter().map(|resource| resource.id) {
            if let Some(user) = id.user {
                places.entry(user).or_default().insert(id.schedule);
            }
        }
    }
    places.retain(|_, schedules| schedules.len() > 1);
    let resources = places.values().map(BTreeSet::len).sum();
    (!places.is_empty()).then(|| say::several_schedules(places.len(), resources))
}

fn polling(stand: &Stand) -> Option<String> {
    let (id, ..) = stand.practices().next()?;
    let polls =
        stand.model.exchanges().into_iter().filter(|own| {
            own.method == "GET" && own.path == "requests" && own.practice.as_deref() == Some(id.0.as_str())
        });
    let polls: Vec<DateTime<Utc>> = polls.map(|own| own.at).collect();
    let longest = polls.windows(2).map(|pair| pair[1] - pair[0]).max()?;
    Some(say::polling(polls.len(), longest))
}

fn priority_requests(facts: &RehearsalFacts) -> Option<String> {
    let round = facts.round.lock();
    let confirmed: Vec<TimeDelta> = round.iter().filter_map(|own| own.confirmed_after).collect();
    let gone: Vec<TimeDelta> = round.iter().filter_map(|own| own.cancelled_after).collect();
    let made = round.iter().filter(|own| own.booking.is_some()).count();
    (made > 0).then(|| say::bookings(made, confirmed.len(), confirmed.iter().max(), gone.len(), gone.iter().max()))
}
