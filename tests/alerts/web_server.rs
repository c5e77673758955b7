//! A web server that keeps what it is asked, and answers as it is told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use tokio::net::TcpListener;

#[derive(Clone, Default)]
pub(crate) struct WebServer {
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<(Method, String, String)>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
}

impl WebServer {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self { port: listener.local_addr().unwrap().port(), ..Self::default() };
        let router = Router::new().fallback(keep).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        server
    }

    /// What the next calls are answered; then 200.
    pub(crate) fn answer(&self, statuses: impl IntoIterator<Item = u16>) {
        self.answers.lock().unwrap().extend(statuses);
    }

    /// Its URL, with a path that is a secret.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hooks/T0psecret?key=s3cret", self.port)
    }

    /// How often it was asked.
    pub(crate) fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// The bodies that were posted so far, heartbeats apart.
    #[allow(dead_code, reason = "shared with other tests")]
    pub(crate) fn texts_posted(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|(method, ..)| method == Method::POST).map(|(.., body)| body.clone()).collect()
    }

    /// What was posted so far: the `text` of each.
    pub(crate) fn texts(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        let text = |(method, path, body): &(Method, String, String)| {
            assert_eq!((method, path.as_str()), (&Method::POST, "/hooks/T0psecret?key=s3cret"));
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(body.as_object().unwrap().len(), 1);
            body["text"].as_str().unwrap().to_owned()
        };
        asked.iter().map(text).collect()
    }
}

async fn keep(State(server): State<WebServer>, method: Method, uri: Uri, body: Bytes) -> (StatusCode, String) {
    let body = String::from_utf8(body.to_vec()).unwrap();
    server.asked.lock().unwrap().push((method, uri.to_string(), body));
    let status = server.answers.lock().unwrap().pop_front().unwrap_or(200);
    // A receiver that repeats the secret, and would lead elsewhere.
    (StatusCode::from_u16(status).unwrap(), uri.to_string())
}
