//! The wire between the bridge and a server: it takes time, its ends are watched, and it goes dead with the process.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use vetbridge::call_error::Answer;
use vetbridge::http::{Lane, Method, Request, Response, Transport};
use vetbridge::ids::{AppointmentTypeId, BookingId, ScheduleId};
use vetbridge::simulator::exchange::{ArrivedRequest, Memory, Model, SentAnswer};
use vetbridge::simulator::openvpms::{AppointmentId, NewAppointment, OpenVpmsSim};
use vetbridge::supervisor::running;

use crate::rare::Misdated;
use crate::story::{About, Story, System, booking_in_notes, plain};
use crate::support::{Chance, Mine, Mines, Power, Step, go_off, is_submission, sydney};
use crate::weather::UNSETTLED;

/// What ends the name of a call that was answered.
pub(crate) const ANSWERED: &str = ", answered";

/// The name of a poll.
const POLL: &str = "Healthengine GET /requests";

/// The transport of one process to one server.
pub(crate) struct Wire {
    pub(crate) memory: Memory,
    pub(crate) system: System,
    pub(crate) story: Story,
    pub(crate) power: Power,
    /// A message travels up to so many milliseconds, each way.
    pub(crate) travel: Chance,
    pub(crate) travel_ms_max: u64,
    /// Panics of whoever calls.
    pub(crate) mines: Mines,
}

impl Wire {
    async fn travel(&self) {
        tokio::time::sleep(Duration::from_millis(1 + self.travel.below(self.travel_ms_max))).await;
    }

    async fn carry(&self, request: Request) -> Answer<Response> {
        let about = self.about(&request);
        let what = plain(self.system, &request.method.to_string(), &request.path);
        if request.method != Method::Get {
            self.story.tell(about, format!("vetbridge sends {what}"));
        }
        self.travel().await;
        if self.power.burn(false) {
            std::future::pending::<()>().await;
        }
        let answer = self.memory.exchange(request).await;
        if self.power.burn(true) {
            std::future::pending::<()>().await;
        }
        self.travel().await;
        let outcome = match &answer {
            Ok(answer) => answer.status.to_string(),
            Err(error) => error.detail.clone(),
        };
        if what == POLL && answer.as_ref().is_ok_and(names_requests) {
            self.story.polled();
        }
        self.story.tell(about, format!("vetbridge gets {outcome} for {what}"));
        answer
    }

    /// Whoever calls may panic here, before the call leaves or once it was answered.
    fn mine(&self, asked: &ArrivedRequest, answered: bool) {
        let what = plain(self.system, &asked.method, &asked.target);
        let what = if answered { format!("{what}{ANSWERED}") } else { what };
        if !self.power.is_cut() && self.mines.met(Step::Call(&what)) == Some(Mine::Panic) {
            self.story.strike(self.system, asked, "panic of whoever calls", UNSETTLED);
            if running().is_none() {
                self.story.task_panics(asked);
            }
            go_off();
        }
    }

    fn asked(&self, request: &Request) -> ArrivedRequest {
        let base = match self.system {
            System::OpenVpms => "/openvpms",
            System::Healthengine => "",
        };
        ArrivedRequest {
            method: request.method.to_string(),
            target: format!("{base}{}", request.path),
            headers: Vec::new(),
            body: request.json.clone().unwrap_or_default(),
        }
    }

    fn about(&self, request: &Request) -> About {
        let about = self.story.about(&self.asked(request));
        // What is read in the background is read for nobody.
        let for_nobody = matches!(about, About::Schedule(_)) && request.lane == Lane::Background;
        if for_nobody { About::Routine } else { about }
    }
}

#[async_trait]
impl Transport for Wire {
    async fn exchange(&self, request: Request) -> Answer<Response> {
        let asked = self.asked(&request);
        self.mine(&asked, false);
        let answer = tokio::select! {
            biased;
            // A dead process waits for ever.
            () = self.power.until_cut() => std::future::pending().await,
            answer = self.carry(request) => answer,
        };
        self.mine(&asked, true);
        answer
    }
}

/// True for Healthengine's own answer to a poll; something in between answers 200 as well.
fn names_requests(answer: &Response) -> bool {
    answer.status == 200 && serde_json::from_slice::<Vec<String>>(&answer.body).is_ok()
}

/// A server whose deeds are noted, whoever is still there to hear of them.
pub(crate) struct Watched {
    pub(crate) model: Arc<dyn Model>,
    pub(crate) system: System,
    pub(crate) story: Story,
    /// A date in its answers that no calendar has.
    pub(crate) misdated: Misdated,
}

impl Model for Watched {
    fn answer(&self, asked: &ArrivedRequest) -> SentAnswer {
        let about = self.story.about(asked);
        let mut answered = self.model.answer(asked);
        if asked.method != "GET" && about != About::Routine {
            let said = match answered.status {
                400 | 404 => format!(" ({})", String::from_utf8_lossy(&answered.body)),
                _ => String::new(),
            };
            let what = plain(self.system, &asked.method, &asked.target);
            self.story.tell(about, format!("    {what} is carried out: {}{said}", answered.status));
        }
        if let Some((booking, appointment)) = made(asked, &answered) {
            self.story.made(booking, appointment);
        }
        if asked.target.contains("/availability/snapshot") && matches!(answered.status, 400 | 413) {
            self.story.count(&format!("days refused with {}", answered.status));
        }
        if let Some(bookings) = self.misdated.put_into(self.system, &mut answered) {
            self.story.strike(self.system, asked, &format!("{}: a date out of range", self.system), UNSETTLED);
            bookings.into_iter().for_each(|id| self.story.misdate(id));
        }
        answered
    }
}

fn made(asked: &ArrivedRequest, answered: &SentAnswer) -> Option<(BookingId, AppointmentId)> {
    if asked.method != "POST" || answered.status != 201 {
        return None;
    }
    let reference = std::str::from_utf8(&answered.body).ok()?;
    let (number, _) = reference.split_once(':')?;
    Some((booking_in_notes(&asked.body)?, AppointmentId(number.parse().ok()?)))
}

/// Who is quicker than the next booking of ours that is submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quicker {
    /// Staff, who write into the diary just before it arrives.
    Before,
    /// Another client, whose booking is checked at the same instant.
    AtOnce,
}

/// An OpenVPMS in which somebody is quicker now and then.
pub(crate) struct Contested {
    pub(crate) openvpms: Arc<OpenVpmsSim>,
    pub(crate) quicker: Arc<Mutex<Option<Quicker>>>,
}

impl Model for Contested {
    fn answer(&self, asked: &ArrivedRequest) -> SentAnswer {
        if is_submission(asked)
            && let Some(quicker) = self.quicker.lock().unwrap().take()
            && let Some(new) = same_time(&asked.body)
        {
            self.openvpms.staff(|clinic| match quicker {
                Quicker::Before => drop(clinic.add_appointment(new)),
                Quicker::AtOnce => clinic.race(new),
            });
        }
        self.openvpms.answer(asked)
    }
}

/// An appointment of somebody else's at the time that a submission wants.
fn same_time(body: &[u8]) -> Option<NewAppointment> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let at = |name: &str| Some(sydney().wall(body[name].as_str()?.parse::<DateTime<Utc>>().ok()?));
    Some(NewAppointment {
        schedule: ScheduleId(body["schedule"].as_i64()?),
        start: at("start")?,
        end: at("end")?,
        appointment_type: AppointmentTypeId(66),
        clinician: None,
        customer: None,
        patient: None,
    })
}
