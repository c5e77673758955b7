//! How many instructions the pieces take that every booking and every reading go through.
//!
//! `CARGO_INCREMENTAL=0 cargo bench --profile simulation --bench instructions` counts them under
//! valgrind's cachegrind (Debian's package `valgrind`) and holds them against the last line of each
//! piece in `benches/instructions/counts.txt`. It fails when a piece takes more than 5 % more.
//! Whoever means that adds the line that it prints, with the reason. Other than times, counts hardly
//! depend on the machine and on what else runs there. They do depend on the compiler and on the
//! profile: where the file has no line of these for this kind of processor, the benchmark says so
//! and fails nothing.
//!
//! A piece is set up and then done once, and in another process eleven times: a tenth of the
//! difference is the piece alone.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement prints, and stands on fixed values")]

mod counts;
mod pieces;
#[path = "../common/practice.rs"]
mod practice;

use std::path::Path;
use std::process::{Command, ExitCode};

use counts::{Counts, Verdict};
use pieces::PIECES;

/// So many times more in the second process.
const TIMES: u64 = 10;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, name, times] = &arguments[..]
        && word == "piece"
    {
        let (_, set_up) = PIECES.iter().find(|(own, _)| own == name).unwrap();
        let mut piece = set_up();
        (0..times.parse().unwrap()).for_each(|_| piece());
        return ExitCode::SUCCESS;
    }
    let compiler = compiler();
    let counts = Counts::parse(include_str!("counts.txt"), &compiler).unwrap();
    let mut has_grown = false;
    println!("{:<14}{:>14}{:>14}{:>9}", "piece", "instructions", "before", "");
    for (name, _) in PIECES {
        let count = (instructions(name, TIMES + 1) - instructions(name, 1)) / TIMES;
        let (before, verdict) = counts.judge(name, count);
        let before = before.map_or_else(|| "-".to_owned(), |before| before.to_string());
        println!("{name:<14}{count:>14}{before:>14}{:>9}", verdict.to_string());
        if verdict != Verdict::Same {
            println!("    {}", counts::line(name, &compiler, count));
        }
        has_grown |= verdict == Verdict::Grown;
    }
    if has_grown {
        println!("A piece takes over 5 % more. Make it cheaper, or add its line to the counts, with the reason.");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// What a count can be compared within: compiler, kind of processor, profile.
fn compiler() -> String {
    let said = Command::new("rustc").arg("--version").output().unwrap().stdout;
    let said = String::from_utf8(said).unwrap();
    let version = said.split_whitespace().nth(1).unwrap();
    let program = std::env::current_exe().unwrap();
    let profile = program.ancestors().nth(2).and_then(Path::file_name).unwrap();
    format!("{version} {} {}", std::env::consts::ARCH, profile.display())
}

/// What a process takes that does a piece so often.
fn instructions(piece: &str, times: u64) -> u64 {
    let valgrind = Command::new("valgrind")
        .args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"])
        .arg(std::env::current_exe().unwrap())
        .args(["piece", piece, &times.to_string()])
        .output();
    let said = valgrind.map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
    let said = said.unwrap_or_else(|error| panic!("valgrind cannot be run ({error}): install the package valgrind"));
    let count = said.lines().find_map(|line| line.split_once("I   refs:").or_else(|| line.split_once("I refs:")));
    let (_, count) = count.unwrap_or_else(|| panic!("valgrind counted nothing: {said}"));
    count.trim().replace(',', "").parse().unwrap()
}
