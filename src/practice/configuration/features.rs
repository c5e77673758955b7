//! Extra features that OpenVPMS cannot serve.

use super::sync::ConfigurationSync;
use crate::call_error::{Answer, ServerOutage};
use crate::characters::plain_name;
use crate::messages::{configuration_sync as say, practice as practice_say};
use crate::polling::failed_calls::Call;
use crate::practice::health::subject::Subject;

/// More extra features than this are nonsense.
const FEATURES_MAX: usize = 50;

impl ConfigurationSync {
    /// Extra features that a former integration left on are switched off: OpenVPMS cannot serve
    /// them. An error if Healthengine refuses the practice, so that whatever is asked of it next is
    /// too.
    pub(super) async fn features_off(&self) -> Answer<()> {
        let server = &self.context.healthengine;
        let read = server.features().await;
        self.calls.heard(Call::Features, read.as_ref().map(drop));
        let features = match read {
            Ok(features) => features,
            Err(error) if error.is_access() => return Err(error),
            Err(error) => {
                let (outage, text) = (ServerOutage::of_healthengine(&error), practice_say::features_unread(&error));
                self.context.health.set_in(outage, Subject::Features, Some(text), self.context.now());
                return Ok(());
            }
        };
        let mut problem = None;
        for feature in features.iter().filter(|feature| feature.enabled).take(FEATURES_MAX) {
            match server.disable_feature(&feature.id).await {
                Ok(()) => {
                    let (practice, feature) = (self.context.id(), plain_name(&feature.id));
                    tracing::info!(%practice, feature, "An extra feature was switched off.");
                }
                Err(error) => problem = Some(say::feature_stays_on(&plain_name(&feature.id), &error)),
            }
        }
        self.context.health.set(Subject::Features, problem, self.context.now());
        Ok(())
    }
}
