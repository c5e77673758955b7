//! How a simulated server is asked: over loopback HTTP or in memory, through the same fault plan.

use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query as sent, percent-encoded, from the server's root.
    pub target: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as it arrived (perhaps compressed).
    pub body: Vec<u8>,
}

/// An answer to be sent.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// Headers, names in lower case, with `content-type` where there is a body.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// A simulated server.
pub trait Model: Send + Sync + 'static {
    /// Carries the request out and answers it.
    fn answer(&self, asked: &Asked) -> Answered;
}

/// What goes wrong with one exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Connection refused: nothing is sent.
    Refuse,
    /// The request arrives and the connection is reset before anything is done.
    LoseRequest,
    /// The request is carried out and the connection is reset instead of an answer.
    LoseAnswer,
    /// The connection is silent until the client gives up; the request is carried out after this long all the same.
    CarryOutLate(Duration),
    /// The connection is silent; nothing is ever done.
    Hang,
    /// The answer comes this much later.
    Slow(Duration),
    /// This status, with an HTML page, before anything is done.
    StatusBefore(u16),
    /// The request is carried out, then this status with an HTML page.
    StatusAfter(u16),
    /// 200 with an HTML login page; nothing is done.
    LoginPage,
    /// The request is carried out and half of the answer's body is sent.
    Truncate,
    /// 429 with `Retry-After` in seconds; nothing is done.
    TooMany(u64),
}

/// Decides, exchange by exchange, what goes wrong. Shared: a test changes the plan while the bridge runs.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<Option<Plan>>>);

type Plan = Box<dyn FnMut(&Asked) -> Option<Fault> + Send>;

impl Faults {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self::default()
    }

    /// From here on this function decides.
    pub fn set(&self, plan: impl FnMut(&Asked) -> Option<Fault> + Send + 'static) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Box::new(plan));
    }

    /// From here on nothing goes wrong.
    pub fn heal(&self) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
    }

    /// What happens to this exchange.
    pub fn next(&self, asked: &Asked) -> Option<Fault> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).as_mut().and_then(|plan| plan(asked))
    }
}
