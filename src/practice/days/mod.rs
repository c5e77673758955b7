//! Days: read from OpenVPMS, compared with what Healthengine was last sent, and sent. What is sent
//! when is decided in [`crate::publishing`].
//!
//! | file | does |
//! | --- | --- |
//! | [`passes`] | reads and sends all days in turn: near ones often, the others now and then, all of them once a day |
//! | [`pass_places`] | has a few practices at a time do that |
//! | [`single`] | reads and sends single days at once: those that changed |
//! | [`asked`] | and those that Healthengine asks for |
//! | [`queue`] | holds single days until they are sent |
//! | [`publisher`] | sends a call, and notes what became of its days |
//! | [`publishing_pass`] | sends the days of readings, call after call |
//! | [`empty_days`] | sends empty days of what is not offered |
//! | [`sent`] | remembers what was last sent |
//! | [`openness`] | tells what is offered and never open |

pub(super) mod asked;
mod empty_days;
mod openness;
pub(crate) mod pass_places;
pub(super) mod passes;
pub(super) mod publisher;
mod publishing_pass;
pub(super) mod queue;
pub(super) mod sent;
pub(super) mod single;
