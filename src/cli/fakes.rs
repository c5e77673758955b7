//! A small OpenVPMS and Healthengine for the tests of commands: tables of answers, no behaviour.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use crate::call_error::{Answer, CallError, ErrorClass};
use crate::healthengine::{
    AppointmentChangeRequest, AvailabilityRequest, BookingRequest, BookingUpdate, ErrorLogQuery, Feature,
    LivenessContract, Page, PmsAppointmentType, PmsResource, ReadHealthengine, RequestKind, Subscription,
    SubscriptionError, UploadRequest,
};
use crate::ids::{AppointmentTypeId, BookingReference, LocationId, RequestId, ScheduleId, UserId};
use crate::openvpms::{
    AppointmentType, Booking, FreeBusy, Location, ReadOpenVpms, Schedule, User, UserFreeBusy, UserSpan, Window,
};
use crate::span::Span;

/// An OpenVPMS whose answers are fixed.
#[derive(Default)]
pub(super) struct FakeOpenVpms {
    pub(super) locations: Vec<Location>,
    pub(super) schedules: BTreeMap<LocationId, Vec<Schedule>>,
    pub(super) types: BTreeMap<ScheduleId, Vec<AppointmentType>>,
    pub(super) users: BTreeMap<LocationId, Vec<User>>,
    pub(super) free_busy: BTreeMap<ScheduleId, FreeBusy>,
    pub(super) rosters: BTreeMap<(UserId, LocationId), UserFreeBusy>,
    /// Schedules that exist without their flag.
    pub(super) unflagged: Vec<ScheduleId>,
    /// Users who exist and can be booked nowhere.
    pub(super) other_users: Vec<User>,
    /// What every call fails with.
    pub(super) failing: Option<CallError>,
    /// Schedules without free and busy time of their own are open day and night, and users without
    /// a roster always on.
    pub(super) always_open: bool,
}

impl FakeOpenVpms {
    /// The clinic of the published guide: location 98 with schedules 136 and 211, clinician 1158.
    pub(super) fn main_clinic() -> Self {
        let location = LocationId(98);
        let schedule = |id, name: &str| Schedule { id: ScheduleId(id), name: name.into(), slot_size_minutes: 15 };
        let consult = AppointmentType { id: AppointmentTypeId(66), name: "Standard Consult".into(), slots: 1 };
        Self {
            locations: vec![Location {
                id: location,
                name: "Main Clinic".into(),
                time_zone: "Australia/Sydney".into(),
            }],
            schedules: [(location, vec![schedule(136, "Main"), schedule(211, "Surgery")])].into(),
            types: [(ScheduleId(136), vec![consult.clone()]), (ScheduleId(211), vec![consult])].into(),
            users: [(location, vec![User { id: UserId(1158), name: "Andrew Turner".into() }])].into(),
            ..Self::default()
        }
    }

    /// The same, open day and night.
    pub(super) fn open_clinic() -> Self {
        Self { always_open: true, ..Self::main_clinic() }
    }

    fn answer<T>(&self, found: Option<T>, refusal: (u16, &str)) -> Answer<T> {
        match (&self.failing, found) {
            (Some(error), _) => Err(error.clone()),
            (None, Some(found)) => Ok(found),
            (None, None) => Err(CallError::with_status(ErrorClass::Refused, refusal.0, refusal.1)),
        }
    }
}

/// The part of the window that a range shares with it.
fn within(window: &Window, span: &Span) -> Option<Span> {
    let cut = span.cut(&Span::new(window.from.to_utc(), window.to.to_utc()));
    (!cut.is_empty()).then_some(cut)
}

#[async_trait]
impl ReadOpenVpms for FakeOpenVpms {
    async fn locations(&self) -> Answer<Vec<Location>> {
        self.answer(Some(self.locations.clone()), (500, ""))
    }
    async fn location(&self, id: LocationId) -> Answer<Location> {
        self.answer(self.locations.iter().find(|own| own.id == id).cloned(), (404, "Practice location not found"))
    }
    async fn schedules(&self, location: LocationId) -> Answer<Vec<Schedule>> {
        self.answer(Some(self.schedules.get(&location).cloned().unwrap_or_default()), (500, ""))
    }
    async fn users(&self, location: LocationId) -> Answer<Vec<User>> {
        self.answer(Some(self.users.get(&location).cloned().unwrap_or_default()), (500, ""))
    }
    async fn schedule(&self, id: ScheduleId) -> Answer<Schedule> {
        if self.unflagged.contains(&id) {
            return self.answer(None, (400, crate::openvpms::SCHEDULE_NOT_AVAILABLE));
        }
        self.answer(self.schedules.values().flatten().find(|own| own.id == id).cloned(), (404, "Schedule not found"))
    }
    async fn appointment_types(&self, schedule: ScheduleId) -> Answer<Vec<AppointmentType>> {
        self.answer(Some(self.types.get(&schedule).cloned().unwrap_or_default()), (500, ""))
    }
    async fn schedule_free(&self, schedule: ScheduleId, window: Window) -> Answer<Vec<Span>> {
        Ok(self.schedule_free_busy(schedule, window).await?.free)
    }
    async fn schedule_busy(&self, schedule: ScheduleId, window: Window) -> Answer<Vec<Span>> {
        Ok(self.schedule_free_busy(schedule, window).await?.busy)
    }
    async fn schedule_free_busy(&self, schedule: ScheduleId, window: Window) -> Answer<FreeBusy> {
        let whole = Span::new(window.from.to_utc(), window.to.to_utc());
        let otherwise = || FreeBusy { free: if self.always_open { vec![whole] } else { vec![] }, busy: vec![] };
        let all = self.free_busy.get(&schedule).cloned().unwrap_or_else(otherwise);
        let cut = |spans: &[Span]| spans.iter().filter_map(|span| within(&window, span)).collect();
        self.answer(Some(FreeBusy { free: cut(&all.free), busy: cut(&all.busy) }), (500, ""))
    }
    async fn user(&self, id: UserId) -> Answer<User> {
        let all = self.users.values().flatten().chain(&self.other_users);
        self.answer(all.into_iter().find(|own| own.id == id).cloned(), (404, "User not found"))
    }
    async fn user_locations(&self, user: UserId) -> Answer<Vec<Location>> {
        let works_at = |location: &&Location| {
            self.users.get(&location.id).is_some_and(|users| users.iter().any(|own| own.id == user))
        };
        self.answer(Some(self.locations.iter().filter(works_at).cloned().collect()), (404, "User not found"))
    }
    async fn user_location(&self, _user: UserId, location: LocationId) -> Answer<Location> {
        self.location(location).await
    }
    async fn user_free(&self, user: UserId, location: LocationId, window: Window) -> Answer<Vec<UserSpan>> {
        Ok(self.user_free_busy(user, location, window).await?.free)
    }
    async fn user_busy(&self, user: UserId, location: LocationId, window: Window) -> Answer<Vec<UserSpan>> {
        Ok(self.user_free_busy(user, location, window).await?.busy)
    }
    async fn user_free_busy(&self, user: UserId, location: LocationId, window: Window) -> Answer<UserFreeBusy> {
        let whole = Span::new(window.from.to_utc(), window.to.to_utc());
        let here = self.schedules.get(&location).into_iter().flatten().filter(|_| self.always_open);
        let otherwise = || UserFreeBusy {
            free: here.map(|own| UserSpan { schedule: own.id, span: whole }).collect(),
            busy: vec![],
        };
        let all = self.rosters.get(&(user, location)).cloned().unwrap_or_else(otherwise);
        let cut = |spans: &[UserSpan]| {
            spans
                .iter()
                .filter_map(|own| Some(UserSpan { span: within(&window, &own.span)?, schedule: own.schedule }))
                .collect()
        };
        self.answer(Some(UserFreeBusy { free: cut(&all.free), busy: cut(&all.busy) }), (500, ""))
    }
    async fn booking(&self, _reference: &BookingReference) -> Answer<Booking> {
        self.answer(None, (404, crate::openvpms::BOOKING_NOT_FOUND))
    }
}

/// A Healthengine whose answers are fixed.
#[derive(Default)]
pub(super) struct FakeHealthengine {
    pub(super) features: Vec<Feature>,
    pub(super) resources: Vec<PmsResource>,
    pub(super) types: Vec<PmsAppointmentType>,
    pub(super) clock_ahead: TimeDelta,
    pub(super) failing: Option<CallError>,
}

impl FakeHealthengine {
    fn answer<T>(&self, answer: T) -> Answer<T> {
        self.failing.clone().map_or(Ok(answer), Err)
    }

    fn page<T>(&self) -> Answer<Page<T>> {
        self.answer(Page { items: Vec::new(), unreadable: 0, current: 1, total: 1, entries: None })
    }
}

#[async_trait]
impl ReadHealthengine for FakeHealthengine {
    async fn requests(&self) -> Answer<Vec<RequestKind>> {
        self.answer(Vec::new())
    }
    async fn booking_requests(&self, _page: u32) -> Answer<Page<BookingRequest>> {
        self.page()
    }
    async fn booking_updates(&self, _page: u32) -> Answer<Page<BookingUpdate>> {
        self.page()
    }
    async fn availability_requests(&self, _page: u32) -> Answer<Page<AvailabilityRequest>> {
        self.page()
    }
    async fn appointment_change_requests(&self, _page: u32) -> Answer<Page<AppointmentChangeRequest>> {
        self.page()
    }
    async fn upload_requests(&self, _page: u32) -> Answer<Page<UploadRequest>> {
        self.page()
    }
    async fn attach_requests(&self, _page: u32) -> Answer<Page<RequestId>> {
        self.page()
    }
    async fn liveness_contract(&self) -> Answer<LivenessContract> {
        self.answer(LivenessContract::default())
    }
    async fn resources(&self) -> Answer<Vec<PmsResource>> {
        self.answer(self.resources.clone())
    }
    async fn resource(&self, _id: &str) -> Answer<Vec<PmsResource>> {
        self.answer(Vec::new())
    }
    async fn appointment_types(&self) -> Answer<Vec<PmsAppointmentType>> {
        self.answer(self.types.clone())
    }
    async fn appointment_type(&self, _id: &str) -> Answer<Vec<PmsAppointmentType>> {
        self.answer(Vec::new())
    }
    async fn features(&self) -> Answer<Vec<Feature>> {
        self.answer(self.features.clone())
    }
    async fn feature(&self, _id: &str) -> Answer<Feature> {
        Err(CallError::with_status(ErrorClass::Refused, 404, "no such feature"))
    }
    async fn subscriptions(&self) -> Answer<Vec<Subscription>> {
        self.answer(Vec::new())
    }
    async fn subscription(&self, _id: &str) -> Answer<Subscription> {
        Err(CallError::with_status(ErrorClass::Refused, 404, "no such subscription"))
    }
    async fn subscription_errors(&self, _query: &ErrorLogQuery) -> Answer<Page<SubscriptionError>> {
        self.page()
    }
    fn clock_difference(&self) -> TimeDelta {
        self.clock_ahead
    }

    fn sure_clock_difference(&self, _: DateTime<Utc>) -> Option<TimeDelta> {
        Some(self.clock_ahead)
    }

    fn clock_was_set(&self, _: DateTime<Utc>) -> bool {
        false
    }
}
