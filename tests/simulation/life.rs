//! One seed: a world begins, people and fate act on it, then everything heals and must agree.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use vetbridge::booking::entry::State;
use vetbridge::ids::BookingId;
use vetbridge::simulator::openvpms::{AppointmentId, BlockId, World as Clinic};
use vetbridge::store::MemoryEngine;

use crate::administrators::{Switches, Verdicts};
use crate::bugs::Bug;
use crate::checker::Wrong;
use crate::rare::Rare;
use crate::rules::RuleBook;
use crate::support::seconds;
use crate::world::{StartOn, World, wants};

/// How rough a life is.
#[derive(Debug, Clone)]
pub(crate) struct Temper {
    /// So many exchanges out of a hundred go wrong.
    pub(crate) openvpms_faults: u64,
    pub(crate) healthengine_faults: u64,
    /// Whole servers go away.
    pub(crate) outages: bool,
    /// The process dies.
    pub(crate) deaths: bool,
    /// Stores and databases are restored or lost.
    pub(crate) setbacks: bool,
    /// Staff change what pet owners booked.
    pub(crate) busy_staff: bool,
    steps: u64,
}

/// What was done about one booking's appointment behind the bridge's back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Moved,
    Cancelled,
    CheckedIn,
    /// Healthengine's staff progressed the booking.
    SettledByHand,
    /// Healthengine forgot our confirmation.
    Repeated,
    /// The database was restored: it is gone, or there again.
    Restored,
    /// Somebody settled it with `bookings resolve`.
    Resolved,
}

/// A world, what happens to it, and what the checker has to remember of that.
pub(crate) struct Life {
    pub(crate) world: World,
    pub(crate) temper: Temper,
    /// When each booking was made, by the world's clock.
    pub(crate) booked: BTreeMap<BookingId, DateTime<Utc>>,
    /// The bookings of times that were offered at that moment.
    pub(crate) was_offered: BTreeSet<BookingId>,
    /// When its pet owner gave it up.
    pub(crate) given_up: BTreeMap<BookingId, DateTime<Utc>>,
    pub(crate) deeds: BTreeMap<BookingId, Vec<(DateTime<Utc>, Deed)>>,
    /// Appointments of staff, and when each was made.
    pub(crate) staff_made: Vec<(AppointmentId, DateTime<Utc>)>,
    pub(crate) blocks_laid: BTreeMap<BlockId, DateTime<Utc>>,
    /// When the process died or stopped.
    pub(crate) deaths: Vec<DateTime<Utc>>,
    /// When its store was put back or lost.
    pub(crate) setbacks: Vec<DateTime<Utc>>,
    /// When it last was, if the clock of the machine was ahead then.
    pub(crate) misdated_since: Option<DateTime<Utc>>,
    /// When the process started again on a store that was so misdated, or its machine fell asleep,
    /// before polls had dated the store.
    pub(crate) dated_anew: Vec<DateTime<Utc>>,
    pub(crate) backups: Vec<MemoryEngine>,
    pub(crate) yesterday: Option<Clinic>,
    /// When bookings were first seen with a flag.
    pub(crate) flagged: BTreeMap<BookingId, DateTime<Utc>>,
    /// What is to go by before anything else happens.
    pub(crate) long_pause: Duration,
    /// How many of the appointments that were made were looked at by the checker.
    pub(crate) inspected: usize,
    pub(crate) switches: Switches,
    pub(crate) verdicts: Verdicts,
    /// The faults that only some lives meet.
    pub(crate) rare: Rare,
    /// What the checker remembers of rules.
    pub(crate) rule_book: RuleBook,
    /// Nothing goes wrong any more.
    pub(crate) healed: bool,
}

/// What came of a seed.
pub(crate) struct Outcome {
    pub(crate) failure: Option<String>,
    pub(crate) hash: u64,
    pub(crate) tally: Tally,
}

/// What a seed was made of.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) bookings: u64,
    pub(crate) flags: BTreeMap<&'static str, u64>,
    pub(crate) ends: BTreeMap<&'static str, u64>,
    pub(crate) faults: BTreeMap<String, u64>,
}

/// Both sides have to agree within this, once nothing goes wrong any more.
const HEALED_WITHIN: Duration = Duration::from_secs(15 * 60);
/// And to go on agreeing.
const AGREED_FOR: Duration = Duration::from_secs(150);

/// So much of everything that happened is told of a seed that failed; all of it with `STORY=all`.
fn told() -> usize {
    if std::env::var("STORY").is_ok() { usize::MAX } else { 40 }
}

/// Lives one seed, in virtual time.
pub(crate) fn live(seed: u64, bug: Option<Bug>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut life = Life::new(seed, bug);
        let failure = life.live().await.err();
        let failure = failure.map(|wrong| life.tell(seed, bug, &wrong));
        life.world.pull_the_plug().await;
        Outcome { failure, hash: life.world.story.hash(), tally: life.tally() }
    })
}

impl Life {
    fn new(seed: u64, bug: Option<Bug>) -> Self {
        let world = World::new(seed, bug);
        let chance = world.chance.clone();
        let rough = chance.percent(80);
        let percent = || if rough { *chance.pick(&[0, 2, 5, 10]) } else { 0 };
        let temper = Temper {
            openvpms_faults: percent(),
            healthengine_faults: percent(),
            outages: rough && chance.percent(60),
            deaths: rough && chance.percent(60),
            setbacks: rough && chance.percent(30),
            busy_staff: chance.percent(70),
            steps: 25 + chance.below(35),
        };
        Self {
            world,
            temper,
            booked: BTreeMap::new(),
            was_offered: BTreeSet::new(),
            given_up: BTreeMap::new(),
            deeds: BTreeMap::new(),
            staff_made: Vec::new(),
            blocks_laid: BTreeMap::new(),
            deaths: Vec::new(),
            setbacks: Vec::new(),
            misdated_since: None,
            dated_anew: Vec::new(),
            backups: Vec::new(),
            yesterday: None,
            flagged: BTreeMap::new(),
            long_pause: Duration::ZERO,
            inspected: 0,
            switches: Switches::new(),
            verdicts: Verdicts::default(),
            rare: Rare::of(seed),
            rule_book: RuleBook::default(),
            healed: false,
        }
    }

    async fn live(&mut self) -> Result<(), Wrong> {
        self.is_rare_from_the_beginning();
        self.begin().await?;
        self.world.openvpms_weather.set(self.temper.openvpms_faults);
        self.world.healthengine_weather.set(self.temper.healthengine_faults);
        for _ in 0..self.temper.steps {
            self.something_rare_happens();
            self.something_happens().await;
            let long_pause = std::mem::take(&mut self.long_pause);
            self.pass(long_pause).await?;
            let pause = if self.world.chance.percent(8) { 90_000 } else { 8_000 };
            self.pass(Duration::from_millis(self.world.chance.below(pause))).await?;
            if !self.world.is_up() {
                self.start_again().await?;
            }
        }
        self.heal().await?;
        self.agree().await
    }

    /// The bridge starts for the first time. A minute goes by: of bookings that are as old as the
    /// store it would not be certain that it never saw them.
    async fn begin(&mut self) -> Result<(), Wrong> {
        self.world.start(StartOn::ItsStore);
        self.until_agreed(Duration::from_secs(60)).await?;
        self.pass(seconds(60)).await
    }

    /// Time goes by, under the eyes of the checker.
    pub(crate) async fn pass(&mut self, time: Duration) -> Result<(), Wrong> {
        let mut left = time;
        while !left.is_zero() {
            let step = left.min(if left > seconds(300) { seconds(60) } else { seconds(5) });
            tokio::time::sleep(step).await;
            left -= step;
            if !self.world.is_up() {
                self.world.story.disturb(TimeDelta::seconds(75));
            }
            self.check()?;
        }
        Ok(())
    }

    /// Faults end, servers and process are there again, nobody does anything any more.
    async fn heal(&mut self) -> Result<(), Wrong> {
        self.end_of_trouble();
        self.healed = true;
        if !self.world.is_up() {
            self.start_again().await?;
        }
        Ok(())
    }

    /// Everything must come to rest and agree, and stay so.
    async fn agree(&mut self) -> Result<(), Wrong> {
        let wish = self.wish_to_be_left_alone();
        self.pass(wish).await?;
        self.until_agreed(HEALED_WITHIN).await?;
        self.pass(AGREED_FOR).await?;
        self.disagreement().map_or(Ok(()), Err)
    }

    async fn until_agreed(&mut self, limit: Duration) -> Result<(), Wrong> {
        let began = tokio::time::Instant::now();
        loop {
            self.pass(seconds(10)).await?;
            // A fuse that was set before can still burn.
            if !self.world.is_up() {
                self.start_again().await?;
            }
            // Also what a backup of the store brought back.
            self.everybody_is_switched_on();
            self.refused_days_are_sent_again();
            let Some(wrong) = self.disagreement() else { return Ok(()) };
            if began.elapsed() > limit {
                return Err(wrong);
            }
        }
    }

    /// Remembers what was done about a booking.
    pub(crate) fn note(&mut self, booking: BookingId, deed: Deed) {
        let at = self.world.clock.now();
        self.deeds.entry(booking).or_default().push((at, deed));
    }

    /// True if this was ever done about a booking.
    pub(crate) fn was(&self, booking: BookingId, deed: Deed) -> bool {
        self.deeds.get(&booking).is_some_and(|deeds| deeds.iter().any(|(_, own)| *own == deed))
    }

    /// What a person needs who wants to know why a seed failed.
    fn tell(&self, seed: u64, bug: Option<Bug>, wrong: &Wrong) -> String {
        let mut text = format!("seed {seed}: {}\n", wrong.what);
        if let Some(bug) = bug {
            text += &format!("with the deliberate mistake {bug:?}\n");
        }
        text += &format!("{:?}\n{:?}\nRare: {:?}\n", self.world.shape, self.temper, self.rare);
        let Some(id) = wrong.booking else {
            return text + &self.diary() + "The last that happened:\n" + &self.world.story.last(told());
        };
        let view = self.world.healthengine.booking(id).unwrap();
        let entry = self.world.entry(id);
        text += &format!(
            "Booking {id} of {} at {}, booked at {}. Healthengine: {:?}, answered {:?} with {:?}, cancelled by {:?}. \
             Diary: {:?}. Ledger: {:?}, flag {:?}\n",
            view.resource,
            view.start,
            self.booked.get(&id).map_or_else(String::new, |at| crate::support::sydney().wall(*at).to_string()),
            view.status,
            view.answer,
            view.pms_appointment_ids,
            view.cancelled_by,
            self.world.appointments_of(id),
            entry.as_ref().map(|entry| entry.state.name()),
            entry.as_ref().and_then(|entry| entry.needs_attention.as_deref()),
        );
        text += &self.world.story.of(id, wants(&view), entry.as_ref());
        text + "The last that happened:\n" + &self.world.story.last(told())
    }

    fn diary(&self) -> String {
        self.world.openvpms.staff(|clinic| {
            let standing = clinic.standing().map(|own| {
                let whose = if own.notes.is_some() { "a booking's" } else { "staff's" };
                let with = own.clinician.map_or_else(String::new, |user| format!(" with {user}"));
                format!("  {} {} to {} on {}{with}, {whose}\n", own.id, own.start, own.end.time(), own.schedule)
            });
            let blocks = clinic.blocks();
            let blocks =
                blocks.map(|own| format!("  closed {} to {} on {}\n", own.start, own.end.time(), own.schedule));
            let lines: Vec<String> = standing.chain(blocks).collect();
            format!("The diary:\n{}", lines.concat())
        })
    }

    fn tally(&self) -> Tally {
        let mut tally =
            Tally { bookings: self.booked.len() as u64, faults: self.world.story.faults(), ..Tally::default() };
        for id in self.booked.keys() {
            let entry = self.world.entry(*id);
            let end = entry.as_ref().map_or("unknown to the ledger", |entry| entry.state.name());
            *tally.ends.entry(end).or_default() += 1;
            if let Some(text) = entry.and_then(|entry| entry.needs_attention) {
                *tally.flags.entry(crate::checker::Flag::of(&text).name()).or_default() += 1;
            }
        }
        tally
    }

    /// Where the ledger has a booking.
    pub(crate) fn state(&self, id: BookingId) -> Option<State> {
        self.world.entry(id).map(|entry| entry.state)
    }

    /// True if something happened within this time before now, and not later.
    pub(crate) fn is_recent(&self, at: DateTime<Utc>, limit: TimeDelta) -> bool {
        self.world.clock.now() - at < limit
    }
}
