//! Why a practice is off.

/// Why a practice is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Off {
    /// `enabled = false`.
    Disabled,
    /// Somebody paused it.
    Paused,
    /// It is no longer in the configuration.
    Removed,
}

impl Off {
    /// As it is written in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Paused => "paused",
            Self::Removed => "removed",
        }
    }
}
