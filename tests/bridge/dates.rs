//! Dates that no calendar has, in every field of either API: nothing stops, and each means what its absence would.

use chrono::TimeDelta;
use serde_json::Value;
use vetbridge::booking::entry::State;
use vetbridge::ids::BookingId;
use vetbridge::simulator::exchange::{ArrivedRequest, SentAnswer};

use crate::support::{Clinic, PRACTICE, day, minutes, practice, seconds, wish};

/// In the forms of either API: what dates can begin and end with here, what no calendar has, the
/// edges of what counts, leap seconds.
const EXTREMES: [&str; 12] = [
    "-262143-01-01 00:00:00",
    "262142-12-31 23:59:59",
    "+262142-12-31T23:59:59Z",
    "-262143-01-01T00:00:00-23:59",
    "0000-00-00 00:00:00",
    "0000-01-01T00:00:00.000+14:00",
    "1999-12-31 23:59:59",
    "2200-01-01T00:00:00.000+00:00",
    "9999-12-31T23:59:59.999-18:00",
    "2016-12-31 23:59:60",
    "2016-12-31T23:59:60.999Z",
    "99999999999999999999-99-99 99:99:99",
];

/// The same as days.
const EXTREME_DAYS: [&str; 6] =
    ["-262143-01-01", "262142-12-31", "0000-00-00", "1999-12-31", "2200-01-01", "99999999999999999999-01-01"];

/// And as HTTP writes them.
const EXTREME_HEADERS: [&str; 6] = [
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "Sat, 01 Jan 0000 00:00:00 GMT",
    "Wed, 01 Jan 2200 00:00:00 GMT",
    "Sat, 31 Dec 2016 23:59:60 GMT",
    "Mon, 01 Jan 262142 00:00:00 GMT",
];

/// How far Healthengine's clock is ahead.
fn differences() -> [TimeDelta; 4] {
    [TimeDelta::seconds(2), TimeDelta::seconds(-2), TimeDelta::days(1), TimeDelta::days(-1)]
}

/// Puts a text into a field wherever it stands.
fn put(value: &mut Value, field: &str, text: &str) {
    match value {
        Value::Object(fields) => {
            if let Some(found) = fields.get_mut(field) {
                *found = text.into();
            }
            fields.values_mut().for_each(|value| put(value, field, text));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| put(value, field, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn with_field(
    field: &'static str,
    text: &'static str,
) -> impl FnMut(&ArrivedRequest, &mut SentAnswer) + Send + 'static {
    move |_, answered| {
        let Ok(mut value) = serde_json::from_slice::<Value>(&answered.body) else { return };
        put(&mut value, field, text);
        answered.body = serde_json::to_vec(&value).unwrap();
    }
}

/// Of each booking another field, so that some of them can be made; of each update the only one.
fn with_bookings(text: &'static str) -> impl FnMut(&ArrivedRequest, &mut SentAnswer) + Send + 'static {
    const FIELDS: [&str; 3] = ["bookedTime", "pmsAppointmentTime", "dob"];
    move |_, answered| {
        let Ok(mut value) = serde_json::from_slice::<Value>(&answered.body) else { return };
        for entry in value.get_mut("data").and_then(Value::as_array_mut).into_iter().flatten() {
            let Some(id) = entry.get("bookingId").and_then(Value::as_u64) else { continue };
            put(entry, FIELDS[usize::try_from(id).unwrap() % FIELDS.len()], text);
            put(entry, "updatedAt", text);
        }
        answered.body = serde_json::to_vec(&value).unwrap();
    }
}

/// Of a subscription and of each failed delivery every date.
fn with_subscriptions(text: &'static str) -> impl FnMut(&ArrivedRequest, &mut SentAnswer) + Send + 'static {
    let mut all = ["startAt", "expireAt", "timestamp"].map(|field| with_field(field, text));
    move |asked, answered| all.iter_mut().for_each(|with| with(asked, answered))
}

fn with_header(
    name: &'static str,
    text: &'static str,
) -> impl FnMut(&ArrivedRequest, &mut SentAnswer) + Send + 'static {
    move |_, answered| {
        answered.headers.retain(|(own, _)| own != name);
        answered.headers.push((name.to_owned(), text.to_owned()));
    }
}

/// A clinic whose Healthengine is so far ahead.
async fn open(ahead: TimeDelta) -> Clinic {
    let mut clinic = Clinic::new().with_webhooks();
    clinic.healthengine.configure(|settings| settings.skew = ahead);
    clinic.open_up().await;
    clinic
}

/// The first time of the near days that the clinic still offers.
fn book(clinic: &Clinic) -> BookingId {
    let times =
        (16..=19).flat_map(|date| (9..17).flat_map(move |hour| [0, 15, 30, 45].map(|minute| (date, hour, minute))));
    let mut times = times.map(|(date, hour, minute)| format!("2027-02-{date} {hour:02}:{minute:02}"));
    times.find_map(|start| clinic.try_to_book(wish("s136", "66:s136", &start)).ok()).expect("a time that is offered")
}

fn is_answered(clinic: &Clinic, booking: BookingId) -> bool {
    matches!(clinic.state(booking), Some(State::Confirmed | State::Rejected))
}

/// While the answers are so, something of everything happens; then they are as they should be, and
/// all of it is dealt with.
async fn everything_happens(clinic: &Clinic, what: &str) {
    let bookings = [book(clinic), book(clinic), book(clinic)];
    clinic.healthengine.ask_availability(&practice(PRACTICE), day("2027-02-18"), Some("s136")).unwrap();
    let all_answered = |clinic: &Clinic| bookings.iter().all(|id| is_answered(clinic, *id));
    clinic.until(&format!("the bookings are answered: {what}"), minutes(1), all_answered).await;
    for booking in bookings {
        if clinic.state(booking) == Some(State::Confirmed) {
            clinic.healthengine.cancel(booking).unwrap();
        }
    }
    clinic.pass(seconds(12)).await;
    clinic.twist.heal();
    clinic.openvpms_twist.heal();
    let nothing_waits = |clinic: &Clinic| {
        let days = clinic.healthengine.days_asked_for(&practice(PRACTICE)).unwrap();
        let bookings = clinic.healthengine.bookings(&practice(PRACTICE)).unwrap();
        days.is_empty() && bookings.iter().all(|own| own.open_updates.is_empty())
    };
    clinic.until(&format!("nothing waits: {what}"), minutes(2), nothing_waits).await;
    let later = book(clinic);
    clinic.until(&format!("the next one is answered: {what}"), seconds(20), |clinic| is_answered(clinic, later)).await;
    assert_eq!(clinic.state(later), Some(State::Confirmed), "{what}");
    clinic.healthengine.cancel(later).unwrap();
    let cancelled = |clinic: &Clinic| clinic.state(later) == Some(State::Cancelled);
    clinic.until(&format!("and cancelled: {what}"), seconds(20), cancelled).await;
}

#[tokio::test(start_paused = true)]
async fn a_time_of_booking_at_the_end_of_the_calendar_counts_as_none_with_a_clock_two_seconds_ahead() {
    let clinic = open(TimeDelta::seconds(2)).await;
    clinic.twist.set(with_field("bookedTime", "-262143-01-01 00:00:00"));
    let booking = book(&clinic);
    clinic.until_state(booking, State::Confirmed, seconds(20)).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn no_date_of_healthengine_stops_anything_whatever_its_clock_shows() {
    for ahead in differences() {
        let clinic = open(ahead).await;
        for text in EXTREMES {
            clinic.twist.set(with_bookings(text));
            everything_happens(&clinic, &format!("{text}, {ahead} ahead")).await;
        }
        for text in EXTREME_DAYS {
            clinic.twist.set(with_field("day", text));
            everything_happens(&clinic, &format!("day {text}, {ahead} ahead")).await;
        }
        for (name, text) in
            ["date", "retry-after"].into_iter().flat_map(|name| EXTREME_HEADERS.map(|text| (name, text)))
        {
            clinic.twist.set(with_header(name, text));
            everything_happens(&clinic, &format!("{name}: {text}, {ahead} ahead")).await;
        }
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn no_date_of_a_subscription_or_of_its_log_stops_anything() {
    for ahead in [TimeDelta::seconds(2), TimeDelta::days(-1)] {
        let mut clinic = open(ahead).await;
        for text in EXTREMES {
            // A delivery fails, so that the log has an entry.
            clinic.door.fail(Some(vetbridge::simulator::healthengine::Delivered::Answered(500)));
            let booking = book(&clinic);
            clinic.until("it is answered", minutes(1), |clinic| is_answered(clinic, booking)).await;
            clinic.door.fail(None);
            clinic.stop().await;
            clinic.twist.set(with_subscriptions(text));
            clinic.start();
            clinic.pass(minutes(7)).await;
            everything_happens(&clinic, &format!("{text}, {ahead} ahead")).await;
            let subscribed = |clinic: &Clinic| !clinic.subscriptions_of(PRACTICE).is_empty();
            assert!(subscribed(&clinic), "{text}");
        }
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn no_date_of_openvpms_stops_anything_and_a_range_over_all_times_that_count_is_one() {
    let clinic = open(TimeDelta::seconds(-2)).await;
    let whole = [("start", "2000-01-01T00:00:00.000+11:00"), ("end", "2199-12-31T23:59:59.000+11:00")];
    let all = ["start", "end"].into_iter().flat_map(|field| EXTREMES.map(|text| (field, text))).chain(whole);
    for (field, text) in all {
        clinic.openvpms_twist.set(with_field(field, text));
        let what = format!("{field} {text}");
        let began = clinic.clock.now();
        everything_happens(&clinic, &what).await;
        let read = |clinic: &Clinic| clinic.practice().last_done().read_at.is_some_and(|at| at > began);
        clinic.until(&format!("the diary is read again: {what}"), minutes(3), read).await;
    }
    // A day that was asked for was answered by what the last of them said of it.
    clinic.until_in_step_within(minutes(20)).await;
    clinic.finish().await;
}
