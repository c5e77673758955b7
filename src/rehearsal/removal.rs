//! Removes from the diary what a rehearsal left there, and looks whether it is gone.

use chrono::{DateTime, Days, FixedOffset, NaiveTime, TimeDelta, Utc};

use super::leftovers::{Leftover, Leftovers};
use crate::call_error::{Answer, CallError};
use crate::ids::{BookingReference, ScheduleId};
use crate::messages::rehearsal as say;
use crate::openvpms::{BOOKING_NOT_FOUND, OpenVpmsReader, OpenVpmsWriter, ReadOpenVpms, Window};
use crate::span::Span;

/// What became of a leftover.
pub(super) enum Removal {
    /// It was removed.
    Gone,
    /// It is not in the diary, whether or not it ever was.
    Absent,
    /// Why not, and what a person has to do.
    Stands(String),
}

/// Removes everything on the list that can be removed. What is to be said of each: what was done,
/// and what could not be.
pub(super) async fn remove_all(
    leftovers: &Leftovers,
    reader: &OpenVpmsReader,
    writer: &OpenVpmsWriter,
    now: DateTime<Utc>,
) -> (Vec<String>, Vec<String>) {
    let (mut removed, mut left) = (Vec::new(), Vec::new());
    for leftover in leftovers.all().await {
        let removal = match leftovers.is_here(&leftover) {
            true => remove(&leftover, reader.as_ref(), writer, now).await,
            false => Removal::Stands(say::at_another_server(&leftover.openvpms)),
        };
        match removal {
            Removal::Gone => {
                leftovers.removed(&leftover).await;
                removed.push(say::removed(&leftover.told()));
            }
            Removal::Absent => {
                leftovers.removed(&leftover).await;
                removed.push(say::absent(&leftover.told()));
            }
            Removal::Stands(why) => {
                leftovers.kept(&leftover).await;
                left.push(say::stands(&leftover.told(), &why));
            }
        }
    }
    (removed, left)
}

async fn remove(
    leftover: &Leftover,
    reader: &dyn ReadOpenVpms,
    writer: &OpenVpmsWriter,
    now: DateTime<Utc>,
) -> Removal {
    let Some(reference) = &leftover.reference else { return look(leftover, reader, now).await };
    match writer.cancel(reference).await {
        Err(error) if !says_gone(&error) => Removal::Stands(error.to_string()),
        Ok(()) | Err(_) => is_gone(reference, reader).await,
    }
}

async fn is_gone(reference: &BookingReference, reader: &dyn ReadOpenVpms) -> Removal {
    match reader.booking(reference).await {
        Err(error) if says_gone(&error) => Removal::Gone,
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
