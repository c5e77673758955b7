//! `/metrics`: what Prometheus scrapes, open as health is. It says nothing about anybody.

use std::time::Duration;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};

use super::admin::Admin;
use super::view;
use crate::bridge::Bridge;
use crate::metrics::calls::CalledSystem;
use crate::metrics::exposition::MEDIA_TYPE;
use crate::metrics::gauges::{Gauges, PracticeGauges};
use crate::practice::Practice;
use crate::practice::health::problems::Problems;
use crate::store::disk_bytes;
use crate::without_store::WithoutStore;

/// A disk that takes longer to say how much is on it is not waited for: scraping shows then, too,
/// what is wrong.
const DISK_WAIT: Duration = Duration::from_secs(1);

pub(super) async fn scrape(State(admin): State<Admin>) -> Response {
    let bytes = match admin.bridge.store().path() {
        Some(path) => tokio::time::timeout(DISK_WAIT, tokio::task::spawn_blocking(move || disk_bytes(&path))).await,
        None => return answer(text(&admin.bridge, None)),
    };
    answer(text(&admin.bridge, bytes.ok().and_then(Result::ok)))
}

pub(super) fn answer(text: String) -> Response {
    ([(CONTENT_TYPE, MEDIA_TYPE)], text).into_response()
}

/// All metrics of a bridge; its state directory takes so much.
pub fn text(bridge: &Bridge, store_bytes: Option<u64>) -> String {
    let mut gauges = Gauges { store_bytes, ..Gauges::default() };
    count(&mut gauges, "", bridge.health());
    let now = bridge.now();
    for practice in bridge.practices() {
        count(&mut gauges, &practice.id().0, practice.health());
        gauges.clock_difference = further(gauges.clock_difference, practice.clock_difference());
        let in_step = Some(practice.not_in_step(now).is_empty());
        gauges.practices.push(PracticeGauges { in_step, ..of_practice(bridge, &practice, now) });
    }
    for (practice, _) in bridge.off() {
        count(&mut gauges, &practice.id().0, practice.health());
        let need_attention = view::flagged(bridge.ledger(), practice.id());
        let practice = practice.id().0.clone();
        gauges.practices.push(PracticeGauges { practice, need_attention, ..PracticeGauges::default() });
    }
    bridge.metrics().text(&gauges)
}

fn of_practice(bridge: &Bridge, practice: &Practice, now: DateTime<Utc>) -> PracticeGauges {
    let done = practice.last_done();
    let contacts =
        [(CalledSystem::OpenVpms, done.openvpms_at), (CalledSystem::Healthengine, done.polled_at.max(done.sent_at))];
    PracticeGauges {
        practice: practice.id().0.clone(),
        in_step: None,
        need_attention: view::flagged(bridge.ledger(), practice.id()),
        last_contact: contacts.into_iter().filter_map(|(system, at)| Some((system, at?))).collect(),
        // What was read in the future was read before the clock was set right.
        reading_age: done.read_at.map(|at| (now - at).abs()),
        oldest_open: practice.oldest_open(),
    }
}

/// What is known while the store cannot be opened.
pub fn without_store(service: &WithoutStore) -> String {
    let mut gauges = Gauges::default();
    count(&mut gauges, "", service.health());
    gauges.problems.insert((String::new(), "store"), 1);
    gauges.clock_difference = service.clock_differences().fold(None, further);
    for (practice, polled_at) in service.shown().polled_at.clone() {
        let last_contact = polled_at.map(|at| (CalledSystem::Healthengine, at)).into_iter().collect();
        let practice = practice.0;
        let known = PracticeGauges { practice, in_step: Some(false), last_contact, ..PracticeGauges::default() };
        gauges.practices.push(known);
    }
    service.metrics().text(&gauges)
}

fn count(gauges: &mut Gauges, practice: &str, problems: &Problems) {
    let counts = problems.counts().into_iter();
    gauges.problems.extend(counts.map(|(subject, count)| ((practice.to_owned(), subject), count)));
}

/// Of what several practices know of Healthengine's clock the worst is told.
fn further(one: Option<TimeDelta>, other: TimeDelta) -> Option<TimeDelta> {
    Some(one.filter(|one| other.abs() <= one.abs()).unwrap_or(other))
}
