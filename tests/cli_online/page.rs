//! What stands on the pages, as they are sent. What they are like in a browser is in `tests/browser`.

use chrono::{NaiveDateTime, TimeDelta};
use reqwest::Method;
use serde_json::Value;
use vetbridge::ids::{PracticeId, ScheduleId};
use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::healthengine::{PetOwner, Wish};
use vetbridge::simulator::openvpms::World;

use crate::clinic::{Clinic, PRACTICE, eventually};
use crate::service::Service;

async fn page(service: &Service, path: &str) -> String {
    service.get(path).await.text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_style_comes_from_the_listener_and_nothing_else_may_be_loaded() {
    let clinic = Clinic::open().await;
    let service = Service::start(&clinic).await;
    let style = service.open("/style.css").await;
    assert_eq!(
        (style.status().as_u16(), style.headers()["content-type"].to_str().unwrap()),
        (200, "text/css; charset=utf-8")
    );
    let answer = service.get("/").await;
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; style-src 'self';") && !policy.contains("unsafe"), "{policy}");
    let page = answer.text().await.unwrap();
    assert!(!page.contains("style=") && !page.contains("<script") && !page.contains("<style"), "{page}");
    // Whoever has the token and no browser sees no button that would not work.
    assert!(!page.contains("<form") && !page.contains("/pause"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_at_set_intervals_that_come_near_a_rate_limit_are_noted_and_too_many_are_a_problem_until_they_fit() {
    let clinic = Clinic::open().await;
    let polled_every = |interval: &str| {
        let polls = format!("request_interval = \"{interval}\"\nidle_request_interval = \"{interval}\"");
        let file = clinic.configuration();
        let (openvpms, rest) = file.split_once("[healthengine]").unwrap();
        let rest = rest.replacen("max_requests_per_second = 1000", "max_requests_per_second = 3", 1);
        let rest = rest.replace("request_interval = \"100ms\"\nidle_request_interval = \"100ms\"", &polls);
        format!("{openvpms}[healthengine]{rest}")
    };
    clinic.write("vetbridge.toml", &polled_every("500ms"));
    let service = Service::start(&clinic).await;
    let status = async || service.get("/api/v1/status").await.json::<Value>().await.unwrap();
    let told = "The polls of 1 practice, one every 0.5 s, and the other calls at set intervals are 2.0 calls a second \
                together, more than half of the 3 that max_requests_per_second allows";
    assert!(page(&service, "/").await.contains(&format!("Note: {told}")));
    assert!(status().await["notes"][0].as_str().unwrap().starts_with(told));
    let said = clinic.run(&["status"]).await;
    assert!(said.out.contains(&format!("note: {told}")), "{}", said.out);
    let subjects = async || status().await["problems"].to_string();
    assert!(!subjects().await.contains("call_rates"), "near is no problem");

    clinic.write("vetbridge.toml", &polled_every("200ms"));
    eventually("more than all of it is", async || subjects().await.contains("call_rates")).await;
    let shown = page(&service, "/").await;
    assert!(shown.contains("more than the 3 that max_requests_per_second allows, so polls come late"), "{shown}");
    clinic.write("vetbridge.toml", &polled_every("1s"));
    let is_calm = async || status().await["notes"].as_array().unwrap().is_empty() && !subjects().await.contains("call");
    eventually("they fit again", is_calm).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_says_what_it_means_for_pet_owners_and_never_never() {
    let clinic = Clinic::open().await;
    let service = Service::start(&clinic).await;
    assert!(!page(&service, "/").await.contains("never"));
    eventually("it works", async || page(&service, "/").await.contains("times can be booked")).await;
    clinic.openvpms_faults.set(|_| Some(Fault::RefusalBefore(503)));
    let says = async || page(&service, "/").await.contains("times are still offered; every booking is rejected.");
    eventually("it says what it means", says).await;
    let away = page(&service, "/").await;
    assert!(away.contains("OpenVPMS away") && away.contains("role=\"status\""), "{away}");
    assert!(away.contains("thing") && !away.contains("role=\"alert\""), "{away}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_problem_means_at_the_practice_stands_before_what_an_administrator_needs() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    clinic.healthengine_faults.set(|asked| asked.target.contains("/availability").then_some(Fault::RefusalBefore(400)));
    service.ask(Method::POST, &format!("/api/v1/practices/{PRACTICE}/resync?only=availability")).await;
    let card = async || {
        let page = page(&service, "/").await;
        let (_, card) = page.split_once("Healthengine does not have all of the diary")?;
        Some(card.split_once("</details>")?.0.to_owned())
    };
    eventually("it is said", async || card().await.is_some()).await;
    let card = card().await.unwrap();
    let (plain, admins) = card.split_once("For the administrator").unwrap();
    assert!(plain.contains("Tell whoever looks after vetbridge.") && plain.contains("Since "), "{plain}");
    assert!(admins.contains("`vetbridge resync --config ") && !plain.contains("`"), "{card}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_booking_keeps_the_time_that_was_wanted_and_a_cancellation_that_waits_is_shown() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let stands = clinic.book("s136").await;
    eventually("it stands", async || clinic.standing(stands) == 1).await;

    let tomorrow = clinic.today().succ_opt().unwrap().and_hms_opt(14, 7, 0).unwrap();
    let wish = Wish::new("s136", "66:s136", tomorrow).by(PetOwner::default(), "x");
    let rejected = clinic.healthengine.book_regardless(&PracticeId(PRACTICE.into()), wish).unwrap();
    let view = async || service.get(&format!("/api/v1/bookings/{rejected}")).await.json::<Value>().await.unwrap();
    eventually("it is rejected", async || view().await["state"] == "rejected").await;
    let start = view().await["start"].as_str().unwrap().to_owned();
    assert!(start.starts_with(&format!("{}T14:07:00", tomorrow.date())), "{start}");
    let story = page(&service, &format!("/bookings/{rejected}")).await;
    assert!(story.contains("Wanted for ") && story.contains("tomorrow 14:07"), "{story}");
    // What was written is remembered the moment after.
    eventually("the page has it", async || page(&service, "/").await.contains("tomorrow 14:07")).await;

    clinic.openvpms_faults.set(|asked| (asked.method == "DELETE").then_some(Fault::RefusalBefore(503)));
    clinic.healthengine.cancel(stands).unwrap();
    eventually("it waits", async || page(&service, "/").await.contains("Cancellation waits")).await;
    clinic.openvpms_faults.heal();
    eventually("it is cancelled", async || clinic.standing(stands) == 0).await;
    eventually("it waits no longer", async || !page(&service, "/").await.contains("Cancellation waits")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_addresses_of_pages_are_a_sentence_and_changes_need_a_form() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    for (path, status, says) in [
        ("/bookings/7", 404, "no booking 7"),
        ("/bookings/seven/settle", 404, "no booking seven"),
        ("/practices/7/days", 404, "Practice 7"),
        ("/practices/7/pause", 404, "Practice 7"),
        ("/practices/7/resync", 404, "Practice 7"),
        ("/practices/1234567/days?resource=x", 400, "x is not a resource"),
        ("/practices/1234567/days?date=x", 400, "x is not a date"),
        ("/practices/1234567/days?resource=s99", 404, "does not offer s99"),
    ] {
        let answer = service.get(path).await;
        assert_eq!(answer.status(), status, "{path}");
        let text = answer.text().await.unwrap();
        assert!(text.contains(says) && text.starts_with("{\"error\":"), "{path}: {text}");
        // A browser is led back.
        let bearer = format!("Bearer {}", service.token());
        let headers = [("authorization", bearer.as_str()), ("accept", "text/html,*/*;q=0.8")];
        let answer = service.ask_as(Method::GET, path, &headers, "").await;
        let kind = answer.headers()["content-type"].to_str().unwrap();
        assert_eq!((answer.status().as_u16(), kind), (status, "text/html; charset=utf-8"));
        let text = answer.text().await.unwrap();
        assert!(text.contains(says) && text.contains("Back to the status page"), "{path}: {text}");
    }
    assert_eq!(service.get("/practices/1234567/days").await.status(), 200, "the first resource, today");
    let cookie = service.signed_in().await;
    for path in ["/practices/1234567/pause", "/practices/1234567/resync", "/bookings/7/settle"] {
        let headers = [("cookie", cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        let answer = service.ask_as(Method::POST, path, &headers, "outcome=rejected").await;
        assert_eq!(answer.status(), 403, "{path}: a form without its token");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_changes_by_itself_loads_itself_again() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let booking = clinic.book("s136").await;
    let story = format!("/bookings/{booking}");
    let state = async || {
        let answer = service.get(&format!("/api/v1/bookings/{booking}")).await.json::<Value>().await;
        answer.unwrap_or_default()["state"] == "confirmed"
    };
    eventually("it is confirmed", state).await;
    let refresh = "http-equiv=\"refresh\"";
    let overview = page(&service, "/").await;
    assert!(overview.contains("content=\"30; url=/\"") && overview.contains("Updated just now"), "{overview}");
    for path in [story.as_str(), "/bookings", "/practices/1234567/days", "/bookings/7/settle"] {
        assert!(!page(&service, path).await.contains(refresh), "{path}");
    }
    let story = page(&service, &story).await;
    assert!(
        story.contains("<strong>In the diary</strong>") && !story.contains("<strong>confirmed</strong>"),
        "{story}"
    );
    let unknown = service.get(&format!("/bookings/{booking}/settle?outcome=gone")).await;
    assert_eq!(unknown.status(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_page_says_what_was_done_and_how_sending_everything_again_went() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let said = page(&service, &format!("/?done=paused&practice={PRACTICE}")).await;
    assert!(said.contains("You paused "), "{said}");
    for odd in ["/?done=paused&practice=7", "/?done=x&practice=1234567", "/?done=settled"] {
        assert!(!page(&service, odd).await.contains("You "), "{odd}");
    }
    let path = format!("/api/v1/practices/{PRACTICE}/resync");
    assert_eq!(service.ask(Method::POST, &path).await.status(), 200);
    assert!(page(&service, "/").await.contains("Everything was sent again"));
    clinic.openvpms_faults.set(|_| Some(Fault::RefusalBefore(503)));
    assert_eq!(service.ask(Method::POST, &path).await.status(), 502);
    assert!(page(&service, "/").await.contains("Sending everything again failed"));
    clinic.openvpms_faults.heal();

    assert_eq!(service.ask(Method::POST, &format!("/api/v1/practices/{PRACTICE}/pause")).await.status(), 200);
    let paused = page(&service, "/").await;
    assert!(paused.contains("Paused") && paused.contains(" Since "), "{paused}");
    // A pause is not well, although nothing is wrong.
    eventually("it is called a pause", async || page(&service, "/").await.contains(">are paused<")).await;
    assert!(page(&service, "/").await.contains("A practice that is paused takes no bookings"));
    let status = clinic.run(&["status"]).await;
    let told = "All is well, and 1 practice is paused: it takes no bookings.";
    assert!(status.status == 0 && status.out.contains(told), "{status:?}");
    let refused = service.get(&format!("/practices/{PRACTICE}/resync")).await;
    assert_eq!(refused.status(), 409);
    let why = refused.text().await.unwrap();
    assert!(why.contains("is paused") && why.contains("End the pause"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_leaves_the_buttons_of_a_flag_and_what_was_sent_again_as_they_were() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let begun = page(&service, "/").await;
    assert!(begun.contains("Nobody has had everything sent again since the start (") && !begun.contains("never"));
    let booking = clinic.book("s136").await;
    eventually("it stands", async || clinic.standing(booking) == 1).await;
    let state = async || {
        let answer = service.get(&format!("/api/v1/bookings/{booking}")).await.json::<Value>().await;
        answer.unwrap_or_default()["state"] == "confirmed"
    };
    eventually("it is confirmed", state).await;
    let made = clinic.appointments_of(booking).remove(0);
    let moved = |world: &mut World| {
        let hours = |at: NaiveDateTime| at + TimeDelta::hours(2);
        world.move_appointment(made.id, ScheduleId(136), hours(made.start), hours(made.end))
    };
    assert!(clinic.openvpms.staff(moved));
    let buttons = ["The pet owner knows", "Cancel the appointment"];
    let has_them =
        |text: &str| buttons.iter().all(|own| text.contains(own)) && !text.contains("There is no appointment");
    // Whoever is signed in sees the buttons.
    let shown = async |service: &Service| {
        let cookie = service.signed_in().await;
        service.get_with_cookie("/", &cookie).await.text().await.unwrap()
    };
    eventually("it is flagged", async || has_them(&shown(&service).await)).await;
    let path = format!("/api/v1/practices/{PRACTICE}/resync");
    assert_eq!(service.ask(Method::POST, &path).await.status(), 200);
    service.stop().await;

    let service = Service::start_and_get_in_step(&clinic).await;
    let after = shown(&service).await;
    assert!(has_them(&after), "{after}");
    assert!(after.contains("Everything was sent again") && !after.contains("since the start ("), "{after}");
    // A failed attempt says why, and asks for what it asked for.
    clinic.openvpms_faults.set(|asked| (asked.method == "DELETE").then_some(Fault::RefusalBefore(503)));
    let body = r#"{"outcome":"cancelled"}"#.to_owned();
    let path = format!("/api/v1/bookings/{booking}/resolve");
    assert_eq!(service.ask_with(Method::POST, &path, body).await.status(), 502);
    service.stop().await;
    clinic.openvpms_faults.heal();
    let service = Service::start_and_get_in_step(&clinic).await;
    assert!(has_them(&shown(&service).await));
}
