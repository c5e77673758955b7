//! Rounds of booking and sudden ends, and what has to hold after each.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use vetbridge::ids::{BookingId, PracticeId};
use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::healthengine::{MarketplaceBooking, MarketplaceStatus, PetOwner, RequestOutcome, Wish};
use vetbridge::simulator::openvpms::AppointmentStatus;

use crate::chance::Chance;
use crate::clinic::{Clinic, PRACTICE, eventually};
use crate::service::Service;

/// How a process loses everything that it did not bring to the disk.
pub(crate) trait Disaster {
    /// Ends the process at this very moment. Afterwards the state directory is as the next one finds it.
    async fn strike(&mut self, clinic: &Clinic, service: Service);
}

/// kill -9: what the process wrote stays, whether synced or not.
struct Kill;

impl Disaster for Kill {
    async fn strike(&mut self, _: &Clinic, mut service: Service) {
        service.signal("KILL");
        service.gone().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_at_any_moment_loses_no_booking_and_doubles_none() {
    let mut rounds = Rounds::begin(Clinic::open().await).await;
    for _ in 0..number("ROUNDS", 3) {
        rounds.play(&mut Kill).await;
    }
    rounds.end("kill -9").await;
}

/// A number that whoever runs the test may name.
pub(crate) fn number(name: &str, otherwise: u64) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "whoever runs the test says how long")]
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().expect(name))
}

/// A clinic between its rounds.
pub(crate) struct Rounds {
    clinic: Clinic,
    service: Option<Service>,
    chance: Chance,
    bookings: Vec<BookingId>,
    played: u64,
    /// By state in the ledger: how many bookings a disaster met.
    met: BTreeMap<String, usize>,
}

impl Rounds {
    pub(crate) async fn begin(clinic: Clinic) -> Self {
        let seed = number("SEED", 1);
        // Doubts are settled after three times the timeout.
        let configuration = clinic.configuration().replace("request_timeout = \"5s\"", "request_timeout = \"1s\"");
        clinic.write("vetbridge.toml", &configuration);
        let chance = Chance::from_seed(seed);
        // Messages take their time, so that the end comes in the middle of them.
        for faults in [&clinic.openvpms_faults, &clinic.healthengine_faults] {
            let slow = chance.child();
            faults.set(move |_| slow.percent(50).then(|| Fault::Slow(Duration::from_millis(slow.below(300)))));
        }
        let service = Service::start_and_get_in_step(&clinic).await;
        Self { clinic, service: Some(service), chance, bookings: Vec::new(), played: 0, met: BTreeMap::new() }
    }

    /// Pet owners book and cancel, disaster strikes, and the next process puts it right.
    pub(crate) async fn play(&mut self, disaster: &mut impl Disaster) {
        for _ in 0..2 + self.chance.below(4) {
            self.somebody_books();
            self.pause(60).await;
        }
        // As many give up as book, once there is enough to look after.
        let cancel = if self.bookings.len() > 40 { 1 + self.chance.below(5) } else { self.chance.below(2) };
        for _ in 0..cancel {
            self.somebody_cancels();
        }
        self.pause(900).await;
        let service = self.service.take().expect("the service runs");
        disaster.strike(&self.clinic, service).await;
        self.compare_ledger().await;
        if self.chance.percent(30) {
            self.somebody_books();
        }
        self.service = Some(Service::start(&self.clinic).await);
        self.settle().await;
        self.played += 1;
        if self.played.is_multiple_of(10) {
            eprintln!("{} rounds, {} bookings", self.played, self.bookings.len());
        }
    }

    pub(crate) async fn end(mut self, what: &str) {
        self.clinic.openvpms_faults.heal();
        self.clinic.healthengine_faults.heal();
        let service = self.service.take().expect("the service runs");
        service.stop().await;
        let verified = self.clinic.run(&["state", "verify"]).await;
        assert_eq!(verified.status, 0, "{verified:?}");
        eprintln!("{what}: {} rounds, {} bookings, met as {:?}", self.played, self.bookings.len(), self.met);
    }

    async fn pause(&self, milliseconds_max: u64) {
        tokio::time::sleep(Duration::from_millis(self.chance.below(milliseconds_max))).await;
    }

    /// Somebody books one of the times that are offered, if any is.
    fn somebody_books(&mut self) {
        let practice = PracticeId(PRACTICE.into());
        let resource = *self.chance.pick(&["s136", "s211"]);
        let day = self.clinic.today() + chrono::Days::new(1 + self.chance.below(4));
        let offered = self.clinic.healthengine.offered(&practice, resource, day).unwrap_or_default();
        if offered.is_empty() {
            return;
        }
        let wish = Wish::new(resource, format!("66:{resource}"), self.chance.pick(&offered).start);
        let booked = self.clinic.healthengine.book(&practice, wish.by(PetOwner::default(), "Pet name: Muffett"));
        self.bookings.extend(booked.ok());
    }

    fn somebody_cancels(&mut self) {
        let standing: Vec<BookingId> = self
            .bookings
            .iter()
            .copied()
            .filter(|id| {
                let view = self.view(*id);
                view.status == MarketplaceStatus::Confirmed && view.answer != RequestOutcome::Open
            })
            .collect();
        if !standing.is_empty() {
            // Perhaps at this very moment staff did.
            let _ = self.clinic.healthengine.cancel(*self.chance.pick(&standing));
        }
    }

    fn view(&self, id: BookingId) -> MarketplaceBooking {
        self.clinic.healthengine.booking(id).unwrap()
    }

    /// All appointments of a booking that were ever made, and those of them that stand.
    fn appointments(&self, id: BookingId) -> (usize, usize) {
        let all = self.clinic.appointments_of(id);
        (all.len(), all.iter().filter(|own| own.status != AppointmentStatus::Cancelled).count())
    }

    /// The ledger as the process left it. Nobody runs, so the command reads the files.
    async fn ledger(&self) -> BTreeMap<i64, Value> {
        let list = self.clinic.run(&["bookings", "list", "--json"]).await;
        assert_eq!(list.status, 0, "{list:?}");
        let list: Vec<Value> = serde_json::from_str(&list.out).unwrap();
        list.into_iter().map(|entry| (entry["booking_id"].as_i64().unwrap(), entry)).collect()
    }

    /// Whatever an outside effect relied on is in the ledger.
    async fn compare_ledger(&mut self) {
        let ledger = self.ledger().await;
        for id in self.bookings.clone() {
            let (view, (ever, _)) = (self.view(id), self.appointments(id));
            let entry = ledger.get(&id.0);
            let state = entry.map_or("unknown", |entry| entry["state"].as_str().unwrap());
            let account =
                || format!("round {}, booking {id}: {ever} appointments, {view:?}, ledger {entry:?}", self.played);
            if ever > 0 {
                let knows = ["submitting", "inserted", "confirmed", "in_doubt", "cancelled"].contains(&state);
                assert!(knows, "the POST left before the ledger knew: {}", account());
            }
            if view.answer != RequestOutcome::Open {
                if let Some(reference) = view.pms_appointment_ids.first() {
                    let known = entry.and_then(|entry| entry["reference"].as_str());
                    assert_eq!(
                        known,
                        Some(reference.as_str()),
                        "it was confirmed before the ledger knew: {}",
                        account()
                    );
                }
                let refused = view.status == MarketplaceStatus::Failed;
                assert!(!refused || state == "rejected", "it was rejected before the ledger knew: {}", account());
            }
        }
        for id in self.bookings.iter().rev().take(6) {
            let state = ledger.get(&id.0).map_or("unknown", |entry| entry["state"].as_str().unwrap());
            *self.met.entry(state.to_owned()).or_default() += 1;
        }
    }

    /// Everything is answered, and as it should be.
    async fn settle(&self) {
        let service = self.service.as_ref().expect("the service runs");
        let answered = |id: &BookingId| {
            let view = self.view(*id);
            view.answer != RequestOutcome::Open && view.open_updates.is_empty()
        };
        eventually("everything is answered", async || self.bookings.iter().all(answered)).await;
        let ledger = async || -> BTreeMap<i64, Value> {
            let list: Vec<Value> = service.get("/api/v1/bookings").await.json().await.unwrap();
            list.into_iter().map(|entry| (entry["booking_id"].as_i64().unwrap(), entry)).collect()
        };
        let open = ["received", "submitting", "inserted"];
        let is_open = |entry: &Value| open.contains(&entry["state"].as_str().unwrap());
        eventually("nothing is open in the ledger", async || !ledger().await.values().any(is_open)).await;
        let ledger = ledger().await;
        for id in &self.bookings {
            let (view, (ever, standing)) = (self.view(*id), self.appointments(*id));
            let entry = ledger.get(&id.0);
            let flagged = entry.is_some_and(|entry| entry["needs_attention"].is_string());
            let account =
                || format!("round {}, booking {id}: {view:?}, ledger {entry:?}\n{}", self.played, service.log());
            assert!(ever <= 1, "{ever} appointments: {}", account());
            match (view.status, standing) {
                (MarketplaceStatus::Confirmed, 1) | (MarketplaceStatus::Cancelled | MarketplaceStatus::Failed, 0) => {}
                (status, standing) => assert!(flagged, "{status:?} with {standing} appointments: {}", account()),
            }
        }
    }
}
