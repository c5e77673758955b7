//! What is said of requests of Healthengine's that wait for too long.

use chrono::{DateTime, Utc};

use crate::ids::BookingId;
use crate::zone::Zone;

/// What follows if nobody acts.
const OTHERWISE: &str =
    "After ten minutes inside the live hours Healthengine calls the practice unhealthy and may hide its times";

fn since(at: DateTime<Utc>, zone: Zone) -> String {
    zone.wall(at).format("%Y-%m-%d %H:%M").to_string()
}

fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

/// Bookings that are not answered. `count` is 0 where nobody can tell how many.
pub fn bookings(count: usize, oldest: Option<BookingId>, at: DateTime<Utc>, zone: Zone) -> String {
    let since = since(at, zone);
    match oldest {
        Some(oldest) => format!(
            "{} waited for an answer for more than five minutes, the oldest ({oldest}) since {since}. {OTHERWISE}. \
             See to the other problems first (OpenVPMS away, as a rule); `vetbridge bookings show {oldest}` says what \
             it waits for, and `vetbridge bookings resolve` or Healthengine's portal settles it by hand.",
            counted(count, "booking", "bookings"),
        ),
        None => format!(
            "Healthengine has had bookings outstanding since {since} that it does not list. {OTHERWISE}. Look into \
             its portal, and ask its support."
        ),
    }
}

/// Updates that are not answered.
pub fn updates(count: usize, at: DateTime<Utc>, zone: Zone) -> String {
    let since = since(at, zone);
    if count == 0 {
        return format!(
            "Healthengine has had changes of bookings outstanding since {since} that cannot be read. {OTHERWISE}. Ask \
             its support."
        );
    }
    format!(
        "{} by pet owners waited for an answer for more than five minutes, the oldest since {since}. {OTHERWISE}. See \
         to the other problems first: an appointment is cancelled once OpenVPMS can be reached. If there is none, the \
         log says why it is not.",
        counted(count, "change of a booking", "changes of bookings"),
    )
}

/// Days that are not sent.
pub fn days(count: usize, at: DateTime<Utc>, zone: Zone) -> String {
    let since = since(at, zone);
    if count == 0 {
        return format!(
            "Healthengine has wanted availability since {since} and does not say which. {OTHERWISE}. Ask its support."
        );
    }
    format!(
        "Healthengine has waited for availability ({}) for more than five minutes, since {since}. {OTHERWISE}. See to \
         the other problems first: days are sent once OpenVPMS can be read; `vetbridge resync --only availability` \
         tries at once.",
        counted(count, "request", "requests"),
    )
}
