//! What happens behind the API's back: staff in the diary, administrators, a restart. And a look at
//! what stands there.

use chrono::{NaiveDateTime, NaiveTime};

use crate::ids::{ScheduleId, UserId};

use super::world::{
    Appointment, AppointmentId, AppointmentStatus, Block, BlockId, Login, NewAppointment, ScheduleEntity, UserEntity,
    World,
};

impl World {
    /// Staff make an appointment; nothing is checked, not even for overlaps.
    pub fn add_appointment(&mut self, new: NewAppointment) -> AppointmentId {
        let NewAppointment { schedule, start, end, appointment_type, clinician, customer, patient } = new;
        let id = AppointmentId(self.fresh_id());
        let appointment = Appointment {
            id,
            link: self.uuids.next(),
            schedule,
            start,
            end,
            appointment_type,
            status: AppointmentStatus::Pending,
            clinician,
            customer,
            patient,
            notes: None,
            cached: self.span(start, end),
        };
        self.appointments.insert(id, appointment);
        id
    }

    /// Staff move an appointment, perhaps to another schedule. False if there is none.
    pub fn move_appointment(
        &mut self,
        id: AppointmentId,
        schedule: ScheduleId,
        start: NaiveDateTime,
        end: NaiveDateTime,
    ) -> bool {
        let cached = self.span(start, end);
        let Some(own) = self.appointments.get_mut(&id) else { return false };
        (own.schedule, own.start, own.end, own.cached) = (schedule, start, end, cached);
        true
    }

    /// Staff give an appointment to another clinician, or to none. False if there is no such
    /// appointment.
    pub fn give_to(&mut self, id: AppointmentId, clinician: Option<UserId>) -> bool {
        self.appointments.get_mut(&id).is_some_and(|own| {
            own.clinician = clinician;
            true
        })
    }

    /// Staff set how far an appointment has come. False if there is none.
    pub fn set_status(&mut self, id: AppointmentId, status: AppointmentStatus) -> bool {
        self.appointments.get_mut(&id).is_some_and(|own| {
            own.status = status;
            true
        })
    }

    /// Staff cancel an appointment.
    pub fn cancel(&mut self, id: AppointmentId) -> bool {
        self.set_status(id, AppointmentStatus::Cancelled)
    }

    /// The patient has come; the booking cannot be cancelled online from here on.
    pub fn check_in(&mut self, id: AppointmentId) -> bool {
        self.set_status(id, AppointmentStatus::CheckedIn)
    }

    /// An appointment vanishes altogether, as after a restored backup.
    pub fn remove_appointment(&mut self, id: AppointmentId) -> bool {
        self.appointments.remove(&id).is_some()
    }

    /// Staff close time in the diary.
    pub fn add_block(&mut self, schedule: ScheduleId, start: NaiveDateTime, end: NaiveDateTime) -> BlockId {
        let id = BlockId(self.fresh_id());
        self.blocks.insert(id, Block { id, schedule, start, end });
        id
    }

    /// Staff open it again. False if there is no such block.
    pub fn remove_block(&mut self, id: BlockId) -> bool {
        self.blocks.remove(&id).is_some()
    }

    /// A schedule, to set its flag, hours, slot size or types.
    pub fn schedule_mut(&mut self, id: ScheduleId) -> Option<&mut ScheduleEntity> {
        self.schedules.iter_mut().find(|schedule| schedule.id == id)
    }

    /// A user, to set the flags or locations.
    pub fn user_mut(&mut self, id: UserId) -> Option<&mut UserEntity> {
        self.users.iter_mut().find(|user| user.id == id)
    }

    /// Another client submits this booking at the same instant as the next one that is submitted
    /// for any of its time: both check for an overlap before either writes, and both are made. The
    /// server checks without a lock.
    pub fn race(&mut self, appointment: NewAppointment) {
        self.racing.push(appointment);
    }

    /// Nobody else is about to submit anything.
    pub fn end_races(&mut self) {
        self.racing.clear();
    }

    /// The database is brought back as it was in an older copy of this clinic, by a server that
    /// starts on it. The secret parts of references are random and do not come again; ids do.
    pub fn restore(&mut self, backup: &World) {
        let (uuids, condition) = (self.uuids.clone(), self.condition);
        *self = World { uuids, condition, ..backup.clone() };
        self.restart();
    }

    /// The server is restarted: what its cache knew beyond the database is lost.
    pub fn restart(&mut self) {
        let read = |own: &Appointment| (own.id, self.span(own.start, own.end));
        let spans: Vec<_> = self.appointments.values().map(read).collect();
        for (id, span) in spans {
            if let Some(own) = self.appointments.get_mut(&id) {
                own.cached = span;
            }
        }
    }

    /// All appointments, the cancelled ones too, by id: the order in which they were made.
    pub fn appointments(&self) -> impl Iterator<Item = &Appointment> {
        self.appointments.values()
    }

    /// All that stand: not cancelled.
    pub fn standing(&self) -> impl Iterator<Item = &Appointment> {
        self.appointments().filter(|own| own.status != AppointmentStatus::Cancelled)
    }

    /// One appointment.
    pub fn appointment(&self, id: AppointmentId) -> Option<&Appointment> {
        self.appointments.get(&id)
    }

    /// The appointments, cancelled or not, with a line of this text in their booking notes (after
    /// its label, if it has one).
    pub fn with_note(&self, line: &str) -> Vec<&Appointment> {
        let is_it = |own: &str| own == line || own.strip_suffix(line).is_some_and(|label| label.ends_with(": "));
        let noted = |own: &&Appointment| own.notes.as_deref().is_some_and(|notes| notes.lines().any(is_it));
        self.appointments().filter(noted).collect()
    }

    /// The appointment that a booking reference of this server stands for, cancelled or not.
    pub fn find_reference(&self, reference: &str) -> Option<&Appointment> {
        self.appointments().find(|own| self.reference(own) == reference)
    }

    /// All calendar blocks.
    pub fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.blocks.values()
    }

    fn fresh_id(&mut self) -> i64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }
}

impl Login {
    /// A login with the role Online Booking.
    pub fn booking(name: &str, password: &str) -> Self {
        Self { name: name.to_owned(), password: password.to_owned(), may_book: true }
    }

    /// A login without it.
    pub fn without_role(name: &str, password: &str) -> Self {
        Self { may_book: false, ..Self::booking(name, password) }
    }
}

impl ScheduleEntity {
    /// Opens from one time of day to another, every day, and has no online booking times.
    pub fn open_daily(&mut self, start: NaiveTime, end: NaiveTime) {
        self.hours = super::world::Hours { start: Some(start), end: Some(end) };
        self.times = None;
    }
}
