//! The practice's webhook subscription at Healthengine.
//!
//! | file | does |
//! | --- | --- |
//! | [`upkeep`] | makes and renews the subscription, ends it when the practice is switched off |
//! | [`deliveries`] | reads there which deliveries failed |
//! | [`evidence`] | whether webhooks arrive |
//! | [`other_bridge_subscriptions`] | looks for subscriptions that another bridge makes |

mod deliveries;
pub(super) mod evidence;
mod other_bridge_subscriptions;
pub(super) mod upkeep;
