//! Webhook subscriptions, and the log of deliveries that failed.

use std::fmt;

use chrono::{DateTime, Utc};

/// A webhook subscription. Ours call back an address that ends in the webhook secret, which `Debug`
/// leaves out.
#[derive(Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Given by Healthengine; absent in one that is to be made.
    pub id: Option<String>,
    /// What we called it: the practice id.
    pub client_id: Option<String>,
    /// Such as `requests.*`.
    pub topic: String,
    /// Where Healthengine calls.
    pub callback_url: String,
    /// When it ends.
    pub expire_at: Option<DateTime<Utc>>,
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("id", &self.id)
            .field("client_id", &self.client_id)
            .field("topic", &self.topic)
            .field("expire_at", &self.expire_at)
            .finish_non_exhaustive()
    }
}

/// A webhook delivery that failed. `Debug` leaves out the address, which ends in the webhook
/// secret, and what went wrong, which may repeat it.
#[derive(Clone, PartialEq, Eq)]
pub struct SubscriptionError {
    /// When.
    pub timestamp: Option<DateTime<Utc>>,
    /// Of which subscription.
    pub subscription_id: Option<String>,
    /// To where.
    pub callback_url: Option<String>,
    /// Which attempt it was.
    pub attempt: Option<i64>,
    /// What kind of thing went wrong, such as the name of an exception.
    pub kind: Option<String>,
    /// What went wrong.
    pub message: Option<String>,
}

impl fmt::Debug for SubscriptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscriptionError")
            .field("timestamp", &self.timestamp)
            .field("subscription_id", &self.subscription_id)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

/// Which part of the error log is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorLogQuery {
    /// Of one subscription.
    pub subscription_id: Option<String>,
    /// Since then.
    pub from: Option<DateTime<Utc>>,
    /// Until then.
    pub to: Option<DateTime<Utc>>,
    /// The page, from 1.
    pub page: u32,
}
