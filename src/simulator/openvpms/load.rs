//! A clinic from JSON, as the first line of `fixtures/openvpms-recorded.jsonl` has it.

use std::collections::BTreeMap;

use chrono::{NaiveDateTime, NaiveTime};
use serde::Deserialize;

use crate::ids::{AppointmentTypeId, LocationId, ScheduleId, UserId};

use super::uuids::Uuids;
use super::world::{
    Appointment, AppointmentId, AppointmentStatus, AppointmentTypeEntity, Area, AreaId, Block, BlockId, Customer,
    CustomerId, DatabaseText, DayTimes, Hours, LocationEntity, Login, PatientEntity, PatientId, PhoneContact,
    ReferenceParts, ScheduleEntity, Shift, SlotSize, UserBehaviour, UserEntity, World,
};

/// A text that is not the JSON of a clinic.
#[derive(Debug, thiserror::Error)]
#[error("not a clinic: {0}")]
pub struct NotAClinic(String);

fn not<T: std::fmt::Display>(what: T) -> NotAClinic {
    NotAClinic(what.to_string())
}

impl World {
    /// Reads a clinic from `{"world": …}`. It is set up as the server that was recorded: reading a
    /// live booking fails, and the connection to the database is in Latin-1.
    pub fn from_json(text: &str, uuids: Uuids) -> Result<Self, NotAClinic> {
        let ClinicLine { world: clinic } = serde_json::from_str(text).map_err(not)?;
        let mut world = World::new(clinic.time_zone.parse().map_err(not)?, uuids);
        world.user_behaviour = match clinic.user_behaviour.as_str() {
            "2.1" => UserBehaviour::V21,
            "guide" => UserBehaviour::Guide,
            other => return Err(not(format!("userBehaviour {other}"))),
        };
        world.reference_parts = if clinic.reference_parts == 3 { ReferenceParts::Three } else { ReferenceParts::Two };
        world.reading_a_booking_fails = true;
        world.database_text = DatabaseText::Latin1;
        world.accounts.push(Login::booking(&clinic.username, &clinic.password));
        world.locations = clinic.locations.into_iter().map(LocationRead::into).collect();
        world.appointment_types = clinic.appointment_types.into_iter().map(TypeRead::into).collect();
        world.schedules = clinic.schedules.into_iter().map(ScheduleRead::read).collect::<Result<_, _>>()?;
        world.users = clinic.users.into_iter().map(UserRead::into).collect();
        world.areas = clinic.areas.into_iter().map(AreaRead::into).collect();
        world.roster = clinic.roster.into_iter().map(ShiftRead::read).collect::<Result<_, _>>()?;
        world.customers = clinic.customers.into_iter().map(CustomerRead::into).collect();
        for appointment in clinic.appointments {
            let appointment = appointment.read(&world)?;
            world.next_id = world.next_id.max(appointment.id.0 + 1);
            world.appointments.insert(appointment.id, appointment);
        }
        for block in clinic.blocks {
            let block = block.read()?;
            world.next_id = world.next_id.max(block.id.0 + 1);
            world.blocks.insert(block.id, block);
        }
        Ok(world)
    }
}

#[derive(Deserialize)]
struct ClinicLine {
    world: ClinicRead,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClinicRead {
    time_zone: String,
    user_behaviour: String,
    reference_parts: u32,
    username: String,
    password: String,
    locations: Vec<LocationRead>,
    appointment_types: Vec<TypeRead>,
    schedules: Vec<ScheduleRead>,
    users: Vec<UserRead>,
    areas: Vec<AreaRead>,
    roster: Vec<ShiftRead>,
    customers: Vec<CustomerRead>,
    appointments: Vec<AppointmentRead>,
    blocks: Vec<BlockRead>,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LocationRead {
    id: i64,
    name: String,
    #[serde(default = "yes")]
    online_booking: bool,
}

impl From<LocationRead> for LocationEntity {
    fn from(LocationRead { id, name, online_booking }: LocationRead) -> Self {
        Self { id: LocationId(id), name, online: online_booking }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TypeRead {
    id: i64,
    name: String,
    #[serde(default = "yes")]
    online_booking: bool,
}

impl From<TypeRead> for AppointmentTypeEntity {
    fn from(TypeRead { id, name, online_booking }: TypeRead) -> Self {
        Self { id: AppointmentTypeId(id), name, online: online_booking }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScheduleRead {
    id: i64,
    name: String,
    location: i64,
    #[serde(default = "yes")]
    online_booking: bool,
    slot_size: u32,
    slot_units: Option<String>,
    start: Option<String>,
    end: Option<String>,
    times: Option<BTreeMap<String, TimesRead>>,
    types: Vec<(i64, u32)>,
}

#[derive(Deserialize)]
struct TimesRead {
    open: bool,
    start: Option<String>,
    end: Option<String>,
}

impl ScheduleRead {
    fn read(self) -> Result<ScheduleEntity, NotAClinic> {
        Ok(ScheduleEntity {
            id: ScheduleId(self.id),
            name: self.name,
            location: LocationId(self.location),
            online: self.online_booking,
            slot_size: match self.slot_units.as_deref() {
                None | Some("MINUTES") => SlotSize::Minutes(self.slot_size),
                Some("HOURS") => SlotSize::Hours(self.slot_size),
                Some(other) => return Err(not(format!("slotUnits {other}"))),
            },
            hours: hours(self.start.as_deref(), self.end.as_deref())?,
            times: self.times.as_ref().map(week).transpose()?,
            types: self.types.into_iter().map(|(id, slots)| (AppointmentTypeId(id), slots)).collect(),
        })
    }
}

fn week(times: &BTreeMap<String, TimesRead>) -> Result<[DayTimes; 7], NotAClinic> {
    let mut week = [DayTimes::Closed; 7];
    for (day, name) in week.iter_mut().zip(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]) {
        let times = times.get(name).ok_or_else(|| not(format!("times without {name}")))?;
        if times.open {
            *day = DayTimes::Open(hours(times.start.as_deref(), times.end.as_deref())?);
        }
    }
    Ok(week)
}

fn hours(start: Option<&str>, end: Option<&str>) -> Result<Hours, NotAClinic> {
    Ok(Hours { start: start.map(time).transpose()?, end: end.map(time).transpose()? })
}

/// A time of day. OpenVPMS keeps 24:00 as 00:00.
fn time(text: &str) -> Result<NaiveTime, NotAClinic> {
    let text = if text == "24:00" { "00:00" } else { text };
    NaiveTime::parse_from_str(text, "%H:%M").map_err(not)
}

fn wall(text: &str) -> Result<NaiveDateTime, NotAClinic> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").map_err(not)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserRead {
    id: i64,
    name: String,
    #[serde(default = "yes")]
    clinician: bool,
    #[serde(default = "yes")]
    online_booking: bool,
    #[serde(default = "yes")]
    active: bool,
    #[serde(default)]
    locations: Vec<i64>,
}

impl From<UserRead> for UserEntity {
    fn from(UserRead { id, name, clinician, online_booking, active, locations }: UserRead) -> Self {
        let locations = locations.into_iter().map(LocationId).collect();
        Self { id: UserId(id), name, clinician, online: online_booking, active, locations }
    }
}

#[derive(Deserialize)]
struct AreaRead {
    id: i64,
    location: i64,
    schedules: Vec<i64>,
}

impl From<AreaRead> for Area {
    fn from(AreaRead { id, location, schedules }: AreaRead) -> Self {
        let schedules = schedules.into_iter().map(ScheduleId).collect();
        Self { id: AreaId(id), location: LocationId(location), schedules }
    }
}

#[derive(Deserialize)]
struct ShiftRead {
    user: i64,
    area: i64,
    start: String,
    end: String,
}

impl ShiftRead {
    fn read(self) -> Result<Shift, NotAClinic> {
        Ok(Shift { user: UserId(self.user), area: AreaId(self.area), start: wall(&self.start)?, end: wall(&self.end)? })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CustomerRead {
    id: i64,
    title: Option<String>,
    first_name: String,
    last_name: String,
    company: Option<String>,
    #[serde(default)]
    phones: Vec<PhoneRead>,
    #[serde(default)]
    emails: Vec<String>,
    #[serde(default)]
    patients: Vec<PatientRead>,
    #[serde(default = "yes")]
    active: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PhoneRead {
    area_code: Option<String>,
    number: String,
    #[serde(default)]
    purposes: Vec<String>,
}

#[derive(Deserialize)]
struct PatientRead {
    id: i64,
    name: String,
}

impl From<CustomerRead> for Customer {
    fn from(read: CustomerRead) -> Self {
        let CustomerRead { id, title, first_name, last_name, company, phones, emails, patients, active } = read;
        let phones = phones.into_iter().map(|PhoneRead { area_code, number, purposes }| {
            let mobile = purposes.iter().any(|purpose| purpose == "MOBILE");
            PhoneContact { area_code, number, mobile }
        });
        let patients = patients.into_iter().map(|PatientRead { id, name }| PatientEntity { id: PatientId(id), name });
        let (phones, patients) = (phones.collect(), patients.collect());
        Self { id: CustomerId(id), title, first_name, last_name, company, phones, emails, patients, active }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AppointmentRead {
    id: i64,
    link_id: String,
    schedule: i64,
    start: String,
    end: String,
    #[serde(rename = "type")]
    kind: i64,
    status: String,
    clinician: Option<i64>,
    customer: Option<i64>,
    patient: Option<i64>,
}

impl AppointmentRead {
    fn read(self, world: &World) -> Result<Appointment, NotAClinic> {
        let (start, end) = (wall(&self.start)?, wall(&self.end)?);
        Ok(Appointment {
            id: AppointmentId(self.id),
            link: self.link_id,
            schedule: ScheduleId(self.schedule),
            start,
            end,
            appointment_type: AppointmentTypeId(self.kind),
            status: self.status.parse()?,
            clinician: self.clinician.map(UserId),
            customer: self.customer.map(CustomerId),
            patient: self.patient.map(PatientId),
            notes: None,
            cached: world.span(start, end),
        })
    }
}

impl std::str::FromStr for AppointmentStatus {
    type Err = NotAClinic;

    fn from_str(text: &str) -> Result<Self, NotAClinic> {
        Ok(match text {
            "PENDING" => Self::Pending,
            "CHECKED_IN" => Self::CheckedIn,
            "IN_PROGRESS" => Self::InProgress,
            "ADMITTED" => Self::Admitted,
            "BILLED" => Self::Billed,
            "COMPLETED" => Self::Completed,
            "CANCELLED" => Self::Cancelled,
            other => return Err(not(format!("status {other}"))),
        })
    }
}

#[derive(Deserialize)]
struct BlockRead {
    id: i64,
    schedule: i64,
    start: String,
    end: String,
}

impl BlockRead {
    fn read(self) -> Result<Block, NotAClinic> {
        let (start, end) = (wall(&self.start)?, wall(&self.end)?);
        Ok(Block { id: BlockId(self.id), schedule: ScheduleId(self.schedule), start, end })
    }
}
