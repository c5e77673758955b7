//! Whether webhooks demonstrably arrive. Only then may polling slow down inside the live hours.
//!
//! **Model.** A webhook for the practice is evidence for an hour. Whatever a poll finds must have
//! been announced by one; what was not within [`GRACE`], counted from when it came to be or, where
//! that is unknown, from when a poll first saw it, was *missed*. A miss undoes all evidence until
//! the next webhook arrives.
//!
//! Bookings and updates are told apart by their numbers. Of the other kinds Healthengine says only
//! that something of the kind waits: it counts as one thing from when a poll first lists it until
//! one does not.
//!
//! **Accepted.** What waited before the process ran counts as missed, as does something whose
//! announcement was forgotten: both mean polls at the shorter interval until the next webhook,
//! never fewer polls.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::hint::Hint;
use crate::healthengine::RequestKind;
use crate::ids::{BookingId, RequestId};

/// How long a webhook is evidence.
const EVIDENCE_LASTS: TimeDelta = TimeDelta::hours(1);
/// How much later than what it announces a webhook may arrive.
pub const GRACE: TimeDelta = TimeDelta::seconds(5);
/// More announcements, or things that wait, are not kept. Those with the smallest numbers go first:
/// they are the oldest.
const KEPT_MAX: usize = 5_000;

/// Something that waits at Healthengine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// A booking.
    Booking(BookingId),
    /// An update of a booking.
    Update(RequestId),
    /// Anything else, as a kind.
    Kind(RequestKind),
}

impl Item {
    fn kind(&self) -> &RequestKind {
        match self {
            Self::Booking(_) => &RequestKind::Bookings,
            Self::Update(_) => &RequestKind::BookingUpdates,
            Self::Kind(kind) => kind,
        }
    }
}

/// What was announced and what was found.
#[derive(Debug, Default)]
pub struct Evidence {
    arrived_at: Option<DateTime<Utc>>,
    /// True if something was missed since then.
    missed: bool,
    polled_at: Option<DateTime<Utc>>,
    /// What webhooks named, and when.
    announced: BTreeMap<Item, DateTime<Utc>>,
    /// When a webhook last said nothing but that something waits.
    announced_anything: Option<DateTime<Utc>>,
    /// What polls found, and when last.
    known: BTreeMap<Item, DateTime<Utc>>,
    /// What they found that nobody has announced so far, and when first.
    unannounced: BTreeMap<Item, DateTime<Utc>>,
}

impl Evidence {
    /// A webhook for this practice arrived.
    pub fn arrived(&mut self, hint: &Hint, now: DateTime<Utc>) {
        self.judge(now);
        (self.arrived_at, self.missed) = (Some(now), false);
        let item = match (&hint.kind, hint.booking, hint.request) {
            (Some(RequestKind::Bookings), Some(booking), _) => Item::Booking(booking),
            (Some(RequestKind::BookingUpdates), _, Some(request)) => Item::Update(request),
            (Some(kind), _, _) => Item::Kind(kind.clone()),
            (None, _, _) => {
                self.announced_anything = Some(now);
                self.unannounced.clear();
                return;
            }
        };
        self.unannounced.retain(|waiting, _| *waiting != item && Item::Kind(waiting.kind().clone()) != item);
        keep(&mut self.announced, item, now);
    }

    /// A poll found these, each with since when it waits, where that is known. True if webhooks did
    /// not announce them all.
    pub fn found(
        &mut self,
        items: impl IntoIterator<Item = (Item, Option<DateTime<Utc>>)>,
        now: DateTime<Utc>,
    ) -> bool {
        let items: BTreeMap<Item, Option<DateTime<Utc>>> = items.into_iter().collect();
        self.announced.retain(|_, at| is_evidence(*at, now));
        // A list that could not be read this time says nothing about its entries; a kind that is
        // absent is gone.
        self.known.retain(|item, seen| match item {
            Item::Booking(_) | Item::Update(_) => is_evidence(*seen, now),
            Item::Kind(_) => items.contains_key(item),
        });
        let mut late = false;
        for (item, since) in items {
            let is_new = !self.known.contains_key(&item);
            keep(&mut self.known, item.clone(), now);
            if !is_new || self.is_announced(&item, now) {
                continue;
            }
            if since.is_some_and(|since| now - since > GRACE) {
                late = true;
            } else {
                keep(&mut self.unannounced, item, since.unwrap_or(now).min(now));
            }
        }
        self.polled_at = Some(now);
        let missed = self.judge(now) | late;
        self.missed |= missed;
        missed
    }

    /// True while webhooks arrive and none was missed.
    pub fn webhooks_arrive(&mut self, now: DateTime<Utc>) -> bool {
        self.judge(now);
        !self.missed && self.arrived_at.is_some_and(|at| is_evidence(at, now))
    }

    /// When the last webhook for this practice arrived.
    pub fn arrived_at(&self) -> Option<DateTime<Utc>> {
        self.arrived_at
    }

    /// What nobody announced in time was missed. True if there was anything.
    fn judge(&mut self, now: DateTime<Utc>) -> bool {
        let before = self.unannounced.len();
        self.unannounced.retain(|_, since| (now - *since).abs() <= GRACE);
        let missed = self.unannounced.len() < before;
        self.missed |= missed;
        missed
    }

    /// A webhook that names no number announces what came to be since the last poll.
    fn is_announced(&self, item: &Item, now: DateTime<Utc>) -> bool {
        let recent = |at: DateTime<Utc>| at >= self.polled_at.unwrap_or(now) - GRACE;
        let by_number = !matches!(item, Item::Kind(_)) && self.announced.contains_key(item);
        by_number
            || self.announced.get(&Item::Kind(item.kind().clone())).copied().is_some_and(recent)
            || self.announced_anything.is_some_and(recent)
    }
}

/// True for what happened within the last hour. What happened in the future did so before this
/// machine's clock was set right, and is evidence of nothing; a correction of a second or two is
/// not meant.
fn is_evidence(at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    (-GRACE..EVIDENCE_LASTS).contains(&(now - at))
}

fn keep(map: &mut BTreeMap<Item, DateTime<Utc>>, item: Item, at: DateTime<Utc>) {
    map.insert(item, at);
    if map.len() > KEPT_MAX {
        map.pop_first();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
    }

    fn booking(id: i64) -> Item {
        Item::Booking(BookingId(id))
    }

    fn hint_of(item: Option<&Item>) -> Hint {
        match item {
            None => Hint::default(),
            Some(Item::Booking(id)) => {
                Hint { kind: Some(RequestKind::Bookings), booking: Some(*id), ..Hint::default() }
            }
            Some(Item::Update(id)) => {
                Hint { kind: Some(RequestKind::BookingUpdates), request: Some(*id), ..Hint::default() }
            }
            Some(Item::Kind(kind)) => Hint { kind: Some(kind.clone()), ..Hint::default() },
        }
    }

    /// What happened, when: a webhook that announces something, or a poll that found something,
    /// with since when.
    enum Event {
        Webhook(i64, Option<Item>),
        Poll(i64, Vec<(Item, Option<i64>)>),
    }

    /// A name, what happened, and whether webhooks count as arriving after so many seconds.
    type Row = (&'static str, Vec<Event>, Vec<(i64, bool)>);

    #[test]
    fn webhooks_count_for_an_hour_and_while_nothing_is_missed() {
        use Event::{Poll, Webhook};
        let days = || Item::Kind(RequestKind::Availability);
        let table: [Row; 14] = [
            ("nothing ever came", vec![Poll(0, vec![])], vec![(0, false)]),
            ("one came", vec![Webhook(0, None)], vec![(0, true), (3599, true), (3600, false)]),
            (
                "a booking that was announced",
                vec![Webhook(0, Some(booking(1))), Poll(1, vec![(booking(1), Some(0))])],
                vec![(1, true), (60, true)],
            ),
            (
                "one that a poll found first",
                vec![Webhook(0, None), Poll(20, vec![(booking(1), Some(20))]), Webhook(23, Some(booking(1)))],
                vec![(23, true), (60, true)],
            ),
            (
                "one that nobody announced, found young",
                vec![Webhook(0, None), Poll(20, vec![(booking(1), Some(19))])],
                vec![(24, true), (25, false)],
            ),
            (
                "one that nobody announced, found old",
                vec![Webhook(0, None), Poll(20, vec![(booking(1), Some(14))])],
                vec![(20, false)],
            ),
            (
                "a missed one, then a webhook",
                vec![Webhook(0, None), Poll(20, vec![(booking(1), Some(10))]), Webhook(30, Some(booking(2)))],
                vec![(30, true)],
            ),
            (
                "a miss that is noticed only after another webhook",
                vec![
                    Webhook(0, None),
                    Poll(20, vec![(booking(1), Some(20))]),
                    Webhook(22, Some(booking(2))),
                    Poll(26, vec![]),
                ],
                vec![(26, false)],
            ),
            (
                "a booking that is held open is found once",
                vec![
                    Poll(0, vec![(booking(1), None)]),
                    Webhook(10, Some(booking(2))),
                    Poll(11, vec![(booking(1), Some(0)), (booking(2), Some(10))]),
                ],
                vec![(11, true), (60, true)],
            ),
            (
                "another number was announced",
                vec![Webhook(0, Some(booking(2))), Poll(20, vec![(booking(1), None)])],
                vec![(25, true), (26, false)],
            ),
            (
                "days, announced as a kind",
                vec![Poll(0, vec![]), Webhook(9, Some(days())), Poll(10, vec![(days(), None)])],
                vec![(60, true)],
            ),
            (
                "days again, with the announcement of the last ones",
                vec![
                    Webhook(0, Some(days())),
                    Poll(1, vec![(days(), None)]),
                    Poll(11, vec![]),
                    Poll(21, vec![(days(), None)]),
                ],
                vec![(26, true), (27, false)],
            ),
            (
                "a webhook that does not say what waits",
                vec![Poll(0, vec![]), Webhook(5, None), Poll(6, vec![(booking(1), Some(0)), (days(), None)])],
                vec![(60, true)],
            ),
            (
                "the same, long before",
                vec![Webhook(5, None), Poll(15, vec![]), Poll(25, vec![(booking(1), Some(19))])],
                vec![(25, false)],
            ),
        ];
        for (name, events, expected) in table {
            let mut evidence = Evidence::default();
            for event in events {
                match event {
                    Webhook(when, item) => evidence.arrived(&hint_of(item.as_ref()), at(when)),
                    Poll(when, items) => {
                        let items = items.into_iter().map(|(item, since)| (item, since.map(at)));
                        evidence.found(items, at(when));
                    }
                }
            }
            for (when, arrive) in expected {
                assert_eq!(evidence.webhooks_arrive(at(when)), arrive, "{name}, after {when} s");
            }
        }
    }

    #[test]
    fn a_miss_is_told_once() {
        let mut evidence = Evidence::default();
        assert!(!evidence.found([(booking(1), None)], at(0)));
        assert!(evidence.found([(booking(1), None)], at(10)));
        assert!(!evidence.found([(booking(1), None)], at(20)));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut evidence = Evidence::default();
        for id in 0..20_000 {
            evidence.arrived(&hint_of(Some(&booking(id))), at(0));
        }
        evidence.found((0..20_000).map(|id| (booking(id + 30_000), None)), at(1));
        assert_eq!([evidence.announced.len(), evidence.known.len(), evidence.unannounced.len()], [KEPT_MAX; 3]);
    }
}
