//! Every path of one booking through the state machine, up to a depth: each call fails in each way
//! it can, the process dies between any two steps, staff take the slot at any moment, the server
//! carries out late what was given up.
//!
//! The world here is a few booleans, so that all of it can be walked. After each step the promises
//! of the state machine are checked.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use vetbridge::booking::entry::{Entry, State};
use vetbridge::booking::machine::{
    Action, Ask, Event, MachineContext, Reply, SlotLook, SlotTaken, Step, Submission, next_look, step,
};
use vetbridge::booking::post_record::LostRequest;
use vetbridge::ids::{BookingId, BookingReference, PracticeId};

use crate::support::{TIMEOUT, at, circumstances, measured, place};

const REFERENCE: &str = "603:be08f3c6";

/// What is true outside.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    /// Appointments of ours in the diary.
    ours: u8,
    /// An appointment of ours that readings do not show for a moment.
    unseen: bool,
    /// A POST that the server has taken and not carried out; it will, unless it restarts first.
    queued: bool,
    /// What somebody else took of the slot.
    others: u8,
    /// Healthengine lists the booking.
    listed: bool,
    /// The last look found the slot free and its lock is held.
    looked_free: bool,
    /// An answer of ours reached Healthengine, or can have, as far as the process knows.
    heard: bool,
}

impl World {
    /// The server carries a POST out: an overlap is refused.
    fn carry_out(&mut self) -> bool {
        let free = self.ours == 0 && self.others == 0;
        if free {
            self.ours += 1;
        }
        free
    }

    fn taken(&self) -> SlotTaken {
        match (self.ours > 0 && !self.unseen, self.others) {
            (true, _) | (_, 2) => SlotTaken::All,
            (false, 1) => SlotTaken::Part,
            (false, _) => SlotTaken::None,
        }
    }
}

#[derive(Clone)]
struct Point {
    /// What is durable.
    entry: Entry,
    world: World,
    now: i64,
    /// What the process is about to do; `None` after a rest or a crash.
    action: Option<Action>,
}

impl Point {
    /// A process that begins anew does not know whether the answer left that was next.
    fn may_be_heard(&self) -> bool {
        self.world.heard || matches!(self.action, Some(Action::Confirm(_) | Action::Reject(_) | Action::Cancel(_)))
    }
}

/// All that tells two points apart, with times counted from now.
fn key(point: &Point) -> String {
    let ago = |time: Option<DateTime<Utc>>| time.map(|time| (at(point.now) - time).num_seconds().clamp(-100, 100));
    let entry = &point.entry;
    let lost = entry.post.lost_answer.map(|lost| {
        let (is_over, free_at) = match lost.request {
            LostRequest::IsOver => (true, None),
            LostRequest::MayComeLate { free_at } => (false, free_at),
        };
        (ago(Some(lost.since)), is_over, ago(lost.looked_at), ago(free_at))
    });
    format!(
        "{:?}",
        (
            (
                entry.state,
                lost,
                ago(entry.post.submitted_at),
                ago(entry.booked_at),
                entry.post.without_effect,
                entry.is_acknowledged()
            ),
            (entry.answered.refusals.min(4), entry.answered.unlisted, entry.needs_attention.is_some(), entry.withdrawn),
            (&point.world, &point.action),
        )
    )
}

struct Walk {
    hold: bool,
    /// How deep the walk went on from each point.
    seen: HashMap<String, u32>,
    settled: BTreeSet<State>,
}

impl Walk {
    fn circumstances(&self, now: i64) -> MachineContext {
        MachineContext { hold: self.hold, ..circumstances(now) }
    }

    fn go(&mut self, from: Point, depth: u32) {
        check(&from);
        let walked = self.seen.entry(key(&from)).or_default();
        if *walked >= depth {
            return;
        }
        *walked = depth;
        self.settled.insert(from.entry.state);
        // The process dies here and starts again on what is durable.
        if from.action.is_some() {
            let world = World { looked_free: false, heard: from.may_be_heard(), ..from.world.clone() };
            self.go(Point { action: None, world, ..from.clone() }, depth - 1);
        }
        // Somebody else takes some or all of the slot, unless it is taken.
        if from.world.ours == 0 && from.world.others == 0 {
            for others in [1, 2] {
                self.go(Point { world: World { others, ..from.world.clone() }, ..from.clone() }, depth - 1);
            }
        }
        for (world, event, seconds) in outcomes(&from) {
            let now = from.now + seconds;
            // The process dies after the effect and before it hears of it.
            if from.action.is_some() {
                let world = World { looked_free: false, heard: from.may_be_heard(), ..world.clone() };
                self.go(Point { entry: from.entry.clone(), world, now, action: None }, depth - 1);
            }
            let Step { entry, action, .. } = step(from.entry.clone(), event.clone(), &self.circumstances(now));
            let mut world = world;
            if action == Action::Submit {
                assert!(world.looked_free, "a POST without a look that found the slot free: {entry:?}");
                assert_eq!(entry.state, State::Submitting, "a POST that is not durable first");
            }
            world.looked_free &= action == Action::Submit;
            let action = Some(action).filter(|action| *action != Action::Rest);
            self.go(Point { entry, world, now, action }, depth - 1);
        }
    }
}

fn seen(world: &World, now: i64) -> Event {
    let taken = world.taken();
    let refusal = (taken != SlotTaken::None).then(|| "The time is taken.".to_owned());
    Event::Looked(SlotLook::Seen { began: at(now), taken, refusal, withheld: None })
}

/// Everything that can come of the next thing the process does: the world after it, the event, the seconds it took.
fn outcomes(point: &Point) -> Vec<(World, Event, i64)> {
    let world = &point.world;
    match &point.action {
        None => idle(point),
        Some(Action::LookAndHold | Action::LookAgain) => {
            let mut outcomes = vec![(world.clone(), Event::Looked(SlotLook::Unreachable("refused".into())), 1)];
            // Two timeouts after the POST a server that answers has carried out or dropped what it
            // had; the first reading may still lack it.
            let late = point.entry.post.submitted_at.is_some_and(|submitted| at(point.now) >= submitted + TIMEOUT * 2);
            for carried_out in [true, false] {
                let mut after = world.clone();
                if !world.queued && !carried_out {
                    continue;
                }
                if world.queued && (late || carried_out) {
                    after.queued = false;
                    after.unseen = carried_out && after.carry_out();
                }
                let event = seen(&after, point.now);
                after.unseen = false;
                after.looked_free = point.action == Some(Action::LookAndHold) && after.taken() == SlotTaken::None;
                outcomes.push((after, event, 1));
            }
            outcomes
        }
        Some(Action::Submit) => submissions(world),
        Some(Action::Confirm(with)) => {
            let expected = if point.entry.state == State::InDoubt { vec![] } else { vec![REFERENCE.to_owned()] };
            assert_eq!(with.pms_appointment_ids, expected);
            assert!(point.entry.state == State::InDoubt || world.ours == 1, "confirmed what does not stand");
            replies(world)
        }
        Some(Action::Reject(_) | Action::Cancel(_)) => replies(world),
        Some(Action::Relist) => {
            let event = if world.listed { Event::StillListed } else { Event::Unlisted };
            vec![(world.clone(), event, 1)]
        }
        Some(Action::Rest) => unreachable!("rests are kept as None"),
    }
}

fn submissions(world: &World) -> Vec<(World, Event, i64)> {
    let lost = |server_is_through| Event::Submitted(Submission::Lost { server_is_through, detail: "no answer".into() });
    let mut done = world.clone();
    let answer = if done.carry_out() {
        Submission::Created(BookingReference(REFERENCE.into()))
    } else {
        Submission::Refused("An appointment is already scheduled for 1-2".into())
    };
    vec![
        (world.clone(), Event::Submitted(Submission::NothingDone("refused".into())), 1),
        (done.clone(), Event::Submitted(answer), 1),
        // Lost before it took effect, after it, and before it for now.
        (world.clone(), lost(true), 1),
        (world.clone(), lost(false), 10),
        (done.clone(), lost(true), 1),
        (done, lost(false), 10),
        (World { queued: true, ..world.clone() }, lost(false), 10),
    ]
}

fn replies(world: &World) -> Vec<(World, Event, i64)> {
    let by_hand = World { listed: false, ..world.clone() };
    let lost = World { heard: true, ..world.clone() };
    let settled = World { heard: true, ..by_hand.clone() };
    // Somebody can have been quicker, also just now.
    let refused = vec![
        (by_hand.clone(), Event::Replied(Reply::Refused), 1),
        (by_hand.clone(), Event::Replied(Reply::NotDelivered), 1),
        (World { heard: true, ..by_hand }, Event::Replied(Reply::NoAnswer), 1),
    ];
    if !world.listed {
        return refused;
    }
    let taken = vec![
        (settled.clone(), Event::Replied(Reply::Accepted), 1),
        (settled, Event::Replied(Reply::NoAnswer), 1),
        (lost, Event::Replied(Reply::NoAnswer), 1),
        (world.clone(), Event::Replied(Reply::NotDelivered), 1),
    ];
    [refused, taken].concat()
}

/// Nothing is under way: the poll lists the booking or not, staff settle it at Healthengine, time passes.
fn idle(point: &Point) -> Vec<(World, Event, i64)> {
    let mut outcomes = Vec::new();
    for seconds in [1, 25] {
        if point.world.listed {
            outcomes.push((point.world.clone(), Event::Asked(Ask::Insert(place())), seconds));
            outcomes.push((World { listed: false, ..point.world.clone() }, Event::Unlisted, seconds));
        } else if point.entry.is_open() {
            outcomes.push((point.world.clone(), Event::Unlisted, seconds));
        }
        if next_look(&point.entry, TIMEOUT, &measured(point.now)).is_some() {
            outcomes.push((point.world.clone(), Event::Due, seconds));
        }
    }
    outcomes
}

fn check(point: &Point) {
    let Point { entry, world, .. } = point;
    assert!(world.ours <= 1, "booked twice: {entry:#?}");
    let flagged = entry.needs_attention.is_some();
    match entry.state {
        State::Rejected => {
            assert!(world.ours == 0, "an appointment of a rejected booking stands: {entry:#?} {world:?}")
        }
        State::Inserted | State::Confirmed => {
            assert_eq!(world.ours, 1, "{entry:#?} {world:?}");
            let unexpected = entry.state == State::Confirmed && !world.heard;
            assert!(!unexpected || flagged, "stands, and Healthengine cannot have heard of it: {entry:#?} {world:?}");
        }
        State::InDoubt => assert!(flagged, "in doubt and nobody is told: {entry:#?}"),
        State::Received => assert!(world.ours == 0, "forgot an appointment: {entry:#?} {world:?}"),
        State::Submitting | State::Cancelled => {}
    }
}

fn walk(hold: bool, depth: u32) -> Walk {
    let entry = Entry::received(BookingId(1), PracticeId("1".into()), Some(at(0)), "p-1".into(), at(1));
    let world =
        World { ours: 0, unseen: false, queued: false, others: 0, listed: true, looked_free: false, heard: false };
    let mut walk = Walk { hold, seen: HashMap::new(), settled: BTreeSet::new() };
    walk.go(Point { entry, world, now: 1, action: None }, depth);
    walk
}

#[test]
fn no_path_books_twice_confirms_what_does_not_stand_or_leaves_a_rejected_appointment() {
    for hold in [false, true] {
        let walk = walk(hold, 12);
        assert!(walk.seen.len() > 10_000, "only {} points were seen", walk.seen.len());
        for state in
            [State::Received, State::Submitting, State::Inserted, State::Confirmed, State::Rejected, State::InDoubt]
        {
            assert!(walk.settled.contains(&state), "{state:?} was never reached");
        }
    }
}
