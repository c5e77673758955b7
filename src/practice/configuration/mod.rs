//! Configuration sync: what OpenVPMS offers becomes the practice's liveness contract, resources and
//! appointment types at Healthengine.
//!
//! A snapshot deletes what it leaves out, so it is sent only when there is a reason (it differs, it
//! was asked for, a day went by, the key is another one) and when the
//! [`Guard`](crate::mapping::guard::Guard) lets it pass.
//!
//! | file | does |
//! | --- | --- |
//! | [`accepted`] | remembers what Healthengine last accepted |
//! | [`sync`] | reads OpenVPMS and brings Healthengine into line with it |
//! | [`lists_at_healthengine`] | reads what Healthengine has before it is told anything |
//! | [`sending`] | applies the plan ([`crate::mapping::plan`]), and remembers what was accepted |
//! | [`features`] | switches extra features off |

pub(super) mod accepted;
mod features;
mod lists_at_healthengine;
mod sending;
pub(super) mod sync;

pub(super) use crate::mapping::changes::ConfigurationChanges;
