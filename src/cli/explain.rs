//! `vetbridge explain`: slot by slot, why a time is or is not offered.
//!
//! The running service says it, by the reading that it publishes. Without one OpenVPMS is read
//! here, and nothing is sent.

use std::fmt::Write as _;
use std::process::ExitCode;

use chrono::NaiveDate;

use super::running::{self, FoundService, NoService};
use super::{ExplainArgs, Global, output};
use crate::availability::explanation::Code;
use crate::bridge::Bridge;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::dates;
use crate::http_clients::Network;
use crate::ids::{PracticeId, ResourceId};
use crate::messages::{commands, explain as say, plain, rules as say_rules};
use crate::server::explanation::{ExplanationView, SlotView};

/// Runs the command.
pub(super) async fn run(global: &Global, args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let resource: ResourceId =
        args.resource.parse().map_err(|_| anyhow::Error::msg(say::no_resource(&args.resource)))?;
    let date = dates::day(&args.date).ok_or_else(|| anyhow::Error::msg(say::no_date(&args.date)))?;
    let file = global.config_file()?;
    let mut explained = match running::find(&config::load_instance(&file)?).await? {
        FoundService::Running(service) => service.explain(&args.practice, resource, date).await?,
        FoundService::Absent(absent) => {
            if !args.json {
                output::note(say::NOBODY_SENDS);
            }
            here(&config::load(&file)?, &absent, &args.practice, resource, date).await?
        }
    };
    explained.narrow(args.appointment_type.as_deref(), args.at.as_deref()).map_err(anyhow::Error::msg)?;
    if args.json {
        output::json(&explained)?;
    } else {
        output::result(text(&explained, date))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// This process reads the day.
async fn here(
    config: &Config,
    absent: &NoService,
    practice: &str,
    resource: ResourceId,
    date: NaiveDate,
) -> anyhow::Result<ExplanationView> {
    let network = Network::new(config)?;
    let bridge = Bridge::new(config, &network, absent.open_store().await?, Clock::system());
    let Some((own, off)) = bridge.on_or_off(&PracticeId(practice.to_owned())) else {
        let known: Vec<String> = config.practices.iter().map(|own| own.id.to_string()).collect();
        return Err(commands::practice_not_configured(practice, &config.source, &known).into());
    };
    // What was published before is known without OpenVPMS.
    if let Err(why) = own.read_what_is_offered().await {
        output::note(&why);
    }
    let explained = own.explain(resource, date, off).await.map_err(anyhow::Error::msg)?;
    Ok(ExplanationView::of(&explained))
}

/// A line for times that are alike, then what to change.
fn text(explained: &ExplanationView, date: NaiveDate) -> String {
    let mut out = String::new();
    let name = explained.name.as_deref().map(|name| format!("{} ", plain(name))).unwrap_or_default();
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "{name}({}), {}, times of {}",
        explained.resource,
        date.format("%A %-d %B %Y"),
        explained.timezone
    );
    if let Some(at) = explained.read_at {
        let _ = writeln!(out, "{}", say::read(at.format("%Y-%m-%d %H:%M:%S")));
    }
    let _ = writeln!(out, "{}\n", sent(explained));
    let mut remedies: Vec<(&str, &str)> = Vec::new();
    for alike in explained.slots.chunk_by(SlotView::is_like) {
        let (Some(first), Some(last)) = (alike.first(), alike.last()) else { continue };
        let what = if first.offered { types(explained, first) } else { first.text.clone() };
        let _ = writeln!(out, "{}-{}  {:<14}  {what}", first.start, last.end, first.code);
        let of_types = first.ruled_out().map(|refused| (refused.code.as_str(), refused.remedy.as_str()));
        for remedy in std::iter::once((first.code.as_str(), first.remedy.as_str())).chain(of_types) {
            if !remedy.1.is_empty() && !remedies.contains(&remedy) {
                remedies.push(remedy);
            }
        }
    }
    if !remedies.is_empty() {
        let _ = writeln!(out, "\nWhat changes it:");
        for (code, remedy) in remedies {
            let _ = writeln!(out, "  {code:<14}  {remedy}");
        }
    }
    out
}

/// The names of the types that are offered, with their ids, and those that rules keep back.
fn types(explained: &ExplanationView, slot: &SlotView) -> String {
    let named = slot.types.iter().map(|id| match explained.appointment_types.iter().find(|own| own.id == *id) {
        Some(own) => format!("{} ({id})", plain(&own.name)),
        None => id.clone(),
    });
    let offered = named.collect::<Vec<_>>().join(", ");
    let ruled_out = slot.ruled_out().map(|refused| {
        say_rules::not_offered(&refused.id, refused.rules().map(|rule| (rule.number, rule.key.as_str())))
    });
    std::iter::once(offered).chain(ruled_out).collect::<Vec<_>>().join("; ")
}

fn sent(explained: &ExplanationView) -> String {
    match &explained.last_sent {
        None if explained.pending => say::NEVER_SENT.to_owned(),
        None => say::NOTHING_SENT.to_owned(),
        Some(last) => {
            let is_read = explained.slots.iter().all(|slot| slot.code != Code::NotRead.name());
            say::last_sent(last.at.format("%Y-%m-%d %H:%M:%S"), last.accepted, explained.pending, is_read)
        }
    }
}
