//! Nothing about a pet owner stands in the log, whatever its level, nor in the metrics, whatever
//! becomes of their bookings.

use vetbridge::booking::entry::State;
use vetbridge::booking::resolution::Resolution;
use vetbridge::ids::BookingId;
use vetbridge::server::{metrics, view};
use vetbridge::simulator::exchange::{Fault, SentAnswer};
use vetbridge::simulator::healthengine::{MarketplaceStatus, PetOwner, Wish};

use crate::support::{Clinic, PRACTICE, judith, minutes, practice, seconds, wall_time};

/// Whatever is typed below holds one of these, in letters that nobody else writes.
const MARKS: [&str; 12] = [
    "xanthip",
    "quokka",
    "0570156",
    "057 0156",
    "markedmail",
    "zorblax",
    "wobbl",
    "jacaranda",
    "billabong",
    "judith",
    "bourke",
    "418976543",
];

/// Somebody whom the clinic does not know.
fn marked() -> PetOwner {
    PetOwner {
        first_name: Some("Xanthippe".into()),
        last_name: Some("Quokkason".into()),
        phone: Some("+61 49 057 0156".into()),
        email: Some("markedmail@example.com".into()),
        address: Some("1 Jacaranda Street".into()),
        suburb: Some("Billabong".into()),
        ..PetOwner::default()
    }
}

fn wish(owner: PetOwner, start: &str) -> Wish {
    Wish::new("s136", "66:s136", wall_time(start)).by(owner, "Wobbly since Monday\nPet name: Zorblax")
}

fn books(clinic: &Clinic, start: &str) -> BookingId {
    clinic.try_to_book(wish(marked(), start)).unwrap()
}

async fn until_settled(clinic: &Clinic, booking: BookingId) {
    let settled = |clinic: &Clinic| {
        clinic.find_entry(booking).is_some_and(|entry| {
            entry.is_acknowledged() && !matches!(entry.state, State::Received | State::Submitting | State::Inserted)
        })
    };
    clinic.until("it is settled", minutes(5), settled).await;
}

fn assert_no_marks(what: &str, text: &str) {
    for line in text.lines() {
        let small = line.to_lowercase();
        let told = MARKS.iter().find(|mark| small.contains(*mark));
        assert_eq!(told, None, "{what}: {line}");
    }
}

/// Bookings that are made, with everything that can go wrong on the way of the POST.
async fn made_and_lost(clinic: &Clinic) {
    let faults = [
        Fault::LoseAnswer,
        Fault::LoseRequest,
        Fault::CarryOutLate(seconds(4)),
        Fault::StatusBefore(400),
        Fault::StatusBefore(503),
        Fault::StatusAfter(500),
        Fault::LoginPage,
        Fault::Truncate,
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        clinic.fail_submissions([fault]);
        let booking = books(clinic, &format!("2027-02-16 {:02}:00", 9 + number));
        until_settled(clinic, booking).await;
        // A person settles it; what they note is not for the log either.
        let note = Some("Xanthippe Quokkason called".parse().unwrap());
        if clinic.entry(booking).needs_attention.is_some() {
            let _refused = clinic.practice().resolve(booking, &Resolution::Cancelled, note).await;
        }
    }
    clinic.openvpms_faults.heal();
}

/// Bookings of which Healthengine does not take the answer.
async fn unheard(clinic: &Clinic) {
    for (number, fault) in [Fault::StatusBefore(502), Fault::LoseAnswer, Fault::RefusalBefore(404), Fault::OtherJson]
        .into_iter()
        .enumerate()
    {
        let mut faults = vec![fault];
        clinic.healthengine_faults.set(move |asked| {
            let is_answer = asked.target.contains("confirmInsert") || asked.target.contains("confirmUpdate");
            if is_answer { faults.pop() } else { None }
        });
        let booking = books(clinic, &format!("2027-02-17 {:02}:00", 9 + number));
        until_settled(clinic, booking).await;
        clinic.healthengine.cancel(booking).unwrap();
        let known = |clinic: &Clinic| clinic.status(booking) == MarketplaceStatus::Cancelled;
        clinic.until("its pet owner knows", minutes(3), known).await;
        clinic.pass(seconds(30)).await;
    }
    clinic.healthengine_faults.heal();
}

/// What a server says that repeats what it was sent, or what it knows of the booking: in the title
/// of a page, in a header, in a reason, in the name of a field.
const ECHOES: [(u16, &str, &str); 9] = [
    (400, "text/html", "<html><title>No room for Xanthippe Quokkason</title></html>"),
    (400, "text/html", "<html><title>HTTP Status 400 – Quokkason, 0570156</title></html>"),
    (500, "text/html", "<html><title>HTTP Status 500 – Xanthippe</title></html>"),
    (502, "text/html", "<html><title>Zorblax</title></html>"),
    (200, "text/html", "<html><title>Log in, Xanthippe</title></html>"),
    (409, "text/plain; name=Xanthippe", "Xanthippe Quokkason"),
    (400, "application/json", r#"{"error":"Xanthippe Quokkason has booked already"}"#),
    (403, "application/json", r#"{"message":"markedmail@example.com is banned"}"#),
    (200, "Quokkason/json", r#"{"Xanthippe":{"Zorblax":"0570156"}}"#),
];

/// Makes this of an answer.
fn echo(answered: &mut SentAnswer, (status, kind, body): (u16, &str, &str)) {
    let headers = vec![("content-type".to_owned(), kind.to_owned())];
    *answered = SentAnswer { status, headers, body: body.as_bytes().to_vec() };
}

/// Both servers repeat what they were sent. What is said of these bookings meanwhile: the ledger's
/// records, problems, the status.
async fn echoed(clinic: &Clinic) -> Vec<String> {
    let mut said = Vec::new();
    for (number, words) in ECHOES.into_iter().enumerate() {
        let (hour, quarter) = (9 + number / 4, 15 * (number % 4));
        let mut first = true;
        clinic.openvpms_twist.set(move |asked, answered| {
            if asked.method == "POST" && std::mem::take(&mut first) {
                echo(answered, words);
            }
        });
        let posted = books(clinic, &format!("2027-02-22 {hour:02}:{quarter:02}"));
        until_settled(clinic, posted).await;
        clinic.openvpms_twist.heal();
        let (mut first, mut lists) = (true, 2);
        clinic.twist.set(move |asked, answered| {
            let is_answer = asked.method == "POST" && asked.target.contains("/bookings/");
            if is_answer && std::mem::take(&mut first) {
                echo(answered, words);
            } else if lists > 0 && asked.target.contains("/requests/bookings") && words.0 != 403 {
                lists -= 1;
                echo(answered, words);
            }
        });
        let answered = books(clinic, &format!("2027-02-23 {hour:02}:{quarter:02}"));
        until_settled(clinic, answered).await;
        // And what is asked of a booking that stands, or is cancelled.
        clinic.openvpms_twist.set(move |asked, answered| {
            if asked.target.contains("/ws/booking/v2/bookings/") {
                echo(answered, words);
            }
        });
        let _unsettled = clinic.healthengine.cancel(answered);
        clinic.pass(minutes(1)).await;
        said.extend(clinic.problems().into_values());
        said.push(serde_json::to_string(&view::status(clinic.bridge())).unwrap());
        clinic.openvpms_twist.heal();
        clinic.twist.heal();
        clinic.pass(minutes(1)).await;
        said.extend([posted, answered].map(|own| serde_json::to_string(&clinic.entry(own)).unwrap()));
    }
    said
}

/// What staff do, and what comes too late.
async fn changed_and_rejected(clinic: &Clinic) {
    let (moved, gone) = (books(clinic, "2027-02-18 09:00"), books(clinic, "2027-02-18 11:00"));
    until_settled(clinic, moved).await;
    until_settled(clinic, gone).await;
    clinic.pass(minutes(2)).await;
    clinic.staff_move(clinic.appointment_of(moved).id, 136, "2027-02-18 15:00", 15);
    clinic.staff_cancel(clinic.appointment_of(gone).id);
    clinic.until_state(gone, State::Cancelled, minutes(20)).await;
    // Taken a moment before, and withdrawn while OpenVPMS is away.
    clinic.staff_book(136, "2027-02-18 10:00", 30);
    let late = clinic.healthengine.book_regardless(&practice(PRACTICE), wish(marked(), "2027-02-18 10:00")).unwrap();
    until_settled(clinic, late).await;
    clinic.openvpms_faults.close_port();
    let away = books(clinic, "2027-02-18 12:00");
    until_settled(clinic, away).await;
    clinic.openvpms_faults.heal();
    clinic.pass(minutes(2)).await;
}

/// Clients who are remembered, and found again although they slip.
async fn remembered(clinic: &Clinic) {
    for (number, first) in ["Judith", "Jduith", "Judy"].into_iter().enumerate() {
        let owner = PetOwner { first_name: Some(first.into()), ..judith() };
        let booking = clinic.try_to_book(wish(owner, &format!("2027-02-19 {:02}:00", 9 + number))).unwrap();
        until_settled(clinic, booking).await;
        clinic.pass(seconds(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn no_path_of_a_booking_writes_anything_about_its_pet_owner_to_the_log_or_the_metrics() {
    let mut clinic = Clinic::open().await;
    made_and_lost(&clinic).await;
    unheard(&clinic).await;
    changed_and_rejected(&clinic).await;
    remembered(&clinic).await;
    let said = echoed(&clinic).await;
    assert!(said.iter().any(|own| own.contains("OpenVPMS")), "{said:?}");
    said.iter().for_each(|own| assert_no_marks("a record, a problem or the status", own));
    clinic.stop().await;
    clinic.start();
    clinic.pass(minutes(2)).await;
    let told = metrics::text(clinic.bridge(), None);
    assert!(told.contains("vetbridge_bookings_total") && told.contains("vetbridge_http_requests_total"));
    assert_no_marks("/metrics", &told);

    let log = clinic.log.lines();
    let traces = log.iter().filter(|line| line.trim_start().starts_with("TRACE") && line.contains("step")).count();
    assert!(traces > 100, "the whole log was kept: {traces}");
    for state in ["confirmed", "rejected", "in_doubt", "cancelled"] {
        assert!(log.iter().any(|line| line.contains(&format!("to=\"{state}\""))), "no booking was {state}");
    }
    assert_no_marks("the log", &log.join("\n"));
}
