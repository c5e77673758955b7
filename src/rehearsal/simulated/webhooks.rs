//! Webhooks: answered at once, found at the second attempt, and not needed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::playground::{PRACTICE, Playground, id, main};
use crate::messages::rehearsal_report as say;
use crate::server::webhooks::Webhooks;
use crate::simulator::healthengine::{ANSWER_WITHIN, Courier, Delivered, HttpCourier, PetOwner};

/// From where Healthengine sends, as it says (PMS API, webhooks).
const SENDER: [u8; 4] = [13, 55, 48, 1];

/// Delivers over HTTP, but for the first so many attempts, which are lost on the way.
struct LossyCourier {
    courier: HttpCourier,
    lost: AtomicUsize,
    ended: Mutex<Vec<(Delivered, Duration)>>,
}

#[async_trait]
impl Courier for LossyCourier {
    async fn post(&self, callback_url: &str, body: Vec<u8>) -> Delivered {
        let began = Instant::now();
        let lost = self.lost.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        let delivered = if lost.is_ok() { Delivered::HungUp } else { self.courier.post(callback_url, body).await };
        self.ended.lock().push((delivered, began.elapsed()));
        delivered
    }
}

/// A practice that is subscribed and polls so seldom that webhooks tell, and what delivers them.
async fn subscribed(polls: &str, lost: usize) -> anyhow::Result<(Playground, Arc<LossyCourier>, DropGuard)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let table = format!(
        "[webhooks]\nlisten = \"{address}\"\npublic_url = \"https://bridge.example\"\nsecret = \"rehearsal-of-webhooks\"\n\
         trusted_proxies = [\"127.0.0.1\"]\n"
    );
    let mut play = Playground::new(&(table + &main()))?;
    let wait = Duration::from_secs(polls.parse()?);
    (play.config.sync.request_interval, play.config.sync.idle_request_interval) = (wait, wait);
    let stop = CancellationToken::new();
    let bridge = play.start();
    if let Some(settings) = &play.config.webhooks {
        let webhooks = Webhooks::new(settings, move |hint| bridge.webhook(&hint));
        tokio::spawn(webhooks.serve(Arc::new(listener), stop.clone()));
    }
    let courier = HttpCourier::new(address, SENDER.into())?;
    let way = Arc::new(LossyCourier { courier, lost: AtomicUsize::new(lost), ended: Mutex::default() });
    let (model, carrier, stopped) = (play.model.clone(), Arc::clone(&way), stop.clone());
    tokio::spawn(async move { model.deliver_webhooks(carrier, stopped).await });
    play.until_offered(PRACTICE).await?;
    let subscriptions = || play.model.subscriptions(&id(PRACTICE)).unwrap_or_default();
    play.until("the practice is subscribed", || (!subscriptions().is_empty()).then_some(())).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    Ok((play, way, stop.drop_guard()))
}

pub(super) async fn in_time() -> anyhow::Result<String> {
    let (play, way, _stop) = subscribed("240", 0).await?;
    let confirmed_after = play.until_confirmed(play.book(play.wish(PetOwner::default(), 10))?).await?;
    let ended = way.ended.lock().clone();
    let all_in_time = ended.iter().all(|(ended, took)| *ended == Delivered::Answered(200) && *took < ANSWER_WITHIN);
    anyhow::ensure!(!ended.is_empty() && all_in_time, "{ended:?}");
    let slowest = ended.iter().map(|(_, took)| *took).max().unwrap_or_default();
    play.end().await?;
    Ok(say::webhook_in_time(slowest, confirmed_after))
}

pub(super) async fn retried() -> anyhow::Result<String> {
    let (play, way, _stop) = subscribed("240", 1).await?;
    let confirmed_after = play.until_confirmed(play.book(play.wish(PetOwner::default(), 10))?).await?;
    let ended: Vec<Delivered> = way.ended.lock().iter().map(|(ended, _)| *ended).collect();
    anyhow::ensure!(ended.starts_with(&[Delivered::HungUp, Delivered::Answered(200)]), "{ended:?}");
    play.end().await?;
    Ok(say::webhook_retried(confirmed_after))
}

pub(super) async fn missed() -> anyhow::Result<String> {
    let (play, _way, _stop) = subscribed("1", usize::MAX).await?;
    let confirmed_after = play.until_confirmed(play.book(play.wish(PetOwner::default(), 10))?).await?;
    play.end().await?;
    Ok(say::webhook_missed(confirmed_after))
}
