//! `vetbridge bookings`: the same ledger through the running service and from the state directory.

use serde_json::Value;
use vetbridge::ids::BookingId;

use crate::clinic::{Clinic, PRACTICE, eventually, free_port};
use crate::service::Service;

/// A clinic whose service has confirmed one booking.
async fn with_a_booking() -> (Clinic, Service, BookingId) {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let booking = clinic.book("s136").await;
    let state = async || service.get(&format!("/api/v1/bookings/{booking}")).await.text().await.unwrap();
    eventually("the booking is confirmed", async || state().await.contains("\"state\":\"confirmed\"")).await;
    (clinic, service, booking)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| panic!("{text}"))
}

/// What every way to look at a booking must show of it.
async fn assert_shows(clinic: &Clinic, booking: BookingId) {
    let list = clinic.run(&["bookings", "list", "--json"]).await;
    assert_eq!((list.status, list.error.as_str()), (0, ""));
    let list = json(&list.out);
    assert_eq!(list.as_array().unwrap().len(), 1);
    let own = &list[0];
    assert_eq!((own["booking_id"].as_i64(), own["practice_id"].as_str()), (Some(booking.0), Some(PRACTICE)));
    assert_eq!((own["state"].as_str(), own["schedule"].as_i64()), (Some("confirmed"), Some(136)));
    assert!(own["reference"].is_string() && own["needs_attention"].is_null());
    let tomorrow = clinic.healthengine.booking(booking).unwrap().start;
    // Sydney's offset, summer or winter.
    let start = own["start"].as_str().unwrap();
    assert!(start.starts_with(&tomorrow.format("%Y-%m-%dT%H:%M:%S+1").to_string()), "{start}");
    let states: Vec<&str> =
        own["history"].as_array().unwrap().iter().map(|own| own["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["received", "submitting", "inserted", "confirmed"]);

    let show = clinic.run(&["bookings", "show", &booking.to_string(), "--json"]).await;
    assert_eq!((show.status, &json(&show.out)), (0, own));

    let table = clinic.run(&["bookings"]).await;
    assert_eq!(table.out.lines().count(), 2, "{}", table.out);
    assert!(table.out.starts_with("BOOKING") && table.out.contains("confirmed"), "{}", table.out);
    assert!(table.out.contains("Main Appointment Schedu…") && table.out.contains("Standard Consu…"), "{}", table.out);
    assert!(table.out.lines().all(|line| line.chars().count() <= 80), "{}", table.out);
    let details = clinic.run(&["bookings", "show", &booking.to_string()]).await;
    for word in [
        "Booking ",
        "Schedule     136 (Main Appointment Schedule)",
        "Type         66 (Standard Consult)",
        "Reference ",
        "History (at the practice's time, UTC+1",
        "submitting  ",
    ] {
        assert!(details.out.contains(word), "{word}: {}", details.out);
    }
    let unknown = clinic.run(&["bookings", "show", "7"]).await;
    assert_eq!((unknown.status, unknown.out.as_str()), (1, ""));
    assert!(unknown.error.starts_with("vetbridge: There is no booking 7 in the ledger. "), "{}", unknown.error);
    // Nothing about the patient is kept, so nothing can be shown.
    assert!(!format!("{table:?}{details:?}{show:?}").contains("Muffett"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_is_shown_while_the_service_runs_and_after_it() {
    let (clinic, service, booking) = with_a_booking().await;
    assert_shows(&clinic, booking).await;
    service.stop().await;
    assert_shows(&clinic, booking).await;
    // Secrets of the service are not needed to look at its ledger.
    std::fs::remove_file(clinic.directory.path().join("openvpms.password")).unwrap();
    assert_eq!(clinic.run(&["bookings"]).await.status, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn bookings_are_listed_by_practice_state_and_time_and_not_more_than_are_wanted() {
    let (clinic, service, first) = with_a_booking().await;
    let second = clinic.book("s211").await;
    let state = async || service.get(&format!("/api/v1/bookings/{second}")).await.text().await.unwrap();
    eventually("the other is confirmed", async || state().await.contains("\"state\":\"confirmed\"")).await;
    let listed = async |arguments: &[&str]| {
        let list = clinic.run(&[&["bookings", "list", "--json"], arguments].concat()).await;
        assert_eq!(list.status, 0, "{list:?}");
        let list: Vec<Value> = serde_json::from_str(&list.out).unwrap();
        list.iter().map(|own| own["booking_id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    let today = clinic.today().to_string();
    let look = async || {
        let both = [second.0, first.0];
        assert_eq!(listed(&[]).await, both, "what changed last comes first");
        assert_eq!(listed(&["--practice", PRACTICE, "--state", "confirmed", "--since", "1h"]).await, both);
        assert_eq!(listed(&["--since", &today]).await, both);
        assert_eq!(listed(&["--since", "2100-01-01"]).await, Vec::<i64>::new());
        assert_eq!(listed(&["--practice", PRACTICE, "--state", "rejected"]).await, Vec::<i64>::new());
        // A practice that nobody knows is no practice without bookings.
        for arguments in [&["bookings", "--practice", "7"][..], &["bookings", "--json", "--practice", "7"]] {
            let unknown = clinic.run(arguments).await;
            assert_eq!((unknown.status, unknown.out.contains("no such bookings")), (1, false), "{unknown:?}");
            let said = format!("{}{}", unknown.out, unknown.error);
            assert!(said.contains("Practice 7 is not in ") && said.contains(PRACTICE), "{unknown:?}");
        }
        assert_eq!(listed(&["--state", "rejected"]).await, Vec::<i64>::new());
        assert_eq!(listed(&["--limit", "1"]).await, [second.0]);
        let one = clinic.run(&["bookings", "--limit", "1"]).await;
        assert_eq!((one.status, one.out.lines().count()), (0, 2), "{one:?}");
        assert!(one.error.contains("And 1 more") && one.error.contains("--limit 2"), "{one:?}");
        let none = clinic.run(&["bookings", "--state", "in_doubt"]).await;
        assert_eq!(none.out, "There are no such bookings in the ledger.\n");
    };
    look().await;
    let asked = service.get("/api/v1/bookings?state=confirmed&limit=1").await;
    assert_eq!(asked.headers()["x-total-count"], "2");
    assert_eq!(asked.json::<Vec<Value>>().await.unwrap().len(), 1);
    for query in ["state=lost", "since=yesterday", "limit=many", "order=id"] {
        let refused = service.get(&format!("/api/v1/bookings?{query}")).await;
        assert_eq!(refused.status(), 400, "{query}");
        assert!(refused.json::<Value>().await.unwrap()["error"].is_string());
    }
    service.stop().await;
    look().await;
    for arguments in [["--state", "lost"], ["--since", "yesterday"]] {
        let refused = clinic.run(&[&["bookings", "list"][..], &arguments].concat()).await;
        assert_eq!((refused.status, refused.out.as_str()), (2, ""), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_directory_that_nobody_used_yet_is_said_to_be_so_and_not_made() {
    let clinic = Clinic::open().await;
    let list = clinic.run(&["bookings", "--json"]).await;
    assert_eq!((list.status, list.out.as_str()), (0, "[]\n"));
    assert!(list.error.contains("No vetbridge has run"), "{}", list.error);
    assert_eq!(clinic.run(&["bookings", "show", "7"]).await.status, 1);
    assert!(!clinic.state().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_at_another_address_is_named_by_its_lock_and_another_instance_by_its_refusal() {
    let clinic = Clinic::open().await;
    let service = Service::start(&clinic).await;
    let port = free_port().await;
    let elsewhere = clinic.configuration().replace(&format!(":{}\"", clinic.port), &format!(":{port}\""));
    clinic.write("vetbridge.toml", &elsewhere);
    let locked = clinic.run(&["bookings"]).await;
    assert_eq!((locked.status, locked.out.as_str()), (1, ""));
    assert!(locked.error.contains(&format!("(process {}", service.process())), "{}", locked.error);
    assert!(
        locked.error.contains(&format!("at 127.0.0.1:{port}")) && locked.error.contains("nobody listens"),
        "{}",
        locked.error
    );

    clinic.write("vetbridge.toml", &clinic.configuration().replace("path = \"state\"", "path = \"other\""));
    let stranger = clinic.run(&["bookings"]).await;
    assert!(stranger.status == 1 && stranger.error.contains("it is another instance"), "{}", stranger.error);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_is_as_wide_as_the_terminal_and_fits_eighty_columns_where_there_is_none() {
    let (clinic, service, _) = with_a_booking().await;
    let program = clinic.command(&[]).get_program().to_str().unwrap().to_owned();
    let on_a_terminal = async |columns: u16| {
        let line = format!("stty rows 24 cols {columns}; exec '{program}' bookings");
        let mut command = std::process::Command::new("script");
        command.current_dir(clinic.directory.path()).args(["-qec", &line, "/dev/null"]);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        String::from_utf8(output.stdout).unwrap().replace('\r', "")
    };
    let table = on_a_terminal(120).await;
    assert!(table.contains("Main Appointment Schedule  Standard Consult\n"), "{table}");
    let narrow = on_a_terminal(70).await;
    assert!(narrow.contains("BOOKING") && narrow.lines().all(|line| line.chars().count() <= 70), "{narrow}");
    let piped = clinic.run(&["bookings"]).await.out;
    assert!(piped.contains('…') && piped.lines().all(|line| line.chars().count() <= 80), "{piped}");
    service.stop().await;
}
