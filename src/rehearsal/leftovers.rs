//! What a rehearsal may have left in the diary, as a list on the disk. An appointment is on it from
//! before it is made until it is seen to be gone, so whatever ends the process leaves a list of
//! what to remove.

use std::path::{Path, PathBuf};

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex as AsyncMutex;

use crate::ids::{AppointmentTypeId, BookingReference, LocationId, ResourceId, ScheduleId, UserId};
use crate::messages::rehearsal as say;
use crate::openvpms::NewBooking;
use crate::store::{self, OpenError, RehearsalLock};

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
}

impl Leftover {
    pub(super) fn of(booking: &NewBooking) -> Self {
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
        }
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
        Ok(Some(Self { state: state.to_owned(), openvpms: openvpms.to_owned(), list, tell, _lock: lock }))
    }

    /// True for one that stands, if it does, in the OpenVPMS that is asked. Another one would know
    /// nothing of its reference.
    pub(super) fn is_here(&self, leftover: &Leftover) -> bool {
        leftover.openvpms == self.openvpms
    }

    /// All of them.
    pub(super) async fn all(&self) -> Vec<Leftover> {
        self.list.lock().await.clone()
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

    /// OpenVPMS told the reference of one. If that cannot be written, the place is on the disk all
    /// the same.
    pub(super) async fn made(&self, number: u64, reference: &BookingReference) {
        self.change(|list| {
            for own in list.iter_mut().filter(|own| own.number == number) {
                own.reference = Some(reference.clone());
                (self.tell)(&say::made(&own.told()));
            }
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

    /// One was taken for gone and is not.
    pub(super) async fn kept(&self, leftover: &Leftover) {
        self.change(|list| {
            if list.iter().all(|own| own.number != leftover.number) {
                list.push(leftover.clone());
            }
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

/// What an earlier rehearsal left, as the disk has it.
///
/// # Errors
/// The list is there and cannot be read.
pub(super) fn on_disk(state: &Path) -> anyhow::Result<Vec<Leftover>> {
    let Some(text) = store::rehearsal_leftovers(state)? else { return Ok(Vec::new()) };
    serde_json::from_str(&text).map_err(|error| anyhow::Error::msg(say::list_unreadable(state, &error)))
}
