//! What is counted and timed for Prometheus, and the text in which it is told.
//!
//! Counters and histograms belong to this process and begin at zero with it. Components are handed
//! those that they count with; there is no registry of the whole process. What the bridge knows at
//! any time (whether a practice is in step, how old a reading is) is no counter: it is asked when
//! somebody scrapes, and comes as [`gauges::Gauges`].
//!
//! No label holds anything that the network says: practices are those of the configuration, routes
//! are templates of calls that this program makes, and the rest are words of this program.
//!
//! | file | has |
//! | --- | --- |
//! | [`calls`] | the calls to both systems, counted, timed and logged |
//! | [`on_behalf_of`] | for whom a task makes its calls, as the log names them |
//! | [`practices`] | bookings, the time to our answers, snapshots |
//! | [`flush_times`] | how long the store's disk takes |
//! | [`gauges`] | what the bridge knows when somebody scrapes |
//! | [`exposition`] | all of it as text |

pub mod calls;
pub mod exposition;
pub mod flush_times;
pub mod gauges;
pub mod on_behalf_of;
pub mod practices;
