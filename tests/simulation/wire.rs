//! The wire between the bridge and a server: it takes time, its ends are watched, and it goes dead with the process.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use vetbridge::http::{Lane, Method, Request, Response, Transport};
use vetbridge::ids::BookingId;
use vetbridge::remote::Answer;
use vetbridge::simulator::exchange::{Answered, Asked, Memory, Model};
use vetbridge::simulator::openvpms::{AppointmentId, NewAppointment, OpenVpmsSim};

use crate::story::{About, Story, System, booking_in_notes, plain};
use crate::support::{Chance, Power, is_submission};

/// The transport of one process to one server.
pub(crate) struct Wire {
    pub(crate) memory: Memory,
    pub(crate) system: System,
    pub(crate) story: Story,
    pub(crate) power: Power,
    /// A message travels up to so many milliseconds, each way.
    pub(crate) travel: Chance,
    pub(crate) travel_ms_max: u64,
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
        self.story.tell(about, format!("vetbridge gets {outcome} for {what}"));
        answer
    }

    fn about(&self, request: &Request) -> About {
        let base = match self.system {
            System::OpenVpms => "/openvpms",
            System::Healthengine => "",
        };
        let asked = Asked {
            method: request.method.to_string(),
            target: format!("{base}{}", request.path),
            headers: Vec::new(),
            body: request.json.clone().unwrap_or_default(),
        };
        match self.story.about(&asked) {
            // What is read in the background is read for nobody.
            About::Schedule(_) if request.lane == Lane::Background => About::Routine,
            about => about,
        }
    }
}

#[async_trait]
impl Transport for Wire {
    async fn exchange(&self, request: Request) -> Answer<Response> {
        tokio::select! {
            biased;
            // A dead process waits for ever.
            () = self.power.until_cut() => std::future::pending().await,
            answer = self.carry(request) => answer,
        }
    }
}

/// A server whose deeds are noted, whoever is still there to hear of them.
pub(crate) struct Watched {
    pub(crate) model: Arc<dyn Model>,
    pub(crate) system: System,
    pub(crate) story: Story,
}

impl Model for Watched {
    fn answer(&self, asked: &Asked) -> Answered {
        let about = self.story.about(asked);
        let answered = self.model.answer(asked);
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
        answered
    }
}

fn made(asked: &Asked, answered: &Answered) -> Option<(BookingId, AppointmentId)> {
    if asked.method != "POST" || answered.status != 201 {
        return None;
    }
    let reference = std::str::from_utf8(&answered.body).ok()?;
    let (number, _) = reference.split_once(':')?;
    Some((booking_in_notes(&asked.body)?, AppointmentId(number.parse().ok()?)))
}

/// An appointment that somebody makes between our look and our submission.
pub(crate) type Ambush = Arc<Mutex<Option<NewAppointment>>>;

/// An OpenVPMS in which somebody is quicker than the next booking of ours.
pub(crate) struct Contested {
    pub(crate) openvpms: Arc<OpenVpmsSim>,
    pub(crate) ambush: Ambush,
}

impl Model for Contested {
    fn answer(&self, asked: &Asked) -> Answered {
        if is_submission(asked)
            && let Some(new) = self.ambush.lock().unwrap().take()
        {
            self.openvpms.staff(|clinic| clinic.add_appointment(new));
        }
        self.openvpms.answer(asked)
    }
}
