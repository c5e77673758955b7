//! A person settles a booking, on every path up to a depth: each call fails in each way it can, the
//! process dies between any two steps, the pet owner cancels at any moment, staff cancel the
//! appointment, and the watch comes by.
//!
//! From each point the faults then end, and both systems must come to what the diary says, with
//! nothing left flagged that a person settled.

use std::collections::{BTreeSet, HashMap};

use vetbridge::booking::answered::Acknowledged;
use vetbridge::booking::diary_watch::is_watched;
use vetbridge::booking::entry::{Entry, State};
use vetbridge::booking::machine::{Action, Ask, Event, Reply, Resolved, ResolvedAs, Step, step};
use vetbridge::booking::resolution::{DiaryCheck, Resolution, Unresolved, after_delete, after_get, diary_check};
use vetbridge::booking::update::{self, AfterCancel, UpdatePlan, after_cancel};
use vetbridge::call_error::{Answer, CallError, ErrorClass};
use vetbridge::healthengine::{BookingStatus, BookingUpdate};
use vetbridge::ids::{AppointmentTypeId, BookingId, BookingReference, LocationId, PracticeId, RequestId, ScheduleId};
use vetbridge::openvpms::{BOOKING_NOT_FOUND, Booking};
use vetbridge::zone::Zone;

use crate::support::{at, circumstances, place};

const NOW: i64 = 100;

fn zone() -> Zone {
    "Australia/Sydney".parse().unwrap()
}

fn reference() -> BookingReference {
    BookingReference("603:be08f3c6".into())
}

/// What the pet owner sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Site {
    Requested,
    Confirmed,
    Failed,
    Cancelled,
}

/// What is true outside.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    /// The appointment stands in the diary.
    stands: bool,
    /// GET of a booking that stands is answered 500.
    mute: bool,
    site: Site,
    /// Healthengine lists the booking as outstanding.
    listed: bool,
    /// The pet owner's cancellation waits for an answer.
    update: bool,
    /// What anybody can still do: the pet owner cancels, staff cancel, a person resolves.
    owner_left: bool,
    staff_left: bool,
    persons_left: u8,
}

impl World {
    fn confirm(&mut self) -> Reply {
        if !std::mem::replace(&mut self.listed, false) {
            return Reply::Refused;
        }
        if self.site == Site::Requested {
            self.site = Site::Confirmed;
        }
        Reply::Accepted
    }

    /// `late`: the pet owner was told yes, and stays so.
    fn reject(&mut self, late: bool) -> Reply {
        if !std::mem::replace(&mut self.listed, false) {
            return Reply::Refused;
        }
        if self.site == Site::Requested {
            self.site = if late { Site::Confirmed } else { Site::Failed };
        }
        Reply::Accepted
    }

    fn cancel(&mut self) -> Reply {
        let asked = std::mem::replace(&mut self.listed, false);
        match self.site {
            Site::Cancelled | Site::Failed if !asked => Reply::Refused,
            Site::Cancelled | Site::Failed => Reply::Accepted,
            Site::Requested | Site::Confirmed => {
                self.site = Site::Cancelled;
                Reply::Accepted
            }
        }
    }

    fn get(&self) -> Answer<Booking> {
        match (self.stands, self.mute) {
            (false, _) => Err(CallError::with_status(ErrorClass::Refused, 404, BOOKING_NOT_FOUND)),
            (true, true) => Err(CallError::with_status(ErrorClass::Unavailable, 500, "failed")),
            (true, false) => Ok(Booking {
                location: LocationId(98),
                schedule: ScheduleId(136),
                appointment_type: AppointmentTypeId(66),
                start: zone().wall(place().span.start),
                end: zone().wall(place().span.end),
                user: None,
                customer: None,
            }),
        }
    }

    fn delete(&mut self) -> Answer<()> {
        if std::mem::replace(&mut self.stands, false) {
            return Ok(());
        }
        Err(CallError::with_status(ErrorClass::Refused, 404, BOOKING_NOT_FOUND))
    }
}

/// What the process has in hand; all of it is lost in a crash.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Hand {
    Empty,
    /// An action of the state machine's.
    Act(Action),
    /// A person's command before it asks OpenVPMS,
    Ask(Resolution),
    /// and before Healthengine's list is read.
    List(ResolvedAs),
    /// A pet owner's cancellation, before the DELETE.
    Delete,
}

#[derive(Clone)]
struct Point {
    entry: Entry,
    world: World,
    hand: Hand,
    /// A person's word was taken, and nobody changed anything since.
    settled: bool,
}

fn key(point: &Point) -> String {
    let entry = &point.entry;
    format!(
        "{:?}",
        (
            (
                entry.state,
                entry.is_acknowledged(),
                entry.owed(),
                entry.answered.refusals.min(4),
                entry.answered.unlisted,
                entry.diary.cancellation_suspended
            ),
            (entry.needs_attention.is_some(), &entry.reference, entry.withdrawn, entry.booked_at),
            (&point.world, &point.hand, point.settled),
        )
    )
}

fn lost() -> Answer<()> {
    Err(CallError::new(ErrorClass::Lost, "no answer"))
}

#[derive(Default)]
struct Walk {
    seen: HashMap<String, u32>,
    settled: BTreeSet<State>,
}

impl Walk {
    fn go(&mut self, from: &Point, depth: u32) {
        let walked = self.seen.entry(key(from)).or_default();
        if *walked >= depth {
            return;
        }
        *walked = depth;
        heal(from.clone());
        if from.settled {
            self.settled.insert(from.entry.state);
        }
        // The process dies here and starts again on what is durable.
        if from.hand != Hand::Empty {
            self.go(&Point { hand: Hand::Empty, ..from.clone() }, depth - 1);
        }
        for world in others(&from.world) {
            self.go(&Point { world, settled: false, ..from.clone() }, depth - 1);
        }
        for next in steps(from) {
            self.go(&next, depth - 1);
        }
    }
}

/// What others do at any moment.
fn others(world: &World) -> Vec<World> {
    let mut all = Vec::new();
    if world.owner_left && matches!(world.site, Site::Requested | Site::Confirmed) {
        all.push(World { owner_left: false, site: Site::Cancelled, update: true, ..world.clone() });
    }
    if world.staff_left && world.stands {
        all.push(World { staff_left: false, stands: false, ..world.clone() });
    }
    all
}

/// An event for the state machine; its action is what is in hand next.
fn seen(from: &Point, world: World, event: Event) -> Point {
    let Step { entry, action, .. } = step(from.entry.clone(), event, &circumstances(NOW));
    let hand = if action == Action::Rest { Hand::Empty } else { Hand::Act(action) };
    Point { entry, world, hand, settled: from.settled }
}

/// Everything that can come next.
fn steps(from: &Point) -> Vec<Point> {
    match &from.hand {
        Hand::Empty => idle(from),
        Hand::Act(action) => act(from, action),
        Hand::Ask(verdict) => ask(from, verdict),
        Hand::List(outcome) => [Some(from.world.listed), None]
            .into_iter()
            .map(|listed| {
                let resolved = Resolved { outcome: outcome.clone(), listed, note: None };
                Point { settled: true, ..seen(from, from.world.clone(), Event::Resolved(resolved)) }
            })
            .collect(),
        Hand::Delete => {
            let mut after = from.world.clone();
            let answer = after.delete();
            vec![
                deleted(from, after.clone(), &answer),
                deleted(from, after, &lost()),
                deleted(from, from.world.clone(), &lost()),
            ]
        }
    }
}

/// A cancellation for the pet owner came to an end; the update is answered with it.
fn deleted(from: &Point, world: World, answer: &Answer<()>) -> Point {
    match after_cancel(answer) {
        AfterCancel::Cancelled => {
            Point { settled: false, ..seen(from, World { update: false, ..world }, Event::CancelledForOwner) }
        }
        AfterCancel::Stands(_) => unreachable!("the visit has not begun"),
        AfterCancel::Refused | AfterCancel::Again => Point { world, hand: Hand::Empty, ..from.clone() },
    }
}

fn act(from: &Point, action: &Action) -> Vec<Point> {
    let tell = |apply: &dyn Fn(&mut World) -> Reply| {
        let mut after = from.world.clone();
        let reply = apply(&mut after);
        [
            seen(from, after.clone(), Event::Replied(reply)),
            seen(from, after, Event::Replied(Reply::NoAnswer)),
            seen(from, from.world.clone(), Event::Replied(Reply::NoAnswer)),
            seen(from, from.world.clone(), Event::Replied(Reply::NotDelivered)),
        ]
        .to_vec()
    };
    let late = from.entry.booked_at == Some(at(0));
    match action {
        Action::Confirm(_) => tell(&World::confirm),
        Action::Reject(_) => tell(&|world| world.reject(late)),
        Action::Cancel(_) => {
            let mut all = tell(&World::cancel);
            if from.world.listed {
                // A server that wants an answer first.
                all.push(seen(from, from.world.clone(), Event::Replied(Reply::Refused)));
            }
            all
        }
        Action::Relist => {
            let event = if from.world.listed { Event::StillListed } else { Event::Unlisted };
            vec![seen(from, from.world.clone(), event), seen(from, from.world.clone(), Event::NotRelisted)]
        }
        // Whoever makes appointments is another test's.
        Action::LookAndHold | Action::LookAgain | Action::Submit | Action::Rest => Vec::new(),
    }
}

fn ask(from: &Point, verdict: &Resolution) -> Vec<Point> {
    let dropped = |world: &World| Point { world: world.clone(), hand: Hand::Empty, ..from.clone() };
    let believed = |world: &World, outcome| Point { hand: Hand::List(outcome), ..dropped(world) };
    let failed = |world: &World| seen(from, world.clone(), Event::Unresolved("no answer".into()));
    let judged = |world: &World, outcome: Result<ResolvedAs, Unresolved>| match outcome {
        Ok(outcome) => believed(world, outcome),
        Err(Unresolved::Refused(_)) => dropped(world),
        Err(Unresolved::Failed(_)) => failed(world),
    };
    match diary_check(&from.entry, verdict) {
        Err(_) | Ok(DiaryCheck::AlreadySettled) => vec![dropped(&from.world)],
        Ok(DiaryCheck::Nothing(outcome)) => vec![believed(&from.world, outcome)],
        Ok(DiaryCheck::Get(asked)) => {
            let outcome = after_get(&from.entry, verdict, &asked, &from.world.get(), zone());
            if matches!(verdict, Resolution::Rejected) && from.world.stands {
                assert!(matches!(outcome, Err(Unresolved::Refused(_))), "an appointment that stands is forgotten");
            }
            let away = after_get(&from.entry, verdict, &asked, &lost().map(|()| unreachable!()), zone());
            vec![judged(&from.world, outcome), judged(&from.world, away)]
        }
        Ok(DiaryCheck::Delete(_)) => {
            let mut after = from.world.clone();
            let answer = after.delete();
            vec![judged(&after, after_delete(&answer)), failed(&after), failed(&from.world)]
        }
    }
}

/// Nothing is in hand: a poll, a time that comes, the watch, an update, or a person.
fn idle(from: &Point) -> Vec<Point> {
    let mut all = routine(from);
    if from.world.persons_left > 0 {
        let world = World { persons_left: from.world.persons_left - 1, ..from.world.clone() };
        // A person says what is so, or wants the appointment cancelled.
        let truth = if from.world.stands {
            Resolution::Confirmed { reference: Some(reference()), force: from.world.mute && !from.entry.given_up }
        } else {
            Resolution::Rejected
        };
        // Of an appointment whose reference nobody knows a person says "cancelled" after cancelling it by hand.
        let by_hand = from.entry.reference.is_none();
        for verdict in [truth, Resolution::Rejected, Resolution::Cancelled] {
            let unknown = by_hand && from.world.stands;
            if verdict == Resolution::Rejected && unknown {
                continue;
            }
            let mut world = world.clone();
            if verdict == Resolution::Cancelled && by_hand {
                world.stands = false;
            }
            all.push(Point { world, hand: Hand::Ask(verdict), ..from.clone() });
        }
    }
    all
}

/// What the bridge does by itself.
fn routine(from: &Point) -> Vec<Point> {
    let Point { entry, world, .. } = from;
    let mut all = Vec::new();
    if world.listed {
        all.push(seen(from, world.clone(), Event::Asked(Ask::Unread("away".into()))));
    } else if entry.is_open() && !entry.answered.unlisted && !entry.owes_a_cancellation() {
        all.push(seen(from, world.clone(), Event::Unlisted));
    }
    if entry.owes_a_cancellation() {
        all.push(seen(from, world.clone(), Event::Due));
    }
    if is_watched(entry, at(NOW)) && !world.stands {
        all.push(seen(from, world.clone(), Event::Gone));
    }
    if world.update {
        all.extend(owners_update(from));
    }
    all
}

fn owners_update(from: &Point) -> Option<Point> {
    let update = BookingUpdate {
        request_id: RequestId(7),
        booking_id: BookingId(1),
        pms_appointment_ids: Vec::new(),
        pms_patient_id: None,
        updated_at: None,
        status: BookingStatus::Cancelled,
    };
    let answered = World { update: false, ..from.world.clone() };
    match update::plan(&update, Some(&from.entry), Some(from.world.listed).into()) {
        UpdatePlan::Confirm => Some(Point { world: answered, ..from.clone() }),
        UpdatePlan::RejectAndFlag(why) => {
            Some(Point { settled: false, ..seen(from, answered, Event::CannotCancel(why)) })
        }
        UpdatePlan::Cancel(_) => Some(Point { hand: Hand::Delete, ..from.clone() }),
        UpdatePlan::AfterBooking { withdraw: true } => Some(seen(from, from.world.clone(), Event::Withdrawn)),
        // Nothing is echoed here.
        UpdatePlan::AfterBooking { withdraw: false }
        | UpdatePlan::RejectUnknown
        | UpdatePlan::AdoptAndCancel(_)
        | UpdatePlan::CancelBoth { .. }
        | UpdatePlan::Wait => None,
    }
}

/// Nothing fails any more and nobody does anything: both systems come to the same.
fn heal(mut point: Point) {
    let began = point.clone();
    for round in 0.. {
        // The first of every list of outcomes is the one in which all goes well.
        let next = match &point.hand {
            Hand::Empty => routine(&point).into_iter().find(|next| key(next) != key(&point)),
            Hand::Act(_) | Hand::Ask(_) | Hand::List(_) | Hand::Delete => steps(&point).into_iter().next(),
        };
        let Some(next) = next else { break };
        point = next;
        assert!(round < 50, "it never rests: {:#?} {:?}", point.entry, point.world);
    }
    let Point { entry, world, settled, .. } = &point;
    let tell = || format!("\nfrom {:?}\n{:?} {:?}\nto {entry:?}\n{world:?}", began.entry, began.world, began.hand);
    assert_eq!(entry.owed(), None, "Healthengine never hears of it{}", tell());
    if !settled {
        return;
    }
    assert_eq!(entry.needs_attention, None, "settled, and still flagged{}", tell());
    assert!(!world.listed && !world.update, "something waits{}", tell());
    assert_eq!(entry.stands(), world.stands, "the ledger is wrong about the diary{}", tell());
    let agreed = match world.site {
        Site::Requested => false,
        Site::Confirmed => world.stands,
        Site::Failed | Site::Cancelled => !world.stands,
    };
    assert!(agreed, "the pet owner and the diary differ{}", tell());
}

fn start(state: State, prepare: impl FnOnce(&mut Entry)) -> Entry {
    let mut entry = Entry::received(BookingId(1), PracticeId("1".into()), Some(at(0)), "p-1".into(), at(1));
    (entry.state, entry.place, entry.answered.acknowledged) = (state, Some(place()), Acknowledged::Yes);
    if entry.stands() {
        entry.diary.inserted_at = Some(at(5));
    }
    if matches!(state, State::Confirmed | State::Inserted) {
        entry.reference = Some(reference());
    }
    entry.needs_attention = Some("Look into the diary.".into());
    prepare(&mut entry);
    entry
}

/// Every kind of booking that is flagged, and what may be so outside.
fn starts() -> Vec<(Entry, World)> {
    let world = World {
        stands: true,
        mute: false,
        site: Site::Confirmed,
        listed: false,
        update: false,
        owner_left: true,
        staff_left: true,
        persons_left: 2,
    };
    let open = World { listed: true, ..world.clone() };
    let gone = |world: &World| World { stands: false, ..world.clone() };
    let mute = |world: &World| World { mute: true, ..world.clone() };
    let unheard = |entry: &mut Entry| entry.answered.acknowledged = Acknowledged::NotYet;
    let early =
        |entry: &mut Entry| (entry.answered.acknowledged, entry.booked_at) = (Acknowledged::NotYet, Some(at(NOW - 5)));
    let wait = World { site: Site::Requested, ..gone(&open) };
    vec![
        // In doubt: it stands, it does not, and Healthengine has not heard.
        (start(State::InDoubt, |_| {}), world.clone()),
        (start(State::InDoubt, |_| {}), gone(&world)),
        (start(State::InDoubt, |_| {}), mute(&world)),
        (start(State::InDoubt, unheard), open.clone()),
        (start(State::InDoubt, unheard), gone(&open)),
        // Moved, or out of sight; gone with many others, and made again by hand or not.
        (start(State::Confirmed, |_| {}), world.clone()),
        (start(State::Confirmed, |entry| entry.diary.out_of_sight = true), mute(&world)),
        (start(State::Confirmed, |entry| entry.diary.cancellation_suspended = true), gone(&world)),
        (start(State::Confirmed, |entry| entry.diary.cancellation_suspended = true), world.clone()),
        // Rejected too late, heard and not heard; settled by hand at Healthengine.
        (start(State::Rejected, |_| {}), gone(&world)),
        (start(State::Rejected, unheard), gone(&open)),
        // Not answered yet, in time and too late.
        (start(State::Received, early), wait),
        (start(State::Received, unheard), gone(&open)),
        (start(State::Inserted, unheard), open),
        // Not flagged at all.
        (start(State::Confirmed, |entry| entry.needs_attention = None), world.clone()),
        (start(State::Cancelled, |_| {}), World { site: Site::Cancelled, ..gone(&world) }),
    ]
}

#[test]
fn whatever_fails_or_meets_it_both_systems_follow_what_a_person_says() {
    let mut walk = Walk::default();
    for (entry, world) in starts() {
        walk.go(&Point { entry, world, hand: Hand::Empty, settled: false }, 14);
    }
    assert!(walk.seen.len() > 5_000, "only {} points were seen", walk.seen.len());
    for state in [State::Inserted, State::Confirmed, State::Rejected, State::Cancelled] {
        assert!(walk.settled.contains(&state), "{state:?} was never settled");
    }
}
