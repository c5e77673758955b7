//! Which subscriptions at Healthengine are made, renewed and deleted: `(wanted, listed, remembered,
//! now) → changes`.
//!
//! **Model.** One subscription to `requests.*` is wanted, which calls us back at
//! `<public_url>/webhooks/<secret>`, carries the practice id as `clientId` and ends after [`LIFE`].
//! It is made anew every day. Whether Healthengine then renews the one that stands or makes another
//! one is its affair ("Create or update"): the next look sees, keeps the one that ends last and
//! deletes the rest.
//!
//! **Ours** are those that the state remembers, by their number or by where they call, and those
//! whose callback begins with `<public_url>/webhooks/`. Only ours are ever deleted. Practices of
//! one bridge share that address, so one that carries the id of another practice is that
//! practice's.
//!
//! **Promises**
//! - Make before break: nothing is deleted before a subscription that fits stands.
//! - One whose making was never answered is found at the next look, by where it calls; at the
//!   latest it ends by itself.
//! - What Healthengine leaves out of its list (any field can be missing) is taken for what was
//!   sent.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::healthengine::Subscription;
use crate::ids::PracticeId;

/// Covers every kind of request.
pub const TOPIC: &str = "requests.*";
/// A subscription ends after this long.
pub const LIFE: TimeDelta = TimeDelta::days(7);
/// And is made anew after this long.
const RENEWED_AFTER: TimeDelta = TimeDelta::days(1);
/// A server that lets one stand for a shorter time is not asked to make it anew sooner than this.
const NO_SOONER_THAN: TimeDelta = TimeDelta::hours(1);
/// More callbacks, and more subscriptions, are not remembered.
const REMEMBERED_MAX: usize = 32;

/// Where we want to be called. `Debug` hides the secret at its end.
#[derive(Clone, PartialEq, Eq)]
pub struct WantedSubscription {
    /// `<public_url>/webhooks/`.
    pub prefix: String,
    /// The same with the secret.
    pub callback_url: String,
}

impl WantedSubscription {
    /// True if a text repeats the secret.
    pub fn is_told_by(&self, text: &str) -> bool {
        self.callback_url.strip_prefix(&self.prefix).is_some_and(|secret| text.contains(secret))
    }
}

impl fmt::Debug for WantedSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WantedSubscription").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// What the state remembers of a practice's subscriptions. Callbacks end in the secret, so only
/// their keyed hashes are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RememberedSubscriptions {
    /// Where subscriptions that we asked for call, oldest first. Written before the first of them
    /// is asked for.
    pub callbacks: Vec<String>,
    /// Those that Healthengine confirmed, by its id.
    pub made: BTreeMap<String, Made>,
}

/// A subscription that Healthengine confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Where it calls.
    pub callback: String,
    /// When it was last asked for.
    pub at: DateTime<Utc>,
    /// When it is to end.
    pub until: DateTime<Utc>,
}

impl RememberedSubscriptions {
    /// True if nothing was ever asked for, or all of it is gone.
    pub fn is_empty(&self) -> bool {
        self.callbacks.is_empty() && self.made.is_empty()
    }

    /// Notes that a subscription to this callback will be asked for.
    pub fn will_ask(&mut self, callback: &str) {
        if self.callbacks.iter().any(|own| own == callback) {
            return;
        }
        self.callbacks.push(callback.to_owned());
        if self.callbacks.len() > REMEMBERED_MAX {
            self.callbacks.remove(0);
        }
    }

    /// Notes that Healthengine confirmed one.
    pub fn was_made(&mut self, id: String, made: Made) {
        self.made.insert(id, made);
        while self.made.len() > REMEMBERED_MAX {
            let oldest = self.made.iter().min_by_key(|(_, made)| made.at).map(|(id, _)| id.clone());
            oldest.and_then(|oldest| self.made.remove(&oldest));
        }
    }

    /// Forgets what a whole list no longer has. Callbacks other than the wanted one are forgotten
    /// once nothing of ours stands besides it; one whose making was lost would be listed by then.
    pub fn forget_absent(&mut self, listed: &[Subscription], wanted: Option<&str>, ours_left: usize) {
        let is_listed = |id: &str| listed.iter().any(|own| own.id.as_deref() == Some(id));
        self.made.retain(|id, _| is_listed(id));
        if ours_left <= usize::from(wanted.is_some()) {
            self.callbacks.retain(|own| Some(own.as_str()) == wanted);
        }
    }

    /// The one that calls there and ends last.
    pub fn current(&self, callback: &str) -> Option<&str> {
        let there = self.made.iter().filter(|(_, made)| made.callback == callback);
        there.max_by_key(|(_, made)| made.until).map(|(id, _)| id.as_str())
    }
}

/// What has to be done about subscriptions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Ask for this one.
    Make(Subscription),
    /// End this one.
    Delete(String),
}

/// Whose subscriptions are looked at, and how the remembered ones are told.
pub struct View<'a> {
    /// The practice that asks.
    pub practice: &'a PracticeId,
    /// Practices of this bridge; the asking one may be among them.
    pub practices: &'a BTreeSet<PracticeId>,
    /// Where ours call, as far as the configuration says it.
    pub known_by: Option<&'a WantedSubscription>,
    /// What the state remembers.
    pub remembered: &'a RememberedSubscriptions,
    /// The keyed hash of a callback.
    pub fingerprint: &'a (dyn Fn(&str) -> String + Sync),
}

impl View<'_> {
    /// What has to be done so that the wanted one is there and no other of ours is. While one has
    /// to be made that is all; what is to be deleted shows when it stands. `now` is Healthengine's.
    pub fn changes(
        &self,
        wanted: Option<&WantedSubscription>,
        listed: &[Subscription],
        now: DateTime<Utc>,
    ) -> Vec<Change> {
        let ours = || listed.iter().filter(|own| self.is_ours(own));
        let Some(wanted) = wanted else { return delete(ours()) };
        let fitting = ours().filter(|own| self.fits(own, wanted) && self.ends(own).is_some_and(|end| end > now));
        let best = fitting.max_by_key(|own| (self.ends(own), &own.id));
        match best {
            Some(best) if self.is_fresh(best, now) => delete(ours().filter(|own| own.id != best.id)),
            Some(_) | None => vec![Change::Make(self.to_make(wanted, now))],
        }
    }

    /// True for those that may be deleted.
    pub fn is_ours(&self, own: &Subscription) -> bool {
        let made = own.id.as_ref().is_some_and(|id| self.remembered.made.contains_key(id));
        let carries = own.client_id.as_deref().unwrap_or_default();
        let anothers = carries != self.practice.0 && self.practices.iter().any(|other| other.0 == carries);
        let asked = || self.remembered.callbacks.contains(&(self.fingerprint)(&own.callback_url));
        let begins = || self.known_by.is_some_and(|wanted| own.callback_url.starts_with(&wanted.prefix));
        made || (!anothers && (begins() || asked()))
    }

    /// True for one that another bridge made for this practice after `since`: it is as ours are,
    /// and not ours. One that a former bridge left behind is older.
    pub fn is_other_bridges(&self, own: &Subscription, since: DateTime<Utc>) -> bool {
        let made_at = own.expire_at.and_then(|end| end.checked_sub_signed(LIFE));
        own.topic == TOPIC
            && own.client_id.as_ref() == Some(&self.practice.0)
            && own.callback_url.contains("/webhooks/")
            && made_at.is_some_and(|at| at > since)
            && !self.is_ours(own)
    }

    fn made(&self, own: &Subscription) -> Option<&Made> {
        self.remembered.made.get(own.id.as_ref()?)
    }

    /// True if it is as the wanted one is. Healthengine may write an address in another way than we
    /// do, or leave a field out.
    fn fits(&self, own: &Subscription, wanted: &WantedSubscription) -> bool {
        let made = self.made(own).is_some_and(|made| made.callback == (self.fingerprint)(&wanted.callback_url));
        let topic = own.topic == TOPIC || (made && own.topic.is_empty());
        let whose = match &own.client_id {
            Some(id) => *id == self.practice.0,
            None => made,
        };
        topic && whose && (made || own.callback_url == wanted.callback_url)
    }

    fn ends(&self, own: &Subscription) -> Option<DateTime<Utc>> {
        own.expire_at.or_else(|| self.made(own).map(|made| made.until))
    }

    fn is_fresh(&self, own: &Subscription, now: DateTime<Utc>) -> bool {
        let left = self.ends(own).map_or(TimeDelta::zero(), |end| end - now);
        let just_made = || self.made(own).is_some_and(|made| (now - made.at).abs() < NO_SOONER_THAN);
        left > LIFE - RENEWED_AFTER || just_made()
    }

    fn to_make(&self, wanted: &WantedSubscription, now: DateTime<Utc>) -> Subscription {
        Subscription {
            id: None,
            client_id: Some(self.practice.0.clone()),
            topic: TOPIC.to_owned(),
            callback_url: wanted.callback_url.clone(),
            expire_at: Some(now + LIFE),
        }
    }
}

fn delete<'a>(subscriptions: impl Iterator<Item = &'a Subscription>) -> Vec<Change> {
    subscriptions.filter_map(|own| own.id.clone()).map(Change::Delete).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREFIX: &str = "https://bridge.example/webhooks/";

    fn hours(hours: i64) -> DateTime<Utc> {
        DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::hours(hours)
    }

    fn wanted() -> WantedSubscription {
        WantedSubscription { prefix: PREFIX.into(), callback_url: format!("{PREFIX}secret") }
    }

    /// A subscription of practice 1 that fits and was made this many hours ago.
    fn fitting(id: &str, hours_ago: i64) -> Subscription {
        Subscription {
            id: Some(id.into()),
            client_id: Some("1".into()),
            topic: TOPIC.into(),
            callback_url: format!("{PREFIX}secret"),
            expire_at: Some(hours(-hours_ago) + LIFE),
        }
    }

    fn with(id: &str, change: impl FnOnce(&mut Subscription)) -> Subscription {
        let mut subscription = fitting(id, 0);
        change(&mut subscription);
        subscription
    }

    fn remembered(made: &[&str]) -> RememberedSubscriptions {
        let mut remembered = RememberedSubscriptions::default();
        for id in made {
            let made = Made { callback: print(&format!("{PREFIX}secret")), at: hours(-30), until: hours(-30) + LIFE };
            remembered.was_made((*id).into(), made);
        }
        remembered
    }

    fn print(callback: &str) -> String {
        format!("hash of {callback}")
    }

    /// The changes in short: `make`, or the numbers that are deleted.
    fn changes(
        wanted: Option<&WantedSubscription>,
        listed: &[Subscription],
        remembered: &RememberedSubscriptions,
    ) -> Vec<String> {
        let practices = ["1", "2"].map(|id| PracticeId(id.into())).into();
        let view = View {
            practice: &PracticeId("1".into()),
            practices: &practices,
            known_by: wanted,
            remembered,
            fingerprint: &print,
        };
        let short = |change| match change {
            Change::Make(made) => {
                assert_eq!((&made.id, made.expire_at), (&None, Some(hours(0) + LIFE)));
                "make".to_owned()
            }
            Change::Delete(id) => id,
        };
        view.changes(wanted, listed, hours(0)).into_iter().map(short).collect()
    }

    #[test]
    fn what_is_made_and_deleted_follows_from_what_is_listed() {
        let elsewhere = |own: &mut Subscription| own.callback_url = "https://elsewhere.example/webhooks/secret".into();
        let table: Vec<(&str, Vec<Subscription>, Vec<&str>)> = vec![
            ("nothing", vec![], vec!["make"]),
            ("one that fits", vec![fitting("a", 0)], vec![]),
            ("one of almost a day", vec![fitting("a", 23)], vec![]),
            ("one of a day", vec![fitting("a", 24)], vec!["make"]),
            ("one that is over", vec![fitting("a", 7 * 24)], vec!["make"]),
            ("the old one and its successor", vec![fitting("a", 24), fitting("b", 0)], vec!["a"]),
            ("duplicates", vec![fitting("a", 2), fitting("b", 1), fitting("c", 3)], vec!["a", "c"]),
            ("two of one moment", vec![fitting("a", 0), fitting("b", 0)], vec!["a"]),
            ("one without an end", vec![with("a", |own| own.expire_at = None)], vec!["make"]),
            ("that and one that fits", vec![with("a", |own| own.expire_at = None), fitting("b", 0)], vec!["a"]),
            (
                "another secret",
                vec![with("a", |own| own.callback_url = format!("{PREFIX}former")), fitting("b", 0)],
                vec!["a"],
            ),
            ("another secret alone", vec![with("a", |own| own.callback_url = format!("{PREFIX}former"))], vec!["make"]),
            (
                "another topic",
                vec![with("a", |own| own.topic = "requests.bookings".into()), fitting("b", 0)],
                vec!["a"],
            ),
            ("no client id", vec![with("a", |own| own.client_id = None), fitting("b", 0)], vec!["a"]),
            (
                "an unknown client id",
                vec![with("a", |own| own.client_id = Some("9".into())), fitting("b", 0)],
                vec!["a"],
            ),
            ("another practice's", vec![with("a", |own| own.client_id = Some("2".into())), fitting("b", 0)], vec![]),
            ("another practice's alone", vec![with("a", |own| own.client_id = Some("2".into()))], vec!["make"]),
            ("a stranger's", vec![with("a", elsewhere), fitting("b", 0)], vec![]),
            ("a stranger's alone", vec![with("a", elsewhere)], vec!["make"]),
            (
                "strangers with a similar address",
                vec![
                    with("a", |own| own.callback_url = "https://bridge.example/webhook".into()),
                    with("b", |own| own.callback_url = "https://bridge.example.evil/webhooks/x".into()),
                    with("c", |own| own.callback_url = "https://bridge.example/other/webhooks/x".into()),
                    fitting("d", 0),
                ],
                vec![],
            ),
        ];
        for (name, listed, expected) in table {
            assert_eq!(changes(Some(&wanted()), &listed, &RememberedSubscriptions::default()), expected, "{name}");
        }
    }

    #[test]
    fn without_webhooks_only_what_is_remembered_is_deleted() {
        let listed = [fitting("a", 0), with("b", |own| own.callback_url = "https://elsewhere.example/x".into())];
        assert_eq!(changes(None, &listed, &RememberedSubscriptions::default()), [""; 0]);
        assert_eq!(changes(None, &listed, &remembered(&["a", "gone"])), ["a"]);
        let mut asked = RememberedSubscriptions::default();
        asked.will_ask(&print("https://elsewhere.example/x"));
        assert_eq!(changes(None, &listed, &asked), ["b"], "its making was never answered");
    }

    #[test]
    fn a_changed_address_makes_the_new_one_before_the_remembered_old_one_goes() {
        let moved = WantedSubscription {
            prefix: "https://new.example/webhooks/".into(),
            callback_url: "https://new.example/webhooks/s".into(),
        };
        let (old, new) = (fitting("a", 1), with("b", |own| own.callback_url = moved.callback_url.clone()));
        assert_eq!(changes(Some(&moved), std::slice::from_ref(&old), &remembered(&["a"])), ["make"]);
        assert_eq!(changes(Some(&moved), &[old.clone(), new.clone()], &remembered(&["a"])), ["a"]);
        assert_eq!(
            changes(Some(&moved), &[old, new], &RememberedSubscriptions::default()),
            [""; 0],
            "nobody knows whose it is"
        );
    }

    #[test]
    fn what_the_list_leaves_out_is_taken_for_what_was_sent() {
        let bare = with("a", |own| {
            (own.client_id, own.expire_at) = (None, None);
            own.topic = String::new();
            own.callback_url = "https://BRIDGE.example/webhooks/secret/".into();
        });
        assert_eq!(
            changes(Some(&wanted()), std::slice::from_ref(&bare), &RememberedSubscriptions::default()),
            ["make"]
        );
        let mut known = remembered(&["a"]);
        if let Some(made) = known.made.get_mut("a") {
            (made.at, made.until) = (hours(-2), hours(-2) + LIFE);
        }
        assert_eq!(changes(Some(&wanted()), &[bare], &known), [""; 0]);
    }

    #[test]
    fn a_server_that_shortens_their_life_is_not_asked_all_the_time() {
        let short = with("a", |own| own.expire_at = Some(hours(5)));
        let mut known = remembered(&["a"]);
        assert_eq!(changes(Some(&wanted()), std::slice::from_ref(&short), &known), ["make"]);
        if let Some(made) = known.made.get_mut("a") {
            made.at = hours(0) - TimeDelta::minutes(59);
        }
        assert_eq!(changes(Some(&wanted()), &[short], &known), [""; 0]);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_goes_when_it_is_gone() {
        let mut remembered = remembered(&["a", "b"]);
        for number in 0..100 {
            remembered.will_ask(&format!("callback {number}"));
            let made = Made { callback: "x".into(), at: hours(number), until: hours(number) };
            remembered.was_made(format!("made {number}"), made);
        }
        assert_eq!((remembered.callbacks.len(), remembered.made.len()), (REMEMBERED_MAX, REMEMBERED_MAX));
        assert!(remembered.made.contains_key("made 99"));
        let listed = [with("made 99", |_| ())];
        remembered.forget_absent(&listed, Some("callback 99"), 2);
        assert_eq!((remembered.callbacks.len(), remembered.made.len()), (REMEMBERED_MAX, 1));
        remembered.forget_absent(&listed, Some("callback 99"), 1);
        assert_eq!(remembered.callbacks, ["callback 99"]);
        remembered.forget_absent(&[], None, 0);
        assert!(remembered.is_empty());
    }

    #[test]
    fn another_bridge_shows_in_a_subscription_as_ours_are_that_is_not_ours_and_was_made_lately() {
        let elsewhere = |own: &mut Subscription| own.callback_url = "https://elsewhere.example/webhooks/s".into();
        let seen = |own: &Subscription, since: i64| {
            let practices = ["1", "2"].map(|id| PracticeId(id.into())).into();
            let view = View {
                practice: &PracticeId("1".into()),
                practices: &practices,
                known_by: Some(&wanted()),
                remembered: &remembered(&["ours"]),
                fingerprint: &print,
            };
            view.is_other_bridges(own, hours(since))
        };
        assert!(seen(&with("a", elsewhere), -1));
        assert!(!seen(&with("a", elsewhere), 1), "it is older: whoever made it may be gone");
        assert!(!seen(&fitting("a", 0), -1), "it calls here");
        assert!(!seen(&with("ours", elsewhere), -1), "it is remembered");
        let but = |change: fn(&mut Subscription)| {
            let mut own = with("a", elsewhere);
            change(&mut own);
            seen(&own, -1)
        };
        assert!(!but(|own| own.client_id = Some("2".into())) && !but(|own| own.client_id = None));
        assert!(!but(|own| own.topic = "requests.bookings".into()) && !but(|own| own.expire_at = None));
        assert!(!but(|own| own.callback_url = "https://elsewhere.example/hooks/s".into()));
    }

    #[test]
    fn the_secret_is_not_shown() {
        let shown = format!("{:?}", wanted());
        assert!(shown.contains(PREFIX) && !shown.contains("secret"), "{shown}");
        assert!(wanted().is_told_by("secret, at https://elsewhere.example") && !wanted().is_told_by(PREFIX));
    }
}
