//! What pet owners, clinic staff and Healthengine's people do.

use chrono::{NaiveDateTime, TimeDelta};
use vetbridge::booking::entry::State;
use vetbridge::ids::{AppointmentTypeId, BookingId, PracticeId, ResourceId, ScheduleId, UserId};
use vetbridge::simulator::healthengine::{LateReject, Wish};
use vetbridge::simulator::openvpms::NewAppointment;

use crate::life::{Deed, Life};
use crate::story::About;
use crate::support::{judith, person, seconds};
use crate::wire::Quicker;
use crate::world::wants;

/// So old is what staff undo. If part of a slot is taken for a few seconds only, just when the
/// bridge looks there for an appointment that OpenVPMS makes later, the booking is rejected and
/// stands: nobody can tell these apart.
const UNDONE_AFTER: TimeDelta = TimeDelta::minutes(1);

impl Life {
    /// Somebody does something.
    pub(crate) fn people_act(&mut self) {
        match self.world.chance.below(24) {
            0..=7 => self.an_owner_books(),
            8 => self.two_owners_want_one_slot(),
            9 | 10 => self.an_owner_gives_up(),
            11 | 12 => self.staff_book(),
            13 => self.staff_cancel_one_of_their_own(),
            14 | 15 => self.staff_lay_a_block(),
            16 => self.staff_remove_a_block(),
            17..=19 if self.temper.busy_staff => self.staff_change_a_booking(),
            20 | 21 => self.somebody_is_quicker(),
            22 if self.world.chance.percent(40) => self.a_rush(),
            22 | 23 => self.healthengine_asks(),
            _ => {}
        }
    }

    fn some_resource(&self) -> (PracticeId, ResourceId) {
        let practice = self.world.chance.pick(&self.world.config.practices).id.clone();
        let resource = *self.world.chance.pick(&self.world.resources(&practice));
        (practice, resource)
    }

    /// One of few, so that wishes meet.
    fn some_start(&self, usual: bool) -> NaiveDateTime {
        let chance = &self.world.chance;
        let day = self.world.wall().date() + TimeDelta::days(chance.below(3) as i64);
        let hour = if usual { 10 + chance.below(3) } else { *chance.pick(&[7, 8, 16, 17]) };
        day.and_hms_opt(hour as u32, *chance.pick(&[0, 30]), 0).unwrap()
    }

    fn some_wish(&self, usual: bool) -> (PracticeId, Wish) {
        let (practice, resource) = self.some_resource();
        let kind = format!("{}:{resource}", self.world.chance.pick(&[66, 66, 63, 79]));
        let owner = if self.world.chance.percent(50) { judith() } else { person("Noah", "Castellano", "0299991234") };
        let wish =
            Wish::new(resource.to_string(), kind, self.some_start(usual)).by(owner, "Limping\nPet name: Muffett");
        (practice, wish)
    }

    fn an_owner_books(&mut self) {
        let usual = self.world.chance.percent(90);
        let (practice, wish) = self.some_wish(usual);
        self.book(&practice, wish, usual && self.world.chance.percent(60));
    }

    fn two_owners_want_one_slot(&mut self) {
        let (practice, wish) = self.some_wish(true);
        self.book(&practice, wish.clone(), false);
        self.book(&practice, wish, false);
    }

    fn book(&mut self, practice: &PracticeId, wish: Wish, only_what_is_offered: bool) {
        let healthengine = &self.world.healthengine;
        let booked = if only_what_is_offered {
            healthengine.book(practice, wish)
        } else {
            healthengine.book_regardless(practice, wish)
        };
        let Ok(id) = booked else { return };
        if only_what_is_offered {
            self.was_offered.insert(id);
        }
        let view = healthengine.booking(id).unwrap();
        self.booked.insert(id, self.world.clock.now());
        self.perhaps_by_a_new_client(id);
        let text = format!("a pet owner books {} at {} (booking {id})", view.resource, view.start);
        self.world.story.tell(wants(&view), text);
    }

    fn some_booking(&self) -> Option<BookingId> {
        let all: Vec<BookingId> = self.booked.keys().copied().collect();
        (!all.is_empty()).then(|| *self.world.chance.pick(&all))
    }

    /// Any of them, or the last, which is on its way.
    fn an_owner_gives_up(&mut self) {
        let last = self.booked.keys().next_back().copied();
        let booking = if self.world.chance.percent(50) { last } else { self.some_booking() };
        if let Some(id) = booking {
            self.gives_up(id);
        }
    }

    fn gives_up(&mut self, id: BookingId) {
        // Perhaps it stands no longer.
        if self.world.healthengine.cancel(id).is_ok() {
            self.given_up.insert(id, self.world.clock.now());
            self.world.story.tell(About::Booking(id), "the pet owner gives the booking up");
        }
    }

    fn some_place(&self) -> (ScheduleId, NaiveDateTime, NaiveDateTime) {
        let (_, resource) = self.some_resource();
        let start = self.some_start(true);
        // Not always on the grid, nor as long as a slot.
        let minutes = *self.world.chance.pick(&[15, 20, 30, 30, 60]);
        (resource.schedule, start, start + TimeDelta::minutes(minutes))
    }

    fn staff_book(&mut self) {
        let (schedule, start, end) = self.some_place();
        let clinicians = self.world.shape.clinicians && schedule != ScheduleId(311);
        let vets = [None, Some(UserId(1158)), Some(UserId(1159))];
        let clinician = if clinicians { *self.world.chance.pick(&vets) } else { None };
        let new = appointment(schedule, start, end, clinician);
        let made = self.world.openvpms.staff(|clinic| clinic.add_appointment(new));
        self.staff_made.push((made, self.world.clock.now()));
        let text = format!("staff write an appointment into schedule {schedule}, {start} to {}", end.time());
        self.world.story.tell(About::Time(schedule, start, end), text);
    }

    fn staff_cancel_one_of_their_own(&mut self) {
        let settled = |(_, made): &(_, _)| !self.is_recent(*made, UNDONE_AFTER);
        let Some(place) = self.staff_made.iter().position(settled) else { return };
        let (id, _) = self.staff_made.remove(place);
        let own = self.world.openvpms.staff(|clinic| {
            clinic.cancel(id);
            clinic.appointment(id).cloned()
        });
        // Gone, perhaps, with a restored backup.
        let Some(own) = own else { return };
        let text = format!("staff cancel an appointment of their own on {} at {}", own.schedule, own.start);
        self.world.story.tell(About::Time(own.schedule, own.start, own.end), text);
    }

    fn staff_lay_a_block(&mut self) {
        let (schedule, start, end) = self.some_place();
        let id = self.world.openvpms.staff(|clinic| clinic.add_block(schedule, start, end));
        self.blocks_laid.insert(id, self.world.clock.now());
        let text = format!("staff close schedule {schedule}, {start} to {}", end.time());
        self.world.story.tell(About::Time(schedule, start, end), text);
    }

    fn staff_remove_a_block(&mut self) {
        let old = self.blocks_laid.iter().find(|(_, laid)| !self.is_recent(**laid, UNDONE_AFTER));
        let Some(id) = old.map(|(id, _)| *id) else { return };
        self.blocks_laid.remove(&id);
        self.world.openvpms.staff(|clinic| clinic.remove_block(id));
    }

    /// Staff cancel what a pet owner booked, move it to the afternoon, or check the patient in.
    /// They are not so quick that its outcome is not known yet: an appointment that leaves its time
    /// while the bridge looks for it there cannot be told from one that was never made.
    fn staff_change_a_booking(&mut self) {
        let is_settled = |id: &BookingId| matches!(self.state(*id), Some(State::Confirmed | State::InDoubt));
        let Some(id) = self.some_booking().filter(is_settled) else { return };
        let Some(own) = self.world.appointments_of(id).into_iter().next() else { return };
        let chance = self.world.chance.clone();
        let (deed, text) = match chance.below(10) {
            0..=4 => {
                self.world.openvpms.staff(|clinic| clinic.cancel(own.id));
                (Deed::Cancelled, "staff cancel the appointment".to_owned())
            }
            5..=7 => {
                let day = self.world.wall().date() + TimeDelta::days(1 + chance.below(2) as i64);
                let start = day.and_hms_opt(14 + chance.below(3) as u32, own.id.0 as u32 % 2 * 30, 0).unwrap();
                let end = start + (own.end - own.start);
                self.world.openvpms.staff(|clinic| clinic.move_appointment(own.id, own.schedule, start, end));
                (Deed::Moved, format!("staff move the appointment to {start}"))
            }
            _ => {
                self.world.openvpms.staff(|clinic| clinic.check_in(own.id));
                (Deed::CheckedIn, "the patient is checked in".to_owned())
            }
        };
        self.note(id, deed);
        self.world.story.tell(About::Booking(id), format!("{text} of booking {id}"));
        self.world.story.tell(About::Time(own.schedule, own.start, own.end), format!("{text} of booking {id}"));
    }

    /// The next submission meets somebody who wants the same time.
    fn somebody_is_quicker(&mut self) {
        let (quicker, text) = *self.world.chance.pick(&[
            (Quicker::Before, "slot taken between look and POST"),
            (Quicker::AtOnce, "two POSTs at one instant"),
        ]);
        *self.world.quicker.lock().unwrap() = Some(quicker);
        self.world.story.count(text);
        self.world.story.tell(About::All, format!("the next submission meets another ({text})"));
    }

    /// Many want something at once.
    fn a_rush(&mut self) {
        // Now and then while Healthengine is away, so that all of it is late when it is back.
        let shape = &self.world.shape;
        // Where late rejections are not taken the list would stay longer than anybody reads, for ever.
        let comes_to_an_end = shape.late_reject == LateReject::Settle || shape.per_page >= 100;
        if self.temper.outages && comes_to_an_end && self.world.chance.percent(30) {
            return self.a_backlog();
        }
        for _ in 0..7 {
            let (practice, wish) = self.some_wish(true);
            self.book(&practice, wish, true);
        }
    }

    /// Many book while Healthengine cannot be reached, each another time, and some think better of
    /// it before it can. Its list does not always know of that at once.
    fn a_backlog(&mut self) {
        let chance = self.world.chance.clone();
        let away = 25 + chance.below(60);
        self.healthengine_goes_away(TimeDelta::seconds(away as i64));
        let known: Vec<BookingId> = self.booked.keys().copied().collect();
        let day = self.world.wall().date() + TimeDelta::days(1);
        for number in 0..24 + chance.below(12) as u32 {
            let (practice, resource) = self.some_resource();
            let start = day.and_hms_opt(9 + number / 4 % 8, number % 4 * 15, 0).unwrap();
            let wish = Wish::new(resource.to_string(), format!("66:{resource}"), start).by(judith(), "Limping");
            self.book(&practice, wish, false);
        }
        let fresh: Vec<BookingId> = self.booked.keys().copied().filter(|id| !known.contains(id)).collect();
        // Nobody can book where consent is revoked.
        for _ in 0..fresh.len().min(3) {
            let id = *chance.pick(&fresh);
            self.gives_up(id);
            if chance.percent(70) {
                let healthengine = self.world.healthengine.clone();
                healthengine.write_field(id, "bookingStatus", Some("Requested".into())).unwrap();
                tokio::spawn(async move {
                    tokio::time::sleep(seconds(away + 60)).await;
                    healthengine.write_field(id, "bookingStatus", Some("Cancelled".into())).unwrap();
                });
            }
        }
        self.world.story.count("backlog");
    }

    /// What its pet owner gave up is an update once more, which is answered from here on.
    fn asked_again(&mut self, id: BookingId) {
        let now = self.world.clock.now();
        self.given_up.entry(id).and_modify(|at| *at = now);
    }

    /// Questions, repetitions, and settlements by hand.
    fn healthengine_asks(&mut self) {
        let chance = self.world.chance.clone();
        let (practice, resource) = self.some_resource();
        let healthengine = self.world.healthengine.clone();
        let day = self.world.wall().date() + TimeDelta::days(chance.below(5) as i64 - 1);
        match (chance.below(8), self.some_booking()) {
            (0, _) => healthengine.ask_availability(&practice, day, Some(&resource.to_string())).unwrap(),
            (1, _) => healthengine.ask_availability(&practice, day, None).unwrap(),
            (2, _) => healthengine.ask_resources(&practice).unwrap(),
            (3, _) => healthengine.ask_appointment_types(&practice).unwrap(),
            (4, Some(id)) => {
                healthengine.ask_appointment_change(id).unwrap();
                self.asked_again(id);
            }
            (5, Some(id)) => {
                drop(healthengine.touch(id));
                self.asked_again(id);
            }
            (6, Some(id)) if healthengine.forget_confirmation(id).unwrap() => {
                self.note(id, Deed::Repeated);
                self.world.story.tell(About::Booking(id), "Healthengine forgets the confirmation and asks again");
            }
            (7, Some(id)) if self.temper.busy_staff => {
                healthengine.progress_by_hand(id).unwrap();
                self.note(id, Deed::SettledByHand);
                self.world.story.tell(About::Booking(id), "somebody settles the booking by hand at Healthengine");
            }
            _ => {}
        }
    }
}

fn appointment(
    schedule: ScheduleId,
    start: NaiveDateTime,
    end: NaiveDateTime,
    clinician: Option<UserId>,
) -> NewAppointment {
    NewAppointment {
        schedule,
        start,
        end,
        appointment_type: AppointmentTypeId(66),
        clinician,
        customer: None,
        patient: None,
    }
}
