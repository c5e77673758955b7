//! The demo: the whole bridge, over real sockets, between the two simulators, with people who use
//! it.
//!
//! **Model.** [`Demo::start`] sets the [`stage`]: a simulated OpenVPMS with the diary of a clinic
//! and its branch, a simulated Healthengine with a practice for each, and the service as `run`
//! starts it, with short intervals. [`Demo::play`] lets [`people`] act on both sides:
//! [`pet_owners`] book what is offered and give it up, [`staff`] work in the diary behind the
//! bridge's back, and sometimes they get in each other's way. Whatever they do is told to the
//! [`account`], and so is what the bridge makes of it. The [`journal`] keeps it. [`Demo::settle`]
//! waits until both sides agree, for a limited time, and [`compare`]s them: every booking with the
//! diary, the ledger and the journal, every day that is offered with the diary's free time.
//!
//! Commands find the service by its configuration, which stands in a file in the same temporary
//! directory as its state.
//!
//! **Promises.** Only this machine's loopback is used; nothing stays behind. The seed decides who
//! does what; where that meets the bridge at work depends on the machine's pace, so two runs are
//! alike and not equal. A difference that [`Summary`] names is one: the comparison knows the diary
//! itself, and uses nothing of the bridge but its ledger.
//!
//! | file | is |
//! | --- | --- |
//! | [`stage`], `demo.toml` | simulators, service, configuration |
//! | [`clinic`], [`people`] | the clinic's set-up, the pet owners |
//! | [`scene`], [`pet_owners`], [`staff`], [`journal`] | what is done, and what was done |
//! | [`account`] | the running account |
//! | [`compare`], [`offers`], [`free_time`] | whether both sides agree |
//! | [`summary`] | the last words |

mod account;
mod clinic;
mod compare;
mod free_time;
mod journal;
mod offers;
mod people;
mod pet_owners;
mod scene;
mod staff;
mod stage;
mod summary;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::Instant;

use self::account::Account;
use self::clinic::SITES;
use self::journal::Journal;
use self::scene::Scene;
use self::stage::Stage;
use crate::ids::PracticeId;
use crate::practice::Practice;
use crate::random::Random;
use crate::simulator::healthengine::HealthengineModel;
use crate::simulator::openvpms::World;

pub use self::account::Lines;
pub use self::summary::Summary;

/// How a demo is set up.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Seed of all choices.
    pub seed: u64,
    /// Port of the status page on 127.0.0.1; 0 for a free one.
    pub port: u16,
}

/// A running demo.
pub struct Demo {
    scene: Scene,
    deck: Vec<Deed>,
}

/// Something that somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Book,
    BookTheSame,
    BookTooLate,
    GiveUp,
    Make,
    MoveOwn,
    CancelOwn,
    MoveBooking,
    CancelBooking,
    Block,
    Unblock,
    CheckIn,
}

/// What happens in one round, in any order. A deed that is not possible is left out.
const ROUND: [Deed; 18] = [
    Deed::Book,
    Deed::Book,
    Deed::Book,
    Deed::Book,
    Deed::Book,
    Deed::Book,
    Deed::BookTheSame,
    Deed::BookTooLate,
    Deed::GiveUp,
    Deed::GiveUp,
    Deed::Make,
    Deed::MoveOwn,
    Deed::CancelOwn,
    Deed::MoveBooking,
    Deed::CancelBooking,
    Deed::Block,
    Deed::Unblock,
    Deed::CheckIn,
];

/// Dealt before the first round, from the last to the first: the main thing first.
const BEGINNING: [Deed; 3] = [Deed::Book, Deed::BookTheSame, Deed::Book];
/// Between two deeds, milliseconds: from, and so much more at most.
const PAUSE_MS: (u64, u64) = (300, 700);
/// Between two looks at both sides.
const LOOK: Duration = Duration::from_millis(25);
/// Between two comparisons of everything.
const COMPARE: Duration = Duration::from_millis(100);
/// How long the first sending of the days may take.
const START_MAX: Duration = Duration::from_secs(30);
/// Nobody books sooner. Healthengine tells in whole seconds when a booking was made; of one that
/// seems older than the store the bridge must suppose that it was made before, and a taken time may
/// be its own.
const STORE_IS_OLDER: Duration = Duration::from_secs(2);
/// How long both sides may take to agree once nobody does anything any more.
const SETTLE_MAX: Duration = Duration::from_secs(20);
/// For how long they must then stay so.
const CALM: Duration = Duration::from_secs(1);

impl Demo {
    /// Sets the stage and waits until Healthengine offers the clinic's free time.
    pub async fn start(options: Options, lines: Lines) -> anyhow::Result<Self> {
        let mut random = Random::from_seed(options.seed);
        let stage = Stage::set(options.port, &mut random).await?;
        let mut account = Account::new(lines, stage.zone());
        account.opening(options.seed, &stage.service().admin_link(), stage.config_file());
        let scene = Scene { stage, journal: Journal::default(), account, random };
        let mut demo = Self { scene, deck: BEGINNING.to_vec() };
        let began = Instant::now();
        demo.until_nothing_is_missing(Self::not_offered).await.context("the clinic's free time is not offered")?;
        demo.scene.account.tell_offer(&demo.scene.stage, began.elapsed());
        // By now every day was read while the diary was empty, and so it is known who is rostered
        // where. What stands in a day when it is read for the first time, next to the hour at which
        // two vets change rooms, could be either's.
        demo.scene.staff_fill_in();
        let differences = |demo: &Self| demo.compare().differences;
        demo.until_nothing_is_missing(differences).await.context("what stands in the diary was not noticed")?;
        tokio::time::sleep_until(began + STORE_IS_OLDER).await;
        Ok(demo)
    }

    /// Waits until nothing is missing any more; the error says what still is.
    async fn until_nothing_is_missing(&self, missing: impl Fn(&Self) -> Vec<String>) -> anyhow::Result<()> {
        let limit = Instant::now() + START_MAX;
        loop {
            let missing = missing(self);
            if missing.is_empty() {
                return Ok(());
            }
            anyhow::ensure!(Instant::now() < limit, "after half a minute, see also the log: {}", missing.join("; "));
            tokio::time::sleep(COMPARE).await;
        }
    }

    /// Lets people act until `end` comes.
    pub async fn play(&mut self, end: impl Future<Output = ()>) {
        tokio::pin!(end);
        let mut next_deed = Instant::now();
        loop {
            self.scene.account.look(&self.scene.stage);
            if next_deed <= Instant::now() {
                self.do_something();
                let (least, more) = PAUSE_MS;
                next_deed = Instant::now() + Duration::from_millis(least + self.scene.random.below(more));
            }
            tokio::select! {
                () = &mut end => return,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Waits until both sides agree and stay so, or until that takes too long; the summary says
    /// which.
    pub async fn settle(&mut self) -> Summary {
        let Scene { stage, account, .. } = &mut self.scene;
        account.line(stage.now(), "", "Nobody does anything any more; both sides are compared as soon as they agree.");
        let limit = Instant::now() + SETTLE_MAX;
        let mut agree_since = None;
        loop {
            self.scene.account.look(&self.scene.stage);
            let summary = self.compare();
            if !summary.agrees() {
                agree_since = None;
            }
            let now = Instant::now();
            let calm = summary.agrees() && now - *agree_since.get_or_insert(now) >= CALM;
            if calm || now >= limit {
                return summary;
            }
            tokio::time::sleep(COMPARE).await;
        }
    }

    /// Compares both sides as they are at this moment.
    pub fn compare(&self) -> Summary {
        Summary::of(&self.scene.stage, &self.scene.journal)
    }

    /// Does something at the clinic that the journal does not know of, or just looks at the diary.
    pub fn behind_everybodys_back<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        self.scene.stage.clinic(act)
    }

    /// The marketplace.
    pub fn marketplace(&self) -> &HealthengineModel {
        self.scene.stage.marketplace()
    }

    /// Ends when the bridge cannot go on.
    pub async fn failed(&self) -> String {
        self.scene.stage.service().failed().await.to_string()
    }

    /// Stops the bridge and the simulators, and removes what they kept.
    pub async fn stop(self) {
        self.scene.stage.clear().await;
    }

    /// What Healthengine does not offer yet of all days, in words.
    fn not_offered(&self) -> Vec<String> {
        let stage = &self.scene.stage;
        let of_practice = |own: Arc<Practice>| {
            let id = own.id().clone();
            own.not_in_step(stage.now()).into_iter().map(move |why| format!("practice {id}: {why}"))
        };
        let mut missing: Vec<String> = stage.service().bridge().practices().flat_map(of_practice).collect();
        let has_none = |practice: &PracticeId| stage.marketplace().resources(practice).unwrap_or_default().is_empty();
        let sites = SITES.iter().map(clinic::Site::practice).filter(has_none);
        missing.extend(sites.map(|practice| format!("practice {practice} has no resources")));
        missing.extend(self.compare().differences);
        missing
    }

    /// Deals the next card that can be played; a round is over when all were dealt.
    fn do_something(&mut self) {
        for _ in 0..2 * ROUND.len() {
            let Some(deed) = self.deck.pop() else {
                self.deck = ROUND.to_vec();
                self.scene.random.shuffle(&mut self.deck);
                continue;
            };
            let scene = &mut self.scene;
            let done = match deed {
                Deed::Book => scene.owner_books(),
                Deed::BookTheSame => scene.owners_want_the_same(),
                Deed::BookTooLate => scene.owner_books_too_late(),
                Deed::GiveUp => scene.owner_gives_up(),
                Deed::Make => scene.staff_make(),
                Deed::MoveOwn => scene.staff_move_own(),
                Deed::CancelOwn => scene.staff_cancel_own(),
                Deed::MoveBooking => scene.staff_move_booking(),
                Deed::CancelBooking => scene.staff_cancel_booking(),
                Deed::Block => scene.staff_block(),
                Deed::Unblock => scene.staff_unblock(),
                Deed::CheckIn => scene.staff_check_in(),
            };
            if done {
                return;
            }
        }
    }
}
