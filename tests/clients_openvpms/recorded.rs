//! The recorded answers of a server.

use serde_json::Value;
use vetbridge::call_error::{Answer, ErrorClass};
use vetbridge::http::Response;
use vetbridge::ids::{BookingReference, LocationId, ScheduleId, UserId};
use vetbridge::openvpms::{ReadOpenVpms, Window, WriteOpenVpms};

use crate::clients_support::response;
use crate::{client, judith, window};

/// Asks what the recorded exchange asked, with the recorded answer, and says what the client made
/// of it. `None`: the client has no such call.
async fn replay(request: &Value, answer: Response) -> Option<(Answer<String>, String)> {
    let (server, transport) = client(answer);
    let path = request["path"].as_str()?;
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let number = |text: &str| text.parse::<i64>().ok();
    let reference = |text: &str| {
        let text = percent_encoding::percent_decode_str(text).decode_utf8().unwrap();
        BookingReference(text.into_owned())
    };
    let window = asked_window(query);
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let told = match (request["method"].as_str()?, segments.as_slice()) {
        ("GET", ["locations"]) => debug(server.locations().await),
        ("GET", ["locations", id]) => debug(server.location(LocationId(number(id)?)).await),
        ("GET", ["locations", id, "schedules"]) => debug(server.schedules(LocationId(number(id)?)).await),
        ("GET", ["locations", id, "users"]) => debug(server.users(LocationId(number(id)?)).await),
        ("GET", ["schedules", id]) => debug(server.schedule(ScheduleId(number(id)?)).await),
        ("GET", ["schedules", id, "appointmentTypes"]) => {
            debug(server.appointment_types(ScheduleId(number(id)?)).await)
        }
        ("GET", ["schedules", id, "free"]) => debug(server.schedule_free(ScheduleId(number(id)?), window).await),
        ("GET", ["schedules", id, "busy"]) => debug(server.schedule_busy(ScheduleId(number(id)?), window).await),
        ("GET", ["schedules", id, "freebusy"]) => {
            debug(server.schedule_free_busy(ScheduleId(number(id)?), window).await)
        }
        ("GET", ["users", id]) => debug(server.user(UserId(number(id)?)).await),
        ("GET", ["users", id, "locations"]) => debug(server.user_locations(UserId(number(id)?)).await),
        ("GET", ["users", id, "locations", at, "freebusy"]) => {
            debug(server.user_free_busy(UserId(number(id)?), LocationId(number(at)?), window).await)
        }
        // A reference with a slash is not sent at all.
        ("GET", ["bookings", text]) if !text.contains("%2F") => debug(server.booking(&reference(text)).await),
        ("POST", ["bookings"]) => debug(server.submit(&judith()).await),
        ("DELETE", ["bookings", text]) => debug(server.cancel(&reference(text)).await),
        _ => return None,
    };
    let asked = transport.asked().first().map(|asked| asked.path.clone()).unwrap_or_default();
    Some((told, asked))
}

fn debug<T: std::fmt::Debug>(answer: Answer<T>) -> Answer<String> {
    answer.map(|answer| format!("{answer:?}"))
}

/// The window of a recorded question; that of the tests where it was malformed on purpose.
fn asked_window(query: &str) -> Window {
    let value = |name: &str| {
        let text = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
        percent_encoding::percent_decode_str(text).decode_utf8().ok()?.parse().ok()
    };
    Window {
        from: value("from").unwrap_or(window().from),
        to: value("to").unwrap_or(window().to),
        slots: query.contains("slots=true"),
    }
}

/// What becomes of an answer, by its status and content type alone.
pub(crate) fn expected(status: u64, content_type: &str, body: &str) -> Option<ErrorClass> {
    match (status, content_type) {
        (200 | 201 | 204, _) => None,
        (400, "text/plain") => Some(ErrorClass::Refused),
        (404, "text/plain") if body != "HTTP 404 Not Found" => Some(ErrorClass::Refused),
        (401, _) => Some(ErrorClass::Credentials),
        (500, _) => Some(ErrorClass::Unavailable),
        _ => Some(ErrorClass::Contract),
    }
}

#[tokio::test]
async fn every_recorded_answer_is_read_by_the_client() {
    let recorded = include_str!("../../fixtures/openvpms-recorded.jsonl");
    let (mut read, mut same_path, mut without_a_call) = (0, 0, Vec::new());
    for line in recorded.lines().skip(1) {
        let exchange: Value = serde_json::from_str(line).unwrap();
        let (name, told) = (exchange["name"].as_str().unwrap(), &exchange["response"]);
        let body = match &told["body"] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            json @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => json.to_string(),
        };
        let (status, content_type) = (told["status"].as_u64().unwrap(), told["content_type"].as_str().unwrap_or(""));
        let mut answer = response(u16::try_from(status).unwrap(), content_type, body.clone());
        if let Some(location) = told["location"].as_str() {
            answer.headers.push(("location".into(), location.into()));
        }
        let Some((made_of_it, asked)) = replay(&exchange["request"], answer).await else {
            without_a_call.push(name.to_owned());
            continue;
        };
        read += 1;
        // vetbridge asks in the zone that the server reported, so times in another one mean that it
        // was started in that since.
        let in_another_zone = name == "A window in UTC is answered in the zone of the server";
        let expected = if in_another_zone { Some(ErrorClass::Contract) } else { expected(status, content_type, &body) };
        // What the container does not let in is as surely not made as what the service refuses.
        let not_let_in = exchange["request"]["method"] == "POST" && matches!(status, 406 | 415);
        let expected = if not_let_in { Some(ErrorClass::Refused) } else { expected };
        assert_eq!(made_of_it.as_ref().err().map(|error| error.class), expected, "{name}: {made_of_it:?}");
        if let Err(error) = &made_of_it {
            let made_nothing = exchange["request"]["method"] != "POST" || status >= 500 || error.nothing_was_done();
            assert!(made_nothing, "{name}: {error:?}");
        }
        if status == 201 {
            assert_eq!(made_of_it, Ok(format!("BookingReference({body:?})")), "{name}");
        }
        if let Some(path) = exchange["request"]["path"].as_str() {
            same_path += usize::from(asked == format!("/ws/booking/v2{path}"));
        }
    }
    without_a_call.sort();
    assert_eq!(
        without_a_call,
        [
            "A method that is not allowed",
            "A path nobody knows",
            "An encoded slash",
            "An encoded slash in a reference",
            "An id that is no number",
            "HEAD",
            "OPTIONS",
            "Outside of the services: to the login page",
        ]
    );
    assert_eq!(read + without_a_call.len(), 199);
    // The client asks as the recording did, but for malformed dates and parameters in another order.
    assert_eq!(same_path, 168);
}
