//! What the handlers need.

use std::sync::Arc;

use super::auth::Gate;
use super::streamed::StreamPlaces;
use crate::bridge::Bridge;

/// What the handlers need.
#[derive(Clone)]
pub struct Admin {
    pub(super) bridge: Arc<Bridge>,
    pub(super) gate: Gate,
    pub(super) streams: StreamPlaces,
}

impl Admin {
    /// The admin side of a bridge.
    pub fn new(bridge: Arc<Bridge>, gate: Gate) -> Self {
        Self { bridge, gate, streams: StreamPlaces::default() }
    }
}
