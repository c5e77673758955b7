//! Clinicians against a slow model: a clinic of cells of a quarter of an hour, with true rosters and true appointments,
//! that answers as either kind of server does. What is offered is held against the truth, and against the written rule
//! cell by cell.

#![expect(clippy::unwrap_used, reason = "a test may fail where it likes, its helpers too")]

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use proptest::prelude::*;
use vetbridge::availability::rules::RulesInForce;
use vetbridge::availability::{
    ClinicianDoubt, Days, Moment, OwnBooking, Question, Readings, Rosters, ScheduleReading, UserReading, Zones, days,
    learn, window,
};
use vetbridge::ids::{AppointmentTypeId, LocationId, ResourceId, ScheduleId, TypeId, UserId};
use vetbridge::mapping::{Resource, ResourceType};
use vetbridge::openvpms::{FreeBusy, UserFreeBusy, UserSpan};
use vetbridge::span::Span;
use vetbridge::zone::Zone;

const CELLS: usize = 96;
const VET: UserId = UserId(1158);

/// Cells of the day.
type Cells = BTreeSet<usize>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Server {
    /// Free time on a schedule is the shift less his appointments on that schedule.
    Guide,
    /// Each appointment comes off the first schedule of the roster on which it finds him free.
    V21,
}

/// What is so at one moment. Schedules are numbered from 0.
#[derive(Debug, Clone, Default)]
struct Clinic {
    hours: Vec<Cells>,
    shifts: Vec<Cells>,
    /// Schedule, cells, whether it is his.
    appointments: Vec<(usize, Cells, bool)>,
}

impl Clinic {
    /// Leaves out appointments that cannot be: two at once on a schedule or of the clinician.
    fn new(hours: Vec<Cells>, shifts: Vec<Cells>, wanted: Vec<(usize, Cells, bool)>) -> Self {
        let mut clinic = Self { hours, shifts, appointments: Vec::new() };
        for (schedule, cells, his) in wanted {
            let schedule = schedule % clinic.hours.len();
            let clashes = |(other, taken, theirs): &(usize, Cells, bool)| {
                (*other == schedule || his && *theirs) && !taken.is_disjoint(&cells)
            };
            if !clinic.appointments.iter().any(clashes) {
                clinic.appointments.push((schedule, cells, his));
            }
        }
        clinic
    }

    /// Keeps those of his appointments that the API can tell of: inside opening hours, on his roster, and with no shift
    /// on any schedule beginning or ending in the middle (2.1 would take off a part of it only).
    fn only_visible(mut self) -> Self {
        let (hours, shifts) = (&self.hours, &self.shifts);
        self.appointments.retain(|(schedule, cells, his)| {
            !his || cells.is_subset(&hours[*schedule])
                && cells.is_subset(&shifts[*schedule])
                && shifts.iter().all(|shift| cells.is_subset(shift) || cells.is_disjoint(shift))
        });
        self
    }

    fn empty(&self) -> Self {
        Self { appointments: Vec::new(), ..self.clone() }
    }

    fn busy(&self, schedule: usize) -> Cells {
        let here = self.appointments.iter().filter(|(there, ..)| *there == schedule);
        here.flat_map(|(_, cells, _)| cells).filter(|cell| self.hours[schedule].contains(cell)).copied().collect()
    }

    fn his(&self) -> Cells {
        self.appointments.iter().filter(|(.., his)| *his).flat_map(|(_, cells, _)| cells).copied().collect()
    }

    /// What the server says of his free time.
    fn user_free(&self, server: Server) -> Vec<Cells> {
        let mut free = self.shifts.clone();
        for (schedule, cells, _) in self.appointments.iter().filter(|(.., his)| *his) {
            let from = match server {
                Server::Guide => Some(*schedule),
                Server::V21 => free.iter().position(|free| !free.is_disjoint(cells)),
            };
            if let Some(from) = from {
                free[from] = &free[from] - cells;
            }
        }
        free
    }

    /// When he can truly be booked on a schedule.
    fn truth(&self, schedule: usize) -> Cells {
        let open = &self.hours[schedule] - &self.busy(schedule);
        &(&open & &self.shifts[schedule]) - &self.his()
    }

    /// Reads the clinic; the `unreadable` schedule does not answer.
    fn read(&self, server: Server, unreadable: Option<usize>) -> Readings {
        let (window, ended) = (day_window(), at(0) - TimeDelta::days(1));
        let schedule = |number: usize| {
            let busy = self.busy(number);
            let answer = FreeBusy { free: spans(&(&self.hours[number] - &busy)), busy: spans(&busy) };
            let reading = ScheduleReading::new(window, ended, answer);
            (schedule_id(number), (Some(number) != unreadable).then_some(reading))
        };
        let free = self.user_free(server).into_iter().enumerate().flat_map(|(number, free)| {
            spans(&free).into_iter().map(move |span| UserSpan { span, schedule: schedule_id(number) })
        });
        let rostered: Vec<usize> = (0..self.shifts.len()).filter(|&number| !self.shifts[number].is_empty()).collect();
        // The times say nothing; a 2.1 server names the last schedule only.
        let named = if server == Server::V21 { &rostered[rostered.len().saturating_sub(1)..] } else { &rostered };
        let busy = named.iter().map(|&number| UserSpan { span: window, schedule: schedule_id(number) });
        let answer = UserFreeBusy { free: free.collect(), busy: busy.collect() };
        Readings {
            schedules: (0..self.hours.len()).map(schedule).collect(),
            users: BTreeMap::from([(VET, UserReading::new(window, ended, [answer]))]),
        }
    }
}

fn zones() -> Zones {
    let zone: Zone = "Australia/Brisbane".parse().unwrap();
    Zones { server: zone, practice: zone }
}

fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2027, 2, 15).unwrap()
}

fn day_window() -> Span {
    window(Days::one(day()), &zones())
}

fn at(cell: usize) -> DateTime<Utc> {
    day_window().start + TimeDelta::minutes(15 * cell as i64)
}

fn schedule_id(number: usize) -> ScheduleId {
    ScheduleId(10 + number as i64)
}

/// Neighbouring cells as one span.
fn spans(cells: &Cells) -> Vec<Span> {
    vetbridge::span::normalised(cells.iter().map(|&cell| Span::new(at(cell), at(cell + 1))))
}

/// The cells at which the clinician is offered on a schedule.
fn offered(number: usize, readings: &Readings, rosters: &Rosters, own: &[OwnBooking], doubt: ClinicianDoubt) -> Cells {
    let id = ResourceId::clinician(VET, schedule_id(number));
    let kind = ResourceType {
        id: TypeId { appointment_type: AppointmentTypeId(66), resource: id },
        plain_name: "Consult".to_owned(),
        name: "Consult".to_owned(),
        slots: 1,
        length_minutes: 15,
    };
    let resource = Resource {
        id,
        location: LocationId(98),
        name: "Vet".to_owned(),
        clinician: None,
        slot_size_minutes: 15,
        types: vec![kind],
    };
    let now = day_window().start - TimeDelta::days(2);
    let moment = Moment { now, min_notice: TimeDelta::zero() };
    let question = Question {
        zones: zones(),
        readings,
        own,
        rosters,
        clinician_doubt: doubt,
        moment,
        rules: RulesInForce::default(),
    };
    let answer = days(&question, &[resource], Days::one(day()));
    assert_eq!(answer.len(), 1);
    answer[0].day.starts().map(|(minute, _)| minute as usize / 15).collect()
}

fn range() -> impl Strategy<Value = Cells> {
    (0..CELLS, 1..40usize).prop_map(|(start, length)| (start..(start + length).min(CELLS)).collect())
}

fn ranges() -> impl Strategy<Value = Cells> {
    prop::collection::vec(range(), 0..4).prop_map(|ranges| ranges.into_iter().flatten().collect())
}

fn appointments() -> impl Strategy<Value = Vec<(usize, Cells, bool)>> {
    let cells = (0..CELLS, 1..5usize).prop_map(|(start, length)| (start..(start + length).min(CELLS)).collect());
    prop::collection::vec((0..3usize, cells, any::<bool>()), 0..40)
}

fn servers() -> impl Strategy<Value = Server> {
    prop::sample::select(vec![Server::Guide, Server::V21])
}

fn doubts() -> impl Strategy<Value = ClinicianDoubt> {
    prop::sample::select(vec![ClinicianDoubt::Offer, ClinicianDoubt::Withhold])
}

/// Hours and shifts of two or three schedules, and the diary at several times.
fn clinics() -> impl Strategy<Value = Vec<Clinic>> {
    let schedules = prop::collection::vec((range(), ranges()), 2..=3);
    (schedules, prop::collection::vec(appointments(), 1..4)).prop_map(|(schedules, diaries)| {
        let (hours, shifts): (Vec<Cells>, Vec<Cells>) = schedules.into_iter().unzip();
        diaries.into_iter().map(|diary| Clinic::new(hours.clone(), shifts.clone(), diary)).collect()
    })
}

/// The same, but the roster changes from reading to reading.
fn changing_clinics() -> impl Strategy<Value = Vec<Clinic>> {
    (clinics(), prop::collection::vec(prop::collection::vec(ranges(), 3), 3)).prop_map(|(mut clinics, rosters)| {
        for (clinic, roster) in clinics.iter_mut().zip(rosters) {
            clinic.shifts = roster[..clinic.hours.len()].to_vec();
        }
        clinics
    })
}

/// The rule, cell by cell, with the roster as it was last seen.
#[derive(Default)]
struct Rule {
    /// Rostered or not, by schedule and cell.
    known: BTreeMap<(usize, usize), bool>,
}

impl Rule {
    fn learn(&mut self, clinic: &Clinic, server: Server, unreadable: Option<usize>) {
        let (free, counted) = (clinic.user_free(server), self.counted(clinic, server));
        for cell in 0..CELLS {
            let quiet =
                counted.iter().all(|&number| Some(number) != unreadable && !clinic.busy(number).contains(&cell));
            for &number in &counted {
                if free[number].contains(&cell) {
                    if self.known.get(&(number, cell)) == Some(&false) && Some(number) != unreadable {
                        self.forget_beside(number, cell, &clinic.busy(number), &free[number]);
                    }
                    self.known.insert((number, cell), true);
                } else if quiet {
                    self.known.insert((number, cell), false);
                }
            }
        }
    }

    /// He is free where he was known not to be rostered: the busy stretches on both sides may be his after all.
    fn forget_beside(&mut self, number: usize, cell: usize, busy: &Cells, free: &Cells) {
        let is_stretch = |cell: &usize| busy.contains(cell) && !free.contains(cell);
        let before = (0..cell).rev().take_while(is_stretch);
        let after = (cell + 1..CELLS).take_while(is_stretch);
        for cell in before.chain(after) {
            if self.known.get(&(number, cell)) == Some(&false) {
                self.known.remove(&(number, cell));
            }
        }
    }

    /// Schedules of his roster: named by the reading, or known from before.
    fn counted(&self, clinic: &Clinic, server: Server) -> Vec<usize> {
        let free = clinic.user_free(server);
        let rostered = |number: &usize| !clinic.shifts[*number].is_empty();
        let last = (0..clinic.hours.len()).rfind(rostered);
        let named = |number: usize| match server {
            Server::Guide => rostered(&number),
            Server::V21 => !free[number].is_empty() || last == Some(number),
        };
        let known = |number: usize| (0..CELLS).any(|cell| self.known.get(&(number, cell)) == Some(&true));
        (0..clinic.hours.len()).filter(|&number| named(number) || known(number)).collect()
    }

    fn offered(
        &self,
        schedule: usize,
        clinic: &Clinic,
        server: Server,
        unreadable: Option<usize>,
        doubt: ClinicianDoubt,
    ) -> Cells {
        let (free, counted) = (clinic.user_free(server), self.counted(clinic, server));
        let withhold = doubt == ClinicianDoubt::Withhold;
        let mut offered = &(&clinic.hours[schedule] - &clinic.busy(schedule)) & &free[schedule];
        for &other in counted.iter().filter(|other| **other != schedule) {
            let busy = clinic.busy(other);
            let stretch = |cell: usize| busy.contains(&cell) && !free[other].contains(&cell);
            let borders = |cell: usize| {
                let before = (0..cell).rev().find(|&cell| !stretch(cell));
                let after = (cell..CELLS).find(|&cell| !stretch(cell));
                before.is_some_and(|cell| free[other].contains(&cell))
                    || after.is_some_and(|cell| free[other].contains(&cell))
            };
            offered.retain(|&cell| {
                let known = self.known.get(&(other, cell)).copied();
                if Some(other) == unreadable {
                    return free[other].contains(&cell) || known != Some(true);
                }
                let third_lost_it = counted.iter().any(|&third| {
                    let known = self.known.get(&(third, cell)).copied();
                    ![schedule, other].contains(&third)
                        && Some(third) != unreadable
                        && !free[third].contains(&cell)
                        && !clinic.busy(third).contains(&cell)
                        && known.unwrap_or(withhold)
                });
                let taken = if stretch(cell) {
                    known.unwrap_or_else(|| withhold || borders(cell))
                } else {
                    busy.contains(&cell) && third_lost_it
                };
                !taken
            });
        }
        offered
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    /// Once an empty diary has shown the roster, offers are exactly the truth, on both kinds of server.
    #[test]
    fn a_known_roster_makes_offers_exact(clinics in clinics(), server in servers(), doubt in doubts()) {
        let mut rosters = Rosters::new();
        learn(&mut rosters, &clinics[0].empty().read(server, None), &zones().server);
        for clinic in clinics {
            let clinic = clinic.only_visible();
            let readings = clinic.read(server, None);
            learn(&mut rosters, &readings, &zones().server);
            for schedule in 0..clinic.hours.len() {
                let offers = offered(schedule, &readings, &rosters, &[], doubt);
                prop_assert_eq!(offers, clinic.truth(schedule), "on schedule {}", schedule);
            }
        }
    }

    /// With `withhold` no appointment of his is ever offered over, from the first reading on.
    #[test]
    fn withholding_in_doubt_is_safe_from_the_first_reading(clinics in clinics(), server in servers()) {
        let mut rosters = Rosters::new();
        for clinic in clinics {
            let clinic = clinic.only_visible();
            let readings = clinic.read(server, None);
            learn(&mut rosters, &readings, &zones().server);
            for schedule in 0..clinic.hours.len() {
                let offers = offered(schedule, &readings, &rosters, &[], ClinicianDoubt::Withhold);
                let beyond_truth = &offers - &clinic.truth(schedule);
                prop_assert_eq!(beyond_truth, Cells::new(), "on schedule {}", schedule);
            }
        }
    }

    /// Whatever happens to rosters, schedules that do not answer and appointments that no roster explains: the written
    /// rule.
    #[test]
    fn offers_follow_the_rule_cell_by_cell(
        clinics in changing_clinics(),
        server in servers(),
        doubt in doubts(),
        unreadable in prop::option::weighted(0.3, 0..3usize),
    ) {
        let (mut rosters, mut rule) = (Rosters::new(), Rule::default());
        for clinic in clinics {
            let readings = clinic.read(server, unreadable);
            learn(&mut rosters, &readings, &zones().server);
            rule.learn(&clinic, server, unreadable);
            for schedule in (0..clinic.hours.len()).filter(|&schedule| Some(schedule) != unreadable) {
                prop_assert_eq!(
                    offered(schedule, &readings, &rosters, &[], doubt),
                    rule.offered(schedule, &clinic, server, unreadable, doubt),
                    "on schedule {}", schedule
                );
            }
        }
    }

    /// What was learnt survives being written down, and every change of it is named.
    #[test]
    fn knowledge_is_stored_small_and_its_changes_are_named(clinics in changing_clinics(), server in servers()) {
        let mut rosters = Rosters::new();
        for clinic in clinics {
            let readings = clinic.read(server, None);
            let before = rosters.clone();
            let changed = learn(&mut rosters, &readings, &zones().server);
            for (key, day) in &rosters {
                prop_assert_eq!(changed.contains(key), before.get(key) != Some(day));
                let text = serde_json::to_string(day).unwrap();
                prop_assert!(text.len() < 4096);
                prop_assert_eq!(&serde_json::from_str::<vetbridge::availability::RosterDay>(&text).unwrap(), day);
            }
        }
    }
}
