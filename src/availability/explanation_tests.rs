//! Scenes of a day that somebody misses a time of.

use chrono::TimeDelta;

use super::explanation::{Code, ExplainedSlot, all_alike, explain, offered_day};
use super::reading::OwnBooking;
use super::tests::{BEGAN, CONSULT, LONG, Scene, at, date, same};
use crate::ids::{AppointmentTypeId, ScheduleId};
use crate::span::Span;

impl Scene {
    fn explained(&self) -> Vec<ExplainedSlot> {
        let slots = self.ask(|question| explain(question, &self.room, self.day)).unwrap();
        // What is explained is what is published.
        assert!(offered_day(&slots, self.room.slot_size_minutes).offers_the_same_from(0, &self.day()));
        slots
    }

    fn code(&self, hour: u32, minute: u32) -> Code {
        self.explained().iter().find(|slot| slot.minute == hour * 60 + minute).unwrap().code
    }

    fn own(mut self, start: &str, end: &str, inserted: Option<&str>) -> Self {
        self.own.push(OwnBooking {
            schedule: ScheduleId(136),
            user: None,
            span: Span::new(at(start), at(end)),
            inserted: inserted.map(at),
        });
        self
    }
}

fn morning() -> Scene {
    Scene::new("Australia/Sydney", "2019-02-05", 15).free("2019-02-05T09:00:00+11:00", "2019-02-05T12:00:00+11:00")
}

#[test]
fn a_day_has_every_time_of_its_grid_from_midnight_to_midnight() {
    let slots = morning().explained();
    assert_eq!(slots.len(), 96);
    assert_eq!((slots[0].minute, slots[0].end_minute, slots[0].code), (0, 15, Code::Closed));
    assert_eq!((slots[95].minute, slots[95].end_minute), (1425, 1440));
    let scene = Scene::new("Australia/Sydney", "2019-02-05", 50);
    let last = scene.explained().pop().unwrap();
    assert_eq!((last.minute, last.end_minute), (1400, 1440), "the last slot is cut off by midnight");
}

#[test]
fn what_openvpms_calls_busy_and_what_stands_there_through_us_are_told_apart() {
    let scene = morning()
        .busy("2019-02-05T09:30:00+11:00", "2019-02-05T10:30:00+11:00")
        .own("2019-02-05T10:00:00+11:00", "2019-02-05T10:15:00+11:00", Some(BEGAN))
        .own("2019-02-05T11:00:00+11:00", "2019-02-05T11:15:00+11:00", None);
    let codes = [(9, 15), (9, 30), (10, 0), (10, 15), (11, 0)].map(|(hour, minute)| scene.code(hour, minute));
    assert_eq!(codes, [Code::Offered, Code::Busy, Code::OwnBooking, Code::Busy, Code::InDoubt]);
}

#[test]
fn a_time_says_which_types_fit_and_which_are_too_long() {
    let scene = morning().busy("2019-02-05T09:15:00+11:00", "2019-02-05T11:00:00+11:00");
    let slots = scene.explained();
    let at_nine = slots.iter().find(|slot| slot.minute == 540).unwrap();
    assert_eq!(at_nine.types, [AppointmentTypeId(CONSULT)]);
    assert_eq!(at_nine.too_long, [AppointmentTypeId(LONG)]);
    let mut long_only = morning();
    long_only.room.types.retain(|own| own.id.appointment_type == AppointmentTypeId(LONG));
    let last = long_only.explained().into_iter().find(|slot| slot.minute == 11 * 60 + 45).unwrap();
    assert_eq!((last.code, last.too_long.len()), (Code::TooShort, 1));
    long_only.room.types.clear();
    assert_eq!((long_only.code(9, 0), long_only.code(8, 0)), (Code::NoType, Code::Closed));
}

#[test]
fn what_is_past_and_what_is_too_soon_are_told_apart() {
    let mut scene = morning();
    scene.moment.now = at("2019-02-05T09:40:00+11:00");
    scene.moment.min_notice = TimeDelta::hours(1);
    let codes = [(9, 0), (9, 30), (9, 45), (10, 30), (10, 45)].map(|(hour, minute)| scene.code(hour, minute));
    assert_eq!(codes, [Code::Past, Code::Past, Code::MinNotice, Code::MinNotice, Code::Offered]);
}

#[test]
fn a_skipped_hour_is_absent_and_a_doubled_one_stands_once() {
    let skipped = Scene::new("Australia/Sydney", "2019-10-06", 15).free_all_day().explained();
    assert_eq!(skipped.len(), 96 - 4);
    assert!(skipped.iter().all(|slot| !(120..180).contains(&slot.minute)));
    let before = skipped.iter().find(|slot| slot.minute == 105).unwrap();
    assert_eq!(before.end_minute, 120, "it ends when the clocks are put forward");
    let doubled = Scene::new("Australia/Sydney", "2019-04-07", 15).free_all_day().explained();
    assert_eq!(doubled.len(), 96);
    let twice = doubled.iter().filter(|slot| (120..180).contains(&slot.minute));
    assert!(twice.clone().count() == 4 && twice.clone().all(|slot| slot.code == Code::ClockChange));
}

#[test]
fn a_reason_for_the_whole_day_leaves_the_past_and_the_clocks_what_they_are() {
    let zones = same("Australia/Sydney");
    let noon = at("2019-02-05T12:00:00+11:00");
    let slots = all_alike(Code::NotRead, date("2019-02-05"), 60, &zones, noon);
    assert_eq!((slots[12].code, slots[13].code), (Code::Past, Code::NotRead));
    let whole = all_alike(Code::Off, date("2019-02-06"), 1440, &zones, noon);
    assert_eq!((whole.len(), whole[0].end_minute, whole[0].code), (1, 1440, Code::Off));
    let doubled = all_alike(Code::Off, date("2019-04-07"), 60, &zones, noon);
    assert_eq!((doubled.len(), doubled[2].code, doubled[3].code), (24, Code::ClockChange, Code::Off));
}
