//! `[admin]`: where the status page, health, metrics and the admin API listen, and by which names.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::toml_reader::Table;
use super::values::{host, listen};

/// Where the admin listener listens, where the file does not say.
pub const ADMIN_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8686);

/// Reads the address and the names of hosts; the section may be absent. `None`: wrong and reported.
pub(super) fn read(root: &Table<'_>) -> Option<(SocketAddr, Vec<String>)> {
    let Some(table) = root.table("admin") else { return Some((ADMIN_LISTEN, Vec::new())) };
    let (address, hosts) =
        (table.or("listen", ADMIN_LISTEN, listen), table.or("hosts", Vec::new(), |value| value.list(host)));
    table.finish();
    address.zip(hosts)
}
