//! From settings to handles: the only place of the command line that makes HTTP clients.

use crate::config::{Healthengine, OpenVpms, Practice};
use crate::healthengine::HealthengineHandle;
use crate::openvpms::OpenVpmsHandle;

/// A handle to OpenVPMS. An error means that the settings cannot work (such as a `ca_file` that holds no certificate); nothing
/// is sent yet.
pub fn openvpms(_settings: &OpenVpms) -> anyhow::Result<OpenVpmsHandle> {
    anyhow::bail!("the OpenVPMS client is not wired")
}

/// A handle to Healthengine for one practice.
pub fn healthengine(_settings: &Healthengine, _practice: &Practice) -> anyhow::Result<HealthengineHandle> {
    anyhow::bail!("the Healthengine client is not wired")
}
