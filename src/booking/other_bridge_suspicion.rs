//! Whether another bridge serves the same practice: evidence in, stance out.
//!
//! **Model.** Two bridges on one practice see the same list and cannot talk to each other. What one
//! of them is quicker with, the other finds taken or answered. Such a finding is a [`Sign`], and
//! what follows from it is a [`Stance`]. A bridge that *stands back* leaves each booking to the
//! other for some seconds, and decides about it only when nobody has answered by then: so a booking
//! is answered whether or not there is another bridge, and by one of them. It does not stop for
//! good, because the other one can: pet owners are told yes after 20 seconds, and of bookings that
//! neither of the two makes nobody hears but the pet owner at the clinic's door.
//!
//! Where the other one is certain, a booking is left to it until no POST of its can be under way
//! any more ([`LAST_POST`]); by then the pet owner was told yes. Whatever is made after that is
//! read from Healthengine's list anew, and a list that does not tell is read again.
//!
//! **Which of the two stands back.** Neither knows when the other was started. A bridge that had
//! made several bookings, undisturbed, before it met the first sign was there first
//! ([`Stance::Asserting`]), and so was one that sees the other's subscription being made; it goes
//! on and polls more often, so that the other one meets signs too. Any other one yields. Where both
//! were there for long, the one that is beaten more often yields in the end. Should both yield,
//! they do so for different times ([`OtherBridgeSuspicion::left_until`]).
//!
//! **After an import** the former bridge may still run, so the first start after one begins with
//! [`Stance::Listening`].
//!
//! **What is no sign.** Practice staff settle bookings in Healthengine's portal: that takes them
//! longer than [`YOUNG`], and leaves no appointment in the diary. An answer of our own that was
//! lost settles a booking too, so the caller reports a booking only when no answer of ours can have
//! arrived. A reference that the store forgot belongs to a booking from before this process began.
//!
//! **Races accepted.** Both bridges can still submit one booking at one instant before either has
//! met a sign, and OpenVPMS can take both: that booking is flagged by the one whose confirmation is
//! refused.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::dates;
use crate::ids::BookingId;

/// After an import a booking is left to the other bridge until it is this old. One that polls every
/// ten seconds has answered by then, and there is time left to look and to answer in. Looks end
/// when the booking is 12 seconds old, those that begin later at 14
/// ([`Deadline`](super::deadline::Deadline)), and Healthengine's clock is known to half a second:
/// each look has a second or more.
const STAND_BACK: TimeDelta = TimeDelta::milliseconds(12_500);
/// A bridge whose state is its own leaves it for this long, and for up to [`SPREAD_SECONDS`] more.
const STAND_BACK_SOONER: TimeDelta = TimeDelta::milliseconds(7_500);
const SPREAD_SECONDS: i64 = 4;
/// One that is older when it is seen is left to it for this long.
const STAND_BACK_LATE: TimeDelta = TimeDelta::seconds(6);
/// Where another bridge is certain, the last moment at which it begins to make a booking, with what
/// the way there takes. Its POST can then be under way for as long as a request may take.
const LAST_POST: TimeDelta = TimeDelta::seconds(16);
/// Whoever answers a booking of this age is a program: people take longer.
pub const YOUNG: TimeDelta = TimeDelta::seconds(25);
/// How long a bridge listens after an import.
pub const LISTENS_FOR: TimeDelta = TimeDelta::minutes(10);
/// So many bookings in a row that nobody else answered end the listening,
const UNANSWERED_LISTENING: u32 = 2;
/// and so many end the yielding.
const UNANSWERED_YIELDING: u32 = 3;
/// So many that were answered undisturbed end the asserting,
const UNDISTURBED_ASSERTING: u32 = 10;
/// and so many signs turn it into yielding.
const SIGNS_ASSERTING: u32 = 3;
/// A bridge was there first if it had made so many bookings undisturbed, over no less than this
/// time.
const FIRST_AFTER_BOOKINGS: u32 = 3;
const FIRST_AFTER: TimeDelta = TimeDelta::minutes(10);
/// Two weak signs no farther apart than this count as one.
const WEAK_APART: TimeDelta = TimeDelta::hours(1);

/// What speaks for another bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sign {
    /// Somebody else answered this booking within seconds, and an appointment that is not ours
    /// takes its time in the diary.
    MadeByAnother(BookingId),
    /// Somebody else answered this booking within seconds, and every answer of ours was refused. A
    /// weak sign: it can have been a person.
    Outrun(BookingId),
    /// Healthengine echoes a reference that is not ours, of this booking, which was made while this
    /// process ran.
    ForeignReference(BookingId),
    /// A subscription that looks like one of vetbridge's, is not ours, and was made while this
    /// process ran.
    ForeignSubscription,
    /// The same, and one that calls there stood when this process began: it was made anew, as is
    /// done every day.
    RenewedSubscription,
}

/// How a bridge behaves towards another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stance {
    /// Nothing speaks for another one.
    Alone,
    /// There may be one. It is let go first until so many bookings were left to it in vain, or the
    /// time is over.
    Listening {
        /// Since when.
        since: DateTime<Utc>,
        /// So many bookings were answered by nobody else.
        unanswered: u32,
    },
    /// There is one. It is let go first.
    Yielding {
        /// So many bookings in a row were answered by nobody else.
        unanswered: u32,
    },
    /// There is one, and it was started later.
    Asserting {
        /// So many bookings in a row were answered undisturbed.
        undisturbed: u32,
        /// So many signs were met.
        signs: u32,
    },
}

/// What outlives the process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherBridgeRecord {
    /// The import after which the former bridge was listened for, to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard_out: Option<DateTime<Utc>>,
    /// When another bridge was noticed, as long as that is not over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noticed_at: Option<DateTime<Utc>>,
    /// Bookings up to this number may have been made by the other bridge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub others_up_to: Option<BookingId>,
}

/// The evidence of one practice, and the stance that follows from it.
#[derive(Debug, Clone)]
pub struct OtherBridgeSuspicion {
    started: DateTime<Utc>,
    imported: Option<DateTime<Utc>>,
    stance: Stance,
    remembered: OtherBridgeRecord,
    /// Bookings that were answered undisturbed since the start.
    undisturbed: u32,
    outrun_at: Option<DateTime<Utc>>,
    /// The first booking that was made while this process ran, and the latest one.
    seen: Option<(BookingId, BookingId)>,
}

impl OtherBridgeSuspicion {
    /// At the start of a practice. `imported` is when the store's content was last imported, if it
    /// ever was.
    pub fn new(remembered: OtherBridgeRecord, imported: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Self {
        let listens = remembered.noticed_at.is_some() || (imported.is_some() && remembered.heard_out != imported);
        let stance = if listens { Stance::Listening { since: now, unanswered: 0 } } else { Stance::Alone };
        Self { started: now, imported, stance, remembered, undisturbed: 0, outrun_at: None, seen: None }
    }

    /// When the practice was started.
    pub fn started(&self) -> DateTime<Utc> {
        self.started
    }

    /// How to behave.
    pub fn stance(&self) -> Stance {
        self.stance
    }

    /// What is to be kept.
    pub fn remembered(&self) -> OtherBridgeRecord {
        self.remembered
    }

    /// True if each booking is left to the other bridge first.
    pub fn stands_back(&self) -> bool {
        matches!(self.stance, Stance::Listening { .. } | Stance::Yielding { .. })
    }

    /// True unless nothing speaks for another one.
    pub fn is_suspected(&self) -> bool {
        self.stance != Stance::Alone
    }

    /// True if what takes a booking's time is probably that very booking's appointment, so that it
    /// is no reason to reject the booking. Having been outrun once makes it no more probable than
    /// that staff took the time.
    pub fn withholds_rejections(&self) -> bool {
        match self.stance {
            Stance::Alone => false,
            Stance::Listening { .. } => {
                self.remembered.noticed_at.is_some() || self.remembered.heard_out != self.imported
            }
            Stance::Yielding { .. } | Stance::Asserting { .. } => true,
        }
    }

    /// True once there is another bridge.
    pub fn is_certain(&self) -> bool {
        matches!(self.stance, Stance::Yielding { .. } | Stance::Asserting { .. })
    }

    /// True if bookings are to be seen sooner than usual: to meet the other bridge, or to be
    /// quicker than it.
    pub fn is_watchful(&self) -> bool {
        matches!(self.stance, Stance::Listening { .. } | Stance::Asserting { .. })
    }

    /// Until when a booking that is seen now is left to the other bridge. `booked` is by our clock,
    /// and `request_timeout` is how long a POST to OpenVPMS can be under way. Of two bridges that
    /// both stand back the one whose state was imported waits longest; any others differ, as a
    /// rule, by when they were started.
    pub fn left_until(
        &self,
        booked: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
        request_timeout: TimeDelta,
    ) -> DateTime<Utc> {
        let spread = TimeDelta::seconds((self.started.timestamp_millis() / 10).rem_euclid(SPREAD_SECONDS));
        let stand_back = if self.imported.is_some() { STAND_BACK } else { STAND_BACK_SOONER + spread };
        if let Stance::Yielding { .. } = self.stance {
            // The other bridge may have seen a late one as late as this one did.
            let seen_in_time = |at: &DateTime<Utc>| dates::age(*at, now).is_some_and(|age| age < stand_back);
            return booked.filter(seen_in_time).unwrap_or(now)
                + LAST_POST
                + request_timeout
                + (stand_back - STAND_BACK_SOONER);
        }
        let until = booked.and_then(|at| at.checked_add_signed(stand_back)).filter(|until| *until > now);
        // A time of booking in the future is somebody's wrong clock.
        until.map_or(now + STAND_BACK_LATE, |until| until.min(now + stand_back))
    }

    /// True if a booking is not rejected because OpenVPMS cannot be asked about it: whoever stands
    /// back from a bridge that is there rejects nothing that the other one may be making. The one
    /// that goes on rejects it as the clinic wants, while that reaches the pet owner.
    pub fn holds(&self) -> bool {
        matches!(self.stance, Stance::Yielding { .. })
    }

    /// A booking of this moment is on the list.
    pub fn listed(&mut self, booking: BookingId, booked: Option<DateTime<Utc>>) {
        if booked.is_some_and(|at| at > self.started) {
            let (first, last) = self.seen.unwrap_or((booking, booking));
            self.seen = Some((first.min(booking), last.max(booking)));
        }
    }

    /// Healthengine echoes a reference that the ledger does not know. True if that is a sign: the
    /// booking is younger than the first one that this process saw being made, and than every one
    /// that a bridge which was noticed may have made.
    pub fn is_foreign(&self, booking: BookingId) -> bool {
        self.seen.is_some_and(|(first, _)| booking > first)
            && self.remembered.others_up_to.is_none_or(|last| booking > last)
    }

    /// A sign was met.
    pub fn saw(&mut self, sign: &Sign, now: DateTime<Utc>) {
        if let Sign::Outrun(_) = sign {
            let again = self.outrun_at.replace(now).is_some_and(|at| (now - at).abs() < WEAK_APART);
            if !again {
                if self.stance == Stance::Alone {
                    self.stance = Stance::Listening { since: now, unanswered: 0 };
                }
                return;
            }
        }
        let served_long = self.undisturbed >= FIRST_AFTER_BOOKINGS && now - self.started >= FIRST_AFTER;
        // Whoever sees a subscription being made was there before it.
        let was_first = served_long || (*sign == Sign::ForeignSubscription && self.stance == Stance::Alone);
        self.stance = match self.stance {
            Stance::Alone if was_first => Stance::Asserting { undisturbed: 0, signs: 1 },
            // An appointment too many is worse than the wrong one of the two that yields.
            Stance::Asserting { signs, .. } if signs + 1 < SIGNS_ASSERTING && !matches!(sign, Sign::Outrun(_)) => {
                Stance::Asserting { undisturbed: 0, signs: signs + 1 }
            }
            // Whoever listens because it was outrun once can have been there first all the same.
            Stance::Listening { .. } if was_first && self.remembered.noticed_at.is_none() => {
                Stance::Asserting { undisturbed: 0, signs: 1 }
            }
            Stance::Alone | Stance::Listening { .. } | Stance::Yielding { .. } | Stance::Asserting { .. } => {
                Stance::Yielding { unanswered: 0 }
            }
        };
        self.remembered.noticed_at = Some(now);
        let named = match sign {
            Sign::MadeByAnother(id) | Sign::Outrun(id) | Sign::ForeignReference(id) => Some(*id),
            Sign::ForeignSubscription | Sign::RenewedSubscription => None,
        };
        self.may_be_others(named);
    }

    /// A booking was left to the other bridge, and nobody answered it.
    pub fn left_in_vain(&mut self) {
        match &mut self.stance {
            Stance::Listening { unanswered, .. } => {
                *unanswered += 1;
                if *unanswered >= UNANSWERED_LISTENING {
                    self.alone();
                }
            }
            Stance::Yielding { unanswered } => {
                *unanswered += 1;
                if *unanswered >= UNANSWERED_YIELDING {
                    self.alone();
                }
            }
            Stance::Alone | Stance::Asserting { .. } => {}
        }
    }

    /// Healthengine took a confirmation of ours.
    pub fn confirmed(&mut self) {
        self.undisturbed = self.undisturbed.saturating_add(1);
        if let Stance::Asserting { undisturbed, .. } = &mut self.stance {
            *undisturbed += 1;
            if *undisturbed >= UNDISTURBED_ASSERTING {
                self.alone();
            }
        }
    }

    /// Time goes by: listening ends.
    pub fn tick(&mut self, now: DateTime<Utc>) {
        // A beginning in the future is from before this machine's clock was set right.
        if let Stance::Listening { since, .. } = self.stance
            && (now - since).abs() >= LISTENS_FOR
        {
            self.alone();
        }
    }

    fn alone(&mut self) {
        if self.remembered.noticed_at.is_some() {
            // Of what was booked until here Healthengine can echo references for as long as the
            // bookings last.
            self.may_be_others(self.seen.map(|(_, last)| last));
        }
        self.stance = Stance::Alone;
        self.remembered.noticed_at = None;
        self.remembered.heard_out = self.imported;
    }

    fn may_be_others(&mut self, booking: Option<BookingId>) {
        self.remembered.others_up_to = self.remembered.others_up_to.max(booking);
    }
}

#[cfg(test)]
#[path = "other_bridge_suspicion_tests.rs"]
mod tests;
