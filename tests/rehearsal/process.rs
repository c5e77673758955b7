//! A rehearsal as a process that goes on, and what OpenVPMS heard of it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};

use crate::clinic::program::stop_signal;
use crate::clinic::{Clinic, eventually};

/// What OpenVPMS was asked, by method, from here on.
pub(crate) fn listen_to_openvpms(clinic: &Clinic) -> Arc<Mutex<Vec<String>>> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&heard);
    clinic.openvpms_faults.set(move |asked| {
        hears.lock().unwrap().push(asked.method.clone());
        None
    });
    heard
}

/// How many of these calls were made.
pub(crate) fn count(heard: &Mutex<Vec<String>>, method: &str) -> usize {
    heard.lock().unwrap().iter().filter(|own| *own == method).count()
}

/// A rehearsal that runs. Dropped, it is killed.
pub(crate) struct Running {
    child: Child,
    out: Arc<Mutex<Vec<String>>>,
    pub(crate) cookie: String,
    address: String,
    /// The address as it is printed.
    pub(crate) link: String,
}

impl Running {
    /// Starts it and opens its page by the link that it prints.
    pub(crate) async fn start(clinic: &Clinic, arguments: &[&str]) -> Self {
        let mut command = clinic.command(&[&["rehearse"], arguments].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let out = Arc::new(Mutex::new(Vec::new()));
        let (lines, kept) = (BufReader::new(child.stdout.take().unwrap()).lines(), Arc::clone(&out));
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| kept.lock().unwrap().push(line)));
        let mut running = Self { child, out, cookie: String::new(), address: String::new(), link: String::new() };
        let link = || running.said("http://127.0.0.1:").and_then(|line| Some(line.split_once("http://")?.1.to_owned()));
        eventually("the address is printed", async || link().is_some()).await;
        let link = format!("http://{}", link().unwrap());
        running.address = link.split_once("/?").unwrap().0.to_owned();
        running.link.clone_from(&link);
        let answer = client().get(&link).send().await.unwrap();
        assert_eq!(answer.status(), 303, "the link opens the page as it is printed");
        assert_eq!(answer.headers()[LOCATION], "/");
        running.cookie = answer.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        running
    }

    /// The line of standard output with this in it.
    pub(crate) fn said(&self, part: &str) -> Option<String> {
        self.out.lock().unwrap().iter().find(|line| line.contains(part)).cloned()
    }

    /// Waits for a line of standard output.
    pub(crate) async fn until_said(&self, part: &str) {
        eventually(part, async || self.said(part).is_some()).await;
    }

    /// Where a path of it is.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// Asks as the browser that followed the link.
    pub(crate) async fn get(&self, path: &str) -> Response {
        client().get(self.url(path)).header(COOKIE, &self.cookie).send().await.unwrap()
    }

    /// The page behind a path.
    pub(crate) async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap()
    }

    /// Asks without having followed the link.
    pub(crate) async fn stranger_gets(&self, path: &str) -> u16 {
        client().get(self.url(path)).send().await.unwrap().status().as_u16()
    }

    /// Sends the form of a page as the browser does: its hidden fields, to where it points.
    pub(crate) async fn send_form(&self, page: &str) -> Response {
        self.press(page, &[]).await
    }

    /// The same by a button that has a name and a value.
    pub(crate) async fn press(&self, page: &str, button: &[(&str, &str)]) -> Response {
        let form = page.split("<form method=\"post\"").skip(1).find(|form| !form.contains("sign-out")).unwrap();
        let attribute = |text: &str, name: &str| {
            text.split_once(&format!("{name}=\"")).unwrap().1.split('"').next().unwrap().replace("&amp;", "&")
        };
        let action = attribute(form, "action");
        let form = form.split("</form>").next().unwrap();
        let fields = form.split("<input type=\"hidden\"").skip(1);
        let fields: Vec<String> = fields
            .map(|field| format!("{}={}", attribute(field, "name"), encoded(&attribute(field, "value"))))
            .chain(button.iter().map(|(name, value)| format!("{name}={value}")))
            .collect();
        let request = client().post(self.url(&action)).header(COOKIE, &self.cookie);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(fields.join("&")).send().await.unwrap()
    }

    /// Asks it to leave, and tells with which status it did.
    pub(crate) async fn stop(mut self) -> (i32, Vec<String>) {
        let status = self.signal(stop_signal()).await;
        (status.unwrap(), self.out.lock().unwrap().clone())
    }

    /// Closes its terminal, and tells with which status it left.
    #[cfg(unix)]
    pub(crate) async fn hang_up(mut self) -> (i32, Vec<String>) {
        let status = self.signal("HUP").await;
        (status.unwrap(), self.out.lock().unwrap().clone())
    }

    /// Ends it without a word.
    pub(crate) async fn kill(mut self) {
        self.signal("KILL").await;
    }

    async fn signal(&mut self, signal: &str) -> Option<i32> {
        let sent =
            std::process::Command::new("kill").arg(format!("-{signal}")).arg(self.child.id().to_string()).status();
        assert!(sent.unwrap().success());
        let mut ended = None;
        for _ in 0..3000 {
            ended = self.child.try_wait().unwrap();
            if ended.is_some() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        ended.unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().redirect(Policy::none()).build().unwrap()
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).into() } else { format!("%{byte:02X}") })
        .collect()
}
