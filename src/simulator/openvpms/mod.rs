//! An OpenVPMS booking server as a model: the clinic it serves ([`World`]), and its wire.
//!
//! # What it promises
//! It answers as the server of the recording in `fixtures/openvpms-recorded.jsonl` does (OpenVPMS
//! 2.1-SNAPSHOT of 21 March 2019), mistakes included, or, where a setting says so, as the published
//! guide of the API describes (its examples are in `fixtures/openvpms-guide`). `tests/recorded.rs`
//! and `tests/openvpms_examples.rs` hold it to that. Where neither tells, the module that decides
//! says what it assumes.
//!
//! [`OpenVpmsSim::answer`](Model::answer) is the only way in for a client. Clinic staff, the demo
//! and simulations act on the [`World`] behind it through [`OpenVpmsSim::staff`].
//!
//! # How it is laid out
//! A request goes through `routes` (paths, accounts, media types) to what it asks for: lists
//! (`inventory`), free and busy time of a schedule (`free_busy`) or of a clinician (`roster`),
//! bookings (`bookings`, which reads a body as `draft` says and finds customers as `matching`
//! says). `dates` and `wall` hold how the server reads and writes time.
//!
//! # What it leaves out
//! Exchanges are carried out one after the other. The real server checks for an overlap without a
//! lock, so that equal POSTs at one instant can all be taken; that happens here on request
//! ([`World::race`]). What happens on the way to the server and back belongs to
//! [`super::exchange`].

mod bookings;
mod dates;
mod draft;
mod free_busy;
mod guide;
mod inventory;
mod load;
mod matching;
mod pages;
mod roster;
mod routes;
mod staff;
mod uuids;
mod wall;
mod world;

#[cfg(test)]
mod tests;

use parking_lot::Mutex;

use crate::clock::Clock;

use super::exchange::{ArrivedRequest, Model, SentAnswer};

pub use load::NotAClinic;
pub use routes::BASE;
pub use uuids::Uuids;
pub use world::{
    Appointment, AppointmentId, AppointmentStatus, AppointmentTypeEntity, Area, AreaId, Block, BlockId, Condition,
    Customer, CustomerId, DatabaseText, DayTimes, Hours, LocationEntity, Login, NewAppointment, PatientEntity,
    PatientId, PhoneContact, ReferenceParts, ScheduleEntity, Shift, SlotSize, UserBehaviour, UserEntity, World,
};

/// A simulated OpenVPMS.
pub struct OpenVpmsSim {
    world: Mutex<World>,
    clock: Clock,
}

impl OpenVpmsSim {
    /// A server for this clinic, at this time. Only bookings in the past depend on the time.
    pub fn new(world: World, clock: Clock) -> Self {
        Self { world: Mutex::new(world), clock }
    }

    /// What staff, an administrator or fate do behind the API's back, or just a look at the diary.
    /// No exchange runs meanwhile.
    pub fn staff<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut self.world.lock())
    }
}

impl Model for OpenVpmsSim {
    fn answer(&self, asked: &ArrivedRequest) -> SentAnswer {
        let now = self.clock.now();
        self.staff(|world| routes::answer(world, asked, now))
    }
}
