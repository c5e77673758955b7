//! Whether a day is to be sent, by what Healthengine was last sent of it.
//!
//! A snapshot whose answer never came may have been accepted, or may yet be. What Healthengine has
//! of that day is then unknown. So a day is *unacknowledged* from before its snapshot leaves until
//! the answer came. It is sent again with the next reading, and once more after [`LATE`], when
//! nothing can overtake it any longer.
//!
//! Healthengine queues what it accepts, and does not say in which order the queue is worked off. So
//! two different snapshots of one resource and day are sent at least [`QUEUE_TIME`] apart.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::SendIf;
use super::offered_before::{CHOOSING, LastOffered, OfferedBefore};
use crate::availability::{Day, DayChange, Moment, ResourceDay, SentDay, compare};
use crate::clock::Measured;
use crate::dates;
use crate::zone::Zone;

/// A request that nobody waits for any longer is carried out within this time, or not at all. An
/// assumption with room to spare: servers and proxies give up after half a minute as a rule.
pub const LATE: TimeDelta = TimeDelta::seconds(60);
/// How long a snapshot may wait in Healthengine's queue before the next one of its day follows.
pub const QUEUE_TIME: TimeDelta = TimeDelta::milliseconds(500);

/// What was last sent of a day and answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "StoredLastSent")]
pub struct LastSent {
    /// The day, and whether it was accepted.
    #[serde(flatten)]
    pub sent: SentDay,
    /// When the reading began that the day comes from.
    #[serde(with = "dates::kept::moment")]
    pub read_at: DateTime<Utc>,
    /// What was offered before. Absent where no rule asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<OfferedBefore>,
}

/// A [`LastSent`] as it is read: one flat object. serde keeps what it flattens aside until it knows
/// where it belongs, and a start reads thousands of these.
#[derive(Deserialize)]
struct StoredLastSent {
    day: Day,
    #[serde(with = "dates::kept::moment")]
    at: DateTime<Utc>,
    accepted: bool,
    #[serde(with = "dates::kept::moment")]
    read_at: DateTime<Utc>,
    #[serde(default)]
    before: Option<OfferedBefore>,
}

impl From<StoredLastSent> for LastSent {
    fn from(StoredLastSent { day, at, accepted, read_at, before }: StoredLastSent) -> Self {
        Self { sent: SentDay { day, at, accepted }, read_at, before }
    }
}

impl LastSent {
    /// What it says of times that were offered.
    pub fn offered(&self) -> LastOffered<'_> {
        LastOffered { sent: &self.sent, before: self.before.as_ref() }
    }
}

/// A snapshot of a day left, and nobody knows what became of it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Unacknowledged {
    /// When it left, by the clock.
    #[serde(with = "dates::kept::moment")]
    pub since: DateTime<Utc>,
    /// When it left, as the process measured it. Absent from what an older version noted.
    #[serde(default, with = "dates::kept::if_any", skip_serializing_if = "Option::is_none")]
    pub measured: Option<DateTime<Utc>>,
}

impl Unacknowledged {
    /// True once nothing of it can be on its way, whatever the clock was set to meanwhile.
    pub fn has_arrived(&self, now: &Measured) -> bool {
        now.counted(self.measured.unwrap_or(self.since)) + LATE <= now.now
    }
}

/// What is to be done with one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayAction {
    /// It is sent.
    Send,
    /// Healthengine has it.
    Leave,
    /// It is to be sent, and waits because calls fail for it alone.
    PutAside,
    /// It was read before what Healthengine has, and differs from that. It is read again.
    ReadAgain,
}

impl DayAction {
    fn because(self, why: &'static str) -> DayJudgement {
        DayJudgement { action: self, why }
    }
}

/// What is to be done with one day, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayJudgement {
    /// What is done.
    pub action: DayAction,
    /// In a few words, for the log.
    pub why: &'static str,
}

/// What is known of a day besides what was last sent.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// What was last sent and answered.
    pub last: Option<&'a LastSent>,
    /// A snapshot that was not answered.
    pub unacknowledged: Option<&'a Unacknowledged>,
    /// What was sent before this counts for nothing.
    pub full_resync_at: Option<DateTime<Utc>>,
    /// True if a refused day, unchanged, is sent again by now.
    pub refused_is_due: bool,
    /// True if the day waits because calls fail for it alone.
    pub fails_and_waits: bool,
}

/// The present, and how days are told.
#[derive(Debug, Clone, Copy)]
pub struct Present {
    /// The time, and the minimum notice.
    pub moment: Moment,
    /// The time as this process measured it.
    pub measured: Measured,
    /// The practice's zone.
    pub zone: Zone,
}

/// What is to be done with a day that was read at `read_at`.
pub fn judge(
    day: &ResourceDay,
    read_at: DateTime<Utc>,
    send: SendIf,
    known: Known<'_>,
    present: &Present,
) -> DayJudgement {
    let now = present.moment.now;
    let change = compare(known.last.map(|last| &last.sent), &day.day, day.date, present.moment, &present.zone);
    let is_older = |last: &LastSent| dates::age(last.read_at, now).is_some() && read_at < last.read_at;
    if known.last.is_some_and(is_older) {
        return match change {
            DayChange::Same => DayAction::Leave.because("a later reading says the same"),
            DayChange::Send | DayChange::NoticeOnly => DayAction::ReadAgain.because("a later reading says otherwise"),
        };
    }
    if send == SendIf::Always {
        return DayAction::Send.because("whatever was sent before");
    }
    let is_in_doubt = known.last.is_some_and(|last| is_in_doubt(last.sent.at, known, present));
    let is_refused = known.last.is_some_and(|last| !last.sent.accepted && known.refused_is_due);
    let why = match (change, known.last) {
        (DayChange::Same, _) if is_in_doubt => "nobody knows what Healthengine has",
        (DayChange::Same, _) if is_refused => "it was refused and is due again",
        (DayChange::Same, _) => return DayAction::Leave.because("Healthengine has it"),
        (DayChange::Send | DayChange::NoticeOnly, None) => "it was never sent",
        (DayChange::Send, Some(_)) => "it differs from what was sent",
        (DayChange::NoticeOnly, Some(_)) => "starts came within the minimum notice",
    };
    if known.fails_and_waits {
        DayAction::PutAside.because("calls fail for it alone")
    } else {
        DayAction::Send.because(why)
    }
}

/// True if Healthengine may have something else of a day than it was last heard to accept, and it
/// is time to send it again.
fn is_in_doubt(sent_at: DateTime<Utc>, known: Known<'_>, present: &Present) -> bool {
    let counts_for_nothing = |at: DateTime<Utc>| sent_at < at || dates::age(sent_at, present.moment.now).is_none();
    let is_unknown = |own: &Unacknowledged| sent_at < own.since || own.has_arrived(&present.measured);
    known.full_resync_at.is_some_and(counts_for_nothing) || known.unacknowledged.is_some_and(is_unknown)
}

/// True if Healthengine was offered what a day was last sent as, or nothing of one that was never
/// sent: no snapshot of it is on its way, and the store that says so was not replaced since. Of one
/// that it does not know at all it says nothing either if it was replaced while a pet owner chose.
///
/// A full resync does not matter here: it sends again what may have been forgotten there, and what
/// was forgotten was not offered either.
pub fn is_sure(
    last: Option<&LastSent>,
    unacknowledged: Option<&Unacknowledged>,
    now: DateTime<Utc>,
    is_replaced_since: impl FnOnce(DateTime<Utc>) -> bool,
) -> bool {
    unacknowledged.is_none() && !is_replaced_since(last.map_or(now - CHOOSING, |last| last.sent.at))
}

/// From when on a day may be sent again. What was sent in the future was sent long ago.
pub fn free_from(
    last: Option<DateTime<Utc>>,
    unacknowledged: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let known = |at: &DateTime<Utc>| dates::age(*at, now).is_some();
    last.filter(known).max(unacknowledged.filter(known)).map_or(DateTime::<Utc>::MIN_UTC, |at| at + QUEUE_TIME)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::AppointmentTypeId;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
    }

    fn present(seconds: i64) -> Present {
        Present {
            moment: Moment { now: at(seconds), min_notice: TimeDelta::zero() },
            measured: Measured { began: at(0), now: at(seconds) },
            zone: Zone::Iana(chrono_tz::UTC),
        }
    }

    fn day(starts: bool) -> ResourceDay {
        let types = [AppointmentTypeId(66)];
        let day = if starts { Day::from_starts(15, [(600, &types[..])]) } else { Day::empty(15) };
        ResourceDay { resource: "s136".parse().unwrap(), date: at(200_000).date_naive(), day }
    }

    fn last(seconds: i64, accepted: bool) -> LastSent {
        let sent = SentDay { day: day(false).day, at: at(seconds), accepted };
        LastSent { sent, read_at: at(seconds), before: None }
    }

    fn known(last: &LastSent) -> Known<'_> {
        Known {
            last: Some(last),
            unacknowledged: None,
            full_resync_at: None,
            refused_is_due: false,
            fails_and_waits: false,
        }
    }

    fn if_changed(day: &ResourceDay, read_at: i64, known: Known<'_>, now: i64) -> DayAction {
        judge(day, at(read_at), SendIf::Changed, known, &present(now)).action
    }

    #[test]
    fn a_day_is_sent_if_it_differs_or_nobody_knows_what_healthengine_has() {
        let sent = last(10, true);
        assert_eq!(if_changed(&day(false), 20, known(&sent), 30), DayAction::Leave);
        let never = Known { last: None, ..known(&sent) };
        assert_eq!(if_changed(&day(false), 20, never, 30), DayAction::Send);
        let resynced = Known { full_resync_at: Some(at(11)), ..known(&sent) };
        assert_eq!(if_changed(&day(false), 20, resynced, 30), DayAction::Send);
        let unanswered = Unacknowledged { since: at(15), measured: Some(at(15)) };
        let unanswered = Known { unacknowledged: Some(&unanswered), ..known(&sent) };
        assert_eq!(if_changed(&day(false), 20, unanswered, 30), DayAction::Send);
        let earlier = Unacknowledged { since: at(5), measured: Some(at(5)) };
        let earlier = Known { unacknowledged: Some(&earlier), ..known(&sent) };
        assert_eq!(if_changed(&day(false), 20, earlier, 64), DayAction::Leave, "the later one was answered");
        assert_eq!(if_changed(&day(false), 20, earlier, 65), DayAction::Send, "nothing can overtake it any more");
        assert_eq!(judge(&day(false), at(20), SendIf::Always, known(&sent), &present(30)).action, DayAction::Send);
    }

    #[test]
    fn an_older_reading_replaces_no_younger_one_and_what_it_says_otherwise_is_read_again() {
        let sent = last(10, true);
        assert_eq!(if_changed(&day(true), 9, known(&sent), 30), DayAction::ReadAgain);
        assert_eq!(if_changed(&day(false), 9, known(&sent), 30), DayAction::Leave);
        assert_eq!(judge(&day(false), at(9), SendIf::Always, known(&sent), &present(30)).action, DayAction::Leave);
        assert_eq!(if_changed(&day(false), 9, known(&last(40, true)), 30), DayAction::Leave, "sent in the future");
    }

    #[test]
    fn a_refused_day_is_sent_again_when_it_is_due_and_one_for_which_calls_fail_waits() {
        let sent = last(10, false);
        assert_eq!(if_changed(&day(false), 20, known(&sent), 30), DayAction::Leave);
        let due = Known { refused_is_due: true, ..known(&sent) };
        assert_eq!(if_changed(&day(false), 20, due, 30), DayAction::Send);
        let failing = Known { fails_and_waits: true, ..due };
        assert_eq!(if_changed(&day(false), 20, failing, 30), DayAction::PutAside);
    }

    #[test]
    fn two_snapshots_of_a_day_are_half_a_second_apart_whatever_the_clock_was_set_to() {
        assert_eq!(free_from(None, None, at(9)), DateTime::<Utc>::MIN_UTC);
        assert_eq!(free_from(Some(at(9)), Some(at(8)), at(9)), at(9) + QUEUE_TIME);
        assert_eq!(free_from(Some(at(99)), Some(at(8)), at(9)), at(8) + QUEUE_TIME, "sent in the future");
    }

    #[test]
    fn healthengine_was_offered_for_sure_what_it_was_sent_if_nothing_is_under_way_and_the_store_is_the_same() {
        let sent = last(0, true);
        let lost = Unacknowledged { since: at(1), measured: None };
        let (now, never) = (at(3600), |_| false);
        assert!(is_sure(None, None, now, never) && is_sure(Some(&sent), None, now, never));
        assert!(!is_sure(Some(&sent), Some(&lost), now, never) && !is_sure(None, Some(&lost), now, never));
        let replaced = |noted| noted < at(1);
        assert!(!is_sure(Some(&sent), None, now, replaced), "a store that was put back");
        assert!(!is_sure(None, None, at(1800), replaced) && is_sure(None, None, at(1801), replaced));
    }
}
