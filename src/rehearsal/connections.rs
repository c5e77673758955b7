//! How the bridge of a rehearsal reaches both systems: OpenVPMS as it is given, Healthengine as a
//! model in this process. There is no way to any other Healthengine.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::ExposeSecret as _;

use crate::bridge::Connect;
use crate::clock::Clock;
use crate::config::{Config, PracticeSettings};
use crate::healthengine::HealthengineHandle;
use crate::healthengine::client::HealthengineClient;
use crate::http::penalty::{Penalties, Penalty};
use crate::ids::PracticeId;
use crate::metrics::calls::CallMetrics;
use crate::practice::OpenVpmsClients;
use crate::simulator::exchange::{Faults, Memory};
use crate::simulator::healthengine::{BASE_PATH, HealthengineModel};

/// Both ways.
pub(super) struct RehearsalConnections {
    openvpms: OpenVpmsClients,
    healthengine: BTreeMap<PracticeId, HealthengineHandle>,
    penalties: Penalties,
    metrics: CallMetrics,
}

impl RehearsalConnections {
    /// For the practices of a configuration.
    pub(super) fn new(
        config: &Config,
        openvpms: OpenVpmsClients,
        left_alone: &Arc<Penalty>,
        model: &HealthengineModel,
        metrics: CallMetrics,
        clock: &Clock,
    ) -> Self {
        let handle = |practice: &PracticeSettings| -> HealthengineHandle {
            let memory = Memory::new(Arc::new(model.clone()), Faults::none())
                .below(BASE_PATH)
                .with_header("api-key", config.healthengine.api_key.expose_secret())
                .with_header("practice-id", practice.id.0.clone())
                .with_header("practice-key", practice.key.expose_secret())
                .with_header("user-agent", config.healthengine.user_agent());
            Arc::new(HealthengineClient::new(Arc::new(memory), clock.clone()).counted(metrics.clone()))
        };
        let healthengine = config.practices.iter().map(|own| (own.id.clone(), handle(own))).collect();
        let penalties = Penalties { openvpms: Arc::clone(left_alone), healthengine: Arc::default() };
        Self { openvpms, healthengine, penalties, metrics }
    }
}

impl Connect for RehearsalConnections {
    fn openvpms(&self) -> OpenVpmsClients {
        self.openvpms.clone()
    }

    fn healthengine(&self, practice: &PracticeSettings) -> Option<HealthengineHandle> {
        self.healthengine.get(&practice.id).cloned()
    }

    fn penalties(&self) -> Penalties {
        self.penalties.clone()
    }

    fn call_metrics(&self) -> CallMetrics {
        self.metrics.clone()
    }
}
