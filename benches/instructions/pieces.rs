//! The pieces that are counted: set up once, done as often as wanted, the same each time.

use std::collections::BTreeMap;
use std::hint::black_box;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use vetbridge::availability::{DayChange, ResourceDay, Rosters, SentDay, compare, days, learn, window};
use vetbridge::booking::entry::{Entry, Place, State};
use vetbridge::booking::machine::{Action, Ask, Event, MachineContext, Reply, SlotLook, SlotTaken, Submission, step};
use vetbridge::clock::{Clock, Measured};
use vetbridge::healthengine::client::HealthengineClient;
use vetbridge::healthengine::{ReadHealthengine as _, WriteHealthengine as _};
use vetbridge::ids::{AppointmentTypeId, BookingId, BookingReference, LocationId, PracticeId, ScheduleId};
use vetbridge::mapping::{Asked, Inventory, Mapping};
use vetbridge::openvpms::client::OpenVpmsClient;
use vetbridge::openvpms::{AppointmentType, Location, ReadOpenVpms as _, Schedule};
use vetbridge::span::Span;

use crate::practice::{Practice, SameAnswer};

/// A piece that is set up.
type Piece = Box<dyn FnMut()>;
type SetUp = fn() -> Piece;

/// Every piece, and how it is set up.
pub(crate) const PIECES: [(&str, SetUp); 8] = [
    ("state", state_of_schedules),
    ("clinicians", state_of_clinicians),
    ("difference", difference),
    ("step", steps_of_a_booking),
    ("mapping", mapping),
    ("read-times", reading_times),
    ("read-bookings", reading_bookings),
    ("send-days", sending_days),
];

/// What 20 schedules offer on 60 days.
fn state_of_schedules() -> Piece {
    let (practice, rosters) = (Practice::with_schedules(20, 60), Rosters::new());
    Box::new(move || {
        black_box(days(black_box(&practice.question(&rosters)), &practice.resources, practice.days));
    })
}

/// What 10 clinicians on two schedules each offer on 60 days, and what is learnt of their rosters.
fn state_of_clinicians() -> Piece {
    let practice = Practice::with_clinicians(60);
    Box::new(move || {
        let mut rosters = Rosters::new();
        learn(&mut rosters, black_box(&practice.readings), &practice.zones.server);
        black_box(days(&practice.question(&rosters), &practice.resources, practice.days));
    })
}

/// Which days of 20 schedules have to be sent.
fn difference() -> Piece {
    let (practice, rosters) = (Practice::with_schedules(20, 60), Rosters::new());
    let wanted = days(&practice.question(&rosters), &practice.resources, practice.days);
    let sent = |day: &ResourceDay| SentDay { day: day.day.clone(), at: practice.moment.now, accepted: true };
    let sent: BTreeMap<_, _> = wanted.iter().map(|day| ((day.resource, day.date), sent(day))).collect();
    Box::new(move || {
        let is_same = |day: &&ResourceDay| {
            let known = sent.get(&(day.resource, day.date));
            compare(known, &day.day, day.date, practice.moment, &practice.zones.practice) == DayChange::Same
        };
        assert_eq!(black_box(&wanted).iter().filter(is_same).count(), wanted.len());
    })
}

/// A booking from the list to its confirmation.
fn steps_of_a_booking() -> Piece {
    let at = |seconds: i64| -> DateTime<Utc> { DateTime::from_timestamp(1_803_000_000 + seconds, 0).unwrap() };
    let place = Place {
        location: LocationId(98),
        schedule: ScheduleId(136),
        user: None,
        appointment_type: AppointmentTypeId(66),
        span: Span::new(at(86_400), at(87_300)),
    };
    let context = MachineContext {
        now: at(2),
        measured: Measured { began: at(-86_400), now: at(2) },
        healthengine_ahead: TimeDelta::zero(),
        ahead_is_sure: true,
        request_timeout: TimeDelta::seconds(10),
        hold: false,
        zone: "Australia/Sydney".parse().unwrap(),
    };
    Box::new(move || {
        let practice = PracticeId("1234567".to_owned());
        let mut entry = Entry::received(BookingId(36_127_212), practice, Some(at(0)), "p-1".to_owned(), at(1));
        let events = [
            Event::Asked(Ask::Insert(place)),
            Event::Looked(SlotLook::Seen { began: at(2), taken: SlotTaken::None, refusal: None }),
            Event::Submitted(Submission::Created(BookingReference("603:3:be08".to_owned()))),
            Event::Replied(Reply::Accepted),
        ];
        let mut last = Action::Rest;
        for event in events {
            let step = step(entry, black_box(event), &context);
            (entry, last) = (step.entry, step.action);
        }
        assert_eq!((entry.state, last), (State::Confirmed, Action::Rest));
    })
}

/// The resources and types of 200 schedules.
fn mapping() -> Piece {
    let location = LocationId(98);
    let kinds = [(79, 1), (66, 1), (63, 2), (76, 2)];
    let kinds =
        kinds.map(|(id, slots)| AppointmentType { id: AppointmentTypeId(id), name: format!("Consult {id}"), slots });
    let schedule = |number: i64| {
        let schedule =
            Schedule { id: ScheduleId(number), name: format!("Room {}", number % 150), slot_size_minutes: 15 };
        (schedule, kinds.to_vec())
    };
    let inventory = Inventory {
        locations: vec![Location {
            id: location,
            name: "Main Clinic".to_owned(),
            time_zone: "Australia/Sydney".to_owned(),
        }],
        schedules: BTreeMap::from([(location, (0..200).map(schedule).collect())]),
        ..Inventory::default()
    };
    let asked = Asked { locations: [location].into(), ..Asked::default() };
    Box::new(move || {
        let mapping = Mapping::new(black_box(&inventory), &asked);
        assert_eq!((mapping.pms_resources().len(), mapping.pms_appointment_types().len()), (200, 800));
    })
}

/// The times of one schedule for 60 days, as OpenVPMS answers them.
fn reading_times() -> Piece {
    let practice = Practice::with_schedules(1, 60);
    let question =
        vetbridge::availability::window::question(window(practice.days, &practice.zones), &practice.zones.server);
    let client = OpenVpmsClient::new(SameAnswer::json(practice.body(0)));
    let runtime = runtime();
    Box::new(move || {
        let times = runtime.block_on(client.schedule_free_busy(ScheduleId(0), question)).unwrap();
        assert_eq!(black_box(times).free.len(), 600);
    })
}

/// A page of 100 bookings, as Healthengine lists them.
fn reading_bookings() -> Piece {
    let booking = |number: i64| {
        json!({
            "bookingId": 36_127_212 + number, "pmsResourceId": "s136", "pmsAppointmentTypeId": "66:s136",
            "pmsAppointmentIds": [], "pmsPatientId": null, "bookedTime": "2027-02-18 22:40:00",
            "bookingStatus": "Requested", "pmsAppointmentTime": "2027-02-20 09:30:00", "pmsAppointmentLength": 900,
            "reason": "Pet name: Muffett\nLimping since yesterday.", "comments": "Standard Consult",
            "patient": { "firstname": "Alex", "lastname": "Sample", "dob": null, "phone": "0412 345 678",
                "email": "alex@pets.example", "address": null, "suburb": null, "state": null, "postcode": null },
            "telehealthUrl": null, "isNewPatient": false,
        })
    };
    let list: Vec<Value> = (0..100).map(booking).collect();
    let page = json!({ "data": list, "page": { "currentPage": 1, "totalPages": 1 } });
    let client = HealthengineClient::new(SameAnswer::json(page.to_string().into_bytes()), Clock::system());
    let runtime = runtime();
    Box::new(move || {
        let page = runtime.block_on(client.booking_requests(1)).unwrap();
        assert_eq!(black_box(page).items.len(), 100);
    })
}

/// A call with 100 days, from the days to the compressed bytes.
fn sending_days() -> Piece {
    let (practice, rosters) = (Practice::with_schedules(2, 50), Rosters::new());
    let days = days(&practice.question(&rosters), &practice.resources, practice.days);
    let answer = json!({ "created": [], "existing": [], "failed": [], "errors": [] });
    let client = HealthengineClient::new(SameAnswer::json(answer.to_string().into_bytes()), Clock::system());
    let runtime = runtime();
    Box::new(move || {
        let snapshots: Vec<_> = days.iter().map(ResourceDay::snapshot).collect();
        assert_eq!(snapshots.len(), 100);
        let _none_taken = black_box(runtime.block_on(client.send_availability_batch(&snapshots)));
    })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}
