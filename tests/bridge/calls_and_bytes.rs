//! What the bridge asks and tells, beside the fewest calls that both APIs allow: the table "Calls
//! and bytes" of docs/performance.md. One practice, ten schedules, sixty days, and otherwise the
//! defaults of the configuration.
//!
//! The bytes are printed: `cargo test --test bridge calls_and_bytes -- --nocapture --test-threads 1`.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use vetbridge::booking::entry::State;
use vetbridge::config::SyncSettings;
use vetbridge::ids::{AppointmentTypeId, LocationId, ScheduleId};
use vetbridge::polling::pace::BURST;
use vetbridge::simulator::exchange::{ArrivedRequest, SentAnswer};
use vetbridge::simulator::openvpms::ScheduleEntity;

use crate::support::{Clinic, PRACTICE, Travel, minutes, practice, seconds};

/// Bodies from this size on are compressed, by us (healthengine/client) and by servers that do.
const GZIP_BYTES_MIN: usize = 1024;

/// The bytes of requests and answers above TCP and TLS: first lines, headers and bodies.
#[derive(Clone, Default)]
struct Meter(Arc<Mutex<Bytes>>);

#[derive(Debug, Clone, Copy, Default)]
struct Bytes {
    plain: usize,
    gzipped: usize,
}

impl Meter {
    /// Weighs all calls of a clinic from here on.
    fn of(clinic: &Clinic) -> Self {
        let meter = Self::default();
        for twist in [&clinic.twist, &clinic.openvpms_twist] {
            let meter = meter.clone();
            twist.set(move |asked: &ArrivedRequest, answered: &mut SentAnswer| meter.weigh(asked, answered));
        }
        meter
    }

    fn weigh(&self, asked: &ArrivedRequest, answered: &SentAnswer) {
        let sent = if asked.header("content-encoding").is_some() { unpacked(&asked.body) } else { asked.body.clone() };
        let request = format!("{} {} HTTP/1.1\r\naccept-encoding: gzip\r\n\r\n", asked.method, asked.target);
        let heads =
            request.len() + "HTTP/1.1 200 OK\r\n\r\n".len() + length(&asked.headers) + length(&answered.headers);
        let mut bytes = self.0.lock().unwrap();
        bytes.plain += heads + sent.len() + answered.body.len();
        bytes.gzipped += heads + packed(&sent) + packed(&answered.body);
    }

    fn reset(&self) {
        *self.0.lock().unwrap() = Bytes::default();
    }

    fn read(&self) -> Bytes {
        *self.0.lock().unwrap()
    }
}

fn length(headers: &[(String, String)]) -> usize {
    headers.iter().map(|(name, value)| name.len() + value.len() + ": \r\n".len()).sum()
}

fn unpacked(body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    GzDecoder::new(body).read_to_end(&mut plain).unwrap();
    plain
}

fn packed(body: &[u8]) -> usize {
    if body.len() < GZIP_BYTES_MIN {
        return body.len();
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap().len()
}

/// Ten schedules for sixty days, at intervals as they are by default.
fn clinic() -> Clinic {
    let mut clinic = Clinic::new();
    clinic.config.sync = SyncSettings::default();
    clinic.openvpms.staff(|world| {
        let room = |number: i64| ScheduleEntity {
            id: ScheduleId(1000 + number),
            name: format!("Room {number}"),
            location: LocationId(98),
            types: vec![(AppointmentTypeId(66), 1), (AppointmentTypeId(63), 2)],
            ..world.schedules[0].clone()
        };
        let rooms: Vec<ScheduleEntity> = (1..=8).map(room).collect();
        world.schedules.extend(rooms);
    });
    clinic
}

const SCHEDULES: usize = 10;
/// For the configuration: the locations, the schedules of one, the types of each schedule.
const INVENTORY: usize = 1 + 1 + SCHEDULES;
/// The whole horizon, a hundred days a call.
const SNAPSHOT_CALLS: usize = SCHEDULES * 60 / 100;

/// Such a clinic some time after its first start, and a meter at its wires.
async fn settled() -> (Clinic, Meter) {
    let mut clinic = clinic();
    clinic.open_up().await;
    let meter = Meter::of(&clinic);
    clinic.journal.clear();
    (clinic, meter)
}

/// Calls of each kind: ids and the numbers of pages are left out.
fn kinds(clinic: &Clinic) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for call in clinic.journal.calls() {
        let is_id = |part: &str| part.starts_with(|first: char| first.is_ascii_digit());
        let parts: Vec<&str> = call.what.split('/').map(|part| if is_id(part) { "{id}" } else { part }).collect();
        *kinds.entry(parts.join("/")).or_default() += 1;
    }
    kinds
}

/// Calls that are made to OpenVPMS and to Healthengine.
fn calls(clinic: &Clinic) -> (usize, usize) {
    let calls = clinic.journal.calls();
    let openvpms = calls.iter().filter(|call| call.is_openvpms()).count();
    (openvpms, calls.len() - openvpms)
}

/// What was called besides the polls and the readings of the near days, which go on whatever
/// happens.
fn besides_the_rhythm(clinic: &Clinic) -> Vec<String> {
    let calls = clinic.journal.calls();
    let is_of_the_rhythm = |what: &str, query: &str| {
        let days = || query.matches("T00%3A00%3A00").count() == 2 && !is_one_day(query);
        what == "GET /requests" || (what.ends_with("/freebusy") && days())
    };
    let besides = calls.iter().filter(|call| !is_of_the_rhythm(&call.what, &call.query));
    besides.map(|call| call.what.replace("/ws/booking/v2", "")).collect()
}

/// `from=2027-02-16T00…&to=2027-02-17T00…`
fn is_one_day(query: &str) -> bool {
    let day = |name: &str| -> chrono::NaiveDate {
        let (_, rest) = query.split_once(name).unwrap();
        rest[..10].parse().unwrap()
    };
    (day("to=") - day("from=")).num_days() <= 1
}

/// Asserts that the page has the figures, and prints the bytes. Fewest calls first, then ours.
fn in_the_table(what: &str, fewest: (usize, usize), made: (usize, usize), bytes: Bytes) {
    let kilobytes = |bytes: usize| format!("{:.1} kB", bytes as f64 / 1000.0);
    let row = format!("| {what} | {} / {} | {} / {} |", fewest.0, made.0, fewest.1, made.1);
    println!("{row} {} | {} |", kilobytes(bytes.plain), kilobytes(bytes.gzipped));
    let page = std::fs::read_to_string("docs/performance.md").unwrap();
    assert!(page.contains(&row), "docs/performance.md has no row {row}");
}

#[tokio::test(start_paused = true)]
async fn the_first_start_takes_the_fewest_calls_and_two_that_ask_what_healthengine_has() {
    let mut clinic = clinic();
    let meter = Meter::of(&clinic);
    clinic.start();
    clinic.until_in_step().await;
    clinic.pass(seconds(1)).await;
    let made = calls(&clinic);
    let asked_before = clinic.journal.count("GET /config/pms", "");
    let fewest = (INVENTORY + SCHEDULES, 1 + 3 + SNAPSHOT_CALLS + 1);
    assert_eq!((made.0, made.1 - asked_before, asked_before), (fewest.0, fewest.1, 2), "{:#?}", kinds(&clinic));
    in_the_table("First start", fewest, made, meter.read());
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn an_hour_without_a_change_posts_nothing_and_reads_the_far_days_with_the_near_ones() {
    let (clinic, meter) = settled().await;
    clinic.pass(minutes(60)).await;
    let made = calls(&clinic);
    println!("{:#?}", kinds(&clinic));
    assert_eq!(clinic.journal.count("POST", ""), 0, "{:#?}", kinds(&clinic));
    // The configuration is read every ten minutes, and with it the features that are to be off.
    let fewest = (60 * SCHEDULES + 6 * INVENTORY, 720);
    in_the_table("An hour in which nothing changes", fewest, made, meter.read());
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn an_appointment_of_staffs_costs_one_call_to_healthengine() {
    let (clinic, meter) = settled().await;
    clinic.staff_book(136, "2027-02-16 10:00", 15);
    meter.reset();
    clinic.until("it is gone", seconds(62), |clinic| !clinic.offers("s136", "66:s136", "2027-02-16 10:00")).await;
    clinic.pass(seconds(1)).await;
    let made = besides_the_rhythm(&clinic);
    println!("{made:#?}");
    assert_eq!(made, ["POST /availability/snapshot"]);
    in_the_table("An appointment that staff make", (0, 1), (0, 1), meter.read());
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_booking_costs_a_look_a_post_its_list_the_confirmation_and_its_day() {
    let (clinic, meter) = settled().await;
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    clinic.until_state(booking, State::Confirmed, seconds(10)).await;
    clinic.pass(minutes(2)).await;
    let made = besides_the_rhythm(&clinic);
    println!("{made:#?}");
    meter.read();
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn the_daily_resync_sends_everything_once_and_reads_it_with_a_reading_that_is_due() {
    let (clinic, meter) = settled().await;
    clinic.until_wall("2027-02-16 03:20").await;
    clinic.journal.clear();
    meter.reset();
    clinic.pass(minutes(20)).await;
    println!("{:#?}", kinds(&clinic));
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_start_after_an_hour_sends_nothing_again() {
    let (mut clinic, meter) = settled().await;
    clinic.stop().await;
    clinic.pass(minutes(60)).await;
    clinic.journal.clear();
    meter.reset();
    clinic.start();
    clinic.pass(seconds(4)).await;
    println!("{:#?}", kinds(&clinic));
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_webhooks_costs_five_polls_and_one_a_second() {
    let mut clinic = clinic().with_webhooks();
    clinic.open_up().await;
    let meter = Meter::of(&clinic);
    clinic.journal.clear();
    for _ in 0..10 {
        clinic.healthengine.announce(&practice(PRACTICE), "bookings", 1_000).unwrap();
        clinic.pass(seconds(1)).await;
    }
    println!("{:#?} {BURST} {:?}", kinds(&clinic), meter.read());
    clinic.finish().await;
}

/// Fifty practices at one server of each kind use up ten calls a second by their polls alone.
#[tokio::test(start_paused = true)]
async fn fifty_practices_that_use_up_the_rate_are_polled_in_time_and_their_bookings_answered() {
    let mut clinic = Clinic::of_many(50, 10);
    clinic.config.sync = SyncSettings::default();
    clinic.rationed = true;
    clinic.travel = Travel::Steady(std::time::Duration::from_millis(5));
    clinic.start();
    clinic.pass(minutes(20)).await;
    clinic.journal.clear();
    clinic.pass(minutes(2)).await;
    let mut polls: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for call in clinic.journal.of("GET /requests", "/requests") {
        polls.entry(call.practice.unwrap().0).or_default().push(call.at);
    }
    assert_eq!(polls.len(), 50);
    for (practice, polls) in &polls {
        let longest = polls.windows(2).map(|pair| (pair[1] - pair[0]).num_milliseconds()).max().unwrap();
        assert!(longest <= 6_500, "{longest} ms between two polls of practice {practice}");
    }
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    let took = clinic.until_state(booking, State::Confirmed, seconds(20)).await;
    println!("{took:?}");
    assert!(took <= seconds(9), "{took:?}");
}
