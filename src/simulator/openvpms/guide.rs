//! The clinic of the published guide of the Booking API v2: its ids, its Friday, its server's ways.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use chrono_tz::Australia::Sydney;

use crate::ids::{AppointmentTypeId, LocationId, ScheduleId, UserId};
use crate::zone::Zone;

use super::uuids::Uuids;
use super::world::{
    AppointmentTypeEntity, Area, AreaId, Customer, CustomerId, Hours, LocationEntity, Login, NewAppointment,
    PatientEntity, PatientId, PhoneContact, ReferenceParts, ScheduleEntity, Shift, SlotSize, UserBehaviour, UserEntity,
    World,
};

/// 15 February 2019, the guide's day.
const DAY: (i32, u32, u32) = (2019, 2, 15);

impl World {
    /// The guide's clinic on its day, just before the booking that it makes: whatever the guide
    /// asks is answered as it prints. The roster and the one appointment of that day are all that
    /// stands in the diary.
    pub fn guide(uuids: Uuids) -> Self {
        let mut world = Self::guide_inventory(uuids);
        world.next_id = 602;
        let (main, surgery) = (AreaId(301), AreaId(302));
        let day = |hour, minute| at(DAY, hour, minute);
        world.roster = vec![
            Shift { user: UserId(1158), area: main, start: day(11, 0), end: day(17, 0) },
            Shift { user: UserId(1158), area: surgery, start: day(9, 0), end: day(17, 0) },
        ];
        world.add_appointment(NewAppointment {
            schedule: ScheduleId(136),
            start: day(10, 45),
            end: day(11, 30),
            appointment_type: AppointmentTypeId(63),
            clinician: None,
            customer: None,
            patient: None,
        });
        world
    }

    /// The guide's clinic with an empty diary and an empty roster, for other days. The login is the
    /// guide's, `sample`; `reader` has the same password and no role.
    pub fn guide_inventory(uuids: Uuids) -> Self {
        let mut world = Self::new(Zone::Iana(Sydney), uuids);
        world.user_behaviour = UserBehaviour::Guide;
        world.reference_parts = ReferenceParts::Three;
        world.accounts = vec![Login::booking("sample", "changeit"), Login::without_role("reader", "changeit")];
        world.locations = vec![location(106, "Branch Clinic"), location(98, "Main Clinic")];
        let types = [(79, "Short Consult"), (66, "Standard Consult"), (63, "Long Consult"), (76, "New Patient")];
        let kind = |(id, name): (i64, &str)| AppointmentTypeEntity {
            id: AppointmentTypeId(id),
            name: name.to_owned(),
            online: true,
        };
        world.appointment_types = types.map(kind).to_vec();
        world.schedules = vec![
            schedule(136, "Main Appointment Schedule", 15, at(DAY, 17, 30).time()),
            schedule(211, "Main Surgery Schedule", 30, at(DAY, 17, 0).time()),
        ];
        world.users = vec![user(1158, "Andrew Turner"), user(1159, "Chris Barton")];
        let area =
            |id, schedule| Area { id: AreaId(id), location: LocationId(98), schedules: vec![ScheduleId(schedule)] };
        world.areas = vec![area(301, 136), area(302, 211)];
        world.customers = vec![judith_bourke()];
        world
    }

    /// A schedule at the branch, 311, like the first one of the main clinic.
    pub fn add_branch_schedule(&mut self) {
        let mut schedule = self.schedules[0].clone();
        (schedule.id, schedule.location) = (ScheduleId(311), LocationId(106));
        "Branch Appointment Schedule".clone_into(&mut schedule.name);
        self.schedules.push(schedule);
    }
}

fn at((year, month, day): (i32, u32, u32), hour: u32, minute: u32) -> NaiveDateTime {
    NaiveDate::from_ymd_opt(year, month, day)
        .unwrap_or_default()
        .and_time(NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_default())
}

fn location(id: i64, name: &str) -> LocationEntity {
    LocationEntity { id: LocationId(id), name: name.to_owned(), online: true }
}

/// A schedule of the main clinic that opens at nine.
fn schedule(id: i64, name: &str, slot_size_minutes: u32, end: NaiveTime) -> ScheduleEntity {
    ScheduleEntity {
        id: ScheduleId(id),
        name: name.to_owned(),
        location: LocationId(98),
        online: true,
        slot_size: SlotSize::Minutes(slot_size_minutes),
        hours: Hours { start: Some(at(DAY, 9, 0).time()), end: Some(end) },
        times: None,
        types: [(79, 1), (66, 1), (63, 2), (76, 2)].map(|(id, slots)| (AppointmentTypeId(id), slots)).to_vec(),
    }
}

fn user(id: i64, name: &str) -> UserEntity {
    UserEntity {
        id: UserId(id),
        name: name.to_owned(),
        clinician: true,
        online: true,
        active: true,
        locations: Vec::new(),
    }
}

/// The customer of the guide's booking: 3, as in the reference that the guide goes on to read.
fn judith_bourke() -> Customer {
    Customer {
        id: CustomerId(3),
        title: Some("MS".to_owned()),
        first_name: "Judith".to_owned(),
        last_name: "Bourke".to_owned(),
        company: None,
        phones: vec![PhoneContact { area_code: None, number: "0418976543".to_owned(), mobile: true }],
        emails: Vec::new(),
        patients: vec![PatientEntity { id: PatientId(4), name: "Muffett".to_owned() }],
        active: true,
    }
}
