//! Clinic staff: they work in the diary, and neither ask the bridge nor tell it.

use chrono::TimeDelta;

use super::account::{Await, Watch};
use super::clinic;
use super::free_time;
use super::journal::{DiaryTime, JournalEntry};
use super::scene::Scene;
use super::stage::appointments_of;
use crate::ids::{BookingId, ResourceId};
use crate::simulator::healthengine::{MarketplaceStatus, RequestOutcome};
use crate::simulator::openvpms::{Appointment, AppointmentId, AppointmentStatus, NewAppointment, ScheduleEntity};

/// Staff touch the diary of these days. What they move further away is noticed once a day, and no
/// demo lasts so long.
const DAYS_AHEAD: u64 = 5;

impl Scene {
    /// What stands in the diary before anybody books.
    pub(super) fn staff_fill_in(&mut self) {
        let (today, random) = (self.stage.today(), &mut self.random);
        let entries: Vec<_> = self.stage.clinic(|world| {
            clinic::fill_in(world, today, random);
            world.standing().map(|own| (own.id, DiaryTime::of(own))).collect()
        });
        let text = format!("fills the diary in: {} appointments, and a lunch break at the branch", entries.len());
        self.journal.entries.extend(entries.into_iter().map(|(id, place)| (id, JournalEntry::Stands(place))));
        self.account.line(self.stage.now(), "Reception", &text);
    }

    /// Staff make an appointment on the phone.
    pub(super) fn staff_make(&mut self) -> bool {
        let Some(entry) = self.free_entry(|_| true) else { return false };
        self.staff_write(entry);
        true
    }

    /// An appointment that staff make, wherever they want it.
    pub(super) fn staff_write(&mut self, entry: NewAppointment) {
        let place = DiaryTime { schedule: entry.schedule, user: entry.clinician, start: entry.start, end: entry.end };
        let id = self.stage.clinic(|world| world.add_appointment(entry));
        self.journal.entries.insert(id, JournalEntry::Stands(place));
        self.journal.taken.push(place);
        self.staff_say(&place, &format!("writes an appointment into the diary: {}", self.stage.place(&place)));
        self.account.watch(&self.stage, Watch::Taken(place));
    }

    /// Staff move an appointment of the clinic's own.
    pub(super) fn staff_move_own(&mut self) -> bool {
        let Some((id, from)) = self.own_entry() else { return false };
        let Some(to) = self.place_for(&from) else { return false };
        self.stage.clinic(|world| world.move_appointment(id, to.schedule, to.start, to.end));
        self.journal.entries.insert(id, JournalEntry::Stands(to));
        self.journal.taken.push(to);
        self.journal.taken.push(from);
        self.staff_say(&from, &format!("moves an appointment: {} becomes {to}", self.stage.place(&from)));
        self.account.watch(&self.stage, Watch::Taken(to));
        true
    }

    /// Staff cancel an appointment of the clinic's own.
    pub(super) fn staff_cancel_own(&mut self) -> bool {
        let Some((id, place)) = self.own_entry() else { return false };
        self.stage.clinic(|world| world.cancel(id));
        self.journal.entries.insert(id, JournalEntry::Cancelled);
        self.journal.taken.push(place);
        self.staff_say(&place, &format!("cancels an appointment: {}", self.stage.place(&place)));
        self.account.watch(&self.stage, Watch::Free(place));
        true
    }

    /// Staff move what a pet owner booked.
    pub(super) fn staff_move_booking(&mut self) -> bool {
        let Some((id, own)) = self.confirmed_booking() else { return false };
        let from = DiaryTime::of(&own);
        let Some(to) = self.place_for(&from) else { return false };
        self.stage.clinic(|world| world.move_appointment(own.id, to.schedule, to.start, to.end));
        let now = self.stage.now();
        self.journal.taken.push(from);
        self.journal.taken.push(to);
        if let Some(deeds) = self.journal.bookings.get_mut(&id) {
            (deeds.moved, deeds.moved_to) = (Some(now), Some(to));
        }
        self.staff_say(&from, &format!("[{id}] moves it in the diary: {} becomes {to}", self.stage.place(&from)));
        self.account.wait_for(id, Await::Moved, now);
        true
    }

    /// Staff cancel what a pet owner booked.
    pub(super) fn staff_cancel_booking(&mut self) -> bool {
        let Some((id, own)) = self.confirmed_booking() else { return false };
        self.stage.clinic(|world| world.cancel(own.id));
        let now = self.stage.now();
        if let Some(deeds) = self.journal.bookings.get_mut(&id) {
            deeds.cancelled = Some(now);
        }
        let place = DiaryTime::of(&own);
        self.staff_say(&place, &format!("[{id}] cancels it in the diary: {}", self.stage.place(&place)));
        self.account.wait_for(id, Await::Cancelled, now);
        true
    }

    /// Staff close an hour.
    pub(super) fn staff_block(&mut self) -> bool {
        let Some(entry) = self.free_entry(|_| true) else { return false };
        let (start, end) = (entry.start, entry.start + TimeDelta::hours(1));
        let place = DiaryTime { schedule: entry.schedule, user: None, start, end };
        let id = self.stage.clinic(|world| world.add_block(entry.schedule, start, end));
        self.journal.blocks.push(id);
        self.journal.taken.push(place);
        self.staff_say(&place, &format!("blocks an hour: {}", self.stage.place(&place)));
        self.account.watch(&self.stage, Watch::Taken(place));
        true
    }

    /// Staff take a block away again.
    pub(super) fn staff_unblock(&mut self) -> bool {
        let Some(id) = self.random.pick(&self.journal.blocks).copied() else { return false };
        let found = self.stage.clinic(|world| world.blocks().find(|own| own.id == id).cloned());
        let Some(block) = found else { return false };
        self.stage.clinic(|world| world.remove_block(id));
        self.journal.blocks.retain(|own| *own != id);
        let place = DiaryTime { schedule: block.schedule, user: None, start: block.start, end: block.end };
        self.staff_say(&place, &format!("takes a block away: {}", self.stage.place(&place)));
        self.account.watch(&self.stage, Watch::Free(place));
        true
    }

    /// The pet of the earliest booking has come, before its time. From here on the appointment
    /// cannot be cancelled online.
    pub(super) fn staff_check_in(&mut self) -> bool {
        let Some((id, own)) = self.confirmed_bookings().into_iter().min_by_key(|(_, own)| own.start) else {
            return false;
        };
        self.stage.clinic(|world| world.check_in(own.id));
        let Some(deeds) = self.journal.bookings.get_mut(&id) else { return false };
        deeds.checked_in = true;
        let line = format!("[{id}] checks {} in", deeds.owner.pet());
        self.staff_say(&DiaryTime::of(&own), &line);
        true
    }

    fn staff_say(&mut self, place: &DiaryTime, what: &str) {
        let location = self.stage.location_name(self.stage.location_of(place.schedule));
        self.account.line(self.stage.now(), &location, what);
    }

    /// Free time for an appointment, on a schedule that fits.
    fn free_entry(&mut self, fits: impl Fn(&ScheduleEntity) -> bool) -> Option<NewAppointment> {
        let world = self.stage.clinic(|world| world.clone());
        let schedules: Vec<&ScheduleEntity> = world.schedules.iter().filter(|schedule| fits(schedule)).collect();
        let days = clinic::coming_days(self.stage.today(), DAYS_AHEAD);
        (0..20).find_map(|_| {
            let (schedule, day) = (self.random.pick(&schedules)?, self.random.pick(&days)?);
            clinic::free_entry(&world, schedule, *day, &mut self.random)
        })
    }

    /// Another place of the same length on the same schedule, touching nothing.
    fn place_for(&mut self, from: &DiaryTime) -> Option<DiaryTime> {
        let world = self.stage.clinic(|world| world.clone());
        let (length, days) = (from.end - from.start, clinic::coming_days(self.stage.today(), DAYS_AHEAD));
        let resource = ResourceId { schedule: from.schedule, user: from.user };
        (0..20).find_map(|_| {
            let starts = free_time::starts(&world, resource, *self.random.pick(&days)?);
            let fits = |start: &chrono::NaiveDateTime, kinds: &std::collections::BTreeSet<_>| {
                let longest = kinds.iter().map(|kind| clinic::length(&world, from.schedule, *kind)).max();
                longest.is_some_and(|longest| longest >= length) && *start != from.start
            };
            let starts: Vec<_> =
                starts.into_iter().filter(|(start, kinds)| fits(start, kinds)).map(|(start, _)| start).collect();
            let start = *self.random.pick(&starts)?;
            Some(DiaryTime { start, end: start + length, ..*from })
        })
    }

    /// One of the clinic's own appointments of the next days.
    fn own_entry(&mut self) -> Option<(AppointmentId, DiaryTime)> {
        let days = clinic::coming_days(self.stage.today(), DAYS_AHEAD);
        let standing = self.journal.entries.iter().filter_map(|(id, entry)| match entry {
            JournalEntry::Stands(place) if days.contains(&place.start.date()) => Some((*id, *place)),
            JournalEntry::Stands(_) | JournalEntry::Cancelled => None,
        });
        let standing: Vec<_> = standing.collect();
        self.random.pick(&standing).copied()
    }

    fn confirmed_booking(&mut self) -> Option<(BookingId, Appointment)> {
        let all = self.confirmed_bookings();
        self.random.pick(&all).cloned()
    }

    /// What stands in the diary of the next days, was confirmed, and was left alone by everybody.
    fn confirmed_bookings(&self) -> Vec<(BookingId, Appointment)> {
        let days = clinic::coming_days(self.stage.today(), DAYS_AHEAD);
        let untouched = |id: &BookingId| self.journal.bookings.get(id).is_some_and(|deeds| deeds.untouched());
        let views = self.stage.bookings().into_iter();
        let confirmed = views
            .filter(|view| view.status == MarketplaceStatus::Confirmed && view.answer == RequestOutcome::Confirmed);
        let ids = confirmed.map(|view| view.id).filter(untouched);
        ids.filter_map(|id| {
            let found = self.stage.clinic(|world| appointments_of(world, id));
            let standing = found.into_iter().find(|own| own.status == AppointmentStatus::Pending);
            Some((id, standing.filter(|own| days.contains(&own.start.date()))?))
        })
        .collect()
    }
}
