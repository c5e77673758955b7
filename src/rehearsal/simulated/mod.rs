//! The scenarios that need a fault, a change of the set-up or a made-up patient: tried between the
//! two models, with the bridge that a clinic runs. Each has models of its own, so they are tried
//! side by side.

mod configuration;
mod linking;
mod patients;
mod playground;
mod requests;
mod webhooks;

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;

use futures_util::StreamExt as _;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::scenarios::Scenario as S;

/// So many are tried at one time: a clinic's server does other work.
const AT_ONCE: usize = 4;

/// What came of each scenario: what was seen, or what went wrong.
#[derive(Debug, Default)]
pub struct SimulatedScenarios(pub(super) BTreeMap<S, Result<String, String>>);

impl SimulatedScenarios {
    /// How many did not go as they should.
    pub fn failed(&self) -> usize {
        self.0.values().filter(|outcome| outcome.is_err()).count()
    }
}

type ScenarioAttempt = Pin<Box<dyn Future<Output = anyhow::Result<String>> + Send>>;

/// Tries all of them, on a thread of its own that logs nothing: what goes wrong there is meant to,
/// and would be taken for the clinic's. Nothing comes of them if they are stopped before.
pub(super) async fn all_quietly(stop: CancellationToken) -> SimulatedScenarios {
    let (told, tried) = oneshot::channel();
    let run = move || {
        let _quiet = tracing::subscriber::set_default(tracing::subscriber::NoSubscriber::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let tried = runtime.map(|runtime| runtime.block_on(stop.run_until_cancelled(all())));
        let _nobody_waits = told.send(tried.ok().flatten().unwrap_or_default());
    };
    let _thread = std::thread::Builder::new().name("simulated-scenarios".to_owned()).spawn(run);
    tried.await.unwrap_or_default()
}

/// Those that are tried between the two models.
pub(super) fn scenarios() -> BTreeSet<S> {
    attempts().into_iter().map(|(scenario, _)| scenario).collect()
}

/// Tries all of them.
async fn all() -> SimulatedScenarios {
    let tried = attempts()
        .into_iter()
        .map(|(scenario, attempt)| async move { (scenario, attempt.await.map_err(|error| format!("{error:#}"))) });
    SimulatedScenarios(futures_util::stream::iter(tried).buffer_unordered(AT_ONCE).collect().await)
}

/// Each with how it is tried, which begins when somebody waits for it.
fn attempts() -> Vec<(S, ScenarioAttempt)> {
    vec![
        (S::WithoutConsent, Box::pin(linking::without_consent())),
        (S::MultiLocation, Box::pin(linking::multi_location())),
        (S::UpdatingPracticeId, Box::pin(linking::updating_practice_id())),
        (S::LivenessTimes, Box::pin(configuration::liveness_times())),
        (S::ResourceChanges, Box::pin(configuration::resource_changes())),
        (S::TypeChanges, Box::pin(configuration::type_changes())),
        (S::ConfigurationResync, Box::pin(configuration::resync())),
        (S::ConfigurationAfterDisabling, Box::pin(configuration::after_disabling())),
        (S::MultipleSpecialties, Box::pin(configuration::multiple_specialties())),
        (S::AvailabilityResync, Box::pin(configuration::availability_resync())),
        (S::AvailabilityAfterDisabling, Box::pin(configuration::availability_after_disabling())),
        (S::PriorityRequests, Box::pin(requests::priority())),
        (S::WebhookInTime, Box::pin(webhooks::in_time())),
        (S::WebhookRetried, Box::pin(webhooks::retried())),
        (S::WebhookMissed, Box::pin(webhooks::missed())),
        (S::RequestTypes, Box::pin(requests::types())),
        (S::UnknownBooking, Box::pin(requests::unknown_booking())),
        (S::OutstandingRequests, Box::pin(requests::outstanding())),
        (S::PatientDetails, Box::pin(patients::normalised())),
        (S::ChangedDetails, Box::pin(patients::changed())),
    ]
}
