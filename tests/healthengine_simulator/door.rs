//! Who may ask, and in what form.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use vetbridge::simulator::exchange::{ArrivedRequest, Model};

use crate::{Server, day, pass};

fn with_header(mut asked: ArrivedRequest, name: &str, value: Option<&str>) -> ArrivedRequest {
    asked.headers.retain(|(own, _)| own != name);
    asked.headers.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    asked
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_wrong_api_key_is_401_without_a_body_and_a_wrong_practice_403_with_one() {
    let server = Server::open().await;
    let asked = || Server::asked("GET", "requests", None);
    assert_eq!(server.answer(&asked()).status, 200);
    for wrong in [None, Some("other")] {
        let reply = server.answer(&with_header(asked(), "api-key", wrong));
        assert_eq!((reply.status, reply.body), (401, Value::Null));
        for name in ["practice-id", "practice-key"] {
            let reply = server.answer(&with_header(asked(), name, wrong));
            assert_eq!(reply.status, 403, "{name}");
            assert!(reply.body["error"].is_string());
        }
    }
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn consent_that_is_revoked_is_403_until_it_is_granted_again() {
    let server = Server::open().await;
    server.model.revoke_consent(&server.practice).unwrap();
    assert_eq!(server.get("requests").status, 403);
    assert_eq!(server.offered("66:s136"), Vec::<String>::new());
    server.model.grant_consent(&server.practice).unwrap();
    assert_eq!(server.get("requests").status, 200);
    assert_eq!(server.offered("66:s136").len(), 4);
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn asking_in_a_loop_without_consent_is_a_violation_and_asking_every_few_minutes_is_not() {
    let server = Server::open().await;
    server.model.revoke_consent(&server.practice).unwrap();
    for _ in 0..30 {
        assert_eq!(server.get("requests").status, 403);
        pass(300).await;
    }
    server.assert_well_behaved();
    for _ in 0..11 {
        server.get("requests");
    }
    assert_eq!(server.violations(), ["asks in a loop although it is answered 403"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_for_a_practice_that_is_off_is_a_violation() {
    let server = Server::open().await;
    server.model.expect_silence(&server.practice).unwrap();
    server.get("requests");
    assert_eq!(server.violations(), ["a call for a practice whose integration is off"]);
    server.model.expect_calls(&server.practice).unwrap();
    server.get("requests");
    assert_eq!(server.violations().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_user_agent_must_name_vendor_contact_and_environment() {
    let server = Server::new();
    for agent in ["Example Vets Bridge (it@examplevets.com.au) PROD", "A (a@b.au) DEV"] {
        let asked = with_header(Server::asked("GET", "requests", None), "user-agent", Some(agent));
        assert_eq!(server.answer(&asked).status, 200, "{agent}");
    }
    server.assert_well_behaved();
    let bad = [
        None,
        Some("reqwest/0.13"),
        Some("Bridge PROD"),
        Some("Bridge (it@b.au)"),
        Some("Bridge (nobody) PROD"),
        Some("Bridge (it@b.au) prod"),
        Some(" (it@b.au) PROD"),
    ];
    for agent in bad {
        let asked = with_header(Server::asked("GET", "requests", None), "user-agent", agent);
        assert_eq!(server.answer(&asked).status, 400, "{agent:?}");
    }
    assert_eq!(server.violations().len(), bad.len());
}

#[tokio::test(start_paused = true)]
async fn a_body_must_be_announced_as_json_and_be_json() {
    let server = Server::open().await;
    let asked = || Server::asked("POST", "availability/snapshot", Some(&day("s136", &[])));
    let fine = with_header(asked(), "content-type", Some("application/json; charset=utf-8"));
    assert_eq!(server.answer(&fine).status, 200);
    server.assert_well_behaved();
    for kind in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
        assert_eq!(server.answer(&with_header(asked(), "content-type", kind)).status, 400, "{kind:?}");
    }
    let mut broken = asked();
    broken.body.pop();
    assert_eq!(server.answer(&broken).status, 400);
    assert_eq!(server.answer(&Server::asked("POST", "availability/snapshot", None)).status, 400);
    assert_eq!(server.violations().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn gzip_bodies_are_read_up_to_a_limit() {
    let server = Server::open().await;
    let asked = |body: Vec<u8>| {
        let mut asked = Server::asked("POST", "availability/snapshot", Some(&Value::Null));
        asked.body = body;
        with_header(asked, "content-encoding", Some("gzip"))
    };
    let body = day("s136", &[("13:00", "14:00")]).to_string();
    assert_eq!(server.answer(&asked(gzip(body.as_bytes()))).status, 200);
    pass(1).await;
    assert_eq!(server.offered("66:s136")[0], "13:00");
    server.assert_well_behaved();

    let bomb = gzip(&vec![b' '; 64 * 1024 * 1024]);
    assert!(bomb.len() < 1024 * 1024);
    assert_eq!(server.answer(&asked(bomb)).status, 413);
    assert_eq!(server.answer(&asked(body.into_bytes())).status, 400);
    let brotli = with_header(asked(vec![1]), "content-encoding", Some("br"));
    assert_eq!(server.answer(&brotli).status, 400);
    assert_eq!(server.violations().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_path_is_404_and_a_wrong_method_405() {
    let server = Server::new();
    assert_eq!(server.get("requests/nothing").status, 404);
    assert_eq!(server.get("availability/snapshot").status, 405);
    let mut asked = Server::asked("GET", "requests", None);
    asked.target = "/requests".into();
    assert_eq!(server.answer(&asked).status, 404);
    assert_eq!(server.violations().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_date_header_shows_the_servers_clock() {
    let server = Server::new();
    let date = || {
        let answered = server.model.answer(&Server::asked("GET", "requests", None));
        answered.headers.into_iter().find(|(name, _)| name == "date").unwrap().1
    };
    assert_eq!(date(), "Mon, 02 Mar 2026 00:00:00 GMT");
    server.model.configure(|settings| settings.skew = chrono::TimeDelta::seconds(-45));
    pass(5).await;
    assert_eq!(date(), "Sun, 01 Mar 2026 23:59:20 GMT");
}

#[tokio::test(start_paused = true)]
async fn unknown_fields_are_survived_and_recorded() {
    let server = Server::open().await;
    let mut snapshot = day("s136", &[("13:00", "14:00")]);
    snapshot["note"] = json!("hello");
    snapshot["availability"][0]["slotlength"] = json!(900);
    assert_eq!(server.post("availability/snapshot", snapshot).status, 200);
    assert_eq!(
        server.violations(),
        ["the snapshot has the unknown field note", "a range of the snapshot has the unknown field slotlength"]
    );
}

#[tokio::test(start_paused = true)]
async fn exchanges_are_logged_and_counted_by_operation_without_bodies_or_queries() {
    let server = Server::open().await;
    server.model.forget_exchanges();
    let booking = server.book("09:00");
    server.get("requests/bookings?page=1");
    server.confirm(booking, "1:a");
    let exchanges = server.model.exchanges();
    let seen: Vec<_> = exchanges.iter().map(|own| (own.method.as_str(), own.path.as_str(), own.status)).collect();
    let confirmed = format!("bookings/{booking}/confirmInsert");
    assert_eq!(seen, [("GET", "requests/bookings", 200), ("POST", confirmed.as_str(), 200)]);
    assert_eq!(exchanges[0].practice.as_deref(), Some("1234567"));
    assert_eq!(server.model.tallies()["POST bookings/{bookingId}/confirmInsert"], 1);
}

#[tokio::test(start_paused = true)]
async fn later_editions_can_add_fields_and_drop_nulls_anywhere() {
    let server = Server::open().await;
    server.book("09:00");
    server.model.configure(|settings| {
        settings.extra_fields = true;
        settings.absent = vetbridge::simulator::healthengine::AbsentForm::Missing;
    });
    let reply = server.get("requests/bookings").body;
    let booking = &reply["data"][0];
    assert!(reply["addedLater"].is_object() && booking["patient"]["addedLater"].is_object());
    assert_eq!(booking.get("telehealthUrl"), None);
    assert_eq!(booking["patient"].get("gender"), None);
    server.assert_well_behaved();
}
