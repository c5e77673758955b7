//! What the bridge knows when somebody scrapes.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use chrono::{DateTime, TimeDelta, Utc};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::calls::CalledSystem;
use crate::build_info;

/// What the bridge knows when somebody scrapes. What nobody knows is absent.
#[derive(Debug, Clone, Default)]
pub struct Gauges {
    /// The practices of the configuration.
    pub practices: Vec<PracticeGauges>,
    /// How many problems there are of a practice, or of the whole, by subject.
    pub problems: BTreeMap<(String, &'static str), usize>,
    /// How far Healthengine's clock is ahead of ours.
    pub clock_difference: Option<TimeDelta>,
    /// What the state directory takes on the disk.
    pub store_bytes: Option<u64>,
}

/// What is known of one practice.
#[derive(Debug, Clone, Default)]
pub struct PracticeGauges {
    /// Its id at Healthengine.
    pub practice: String,
    /// Whether it is in step; absent of one that is off.
    pub in_step: Option<bool>,
    /// Bookings that somebody must look at.
    pub need_attention: usize,
    /// When each system last answered.
    pub last_contact: Vec<(CalledSystem, DateTime<Utc>)>,
    /// How old the last complete reading of the near days is.
    pub reading_age: Option<TimeDelta>,
    /// How long the oldest request of each kind has been waiting; zero where none waits.
    pub oldest_open: Vec<(&'static str, TimeDelta)>,
}

type Labels = Vec<(&'static str, String)>;
type Values = Family<Labels, Gauge<f64, AtomicU64>>;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
    commit: &'static str,
    tzdb: &'static str,
}

impl Gauges {
    pub(super) fn register(&self, registry: &mut Registry) {
        let Self { practices, problems, clock_difference, store_bytes } = self;
        let build = Family::<BuildLabels, Gauge>::default();
        let labels = BuildLabels { version: build_info::VERSION, commit: build_info::COMMIT, tzdb: build_info::TZDB };
        build.get_or_create(&labels).set(1);
        registry.register("vetbridge_build_info", "What runs: always 1", build);
        PracticeGauges::register(practices, registry);
        let problems = problems.iter().map(|((practice, subject), count)| {
            (vec![("practice", practice.clone()), ("subject", (*subject).to_owned())], *count as f64)
        });
        let text = "Problems by subject, as the status page has them; without a practice, of the whole";
        registry.register("vetbridge_problems", text, values(problems));
        let text = "How far Healthengine's clock is ahead of this machine's";
        let ahead = clock_difference.map(|ahead| ahead.as_seconds_f64());
        register_one(registry, "vetbridge_clock_difference_seconds", text, ahead);
        let text = "What the state directory takes on the disk";
        register_one(registry, "vetbridge_store_bytes", text, store_bytes.map(|bytes| bytes as f64));
    }
}

impl PracticeGauges {
    fn register(all: &[Self], registry: &mut Registry) {
        let own = |practice: &Self| vec![("practice", practice.practice.clone())];
        let in_step = all.iter().filter_map(|one| Some((own(one), f64::from(u8::from(one.in_step?)))));
        let text = "1 if Healthengine shows what the diary says";
        registry.register("vetbridge_practice_in_step", text, values(in_step));
        let text = "Bookings that a person must look at";
        let flagged = all.iter().map(|one| (own(one), one.need_attention as f64));
        registry.register("vetbridge_bookings_need_attention", text, values(flagged));
        let contacts = all.iter().flat_map(|one| {
            one.last_contact.iter().map(move |(system, at)| {
                let labels = [own(one), vec![("peer", system.name().to_owned())]].concat();
                (labels, at.timestamp_millis() as f64 / 1000.0)
            })
        });
        let text = "When each system last answered the practice";
        registry.register("vetbridge_last_contact_timestamp_seconds", text, values(contacts));
        let ages = all.iter().filter_map(|one| Some((own(one), one.reading_age?.as_seconds_f64())));
        let text = "How old the last complete reading of the near days is";
        registry.register("vetbridge_reading_age_seconds", text, values(ages));
        let oldest = all.iter().flat_map(|one| {
            one.oldest_open
                .iter()
                .map(move |(kind, age)| ([own(one), vec![("kind", (*kind).to_owned())]].concat(), age.as_seconds_f64()))
        });
        let text = "How long Healthengine's oldest request of a kind has been waiting for its answer";
        registry.register("vetbridge_oldest_open_request_seconds", text, values(oldest));
    }
}

fn register_one(registry: &mut Registry, name: &'static str, text: &'static str, value: Option<f64>) {
    let gauge = Gauge::<f64, AtomicU64>::default();
    if let Some(value) = value {
        gauge.set(value);
        registry.register(name, text, gauge);
    }
}

fn values(all: impl Iterator<Item = (Labels, f64)>) -> Values {
    let family = Values::default();
    for (labels, value) in all {
        family.get_or_create(&labels).set(value);
    }
    family
}
