//! The files that a configuration consists of: who can read the secrets in them, and how long the
//! certificate authority is good for.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::certificates;
use crate::config::Config;
use crate::findings::report::Report;
use crate::http::certificate_facts;
use crate::http::network::holds_authority;
use crate::messages::{check_findings as say, tls as tls_say};
use crate::os::files;

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
    let alerts = config.alerts.as_ref().and_then(|alerts| alerts.ca_file.as_ref());
    let ca_files = [("[openvpms] ca_file", config.openvpms.ca_file.as_ref()), ("[alerts] ca_file", alerts)];
    for (place, ca_file) in ca_files.into_iter().filter_map(|(place, file)| Some((place, file?))) {
        if !holds_authority(ca_file.pem()) {
            report.problem(place, tls_say::no_authority(ca_file.path()));
        } else if let Some(authority) = certificate_facts::of_pem(ca_file.pem()) {
            certificates::inspect_authority(place, &authority, now, report);
        }
    }
}
