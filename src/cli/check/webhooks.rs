//! Does `public_url` lead to the webhook listener?
//!
//! It is asked from here, without the secret: the listener says no in words of its own, and whoever
//! else answers does not. What is seen from here is not what Healthengine sees from outside. So an
//! answer of something else, or a certificate that cannot be used, is a problem; that nothing
//! answers is worth knowing only, because a firewall or a name server may treat this machine
//! differently.

use chrono::{DateTime, Utc};

use super::certificates;
use crate::call_error::{CallError, Cause};
use crate::config::WebhookSettings;
use crate::findings::report::Report;
use crate::http::answer::title;
use crate::http::{Lane, Method, Request, Response};
use crate::http_clients;
use crate::messages::tls::CertificateKeeper;
use crate::messages::webhooks as say;

const PLACE: &str = "[webhooks] public_url";
/// What is asked for. It is no secret, so the listener refuses it.
const PATH: &str = "/webhooks/check";

/// Asks once.
pub(super) async fn inspect(settings: &WebhookSettings, service_runs: bool, now: DateTime<Utc>, report: &mut Report) {
    let (door, server) = match http_clients::webhook_door(settings) {
        Ok(door) => door,
        Err(error) => return report.note(PLACE, say::not_asked_from_here(settings.prefix(), &error)),
    };
    let request = Request {
        method: Method::Get,
        path: PATH.to_owned(),
        accept: "*/*",
        json: None,
        gzip: false,
        lane: Lane::Background,
        repeatable: false,
    };
    match door.exchange(request).await {
        Ok(response) => judge(settings, &response, service_runs, report),
        Err(error) => unreached(settings, &error, report),
    }
    certificates::inspect(PLACE, server.shown_certificates(), CertificateKeeper::Proxy, now, report);
}

fn judge(settings: &WebhookSettings, response: &Response, service_runs: bool, report: &mut Report) {
    let text = String::from_utf8_lossy(&response.body);
    let is_ours = [say::NOT_ALLOWED, say::NOTHING_HERE, say::ONLY_POST].contains(&text.as_ref());
    let found = say::another_answer(response.status, title(&response.body).as_deref());
    match response.status {
        _ if is_ours => report.ok(PLACE, say::leads_to_the_listener(settings.prefix())),
        // The proxy stands, and what it leads to does not.
        502..=504 if !service_runs => report.note(PLACE, say::nobody_behind_the_proxy(settings.prefix(), &found)),
        // A proxy may let nobody in but Healthengine.
        401 | 403 => report.note(PLACE, say::shut_from_here(settings.prefix(), &found)),
        _ => report.problem(PLACE, say::leads_elsewhere(settings.prefix(), &found)),
    }
}

fn unreached(settings: &WebhookSettings, error: &CallError, report: &mut Report) {
    match error.cause {
        Some(Cause::Certificate(_) | Cause::SpeaksHttp) => {
            report.problem(PLACE, say::unusable_from_here(settings.prefix(), error));
        }
        Some(Cause::Page | Cause::TooLarge | Cause::LeftAlone | Cause::Proxy | Cause::SpeaksHttps) | None => {
            report.note(PLACE, say::unreached_from_here(settings.prefix(), error));
        }
    }
}
