//! A person settles bookings on the page: what the buttons lead to works, also while the practice is
//! paused, and page, command and API say the same of what is open.

use reqwest::Method;
use serde_json::{Value, json};
use vetbridge::ids::{BookingId, PracticeId};
use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::healthengine::{MarketplaceStatus, Wish};

use crate::clinic::{Clinic, PRACTICE, eventually, practice};
use crate::service::Service;

async fn view(service: &Service, booking: BookingId) -> Value {
    service.get(&format!("/api/v1/bookings/{booking}")).await.json().await.unwrap_or_default()
}

/// The page as somebody sees it who is signed in.
async fn page(service: &Service, cookie: &str, path: &str) -> String {
    service.get_with_cookie(path, cookie).await.text().await.unwrap()
}

/// Presses the button of the page that asks once more: with the fields as the page has them. Where the
/// way then leads.
async fn press(service: &Service, cookie: &str, booking: BookingId, outcome: &str) -> (u16, String) {
    let asked = page(service, cookie, &format!("/bookings/{booking}/settle?outcome={outcome}")).await;
    let (_, rest) = asked.split_once("name=\"form_token\" value=\"").unwrap_or_else(|| panic!("{asked}"));
    let token = rest.split('"').next().unwrap();
    let seen = if asked.contains("type=\"hidden\" name=\"force\"") { "&force=true" } else { "" };
    let ticked = if asked.contains("name=\"by_hand\" value=\"true\" checked") { "&by_hand=true" } else { "" };
    let body = format!("form_token={token}&outcome={outcome}&reference=&note={ticked}{seen}");
    let headers = [("cookie", cookie), ("content-type", "application/x-www-form-urlencoded")];
    let answer = service.ask_as(Method::POST, &format!("/bookings/{booking}/settle"), &headers, &body).await;
    let location = answer.headers().get("location").map(|location| location.to_str().unwrap().to_owned());
    let status = answer.status().as_u16();
    (status, location.unwrap_or(answer.text().await.unwrap()))
}

/// OpenVPMS made the appointment, and its answer was lost.
async fn in_doubt(clinic: &Clinic, service: &Service) -> BookingId {
    clinic.openvpms_faults.set(|asked| (asked.method == "POST").then_some(Fault::StatusAfter(500)));
    let booking = clinic.book("s136").await;
    let told = async || {
        view(service, booking).await["state"] == "in_doubt"
            && clinic.healthengine.booking(booking).unwrap().status == MarketplaceStatus::Confirmed
    };
    eventually("it is in doubt", told).await;
    clinic.openvpms_faults.heal();
    booking
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_made_the_appointment_by_hand_settles_the_booking_with_the_button_and_nothing_typed() {
    let clinic = Clinic::open().await;
    let hold = "[bookings]\nwhen_openvpms_is_down = \"hold\"\n";
    clinic.write("vetbridge.toml", &clinic.configuration().replace("[sync]\n", &format!("{hold}[sync]\n")));
    let service = Service::start_and_get_in_step(&clinic).await;
    // It waits for OpenVPMS for longer than 20 seconds, and is settled at Healthengine by then.
    clinic.openvpms_faults.close_port();
    let tomorrow = clinic.today().succ_opt().unwrap().and_hms_opt(10, 0, 0).unwrap();
    let wish = Wish::new("s136", "66:s136", tomorrow);
    let booking = clinic.healthengine.book_regardless(&PracticeId(PRACTICE.into()), wish).unwrap();
    eventually("it is held", async || view(&service, booking).await["state"] == "received").await;
    clinic.healthengine.progress_by_hand(booking).unwrap();
    eventually("it is flagged", async || view(&service, booking).await["needs_attention"].is_string()).await;
    clinic.openvpms_faults.heal();

    let cookie = service.signed_in().await;
    let overview = page(&service, &cookie, "/").await;
    assert!(overview.contains("I have made the appointment"), "{overview}");
    let asked = page(&service, &cookie, &format!("/bookings/{booking}/settle?outcome=confirmed")).await;
    assert!(asked.contains("It was made by hand in OpenVPMS, so it has no such reference"), "{asked}");
    assert!(asked.contains("this page asks for a person"), "{asked}");
    let (status, location) = press(&service, &cookie, booking, "confirmed").await;
    assert_eq!((status, location), (303, format!("/bookings/{booking}?done=settled")));
    let story = page(&service, &cookie, &format!("/bookings/{booking}?done=settled")).await;
    assert!(story.contains("Healthengine asks for no answer to the booking any more"), "{story}");
    assert!(story.contains("A person made the appointment in OpenVPMS by hand."), "{story}");
    let settled = view(&service, booking).await;
    assert_eq!((&settled["state"], &settled["needs_attention"]), (&json!("confirmed"), &Value::Null));
    assert!(clinic.healthengine.violations().is_empty(), "{:?}", clinic.healthengine.violations());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_that_is_not_carried_out_is_said_on_the_page_by_the_command_and_as_json() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let booking = clinic.book("s136").await;
    eventually("it is confirmed", async || view(&service, booking).await["state"] == "confirmed").await;
    assert_eq!(view(&service, booking).await["cancellation"], Value::Null);
    clinic.openvpms_faults.set(|asked| (asked.method == "DELETE").then_some(Fault::RefusalBefore(503)));
    clinic.healthengine.cancel(booking).unwrap();
    eventually("it waits", async || view(&service, booking).await["cancellation"] == "waiting").await;
    let id = booking.to_string();
    let commands: [&[&str]; 2] = [&["bookings", "list"], &["bookings", "show", &id]];
    for command in commands {
        let told = clinic.run(command).await.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains("The pet owner has cancelled, and OpenVPMS has not cancelled the"), "{told}");
    }
    let list: Value = serde_json::from_str(&clinic.run(&["bookings", "--json"]).await.out).unwrap();
    assert_eq!(list[0]["cancellation"], "waiting");

    // The visit has begun: OpenVPMS refuses.
    let appointment = clinic.appointments_of(booking).remove(0).id;
    assert!(clinic.openvpms.staff(|world| world.check_in(appointment)));
    clinic.openvpms_faults.heal();
    eventually("it is refused", async || view(&service, booking).await["cancellation"] == "refused").await;
    let cookie = service.signed_in().await;
    let bookings = page(&service, &cookie, "/bookings").await;
    assert!(bookings.contains("Cancelled by the pet owner, still in the diary, needs a person"), "{bookings}");
    let story = page(&service, &cookie, &format!("/bookings/{booking}")).await;
    assert!(story.contains("The pet owner cancelled at Healthengine, and the appointment stands"), "{story}");
    let shown = clinic.run(&["bookings", "show", &id]).await.out;
    assert!(shown.contains("Cancellation The pet owner has cancelled, and vetbridge cannot"), "{shown}");
    service.stop().await;
    let without = clinic.run(&["bookings", "show", &id, "--json"]).await.out;
    assert_eq!(serde_json::from_str::<Value>(&without).unwrap()["cancellation"], "refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_that_takes_place_after_all_is_settled_by_its_button_and_nothing_else() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let booking = clinic.book("s136").await;
    eventually("it is confirmed", async || view(&service, booking).await["state"] == "confirmed").await;
    let appointment = clinic.appointments_of(booking).remove(0).id;
    assert!(clinic.openvpms.staff(|world| world.check_in(appointment)));
    clinic.healthengine.cancel(booking).unwrap();
    eventually("it is refused", async || view(&service, booking).await["cancellation"] == "refused").await;

    let cookie = service.signed_in().await;
    let (status, why) = press(&service, &cookie, booking, "cancelled").await;
    assert!(status == 409 && why.contains("choose &quot;The visit takes place after all&quot;"), "{status}: {why}");
    let asked = page(&service, &cookie, &format!("/bookings/{booking}/settle?outcome=confirmed")).await;
    assert!(asked.contains("although the pet owner cancelled") && !asked.contains("type=\"checkbox\""), "{asked}");
    assert!(!asked.contains("name=\"reference\""), "{asked}");
    let (status, location) = press(&service, &cookie, booking, "confirmed").await;
    assert_eq!((status, location), (303, format!("/bookings/{booking}?done=settled")));
    assert_eq!(clinic.standing(booking), 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flagged_booking_of_a_paused_practice_is_settled_by_its_button_and_by_the_command() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let (first, second) = (in_doubt(&clinic, &service).await, in_doubt(&clinic, &service).await);
    let paused = clinic.run(&["pause", "--practice", PRACTICE]).await;
    assert_eq!(paused.status, 0, "{paused:?}");
    let cookie = service.signed_in().await;
    let overview = page(&service, &cookie, "/").await;
    assert!(overview.contains("Paused") && overview.contains("There is no appointment"), "{overview}");
    clinic.openvpms.staff(|world| {
        let own: Vec<_> = world.standing().filter(|own| own.notes.is_some()).map(|own| own.id).collect();
        for id in own {
            world.cancel(id);
        }
    });
    let (status, location) = press(&service, &cookie, first, "rejected").await;
    assert_eq!((status, location), (303, format!("/bookings/{first}?done=settled")));
    let done = clinic.run(&["bookings", "resolve", &second.to_string(), "--cancelled", "--json"]).await;
    assert_eq!((done.status, done.error.as_str()), (0, ""));
    for booking in [first, second] {
        assert_eq!(view(&service, booking).await["needs_attention"], Value::Null);
        assert_eq!(clinic.healthengine.booking(booking).unwrap().status, MarketplaceStatus::Cancelled);
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flagged_booking_of_a_practice_without_a_key_has_no_buttons_and_says_how_to_get_it_settled() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let booking = in_doubt(&clinic, &service).await;
    service.stop().await;
    clinic.write("vetbridge.toml", &(clinic.settings() + &practice("7654321", "another-key", "")));
    let service = Service::start(&clinic).await;
    let cookie = service.signed_in().await;
    let remedy = "Put its [[practice]] back with enabled = false, and settle the booking then.";
    for path in ["/".to_owned(), format!("/bookings/{booking}")] {
        let shown = page(&service, &cookie, &path).await;
        assert!(shown.contains(remedy) && !shown.contains("settle?outcome="), "{shown}");
    }
    let id = booking.to_string();
    let refused = clinic.run(&["bookings", "resolve", &id, "--rejected"]).await;
    assert!(refused.status == 1 && refused.error.contains(remedy), "{refused:?}");
    service.stop().await;
    let refused = clinic.run(&["bookings", "resolve", &id, "--rejected"]).await;
    assert!(refused.status == 1 && refused.error.contains(remedy), "{refused:?}");

    let off = practice(PRACTICE, "the-practice-key", "enabled = false\n");
    clinic.write("vetbridge.toml", &(clinic.settings() + &off));
    clinic.openvpms.staff(|world| {
        let own: Vec<_> = world.standing().filter(|own| own.notes.is_some()).map(|own| own.id).collect();
        for id in own {
            world.cancel(id);
        }
    });
    let service = Service::start(&clinic).await;
    let done = clinic.run(&["bookings", "resolve", &id, "--rejected"]).await;
    assert_eq!((done.status, done.error.as_str()), (0, ""));
    assert_eq!(view(&service, booking).await["needs_attention"], Value::Null);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settled_booking_of_which_healthengine_does_not_know_leads_to_its_story_and_not_back_to_the_form() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let booking = in_doubt(&clinic, &service).await;
    clinic.healthengine_faults.close_port();
    let cookie = service.signed_in().await;
    let (status, location) = press(&service, &cookie, booking, "cancelled").await;
    assert_eq!((status, location.as_str()), (303, format!("/bookings/{booking}?done=settled").as_str()));
    let story = page(&service, &cookie, &location).await;
    assert!(story.contains("Healthengine does not know yet. vetbridge goes on telling it."), "{story}");
    clinic.healthengine_faults.heal();
    eventually("it hears", async || view(&service, booking).await["needs_attention"].is_null()).await;
    service.stop().await;
}
