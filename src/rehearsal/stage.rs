//! Sets up a rehearsal: asks OpenVPMS, chooses the writer, starts the service.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::connections::RehearsalConnections;
use super::directory::RehearsalDirectory;
use super::facts::RehearsalFacts;
use super::leftovers::{Leftovers, ToldLines, on_disk};
use super::page;
use super::performance::Rehearsal;
use super::removal::{RemovedLeftovers, remove_all};
use super::stand::Stand;
use super::writers::{MarkedWriter, NoWriter};
use crate::clock::Clock;
use crate::config::{self, Config, ConfigError, LeftoversPlace, OpenVpmsSettings};
use crate::findings;
use crate::findings::report::Report;
use crate::http_clients::{self, OpenVpmsReaders};
use crate::ids::PracticeId;
use crate::mapping::Mapping;
use crate::messages::{call_failures, rehearsal as say};
use crate::metrics::calls::CallMetrics;
use crate::openvpms::{OpenVpmsWriter, ReadOpenVpms};
use crate::practice::OpenVpmsClients;
use crate::service::{FrontPages, LoopbackListener, Service};
use crate::simulator::healthengine::{HealthengineModel, ModelSettings, NewPractice};
use crate::zone::Zone;

/// How a rehearsal is set up.
#[derive(Debug, Clone, Copy)]
pub struct RehearsalOptions {
    /// Port of the page on 127.0.0.1; 0 for a free one.
    pub port: u16,
    /// True if bookings are made in OpenVPMS.
    pub books: bool,
}

/// The ways to OpenVPMS, and the list of what may be left there if one of them writes.
struct ClinicSide {
    readers: OpenVpmsReaders,
    writer: OpenVpmsWriter,
    leftovers: Option<Arc<Leftovers>>,
}

impl ClinicSide {
    fn reached(
        config: &Config,
        settings: &OpenVpmsSettings,
        books: bool,
        metrics: &CallMetrics,
        tell: ToldLines,
    ) -> anyhow::Result<Self> {
        let readers = http_clients::openvpms_readers(settings, metrics)?;
        if !books {
            return Ok(Self { readers, writer: Arc::new(NoWriter), leftovers: None });
        }
        let leftovers =
            Leftovers::open(&config.state_path, config.openvpms.url.as_str(), tell)?.ok_or_else(say::another_books)?;
        let leftovers = Arc::new(leftovers);
        let writer = http_clients::openvpms_writer(&readers.server, settings, metrics)?;
        let writer = Arc::new(MarkedWriter::new(writer, Arc::clone(&leftovers), Clock::system()));
        Ok(Self { readers, writer, leftovers: Some(leftovers) })
    }

    fn clients(&self) -> OpenVpmsClients {
        let OpenVpmsReaders { interactive, background, .. } = &self.readers;
        let writer = Arc::clone(&self.writer);
        OpenVpmsClients { interactive: Arc::clone(interactive), background: Arc::clone(background), writer }
    }
}

/// Half of what the clinic allows, at least one call a second.
fn half(settings: &OpenVpmsSettings) -> OpenVpmsSettings {
    let limit = NonZeroU32::new(settings.max_requests_per_second / 2).unwrap_or(NonZeroU32::MIN);
    OpenVpmsSettings { max_requests_per_second: limit.get(), ..settings.clone() }
}

/// What earlier rehearsals left in the diary, in words.
///
/// # Errors
/// The list cannot be read.
pub fn left_behind(state: &Path) -> anyhow::Result<Vec<String>> {
    Ok(on_disk(state)?.iter().map(|own| own.told()).collect())
}

/// The same for whoever only reads and may not be let into the state directory.
fn left_if_readable(state: &Path) -> Vec<String> {
    left_behind(state).unwrap_or_else(|error| {
        tracing::warn!("{}", say::list_not_read(&error));
        Vec::new()
    })
}

/// Removes what earlier rehearsals left, as far as that can be done.
///
/// # Errors
/// The list cannot be used, or another rehearsal is at work.
pub async fn remove_left_behind(config: &Config) -> anyhow::Result<RemovedLeftovers> {
    let (settings, metrics) = (half(&config.openvpms), CallMetrics::default());
    let clinic = ClinicSide::reached(config, &settings, true, &metrics, Box::new(|_| {}))?;
    let Some(leftovers) = &clinic.leftovers else { return Ok(Default::default()) };
    Ok(remove_all(leftovers, &clinic.readers.background, &clinic.writer, Clock::system().now()).await)
}

/// Strikes off the list what vetbridge cannot find out more of, once somebody has looked in the
/// diary. What was.
///
/// # Errors
/// The list cannot be used, or another rehearsal is at work.
pub async fn strike_off_left_behind(place: &LeftoversPlace) -> anyhow::Result<Vec<String>> {
    let url = place.openvpms_url.as_str();
    let leftovers = Leftovers::open(&place.state_path, url, Box::new(|_| {}))?.ok_or_else(say::another_books)?;
    Ok(leftovers.strike_off(Clock::system().now()).await?.iter().map(|own| own.told()).collect())
}

impl Rehearsal {
    /// Asks OpenVPMS what it offers, and starts the service on it. `lacking` is what the file still
    /// has to get before `run` takes it; `tell` hears of each appointment that is made.
    ///
    /// # Errors
    /// OpenVPMS cannot be asked, or something on this machine is in the way.
    pub async fn start(
        config: &Config,
        lacking: Option<&ConfigError>,
        options: RehearsalOptions,
        tell: Box<dyn Fn(&str) + Send + Sync>,
    ) -> anyhow::Result<Self> {
        let (clock, metrics, settings) = (Clock::system(), CallMetrics::default(), half(&config.openvpms));
        if config.practices.is_empty() {
            return Err(say::no_practice(&config.source).into());
        }
        let clinic = ClinicSide::reached(config, &settings, options.books, &metrics, tell)?;
        let (report, offers) = look(config, clinic.readers.background.as_ref(), clock.now()).await?;
        let leftovers = match &clinic.leftovers {
            Some(leftovers) => remove_all(leftovers, &clinic.readers.background, &clinic.writer, clock.now()).await,
            None => RemovedLeftovers { left: left_if_readable(&config.state_path), ..RemovedLeftovers::default() },
        };
        let model = model(config, &offers, &clock);
        let directory = RehearsalDirectory::make(clock.now())?;
        let listener = LoopbackListener::bind(options.port).await?;
        let admin = listener.address();
        let of_service = config.openvpms.max_requests_per_second;
        let own_file = directory.write_config(admin)?;
        let config = rehearsed(config, settings, directory.state(), admin);
        let commands = config::commands_for(&config.source).with_service_of(&own_file.display().to_string());
        let connections = RehearsalConnections::new(
            &config,
            clinic.clients(),
            clinic.readers.server.penalty(),
            &model,
            metrics,
            &clock,
        );
        let facts = Arc::new(RehearsalFacts::new(&config, of_service, report, lacking, leftovers, options.books));
        let (shown, offers, reader) = (Arc::clone(&facts), Arc::new(offers), Arc::clone(&clinic.readers.background));
        let (horizon_days, mark) = (config.sync.horizon_days, format!("{:08x}", getrandom::u32()?));
        let closing = CancellationToken::new();
        let stand = {
            let reader = Arc::clone(&reader);
            move |bridge: &Arc<_>| Stand {
                model: model.clone(),
                reader: Arc::clone(&reader),
                bridge: Arc::clone(bridge),
                offers: Arc::clone(&offers),
                horizon_days,
                books: options.books,
                closing: closing.clone(),
                mark: mark.clone(),
            }
        };
        let front = {
            let stand = stand.clone();
            let pages = Box::new(move |bridge: &Arc<_>| page::pages(stand(bridge), shown));
            FrontPages { pages, commands: commands.clone() }
        };
        let service = Service::start_on_loopback(listener, Some(front), &config, &connections, clock.clone()).await?;
        let stand = stand(service.bridge());
        let ClinicSide { writer, leftovers, .. } = clinic;
        Ok(Self { stand, facts, service, writer, leftovers, commands, _directory: directory })
    }
}

/// What is wrong with how the clinic is set up, and what each enabled practice offers.
async fn look(
    config: &Config,
    openvpms: &dyn ReadOpenVpms,
    now: DateTime<Utc>,
) -> anyhow::Result<(Report, BTreeMap<PracticeId, Mapping>)> {
    let mut report = Report::default();
    let found = async {
        openvpms.locations().await?;
        findings::openvpms::inspect(config, openvpms, now, &mut report).await
    };
    let failed = |error| call_failures::openvpms(&error, &config.openvpms.url, &config.openvpms.username);
    let mut offers = found.await.map_err(failed)?;
    offers.retain(|id, _| config.practices.iter().any(|own| own.id == *id && own.enabled));
    Ok((report, offers))
}

/// Healthengine, as it knows the practices.
fn model(config: &Config, offers: &BTreeMap<PracticeId, Mapping>, clock: &Clock) -> HealthengineModel {
    use secrecy::ExposeSecret as _;
    let mut settings = ModelSettings::new(config.healthengine.api_key.expose_secret());
    // A day that was sent is one that is shown: what is booked is chosen from all of them.
    settings.snapshot_delay = Duration::ZERO;
    // Far from the numbers that Healthengine gives, since they stand in the notes in the diary.
    settings.first_booking = 1;
    let model = HealthengineModel::new(settings, clock.clone());
    for practice in &config.practices {
        let zones = offers.get(&practice.id).and_then(|mapping| mapping.zones.as_ref().ok());
        let zone = zones.map_or(Zone::Iana(chrono_tz::Australia::Sydney), |zones| zones.practice);
        model.add_practice(NewPractice::new(practice.id.0.clone(), practice.key.expose_secret(), zone));
    }
    model
}

/// The clinic's configuration with another state, another port and half of the rate.
fn rehearsed(config: &Config, openvpms: OpenVpmsSettings, state_path: PathBuf, admin_listen: SocketAddr) -> Config {
    Config {
        openvpms,
        state_path,
        admin_listen,
        admin_hosts: Vec::new(),
        webhooks: None,
        alerts: None,
        ..config.clone()
    }
}
