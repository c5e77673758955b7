//! What the scenarios have in common.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use vetbridge::ids::PracticeId;
use vetbridge::simulator::healthengine::NewPractice;
use vetbridge::simulator::openvpms::World;

use crate::clinic::{Clinic, PRACTICE, practice};

/// A second practice that Healthengine knows.
pub(crate) const OTHER: &str = "7654321";

pub(crate) fn id(practice: &str) -> PracticeId {
    PracticeId(practice.into())
}

/// Healthengine knows a second practice.
pub(crate) fn add_other(clinic: &Clinic) {
    clinic.healthengine.add_practice(NewPractice::new(OTHER, "the-other-key", "Australia/Sydney".parse().unwrap()));
}

/// OpenVPMS has a schedule at the second location.
pub(crate) fn open_branch(clinic: &Clinic) {
    clinic.openvpms.staff(World::add_branch_schedule);
}

/// The configuration with both practices, each at its location.
pub(crate) fn both(clinic: &Clinic) -> String {
    let branch = practice(OTHER, "the-other-key", "").replace("[98]", "[106]");
    clinic.settings() + &practice(PRACTICE, "the-practice-key", "") + &branch
}

/// How many starts a practice offers on the days to come.
pub(crate) fn offers(clinic: &Clinic, practice: &str) -> usize {
    let days: Vec<NaiveDate> = clinic.today().iter_days().take(6).collect();
    let resources = clinic.healthengine.resources(&id(practice)).unwrap();
    let of = |resource: &str| -> usize {
        let offered = |day| clinic.healthengine.offered(&id(practice), resource, day).map_or(0, |offers| offers.len());
        days.iter().map(|day| offered(*day)).sum()
    };
    resources.iter().map(|resource| of(&resource.id)).sum()
}

/// The names of a practice's resources at Healthengine.
pub(crate) fn resources(clinic: &Clinic, practice: &str) -> Vec<String> {
    clinic.healthengine.resources(&id(practice)).unwrap().into_iter().map(|own| own.name).collect()
}

/// What was sent for a practice, in order: `POST config/livenessContract`, and when.
pub(crate) fn told(clinic: &Clinic, practice: &str) -> Vec<(DateTime<Utc>, String)> {
    let all = clinic.healthengine.exchanges().into_iter().filter(|own| own.practice.as_deref() == Some(practice));
    all.map(|own| (own.at, format!("{} {}", own.method, own.path))).collect()
}

/// A moment in which something that must not happen has time to happen.
pub(crate) async fn a_while() {
    tokio::time::sleep(Duration::from_millis(1500)).await;
}

/// The first of these calls, in their order of appearance.
pub(crate) fn order(told: &[(DateTime<Utc>, String)], calls: &[&str]) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    for (_, call) in told {
        if calls.contains(&call.as_str()) && !seen.contains(call) {
            seen.push(call.clone());
        }
    }
    seen
}
