//! Pet owners: they book what Healthengine offers, sometimes all at once, and change their minds.

use chrono::{NaiveDateTime, TimeDelta};

use super::account::Await;
use super::clinic::{self, SITES};
use super::journal::{Deeds, DiaryTime};
use super::people::{PEOPLE, Person};
use super::scene::Scene;
use crate::ids::{BookingId, PracticeId, ResourceId, TypeId};
use crate::simulator::healthengine::{MarketplaceStatus, NotOffered, OfferedStart, Wish};
use crate::simulator::openvpms::NewAppointment;

/// People look at the coming week.
const DAYS_AHEAD: u64 = 7;

/// A time that is offered.
#[derive(Debug, Clone)]
struct Choice {
    practice: PracticeId,
    kind: TypeId,
    start: NaiveDateTime,
}

impl Scene {
    /// Somebody books something.
    pub(super) fn owner_books(&mut self) -> bool {
        let Some(choice) = self.choice(|_, _| true) else { return false };
        let owner = self.somebody();
        self.book(owner, &choice);
        true
    }

    /// Two people want the same time at nearly the same moment. Where it can be booked in two ways
    /// (the room, or the clinician in it) both get as far as booking, and the bridge has to turn
    /// one down; else Healthengine shows the second one other times.
    pub(super) fn owners_want_the_same(&mut self) -> bool {
        let contested = self.choice(|scene, choice| scene.other_way(choice).is_some());
        let Some(choice) = contested.or_else(|| self.choice(|_, _| true)) else { return false };
        let second = self.other_way(&choice).unwrap_or_else(|| choice.clone());
        let owner = self.somebody();
        self.book(owner, &choice);
        let other_owner = self.somebody();
        self.book(other_owner, &second);
        true
    }

    /// Staff write something into the diary at the very time that somebody is about to book: the
    /// offer is stale.
    pub(super) fn owner_books_too_late(&mut self) -> bool {
        let Some(choice) = self.choice(|_, _| true) else { return false };
        let end = choice.start + self.length(choice.kind);
        self.staff_write(NewAppointment {
            schedule: choice.kind.resource.schedule,
            start: choice.start,
            end,
            appointment_type: choice.kind.appointment_type,
            clinician: None,
            customer: None,
            patient: None,
        });
        let owner = self.somebody();
        self.book(owner, &choice);
        true
    }

    /// Somebody gives a booking up, answered or not.
    pub(super) fn owner_gives_up(&mut self) -> bool {
        let stands = |status| matches!(status, MarketplaceStatus::Requested | MarketplaceStatus::Confirmed);
        let candidates: Vec<BookingId> =
            self.stage.bookings().into_iter().filter(|view| stands(view.status)).map(|view| view.id).collect();
        let Some(id) = self.random.pick(&candidates).copied() else { return false };
        if self.stage.marketplace().cancel(id).is_err() {
            return false;
        }
        let now = self.stage.now();
        let Some(deeds) = self.journal.bookings.get_mut(&id) else { return false };
        deeds.given_up = Some(now);
        self.account.line(now, &deeds.owner.name(), &format!("[{id}] cancels at Healthengine"));
        self.account.wait_for(id, Await::GivingUp, now);
        true
    }

    fn book(&mut self, owner: Person, choice: &Choice) {
        let Choice { practice, kind, start } = choice;
        let reason = format!("Pet name: {}\nAnnual check, please.", owner.pet());
        let mut wish = Wish::new(kind.resource.to_string(), kind.to_string(), *start).by(owner.pet_owner(), reason);
        wish.is_new_patient = owner.is_new();
        let (what, now) = (self.describe(*kind, *start), self.stage.now());
        match self.stage.marketplace().book(practice, wish) {
            Ok(id) => {
                self.journal.bookings.insert(id, Deeds::new(owner));
                self.account.line(now, &owner.name(), &format!("[{id}] books for {}: {what}", owner.pet()));
                self.account.wait_for(id, Await::Answer, now);
            }
            Err(NotOffered::Time | NotOffered::Unknown(_) | NotOffered::Hidden | NotOffered::NotLinked) => {
                let line = format!("wants the same for {}, is too late and is shown other times", owner.pet());
                self.account.line(now, &owner.name(), &line);
            }
        }
    }

    /// Something that is offered and fits; `None` if nothing does for a while.
    fn choice(&mut self, fits: impl Fn(&Self, &Choice) -> bool) -> Option<Choice> {
        let days = clinic::coming_days(self.stage.today(), DAYS_AHEAD);
        (0..40).find_map(|_| {
            let practice = self.random.pick(&SITES)?.practice();
            let resources = self.stage.marketplace().resources(&practice).ok()?;
            let resource = &self.random.pick(&resources)?.id;
            let offers = self.stage.marketplace().offered(&practice, resource, *self.random.pick(&days)?).ok()?;
            let OfferedStart { start, kinds } = self.random.pick(&offers)?;
            let kind = self.random.pick(kinds)?.parse().ok()?;
            Some(Choice { practice, kind, start: *start }).filter(|choice| fits(self, choice))
        })
    }

    /// The same time of the same schedule as another resource: the room and the clinician in it.
    fn other_way(&self, choice: &Choice) -> Option<Choice> {
        let resources = self.stage.marketplace().resources(&choice.practice).ok()?;
        let ids = resources.iter().filter_map(|resource| resource.id.parse::<ResourceId>().ok());
        let others = ids.filter(|id| id.schedule == choice.kind.resource.schedule && *id != choice.kind.resource);
        let mut ways = others.filter_map(|resource| {
            let kind = TypeId { resource, ..choice.kind };
            let day = choice.start.date();
            let offers = self.stage.marketplace().offered(&choice.practice, &resource.to_string(), day).ok()?;
            let offered = offers.iter().any(|own| own.start == choice.start && own.kinds.contains(&kind.to_string()));
            offered.then(|| Choice { kind, ..choice.clone() })
        });
        ways.next()
    }

    fn somebody(&mut self) -> Person {
        *self.random.pick(&PEOPLE).unwrap_or(&PEOPLE[0])
    }

    /// How long an appointment of this type is.
    fn length(&self, kind: TypeId) -> TimeDelta {
        self.stage.clinic(|world| clinic::length(world, kind.resource.schedule, kind.appointment_type))
    }

    /// What is booked, in words.
    fn describe(&self, kind: TypeId, start: NaiveDateTime) -> String {
        let name = self.stage.clinic(|world| {
            let own = world.appointment_types.iter().find(|own| own.id == kind.appointment_type);
            let user = kind.resource.user.and_then(|id| world.users.iter().find(|user| user.id == id));
            let with = user.map(|user| format!(" with {}", user.name)).unwrap_or_default();
            format!("{}{with}", own.map(|own| own.name.as_str()).unwrap_or_default())
        });
        let place = self.stage.place(&DiaryTime { schedule: kind.resource.schedule, user: None, start, end: start });
        format!("{name}, {place}")
    }
}
