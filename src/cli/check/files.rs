//! The files that a configuration consists of: who can read the secrets in them, who can change
//! them, whether the service can read them where root checks in its place, and how long the
//! certificate authority is good for.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::certificates;
use crate::cli::state_owner::{self, Owner};
use crate::config::Config;
use crate::config::certificate::CaFile;
use crate::findings::report::Report;
use crate::http::certificate_facts;
use crate::http::network::holds_authority;
use crate::messages::{check_findings as say, tls as tls_say, windows_service};
use crate::os::{access, files};

/// Looks at each file once.
pub(super) fn inspect(config: &Config, now: DateTime<Utc>, report: &mut Report) {
    let mut seen = BTreeSet::new();
    for (place, secret) in config.secrets() {
        let (file, is_config) = match secret.file() {
            Some(file) => (file, false),
            // A variable of the environment.
            None if secret.is_copy() => continue,
            None => (config.source.as_path(), true),
        };
        if files::is_read_by_all(file) && seen.insert(file) {
            let place = if is_config { config.source.display().to_string() } else { place };
            report.note(place, say::secret_read_by_all(file.display(), is_config));
        }
    }
    if let Some(foreign) = access::opened_to(&config.source) {
        report.note(config.source.display().to_string(), windows_service::opened_to(&foreign));
    }
    if let Some(owner) = state_owner::to_become(&config.state_path) {
        inspect_for(owner, config, report);
    }
    for (place, ca_file) in ca_files(config) {
        if !holds_authority(ca_file.pem()) {
            report.problem(place, tls_say::no_authority(ca_file.path()));
        } else if let Some(authority) = certificate_facts::of_pem(ca_file.pem()) {
            certificates::inspect_authority(place, &authority, now, report);
        }
    }
}

/// Root reads everything, and the service, as the owner of its state, what it is let read.
/// Credentials are read by systemd for it.
fn inspect_for(service: Owner, config: &Config, report: &mut Report) {
    let source = (config.source.display().to_string(), config.source.as_path());
    let secrets = config.secrets().into_iter().filter(|(_, secret)| !secret.is_credential());
    let secrets = secrets.filter_map(|(place, secret)| Some((place, secret.file()?)));
    let authorities = ca_files(config).map(|(place, file)| (place.to_owned(), file.path()));
    let mut seen = BTreeSet::new();
    for (place, file) in [source].into_iter().chain(secrets).chain(authorities) {
        if let Some(obstacle) = service.obstacle(file).filter(|own| seen.insert(own.path.clone())) {
            let advice = say::closed_to_the_service(file, &obstacle);
            if obstacle.is_certain() { report.problem(place, advice) } else { report.note(place, advice) }
        }
    }
}

fn ca_files(config: &Config) -> impl Iterator<Item = (&'static str, &CaFile)> {
    let alerts = config.alerts.as_ref().and_then(|alerts| alerts.ca_file.as_ref());
    let all = [("[openvpms] ca_file", config.openvpms.ca_file.as_ref()), ("[alerts] ca_file", alerts)];
    all.into_iter().filter_map(|(place, file)| Some((place, file?)))
}
