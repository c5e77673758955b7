//! Names that staff see at Healthengine.

/// A clinician's name, split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonName {
    /// Everything before the last name, without a title; absent if there is nothing.
    pub first: Option<String>,
    /// The last name.
    pub last: String,
}
