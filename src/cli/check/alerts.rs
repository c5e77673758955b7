//! Sends a test through each channel of `[alerts]`.

use futures_util::future::join_all;

use super::findings::Report;
use crate::alerts::channels::Receiver;
use crate::alerts::concern::{AlertKind, AlertMessage};
use crate::alerts::letter::Letter;
use crate::clock::Clock;
use crate::config::Config;
use crate::http_clients;
use crate::messages::alerts as say;

/// An error means that no channel could be made.
pub(super) async fn test(config: &Config, report: &mut Report) -> anyhow::Result<()> {
    let Some(settings) = &config.alerts else {
        report.problem("[alerts]", say::not_configured());
        return Ok(());
    };
    let channels = http_clients::alerts(settings)?;
    let letter = Letter::new(AlertMessage { kind: AlertKind::Test, concerns: Vec::new() }, Clock::system().now());
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
    Ok(())
}
