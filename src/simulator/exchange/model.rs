//! What a simulated server is asked and answers, and what goes wrong with one exchange.

use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct ArrivedRequest {
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
pub struct SentAnswer {
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
    fn answer(&self, asked: &ArrivedRequest) -> SentAnswer;
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
    /// The connection is silent until the client gives up; the request is carried out after this
    /// long all the same.
    CarryOutLate(Duration),
    /// The connection is silent; nothing is ever done.
    Hang,
    /// The answer comes this much later.
    Slow(Duration),
    /// This status, with an HTML page, before anything is done: a page of something in between, or
    /// of OpenVPMS's container.
    StatusBefore(u16),
    /// The request is carried out, then this status with an HTML page: with 500 of the server
    /// itself, else of something in between.
    StatusAfter(u16),
    /// This status as the API of Healthengine itself refuses, before anything is done.
    RefusalBefore(u16),
    /// 200 with an HTML login page; nothing is done.
    LoginPage,
    /// 200 with JSON of something in between; nothing is done.
    OtherJson,
    /// The request is carried out and half of the answer's body is sent.
    Truncate,
    /// 429 with `Retry-After` in seconds; nothing is done.
    TooMany(u64),
    /// 503 with `Retry-After` in seconds; nothing is done.
    RetryLater(u64),
}

impl SentAnswer {
    /// A page of a server in front of the application, or of the container around it.
    pub fn html(status: u16, title: &str) -> Self {
        let page = format!(
            "<!doctype html><html lang=\"en\"><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
        );
        let headers = vec![("content-type".to_owned(), "text/html;charset=utf-8".to_owned())];
        Self { status, headers, body: page.into_bytes() }
    }

    /// A page of something in between, whose clock has never been set.
    fn page(status: u16, title: &str) -> Self {
        Self::html(status, title).with_header("date", "Thu, 01 Jan 2015 00:00:00 GMT")
    }

    /// What a gateway says of itself.
    fn other_json() -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { status: 200, headers, body: br#"{"status":"ok"}"#.to_vec() }
    }

    /// A refusal in JSON; 401 has no body.
    fn refusal(status: u16) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let body = if status == 401 { Vec::new() } else { br#"{"error":"refused"}"#.to_vec() };
        Self { status, headers, body }
    }

    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        value_of(&self.headers, name)
    }

    /// With one more header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

impl ArrivedRequest {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        value_of(&self.headers, name)
    }
}

fn value_of<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
}

/// What becomes of one exchange, once the plan was asked and the model has, or has not, carried it
/// out.
pub(crate) enum Fate {
    /// The client gets this, so much later.
    Answered(SentAnswer, Duration),
    /// The client gets the head and half of the body.
    Truncated(SentAnswer),
    /// The connection ends without an answer.
    HangUp,
    /// The connection stays open and silent.
    Silence,
    /// There was no connection.
    Refused,
}

/// Asks the plan, lets the model do what the plan leaves it, and says how the exchange ends. Inside
/// a tokio runtime: what is carried out late waits in a task of its own, as it would in the queue
/// of a server whose client has long gone.
pub(crate) fn fate(model: &Arc<dyn Model>, faults: &Faults, asked: ArrivedRequest) -> Fate {
    let at_once = |answered| Fate::Answered(answered, Duration::ZERO);
    match faults.next(&asked) {
        None => at_once(model.answer(&asked)),
        Some(Fault::Refuse) => Fate::Refused,
        Some(Fault::LoseRequest) => Fate::HangUp,
        Some(Fault::LoseAnswer) => {
            model.answer(&asked);
            Fate::HangUp
        }
        Some(Fault::CarryOutLate(after)) => {
            let model = Arc::clone(model);
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                model.answer(&asked);
            });
            Fate::Silence
        }
        Some(Fault::Hang) => Fate::Silence,
        Some(Fault::Slow(by)) => Fate::Answered(model.answer(&asked), by),
        Some(Fault::StatusBefore(status)) => at_once(SentAnswer::page(status, &format!("HTTP Status {status}"))),
        Some(Fault::StatusAfter(status)) => {
            model.answer(&asked);
            // The server itself fails with 500; anything else is said by a gateway that did not
            // get, or did not like, the answer.
            let title = if status == 500 { "HTTP Status 500" } else { "Gateway" };
            at_once(SentAnswer::page(status, title))
        }
        Some(Fault::RefusalBefore(status)) => at_once(SentAnswer::refusal(status)),
        Some(Fault::LoginPage) => at_once(SentAnswer::page(200, "Login")),
        Some(Fault::OtherJson) => at_once(SentAnswer::other_json()),
        Some(Fault::Truncate) => match model.answer(&asked) {
            // Of nothing there is no half: the head is what gets lost.
            answered if answered.body.is_empty() => Fate::HangUp,
            answered => Fate::Truncated(answered),
        },
        Some(Fault::TooMany(seconds)) => {
            at_once(SentAnswer::page(429, "Too Many Requests").with_header("retry-after", seconds.to_string()))
        }
        Some(Fault::RetryLater(seconds)) => {
            at_once(SentAnswer::page(503, "Service Unavailable").with_header("retry-after", seconds.to_string()))
        }
    }
}

/// Decides, exchange by exchange, what goes wrong. Shared: a test changes the plan while the bridge
/// runs.
#[derive(Clone, Default)]
pub struct Faults {
    plan: Arc<Mutex<Option<FaultPlan>>>,
    /// True while the port is closed.
    pub(super) port: Arc<watch::Sender<bool>>,
}

type FaultPlan = Box<dyn FnMut(&ArrivedRequest) -> Option<Fault> + Send>;

impl Faults {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self::default()
    }

    /// From here on this function decides.
    pub fn set(&self, plan: impl FnMut(&ArrivedRequest) -> Option<Fault> + Send + 'static) {
        *self.plan.lock() = Some(Box::new(plan));
    }

    /// From here on nothing goes wrong; a closed port is open again.
    pub fn heal(&self) {
        self.port.send_replace(false);
        *self.plan.lock() = None;
    }

    /// From here on, until [`Faults::heal`], the server is not there: connections are refused,
    /// those that stand end.
    pub fn close_port(&self) {
        self.port.send_replace(true);
    }

    /// What happens to this exchange.
    pub fn next(&self, asked: &ArrivedRequest) -> Option<Fault> {
        self.plan.lock().as_mut().and_then(|plan| plan(asked))
    }
}
