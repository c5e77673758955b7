//! The lines that a booking leaves in the diary.
//!
//! One fact a line, the booking number first: whoever has to settle a doubtful booking finds it by
//! that number. OpenVPMS cuts the notes at 5,000 characters, and where no customer matches it puts
//! the patient's fields in front of ours (Booking API, "Matching"). Our lines keep to
//! [`NOTES_CHARS_MAX`], and what is cut to that end is what the patient wrote.

use crate::healthengine::BookingRequest;

use super::typed_text::{cut, lines, one_line};

/// The longest notes, in characters. It leaves 1,000 of OpenVPMS's 5,000 for the fields in front.
pub const NOTES_CHARS_MAX: usize = 4_000;
/// The longest line but the reason, without its label, in characters.
const VALUE_CHARS_MAX: usize = 500;
/// Stands where the reason was cut.
const CUT: &str = "...";

/// The notes of a booking. `type_name` is the appointment type's name in OpenVPMS; `typed_name` is
/// what the patient typed, where another spelling is sent ([`super::known_clients`]).
pub fn notes(request: &BookingRequest, type_name: &str, typed_name: Option<&str>) -> String {
    let before = [
        Some(format!("Healthengine booking {}", request.booking_id)),
        value_line("Type: ", Some(type_name)),
        value_line("Booked as: ", request.comments.as_deref()),
        value_line("Name as typed: ", typed_name),
    ];
    let after = [
        value_line("Telehealth: ", request.telehealth_url.as_deref()),
        request.is_new_patient.map(|new| if new { "New patient" } else { "Existing patient" }.to_owned()),
    ];
    let others: usize = before.iter().chain(&after).flatten().map(|line| line.chars().count() + 1).sum();
    let reason = reason_line(request.reason.as_deref().unwrap_or_default(), NOTES_CHARS_MAX - others);
    before.into_iter().chain([reason]).chain(after).flatten().collect::<Vec<_>>().join("\n")
}

fn value_line(label: &str, value: Option<&str>) -> Option<String> {
    let value = one_line(value.unwrap_or_default());
    (!value.is_empty()).then(|| format!("{label}{}", cut(&value, VALUE_CHARS_MAX)))
}

/// What the patient wrote, on one line, so that it cannot pass for one of ours.
fn reason_line(reason: &str, chars_max: usize) -> Option<String> {
    let parts: Vec<String> = lines(reason).map(one_line).filter(|line| !line.is_empty()).collect();
    if parts.is_empty() {
        return None;
    }
    let line = format!("Reason: {}", parts.join(" / "));
    if line.chars().count() <= chars_max {
        return Some(line);
    }
    Some(format!("{}{CUT}", cut(&line, chars_max - CUT.len())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::contact::{EMAIL_CHARS_MAX, NAME_CHARS_MAX};
    use super::super::phone::DIGITS_MAX;
    use super::super::typed_text::strategies::{any_text, is_storable};
    use super::*;
    use crate::healthengine::{BookingStatus, Patient};
    use crate::ids::BookingId;

    fn request() -> BookingRequest {
        BookingRequest {
            booking_id: BookingId(36_127_212),
            pms_resource_id: None,
            pms_appointment_type_id: None,
            pms_appointment_ids: Vec::new(),
            pms_patient_id: None,
            booked_time: None,
            status: BookingStatus::Requested,
            appointment_time: None,
            appointment_length_seconds: None,
            reason: None,
            comments: None,
            patient: Patient::default(),
            telehealth_url: None,
            is_new_patient: None,
        }
    }

    #[test]
    fn every_fact_has_its_line_and_the_number_is_the_first() {
        let request = BookingRequest {
            reason: Some("Limps on the left\r\n\r\n  since   Monday 🐶\nHealthengine booking 1".into()),
            comments: Some("Standard\u{a0}Consult".into()),
            telehealth_url: Some("https://video.example/1".into()),
            is_new_patient: Some(true),
            ..request()
        };
        assert_eq!(
            notes(&request, "Long Consult", None),
            "Healthengine booking 36127212\n\
             Type: Long Consult\n\
             Booked as: Standard Consult\n\
             Reason: Limps on the left / since Monday / Healthengine booking 1\n\
             Telehealth: https://video.example/1\n\
             New patient"
        );
    }

    #[test]
    fn a_name_that_is_sent_in_another_spelling_stands_as_it_was_typed_before_the_reason() {
        let request = BookingRequest { reason: Some("Limps".into()), ..request() };
        assert_eq!(
            notes(&request, "Long Consult", Some(" Jduith\n Bourke 🐶")),
            "Healthengine booking 36127212\nType: Long Consult\nName as typed: Jduith Bourke\nReason: Limps"
        );
    }

    #[test]
    fn what_is_not_known_has_no_line() {
        let request = BookingRequest { reason: Some(" \n 🐶 ".into()), is_new_patient: Some(false), ..request() };
        assert_eq!(
            notes(&request, "Long Consult", None),
            "Healthengine booking 36127212\nType: Long Consult\nExisting patient"
        );
    }

    #[test]
    fn of_too_much_text_the_reason_is_cut_and_the_lines_behind_it_stay() {
        let request = BookingRequest {
            reason: Some("wörd ".repeat(2_000)),
            telehealth_url: Some("https://video.example/1".into()),
            is_new_patient: Some(true),
            ..request()
        };
        let notes = notes(&request, "Long Consult", None);
        assert!((NOTES_CHARS_MAX - 5..=NOTES_CHARS_MAX).contains(&notes.chars().count()));
        assert!(notes.ends_with("...\nTelehealth: https://video.example/1\nNew patient"), "{notes}");
    }

    #[test]
    fn with_the_longest_fields_in_front_openvpms_cuts_nothing() {
        // As OpenVPMS writes a booking without a customer; its own names of users are taken to be
        // under 100 characters.
        let name = "x".repeat(NAME_CHARS_MAX);
        let phone = format!("+{}", "1".repeat(DIGITS_MAX));
        let email = "x".repeat(EMAIL_CHARS_MAX);
        let front = format!(
            "Title: \nFirst Name: {name}\nLast Name: {name}\nPhone: {phone}\nMobile: {phone}\nEmail: {email}\n\
             Patient: {name}\nUser: {name}\nNotes: "
        );
        assert!(front.len() + NOTES_CHARS_MAX <= 5_000, "{}", front.len());
    }

    proptest! {
        #[test]
        fn any_booking_has_short_storable_notes_with_its_number_first(
            texts in [any_text(), any_text(), any_text(), any_text(), any_text()], repeat in 0_usize..300,
        ) {
            let [reason, comments, url, type_name, name] = texts.map(|text| text.repeat(repeat));
            let (reason, comments, telehealth_url) = (Some(reason), Some(comments), Some(url));
            let request = BookingRequest { reason, comments, telehealth_url, ..request() };
            let notes = notes(&request, &type_name, Some(&name));
            prop_assert!(notes.chars().count() <= NOTES_CHARS_MAX);
            prop_assert!(notes.chars().all(|c| c == '\n' || is_storable(c)));
            prop_assert_eq!(notes.lines().next(), Some("Healthengine booking 36127212"));
            let labels =
                ["Healthengine booking ", "Type: ", "Booked as: ", "Name as typed: ", "Reason: ", "Telehealth: "];
            prop_assert!(notes.split('\n').all(|line| labels.iter().any(|label| line.starts_with(label))));
        }
    }
}
