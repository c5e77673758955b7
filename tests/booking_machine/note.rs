//! What a person notes about a booking can name a patient although it should not: it stands in the
//! history, and Healthengine never hears of it.

use vetbridge::booking::machine::{Action, Ask, Event, Reply, Resolved, ResolvedAs};
use vetbridge::booking::state_reason::StateReason;

use crate::case::Case;
use crate::support::place;

const NAME: &str = "Zaphodine";

fn noted(outcome: ResolvedAs) -> Event {
    Event::Resolved(Resolved { outcome, listed: None, note: Some(format!("{NAME} called")) })
}

#[test]
fn a_note_on_a_booking_that_is_over_is_no_reason_that_healthengine_is_told() {
    let mut case = Case::made();
    assert!(matches!(case.see(100, Event::Gone), Action::Cancel(_)));
    case.replied(101, Reply::Accepted);
    // Both systems have it cancelled, so nothing is noted after the person's line.
    assert_eq!(case.see(200, noted(ResolvedAs::Cancelled)), Action::Rest);
    let last = case.entry.history.last().unwrap();
    assert_eq!(last.reason, StateReason::Note(format!("{NAME} called")));
    assert_eq!(case.entry.last_reason(), Some(&StateReason::CancelledByStaff));
    // Healthengine lists it once more, also after a restart that read the record anew.
    for record in [false, true] {
        let mut case = Case { entry: case.entry.clone(), ..Case::new() };
        if record {
            case.entry = serde_json::from_str(&serde_json::to_string(&case.entry).unwrap()).unwrap();
        }
        let Action::Reject(reason) = case.see(300, Event::Asked(Ask::Insert(place()))) else {
            panic!("{:?}", case.entry)
        };
        assert!(!reason.contains(NAME) && reason == StateReason::CancelledByStaff.to_string(), "{reason}");
    }
}
