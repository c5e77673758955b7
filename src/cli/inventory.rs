//! What OpenVPMS offers for online booking at a location, read once for a command.

use crate::call_error::Answer;
use crate::ids::{AppointmentTypeId, LocationId, ScheduleId};
use crate::openvpms::{AppointmentType, Location, ReadOpenVpms, Schedule, User};

/// A location with all that can be booked there.
#[derive(Debug, Clone)]
pub(super) struct LocationInventory {
    pub(super) location: Location,
    /// In the order of the server.
    pub(super) schedules: Vec<Column>,
    /// By name, as the server sorts them.
    pub(super) users: Vec<User>,
}

/// A schedule with its appointment types.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) schedule: Schedule,
    /// By name and id: the server has no useful order.
    pub(super) types: Vec<AppointmentType>,
}

impl LocationInventory {
    /// Reads one location: one call, one for the users, one per schedule.
    pub(super) async fn read(openvpms: &dyn ReadOpenVpms, location: Location) -> Answer<Self> {
        let mut schedules = Vec::new();
        for schedule in openvpms.schedules(location.id).await? {
            let mut types = openvpms.appointment_types(schedule.id).await?;
            types.sort_by(|a, b| sort_key(a).cmp(&sort_key(b)));
            schedules.push(Column { schedule, types });
        }
        let users = openvpms.users(location.id).await?;
        Ok(Self { location, schedules, users })
    }

    pub(super) fn id(&self) -> LocationId {
        self.location.id
    }

    pub(super) fn column(&self, schedule: ScheduleId) -> Option<&Column> {
        self.schedules.iter().find(|column| column.schedule.id == schedule)
    }
}

fn sort_key(kind: &AppointmentType) -> (&str, AppointmentTypeId) {
    (&kind.name, kind.id)
}
