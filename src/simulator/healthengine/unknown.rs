//! A test that names something that is not there.

/// The simulator has no such thing; the caller is wrong, not the client under test.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the simulated Healthengine has no {0}")]
pub struct Unknown(pub(super) String);
