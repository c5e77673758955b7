//! The two writers of a rehearsal: one that has no diary to write into, and one that notes each
//! appointment before it is made.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;

use super::leftovers::{Leftover, Leftovers};
use super::removal::says_gone;
use crate::call_error::{Answer, CallError, ErrorClass};
use crate::clock::Clock;
use crate::ids::BookingReference;
use crate::messages::rehearsal as say;
use crate::openvpms::{NewBooking, OpenVpmsWriter, WriteOpenVpms};

/// No appointment of a rehearsal begins sooner than this from now.
pub(super) const NOTICE: TimeDelta = TimeDelta::days(1);

/// Stands where a writer is wanted and there is none: it has no way to any server.
pub(super) struct NoWriter;

#[async_trait]
impl WriteOpenVpms for NoWriter {
    async fn submit(&self, _: &NewBooking) -> Answer<BookingReference> {
        Err(CallError::new(ErrorClass::NotSent, say::ONLY_READS))
    }

    async fn cancel(&self, _: &BookingReference) -> Answer<()> {
        Err(CallError::new(ErrorClass::NotSent, say::ONLY_READS))
    }
}

/// Makes appointments that bear the mark of a rehearsal and are on the list of what may be left
/// until they are gone.
pub(super) struct MarkedWriter {
    writer: OpenVpmsWriter,
    leftovers: Arc<Leftovers>,
    clock: Clock,
}

impl MarkedWriter {
    pub(super) fn new(writer: OpenVpmsWriter, leftovers: Arc<Leftovers>, clock: Clock) -> Self {
        Self { writer, leftovers, clock }
    }
}

#[async_trait]
impl WriteOpenVpms for MarkedWriter {
    async fn submit(&self, booking: &NewBooking) -> Answer<BookingReference> {
        if booking.start.to_utc() < self.clock.now() + NOTICE {
            return Err(CallError::with_status(ErrorClass::Refused, 400, say::TOO_SOON));
        }
        let marked = NewBooking { notes: format!("{}\n{}", say::MARK, booking.notes), ..booking.clone() };
        // Durable before the POST leaves: whatever happens then, it is known where to look.
        let unnoted = |error| CallError::new(ErrorClass::NotSent, say::not_noted(&error));
        let number = self.leftovers.add(Leftover::of(&marked, self.clock.now())).await.map_err(unnoted)?;
        let answer = self.writer.submit(&marked).await;
        match &answer {
            Ok(reference) => self.leftovers.made(number, reference).await,
            Err(error) if error.nothing_was_done() => self.leftovers.gone(number).await,
            // Nothing of it is under way any more; 408 and 5xx are also said of what is.
            Err(CallError { status: Some(400..=407 | 409..=499), .. }) => self.leftovers.refused(number).await,
            // It may stand, or be made yet.
            Err(_) => {}
        }
        answer
    }

    async fn cancel(&self, reference: &BookingReference) -> Answer<()> {
        let answer = self.writer.cancel(reference).await;
        // What OpenVPMS says that it cancelled may stand all the same. It stays on the list until
        // somebody has looked.
        if answer.as_ref().is_err_and(says_gone) {
            self.leftovers.cancelled(reference).await;
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, FixedOffset, Utc};
    use parking_lot::Mutex;

    use super::*;
    use crate::ids::{AppointmentTypeId, LocationId, ScheduleId};
    use crate::openvpms::{BOOKING_NOT_FOUND, Contact};

    /// Keeps what is posted, beside what the list had on the disk at that moment.
    struct Diary {
        state: std::path::PathBuf,
        posted: Mutex<Vec<(NewBooking, String)>>,
        answer: Answer<BookingReference>,
        cancelled: Mutex<bool>,
    }

    #[async_trait]
    impl WriteOpenVpms for Diary {
        async fn submit(&self, booking: &NewBooking) -> Answer<BookingReference> {
            let noted = crate::store::rehearsal_leftovers(&self.state).unwrap().unwrap_or_default();
            self.posted.lock().push((booking.clone(), noted));
            self.answer.clone()
        }

        async fn cancel(&self, _: &BookingReference) -> Answer<()> {
            let mut cancelled = self.cancelled.lock();
            if std::mem::replace(&mut *cancelled, true) {
                return Err(CallError::with_status(ErrorClass::Refused, 404, BOOKING_NOT_FOUND));
            }
            Ok(())
        }
    }

    fn reference() -> BookingReference {
        BookingReference("603:be08".to_owned())
    }

    fn booking(start: DateTime<Utc>) -> NewBooking {
        let start: DateTime<FixedOffset> = start.fixed_offset();
        NewBooking {
            location: LocationId(98),
            schedule: ScheduleId(136),
            appointment_type: AppointmentTypeId(66),
            start,
            end: start + TimeDelta::minutes(15),
            user: None,
            contact: Contact::default(),
            notes: "Healthengine booking 7".to_owned(),
        }
    }

    fn writer(state: &std::path::Path, answer: Answer<BookingReference>) -> (MarkedWriter, Arc<Diary>) {
        let leftovers = Leftovers::open(state, "http://10.8.0.1/openvpms", Box::new(|_| {})).unwrap().unwrap();
        let diary =
            Arc::new(Diary { state: state.to_owned(), posted: Mutex::default(), answer, cancelled: Mutex::default() });
        (MarkedWriter::new(diary.clone(), Arc::new(leftovers), Clock::system()), diary)
    }

    #[tokio::test]
    async fn an_appointment_is_on_the_disk_before_it_is_posted_and_leaves_the_list_when_it_is_gone() {
        let state = tempfile::tempdir().unwrap();
        let (writer, diary) = writer(state.path(), Ok(reference()));
        let start = Clock::system().now() + TimeDelta::days(2);
        writer.submit(&booking(start)).await.unwrap();
        let (posted, noted) = diary.posted.lock()[0].clone();
        assert_eq!(posted.notes, "vetbridge rehearsal\nHealthengine booking 7");
        assert!(noted.contains("\"schedule\": 136") && !noted.contains("603:be08"), "{noted}");
        let after = crate::store::rehearsal_leftovers(state.path()).unwrap().unwrap();
        assert!(after.contains("603:be08"), "{after}");
        writer.cancel(&reference()).await.unwrap();
        let after = crate::store::rehearsal_leftovers(state.path()).unwrap().unwrap();
        assert!(after.contains("603:be08"), "nobody has looked yet: {after}");
        assert!(writer.cancel(&reference()).await.is_err_and(|error| says_gone(&error)));
        assert_eq!(crate::store::rehearsal_leftovers(state.path()).unwrap(), None);
    }

    #[tokio::test]
    async fn what_begins_within_a_day_is_never_posted() {
        let state = tempfile::tempdir().unwrap();
        let (writer, diary) = writer(state.path(), Ok(reference()));
        let refused = writer.submit(&booking(Clock::system().now() + TimeDelta::hours(23))).await.unwrap_err();
        assert!(refused.nothing_was_done() && diary.posted.lock().is_empty(), "{refused}");
        assert_eq!(crate::store::rehearsal_leftovers(state.path()).unwrap(), None);
    }

    #[tokio::test]
    async fn a_lost_answer_stays_on_the_list_and_a_refusal_does_not() {
        let start = Clock::system().now() + TimeDelta::days(2);
        for (class, stays) in [(ErrorClass::Lost, true), (ErrorClass::NotSent, false)] {
            let state = tempfile::tempdir().unwrap();
            let (writer, _) = writer(state.path(), Err(CallError::new(class, "no")));
            assert!(writer.submit(&booking(start)).await.is_err());
            let left = crate::store::rehearsal_leftovers(state.path()).unwrap();
            assert_eq!(left.is_some(), stays, "{class:?}");
        }
    }
}
