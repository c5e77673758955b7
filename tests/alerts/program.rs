//! The program tells people: by mail and by POST, and the heartbeat stops.

use std::time::Duration;

use reqwest::Method;
use tokio::time::{Instant, sleep};
use vetbridge::ids::BookingId;
use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::healthengine::PetOwner;

use crate::clinic::{Clinic, eventually};
use crate::mail_server::MailServer;
use crate::service::Service;
use crate::web_server::WebServer;

/// How long something may last before it is told.
const AFTER: Duration = Duration::from_secs(3);
/// Longer than what begins at once is gathered and sent.
const AT_ONCE: Duration = Duration::from_secs(6);

/// A clinic, and everybody who is told.
pub(crate) struct Scene {
    pub(crate) clinic: Clinic,
    pub(crate) mail: MailServer,
    pub(crate) hook: WebServer,
    pub(crate) heart: WebServer,
}

impl Scene {
    pub(crate) async fn open() -> Self {
        let (clinic, mail) = (Clinic::open().await, MailServer::open().await);
        let scene = Self { clinic, mail, hook: WebServer::open().await, heart: WebServer::open().await };
        scene.clinic.write("alerts.url", &scene.hook.url());
        scene.clinic.write("heartbeat.url", &scene.heart.url());
        scene.clinic.write("vetbridge.toml", &(scene.clinic.configuration() + &scene.alerts()));
        scene
    }

    pub(crate) fn alerts(&self) -> String {
        format!(
            r#"[alerts]
after = "3s"
webhook_url = {{ file = "alerts.url" }}
heartbeat_url = {{ file = "heartbeat.url" }}
heartbeat_interval = "200ms"
[alerts.email]
server = "smtp://127.0.0.1:{}"
from = "bridge@vet.example"
to = ["reception@vet.example"]
"#,
            self.mail.port
        )
    }

    /// How many messages each of the two has.
    fn counts(&self) -> (usize, usize) {
        (self.mail.mails().len(), self.hook.count())
    }

    async fn until_told(&self, messages: usize) {
        eventually(&format!("{messages} messages"), async || self.counts() >= (messages, messages)).await;
        sleep(AT_ONCE).await;
        assert_eq!(self.counts(), (messages, messages), "{:?}", self.hook.texts());
    }

    /// The last message, which is the same to both.
    fn last(&self) -> String {
        let (text, mail) = (self.hook.texts().pop().unwrap(), self.mail.mails().pop().unwrap());
        assert!(mail.text.replace("\r\n", "\n").contains(text.trim()), "{}\n{text}", mail.text);
        text
    }

    async fn doubt(&self) -> BookingId {
        self.clinic.openvpms_faults.set(|asked| (asked.method == "POST").then_some(Fault::StatusAfter(500)));
        let booking = self.clinic.book_by(owner(), "s136").await;
        eventually("its POST arrived", async || self.clinic.standing(booking) == 1).await;
        self.clinic.openvpms_faults.heal();
        booking
    }

    async fn is_beating(&self) -> bool {
        let before = self.heart.count();
        sleep(Duration::from_secs(1)).await;
        self.heart.count() > before
    }

    /// Nothing of the pet owner, and no secret, is anywhere.
    fn assert_discreet(&self, service: &Service) {
        let told = format!("{:?}{:?}{}", self.hook.texts(), self.mail.mails(), service.log());
        for word in ["Zebulon", "Quagmire", "0491570156", "zq@mail.example", "Muffett", "T0psecret", "s3cret"] {
            assert!(!told.contains(word), "{word}: {told}");
        }
    }
}

/// A pet owner whose every word would be found.
fn owner() -> PetOwner {
    let word = |word: &str| Some(word.to_owned());
    PetOwner {
        first_name: word("Zebulon"),
        last_name: word("Quagmire"),
        phone: word("0491570156"),
        email: word("zq@mail.example"),
        ..PetOwner::default()
    }
}

async fn resolve(service: &Service, booking: BookingId) {
    let body = r#"{"outcome":"confirmed"}"#.to_owned();
    let answer = service.ask_with(Method::POST, &format!("/api/v1/bookings/{booking}/resolve"), body).await;
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_that_needs_a_person_is_one_message_to_each_at_once_and_one_when_it_is_settled() {
    let scene = Scene::open().await;
    let service = Service::start_and_get_in_step(&scene.clinic).await;
    let booking = scene.doubt().await;
    scene.until_told(1).await;
    let begun = scene.last();
    for part in ["Main Clinic (1234567) needs a person", &format!("booking {booking}, since"), "heck the diary"] {
        assert!(begun.contains(part), "{part}: {begun}");
    }
    let file = format!("--config {}\n", scene.clinic.directory.path().join("vetbridge.toml").display());
    assert!(begun.contains(&format!("Type: vetbridge bookings show {booking} {file}")), "{begun}");
    assert!(begun.contains(&format!("vetbridge bookings resolve {booking} --rejected {file}")), "{begun}");
    assert!(begun.contains(" Australia/Sydney:\n"), "{begun}");
    assert!(scene.is_beating().await, "a booking does not stop the heartbeat");

    // What was told is not told again by the next process.
    service.stop().await;
    let service = Service::start_and_get_in_step(&scene.clinic).await;
    sleep(AT_ONCE).await;
    assert_eq!(scene.counts(), (1, 1));
    resolve(&service, booking).await;
    scene.until_told(2).await;
    let over = scene.last();
    assert!(
        over.contains("over at Main Clinic (1234567)") && over.contains(&format!("booking {booking}: over after ")),
        "{over}"
    );
    scene.assert_discreet(&service);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_told_once_it_lasts_with_its_end_and_stops_the_heartbeat() {
    let scene = Scene::open().await;
    let service = Service::start_and_get_in_step(&scene.clinic).await;
    eventually("the heart beats", async || scene.heart.count() > 0).await;
    let began = Instant::now();
    scene.clinic.openvpms_faults.close_port();
    eventually("it is told", async || scene.counts() >= (1, 1)).await;
    assert!(began.elapsed() >= AFTER, "{:?}", began.elapsed());
    assert!(scene.last().contains("OpenVPMS cannot be read"), "{}", scene.last());
    eventually("it is out of step", async || service.open("/readyz").await.status() == 503).await;
    sleep(AFTER + AT_ONCE).await;
    assert!(!scene.is_beating().await);
    assert_eq!(scene.counts(), (1, 1), "that it is out of step is no second message: {:?}", scene.hook.texts());
    scene.clinic.openvpms_faults.heal();
    scene.until_told(2).await;
    assert!(scene.last().contains("over at Main Clinic (1234567)"), "{}", scene.last());
    assert!(scene.is_beating().await);
    scene.assert_discreet(&service);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receivers_that_fail_at_first_are_tried_again_each_for_itself_and_status_says_so() {
    let scene = Scene::open().await;
    scene.hook.answer([500, 302, 404]);
    scene.mail.refuse(4);
    let service = Service::start_and_get_in_step(&scene.clinic).await;
    scene.doubt().await;
    let problem = async || service.get("/api/v1/status").await.text().await.unwrap();
    eventually("status says so", async || problem().await.contains("Messages do not arrive")).await;
    let said = problem().await;
    assert!(!said.contains("T0psecret"), "{said}");
    eventually("it is mailed", async || scene.mail.mails().len() == 1).await;
    sleep(AT_ONCE).await;
    let texts = scene.hook.texts();
    assert!(texts.len() == 4 && texts.iter().all(|text| *text == texts[0]), "{texts:?}");
    assert_eq!(scene.mail.mails().len(), 1);
    assert!(!problem().await.contains("Messages do not arrive"));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_told_changes_with_the_file_and_hears_of_what_stands() {
    let scene = Scene::open().await;
    scene.clinic.write("vetbridge.toml", &scene.clinic.configuration());
    let service = Service::start_and_get_in_step(&scene.clinic).await;
    let booking = scene.doubt().await;
    sleep(AT_ONCE).await;
    assert_eq!((scene.counts(), scene.heart.count()), ((0, 0), 0));
    scene.clinic.write("vetbridge.toml", &(scene.clinic.configuration() + &scene.alerts()));
    service.signal("HUP");
    scene.until_told(1).await;
    assert!(scene.last().contains(&format!("booking {booking},")), "{}", scene.last());
    // Another address, in the file that the secret stands in.
    let other = WebServer::open().await;
    scene.clinic.write("alerts.url", &other.url());
    eventually("it is read", async || service.log().matches("was read again").count() >= 2).await;
    resolve(&service, booking).await;
    eventually("the other one hears of it", async || other.count() == 1).await;
    assert_eq!(scene.hook.count(), 1);
    service.stop().await;
}
