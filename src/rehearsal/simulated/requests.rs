//! What Healthengine wants: in which order it is answered, and what becomes of what nobody knows.

use tokio::time::Instant;

use super::playground::{PRACTICE, Playground, id, main};
use crate::messages::rehearsal_report as say;
use crate::simulator::healthengine::PetOwner;

pub(super) async fn priority() -> anyhow::Result<String> {
    let play = Playground::running(&main()).await?;
    let booking = play.book(play.wish(somebody(), 10))?;
    let confirmed_after = play.until_confirmed(booking).await?;
    let began = Instant::now();
    play.model.cancel(booking)?;
    play.until("the cancellation is carried out", || (play.standing(booking) == 0).then_some(())).await?;
    let cancelled_after = began.elapsed();
    let began = Instant::now();
    play.model.ask_availability(&id(PRACTICE), play.today(), Some("s136"))?;
    let asked = || play.model.days_asked_for(&id(PRACTICE)).unwrap_or_default();
    play.until("the day is sent", || asked().is_empty().then_some(())).await?;
    let sent_after = began.elapsed();
    play.end().await?;
    Ok(say::priority_requests(confirmed_after, cancelled_after, sent_after))
}

/// Everything comes at once while nobody answers.
pub(super) async fn types() -> anyhow::Result<String> {
    let mut play = Playground::running(&main()).await?;
    let former = play.book(play.wish(somebody(), 10))?;
    play.until_confirmed(former).await?;
    play.stop().await;
    let booking = play.book(play.wish(somebody(), 11))?;
    play.model.cancel(former)?;
    play.model.ask_availability(&id(PRACTICE), play.today(), None)?;
    play.model.ask_other(&id(PRACTICE), "somethingNew")?;
    play.model.forget_exchanges();
    play.start();
    play.until_confirmed(booking).await?;
    play.until("the cancellation is carried out", || (play.standing(former) == 0).then_some(())).await?;
    let calls = play.calls();
    let first = |part: &str| calls.iter().position(|call| call.contains(part));
    let (bookings, updates) = (first("confirmInsert"), first("confirmUpdate"));
    anyhow::ensure!(bookings.is_some() && (updates.is_none() || bookings < updates), "the booking did not come first");
    play.end().await?;
    Ok(say::request_types())
}

/// A booking from before the integration, that staff progressed by hand.
pub(super) async fn unknown_booking() -> anyhow::Result<String> {
    let mut play = Playground::running(&main()).await?;
    play.stop().await;
    let unknown = play.book(play.wish(somebody(), 12))?;
    play.model.progress_by_hand(unknown)?;
    play.model.cancel(unknown)?;
    play.start();
    let began = Instant::now();
    let is_rejected = || play.calls().iter().any(|call| call.contains("rejectUpdate"));
    play.until("the update is rejected", || is_rejected().then_some(())).await?;
    anyhow::ensure!(play.standing(unknown) == 0, "an appointment was made of it");
    let rejected_after = began.elapsed();
    play.end().await?;
    Ok(say::unknown_booking(rejected_after))
}

/// A page that a pet owner opened before the practice was paused.
pub(super) async fn outstanding() -> anyhow::Result<String> {
    let play = Playground::running(&main()).await?;
    let bridge = play.bridge()?.clone();
    bridge.set_paused(&id(PRACTICE), true).await?;
    play.until("nothing is offered", || (play.starts(PRACTICE) == 0).then_some(())).await?;
    let booking = play.book(play.wish(somebody(), 13))?;
    let began = Instant::now();
    bridge.set_paused(&id(PRACTICE), false).await?;
    play.until_confirmed(booking).await?;
    let confirmed_after = began.elapsed();
    play.end().await?;
    Ok(say::outstanding_requests(confirmed_after))
}

fn somebody() -> PetOwner {
    PetOwner {
        first_name: Some("Vetbridge".to_owned()),
        last_name: Some("Rehearsal".to_owned()),
        phone: Some("0491 570 156".to_owned()),
        ..PetOwner::default()
    }
}
