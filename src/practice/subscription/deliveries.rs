//! Which deliveries of webhooks failed, by Healthengine's log.

use chrono::TimeDelta;

use super::evidence::Deliveries;
use super::upkeep::{LookError, WebhookSubscription};
use crate::call_error::ErrorClass;
use crate::dates;
use crate::healthengine::ErrorLogQuery;
use crate::healthengine::paging::read_all;
use crate::messages::webhooks as say;
use crate::practice::health::subject::Subject;
use crate::webhooks::failure::reason;
use crate::webhooks::hint::Hint;

/// Entries of the log are dated in whole seconds, and written after the call.
const ERRORS_OVERLAP: TimeDelta = TimeDelta::seconds(60);

impl WebhookSubscription {
    /// A webhook for this practice arrived.
    pub(in crate::practice) fn webhook(&self, hint: &Hint) {
        self.evidence.arrived(hint, self.context.now());
        self.tell_deliveries();
        self.context.signals.poll.notify_one();
    }

    /// Reads which deliveries of the subscription failed since the last look.
    pub(super) async fn read_delivery_errors(&self) -> Result<(), LookError> {
        let Some(wanted) = self.context.settings.webhooks.as_ref().filter(|_| !self.context.stop.is_cancelled()) else {
            return Ok(());
        };
        let callback = self.context.shared.pseudonyms.fingerprint(&wanted.callback_url);
        let Some(id) = self.remembered().current(&callback).map(str::to_owned) else { return Ok(()) };
        let now = self.healthengines_now();
        // What failed while no bridge listened is no news.
        let from = {
            let mut deliveries = self.deliveries.lock();
            if deliveries.of != id {
                *deliveries = Deliveries { of: id.clone(), ..Deliveries::default() };
            }
            let read_to = deliveries.read_to.filter(|read_to| dates::age(*read_to, now).is_some()).unwrap_or(now);
            deliveries.read_to = Some(read_to);
            read_to
        };
        let page = |page| {
            let query = ErrorLogQuery { subscription_id: Some(id.clone()), from: Some(from), to: None, page };
            async move { self.context.healthengine.subscription_errors(&query).await }
        };
        let read = match read_all(page).await {
            // A subscription without a failure may be unknown to the log.
            Err(error) if error.class == ErrorClass::Refused && error.status == Some(404) => Vec::new(),
            read => read?.items,
        };
        let last = read
            .iter()
            .filter_map(|error| Some((error.timestamp?, reason(error, &wanted.callback_url).to_string())))
            .max_by_key(|(at, _)| *at);
        {
            let mut deliveries = self.deliveries.lock();
            deliveries.read_to = Some((now - ERRORS_OVERLAP).max(from));
            deliveries.failed = last.or(deliveries.failed.take());
        }
        self.tell_deliveries();
        Ok(())
    }

    /// Deliveries fail if none arrived since the last one that failed.
    pub(super) fn tell_deliveries(&self) {
        let arrived = self.evidence.arrived_at().map(|at| at + self.context.healthengine.clock_difference());
        let mut deliveries = self.deliveries.lock();
        deliveries.failed.take_if(|(at, _)| arrived.is_some_and(|arrived| arrived >= *at));
        let text = deliveries.failed.as_ref().map(|(_, reason)| say::deliveries_fail(reason));
        self.context.health.set(Subject::Webhooks, text, self.context.now());
    }
}
