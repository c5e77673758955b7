//! Webhook subscriptions and the log of deliveries that failed. Delivery itself is in
//! `deliveries.rs`.
//!
//! Assumptions: a subscription with the topic, the URL and the client id of a present one renews
//! it, or does not, as [`super::Renewal`] says ("create or update"); expired ones are gone; a date
//! of expiry in the past is refused.

use super::body::read_moment;
use super::delivery_queue::DeliveryFailure;
use super::held_subscription::HeldSubscription;
use super::requests::paged;
use super::settings::Renewal;
use super::visit::{HandlerOutcome, HandlerRefusal, HandlerReply, Visit};

/// `GET subscription`
pub(super) fn all(visit: &mut Visit<'_>) -> HandlerOutcome {
    forget_expired(visit);
    HandlerReply::with(visit.practice.subscriptions.iter().map(|(id, own)| own.json(id)).collect())
}

/// `POST subscription`
pub(super) fn create(visit: &mut Visit<'_>) -> HandlerOutcome {
    forget_expired(visit);
    let body = visit.required_body()?;
    let mut wanted = HeldSubscription::read(&body, visit.now, visit.notes)?;
    if let Some(latest) = visit.settings.subscription_life_max.map(|life| visit.now + life) {
        wanted.expire_at = Some(wanted.expire_at.map_or(latest, |end| end.min(latest)));
    }
    let same = |own: &HeldSubscription| {
        (&own.topic, &own.callback_url, &own.client_id) == (&wanted.topic, &wanted.callback_url, &wanted.client_id)
    };
    let mut present = visit.practice.subscriptions.iter().find(|(_, own)| same(own)).map(|(id, _)| id.clone());
    if visit.settings.renewal == Renewal::AnotherOne {
        present = None;
    }
    let id = present.unwrap_or_else(|| visit.ids.subscription());
    let body = wanted.json(&id);
    visit.practice.subscriptions.insert(id, wanted);
    Ok(HandlerReply { status: 201, body: Some(body), verbatim: false })
}

/// `GET subscription/{id}`
pub(super) fn one(visit: &mut Visit<'_>) -> HandlerOutcome {
    forget_expired(visit);
    let id = visit.params.first().map_or("", String::as_str);
    let own = visit.practice.subscriptions.get(id).ok_or_else(|| HandlerRefusal::fair(404, "no such subscription"))?;
    HandlerReply::with(own.json(id))
}

/// `DELETE subscription/{id}`
pub(super) fn delete(visit: &mut Visit<'_>) -> HandlerOutcome {
    forget_expired(visit);
    let id = visit.params.first().map_or("", String::as_str);
    visit.practice.subscriptions.remove(id).ok_or_else(|| HandlerRefusal::fair(404, "no such subscription"))?;
    Ok(HandlerReply { status: 204, body: None, verbatim: false })
}

/// `GET subscriptionErrorLog?subscriptionId=&from=&to=&page=`
pub(super) fn error_log(visit: &mut Visit<'_>) -> HandlerOutcome {
    let moment = |name| match visit.asked_for(name) {
        None => Ok(None),
        Some(text) => {
            read_moment(text).map(Some).ok_or_else(|| HandlerRefusal::mistake(400, format!("{name} is no time")))
        }
    };
    let (from, to) = (moment("from")?, moment("to")?);
    let wanted = visit.asked_for("subscriptionId");
    let log = &visit.practice.delivery_failures;
    if let Some(id) = wanted {
        let known = visit.practice.subscriptions.contains_key(id) || log.iter().any(|own| own.subscription_id == id);
        known.then_some(()).ok_or_else(|| HandlerRefusal::fair(404, "no such subscription"))?;
    }
    let fits = |own: &&DeliveryFailure| {
        wanted.is_none_or(|id| own.subscription_id == id)
            && from.is_none_or(|from| own.at >= from)
            && to.is_none_or(|to| own.at <= to)
    };
    paged(visit, log.iter().filter(fits), DeliveryFailure::json)
}

fn forget_expired(visit: &mut Visit<'_>) {
    let now = visit.now;
    visit.practice.subscriptions.retain(|_, own| own.is_standing(now));
}
