//! Loops and tasks of vetbridge itself that failed: which, what that means, and what to do.

use std::time::Duration;

use crate::ids::PracticeId;
use crate::os::words::RESTART;
use crate::supervisor::Trouble;

/// What every sentence about a fault of our own ends with.
const REPORT: &str = "This is a fault in vetbridge: please report it with the lines of the log from around that time.";

/// What it means that a loop of a practice stands still.
fn means(name: &str) -> &'static str {
    match name {
        REQUESTS => "no booking is collected and nothing that Healthengine asks for is answered",
        CONFIGURATION => "changes of resources and appointment types do not reach Healthengine",
        AVAILABILITY => "the diary is not read, so times that staff filled can still be booked and are then rejected",
        CHANGED_DAYS => "days on which something was booked reach Healthengine only with the next reading of the diary",
        ASKED_DAYS => "days that Healthengine asks for are not sent",
        DUE_BOOKINGS => {
            "bookings whose outcome is unknown are not looked at again, and cancellations by staff are not passed on"
        }
        SUBSCRIPTIONS => "the webhook subscription is not renewed; bookings are found by polling",
        APPOINTMENTS => "appointments that staff moved or cancelled are noticed only where their time shows as free",
        OTHER_BRIDGE => "another vetbridge that serves this practice is not noticed",
        KEEPER => "the practice is not started or stopped as the configuration says",
        VIGIL => "nobody notices loops that stand still",
        POLLING_WITHOUT_STORE => "bookings are not rejected in time",
        OPENING => "the state is not opened although it may work again",
        ADMIN_LISTENER => "nobody answers on [admin] listen",
        ALERTS => "nobody is told by mail or webhook of what needs a person, and the heartbeat stops",
        WEBHOOK_LISTENER => "no webhook is heard; bookings are found by polling",
        _ => "what is old is not cleared away",
    }
}

/// The loops, as they are called in logs and to operators.
pub const REQUESTS: &str = "requests";
/// Reads and sends the configuration.
pub const CONFIGURATION: &str = "configuration";
/// Reads and sends all days.
pub const AVAILABILITY: &str = "availability";
/// Sends days that changed.
pub const CHANGED_DAYS: &str = "changed_days";
/// Sends days that are asked for.
pub const ASKED_DAYS: &str = "asked_days";
/// Wakes bookings whose time has come.
pub const DUE_BOOKINGS: &str = "due_bookings";
/// Looks after the webhook subscription.
pub const SUBSCRIPTIONS: &str = "subscriptions";
/// Asks whether appointments still stand.
pub const APPOINTMENTS: &str = "appointments";
/// Looks for another bridge. The name stands in the status, where programs read it.
pub const OTHER_BRIDGE: &str = "rivals";
/// Keeps a practice as it is wanted.
pub const KEEPER: &str = "runner";
/// Looks whether loops are stuck and whether the clock leaps.
pub const VIGIL: &str = "vigil";
/// Forgets what is old.
pub const HOUSEKEEPING: &str = "housekeeping";
/// Polls while the store cannot be opened.
pub const POLLING_WITHOUT_STORE: &str = "polling without a store";

/// Tries the store while it cannot be opened.
pub const OPENING: &str = "opening of the state";
/// Answers operators.
pub const ADMIN_LISTENER: &str = "admin_listener";
/// Tells people by mail, webhook and heartbeat.
pub const ALERTS: &str = "alerts";
/// Hears webhooks.
pub const WEBHOOK_LISTENER: &str = "webhook_listener";

/// What is wrong with a loop, and what that means. The practice is named where the problem is not
/// among those of the practice.
pub fn trouble(name: &str, practice: Option<&PracticeId>, trouble: Trouble) -> String {
    let (means, of) = (means(name), of(practice));
    match trouble {
        Trouble::Panicked(pause) => {
            format!(
                "The {name} loop{of} failed; it is started again in {}. Until it has gone round, {means}. {REPORT}",
                seconds(pause)
            )
        }
        Trouble::Returned(pause) => {
            format!(
                "The {name} loop{of} ended by itself; it is started again in {}. Until it has gone round, {means}. \
                 {REPORT}",
                seconds(pause)
            )
        }
        Trouble::Stuck(so_far) => format!(
            "The {name} loop{of} has stood still for {} minutes; meanwhile {means}. If it does not go on, the service \
             ends and the service manager starts it again; to do that at once, type `{RESTART}`. \
             {REPORT}",
            so_far.as_secs() / 60
        ),
    }
}

/// A loop that no restart helps.
pub fn keeps_dying(name: &str, practice: Option<&PracticeId>, deaths: usize) -> String {
    format!("the {name} loop{} failed {deaths} times within half an hour. {REPORT}", of(practice))
}

/// A loop that does not come back.
pub fn stays_stuck(name: &str, practice: Option<&PracticeId>) -> String {
    format!("the {name} loop{} stands still and does not come back. {REPORT}", of(practice))
}

/// The command itself failed.
pub fn command_failed() -> String {
    format!("the command failed. {REPORT}")
}

/// What waits for signals and for changes of the configuration failed.
pub fn run_failed() -> String {
    format!("what waits for signals and for changes of the configuration failed. {REPORT}")
}

/// A task of a practice failed. What it was about is found again by itself.
pub fn task_failed(what: &str) -> String {
    format!("A task failed ({what}); it is tried again when the same comes up next. {REPORT}")
}

/// Work on one booking failed.
pub fn booking_failed(booking: impl std::fmt::Display) -> String {
    format!(
        "Work on booking {booking} failed; it is tried again at the next poll for as long as Healthengine lists the \
         booking. If this stays, look into the diary for *Healthengine booking {booking}* and settle it with \
         `vetbridge bookings resolve {booking}`. {REPORT}"
    )
}

/// Why a practice is out of step, if loops are dead or stuck.
pub fn not_alive(names: &[&str]) -> Option<String> {
    (!names.is_empty()).then(|| format!("a loop of vetbridge stands still: {}", names.join(", ")))
}

fn of(practice: Option<&PracticeId>) -> String {
    practice.map(|practice| format!(" of practice {}", super::plain(&practice.0))).unwrap_or_default()
}

fn seconds(pause: Duration) -> String {
    format!("{} s", pause.as_secs_f64().ceil())
}
