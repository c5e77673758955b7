//! `vetbridge check`: every usual mistake names the place and the remedy, in a sentence or two.

use std::sync::Arc;
use std::time::Duration;

use chrono::{Datelike as _, Weekday};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use vetbridge::ids::{AppointmentTypeId, PracticeId, ScheduleId};
use vetbridge::simulator::exchange::{ArrivedRequest, Faults, Model, SentAnswer};

use crate::clinic::{Clinic, Ended, PRACTICE, eventually, free_port, listen, practice};
use crate::service::Service;

/// A finding of the report.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    place: String,
    message: String,
    remedy: String,
}

/// The problems that `check` finds, and its whole report.
pub(crate) async fn problems(clinic: &Clinic) -> Vec<Problem> {
    let ended = clinic.run(&["check", "--json"]).await;
    let findings: Vec<Value> = serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"));
    assert_eq!(ended.error, "", "nothing is logged that is in the report");
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let problem = |finding: &Value| Problem {
        place: text(finding, "place"),
        message: text(finding, "message"),
        remedy: text(finding, "remedy"),
    };
    let found: Vec<Problem> = findings.iter().filter(|finding| finding["level"] == "problem").map(problem).collect();
    assert_eq!(ended.status, if found.is_empty() { 0 } else { 1 }, "{findings:?}");
    // For people it says the same.
    let Ended { status, out, .. } = clinic.run(&["check"]).await;
    assert_eq!((status, out.matches("\nPROBLEM").count()), (ended.status, found.len()), "{out}");
    found
}

/// The only problem that `check` finds.
pub(crate) async fn problem(clinic: &Clinic) -> Problem {
    let mut found = problems(clinic).await;
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

pub(crate) fn assert_says(problem: &Problem, place: &str, message: &str, remedy: &str) {
    let is = problem.place == place && problem.message.contains(message) && problem.remedy.contains(remedy);
    assert!(is, "{problem:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clinic_where_all_is_well_has_no_problem_and_nothing_is_left_behind() {
    let clinic = Clinic::open().await;
    let checked = clinic.run(&["check"]).await;
    assert_eq!((checked.status, checked.error.as_str()), (0, ""), "{}", checked.out);
    for line in
        ["is free", "will be made by the first run", "takes the password", "api_key and consent are good", "within 1 s"]
    {
        assert!(checked.out.contains(line), "{line}: {}", checked.out);
    }
    assert!(!clinic.state().exists());
    let tallies = clinic.healthengine.tallies();
    let asked: Vec<_> = tallies.keys().collect();
    assert!(asked.iter().all(|call| call.starts_with("GET ")), "nothing was sent: {asked:?}");
    assert!(!asked.iter().any(|call| call.contains("requests")), "no poll was feigned: {asked:?}");
    assert!(clinic.healthengine.violations().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_one_and_healthengine_is_asked_all_the_same() {
    let clinic = Clinic::open().await;
    clinic.write("openvpms.password", "hunter2hunter2");
    let found = problem(&clinic).await;
    assert_says(
        &found,
        "[openvpms]",
        "refuses the password of user \"sample\" (401)",
        "username and password in [openvpms]",
    );
    let report = clinic.run(&["check"]).await.out;
    assert!(report.contains("api_key and consent are good") && !report.contains("hunter2"), "{report}");
}

/// A web server with pages and no API.
struct Pages;

impl Model for Pages {
    fn answer(&self, _asked: &ArrivedRequest) -> SentAnswer {
        SentAnswer::html(200, "Login")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_url_is_told_by_the_page_that_it_answers_with() {
    let clinic = Clinic::open().await;
    let stop = CancellationToken::new();
    let port = listen(Arc::new(Pages), &Faults::none(), &stop).await;
    let text: Vec<String> = clinic
        .configuration()
        .lines()
        .map(|line| {
            if line.starts_with("url = ") {
                format!("url = \"http://127.0.0.1:{port}/elsewhere\"")
            } else {
                line.into()
            }
        })
        .collect();
    clinic.write("vetbridge.toml", &text.join("\n"));
    let found = problems(&clinic).await;
    assert_eq!(found.len(), 2, "{found:#?}");
    assert_says(&found[0], "[openvpms]", "/elsewhere is not the booking API of OpenVPMS", "Check [openvpms] url");
    assert!(found[0].message.contains("\"Login\""), "{found:#?}");
    assert_says(&found[1], "[healthengine]", "/elsewhere in Healthengine's place", "Check [healthengine] url");
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_are_not_there_are_one_problem_each() {
    let clinic = Clinic::open().await;
    clinic.openvpms_faults.close_port();
    clinic.healthengine_faults.close_port();
    let found = problems(&clinic).await;
    assert_eq!(found.len(), 2, "{found:#?}");
    assert_says(&found[0], "[openvpms]", "OpenVPMS cannot be reached at http://127.0.0.1:", "that the VPN is up");
    assert_says(&found[1], "[healthengine]", "Healthengine cannot be reached", "internet connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_consent_and_a_wrong_practice_key_are_problems_of_their_practice() {
    let clinic = Clinic::open().await;
    clinic.healthengine.revoke_consent(&PracticeId(PRACTICE.into())).unwrap();
    let found = problem(&clinic).await;
    assert_says(&found, "practice 1234567", "no consent of practice 1234567 for us (403)", "API Consumer Consent");
    clinic.healthengine.grant_consent(&PracticeId(PRACTICE.into())).unwrap();
    clinic.write("vetbridge.toml", &(clinic.settings() + &practice(PRACTICE, "another-key", "")));
    let found = problem(&clinic).await;
    assert_says(&found, "practice 1234567", "(403)", "check id and key of the [[practice]]");
    clinic.write("vetbridge.toml", &clinic.configuration().replace("the-api-key", "another-api-key"));
    let found = problem(&clinic).await;
    assert_says(&found, "[healthengine]", "refuses the api_key (401)", "Check [healthengine] api_key");
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_openvpms_does_not_have_are_named_with_those_that_it_has() {
    let clinic = Clinic::open().await;
    clinic.openvpms.staff(|world| world.schedule_mut(ScheduleId(211)).unwrap().online = false);
    let resources = ["schedule = 7", "schedule = 211", "user = 8\nschedule = 136", "user = 1158\nschedule = 136"];
    let resources: String = resources.map(|entry| format!("[[practice.resource]]\n{entry}\n")).concat();
    let text = clinic.configuration().replace("locations = [98]", "locations = [98, 97]") + &resources;
    clinic.write("vetbridge.toml", &text);
    let found = problems(&clinic).await;
    assert_eq!(found.len(), 4, "{found:#?}");
    assert_says(&found[0], "practice 1234567", "no location 97", "106 (Branch Clinic) and 98 (Main Clinic)");
    assert_says(&found[1], "practice 1234567 resource s7", "no schedule 7", "have 136 (Main Appointment Schedule)");
    assert_says(&found[2], "practice 1234567 resource s211", "Schedule 211 is not flagged", "Flag it there");
    assert_says(&found[3], "practice 1234567 resource u8-s136", "no user 8", "1158 (Andrew Turner)");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_without_types_and_a_type_of_days_are_told() {
    let clinic = Clinic::open().await;
    clinic.openvpms.staff(|world| {
        world.schedule_mut(ScheduleId(136)).unwrap().types.clear();
        world.schedule_mut(ScheduleId(211)).unwrap().types = vec![(AppointmentTypeId(66), 60)];
    });
    let resource = "[[practice.resource]]\nschedule = 136\n[[practice.resource]]\nschedule = 211\n";
    clinic.write("vetbridge.toml", &(clinic.configuration() + resource));
    let found = problems(&clinic).await;
    assert_eq!(found.len(), 2, "{found:#?}");
    assert_says(
        &found[0],
        "practice 1234567 resource s136",
        "(Main Appointment Schedule) has no appointment type",
        "Flag",
    );
    let too_long = "(1800 minutes) on schedule 211";
    assert_says(&found[1], "practice 1234567 resource s211", too_long, "Correct its number of slots");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_practices_would_both_sell_is_a_problem() {
    let clinic = Clinic::open().await;
    let entry = "[[practice.resource]]\nschedule = 136\n";
    for (entry, named) in
        [("", "location 98 belongs to practice 1234567 too"), (entry, "schedule 136 belongs to practice 1234567")]
    {
        let both = clinic.configuration() + entry + &practice("7654321", "k", "") + entry;
        clinic.write("vetbridge.toml", &both);
        let duplicate = clinic.run(&["check"]).await;
        assert_eq!((duplicate.status, duplicate.out.as_str()), (2, ""));
        assert!(duplicate.error.contains(named), "{}", duplicate.error);
    }
    let twice = clinic.configuration() + entry + entry;
    clinic.write("vetbridge.toml", &twice);
    assert!(clinic.run(&["check"]).await.error.contains("136"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zone_that_names_no_place_and_one_that_nobody_knows_are_told() {
    let clinic = Clinic::open().await;
    clinic.openvpms.staff(|world| world.zone = "GMT+10:00".parse().unwrap());
    let found = problem(&clinic).await;
    assert_says(&found, "practice 1234567", "\"GMT+10:00\" for location 98", "Add timezone = \"Australia/");
    let own_setting = "Set the zone of the OpenVPMS server itself: -Duser.timezone=Australia/Sydney, or the clinic's";
    assert!(found.remedy.contains("\"Australia/Brisbane\" (Queensland, which has no daylight saving)"), "{found:?}");
    assert!(found.remedy.starts_with(own_setting), "{}", found.remedy);
    for no_place in ["Etc/UTC", "GMT", "UTC", "Zulu", "EST", "Etc/GMT-10", "America/New_York"] {
        clinic.openvpms.staff(|world| world.zone = no_place.parse().unwrap());
        let found = problem(&clinic).await;
        assert_says(&found, "practice 1234567", &format!("\"{no_place}\" for location 98"), own_setting);
    }
    // A person said where the practice is: the times are worked out, and hours that nobody can mean
    // are told with a sample.
    let in_sydney = practice(PRACTICE, "the-practice-key", "timezone = \"Australia/Sydney\"");
    clinic.write("vetbridge.toml", &(clinic.settings() + &in_sydney));
    clinic.openvpms.staff(|world| world.zone = "Etc/UTC".parse().unwrap());
    let found = problem(&clinic).await;
    assert_says(
        &found,
        "practice 1234567",
        "an appointment at 09:00 in the diary is offered at ",
        "et the zone of the OpenVPMS server itself: -Duser.timezone=Australia/Sydney, among the options",
    );
    assert!(found.message.contains("19:00") && found.message.contains("20:00"), "{}", found.message);
    clinic.openvpms.staff(|world| world.zone = "GMT+10:00".parse().unwrap());
    clinic.write(
        "vetbridge.toml",
        &(clinic.settings() + &practice(PRACTICE, "the-practice-key", "timezone = \"Australia/Brisbane\"")),
    );
    assert_eq!(problems(&clinic).await, []);
    clinic.write(
        "vetbridge.toml",
        &(clinic.settings() + &practice(PRACTICE, "the-practice-key", "timezone = \"Australia/Sidney\"")),
    );
    let unknown = clinic.run(&["check"]).await;
    assert_eq!(unknown.status, 2);
    assert!(unknown.error.contains("Australia/Sydney"), "{}", unknown.error);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_clock_is_measured() {
    let clinic = Clinic::open().await;
    clinic.healthengine.configure(|settings| settings.skew = chrono::TimeDelta::seconds(90));
    let found = problem(&clinic).await;
    assert!(found.place == "clock" && found.message.contains("s behind Healthengine's"), "{found:?}");
    assert!(found.remedy.contains("NTP"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_misspelt_key_and_a_secret_that_cannot_be_read_make_the_file_invalid() {
    let clinic = Clinic::open().await;
    std::fs::remove_file(clinic.directory.path().join("openvpms.password")).unwrap();
    clinic.write("vetbridge.toml", &clinic.configuration().replace("vendor =", "vender ="));
    let invalid = clinic.run(&["check"]).await;
    assert_eq!((invalid.status, invalid.out.as_str()), (2, ""));
    assert!(invalid.error.contains("unknown key `vender`; the nearest valid key is `vendor`"), "{}", invalid.error);
    assert!(
        invalid.error.contains("openvpms.password") && invalid.error.contains("[openvpms] password"),
        "{}",
        invalid.error
    );
    assert!(!invalid.error.contains("backtrace"), "{}", invalid.error);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_another_program_has_is_told() {
    let clinic = Clinic::open().await;
    // Silent, as a program that speaks something else.
    let _taken = TcpListener::bind(("127.0.0.1", clinic.port)).await.unwrap();
    let found = problem(&clinic).await;
    assert_says(
        &found,
        "[admin] listen",
        &format!("127.0.0.1:{} is in use", clinic.port),
        "give [admin] listen another port",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_service_is_recognised_and_so_is_one_with_other_state_or_another_port() {
    let clinic = Clinic::open().await;
    let report = clinic.run(&["check"]).await;
    assert!(report.out.contains("No running service answers at 127.0.0.1:"), "{}", report.out);
    let service = Service::start_and_get_in_step(&clinic).await;
    let report = clinic.run(&["check"]).await;
    assert!(report.status == 0 && report.out.contains("vetbridge runs at 127.0.0.1:"), "{}", report.out);
    assert!(report.out.contains("the running service is in step and has no problem"), "{}", report.out);

    clinic.write("vetbridge.toml", &clinic.configuration().replace("path = \"state\"", "path = \"other\""));
    let found = problem(&clinic).await;
    assert_says(&found, "[admin] listen", "does not take the token of the state directory", "its own [admin] listen");

    let port = free_port().await;
    let elsewhere = clinic.configuration().replace(&format!(":{}\"", clinic.port), &format!(":{port}\""));
    clinic.write("vetbridge.toml", &elsewhere);
    let found = problem(&clinic).await;
    let holder = format!("in use by another vetbridge (process {}", service.process());
    assert_says(&found, "[state] path", &holder, "Name the configuration");
    drop(service);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_running_service_suffers_from_is_a_problem_of_check_too() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    // What check itself asks for is answered.
    clinic.healthengine_faults.set(|asked| {
        asked.target.ends_with("/requests").then_some(vetbridge::simulator::exchange::Fault::RefusalBefore(503))
    });
    let suffers = async || service.get("/api/v1/status").await.text().await.unwrap().contains("cannot be asked");
    eventually("the service suffers", suffers).await;
    let found = problems(&clinic).await;
    let place = format!("running service, Main Clinic ({PRACTICE})");
    assert!(!found.is_empty() && found.iter().all(|problem| problem.place == place), "{found:#?}");
    let named = |text: &str| found.iter().any(|problem| problem.message.contains(text));
    assert!(named("Healthengine cannot be asked") && named("GET requests") && named("not in step"), "{found:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_healthengine_has_not_accepted_is_shown_by_check_and_by_the_page() {
    let clinic = Clinic::open().await;
    clinic.healthengine_faults.set(|asked| {
        asked
            .target
            .ends_with("/pmsResources/snapshot")
            .then_some(vetbridge::simulator::exchange::Fault::RefusalBefore(503))
    });
    let service = Service::start(&clinic).await;
    let planned = "resources: 2, added: s136 s211";
    let shown = async || service.get("/").await.text().await.unwrap().contains(planned);
    eventually("the page shows what is to be sent", shown).await;
    let checked = clinic.run(&["check"]).await;
    let said = format!("has not accepted this part of the configuration yet: liveness contract; {planned}");
    assert!(checked.out.contains(&said), "{}", checked.out);
    clinic.healthengine_faults.set(|_| None);
    let arrived = async || !service.get("/api/v1/status").await.text().await.unwrap().contains("added");
    eventually("nothing is left to be sent", arrived).await;
    assert!(!clinic.run(&["check"]).await.out.contains("has not accepted"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_directory_that_is_none_is_told() {
    let clinic = Clinic::open().await;
    std::fs::create_dir(clinic.state()).unwrap();
    std::fs::write(clinic.state().join("letters.txt"), "dear").unwrap();
    let found = problem(&clinic).await;
    assert_says(&found, "[state] path", "is no state directory of vetbridge: it holds letters.txt", "");
    assert!(found.message.contains("Give [state] path a directory of its own"), "{found:?}");
    clinic.write("vetbridge.toml", &clinic.configuration().replace("path = \"state\"", "path = \"no/such/place\""));
    let found = problem(&clinic).await;
    assert_says(&found, "[state] path", "does not exist. Make it, or correct [state] path", "");
    // Nobody can make a directory there, not even root.
    clinic.write("vetbridge.toml", &clinic.configuration().replace("path = \"state\"", "path = \"/proc/vetbridge\""));
    let found = problem(&clinic).await;
    assert_says(
        &found,
        "[state] path",
        "/proc/vetbridge cannot be made: ",
        "Name a place in [state] path where one can be made",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_answers_is_given_up() {
    let clinic = Clinic::open().await;
    clinic.write(
        "vetbridge.toml",
        &clinic.configuration().replace("request_timeout = \"5s\"", "request_timeout = \"300ms\""),
    );
    clinic.openvpms_faults.set(|_| Some(vetbridge::simulator::exchange::Fault::Hang));
    let checked = tokio::time::timeout(Duration::from_secs(20), problem(&clinic)).await.unwrap();
    assert_says(&checked, "[openvpms]", "did not answer", "try again in a minute");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_path_at_healthengine_is_its_url_and_neither_consent_nor_the_practices_key() {
    let clinic = Clinic::open().await;
    clinic.write("vetbridge.toml", &clinic.configuration().replace("/pms-api/v1", "/pms-api/v2"));
    let found = problem(&clinic).await;
    assert_says(&found, "[healthengine]", "(status 404, GET ", "Check [healthengine] url");
    assert!(!found.remedy.contains("[[practice]]"), "{found:?}");
    clinic.write("vetbridge.toml", &clinic.configuration().replace("/openvpms\"", "/openvmps\""));
    let found = problem(&clinic).await;
    assert_says(&found, "[openvpms]", "is not the booking API of OpenVPMS", "Check [openvpms] url");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_location_by_its_name_is_told_with_the_ids_that_openvpms_has() {
    let clinic = Clinic::open().await;
    clinic.write("vetbridge.toml", &clinic.configuration().replace("[98]", "\"Main Clinic\""));
    let invalid = clinic.run(&["check"]).await;
    assert_eq!((invalid.status, invalid.out.as_str()), (2, ""));
    let told =
        "`vetbridge discover` shows the id of each location; OpenVPMS has 106 (Branch Clinic) and 98 (Main Clinic)";
    assert!(invalid.error.contains(told), "{}", invalid.error);
    clinic.openvpms_faults.close_port();
    let away = clinic.run(&["check", "--json"]).await;
    assert!(away.status == 2 && !away.out.contains("OpenVPMS has 106"), "{}", away.out);
    assert!(away.out.contains("shows the id of each location"), "{}", away.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_configuration_the_example_is_named_and_what_to_type() {
    let clinic = Clinic::open().await;
    std::fs::remove_file(clinic.directory.path().join("vetbridge.toml")).unwrap();
    let none = clinic.run(&["check", "--offline"]).await;
    // One of the machine's own would be found.
    if !std::path::Path::new("/etc/vetbridge/vetbridge.toml").exists() {
        assert_eq!(none.status, 2);
        for part in ["copy vetbridge.example.toml", "type `vetbridge check`", "--config"] {
            assert!(none.error.contains(part), "{part}: {}", none.error);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_at_another_location_is_one_finding() {
    let clinic = Clinic::open().await;
    let resources = "[[practice.resource]]\nschedule = 136\n[[practice.resource]]\nuser = 1158\nschedule = 136\n";
    clinic.write("vetbridge.toml", &(clinic.configuration().replace("[98]", "[106]") + resources));
    let found = problem(&clinic).await;
    let told = "Schedule 136 is at location 98 (Main Clinic), and the practice's locations are 106";
    assert_says(&found, "practice 1234567", told, "Write locations = [98, 106]");
}

#[tokio::test(flavor = "multi_thread")]
async fn hours_outside_the_live_hours_are_named_by_day_and_secrets_that_all_can_read_by_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let clinic = Clinic::open().await;
    let file = clinic.directory.path().join("openvpms.password");
    let set = |mode| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    set(0o644);
    let report = clinic.run(&["check"]).await;
    assert_eq!(report.status, 0, "{}", report.out);
    assert!(report.out.contains("Times are offered outside the live hours: "), "{}", report.out);
    // Five days are looked at, of which today may be over. On Mondays the live hours hold all times.
    for day in clinic.today().iter_days().skip(1).take(4).filter(|day| day.weekday() != Weekday::Mon) {
        let named = day.format("%A ").to_string().to_lowercase();
        assert!(report.out.contains(&named), "{named}: {}", report.out);
    }
    assert!(!report.out.contains("monday 09:00"), "{}", report.out);
    assert!(report.out.contains("Add these hours to [practice.live_hours]"), "{}", report.out);
    assert!(report.out.contains("openvpms.password holds a secret and can be read by every user"), "{}", report.out);
    set(0o600);
    let whole = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let hours: String = whole.map(|day| format!("{day} = [\"00:00-24:00\"]\n")).concat();
    clinic.write("vetbridge.toml", &clinic.configuration().replace("monday = [\"08:00-18:00\"]\n", &hours));
    let report = clinic.run(&["check"]).await.out;
    assert!(!report.contains("outside the live hours") && !report.contains("openvpms.password holds"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_healthengine_has_and_a_pause_show_while_the_service_runs() {
    let clinic = Clinic::open().await;
    let before = clinic.run(&["check"]).await.out;
    assert!(before.contains("no resource of this practice yet; vetbridge run sends 2 resources and 8"), "{before}");
    let service = Service::start_and_get_in_step(&clinic).await;
    let after = clinic.run(&["check"]).await.out;
    assert!(after.contains("the same 2 resources and 8 appointment types"), "{after}");
    assert_eq!(clinic.run(&["pause", "--practice", PRACTICE]).await.status, 0);
    let paused = clinic.run(&["check"]).await.out;
    assert!(paused.contains("Practice 1234567 is paused since 20") && paused.contains("vetbridge resume"), "{paused}");
    drop(service);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_practice_that_is_paused_is_named_also_while_no_service_runs() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    assert_eq!(clinic.run(&["pause", "--practice", PRACTICE]).await.status, 0);
    service.stop().await;
    let paused = clinic.run(&["check"]).await;
    assert_eq!(paused.status, 0, "{paused:?}");
    assert!(paused.out.contains("Practice 1234567 is paused since 20"), "{}", paused.out);
    assert!(paused.out.contains(" Australia/Sydney, so nothing is sent"), "{}", paused.out);
    assert!(paused.out.contains("`vetbridge resume --practice 1234567`"), "{}", paused.out);
    assert_eq!(clinic.run(&["resume", "--practice", PRACTICE]).await.status, 0);
    assert!(!clinic.run(&["check"]).await.out.contains("is paused"));
}
