//! Why a round of work came to nothing.

use crate::call_error::{CallError, ErrorClass};
use crate::ids::PracticeId;
use crate::messages::practice as say;
use crate::practice::shared::ServerPlaces;

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
    pub(super) fn sentence(&self, practice: &PracticeId, places: &ServerPlaces) -> String {
        match self {
            Self::OpenVpms(error) => format!("{} {}", say::openvpms_failed(error), places.openvpms),
            Self::Healthengine(error) => {
                format!("{} {}", say::healthengine_failed(error, practice), places.healthengine)
            }
            Self::NoZone => say::ZONE_MISSING.to_owned(),
        }
    }
}
