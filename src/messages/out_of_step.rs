//! Why Healthengine may not show what the diary says: a value for whoever decides by it, and the
//! sentence for people.

use std::fmt;

use super::other_bridge;

/// Behind the time since which a practice is in step, or is not: what a start means for it. How it
/// was before, nobody judged.
pub fn since_start(in_step: bool, is_first: bool) -> &'static str {
    match (is_first, in_step) {
        (false, _) => "",
        (true, true) => " (the first time since the practice was started)",
        (true, false) => " (its start)",
    }
}

/// Why a practice is not in step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutOfStep {
    /// Healthengine has not accepted the configuration.
    NotConfigured,
    /// Nothing could be sent that it could have accepted.
    NotConfiguredUnread,
    /// The diary is out of date, by OpenVPMS's doing.
    OpenVpmsNotRead,
    /// OpenVPMS answers, and refuses the user.
    OpenVpmsRefuses,
    /// It has not been read yet.
    DiaryNotReadYet,
    /// It is out of date for another reason.
    DiaryNotRead,
    /// The last poll was not answered.
    PollNotAnswered,
    /// There was no poll yet.
    NotPolledYet,
    /// There was none for long.
    NotPolled,
    /// Healthengine does not take what it is sent.
    NotTaken,
    /// Healthengine refuses the credentials or the consent.
    NoAccess,
    /// Another vetbridge serves the practice.
    NotAlone,
    /// A loop of the practice is ill, as this sentence says.
    LoopIll(String),
}

impl fmt::Display for OutOfStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotConfigured => "Healthengine has not accepted the configuration yet.",
            Self::NotConfiguredUnread => "No configuration was sent yet, because OpenVPMS cannot be read.",
            Self::OpenVpmsNotRead => {
                "OpenVPMS could not be read for a while, so the times that are shown may be out of date."
            }
            Self::OpenVpmsRefuses => "OpenVPMS refuses the user name and password, so the diary is not read.",
            Self::DiaryNotReadYet => "The diary has not been read yet.",
            Self::DiaryNotRead => {
                "The diary was not read whole for a while, so the times that are shown may be out of date."
            }
            Self::PollNotAnswered => "Healthengine did not answer the last poll.",
            Self::NotPolledYet => "Healthengine has not been polled yet.",
            Self::NotPolled => "Healthengine was not asked for bookings for a while.",
            Self::NotTaken => "Healthengine does not take what it is sent.",
            Self::NoAccess => "Healthengine refuses the credentials or the consent.",
            Self::NotAlone => other_bridge::NOT_ALONE,
            Self::LoopIll(sentence) => sentence,
        })
    }
}
