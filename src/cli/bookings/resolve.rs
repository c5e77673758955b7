//! `vetbridge bookings resolve`: through the running service, which has the booking in its hands;
//! while none runs, this process asks both systems itself, with a bridge whose loops are never
//! started.

use std::path::Path;

use serde_json::json;

use crate::bridge::Bridge;
use crate::cli::ResolveArgs;
use crate::cli::running::{self, FoundService, NoService};
use crate::clock::Clock;
use crate::config::{self, Config, Instance};
use crate::http_clients::Network;
use crate::ids::BookingId;
use crate::messages::{admin, commands as say, resolve as say_resolve};
use crate::practice::booking_names::BookingNames;
use crate::practice::resolve::NotResolved;
use crate::server::booking_view::BookingView;
use crate::server::resolve;

/// Settles the booking; as it is then.
pub(super) async fn run(file: &Path, instance: &Instance, args: &ResolveArgs) -> anyhow::Result<BookingView> {
    let body = body(args);
    let booking = match running::find(instance).await? {
        FoundService::Running(service) => service.resolve(args.id, &body).await?,
        FoundService::Absent(absent) if absent.never_ran() => return Err(say::unknown_booking(args.id).into()),
        FoundService::Absent(absent) => here(&config::load(file)?, &absent, args.id, &body).await?,
    };
    Ok(booking)
}

/// What the admin API takes. It is read in one place, so that the command and the API cannot
/// differ.
fn body(args: &ResolveArgs) -> serde_json::Value {
    let outcome = match (&args.confirmed, args.cancelled) {
        (Some(_), _) => "confirmed",
        (None, true) => "cancelled",
        (None, false) => "rejected",
    };
    let reference = args.confirmed.as_ref().and_then(Option::as_ref);
    json!({ "outcome": outcome, "reference": reference, "force": args.force, "note": args.note })
}

/// This process does it.
async fn here(config: &Config, absent: &NoService, id: i64, body: &serde_json::Value) -> anyhow::Result<BookingView> {
    let (verdict, note) = resolve::read(body.to_string().as_bytes()).map_err(anyhow::Error::msg)?;
    let network = Network::new(config)?;
    let store = absent.open_store().await?;
    let bridge = Bridge::new(config, &network, store.clone(), Clock::system());
    let booking = BookingId(id);
    let entry = bridge.ledger().get(booking)?.ok_or_else(|| say::unknown_booking(id))?;
    let refused = |why: String| anyhow::Error::msg(admin::sentence(&why));
    let practice = bridge.on_or_off(&entry.practice_id);
    let (practice, _) = practice.ok_or_else(|| refused(say_resolve::practice_gone(&entry.practice_id)))?;
    let outcome = practice.resolve(booking, &verdict, note).await;
    // Also what went wrong is remembered before the command ends.
    store.flush().await?;
    let entry = outcome.map_err(|error| match error {
        NotResolved::Unknown => say::unknown_booking(id).into(),
        NotResolved::Objected(why) => refused(why.to_string()),
        NotResolved::Refused(why) | NotResolved::Failed(why) => refused(why),
        NotResolved::Ledger(error) => error.into(),
    })?;
    let names = BookingNames::read(&store, &entry.practice_id);
    Ok(BookingView::of(&entry, bridge.zone_of(&entry.practice_id), &names))
}
