//! How long a lost request may still arrive is measured, and no clock that is set changes it.

use vetbridge::booking::machine::{Action, Event, SlotTaken};

use crate::case::{Case, lost};
use crate::support::at;

#[test]
fn a_doubt_that_another_process_noted_is_settled_by_time_that_this_one_measured() {
    // Its clock was ten days ahead, or an hour behind, or right; this one began seven seconds after it looked.
    for clock in [864_000, -3_600, 0] {
        let mut case = Case::new();
        case.asked(2);
        case.looked(3, SlotTaken::None);
        case.submitted(clock + 13, lost(false));
        case.unreachable(clock + 14);
        case.began = 21;
        assert_eq!(case.next_look(22), Some(at(41)), "two timeouts from the start: {clock}");
        assert_eq!(case.looked(22, SlotTaken::None), Action::Rest, "the server can still carry it out");
        assert_eq!(case.looked(40, SlotTaken::None), Action::Rest, "{clock}");
        assert_eq!(case.looked(41, SlotTaken::None), Action::Rest, "once is not enough");
        assert_eq!(case.looked(50, SlotTaken::None), Action::Rest, "too soon after the first: {clock}");
        assert_eq!(case.looked(51, SlotTaken::None), Action::LookAndHold, "{clock}");
    }
}

#[test]
fn a_clock_that_is_set_forward_makes_no_request_seem_to_be_over() {
    let mut case = Case::new();
    case.asked(2);
    case.looked(3, SlotTaken::None);
    case.submitted(13, lost(false));
    case.looked(14, SlotTaken::None);
    case.set = 864_000;
    assert_eq!(case.next_look(15), Some(at(33)));
    assert_eq!(case.see(32, Event::Due), Action::Rest);
    assert_eq!(case.looked(33, SlotTaken::None), Action::Rest, "once is not enough");
    case.set = 2 * 864_000;
    assert_eq!(case.see(42, Event::Due), Action::Rest);
    assert_eq!(case.looked(43, SlotTaken::None), Action::LookAndHold);
    // Nor does one that is set back make it last longer.
    let mut case = Case::new();
    case.asked(2);
    case.looked(3, SlotTaken::None);
    case.submitted(13, lost(false));
    case.looked(14, SlotTaken::None);
    case.set = -864_000;
    assert_eq!(case.looked(33, SlotTaken::None), Action::Rest);
    assert_eq!(case.looked(43, SlotTaken::None), Action::LookAndHold);
}

#[test]
fn a_server_that_does_not_answer_is_asked_less_and_less_about_one_booking() {
    let mut case = Case::new();
    case.asked(2);
    case.looked(3, SlotTaken::None);
    case.submitted(13, lost(false));
    let (mut now, mut pauses) = (14, Vec::new());
    for _ in 0..8 {
        case.unreachable(now);
        let next = (case.next_look(now).unwrap() - at(0)).num_seconds();
        pauses.push(next - now);
        now = next;
    }
    assert_eq!(pauses[pauses.len() - 3..], [30, 30, 30], "{pauses:?}");

    let mut held = Case::holding();
    held.asked(2);
    held.unreachable(3);
    assert_eq!(held.asked(4), Action::Rest, "left alone for two seconds");
    assert_eq!(held.asked(5), Action::LookAndHold);
}
