//! Linking practices: without consent, several at once, with another id.

use std::time::Duration;

use tokio::time::Instant;

use super::playground::{OTHER, PRACTICE, Playground, id, main, practice};
use crate::messages::rehearsal_report as say;
use crate::practice::health::subject::Subject;

/// So long a practice that is gone is listened for.
const SILENCE: Duration = Duration::from_secs(2);

pub(super) async fn without_consent() -> anyhow::Result<String> {
    let mut play = Playground::new(&main())?;
    play.model.revoke_consent(&id(PRACTICE))?;
    let (bridge, began) = (play.start(), Instant::now());
    let told = || {
        let health = bridge.practice(&id(PRACTICE))?;
        let mut problems = health.health().problems().into_iter();
        problems.find(|problem| problem.text.contains("Consent")).map(|problem| problem.text)
    };
    let sentence = play.until("the administrator is told of the consent", told).await?;
    let refused_after = began.elapsed();
    play.model.grant_consent(&id(PRACTICE))?;
    let granted = Instant::now();
    play.reload(&main())?;
    play.until_offered(PRACTICE).await?;
    let healthy = || (!bridge.practice(&id(PRACTICE))?.health().has(&Subject::Access)).then_some(());
    play.until("the problem is over", healthy).await?;
    play.end().await?;
    Ok(say::without_consent(&sentence, refused_after, granted.elapsed()))
}

pub(super) async fn multi_location() -> anyhow::Result<String> {
    let play = Playground::running(&(main() + &practice(OTHER, "[106]", ""))).await?;
    play.until_offered(OTHER).await?;
    let count = |practice| play.model.resources(&id(practice)).map(|resources| resources.len());
    let (first, second) = (count(PRACTICE)?, count(OTHER)?);
    anyhow::ensure!(first == 2 && second == 1, "the practices have {first} and {second} resources");
    play.end().await?;
    Ok(say::multi_location(first, second))
}

pub(super) async fn updating_practice_id() -> anyhow::Result<String> {
    let mut play = Playground::running(&main()).await?;
    play.reload(&practice(OTHER, "[98]", ""))?;
    let began = Instant::now();
    play.until_offered(OTHER).await?;
    let offered_after = began.elapsed();
    let bridge = play.bridge()?.clone();
    let is_gone = || bridge.on_or_off(&id(PRACTICE)).is_none().then_some(());
    play.until("the former practice is left", is_gone).await?;
    anyhow::ensure!(play.starts(PRACTICE) == 0, "the former practice is still offered");
    play.model.expect_silence(&id(PRACTICE))?;
    tokio::time::sleep(SILENCE).await;
    play.end().await?;
    Ok(say::updating_practice_id(offered_after))
}
