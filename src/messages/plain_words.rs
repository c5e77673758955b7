//! What a problem means for whoever works at a practice, and what they do. The sentences of an
//! administrator, with causes and remedies, stand behind them on the page.

use crate::call_error::ServerOutage;
use crate::ids::BookingId;

/// What an outage of a server means.
pub fn outage(outage: ServerOutage) -> &'static str {
    match outage {
        ServerOutage::OpenVpmsAway => {
            "OpenVPMS does not answer, so times that were taken since may still be offered. Tell whoever looks after \
             OpenVPMS, if it stays so."
        }
        ServerOutage::OpenVpmsRefuses => {
            "OpenVPMS does not let vetbridge in, so times that were taken since may still be offered. Tell whoever \
             looks after OpenVPMS."
        }
        ServerOutage::HealthengineAway => {
            "Healthengine cannot be reached. Bookings that pet owners make there arrive once it can, and it confirms \
             them meanwhile, also where the time is taken. Tell whoever looks after the internet connection, if it \
             stays so."
        }
        ServerOutage::HealthengineRefuses => {
            "Healthengine does not let vetbridge in, so bookings that pet owners make there do not arrive. Tell \
             whoever looks after vetbridge."
        }
    }
}

/// One booking.
pub fn booking(id: BookingId) -> String {
    format!(
        "Something went wrong with booking {id}. See below or under its number how it stands, and look for \
         \"Healthengine booking {id}\" in the diary; call the pet owner if the two differ. Tell whoever looks after \
         vetbridge."
    )
}

/// The diary is not read.
pub const DIARY_NOT_READ: &str = "\
    Not all of the diary can be read, so times that were taken since may still be offered. Tell whoever \
    looks after vetbridge.";
/// Bookings are not listed, or not all of them.
pub const BOOKINGS_NOT_LISTED: &str = "\
    Healthengine does not tell all that pet owners ask for, so bookings may arrive late. Tell whoever \
    looks after vetbridge, if it stays so.";
/// Bookings wait.
pub const BOOKINGS_WAIT: &str = "\
    Pet owners have waited for an answer to their bookings for more than five minutes. What else stands \
    here says why, as a rule. A booking that cannot wait is in Healthengine's portal: settle it there by \
    hand.";
/// Changes wait.
pub const CHANGES_WAIT: &str = "\
    Pet owners cancelled or changed bookings, and the diary does not show it yet. Healthengine's mails \
    and its portal say which. Tell whoever looks after vetbridge, if it stays so.";
/// Healthengine lacks times.
pub const TIMES_NOT_TAKEN: &str = "\
    Healthengine does not have all of the diary's times, so it may offer some that are taken, and lack \
    others. Tell whoever looks after vetbridge.";
/// What was answered is not known there.
pub const ANSWERS_NOT_TAKEN: &str = "\
    Pet owners may not see yet that their bookings were confirmed, rejected or cancelled. The diary is \
    right. Tell whoever looks after vetbridge, if it stays so.";
/// Who and what can be booked is not as the diary has it.
pub const SETUP_NOT_TAKEN: &str = "\
    What changed in OpenVPMS about who and what can be booked does not show at Healthengine yet. Tell \
    whoever looks after vetbridge.";
/// Less is offered than was.
pub const LESS_IN_OPENVPMS: &str = "\
    Suddenly there is less in OpenVPMS that can be booked than before. It stays offered until somebody \
    says that this is meant: tell whoever looks after vetbridge.";
/// Something left.
pub const DEPARTED: &str = "\
    Something that pet owners could book is no longer offered. If that is meant, there is nothing to do; \
    if not, tell whoever looks after vetbridge.";
/// Something cannot be booked.
pub const NOT_OFFERED: &str = "\
    Something that is meant for online booking cannot be booked. Tell whoever looks after vetbridge.";
/// Nothing new can be offered.
pub const TIMES_NOT_KNOWN: &str = "\
    vetbridge does not know which hours the diary's times mean, so what changes in it does not reach \
    Healthengine. Tell whoever looks after vetbridge.";
/// Hours may be wrong.
pub const HOURS_DOUBTFUL: &str = "\
    The hours of the diary may not be those that pet owners see. Compare a day on this page with the \
    diary, and tell whoever looks after vetbridge.";
/// A clock is wrong.
pub const CLOCK: &str = "\
    The clock of the machine that vetbridge runs on is wrong, so pet owners may be answered too late. \
    Tell whoever looks after that machine.";
/// Nothing that pet owners notice by much.
pub const BOOKINGS_SLOWER: &str = "\
    Bookings work, and may take some seconds longer to arrive. Tell whoever looks after vetbridge.";
/// Another system.
pub const OTHER_BRIDGE: &str = "\
    A second vetbridge serves this practice. Bookings could be made twice: look at what was booked \
    today, and tell whoever looks after vetbridge at once.";
/// The disk.
pub const STORE: &str = "\
    vetbridge cannot write down what it does, so new bookings are rejected or wait. Tell whoever looks \
    after that machine at once.";
/// Left without being emptied.
pub const LEFT_BEHIND: &str = "\
    A practice that vetbridge no longer serves still offers times at Healthengine, and nobody collects \
    what is booked there. Tell whoever looks after vetbridge at once.";
/// The file.
pub const CONFIG_FILE: &str = "\
    A change of the settings has not been taken over; what ran before goes on. Tell whoever looks after \
    vetbridge.";
/// Mails.
pub const ALERTS: &str = "\
    Messages about problems do not reach those who are to get them. Look at this page more often until \
    they do, and tell whoever looks after vetbridge.";
/// A fault of our own.
pub const OWN_FAULT: &str = "\
    A part of vetbridge failed and is started again. If this stays for more than some minutes, tell \
    whoever looks after it.";

/// A server that wants to be left alone, before until when.
pub fn left_alone(server: &str) -> String {
    format!(
        "{server} has too much to do and asked not to be called for a while. Bookings are looked for all the \
         same, more rarely. It is left alone until"
    )
}
