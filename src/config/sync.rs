//! `[sync]`: what is synchronised how often.

use std::time::Duration;

use chrono::NaiveTime;

use super::toml_reader::Table;
use super::values::{choice, duration, interval, time_of_day, whole};
use crate::messages::config_file as say;

const HORIZON_DAYS_MAX: u32 = 366;

/// What is synchronised how often. No interval is under 100 ms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncSettings {
    /// How many days are offered, today among them; 1 to 366.
    pub horizon_days: u32,
    /// How many of them are read at the short interval; 1 to `horizon_days`.
    pub near_days: u32,
    /// Between two readings of the near days.
    pub availability_interval: Duration,
    /// Between two readings of the whole horizon.
    pub far_availability_interval: Duration,
    /// Between two polls inside the live hours.
    pub request_interval: Duration,
    /// Between two polls outside them, and while webhooks arrive.
    pub idle_request_interval: Duration,
    /// Between two readings of locations, schedules, types and users.
    pub config_interval: Duration,
    /// When everything is sent again, at practice time.
    pub full_resync_at: NaiveTime,
    /// Nothing is offered sooner than this from now; may be zero.
    pub min_notice: Duration,
    /// The longest wait between two tries while a server is away.
    pub max_retry_interval: Duration,
    /// Which way doubt about a clinician's roster falls.
    pub clinician_doubt: ClinicianDoubtSetting,
}

/// What to do with a time of a clinician that may be taken by somebody else's appointment, or by
/// their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClinicianDoubtSetting {
    /// Offer it.
    Offer,
    /// Do not offer it.
    Withhold,
}

impl Default for SyncSettings {
    fn default() -> Self {
        const MINUTE: u64 = 60;
        Self {
            horizon_days: 60,
            near_days: 7,
            availability_interval: Duration::from_secs(MINUTE),
            far_availability_interval: Duration::from_secs(15 * MINUTE),
            request_interval: Duration::from_secs(5),
            idle_request_interval: Duration::from_secs(10),
            config_interval: Duration::from_secs(10 * MINUTE),
            full_resync_at: NaiveTime::from_hms_opt(3, 30, 0).unwrap_or_default(),
            min_notice: Duration::ZERO,
            max_retry_interval: Duration::from_secs(30),
            clinician_doubt: ClinicianDoubtSetting::Offer,
        }
    }
}

/// Reads the section; all of it is optional. `None`: wrong and reported.
pub(super) fn read(root: &Table<'_>) -> Option<SyncSettings> {
    const DOUBT: &[(&str, ClinicianDoubtSetting)] =
        &[("offer", ClinicianDoubtSetting::Offer), ("withhold", ClinicianDoubtSetting::Withhold)];
    let defaults = SyncSettings::default();
    let Some(table) = root.table("sync") else { return Some(defaults) };
    let horizon_days = table.or("horizon_days", defaults.horizon_days, whole(1, HORIZON_DAYS_MAX));
    let near_most = horizon_days.unwrap_or(HORIZON_DAYS_MAX);
    let near_days = table.or("near_days", defaults.near_days.min(near_most), |value| {
        let days = whole(1, HORIZON_DAYS_MAX)(value)?;
        if days > near_most { value.fail(say::near_beyond_horizon(near_most.into())) } else { Some(days) }
    });
    let availability_interval = table.or("availability_interval", defaults.availability_interval, interval);
    let far_availability_interval = table.or("far_availability_interval", defaults.far_availability_interval, interval);
    let request_interval = table.or("request_interval", defaults.request_interval, interval);
    let idle_request_interval = table.or("idle_request_interval", defaults.idle_request_interval, interval);
    let config_interval = table.or("config_interval", defaults.config_interval, interval);
    let full_resync_at = table.or("full_resync_at", defaults.full_resync_at, time_of_day);
    let min_notice = table.or("min_notice", defaults.min_notice, duration);
    let max_retry_interval = table.or("max_retry_interval", defaults.max_retry_interval, interval);
    let clinician_doubt = table.or("clinician_doubt", defaults.clinician_doubt, choice(DOUBT));
    table.finish();
    Some(SyncSettings {
        horizon_days: horizon_days?,
        near_days: near_days?,
        availability_interval: availability_interval?,
        far_availability_interval: far_availability_interval?,
        request_interval: request_interval?,
        idle_request_interval: idle_request_interval?,
        config_interval: config_interval?,
        full_resync_at: full_resync_at?,
        min_notice: min_notice?,
        max_retry_interval: max_retry_interval?,
        clinician_doubt: clinician_doubt?,
    })
}
