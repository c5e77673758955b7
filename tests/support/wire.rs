//! The wire between bridge and simulators: it takes time, it is watched, and it goes dead with the process.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
use vetbridge::clock::Clock;
use vetbridge::http::{Request, Response, Transport};
use vetbridge::ids::PracticeId;
use vetbridge::remote::{Answer, ErrorClass};
use vetbridge::simulator::exchange::Memory;

/// The power of one process. Once it is cut, no call of the process gets any further.
#[derive(Clone, Default)]
pub(crate) struct Power(CancellationToken);

impl Power {
    /// Cuts it.
    pub(crate) fn cut(&self) {
        self.0.cancel();
    }

    /// True once it was cut.
    pub(crate) fn is_cut(&self) -> bool {
        self.0.is_cancelled()
    }
}

/// A call that came to an end.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// When it left.
    pub(crate) at: DateTime<Utc>,
    /// When its answer was there, or given up.
    pub(crate) ended: DateTime<Utc>,
    /// Which practice asked Healthengine; OpenVPMS is asked for nobody in particular.
    pub(crate) practice: Option<PracticeId>,
    /// `GET /ws/booking/v2/locations`, without the query.
    pub(crate) what: String,
    /// The query.
    pub(crate) query: String,
    /// The status of the answer, or what became of the call.
    pub(crate) outcome: Result<u16, ErrorClass>,
}

impl Call {
    /// True for a call to OpenVPMS.
    pub(crate) fn is_openvpms(&self) -> bool {
        self.practice.is_none()
    }
}

/// All calls, in the order in which they ended.
#[derive(Clone)]
pub(crate) struct Journal {
    clock: Clock,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Journal {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, calls: Arc::default() }
    }

    /// All of them.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// Those whose method and path begin and end like this; either may be empty.
    pub(crate) fn of(&self, begin: &str, end: &str) -> Vec<Call> {
        let is_it = |call: &Call| call.what.starts_with(begin) && call.what.ends_with(end);
        self.calls().into_iter().filter(is_it).collect()
    }

    /// How many there are of them.
    pub(crate) fn count(&self, begin: &str, end: &str) -> usize {
        self.of(begin, end).len()
    }

    /// Begins anew.
    pub(crate) fn clear(&self) {
        self.calls.lock().unwrap().clear();
    }
}

/// A transport of one process.
pub(crate) struct Line {
    memory: Memory,
    practice: Option<PracticeId>,
    journal: Journal,
    latency: Duration,
    power: Power,
}

impl Line {
    pub(super) fn new(
        memory: Memory,
        practice: Option<&PracticeId>,
        journal: Journal,
        latency: Duration,
        power: Power,
    ) -> Self {
        Self { memory, practice: practice.cloned(), journal, latency, power }
    }

    async fn carry(&self, request: Request) -> Answer<Response> {
        let at = self.journal.clock.now();
        let what = format!("{} {}", request.method, request.path);
        tokio::time::sleep(self.latency).await;
        let answer = self.memory.exchange(request).await;
        tokio::time::sleep(self.latency).await;
        let (what, query) = what.split_once('?').unwrap_or((&what, ""));
        self.journal.calls.lock().unwrap().push(Call {
            at,
            ended: self.journal.clock.now(),
            practice: self.practice.clone(),
            what: what.to_owned(),
            query: query.to_owned(),
            outcome: answer.as_ref().map(|answer| answer.status).map_err(|error| error.class),
        });
        answer
    }
}

#[async_trait]
impl Transport for Line {
    async fn exchange(&self, request: Request) -> Answer<Response> {
        tokio::select! {
            biased;
            // A dead process waits for ever.
            () = self.power.0.cancelled() => std::future::pending().await,
            answer = self.carry(request) => answer,
        }
    }
}

/// The header of HTTP Basic.
pub(super) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}
