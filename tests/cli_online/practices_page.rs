//! What the pages say of practices and their days to people who know names and press buttons.

use chrono::TimeDelta;
use reqwest::Method;
use reqwest::header::LOCATION;
use vetbridge::clock::Clock;
use vetbridge::ids::PracticeId;
use vetbridge::practice::pauses;
use vetbridge::simulator::exchange::Fault;
use vetbridge::store::Store;

use crate::clinic::{BRANCH, Clinic, PRACTICE, eventually};
use crate::service::Service;

async fn page(service: &Service, path: &str) -> String {
    service.get(path).await.text().await.unwrap()
}

/// The page of somebody who is signed in, and so has buttons.
async fn with_buttons(service: &Service, path: &str) -> String {
    let cookie = service.signed_in().await;
    service.get_with_cookie(path, &cookie).await.text().await.unwrap()
}

/// What stands on the status page from one heading to another.
fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    page.split(from).nth(1).unwrap_or_else(|| panic!("{from}: {page}")).split(to).next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_is_told_in_names_and_a_booked_time_leads_to_its_booking() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let booking = clinic.book("s136").await;
    eventually("it stands", async || clinic.standing(booking) == 1).await;
    let tomorrow = clinic.today().succ_opt().unwrap();
    let day = format!("/practices/{PRACTICE}/days?resource=s136&date={tomorrow}");
    let start = clinic.appointments_of(booking).remove(0).start.format("%H:%M").to_string();
    let link = format!("<a href=\"/bookings/{booking}\">{start}, booking {booking}: ");
    eventually("the day has it", async || page(&service, &day).await.contains(&link)).await;
    let shown = page(&service, &day).await;
    let title = between(&shown, "<title>", "</title>");
    assert!(title.starts_with("Main Appointment Schedule, ") && !title.contains("s136"), "{title}");
    assert!(shown.contains("no online booking times of Main Appointment Schedule then"), "{shown}");
    assert!(!shown.contains('`') && !shown.contains("chedule 136") && !shown.contains(">None"), "{shown}");

    // A pause is called one, and ends by a button.
    let pause = format!("/api/v1/practices/{PRACTICE}/pause");
    assert_eq!(service.ask(Method::POST, &pause).await.status(), 200);
    let shown = with_buttons(&service, &day).await;
    assert!(shown.contains("the practice is paused") && !shown.contains("the practice is off"), "{shown}");
    assert!(shown.contains("Press &quot;End the pause&quot;.") && !shown.contains('`'), "{shown}");
    assert!(shown.contains(&format!("href=\"/practices/{PRACTICE}/resume\">End the pause</a>")), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_cannot_be_read_is_not_said_to_stand_at_healthengine_as_the_diary_has_it() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let day = format!("/practices/{PRACTICE}/days?resource=s136&date={}", clinic.today().succ_opt().unwrap());
    eventually("it was sent", async || page(&service, &day).await.contains("has what stands here")).await;
    clinic.openvpms_faults.set(|_| Some(Fault::RefusalBefore(503)));
    eventually("it is not read", async || page(&service, &day).await.contains("OpenVPMS was not read<")).await;
    let shown = page(&service, &day).await;
    assert!(!shown.contains("has what stands here") && shown.contains("is not known at the moment"), "{shown}");
    assert!(shown.contains("To the status page") && !shown.contains('`'), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_whom_openvpms_refuses_is_said_to_be_refused() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    clinic.openvpms_faults.set(|_| Some(Fault::RefusalBefore(401)));
    eventually("it says so", async || page(&service, "/").await.contains("OpenVPMS refuses<")).await;
    let shown = page(&service, "/").await;
    assert!(
        shown.contains("OpenVPMS refuses the user name and password") && !shown.contains("OpenVPMS away"),
        "{shown}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_that_is_revoked_is_not_called_a_poll_without_answer() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    clinic.healthengine_faults.set(|_| Some(Fault::RefusalBefore(403)));
    eventually("it says so", async || page(&service, "/").await.contains("Healthengine refuses")).await;
    let shown = page(&service, "/").await;
    assert!(shown.contains("refuses the credentials or the consent") && !shown.contains("did not answer"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_with_a_new_state_says_that_it_does_not_know_what_is_offered() {
    let clinic = Clinic::open().await;
    clinic.openvpms_faults.set(|_| Some(Fault::RefusalBefore(503)));
    let service = Service::start(&clinic).await;
    let says = async || page(&service, "/").await.contains("The times that were offered before are still offered");
    eventually("OpenVPMS is away", says).await;
    let shown = page(&service, "/").await;
    assert!(!shown.contains("0 times") && !shown.contains("never"), "{shown}");
    assert!(shown.contains("until the practice's own zone is known"), "{shown}");
    assert!(!shown.contains(&format!("Practice {PRACTICE} ({PRACTICE})")), "{shown}");
    let days = page(&service, &format!("/practices/{PRACTICE}/days")).await;
    assert!(days.contains("The status page says what is wrong.") && !days.contains('`'), "{days}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_to_send_everything_again_is_history_once_all_of_it_was_sent() {
    let clinic = Clinic::open().await;
    let short = |file: String| file.replace("[sync]\n", "[sync]\nconfig_interval = \"200ms\"\n");
    clinic.write("vetbridge.toml", &short(clinic.configuration()));
    let service = Service::start_and_get_in_step(&clinic).await;
    clinic.openvpms_faults.set(|_| Some(Fault::RefusalBefore(503)));
    let path = format!("/api/v1/practices/{PRACTICE}/resync");
    assert_eq!(service.ask(Method::POST, &path).await.status(), 502);
    let shown = page(&service, "/").await;
    assert!(shown.contains("<p class=\"ill\">Sending everything again failed "), "{shown}");
    clinic.openvpms_faults.heal();
    let made_up = "Since then all of it has reached Healthengine.";
    eventually("it is made up for", async || page(&service, "/").await.contains(made_up)).await;
    let shown = page(&service, "/").await;
    assert!(shown.contains("<p class=\"quiet\">Sending everything again failed "), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_may_be_forgotten_has_its_button_and_stands_above_practices_that_work() {
    let clinic = Clinic::open().await;
    clinic.open_branch_in_perth();
    let begun = clinic.healthengine.now() - TimeDelta::hours(50);
    let store = Store::open(&clinic.state(), Clock::system().now()).unwrap();
    assert!(pauses::set_paused(&store, &PracticeId(BRANCH.into()), true, begun).await.unwrap());
    store.flush().await.unwrap();
    drop(store);
    let service = Service::start(&clinic).await;
    eventually("it is told", async || page(&service, "/").await.contains("has been paused for 2 days")).await;
    eventually("the other works", async || page(&service, "/").await.contains(">Working<")).await;
    let shown = with_buttons(&service, "/").await;
    let card = between(&shown, "What needs a person now", ">Practices<");
    assert!(card.contains(&format!("href=\"/practices/{BRANCH}/resume\">End the pause</a>")), "{card}");
    assert!(!card.contains('`') && card.contains(", for 2 days</time>."), "{card}");
    let (paused, working) = (shown.find(">Paused<").unwrap(), shown.find(">Working<").unwrap());
    assert!(paused < working, "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_practice_that_is_disabled_says_that_nobody_knows_since_when() {
    let clinic = Clinic::open().await;
    clinic.open_branch_in_perth();
    let disabled = std::fs::read_to_string(clinic.directory.path().join("vetbridge.toml")).unwrap();
    let disabled = disabled.replace(&format!("id = \"{BRANCH}\"\n"), &format!("id = \"{BRANCH}\"\nenabled = false\n"));
    clinic.write("vetbridge.toml", &disabled);
    let service = Service::start_and_get_in_step(&clinic).await;
    let shown = page(&service, "/").await;
    let disabled = between(&shown, ">Disabled<", "</p>");
    assert!(disabled.contains("Since when is not known."), "{shown}");
    let why = page(&service, &format!("/practices/{BRANCH}/resync")).await;
    assert!(why.contains("is disabled, so nothing is sent for it. Whoever looks after vetbridge"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_with_a_wrong_token_says_that_it_is_wrong_and_leaves_the_address() {
    let clinic = Clinic::open().await;
    let service = Service::start(&clinic).await;
    let browser = [("accept", "text/html,*/*;q=0.8")];
    for path in ["/?token=wrong", "/?token=", "/bookings?token=wrong"] {
        let answer = service.ask_as(Method::GET, path, &browser, "").await;
        assert_eq!((answer.status().as_u16(), answer.headers()[LOCATION].to_str().unwrap()), (303, "/?wrong-token"));
    }
    let answer = service.ask_as(Method::GET, "/?wrong-token", &browser, "").await;
    assert_eq!(answer.status(), 401);
    let shown = answer.text().await.unwrap();
    assert!(shown.contains("That is not the admin token.") && shown.contains("action=\"/sign-in\""), "{shown}");
    // A program is answered where it asked.
    for headers in [&[("authorization", "Bearer wrong")][..], &[]] {
        let answer = service.ask_as(Method::GET, "/?token=wrong", headers, "").await;
        assert_eq!(answer.status(), 401);
        assert!(answer.text().await.unwrap().starts_with("That is not the admin token."));
    }
    let landed = service.ask_as(Method::GET, &format!("/?token={}", service.token()), &browser, "").await;
    assert_eq!(landed.headers()[LOCATION], "/");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_that_settles_asks_a_question_and_names_practice_and_zone_and_a_story_has_exact_times() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let booking = clinic.book("s136").await;
    eventually("it stands", async || clinic.standing(booking) == 1).await;
    let shown = page(&service, &format!("/bookings/{booking}/settle?outcome=cancelled")).await;
    let question = format!("<h1>Settle booking {booking} with the answer &quot;Cancel the appointment&quot;?</h1>");
    assert!(shown.contains(&question), "{shown}");
    assert!(shown.contains("Main Clinic") && shown.contains("Times are of Australia/Sydney."), "{shown}");
    let story = page(&service, &format!("/bookings/{booking}")).await;
    let first = between(&story, "<ol class=\"story\">", "</li>");
    let clock = between(first, "<time", "</time>").split('>').nth(1).unwrap();
    let is_exact = clock.len() > "Mon 1 Feb 2027 11:30".len() && clock.matches(':').count() == 2;
    assert!(is_exact && first.contains("ago") | first.contains("just now"), "{first}");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_terms_and_a_resource_as_its_page_names_it_find_a_booking() {
    let clinic = Clinic::open().await;
    let resources = ["schedule = 136\n", "user = 1158\nschedule = 136\n"];
    let resources = resources.map(|own| format!("\n[[practice.resource]]\n{own}")).concat();
    clinic.write("vetbridge.toml", &(clinic.configuration() + &resources));
    let service = Service::start_and_get_in_step(&clinic).await;
    let booking = clinic.book("u1158-s136").await;
    eventually("it stands", async || clinic.standing(booking) == 1).await;
    clinic.book("s136").await;
    for (sought, count) in
        [("Andrew%20Turner%20-%20Main%20Appointment%20Schedule", 1), ("turner%20tomorrow", 1), ("Turner%20rejected", 0)]
    {
        let shown = page(&service, &format!("/bookings?q={sought}")).await;
        assert!(shown.contains(&format!("{count} found.")), "{sought}: {shown}");
    }
}
