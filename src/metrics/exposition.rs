//! Everything as text, in the form that Prometheus and all that scrape like it read.

use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

use super::calls::CallMetrics;
use super::flush_times::FlushTimes;
use super::gauges::Gauges;
use super::practices::PracticeMetrics;

/// The media type of the text: Prometheus's own format, which everybody reads.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Everything that is counted and timed. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    /// Calls to both systems.
    pub calls: CallMetrics,
    /// What happens to practices.
    pub practices: PracticeMetrics,
    /// The store's disk.
    pub flush_times: FlushTimes,
}

impl Metrics {
    /// All of it, with what the bridge knows at this moment.
    pub fn text(&self, gauges: &Gauges) -> String {
        let mut registry = Registry::default();
        gauges.register(&mut registry);
        self.practices.register(&mut registry);
        self.calls.register(&mut registry);
        self.flush_times.register(&mut registry);
        let mut open_metrics = String::new();
        // Writing to a string cannot fail.
        let _ = text::encode_registry(&mut open_metrics, &registry);
        classic(&open_metrics)
    }
}

/// OpenMetrics names a counter without `_total` in the lines that describe it. The older format
/// wants the name that its samples have.
fn classic(open_metrics: &str) -> String {
    let is_counter = |name: &str| open_metrics.contains(&format!("# TYPE {name} counter\n"));
    let line = |line: &str| match line.splitn(4, ' ').collect::<Vec<_>>()[..] {
        ["#", what, name, rest] if is_counter(name) => format!("# {what} {name}_total {rest}\n"),
        _ => format!("{line}\n"),
    };
    open_metrics.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::booking::counted::CountedOutcome;
    use crate::ids::PracticeId;

    #[test]
    fn counters_are_described_by_the_name_of_their_samples_and_what_nobody_knows_is_absent() {
        let metrics = Metrics::default();
        let practice = PracticeId("1".into());
        metrics.practices.know(&practice);
        metrics.practices.booking(&practice, CountedOutcome::Confirmed);
        let gauges = Gauges { clock_difference: Some(TimeDelta::milliseconds(-1500)), ..Gauges::default() };
        let text = metrics.text(&gauges);
        for line in [
            "# TYPE vetbridge_bookings_total counter",
            "vetbridge_bookings_total{practice=\"1\",outcome=\"confirmed\"} 1",
            "vetbridge_bookings_total{practice=\"1\",outcome=\"cancelled\"} 0",
            "vetbridge_booking_answer_seconds_count{practice=\"1\"} 0",
            "vetbridge_clock_difference_seconds -1.5",
        ] {
            assert!(text.lines().any(|own| own == line), "{line}\n{text}");
        }
        assert!(!text.contains("\nvetbridge_store_bytes ") && !text.contains("# EOF"), "{text}");
        metrics.practices.forget(&practice);
        assert!(!metrics.text(&gauges).contains("practice=\"1\""));
    }
}
