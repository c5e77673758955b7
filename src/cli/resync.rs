//! `vetbridge resync`: everything is sent again, by the running service if there is one, else by
//! this process.
//!
//! A service keeps what it was told in memory, so its own bridge does the work and this process
//! only watches. Without one, a bridge is made here whose loops are never started. Practices are
//! done one after the other; one that fails does not stop the next.

use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::running::{self, FoundService, NoService, RunningService};
use super::{Global, ResyncArgs, ResyncPart, output};
use crate::bridge::Bridge;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::http_clients::Network;
use crate::ids::PracticeId;
use crate::messages::commands as say;
use crate::practice::resync::{Only, ResyncOutcome, ResyncProgress};

/// Runs the command.
pub(super) async fn run(global: &Global, args: &ResyncArgs) -> anyhow::Result<ExitCode> {
    let file = global.config_file()?;
    let outcomes = match running::find(&config::load_instance(&file)?).await? {
        FoundService::Running(service) => through(&service, args).await?,
        FoundService::Absent(absent) => here(&config::load(&file)?, &absent, args).await?,
    };
    let incomplete: Vec<PracticeId> = outcomes
        .iter()
        .filter(|outcome| !outcome.is_complete())
        .map(|outcome| PracticeId(outcome.practice.clone()))
        .collect();
    if incomplete.is_empty() { Ok(ExitCode::SUCCESS) } else { Err(say::resync_had_problems(&incomplete).into()) }
}

/// The service does it.
async fn through(service: &RunningService, args: &ResyncArgs) -> anyhow::Result<Vec<ResyncOutcome>> {
    let mut outcomes = Vec::new();
    for practice in chosen(service.practices().await?, args)? {
        let bar = Bar::new(&practice);
        let outcome = service.resync(&practice, only(args), args.dry_run, &|reached| bar.show(reached)).await;
        bar.finish();
        outcomes.push(told(outcome?)?);
    }
    Ok(outcomes)
}

/// This process does it.
async fn here(config: &Config, absent: &NoService, args: &ResyncArgs) -> anyhow::Result<Vec<ResyncOutcome>> {
    let network = Network::new(config)?;
    let store = absent.open_store().await?;
    let bridge = Bridge::new(config, &network, store.clone(), Clock::system());
    // In the order of the file, which is the order of who reads the outcome. One that is paused is
    // off as well.
    let on = config.practices.iter().map(|practice| &practice.id).filter(|id| bridge.practice(id).is_some());
    let practices = chosen(on.map(ToString::to_string).collect(), args)?;
    let mut outcomes = Vec::new();
    for practice in practices.into_iter().filter_map(|id| bridge.practice(&PracticeId(id))) {
        let bar = Bar::new(&practice.id().0);
        let outcome = practice.resync(only(args), args.dry_run, &|reached| bar.show(reached)).await;
        bar.finish();
        outcomes.push(told(outcome)?);
    }
    // What was accepted is remembered before the command ends, or the next one would send it again.
    store.flush().await?;
    Ok(outcomes)
}

/// The practices that are meant, of those that are enabled.
fn chosen(enabled: Vec<String>, args: &ResyncArgs) -> anyhow::Result<Vec<String>> {
    match &args.practice {
        None if enabled.is_empty() => Err(say::no_practice_enabled().into()),
        None => Ok(enabled),
        Some(id) if enabled.contains(id) => Ok(vec![id.clone()]),
        Some(id) => Err(say::unknown_practice(id, &enabled).into()),
    }
}

fn only(args: &ResyncArgs) -> Option<Only> {
    args.only.map(|part| match part {
        ResyncPart::Config => Only::Config,
        ResyncPart::Availability => Only::Availability,
    })
}

fn told(outcome: ResyncOutcome) -> anyhow::Result<ResyncOutcome> {
    output::result(&outcome)?;
    Ok(outcome)
}

/// A progress bar on standard error, if that is a terminal; else nothing.
struct Bar(ProgressBar);

impl Bar {
    fn new(practice: &str) -> Self {
        // indicatif draws to a terminal only.
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{prefix} {spinner} {bar:30} {pos}/{len} days {elapsed}") {
            bar.set_style(style);
        }
        bar.set_prefix(format!("practice {}", crate::messages::plain(practice)));
        // Before the first day there is a reading of everything: something must move meanwhile.
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    fn show(&self, ResyncProgress { done, total }: ResyncProgress) {
        if total > 0 {
            self.0.set_length(total as u64);
            self.0.set_position(done as u64);
        }
    }

    fn finish(self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_enabled_practices_are_meant_unless_one_is_named() {
        let args =
            |practice: Option<&str>| ResyncArgs { practice: practice.map(Into::into), only: None, dry_run: false };
        let enabled = || vec!["1".to_owned(), "2".to_owned()];
        assert_eq!(chosen(enabled(), &args(None)).unwrap(), ["1", "2"]);
        assert_eq!(chosen(enabled(), &args(Some("2"))).unwrap(), ["2"]);
        let unknown = chosen(enabled(), &args(Some("3"))).unwrap_err().to_string();
        assert!(unknown.contains("Practice 3") && unknown.contains("1 and 2"), "{unknown}");
        assert!(chosen(Vec::new(), &args(None)).unwrap_err().to_string().contains("nothing to send"));
    }
}
