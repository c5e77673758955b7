//! The wire between bridge and simulators: it takes time, it is watched, and it goes dead with the process.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
use vetbridge::call_error::{Answer, ErrorClass};
use vetbridge::clock::Clock;
use vetbridge::http::rate_limit::Limits;
use vetbridge::http::{Request, Response, Transport};
use vetbridge::ids::PracticeId;
use vetbridge::simulator::exchange::{ArrivedRequest, Memory, Model, SentAnswer};
use vetbridge::store::MemoryEngine;

use super::Chance;
use super::mines::{Mines, Step};

/// The power of one process. Once it is cut, no call of the process gets any further, and nothing
/// more reaches the disk.
#[derive(Clone)]
pub(crate) struct Power {
    cut: CancellationToken,
    disk: MemoryEngine,
    left: Arc<Mutex<Option<MemoryEngine>>>,
    fuse: Arc<Mutex<Option<Fuse>>>,
}

/// Cuts the power in the middle of a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fuse {
    /// So many calls go through before it.
    pub(crate) calls: u32,
    /// Before the call arrives, or between its arrival and the answer.
    pub(crate) arrives: bool,
    /// So many steps of other tasks later; a write to the disk takes three.
    pub(crate) steps: u32,
}

impl Power {
    pub(crate) fn of(disk: &MemoryEngine) -> Self {
        Self { cut: CancellationToken::new(), disk: disk.clone(), left: Arc::default(), fuse: Arc::default() }
    }

    /// Cuts it.
    pub(crate) fn cut(&self) {
        let mut left = self.left.lock().unwrap();
        left.get_or_insert_with(|| self.disk.crash());
        self.cut.cancel();
    }

    /// Ends when it is cut.
    pub(crate) async fn until_cut(&self) {
        self.cut.cancelled().await;
    }

    /// True once it was cut.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut.is_cancelled()
    }

    /// Sets a fuse.
    pub(crate) fn set(&self, fuse: Fuse) {
        *self.fuse.lock().unwrap() = Some(fuse);
    }

    /// What the cut left on the disk.
    pub(crate) fn left(&self) -> MemoryEngine {
        self.left.lock().unwrap().clone().expect("the power was cut")
    }

    /// A call is about to arrive (or, the second time, has). True if it gets no further.
    pub(crate) fn burn(&self, arrived: bool) -> bool {
        let mut set = self.fuse.lock().unwrap();
        let Some(fuse) = set.as_mut() else { return self.is_cut() };
        if fuse.calls > 0 {
            fuse.calls -= u32::from(arrived);
            return false;
        }
        if fuse.arrives != arrived {
            return false;
        }
        let (power, steps) = (self.clone(), fuse.steps);
        *set = None;
        drop(set);
        if steps == 0 {
            self.cut();
            return true;
        }
        tokio::spawn(async move {
            for _ in 0..steps {
                tokio::task::yield_now().await;
            }
            power.cut();
        });
        false
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

/// How long a message travels, each way.
#[derive(Clone)]
pub(crate) enum Travel {
    /// Always as long.
    Steady(Duration),
    /// As chance will have it, up to so many milliseconds.
    Random(Chance, u64),
    /// To and from servers that are slow: an exchange with OpenVPMS takes so long, a confirmation
    /// so long, all others none.
    Slow { openvpms: Duration, confirmation: Duration },
}

impl Travel {
    fn time(&self, what: &str, to_openvpms: bool) -> Duration {
        match self {
            Self::Slow { openvpms, .. } if to_openvpms => *openvpms / 2,
            Self::Slow { confirmation, .. } if what.ends_with("/confirmInsert") => *confirmation / 2,
            Self::Slow { .. } => Duration::from_millis(1),
            Self::Steady(time) => *time,
            Self::Random(chance, milliseconds_max) => Duration::from_millis(1 + chance.below(*milliseconds_max)),
        }
    }
}

/// A transport of one process.
pub(crate) struct Line {
    memory: Memory,
    practice: Option<PracticeId>,
    journal: Journal,
    travel: Travel,
    power: Power,
    limits: Option<Arc<Limits>>,
    mines: Mines,
}

impl Line {
    pub(super) fn new(
        memory: Memory,
        practice: Option<&PracticeId>,
        journal: Journal,
        travel: Travel,
        power: Power,
    ) -> Self {
        Self { memory, practice: practice.cloned(), journal, travel, power, limits: None, mines: Mines::default() }
    }

    /// With faults planted in the loops that call.
    pub(super) fn mined(mut self, mines: &Mines) -> Self {
        self.mines = mines.clone();
        self
    }

    /// With the limits that all lines to a server share.
    pub(super) fn rationed(mut self, limits: Option<Arc<Limits>>) -> Self {
        self.limits = limits;
        self
    }

    async fn carry(&self, request: Request) -> Answer<Response> {
        if let Some(limits) = &self.limits {
            limits.turn(request.lane).await?;
        }
        let at = self.journal.clock.now();
        let what = format!("{} {}", request.method, request.path);
        let travel = || self.travel.time(&what, self.practice.is_none());
        tokio::time::sleep(travel()).await;
        if self.mines.step(Step::Call(&what)) {
            std::future::pending::<()>().await;
        }
        if self.power.burn(false) {
            std::future::pending::<()>().await;
        }
        let answer = self.memory.exchange(request).await;
        if self.power.burn(true) {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(travel()).await;
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
            () = self.power.until_cut() => std::future::pending().await,
            answer = self.carry(request) => answer,
        }
    }
}

/// Changes what a server answers.
#[derive(Clone, Default)]
pub(crate) struct Twist(Arc<Mutex<Option<Change>>>);

type Change = Box<dyn FnMut(&ArrivedRequest, &mut SentAnswer) + Send>;

impl Twist {
    /// From here on every answer goes through this.
    pub(crate) fn set(&self, change: impl FnMut(&ArrivedRequest, &mut SentAnswer) + Send + 'static) {
        *self.0.lock().unwrap() = Some(Box::new(change));
    }

    /// From here on the server answers for itself.
    pub(crate) fn heal(&self) {
        *self.0.lock().unwrap() = None;
    }

    pub(super) fn around(&self, model: Arc<dyn Model>) -> Arc<dyn Model> {
        Arc::new(Twisted { model, twist: self.clone() })
    }
}

struct Twisted {
    model: Arc<dyn Model>,
    twist: Twist,
}

impl Model for Twisted {
    fn answer(&self, asked: &ArrivedRequest) -> SentAnswer {
        let mut answered = self.model.answer(asked);
        if let Some(change) = self.twist.0.lock().unwrap().as_mut() {
            change(asked, &mut answered);
        }
        answered
    }
}

/// The header of HTTP Basic.
pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}
