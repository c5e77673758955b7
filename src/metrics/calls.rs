//! The calls to both systems: counted by what came of them, timed by route, and each a line of the
//! log at `debug`.
//!
//! A call is one question of a client. Its time runs from when it is wanted until its answer is
//! read: waiting for the rate limit, and what the transport repeats, are part of it.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tokio::time::Instant;

use super::on_behalf_of::OnBehalfOf;
use crate::call_error::{Answer, CallError, ErrorClass};

/// Upper bounds in seconds. Calls are given up after ten seconds unless the configuration says
/// otherwise.
const BUCKETS: [f64; 11] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// A system that is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CalledSystem {
    /// OpenVPMS.
    OpenVpms,
    /// Healthengine.
    Healthengine,
}

impl CalledSystem {
    /// As labels and the log have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenVpms => "openvpms",
            Self::Healthengine => "healthengine",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    peer: &'static str,
    route: String,
    class: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    peer: &'static str,
    route: String,
}

/// Counts and times calls. Clones count together.
#[derive(Debug, Clone)]
pub struct CallMetrics {
    calls: Family<CallLabels, Counter>,
    times: Family<RouteLabels, Histogram>,
}

impl Default for CallMetrics {
    fn default() -> Self {
        Self { calls: Family::default(), times: Family::new_with_constructor(|| Histogram::new(BUCKETS)) }
    }
}

impl CallMetrics {
    /// A call begins; `call` is its method and its route ([`crate::http::route`]). Whoever gives it
    /// up, and drops this, has lost the answer.
    pub fn begin(&self, system: CalledSystem, call: String) -> StartedCall {
        StartedCall { metrics: self.clone(), system, call, began: Instant::now(), status: None, has_ended: false }
    }

    fn count(&self, system: CalledSystem, route: &str, class: Option<ErrorClass>, took: Duration) {
        let (peer, route) = (system.name(), route.to_owned());
        let class = class.map_or("ok", name_of);
        self.calls.get_or_create(&CallLabels { peer, route: route.clone(), class }).inc();
        self.times.get_or_create(&RouteLabels { peer, route }).observe(took.as_secs_f64());
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        let text = "Calls to OpenVPMS and Healthengine, by what came of them";
        registry.register("vetbridge_http_requests", text, self.calls.clone());
        let text = "How long calls take, with what they wait for the rate limit and what is repeated";
        registry.register("vetbridge_http_request_duration_seconds", text, self.times.clone());
    }
}

/// A call that is under way.
#[derive(Debug)]
pub struct StartedCall {
    metrics: CallMetrics,
    system: CalledSystem,
    call: String,
    began: Instant,
    status: Option<u16>,
    has_ended: bool,
}

impl StartedCall {
    /// An answer came, with this status.
    pub fn answered(&mut self, status: u16) {
        self.status = Some(status);
    }

    /// What was made of it. An error says from here on which call it was of.
    pub fn end<T>(mut self, answer: Answer<T>) -> Answer<T> {
        self.has_ended = true;
        let answer = answer.map_err(|error| error.of(self.call.as_str()));
        self.note(answer.as_ref().err());
        answer
    }

    fn note(&self, error: Option<&CallError>) {
        let took = self.began.elapsed();
        let (method, route) = self.call.split_once(' ').unwrap_or_default();
        self.metrics.count(self.system, route, error.map(|error| error.class), took);
        let whom = OnBehalfOf::of_this_task();
        let (practice, booking) = whom.fields();
        let (peer, status) = (self.system.name(), self.status.or_else(|| error.and_then(|error| error.status)));
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        match error {
            None => tracing::debug!(practice, booking, peer, method, route, status, ms, "called"),
            // Why stands in the error, which whoever asked tells: here it can hold what the server
            // repeats of our address for webhooks.
            Some(error) => {
                let class = name_of(error.class);
                tracing::debug!(practice, booking, peer, method, route, status, ms, class, "called in vain");
            }
        }
    }
}

impl Drop for StartedCall {
    fn drop(&mut self) {
        if !self.has_ended {
            self.note(Some(&CallError::new(ErrorClass::Lost, "it was given up")));
        }
    }
}

fn name_of(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::NotSent => "not_sent",
        ErrorClass::Lost => "lost",
        ErrorClass::Unavailable => "unavailable",
        ErrorClass::Refused => "refused",
        ErrorClass::Credentials => "credentials",
        ErrorClass::Forbidden => "forbidden",
        ErrorClass::TooMany => "too_many",
        ErrorClass::Contract => "contract",
    }
}
