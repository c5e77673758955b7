//! What bookings need of OpenVPMS's inventory before all of it was read.
//!
//! Appointment types cost a call per schedule: after a start the inventory of a group with hundreds
//! of schedules takes minutes, and a pet owner who books meanwhile waits for seconds. So for the
//! first booking of a schedule the list of its location is read, and its types; in the interactive
//! lane of the rate limit, which the inventory leaves half of the calls. Which location that is
//! [`super::schedule_places`] remembers; without it, or where it is wrong, all lists are read.
//!
//! It is for bookings alone, for which the diary is looked into before each POST anyway. What is
//! sent to Healthengine is worked out from the whole inventory only. No answer of it is stored:
//! what OpenVPMS says this moment needs no judgement of how far an older one holds. At a reload
//! that asks for the same, bookings go by what was known before it until the inventory was read
//! anew: a pet owner who booked a moment before waits for seconds as well.

use parking_lot::{Mutex, MutexGuard};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use super::Offering;
use super::inventory::{
    absence, asked, is_wanted, own_locations, read_clinician, read_list, read_locations, read_schedule,
};
use super::schedule_places::SchedulePlaces;
use crate::availability::unread::DiarySource;
use crate::call_error::{Answer, CallError, ErrorClass};
use crate::ids::{LocationId, ScheduleId};
use crate::mapping::{Asked, Inventory, Mapping, Wanted};
use crate::messages::{configuration_sync as say, practice as practice_say};
use crate::openvpms::ReadOpenVpms;
use crate::practice::context::Context;
use crate::practice::health::readings::ReadingHealth;
use crate::practice::zones;

/// After an attempt that failed, who waits for no pet owner does not try again before this.
const RETRY: Duration = Duration::from_secs(30);

/// What is known of the inventory before all of it was read.
pub(in crate::practice) struct EarlyInventory {
    context: Arc<Context>,
    readings: Arc<ReadingHealth>,
    /// One booking at a time reads more.
    reading: AsyncMutex<ReadSoFar>,
    /// Whoever finds here what they need stands in no queue.
    known: Mutex<Option<KnownEarly>>,
}

#[derive(Default)]
struct ReadSoFar {
    part: Option<Part>,
    /// Attempts that failed: at the locations, or at one schedule.
    failed: BTreeMap<Option<ScheduleId>, (Instant, CallError)>,
}

struct Part {
    began: Instant,
    /// The locations, the lists of some, and the types of some schedules.
    inventory: Inventory,
    /// The practice's locations whose lists were read,
    lists: BTreeSet<LocationId>,
    /// and the schedules whose types were.
    schedules: BTreeSet<ScheduleId>,
    offering: Arc<Offering>,
}

struct KnownEarly {
    began: Instant,
    schedules: BTreeSet<ScheduleId>,
    offering: Arc<Offering>,
}

impl EarlyInventory {
    pub(in crate::practice) fn new(context: Arc<Context>, readings: Arc<ReadingHealth>) -> Self {
        Self { context, readings, reading: AsyncMutex::default(), known: Mutex::default() }
    }

    /// The whole inventory was read.
    pub(in crate::practice) async fn forget(&self) {
        *self.reading.lock().await = ReadSoFar::default();
        *self.known() = None;
    }

    fn known(&self) -> MutexGuard<'_, Option<KnownEarly>> {
        self.known.lock()
    }

    /// Goes on with what another one knew, if the same is asked of the same server.
    pub(in crate::practice) fn carry_on_from(&self, former: &Self) {
        let (own, before) = (&self.context, &former.context);
        let same_server = own.settings.places.openvpms == before.settings.places.openvpms;
        if same_server && asked(&own.config) == asked(&before.config) {
            let whole = before.offering.current().map(|offering| KnownEarly {
                began: Instant::now(),
                schedules: offering.listed.clone(),
                offering,
            });
            let known = whole.or_else(|| former.known().take());
            *self.known() = known;
        }
    }

    /// True if something is known of what is offered, and is not too old to go by.
    pub(in crate::practice) fn knows(&self) -> bool {
        self.context.offering.current().is_some() || !self.is_old()
    }

    fn is_old(&self) -> bool {
        let age = self.context.settings.sync.config_interval;
        self.known().as_ref().is_none_or(|known| known.began.elapsed() >= age)
    }

    /// What was read of a schedule, however long ago.
    fn of(&self, schedule: ScheduleId) -> Option<Arc<Offering>> {
        self.known()
            .as_ref()
            .filter(|known| known.schedules.contains(&schedule))
            .map(|known| Arc::clone(&known.offering))
    }

    /// The same, unless it is too old.
    fn fresh(&self, schedule: ScheduleId) -> Option<Arc<Offering>> {
        if self.is_old() { None } else { self.of(schedule) }
    }

    /// What is offered, as far as it is needed for a booking of this schedule: the whole of it
    /// once it was read, else as much as a few calls tell. Who does not `hurry` leaves a server
    /// alone that has just failed.
    pub(in crate::practice) async fn offering_for(
        &self,
        schedule: Option<ScheduleId>,
        hurry: bool,
    ) -> Answer<Arc<Offering>> {
        let there = || {
            let part = || schedule.and_then(|schedule| self.fresh(schedule));
            self.context.offering.current().or_else(part)
        };
        if let Some(offering) = there() {
            return Ok(offering);
        }
        let asked_at = Instant::now();
        let mut reading = self.reading.lock().await;
        // Whoever waited for the lock takes what became of it since they asked.
        if let Some(offering) = there() {
            return Ok(offering);
        }
        let failed = [None, schedule].into_iter().find_map(|what| reading.failed.get(&what));
        if let Some((failed_at, error)) = failed
            && (asked_at <= *failed_at || (!hurry && failed_at.elapsed() < RETRY))
        {
            return Err(error.clone());
        }
        let found = self.context.stop.run_until_cancelled(self.read_early(&mut reading, schedule)).await;
        let found = found.unwrap_or_else(|| Err(CallError::new(ErrorClass::NotSent, practice_say::STOPPING)));
        *self.known() = reading.part.as_ref().map(|part| KnownEarly {
            began: part.began,
            schedules: part.schedules.clone(),
            offering: Arc::clone(&part.offering),
        });
        if let Err(error) = &found {
            let what = schedule.filter(|_| reading.part.is_some());
            reading.failed.insert(what, (Instant::now(), error.clone()));
            self.readings.heard(DiarySource::Inventory, None, Err(error));
        }
        found
    }

    /// What a booking was decided by and its slot looked at with: nobody waits for anything between
    /// the look and the POST.
    pub(in crate::practice) fn offering_at_hand(&self, schedule: ScheduleId) -> Option<Arc<Offering>> {
        self.context.offering.current().or_else(|| self.of(schedule))
    }

    async fn read_early(&self, early: &mut ReadSoFar, schedule: Option<ScheduleId>) -> Answer<Arc<Offering>> {
        let (server, asked) = (self.context.openvpms.interactive.as_ref(), asked(&self.context.config));
        let old = |part: &Part| part.began.elapsed() >= self.context.settings.sync.config_interval;
        if early.part.as_ref().is_none_or(old) {
            early.part = None;
            let (began, inventory) = (Instant::now(), read_locations(server).await?);
            let offering = Arc::new(offering(&inventory, &asked, &BTreeSet::new())?);
            zones::remember(&self.context.shared.store, self.context.id(), offering.zones.practice);
            early.failed.remove(&None);
            early.part = Some(Part { began, inventory, lists: BTreeSet::new(), schedules: BTreeSet::new(), offering });
        }
        let Some(part) = &mut early.part else {
            return Err(CallError::new(ErrorClass::NotSent, practice_say::NEVER_READ));
        };
        if let Some(schedule) = schedule.filter(|id| is_wanted(&asked, *id) && !part.schedules.contains(id)) {
            self.read_list_of(part, &asked, schedule).await?;
            if read_schedule(server, &asked, schedule, &mut part.inventory).await?.is_some() {
                for user in asked.resources.iter().filter(|own| own.schedule == schedule).filter_map(|own| own.user) {
                    read_clinician(server, user, &mut part.inventory).await?;
                }
                early.failed.remove(&Some(schedule));
                part.schedules.insert(schedule);
                part.offering = Arc::new(offering(&part.inventory, &asked, &part.schedules)?);
            }
        }
        Ok(Arc::clone(&part.offering))
    }

    /// Reads the list that a schedule should be on, and, if it is not, the others until one has it.
    /// What was read before a call failed stays read.
    async fn read_list_of(&self, part: &mut Part, asked: &Asked, schedule: ScheduleId) -> Answer<()> {
        let server = self.context.openvpms.interactive.as_ref();
        let (store, practice) = (&self.context.shared.store, self.context.id());
        let likely = SchedulePlaces::remembered(store, practice).of(schedule);
        for location in part.unread(asked).intersection(&likely) {
            part.read_list(server, asked, *location).await?;
        }
        let others = part.unread(asked);
        // One call spares those for hundreds of lists.
        let is_absent =
            !part.lists(schedule) && others.len() > 1 && absence(server.schedule(schedule).await)?.is_some();
        if part.lists(schedule) || is_absent {
            return Ok(());
        }
        for location in others {
            part.read_list(server, asked, location).await?;
            if part.lists(schedule) {
                return Ok(());
            }
        }
        SchedulePlaces::remember(store, practice, &part.inventory, asked);
        Ok(())
    }
}

impl Part {
    /// The practice's locations whose lists were not read.
    fn unread(&self, asked: &Asked) -> BTreeSet<LocationId> {
        own_locations(&self.inventory, asked).difference(&self.lists).copied().collect()
    }

    async fn read_list(&mut self, server: &dyn ReadOpenVpms, asked: &Asked, location: LocationId) -> Answer<()> {
        read_list(server, asked, location, &mut self.inventory).await?;
        self.lists.insert(location);
        Ok(())
    }

    /// True of a schedule that is on one of the practice's lists.
    fn lists(&self, schedule: ScheduleId) -> bool {
        let lists = self.lists.iter().filter_map(|location| self.inventory.schedules.get(location));
        lists.flatten().any(|(listed, _)| listed.id == schedule)
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
