//! The simulated OpenVPMS against the recording of a real one: the same questions, in the same
//! order, and the same answers.
//!
//! What must differ is mapped: ids and references of bookings that were made, the order of
//! appointment types (the real one has none), what stands on HTML pages below their title, and the
//! stream addresses in the texts of parse errors.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "as everywhere in tests")]

#[path = "common/recorded.rs"]
mod recorded;

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDateTime, NaiveTime, Utc};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use vetbridge::clock::Clock;
use vetbridge::ids::ScheduleId;
use vetbridge::simulator::exchange::{ArrivedRequest, Faults, Model, SentAnswer, serve};
use vetbridge::simulator::openvpms::{
    AppointmentId, AppointmentStatus, Condition, DatabaseText, Login, OpenVpmsSim, Uuids, World,
};

use recorded::{BASE, Before, Exchange, Response, Stored};

/// Where the simulator does not follow, and why. An exchange that comes out the same after all must leave this list.
const CANNOT_FOLLOW: [(&str, &str); 6] = [
    ("Four equal bookings at the same moment, answer 1: several are made", RACE),
    ("Four equal bookings at the same moment, answer 2: several are made", RACE),
    ("Four equal bookings at the same moment, answer 3: several are made", RACE),
    ("Four equal bookings at the same moment, answer 4: several are made", RACE),
    ("Three DELETEs at the same moment, answer 1", "the POST of that booking is not among the exchanges"),
    (
        "Three DELETEs at the same moment, answer 2",
        "the model carries out one exchange after the other; nothing breaks",
    ),
];
const RACE: &str =
    "the model carries out one exchange after the other, so the first is taken and the others are refused";

/// Parse errors whose first words come out of the insides of the JSON library.
const OWN_WORDS: [&str; 3] = ["Refused: No JSON", "Refused: Cut off", "Refused: An id beyond a long"];

#[tokio::test]
async fn every_recorded_exchange_comes_out_of_the_simulator_the_same() {
    replay(Way::Direct).await;
}

#[tokio::test]
async fn every_recorded_exchange_comes_out_of_its_listener_the_same() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    replay(Way::Http(client)).await;
}

/// Through which door the questions go.
enum Way {
    Direct,
    Http(reqwest::Client),
}

async fn replay(way: Way) {
    let exchanges = recorded::exchanges();
    assert_eq!(exchanges.len(), 199);
    let mut replay = Replay::new(way).await;
    let mut wrong = Vec::new();
    let mut listed = 0;
    for exchange in &exchanges {
        let outcome = replay.exchange(exchange).await;
        let excused = CANNOT_FOLLOW.iter().find(|(name, _)| *name == exchange.name);
        match (outcome, excused) {
            (Ok(()), None) => {}
            (Err(_), Some(_)) => listed += 1,
            (Err(difference), None) => wrong.push(format!("{}\n    {difference}", exchange.name)),
            (Ok(()), Some(_)) => wrong.push(format!("{}\n    is listed and comes out the same", exchange.name)),
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), exchanges.len(), wrong.join("\n"));
    assert_eq!(listed, CANNOT_FOLLOW.len(), "a listed exchange is not in the recording");
}

struct Replay {
    sim: Arc<OpenVpmsSim>,
    way: Way,
    /// Where it listens, for [`Way::Http`].
    address: String,
    /// Recorded ids and links of bookings, and what the simulator made of them.
    ids: BTreeMap<i64, i64>,
    links: BTreeMap<String, String>,
    _stop: tokio_util::sync::DropGuard,
}

impl Replay {
    async fn new(way: Way) -> Self {
        let mut world = World::from_json(recorded::clinic(), Uuids::from_seed(1)).unwrap();
        world.accounts.push(Login::without_role("norole", "changeit"));
        // Noon of the day of the recording, in Sydney.
        let now: DateTime<Utc> = "2026-11-21T12:00:00+11:00".parse().unwrap();
        let sim = Arc::new(OpenVpmsSim::new(world, Clock::virtual_from(now)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let stop = CancellationToken::new();
        tokio::spawn(serve(listener, sim.clone(), Faults::none(), stop.clone()));
        Self { sim, way, address, ids: BTreeMap::new(), links: BTreeMap::new(), _stop: stop.drop_guard() }
    }

    async fn exchange(&mut self, exchange: &Exchange) -> Result<(), String> {
        for before in &exchange.before {
            self.staff(before);
        }
        let mended = exchange.server.contains("GET mended");
        self.sim.staff(|world| world.reading_a_booking_fails = !mended);
        let asked = self.asked(exchange);
        let answered = match &self.way {
            Way::Direct => self.sim.answer(&asked),
            Way::Http(client) => over_http(client, &self.address, &asked).await,
        };
        if answered.status == 201 {
            self.learn(&exchange.response, &answered)?;
        }
        self.compare(exchange, &answered)?;
        match &exchange.stored {
            Some(stored) => self.compare_stored(exchange, stored),
            None => Ok(()),
        }
    }

    /// The request, with the simulator's ids for the recorded ones.
    fn asked(&self, exchange: &Exchange) -> ArrivedRequest {
        let request = &exchange.request;
        let mut headers = BTreeMap::from([("host".to_owned(), "pms.example".to_owned())]);
        let account = match request.authorization.as_deref() {
            None | Some("Basic, right name and password") => Some("Basic healthengine:changeit"),
            Some("absent") => None,
            Some("Basic, wrong password") => Some("Basic healthengine:wrong"),
            Some("Basic, name in capitals") => Some("Basic HEALTHENGINE:changeit"),
            Some("basic in lower case, right name and password") => Some("basic healthengine:changeit"),
            Some("Basic, a user without the role Online Booking") => Some("Basic norole:changeit"),
            Some(other) => panic!("unknown account: {other}"),
        };
        if let Some((scheme, login)) = account.and_then(|account| account.split_once(' ')) {
            headers.insert("authorization".into(), format!("{scheme} {}", STANDARD.encode(login)));
        }
        let body = request.body();
        if body.is_some() {
            headers.insert("content-type".into(), "application/json".into());
        }
        for (name, value) in &request.headers {
            match value {
                Some(value) => headers.insert(name.to_lowercase(), value.clone()),
                None => headers.remove(&name.to_lowercase()),
            };
        }
        ArrivedRequest {
            method: request.method.clone(),
            target: self.mapped(&request.target()),
            headers: headers.into_iter().collect(),
            body: body.unwrap_or_default(),
        }
    }

    /// A path whose booking reference, however malformed, has the simulator's id and link in the recorded ones' places.
    fn mapped(&self, target: &str) -> String {
        let Some(reference) = target.strip_prefix(&format!("{BASE}/bookings/")) else { return target.to_owned() };
        let part = |(index, part): (usize, &str)| {
            if index == 0 {
                let id = part.parse().ok().and_then(|id| self.ids.get(&id));
                return id.map_or(part.to_owned(), ToString::to_string);
            }
            let capitals = part.chars().any(char::is_uppercase);
            match self.links.get(&part.to_lowercase()) {
                Some(link) if capitals => link.to_uppercase(),
                Some(link) => link.clone(),
                None => part.to_owned(),
            }
        };
        let parts: Vec<String> = reference.split("%3A").enumerate().map(part).collect();
        format!("{BASE}/bookings/{}", parts.join("%3A"))
    }

    /// Which of the simulator's ids stands for which recorded one.
    fn learn(&mut self, recorded: &Response, answered: &SentAnswer) -> Result<(), String> {
        let parts = |reference: &str| {
            let (id, link) = reference.split_once(':')?;
            Some((id.parse::<i64>().ok()?, link.to_owned()))
        };
        let own = String::from_utf8_lossy(&answered.body).into_owned();
        let (own_id, own_link) = parts(&own).filter(|(_, link)| link.len() == 36).ok_or("no reference")?;
        let recorded = recorded.body.as_ref().and_then(Value::as_str).and_then(parts);
        let (id, link) = recorded.ok_or_else(|| "a booking was made and should not have been".to_owned())?;
        self.ids.insert(id, own_id);
        self.links.insert(link, own_link);
        Ok(())
    }

    fn compare(&self, exchange: &Exchange, answered: &SentAnswer) -> Result<(), String> {
        let recorded = &exchange.response;
        same("status", &recorded.status, &answered.status)?;
        let headers = [
            ("content-type", &recorded.content_type),
            ("connection", &recorded.connection),
            ("www-authenticate", &recorded.www_authenticate),
            ("allow", &recorded.allow),
        ];
        for (name, value) in headers {
            same(name, &value.as_deref(), &answered.header(name))?;
        }
        same("location", &self.location(recorded), &answered.header("location").map(str::to_owned))?;
        self.compare_bodies(exchange, answered)
    }

    fn location(&self, recorded: &Response) -> Option<String> {
        let location = recorded.location.as_ref()?;
        let Some((_, path)) = location.split_once("pms.example").filter(|(_, path)| path.contains("/bookings/")) else {
            return Some(location.clone());
        };
        Some(format!("http://pms.example{}", self.mapped(&path.replace(':', "%3A")).replace("%3A", ":")))
    }

    fn compare_bodies(&self, exchange: &Exchange, answered: &SentAnswer) -> Result<(), String> {
        let (recorded, own) = (&exchange.response, String::from_utf8(answered.body.clone()).unwrap());
        let Some(body) = &recorded.body else { return same("body", &"", &own.as_str()) };
        match recorded.content_type.as_deref().unwrap().split(';').next().unwrap() {
            "application/json" => {
                let own = serde_json::from_str(&own).map_err(|error| format!("no JSON: {error}"))?;
                let unordered = exchange.request.target().ends_with("/appointmentTypes");
                if unordered { same("types", &by_id(body), &by_id(&own)) } else { same("body", body, &own) }
            }
            "text/html" => {
                let title = |page: &str| page.split_once("</title>").map(|(head, _)| head.to_owned());
                same("title", &title(body.as_str().unwrap()).expect("a title"), &title(&own).unwrap_or_default())
            }
            "application/vnd.sun.wadl+xml" => {
                let element = "<application xmlns=\"http://wadl.dev.java.net/2009/02\"";
                let (theirs, ours) = (body.as_str().unwrap().contains(element), own.contains(element));
                same("element", &theirs, &ours)
            }
            _ if recorded.status == 201 => same("reference", &recorded.location.is_some(), &own.contains(':')),
            _ => compare_texts(exchange, body.as_str().unwrap(), &own),
        }
    }

    fn compare_stored(&self, exchange: &Exchange, stored: &Stored) -> Result<(), String> {
        let reference = exchange.response.body.as_ref().and_then(Value::as_str).unwrap();
        let id = AppointmentId(self.ids[&reference.split_once(':').unwrap().0.parse().unwrap()]);
        let own = self.sim.staff(|world| world.appointment(id).cloned()).ok_or("not in the diary")?;
        same("stored status", &stored.status.parse::<AppointmentStatus>().unwrap(), &own.status)?;
        let at = |wall: NaiveDateTime| wall.format("%Y-%m-%d %H:%M:%S.0").to_string();
        same("stored start", &stored.start, &at(own.start))?;
        same("stored end", &stored.end, &at(own.end))?;
        same("stored customer", &stored.customer, &own.customer.map(|id| id.0))?;
        same("stored patient", &stored.patient, &own.patient.map(|id| id.0))?;
        same("stored clinician", &stored.clinician, &own.clinician.map(|id| id.0))?;
        same("stored type", &stored.appointment_type, &own.appointment_type.0)?;
        let shown = own.notes.map(|notes| shortened(&notes));
        same("stored notes", &stored.booking_notes, &shown)
    }

    /// What staff did behind the API's back.
    fn staff(&self, before: &Before) {
        let own = || AppointmentId(self.ids[&before.id.unwrap()]);
        self.sim.staff(|world| match before.staff.as_str() {
            "changes the closing time of schedule 32 to 24:00" | "changes it back to 17:30" => {
                // OpenVPMS keeps 24:00 as 00:00.
                let time = |text: &Option<String>| {
                    let text = text.as_deref().unwrap().replace("24:00", "00:00");
                    NaiveTime::parse_from_str(&text, "%H:%M").unwrap()
                };
                let schedule = world.schedule_mut(ScheduleId(before.id.unwrap())).unwrap();
                schedule.open_daily(time(&before.start_time), time(&before.end_time));
            }
            "sets the status of the booking" | "cancels it" => {
                assert!(world.set_status(own(), before.status.as_deref().unwrap().parse().unwrap()));
            }
            "moves it" => {
                let at = |text: &Option<String>| {
                    NaiveDateTime::parse_from_str(text.as_deref().unwrap(), "%Y-%m-%d %H:%M").unwrap()
                };
                let schedule = world.appointment(own()).unwrap().schedule;
                assert!(world.move_appointment(own(), schedule, at(&before.start), at(&before.end)));
            }
            "restarts the server; from here on its connection to the database is in UTF-8" => {
                world.restart();
                world.database_text = DatabaseText::Utf8;
            }
            "stops the database" => world.condition = Condition::DatabaseAway,
            "starts the database" => world.condition = Condition::Well,
            other => panic!("unknown to this test: {other}"),
        });
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, recorded: &T, own: &T) -> Result<(), String> {
    if recorded == own { Ok(()) } else { Err(format!("{what}: recorded {recorded:?}\n    but here {own:?}")) }
}

fn by_id(list: &Value) -> BTreeMap<i64, &Value> {
    list.as_array().unwrap().iter().map(|entry| (entry["id"].as_i64().unwrap(), entry)).collect()
}

/// Exactly the same, but for where in the stream a parse error was.
fn compare_texts(exchange: &Exchange, recorded: &str, own: &str) -> Result<(), String> {
    let parse_error = recorded.contains("\n at [Source");
    if parse_error && OWN_WORDS.contains(&exchange.name.as_str()) {
        return same("parse error told", &true, &!own.is_empty());
    }
    if parse_error && own.len() > 20 && recorded.starts_with(own) { Ok(()) } else { same("text", &recorded, &own) }
}

/// Long notes as the recording shortens them.
fn shortened(notes: &str) -> String {
    if notes.len() < 1000 {
        return notes.to_owned();
    }
    let last = &notes[notes.len() - 6..];
    format!("{}[…] {} characters, the last: {last}", &notes[..80], notes.chars().count())
}

async fn over_http(client: &reqwest::Client, address: &str, asked: &ArrivedRequest) -> SentAnswer {
    let method = reqwest::Method::from_bytes(asked.method.as_bytes()).unwrap();
    let mut request = client.request(method, format!("http://{address}{}", asked.target));
    for (name, value) in &asked.headers {
        request = request.header(name, value);
    }
    let response = request.body(asked.body.clone()).send().await.unwrap();
    let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let status = response.status().as_u16();
    SentAnswer { status, headers, body: response.bytes().await.unwrap().to_vec() }
}
