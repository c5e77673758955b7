//! What the pages have in common.

use std::sync::Arc;

use chrono::NaiveDate;
use maud::{Markup, html};

use super::super::choices::ChosenTime;
use super::super::facts::RehearsalFacts;
use super::super::stand::Stand;
use super::super::writers::NOTICE;
use crate::ids::{PracticeId, ResourceId};
use crate::messages::rehearsal_page as say;

/// What the handlers need.
#[derive(Clone)]
pub(super) struct RehearsalPages {
    pub(super) stand: Stand,
    pub(super) facts: Arc<RehearsalFacts>,
}

impl RehearsalPages {
    /// True if this time can be booked here: bookings are made, and it is a day away.
    pub(super) fn is_bookable(&self, choice: &ChosenTime) -> bool {
        let start = self.stand.zones(&choice.practice).and_then(|zones| zones.practice.instant(choice.start));
        self.stand.books && start.is_some_and(|start| start >= self.stand.now() + NOTICE)
    }

    /// Where the days of a resource are.
    pub(super) fn offer_link(practice: &PracticeId, resource: ResourceId, from: Option<NaiveDate>) -> String {
        let from = from.map(|from| format!("&from={from}")).unwrap_or_default();
        format!("/offer?practice={practice}&resource={resource}{from}")
    }
}

/// What the rehearsal does with the diary. That nothing is at Healthengine every page says above.
pub(super) fn banner(books: bool) -> Markup {
    html! { p { (say::banner(books)) } }
}
