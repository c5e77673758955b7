//! Keeps the loops of the bridge alive, and knows which of them are not.
//!
//! **Model.** A loop works, and rests between two rounds. [`rest`] says that a round is over;
//! [`wait`] says that the loop waits for something in the middle of one, for however long that
//! takes; [`progress`] is a sign of life from inside a round, given with each answer of a server. A
//! loop that works for longer than its limit without a sign of life is *stuck*. The three find the
//! loop that calls them by themselves, so code that several loops share need not be handed one, and
//! outside every loop they do nothing.
//!
//! **A loop that panics or returns** is a problem at once and is started again after a pause that
//! grows. The problem is resolved when it has gone round. After [`DEATHS_MAX`] deaths within
//! [`DEATHS_WITHIN`] the supervisor gives up ([`Supervisor::hopeless`]), and the process ends:
//! whatever is broken in its memory, another process begins without.
//!
//! **A loop that is stuck** is a problem too, but is left as it is: to drop it in the middle of a
//! call would leave things half done, and the call may yet come back. While one is stuck the
//! process counts as ill ([`Supervisor::is_alive`]), so that the watchdog of the service manager
//! ends it; where there is none, the supervisor gives up after [`STUCK_FOR_GOOD`].
//!
//! Panics are caught inside the task, so whatever the loop held (locks, places, turns) is released
//! as its values are dropped.

pub(crate) mod trouble;

use parking_lot::{Mutex, MutexGuard};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::SetOnce;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use trouble::Trouble;

use crate::backoff::Backoff;
use crate::ids::PracticeId;
use crate::messages::supervisor as say;

/// The pauses before a loop is started again.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A loop that dies so often
pub const DEATHS_MAX: usize = 10;
/// within this time will not do better in this process.
pub const DEATHS_WITHIN: Duration = Duration::from_secs(30 * 60);
/// A loop that lived for so long begins again with the first pause.
const RECOVERED_AFTER: Duration = Duration::from_secs(5 * 60);
/// A loop is stuck after so long without a sign of life, longer where calls may take longer.
pub const STUCK_AFTER: Duration = Duration::from_secs(5 * 60);
/// So much longer it is waited for.
pub const STUCK_FOR_GOOD: Duration = Duration::from_secs(10 * 60);
/// How often loops are looked at.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(5);

tokio::task_local! {
    /// The loop that the running task is.
    static PULSE: Arc<Vitals>;
}

/// A task that panicked. What it said is not kept: it can hold what came over the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the task panicked")]
pub struct Panicked;

/// Runs a task whose panic is to be noticed.
///
/// # Errors
/// It panicked.
pub async fn caught<F: Future>(task: F) -> Result<F::Output, Panicked> {
    AssertUnwindSafe(task).catch_unwind().await.map_err(|_| Panicked)
}

/// A sign of life from the loop that runs this.
pub fn progress() {
    let _outside = PULSE.try_with(|vitals| vitals.works());
}

/// Waits in the middle of a round, for however long.
pub async fn wait<F: Future>(waiting: F) -> F::Output {
    let _outside = PULSE.try_with(|vitals| vitals.waits());
    let came = waiting.await;
    progress();
    came
}

/// Waits between two rounds.
pub async fn rest<F: Future>(waiting: F) -> F::Output {
    let _outside = PULSE.try_with(|vitals| vitals.went_round());
    wait(waiting).await
}

/// The name of the loop that runs this.
pub fn running() -> Option<&'static str> {
    PULSE.try_with(|vitals| vitals.kept.name).ok()
}

/// A loop that is to be kept alive.
pub struct Kept {
    /// What it is called in logs and to operators.
    pub name: &'static str,
    /// Whose it is; `None` for one of the bridge as a whole.
    pub practice: Option<PracticeId>,
    /// How long it may work without a sign of life.
    pub limit: Duration,
    /// Hears what is wrong with it, and that the problem is resolved.
    pub tell: Box<dyn Fn(Option<Trouble>) + Send + Sync>,
}

/// What a loop does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// It works; when it last gave a sign of life.
    Works(Instant),
    /// It waits, as it may.
    Waits,
    /// It died and is not yet started again.
    Dead,
}

struct LoopState {
    doing: Doing,
    /// It died or was stuck, and has not gone round since.
    troubled: bool,
}

impl LoopState {
    /// For how long beyond its limit it has not given a sign of life.
    fn stuck(&self, limit: Duration) -> Option<Duration> {
        let Doing::Works(since) = self.doing else { return None };
        since.elapsed().checked_sub(limit)
    }
}

/// How one loop is.
struct Vitals {
    kept: Kept,
    state: Mutex<LoopState>,
}

impl Vitals {
    fn locked(&self) -> MutexGuard<'_, LoopState> {
        self.state.lock()
    }

    fn works(&self) {
        self.locked().doing = Doing::Works(Instant::now());
    }

    fn waits(&self) {
        self.locked().doing = Doing::Waits;
    }

    // What is told follows from the state, which stays locked meanwhile: so the loop that comes
    // back while the vigil finds it stuck is told of last.

    fn went_round(&self) {
        let mut state = self.locked();
        state.doing = Doing::Waits;
        if std::mem::take(&mut state.troubled) {
            (self.kept.tell)(None);
        }
    }

    fn died(&self, trouble: Trouble) {
        let mut state = self.locked();
        (state.doing, state.troubled) = (Doing::Dead, true);
        (self.kept.tell)(Some(trouble));
    }

    /// Tells if it is stuck; for how long beyond its limit.
    fn tell_if_stuck(&self) -> Option<Duration> {
        let mut state = self.locked();
        let stuck = state.stuck(self.kept.limit)?;
        state.troubled = true;
        (self.kept.tell)(Some(Trouble::Stuck(stuck.saturating_add(self.kept.limit))));
        Some(stuck)
    }

    fn is_stuck(&self) -> bool {
        self.locked().stuck(self.kept.limit).is_some()
    }

    fn is_alive(&self) -> bool {
        let state = self.locked();
        state.doing != Doing::Dead && state.stuck(self.kept.limit).is_none()
    }
}

type Whose = (Option<PracticeId>, &'static str);

/// Knows every loop of the bridge.
#[derive(Default)]
pub struct Supervisor {
    loops: Mutex<BTreeMap<Whose, Arc<Vitals>>>,
    hopeless: SetOnce<String>,
}

/// A loop's place in the list, until it ends.
struct Enrolled<'a> {
    supervisor: &'a Supervisor,
    vitals: Arc<Vitals>,
}

impl Drop for Enrolled<'_> {
    fn drop(&mut self) {
        let mut loops = self.supervisor.loops();
        let whose = (self.vitals.kept.practice.clone(), self.vitals.kept.name);
        // A successor may stand there already.
        if loops.get(&whose).is_some_and(|own| Arc::ptr_eq(own, &self.vitals)) {
            loops.remove(&whose);
        }
    }
}

impl Supervisor {
    fn loops(&self) -> MutexGuard<'_, BTreeMap<Whose, Arc<Vitals>>> {
        self.loops.lock()
    }

    fn enrolled(&self, kept: Kept) -> Enrolled<'_> {
        let vitals = Arc::new(Vitals {
            state: Mutex::new(LoopState { doing: Doing::Works(Instant::now()), troubled: false }),
            kept,
        });
        self.loops().insert((vitals.kept.practice.clone(), vitals.kept.name), Arc::clone(&vitals));
        Enrolled { supervisor: self, vitals }
    }

    /// Keeps a loop alive until `stop`. `begin` starts it, the first time and after each death.
    pub async fn keep<F: Future<Output = ()>>(&self, kept: Kept, stop: &CancellationToken, begin: impl Fn() -> F) {
        let enrolled = self.enrolled(kept);
        let vitals = &enrolled.vitals;
        let mut pauses = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, 0);
        let mut deaths: VecDeque<Instant> = VecDeque::new();
        loop {
            vitals.works();
            let began = Instant::now();
            let ended = caught(PULSE.scope(Arc::clone(vitals), begin())).await;
            if stop.is_cancelled() {
                return;
            }
            if began.elapsed() >= RECOVERED_AFTER {
                pauses.reset();
            }
            let pause = pauses.next_delay();
            let trouble = if ended.is_ok() { Trouble::Returned(pause) } else { Trouble::Panicked(pause) };
            vitals.died(trouble);
            let now = Instant::now();
            deaths.push_back(now);
            deaths.retain(|at| now.duration_since(*at) < DEATHS_WITHIN);
            if deaths.len() >= DEATHS_MAX {
                self.give_up(say::keeps_dying(vitals.kept.name, vitals.kept.practice.as_ref(), deaths.len()));
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Looks again and again whether loops are stuck.
    pub async fn watch(&self) {
        loop {
            rest(tokio::time::sleep(LOOKED_AT_EVERY)).await;
            self.look();
        }
    }

    /// Says of loops that are stuck that they are.
    fn look(&self) {
        let loops: Vec<Arc<Vitals>> = self.loops().values().cloned().collect();
        for vitals in loops {
            let stuck = vitals.tell_if_stuck();
            if stuck.is_some_and(|stuck| stuck >= STUCK_FOR_GOOD) {
                self.give_up(say::stays_stuck(vitals.kept.name, vitals.kept.practice.as_ref()));
            }
        }
    }

    /// Nothing more can be done in this process.
    pub fn give_up(&self, why: String) {
        if self.hopeless.set(why).is_ok() {
            tracing::error!("{}", self.hopeless.get().map(String::as_str).unwrap_or_default());
        }
    }

    /// Ends when the process should, and says why.
    pub async fn hopeless(&self) -> String {
        self.hopeless.wait().await.clone()
    }

    /// True while every loop makes progress, or is about to be started again: what the watchdog of
    /// the service manager is told.
    pub fn is_alive(&self) -> bool {
        self.hopeless.get().is_none() && !self.loops().values().any(|vitals| vitals.is_stuck())
    }

    /// The names of the loops that it keeps alive.
    pub fn names(&self) -> BTreeSet<&'static str> {
        self.loops().keys().map(|(_, name)| *name).collect()
    }

    /// The loops of a practice that are dead or stuck.
    pub fn ill(&self, practice: &PracticeId) -> Vec<&'static str> {
        let loops = self.loops();
        let own = loops.iter().filter(|((whose, _), vitals)| whose.as_ref() == Some(practice) && !vitals.is_alive());
        own.map(|((_, name), _)| *name).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A supervisor, one loop, and what was told of it.
    struct Scene {
        supervisor: Arc<Supervisor>,
        told: Arc<Mutex<Vec<Option<Trouble>>>>,
        rounds: Arc<AtomicUsize>,
        stop: CancellationToken,
    }

    impl Scene {
        /// Keeps a loop that does this in each of its rounds.
        fn keep<F: Future<Output = bool> + Send>(round: impl Fn(usize) -> F + Send + Sync + Clone + 'static) -> Self {
            let scene = Self {
                supervisor: Arc::default(),
                told: Arc::default(),
                rounds: Arc::default(),
                stop: CancellationToken::new(),
            };
            let (supervisor, told, rounds) =
                (Arc::clone(&scene.supervisor), Arc::clone(&scene.told), Arc::clone(&scene.rounds));
            let stop = scene.stop.clone();
            tokio::spawn(async move {
                let kept = Kept {
                    name: "test",
                    practice: Some(PracticeId("1".into())),
                    limit: STUCK_AFTER,
                    tell: Box::new(move |trouble| told.lock().push(trouble)),
                };
                supervisor
                    .keep(kept, &stop, || async {
                        while round(rounds.fetch_add(1, Ordering::Relaxed)).await {
                            rest(tokio::time::sleep(Duration::from_secs(5))).await;
                        }
                    })
                    .await;
            });
            scene
        }

        fn told(&self) -> Vec<Option<Trouble>> {
            self.told.lock().clone()
        }

        fn ill(&self) -> bool {
            !self.supervisor.ill(&PracticeId("1".into())).is_empty()
        }
    }

    async fn pass(seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_panics_or_returns_is_told_of_at_once_started_again_and_well_when_it_has_gone_round() {
        for returns in [false, true] {
            let scene = Scene::keep(move |round| async move {
                assert!(returns || round != 2, "planted");
                round != 2
            });
            pass(9).await;
            assert!(scene.told().is_empty() && !scene.ill());
            pass(1).await;
            tokio::task::yield_now().await;
            let told = scene.told();
            match told.as_slice() {
                [Some(Trouble::Returned(pause))] if returns => assert!(*pause < Duration::from_secs(2)),
                [Some(Trouble::Panicked(pause))] if !returns => assert!(*pause < Duration::from_secs(2)),
                _ => panic!("{told:?}"),
            }
            assert!(scene.ill() && scene.supervisor.is_alive());
            pass(2).await;
            assert_eq!(scene.told().last(), Some(&None));
            assert!(!scene.ill());
            scene.stop.cancel();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_dies_ten_times_in_half_an_hour_is_given_up_and_one_that_dies_now_and_then_is_not() {
        let often = Scene::keep(|round| async move {
            assert!(round % 2 == 0, "planted");
            true
        });
        let why = tokio::time::timeout(Duration::from_secs(600), often.supervisor.hopeless()).await.unwrap();
        assert!(why.contains("test") && why.contains("10 times"), "{why}");
        assert!(!often.supervisor.is_alive());
        let pauses: Vec<Duration> = often
            .told()
            .into_iter()
            .filter_map(|trouble| match trouble {
                Some(Trouble::Panicked(pause)) => Some(pause),
                _ => None,
            })
            .collect();
        assert!(pauses[0] < Duration::from_secs(2) && pauses[8] > Duration::from_secs(20), "{pauses:?}");

        let seldom = Scene::keep(|round| async move {
            assert!(round % 60 != 59, "planted");
            true
        });
        pass(24 * 3600).await;
        assert!(seldom.supervisor.is_alive());
        often.stop.cancel();
        seldom.stop.cancel();
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_is_stuck_after_its_limit_without_a_sign_of_life_however_long_it_waits_as_it_may() {
        let scene = Scene::keep(|round| async move {
            match round {
                0 => wait(pass(3600)).await,
                1 => {
                    for _ in 0..20 {
                        pass(60).await;
                        progress();
                    }
                }
                2 => pass(400).await,
                3 => std::future::pending().await,
                _ => {}
            }
            true
        });
        let look = || {
            scene.supervisor.look();
            (scene.ill(), scene.supervisor.is_alive())
        };
        pass(3600 + 5 + 1200 + 5 - 1).await;
        assert_eq!(look(), (false, true), "it waits, and then gives signs of life");
        pass(302).await;
        assert_eq!(look(), (true, false));
        assert!(matches!(scene.told().last(), Some(Some(Trouble::Stuck(_)))));
        pass(105).await;
        assert_eq!(look(), (false, true), "it came back");
        assert_eq!(scene.told().last(), Some(&None));
        pass(320).await;
        assert_eq!(look(), (true, false));
        pass(600).await;
        assert_eq!(look(), (true, false));
        let why = tokio::time::timeout(Duration::from_secs(1), scene.supervisor.hopeless()).await.unwrap();
        assert!(why.contains("test"), "{why}");
        scene.stop.cancel();
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_comes_back_while_it_is_found_stuck_is_told_of_last() {
        let own: Arc<Mutex<Option<Arc<Vitals>>>> = Arc::default();
        let told = Arc::new(AtomicUsize::new(0));
        let (seen, count) = (Arc::clone(&own), Arc::clone(&told));
        let tell = Box::new(move |_| {
            let vitals = seen.lock().clone().unwrap();
            assert!(vitals.state.try_lock().is_none(), "nothing else is found out of it meanwhile");
            count.fetch_add(1, Ordering::Relaxed);
        });
        let vitals = Arc::new(Vitals {
            state: Mutex::new(LoopState { doing: Doing::Works(Instant::now()), troubled: false }),
            kept: Kept { name: "test", practice: None, limit: STUCK_AFTER, tell },
        });
        *own.lock() = Some(Arc::clone(&vitals));
        pass(301).await;
        assert_eq!(vitals.tell_if_stuck(), Some(Duration::from_secs(1)));
        vitals.went_round();
        assert_eq!((vitals.tell_if_stuck(), vitals.is_alive()), (None, true), "it rests");
        vitals.died(Trouble::Returned(Duration::ZERO));
        assert_eq!(told.load(Ordering::Relaxed), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_loop_held_when_it_panicked_is_free_again() {
        let lock = Arc::new(tokio::sync::Mutex::new(()));
        let own = Arc::clone(&lock);
        let outcome = caught(async move {
            let _held = own.lock().await;
            tokio::task::yield_now().await;
            panic!("planted");
        })
        .await;
        assert_eq!((outcome, lock.try_lock().is_ok()), (Err::<(), _>(Panicked), true));
    }
}
