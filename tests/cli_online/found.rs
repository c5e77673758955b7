//! What is found among all bookings, on the page and by the command; practices in several zones; and
//! what is kept of a booking that has no place in the diary.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use vetbridge::ids::{BookingId, PracticeId};
use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::healthengine::{PetOwner, Wish};

use crate::clinic::{BRANCH, Clinic, PRACTICE, eventually};
use crate::service::Service;

async fn page(service: &Service, path: &str) -> String {
    service.get(path).await.text().await.unwrap()
}

async fn json(service: &Service, path: &str) -> Value {
    service.get(path).await.json().await.unwrap()
}

/// The bookings that a search finds, by the page and by the command.
async fn found(clinic: &Clinic, service: &Service, sought: &str) -> Vec<i64> {
    let mut url = reqwest::Url::parse("http://x/bookings").unwrap();
    url.query_pairs_mut().append_pair("q", sought);
    let shown = page(service, &format!("{}?{}", url.path(), url.query().unwrap())).await;
    let mut on_page = numbers(&shown);
    let list = clinic.run(&["bookings", "--json", "--search", sought]).await;
    let list: Vec<Value> = serde_json::from_str(&list.out).unwrap_or_else(|_| panic!("{list:?}"));
    let mut listed: Vec<i64> = list.iter().map(|own| own["booking_id"].as_i64().unwrap()).collect();
    on_page.sort_unstable();
    listed.sort_unstable();
    assert_eq!(on_page, listed, "{sought}: {shown}");
    listed
}

/// The numbers of the bookings on a page, in its order.
fn numbers(page: &str) -> Vec<i64> {
    let links = page.split("href=\"/bookings/").skip(1);
    links.map(|rest| rest.split('"').next().unwrap().parse().unwrap()).collect()
}

/// Where a link with this label leads.
fn link(page: &str, label: &str) -> Option<String> {
    let before = page.split(&format!(">{label}</a>")).next().filter(|before| before.len() < page.len())?;
    let address = before.rsplit("href=\"").next()?.split('"').next()?;
    Some(address.replace("&amp;", "&"))
}

async fn is_in_state(service: &Service, booking: BookingId, state: &str) {
    let path = format!("/api/v1/bookings/{booking}");
    eventually(state, async || json(service, &path).await["state"] == state).await;
}

/// A clinic in Sydney with a branch in Perth, each a practice, with one booking each.
async fn two_zones() -> (Clinic, Service, [BookingId; 2]) {
    let clinic = Clinic::open().await;
    clinic.open_branch_in_perth();
    let service = Service::start_and_get_in_step(&clinic).await;
    let main = clinic.book("s136").await;
    // In Perth, where it is yesterday until three.
    let tomorrow =
        clinic.healthengine.now().with_timezone(&chrono_tz::Australia::Perth).date_naive().succ_opt().unwrap();
    let other = PracticeId(BRANCH.into());
    let offered = || clinic.healthengine.offered(&other, "s311", tomorrow).unwrap();
    eventually("the branch offers times", async || !offered().is_empty()).await;
    let wish = Wish::new("s311", "66:s311", offered().remove(0).start).by(PetOwner::default(), "x");
    let branch = clinic.healthengine.book(&other, wish).unwrap();
    for booking in [main, branch] {
        is_in_state(&service, booking, "confirmed").await;
    }
    (clinic, service, [main, branch])
}

#[tokio::test(flavor = "multi_thread")]
async fn practices_of_several_zones_stand_on_one_page_each_with_its_own_time_and_its_zone_said_once() {
    let (clinic, service, [main, branch]) = two_zones().await;
    for path in ["/", "/bookings"] {
        let shown = page(&service, path).await;
        for zone in ["Australia/Sydney", "Australia/Perth"] {
            assert_eq!(shown.matches(zone).count(), 1, "{path} {zone}: {shown}");
        }
        for (booking, offsets) in [(main, ["+10:00", "+11:00"]), (branch, ["+08:00", "+08:00"])] {
            // As Healthengine has it: on the wall of the practice.
            let wall = clinic.healthengine.booking(booking).unwrap().start;
            let stands = |offset: &str| {
                let start = wall.format("%Y-%m-%dT%H:%M:%S");
                let (title, time) = (wall.format("%A %-d %B %Y, %H:%M"), wall.format("%H:%M"));
                let text = format!("<time datetime=\"{start}{offset}\" title=\"{title}\">");
                // What is today shows no date.
                let shows_time = [' ', '>'].iter().any(|before| shown.contains(&format!("{before}{time}</time>")));
                shown.contains(&text) && shows_time
            };
            assert!(offsets.into_iter().any(stands), "{path} {booking}: {shown}");
        }
    }
    // Times of no practice are UTC's, and say so.
    let shown = page(&service, "/").await;
    assert!(shown.contains(" UTC), and every 30 s."), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bookings_are_found_by_whatever_the_page_shows_of_them() {
    let (clinic, service, [main, branch]) = two_zones().await;
    let names = page(&service, "/bookings").await;
    assert!(names.contains("Main Clinic") && names.contains("Branch Clinic"), "{names}");
    let (one, other, both) = (vec![main.0], vec![branch.0], vec![main.0, branch.0]);
    for (sought, expected) in [
        ("Main Clinic", &one),
        ("branch clinic", &other),
        ("Branch Appointment", &other),
        ("Standard Consult", &both),
        ("standard consult, BRANCH", &other),
        ("In the diary", &both),
        (&main.to_string(), &one),
    ] {
        assert_eq!(found(&clinic, &service, sought).await, *expected, "{sought}");
    }
    assert_eq!(found(&clinic, &service, "Southern Clinic").await, Vec::<i64>::new());
    // Every time that the list shows finds its booking again.
    let shown = page(&service, "/bookings").await;
    for booking in [main, branch] {
        let wall = clinic.healthengine.booking(booking).unwrap().start;
        let ways = ["%a %-d %b %Y", "%-d %b %Y %H:%M", "%A %-d %B %Y, %H:%M", "%Y-%m-%d", "%Y-%m-%d %H:%M"];
        for text in ways.map(|way| wall.format(way).to_string()) {
            assert!(found(&clinic, &service, &text).await.contains(&booking.0), "{text}");
        }
        let cell = shown.split(&format!("title=\"{}\">", wall.format("%A %-d %B %Y, %H:%M"))).nth(1).unwrap();
        let text = cell.split('<').next().unwrap();
        assert!(found(&clinic, &service, text).await.contains(&booking.0), "{text}");
        let hour_later = (wall + TimeDelta::days(400)).format("%-d %b %Y").to_string();
        assert_eq!(found(&clinic, &service, &hour_later).await, Vec::<i64>::new());
    }
    // The day page leads to the booking that takes its time.
    let wall = clinic.healthengine.booking(main).unwrap().start;
    let day = page(&service, &format!("/practices/{PRACTICE}/days?resource=s136&date={}", wall.date())).await;
    assert_eq!(numbers(&day), [main.0], "{day}");
    // Without a service too.
    service.stop().await;
    let list = clinic.run(&["bookings", "--json", "--search", "Branch Clinic"]).await;
    let list: Vec<Value> = serde_json::from_str(&list.out).unwrap();
    assert_eq!(list.iter().map(|own| own["booking_id"].as_i64().unwrap()).collect::<Vec<_>>(), other);
}

#[tokio::test(flavor = "multi_thread")]
async fn bookings_beyond_the_first_hundred_are_reached_by_links_and_what_needs_a_person_is_first() {
    let clinic = Clinic::open().await;
    clinic.fill_ledger(230, &[3, 200]).await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let expected: Vec<i64> = [200, 3].into_iter().chain((1..=230).rev().filter(|id| ![3, 200].contains(id))).collect();
    let first = page(&service, "/bookings").await;
    assert!(first.contains("230 found; 1 to 100 are shown.") && link(&first, "Back to the first").is_none(), "{first}");
    assert_eq!(numbers(&first), expected[..100]);
    let second = page(&service, &link(&first, "Older").unwrap()).await;
    assert!(second.contains("230 found; 101 to 200 are shown."), "{second}");
    assert_eq!(numbers(&second), expected[100..200]);
    let third = page(&service, &link(&second, "Older").unwrap()).await;
    assert_eq!((numbers(&third), link(&third, "Older")), (expected[200..].to_vec(), None));
    assert_eq!(numbers(&page(&service, &link(&third, "Back to the first").unwrap()).await), expected[..100]);
    // What is looked for stays looked for.
    let few = page(&service, "/bookings?q=rejected,%20clinic%20%26").await;
    assert!(few.contains("0 found.") && few.contains("value=\"rejected, clinic &amp;\""), "{few}");
    let rejected = page(&service, "/bookings?q=rejected").await;
    let older = link(&rejected, "Older").unwrap();
    assert!(older.starts_with("/bookings?q=rejected&before="), "{older}");
    assert_eq!(numbers(&page(&service, &older).await), expected[100..200]);
    for odd in ["x", "0_7", "99999"] {
        let odd = service.get(&format!("/bookings?before={odd}")).await;
        assert_eq!(odd.status(), 400);
        assert!(odd.text().await.unwrap().contains("Search again."));
    }

    let list = clinic.run(&["bookings", "--json"]).await;
    let list: Vec<Value> = serde_json::from_str(&list.out).unwrap();
    let listed: Vec<i64> = list.iter().take(3).map(|own| own["booking_id"].as_i64().unwrap()).collect();
    assert_eq!((list.len(), listed), (230, vec![200, 3, 230]), "those that need a person come first");

    // Page by page, each behind the last booking of the one before it.
    let all: Vec<i64> = list.iter().map(|own| own["booking_id"].as_i64().unwrap()).collect();
    let (mut paged, mut before) = (Vec::new(), String::new());
    loop {
        let answer = service.get(&format!("/api/v1/bookings?limit=100{before}")).await;
        let left = answer.headers()["x-total-count"].to_str().unwrap().parse::<usize>().unwrap();
        assert_eq!(left, all.len() - paged.len(), "{before}");
        let page: Vec<Value> = answer.json().await.unwrap();
        paged.extend(page.iter().map(|own| own["booking_id"].as_i64().unwrap()));
        match paged.last() {
            Some(last) if page.len() == 100 => before = format!("&before={last}"),
            _ => break,
        }
    }
    assert_eq!(paged, all);
    let typed = clinic.run(&["bookings", "--before", &all[227].to_string()]).await;
    assert!(typed.out.contains(&all[228].to_string()) && typed.out.contains(&all[229].to_string()), "{typed:?}");
    assert!(!typed.out.contains(&all[227].to_string()) && !typed.error.contains("more"), "{typed:?}");
    let unknown = service.get("/api/v1/bookings?before=99999").await;
    assert_eq!(unknown.status(), 400);
    assert!(unknown.text().await.unwrap().contains("99999"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_without_a_place_shows_which_resource_and_type_were_wanted_wherever_it_is_looked_at() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let tomorrow = clinic.today().succ_opt().unwrap().and_hms_opt(14, 0, 0).unwrap();
    // Healthengine's links are not what they were, and nobody looks before that is so.
    clinic.healthengine_faults.set(|asked| asked.target.contains("requests").then_some(Fault::RefusalBefore(503)));
    let book = |resource: &str, kind: &str| {
        let wish = Wish::new("s136", "66:s136", tomorrow).by(PetOwner::default(), "x");
        let booking = clinic.healthengine.book_regardless(&PracticeId(PRACTICE.into()), wish).unwrap();
        for (field, id) in [("pmsResourceId", resource), ("pmsAppointmentTypeId", kind)] {
            clinic.healthengine.write_field(booking, field, Some(id.into())).unwrap();
        }
        booking
    };
    let nowhere = book("s999", "66:s999");
    let strange = book("s136", "7_of-another.system");
    // What is no id is not kept: it could be anything.
    let hostile = book("Judith Bourke", "66:s136");
    clinic.healthengine_faults.heal();
    for booking in [nowhere, strange, hostile] {
        is_in_state(&service, booking, "rejected").await;
    }
    let look = async |booking: BookingId| {
        let show = clinic.run(&["bookings", "show", &booking.to_string()]).await.out;
        let json = clinic.run(&["bookings", "show", &booking.to_string(), "--json"]).await.out;
        (show, serde_json::from_str::<Value>(&json).unwrap())
    };
    let (show, own) = look(nowhere).await;
    assert!(show.contains("Wanted       resource s999\nWanted       appointment type 66:s999\n"), "{show}");
    assert_eq!((&own["wanted_resource"], &own["wanted_appointment_type"]), (&"s999".into(), &"66:s999".into()));
    assert_eq!((&own["schedule"], &own["wanted_resource_name"]), (&Value::Null, &Value::Null), "{own}");
    let (show, own) = look(strange).await;
    assert!(show.contains("Wanted       resource s136 (Main Appointment Schedule)\n"), "{show}");
    assert_eq!(own["wanted_resource_name"], "Main Appointment Schedule");
    assert_eq!(own["wanted_appointment_type"], "7_of-another.system");
    let (_, own) = look(hostile).await;
    assert_eq!((&own["wanted_resource"], &own["wanted_appointment_type"]), (&Value::Null, &"66:s136".into()));

    let list = page(&service, "/bookings").await;
    assert!(list.contains("wanted: appointment type 66:s999, resource s999"), "{list}");
    let story = page(&service, &format!("/bookings/{strange}")).await;
    let wanted = "wanted: appointment type 7_of-another.system, Main Appointment Schedule";
    assert!(story.contains(wanted) && story.contains("tomorrow 14:00"), "{story}");
    assert_eq!(found(&clinic, &service, "s999").await, [nowhere.0]);
    // A type is named with its resource where the resource itself is not known.
    assert_eq!(found(&clinic, &service, "Main Appointment Schedule").await, [strange.0, hostile.0]);
    let table = clinic.run(&["bookings"]).await.out;
    assert!(table.contains("resource s999") && table.lines().all(|line| line.chars().count() <= 80), "{table}");
    assert!(!format!("{list}{story}{table}").contains("Bourke"));

    // A backup has it, and brings it back.
    assert_eq!(clinic.run(&["state", "export", "backup.jsonl"]).await.status, 0);
    service.stop().await;
    let import = clinic.run(&["state", "import", "--replace", "backup.jsonl"]).await;
    assert_eq!(import.status, 0, "{import:?}");
    let (show, own) = look(nowhere).await;
    assert!(show.contains("Wanted       resource s999\n") && own["wanted_appointment_type"] == "66:s999", "{show}");
}

#[tokio::test(flavor = "multi_thread")]
async fn since_when_a_practice_works_is_told_and_begins_anew_with_a_restart_which_is_said() {
    let clinic = Clinic::open().await;
    let began = clinic.healthengine.now() - TimeDelta::seconds(1);
    let service = Service::start_and_get_in_step(&clinic).await;
    let at = |own: &Value| own.as_str().map(|text| text.parse::<DateTime<Utc>>().unwrap());
    let own = async |service: &Service| json(service, "/api/v1/status").await["practices"][0].clone();
    let first = own(&service).await;
    let since = at(&first["in_step_since"]).unwrap_or_else(|| panic!("{first}"));
    assert!(began < since && since <= clinic.healthengine.now(), "{first}");
    assert_eq!((&first["not_in_step_since"], &first["is_first_since_start"]), (&Value::Null, &true.into()));
    assert!(first["in_step_since"].as_str().unwrap().contains("+1"), "it is the practice's time: {first}");
    let shown = page(&service, "/").await;
    assert!(
        shown.contains("In step since <time class=\"since\"")
            && shown.contains("</time> (the first time since the practice was started).")
    );
    let told = clinic.run(&["status"]).await.out;
    assert!(
        told.contains("  in step since: 20") && told.contains(" (the first time since the practice was started)\n"),
        "{told}"
    );

    // OpenVPMS is away, and back.
    clinic.openvpms_faults.set(|_| Some(Fault::RefusalBefore(503)));
    eventually("it is out of step", async || own(&service).await["in_step"] == false).await;
    let away = own(&service).await;
    let gone = at(&away["not_in_step_since"]).unwrap_or_else(|| panic!("{away}"));
    assert!(since < gone && away["in_step_since"].is_null() && away["is_first_since_start"] == false, "{away}");
    eventually("the page has the cause", async || page(&service, "/").await.contains("OpenVPMS away")).await;
    // The page shows since when the cause is there.
    let status = json(&service, "/api/v1/status").await;
    let problems = status["practices"][0]["problems"].as_array().unwrap().clone();
    let cause = problems.iter().find(|own| own["subject"] == "openvpms").unwrap_or_else(|| panic!("{status}"));
    let cause = at(&cause["since"]).unwrap().with_timezone(&chrono_tz::Australia::Sydney);
    let shown = page(&service, "/").await;
    let standing = shown.split("OpenVPMS away").nth(1).unwrap().split("</p>").next().unwrap();
    let expected = format!("Since <time class=\"since\" datetime=\"{}\"", cause.fixed_offset().to_rfc3339());
    assert!(standing.contains(&expected), "{expected}: {standing}");
    clinic.openvpms_faults.heal();
    eventually("it is in step again", async || own(&service).await["in_step"] == true).await;
    let again = own(&service).await;
    assert!(gone < at(&again["in_step_since"]).unwrap() && again["is_first_since_start"] == false, "{again}");
    let told = clinic.run(&["status"]).await.out;
    assert!(told.contains("  in step since: 20") && !told.contains("since the start"), "{told}");

    // A configuration that changes something else leaves it as it is.
    let named = "\n[[practice.resource]]\nschedule = 136\nname = \"Room one\"\n";
    clinic.write("vetbridge.toml", &(clinic.configuration() + named));
    service.signal("HUP");
    let resources = async || own(&service).await["resources"] == 1 && own(&service).await["in_step"] == true;
    eventually("the change is in force", resources).await;
    service.stop().await;

    let service = Service::start_and_get_in_step(&clinic).await;
    let anew = own(&service).await;
    assert!(at(&again["in_step_since"]) < at(&anew["in_step_since"]), "{anew}");
    assert_eq!(anew["is_first_since_start"], true);
    assert!(!page(&service, "/").await.contains("never"));
}
