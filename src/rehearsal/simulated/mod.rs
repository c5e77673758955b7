//! The scenarios that need a fault, a change of the set-up or a made-up patient: tried between the
//! two models, with the bridge that a clinic runs. Each has models of its own, so they are tried
//! side by side.

mod configuration;
mod linking;
mod patients;
mod playground;
mod requests;
mod webhooks;

use std::collections::BTreeMap;
use std::pin::Pin;

use futures_util::StreamExt as _;

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

/// Tries all of them.
pub(super) async fn all() -> SimulatedScenarios {
    let attempts: Vec<(S, ScenarioAttempt)> = vec![
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
    ];
    let tried = attempts
        .into_iter()
        .map(|(scenario, attempt)| async move { (scenario, attempt.await.map_err(|error| format!("{error:#}"))) });
    SimulatedScenarios(futures_util::stream::iter(tried).buffer_unordered(AT_ONCE).collect().await)
}
