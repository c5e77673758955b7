//! A clinic whose vets change schedules, and what a test does with it.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use vetbridge::config::ResourceEntry;
use vetbridge::ids::{AppointmentTypeId, BookingId, LocationId, ResourceId, ScheduleId, UserId};
use vetbridge::simulator::openvpms::{
    AppointmentId, Area, AreaId, NewAppointment, ReferenceParts, Shift, UserBehaviour, UserEntity,
};

use crate::support::{Clinic, day, practice, wall_time, wish};
use crate::truth;

/// Andrew Turner.
pub(crate) const ANDREW: i64 = 1158;
/// Chris Barton.
pub(crate) const CHRIS: i64 = 1159;

/// Both kinds of server.
pub(crate) const SERVERS: [UserBehaviour; 2] = [UserBehaviour::Guide, UserBehaviour::V21];

/// The main clinic's resources: both schedules, and both vets on each.
pub(crate) const MAIN: [&str; 6] = ["s136", "s211", "u1158-s136", "u1158-s211", "u1159-s136", "u1159-s211"];

/// The near days are read again within this.
pub(crate) const A_READING: Duration = Duration::from_secs(62);

impl Clinic {
    /// The main clinic with two vets and an empty roster, on one kind of server. Four days are
    /// offered, all of them near.
    pub(crate) fn of_vets(server: UserBehaviour) -> Self {
        Self::new().with_vets(server)
    }

    /// The same with the branch, where Andrew works too, as a practice of its own.
    pub(crate) fn of_vets_with_branch(server: UserBehaviour) -> Self {
        let mut clinic = Self::with_branch().with_vets(server);
        clinic.offer(1, &["s311", "u1158-s311"]);
        clinic
    }

    fn with_vets(mut self, server: UserBehaviour) -> Self {
        self.openvpms.staff(|world| {
            world.user_behaviour = server;
            if server == UserBehaviour::V21 {
                world.reference_parts = ReferenceParts::Two;
                world.reading_a_booking_fails = true;
            }
            let branch = Area { id: AreaId(303), location: LocationId(106), schedules: vec![ScheduleId(311)] };
            world.areas.push(branch);
        });
        (self.config.sync.horizon_days, self.config.sync.near_days) = (4, 4);
        self.offer(0, &MAIN);
        self
    }

    /// The resources of a practice, as the configuration names them.
    pub(crate) fn offer(&mut self, practice: usize, resources: &[&str]) {
        let entry = |id: &&str| {
            let ResourceId { schedule, user } = id.parse().unwrap();
            ResourceEntry { schedule, user, name: None }
        };
        self.config.practices[practice].resources = resources.iter().map(entry).collect();
    }

    /// Adds somebody.
    pub(crate) fn hire(&self, id: i64, name: &str, clinician: bool) {
        let user = UserEntity {
            id: UserId(id),
            name: name.into(),
            clinician,
            online: true,
            active: true,
            locations: Vec::new(),
        };
        self.openvpms.staff(|world| world.users.push(user));
    }

    /// Rosters somebody to a schedule, for some hours of one day.
    pub(crate) fn roster(&self, user: i64, schedule: i64, day: NaiveDate, (from, until): (u32, u32)) {
        self.openvpms.staff(|world| {
            let area = world.areas.iter().find(|area| area.schedules == [ScheduleId(schedule)]).expect("an area").id;
            let at = |hour| day.and_hms_opt(hour, 0, 0).unwrap();
            world.roster.push(Shift { user: UserId(user), area, start: at(from), end: at(until) });
        });
    }

    /// Takes somebody off the roster of a schedule, on every day.
    pub(crate) fn roster_off(&self, user: i64, schedule: i64) {
        self.openvpms.staff(|world| {
            let area = world.areas.iter().find(|area| area.schedules == [ScheduleId(schedule)]).expect("an area").id;
            world.roster.retain(|shift| shift.user != UserId(user) || shift.area != area);
        });
    }

    /// Andrew has the consulting room in the morning and the surgery in the afternoon, Chris the other way round.
    pub(crate) fn roster_a_change_at_noon(&self) {
        for day in first_days() {
            for (user, schedule, hours) in
                [(ANDREW, 136, (9, 12)), (ANDREW, 211, (12, 17)), (CHRIS, 211, (9, 12)), (CHRIS, 136, (12, 17))]
            {
                self.roster(user, schedule, day, hours);
            }
        }
    }

    /// Both vets can be in either room all day.
    pub(crate) fn roster_both_everywhere(&self) {
        for day in first_days() {
            for (user, schedule) in [(ANDREW, 136), (ANDREW, 211), (CHRIS, 136), (CHRIS, 211)] {
                self.roster(user, schedule, day, (9, 17));
            }
        }
    }

    /// Staff write an appointment with a clinician, or with nobody, into the diary.
    pub(crate) fn staff_book_with(
        &self,
        user: impl Into<Option<i64>>,
        schedule: i64,
        start: &str,
        minutes: i64,
    ) -> AppointmentId {
        let start = wall_time(start);
        self.add(user.into(), schedule, start, start + TimeDelta::minutes(minutes))
    }

    /// The same, from and to.
    pub(crate) fn add(
        &self,
        user: Option<i64>,
        schedule: i64,
        start: NaiveDateTime,
        end: NaiveDateTime,
    ) -> AppointmentId {
        let appointment = NewAppointment {
            schedule: ScheduleId(schedule),
            start,
            end,
            appointment_type: AppointmentTypeId(66),
            clinician: user.map(UserId),
            customer: None,
            patient: None,
        };
        self.openvpms.staff(|world| world.add_appointment(appointment))
    }

    /// A pet owner books at a practice what was offered a moment ago.
    pub(crate) fn owner_books_at(&self, id: &str, resource: &str, start: &str) -> BookingId {
        let wish = wish(resource, &format!("66:{resource}"), start);
        self.healthengine.book_regardless(&practice(id), wish).unwrap()
    }

    /// True if any practice offers a standard consult with this resource at this time.
    pub(crate) fn shows(&self, resource: &str, start: &str) -> bool {
        let (start, kind) = (wall_time(start), format!("66:{resource}"));
        self.config.practices.iter().any(|config| {
            let offers = self.healthengine.offered(&config.id, resource, start.date()).unwrap();
            offers.iter().any(|offer| offer.start == start && offer.kinds.contains(&kind))
        })
    }

    /// How many starts a resource offers within the horizon.
    pub(crate) fn starts_of(&self, practice: usize, resource: &str) -> usize {
        let id = &self.config.practices[practice].id;
        let days = self.wall().date().iter_days().take(self.config.sync.horizon_days as usize);
        days.map(|day| self.healthengine.offered(id, resource, day).unwrap().len()).sum()
    }

    /// Where what pet owners see differs from rosters and diary, over all resources of all practices.
    pub(crate) fn inexact(&self) -> Vec<String> {
        let now = self.wall();
        let days = now.date().iter_days().take(self.config.sync.horizon_days as usize);
        let mut found = Vec::new();
        for (day, config) in days.flat_map(|day| self.config.practices.iter().map(move |config| (day, config))) {
            for resource in config.resources.iter().map(ResourceEntry::id) {
                let expected = self.openvpms.staff(|world| truth::starts(world, resource, day, now));
                let offered = self.healthengine.offered(&config.id, &resource.to_string(), day).unwrap().into_iter();
                let offered: BTreeMap<NaiveDateTime, Vec<String>> = offered
                    .map(|mut offer| {
                        offer.kinds.sort_unstable();
                        (offer.start, offer.kinds)
                    })
                    .collect();
                let too_many = offered.keys().find(|start| !expected.contains_key(start));
                let too_few = expected.keys().find(|start| !offered.contains_key(start));
                if offered != expected {
                    found.push(format!("{resource}: wrongly offered {too_many:?}, missing {too_few:?}"));
                }
            }
        }
        found
    }

    /// Asserts that pet owners see exactly what rosters and diary leave.
    #[track_caller]
    pub(crate) fn assert_exact(&self, when: &str) {
        let inexact = self.inexact();
        assert!(inexact.is_empty(), "{when}: {inexact:#?}\n{}", self.account());
    }

    /// Waits until they do, and says how long that took.
    pub(crate) async fn until_exact(&self, limit: Duration) -> Duration {
        self.until("offers are what rosters and diary leave", limit, |clinic| clinic.inexact().is_empty()).await
    }

    /// The reason with which the ledger closed a booking.
    pub(crate) fn last_reason(&self, id: BookingId) -> String {
        self.entry(id).history.last().expect("a history").reason.to_string()
    }
}

/// The days that are offered.
pub(crate) fn first_days() -> impl Iterator<Item = NaiveDate> {
    day("2027-02-15").iter_days().take(5)
}
