//! nginx and Caddy as processes, with the files of `deploy/proxy` as a clinic fills them in: its name, its
//! certificate, and here other ports.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::clinic::{eventually, free_port};
use crate::{file, tls};

/// The program of a reverse proxy, and what starts it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ProxyKind {
    Nginx,
    Caddy,
}

impl ProxyKind {
    fn program(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Caddy => "caddy",
        }
    }

    /// False where the program is not installed; the test then says that it is left out, or fails where
    /// `PROXIES=required`.
    pub(crate) fn is_here(self) -> bool {
        let version = match self {
            Self::Nginx => "-v",
            Self::Caddy => "version",
        };
        let found = self.command().arg(version).output().is_ok_and(|output| output.status.success());
        let required = std::env::var_os("PROXIES").is_some_and(|value| value == "required");
        assert!(found || !required, "PROXIES=required, and {} is not installed", self.program());
        if !found {
            eprintln!("LEFT OUT: {} is not installed", self.program());
        }
        found
    }

    /// Debian has nginx where only root looks.
    fn command(self) -> Command {
        let mut command = Command::new(self.program());
        command.env("PATH", format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default()));
        command
    }
}

/// A running proxy. Dropped, it is killed.
pub(crate) struct Proxy {
    child: Child,
    directory: TempDir,
    pub(crate) port: u16,
}

impl Proxy {
    /// Starts it before the webhook listener at this port.
    pub(crate) async fn before_webhooks(kind: ProxyKind, webhooks: u16) -> Self {
        let (directory, port) = (TempDir::new().unwrap(), free_port().await);
        let config = match kind {
            ProxyKind::Nginx => nginx(directory.path(), &webhook_site(directory.path(), port, webhooks)),
            ProxyKind::Caddy => caddyfile(directory.path(), port, webhooks),
        };
        Self::start(kind, directory, &config, port).await
    }

    /// Starts it before OpenVPMS at this port, for a vetbridge at 127.0.0.1, with the certificate of this folder.
    pub(crate) async fn before_openvpms(kind: ProxyKind, openvpms: u16, certificates: &Path) -> Self {
        let (directory, port) = (TempDir::new().unwrap(), free_port().await);
        let config = match kind {
            ProxyKind::Nginx => nginx(directory.path(), &openvpms_site(certificates, port, openvpms)),
            ProxyKind::Caddy => openvpms_caddyfile(directory.path(), certificates, port, openvpms),
        };
        Self::start(kind, directory, &config, port).await
    }

    /// Starts nginx before the status page at this port, for browsers at 127.0.0.2.
    pub(crate) async fn before_status_page(admin: u16) -> Self {
        let (directory, port) = (TempDir::new().unwrap(), free_port().await);
        let config = nginx(directory.path(), &status_site(directory.path(), port, admin));
        Self::start(ProxyKind::Nginx, directory, &config, port).await
    }

    async fn start(kind: ProxyKind, directory: TempDir, config: &Path, port: u16) -> Self {
        let mut command = kind.command();
        match kind {
            ProxyKind::Nginx => command.arg("-p").arg(directory.path()).arg("-c").arg(config),
            ProxyKind::Caddy => {
                command.env("HOME", directory.path()).env("XDG_DATA_HOME", directory.path());
                command.env("XDG_CONFIG_HOME", directory.path());
                command.args(["run", "--adapter", "caddyfile", "--config"]).arg(config)
            }
        };
        let log = std::fs::File::create(directory.path().join("output.log")).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log).stdin(Stdio::null());
        let mut proxy = Self { child: command.spawn().unwrap(), directory, port };
        let answers = async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok();
        let ended = proxy.child.try_wait().unwrap();
        assert!(ended.is_none(), "{kind:?} ended: {ended:?}\n{}", proxy.logs());
        eventually(&format!("{kind:?} listens"), answers).await;
        proxy
    }

    /// All that it ever wrote.
    pub(crate) fn logs(&self) -> String {
        let logs = std::fs::read_dir(self.directory.path()).unwrap().map(|entry| entry.unwrap().path());
        let logs = logs.filter(|path| path.extension().is_some_and(|end| end == "log"));
        logs.map(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()).collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Gone already, as a rule not.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The file with each of these words, which stands there once, replaced.
fn filled_in(path: &str, words: &[(&str, String)]) -> String {
    words.iter().fold(file(path), |text, (word, own)| {
        assert_eq!(text.matches(word).count(), 1, "{path} has {word} once");
        text.replace(word, own)
    })
}

/// `deploy/proxy/nginx.conf`, filled in.
fn webhook_site(directory: &Path, port: u16, webhooks: u16) -> String {
    let letsencrypt = "/etc/letsencrypt/live/bridge.examplevets.com.au";
    filled_in(
        "deploy/proxy/nginx.conf",
        &[
            ("    listen 443 ssl;", format!("    listen 127.0.0.1:{port} ssl;")),
            ("    listen [::]:443 ssl;\n", String::new()),
            ("server_name bridge.examplevets.com.au;", "server_name 127.0.0.1;".into()),
            (&format!("{letsencrypt}/fullchain.pem"), tls::fixture("good.pem").display().to_string()),
            (&format!("{letsencrypt}/privkey.pem"), tls::fixture("server.key").display().to_string()),
            ("/var/log/nginx/error.log", directory.join("site.log").display().to_string()),
            ("http://127.0.0.1:8687;", format!("http://127.0.0.1:{webhooks};")),
        ],
    )
}

/// `deploy/proxy/openvpms.nginx.conf`, filled in.
fn openvpms_site(certificates: &Path, port: u16, openvpms: u16) -> String {
    filled_in(
        "deploy/proxy/openvpms.nginx.conf",
        &[
            ("listen 10.8.0.1:8443 ssl;", format!("listen 127.0.0.1:{port} ssl;")),
            ("server_name 10.8.0.1;", "server_name 127.0.0.1;".into()),
            ("/etc/nginx/openvpms.pem", certificates.join("openvpms.pem").display().to_string()),
            ("/etc/nginx/openvpms.key", certificates.join("openvpms.key").display().to_string()),
            ("allow 10.8.0.2;", "allow 127.0.0.1;".into()),
            ("http://127.0.0.1:8080;", format!("http://127.0.0.1:{openvpms};")),
        ],
    )
}

/// `deploy/proxy/status.nginx.conf`, filled in.
fn status_site(directory: &Path, port: u16, admin: u16) -> String {
    let letsencrypt = "/etc/letsencrypt/live/status.examplevets.com.au";
    filled_in(
        "deploy/proxy/status.nginx.conf",
        &[
            ("    listen 443 ssl;", format!("    listen 127.0.0.1:{port} ssl;")),
            ("    listen [::]:443 ssl;\n", String::new()),
            ("server_name status.examplevets.com.au;", "server_name 127.0.0.1;".into()),
            (&format!("{letsencrypt}/fullchain.pem"), tls::fixture("good.pem").display().to_string()),
            (&format!("{letsencrypt}/privkey.pem"), tls::fixture("server.key").display().to_string()),
            ("allow 192.168.1.0/24;", "allow 127.0.0.2;".into()),
            ("/var/log/nginx/error.log", directory.join("site.log").display().to_string()),
            ("http://127.0.0.1:8686;", format!("http://127.0.0.1:{admin};")),
        ],
    )
}

/// `deploy/proxy/openvpms.Caddyfile`, filled in; its path.
fn openvpms_caddyfile(directory: &Path, certificates: &Path, port: u16, openvpms: u16) -> PathBuf {
    let text = filled_in(
        "deploy/proxy/openvpms.Caddyfile",
        &[
            (
                "\nhttps://10.8.0.1:8443 {\n\tbind 10.8.0.1\n",
                format!("\nhttps://127.0.0.1:{port} {{\n\tbind 127.0.0.1\n"),
            ),
            ("C:/caddy/openvpms.pem", certificates.join("openvpms.pem").display().to_string()),
            ("C:/caddy/openvpms.key", certificates.join("openvpms.key").display().to_string()),
            ("remote_ip 10.8.0.2", "remote_ip 127.0.0.1".into()),
            ("reverse_proxy 127.0.0.1:8080", format!("reverse_proxy 127.0.0.1:{openvpms}")),
        ],
    );
    let path = directory.join("Caddyfile");
    std::fs::write(&path, text).unwrap();
    path
}

/// A whole configuration around a site, as nginx's own `nginx.conf` is; its path. It logs more than the site's
/// own lines allow, so that what the site keeps out of the logs is kept out by the site.
fn nginx(directory: &Path, site: &str) -> PathBuf {
    let at = directory.display();
    std::fs::write(directory.join("site.conf"), site).unwrap();
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {at}/{kind};\n"))
        .concat();
    let whole = format!(
        "daemon off;\nmaster_process off;\npid {at}/nginx.pid;\nerror_log {at}/error.log info;\nevents {{}}\nhttp \
         {{\n{temporary}access_log {at}/access.log;\ninclude {at}/site.conf;\n}}\n"
    );
    let path = directory.join("nginx.conf");
    std::fs::write(&path, whole).unwrap();
    path
}

/// `deploy/proxy/Caddyfile` with a certificate that is there, without the listener of Caddy's own that changes
/// its configuration; imported as its first lines say, before a site of the clinic's own.
fn caddyfile(directory: &Path, port: u16, webhooks: u16) -> PathBuf {
    let (certificate, key) = (tls::fixture("good.pem"), tls::fixture("server.key"));
    let text = filled_in(
        "deploy/proxy/Caddyfile",
        &[
            ("\tlog default {", "\tadmin off\n\tauto_https disable_redirects\n\tlog default {".into()),
            (
                "\nbridge.examplevets.com.au {\n",
                format!(
                    "\nhttps://127.0.0.1:{port} {{\n\tbind 127.0.0.1\n\ttls {} {}\n",
                    certificate.display(),
                    key.display()
                ),
            ),
            ("reverse_proxy 127.0.0.1:8687", format!("reverse_proxy 127.0.0.1:{webhooks}")),
        ],
    );
    let import = "import vetbridge.caddy";
    assert!(text.contains(&format!("sed -i '1i {import}' /etc/caddy/Caddyfile")));
    std::fs::write(directory.join("vetbridge.caddy"), text).unwrap();
    let path = directory.join("Caddyfile");
    // With a certificate of its own: Caddy would make this machine trust an authority of Caddy's.
    let another = format!(
        "https://another.examplevets.com.au:{port} {{\n\tbind 127.0.0.1\n\ttls {} {}\n}}\n",
        certificate.display(),
        key.display()
    );
    std::fs::write(&path, format!("{import}\n{another}")).unwrap();
    path
}
