//! `vetbridge resync`: everything is sent again, by the running service if there is one, else by
//! this process.
//!
//! A service keeps what it was told in memory, so its own bridge does the work and this process
//! only watches. Without one nobody would answer the bookings, so nothing is sent unless that is
//! typed (`--offline-too`); then, and for a dry run, a bridge is made here whose loops are never
//! started. Practices are done one after the other; one that fails does not stop the next.

use std::borrow::Cow;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, Utc};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::running::{self, FoundService, NoService, RunningService};
use super::{Global, ResyncArgs, ResyncPart, output};
use crate::bridge::Bridge;
use crate::bridge::off::Off;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::http_clients::Network;
use crate::ids::PracticeId;
use crate::messages::{Advice, commands as say};
use crate::practice::resync::{Only, ResyncOutcome, ResyncProgress};
use crate::practice::zones;
use crate::server::view::OffStatus;
use crate::zone::Zone;

/// Runs the command.
pub(super) async fn run(global: &Global, args: &ResyncArgs) -> anyhow::Result<ExitCode> {
    let file = global.config_file()?;
    let outcomes = match running::find(&config::load_instance(&file)?).await? {
        FoundService::Running(service) => through(&service, &file, args).await?,
        FoundService::Absent(absent) if !args.dry_run && !args.offline_too => return Err(absent.nothing_sent().into()),
        FoundService::Absent(absent) => here(&config::load(&file)?, &absent, args).await?,
    };
    let incomplete: Vec<PracticeId> = outcomes
        .iter()
        .filter(|outcome| !outcome.is_complete())
        .map(|outcome| PracticeId(outcome.practice.clone()))
        .collect();
    if args.json {
        output::json(&outcomes)?;
    }
    match incomplete.as_slice() {
        [] => Ok(ExitCode::SUCCESS),
        // The array has each problem.
        _ if args.json => Ok(ExitCode::FAILURE),
        incomplete => Err(say::resync_had_problems(incomplete).into()),
    }
}

/// The service does it.
async fn through(service: &RunningService, file: &Path, args: &ResyncArgs) -> anyhow::Result<Vec<ResyncOutcome>> {
    let mut outcomes = Vec::new();
    let status = service.status().await?;
    let on = status.practices.into_iter().map(|practice| practice.id).collect();
    let off = status.off.into_iter();
    let off = off.map(|OffStatus { id, why, since, zone, .. }| PracticeOff {
        id,
        why,
        since: since.map(|since| (since.to_utc(), zones::named(zone.as_deref()))),
    });
    let off: Vec<PracticeOff> = off.collect();
    for practice in chosen(on, &off, file, args)? {
        let bar = Bar::new(&practice);
        let outcome = service.resync(&practice, only(args), args.dry_run, &|reached| bar.show(reached)).await;
        bar.finish();
        outcomes.push(told(outcome?, args)?);
    }
    outcomes.extend(left_out(&off, args));
    Ok(outcomes)
}

/// This process does it.
async fn here(config: &Config, absent: &NoService, args: &ResyncArgs) -> anyhow::Result<Vec<ResyncOutcome>> {
    let network = Network::new(config)?;
    let store = absent.open_store().await?;
    let bridge = Bridge::new(config, &network, store.clone(), Clock::system());
    // In the order of the file, which is the order of who reads the outcome.
    let ids = config.practices.iter().map(|practice| &practice.id);
    let on = ids.clone().filter(|id| bridge.practice(id).is_some()).map(ToString::to_string).collect();
    let off = ids.filter_map(|id| {
        let (_, why) = bridge.on_or_off(id)?;
        let since = bridge.paused_since(id).filter(|_| why == Some(Off::Paused));
        Some(PracticeOff {
            id: id.to_string(),
            why: why?.name().into(),
            since: since.map(|since| (since, bridge.zone_of(id))),
        })
    });
    let off: Vec<PracticeOff> = off.collect();
    let practices = chosen(on, &off, &config.source, args)?;
    let mut outcomes = Vec::new();
    for practice in practices.into_iter().filter_map(|id| bridge.practice(&PracticeId(id))) {
        let bar = Bar::new(&practice.id().0);
        let outcome = practice.resync(only(args), args.dry_run, &|reached| bar.show(reached)).await;
        bar.finish();
        outcomes.push(told(outcome, args)?);
    }
    outcomes.extend(left_out(&off, args));
    // What was accepted is remembered before the command ends, or the next one would send it again.
    store.flush().await?;
    Ok(outcomes)
}

/// A practice that is off, and why.
struct PracticeOff {
    id: String,
    why: Cow<'static, str>,
    since: Option<(DateTime<Utc>, Zone)>,
}

impl PracticeOff {
    fn advice(&self) -> Advice {
        say::off_is_not_sent(&self.id, &self.why, self.since)
    }
}

/// The practices that are meant, of those that are on. That others are off is said.
fn chosen(on: Vec<String>, off: &[PracticeOff], file: &Path, args: &ResyncArgs) -> anyhow::Result<Vec<String>> {
    match &args.practice {
        None if on.is_empty() => match off {
            [] => Err(say::no_practice_enabled(file).into()),
            off => {
                Err(anyhow::Error::msg(off.iter().map(|own| own.advice().to_string()).collect::<Vec<_>>().join(" ")))
            }
        },
        None => {
            off.iter().for_each(|own| output::note(&own.advice().to_string()));
            Ok(on)
        }
        Some(id) if on.contains(id) => Ok(vec![id.clone()]),
        Some(id) => match off.iter().find(|own| own.id == *id) {
            Some(own) => Err(own.advice().into()),
            None => Err(say::unknown_practice(id, file, &on).into()),
        },
    }
}

/// The practices of which nothing is sent because they are off, for whoever reads the array alone.
fn left_out(off: &[PracticeOff], args: &ResyncArgs) -> Vec<ResyncOutcome> {
    let outcome = |own: &PracticeOff| ResyncOutcome {
        practice: own.id.clone(),
        dry_run: args.dry_run,
        off: Some(own.advice().to_string()),
        ..ResyncOutcome::default()
    };
    // Of others nothing was asked, and without --json the sentence stands above already.
    off.iter().filter(|_| args.json && args.practice.is_none()).map(outcome).collect()
}

fn only(args: &ResyncArgs) -> Option<Only> {
    args.only.map(|part| match part {
        ResyncPart::Config => Only::Config,
        ResyncPart::Availability => Only::Availability,
    })
}

fn told(outcome: ResyncOutcome, args: &ResyncArgs) -> anyhow::Result<ResyncOutcome> {
    if !args.json {
        output::result(&outcome)?;
    }
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
        let args = |practice: Option<&str>| ResyncArgs {
            practice: practice.map(Into::into),
            only: None,
            dry_run: false,
            offline_too: false,
            json: false,
        };
        let file = Path::new("vetbridge.toml");
        let on = || vec!["1".to_owned(), "2".to_owned()];
        let off = [PracticeOff { id: "4".into(), why: "disabled".into(), since: None }];
        assert_eq!(chosen(on(), &off, file, &args(None)).unwrap(), ["1", "2"]);
        assert_eq!(chosen(on(), &off, file, &args(Some("2"))).unwrap(), ["2"]);
        let refused = |on, off: &[PracticeOff], id| chosen(on, off, file, &args(id)).unwrap_err().to_string();
        let unknown = refused(on(), &off, Some("3"));
        assert!(unknown.contains("Practice 3") && unknown.contains("1 and 2"), "{unknown}");
        let disabled = refused(on(), &off, Some("4"));
        assert!(disabled.contains("Practice 4 is disabled") && disabled.contains("`enabled = true`"), "{disabled}");
        assert!(refused(Vec::new(), &off, None).contains("Practice 4 is disabled"));
        assert!(refused(Vec::new(), &[], None).contains("nothing to send"));
        let in_array = |args: ResyncArgs| left_out(&off, &ResyncArgs { json: true, ..args });
        let told = in_array(args(None));
        assert!(told[0].practice == "4" && told[0].off.as_ref().is_some_and(|why| why.contains("is disabled")));
        assert!(told[0].is_complete() && in_array(args(Some("2"))).is_empty());
    }
}
