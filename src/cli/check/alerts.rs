//! Sends a test through each channel of `[alerts]`.

use futures_util::future::join_all;

use super::findings::Report;
use crate::alerts::channels::{AlertChannels, Receiver};
use crate::alerts::concern::{AlertKind, AlertMessage};
use crate::alerts::letter::Letter;
use crate::clock::Clock;
use crate::config::Config;
use crate::http_clients;
use crate::messages::alerts as say;

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

/// Sends a test to everybody.
pub(super) async fn test(config: &Config, report: &mut Report) {
    if config.alerts.is_none() {
        report.problem("[alerts]", say::not_configured());
    }
    let Some(channels) = inspect(config, report) else { return };
    let message = AlertMessage { kind: AlertKind::Test, concerns: Vec::new() };
    let letter = Letter::new(message, Clock::system().now(), &say::Terms::default());
    let told = channels.receivers.iter().map(async |Receiver { place, way }| (place.as_str(), way.tell(&letter).await));
    let mut outcomes = join_all(told).await;
    if let Some((address, _)) = &channels.heartbeat {
        outcomes.push((say::HEARTBEAT, address.beat().await));
    }
    for (place, outcome) in outcomes {
        match outcome {
            Ok(()) => report.ok(place, say::test_arrived(place)),
            Err(failure) => report.problem(place, say::failed(place, &failure)),
        }
    }
}
