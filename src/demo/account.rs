//! The running account: who did what, and what the bridge did about it after how long.
//!
//! Everything that people do leaves something to wait for. [`Account::look`] compares what is
//! waited for with both sides, many times a second; how long the bridge took to answer a booking is
//! taken from the systems' own times instead.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::clinic::{SITES, Site};
use super::journal::DiaryTime;
use super::stage::Stage;
use crate::booking::flag::{Flag, Flagged};
use crate::ids::{BookingId, ResourceId};
use crate::simulator::healthengine::{MarketplaceStatus, RequestOutcome, Who};
use crate::zone::Zone;

/// What is told of one that has not come by then is told by the summary.
const PATIENCE: TimeDelta = TimeDelta::seconds(20);
/// How wide the column of names is.
const NAME_WIDTH: usize = 19;

/// Where the lines of the account go.
pub type Lines = Box<dyn FnMut(&str) + Send>;

/// The lines, and what is waited for.
pub(super) struct Account {
    lines: Lines,
    zone: Zone,
    /// What commands are to be typed with.
    config_file: PathBuf,
    waits: Vec<(BookingId, Await, DateTime<Utc>)>,
    watches: Vec<(Watch, DateTime<Utc>)>,
}

/// What the bridge is to do about a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Await {
    /// Answer it.
    Answer,
    /// Cancel the appointment, because the pet owner gave it up.
    GivingUp,
    /// Cancel it at Healthengine, because staff cancelled the appointment.
    Cancelled,
    /// Notice that staff moved it.
    Moved,
}

/// What the bridge is to do about time that staff took or freed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Watch {
    /// Offer it no longer.
    Taken(DiaryTime),
    /// Offer it again.
    Free(DiaryTime),
}

impl Account {
    /// An empty account, in the time of this zone.
    pub(super) fn new(lines: Lines, zone: Zone) -> Self {
        Self { lines, zone, config_file: PathBuf::new(), waits: Vec::new(), watches: Vec::new() }
    }

    /// What everybody should know before it begins.
    pub(super) fn opening(&mut self, seed: u64, link: &str, config_file: PathBuf) {
        self.config_file = config_file;
        let lines = [
            "vetbridge demo: two simulated systems on this machine, and the real bridge between them.".to_owned(),
            format!("Status page   {link}"),
            format!("Commands      vetbridge bookings --config {}", self.config_file.display()),
            format!("Seed          {seed} (--seed {seed} makes the same choices again)"),
            format!("Times         {}", self.zone),
            "Stop          Ctrl-C; a summary follows. A number in brackets is a booking of Healthengine's.".to_owned(),
            String::new(),
        ];
        for line in &lines {
            (self.lines)(line);
        }
    }

    /// One event.
    pub(super) fn line(&mut self, at: DateTime<Utc>, who: &str, what: &str) {
        let time = self.zone.wall(at).format("%H:%M:%S%.3f");
        // Counted in characters; a longer name pushes its line.
        let line = format!("{time}  {who:<NAME_WIDTH$} {what}");
        (self.lines)(line.trim_end());
    }

    /// Something the bridge is to do about a booking.
    pub(super) fn wait_for(&mut self, booking: BookingId, what: Await, since: DateTime<Utc>) {
        self.waits.push((booking, what, since));
    }

    /// Looks at both sides and tells what is new.
    pub(super) fn look(&mut self, stage: &Stage) {
        let now = stage.now();
        let mut news = Vec::new();
        self.waits.retain(|(booking, what, since)| {
            let came = match what {
                Await::Answer => answered(stage, *booking),
                Await::GivingUp => given_up(stage, *booking, now - *since, &self.config_file),
                Await::Cancelled => cancelled(stage, *booking, now - *since),
                Await::Moved => moved(stage, *booking, now - *since, &self.config_file),
            };
            still_waiting(came, now - *since, |text| news.push(format!("[{booking}] {text}")))
        });
        self.watches.retain(|(what, since)| {
            still_waiting(watched(stage, what, now - *since), now - *since, |text| news.push(text))
        });
        for text in news {
            self.line(now, "  vetbridge", &text);
        }
    }

    /// How much is offered, once it is.
    pub(super) fn tell_offer(&mut self, stage: &Stage, took: Duration) {
        let of = |site: &Site| stage.marketplace().resources(&site.practice()).map_or(0, |resources| resources.len());
        let resources: usize = SITES.iter().map(of).sum();
        let text = format!(
            "two practices with {resources} resources are configured and offered, after {}",
            span(TimeDelta::from_std(took).unwrap_or_default())
        );
        self.line(stage.now(), "  vetbridge", &text);
    }

    /// Waits until the bridge publishes what staff took or freed; nothing to wait for if it need
    /// not change anything.
    pub(super) fn watch(&mut self, stage: &Stage, what: Watch) {
        let (Watch::Taken(place) | Watch::Free(place)) = what;
        self.watches.retain(|(Watch::Taken(other) | Watch::Free(other), _)| !other.collides(&place));
        if matches!(watched(stage, &what, TimeDelta::zero()), News::Waiting) {
            self.watches.push((what, stage.now()));
        }
    }
}

/// What has become of something that is waited for.
enum News {
    /// Nothing yet.
    Waiting,
    /// This.
    Came(String),
    /// Something else came first.
    Moot,
}

fn answered(stage: &Stage, booking: BookingId) -> News {
    let Ok(view) = stage.marketplace().booking(booking) else { return News::Moot };
    let Some(answered_at) = view.answered_at else { return News::Waiting };
    let entry = stage.ledger(booking);
    let after = span(answered_at - view.booked_at);
    match view.answer {
        RequestOutcome::Open => News::Waiting,
        RequestOutcome::Confirmed => {
            let inserted = entry.and_then(|entry| entry.diary.inserted_at).map(|at| span(at - view.booked_at));
            News::Came(format!("is in the diary after {}, confirmed after {after}", inserted.unwrap_or_default()))
        }
        RequestOutcome::Rejected | RequestOutcome::RejectedTooLate => {
            let reason = entry.and_then(|entry| entry.last_reason().map(ToString::to_string));
            News::Came(format!("is rejected after {after}: {}", reason.unwrap_or_default()))
        }
        RequestOutcome::Cancelled | RequestOutcome::ByHand => News::Came(format!("is settled after {after}")),
    }
}

fn given_up(stage: &Stage, booking: BookingId, since: TimeDelta, config_file: &Path) -> News {
    let Ok(view) = stage.marketplace().booking(booking) else { return News::Moot };
    if !view.open_updates.is_empty() {
        return News::Waiting;
    }
    let flag = stage.ledger(booking).and_then(|entry| entry.needs_attention);
    match flag.filter(|_| view.updates_rejected > 0) {
        Some(flag) => flagged(booking, &flag, since, config_file),
        None => News::Came(format!("is out of the diary after {}", span(since))),
    }
}

fn cancelled(stage: &Stage, booking: BookingId, since: TimeDelta) -> News {
    match stage.marketplace().booking(booking) {
        Err(_) => News::Moot,
        Ok(view) if view.status != MarketplaceStatus::Cancelled => News::Waiting,
        Ok(view) if view.cancelled_by == Some(Who::Pms) => {
            News::Came(format!("is cancelled at Healthengine after {}", span(since)))
        }
        Ok(_) => News::Moot,
    }
}

fn moved(stage: &Stage, booking: BookingId, since: TimeDelta, config_file: &Path) -> News {
    match stage.ledger(booking).and_then(|entry| entry.needs_attention) {
        Some(flag) => flagged(booking, &flag, since, config_file),
        None if stage.marketplace().booking(booking).is_ok_and(|view| view.status == MarketplaceStatus::Confirmed) => {
            News::Waiting
        }
        None => News::Moot,
    }
}

/// A person is to look, and what they then type.
fn flagged(booking: BookingId, flag: &Flagged, since: TimeDelta, config_file: &Path) -> News {
    // The visit has begun, so it takes place although its pet owner gave it up.
    let insists = matches!(flag.flag(), Some(Flag::CannotCancel(_)));
    let verdict = if insists { "--confirmed --force" } else { "--confirmed" };
    News::Came(format!(
        "asks for a person after {}: {flag} Then type: vetbridge bookings resolve {booking} {verdict} --config {}",
        span(since),
        config_file.display()
    ))
}

/// Whether the bridge published the time of a schedule as it is to.
fn watched(stage: &Stage, what: &Watch, since: TimeDelta) -> News {
    let (place, wanted) = match what {
        Watch::Taken(place) => (place, false),
        Watch::Free(place) => (place, true),
    };
    match (is_published(stage, place), wanted) {
        (None, _) => News::Moot,
        (Some(true), true) => News::Came(format!("offers {} again after {}", stage.place(place), span(since))),
        (Some(false), false) => News::Came(format!("offers {} no longer after {}", stage.place(place), span(since))),
        (Some(_), _) => News::Waiting,
    }
}

/// Whether some of this time is among what the bridge sent of the schedule's own resource.
fn is_published(stage: &Stage, place: &DiaryTime) -> Option<bool> {
    let location = stage.location_of(place.schedule);
    let site = SITES.iter().find(|site| site.location == location)?;
    let (resource, day) = (ResourceId::schedule(place.schedule).to_string(), place.start.date());
    let ranges = stage.marketplace().published(&site.practice(), &resource, day).ok()??;
    Some(ranges.iter().any(|own| place.start < day.and_time(own.end) && day.and_time(own.start) < place.end))
}

/// True if it is to be asked again.
fn still_waiting(news: News, since: TimeDelta, tell: impl FnOnce(String)) -> bool {
    match news {
        News::Waiting => since < PATIENCE,
        News::Came(text) => {
            tell(text);
            false
        }
        News::Moot => false,
    }
}

/// A length of time, for people.
pub(super) fn span(length: TimeDelta) -> String {
    let ms = length.num_milliseconds().max(0);
    if ms < 1000 { format!("{ms} ms") } else { format!("{}.{} s", ms / 1000, ms % 1000 / 100) }
}
