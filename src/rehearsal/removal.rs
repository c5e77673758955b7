//! Removes from the diary what a rehearsal left there, and looks whether it is gone.

use chrono::{DateTime, Days, FixedOffset, NaiveTime, TimeDelta, Utc};

use super::leftovers::{Leftover, Leftovers};
use crate::call_error::{Answer, CallError, ErrorClass};
use crate::ids::{BookingReference, ScheduleId};
use crate::messages::rehearsal as say;
use crate::openvpms::{BOOKING_NOT_FOUND, OpenVpmsReader, OpenVpmsWriter, ReadOpenVpms, Window};
use crate::span::Span;

/// What became of a leftover.
enum Removal {
    /// It was removed.
    Gone,
    /// It is not in the diary, whether or not it ever was.
    Absent,
    /// Why not, and what a person has to do.
    Stands(String),
    /// The same, because OpenVPMS refuses to cancel it.
    Refused(String),
}

/// What became of the whole list: what is to be said of each.
#[derive(Debug, Default)]
pub struct RemovedLeftovers {
    /// They are not in the diary any more.
    pub removed: Vec<String>,
    /// They stand in the diary, or may stand there.
    pub left: Vec<String>,
    /// They are in another OpenVPMS than the configured one, where nobody looked.
    pub elsewhere: Vec<String>,
}

impl RemovedLeftovers {
    /// What is not seen to be gone, wherever it is.
    pub fn not_removed(&self) -> Vec<String> {
        self.left.iter().chain(&self.elsewhere).cloned().collect()
    }
}

/// Removes everything on the list that can be removed.
pub(super) async fn remove_all(
    leftovers: &Leftovers,
    reader: &OpenVpmsReader,
    writer: &OpenVpmsWriter,
    now: DateTime<Utc>,
) -> RemovedLeftovers {
    let mut all = RemovedLeftovers::default();
    for leftover in leftovers.all().await {
        let told = leftover.told();
        if !leftovers.is_here(&leftover) {
            all.elsewhere.push(say::stands(&told, &say::at_another_server(&leftover.openvpms)));
            continue;
        }
        match remove(&leftover, reader.as_ref(), writer, now).await {
            Removal::Gone => {
                leftovers.removed(&leftover).await;
                all.removed.push(say::removed(&told));
            }
            Removal::Absent => {
                leftovers.removed(&leftover).await;
                all.removed.push(say::absent(&told));
            }
            Removal::Stands(why) => {
                leftovers.kept(&leftover, false).await;
                all.left.push(say::stands(&told, &why));
            }
            Removal::Refused(why) => {
                leftovers.kept(&leftover, true).await;
                all.left.push(say::stands(&told, &why));
            }
        }
    }
    all
}

async fn remove(
    leftover: &Leftover,
    reader: &dyn ReadOpenVpms,
    writer: &OpenVpmsWriter,
    now: DateTime<Utc>,
) -> Removal {
    let Some(reference) = &leftover.reference else { return look(leftover, reader, now).await };
    match writer.cancel(reference).await {
        Ok(()) => look_again(reference, Removal::Gone, reader).await,
        Err(error) if says_gone(&error) => look_again(reference, Removal::Absent, reader).await,
        Err(error) if error.class == ErrorClass::Refused => Removal::Refused(say::cancel_refused(&error)),
        Err(error) => Removal::Stands(error.to_string()),
    }
}

/// What comes of it if OpenVPMS has it no more.
async fn look_again(reference: &BookingReference, if_gone: Removal, reader: &dyn ReadOpenVpms) -> Removal {
    match reader.booking(reference).await {
        Err(error) if says_gone(&error) => if_gone,
        Err(error) => Removal::Stands(error.to_string()),
        Ok(_) => Removal::Stands(say::STILL_THERE.to_owned()),
    }
}

/// Without a reference nothing can be cancelled. A time that is not taken holds no appointment,
/// once none can come into being any more.
async fn look(leftover: &Leftover, reader: &dyn ReadOpenVpms, now: DateTime<Utc>) -> Removal {
    let span = Span::new(leftover.start.to_utc(), leftover.end.to_utc());
    match is_taken(leftover.schedule, span, *leftover.start.offset(), reader).await {
        Err(error) => Removal::Stands(error.to_string()),
        Ok(false) if leftover.may_come_yet(now) => Removal::Stands(say::MAY_COME_YET.to_owned()),
        Ok(false) => Removal::Absent,
        Ok(true) => Removal::Stands(say::look_by_hand(say::MARK)),
    }
}

/// Whether some of a time of a schedule is taken.
pub(super) async fn is_taken(
    schedule: ScheduleId,
    span: Span,
    offset: FixedOffset,
    reader: &dyn ReadOpenVpms,
) -> Answer<bool> {
    let midnight = |at: DateTime<Utc>, days| {
        let day = at.with_timezone(&offset).date_naive() + Days::new(days);
        day.and_time(NaiveTime::MIN).and_local_timezone(offset).single().unwrap_or(at.with_timezone(&offset))
    };
    let window =
        Window { from: midnight(span.start, 0), to: midnight(span.end - TimeDelta::nanoseconds(1), 1), slots: false };
    Ok(reader.schedule_free_busy(schedule, window).await?.busy.iter().any(|busy| busy.overlaps(&span)))
}

/// True if OpenVPMS says that there is no such booking any more. Any other 404 is a server that is
/// restarting.
pub(super) fn says_gone(error: &CallError) -> bool {
    error.is_refusal(404, BOOKING_NOT_FOUND)
}
