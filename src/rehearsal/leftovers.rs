//! What a rehearsal may have left in the diary, as a list on the disk. An appointment is on it from
//! before it is made until it is seen to be gone, so whatever ends the process leaves a list of
//! what to remove.

use std::path::{Path, PathBuf};

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex as AsyncMutex;

use crate::ids::{AppointmentTypeId, BookingReference, LocationId, ResourceId, ScheduleId, UserId};
use crate::messages::rehearsal as say;
use crate::openvpms::NewBooking;
use crate::store::{self, OpenError, RehearsalLock};

/// A POST that nobody waits for any longer is carried out within this time, or not at all. An
/// assumption with room to spare: servers and proxies give up after half a minute as a rule.
const CARRIED_OUT_WITHIN: TimeDelta = TimeDelta::minutes(2);

/// An appointment that may stand in the diary. It says nothing of anybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Leftover {
    /// Tells it from the others of the list.
    #[serde(default)]
    number: u64,
    /// The address of the OpenVPMS that has it.
    #[serde(default)]
    pub(super) openvpms: String,
    pub(super) location: LocationId,
    pub(super) schedule: ScheduleId,
    pub(super) user: Option<UserId>,
    pub(super) appointment_type: AppointmentTypeId,
    pub(super) start: DateTime<FixedOffset>,
    pub(super) end: DateTime<FixedOffset>,
    /// Absent until OpenVPMS has told it.
    pub(super) reference: Option<BookingReference>,
    /// When it was noted: a moment before its POST left.
    #[serde(default)]
    pub(super) noted_at: DateTime<Utc>,
    /// True once OpenVPMS has answered the POST, with whatever.
    #[serde(default)]
    is_answered: bool,
    /// True if OpenVPMS refused to cancel it when that was last tried: the visit has begun, or is
    /// over. A later attempt hardly fares better.
    #[serde(default)]
    is_cancel_refused: bool,
}

impl Leftover {
    pub(super) fn of(booking: &NewBooking, now: DateTime<Utc>) -> Self {
        let NewBooking { location, schedule, appointment_type, start, end, user, contact: _, notes: _ } = booking;
        Self {
            number: 0,
            openvpms: String::new(),
            location: *location,
            schedule: *schedule,
            user: *user,
            appointment_type: *appointment_type,
            start: *start,
            end: *end,
            reference: None,
            noted_at: now,
            is_answered: false,
            is_cancel_refused: false,
        }
    }

    /// True while its POST may still be carried out, although nobody waits for it. A clock that was
    /// set back tells nothing.
    pub(super) fn may_come_yet(&self, now: DateTime<Utc>) -> bool {
        !self.is_answered && (now - self.noted_at).abs() < CARRIED_OUT_WITHIN
    }

    /// `s136 on Mon 16 Feb 2027 at 10:15, reference 603:be08`.
    pub(super) fn told(&self) -> String {
        let resource = ResourceId { schedule: self.schedule, user: self.user };
        say::leftover(resource, self.start, self.reference.as_ref())
    }
}

/// Hears of each change of the list, in a line.
pub(super) type ToldLines = Box<dyn Fn(&str) + Send + Sync>;

/// The list of a rehearsal that books.
pub(super) struct Leftovers {
    state: PathBuf,
    /// The address of the OpenVPMS that is written to.
    openvpms: String,
    list: AsyncMutex<Vec<Leftover>>,
    tell: ToldLines,
    _lock: RehearsalLock,
}

impl Leftovers {
    /// Takes the list over, with what is on it, for a rehearsal at this OpenVPMS. `None` while
    /// another rehearsal has it.
    ///
    /// # Errors
    /// The state directory cannot be used, or the list cannot be read.
    pub(super) fn open(state: &Path, openvpms: &str, tell: ToldLines) -> anyhow::Result<Option<Self>> {
        let Some(lock) = store::lock_rehearsal(state)? else { return Ok(None) };
        let list = AsyncMutex::new(on_disk(state)?);
        let openvpms = without_slash(openvpms).to_owned();
        Ok(Some(Self { state: state.to_owned(), openvpms, list, tell, _lock: lock }))
    }

    /// True for one that stands, if it does, in the OpenVPMS that is asked. Another one would know
    /// nothing of its reference.
    pub(super) fn is_here(&self, leftover: &Leftover) -> bool {
        without_slash(&leftover.openvpms) == self.openvpms
    }

    /// All of them, first those that can be cancelled: of one without a reference only its time
    /// tells, which another one may take.
    pub(super) async fn all(&self) -> Vec<Leftover> {
        let mut all = self.list.lock().await.clone();
        all.sort_by_key(|own| own.reference.is_none());
        all
    }

    /// One more; durable when this returns. What it is called from here on.
    pub(super) async fn add(&self, leftover: Leftover) -> Result<u64, OpenError> {
        let mut list = self.list.lock().await;
        let number = list.iter().map(|own| own.number).max().unwrap_or(0) + 1;
        let mut next = list.clone();
        next.push(Leftover { number, openvpms: self.openvpms.clone(), ..leftover });
        self.write(&next).await?;
        *list = next;
        Ok(number)
    }

    /// OpenVPMS told the reference of one, which is told on once it is on the disk. If it cannot be
    /// written, the place is there all the same.
    pub(super) async fn made(&self, number: u64, reference: &BookingReference) {
        let mut told = None;
        self.change(|list| {
            for own in list.iter_mut().filter(|own| own.number == number) {
                own.reference = Some(reference.clone());
                told = Some(own.told());
            }
        })
        .await;
        if let Some(told) = told {
            (self.tell)(&say::made(&told));
        }
    }

    /// OpenVPMS refused one, and does not say that nothing was made.
    pub(super) async fn refused(&self, number: u64) {
        self.change(|list| {
            list.iter_mut().filter(|own| own.number == number).for_each(|own| own.is_answered = true);
        })
        .await;
    }

    /// It was not made, or is gone.
    pub(super) async fn gone(&self, number: u64) {
        self.change(|list| list.retain(|own| own.number != number)).await;
    }

    /// The appointment of this reference is gone.
    pub(super) async fn cancelled(&self, reference: &BookingReference) {
        self.change(|list| list.retain(|own| own.reference.as_ref() != Some(reference))).await;
    }

    /// One of the list is seen to be gone.
    pub(super) async fn removed(&self, leftover: &Leftover) {
        self.gone(leftover.number).await;
    }

    /// Somebody has looked in the diary after those of which vetbridge cannot find out more. They
    /// are struck off; what they were.
    ///
    /// # Errors
    /// The list cannot be written, and is as it was.
    pub(super) async fn strike_off(&self, now: DateTime<Utc>) -> Result<Vec<Leftover>, OpenError> {
        let mut list = self.list.lock().await;
        let (struck, kept) = list.iter().cloned().partition::<Vec<_>, _>(|own| self.can_be_struck_off(own, now));
        self.write(&kept).await?;
        *list = kept;
        Ok(struck)
    }

    fn can_be_struck_off(&self, own: &Leftover, now: DateTime<Utc>) -> bool {
        match own.reference {
            // The request may still make it, in whichever OpenVPMS.
            None => !own.may_come_yet(now),
            // Of any other one, cancelling it tells what became of it.
            Some(_) => own.is_cancel_refused || !self.is_here(own),
        }
    }

    /// One stands or may stand, although it may have been taken for gone. OpenVPMS refused to
    /// cancel it, or did not.
    pub(super) async fn kept(&self, leftover: &Leftover, is_cancel_refused: bool) {
        self.change(|list| match list.iter_mut().find(|own| own.number == leftover.number) {
            Some(own) => own.is_cancel_refused = is_cancel_refused,
            None => list.push(Leftover { is_cancel_refused, ..leftover.clone() }),
        })
        .await;
    }

    async fn change(&self, change: impl FnOnce(&mut Vec<Leftover>)) {
        let mut list = self.list.lock().await;
        change(&mut list);
        if let Err(error) = self.write(&list).await {
            tracing::warn!("{}", say::list_not_written(&error));
        }
    }

    async fn write(&self, list: &[Leftover]) -> Result<(), OpenError> {
        let path = self.state.clone();
        let unwritable = |reason: String| OpenError::Disk { path: self.state.clone(), reason };
        let text = match list {
            [] => None,
            list => Some(serde_json::to_string_pretty(list).map_err(|error| unwritable(error.to_string()))?),
        };
        let written = tokio::task::spawn_blocking(move || store::note_rehearsal_leftovers(&path, text.as_deref()));
        written.await.map_err(|_| unwritable(say::INTERRUPTED.to_owned()))?
    }
}

/// An address, however it was typed.
fn without_slash(url: &str) -> &str {
    url.trim_end_matches('/')
}

/// What an earlier rehearsal left, as the disk has it.
///
/// # Errors
/// The list is there and cannot be read.
pub(super) fn on_disk(state: &Path) -> anyhow::Result<Vec<Leftover>> {
    let Some(text) = store::rehearsal_leftovers(state)? else { return Ok(Vec::new()) };
    serde_json::from_str(&text).map_err(|error| anyhow::Error::msg(say::list_unreadable(state, &error)))
}
