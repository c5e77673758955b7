//! What the bridge asks and tells, beside the fewest calls that both APIs allow: the table "Calls
//! and bytes" of docs/performance.md. One practice, ten schedules, sixty days, and otherwise the
//! defaults of the configuration.
//!
//! The bytes are printed: `cargo test --test bridge calls_and_bytes -- --nocapture --test-threads 1`.

use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::NaiveDate;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use vetbridge::booking::entry::State;
use vetbridge::config::SyncSettings;
use vetbridge::polling::call_rates::LOOK_FOR_OTHER_BRIDGE_EVERY;
use vetbridge::polling::pace::BURST;
use vetbridge::simulator::exchange::{ArrivedRequest, SentAnswer};
use vetbridge::simulator::healthengine::BASE_PATH;

use crate::support::{Clinic, PRACTICE, minutes, practice, seconds, ten_schedules};

/// Bodies from this size on are compressed, by us (healthengine/client) and by servers that do.
const GZIP_BYTES_MIN: usize = 1024;

/// Every call of a clinic's bridge, weighed.
#[derive(Clone, Default)]
struct Meter(Arc<Mutex<Vec<Weighed>>>);

/// One call, and the bytes of its request and its answer above TCP and TLS: first lines, headers
/// and bodies.
#[derive(Debug, Clone)]
struct Weighed {
    is_openvpms: bool,
    /// `GET /schedules/136/freebusy`
    what: String,
    query: String,
    plain: usize,
    gzipped: usize,
}

impl Weighed {
    fn of(is_openvpms: bool, asked: &ArrivedRequest, answered: &SentAnswer) -> Self {
        let sent = if asked.header("content-encoding").is_some() { unpacked(&asked.body) } else { asked.body.clone() };
        let request = format!("{} {} HTTP/1.1\r\naccept-encoding: gzip\r\n\r\n", asked.method, asked.target);
        let heads =
            request.len() + "HTTP/1.1 200 OK\r\n\r\n".len() + length(&asked.headers) + length(&answered.headers);
        let path = asked.target.trim_start_matches("/openvpms/ws/booking/v2").trim_start_matches(BASE_PATH);
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        Self {
            is_openvpms,
            what: format!("{} {path}", asked.method),
            query: query.to_owned(),
            plain: heads + sent.len() + answered.body.len(),
            gzipped: heads + packed(&sent) + packed(&answered.body),
        }
    }

    /// Polls and readings of the diary go on whatever happens, and so does the look for another
    /// bridge.
    fn is_of_the_rhythm(&self) -> bool {
        let is_reading = || self.what.ends_with("/freebusy") && self.days() >= 7;
        ["GET /requests", "GET /subscription"].contains(&self.what.as_str()) || is_reading()
    }

    /// For how many days free and busy time is asked for.
    fn days(&self) -> i64 {
        let date = |name: &str| self.query.split_once(name).unwrap().1[..10].parse::<NaiveDate>().unwrap();
        (date("to=") - date("from=")).num_days()
    }
}

impl Meter {
    /// Weighs all calls of a clinic from here on.
    fn of(clinic: &Clinic) -> Self {
        let meter = Self::default();
        for (twist, is_openvpms) in [(&clinic.twist, false), (&clinic.openvpms_twist, true)] {
            let calls = Arc::clone(&meter.0);
            twist.set(move |asked, answered| calls.lock().unwrap().push(Weighed::of(is_openvpms, asked, answered)));
        }
        meter
    }

    fn reset(&self) {
        self.0.lock().unwrap().clear();
    }

    fn all(&self) -> Weight {
        Weight(self.0.lock().unwrap().clone())
    }

    /// What was called besides what goes on whatever happens.
    fn besides_the_rhythm(&self) -> Weight {
        Weight(self.all().0.into_iter().filter(|call| !call.is_of_the_rhythm()).collect())
    }
}

/// Some calls.
struct Weight(Vec<Weighed>);

impl Weight {
    /// How many went to OpenVPMS, and how many to Healthengine.
    fn calls(&self) -> (usize, usize) {
        let openvpms = self.0.iter().filter(|call| call.is_openvpms).count();
        (openvpms, self.0.len() - openvpms)
    }

    fn count(&self, begin: &str, end: &str) -> usize {
        self.0.iter().filter(|call| call.what.starts_with(begin) && call.what.ends_with(end)).count()
    }

    fn what(&self) -> Vec<&str> {
        self.0.iter().map(|call| call.what.as_str()).collect()
    }

    /// Asserts that the page has these calls beside the fewest, and prints their bytes.
    #[expect(clippy::print_stdout, reason = "the bytes are for the page, and no promise")]
    fn is_in_the_table(&self, what: &str, fewest: (usize, usize)) {
        let made = self.calls();
        let kilobytes = |of: fn(&Weighed) -> usize| self.0.iter().map(of).sum::<usize>() as f64 / 1000.0;
        let row = format!("| {what} | {} / {} | {} / {} |", fewest.0, made.0, fewest.1, made.1);
        println!("{row} {:.1} / {:.1} kB |", kilobytes(|call| call.plain), kilobytes(|call| call.gzipped));
        let page = std::fs::read_to_string("docs/performance.md").unwrap();
        assert!(page.contains(&row), "docs/performance.md has no row {row}\n{:#?}", self.what());
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

const SCHEDULES: usize = 10;
/// For the configuration: the locations, the schedules of one, the types of each schedule.
const INVENTORY: usize = 1 + 1 + SCHEDULES;
/// The contract, the resources, the types.
const LISTS: usize = 3;
/// The whole horizon, a hundred days a call.
const SNAPSHOT_CALLS: usize = SCHEDULES * 60 / 100;

/// Ten schedules for sixty days, at intervals as they are by default.
fn clinic() -> Clinic {
    let mut clinic = Clinic::new();
    clinic.config.sync = SyncSettings::default();
    ten_schedules(&clinic);
    clinic
}

/// Such a clinic some time after its first start.
async fn settled() -> (Clinic, Meter) {
    let mut clinic = clinic();
    clinic.open_up().await;
    let meter = Meter::of(&clinic);
    (clinic, meter)
}

#[tokio::test(start_paused = true)]
async fn the_first_start_takes_the_fewest_calls_and_two_that_ask_what_healthengine_has() {
    let mut clinic = clinic();
    let meter = Meter::of(&clinic);
    clinic.start();
    clinic.until_in_step().await;
    clinic.pass(seconds(1)).await;
    let made = meter.all();
    // Features that a former integration left on are read, and a poll ends it.
    let fewest = (INVENTORY + SCHEDULES, 1 + LISTS + SNAPSHOT_CALLS + 1);
    let asked_before = made.count("GET /config/pms", "");
    assert_eq!((made.calls(), asked_before), ((fewest.0, fewest.1 + 2), 2), "{:#?}", made.what());
    made.is_in_the_table("First start", fewest);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn an_hour_without_a_change_posts_nothing_and_no_reading_is_of_the_far_days_alone() {
    let (clinic, meter) = settled().await;
    clinic.pass(minutes(60)).await;
    let made = meter.all();
    assert_eq!(made.count("POST", ""), 0, "{:#?}", made.what());
    // A reading of ten schedules takes a tenth of a second here, so there are 59 in an hour. Four of them are of the
    // whole horizon.
    let (readings, inventories) = (59, 6);
    let fewest = (readings * SCHEDULES + inventories * INVENTORY, 720);
    let whole = made.0.iter().filter(|call| call.what.ends_with("/freebusy") && call.days() >= 60).count();
    assert_eq!((made.count("GET /schedules/", "/freebusy"), whole), (readings * SCHEDULES, 4 * SCHEDULES));
    let looks = usize::try_from(3600 / LOOK_FOR_OTHER_BRIDGE_EVERY.as_secs()).unwrap();
    assert_eq!(made.calls(), (fewest.0, fewest.1 + inventories + looks));
    assert_eq!((made.count("GET /features", ""), made.count("GET /subscription", "")), (inventories, looks));
    made.is_in_the_table("An hour in which nothing changes", fewest);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn an_appointment_of_staff_costs_one_call_to_healthengine() {
    let (clinic, meter) = settled().await;
    clinic.staff_book(136, "2027-02-16 10:00", 15);
    let gone = |clinic: &Clinic| !clinic.offers("s136", "66:s136", "2027-02-16 10:00");
    clinic.until("its time is not offered", seconds(62), gone).await;
    clinic.pass(seconds(1)).await;
    let made = meter.besides_the_rhythm();
    assert_eq!(made.what(), ["POST /availability/snapshots"]);
    made.is_in_the_table("An appointment that staff make", (0, 1));
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_booking_costs_its_list_a_look_a_post_its_confirmation_its_day_and_the_spelling_of_a_name() {
    for remembers in [true, false] {
        let mut clinic = clinic();
        if !remembers {
            clinic.config.bookings.client_memory_days = 0;
        }
        clinic.open_up().await;
        let meter = Meter::of(&clinic);
        let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
        clinic.until_state(booking, State::Confirmed, seconds(10)).await;
        clinic.pass(minutes(2)).await;
        let made = meter.besides_the_rhythm();
        let confirmation = format!("POST /bookings/{booking}/confirmInsert");
        let fewest = [
            "GET /requests/bookings",
            "GET /schedules/136/freebusy",
            "POST /bookings",
            &confirmation,
            "POST /availability/snapshots",
        ];
        assert_eq!(made.what()[..fewest.len()], fewest);
        // How OpenVPMS spells the name of a client whom it found.
        let more = &made.what()[fewest.len()..];
        let is_spelling = |what: &&str| what.starts_with("GET /bookings/1%3A");
        assert!(more.len() == usize::from(remembers) && more.iter().all(is_spelling), "{more:#?}");
        made.is_in_the_table(if remembers { "A booking" } else { "A booking, `client_memory_days = 0`" }, (2, 3));
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn once_a_day_the_three_lists_and_all_days_are_sent_and_read_with_readings_that_are_due() {
    let mut clinic = clinic();
    // A day of the defaults takes long to simulate. These change how often, not what.
    let sync = &mut clinic.config.sync;
    (sync.request_interval, sync.idle_request_interval) = (minutes(5), minutes(5));
    (sync.availability_interval, sync.far_availability_interval) = (minutes(10), minutes(150));
    clinic.open_up().await;
    let meter = Meter::of(&clinic);
    clinic.pass(Duration::from_secs(24 * 3600)).await;
    let made = meter.all();
    // The day that the horizon gains at midnight is not kept for the resync.
    let sent = SNAPSHOT_CALLS + 1;
    assert_eq!((made.count("POST /config/", ""), made.count("POST /availability", "")), (LISTS, sent));
    let readings = made.count("GET /schedules/", "/freebusy");
    assert_eq!(readings, 24 * 6 * SCHEDULES, "none was made for the resync");
    let posts = Weight(made.0.into_iter().filter(|call| call.what.starts_with("POST")).collect());
    posts.is_in_the_table("The daily resync, and the day that the horizon gains", (0, LISTS + sent));
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_start_after_an_hour_sends_nothing_again() {
    let (mut clinic, meter) = settled().await;
    clinic.stop().await;
    clinic.pass(minutes(60)).await;
    meter.reset();
    clinic.start();
    clinic.pass(seconds(4)).await;
    let made = meter.all();
    assert_eq!((made.count("POST", ""), made.count("GET /features", "")), (0, 1));
    made.is_in_the_table("A start after an hour", (INVENTORY + SCHEDULES, 1));
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_webhooks_in_ten_seconds_cost_five_polls_and_one_a_second() {
    let mut clinic = clinic().with_webhooks();
    clinic.open_up().await;
    let meter = Meter::of(&clinic);
    for _ in 0..10 {
        clinic.healthengine.announce(&practice(PRACTICE), "bookings", 1_000).unwrap();
        clinic.pass(seconds(1)).await;
    }
    let made = meter.all();
    let polls = Weight(made.0.into_iter().filter(|call| call.what == "GET /requests").collect());
    assert_eq!(polls.calls(), (0, usize::try_from(BURST).unwrap() + 9));
    polls.is_in_the_table("10,000 webhooks within ten seconds", (0, 1));
    clinic.finish().await;
}

/// The polls of fifty practices are all that ten calls a second allow.
#[tokio::test(start_paused = true)]
async fn fifty_practices_that_use_up_the_rate_are_polled_in_time_and_their_bookings_answered() {
    let mut clinic = Clinic::of_many(50, 10);
    clinic.config.sync = SyncSettings::default();
    clinic.rationed = true;
    clinic.start();
    // All that is offered is read and sent by then.
    clinic.pass(minutes(20)).await;
    clinic.journal.clear();
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    // A poll finds it within five seconds and some; the rest waits for no queue.
    let took = clinic.until_state(booking, State::Confirmed, seconds(20)).await;
    assert!(took <= seconds(8), "{took:?}");
    clinic.pass(minutes(1)).await;
    let polls = clinic.journal.of("GET /requests", "/requests");
    for practice in &clinic.config.practices {
        let mut at: Vec<_> =
            polls.iter().filter(|poll| poll.practice.as_ref() == Some(&practice.id)).map(|poll| poll.at).collect();
        at.sort_unstable();
        let longest = at.windows(2).map(|pair| (pair[1] - pair[0]).num_milliseconds()).max();
        assert!(longest.is_some_and(|longest| longest <= 7_000), "practice {}: {longest:?} ms", practice.id);
    }
}
