//! The pages as a receptionist, a manager and an administrator use them, in a headless browser.
//!
//! A machine without Chromium's WebDriver leaves these out, and says so; with `BROWSER=required` it
//! fails. With `SCREENSHOTS=directory` the pictures of the documentation are made.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]
#![allow(clippy::print_stdout, reason = "what is left out is said")]

#[path = "../cli_online/clinic.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod clinic;
mod driver;
#[path = "../cli_online/service.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod service;

use std::path::PathBuf;

use chrono::{NaiveDate, NaiveTime};
use reqwest::Method;
use serde_json::Value;
use vetbridge::ids::{BookingId, PracticeId, ScheduleId};
use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::healthengine::{MarketplaceStatus, PetOwner, RequestOutcome, Wish};

use crate::clinic::{Clinic, PRACTICE, eventually};
use crate::driver::{Browser, Look, WIDE};
use crate::service::Service;

/// A clinic with a lunch break tomorrow, a booking that stands, and one in doubt.
struct Busy {
    clinic: Clinic,
    service: Service,
    stands: BookingId,
    doubtful: BookingId,
    tomorrow: NaiveDate,
}

const NARROW: Look = Look { width: 380, ..WIDE };

async fn busy() -> Busy {
    let clinic = Clinic::open().await;
    let tomorrow = clinic.today().succ_opt().unwrap();
    let at = |hour| tomorrow.and_time(NaiveTime::from_hms_opt(hour, 0, 0).unwrap());
    clinic.openvpms.staff(|world| world.add_block(ScheduleId(136), at(12), at(13)));
    let service = Service::start_and_get_in_step(&clinic).await;
    let stands = clinic.book("s136").await;
    eventually("it stands", async || clinic.standing(stands) == 1).await;
    clinic.openvpms_faults.set(|asked| (asked.method == "POST").then_some(Fault::StatusAfter(500)));
    let doubtful = clinic.book("s136").await;
    let in_doubt = async || {
        let answer = service.get(&format!("/api/v1/bookings/{doubtful}")).await.json::<Value>().await;
        answer.unwrap_or_default()["state"] == "in_doubt"
    };
    eventually("it is in doubt", in_doubt).await;
    clinic.openvpms_faults.heal();
    eventually("Healthengine was told", async || {
        clinic.healthengine.booking(doubtful).unwrap().status == MarketplaceStatus::Confirmed
    })
    .await;
    Busy { clinic, service, stands, doubtful, tomorrow }
}

impl Busy {
    /// A pet owner books tomorrow at four what nobody offers, and is rejected.
    async fn book_nowhere(&self) -> BookingId {
        let faults = &self.clinic.healthengine_faults;
        faults.set(|asked| asked.target.contains("requests").then_some(Fault::RefusalBefore(503)));
        let at = self.tomorrow.and_time(NaiveTime::from_hms_opt(16, 0, 0).unwrap());
        let wish = Wish::new("s136", "66:s136", at).by(PetOwner::default(), "x");
        let booking = self.clinic.healthengine.book_regardless(&PracticeId(PRACTICE.into()), wish).unwrap();
        for (field, id) in [("pmsResourceId", "s999"), ("pmsAppointmentTypeId", "66:s999")] {
            self.clinic.healthengine.write_field(booking, field, Some(id.into())).unwrap();
        }
        faults.heal();
        let is_open = || self.clinic.healthengine.booking(booking).unwrap().answer == RequestOutcome::Open;
        eventually("it is answered", async || !is_open()).await;
        booking
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.clinic.port)
    }

    async fn sign_in(&self, browser: &Browser) {
        browser.go(&vetbridge::server::link(format!("127.0.0.1:{}", self.clinic.port), self.service.token())).await;
    }

    fn reference(&self) -> String {
        let note = format!("Healthengine booking {}", self.doubtful);
        self.clinic.openvpms.staff(|world| world.reference(world.with_note(&note)[0]))
    }
}

/// Until the page says so; it loads itself again, and so does this.
async fn until_it_says(browser: &Browser, url: &str, text: &str) {
    let says = async || {
        browser.go(url).await;
        browser.text().await.contains(text)
    };
    eventually(text, says).await;
}

/// The walk of a receptionist, with a script or without.
async fn walk(look: Look) {
    let Some(browser) = Browser::open(look).await else { return };
    let busy = busy().await;
    busy.sign_in(&browser).await;
    let page = browser.text().await;
    assert!(page.contains("What needs a person now") && page.contains("need a look"), "{page}");
    assert!(page.contains("Main Clinic: Working"), "{page}");
    assert!(page.contains("tomorrow") && !page.contains("never"), "{page}");
    assert!(page.contains("a person.") && page.contains("In doubt, needs a person"), "{page}");
    let source = browser.source().await;
    assert!(!source.contains("<script") && !source.contains("http://") && !source.contains("https://"), "{source}");
    assert!(!source.contains(busy.service.token()));

    // She looks into the diary, finds the appointment, and settles the booking.
    browser.press("It is in the diary").await;
    assert!(browser.text().await.contains("the visit takes place"), "{}", browser.text().await);
    browser.type_into("reference", "no such reference").await;
    browser.press("Yes, settle it").await;
    assert!(browser.text().await.contains("That is no booking reference"), "{}", browser.text().await);
    browser.type_into("reference", &busy.reference()).await;
    browser.type_into("note", "seen by Kim").await;
    browser.press("Yes, settle it").await;
    let story = browser.text().await;
    assert!(story.contains("You settled booking"), "{story}");
    assert!(story.contains("In the diary") && story.contains("Note: seen by Kim"), "{story}");
    until_it_says(&browser, &busy.url("/"), "Nothing. Bookings go into the diary by themselves.").await;

    // Why is a time missing?
    browser.press("Main Appointment Schedule").await;
    let day = busy.url(&format!("/practices/{PRACTICE}/days?resource=s136&date={}", busy.tomorrow));
    until_it_says(&browser, &day, "has what stands here").await;
    let picture = browser.text().await;
    assert!(
        picture.contains("an appointment or a block") && picture.contains("booked through Healthengine"),
        "{picture}"
    );
    assert!(picture.contains("12:00-13:00"), "{picture}");
    let source = browser.source().await;
    assert!(source.contains("aria-label=\"12:00 to 13:00: an appointment or a block\""), "{source}");
    browser.press("Day after").await;
    assert!(browser.text().await.contains("Offered:"), "{}", browser.text().await);

    // A pause, and its end, and everything again.
    browser.go(&busy.url("/")).await;
    browser.press("Pause").await;
    assert!(browser.text().await.contains("taken off Healthengine"), "{}", browser.text().await);
    browser.press("Yes").await;
    assert!(browser.text().await.contains("You paused Main Clinic."), "{}", browser.text().await);
    browser.go(&busy.url(&format!("/practices/{PRACTICE}/resync"))).await;
    let why = browser.text().await;
    assert!(why.contains("Main Clinic is paused") && why.contains("End the pause"), "{why}");
    browser.press("Back to the status page").await;
    until_it_says(&browser, &busy.url("/"), "No time can be booked.").await;
    assert!(browser.text().await.contains("Main Clinic: Paused"), "{}", browser.text().await);
    browser.go(&day).await;
    assert!(browser.text().await.contains("The practice is paused."), "{}", browser.text().await);
    browser.press("End the pause").await;
    browser.press("Yes").await;
    until_it_says(&browser, &busy.url("/"), "Main Clinic: Working").await;
    let sent = || busy.clinic.healthengine.tallies().get("POST config/pmsResources/snapshot").copied().unwrap_or(0);
    let before = sent();
    browser.press("Send everything again").await;
    browser.press("Yes").await;
    assert!(browser.text().await.contains("is being sent again"), "{}", browser.text().await);
    eventually("it is sent again", async || before < sent()).await;
    until_it_says(&browser, &busy.url("/"), "Everything was sent again").await;

    // One booking among all.
    browser.go(&busy.url("/bookings")).await;
    browser.type_into("q", &busy.stands.to_string()).await;
    browser.press("Search").await;
    assert!(browser.text().await.contains("1 found."), "{}", browser.text().await);
    browser.press(&busy.stands.to_string()).await;
    let story = browser.text().await;
    assert!(story.contains("OpenVPMS made the appointment.") && story.contains("Cancel the appointment"), "{story}");
    // What cannot be true is refused in the words of the page.
    browser.go(&busy.url(&format!("/bookings/{}/settle?outcome=rejected", busy.stands))).await;
    browser.type_into("note", "not found").await;
    browser.press("Yes, settle it").await;
    let why = browser.text().await;
    assert!(why.contains("If it is to go, choose \"Cancel the appointment\"") && !why.contains("--"), "{why}");
    assert!(browser.source().await.contains("value=\"not found\""), "what was typed stays");
    // She signs out, and in again with the token.
    browser.press("Sign out").await;
    assert!(browser.text().await.contains("Signed out."), "{}", browser.text().await);
    until_it_says(&browser, &busy.url("/bookings"), "This page needs the admin token").await;
    browser.type_into("token", "no such token").await;
    browser.press("Sign in").await;
    assert!(browser.text().await.contains("That is not the admin token."), "{}", browser.text().await);
    browser.type_into("token", busy.service.token()).await;
    browser.press("Sign in").await;
    assert!(browser.text().await.contains("What needs a person now"), "{}", browser.text().await);
    assert!(busy.clinic.healthengine.violations().is_empty(), "{:?}", busy.clinic.healthengine.violations());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receptionist_settles_a_booking_pauses_resumes_sends_again_and_reads_why_a_time_is_missing() {
    walk(WIDE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_works_without_a_script() {
    walk(Look { has_script: false, ..WIDE }).await;
}

/// Opens a page and looks whether somebody can read and use it; takes its picture.
async fn look_at(browser: &Browser, busy: &Busy, (page, path): (&str, &str), (name, look): (&str, Look)) {
    browser.go(&busy.url(path)).await;
    let sticks_out = browser.sticks_out(look.width).await;
    assert!(sticks_out.is_empty(), "{page} {name}: {sticks_out:?}");
    if look.width == NARROW.width {
        let unlabelled = browser.cells_without_label().await;
        assert!(unlabelled.is_empty(), "{page} {name}: {unlabelled:?}");
    }
    let controls = browser.controls().await;
    let nameless: Vec<_> = controls.iter().filter(|(_, name)| name.is_empty()).collect();
    assert!(nameless.is_empty(), "{page} {name}: {nameless:?} of {controls:?}");
    if let Some(directory) = std::env::var_os("SCREENSHOTS").map(PathBuf::from) {
        std::fs::create_dir_all(&directory).unwrap();
        browser.screenshot(&directory.join(format!("{page}-{name}.png"))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_is_wider_than_a_telephone_nor_than_a_screen_and_every_control_has_a_name() {
    let looks = [
        ("wide", WIDE),
        ("narrow", NARROW),
        ("dark", Look { is_dark: true, ..WIDE }),
        ("narrow-dark", Look { is_dark: true, ..NARROW }),
    ];
    let mut browsers = Vec::new();
    for look in looks {
        let Some(browser) = Browser::open(look.1).await else { return };
        browsers.push((browser, look));
    }
    let busy = busy().await;
    let day = format!("/practices/{PRACTICE}/days?resource=s136&date={}", busy.tomorrow);
    let story = format!("/bookings/{}", busy.doubtful);
    let settle = format!("/bookings/{}/settle?outcome=confirmed", busy.doubtful);
    let (pause, resync) = (format!("/practices/{PRACTICE}/pause"), format!("/practices/{PRACTICE}/resync"));
    let pages = [
        ("status", "/"),
        ("bookings", "/bookings"),
        ("found", "/bookings?q=Main%20Appointment,%20tomorrow"),
        ("nothing", "/bookings?q=no%20such%20thing"),
        ("booking", &story),
        ("settle", &settle),
        ("day", &day),
        ("pause", &pause),
        ("resync", &resync),
        ("failure", "/bookings/7"),
    ];
    for (browser, look) in &browsers {
        look_at(browser, &busy, ("sign-in", "/"), *look).await;
        look_at(browser, &busy, ("wrong-token", "/?wrong-token"), *look).await;
        busy.sign_in(browser).await;
        for page in pages {
            look_at(browser, &busy, page, *look).await;
        }
    }
    let rejected = format!("/bookings/{}", busy.book_nowhere().await);
    for (browser, look) in &browsers {
        for page in [("status-with-rejected", "/"), ("bookings-with-rejected", "/bookings"), ("rejected", &rejected)] {
            look_at(browser, &busy, page, *look).await;
        }
        assert!(browser.text().await.contains("wanted: appointment type 66:s999, resource s999"));
    }
    let paused = busy.service.ask(Method::POST, &format!("/api/v1/practices/{PRACTICE}/pause")).await;
    assert_eq!(paused.status(), 200);
    for (browser, look) in &browsers {
        for page in [("status-paused", "/"), ("day-paused", day.as_str())] {
            look_at(browser, &busy, page, *look).await;
        }
        assert!(browser.text().await.contains("the practice is paused"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_practices_of_different_zones_and_bookings_of_many_pages_fit_a_telephone() {
    let looks = [("wide", WIDE), ("narrow", NARROW), ("narrow-dark", Look { is_dark: true, ..NARROW })];
    let clinic = Clinic::open().await;
    clinic.open_branch_in_perth();
    clinic.fill_ledger(130, &[7]).await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let busy = Busy { tomorrow: clinic.today(), stands: BookingId(1), doubtful: BookingId(7), clinic, service };
    for look in looks {
        let Some(browser) = Browser::open(look.1).await else { return };
        busy.sign_in(&browser).await;
        look_at(&browser, &busy, ("two-zones", "/"), look).await;
        let text = browser.text().await;
        assert!(text.contains("Australia/Perth for ") && text.contains("UTC)"), "{text}");
        look_at(&browser, &busy, ("two-zones-bookings", "/bookings"), look).await;
        let text = browser.text().await;
        assert!(text.contains("130 found; 1 to 100 are shown.") && !text.contains("Back to the first"), "{text}");
        browser.press("Older").await;
        let text = browser.text().await;
        assert!(text.contains("130 found; 101 to 130 are shown.") && !text.contains("Older"), "{text}");
        look_at(&browser, &busy, ("older-bookings", "/bookings?before=0_4102444800000000_7"), look).await;
        browser.press("Back to the first").await;
        assert!(browser.text().await.contains("1 to 100 are shown"), "{}", browser.text().await);
    }
}
