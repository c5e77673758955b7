//! `vetbridge explain`: a receptionist misses a time, and is told why and what to do.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use reqwest::StatusCode;
use serde_json::{Value, json};
use vetbridge::ids::ScheduleId;
use vetbridge::simulator::exchange::Fault;

use crate::clinic::{Clinic, Ended, PRACTICE, eventually};
use crate::service::Service;

fn tomorrow(clinic: &Clinic) -> NaiveDate {
    clinic.today().succ_opt().unwrap()
}

fn time(date: NaiveDate, text: &str) -> NaiveDateTime {
    date.and_time(NaiveTime::parse_from_str(text, "%H:%M").unwrap())
}

async fn run(clinic: &Clinic, resource: &str, date: &str, more: &[&str]) -> Ended {
    let asked = ["explain", "--practice", PRACTICE, "--resource", resource, "--date", date];
    clinic.run(&[&asked[..], more].concat()).await
}

async fn explained(clinic: &Clinic, resource: &str, date: NaiveDate, more: &[&str]) -> Value {
    let ended = run(clinic, resource, &date.to_string(), &[&["--json"][..], more].concat()).await;
    assert_eq!((ended.status, ended.error.as_str()), (0, ""), "{}", ended.out);
    serde_json::from_str(&ended.out).unwrap()
}

fn slot<'a>(explained: &'a Value, start: &str) -> &'a Value {
    explained["slots"].as_array().unwrap().iter().find(|slot| slot["start"] == start).unwrap()
}

/// The starts that Healthengine shows are those that are explained as offered, with the same types.
fn assert_is_what_is_shown(clinic: &Clinic, explained: &Value, date: NaiveDate) {
    let resource = explained["resource"].as_str().unwrap();
    let practice = vetbridge::ids::PracticeId(PRACTICE.into());
    let shown = clinic.healthengine.offered(&practice, resource, date).unwrap();
    let shown: Vec<String> = shown.iter().map(|offer| offer.start.format("%H:%M").to_string()).collect();
    let offered = explained["slots"].as_array().unwrap().iter().filter(|slot| slot["offered"] == true);
    let offered: Vec<&str> = offered.map(|slot| slot["start"].as_str().unwrap()).collect();
    assert!(!offered.is_empty());
    assert_eq!(offered, shown.iter().map(String::as_str).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_time_has_its_reason_and_a_booking_of_ours_is_told_from_what_staff_put_there() {
    let clinic = Clinic::open().await;
    let date = tomorrow(&clinic);
    clinic.openvpms.staff(|world| world.add_block(ScheduleId(136), time(date, "11:00"), time(date, "11:30")));
    let service = Service::start_and_get_in_step(&clinic).await;
    let booking = clinic.book("s136").await;
    eventually("the booking stands", async || clinic.standing(booking) == 1).await;
    let settled = async || {
        let day = explained(&clinic, "s136", date, &[]).await;
        day["pending"] == false && day["slots"].to_string().contains("own_booking")
    };
    eventually("Healthengine has the day as it is", settled).await;

    let day = explained(&clinic, "s136", date, &[]).await;
    assert_is_what_is_shown(&clinic, &day, date);
    assert_eq!((&day["practice_id"], &day["resource"]), (&json!(PRACTICE), &json!("s136")));
    assert_eq!((&day["date"], &day["timezone"]), (&json!(date.to_string()), &json!("Australia/Sydney")));
    assert_eq!(day["last_sent"]["accepted"], true);
    assert!(day["last_sent"]["ranges"][0]["pmsAppointmentTypeIds"].is_array(), "{}", day["last_sent"]);
    let closed = slot(&day, "00:00");
    assert_eq!((&closed["code"], &closed["offered"], &closed["types"]), (&json!("closed"), &json!(false), &json!([])));
    assert!(closed["remedy"].as_str().unwrap().contains("online booking times of schedule 136"));
    let busy = slot(&day, "11:00");
    assert_eq!(busy["code"], "busy");
    assert!(busy["text"].as_str().unwrap().contains("an appointment or a calendar block"), "{busy}");
    let before = slot(&day, "10:45");
    assert_eq!((&before["code"], &before["offered"]), (&json!("offered"), &json!(true)));
    assert_eq!((&before["text"], &before["remedy"]), (&json!(""), &json!("")));
    let refused = before["refused_types"].as_array().unwrap();
    assert!(!refused.is_empty() && refused.iter().all(|kind| kind["code"] == "too_short"), "{before}");

    // For people: alike times on one line, and what changes it.
    let text = run(&clinic, "s136", &date.to_string(), &[]).await.out;
    assert!(text.contains("times of Australia/Sydney") && text.contains("has what stands here"), "{text}");
    assert!(text.contains("11:00-11:30  busy") && text.contains("What changes it:"), "{text}");
    assert_eq!(text.matches("closed ").count(), 3, "before, after, and what to change: {text}");

    // One time, and one type.
    let at = explained(&clinic, "s136", date, &["--at", "11:07"]).await;
    assert_eq!((at["slots"].as_array().unwrap().len(), &at["slots"][0]["start"]), (1, &json!("11:00")));
    for kind in ["63:s136", "63"] {
        let of_type = explained(&clinic, "s136", date, &["--type", kind]).await;
        let shown = slot(&of_type, "10:45");
        let expected = before["types"].as_array().unwrap().contains(&json!("63:s136"));
        assert_eq!(shown["offered"], expected, "{shown}");
        assert!(!slot(&of_type, "09:00")["types"].to_string().contains("66:"), "{kind}");
    }

    // The API has the same.
    let path = format!("/api/v1/practices/{PRACTICE}/explain?resource=s136&date={date}");
    let api: Value = service.get(&path).await.json().await.unwrap();
    assert_eq!(api["slots"], day["slots"]);
    let narrow: Value = service.get(&format!("{path}&at=11:07&type=63")).await.json().await.unwrap();
    assert_eq!((narrow["slots"].as_array().unwrap().len(), &narrow["slots"][0]["start"]), (1, &json!("11:00")));
    assert_eq!(service.get(&format!("{path}&hour=11")).await.status(), StatusCode::BAD_REQUEST);
    assert_eq!(service.open(&path).await.status(), StatusCode::UNAUTHORIZED);
    service.stop().await;
    assert!(clinic.healthengine.violations().is_empty(), "{:?}", clinic.healthengine.violations());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_service_openvpms_is_read_here_and_nothing_is_sent() {
    let clinic = Clinic::open().await;
    let date = tomorrow(&clinic);
    let day = explained(&clinic, "s136", date, &[]).await;
    assert_eq!((&day["last_sent"], &day["pending"]), (&Value::Null, &json!(true)));
    assert_eq!(slot(&day, "10:00")["code"], "offered");
    let past = explained(&clinic, "s136", clinic.today().pred_opt().unwrap(), &[]).await;
    assert!(past["slots"].as_array().unwrap().iter().all(|slot| slot["code"] == "past"));
    assert_eq!(past["pending"], false);
    let far = explained(&clinic, "s136", clinic.today() + chrono::Days::new(5), &[]).await;
    assert_eq!(far["slots"].as_array().unwrap().len(), 96);
    assert!(far["slots"].as_array().unwrap().iter().all(|slot| slot["code"] == "beyond_horizon"), "{far}");
    assert!(slot(&far, "10:00")["text"].as_str().unwrap().contains("5 days"), "{}", slot(&far, "10:00"));
    assert!(clinic.healthengine.tallies().keys().all(|call| call.starts_with("GET")));
    let told = run(&clinic, "s136", &date.to_string(), &[]).await;
    assert!(told.status == 0 && told.error.starts_with("vetbridge does not run: "), "{told:?}");
    assert!(told.out.contains("`vetbridge status`"), "{told:?}");
    // What is typed next reaches the same service.
    let told = run(&clinic, "s136", &date.to_string(), &["--config", "vetbridge.toml"]).await;
    assert!(told.out.contains("`vetbridge status --config vetbridge.toml`"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_openvpms_is_away_the_last_reading_counts_until_it_is_out_of_step() {
    let clinic = Clinic::open().await;
    let date = tomorrow(&clinic);
    let _service = Service::start_and_get_in_step(&clinic).await;
    let before = explained(&clinic, "s136", date, &[]).await;
    clinic.openvpms_faults.set(|_| Some(Fault::RefusalBefore(503)));
    let away = explained(&clinic, "s136", date, &[]).await;
    assert_eq!(away["slots"], before["slots"]);
    let unread = async || slot(&explained(&clinic, "s136", date, &[]).await, "10:00")["code"] == "not_read";
    eventually("the reading is too old", unread).await;
    let day = explained(&clinic, "s136", date, &[]).await;
    assert!(slot(&day, "10:00")["remedy"].as_str().unwrap().contains("vetbridge status"), "{day}");
    assert_eq!(day["last_sent"]["accepted"], true, "what Healthengine has is known all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_practice_and_a_clinician_without_a_roster_say_so() {
    let clinic = Clinic::open().await;
    let more = "[[practice.resource]]\nuser = 1158\nschedule = 136\n[[practice.resource]]\nschedule = 211\n";
    let practice = crate::clinic::practice(PRACTICE, "the-practice-key", "") + more;
    clinic.write("vetbridge.toml", &(clinic.settings() + &practice));
    let date = tomorrow(&clinic);
    let _service = Service::start_and_get_in_step(&clinic).await;
    let day = explained(&clinic, "u1158-s136", date, &[]).await;
    assert_eq!(slot(&day, "10:00")["code"], "offered");
    assert_eq!(slot(&day, "17:30")["code"], slot(&day, "08:30")["code"]);
    assert!(["not_rostered", "closed"].contains(&slot(&day, "08:30")["code"].as_str().unwrap()), "{day}");
    assert!(clinic.run(&["pause", "--practice", PRACTICE]).await.status == 0);
    let off = explained(&clinic, "u1158-s136", date, &[]).await;
    let at_ten = slot(&off, "10:00");
    assert_eq!((&at_ten["code"], &at_ten["offered"]), (&json!("off"), &json!(false)));
    assert!(at_ten["text"].as_str().unwrap().contains("paused"), "{at_ten}");
    assert!(at_ten["remedy"].as_str().unwrap().contains(&format!("vetbridge resume --practice {PRACTICE}")));
    assert_eq!(off["pending"], false, "its days are empty");
    // One that was never on is off as well.
    let disabled = clinic.settings() + &crate::clinic::practice("7", "the-practice-key", "enabled = false\n");
    let other = Clinic::open().await;
    other.write("vetbridge.toml", &disabled.replace(&clinic.port.to_string(), &other.port.to_string()));
    let _service = Service::start(&other).await;
    let date = date.to_string();
    let asked = ["explain", "--practice", "7", "--resource", "s136", "--date", &date, "--json"];
    let day: Value = serde_json::from_str(&other.run(&asked).await.out).unwrap();
    assert!(day["slots"].as_array().unwrap().iter().all(|slot| slot["code"] == "off"), "{day}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_resource_date_time_type_or_practice_is_a_sentence() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let date = tomorrow(&clinic).to_string();
    for (resource, date, more, said) in [
        ("136", date.as_str(), &[][..], "136 is not a resource: s136 stands for"),
        ("s99", &date, &[], "does not offer s99. It offers s136 (Main Appointment Schedule)"),
        ("s136", "tomorrow", &[], "tomorrow is not a date of the years 2000 to 2199: write it as 2027-02-15"),
        ("s136", "2027-02-30", &[], "2027-02-30 is not a date"),
        ("s136", &date, &["--at", "25:00"], "25:00 is not a time"),
        ("s136", &date, &["--type", "1"], "s136 has no appointment type 1. It has 63:s136 ("),
    ] {
        let ended = run(&clinic, resource, date, more).await;
        assert_eq!((ended.status, ended.out.as_str()), (1, ""), "{}", ended.error);
        assert!(ended.error.contains(said), "{said}: {}", ended.error);
    }
    let ended = clinic.run(&["explain", "--practice", "7", "--resource", "s136", "--date", &date]).await;
    assert!(ended.status == 1 && ended.error.contains("Practice 7"), "{}", ended.error);
    let path = |rest: &str| format!("/api/v1/practices/{PRACTICE}/explain{rest}");
    for (query, status) in [
        (String::new(), StatusCode::BAD_REQUEST),
        ("?resource=s136".into(), StatusCode::BAD_REQUEST),
        (format!("?resource=x&date={date}"), StatusCode::BAD_REQUEST),
        ("?resource=s136&date=x".into(), StatusCode::BAD_REQUEST),
        (format!("?resource=s99&date={date}"), StatusCode::NOT_FOUND),
    ] {
        let answer = service.get(&path(&query)).await;
        assert_eq!(answer.status(), status, "{query}");
        assert!(answer.json::<Value>().await.unwrap()["error"].is_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_a_rule_keeps_back_names_the_rule_and_its_key_wherever_it_is_asked_for() {
    let clinic = Clinic::open().await;
    let date = tomorrow(&clinic);
    let rules = "[[practice.rule]]\nkeep_free = 2\n[[practice.rule]]\ntypes = [63]\nhours = [\"09:00-12:00\"]\n";
    clinic.write("vetbridge.toml", &(clinic.configuration() + rules));
    let service = Service::start_and_get_in_step(&clinic).await;

    let practice = vetbridge::ids::PracticeId(PRACTICE.into());
    let is_shown = async || !clinic.healthengine.offered(&practice, "s136", date).unwrap().is_empty();
    eventually("Healthengine shows the day", is_shown).await;
    let day = explained(&clinic, "s136", date, &[]).await;
    assert_is_what_is_shown(&clinic, &day, date);
    let kept = slot(&day, "17:15");
    assert_eq!((&kept["offered"], &kept["code"], &kept["types"]), (&json!(false), &json!("rule"), &json!([])));
    assert_eq!(kept["rule"], json!({ "number": 1, "key": "keep_free" }));
    assert_eq!(
        kept["text"],
        "The practice's rule 1 (keep_free) keeps it back: the last 2 free starts of the day are kept."
    );
    assert_eq!(
        kept["remedy"],
        format!("Change or remove keep_free in the 1st [[practice.rule]] of practice {PRACTICE} in the configuration.")
    );
    let afternoon = slot(&day, "14:00");
    assert_eq!(afternoon["offered"], true);
    let refused = afternoon["refused_types"].as_array().unwrap().iter().find(|own| own["type"] == "63:s136").unwrap();
    assert_eq!((&refused["code"], &refused["rule"]), (&json!("rule"), &json!({ "number": 2, "key": "hours" })));
    let of_type = explained(&clinic, "s136", date, &["--type", "63", "--at", "14:00"]).await;
    let only = slot(&of_type, "14:00");
    assert_eq!((&only["offered"], &only["code"], &only["rule"]["number"]), (&json!(false), &json!("rule"), &json!(2)));

    let text = run(&clinic, "s136", &date.to_string(), &[]).await.out;
    assert!(text.contains("rule 2 (hours) keeps 63:s136 back") && text.contains("17:00-17:30  rule "), "{text}");
    assert!(text.contains("Change or remove keep_free in the 1st [[practice.rule]]"), "{text}");
    assert!(text.contains("Change or remove hours in the 2nd [[practice.rule]]"), "of what is offered to some: {text}");

    let page = service.get(&format!("/practices/{PRACTICE}/days?resource=s136&date={date}")).await;
    let page = page.text().await.unwrap();
    assert!(page.contains("rule 1 (keep_free)") && page.contains("Kept back by rule 2 (hours): "), "{page}");
    let change = "Change or remove hours in the 2nd [[practice.rule]] of this practice in the configuration.";
    assert!(page.contains(change), "what offers the other type: {page}");
    let status = clinic.run(&["status"]).await.out;
    assert!(status.contains("in force: Rule 1: the last 2 free starts of the day are kept."), "{status}");
    let overview = service.get("/").await.text().await.unwrap();
    assert!(overview.contains("rule of the offer in force: Rule 2, appointment type 63"), "{overview}");
}
