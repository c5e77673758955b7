//! A clinic every secret of whose configuration is marked, in every form that a secret can have.

use crate::clinic::{Clinic, free_port, practice};
use crate::mail_server::{Encryption, MailServer};
use crate::web_server::WebServer;

pub(crate) const PASSWORD: &str = "changeit-Mark-openvpms";
pub(crate) const API_KEY: &str = "the-api-key";
pub(crate) const PRACTICE_KEY: &str = "the-practice-key";
pub(crate) const WEBHOOK: &str = "Mark-webhook-secret-77";
/// Of [`MailServer`] and [`WebServer`].
pub(crate) const MAIL: &str = "smtp-hunter2";
pub(crate) const RECEIVER: &str = "T0psecret";
pub(crate) const PROXY: &str = "Mark-proxy-password";

/// Every mark, with what it also looks like on its way: in a header, in a query, in base64.
pub(crate) fn all() -> Vec<String> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let plain = [PASSWORD, API_KEY, PRACTICE_KEY, WEBHOOK, MAIL, RECEIVER, "s3cret", PROXY].map(str::to_owned);
    let basic = [format!("sample:{PASSWORD}"), format!("\0bridge\0{MAIL}"), format!("judith:{PROXY}")];
    plain.into_iter().chain(basic.map(|text| STANDARD.encode(text))).collect()
}

/// The clinic, and who is told by mail and by POST.
pub(crate) struct Marked {
    pub(crate) clinic: Clinic,
    pub(crate) webhook_port: u16,
    pub(crate) mail: MailServer,
    pub(crate) hook: WebServer,
}

impl Marked {
    pub(crate) async fn open() -> Self {
        let clinic = Clinic::open().await;
        let (webhook_port, hook) = (free_port().await, WebServer::open().await);
        let mail = MailServer::open_with(Encryption::Never, true).await;
        clinic.openvpms.staff(|world| {
            world.accounts.iter_mut().for_each(|account| account.password = PASSWORD.to_owned());
        });
        let marked = Self { clinic, webhook_port, mail, hook };
        marked.clinic.write("openvpms.password", &format!("{PASSWORD}\n"));
        marked.clinic.write("webhook.secret", &format!("{WEBHOOK}\n"));
        marked.clinic.write("alerts.url", &marked.hook.url());
        marked.clinic.write("vetbridge.toml", &marked.configuration(API_KEY_FORM));
        marked
    }

    /// The key of Healthengine is in the environment, the practice's in the file itself.
    pub(crate) fn configuration(&self, api_key: &str) -> String {
        let settings = self.clinic.settings().replace("\"the-api-key\"", api_key);
        let more = format!(
            r#"[webhooks]
listen = "127.0.0.1:{}"
public_url = "https://bridge.example"
secret = {{ file = "webhook.secret" }}
allowed_ips = ["127.0.0.1"]
[alerts]
after = "1s"
webhook_url = {{ file = "alerts.url" }}
heartbeat_url = {{ file = "alerts.url" }}
heartbeat_interval = "200ms"
[alerts.email]
server = "smtp://127.0.0.1:{}"
starttls = false
username = "bridge"
password = "{MAIL}"
from = "bridge@vet.example"
to = ["reception@vet.example"]
"#,
            self.webhook_port, self.mail.port
        );
        settings + &more + &practice(crate::clinic::PRACTICE, PRACTICE_KEY, "")
    }
}

/// As the variable gives it.
pub(crate) const API_KEY_FORM: &str = "{ env = \"MARKED_API_KEY\" }";
