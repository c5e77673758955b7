//! A clinic every secret of which is marked, through good and bad days: no mark stands in what the
//! program writes, be it logs at `trace`, results of commands, pages, alerts, files, or what other
//! users of the machine see of the process.

use std::fs;
use std::path::Path;

use reqwest::Method;
use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::healthengine::RequestOutcome;

use crate::clinic::{PRACTICE, eventually};
use crate::marks::{self, API_KEY, API_KEY_FORM, MAIL, Marked, PASSWORD, PRACTICE_KEY, PROXY, WEBHOOK};
use crate::service::Service;

/// Everything that was written so far, each with what wrote it.
#[derive(Default)]
struct Written(Vec<(String, String)>);

impl Written {
    fn add(&mut self, what: impl Into<String>, text: impl Into<String>) {
        self.0.push((what.into(), text.into()));
    }

    /// What a command says, with the variable that the configuration names.
    async fn command(&mut self, marked: &Marked, arguments: &[&str]) -> i32 {
        let mut command = marked.clinic.command(arguments);
        command.env("MARKED_API_KEY", API_KEY);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        assert!(!said.is_empty(), "{arguments:?} says nothing");
        self.add(arguments.join(" "), said);
        output.status.code().unwrap()
    }

    fn assert_without(&self, marks: &[String]) {
        assert!(self.0.len() > 30, "{}", self.0.len());
        for (what, text) in &self.0 {
            for mark in marks {
                let line = text.lines().find(|line| line.contains(mark.as_str()));
                assert_eq!(line, None, "{what} shows {mark}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_stands_in_anything_that_the_program_writes() {
    let marked = Marked::open().await;
    let mut written = Written::default();
    for arguments in [&["check", "--offline"][..], &["discover", "--toml"]] {
        assert_eq!(written.command(&marked, arguments).await, 0, "{:?}", written.0);
    }
    let mut command = marked.clinic.command(&["run", "--log-format", "json", "--log-level", "trace"]);
    command.env("MARKED_API_KEY", API_KEY);
    let service = Service::spawn(&marked.clinic, command).await;
    eventually("it is in step", async || service.open("/readyz").await.status() == 200).await;
    seen_by_others(&service, &mut written);

    bookings_and_alerts(&marked, &service).await;
    refusals(&marked, &service).await;
    commands(&marked, &mut written).await;
    pages(&marked, &service, &mut written).await;
    broken_files(&marked, &service, &mut written).await;

    let state = marked.clinic.state();
    let own = ["admin-token", "pseudonym-key", "client-memory-key"].map(|name| fs::read_to_string(state.join(name)));
    let own: Vec<String> = own.into_iter().filter_map(Result::ok).map(|text| text.trim_end().to_owned()).collect();
    assert!(own.len() >= 2, "the state directory has its own secrets");
    let session = service.signed_in().await.split_once('=').unwrap().1.to_owned();
    let page = service.get_with_cookie("/", &format!("vetbridge-session={session}")).await;
    assert_eq!(page.status(), 200);
    written.add("the page of a session", page.text().await.unwrap());
    written.add("the log", service.log());
    let traces = service.log().matches("\"TRACE\"").count();
    assert!(traces > 100, "the whole log was kept: {traces}");
    service.stop().await;

    let told = format!("{:?} {:?}", marked.hook.texts_posted(), marked.mail.mails());
    assert!(told.contains("needs a person") && told.contains("Some(\"bridge\")"), "{told}");
    written.add("alerts", told);
    let export = fs::read_to_string(marked.clinic.directory.path().join("backup.jsonl")).unwrap();
    let of_the_configuration = marks::all();
    let of_the_state: Vec<String> = own.into_iter().chain([session]).collect();
    written.assert_without(&of_the_configuration);
    written.assert_without(&of_the_state);
    // The state and its export hold the key of pseudonyms, and none of the configuration's secrets.
    let mut kept = files_in(&state);
    kept.push(("backup.jsonl".to_owned(), export.into_bytes()));
    for (name, bytes) in kept {
        for mark in &of_the_configuration {
            assert!(!bytes.windows(mark.len()).any(|own| own == mark.as_bytes()), "{name} holds {mark}");
        }
    }
}

/// The command line holds no secret. The environment holds what somebody put into it, and only they
/// and root can read it.
fn seen_by_others(service: &Service, written: &mut Written) {
    let seen = |name: &str| fs::read(format!("/proc/{}/{name}", service.process()));
    let (Ok(line), Ok(environment)) = (seen("cmdline"), seen("environ")) else { return };
    written.add("cmdline", String::from_utf8_lossy(&line).replace('\0', "\n"));
    let environment = String::from_utf8_lossy(&environment).into_owned();
    assert!(environment.contains(API_KEY));
    let rest = environment.split('\0').filter(|variable| !variable.starts_with("MARKED_API_KEY="));
    written.add("environ", rest.collect::<Vec<_>>().join("\n"));
}

/// A booking that is made, webhooks, and one that needs a person, which is told by mail and by POST.
async fn bookings_and_alerts(marked: &Marked, service: &Service) {
    let booking = marked.clinic.book("s136").await;
    let answered = async || marked.clinic.healthengine.booking(booking).unwrap().answer == RequestOutcome::Confirmed;
    eventually("it is confirmed", answered).await;
    let webhook = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    for (path, status) in [(WEBHOOK, 200), ("Mark-another-secret", 404)] {
        let url = format!("http://127.0.0.1:{}/webhooks/{path}", marked.webhook_port);
        assert_eq!(webhook.post(url).body("{}").send().await.unwrap().status(), status);
    }
    marked.hook.answer([500, 404]);
    marked.mail.refuse(1);
    marked.clinic.openvpms_faults.set(|asked| (asked.method == "POST").then_some(Fault::StatusAfter(500)));
    let doubtful = marked.clinic.book("s136").await;
    eventually("its POST arrived", async || marked.clinic.standing(doubtful) == 1).await;
    marked.clinic.openvpms_faults.heal();
    eventually("it is mailed", async || !marked.mail.mails().is_empty()).await;
    let posted = async || marked.hook.texts_posted().iter().any(|text| text.contains("needs a person"));
    eventually("it is posted", posted).await;
    assert_eq!(service.open("/healthz").await.status(), 200);
}

/// Both systems refuse the credentials for a while, and one answers with a login page.
async fn refusals(marked: &Marked, service: &Service) {
    let clinic = &marked.clinic;
    let count = |what: &str| service.log().matches(what).count();
    for status in [401, 403] {
        let before = count(&format!("\"status\":{status}"));
        clinic.openvpms_faults.set(move |_| Some(Fault::StatusBefore(status)));
        clinic.healthengine_faults.set(move |_| Some(Fault::RefusalBefore(status)));
        let more = async || count(&format!("\"status\":{status}")) > before + 1;
        eventually(&format!("{status} is logged"), more).await;
    }
    clinic.openvpms_faults.set(|_| Some(Fault::LoginPage));
    clinic.healthengine_faults.close_port();
    eventually("it is out of step", async || service.open("/readyz").await.status() == 503).await;
    clinic.openvpms_faults.heal();
    clinic.healthengine_faults.heal();
    // A refused credential is tried again when somebody asks for it.
    service.signal("HUP");
    service.ask(Method::POST, "/api/v1/ask-again").await;
    eventually("it is in step again", async || service.open("/readyz").await.status() == 200).await;
}

/// Every command that reads the configuration or the state.
async fn commands(marked: &Marked, written: &mut Written) {
    let tomorrow = marked.clinic.today().succ_opt().unwrap().to_string();
    let explain = ["explain", "--practice", PRACTICE, "--resource", "s136", "--date", &tomorrow, "--json"];
    for arguments in [
        &["check"][..],
        &["check", "--json"],
        &["check", "--alerts", "--json"],
        &["status"],
        &["status", "--json"],
        &["bookings", "list"],
        &["bookings", "list", "--json"],
        &explain,
        &["discover", "--json"],
        &["resync", "--practice", PRACTICE, "--dry-run"],
        &["pause", "--practice", PRACTICE],
        &["resume", "--practice", PRACTICE],
        &["state", "export", "backup.jsonl"],
        &["state", "verify", "--json"],
        &["run"],
        &["--log-level", "trace", "check", "--json"],
    ] {
        written.command(marked, arguments).await;
    }
    // Without the variable.
    let ended = marked.clinic.run(&["check"]).await;
    assert_eq!(ended.status, 2, "{ended:?}");
    written.add("check without the variable", ended.error);
}

async fn pages(marked: &Marked, service: &Service, written: &mut Written) {
    let day = format!("/api/v1/practices/{PRACTICE}/explain?resource=s136&date={}", marked.clinic.today());
    for path in ["/", "/metrics", "/readyz", "/api/v1/status", "/api/v1/bookings", "/bookings", "/nowhere", &day] {
        let text = service.get(path).await.text().await.unwrap();
        assert!(!text.is_empty(), "{path}");
        written.add(path, text);
    }
    let stranger =
        service.ask_as(Method::GET, "/?token=Mark-no-token", &[("authorization", "Bearer Mark-no-token")], "").await;
    assert_eq!(stranger.status(), 401);
    written.add("a stranger's page", stranger.text().await.unwrap());
}

/// Files that cannot be used, each with a secret in the line that is wrong.
async fn broken_files(marked: &Marked, service: &Service, written: &mut Written) {
    let good = marked.configuration(API_KEY_FORM);
    let password = "password = { file = \"openvpms.password\" }";
    for (old, new) in [
        (password, format!("password = \"{PASSWORD}")),
        (password, format!("password = {PASSWORD}")),
        (password, format!("password = [\"{PASSWORD}\"]")),
        (password, format!("password = {{ file = \"openvpms.password\", text = \"{PASSWORD}\" }}")),
        (password, format!("password = \"{PASSWORD}\\u0007\"")),
        (password, format!("pasword = \"{PASSWORD}\"")),
        (password, format!("password = \"{PASSWORD}\"\nproxy = \"httpx://judith:{PROXY}@proxy.example\"")),
        (API_KEY_FORM, format!("\"{API_KEY}\u{200b}x\"")),
        ("{ file = \"webhook.secret\" }", format!("\"{WEBHOOK}/x\"")),
        ("{ file = \"alerts.url\" }", "\"ftp://127.0.0.1/T0psecret?key=s3cret\"".to_owned()),
        ("starttls = false", format!("starttls = \"{MAIL}\"")),
        ("url = \"http", format!("url = \"http://sample:{PASSWORD}@127.0.0.1\" # http")),
        (PRACTICE_KEY, format!("{PRACTICE_KEY}\u{7f}")),
    ] {
        assert!(good.contains(old), "{old}");
        marked.clinic.write("vetbridge.toml", &good.replacen(old, &new, 1));
        assert_eq!(written.command(marked, &["check", "--json"]).await, 2, "{new}: {:?}", written.0.last());
    }
    service.signal("HUP");
    eventually("the error is told", async || service.log().contains("vetbridge.toml:")).await;
    // A proxy with a password that is not there.
    let nowhere = format!("{password}\nproxy = \"http://judith:{PROXY}@127.0.0.1:9\"");
    marked.clinic.write("vetbridge.toml", &good.replacen(password, &nowhere, 1));
    service.signal("HUP");
    eventually("it is out of step", async || service.open("/readyz").await.status() == 503).await;
    assert_eq!(written.command(marked, &["check", "--json"]).await, 1);
    marked.clinic.write("vetbridge.toml", &good);
    service.signal("HUP");
    eventually("it is in step again", async || service.open("/readyz").await.status() == 200).await;
}

/// All files below a directory, with their names.
fn files_in(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                directories.push(entry.path());
            } else {
                found.push((entry.path().display().to_string(), fs::read(entry.path()).unwrap()));
            }
        }
    }
    assert!(found.len() > 3, "{found:?}");
    found
}
