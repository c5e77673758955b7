//! What the desk needs of OpenVPMS's inventory before all of it was read.
//!
//! Appointment types cost a call per schedule: after a start the inventory of a group with hundreds of schedules takes minutes, and a
//! pet owner who books meanwhile waits for seconds. So the lists are read for the first such booking, and the types of a schedule
//! for the first booking of that schedule; in the desk's lane of the rate limit, which the inventory leaves half of the calls.
//!
//! It is for the desk alone, which looks into the diary before each POST anyway. What is sent to Healthengine is worked out from the
//! whole inventory only. Nothing of it is kept: what OpenVPMS says this moment needs no judgement of how far an older answer holds.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::inventory::{asked, read_clinician, read_lists, read_schedule};
use crate::ids::ScheduleId;
use crate::mapping::{Asked, Inventory, Mapping, Wanted};
use crate::messages::{configuration as say, practice as practice_say};
use crate::practice::{Offering, Practice};
use crate::remote::{Answer, CallError, ErrorClass};

/// After an attempt that failed nobody but a pet owner who can still be told no tries again before this.
const RETRY: Duration = Duration::from_secs(30);

/// Part of the inventory.
#[derive(Default)]
pub(in crate::practice) struct Early {
    read: Option<Part>,
    failed: Option<(Instant, CallError)>,
}

struct Part {
    began: Instant,
    /// The lists, and the types of some schedules.
    inventory: Inventory,
    /// Those.
    schedules: BTreeSet<ScheduleId>,
    offering: Arc<Offering>,
}

impl Practice {
    /// What is offered, as far as the desk needs it for a booking of this schedule: the whole of it once it was read, else as much as
    /// a few calls tell. Who does not `hurry` leaves a server alone that has just failed.
    pub(in crate::practice) async fn offering_for(
        &self,
        schedule: Option<ScheduleId>,
        hurry: bool,
    ) -> Answer<Arc<Offering>> {
        if let Some(offering) = self.offering() {
            return Ok(offering);
        }
        let asked_at = Instant::now();
        let mut early = self.configuration.early.lock().await;
        // Whoever waited for the lock takes what became of it since he asked.
        if let Some(offering) = self.offering() {
            return Ok(offering);
        }
        if let Some((failed_at, error)) = &early.failed
            && (asked_at <= *failed_at || (!hurry && failed_at.elapsed() < RETRY))
        {
            return Err(error.clone());
        }
        let found = self.stop.run_until_cancelled(self.read_early(&mut early, schedule)).await;
        let found = found.unwrap_or_else(|| Err(CallError::new(ErrorClass::NotSent, practice_say::STOPPING)));
        early.failed = found.as_ref().err().map(|error| (Instant::now(), error.clone()));
        if let Err(error) = &found {
            self.openvpms_failed(error);
        }
        found
    }

    async fn read_early(&self, early: &mut Early, schedule: Option<ScheduleId>) -> Answer<Arc<Offering>> {
        let (server, asked) = (self.openvpms.desk.as_ref(), asked(&self.config));
        let old = |part: &Part| part.began.elapsed() >= self.settings.sync.config_interval;
        if early.read.as_ref().is_none_or(old) {
            let (began, inventory) = (Instant::now(), read_lists(server, &asked).await?);
            let offering = Arc::new(offering(&inventory, &asked, &BTreeSet::new())?);
            crate::practice::zones::remember(&self.shared.store, self.id(), offering.zones.practice);
            early.read = Some(Part { began, inventory, schedules: BTreeSet::new(), offering });
        }
        let Some(part) = &mut early.read else {
            return Err(CallError::new(ErrorClass::NotSent, practice_say::NEVER_READ));
        };
        if let Some(schedule) = schedule.filter(|schedule| !part.schedules.contains(schedule))
            && read_schedule(server, &asked, schedule, &mut part.inventory).await?.is_some()
        {
            for user in asked.resources.iter().filter(|own| own.schedule == schedule).filter_map(|own| own.user) {
                read_clinician(server, user, &mut part.inventory).await?;
            }
            part.schedules.insert(schedule);
            part.offering = Arc::new(offering(&part.inventory, &asked, &part.schedules)?);
        }
        Ok(Arc::clone(&part.offering))
    }
}

/// What is known to be offered on these schedules.
fn offering(inventory: &Inventory, asked: &Asked, schedules: &BTreeSet<ScheduleId>) -> Answer<Offering> {
    let resources: Vec<Wanted> = match asked.resources.as_slice() {
        [] => schedules.iter().map(|schedule| Wanted { schedule: *schedule, user: None, name: None }).collect(),
        named => named.iter().filter(|wanted| schedules.contains(&wanted.schedule)).cloned().collect(),
    };
    let mut mapping = Mapping::new(inventory, &Asked { resources, ..asked.clone() });
    // To name none is to ask for all of them.
    mapping.resources.retain(|resource| schedules.contains(&resource.id.schedule));
    match mapping.zones.clone() {
        Ok(zones) => Ok(Offering::new(mapping, zones, inventory)),
        Err(problem) => Err(CallError::new(ErrorClass::Contract, say::zone_problem(&problem))),
    }
}
