//! A model straight behind a client: no sockets, no real time.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::call_error::{Answer, CallError, ErrorClass};
use crate::http::penalty::Penalty;
use crate::http::{Request, Response, Transport};

use super::model::{ArrivedRequest, Fate, Faults, Model, SentAnswer, fate};

/// How long the client waits, unless told otherwise. The default of the configuration.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The way from a client to a model in the same process. Waits in tokio time, which a test can
/// pause.
///
/// It neither rations nor repeats: each call is one exchange.
pub struct Memory {
    model: Arc<dyn Model>,
    faults: Faults,
    base: String,
    headers: Vec<(String, String)>,
    timeout: Duration,
    penalty: Option<Arc<Penalty>>,
}

impl Memory {
    /// A client of this model, at its root, without credentials, that waits ten seconds for an
    /// answer.
    pub fn new(model: Arc<dyn Model>, faults: Faults) -> Self {
        let headers = vec![("host".to_owned(), "localhost".to_owned())];
        Self { model, faults, base: String::new(), headers, timeout: TIMEOUT, penalty: None }
    }

    /// With the path of the API's base URL, such as `/openvpms/ws/booking/v2`; no slash at its end.
    #[must_use]
    pub fn below(mut self, base: &str) -> Self {
        base.clone_into(&mut self.base);
        self
    }

    /// With a header on every request, such as `authorization` (the name in lower case). Replaces
    /// an earlier one of that name.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.retain(|(own, _)| own != name);
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// With another time to wait for an answer.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// That leaves the server alone when it wants to be, as the network does.
    #[must_use]
    pub fn leaving_alone(mut self, penalty: &Arc<Penalty>) -> Self {
        self.penalty = Some(Arc::clone(penalty));
        self
    }

    /// The request as it would have arrived.
    fn asked(&self, request: Request) -> ArrivedRequest {
        let mut headers = self.headers.clone();
        headers.push(("accept".to_owned(), request.accept.to_owned()));
        let mut body = request.json.unwrap_or_default();
        if !body.is_empty() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
            if request.gzip {
                headers.push(("content-encoding".to_owned(), "gzip".to_owned()));
                body = gzipped(&body);
            }
            headers.push(("content-length".to_owned(), body.len().to_string()));
        }
        ArrivedRequest {
            method: request.method.to_string(),
            target: format!("{}{}", self.base, request.path),
            headers,
            body,
        }
    }
}

/// Never fails: a vector takes what is written to it.
fn gzipped(body: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).and_then(|()| encoder.finish()).unwrap_or_default()
}

#[async_trait]
impl Transport for Memory {
    async fn exchange(&self, request: Request) -> Answer<Response> {
        if *self.faults.port.borrow() {
            return Err(CallError::new(ErrorClass::NotSent, "connection refused"));
        }
        let lane = request.lane;
        if let Some(penalty) = &self.penalty {
            penalty.admit(lane)?;
        }
        match fate(&self.model, &self.faults, self.asked(request)) {
            Fate::Answered(answered, after) if after < self.timeout => {
                if !after.is_zero() {
                    tokio::time::sleep(after).await;
                }
                let response = response(answered);
                if let Some(penalty) = &self.penalty {
                    penalty.heed(lane, &response);
                }
                Ok(response)
            }
            Fate::Answered(..) | Fate::Silence => {
                tokio::time::sleep(self.timeout).await;
                Err(CallError::new(ErrorClass::Lost, "no answer in time"))
            }
            Fate::Truncated(_) => Err(CallError::new(ErrorClass::Lost, "the answer broke off")),
            Fate::HangUp => Err(CallError::new(ErrorClass::Lost, "the connection ended without an answer")),
            Fate::Refused => Err(CallError::new(ErrorClass::NotSent, "connection refused")),
        }
    }
}

fn response(answered: SentAnswer) -> Response {
    Response { status: answered.status, headers: answered.headers, body: answered.body }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;
    use std::io::Read;

    use tokio::time::Instant;

    use crate::http::{Lane, Method};

    use super::super::Fault;
    use super::*;

    /// Keeps what arrived.
    #[derive(Default)]
    struct Recorder(Mutex<Vec<ArrivedRequest>>);

    impl Model for Recorder {
        fn answer(&self, asked: &ArrivedRequest) -> SentAnswer {
            self.0.lock().push(asked.clone());
            SentAnswer { status: 201, headers: Vec::new(), body: b"made".to_vec() }
        }
    }

    fn memory(model: &Arc<Recorder>, faults: &Faults) -> Memory {
        Memory::new(model.clone(), faults.clone()).below("/base").with_header("authorization", "Basic eA==")
    }

    fn post() -> Request {
        Request {
            method: Method::Post,
            path: "/things?a=b".into(),
            accept: "*/*",
            json: Some(b"{}".to_vec()),
            gzip: true,
            lane: Lane::Interactive,
            repeatable: false,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_arrives_with_credentials_and_compressed_when_asked() {
        let model = Arc::new(Recorder::default());
        let answer = memory(&model, &Faults::none()).exchange(post()).await.unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (201, b"made".as_slice()));
        let asked = model.0.lock().pop().unwrap();
        assert_eq!((asked.method.as_str(), asked.target.as_str()), ("POST", "/base/things?a=b"));
        assert_eq!(asked.header("authorization"), Some("Basic eA=="));
        assert_eq!((asked.header("content-type"), asked.header("accept")), (Some("application/json"), Some("*/*")));
        assert_eq!(asked.header("content-encoding"), Some("gzip"));
        let mut body = String::new();
        flate2::read::GzDecoder::new(asked.body.as_slice()).read_to_string(&mut body).unwrap();
        assert_eq!(body, "{}");
    }

    #[tokio::test(start_paused = true)]
    async fn every_fault_is_seen_as_a_network_client_sees_it() {
        use ErrorClass::{Lost, NotSent};
        let second = Duration::from_secs(1);
        // What goes wrong, the class or the status, how often the model acted by then, and how many
        // seconds it took.
        let table = [
            (Fault::Refuse, Err(NotSent), 0, 0),
            (Fault::LoseRequest, Err(Lost), 0, 0),
            (Fault::LoseAnswer, Err(Lost), 1, 0),
            (Fault::CarryOutLate(second * 4), Err(Lost), 1, 10),
            (Fault::CarryOutLate(second * 30), Err(Lost), 0, 10),
            (Fault::Hang, Err(Lost), 0, 10),
            (Fault::Slow(second * 3), Ok(201), 1, 3),
            (Fault::Slow(second * 30), Err(Lost), 1, 10),
            (Fault::StatusBefore(503), Ok(503), 0, 0),
            (Fault::StatusAfter(500), Ok(500), 1, 0),
            (Fault::RefusalBefore(403), Ok(403), 0, 0),
            (Fault::LoginPage, Ok(200), 0, 0),
            (Fault::Truncate, Err(Lost), 1, 0),
            (Fault::TooMany(7), Ok(429), 0, 0),
            (Fault::RetryLater(7), Ok(503), 0, 0),
        ];
        for (fault, expected, acts, seconds) in table {
            let (model, faults, began) = (Arc::new(Recorder::default()), Faults::none(), Instant::now());
            let plan = fault.clone();
            faults.set(move |_| Some(plan.clone()));
            let answer = memory(&model, &faults).exchange(post()).await;
            assert_eq!(answer.map(|answer| answer.status).map_err(|error| error.class), expected, "{fault:?}");
            assert_eq!(model.0.lock().len(), acts, "{fault:?}");
            assert_eq!(began.elapsed().as_secs(), seconds, "{fault:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_given_up_is_carried_out_when_its_time_comes() {
        let (model, faults) = (Arc::new(Recorder::default()), Faults::none());
        faults.set(|_| Some(Fault::CarryOutLate(Duration::from_secs(30))));
        assert!(memory(&model, &faults).exchange(post()).await.is_err());
        tokio::time::sleep(Duration::from_secs(19)).await;
        assert_eq!(model.0.lock().len(), 0);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(model.0.lock().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_port_refuses_until_it_is_healed() {
        let (model, faults) = (Arc::new(Recorder::default()), Faults::none());
        faults.close_port();
        let refused = memory(&model, &faults).exchange(post()).await.unwrap_err();
        assert_eq!(refused.class, ErrorClass::NotSent);
        faults.heal();
        assert!(memory(&model, &faults).exchange(post()).await.is_ok());
    }
}
