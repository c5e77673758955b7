//! Looks for signs of another bridge that come without bookings: subscriptions that it makes.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::upkeep::WebhookSubscription;
use crate::polling::call_rates::LOOK_FOR_OTHER_BRIDGE_EVERY;
use crate::polling::pace::BLOCKED;
use crate::practice::health::subject::Subject;
use crate::supervisor;

/// Between two looks at what may have changed by itself, while there may be another bridge. While
/// nothing speaks for one they are [`LOOK_FOR_OTHER_BRIDGE_EVERY`] apart: a call each time, where
/// polls are nine. So its subscription is seen within a minute.
const LOOK_EVERY: Duration = Duration::from_secs(15);

impl WebhookSubscription {
    /// Looks for signs of another bridge that come without bookings, and ends the listening in
    /// time.
    pub(in crate::practice) async fn other_bridge_loop(self: Arc<Self>) {
        self.other_bridge.say_that_it_listens();
        // What stands at the start says nothing, and a practice that was never polled may be
        // refused.
        let mut look_at = Instant::now() + LOOK_FOR_OTHER_BRIDGE_EVERY;
        loop {
            let suspected = self.other_bridge.is_suspected();
            if suspected {
                self.other_bridge.weigh(|own, now| own.tick(now));
            }
            if suspected || look_at <= Instant::now() {
                let answered = self.look_for_its_subscription().await;
                look_at = Instant::now() + if answered { LOOK_FOR_OTHER_BRIDGE_EVERY } else { BLOCKED };
            }
            let again = self.context.stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY));
            if supervisor::rest(again).await.is_none() {
                return;
            }
        }
    }

    /// False if Healthengine does not list subscriptions: where they are looked after, that is a
    /// problem, and asked about there.
    async fn look_for_its_subscription(&self) -> bool {
        if self.context.health.has(&Subject::Access)
            || self.context.health.has(&Subject::Subscriptions)
            || self.context.stop.is_cancelled()
        {
            return true;
        }
        match self.context.healthengine.subscriptions().await {
            Ok(listed) => self.weigh_subscriptions(&listed),
            Err(error) => {
                tracing::debug!(practice = %self.context.id(), "The subscriptions cannot be read: {error}.");
                return false;
            }
        }
        true
    }
}
