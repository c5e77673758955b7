//! Keeps one practice as it is wanted: on, or off after a farewell.
//!
//! What is wanted changes at any time: the configuration is read again, or somebody pauses the
//! practice. A change of anything is a change of everything: the practice stops as at the end of
//! the process, and another one starts from what the store knows, as at its beginning. So nothing
//! in flight is lost or repeated, for the same reasons for which a restart loses and repeats
//! nothing, and there is no second way to apply a setting. Two of them never run at one time.

use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::off::Off;
use crate::config;
use crate::healthengine::HealthengineHandle;
use crate::messages::practice as say;
use crate::metrics::on_behalf_of::OnBehalfOf;
use crate::practice::{Deactivation, OpenVpmsClients, Practice, Settings, Shared};
use crate::supervisor;

/// What a practice is and has to work with.
#[derive(Clone)]
pub struct PracticeDeps {
    /// Its block of the configuration.
    pub config: config::PracticeSettings,
    /// What it shares with the others.
    pub settings: Settings,
    /// The way to OpenVPMS.
    pub openvpms: OpenVpmsClients,
    /// The way to Healthengine, as this practice.
    pub healthengine: HealthengineHandle,
}

impl PartialEq for PracticeDeps {
    /// Handles are equal when they are the same: they hold connections and rate limits.
    fn eq(&self, other: &Self) -> bool {
        let Self { config, settings, openvpms, healthengine } = self;
        *config == other.config
            && *settings == other.settings
            && Arc::ptr_eq(&openvpms.interactive, &other.openvpms.interactive)
            && Arc::ptr_eq(&openvpms.background, &other.openvpms.background)
            && Arc::ptr_eq(&openvpms.writer, &other.openvpms.writer)
            && Arc::ptr_eq(healthengine, &other.healthengine)
    }
}

/// What is wanted of a practice. Each part is somebody else's to change: the file is read again
/// while somebody pauses.
#[derive(Clone, PartialEq)]
pub struct WantedPractice {
    /// With what.
    pub deps: PracticeDeps,
    /// Somebody paused it.
    pub paused: bool,
    /// It is no longer in the configuration.
    pub removed: bool,
}

impl WantedPractice {
    /// Why it is to be off, if it is. What the file says comes first: ending a pause does not
    /// enable it.
    pub fn off(&self) -> Option<Off> {
        match (self.removed, self.deps.config.enabled, self.paused) {
            (true, _, _) => Some(Off::Removed),
            (false, false, _) => Some(Off::Disabled),
            (false, true, true) => Some(Off::Paused),
            (false, true, false) => None,
        }
    }
}

/// How a practice stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// It runs.
    On,
    /// Its days are being emptied.
    Leaving(Off),
    /// Nothing is sent for it.
    Silent(Off),
}

/// One practice as it is wanted and as it is.
pub struct PracticeRunner {
    wanted: watch::Sender<WantedPractice>,
    /// As it was last brought about; what is wanted may be on its way.
    reached: watch::Sender<RunState>,
    practice: Mutex<Arc<Practice>>,
    /// What the first practice was made for: something else can be wanted before the runner has
    /// begun.
    first: Mutex<Option<WantedPractice>>,
    has_begun: AtomicBool,
    shared: Arc<Shared>,
    stop: CancellationToken,
}

/// How a runner's wait came to an end.
enum Ended {
    Stopped,
    Changed,
    Left,
}

impl PracticeRunner {
    /// A practice that does nothing yet. It ends with `stop`.
    pub fn new(wanted: WantedPractice, shared: Arc<Shared>, stop: CancellationToken) -> Arc<Self> {
        let practice = made(&wanted.deps, &shared, &stop);
        let standing = wanted.off().map_or(RunState::On, RunState::Leaving);
        Arc::new(Self {
            first: Mutex::new(Some(wanted.clone())),
            wanted: watch::Sender::new(wanted),
            reached: watch::Sender::new(standing),
            practice: Mutex::new(practice),
            has_begun: AtomicBool::new(false),
            shared,
            stop,
        })
    }

    /// The practice as it stands.
    pub fn practice(&self) -> Arc<Practice> {
        Arc::clone(&self.practice.lock())
    }

    /// What is wanted of it.
    pub fn wanted(&self) -> WantedPractice {
        self.wanted.borrow().clone()
    }

    /// How it stands. Whoever looks before the runner does sees that it is about to be off.
    pub fn standing(&self) -> RunState {
        let off = self.wanted.borrow().off();
        match (off, *self.reached.borrow()) {
            (Some(off), RunState::Silent(why)) if off == why => RunState::Silent(off),
            (Some(off), _) => RunState::Leaving(off),
            (None, reached) => reached,
        }
    }

    /// Hears of every standing that is reached.
    pub fn watch(&self) -> watch::Receiver<RunState> {
        self.reached.subscribe()
    }

    /// Wants something else of it.
    pub fn want(&self, change: impl FnOnce(&mut WantedPractice)) {
        self.wanted.send_modify(change);
    }

    /// Keeps it until the bridge stops, or, once the practice was removed and has left, until
    /// `retire` agrees.
    pub async fn keep(self: Arc<Self>, retire: impl Fn() -> bool) {
        let mut wanted = self.wanted.subscribe();
        let mut practice = self.practice();
        if self.has_begun.swap(true, Ordering::Relaxed) {
            // This failed before: what it had brought about ends as at the end of the process.
            supervisor::wait(practice.stop()).await;
            let wanted = self.wanted();
            let next = made(&wanted.deps, &self.shared, &self.stop);
            next.carry_on_from(&practice, wanted.off().is_none());
            practice = next;
            *self.practice.lock() = Arc::clone(&practice);
        }
        let first = self.first.lock().take();
        let mut now = first.unwrap_or_else(|| wanted.borrow_and_update().clone());
        loop {
            let ended = async {
                tokio::select! {
                    biased;
                    () = self.stop.cancelled() => Ended::Stopped,
                    // The sender is this runner's own.
                    _ = wanted.wait_for(|next| *next != now) => Ended::Changed,
                    () = self.work(&practice, now.off()) => Ended::Left,
                }
            };
            // A farewell takes as long as the servers do.
            let ended = Box::pin(supervisor::rest(ended)).await;
            supervisor::wait(practice.stop()).await;
            match ended {
                Ended::Stopped => return,
                Ended::Left if retire() => return,
                Ended::Left | Ended::Changed => {}
            }
            now = wanted.borrow_and_update().clone();
            let next = made(&now.deps, &self.shared, &self.stop);
            next.carry_on_from(&practice, now.off().is_none());
            practice = next;
            *self.practice.lock() = Arc::clone(&practice);
        }
    }

    /// Ends only when a practice that was removed has left.
    async fn work(&self, practice: &Arc<Practice>, off: Option<Off>) {
        let id = practice.id();
        match off {
            None => {
                self.reached.send_replace(RunState::On);
                practice.start();
            }
            Some(off) => {
                if practice.has_ties() {
                    self.reached.send_replace(RunState::Leaving(off));
                    tracing::info!(practice = %id, "{}", say::leaving(off));
                    match OnBehalfOf::practice(id).does(practice.deactivate(off == Off::Removed)).await {
                        Deactivation::Complete => tracing::info!(practice = %id, "{}", say::LEFT),
                        Deactivation::Refused => tracing::warn!(practice = %id, "{}", say::LEFT_WITHOUT_CONSENT),
                    }
                } else {
                    tracing::info!(practice = %id, "{}", say::stays_off(off));
                }
                self.reached.send_replace(RunState::Silent(off));
                if off == Off::Removed {
                    return;
                }
            }
        }
        // However long it is off, nobody stands still.
        supervisor::wait(std::future::pending()).await
    }
}

fn made(deps: &PracticeDeps, shared: &Arc<Shared>, stop: &CancellationToken) -> Arc<Practice> {
    let PracticeDeps { config, settings, openvpms, healthengine } = deps.clone();
    Practice::new(config, settings, Arc::clone(shared), openvpms, healthengine, stop.child_token())
}
