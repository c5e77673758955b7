//! What a booking takes at the least: the calls of [`Floor::serve`], one after the other, over
//! reqwest as the bridge sets it up, and two flushes of the database that the bridge keeps. Where a
//! webhook says when, the least of a receiver stands before them ([`Floor::follow_webhooks`]).
//!
//! No deadline, no rate limit, no doubt, no log, no status page: what the bridge does beyond this
//! is what the benchmark shows.

use std::collections::BTreeSet;
use std::fs::File;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::{TcpListener, TcpStream};
use vetbridge::zone::Zone;

use crate::clinic::{Clinic, PRACTICE, PRACTICE_KEY};
use crate::configuration::API_KEY;

/// What is kept of a booking: a record as the bridge writes them.
const RECORD: &str = include_str!("../../fixtures/store/booking.v1.jsonl");

/// Where its webhooks are called.
const CALLBACK: &str = "/webhooks/s3cret";

/// A straight line from the list of requests to the confirmation.
pub(crate) struct Floor {
    healthengine: Client,
    openvpms: Client,
    /// What may not be repeated has a connection of its own, as in the bridge.
    openvpms_once: Client,
    healthengine_url: String,
    openvpms_url: String,
    zone: Zone,
    /// The bookings that were begun: with webhooks the list can show one that is under way.
    begun: Mutex<BTreeSet<i64>>,
    journal: Journal,
}

impl Floor {
    /// At a clinic, whose resources and types it sends.
    pub(crate) async fn at(clinic: &Clinic, state: &std::path::Path) -> Arc<Self> {
        let practice = [("api-key", API_KEY), ("practice-id", PRACTICE), ("practice-key", PRACTICE_KEY)];
        let basic = [("authorization", "Basic c2FtcGxlOmNoYW5nZWl0")];
        let floor = Self {
            healthengine: client(&practice, 4),
            openvpms: client(&basic, 4),
            openvpms_once: client(&basic, 0),
            healthengine_url: format!("http://127.0.0.1:{}/pms-api/v1", clinic.healthengine_port),
            openvpms_url: format!("http://127.0.0.1:{}/openvpms/ws/booking/v2", clinic.openvpms_port),
            zone: clinic.zone,
            begun: Mutex::default(),
            journal: Journal::open(state),
        };
        let resource = |schedule: i64| json!({ "pmsResourceId": format!("s{schedule}"), "pmsResourceName": format!("Schedule {schedule}") });
        let kind = |schedule: i64| {
            json!({
                "pmsAppointmentTypeId": format!("66:s{schedule}"),
                "pmsAppointmentTypeName": format!("Consult {schedule}"),
                "pmsResourceId": format!("s{schedule}"),
                "pmsAppointmentLength": 15,
            })
        };
        let resources: Vec<Value> = clinic.schedules().map(resource).collect();
        let kinds: Vec<Value> = clinic.schedules().map(kind).collect();
        floor.send("config/pmsResources/snapshot", &json!(resources)).await;
        floor.send("config/pmsAppointmentTypes/snapshot", &json!(kinds)).await;
        Arc::new(floor)
    }

    /// The same, on a thread of the runtime, where the bridge is as well.
    pub(crate) async fn serve_beside(self: &Arc<Self>) {
        let own = Arc::clone(self);
        tokio::spawn(async move { own.serve().await }).await.unwrap();
    }

    /// Serves for each webhook from here on. Where they are to be delivered.
    pub(crate) async fn follow_webhooks(self: &Arc<Self>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let own = Arc::clone(self);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&own).receive(connection));
            }
        });
        let callback = format!("https://floor.example{CALLBACK}");
        self.send("subscription", &json!({ "clientId": PRACTICE, "topic": "requests.*", "callbackUrl": callback }))
            .await;
        address
    }

    /// Answers each webhook of a connection, and does what it says.
    async fn receive(self: Arc<Self>, connection: TcpStream) {
        let mut connection = BufStream::new(connection);
        let mut line = String::new();
        while connection.read_line(&mut line).await.is_ok_and(|bytes| bytes > 0) {
            assert!(line.starts_with(&format!("POST {CALLBACK} ")), "{line}");
            let mut bytes = 0;
            while line != "\r\n" {
                let header = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
                bytes = header.map_or(bytes, |(_, value)| value.trim().parse().unwrap());
                line.clear();
                connection.read_line(&mut line).await.unwrap();
            }
            let mut body = vec![0; bytes];
            connection.read_exact(&mut body).await.unwrap();
            let event: Value = serde_json::from_slice(&body).unwrap();
            connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            connection.flush().await.unwrap();
            if event["clientId"] == PRACTICE {
                let own = Arc::clone(&self);
                tokio::spawn(async move { own.serve().await });
            }
            line.clear();
        }
    }

    /// Asks once what waits, and books and confirms it, all of it side by side.
    async fn serve(self: &Arc<Self>) {
        let kinds = read(self.healthengine.get(format!("{}/requests", self.healthengine_url))).await;
        if !kinds.as_array().unwrap().contains(&json!("bookings")) {
            return;
        }
        let list = self.healthengine.get(format!("{}/requests/bookings?page=1", self.healthengine_url));
        let list = read(list).await;
        let is_new = |booking: &&Value| self.begun.lock().unwrap().insert(booking["bookingId"].as_i64().unwrap());
        let bookings = list["data"].as_array().unwrap().iter().filter(is_new).cloned();
        let tasks: Vec<_> = bookings
            .map(|booking| {
                let own = Arc::clone(self);
                tokio::spawn(async move { own.book(&booking).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    }

    async fn book(&self, booking: &Value) {
        let id = booking["bookingId"].as_i64().unwrap();
        let (kind, resource) = booking["pmsAppointmentTypeId"].as_str().unwrap().split_once(':').unwrap();
        let (kind, schedule): (i64, i64) = (kind.parse().unwrap(), resource[1..].parse().unwrap());
        let wall = booking["pmsAppointmentTime"].as_str().unwrap();
        let wall = NaiveDateTime::parse_from_str(wall, "%Y-%m-%d %H:%M:%S").unwrap();
        let start = self.zone.instants(wall).single().unwrap();
        let end = start + TimeDelta::seconds(booking["pmsAppointmentLength"].as_i64().unwrap());
        assert!(self.is_free(schedule, start, end).await, "nobody else is at this diary");
        self.journal.keep(id, "submitting");
        let date = |at| self.zone.at(at).format("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string();
        let body = json!({
            "location": 98, "schedule": schedule, "appointmentType": kind, "start": date(start), "end": date(end),
            "title": "", "firstName": booking["patient"]["firstname"], "lastName": booking["patient"]["lastname"],
            "email": booking["patient"]["email"], "mobile": "0412345678", "phone": "+61412345678",
            "patientName": "Muffett", "notes": format!("Healthengine booking {id}"),
        });
        let post = self.openvpms_once.post(format!("{}/bookings", self.openvpms_url)).header(ACCEPT, "text/plain");
        let reference = accepted(post.json(&body)).await.text().await.unwrap();
        self.journal.keep(id, "inserted");
        let confirmation = json!({ "pmsAppointmentIds": [reference], "pmsPatientId": "p-5f0c6a1d2b3e4f50" });
        self.send(&format!("bookings/{id}/confirmInsert"), &confirmation).await;
    }

    async fn is_free(&self, schedule: i64, start: DateTime<Utc>, end: DateTime<Utc>) -> bool {
        let day = self.zone.day(self.zone.wall(start).date());
        let date = |at| self.zone.at(at).format("%Y-%m-%dT%H:%M:%S%:z").to_string();
        let ask = self.openvpms.get(format!("{}/schedules/{schedule}/freebusy", self.openvpms_url));
        let times = read(ask.query(&[("from", date(day.start)), ("to", date(day.end))])).await;
        let at = |value: &Value| DateTime::parse_from_rfc3339(value.as_str().unwrap()).unwrap().to_utc();
        let holds = |range: &Value| at(&range["start"]) <= start && end <= at(&range["end"]);
        times["free"].as_array().unwrap().iter().any(holds)
    }

    async fn send(&self, path: &str, body: &Value) {
        accepted(self.healthengine.post(format!("{}/{path}", self.healthengine_url)).json(body)).await;
    }
}

async fn read(ask: reqwest::RequestBuilder) -> Value {
    let answer = accepted(ask.header(ACCEPT, "application/json")).await;
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

async fn accepted(ask: reqwest::RequestBuilder) -> Response {
    ask.send().await.unwrap().error_for_status().unwrap()
}

/// A client as `http::network` makes it.
fn client(headers: &[(&'static str, &'static str)], idle_connections_max: usize) -> Client {
    let header =
        |(name, value): &(&'static str, &'static str)| (HeaderName::from_static(name), HeaderValue::from_static(value));
    let headers: HeaderMap = headers.iter().map(header).collect();
    debug_assert!(headers.contains_key(AUTHORIZATION) || headers.len() == 3);
    Client::builder()
        .user_agent("Example Vets Bridge (it@examplevets.com.au) UAT")
        .default_headers(headers)
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(10))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .tls_certs_only([])
        .no_proxy()
        .pool_max_idle_per_host(idle_connections_max)
        .pool_idle_timeout(Duration::from_secs(15))
        .build()
        .unwrap()
}

/// sled with what makes it durable. Whoever comes while another one flushes shares the next flush.
struct Journal {
    database: sled::Db,
    file: File,
    written: AtomicU64,
    synced: Mutex<u64>,
}

impl Journal {
    fn open(path: &std::path::Path) -> Self {
        let database = sled::Config::new().path(path).cache_capacity(8 * 1024 * 1024).open().unwrap();
        let file = File::options().read(true).write(true).open(path.join("db")).unwrap();
        Self { database, file, written: AtomicU64::new(0), synced: Mutex::new(0) }
    }

    /// Durable when this returns. A record as it was would not be written again.
    fn keep(&self, booking: i64, state: &str) {
        tokio::task::block_in_place(|| {
            let record = RECORD.lines().next().unwrap().replacen("confirmed", state, 1);
            self.database.insert(format!("booking/{booking:020}"), record.as_bytes()).unwrap();
            let own = self.written.fetch_add(1, Ordering::SeqCst) + 1;
            let mut synced = self.synced.lock().unwrap();
            if *synced < own {
                let upto = self.written.load(Ordering::SeqCst);
                self.database.flush().unwrap();
                self.file.sync_data().unwrap();
                *synced = upto;
            }
        });
    }
}
