//! `vetbridge demo`: the bridge between two simulators.

use std::process::ExitCode;
use std::time::Duration;

use tokio::time::Instant;

use super::{DemoArgs, output};
use crate::demo::{Demo, Options};
use crate::os::signals;

/// So long before the end nobody does anything any more, that everything may come to rest; of a
/// short demo, a quarter of it.
const REST: Duration = Duration::from_secs(4);

/// Runs the command.
pub(super) async fn run(args: &DemoArgs) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let mut signals = signals::to_stop()?;
    let seed = match args.seed {
        Some(seed) => seed,
        None => u64::from(getrandom::u32()?),
    };
    let options = Options { seed, port: args.port.unwrap_or(0) };
    let mut demo = tokio::select! {
        demo = Demo::start(options, Box::new(|line| drop(output::result(line)))) => demo?,
        () = signals.stop() => return Ok(ExitCode::FAILURE),
    };
    let playing = args.for_duration.map(|whole| began + whole - REST.min(whole / 4));
    demo.play(async {
        tokio::select! {
            () = at(playing) => {}
            () = signals.stop() => {}
        }
    })
    .await;
    let summary = tokio::select! {
        summary = demo.settle() => Some(summary),
        // Whoever is in such a hurry wants no summary.
        () = signals.stop() => None,
    };
    demo.stop().await;
    let Some(summary) = summary else { return Ok(ExitCode::FAILURE) };
    output::result(format!("\n{summary}"))?;
    Ok(if summary.agrees() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// That moment, or never.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
