//! Messages on their way to one receiver: in their order, each until it arrives or an hour is over.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// The pauses between attempts: the first,
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// and the longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// So long a message is tried.
pub const TRIED_FOR: Duration = Duration::from_secs(3600);
/// So many messages wait at most; then the oldest is given up.
pub const WAITING_MAX: usize = 100;

/// What waits for one receiver.
#[derive(Debug)]
pub struct Outbox<T> {
    waiting: VecDeque<Waiting<T>>,
}

#[derive(Debug)]
struct Waiting<T> {
    message: Arc<T>,
    since: Duration,
    attempts: u32,
    due: Duration,
}

impl<T> Default for Outbox<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new() }
    }
}

impl<T> Outbox<T> {
    /// Another message. The oldest one, if there are too many and it is given up.
    pub fn push(&mut self, message: Arc<T>, at: Duration) -> Option<Arc<T>> {
        self.waiting.push_back(Waiting { message, since: at, attempts: 0, due: at });
        let oldest = if self.waiting.len() > WAITING_MAX { self.waiting.pop_front() } else { None };
        oldest.map(|oldest| oldest.message)
    }

    /// The message to try at this moment.
    pub fn due(&self, at: Duration) -> Option<Arc<T>> {
        self.waiting.front().filter(|first| first.due <= at).map(|first| Arc::clone(&first.message))
    }

    /// This message arrived.
    pub fn arrived(&mut self, message: &Arc<T>) {
        self.waiting.retain(|own| !Arc::ptr_eq(&own.message, message));
    }

    /// This message did not arrive. True if it is given up.
    pub fn failed(&mut self, message: &Arc<T>, at: Duration) -> bool {
        let Some(first) = self.waiting.front_mut().filter(|own| Arc::ptr_eq(&own.message, message)) else {
            return false;
        };
        let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(first.attempts)).min(LONGEST_PAUSE);
        (first.attempts, first.due) = (first.attempts.saturating_add(1), at.saturating_add(pause));
        let is_given_up = first.due.saturating_sub(first.since) > TRIED_FOR;
        if is_given_up {
            self.waiting.pop_front();
        }
        is_given_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// The moments at which a message is tried that never arrives.
    fn attempts() -> Vec<u64> {
        let (mut outbox, mut tried) = (Outbox::default(), Vec::new());
        outbox.push(Arc::new("message"), seconds(0));
        for at in 0..2 * TRIED_FOR.as_secs() {
            if let Some(message) = outbox.due(seconds(at)) {
                tried.push(at);
                outbox.failed(&message, seconds(at));
            }
        }
        tried
    }

    #[test]
    fn a_message_is_tried_after_growing_pauses_of_at_most_a_minute_for_an_hour() {
        let tried = attempts();
        assert_eq!(tried[..9], [0, 1, 3, 7, 15, 31, 63, 123, 183]);
        assert!(tried.last().is_some_and(|last| (3541..=3600).contains(last)), "{tried:?}");
    }

    #[test]
    fn messages_arrive_in_their_order_and_one_that_is_given_up_lets_the_next_one_through() {
        let mut outbox = Outbox::default();
        for message in ["first", "second"] {
            assert_eq!(outbox.push(Arc::new(message), seconds(0)), None);
        }
        let first = outbox.due(seconds(0)).unwrap();
        assert!(!outbox.failed(&first, seconds(0)) && outbox.due(seconds(0)).is_none(), "the second waits");
        let again = outbox.due(seconds(3600)).unwrap();
        assert_eq!(*again, "first");
        assert!(outbox.failed(&again, seconds(3600)), "after an hour");
        let second = outbox.due(seconds(3600)).unwrap();
        assert_eq!(*second, "second");
        outbox.arrived(&second);
        assert!(outbox.due(seconds(9999)).is_none());
    }

    #[test]
    fn so_many_messages_wait_and_no_more() {
        let mut outbox = Outbox::default();
        let given_up: Vec<_> = (0..WAITING_MAX + 2).filter_map(|n| outbox.push(Arc::new(n), seconds(0))).collect();
        assert_eq!(given_up, [Arc::new(0), Arc::new(1)], "the oldest go");
    }
}
