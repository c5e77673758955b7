//! The message on the page for whoever gets one is written by the program.

use std::path::Path;

use vetbridge::alerts::concern::{About, AlertKind, AlertMessage, Concern};
use vetbridge::ids::{BookingId, PracticeId};
use vetbridge::messages::alerts::{Terms, text};

use super::page::Page;

#[test]
fn the_message_on_the_page_about_alerts_is_the_one_that_is_sent() {
    let page = Page::read(Path::new("docs/tasks/i-got-an-alert.md"));
    let quoted = &page.blocks[0].text;
    let sentence = quoted.lines().find(|line| line.starts_with("Check the diary")).unwrap();
    let practice = PracticeId("1234567".into());
    let concern = Concern {
        practice: Some(practice.clone()),
        about: About::Booking(BookingId(36_127_212)),
        sentence: sentence.to_owned(),
        since: "2027-02-14T21:03:00Z".parse().unwrap(),
        puts_out_of_step: false,
        outage: None,
        tells_of_outage: false,
    };
    let message = AlertMessage { kind: AlertKind::Begun, concerns: vec![concern] };
    let terms = Terms {
        zones: [(practice.clone(), "Australia/Sydney".parse().unwrap())].into(),
        names: [(practice, "Main Clinic".to_owned())].into(),
        ..Terms::default()
    };
    assert_eq!(*quoted, text(&message, "2027-02-14T21:03:00Z".parse().unwrap(), &terms));
}
