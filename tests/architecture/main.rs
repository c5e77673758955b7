//! The architecture, checked: what the core may name, in which direction imports point, that no
//! files import each other in a circle, that one name means one type, and how long lines are.
//!
//! The tests read the sources as text. The order of the modules, and which of them are the core,
//! stand in the table "Reading order" of `src/lib.rs`; the exceptions stand below, each with its
//! reason. An exception that excuses nothing fails its test as well.
//!
//! - `sources`: which files there are, and the tokens of their product code.
//! - `imports`: the paths that a file names.
//! - `graph`: which file each path leads to, and the circles among the files.
//! - `rules`: each rule, as a function from the sources to findings.
//! - `examples`: each rule on a tiny made-up tree, so that it is known to fail.
//! - `figures`: sizes and counts for the closing notes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod examples;
mod figures;
mod graph;
mod imports;
mod rules;
mod sources;

use rules::{Exception, Finding};
use sources::Program;

/// Crates and parts of the standard library that do I/O, wait, or log. The core names none.
const NOT_IN_THE_CORE: &[&str] =
    &["tokio", "tokio_util", "reqwest", "hyper", "axum", "tracing", "prometheus_client", "sled", "std::fs", "std::net"];

/// Crates that may have to be replaced one day (`docs/architecture.md`, "Dependencies that may have to be replaced"), each with the one file that
/// may name it.
const BEHIND_ONE_FILE: &[(&str, &str)] = &[
    ("sled", "src/store/sled_engine.rs"),
    ("backoff", "src/backoff.rs"),
    ("windows_permissions", "src/os/windows/file_security.rs"),
];

/// False: a file that uses items of its folder's mod.rs makes a circle wherever mod.rs uses the
/// file. The strict rule is the simpler one to keep: items that several files of a folder share
/// stand in a file of their own, and mod.rs only gathers. With `true`, arrows from a file to the
/// mod.rs of its own folder do not count for circles.
const A_FILE_MAY_USE_ITS_OWN_MOD_RS: bool = false;

const LINE_COLUMNS_MAX: usize = 120;
const COMMENT_COLUMNS_MAX: usize = 100;

/// At most two. `about` is `src/from.rs -> src/to.rs`.
const UPWARD_ARROWS_EXCUSED: &[Exception] = &[];
/// `about` is the name.
const TYPE_NAMES_EXCUSED: &[Exception] = &[];

#[test]
fn the_core_is_pure() {
    demand_none(&rules::impurities(&Program::of_this_crate(), NOT_IN_THE_CORE), &[]);
}

#[test]
fn every_import_points_to_a_module_that_is_read_earlier() {
    assert!(UPWARD_ARROWS_EXCUSED.len() <= 2, "remove an arrow before you excuse another");
    demand_none(&rules::upward_arrows(&Program::of_this_crate()), UPWARD_ARROWS_EXCUSED);
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    demand_none(&rules::circles(&Program::of_this_crate(), A_FILE_MAY_USE_ITS_OWN_MOD_RS), &[]);
}

#[test]
fn a_type_name_means_one_type() {
    demand_none(&rules::names_of_several_types(&Program::of_this_crate()), TYPE_NAMES_EXCUSED);
}

#[test]
fn a_crate_that_may_be_replaced_stands_behind_one_file() {
    for (name, file) in BEHIND_ONE_FILE {
        let named_in: Vec<String> = rules::files_that_name_the_crate(&Program::of_this_crate(), name);
        assert_eq!(named_in, [*file], "{name}");
    }
}

#[test]
fn every_line_fits_a_screen() {
    let program = Program::of_this_crate();
    demand_none(&rules::long_lines(&program, LINE_COLUMNS_MAX, COMMENT_COLUMNS_MAX), &[]);
}

/// Fails with every finding that no exception covers, and every exception that covers none.
fn demand_none(findings: &[Finding], exceptions: &[Exception]) {
    let left = rules::not_excused(findings, exceptions);
    assert!(left.is_empty(), "{} findings:\n{}\n", left.len(), left.join("\n"));
}
