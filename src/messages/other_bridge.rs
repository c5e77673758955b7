//! What is said of another bridge on the same practice.

use chrono::{DateTime, Utc};

use super::appointment_times::for_when;
use crate::booking::entry::Entry;
use crate::booking::other_bridge_suspicion::Sign;
use crate::os::words::STOP_ELSEWHERE;
use crate::zone::Zone;

/// What two bridges do to each other, and how it ends.
fn remedy() -> String {
    format!(
        "Two of them make bookings twice, or reject what the other one made. Decide which of them is to stay and stop \
         the other one ({STOP_ELSEWHERE}; not `vetbridge pause`, which empties the days that both offer). Then \
         compare what is flagged (`vetbridge bookings`) with the diary."
    )
}

/// After an import.
pub const LISTENS: &str = "The state was imported, so the former vetbridge may still run. For ten minutes, or until \
     two bookings were answered by nobody else, each booking is left to it for twelve seconds first.";
/// Not in step: there are two.
pub const NOT_ALONE: &str = "Another vetbridge seems to serve this practice.";
/// That is over.
pub const ALONE: &str = "Nobody else answers this practice's bookings; each is dealt with at once.";

fn evidence(sign: &Sign) -> String {
    match sign {
        Sign::MadeByAnother(id) => format!(
            "Somebody else answered booking {id} within seconds, and an appointment that vetbridge did not make takes \
             its time in the diary"
        ),
        Sign::Outrun(id) => format!(
            "Healthengine refuses vetbridge's answer to booking {id}, because somebody else gave one within seconds"
        ),
        Sign::ForeignReference(id) => format!(
            "Booking {id} was confirmed at Healthengine with a booking reference of OpenVPMS that vetbridge did not get"
        ),
        Sign::ForeignSubscription | Sign::RenewedSubscription => {
            "Healthengine lists a subscription to this practice's webhooks that vetbridge did not make".to_owned()
        }
    }
}

/// There is one. `stands_back` if it is let go first.
pub fn other_bridge(sign: &Sign, stands_back: bool) -> String {
    let stance = if stands_back {
        "Until that is settled this one, which was started later as far as it can tell, leaves each booking to the \
         other for half a minute and makes only what nobody has answered by then; three such bookings in a row, or a \
         restart after the other was stopped, end that."
    } else {
        "This one was there first as far as it can tell, so it goes on; ten bookings without another sign end this \
         problem."
    };
    format!("{}: does another vetbridge serve this practice? {} {stance}", evidence(sign), remedy())
}

/// One that was noticed before the process started.
pub fn noticed_before(at: DateTime<Utc>, zone: Zone) -> String {
    format!(
        "Another vetbridge served this practice at {}, and it is not known whether it was stopped. {} Until two \
         bookings were answered by nobody else, or for ten minutes, each booking is left to it for twelve seconds \
         first.",
        zone.wall(at).format("%Y-%m-%d %H:%M"),
        remedy()
    )
}

/// It may have been a person.
pub fn perhaps(sign: &Sign) -> String {
    format!(
        "{}. A person can have done that; should it have been another vetbridge, the next bookings are left to it \
         first.",
        evidence(sign)
    )
}

/// A person has to compare.
pub fn answered_elsewhere(entry: &Entry, zone: Zone) -> String {
    let (booking, at) = (entry.booking_id, for_when(entry, zone));
    format!(
        "Healthengine booking {booking} {at} was answered by somebody else within seconds, and its time is taken \
         in the diary: another vetbridge may have answered. Look whether the appointment there is that booking's and \
         whether it is there once."
    )
}
