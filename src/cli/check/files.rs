//! The files that a configuration consists of: who can read the secrets in them, and how long the
//! certificate authority is good for.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::certificates;
use super::findings::Report;
use crate::config::Config;
use crate::http::certificate_end;
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
    if let Some(ca_file) = &config.openvpms.ca_file {
        if !holds_authority(ca_file.pem()) {
            report.problem("[openvpms] ca_file", tls_say::no_authority(ca_file.path()));
        }
        certificates::inspect("[openvpms] ca_file", certificate_end::of_pem(ca_file.pem()), now, report);
    }
}
