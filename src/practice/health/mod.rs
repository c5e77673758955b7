//! What is wrong with a practice, and what was last done when.
//!
//! | file | knows |
//! | --- | --- |
//! | [`problems`] | the list of problems that operators see |
//! | [`subject`] | what a problem is about, and what follows from that |
//! | [`plain_words`] | what it means for whoever works at the practice |
//! | [`causes`] | which problems have one cause |
//! | [`outage_log`] | that a server is away, logged once for all practices |
//! | [`attempts`] | what a practice has done since it started |
//! | [`calls`] | which calls to Healthengine failed and have not succeeded since, as problems |
//! | [`readings`] | what of OpenVPMS could not be read and has not been read since, as a problem |
//! | [`last_done`] | what was last done when |
//! | [`step_since`] | since when the practice is in step, or is not |
//! | [`loops`] | the same of loops that serve the whole bridge |
//! | [`findings`] | that of two tasks the one that finds something out last tells of it last |

pub mod attempts;
pub(super) mod calls;
pub mod causes;
pub(super) mod findings;
pub mod last_done;
pub(crate) mod loops;
pub mod outage_log;
mod plain_words;
pub mod problems;
pub(super) mod readings;
pub mod step_since;
pub mod subject;
