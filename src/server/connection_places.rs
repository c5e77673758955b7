//! The places for connections, and who gives theirs up when all are taken.
//!
//! A newcomer is never turned away for want of a place: somebody else loses theirs. That is one of
//! the peer that has the most connections, and of these the one that has kept us waiting longest;
//! only where all of them are being served, the oldest. A connection is left alone for its first
//! [`GRACE`], so that an ordinary client among thousands has time to ask; while every connection is
//! that young, the newcomer waits. While more than half of the places are taken, a connection ends
//! with its first answer, and keeps its place for [`GRACE`] all the same: so clients who come again
//! and again do not take the processor from the others.

use parking_lot::{Mutex, MutexGuard};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::connection_conduct::Conduct;

/// No connection loses its place sooner.
pub(super) const GRACE: Duration = Duration::from_millis(250);

/// The places of a listener; clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Places {
    number: usize,
    taken: Arc<Mutex<TakenPlaces>>,
}

#[derive(Debug, Default)]
struct TakenPlaces {
    next: u64,
    by: BTreeMap<u64, Holder>,
}

#[derive(Debug)]
struct Holder {
    peer: IpAddr,
    conduct: Conduct,
    lost: CancellationToken,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(super) struct HeldPlace {
    key: u64,
    pub(super) places: Places,
    pub(super) conduct: Conduct,
    lost: CancellationToken,
}

impl HeldPlace {
    /// Ends when the place goes to somebody else.
    pub(super) async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// Gives the place back: in a crowd not before [`GRACE`] is over.
    pub(super) async fn leave(self) {
        if self.places.is_crowded() {
            tokio::time::sleep_until(self.conduct.standing().0 + GRACE).await;
        }
    }
}

impl Drop for HeldPlace {
    fn drop(&mut self) {
        self.places.taken().by.remove(&self.key);
    }
}

impl Places {
    pub(super) fn new(number: usize) -> Self {
        Self { number, taken: Arc::default() }
    }

    fn taken(&self) -> MutexGuard<'_, TakenPlaces> {
        self.taken.lock()
    }

    /// A place for this peer, taken from somebody else if need be.
    ///
    /// # Errors
    /// Everybody is too young to lose theirs; the first one is not at this moment.
    pub(super) fn take(&self, peer: IpAddr) -> Result<HeldPlace, Instant> {
        let mut taken = self.taken();
        if taken.by.len() >= self.number {
            taken.free_one(Instant::now())?;
        }
        let key = taken.next;
        taken.next += 1;
        let (conduct, lost) = (Conduct::new(), CancellationToken::new());
        taken.by.insert(key, Holder { peer, conduct: conduct.clone(), lost: lost.clone() });
        Ok(HeldPlace { key, places: self.clone(), conduct, lost })
    }

    /// True while more than half of the places are taken.
    pub(super) fn is_crowded(&self) -> bool {
        self.taken().by.len() > self.number / 2
    }

    /// Takes a place from somebody, if anybody is old enough: what a connection holds is needed
    /// otherwise.
    pub(super) fn free_one(&self) {
        let _too_young = self.taken().free_one(Instant::now());
    }
}

impl TakenPlaces {
    fn free_one(&mut self, now: Instant) -> Result<(), Instant> {
        let standings = self.by.iter().map(|(key, holder)| {
            let (opened, waits_since) = holder.conduct.standing();
            ConnectionStanding { key: *key, peer: holder.peer, opened, waits_since }
        });
        let key = who_leaves(&standings.collect::<Vec<_>>(), now)?;
        if let Some(holder) = self.by.remove(&key) {
            holder.lost.cancel();
        }
        Ok(())
    }
}

/// How one connection stands.
#[derive(Debug, Clone, Copy)]
struct ConnectionStanding {
    key: u64,
    peer: IpAddr,
    opened: Instant,
    /// Since when it waits for its client, if it does.
    waits_since: Option<Instant>,
}

/// The key of the connection that gives up its place, or when there will be one.
fn who_leaves(standings: &[ConnectionStanding], now: Instant) -> Result<u64, Instant> {
    let mut per_peer: BTreeMap<IpAddr, usize> = BTreeMap::new();
    for standing in standings {
        *per_peer.entry(standing.peer).or_default() += 1;
    }
    let grown = standings.iter().filter(|standing| now >= standing.opened + GRACE);
    let leaves = grown.max_by_key(|standing| {
        let waiting = standing.waits_since.map(|since| now.saturating_duration_since(since));
        (per_peer.get(&standing.peer), waiting, now.saturating_duration_since(standing.opened))
    });
    let grows_up = || standings.iter().map(|standing| standing.opened + GRACE).min().unwrap_or(now);
    leaves.map(|standing| standing.key).ok_or_else(grows_up)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(key: u64, peer: u8, age_ms: u64, waits_ms: Option<u64>, now: Instant) -> ConnectionStanding {
        let ago = |milliseconds| now - Duration::from_millis(milliseconds);
        let peer = IpAddr::from([10, 0, 0, peer]);
        ConnectionStanding { key, peer, opened: ago(age_ms), waits_since: waits_ms.map(ago) }
    }

    #[test]
    fn a_full_house_loses_the_longest_waiting_connection_of_the_peer_that_has_the_most() {
        let now = Instant::now() + Duration::from_secs(3600);
        let one = |key, peer, age, waits| standing(key, peer, age, waits, now);
        let table = [
            (vec![one(1, 1, 900, Some(300)), one(2, 1, 900, Some(400)), one(3, 2, 9000, Some(9000))], Ok(2)),
            (vec![one(1, 1, 900, None), one(2, 1, 300, Some(1))], Ok(2)),
            (vec![one(1, 1, 900, None), one(2, 1, 800, None)], Ok(1)),
            // The peer with the most has only young ones: another's goes, as long as it is not
            // young itself.
            (vec![one(1, 1, 10, Some(10)), one(2, 1, 20, Some(20)), one(3, 2, 900, Some(1))], Ok(3)),
            (vec![one(1, 1, 10, Some(10)), one(2, 1, 20, Some(20))], Err(now + Duration::from_millis(230))),
        ];
        for (standings, expected) in table {
            assert_eq!(who_leaves(&standings, now), expected, "{standings:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn there_is_always_room_for_another_and_whoever_loses_a_place_hears_of_it() {
        let places = Places::new(2);
        let peer = IpAddr::from([127, 0, 0, 1]);
        let (first, second) = (places.take(peer).unwrap(), places.take(peer).unwrap());
        let again_at = places.take(peer).unwrap_err();
        assert_eq!(again_at, Instant::now() + GRACE);
        tokio::time::sleep_until(again_at).await;
        let serving = first.conduct.serves();
        let third = places.take(peer).unwrap();
        second.lost().await;
        drop((first, serving));
        let fourth = places.take(peer).unwrap();
        assert!(places.take(peer).is_err());
        drop((third, fourth));
        assert!(places.take(peer).is_ok());
    }
}
