//! The threads of the program.

use std::num::NonZeroUsize;
use std::thread;

use tokio::runtime::{Builder, Runtime};

/// A bridge waits for servers nearly all of the time, so a few threads do, however many processors
/// the machine has. One thread for each would meet the service manager's limit of tasks on a large
/// machine, and end the program at its start.
const WORKERS_MAX: usize = 4;
/// For what may block: names that are looked up, the disk, a list of bookings for each client who
/// reads one. Whatever is above waits for its turn.
const BLOCKING_MAX: usize = 64;

/// The runtime of a command or of the service.
///
/// # Errors
/// The system gives no threads.
pub(super) fn new() -> std::io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(workers(thread::available_parallelism().ok()))
        .max_blocking_threads(BLOCKING_MAX)
        .enable_all()
        .build()
}

fn workers(processors: Option<NonZeroUsize>) -> usize {
    processors.map_or(1, NonZeroUsize::get).min(WORKERS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_machine_gets_no_more_workers_than_a_small_one() {
        let workers = |processors| workers(NonZeroUsize::new(processors));
        assert_eq!((workers(1), workers(2), workers(4), workers(96)), (1, 2, 4, 4));
    }
}
