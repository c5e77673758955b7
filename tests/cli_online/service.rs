//! `vetbridge run` as a process of its own, and a client of its admin listener.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::{Method, Response, StatusCode};
use tokio::time::Instant;

use crate::clinic::program::stop_signal;
use crate::clinic::{Clinic, eventually};

/// A running service. Dropped, it is killed.
pub(crate) struct Service {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    port: u16,
    token: String,
}

impl Service {
    /// Starts it and waits until it answers.
    pub(crate) async fn start(clinic: &Clinic) -> Self {
        Self::start_as(clinic, None).await
    }

    /// The same as another user; only root can say who.
    pub(crate) async fn start_as(clinic: &Clinic, user: Option<u32>) -> Self {
        let mut command = clinic.command(&["run", "--log-format", "json"]);
        if let Some(user) = user {
            command.uid(user).gid(user);
        }
        Self::spawn(clinic, command).await
    }

    /// The same under a service manager that listens there and wants to hear from it within this time.
    pub(crate) async fn start_watched(clinic: &Clinic, socket: &std::path::Path, within: Duration) -> Self {
        let mut command = clinic.command(&["run", "--log-format", "json"]);
        command.env("NOTIFY_SOCKET", socket).env("WATCHDOG_USEC", within.as_micros().to_string());
        Self::spawn(clinic, command).await
    }

    /// The same in a shell that said this first, such as `ulimit -f 100`.
    pub(crate) async fn start_limited(clinic: &Clinic, first: &str) -> Self {
        let program = clinic.command(&[]);
        let mut command = Command::new("sh");
        let line = format!("{first}; exec \"$0\" run --log-format json");
        command.current_dir(clinic.directory.path()).arg("-c").arg(line).arg(program.get_program());
        Self::spawn(clinic, command).await
    }

    /// The same by this command.
    pub(crate) async fn spawn(clinic: &Clinic, command: Command) -> Self {
        Self::start_in(clinic, command, &clinic.state()).await
    }

    /// The same from any command that becomes the program, with the state directory that it then has.
    pub(crate) async fn start_in(clinic: &Clinic, mut command: Command, state: &std::path::Path) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (lines, kept) = (BufReader::new(child.stderr.take().unwrap()).lines(), Arc::clone(&log));
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| kept.lock().unwrap().push(line)));
        let mut service = Self { child, log, port: clinic.port, token: String::new() };
        eventually("the service answers", async || service.try_get("/healthz").await).await;
        let token = std::fs::read_to_string(state.join("admin-token")).unwrap();
        token.trim_end().clone_into(&mut service.token);
        service
    }

    /// Starts it and waits until Healthengine shows what the diary says.
    pub(crate) async fn start_and_get_in_step(clinic: &Clinic) -> Self {
        let service = Self::start(clinic).await;
        eventually("it is in step", async || service.open("/readyz").await.status() == StatusCode::OK).await;
        service
    }

    async fn try_get(&self, path: &str) -> bool {
        client().get(self.url(path)).send().await.is_ok_and(|answer| answer.status() == StatusCode::OK)
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Asks without any token.
    pub(crate) async fn open(&self, path: &str) -> Response {
        client().get(self.url(path)).send().await.unwrap()
    }

    /// Asks with the token.
    pub(crate) async fn get(&self, path: &str) -> Response {
        self.ask(Method::GET, path).await
    }

    /// Asks with the token.
    pub(crate) async fn ask(&self, method: Method, path: &str) -> Response {
        client().request(method, self.url(path)).bearer_auth(&self.token).send().await.unwrap()
    }

    /// Asks for something of a service that may be gone before it answers.
    pub(crate) async fn try_post(&self, path: &str) {
        let _ = client().post(self.url(path)).bearer_auth(&self.token).send().await;
    }

    /// Asks with the token and a JSON body.
    pub(crate) async fn ask_with(&self, method: Method, path: &str, body: String) -> Response {
        let request = client().request(method, self.url(path)).bearer_auth(&self.token);
        request.header("content-type", "application/json").body(body).send().await.unwrap()
    }

    /// Asks as a browser does that was given this cookie.
    pub(crate) async fn get_with_cookie(&self, path: &str, cookie: &str) -> Response {
        client().get(self.url(path)).header("cookie", cookie).send().await.unwrap()
    }

    /// Asks with these headers and no others of its own.
    pub(crate) async fn ask_as(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let request = client().request(method, self.url(path)).body(body.to_owned());
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().await.unwrap()
    }

    /// The cookie that the link with the token sets, as a browser sends it back.
    pub(crate) async fn signed_in(&self) -> String {
        let link = vetbridge::server::link("x", &self.token);
        let landed = self.open(link.strip_prefix("http://x").unwrap()).await;
        landed.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
    }

    /// Posts this, with the token, and wants an answer of this type.
    pub(crate) async fn post(&self, path: &str, accept: &str, body: Vec<u8>) -> Response {
        client().post(self.url(path)).bearer_auth(&self.token).header("accept", accept).body(body).send().await.unwrap()
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// The log so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// Sends a signal such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(std::process::Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Waits for its end: exit status, and how long it took.
    pub(crate) async fn wait(&mut self) -> (i32, Duration) {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status.code().unwrap(), began.elapsed());
            }
            assert!(began.elapsed() < Duration::from_secs(30), "it does not leave: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// True while the process lives.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for the end of a process that was killed.
    pub(crate) async fn gone(&mut self) {
        while self.runs() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Asked to leave, it ends cleanly.
    pub(crate) async fn stop(mut self) {
        self.signal(stop_signal());
        assert_eq!(self.wait().await.0, 0, "{}", self.log());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Gone already, as a rule.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn client() -> reqwest::Client {
    vetbridge::http::network::install_crypto_provider();
    let builder = reqwest::Client::builder().no_proxy().tls_certs_only([]);
    builder.redirect(reqwest::redirect::Policy::none()).timeout(Duration::from_secs(30)).build().unwrap()
}
