//! Lists of requests without an end.

use chrono::TimeDelta;
use serde_json::{Value, json};
use vetbridge::booking::entry::State;
use vetbridge::simulator::exchange::{ArrivedRequest, SentAnswer};
use vetbridge::simulator::healthengine::MarketplaceStatus;

use crate::rate::longest_silence;
use crate::support::{Clinic, PRACTICE, day, minutes, practice, seconds};

fn number(asked: &ArrivedRequest) -> u64 {
    asked.target.rsplit_once("page=").and_then(|(_, page)| page.parse().ok()).unwrap_or(1)
}

/// The list of bookings has a page after every page; what is on them cannot be read.
fn without_end(pages: impl Fn(u64) -> u64 + Send + 'static) -> impl FnMut(&ArrivedRequest, &mut SentAnswer) + Send {
    move |asked, answered| {
        let list = asked.target.contains("/requests/bookings?");
        if list || asked.target.ends_with("/requests") {
            let mut body: Value = serde_json::from_slice(&answered.body).unwrap();
            if list {
                body["data"].as_array_mut().unwrap().push(json!({ "page": number(asked) }));
                body["page"]["totalPages"] = json!(pages(number(asked)));
            } else if !body.as_array().unwrap().contains(&json!("bookings")) {
                body.as_array_mut().unwrap().insert(0, json!("bookings"));
            }
            answered.body = serde_json::to_vec(&body).unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_an_endless_list_twenty_pages_are_read_at_a_poll_and_everything_else_is_served() {
    for pages in [|_| 4_000_000_000, |page| page + 1, |page| page * 1_000] {
        let mut clinic = Clinic::new();
        clinic.rationed = true;
        clinic.open_up().await;
        let cancelled = clinic.owner_books("s136", "66:s136", "2027-02-16 09:00");
        clinic.until_state(cancelled, State::Confirmed, seconds(10)).await;
        clinic.twist.set(without_end(pages));
        clinic.journal.clear();
        let booked = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
        clinic.healthengine.cancel(cancelled).unwrap();
        clinic.healthengine.ask_availability(&practice(PRACTICE), day("2027-02-17"), Some("s136")).unwrap();
        clinic.until_state(booked, State::Confirmed, seconds(20)).await;
        let view = clinic.booking(booked);
        assert!(view.answered_at.unwrap() - view.booked_at < TimeDelta::seconds(19));
        clinic.until_state(cancelled, State::Cancelled, seconds(20)).await;
        let open = |clinic: &Clinic| clinic.healthengine.days_asked_for(&practice(PRACTICE)).unwrap();
        clinic.until("the day is sent", seconds(20), |clinic| open(clinic).is_empty()).await;
        assert_eq!(clinic.status(cancelled), MarketplaceStatus::Cancelled);

        clinic.pass(minutes(2)).await;
        let (polls, read) =
            (clinic.journal.count("GET", "/requests"), clinic.journal.count("GET /requests/bookings", ""));
        assert!(polls > 15 && read > polls && read <= polls * 20, "{read} pages in {polls} polls");
        assert!(longest_silence(&clinic) <= 6, "{} s between two polls", longest_silence(&clinic));
        assert!(clinic.log.with("requests without an id").len() <= 1, "said once");
        clinic.stop().await;
    }
}
