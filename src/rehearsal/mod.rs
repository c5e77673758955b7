//! The rehearsal: the bridge between a clinic's own OpenVPMS and the model of Healthengine, before
//! anybody outside sees anything of it.
//!
//! **Model.** [`Rehearsal::start`] looks at how the clinic is set up ([`crate::findings`]), then
//! starts the service as `run` does, with the clinic's configuration. In the place of Healthengine
//! stands the model, asked in memory. What it was sent is shown on pages as a pet owner would see
//! it ([`page`]). With `--book` the rehearsal itself is a pet owner: [`round`] books the last free
//! time of each resource, looks for it in the diary, cancels it and looks again. [`report`] says
//! what was seen of each scenario of Healthengine's suggested testing; what the clinic's own
//! systems cannot show is tried between the two models ([`simulated`]).
//!
//! **Promises.** Nothing leaves for Healthengine: there is no client for it, and webhooks and
//! alerts are not configured. Without `--book` nothing is written to OpenVPMS: there is no writer
//! ([`writers::NoWriter`]). With it, each appointment is on a list on the disk from before it is
//! made until it is gone ([`leftovers`]), begins a day from now or later, and bears a mark. The
//! state is in a directory that goes with the rehearsal, so a service can run beside it; the two
//! share nothing but OpenVPMS, of whose rate limit the rehearsal takes half.
//!
//! | file | is |
//! | --- | --- |
//! | [`connections`], [`writers`] | how both systems are reached, and that nothing else is |
//! | [`directory`] | what is on the disk while it lives, and goes with it |
//! | [`leftovers`], [`removal`] | what may be left in the diary, and how it is removed |
//! | [`stand`] | what runs, and what is asked of it |
//! | [`choices`], [`round`] | which times are booked; one booking per resource |
//! | [`stage`], [`performance`], [`facts`] | from the start to the end; what is known beside what runs |
//! | [`page`] | what is seen in a browser |
//! | [`scenarios`], [`at_the_clinic`], [`simulated`], [`report`] | Healthengine's suggested testing, and what was seen of it |

mod at_the_clinic;
mod choices;
mod connections;
mod directory;
mod facts;
mod leftovers;
mod page;
mod performance;
mod removal;
mod report;
mod round;
mod scenarios;
mod simulated;
mod stage;
mod stand;
mod writers;

pub use self::performance::{Rehearsal, RehearsalEnd};
pub use self::removal::RemovedLeftovers;
pub use self::simulated::SimulatedScenarios;
pub use self::stage::{RehearsalOptions, left_behind, remove_left_behind, strike_off_left_behind};
