//! Rules of the offer: what a practice keeps back of the time that OpenVPMS has free.
//!
//! **Model.** Each rule is about some resources, appointment types and days, and narrows what is
//! offered there. All rules that apply count. The rules stand after the diary and the minimum
//! notice: whatever they leave is offered, and what they withhold stays free in the diary.
//!
//! | key | withholds an appointment type from a start |
//! | --- | --- |
//! | `hours` | that lies outside these hours, by the practice's clock |
//! | `min_notice` | that begins sooner than this from now |
//! | `max_days_ahead` | on a day that is further ahead |
//! | `max_per_day` | of a resource and day that has so many bookings through us already |
//! | `keep_free` | that is one of the day's last free starts, or from which the appointment would run into one |
//! | `new_patients` | never: Healthengine says who is new only with the booking ([`refusal_of_new_clients`]) |
//!
//! **What counts.** `keep_free` counts the free starts of the diary before all rules: the places on
//! the grid from which some type of the resource fits before midnight, whether past or inside the
//! notice. (A reading need not tell of the time after that midnight.)
//! `max_per_day` counts the bookings of the rule's types whose appointments stand or may stand,
//! over or not, by the day on which they begin.
//! An appointment that begins late keeps out of the kept starts of the next day too.

mod foreign_names;
mod in_force;
mod nothing_left;
mod offer_rule;
mod ruled_day;

pub use self::foreign_names::ForeignNames;
pub use self::in_force::{CountedBooking, RulesInForce};
pub use self::nothing_left::NothingLeft;
pub(super) use self::nothing_left::{types_without_times, why_nothing_is_left};
pub use self::offer_rule::{NewClients, OfferRule, RuleAt, RuleKey, StartHours, refusal_of_new_clients};
pub(super) use self::ruled_day::{AskedSpan, FreeStarts, RuledDay};
