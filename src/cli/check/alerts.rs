//! Sends a test through each channel of `[alerts]`.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;

use super::certificates;
use crate::alerts::channels::{AlertChannels, Receiver};
use crate::alerts::concern::{AlertKind, AlertMessage};
use crate::alerts::letter::Letter;
use crate::config::Config;
use crate::findings::report::Report;
use crate::http_clients;
use crate::ids::PracticeId;
use crate::messages::alerts as say;
use crate::messages::tls::CertificateKeeper;

/// Whether the channels can be made, as `run` makes them.
pub(super) fn inspect(config: &Config, report: &mut Report) -> Option<AlertChannels> {
    match http_clients::alerts(config.alerts.as_ref()?, &config.source) {
        Ok(channels) => Some(channels),
        Err(error) => {
            report.sentence("[alerts]", format!("{error:#}"));
            None
        }
    }
}

/// Sends a test to everybody. The heartbeat is not asked while these practices are out of step: it
/// would tell whoever watches it that all is well.
pub(super) async fn test(config: &Config, out_of_step: &[PracticeId], now: DateTime<Utc>, report: &mut Report) {
    if config.alerts.is_none() {
        report.problem("[alerts]", say::not_configured());
    }
    let Some(channels) = inspect(config, report) else { return };
    let message = AlertMessage { kind: AlertKind::Test, concerns: Vec::new() };
    let letter = Letter::new(message, now, &say::Terms::default());
    let told = channels.receivers.iter().map(async |Receiver { place, way }| (place.as_str(), way.tell(&letter).await));
    let mut outcomes = join_all(told).await;
    match &channels.heartbeat {
        Some((address, _)) if out_of_step.is_empty() => outcomes.push((say::HEARTBEAT, address.beat().await)),
        Some(_) => report.note(say::HEARTBEAT, say::heartbeat_not_tested(out_of_step)),
        None => {}
    }
    for (place, outcome) in outcomes {
        match outcome {
            Ok(()) => report.ok(place, say::test_arrived(place)),
            Err(failure) => report.problem(place, say::failed(place, &failure)),
        }
    }
    // Mailboxes share a server, which shows the same to each.
    let mut seen = BTreeSet::new();
    let receivers =
        channels.receivers.iter().filter_map(|own| Some((own.place.as_str(), own.way.shown_certificates()?)));
    let heartbeat = channels.heartbeat.iter();
    let heartbeat = heartbeat.filter_map(|(address, _)| Some((say::HEARTBEAT, address.shown_certificates()?)));
    for (place, shown) in receivers.chain(heartbeat).filter(|(_, shown)| seen.insert(std::ptr::from_ref(*shown))) {
        certificates::inspect(place, shown, CertificateKeeper::Elsewhere, now, report);
    }
}
