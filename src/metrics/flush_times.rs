//! How long the store's disk takes.

use std::time::Duration;

use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Upper bounds in seconds.
const BUCKETS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// How long the store takes to write and sync. Clones measure together.
#[derive(Debug, Clone)]
pub struct FlushTimes(Histogram);

impl Default for FlushTimes {
    fn default() -> Self {
        Self(Histogram::new(BUCKETS))
    }
}

impl FlushTimes {
    /// A group of changes was written and synced.
    pub fn note(&self, took: Duration) {
        self.0.observe(took.as_secs_f64());
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        let text = "How long the disk takes to make changes last; a booking waits for it before each step";
        registry.register("vetbridge_store_flush_seconds", text, self.0.clone());
    }
}
