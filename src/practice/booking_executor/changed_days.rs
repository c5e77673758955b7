//! Tells every practice that an appointment of ours changed the diary.

use super::executor::Executor;
use crate::availability::Days;
use crate::booking::entry::Place;
use crate::dates;
use crate::ids::PracticeId;
use crate::practice::reading::Reading;
use crate::practice::shared::DiaryChange;
use crate::publishing::{ReadDay, ReadDays};

impl Executor {
    /// The days of a booking changed: every practice hears of it.
    pub(super) fn refresh(&self, place: &Place) {
        self.tell_all(place, None);
    }

    /// The same after an appointment of ours was made, with the booking executor's look that it was
    /// made by: that look is a reading of the day, and the ledger has the appointment. Whoever
    /// shares the schedule with a clinician reads it for themselves.
    pub(super) fn refresh_as_read(&self, place: &Place, look: &Reading) {
        let read_by = self.day_as_read(place, look).map(|read| {
            self.publisher.changed.add_read(read);
            self.context.id().clone()
        });
        self.tell_all(place, read_by);
    }

    fn day_as_read(&self, place: &Place, look: &Reading) -> Option<ReadDay> {
        let offering = self.context.offering.accepted()?;
        // The clock was set back meanwhile: the appointment seems older than the look, which would
        // show it.
        dates::age(look.began, self.context.now())?;
        let resource = offering.mapping.resource(place.resource()).filter(|resource| resource.id.user.is_none())?;
        let (first, last) = offering.days_of(place.span);
        if first != last || !self.context.horizon(&offering).holds(first) {
            return None;
        }
        let ReadDays { began, mut days } =
            self.reader.days(look, &offering, std::slice::from_ref(resource), Days::one(first));
        days.pop().map(|day| ReadDay { began, as_of: self.context.now(), day })
    }

    fn tell_all(&self, place: &Place, read_by: Option<PracticeId>) {
        let Place { schedule, user, span, .. } = *place;
        // Nobody listens while the bridge stops.
        let _ = self.context.shared.changes.send(DiaryChange { schedule, user, span, read_by });
    }
}
