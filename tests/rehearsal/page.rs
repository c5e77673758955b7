//! The page: what it shows, who may see it, and the pet owner that is played on it.

use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::openvpms::AppointmentStatus;

use crate::booking::{marked, standing};
use crate::clinic::{Clinic, eventually};
use crate::driver::{Browser, Look, WIDE};
use crate::process::Running;
use crate::service::Service;

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_what_would_be_sent_and_what_would_be_offered() {
    let clinic = Clinic::open().await;
    let running = Running::start(&clinic, &[]).await;
    running.until_said("Practice 1234567: 2 resources").await;
    let page = running.page("/").await;
    for part in ["Nothing on this page is at Healthengine", "Main Surgery Schedule", "66:s136", "monday: 08:00-18:00"] {
        assert!(page.contains(part), "{part:?} is missing in {page}");
    }
    let tomorrow = clinic.today().succ_opt().unwrap();
    let offer = running.page(&format!("/offer?practice=1234567&resource=s136&from={tomorrow}")).await;
    assert!(offer.contains("Standard Consult, 15 minutes") && offer.contains("<li>09:00</li>"), "{offer}");
    assert!(!offer.contains("/choose?"), "nothing can be booked without --book");
    assert!(running.page(&format!("/practices/1234567/days?resource=s136&date={tomorrow}")).await.contains("Why"));
    for path in ["/", "/offer?practice=1234567&resource=s136", "/status", "/rehearsed/1"] {
        assert_eq!(running.stranger_gets(path).await, 401, "{path}");
    }
    let refused = running.get("/choose?practice=1234567&kind=66:s136&start=2027-02-16T10:00:00").await;
    assert!(refused.status() == 409 && refused.text().await.unwrap().contains("--book"));
    for (path, status) in [
        ("/offer?practice=7&resource=s136", 404),
        ("/offer?practice=1234567&resource=s7", 404),
        ("/offer?practice=1234567&resource=s136&from=tomorrow", 400),
        ("/rehearsed/7", 404),
    ] {
        assert_eq!(running.get(path).await.status(), status, "{path}");
    }
    assert_eq!(running.stop().await.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_takes_a_page_of_a_rehearsal_for_the_services_and_every_command_on_it_asks_the_rehearsal() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let running = Running::start(&clinic, &[]).await;
    running.until_said("Practice 1234567: 2 resources").await;
    let day = "/practices/1234567/days?resource=s136";
    for path in ["/", "/offer?practice=1234567&resource=s136", "/status", "/bookings", day, "/practices/1234567/resync"]
    {
        let page = running.page(path).await;
        assert!(page.contains(" - vetbridge rehearsal</title>"), "{path}: {page}");
        assert!(page.contains("Nothing on this page is at Healthengine."), "{path}: {page}");
    }
    assert!(!service.get("/").await.text().await.unwrap().contains("ehearsal"));
    for path in ["/", "/rehearsed/7"] {
        let request = reqwest::Client::new().get(running.url(path)).header("accept", "text/html");
        let refused = request.header("cookie", if path == "/" { "" } else { &running.cookie }).send().await.unwrap();
        assert!(refused.status().is_client_error());
        assert!(refused.text().await.unwrap().contains("Nothing on this page is at Healthengine."), "{path}");
    }
    let asked = running.send_form(&running.page("/practices/1234567/resync").await).await;
    assert_eq!(asked.headers()["location"].to_str().unwrap().split('?').next(), Some("/status"));
    // The commands reach it, and the service is another one.
    let line = running.said("Commands      vetbridge status --config ").unwrap();
    let file = line.split(" --config ").nth(1).unwrap();
    let config = std::fs::read_to_string(file).unwrap();
    assert!(!config.contains("password") && !config.contains("key") && config.contains("listen"), "{config}");
    let explain = ["explain", "--practice", "1234567", "--resource", "s136", "--date", &clinic.today().to_string()];
    for command in [&["status"][..], &["resync", "--practice", "1234567"], &["bookings"], &explain] {
        let ended = clinic.run(&[command, &["--config", file]].concat()).await;
        assert_eq!(ended.status, 0, "{command:?}: {ended:?}");
    }
    assert_eq!(running.stop().await.0, 0);
    assert!(!std::path::Path::new(file).exists());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_without_times_has_the_way_to_why() {
    let clinic = Clinic::open().await;
    let rule = "[[practice.rule]]\nresources = [\"s136\"]\nmax_days_ahead = 1\n";
    clinic.write("vetbridge.toml", &(clinic.configuration() + rule));
    let running = Running::start(&clinic, &[]).await;
    running.until_said("Practice 1234567: 2 resources").await;
    let day = clinic.today() + chrono::TimeDelta::days(2);
    let offer = running.page(&format!("/offer?practice=1234567&resource=s136&from={day}")).await;
    let why = format!("/practices/1234567/days?resource=s136&amp;date={day}");
    assert!(offer.contains("Nothing is offered.") && offer.contains(&why), "{offer}");
    let why = running.page(&why.replace("&amp;", "&")).await;
    assert!(why.contains("rule 1 (max_days_ahead)"), "{why}");
    assert_eq!(running.stop().await.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_client_is_played_and_turned_away_where_a_rule_says_so_and_a_known_one_is_not() {
    let clinic = Clinic::open().await;
    let rules = "[[practice.rule]]\nnew_patients = \"reject\"\nmessage = \"New clients please ring.\"\n\
                 [[practice.resource]]\nschedule = 136\n";
    clinic.write("vetbridge.toml", &(clinic.configuration() + rules));
    let running = Running::start(&clinic, &["--book"]).await;
    running.until_said("confirmed after").await;
    let day = clinic.today() + chrono::TimeDelta::days(2);
    let choice = format!("/choose?practice=1234567&kind=66:s136&start={day}T10:00:00");
    let says = async |client: &str, says: &str| {
        let booked = running.press(&running.page(&choice).await, &[("client", client)]).await;
        assert_eq!(booked.status(), 303);
        let booking = booked.headers()["location"].to_str().unwrap().to_owned();
        eventually(says, async || running.page(&booking).await.contains(says)).await;
        running.page(&booking).await
    };
    let before = marked(&clinic).len();
    let rejected = says("new", "The booking is rejected").await;
    assert!(rejected.contains("New clients please ring.") && marked(&clinic).len() == before, "{rejected}");
    eventually("the time is offered again", async || running.get(&choice).await.status() == 200).await;
    says("known", "The booking is confirmed.").await;
    let (status, out) = running.stop().await;
    assert_eq!((status, standing(&clinic)), (0, 0), "{out:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_openvpms_that_goes_away_meanwhile_stands_on_the_page_until_it_is_back() {
    let clinic = Clinic::open().await;
    let running = Running::start(&clinic, &[]).await;
    let is_told = async || running.page("/").await.contains("OpenVPMS cannot be read");
    assert!(!is_told().await);
    clinic.openvpms_faults.set(|_| Some(Fault::RefusalBefore(503)));
    eventually("the page says that it is away", is_told).await;
    clinic.openvpms_faults.heal();
    eventually("the page says so no more", async || !is_told().await).await;
    assert_eq!(running.stop().await.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_stands_on_the_page_with_what_to_do() {
    let clinic = Clinic::open().await;
    clinic.write("vetbridge.toml", &(clinic.configuration() + "[[practice.resource]]\nschedule = 7\n"));
    let running = Running::start(&clinic, &[]).await;
    let page = running.page("/").await;
    assert!(
        page.contains("OpenVPMS has no schedule 7") && page.contains("correct the [[practice.resource]]"),
        "{page}"
    );
    let check = clinic.run(&["check"]).await;
    assert!(check.out.contains("OpenVPMS has no schedule 7"), "check says the same: {check:?}");
    assert_eq!(running.stop().await.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_administrator_plays_the_pet_owner_and_what_stands_at_the_end_is_cancelled() {
    let clinic = Clinic::open().await;
    clinic.write("vetbridge.toml", &(clinic.configuration() + "[[practice.resource]]\nschedule = 136\n"));
    let running = Running::start(&clinic, &["--book"]).await;
    running.until_said("confirmed after").await;
    let day = clinic.today() + chrono::TimeDelta::days(2);
    let offer = running.page(&format!("/offer?practice=1234567&resource=s136&from={day}")).await;
    let choices: Vec<String> = offer
        .split("href=\"/choose?")
        .skip(1)
        .step_by(5)
        .take(2)
        .map(|rest| format!("/choose?{}", rest.split('"').next().unwrap().replace("&amp;", "&")))
        .collect();
    let mut bookings = Vec::new();
    for choice in &choices {
        let asked = running.page(choice).await;
        let booked = running.send_form(&asked).await;
        assert_eq!(booked.status(), 303);
        bookings.push(booked.headers()["location"].to_str().unwrap().to_owned());
    }
    for booking in &bookings {
        eventually("it is confirmed", async || running.page(booking).await.contains("The booking is confirmed.")).await;
    }
    assert_eq!((marked(&clinic).len(), standing(&clinic)), (3, 2));
    let cancelled = running.send_form(&running.page(&bookings[0]).await).await;
    assert_eq!(cancelled.status(), 303);
    eventually("it is out of the diary", async || standing(&clinic) == 1).await;
    let taken = running.get(&choices[1]).await;
    assert!(taken.status() == 409 && taken.text().await.unwrap().contains("no longer offered"));
    let (status, out) = running.stop().await;
    assert!(out.iter().any(|line| line.contains("1 booking from the page cancelled at the end")), "{out:?}");
    assert_eq!((status, standing(&clinic)), (0, 0), "{out:?}");
    assert!(!clinic.state().join("rehearsal-leftovers.json").exists());
}

/// The number of the booking whose appointment stands.
fn number_of_standing(clinic: &Clinic) -> String {
    let all = marked(clinic);
    let own = all.iter().find(|own| own.status != AppointmentStatus::Cancelled).unwrap();
    let notes = own.notes.clone().unwrap();
    notes.split("Healthengine booking ").nth(1).unwrap().lines().next().unwrap().to_owned()
}

/// Opens a page and looks whether somebody can read and use it; takes its picture.
async fn look_at(browser: &Browser, running: &Running, (page, path): (&str, &str), (name, look): (&str, Look)) {
    browser.go(&running.url(path)).await;
    let sticks_out = browser.sticks_out(look.width).await;
    assert!(sticks_out.is_empty(), "{page} {name}: {sticks_out:?}");
    let nameless: Vec<_> = browser.controls().await.into_iter().filter(|(_, name)| name.is_empty()).collect();
    assert!(nameless.is_empty(), "{page} {name}: {nameless:?}");
    if look.width < WIDE.width {
        let unlabelled = browser.cells_without_label().await;
        assert!(unlabelled.is_empty(), "{page} {name}: {unlabelled:?}");
    }
    let source = browser.source().await;
    assert!(!source.contains("<script") && !source.contains("https://"), "{page}: {source}");
    if let Some(directory) = std::env::var_os("SCREENSHOTS").map(std::path::PathBuf::from) {
        std::fs::create_dir_all(&directory).unwrap();
        browser.screenshot(&directory.join(format!("rehearsal-{page}-{name}.png"))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_fit_a_telephone_and_a_pet_owner_is_played_without_a_script() {
    let (narrow, dark) = (Look { width: 380, ..WIDE }, Look { is_dark: true, ..WIDE });
    let looks = [
        ("wide", Look { has_script: false, ..WIDE }),
        ("narrow", narrow),
        ("dark", dark),
        ("narrow-dark", Look { is_dark: true, ..narrow }),
    ];
    let clinic = Clinic::open().await;
    let resources = "[[practice.resource]]\nschedule = 136\n[[practice.resource]]\nuser = 1158\nschedule = 136\n\
                     [[practice.resource]]\nuser = 1158\nschedule = 211\n";
    clinic.write("vetbridge.toml", &(clinic.configuration() + resources));
    let running = Running::start(&clinic, &["--book"]).await;
    running.until_said("confirmed after").await;
    let day = clinic.today() + chrono::TimeDelta::days(2);
    let offer = format!("/offer?practice=1234567&resource=s136&from={day}");
    let mut booked = None;
    for look in looks {
        let Some(browser) = Browser::open(look.1).await else { return };
        browser.go(&running.link).await;
        assert!(browser.text().await.contains("Nothing on this page is at Healthengine."));
        if booked.is_none() {
            browser.go(&running.url(&offer)).await;
            browser.press("10:00").await;
            assert!(browser.text().await.contains("An appointment is made in OpenVPMS"));
            browser.press("Book as a known client").await;
            let says = async || browser.text().await.contains("The booking is confirmed.");
            eventually("the page says that it is confirmed, by loading itself again", says).await;
            booked = Some(format!("/rehearsed/{}", number_of_standing(&clinic)));
        }
        let pages = [("overview", "/"), ("offer", offer.as_str()), ("booking", booked.as_deref().unwrap())];
        for page in pages {
            look_at(&browser, &running, page, look).await;
        }
        let choice = running.page(&offer).await;
        let choice = choice.split("href=\"/choose?").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
        look_at(&browser, &running, ("choose", &format!("/choose?{choice}")), look).await;
    }
    let (status, out) = running.stop().await;
    assert_eq!((status, standing(&clinic)), (0, 0), "{out:?}");
}
