//! No error repeats anything about a patient.

use vetbridge::call_error::CallError;
use vetbridge::ids::{BookingReference, LocationId, ScheduleId, UserId};
use vetbridge::openvpms::client::OpenVpmsClient;
use vetbridge::openvpms::{ReadOpenVpms, WriteOpenVpms};

use crate::clients_support::response;
use crate::{MARKER, client, judith, window};

/// The calls about bookings; the errors.
async fn errors_about_bookings(server: &OpenVpmsClient) -> Vec<CallError> {
    let reference = BookingReference("23:bdab2340".into());
    let errors = [
        server.booking(&reference).await.err(),
        server.submit(&judith()).await.err(),
        server.cancel(&reference).await.err(),
    ];
    errors.into_iter().flatten().collect()
}

/// Every call once; the errors.
async fn all_errors(server: &OpenVpmsClient) -> Vec<CallError> {
    let (location, schedule, user) = (LocationId(1), ScheduleId(2), UserId(3));
    let errors = [
        server.locations().await.err(),
        server.location(location).await.err(),
        server.schedules(location).await.err(),
        server.users(location).await.err(),
        server.schedule(schedule).await.err(),
        server.appointment_types(schedule).await.err(),
        server.schedule_free(schedule, window()).await.err(),
        server.schedule_busy(schedule, window()).await.err(),
        server.schedule_free_busy(schedule, window()).await.err(),
        server.user(user).await.err(),
        server.user_locations(user).await.err(),
        server.user_location(user, location).await.err(),
        server.user_free(user, location, window()).await.err(),
        server.user_busy(user, location, window()).await.err(),
        server.user_free_busy(user, location, window()).await.err(),
    ];
    errors.into_iter().flatten().chain(errors_about_bookings(server).await).collect()
}

#[tokio::test]
async fn no_error_repeats_anything_about_a_patient() {
    let bodies = [
        ("text/plain", format!("{MARKER} is not a valid Date")),
        ("text/plain", format!("Unrecognized token '{MARKER}': was expecting")),
        ("text/plain", format!("An appointment is already scheduled for {MARKER}")),
        ("text/plain", format!("Schedule not found: {MARKER}")),
        ("text/html", format!("<html><title>Error</title><body>{MARKER}</body></html>")),
        ("application/json", format!("{{\"error\":\"{MARKER}\",\"{MARKER} {MARKER}\":1}}")),
        ("application/json", format!("[{{\"id\":\"{MARKER}\",\"start\":\"{MARKER}\",\"slotSize\":\"{MARKER}\"}}]")),
        ("application/json", format!("[\"{MARKER}\"")),
        ("application/json", format!("\"{MARKER}\"")),
        ("application/json", MARKER.to_owned()),
    ];
    let mut count = 0;
    for (content_type, body) in &bodies {
        for status in [200, 201, 204, 302, 400, 401, 403, 404, 405, 409, 422, 429, 500, 503] {
            let (server, _) = client(response(status, content_type, body.clone()));
            for error in all_errors(&server).await {
                count += 1;
                let told = format!("{error} {error:?}");
                assert!(!told.contains(MARKER) && !told.contains("Judith"), "{status} {body}: {told}");
            }
        }
    }
    assert!(count > 2000, "{count} errors were looked at");
    assert!(!format!("{:?}", judith()).contains("Judith"));
}

#[tokio::test]
async fn no_error_about_a_booking_shows_a_word_of_a_page_or_the_name_of_a_field() {
    let bodies = [
        ("text/html", format!("<html><title>No room for {MARKER}</title></html>")),
        // As the container of OpenVPMS titles its pages; older ones put the message of the exception there.
        ("text/html", format!("<html><title>HTTP Status 400 – {MARKER}</title></html>")),
        ("text/plain", format!("<html><title>Apache Tomcat/8.0 - {MARKER}</title></html>")),
        ("application/json", format!("{{\"{MARKER}\":1}}")),
        ("application/json", format!("{{\"location\":{{\"{MARKER}\":1}}}}")),
        ("Zaphod/json; name=Zaphod", "[]".to_owned()),
    ];
    let mut count = 0;
    for (content_type, body) in &bodies {
        for status in [200, 201, 202, 204, 302, 400, 401, 403, 404, 405, 407, 408, 409, 415, 422, 429, 500, 502, 503] {
            for error in errors_about_bookings(&client(response(status, content_type, body.clone())).0).await {
                count += 1;
                let told = format!("{error} {error:?}");
                assert!(!told.to_lowercase().contains("zaphod"), "{status} {body}: {told}");
            }
        }
    }
    assert!(count > 300, "{count} errors were looked at");
}
