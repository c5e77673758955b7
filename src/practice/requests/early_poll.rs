//! The first poll of a practice, which leaves while the store is being read: polling says that the
//! clinic is alive, and a large store is read for seconds.
//!
//! It is no poll that the practice would not make. One that is disabled, or that somebody paused,
//! is silent; one that Healthengine has no days of sends these first.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::call_error::Answer;
use crate::healthengine::{HealthengineHandle, RequestKind};
use crate::ids::PracticeId;
use crate::practice::{days, pauses};
use crate::store::OpenedDatabase;

/// What Healthengine answered counts for this long: what was booked since is found at once then,
/// and not at the next poll.
const COUNTS_FOR: Duration = Duration::from_secs(1);

type Poll = JoinHandle<(Instant, Answer<Vec<RequestKind>>)>;

/// The practices of a configuration that are enabled, and how Healthengine is reached as each.
pub type EnabledPractices = Arc<[(PracticeId, HealthengineHandle)]>;

/// The first polls of a start.
#[derive(Default)]
pub(crate) struct EarlyPolls(Mutex<BTreeMap<PracticeId, Poll>>);

impl EarlyPolls {
    /// Sends those of practices that poll at once, by what the store says of them.
    pub(in crate::practice) fn send(&self, practices: &EnabledPractices, store: &OpenedDatabase<'_>) {
        let polls_at_once = |id: &PracticeId| !pauses::is_paused(store, id) && days::sent::has_sent(store, id);
        for (id, healthengine) in practices.iter().filter(|(id, _)| polls_at_once(id)) {
            let healthengine = Arc::clone(healthengine);
            let poll = tokio::spawn(async move { (Instant::now(), healthengine.requests().await) });
            self.0.lock().insert(id.clone(), poll);
        }
    }

    /// What came of that of a practice. `None` if none was sent, or too long ago.
    pub(super) async fn take(&self, practice: &PracticeId) -> Option<Answer<Vec<RequestKind>>> {
        let poll = self.0.lock().remove(practice)?;
        let (sent, answer) = poll.await.ok()?;
        (answer.is_err() || sent.elapsed() <= COUNTS_FOR).then_some(answer)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::clock::Clock;
    use crate::healthengine::client::HealthengineClient;
    use crate::http::{Request, Response, Transport};
    use crate::practice::StartRecords;
    use crate::publishing::last_sent::LastSent;
    use crate::store::{Batch, Record, Store};

    /// A day that was sent, as far as anybody asks here.
    #[derive(Serialize, Deserialize)]
    struct Sent;

    impl Record for Sent {
        const KIND: &'static str = LastSent::KIND;
        const VERSION: u32 = LastSent::VERSION;
    }

    #[derive(Default)]
    struct Healthengine {
        polls: AtomicUsize,
    }

    #[async_trait]
    impl Transport for Healthengine {
        async fn exchange(&self, _: Request) -> Answer<Response> {
            self.polls.fetch_add(1, Ordering::Relaxed);
            Ok(Response { status: 200, headers: Vec::new(), body: br#"["bookings"]"#.to_vec() })
        }
    }

    #[tokio::test]
    async fn practices_poll_while_the_store_is_read_unless_they_are_paused_or_have_no_days_there() {
        let (directory, clock) = (tempfile::tempdir().unwrap(), Clock::system());
        let (now, named) = (clock.now(), |id: &str| PracticeId(id.into()));
        let store = Store::open(directory.path(), now).unwrap();
        for key in ["1/s136/2027-02-15", "2/s136/2027-02-15", "3/s136/2027-02-15", "44/s136/2027-02-15"] {
            store.commit(Batch::of(key, &Sent).unwrap()).await.unwrap();
        }
        for paused in ["2", "33"] {
            pauses::set_paused(&store, &named(paused), true, now).await.unwrap();
        }
        drop(store);

        let server = Arc::new(Healthengine::default());
        let client = || Arc::new(HealthengineClient::new(Arc::<Healthengine>::clone(&server), clock.clone()));
        let practices: EnabledPractices =
            ["1", "2", "3", "4"].into_iter().map(|id| (named(id), client() as HealthengineHandle)).collect();
        let begin = || StartRecords::none(now).polling(&practices);
        let (store, records) = Store::open_reading(directory.path(), now, &begin).unwrap();
        let (_, _, polls) = records.begin(store, now);
        assert_eq!(polls.take(&named("1")).await, Some(Ok(vec![RequestKind::Bookings])));
        for silent in ["1", "2", "4"] {
            assert_eq!(polls.take(&named(silent)).await, None, "{silent}");
        }
        assert_eq!(server.polls.load(Ordering::Relaxed), 2);
        tokio::time::pause();
        tokio::time::advance(2 * COUNTS_FOR).await;
        assert_eq!(polls.take(&named("3")).await, None, "somebody may have booked since");
    }
}
