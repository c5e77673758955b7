//! The messages of the troubleshooting page are quoted from the program: each is held against sentences that the
//! program's own functions make.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use vetbridge::alerts::failure::NotArrived;
use vetbridge::availability::openness::Shut;
use vetbridge::availability::rules::{ForeignNames, NothingLeft, OfferRule, RuleAt, RuleKey};
use vetbridge::booking::entry::{Entry, FlagOn};
use vetbridge::booking::flag::Flag;
use vetbridge::booking::other_bridge_suspicion::Sign;
use vetbridge::booking::problem::{BookingProblem, Unoffered};
use vetbridge::call_error::{CallError, Cause, CertificateFault, ErrorClass};
use vetbridge::characters::Oddity;
use vetbridge::ids::{AppointmentTypeId, BookingId, LocationId, PracticeId, ResourceId, ScheduleId};
use vetbridge::mapping::guard::HoldReason;
use vetbridge::mapping::{LeftOut, LeftOutReason, ZoneProblem};
use vetbridge::messages::tls::{CertificateKeeper, CertificateRole};
use vetbridge::messages::{
    admin, alerts, booking, call_failures, call_rates, check_findings, clients, commands, config_file, config_secrets,
    configuration_sync, exposure, other_bridge, practice, rehearsal, reload, resolve, rules, start, state_directory,
    supervisor, time_zones, tls, waiting, webhooks,
};
use vetbridge::polling::call_rates::RateShare;
use vetbridge::store::{OpenError, Unreadable};
use vetbridge::supervisor::Trouble;
use vetbridge::zone::zones::{DiaryShift, Zones};

use super::page::Page;

#[test]
fn every_message_of_the_troubleshooting_page_is_one_that_vetbridge_prints() {
    let printed = printed();
    let page = Page::read(Path::new("docs/troubleshooting.md"));
    let rows = page.text.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let cells = rows.filter(|cell| *cell != "message" && !cell.starts_with("---"));
    let quoted: Vec<&str> = cells.flat_map(|cell| cell.split("<br>")).collect();
    assert!(quoted.len() > 60, "{}", quoted.len());
    let unknown: Vec<_> = quoted.iter().filter(|quoted| !printed.iter().any(|said| is_quoted(quoted, said))).collect();
    assert!(unknown.is_empty(), "the program prints nothing like these: {unknown:#?}");
}

#[test]
fn no_sentence_ends_twice() {
    let twice: Vec<_> = printed().into_iter().filter(|said| said.contains("..")).collect();
    assert!(twice.is_empty(), "{twice:#?}");
}

/// True if the parts of the quotation, between `…`, stand in the sentence one after the other.
fn is_quoted(quotation: &str, said: &str) -> bool {
    let mut rest = said;
    quotation.split('…').map(|part| part.trim_end_matches('.')).all(|part| match rest.split_once(part) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

#[test]
fn a_quotation_is_held_against_whole_words_in_their_order() {
    let said = "Booking 7 for \"Main\" has no appointment type that OpenVPMS offers there.";
    assert!(is_quoted("Booking … has no appointment type", said) && is_quoted("Booking … for \"…\" has no", said));
    assert!(!is_quoted("Booking … has no appointment types", said));
    assert!(!is_quoted("has no appointment type … Booking", said));
}

/// A sentence of every kind that the page quotes, made as the program makes it.
fn printed() -> Vec<String> {
    [of_start(), of_check(), of_openvpms(), of_healthengine(), of_what_is_offered(), of_bookings(), of_the_process()]
        .concat()
}

fn now() -> DateTime<Utc> {
    "2027-02-15T00:00:00Z".parse().unwrap()
}

fn id() -> PracticeId {
    PracticeId("1234567".into())
}

fn resource() -> ResourceId {
    ResourceId { schedule: ScheduleId(136), user: None }
}

fn failed() -> CallError {
    CallError::with_status(ErrorClass::Unavailable, 503, "the server failed").of("GET requests")
}

fn of_start() -> Vec<String> {
    let oddities = [
        Oddity::BeginsWith(' '),
        Oddity::EndsWith(' '),
        Oddity::BeginsAndEndsWith(' ', ' '),
        Oddity::Holds(2, '\u{200b}'),
        Oddity::Quoted,
    ];
    let path = || PathBuf::from("/var/lib/vetbridge");
    let mut said: Vec<String> =
        oddities.map(|oddity| config_secrets::oddity(oddity, Some(Path::new("openvpms.password"))).to_string()).into();
    said.extend([
        reload::not_reloaded("vetbridge.toml:3:1: [openvpms]: unknown key `usrname`"),
        practice::left_behind(&[id()]),
        reload::another("secret", false).to_string(),
        reload::another("certificate", true).to_string(),
        call_failures::proxy_variables(&["HTTP_PROXY"]).to_string(),
        exposure::weak_webhook_secret().to_string(),
        exposure::admin_on_every_address("0.0.0.0:8686", 8686).to_string(),
        exposure::webhooks_on_every_address("0.0.0.0:8687", 8687).to_string(),
        exposure::admin_beyond_loopback("10.8.0.2:8686").to_string(),
        OpenError::Denied { path: path(), reason: "Permission denied".into() }.to_string(),
        OpenError::InUse { path: path(), holder: "process 7".into() }.to_string(),
        OpenError::Newer { path: path(), kind: "booking".into(), version: 2, known: 1 }.to_string(),
        start::state_is_elsewhere(&path(), Path::new("/var/lib/vetbridge-east")).to_string(),
        start::cannot_listen("[admin] listen", "127.0.0.1:8686", &io::ErrorKind::AddrInUse.into()).to_string(),
        state_directory::cannot_be_made(&path(), &io::ErrorKind::PermissionDenied.into()).to_string(),
        config_file::nowhere(&[Path::new("vetbridge.toml"), Path::new("/etc/vetbridge/vetbridge.toml")]),
        config_file::UTF16.to_owned(),
        config_secrets::secret_utf16(Path::new("openvpms.password")),
        config_file::no_utf8(7),
        config_secrets::secret_control_character(9, '\n', Some(Path::new("openvpms.password"))),
        config_file::unknown_table("practise", &["openvpms", "practice"], |key| format!("[[{key}]]")),
        config_file::no_location_id("a string"),
        config_file::no_place("AEST"),
        config_file::no_place("Etc/UTC"),
    ]);
    said
}

fn share() -> RateShare {
    RateShare { per_second: 6.0, limit: 10, is_too_much: false, interval_seconds: Some(7) }
}

fn of_check() -> Vec<String> {
    let (prefix, schedule) = ("https://bridge.example/webhooks/", ScheduleId(136));
    let certificate = CallError::new(ErrorClass::NotSent, tls::what(CertificateFault::UnknownIssuer));
    let said = [
        check_findings::secret_read_by_all("/etc/vetbridge/openvpms.password", false),
        check_findings::secret_read_by_all("/etc/vetbridge/vetbridge.toml", true),
        call_rates::polls(30, Duration::from_secs(5), &share()),
        call_rates::readings(300, 2, Duration::from_secs(60), &share()),
        tls::certificate_ends(CertificateRole::Own, "clinic.example", now(), 14, CertificateKeeper::Clinic),
        tls::certificate_ends(CertificateRole::Intermediate, "R3", now(), 14, CertificateKeeper::Proxy),
        tls::certificate_ended(CertificateRole::Own, "clinic.example", now(), CertificateKeeper::Clinic),
        tls::certificate_ended(CertificateRole::Authority, "Clinic CA", now(), CertificateKeeper::Clinic),
        tls::intermediate_done_without("R3", now(), CertificateKeeper::Healthengine),
        commands::off_is_not_sent("1234567", "paused", Some((now(), "Australia/Sydney".parse().unwrap()))),
        commands::off_is_not_sent("1234567", "disabled", None),
        commands::resync_without_service("127.0.0.1:8686", "nobody listens"),
        alerts::failed(alerts::WEBHOOK, &NotArrived::Call(failed())),
        alerts::failed(alerts::HEARTBEAT, &NotArrived::Call(failed())),
        webhooks::leads_elsewhere(prefix, &webhooks::another_answer(200, Some("Shop"))),
        webhooks::shut_from_here(prefix, &webhooks::another_answer(403, None)),
        webhooks::nobody_behind_the_proxy(prefix, &webhooks::another_answer(502, None)),
        webhooks::unreached_from_here(prefix, &failed()),
        webhooks::unusable_from_here(prefix, &certificate),
        check_findings::never_open("Schedule 136 (Main)", &Shut::Schedule, 60),
        check_findings::never_open("User 1158 on schedule 136 (Main)", &Shut::Clinician, 60),
        check_findings::types_never_fit("\"Dental\" (75 minutes)", "136 (Main)", 60, 60),
        check_findings::offered_outside_live_hours("saturday 09:00-12:00"),
        check_findings::schedules_at_other_location(&[schedule].into(), LocationId(98), "Main", &[LocationId(97)], &[]),
        check_findings::nothing_at_healthengine(2, 8),
        check_findings::differs_at_healthengine(&["s136".into()], &[], &[]),
        check_findings::clocks_differ(TimeDelta::seconds(-45)),
        check_findings::clocks_differ(TimeDelta::seconds(45)),
    ];
    let mut said: Vec<String> = said.map(|advice| advice.to_string()).into();
    said.push(practice::paused_for_long(&id(), TimeDelta::days(2)));
    said
}

fn of_openvpms() -> Vec<String> {
    let error = |class, status, detail: &str| CallError::with_status(class, status, detail).of("GET locations");
    let of = |error: &CallError| call_failures::openvpms(error, "http://10.8.0.1:8080/openvpms", "sample").to_string();
    let zones = Zones { server: "Etc/UTC".parse().unwrap(), practice: "Australia/Sydney".parse().unwrap() };
    let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    let shift = DiaryShift { nine_today: time(19), nine_later: time(20), is_wrong: true };
    use CertificateFault::{AuthorityAsServer, Expired, NoName, NotYetValid, UnknownIssuer};
    let mut said: Vec<String> = [NoName, Expired, NotYetValid, UnknownIssuer, AuthorityAsServer]
        .map(|fault| tls::what(fault).to_owned())
        .into();
    said.extend([
        tls::other_name("bridge.example", &["other.example".into()]),
        of(&error(ErrorClass::Credentials, 401, "the credentials were refused")),
        practice::openvpms_password(&error(ErrorClass::Credentials, 401, "the credentials were refused")),
        of(&error(ErrorClass::Contract, 200, "the answer is a page titled \"Login\"")),
        of(&error(ErrorClass::Refused, 404, "not found")),
        of(&CallError::new(ErrorClass::NotSent, call_failures::SPEAKS_HTTP).due_to(Cause::SpeaksHttp)),
        of(&CallError::new(ErrorClass::Lost, call_failures::SPEAKS_NO_HTTP).due_to(Cause::SpeaksHttps)),
        admin::left_alone("OpenVPMS", 503, "10:00"),
        time_zones::zone_needed(LocationId(98), "Etc/UTC", Some(time(19))).to_string(),
        configuration_sync::zone_problem(&ZoneProblem::PracticeZoneNeeded("Etc/UTC".into())),
        time_zones::diary_shifted(&zones, shift).to_string(),
        configuration_sync::diary_shifted(&zones, shift),
    ]);
    said
}

fn of_healthengine() -> Vec<String> {
    let of = |error: &CallError| call_failures::healthengine(error, "https://healthengine.com.au/x", &id()).to_string();
    let with = |class, status| CallError::with_status(class, status, "no").of("GET features");
    let zone = "Australia/Sydney".parse().unwrap();
    let day = now().date_naive();
    vec![
        of(&with(ErrorClass::Forbidden, 403)),
        practice::healthengine_refuses(&with(ErrorClass::Forbidden, 403), &id()),
        of(&with(ErrorClass::Refused, 404)),
        practice::healthengine_unasked(&failed().due_to(Cause::Page)),
        practice::list_breaks_off("bookings", &failed()),
        practice::entries_unreadable("bookings", 2),
        practice::list_too_long("bookings", 7),
        practice::days_not_taken(7, &failed()),
        practice::refused_days(3, "s136 on 2027-02-15"),
        practice::day_put_aside(resource(), day, &failed()),
        practice::asked_days_refused(2, "no such resource"),
        waiting::bookings(2, Some(BookingId(7)), now(), zone),
        waiting::updates(2, now(), zone),
        waiting::days(2, now(), zone),
        webhooks::deliveries_fail(webhooks::TIMED_OUT),
        webhooks::deliveries_fail(&webhooks::answered(502)),
        webhooks::refused_with_the_secret("10.0.0.1"),
        webhooks::not_subscribed(&failed()),
    ]
}

fn of_what_is_offered() -> Vec<String> {
    let rule = OfferRule { number: 1, keep_free: Some(2), ..OfferRule::default() };
    let at = rule.at(RuleKey::KeepFree);
    let (one, several) = (NothingLeft(vec![at]), NothingLeft(vec![at, RuleAt { number: 2, ..at }]));
    let names =
        ForeignNames { resources: vec![resource()], types: Vec::new(), types_of_others: vec![AppointmentTypeId(66)] };
    let shrunk = HoldReason::Shrunk { accepted: 10, kept: 2, readings: 1 };
    vec![
        configuration_sync::left_healthengine("Resource", "Main", "s136", 2, 30),
        configuration_sync::left_out(&LeftOut { resource: resource(), reason: LeftOutReason::ScheduleNotFlagged }),
        configuration_sync::held_back("resources", shrunk, &id()),
        check_findings::nothing_at_location(LocationId(99), "Branch").to_string(),
        rules::withholds(&[at], std::slice::from_ref(&rule), TimeDelta::zero()),
        rules::withholds(&[at, RuleAt { number: 2, ..at }], &[rule], TimeDelta::zero()),
        rules::withhold_together([at, RuleAt { number: 2, ..at }]),
        rules::keeps_back(&[at], "Surgery"),
        rules::beyond_horizon(1, 90, 60).to_string(),
        rules::nothing_left("s136 (Main)", &one, 60).to_string(),
        rules::nothing_left("s136 (Main)", &several, 60).to_string(),
        rules::type_without_times("66 (Consult)", "s136 (Main)", &one, 60).to_string(),
        rules::type_without_times("66 (Consult)", "s136 (Main)", &several, 60).to_string(),
        rules::weekdays_without_times("s136 (Main)", &[chrono::Weekday::Mon], &one).to_string(),
        rules::foreign_names(1, &names)[0].to_string(),
        rules::foreign_names(1, &names)[1].to_string(),
    ]
}

fn of_bookings() -> Vec<String> {
    let kind = "66:s136".parse().unwrap();
    let unoffered = [
        Unoffered::ResourceStopped(resource()),
        Unoffered::TypeStopped { id: kind, resource: "Main".into() },
        Unoffered::NoType { resource: "Main".into() },
    ];
    let problem = |why| booking::problem(&BookingProblem::NotOffered(why), BookingId(7), &id());
    let mut said: Vec<String> = unoffered.map(problem).into();
    let entry = Entry::received(BookingId(7), id(), None, "patient".into(), now());
    let zone = "Australia/Sydney".parse().unwrap();
    let flags = [
        Flag::CheckTheDiary { may_be_anothers: false },
        Flag::NotExpected,
        Flag::AnsweredElsewhere,
        Flag::RejectedTooLate,
    ];
    said.extend(flags.iter().map(|flag| FlagOn { flag, entry: &entry, zone }.to_string()));
    said.push(other_bridge::other_bridge(&Sign::MadeByAnother(BookingId(7)), false));
    said.push(resolve::practice_gone(&id()));
    said.push(rules::refused(RuleAt { number: 1, key: RuleKey::Hours }));
    said.push(rules::NEW_CLIENTS_CALL.to_owned());
    said
}

fn of_the_process() -> Vec<String> {
    let unreadable = [Unreadable { key: "booking/7".into(), reason: "no JSON".into() }];
    let disk = OpenError::Disk { path: "/var/lib/vetbridge".into(), reason: "No space left on device".into() };
    let trouble = |trouble| supervisor::trouble(supervisor::REQUESTS, Some(&id()), trouble);
    let left = ["s136 on Tue 16 Feb 2027 at 10:15, booking reference 603:be08".to_owned()];
    let mut said = vec![
        rehearsal::no_practice(Path::new("vetbridge.toml")).to_string(),
        rehearsal::left_behind(&left, false),
        rehearsal::leaves(&left),
        rehearsal::another_books().to_string(),
        trouble(Trouble::Panicked(Duration::from_secs(1))),
        trouble(Trouble::Stuck(Duration::from_secs(300))),
        start::clock_leaped(TimeDelta::seconds(90)),
        start::clock_leaped(TimeDelta::seconds(-90)),
        start::no_store(disk),
        clients::unreadable(3),
        admin::NOT_ASKED_RIGHTLY.to_owned(),
        admin::FOREIGN_ORIGIN.to_owned(),
        commands::another_instance("127.0.0.1:8686", Path::new("/var/lib/vetbridge")).to_string(),
        commands::not_probed("127.0.0.1:8686", "nobody listens").to_string(),
        commands::stands_still("127.0.0.1:8686").to_string(),
    ];
    said.extend(state_directory::set_aside(&[PathBuf::from("/var/lib/vetbridge/damaged-1")]));
    said.extend(state_directory::unreadable_bookings(&unreadable));
    said
}
