//! Each rule on a tiny made-up tree: that it finds what it should, and nothing else.

use super::imports::named_in;
use super::rules::{self, Exception, Finding};
use super::sources::Program;

/// A library whose doc has this reading order, and these files below `src/`.
fn program(rows: &[&str], files: &[(&str, &str)]) -> Program {
    let table: String = rows.iter().map(|row| format!("//! | {row} |\n")).collect();
    let library = ("src/lib.rs".to_owned(), format!("//! # Reading order\n{table}"));
    let files = files.iter().map(|(path, text)| (format!("src/{path}"), (*text).to_owned()));
    Program::new(files.chain([library]).collect())
}

fn about(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.about.as_str()).collect()
}

const ABC: &[&str] = &["[`a`], [`b`] | words", "[`c`] | the rest"];

#[test]
fn paths_are_found_in_declarations_and_in_code_and_not_in_comments_and_texts() {
    let code = "use crate::{a::{self, B as C}, d::*};\n/// [`crate::doc`]\nfn f<'x>() -> super::G<'x> {\n\
                \"crate::text\"; r#\"crate::\"raw\"#; '\"'; 1u8; self.h::<I>(); crate::j::k(l::M::n) }\n";
    let program = program(ABC, &[("a.rs", code)]);
    let named = named_in(&program.files[0].tokens);
    let named: Vec<String> = named
        .iter()
        .map(|named| format!("{}:{}:{}", named.line, named.path.join("."), named.bound_as.as_deref().unwrap_or("-")))
        .collect();
    let expected = ["1:crate.a:a", "1:crate.a.B:C", "1:crate.d:-", "3:super.G:-", "4:crate.j.k:-", "4:l.M.n:-"];
    assert_eq!(named, expected);
}

#[test]
fn an_arrow_to_a_later_module_is_found_by_declaration_by_path_and_through_names_in_scope() {
    for code in [
        "use crate::c::C;",
        "use crate::c;\nfn f() { c::g() }",
        "use crate::c as d;\nfn f() { d::g() }",
        "fn f() { crate::c::g() }",
        "fn f() { super::c::g() }",
        "use super::c::*;",
    ] {
        let found = rules::upward_arrows(&program(ABC, &[("a.rs", code), ("c.rs", ""), ("b.rs", "")]));
        assert_eq!(about(&found), ["src/a.rs -> src/c.rs"], "{code}");
    }
    let found = rules::upward_arrows(&program(ABC, &[("a.rs", "use super::b::B;"), ("b.rs", "")]));
    assert_eq!(about(&found), ["src/a.rs -> src/b.rs"], "within a row as well");
}

#[test]
fn an_arrow_to_an_earlier_module_and_one_of_a_test_are_none() {
    let code = "//! crate::c::Doc\nuse crate::a::A;\n#[cfg(test)]\nmod fakes;\nuse std::fmt;\n\
                #[cfg(test)]\nmod tests { use crate::c::C; }";
    let files = [("b/mod.rs", code), ("b/fakes.rs", "use crate::c::C;"), ("a.rs", ""), ("c.rs", "")];
    assert_eq!(rules::upward_arrows(&program(ABC, &files)), []);
}

#[test]
fn a_module_without_a_row_is_found_and_a_part_can_have_a_row_of_its_own() {
    assert_eq!(about(&rules::upward_arrows(&program(ABC, &[("stray.rs", "")]))), ["src/stray.rs"]);
    let rows = ["[`a::low`] |", "[`b`] |", "[`a`] |"];
    let files =
        [("a/mod.rs", ""), ("a/low.rs", ""), ("a/high.rs", "use crate::b::B;"), ("b.rs", "use crate::a::low::L;")];
    assert_eq!(rules::upward_arrows(&program(&rows, &files)), []);
}

#[test]
fn a_name_that_is_exported_again_leads_to_the_file_that_defines_it() {
    let rows = ["[`a::low`] |", "[`b`] |", "[`a`] |"];
    let gathered = "mod low;\npub use low::L;\npub struct High;";
    let files = |code| [("a/mod.rs", gathered), ("a/low.rs", "pub struct L;"), ("b.rs", code)];
    assert_eq!(rules::upward_arrows(&program(&rows, &files("use crate::a::L;"))), []);
    let found = rules::upward_arrows(&program(&rows, &files("use crate::a::{High, L};")));
    assert_eq!(about(&found), ["src/b.rs -> src/a/mod.rs"]);
}

#[test]
fn what_the_core_names_of_the_world_is_found() {
    let rows = ["[`a`], [`b`] | core", "[`c`] | shell"];
    let found = |code| {
        let files = [("a.rs", ""), ("b.rs", code), ("c.rs", "use tokio::time;")];
        rules::impurities(&program(&rows, &files), super::NOT_IN_THE_CORE).len()
    };
    assert_eq!(found("use crate::a::A;\nuse std::{fmt, collections};\nuse tokio_like::X;"), 0);
    assert_eq!(found("use std::{fmt, fs};"), 1);
    assert_eq!(found("fn f() { tracing::info!(\"x\") }"), 1);
    assert_eq!(found("use tokio::time::Instant;\nuse crate::c::C;"), 2);
    let unmarked = program(ABC, &[("a.rs", "")]);
    assert_eq!(about(&rules::impurities(&unmarked, super::NOT_IN_THE_CORE)), ["src/lib.rs"]);
}

#[test]
fn a_file_that_names_a_crate_is_found_and_one_that_names_a_module_of_the_same_name_is_not() {
    let files = [
        ("a.rs", "use engine::Disk;\nuse crate::engine::Own;"),
        ("b.rs", "use crate::engine::Own;\n// engine::Comment\nfn f() { super::engine::g(\"engine::text\") }"),
        ("c.rs", "use ::engine::Disk;"),
        ("d.rs", "fn f() { engine::g() }"),
        ("engine.rs", "pub struct Own;\n#[cfg(test)]\nmod tests { use engine::Disk; }"),
    ];
    let found = rules::files_that_name_the_crate(&program(ABC, &files), "engine");
    assert_eq!(found, ["src/a.rs", "src/c.rs", "src/d.rs"]);
}

#[test]
fn a_circle_is_found_with_its_files_and_with_a_way_around_it() {
    let files = [("a.rs", "use crate::b::B;"), ("b.rs", "\nuse crate::c::C;"), ("c.rs", "use super::a::A;")];
    let found = rules::circles(&program(ABC, &files), false);
    assert_eq!(about(&found), ["src/a.rs"]);
    assert!(found[0].text.contains("src/b.rs:2 names crate::c::C of src/c.rs"), "{}", found[0].text);
    let straight = [("a.rs", "use crate::b::B;"), ("b.rs", "use crate::c::C;"), ("c.rs", "")];
    assert_eq!(rules::circles(&program(ABC, &straight), false), []);
}

#[test]
fn a_folder_and_its_mod_rs_make_a_circle_unless_that_is_allowed() {
    let files = [("a/mod.rs", "mod b;\nuse b::B;\nstruct A;"), ("a/b.rs", "use super::A;")];
    assert_eq!(rules::circles(&program(ABC, &files), false).len(), 1);
    assert_eq!(rules::circles(&program(ABC, &files), true), []);
    let declared = [("a/mod.rs", "mod b;\nstruct A;"), ("a/b.rs", "use super::A;")];
    assert_eq!(rules::circles(&program(ABC, &declared), false), [], "a declaration is no arrow");
}

#[test]
fn a_module_within_a_file_finds_the_file_one_step_up() {
    let inner = "struct B;\nmod c { use super::B; fn f() { super::super::A::g() } }\nuse super::A;";
    let program = program(ABC, &[("a/mod.rs", "mod b;\nuse b::B;\nstruct A;"), ("a/b.rs", inner)]);
    let named: Vec<String> = named_in(&program.files[0].tokens).iter().map(|named| named.path.join("::")).collect();
    assert_eq!(named, ["self::B", "self::super::A::g", "super::A"]);
    assert_eq!(rules::circles(&program, false).len(), 1);
}

#[test]
fn a_name_of_two_types_is_found() {
    let files = [
        ("a.rs", "pub struct X;\nimpl Y for X {\n    type Error = ();\n}\n    struct Inner;"),
        ("b.rs", "pub(super) type X = u8;\nenum Z {}\nimpl Y for Z {\n    type Error = ();\n}"),
        ("c.rs", "fn f<T>() { struct Inner; }\n#[cfg(test)]\nmod tests { struct Z; }"),
    ];
    assert_eq!(about(&rules::names_of_several_types(&program(ABC, &files))), ["Inner", "X"]);
}

#[test]
fn a_long_line_is_found_unless_it_is_a_row_or_has_an_address() {
    let long = "x".repeat(15);
    let code = format!("{long}\n// {long}\n//! | {long}\n// https://{long}\n// {}\n    {long}", &long[..5]);
    let program = program(&["[`a`] |"], &[("a.rs", &code)]);
    let found = rules::long_lines(&program, 18, 10);
    let lines: Vec<&str> = found.iter().filter_map(|finding| finding.text.split(':').nth(1)).collect();
    assert_eq!(lines[..2], ["2", "6"], "{found:?}");
}

#[test]
fn an_exception_covers_what_it_names_and_one_that_covers_nothing_is_reported() {
    let finding = |about: &str| Finding { about: about.to_owned(), text: format!("{about}!") };
    let exceptions = ["a", "old"].map(|about| Exception { about, reason: "a reason" });
    let left = rules::not_excused(&[finding("a"), finding("b")], &exceptions);
    assert_eq!(left, ["b!", "old (a reason): nothing to excuse; remove the exception"]);
}
