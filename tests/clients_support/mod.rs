//! A transport that answers from a script and remembers what it was asked.

#![allow(dead_code, reason = "each test binary uses the part of it that it needs")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use vetbridge::call_error::Answer;
use vetbridge::http::{Request, Response, Transport};

/// Answers in order; asking more often than there are answers fails the test.
#[derive(Default)]
pub(crate) struct Scripted {
    answers: Mutex<VecDeque<Answer<Response>>>,
    /// When there are no more of them.
    then: Option<Response>,
    asked: Mutex<Vec<Request>>,
}

impl Scripted {
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer<Response>>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), ..Self::default() })
    }

    /// One answer, again and again.
    pub(crate) fn always(response: &Response) -> Arc<Self> {
        Arc::new(Self { then: Some(response.clone()), ..Self::default() })
    }

    /// What was asked, in order.
    pub(crate) fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap().clone()
    }

    /// The only thing that was asked.
    pub(crate) fn only(&self) -> Request {
        let asked = self.asked();
        assert_eq!(asked.len(), 1, "{asked:?}");
        asked[0].clone()
    }
}

#[async_trait]
impl Transport for Scripted {
    async fn exchange(&self, request: Request) -> Answer<Response> {
        self.asked.lock().unwrap().push(request);
        let next = self.answers.lock().unwrap().pop_front();
        next.or_else(|| self.then.clone().map(Ok)).expect("one more call than the script has answers for")
    }
}

/// An answer with a content type.
pub(crate) fn response(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Response {
    Response { status, headers: vec![("content-type".into(), content_type.into())], body: body.into() }
}

/// An answer in JSON.
pub(crate) fn json(status: u16, body: &serde_json::Value) -> Response {
    response(status, "application/json", body.to_string())
}
