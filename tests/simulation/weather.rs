//! What goes wrong on the way to a server and back, exchange by exchange, and for how long a whole server is away.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;
use vetbridge::clock::Clock;
use vetbridge::simulator::exchange::{ArrivedRequest, Fault, Faults};

use crate::story::{Story, System};
use crate::support::{Chance, is_submission};

/// How a whole server can be away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outage {
    /// Connections are refused.
    Refused,
    /// Packets vanish: every call waits for its timeout.
    Silent,
    /// Connections are reset.
    Reset,
    /// Something in front of it answers 503.
    Unavailable,
    /// It starts: silent, and what arrived meanwhile is carried out at the end, also what was long given up.
    Starting,
    /// Something in front of it shows a login page.
    LoginPage,
    /// It does not know us: 401.
    Unauthorised,
    /// It wants to be asked less: 429.
    Busy,
}

/// No request is carried out later than this after it was sent: what lies in a queue for longer is
/// beyond what anybody can promise for.
const LATE_MAX_MS: u64 = 25_000;
pub(crate) const LATE_MAX: TimeDelta = TimeDelta::milliseconds(LATE_MAX_MS.cast_signed());
/// A rejection that nobody heard arrive is taken to have arrived while somebody waited for it, so
/// this one keeps to that.
const LATE_REJECTION_MAX_MS: u64 = 9_000;

/// A server that asks for consent or another key is left alone for five minutes.
const BLOCKED: TimeDelta = TimeDelta::seconds(330);
/// After any other fault the pause until the next try grows up to half a minute.
pub(crate) const UNSETTLED: TimeDelta = TimeDelta::seconds(75);

/// The weather of one server.
#[derive(Clone)]
pub(crate) struct Weather {
    sky: Arc<Mutex<Sky>>,
}

struct Sky {
    clock: Clock,
    story: Story,
    chance: Chance,
    system: System,
    /// So many exchanges out of a hundred go wrong.
    percent: u64,
    outage: Option<(Outage, DateTime<Utc>)>,
    /// What the next exchange meets.
    once: Option<Fault>,
    gateway: Option<(Gateway, DateTime<Utc>)>,
    /// Until when a request lies in the server's queue.
    queue_until: Option<Instant>,
}

/// Something in between that has a page for one kind of call, and lets every other one through.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gateway {
    pub(crate) method: &'static str,
    /// Part of the path.
    pub(crate) path: &'static str,
    /// The page's status; 200 for one to log in on.
    pub(crate) status: u16,
}

impl Gateway {
    fn fault(self, asked: &ArrivedRequest) -> Option<Fault> {
        let meant = asked.method == self.method && asked.target.contains(self.path);
        meant.then_some(if self.status == 200 { Fault::LoginPage } else { Fault::StatusBefore(self.status) })
    }
}

impl Weather {
    pub(crate) fn new(system: System, chance: Chance, clock: Clock, story: Story, faults: &Faults) -> Self {
        let sky = Arc::new(Mutex::new(Sky {
            clock,
            story,
            chance,
            system,
            percent: 0,
            outage: None,
            once: None,
            gateway: None,
            queue_until: None,
        }));
        let own = Arc::clone(&sky);
        faults.set(move |asked| own.lock().unwrap().next(asked));
        Self { sky }
    }

    /// So many exchanges out of a hundred go wrong from here on.
    pub(crate) fn set(&self, percent: u64) {
        self.sky.lock().unwrap().percent = percent;
    }

    /// The server is away from here on.
    pub(crate) fn outage(&self, outage: Outage, lasts: TimeDelta) {
        let mut sky = self.sky.lock().unwrap();
        let until = sky.clock.now() + lasts;
        sky.outage = Some((outage, until));
        let after = if outage == Outage::Unauthorised { BLOCKED } else { UNSETTLED };
        sky.story.disturb(lasts + after);
    }

    /// The next exchange that nothing else happens to meets this.
    pub(crate) fn once(&self, fault: Fault) {
        self.sky.lock().unwrap().once = Some(fault);
    }

    /// Something in between answers one kind of call from here on.
    pub(crate) fn gateway(&self, gateway: Gateway, lasts: TimeDelta) {
        let mut sky = self.sky.lock().unwrap();
        let until = sky.clock.now() + lasts;
        sky.gateway = Some((gateway, until));
    }

    /// True while a request that nobody waits for is still to be carried out.
    pub(crate) fn has_a_queue(&self) -> bool {
        self.sky.lock().unwrap().queue_until.is_some_and(|until| Instant::now() < until)
    }

    /// Nothing goes wrong any more.
    pub(crate) fn heal(&self) {
        let mut sky = self.sky.lock().unwrap();
        (sky.percent, sky.outage, sky.once, sky.gateway) = (0, None, None, None);
    }
}

impl Sky {
    fn next(&mut self, asked: &ArrivedRequest) -> Option<Fault> {
        let now = self.clock.now();
        self.outage = self.outage.filter(|(_, until)| now < *until);
        let fault = match self.outage {
            Some((outage, until)) => outage.fault(self.system, now, until, asked),
            None => self.single(asked).or_else(|| self.rare(asked, now))?,
        };
        if let Fault::CarryOutLate(after) = fault {
            self.queue_until = self.queue_until.max(Some(Instant::now() + after));
            if asked.target.contains("/availability/") {
                self.story.days_lie_in_a_queue(after);
            }
        }
        if asked.method == "DELETE" && fault == Fault::LoginPage {
            self.story.count("200 page to a cancellation");
        }
        let blocks = self.system == System::Healthengine && matches!(fault, Fault::RefusalBefore(401 | 403));
        let lasts = if blocks { BLOCKED } else { UNSETTLED };
        self.story.strike(self.system, asked, &Named(&fault).to_string(), lasts);
        Some(fault)
    }

    /// What [`crate::rare`] prepared.
    fn rare(&mut self, asked: &ArrivedRequest, now: DateTime<Utc>) -> Option<Fault> {
        if let Some(fault) = self.once.take() {
            let status = if matches!(fault, Fault::TooMany(_)) { 429 } else { 503 };
            self.story.count(&format!("{}: {status} for an hour", self.system));
            return Some(fault);
        }
        self.gateway = self.gateway.filter(|(_, until)| now < *until);
        let (gateway, _) = self.gateway?;
        let fault = gateway.fault(asked)?;
        self.story.count(&format!("{}: a gateway's page, {}", self.system, gateway.status));
        Some(fault)
    }

    fn single(&self, asked: &ArrivedRequest) -> Option<Fault> {
        // What happens to bookings matters most.
        let percent = if is_submission(asked) { self.percent * 3 } else { self.percent };
        let chance = &self.chance;
        chance.percent(percent).then(|| match chance.below(24) {
            0 | 1 => Fault::Refuse,
            2 | 3 => Fault::LoseRequest,
            4..=6 => Fault::LoseAnswer,
            7..=9 => late(asked, chance),
            10 => Fault::Hang,
            11 | 12 => Fault::Slow(Duration::from_millis(chance.below(12_000))),
            13..=15 => Fault::StatusBefore(*chance.pick(&[500, 502, 503, 504])),
            16..=18 => Fault::StatusAfter(*chance.pick(&[500, 502, 503, 504])),
            19 => self.other(asked),
            20 | 21 => Fault::Truncate,
            // A wish of an hour now and then, as proxies have it while their server is away.
            22 => match 1 + chance.below(10) {
                10 => Fault::RetryLater(3600),
                seconds => Fault::TooMany(seconds),
            },
            _ => self.refusal(),
        })
    }

    /// Healthengine is left alone for five minutes after its own 401 and 403, so these are rare
    /// there; pages with these are not.
    fn refusal(&self) -> Fault {
        match self.system {
            System::OpenVpms => Fault::StatusBefore(*self.chance.pick(&[401, 403, 404])),
            System::Healthengine if self.chance.percent(85) => Fault::StatusBefore(any_page(self.clock.now())),
            System::Healthengine => match *self.chance.pick(&[401, 403, 404]) {
                404 => Fault::StatusBefore(404),
                refused => Fault::RefusalBefore(refused),
            },
        }
    }
}

impl Sky {
    /// Something in between answers with 200, in HTML or in JSON, as the moment will have it. To
    /// what changes something at Healthengine never in JSON: its success has no body there, so
    /// nobody could tell.
    fn other(&self, asked: &ArrivedRequest) -> Fault {
        let could_tell = self.system == System::OpenVpms || asked.method == "GET";
        let in_json = self.clock.now().timestamp_subsec_millis().is_multiple_of(2);
        if in_json && could_tell { Fault::OtherJson } else { Fault::LoginPage }
    }
}

/// The status of a page, as the moment will have it.
fn any_page(at: DateTime<Utc>) -> u16 {
    const STATUSES: [u16; 6] = [400, 401, 403, 404, 405, 413];
    STATUSES[at.timestamp_subsec_millis() as usize % STATUSES.len()]
}

fn late(asked: &ArrivedRequest, chance: &Chance) -> Fault {
    let max = if asked.target.ends_with("/rejectInsert") { LATE_REJECTION_MAX_MS } else { LATE_MAX_MS };
    Fault::CarryOutLate(Duration::from_millis(chance.below(max)))
}

impl Outage {
    fn fault(self, system: System, now: DateTime<Utc>, until: DateTime<Utc>, asked: &ArrivedRequest) -> Fault {
        let left = (until - now).to_std().unwrap_or_default();
        match self {
            Self::Refused => Fault::Refuse,
            Self::Silent => Fault::Hang,
            Self::Reset => Fault::LoseRequest,
            Self::Unavailable => Fault::StatusBefore(503),
            Self::Starting if left > Duration::from_millis(LATE_MAX_MS) => Fault::Hang,
            // Only what was sent towards the end is still in the queue.
            Self::Starting if asked.target.ends_with("/rejectInsert") => Fault::Hang,
            Self::Starting => Fault::CarryOutLate(left),
            // The status of a page differs from outage to outage, and says nothing.
            Self::LoginPage if system == System::Healthengine && until.timestamp() % 2 == 0 => {
                Fault::StatusBefore(any_page(until))
            }
            Self::LoginPage => Fault::LoginPage,
            Self::Unauthorised if system == System::Healthengine => Fault::RefusalBefore(401),
            Self::Unauthorised => Fault::StatusBefore(401),
            Self::Busy => Fault::TooMany(5),
        }
    }
}

/// A fault in words.
struct Named<'a>(&'a Fault);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Fault::Refuse => f.write_str("refused before it left"),
            Fault::LoseRequest => f.write_str("lost before it took effect"),
            Fault::LoseAnswer => f.write_str("lost after it took effect"),
            Fault::CarryOutLate(_) => f.write_str("carried out late"),
            Fault::Hang => f.write_str("never answered"),
            Fault::Slow(_) => f.write_str("answered slowly"),
            Fault::StatusBefore(status) => write!(f, "{status} before it took effect"),
            Fault::StatusAfter(status) => write!(f, "{status} after it took effect"),
            Fault::RefusalBefore(status) => write!(f, "{status}, of the API itself"),
            Fault::LoginPage => f.write_str("login page"),
            Fault::OtherJson => f.write_str("JSON of something in between"),
            Fault::Truncate => f.write_str("answer cut off"),
            Fault::TooMany(_) => f.write_str("429"),
            Fault::RetryLater(_) => f.write_str("503 for a while"),
        }
    }
}
