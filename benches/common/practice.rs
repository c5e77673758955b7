//! A made-up practice as OpenVPMS answers of it: the same at every run.
//!
//! Included by path, so that each benchmark takes what it needs.

#![allow(dead_code, reason = "each benchmark uses the part that it needs")]

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use vetbridge::availability::{
    ClinicianDoubt, Days, Moment, Question, Readings, Rosters, ScheduleReading, UserReading, Zones, window,
};
use vetbridge::call_error::Answer;
use vetbridge::http::{Request, Response, Transport};
use vetbridge::ids::{AppointmentTypeId, LocationId, ResourceId, ScheduleId, TypeId, UserId};
use vetbridge::mapping::{Resource, ResourceType};
use vetbridge::openvpms::{FreeBusy, UserFreeBusy, UserSpan};
use vetbridge::span::Span;
use vetbridge::zone::Zone;

/// A practice, read for its whole horizon (daylight saving ends in it).
pub(crate) struct Practice {
    pub(crate) zones: Zones,
    pub(crate) days: Days,
    pub(crate) resources: Vec<Resource>,
    pub(crate) readings: Readings,
    pub(crate) moment: Moment,
}

impl Practice {
    /// Schedules of 15 minutes, open from 9 to 17:30, each with ten appointments a day and four
    /// types.
    pub(crate) fn with_schedules(schedules: i64, horizon_days: u32) -> Self {
        let sydney: Zone = "Australia/Sydney".parse().unwrap();
        let zones = Zones { server: sydney, practice: sydney };
        let now = DateTime::from_timestamp(1_803_000_000, 0).unwrap();
        let days = Days::from_today(now, &sydney, horizon_days);
        let mut practice = Self {
            zones,
            days,
            resources: (0..schedules).map(|schedule| resource(ResourceId::schedule(ScheduleId(schedule)))).collect(),
            readings: Readings::default(),
            moment: Moment { now, min_notice: TimeDelta::zero() },
        };
        let window = window(days, &zones);
        let reading = |schedule| {
            let answer = practice.answer(schedule);
            (ScheduleId(schedule), Some(ScheduleReading::new(window, now, answer)))
        };
        practice.readings.schedules = (0..schedules).map(reading).collect();
        practice
    }

    /// With ten vets, each on one schedule in the morning and on the next in the afternoon.
    pub(crate) fn with_clinicians(horizon_days: u32) -> Self {
        let mut practice = Self::with_schedules(10, horizon_days);
        practice.resources.clear();
        let window = window(practice.days, &practice.zones);
        for number in 0..10 {
            let (vet, schedules) = (UserId(1000 + number), [ScheduleId(number), ScheduleId((number + 1) % 10)]);
            practice.resources.extend(schedules.map(|schedule| resource(ResourceId::clinician(vet, schedule))));
            let shift = |day, (half, schedule): (i64, ScheduleId)| {
                let start = practice.zones.server.day_start(day) + TimeDelta::hours(9 + 4 * half);
                UserSpan { span: Span::new(start, start + TimeDelta::hours(4)), schedule }
            };
            let shifts = |day| [(0, schedules[0]), (1, schedules[1])].map(|half| shift(day, half));
            let answer = UserFreeBusy { free: practice.days.iter().flat_map(shifts).collect(), busy: Vec::new() };
            practice.readings.users.insert(vet, UserReading::new(window, practice.moment.now, [answer]));
        }
        practice
    }

    /// What OpenVPMS answers of a schedule for the whole horizon.
    pub(crate) fn answer(&self, schedule: i64) -> FreeBusy {
        let (mut free, mut busy) = (Vec::new(), Vec::new());
        for day in self.days.iter() {
            let opening = self.zones.server.day_start(day) + TimeDelta::hours(9);
            let minutes = |start: i64, end: i64| {
                Span::new(opening + TimeDelta::minutes(start), opening + TimeDelta::minutes(end))
            };
            for number in 0..10 {
                let start = number * 50 + schedule % 3 * 5;
                busy.push(minutes(start, start + 15));
                free.push(minutes(start + 15, start + 50));
            }
        }
        FreeBusy { free, busy }
    }

    /// The same as it comes over the wire.
    pub(crate) fn body(&self, schedule: i64) -> Vec<u8> {
        let date = |at: DateTime<Utc>| self.zones.server.at(at).format("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string();
        let range = |span: &Span| json!({ "start": date(span.start), "end": date(span.end) });
        let ranges = |spans: &[Span]| spans.iter().map(range).collect::<Vec<Value>>();
        let answer = self.answer(schedule);
        serde_json::to_vec(&json!({ "free": ranges(&answer.free), "busy": ranges(&answer.busy) })).unwrap()
    }

    /// What decides about its offer.
    pub(crate) fn question<'a>(&'a self, rosters: &'a Rosters) -> Question<'a> {
        Question {
            zones: self.zones,
            readings: &self.readings,
            own: &[],
            rosters,
            clinician_doubt: ClinicianDoubt::Offer,
            moment: self.moment,
        }
    }
}

fn resource(id: ResourceId) -> Resource {
    let kind = |slots: u32| ResourceType {
        id: TypeId { appointment_type: AppointmentTypeId(60 + i64::from(slots)), resource: id },
        plain_name: format!("Type {slots}"),
        name: format!("Type {slots} - {id}"),
        slots,
        length_minutes: slots * 15,
    };
    Resource {
        id,
        location: LocationId(98),
        name: id.to_string(),
        clinician: None,
        slot_size_minutes: 15,
        types: (1..=4).map(kind).collect(),
    }
}

/// A server that always answers the same.
pub(crate) struct SameAnswer(Vec<u8>);

impl SameAnswer {
    /// 200 with this JSON.
    pub(crate) fn json(body: Vec<u8>) -> Arc<Self> {
        Arc::new(Self(body))
    }
}

#[async_trait]
impl Transport for SameAnswer {
    async fn exchange(&self, _: Request) -> Answer<Response> {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Ok(Response { status: 200, headers, body: self.0.clone() })
    }
}
