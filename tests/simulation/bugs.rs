//! Deliberate mistakes, each as a double around the wires or the disk of an otherwise sound bridge.
//! A checker that does not notice them proves nothing.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{NaiveDateTime, TimeDelta};
use serde_json::{Value, json};
use vetbridge::call_error::{Answer, CallError, ErrorClass};
use vetbridge::http::{Lane, Method, Request, Response, Transport};
use vetbridge::store::Flushed;

use crate::story::System;

/// What the bridge does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    /// A submission whose answer was lost is sent again at once.
    RetryPostBlindly,
    /// What is confirmed becomes durable a moment later.
    ConfirmBeforeFlush,
    /// Nothing becomes durable.
    ForgetTheFlush,
    /// Every slot is taken for free.
    SkipTheLook,
    /// A refused submission is taken for a made appointment.
    ConfirmOn400,
    /// A submission whose answer did not come in time is taken for one that never left.
    IgnoreLateAnswers,
    /// A rejection that came too late is taken for one in time.
    MissTheDeadline,
    /// Only the first page of bookings is read.
    DropPage2,
    /// The server's zone is mistaken for Brisbane's, which has no daylight saving.
    WrongZone,
    /// Every 404 is taken for "Booking not found".
    BelieveAny404,
    /// Cancellations by pet owners are confirmed and not carried out.
    ForgetTheCancellation,
}

/// All of them; the seed from which on each is hunted, and within how many it has to be found. The
/// rare one is hunted where the first hunt from seed 1 came near it: it took 76 seeds.
pub(crate) const ALL: [(Bug, u64, u64); 11] = [
    (Bug::RetryPostBlindly, 1, 20),
    (Bug::ConfirmBeforeFlush, 1, 100),
    (Bug::ForgetTheFlush, 1, 20),
    (Bug::SkipTheLook, 1, 20),
    (Bug::ConfirmOn400, 1, 20),
    (Bug::IgnoreLateAnswers, 1, 20),
    (Bug::MissTheDeadline, 1, 30),
    (Bug::DropPage2, 40, 20),
    (Bug::WrongZone, 1, 20),
    (Bug::BelieveAny404, 1, 40),
    (Bug::ForgetTheCancellation, 1, 20),
];

impl Bug {
    /// How honest the disk is.
    pub(crate) fn flushed(bug: Option<Self>) -> Flushed {
        match bug {
            Some(Self::ConfirmBeforeFlush) => Flushed::Later(std::time::Duration::from_secs(1)),
            Some(Self::ForgetTheFlush) => Flushed::Never,
            _ => Flushed::AtOnce,
        }
    }
}

/// A wire with a mistake.
pub(crate) struct Mistaken {
    pub(crate) wire: Arc<dyn Transport>,
    pub(crate) system: System,
    pub(crate) bug: Bug,
}

#[async_trait]
impl Transport for Mistaken {
    async fn exchange(&self, request: Request) -> Answer<Response> {
        let asked = request.clone();
        match self.system {
            System::OpenVpms => self.openvpms(&asked, request).await,
            System::Healthengine => {
                let answer = self.wire.exchange(request).await?;
                Ok(self.healthengine(&asked, answer))
            }
        }
    }
}

impl Mistaken {
    async fn openvpms(&self, asked: &Request, request: Request) -> Answer<Response> {
        let submits = asked.method == Method::Post;
        let of_booking = asked.path.contains("/bookings/");
        if self.bug == Bug::ForgetTheCancellation && asked.method == Method::Delete {
            return Ok(Response { status: 204, headers: Vec::new(), body: Vec::new() });
        }
        let answer = self.wire.exchange(request).await;
        match (self.bug, answer) {
            (Bug::RetryPostBlindly, Err(error)) if submits && error.class == ErrorClass::Lost => {
                self.wire.exchange(asked.clone()).await
            }
            (Bug::RetryPostBlindly, Ok(answer)) if submits && answer.status >= 500 => {
                self.wire.exchange(asked.clone()).await
            }
            (Bug::IgnoreLateAnswers, Err(error)) if submits => Err(CallError::new(ErrorClass::NotSent, error.detail)),
            (Bug::ConfirmOn400, Ok(answer)) if submits && answer.status == 400 => {
                Ok(text(201, "1:00000000-0000-1000-8000-000000000000"))
            }
            (Bug::BelieveAny404, Ok(answer)) if of_booking && answer.status == 404 => {
                Ok(text(404, "Booking not found"))
            }
            (Bug::SkipTheLook, Ok(answer)) if asked.lane == Lane::Interactive && asked.path.contains("/freebusy") => {
                Ok(changed(answer, |body| {
                    // Something in between answers in JSON too.
                    if body.get("user").is_none() && body["free"].is_array() {
                        let busy = body["busy"].as_array().cloned().unwrap_or_default();
                        body["free"].as_array_mut().unwrap().extend(busy);
                        body["busy"] = json!([]);
                    }
                }))
            }
            (Bug::WrongZone, Ok(answer)) if asked.path.ends_with("/locations") => Ok(changed(answer, |body| {
                for location in body.as_array_mut().into_iter().flatten() {
                    location["timeZone"] = json!("Australia/Brisbane");
                }
            })),
            (_, answer) => answer,
        }
    }

    fn healthengine(&self, asked: &Request, answer: Response) -> Response {
        if !asked.path.starts_with("/requests/bookings?") {
            return answer;
        }
        if self.bug == Bug::DropPage2 {
            return changed(answer, |body| body["page"]["totalPages"] = json!(1));
        }
        if self.bug == Bug::MissTheDeadline {
            return changed(answer, |body| {
                for booking in body["data"].as_array_mut().into_iter().flatten() {
                    // One that no calendar has stays as it is.
                    if let Some(later) = booking["bookedTime"].as_str().and_then(a_minute_later) {
                        booking["bookedTime"] = json!(later);
                    }
                }
            });
        }
        answer
    }
}

fn a_minute_later(time: &str) -> Option<String> {
    const FORMAT: &str = "%Y-%m-%d %H:%M:%S";
    let time = NaiveDateTime::parse_from_str(time, FORMAT).ok()?.checked_add_signed(TimeDelta::minutes(1))?;
    Some(time.format(FORMAT).to_string())
}

fn text(status: u16, body: &str) -> Response {
    let headers = vec![("content-type".to_owned(), "text/plain".to_owned())];
    Response { status, headers, body: body.as_bytes().to_vec() }
}

/// The answer with another body, if it has one.
fn changed(mut answer: Response, change: impl FnOnce(&mut Value)) -> Response {
    if answer.status == 200
        && let Ok(mut body) = serde_json::from_slice::<Value>(&answer.body)
    {
        change(&mut body);
        answer.body = serde_json::to_vec(&body).unwrap();
    }
    answer
}
