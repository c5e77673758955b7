//! What happened, in order: every exchange, every fault, everything that people, servers and the
//! process did. A failing seed tells from it the story of the booking concerned; two runs of one
//! seed must tell the same.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use vetbridge::booking::entry::Entry;
use vetbridge::clock::Clock;
use vetbridge::ids::{BookingId, ScheduleId};
use vetbridge::simulator::exchange::ArrivedRequest;
use vetbridge::simulator::openvpms::AppointmentId;

use crate::support::sydney;

/// One of the two servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum System {
    OpenVpms,
    Healthengine,
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OpenVpms => "OpenVPMS",
            Self::Healthengine => "Healthengine",
        })
    }
}

/// Which bookings an event concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// All there are at that moment.
    All,
    /// One.
    Booking(BookingId),
    /// Those that want this time of a schedule.
    Time(ScheduleId, NaiveDateTime, NaiveDateTime),
    /// Those on this schedule that are being dealt with.
    Schedule(ScheduleId),
    /// None in particular.
    Routine,
}

/// Something that happened.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) at: DateTime<Utc>,
    pub(crate) about: About,
    pub(crate) text: String,
}

/// An appointment that a booking of the bridge made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Made {
    pub(crate) booking: BookingId,
}

/// The story of one world. Clones write the same one.
#[derive(Clone)]
pub(crate) struct Story {
    clock: Clock,
    told: Arc<Mutex<Told>>,
}

#[derive(Default)]
struct Told {
    events: Vec<Event>,
    /// The bookings' appointments, also those that stand no longer.
    made: Vec<(AppointmentId, Made)>,
    /// The last time that something was wrong with anything.
    disturbed_until: Option<DateTime<Utc>>,
    /// When something was wrong with an exchange about one booking, by what it was about.
    struck: BTreeMap<BookingId, Vec<(DateTime<Utc>, Purpose)>>,
    /// When the task of one booking panicked, and over which exchange.
    panicked: Vec<(DateTime<Utc>, About)>,
    /// From when until when a call with days lay in a queue.
    days_in_a_queue: Vec<(DateTime<Utc>, DateTime<Utc>)>,
    /// When polls were answered.
    polled: Vec<DateTime<Utc>>,
    faults: BTreeMap<String, u64>,
}

/// What an exchange about one booking is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The POST that makes its appointment.
    Submission,
    /// The DELETE of its appointment.
    Cancellation,
    /// An answer to Healthengine.
    Answer,
    /// The question whether its appointment stands.
    Question,
    /// Its entry in a list, with a time of booking that cannot be read.
    BookedTime,
}

impl Story {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, told: Arc::default() }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap()
    }

    /// Goes on.
    pub(crate) fn tell(&self, about: About, text: impl Into<String>) {
        let at = self.clock.now();
        self.told().events.push(Event { at, about, text: text.into() });
    }

    /// An exchange goes wrong; nobody can be held to deadlines until some time after.
    pub(crate) fn strike(&self, system: System, asked: &ArrivedRequest, fault: &str, lasts: TimeDelta) {
        let about = self.about(asked);
        self.disturb(lasts);
        *self.told().faults.entry(fault.to_owned()).or_default() += 1;
        if let (About::Booking(booking), Some(purpose)) = (about, purpose(asked)) {
            let at = self.clock.now();
            self.told().struck.entry(booking).or_default().push((at, purpose));
        }
        self.tell(about, format!("   !! {fault}: {}", plain(system, &asked.method, &asked.target)));
    }

    /// A call with days is carried out late, at most by this time.
    pub(crate) fn days_lie_in_a_queue(&self, longest: Duration) {
        let sent = self.clock.now();
        self.told().days_in_a_queue.push((sent, sent + longest));
    }

    /// True if a call with days may have been carried out late then.
    pub(crate) fn days_lay_in_a_queue_at(&self, at: DateTime<Utc>) -> bool {
        // Healthengine's times may be cut to whole seconds.
        let slack = TimeDelta::seconds(1);
        self.told().days_in_a_queue.iter().any(|(sent, until)| *sent - slack <= at && at <= *until + slack)
    }

    /// The task of one booking panics over this exchange.
    pub(crate) fn task_panics(&self, asked: &ArrivedRequest) {
        let (at, about) = (self.clock.now(), self.about(asked));
        self.told().panicked.push((at, about));
    }

    /// When tasks panicked over an exchange about this booking, or about the schedule that it wants a time of.
    pub(crate) fn panicked(&self, booking: BookingId, wanted: ScheduleId) -> Vec<DateTime<Utc>> {
        let told = self.told();
        let own = told.panicked.iter().filter(|(_, about)| match about {
            About::Booking(id) => *id == booking,
            About::Schedule(schedule) => *schedule == wanted,
            About::All | About::Time(..) | About::Routine => false,
        });
        own.map(|(at, _)| *at).collect()
    }

    /// The time at which a booking was made cannot be read in a list.
    pub(crate) fn misdate(&self, booking: BookingId) {
        let at = self.clock.now();
        self.told().struck.entry(booking).or_default().push((at, Purpose::BookedTime));
    }

    /// A poll was answered, which tells the bridge what time it is at Healthengine.
    pub(crate) fn polled(&self) {
        let at = self.clock.now();
        self.told().polled.push(at);
    }

    /// True if polls were answered since then, and the first of them so long before the last that
    /// what it told is durable.
    pub(crate) fn polls_told_the_time_since(&self, since: DateTime<Utc>) -> bool {
        let told = self.told();
        let first = told.polled.iter().find(|at| **at > since);
        let durable = TimeDelta::seconds(2);
        first.zip(told.polled.last()).is_some_and(|(first, last)| *last - *first >= durable)
    }

    /// Something is wrong from here on for this long.
    pub(crate) fn disturb(&self, lasts: TimeDelta) {
        let until = self.clock.now() + lasts;
        let mut told = self.told();
        told.disturbed_until = told.disturbed_until.max(Some(until));
    }

    /// Until when something was wrong.
    pub(crate) fn disturbed_until(&self) -> Option<DateTime<Utc>> {
        self.told().disturbed_until
    }

    /// An appointment of a booking came to stand in the diary.
    pub(crate) fn made(&self, booking: BookingId, appointment: AppointmentId) {
        let made = Made { booking };
        self.told().made.push((appointment, made));
    }

    /// The appointments that were ever made for a booking.
    pub(crate) fn appointments_of(&self, booking: BookingId) -> usize {
        self.told().made.iter().filter(|(_, made)| made.booking == booking).count()
    }

    /// The appointments that were made, but for the first so many.
    pub(crate) fn made_since(&self, count: usize) -> Vec<(AppointmentId, Made)> {
        self.told().made[count..].to_vec()
    }

    /// The booking that an appointment was made for, and when. Ids come again after a restored
    /// backup; the last one counts.
    pub(crate) fn booking_of(&self, appointment: AppointmentId) -> Option<Made> {
        self.told().made.iter().rev().find(|(own, _)| *own == appointment).map(|(_, made)| *made)
    }

    /// When exchanges of this kind about a booking went wrong.
    pub(crate) fn struck(&self, booking: BookingId, kind: Purpose) -> Vec<DateTime<Utc>> {
        let told = self.told();
        let struck = told.struck.get(&booking).into_iter().flatten();
        struck.filter(|(_, purpose)| *purpose == kind).map(|(at, _)| *at).collect()
    }

    /// How often each fault was injected.
    pub(crate) fn faults(&self) -> BTreeMap<String, u64> {
        self.told().faults.clone()
    }

    /// Counts something that is no fault of one exchange.
    pub(crate) fn count(&self, what: &str) {
        *self.told().faults.entry(what.to_owned()).or_default() += 1;
    }

    /// Which bookings a request is about.
    pub(crate) fn about(&self, asked: &ArrivedRequest) -> About {
        let path = asked.target.split(['?']).next().unwrap_or_default();
        if path.ends_with("/ws/booking/v2/bookings") {
            return booking_in_notes(&asked.body).map_or(About::Routine, About::Booking);
        }
        let Some((before, rest)) = path.rsplit_once("/bookings/") else {
            return schedule_in(path).map_or(About::Routine, About::Schedule);
        };
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let Ok(number) = digits.parse() else { return About::Routine };
        if before.ends_with("/ws/booking/v2") {
            let made = self.booking_of(AppointmentId(number));
            return made.map_or(About::Routine, |made| About::Booking(made.booking));
        }
        About::Booking(BookingId(number))
    }

    /// A number that two runs of the same seed have in common.
    pub(crate) fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for event in &self.told().events {
            (event.at, &event.text).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Everything about one booking, in the order of time; `entry` is what the ledger has to say.
    pub(crate) fn of(&self, booking: BookingId, wants: About, entry: Option<&Entry>) -> String {
        let told = self.told();
        let booked = format!("(booking {booking})");
        let concerns = |event: &&Event| event.about == About::Booking(booking) || event.text.ends_with(&booked);
        let first = told.events.iter().find(concerns).map_or(self.clock.now(), |event| event.at);
        let settled = entry.and_then(|entry| entry.history.last()).map_or(self.clock.now(), |last| last.at);
        let busy = |at| at >= first && at <= settled + TimeDelta::seconds(5);
        let near = |at| at >= first - TimeDelta::minutes(2);
        let told_of = |event: &&Event| match event.about {
            About::Booking(id) => id == booking,
            About::All => near(event.at),
            About::Time(..) => near(event.at) && meets(event.about, wants),
            About::Schedule(schedule) => busy(event.at) && matches!(wants, About::Time(own, ..) if own == schedule),
            About::Routine => false,
        };
        let events = told.events.iter().filter(told_of).map(|event| (event.at, event.text.clone()));
        let states = entry.into_iter().flat_map(|entry| &entry.history);
        let states = states.map(|own| (own.at, format!("ledger: {}. {}", own.state.name(), own.reason)));
        let mut lines: Vec<(DateTime<Utc>, String)> = events.chain(states).collect();
        lines.sort_by_key(|(at, _)| *at);
        lines.dedup();
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        let mut text = String::new();
        for (at, line) in &lines {
            let times = seen.entry(line).or_default();
            *times += 1;
            let more = match *times {
                1..REPEATS_TOLD => "",
                REPEATS_TOLD => " (and so on)",
                _ => continue,
            };
            text += &format!("  {} {line}{more}\n", shown(*at));
        }
        text
    }

    /// The last events of all.
    pub(crate) fn last(&self, count: usize) -> String {
        let told = self.told();
        let from = told.events.len().saturating_sub(count);
        let line = |event: &Event| format!("  {} {}", shown(event.at), event.text);
        told.events[from..].iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// A line that comes again and again is told so often.
const REPEATS_TOLD: usize = 4;

fn shown(at: DateTime<Utc>) -> String {
    sydney().wall(at).format("%d.%m. %H:%M:%S%.3f").to_string()
}

fn meets(one: About, other: About) -> bool {
    match (one, other) {
        (About::Time(schedule, start, end), About::Time(own, from, to)) => schedule == own && start < to && from < end,
        _ => false,
    }
}

/// What a request about a booking is for.
fn purpose(asked: &ArrivedRequest) -> Option<Purpose> {
    let of_openvpms = asked.target.contains("/ws/booking/v2/");
    match asked.method.as_str() {
        "POST" if of_openvpms => Some(Purpose::Submission),
        "POST" => Some(Purpose::Answer),
        "DELETE" => Some(Purpose::Cancellation),
        "GET" if of_openvpms => Some(Purpose::Question),
        _ => None,
    }
}

/// The booking whose number stands in the notes of a submission.
pub(crate) fn booking_in_notes(body: &[u8]) -> Option<BookingId> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("Healthengine booking ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().map(BookingId)
}

fn schedule_in(path: &str) -> Option<ScheduleId> {
    let (_, rest) = path.split_once("/schedules/")?;
    let (number, what) = rest.split_once('/')?;
    what.starts_with("freebusy").then(|| number.parse().ok().map(ScheduleId))?
}

/// A call in a few words, without secrets and without a query.
pub(crate) fn plain(system: System, method: &str, target: &str) -> String {
    let path = target.split('?').next().unwrap_or_default();
    let path = path.trim_start_matches("/openvpms").trim_start_matches("/ws/booking/v2");
    let path = path.trim_start_matches("/pms-api/v1");
    // The secret part of a reference is long and tells nothing.
    let path = path.split("%3A").next().unwrap_or_default();
    format!("{system} {method} {path}")
}
