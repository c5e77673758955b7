//! What is offered, written by one and read by all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};
use tokio::sync::watch;

use crate::availability::Zones;
use crate::availability::unread::DiarySource;
use crate::ids::{LocationId, ScheduleId, UserId};
use crate::mapping::{Inventory, Mapping};
use crate::span::Span;

/// What OpenVPMS offers, once it was read: the measure of days and bookings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offering {
    /// Resources and appointment types.
    pub mapping: Mapping,
    /// The zones of server and practice.
    pub zones: Zones,
    /// Where the clinicians among the resources work, locations of other practices included.
    pub user_locations: BTreeMap<UserId, BTreeSet<LocationId>>,
    /// The schedules that OpenVPMS lists at all these locations.
    pub listed: BTreeSet<ScheduleId>,
}

impl Offering {
    pub(in crate::practice) fn new(mapping: Mapping, zones: Zones, inventory: &Inventory) -> Self {
        let schedules = inventory.schedules.values().flatten();
        Self {
            mapping,
            zones,
            user_locations: inventory.user_locations.clone(),
            listed: schedules.map(|(schedule, _)| schedule.id).collect(),
        }
    }

    /// The first and the last day of the practice's that a time touches.
    pub(in crate::practice) fn days_of(&self, span: Span) -> (NaiveDate, NaiveDate) {
        let zone = &self.zones.practice;
        (zone.wall(span.start).date(), zone.wall(span.end - TimeDelta::seconds(1)).date())
    }

    /// True if this is a part of OpenVPMS that is read for what is offered.
    pub(in crate::practice) fn reads(&self, source: &DiarySource) -> bool {
        match source {
            DiarySource::Inventory => true,
            DiarySource::Places(user) => self.user_locations.contains_key(user),
            DiarySource::Schedule(schedule) => {
                self.listed.contains(schedule) || self.mapping.resources.iter().any(|own| own.id.schedule == *schedule)
            }
            DiarySource::Clinician(user, location) => {
                self.user_locations.get(user).is_some_and(|locations| locations.contains(location))
            }
        }
    }
}

type OfferingSlot = Option<Arc<Offering>>;

/// Reads what is offered.
#[derive(Clone)]
pub(in crate::practice) struct OfferingReader {
    current: watch::Receiver<OfferingSlot>,
    accepted: watch::Receiver<OfferingSlot>,
}

/// Says what is offered.
pub(in crate::practice) struct OfferingWriter {
    current: watch::Sender<OfferingSlot>,
    accepted: watch::Sender<OfferingSlot>,
}

/// Both ends, with nothing offered yet.
pub(in crate::practice) fn channel() -> (OfferingWriter, OfferingReader) {
    let ((current, current_reader), (accepted, accepted_reader)) = (watch::channel(None), watch::channel(None));
    let reader = OfferingReader { current: current_reader, accepted: accepted_reader };
    (OfferingWriter { current, accepted }, reader)
}

impl OfferingReader {
    /// Resources, types and zones, once OpenVPMS was read.
    pub(in crate::practice) fn current(&self) -> OfferingSlot {
        self.current.borrow().clone()
    }

    /// The resources and types that Healthengine accepted, once it did: it refuses days of any
    /// others.
    pub(in crate::practice) fn accepted(&self) -> OfferingSlot {
        self.accepted.borrow().clone()
    }

    /// Hears of what changes from here on.
    pub(in crate::practice) fn subscribe(&self) -> Self {
        let mut own = self.clone();
        own.current.mark_unchanged();
        own.accepted.mark_unchanged();
        own
    }

    /// Ends when either of them changes.
    pub(in crate::practice) async fn changed(&mut self) {
        // The writer lives as long as the practice.
        tokio::select! {
            biased;
            _ = self.accepted.changed() => {}
            _ = self.current.changed() => {}
        }
    }

    /// Ends when what Healthengine accepted changes.
    pub(in crate::practice) async fn accepted_changed(&mut self) {
        let _changed = self.accepted.changed().await;
    }
}

impl OfferingWriter {
    /// OpenVPMS offers this.
    pub(in crate::practice) fn read(&self, next: Offering) {
        replace(&self.current, next);
    }

    /// Healthengine has this of it.
    pub(in crate::practice) fn accepted(&self, next: Offering) {
        replace(&self.accepted, next);
    }

    /// Nothing is offered: nobody knows what the diary's times mean.
    pub(in crate::practice) fn nothing(&self) {
        self.current.send_replace(None);
        self.accepted.send_replace(None);
    }
}

/// Nobody is woken by what is as it was.
fn replace(slot: &watch::Sender<OfferingSlot>, next: Offering) {
    slot.send_if_modified(|offering| {
        let changed = offering.as_deref() != Some(&next);
        if changed {
            *offering = Some(Arc::new(next));
        }
        changed
    });
}
