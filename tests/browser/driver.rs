//! A headless browser as somebody uses it: Chromium, driven by its WebDriver over plain JSON.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};

/// How the browser is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub(crate) width: u32,
    pub(crate) is_dark: bool,
    pub(crate) has_script: bool,
}

/// No page takes longer on a machine that is not broken.
const LIMIT: Duration = Duration::from_secs(30);
/// Between two looks at a page.
const PAUSE: Duration = Duration::from_millis(20);

pub(crate) const WIDE: Look = Look { width: 1280, is_dark: false, has_script: true };

/// A browser with one window. Dropped, it is gone.
pub(crate) struct Browser {
    driver: Child,
    session: String,
    http: reqwest::Client,
}

impl Browser {
    /// `None` on a machine without a WebDriver for Chromium, unless `BROWSER=required`.
    pub(crate) async fn open(look: Look) -> Option<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}")).stdout(Stdio::null()).stderr(Stdio::null());
        let driver = match command.spawn() {
            Ok(driver) => driver,
            Err(error) => {
                assert!(std::env::var_os("BROWSER").is_none(), "there is no chromedriver: {error}");
                println!("LEFT OUT: there is no chromedriver on this machine.");
                return None;
            }
        };
        vetbridge::http::network::install_crypto_provider();
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(Duration::from_secs(60));
        let mut browser = Self { driver, session: String::new(), http: http.build().unwrap() };
        let mut arguments = vec![
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--hide-scrollbars".to_owned(),
            // No window is narrower than 500 pixels; a device is.
            format!("--window-size={},1000", look.width.max(500)),
        ];
        if look.is_dark {
            arguments.push("--blink-settings=preferredColorScheme=0".to_owned());
        }
        let script = if look.has_script { 1 } else { 2 };
        let mut options = json!({
            "args": arguments,
            "prefs": {"profile.managed_default_content_settings.javascript": script},
        });
        if look.width < 500 {
            options["mobileEmulation"] =
                json!({"deviceMetrics": {"width": look.width, "height": 1000, "pixelRatio": 1.0, "mobile": true}});
        }
        let wanted = json!({"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}});
        let base = format!("http://127.0.0.1:{port}/session");
        let began = tokio::time::Instant::now();
        let answer = loop {
            match browser.http.post(&base).json(&wanted).send().await {
                Ok(answer) => break answer.json::<Value>().await.unwrap(),
                Err(error) => {
                    assert!(began.elapsed() < Duration::from_secs(60), "the WebDriver does not answer: {error}")
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        let id = answer["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {answer}"));
        browser.session = format!("{base}/{id}");
        Some(browser)
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.http.post(format!("{}{path}", self.session)).json(&body).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        assert!(answer["value"]["error"].is_null(), "{path} {body}: {answer}");
        answer["value"].clone()
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.http.get(format!("{}{path}", self.session)).send().await.unwrap();
        answer.json::<Value>().await.unwrap()["value"].clone()
    }

    /// Goes to an address.
    pub(crate) async fn go(&self, url: &str) {
        self.post("/url", json!({"url": url})).await;
    }

    /// What the page is, as it was sent.
    pub(crate) async fn source(&self) -> String {
        self.get("/source").await.as_str().unwrap().to_owned()
    }

    /// What somebody reads on the page.
    pub(crate) async fn text(&self) -> String {
        // The next page can take the place of the one that was found.
        let began = tokio::time::Instant::now();
        while began.elapsed() < LIMIT {
            if let Some(body) = self.find("css selector", "body").await
                && let Some(text) = self.get(&format!("/element/{body}/text")).await.as_str()
            {
                return text.to_owned();
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("no page stays for long enough to be read")
    }

    async fn find(&self, using: &str, value: &str) -> Option<String> {
        let path = format!("{}/element", self.session);
        let answer = self.http.post(path).json(&json!({"using": using, "value": value})).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        answer["value"].as_object()?.values().next()?.as_str().map(str::to_owned)
    }

    async fn found(&self, using: &str, value: &str) -> String {
        match self.find(using, value).await {
            Some(element) => element,
            None => panic!("there is no {value} on the page:\n{}", self.text().await),
        }
    }

    /// Follows a link, or presses a button, with this text, and waits for the next page.
    pub(crate) async fn press(&self, label: &str) {
        let either = format!("//a[normalize-space()='{label}'] | //button[normalize-space()='{label}']");
        let element = self.found("xpath", &either).await;
        self.post(&format!("/element/{element}/click"), json!({})).await;
        // What was pressed goes with its page.
        let began = tokio::time::Instant::now();
        while self.get(&format!("/element/{element}/name")).await.is_string() {
            assert!(began.elapsed() < LIMIT, "nothing came of {label}:\n{}", self.text().await);
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Types into a field, in place of what stands there.
    pub(crate) async fn type_into(&self, name: &str, text: &str) {
        let element = self.found("css selector", &format!("[name={name}]")).await;
        self.post(&format!("/element/{element}/clear"), json!({})).await;
        self.post(&format!("/element/{element}/value"), json!({"text": text})).await;
    }

    /// What reaches beyond a screen of this width, or beyond the box that it stands in, and would
    /// have to be scrolled sideways. A telephone calls its window as wide as the page, so the window
    /// is not asked.
    pub(crate) async fn sticks_out(&self, width: u32) -> Vec<String> {
        let script = "
            const told = e => e.tagName + ' ' + (e.textContent || '').trim().slice(0, 40);
            const all = [document.documentElement, ...document.body.querySelectorAll('*')];
            const wide = all.filter(e => Math.max(e.getBoundingClientRect().right, e.scrollWidth) > WIDTH + 1);
            const scrolled = [...document.querySelectorAll('.wide')].filter(e => e.scrollWidth > e.clientWidth + 1);
            return wide.concat(scrolled).map(told)";
        texts(&self.run(&script.replace("WIDTH", &width.to_string())).await)
    }

    /// Cells of tables that are stacked on a narrow screen, where no heading stands above them, and
    /// have no label of their own.
    pub(crate) async fn cells_without_label(&self) -> Vec<String> {
        let script = "return [...document.querySelectorAll('.stack tbody td')]
            .filter(e => e.textContent.trim() !== '')
            .filter(e => !getComputedStyle(e, '::before').content.includes(':')).map(e => e.textContent)";
        texts(&self.run(script).await)
    }

    /// The links, buttons and fields of the page, each with the name that a screen reader says; but
    /// for links with a text, which is their name.
    pub(crate) async fn controls(&self) -> Vec<(String, String)> {
        let script = "
            const all = document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea');
            return [...all].filter(e => e.tagName !== 'A' || e.innerText.trim() === '')";
        let mut controls = Vec::new();
        for element in self.run(script).await.as_array().unwrap() {
            let id = element.as_object().unwrap().values().next().unwrap().as_str().unwrap();
            let tag = self.get(&format!("/element/{id}/name")).await.as_str().unwrap_or_default().to_owned();
            let name = self.get(&format!("/element/{id}/computedlabel")).await;
            controls.push((tag, name.as_str().unwrap_or_default().trim().to_owned()));
        }
        controls
    }

    async fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({"script": script, "args": []})).await
    }

    /// A picture of the page.
    pub(crate) async fn screenshot(&self, file: &Path) {
        let png = self.get("/screenshot").await;
        let png = base64::engine::general_purpose::STANDARD.decode(png.as_str().unwrap()).unwrap();
        std::fs::write(file, png).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = end_session(&self.session, &self.http).join();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap_or_default().to_owned()).collect()
}

/// Ends the session, so that the browser goes before its driver does.
fn end_session(session: &str, http: &reqwest::Client) -> std::thread::JoinHandle<()> {
    let (session, http) = (session.to_owned(), http.clone());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let end = async { drop(http.delete(&session).timeout(Duration::from_secs(10)).send().await) };
        if let (Ok(runtime), false) = (runtime, session.is_empty()) {
            runtime.block_on(end);
        }
    })
}
