//! Why a round of work came to nothing.

use crate::call_error::{CallError, ErrorClass};
use crate::ids::PracticeId;
use crate::messages::practice as say;

/// Why a round of work came to nothing.
#[derive(Debug)]
pub(super) enum RoundError {
    /// OpenVPMS failed.
    OpenVpms(CallError),
    /// Healthengine failed.
    Healthengine(CallError),
    /// Nobody failed to answer, but the answer names no zone that days could be told in.
    NoZone,
}

impl RoundError {
    pub(super) fn into_error(self) -> CallError {
        match self {
            Self::OpenVpms(error) | Self::Healthengine(error) => error,
            Self::NoZone => CallError::new(ErrorClass::Contract, say::NO_ZONE),
        }
    }

    /// For a person who waits for it: what is wrong and what to do.
    pub(super) fn sentence(&self, practice: &PracticeId) -> String {
        match self {
            Self::OpenVpms(error) => say::openvpms_failed(error),
            Self::Healthengine(error) => say::healthengine_failed(error, practice),
            Self::NoZone => say::ZONE_MISSING.to_owned(),
        }
    }
}
