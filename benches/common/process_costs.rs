//! What the system says a process has cost so far.

use std::fs;

/// Of one process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProcessCosts {
    /// Processor time, of all its threads, in user and system mode.
    pub(crate) cpu_seconds: f64,
    /// Memory that is resident.
    pub(crate) resident_mib: f64,
    /// The most that ever was.
    pub(crate) peak_mib: f64,
}

/// The unit of processor time in `/proc`: USER_HZ, which is 100 on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

impl ProcessCosts {
    /// As `/proc` has them at this moment.
    pub(crate) fn of(process: u32) -> Self {
        let read = |file: &str| fs::read_to_string(format!("/proc/{process}/{file}")).unwrap();
        let (stat, status) = (read("stat"), read("status"));
        // The name of the program, in brackets, may hold blanks.
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let field = |number: usize| fields.split_whitespace().nth(number - 3).unwrap().parse::<f64>().unwrap();
        let mib = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
        };
        // 14 and 15 in proc(5).
        let cpu_seconds = (field(14) + field(15)) / TICKS_PER_SECOND;
        Self { cpu_seconds, resident_mib: mib("VmRSS"), peak_mib: mib("VmHWM") }
    }
}
