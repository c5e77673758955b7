//! The running service, as a command reaches it: at the admin address that the configuration names,
//! if it holds the state directory that the configuration names.
//!
//! | at the address | then |
//! | --- | --- |
//! | nobody listens, or something that is no vetbridge | no service runs: the command opens the state itself |
//! | a vetbridge that proves that it has the directory's key | the command talks to it |
//! | one that does not | it is another instance, or pretends to be one: the command says so and stops |
//!
//! If then the state is locked, a service does run, at another address: [`NoService::open_store`]
//! says who it is. No command sends the admin token, or anything that could be used in its place:
//! see [`proof`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use chrono::NaiveDate;
use reqwest::{Client, Method, Response, StatusCode, Url, header};
use serde::de::DeserializeOwned;

use super::answer_lines::{AnswerLines, NoLine};
use crate::clock::Clock;
use crate::config::Instance;
use crate::ids::ResourceId;
use crate::messages::{Advice, commands as say};
use crate::practice::KINDS;
use crate::practice::resync::{Only, ResyncOutcome, ResyncProgress};
use crate::server::HEALTHY;
use crate::server::booking_list::{BookingQuery, TOTAL};
use crate::server::booking_view::BookingView;
use crate::server::explanation::ExplanationView;
use crate::server::proof::{self, Exchange, Hello, ProvedRequest};
use crate::server::view::{BridgeStatus, ErrorBody, NDJSON, PauseOutcome, ResyncLine, StateLine};
use crate::store::{self, ExportHead, Judgement, OpenError, SecretKey, Store};

/// A service on the same machine connects and answers at once; a busy one gets some time.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
/// A resync sends a line every two seconds.
const SILENCE_MAX: Duration = Duration::from_secs(20);
/// Settling a booking asks both systems, one call after the other, and answers at the end.
const RESOLVE_SILENCE_MAX: Duration = Duration::from_secs(180);
/// A whole ledger is looked through before the first of it comes.
const LONG_ANSWER_SILENCE_MAX: Duration = Duration::from_secs(60);
/// Two short texts in JSON.
const HELLO_BYTES_MAX: usize = 1024;
/// The status of many practices, or all slots of a day.
const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;

/// What is found at the admin address.
pub(super) enum FoundService {
    /// A service that holds the state directory.
    Running(RunningService),
    /// No service, or none that answers.
    Absent(NoService),
}

/// Looks for the service.
///
/// # Errors
/// There is one, and it is not the one that this configuration means, or the directory's secrets
/// cannot be read.
pub(super) async fn find(instance: &Instance) -> anyhow::Result<FoundService> {
    let address = reachable(instance.admin_listen);
    let http = client(SILENCE_MAX)?;
    if let Err(why) = healthy(&http, address).await {
        return Ok(FoundService::Absent(NoService { instance: instance.clone(), why }));
    }
    let key = store::command_key(&instance.state_path).map_err(say::token_unreadable)?;
    let stranger = || anyhow::Error::from(say::another_instance(address, &instance.state_path));
    let running = RunningService { http, address, key: key.ok_or_else(stranger)? };
    match running.greet(&running.http).await {
        Ok(_) => Ok(FoundService::Running(running)),
        Err(NotGreeted::Unproved) => Err(stranger()),
        Err(NotGreeted::Failed(why)) => Err(running.broken(&why)),
    }
}

/// A listener on every address of the machine is reached on loopback.
pub(super) fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, listen.port())
}

pub(super) fn client(silence_max: Duration) -> anyhow::Result<Client> {
    // No proxy, no redirect, and no certificates: the listener speaks plain http.
    let builder = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).tls_certs_only([]);
    Ok(builder.connect_timeout(CONNECT_TIMEOUT).read_timeout(silence_max).build()?)
}

/// `Err` is what happens there instead. One that is ill can still be asked.
async fn healthy(http: &Client, address: SocketAddr) -> Result<(), String> {
    liveness(http, address).await.map(|_| ())
}

/// Whether the vetbridge at an address says that its process works; `Err` is what happens there
/// instead.
pub(super) async fn liveness(http: &Client, address: SocketAddr) -> Result<bool, String> {
    let asked = http.get(format!("http://{address}/healthz")).timeout(CONNECT_TIMEOUT * 2).send().await;
    let mut answer = asked.map_err(|error| {
        if error.is_connect() && !error.is_timeout() {
            say::NOBODY_LISTENS.to_owned()
        } else {
            say::no_answer(short(&error))
        }
    })?;
    // One that is ill says so with 503.
    let status = answer.status();
    let is_ours = matches!(status, StatusCode::OK | StatusCode::SERVICE_UNAVAILABLE)
        && body(&mut answer, HEALTHY.len()).await.is_ok_and(|body| body == HEALTHY.as_bytes());
    if is_ours { Ok(status == StatusCode::OK) } else { Err(say::NOT_VETBRIDGE.to_owned()) }
}

/// Why no service is there to talk to.
pub(super) struct NoService {
    instance: Instance,
    why: String,
}

impl NoService {
    /// True if no vetbridge ever used the state directory.
    pub(super) fn never_ran(&self) -> bool {
        store::admin_token(&self.instance.state_path).is_ok_and(|token| token.is_none())
    }

    /// Opens the state, since no service has it.
    ///
    /// # Errors
    /// What is wrong with the directory; and if a service has it after all, which one.
    pub(super) async fn open_store(&self) -> anyhow::Result<Store> {
        super::state_owner::become_it(&self.instance)?;
        let (path, now) = (self.instance.state_path.clone(), Clock::system().now());
        let open = move || Store::open(&path, now).and_then(|store| store.refuse_newer(&KINDS).map(|()| store));
        tokio::task::spawn_blocking(open).await?.map_err(|error| match self.mute_holder(&error) {
            Some(advice) => advice.into(),
            None => error.into(),
        })
    }

    /// What to say where only a running service can help.
    pub(super) fn not_running(&self) -> Advice {
        say::not_running(reachable(self.instance.admin_listen), &self.why)
    }

    /// Why nothing is sent while no service runs.
    pub(super) fn nothing_sent(&self) -> Advice {
        say::resync_without_service(reachable(self.instance.admin_listen), &self.why)
    }

    /// What to say of a state directory that is in use though no service answers.
    pub(super) fn mute_holder(&self, error: &OpenError) -> Option<Advice> {
        match error {
            OpenError::InUse { path, holder } => {
                Some(say::held_by_a_mute_service(path, holder, reachable(self.instance.admin_listen), &self.why))
            }
            OpenError::NoParent { .. }
            | OpenError::ParentIsFile { .. }
            | OpenError::NoPlace { .. }
            | OpenError::NotADirectory { .. }
            | OpenError::OtherOwner { .. }
            | OpenError::ForeignFiles { .. }
            | OpenError::Disk { .. }
            | OpenError::Denied { .. }
            | OpenError::Vanished { .. }
            | OpenError::MixedUp { .. }
            | OpenError::Newer { .. }
            | OpenError::Damaged { .. }
            | OpenError::SecretFile { .. }
            | OpenError::Occupied { .. }
            | OpenError::Incoming { .. } => None,
        }
    }
}

/// A service that holds the state directory.
pub(super) struct RunningService {
    http: Client,
    address: SocketAddr,
    key: SecretKey,
}

/// Why whoever answers was not told anything.
enum NotGreeted {
    /// It cannot prove that it holds the state directory.
    Unproved,
    /// It did not answer.
    Failed(String),
}

/// The random numbers of an exchange with a service that proved itself.
struct Greeted {
    client: String,
    service: String,
}

/// What is asked, beside where.
struct ServiceQuestion<'a> {
    body: Option<&'a serde_json::Value>,
    accept: Option<&'static str>,
    timeout: Option<Duration>,
}

/// A question as most are.
const PLAIN: ServiceQuestion<'static> = ServiceQuestion { timeout: Some(ANSWER_TIMEOUT), ..UNTIMED };
/// One whose answer may take as long as it likes, if only some of it comes all the time.
const UNTIMED: ServiceQuestion<'static> = ServiceQuestion { body: None, accept: None, timeout: None };

/// A part of the state that travels.
pub(super) enum StatePart<'a> {
    /// What an export says of itself.
    Head(&'a ExportHead),
    /// A record, by its whole key, as the database has it.
    Record(&'a str, &'a str),
}

impl RunningService {
    /// Where it is.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Shows the bookings of the ledger that are wanted, one after the other. How many there are
    /// beside those that were left out for the limit's sake.
    pub(super) async fn bookings(
        &self,
        query: &BookingQuery,
        mut show: impl FnMut(BookingView) -> anyhow::Result<()>,
    ) -> anyhow::Result<usize> {
        let mut url = self.url(&["api", "v1", "bookings"])?;
        let BookingQuery { practice, state, since, search, before, limit } = query;
        let limit = limit.map(|limit| limit.to_string());
        let filters = [
            ("practice", practice),
            ("state", state),
            ("since", since),
            ("search", search),
            ("before", before),
            ("limit", &limit),
        ];
        for (name, value) in filters {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        let answer = self.ask(&client(LONG_ANSWER_SILENCE_MAX)?, Method::GET, url, UNTIMED).await?;
        if answer.status() != StatusCode::OK {
            return self.read(answer).await;
        }
        let total = answer.headers().get(TOTAL).and_then(|total| total.to_str().ok()?.parse().ok());
        let total = total.ok_or_else(|| self.broken("a list of another version"))?;
        let mut lines = AnswerLines::of(answer);
        // One JSON array with a line for each booking.
        while let Some(line) = self.line(&mut lines).await? {
            match line.strip_suffix(b",").unwrap_or(&line) {
                b"[" => {}
                b"]" => return Ok(total),
                booking => show(self.parsed(booking)?)?,
            }
        }
        Err(self.broken("it ended before the list did"))
    }

    /// One booking; `None` if the ledger does not know it.
    pub(super) async fn booking(&self, id: i64) -> anyhow::Result<Option<BookingView>> {
        let answer = self.get(&["api", "v1", "bookings", &id.to_string()]).await?;
        if answer.status() == StatusCode::NOT_FOUND { Ok(None) } else { self.read(answer).await.map(Some) }
    }

    /// Judges all records; `take` gets the head of an export and then each record that travels,
    /// with its whole key.
    pub(super) async fn state(
        &self,
        mut take: impl FnMut(StatePart<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<Judgement> {
        let url = self.url(&["api", "v1", "state"])?;
        let answer = self.ask(&client(LONG_ANSWER_SILENCE_MAX)?, Method::GET, url, UNTIMED).await?;
        if answer.status() != StatusCode::OK {
            return self.read(answer).await;
        }
        let mut lines = AnswerLines::of(answer);
        while let Some(line) = self.line(&mut lines).await? {
            match self.parsed(&line)? {
                StateLine::Head(head) => take(StatePart::Head(&head))?,
                StateLine::Record { key, text } => take(StatePart::Record(&key, &text))?,
                StateLine::Judgement(judgement) => return Ok(judgement),
            }
        }
        Err(self.broken("it ended before the state did"))
    }

    /// Has it settle a booking; `body` is what the admin API takes.
    pub(super) async fn resolve(&self, id: i64, body: &serde_json::Value) -> anyhow::Result<BookingView> {
        let url = self.url(&["api", "v1", "bookings", &id.to_string(), "resolve"])?;
        let question = ServiceQuestion { body: Some(body), ..UNTIMED };
        let answer = self.ask(&client(RESOLVE_SILENCE_MAX)?, Method::POST, url, question).await?;
        self.read(answer).await
    }

    /// Its health.
    pub(super) async fn status(&self) -> anyhow::Result<BridgeStatus> {
        let answer = self.get(&["api", "v1", "status"]).await?;
        self.read(answer).await
    }

    /// Why the times of a day are or are not offered.
    pub(super) async fn explain(
        &self,
        practice: &str,
        resource: ResourceId,
        date: NaiveDate,
    ) -> anyhow::Result<ExplanationView> {
        let mut url = self.url(&["api", "v1", "practices", practice, "explain"])?;
        url.query_pairs_mut().append_pair("resource", &resource.to_string()).append_pair("date", &date.to_string());
        let answer = self.ask(&self.http, Method::GET, url, PLAIN).await?;
        self.read(answer).await
    }

    /// Has it pause a practice, or end its pause.
    pub(super) async fn set_paused(&self, practice: &str, paused: bool) -> anyhow::Result<PauseOutcome> {
        let url = self.url(&["api", "v1", "practices", practice, if paused { "pause" } else { "resume" }])?;
        let answer = self.ask(&self.http, Method::POST, url, PLAIN).await?;
        self.read(answer).await
    }

    /// Has it send a practice again, and hears how far it is.
    pub(super) async fn resync(
        &self,
        practice: &str,
        only: Option<Only>,
        dry_run: bool,
        progress: &(dyn Fn(ResyncProgress) + Sync),
    ) -> anyhow::Result<ResyncOutcome> {
        let mut url = self.url(&["api", "v1", "practices", practice, "resync"])?;
        if let Some(only) = only {
            url.query_pairs_mut().append_pair("only", only.name());
        }
        url.query_pairs_mut().append_pair("dry_run", if dry_run { "true" } else { "false" });
        let question = ServiceQuestion { accept: Some(NDJSON), ..UNTIMED };
        let answer = self.ask(&self.http, Method::POST, url, question).await?;
        if answer.status() != StatusCode::OK {
            return self.read(answer).await;
        }
        self.follow(answer, progress).await
    }

    /// Reads a resync's lines to the last one.
    async fn follow(
        &self,
        answer: Response,
        progress: &(dyn Fn(ResyncProgress) + Sync),
    ) -> anyhow::Result<ResyncOutcome> {
        let mut lines = AnswerLines::of(answer);
        while let Some(line) = self.line(&mut lines).await? {
            match self.parsed(&line)? {
                ResyncLine::Progress(reached) => progress(reached),
                ResyncLine::Outcome(outcome) => return Ok(*outcome),
                ResyncLine::Error(why) => anyhow::bail!(why),
            }
        }
        Err(self.broken("it ended before the resync did"))
    }

    async fn line(&self, lines: &mut AnswerLines) -> anyhow::Result<Option<Bytes>> {
        lines.next().await.map_err(|why| match why {
            NoLine::Failed(error) => self.failed(&error),
            NoLine::Endless => self.broken("a line without an end"),
        })
    }

    fn parsed<T: DeserializeOwned>(&self, line: &[u8]) -> anyhow::Result<T> {
        serde_json::from_slice(line).map_err(|_| self.broken("JSON of another version"))
    }

    async fn get(&self, segments: &[&str]) -> anyhow::Result<Response> {
        self.ask(&self.http, Method::GET, self.url(segments)?, PLAIN).await
    }

    /// Has whoever listens prove that they hold the state directory.
    async fn greet(&self, http: &Client) -> Result<Greeted, NotGreeted> {
        let client = proof::fresh_nonce().map_err(|error| NotGreeted::Failed(error.to_string()))?;
        let question = http.get(format!("http://{}{}", self.address, proof::PATH)).timeout(CONNECT_TIMEOUT * 2);
        let asked = question.header(proof::NONCE, &client).send().await;
        let mut answer = asked.map_err(|error| NotGreeted::Failed(short(&error).to_owned()))?;
        if answer.status() != StatusCode::OK {
            return Err(NotGreeted::Unproved);
        }
        let body = body(&mut answer, HELLO_BYTES_MAX).await.map_err(|_| NotGreeted::Unproved)?;
        let hello: Hello = serde_json::from_slice(&body).map_err(|_| NotGreeted::Unproved)?;
        let proved = Exchange::new(&self.key, self.address, &client, &hello.nonce).is_of_service(&hello.proof);
        if proved { Ok(Greeted { client, service: hello.nonce }) } else { Err(NotGreeted::Unproved) }
    }

    /// Asks once whoever listens has proved themselves, and believes nobody else's answer.
    async fn ask(
        &self,
        http: &Client,
        method: Method,
        url: Url,
        question: ServiceQuestion<'_>,
    ) -> anyhow::Result<Response> {
        let greeted = self.greet(http).await.map_err(|not_greeted| match not_greeted {
            NotGreeted::Unproved => self.broken(say::ANSWER_NOT_PROVED),
            NotGreeted::Failed(why) => self.broken(&why),
        })?;
        let exchange = Exchange::new(&self.key, self.address, &greeted.client, &greeted.service);
        let body = question.body.map(serde_json::to_vec).transpose()?.unwrap_or_default();
        let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let asked = ProvedRequest { method: method.as_str(), target: &target, body: &body };
        let mut request =
            http.request(method.clone(), url).header(header::AUTHORIZATION, exchange.authorization(asked));
        if question.body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json").body(body.clone());
        }
        if let Some(accept) = question.accept {
            request = request.header(header::ACCEPT, accept);
        }
        if let Some(timeout) = question.timeout {
            request = request.timeout(timeout);
        }
        let answer = request.send().await.map_err(|error| self.failed(&error))?;
        let shown = answer.headers().get(proof::ANSWER).and_then(|shown| shown.to_str().ok());
        let proved = shown.is_some_and(|shown| exchange.is_of_answer(shown, answer.status().as_u16(), asked));
        if proved { Ok(answer) } else { Err(self.broken(say::ANSWER_NOT_PROVED)) }
    }

    fn url(&self, segments: &[&str]) -> anyhow::Result<Url> {
        let mut url = Url::parse(&format!("http://{}", self.address))?;
        url.path_segments_mut().map_err(|()| anyhow::anyhow!("an address without a path"))?.extend(segments);
        Ok(url)
    }

    /// The answer as JSON; an error's sentence as an error.
    async fn read<T: DeserializeOwned>(&self, mut answer: Response) -> anyhow::Result<T> {
        let status = answer.status();
        let body = body(&mut answer, BODY_BYTES_MAX).await.map_err(|why| self.broken(&why))?;
        if status == StatusCode::OK {
            return self.parsed(&body);
        }
        match serde_json::from_slice(&body) {
            Ok(ErrorBody { error }) => anyhow::bail!(error),
            Err(_) => Err(self.broken(&format!("status {status}"))),
        }
    }

    fn failed(&self, error: &reqwest::Error) -> anyhow::Error {
        say::service_failed(self.address, short(error)).into()
    }

    fn broken(&self, why: &str) -> anyhow::Error {
        say::service_failed(self.address, why).into()
    }
}

/// A body of no more bytes than these.
async fn body(answer: &mut Response, bytes_max: usize) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| short(&error).to_owned())? {
        if body.len() + chunk.len() > bytes_max {
            return Err(format!("more than {bytes_max} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What happened, without the layers of causes below it.
fn short(error: &reqwest::Error) -> &'static str {
    match error {
        error if error.is_timeout() => "it took too long",
        error if error.is_connect() => "it cannot be connected to",
        error if error.is_body() || error.is_decode() => "it broke off",
        _ => "it hung up",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_every_address_is_reached_on_loopback() {
        let reached = |listen: &str| reachable(listen.parse().unwrap()).to_string();
        assert_eq!(reached("0.0.0.0:8686"), "127.0.0.1:8686");
        assert_eq!(reached("[::]:8686"), "[::1]:8686");
        assert_eq!(reached("10.1.2.3:8686"), "10.1.2.3:8686");
    }
}
