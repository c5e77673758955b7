//! The whole bridge between both simulators: what an administrator, a pet owner and clinic staff
//! rely on, one test each.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

#[path = "../common/commit.rs"]
mod commit;
#[allow(unused_imports, reason = "each test binary uses the part of the harness that it needs")]
#[path = "../support/mod.rs"]
mod support;

mod alerts;
mod availability;
mod backup;
mod booking;
mod calls_and_bytes;
mod changes;
mod client_memory;
mod contested;
mod dates;
mod days_put_aside;
mod departures;
mod early;
mod gateways;
mod guard;
mod healthengine_away;
mod holdups;
mod lasting;
mod leaps;
mod left_alone;
mod lifecycle;
mod liveness;
mod openvpms_away;
mod over_http;
mod power_cuts;
mod requests;
mod resolve;
mod rules;
mod settled_stories;
mod start;
mod store_fails;
mod subscriptions;
mod supervision;
mod switches;
mod truth;
mod two_bridges;
mod two_bridges_holds;
mod two_bridges_lives;
mod webhook_listener;
mod webhooks;
