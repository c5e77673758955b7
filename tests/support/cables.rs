//! How a process of the bridge reaches the simulators: with the real clients, over wires that can be disturbed.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, OnceLock};

use secrecy::ExposeSecret as _;
use vetbridge::bridge::Connect;
use vetbridge::config;
use vetbridge::healthengine::HealthengineHandle;
use vetbridge::healthengine::client::HealthengineClient;
use vetbridge::http::penalty::Penalties;
use vetbridge::http::rate_limit::Limits;
use vetbridge::http::{Lane, Transport};
use vetbridge::ids::PracticeId;
use vetbridge::metrics::calls::CallMetrics;
use vetbridge::openvpms::client::OpenVpmsClient;
use vetbridge::practice::OpenVpmsClients;
use vetbridge::simulator::exchange::{ArrivedRequest, Fault, Faults, Memory, Model};
use vetbridge::simulator::healthengine::BASE_PATH;
use vetbridge::store::MemoryEngine;

use super::{Clinic, Line, Power, basic};

/// What one process made to reach the simulators. It is kept while nothing about it changes.
#[derive(Default)]
pub(super) struct Wires {
    openvpms: Mutex<Option<(config::OpenVpmsSettings, OpenVpmsClients)>>,
    healthengine: Mutex<BTreeMap<(PracticeId, String, String), HealthengineHandle>>,
    penalties: Penalties,
    metrics: CallMetrics,
    /// Of OpenVPMS, and of Healthengine: made once, like those of a server over the network.
    limits: [OnceLock<Arc<Limits>>; 2],
}

/// Exchanges with OpenVPMS as the configuration has them.
pub(crate) fn to_openvpms(model: Arc<dyn Model>, faults: &Faults, settings: &config::OpenVpmsSettings) -> Memory {
    Memory::new(model, faults.clone())
        .below("/openvpms")
        .with_header("authorization", basic(&settings.username, settings.password.expose_secret()))
        .with_timeout(settings.request_timeout)
}

/// OpenVPMS over one wire.
pub(crate) fn both_doors(wire: Arc<dyn Transport>, metrics: &CallMetrics) -> OpenVpmsClients {
    let client = OpenVpmsClient::new(wire).counted(metrics.clone());
    let interactive = Arc::new(client.with_lane(Lane::Interactive));
    OpenVpmsClients { interactive, background: Arc::new(client.clone()), writer: Arc::new(client) }
}

/// A practice's exchanges with Healthengine as the configuration has them.
pub(crate) fn to_healthengine(
    model: Arc<dyn Model>,
    faults: &Faults,
    settings: &config::HealthengineSettings,
    practice: &config::PracticeSettings,
) -> Memory {
    Memory::new(model, faults.clone())
        .below(BASE_PATH)
        .with_header("api-key", settings.api_key.expose_secret())
        .with_header("practice-id", practice.id.0.clone())
        .with_header("practice-key", practice.key.expose_secret())
        .with_header("user-agent", settings.user_agent())
        .with_timeout(settings.request_timeout)
}

/// How a process of the bridge reaches the simulators.
pub(super) struct Cables<'a> {
    pub(super) clinic: &'a Clinic,
    pub(super) power: &'a Power,
    pub(super) wires: &'a Wires,
}

impl Cables<'_> {
    fn line(&self, whose: Option<&PracticeId>, memory: Memory) -> Arc<Line> {
        let clinic = self.clinic;
        let [openvpms, healthengine] = &self.wires.limits;
        let (limits, rate) = match whose {
            None => (openvpms, clinic.config.openvpms.max_requests_per_second),
            Some(_) => (healthengine, clinic.config.healthengine.max_requests_per_second),
        };
        let limits = || Arc::clone(limits.get_or_init(|| Arc::new(Limits::new(NonZeroU32::new(rate).unwrap()))));
        Arc::new(
            Line::new(memory, whose, clinic.journal.clone(), clinic.travel.clone(), self.power.clone())
                .rationed(clinic.rationed.then(limits))
                .mined(&clinic.mines),
        )
    }
}

impl Connect for Cables<'_> {
    fn openvpms(&self) -> OpenVpmsClients {
        let settings = &self.clinic.config.openvpms;
        let mut wires = self.wires.openvpms.lock().unwrap();
        if let Some((_, doors)) = wires.as_ref().filter(|(made_for, _)| made_for == settings) {
            return doors.clone();
        }
        let model = self.clinic.openvpms_twist.around(Arc::new(self.clinic.unlocked.clone()));
        let memory = to_openvpms(model, &self.clinic.openvpms_faults, settings);
        let memory = memory.leaving_alone(&self.wires.penalties.openvpms);
        let doors = both_doors(self.line(None, memory), &self.wires.metrics);
        *wires = Some((settings.clone(), doors.clone()));
        doors
    }

    fn healthengine(&self, practice: &config::PracticeSettings) -> Option<HealthengineHandle> {
        let settings = &self.clinic.config.healthengine;
        let mut wires = self.wires.healthengine.lock().unwrap();
        let secret = |secret: &config::Secret| secret.expose_secret().to_owned();
        let whose = (practice.id.clone(), secret(&practice.key), secret(&settings.api_key));
        if let Some(handle) = wires.get(&whose) {
            return Some(Arc::clone(handle));
        }
        let model = self.clinic.twist.around(Arc::new(self.clinic.healthengine.clone()));
        let memory = to_healthengine(model, &self.clinic.healthengine_faults, settings, practice);
        let memory = memory.leaving_alone(&self.wires.penalties.healthengine);
        let line = self.line(Some(&practice.id), memory);
        let client = HealthengineClient::new(line, self.clinic.machine.clone());
        let handle: HealthengineHandle = Arc::new(client.counted(self.wires.metrics.clone()));
        wires.insert(whose, Arc::clone(&handle));
        Some(handle)
    }

    fn penalties(&self) -> Penalties {
        self.wires.penalties.clone()
    }

    fn call_metrics(&self) -> CallMetrics {
        self.wires.metrics.clone()
    }
}

impl Clinic {
    /// OpenVPMS meets the next bookings that are submitted like this, one each, and the others well.
    pub(crate) fn fail_submissions(&self, faults: impl IntoIterator<Item = Fault>) {
        let mut faults: VecDeque<Fault> = faults.into_iter().collect();
        self.openvpms_faults.set(move |asked| if is_submission(asked) { faults.pop_front() } else { None });
    }

    /// A handle to Healthengine beside the bridge's, for what others do with the practice's key.
    pub(crate) fn another_consumer(&self) -> HealthengineHandle {
        let power = Power::of(&MemoryEngine::new());
        Cables { clinic: self, power: &power, wires: &Wires::default() }
            .healthengine(&self.config.practices[0])
            .unwrap()
    }
}

/// True for a POST that makes an appointment.
pub(crate) fn is_submission(asked: &ArrivedRequest) -> bool {
    asked.method == "POST" && asked.target.ends_with("/bookings")
}
