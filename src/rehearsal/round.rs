//! One booking per resource, from the pet owner's tap to the diary and back: made, looked at,
//! cancelled, and looked at again.

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::StreamExt as _;
use tokio_util::sync::CancellationToken;

use super::choices::{ChosenTime, OfferedTime, last_of_each};
use super::removal::{is_taken, says_gone};
use super::stand::{PlayedClient, Stand};
use super::writers::NOTICE;
use crate::booking::entry::State;
use crate::ids::{BookingId, BookingReference, PracticeId, ResourceId};
use crate::messages::{rehearsal as say, rehearsal_page as page_say};
use crate::simulator::healthengine::RequestOutcome;
use crate::span::Span;
use crate::zone::zones::Zones;

/// So many bookings are under way at one time: each of them must be answered within Healthengine's
/// 20 seconds, at half of the rate limit.
const AT_ONCE: usize = 4;
/// Healthengine counts what is not answered by then as confirmed.
const ANSWERED_WITHIN: TimeDelta = TimeDelta::seconds(20);
/// Between two looks at what the bridge has done.
const LOOK: Duration = Duration::from_millis(50);
/// The bridge has done nothing about it if it has not by then.
const PATIENCE: Duration = Duration::from_secs(90);
/// Once the rehearsal is to end, the bridge has so long to take out of the diary what stands.
pub(super) const WITHDRAWN_WITHIN: Duration = Duration::from_secs(20);
/// A time that is this little more than a day away when it is chosen may be too near when it is
/// booked.
const MARGIN: TimeDelta = TimeDelta::minutes(10);

/// What was seen of one booking.
#[derive(Debug, Clone)]
pub(super) struct RehearsedBooking {
    pub(super) choice: ChosenTime,
    pub(super) booking: Option<BookingId>,
    pub(super) reference: Option<BookingReference>,
    /// From the pet owner's tap to the confirmation.
    pub(super) confirmed_after: Option<TimeDelta>,
    /// How the diary showed it.
    pub(super) shown: Option<ReadBack>,
    /// From the pet owner's second thoughts to the free time in the diary.
    pub(super) cancelled_after: Option<TimeDelta>,
    /// True if the end of the rehearsal came before.
    pub(super) broken_off: bool,
    /// What went wrong.
    pub(super) wrong: Option<String>,
}

impl RehearsedBooking {
    /// True if an appointment was made of it.
    pub(super) fn is_made(&self) -> bool {
        self.reference.is_some() || self.confirmed_after.is_some()
    }

    /// How the diary had it, if that was seen. Nobody looks for the free time of one that was
    /// cancelled on the page.
    pub(super) fn in_the_diary(&self) -> Option<String> {
        let shown = match self.shown? {
            ReadBack::AsBooked => page_say::AS_BOOKED,
            ReadBack::TakenOnly => page_say::TAKEN_ONLY,
        };
        Some(page_say::in_the_diary(shown, self.cancelled_after.is_some()))
    }
}

/// A resource that the round leaves out.
#[derive(Debug, Clone)]
pub(super) struct NotBooked {
    pub(super) practice: PracticeId,
    pub(super) resource: ResourceId,
    pub(super) why: &'static str,
}

/// How an appointment that stands reads back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadBack {
    /// As it was booked, and its time is taken.
    AsBooked,
    /// Its time is taken. Some servers answer 500 for every booking that stands.
    TakenOnly,
}

/// The times to book, one of every resource that has one, and the resources that have none.
pub(super) fn choose(stand: &Stand) -> (Vec<ChosenTime>, Vec<NotBooked>) {
    let earliest = stand.now() + NOTICE + MARGIN;
    let offered: Vec<OfferedTime> = stand.practices().flat_map(|(id, _, zones)| offered(stand, id, zones)).collect();
    // One choice over all practices: a clinician of two of them is at one place at a time.
    let chosen = last_of_each(&offered, earliest);
    let mut not_booked = Vec::new();
    for (id, mapping, _) in stand.practices() {
        for resource in mapping.resources.iter().map(|own| own.id) {
            let is_its_own = |own: &ChosenTime| own.practice == *id && own.kind.resource == resource;
            if chosen.iter().any(is_its_own) {
                continue;
            }
            let has_time = offered.iter().any(|own| is_its_own(&own.choice) && own.span.start >= earliest);
            let why = if has_time { say::TIMES_OF_OTHERS } else { say::NO_TIME_TO_BOOK };
            not_booked.push(NotBooked { practice: id.clone(), resource, why });
        }
    }
    (chosen, not_booked)
}

/// What a practice offers, as moments. A time that names no single one cannot be booked.
fn offered(stand: &Stand, practice: &PracticeId, zones: Zones) -> Vec<OfferedTime> {
    let moment = |choice: ChosenTime| {
        let start = zones.practice.instant(choice.start)?;
        let end = start + TimeDelta::minutes(choice.minutes.into());
        Some(OfferedTime { choice, span: Span::new(start, end) })
    };
    stand.all_offered(practice).into_iter().filter_map(moment).collect()
}

/// Books and cancels all of these. Whatever ends it, each booking that was made is cancelled first.
/// `hear` is told of each when it is over.
pub(super) async fn book_all(
    stand: &Stand,
    chosen: Vec<ChosenTime>,
    stop: &CancellationToken,
    mut hear: impl FnMut(RehearsedBooking),
) {
    let each = chosen.into_iter().map(|choice| rehearse(stand, choice, stop));
    let mut over = std::pin::pin!(futures_util::stream::iter(each).buffered(AT_ONCE));
    while let Some(own) = over.next().await {
        hear(own);
    }
}

async fn rehearse(stand: &Stand, choice: ChosenTime, stop: &CancellationToken) -> RehearsedBooking {
    let mut seen = RehearsedBooking {
        choice,
        booking: None,
        reference: None,
        confirmed_after: None,
        shown: None,
        cancelled_after: None,
        broken_off: stop.is_cancelled(),
        wrong: None,
    };
    if seen.broken_off {
        return seen;
    }
    match stand.book(&seen.choice, PlayedClient::Known) {
        Ok(id) => {
            seen.booking = Some(id);
            let looked = stop.run_until_cancelled(stands(stand, &mut seen, id)).await;
            seen.broken_off = looked.is_none();
            let gone = withdraw(stand, &mut seen, id, stop).await;
            // What then still stands is found at the end.
            seen.wrong = looked.and_then(|looked| looked.and(gone).err());
        }
        Err(error) => seen.wrong = Some(error.to_string()),
    }
    seen
}

/// Waits for the confirmation, and looks into the diary.
async fn stands(stand: &Stand, seen: &mut RehearsedBooking, id: BookingId) -> Result<(), String> {
    let answered = || stand.model.booking(id).ok().filter(|view| view.answer != RequestOutcome::Open);
    let view = eventually(answered).await.ok_or(say::NOT_ANSWERED)?;
    if view.answer != RequestOutcome::Confirmed {
        return Err(say::not_confirmed(&stand.reason(id)));
    }
    let after = view.answered_at.map(|at| at - view.booked_at);
    seen.confirmed_after = after;
    let reference = view.pms_appointment_ids.into_iter().next().map(BookingReference);
    seen.reference.clone_from(&reference);
    let reference = reference.ok_or_else(say::in_doubt)?;
    let (span, zones) = place(stand, &seen.choice)?;
    let failed = |error| say::not_read_back(&error);
    let read = match stand.reader.booking(&reference).await {
        Ok(found) => {
            let start = zones.server.wall(span.start);
            let as_booked = (found.schedule, found.appointment_type, found.start)
                == (seen.choice.kind.resource.schedule, seen.choice.kind.appointment_type, start);
            if !as_booked {
                return Err(say::READS_BACK_OTHERWISE.to_owned());
            }
            if found.customer.is_some() {
                return Err(say::CUSTOMER_MATCHED.to_owned());
            }
            ReadBack::AsBooked
        }
        Err(error) if error.status == Some(500) => ReadBack::TakenOnly,
        Err(error) => return Err(failed(error)),
    };
    if !taken(stand, &seen.choice).await? {
        return Err(say::TIME_NOT_TAKEN.to_owned());
    }
    seen.shown = Some(read);
    in_time(after)
}

/// From the tap to the confirmation, if that is known.
fn in_time(after: Option<TimeDelta>) -> Result<(), String> {
    let is_late = after.is_some_and(|after| ANSWERED_WITHIN < after);
    if is_late { Err(say::CONFIRMED_TOO_LATE.to_owned()) } else { Ok(()) }
}

/// The pet owner gives it up, and the diary is looked at until it is gone.
async fn withdraw(
    stand: &Stand,
    seen: &mut RehearsedBooking,
    id: BookingId,
    stop: &CancellationToken,
) -> Result<(), String> {
    let rejected = stand.model.booking(id).is_ok_and(|view| view.answer == RequestOutcome::Rejected);
    if rejected || !stand.give_up(id) {
        return Ok(());
    }
    let began = stand.now();
    let settled = || {
        let view = stand.model.booking(id).ok()?;
        (view.open_updates.is_empty() && view.answer != RequestOutcome::Open).then_some(view)
    };
    let patience = async {
        stop.cancelled().await;
        tokio::time::sleep(WITHDRAWN_WITHIN).await;
        None
    };
    let settled = tokio::select! {
        settled = eventually(settled) => settled,
        late = patience => late,
    };
    settled.ok_or(say::NOT_CANCELLED)?;
    let state = stand.bridge.ledger().get(id).ok().flatten().map(|entry| entry.state);
    seen.reference = seen.reference.take().or_else(|| reference_of(stand, id));
    match (&seen.reference, state) {
        (_, Some(State::Rejected)) | (None, Some(State::Cancelled)) => {}
        (Some(reference), _) => match stand.reader.booking(reference).await {
            Err(error) if says_gone(&error) => {}
            Err(error) => return Err(say::not_read_back(&error)),
            Ok(_) => return Err(say::STILL_THERE.to_owned()),
        },
        (None, _) => return Err(say::not_confirmed(&stand.reason(id))),
    }
    if taken(stand, &seen.choice).await? {
        return Err(say::TIME_STILL_TAKEN.to_owned());
    }
    seen.cancelled_after = Some(stand.now() - began);
    Ok(())
}

fn reference_of(stand: &Stand, id: BookingId) -> Option<BookingReference> {
    stand.bridge.ledger().get(id).ok().flatten().and_then(|entry| entry.reference)
}

fn place(stand: &Stand, choice: &ChosenTime) -> Result<(Span, Zones), String> {
    let zones = stand.zones(&choice.practice).ok_or(say::NO_ZONE)?;
    let start = zones.practice.instant(choice.start).ok_or(say::NO_ZONE)?;
    Ok((Span::new(start, start + TimeDelta::minutes(choice.minutes.into())), zones))
}

async fn taken(stand: &Stand, choice: &ChosenTime) -> Result<bool, String> {
    let (span, zones) = place(stand, choice)?;
    let offset = *zones.server.at(span.start).offset();
    let taken = is_taken(choice.kind.resource.schedule, span, offset, stand.reader.as_ref()).await;
    taken.map_err(|error| say::not_read_back(&error))
}

/// What comes of looking again and again; nothing if nothing comes for long.
pub(super) async fn eventually<T>(look: impl Fn() -> Option<T>) -> Option<T> {
    eventually_within(PATIENCE, look).await
}

/// The same for so long.
pub(super) async fn eventually_within<T>(limit: Duration, look: impl Fn() -> Option<T>) -> Option<T> {
    let looking = async {
        loop {
            if let Some(seen) = look() {
                return seen;
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(limit, looking).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_to_be_free_again_only_if_somebody_looked() {
        let choice = ChosenTime {
            practice: PracticeId("1".to_owned()),
            kind: "66:s136".parse().unwrap(),
            start: "2027-02-17T16:00:00".parse().unwrap(),
            minutes: 15,
        };
        let cancelled_on_the_page = RehearsedBooking {
            choice,
            booking: Some(BookingId(1)),
            reference: None,
            confirmed_after: Some(TimeDelta::seconds(1)),
            shown: Some(ReadBack::AsBooked),
            cancelled_after: None,
            broken_off: false,
            wrong: None,
        };
        let cancelled_after = Some(TimeDelta::seconds(1));
        let looked_for = RehearsedBooking { cancelled_after, ..cancelled_on_the_page.clone() };
        let told = [cancelled_on_the_page, looked_for].map(|own| own.in_the_diary().unwrap());
        assert_eq!(told, ["", ", then free again"].map(|end| format!("{}{end}", page_say::AS_BOOKED)));
    }

    #[test]
    fn a_confirmation_after_the_pet_owner_was_told_yes_is_wrong() {
        assert_eq!(in_time(None), Ok(()));
        assert_eq!(in_time(Some(TimeDelta::milliseconds(20_000))), Ok(()));
        assert!(in_time(Some(TimeDelta::milliseconds(20_001))).is_err());
    }
}
