//! Making, reading and cancelling bookings.
//!
//! A booking is checked for little: that its time is on the grid and free of *appointments*, that
//! the ids exist and the schedule is at the location. Opening hours, calendar blocks, flags,
//! rosters and the type's length are the caller's business.

use chrono::{DateTime, Datelike, NaiveDateTime, Utc};
use serde::Serialize;

use crate::ids::{AppointmentTypeId, LocationId, ScheduleId, UserId};
use crate::span::Span;

use super::dates;
use super::draft::{self, Draft};
use super::free_busy::minutes_off_grid;
use super::matching::{matching_patient, notes};
use super::pages::PageRefusal;
use super::wall;
use super::world::{
    Appointment, AppointmentId, AppointmentStatus, CustomerId, DatabaseText, Login, NewAppointment, PatientId,
    ReferenceParts, World,
};

fn bad<T>(text: impl Into<String>) -> Result<T, PageRefusal> {
    Err(PageRefusal::Bad(text.into()))
}

/// What GET tells of a booking. Contacts are the customer's as OpenVPMS has them; notes are never
/// told.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToldBooking {
    location: i64,
    schedule: i64,
    appointment_type: i64,
    start: String,
    end: String,
    title: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    mobile: Option<String>,
    patient_name: Option<String>,
    notes: Option<String>,
    /// 0 for none.
    user: i64,
}

impl World {
    /// Makes an appointment and gives its booking reference.
    pub(super) fn submit(&mut self, body: &[u8], account: &Login, now: DateTime<Utc>) -> Result<String, PageRefusal> {
        let draft = match draft::read(body) {
            Err(text) => return bad(text),
            Ok(None) => return bad("Booking is required"),
            Ok(Some(draft)) => draft,
        };
        let span = required(&draft, now)?;
        let schedule = self.known(&draft)?;
        let (start, end) = (wall::stored(&self.zone, span.start), wall::stored(&self.zone, span.end));
        self.check_slots(schedule, start, end)?;
        self.check_overlap(schedule, start, end)?;
        self.others_write(schedule, start, end);
        let appointment = self.written(&draft, span, start, end)?;
        if !account.may_book {
            return Err(PageRefusal::Broken("Access is denied".to_owned()));
        }
        let reference = self.reference(&appointment);
        self.next_id += 1;
        self.appointments.insert(appointment.id, appointment);
        Ok(reference)
    }

    /// What the ids of a booking stand for; the schedule is returned.
    fn known(&self, draft: &Draft) -> Result<ScheduleId, PageRefusal> {
        let Some(schedule) = self.schedule(ScheduleId(draft.schedule)) else {
            return bad(format!("Schedule not found: {}", draft.schedule));
        };
        if schedule.location != LocationId(draft.location) {
            return bad(format!("Schedule is not available at location {}", draft.location));
        }
        if self.appointment_type(AppointmentTypeId(draft.appointment_type)).is_none() {
            return bad(format!("Appointment Type not found: {}", draft.appointment_type));
        }
        if draft.user != 0 && self.user(UserId(draft.user)).is_none() {
            return bad(format!("User not found: {}", draft.user));
        }
        Ok(schedule.id)
    }

    fn check_slots(&self, schedule: ScheduleId, start: NaiveDateTime, end: NaiveDateTime) -> Result<(), PageRefusal> {
        let minutes = self.schedule(schedule).map_or(1, |schedule| schedule.slot_size.minutes());
        if minutes_off_grid(start, minutes) != 0 {
            return bad("Booking start is not on a slot boundary");
        }
        if minutes_off_grid(end, minutes) != 0 {
            return bad("Booking end is not on a slot boundary");
        }
        Ok(())
    }

    /// Compares wall times, as the database does. Calendar blocks do not count. The text names the
    /// times of the appointment that stands (assumed: in the recording they were those of the
    /// booking, too).
    fn check_overlap(&self, schedule: ScheduleId, start: NaiveDateTime, end: NaiveDateTime) -> Result<(), PageRefusal> {
        let live = |own: &&Appointment| own.schedule == schedule && own.status != AppointmentStatus::Cancelled;
        let taken = self.appointments.values().filter(live).find(|own| own.start < end && start < own.end);
        match taken {
            None => Ok(()),
            Some(own) => {
                let (start, end) = (dates::timestamp(own.start), dates::timestamp(own.end));
                bad(format!("An appointment is already scheduled for {start}-{end}"))
            }
        }
    }

    /// Whoever checked at the same instant saw a free slot too, and writes.
    fn others_write(&mut self, schedule: ScheduleId, start: NaiveDateTime, end: NaiveDateTime) {
        let meets = |own: &NewAppointment| own.schedule == schedule && own.start < end && start < own.end;
        let (quick, others): (Vec<_>, Vec<_>) = std::mem::take(&mut self.racing).into_iter().partition(meets);
        self.racing = others;
        for appointment in quick {
            self.add_appointment(appointment);
        }
    }

    /// The entry that a booking makes, not yet in the diary.
    fn written(
        &mut self,
        draft: &Draft,
        span: Span,
        start: NaiveDateTime,
        end: NaiveDateTime,
    ) -> Result<Appointment, PageRefusal> {
        // The names go into a query, the notes into a column: either can break on a character.
        for name in [&draft.first_name, &draft.last_name].into_iter().flatten() {
            stored_text(self.database_text, name)?;
        }
        let customer = self.matching_customer(draft);
        let pet = draft.patient_name.as_deref().filter(|name| !name.is_empty());
        let patient = customer.zip(pet).and_then(|(customer, pet)| matching_patient(customer, pet));
        let user = self.user(UserId(draft.user));
        let no_clinician = user.filter(|user| !user.clinician);
        let notes = notes(draft, customer.is_some(), patient.is_none(), no_clinician);
        let notes = notes.map(|notes| stored_text(self.database_text, &notes)).transpose()?;
        // The database takes no year of five digits.
        if start.year() > 9999 || end.year() > 9999 {
            return Err(PageRefusal::Broken("Data truncation: Incorrect datetime value".to_owned()));
        }
        let clinician = user.filter(|user| user.clinician).map(|user| user.id);
        let (customer, patient): (Option<CustomerId>, Option<PatientId>) =
            (customer.map(|own| own.id), patient.map(|own| own.id));
        Ok(Appointment {
            id: AppointmentId(self.next_id),
            link: self.uuids.next(),
            schedule: ScheduleId(draft.schedule),
            start,
            end,
            appointment_type: AppointmentTypeId(draft.appointment_type),
            status: AppointmentStatus::Pending,
            clinician,
            customer,
            patient,
            notes,
            cached: span,
        })
    }

    /// How this server writes the reference of an appointment.
    pub fn reference(&self, appointment: &Appointment) -> String {
        let Appointment { id, link, customer, .. } = appointment;
        match (self.reference_parts, customer) {
            (ReferenceParts::Three, Some(customer)) => format!("{id}:{customer}:{link}"),
            (ReferenceParts::Three, None) | (ReferenceParts::Two, _) => format!("{id}:{link}"),
        }
    }

    /// Reads a booking.
    pub(super) fn retrieve(&self, reference: &str) -> Result<ToldBooking, PageRefusal> {
        let own = self.referenced(reference)?;
        if self.reading_a_booking_fails {
            return Err(PageRefusal::Broken(
                "No node found named clincian in archetype act.customerAppointment".to_owned(),
            ));
        }
        Ok(self.told(own))
    }

    /// Cancels a booking.
    pub(super) fn cancel_booking(&mut self, reference: &str, account: &Login) -> Result<(), PageRefusal> {
        let own = self.referenced(reference)?;
        if own.status != AppointmentStatus::Pending {
            return bad("The booking must be pending to cancel");
        }
        if !account.may_book {
            return Err(PageRefusal::Broken("Access is denied".to_owned()));
        }
        let id = own.id;
        self.cancel(id);
        Ok(())
    }

    /// The live appointment that a reference stands for. A reference that this server cannot have
    /// written is refused as such.
    fn referenced(&self, reference: &str) -> Result<&Appointment, PageRefusal> {
        let parts: Vec<&str> = reference.split(':').collect();
        let well_formed = match self.reference_parts {
            ReferenceParts::Two => parts.len() == 2,
            ReferenceParts::Three => parts.len() == 2 || parts.len() == 3 && parts[1].parse::<i64>().is_ok(),
        };
        let Some(id) = parts[0].parse().ok().filter(|_| well_formed).map(AppointmentId) else {
            return bad("Invalid booking reference");
        };
        let own = self.appointments.get(&id).filter(|own| own.status != AppointmentStatus::Cancelled);
        own.filter(|own| self.reference(own) == reference).ok_or(PageRefusal::NotFound("Booking not found"))
    }

    fn told(&self, own: &Appointment) -> ToldBooking {
        let customer = own.customer.and_then(|id| self.customer(id));
        let patient = customer.and_then(|customer| customer.patients.iter().find(|pet| Some(pet.id) == own.patient));
        let number = |mobile_only: bool| {
            let phone = customer?.phones.iter().find(|phone| phone.mobile || !mobile_only)?;
            Some(match &phone.area_code {
                Some(code) => format!("{code} {}", phone.number),
                None => phone.number.clone(),
            })
        };
        let at = |wall| dates::written(&self.zone, wall::instant(&self.zone, wall));
        ToldBooking {
            location: self.schedule(own.schedule).map_or(0, |schedule| schedule.location.0),
            schedule: own.schedule.0,
            appointment_type: own.appointment_type.0,
            start: at(own.start),
            end: at(own.end),
            title: customer.and_then(|customer| customer.title.clone()),
            first_name: customer.map(|customer| customer.first_name.clone()),
            last_name: customer.map(|customer| customer.last_name.clone()),
            email: customer.and_then(|customer| customer.emails.first().cloned()),
            phone: number(false),
            mobile: number(true),
            patient_name: patient.map(|patient| patient.name.clone()),
            notes: None,
            user: own.clinician.map_or(0, |user| user.0),
        }
    }
}

/// The required fields and the time, which is returned.
fn required(draft: &Draft, now: DateTime<Utc>) -> Result<Span, PageRefusal> {
    let (Some(start), end) = (draft.start, draft.end) else { return bad("'start' is a required field") };
    let Some(end) = end else { return bad("'end' is a required field") };
    // Java's trim: everything up to the blank counts as one, a no-break space does not.
    let blank = |name: &Option<String>| name.as_deref().is_none_or(|name| name.chars().all(|c| c <= ' '));
    for (field, name) in [("firstName", &draft.first_name), ("lastName", &draft.last_name)] {
        if blank(name) {
            return bad(format!("'{field}' is a required field"));
        }
    }
    if start < now {
        return bad("Cannot make a booking in the past");
    }
    if start >= end {
        return bad("Booking start must be less than end");
    }
    Ok(Span { start, end })
}

/// A text as the database will hold it.
fn stored_text(database: DatabaseText, text: &str) -> Result<String, PageRefusal> {
    match database {
        DatabaseText::Latin1 => Ok(text.chars().flat_map(latin1).collect()),
        DatabaseText::Utf8 if text.chars().any(|c| c > '\u{ffff}') => {
            Err(PageRefusal::Broken(format!("Incorrect string value: {text}")))
        }
        DatabaseText::Utf8 => Ok(text.to_owned()),
    }
}

/// A character as Windows-1252 has it, or a question mark for each of its UTF-16 units.
fn latin1(c: char) -> impl Iterator<Item = char> {
    const BEYOND: &str = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ";
    let kept = c <= '\u{7f}' || ('\u{a0}'..='\u{ff}').contains(&c) || BEYOND.contains(c);
    let (c, count) = if kept { (c, 1) } else { ('?', c.len_utf16()) };
    std::iter::repeat_n(c, count)
}
