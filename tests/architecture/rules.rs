//! The rules, each a function from the sources to findings.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::{Arrow, Graph, circles as circles_among, way_around};
use super::sources::{Program, Source};

/// Something that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// What an exception would name.
    pub(super) about: String,
    /// Where it is, what it is, and what to do.
    pub(super) text: String,
}

/// Something that breaks a rule and may.
pub(super) struct Exception {
    pub(super) about: &'static str,
    pub(super) reason: &'static str,
}

/// The findings that no exception covers, and the exceptions that cover none.
pub(super) fn not_excused(findings: &[Finding], exceptions: &[Exception]) -> Vec<String> {
    let is_excused = |finding: &&Finding| exceptions.iter().any(|exception| exception.about == finding.about);
    let left = findings.iter().filter(|finding| !is_excused(finding)).map(|finding| finding.text.clone());
    let is_needed = |exception: &&Exception| findings.iter().any(|finding| finding.about == exception.about);
    let idle = exceptions.iter().filter(|exception| !is_needed(exception));
    let idle = idle.map(|idle| format!("{} ({}): nothing to excuse; remove the exception", idle.about, idle.reason));
    left.chain(idle).collect()
}

/// The files whose product code names this crate: `name::` that is no part of a longer path. A
/// module of the program with the same name is imported by its items.
pub(super) fn files_that_name_the_crate(program: &Program, name: &str) -> Vec<String> {
    let names_it = |file: &&Source| {
        let text = |at: Option<usize>| at.and_then(|at| file.tokens.get(at)).map_or("", |token| token.text.as_str());
        file.tokens.iter().enumerate().any(|(at, token)| {
            let before = [at.checked_sub(1), at.checked_sub(2)].map(text);
            let follows_a_segment =
                before[0] == "::" && before[1] != "use" && before[1].starts_with(char::is_alphabetic);
            token.text == name && text(Some(at + 1)) == "::" && !follows_a_segment
        })
    };
    program.files.iter().filter(names_it).map(|file| file.path.clone()).collect()
}

/// The table "Reading order" of `src/lib.rs`. What stands in it later may use what stands earlier.
struct ReadingOrder {
    /// Modules in segments, such as `openvpms` or `openvpms::api`, and whether each is of the core.
    entries: Vec<(Vec<String>, bool)>,
}

impl ReadingOrder {
    /// Reads the rows below the heading. The first cell names the modules, in backticks within
    /// square brackets; a cell with the word `core` makes them the core's.
    fn of(program: &Program) -> Self {
        let library = program.file_of(&[]).expect("there is a src/lib.rs");
        let rows = program.files[library].text.lines().skip_while(|line| *line != "//! # Reading order");
        let rows = rows.filter_map(|line| line.strip_prefix("//! |"));
        let entries = rows.flat_map(|row| {
            let is_core = row.split('|').any(|cell| cell.trim() == "core");
            let first = row.split('|').next().unwrap_or_default();
            let modules = first.split("[`").skip(1).filter_map(|rest| rest.split_once("`]"));
            modules.map(move |(module, _)| (module.split("::").map(str::to_owned).collect(), is_core))
        });
        Self { entries: entries.collect() }
    }

    /// The place of a module: that of its entry, or of the closest module around it that has one.
    fn place(&self, module: &[String]) -> Option<usize> {
        let around = self.entries.iter().enumerate().filter(|(_, (entry, _))| module.starts_with(entry));
        around.max_by_key(|(_, (entry, _))| entry.len()).map(|(place, _)| place)
    }

    fn is_core(&self, module: &[String]) -> bool {
        self.place(module).is_some_and(|place| self.entries[place].1)
    }
}

/// What the core names and must not: I/O, and modules outside of the core.
pub(super) fn impurities(program: &Program, forbidden: &[&str]) -> Vec<Finding> {
    let (order, graph) = (ReadingOrder::of(program), Graph::of(program));
    let mut findings = Vec::new();
    if order.entries.iter().all(|(_, is_core)| !is_core) {
        let text = "src/lib.rs: no row of the reading order has a cell `core`; mark those of the core".to_owned();
        findings.push(Finding { about: "src/lib.rs".to_owned(), text });
    }
    for (file, named) in program.files.iter().zip(&graph.named) {
        for named in named.iter().filter(|_| order.is_core(&file.module)) {
            let whole = named.path.join("::");
            if let Some(outer) = forbidden.iter().find(|outer| is_within(&whole, outer)) {
                let todo = "give the core the value, and let the shell do the work";
                let text = format!("{}:{}: the core names `{outer}` ({whole}); {todo}", file.path, named.line);
                findings.push(Finding { about: file.path.clone(), text });
            }
        }
    }
    for arrow in graph.arrows() {
        let (from, to) = (&program.files[arrow.from], &program.files[arrow.to]);
        if order.is_core(&from.module) && !order.is_core(&to.module) {
            let todo = "move what is pure into the core, or the caller out of it";
            let text = format!("{}: the core imports from `{}`; {todo}", shown(program, &arrow), to.module_name());
            findings.push(Finding { about: from.path.clone(), text });
        }
    }
    findings
}

fn is_within(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Imports from modules that are read later, and files of modules that have no place in the order.
pub(super) fn upward_arrows(program: &Program) -> Vec<Finding> {
    let order = ReadingOrder::of(program);
    let is_entry = |module: &[String]| module.is_empty() || module == ["main"];
    let placeless = program.files.iter().filter(|file| !is_entry(&file.module) && order.place(&file.module).is_none());
    let unplaced = placeless.map(|file| {
        let text = format!("{}: its module has no row in the reading order of src/lib.rs; add one", file.path);
        Finding { about: file.path.clone(), text }
    });
    let upward = Graph::of(program).arrows().into_iter().filter(|arrow| {
        let place = |file: usize| order.place(&program.files[file].module);
        matches!((place(arrow.from), place(arrow.to)), (Some(from), Some(to)) if from < to)
    });
    let upward = upward.map(|arrow| {
        let (from, to) = (&program.files[arrow.from], &program.files[arrow.to]);
        let todo = "move what is named to an earlier module, or what names it to a later one";
        let text = format!("{}: an arrow points upward; {todo}", shown(program, &arrow));
        Finding { about: format!("{} -> {}", from.path, to.path), text }
    });
    unplaced.chain(upward).collect()
}

/// Files that import each other, directly or by way of others.
pub(super) fn circles(program: &Program, own_mod_rs_is_free: bool) -> Vec<Finding> {
    let is_to_own_mod_rs = |arrow: &Arrow| {
        let (from, to) = (&program.files[arrow.from], &program.files[arrow.to]);
        from.module.split_last().is_some_and(|(_, around)| around == to.module)
    };
    let mut arrows = Graph::of(program).arrows();
    arrows.retain(|arrow| !(own_mod_rs_is_free && is_to_own_mod_rs(arrow)));
    let circles = circles_among(&arrows).into_iter().map(|circle| {
        let files: Vec<&str> = circle.iter().map(|file| program.files[*file].path.as_str()).collect();
        let way: Vec<String> = way_around(&circle, &arrows).into_iter().map(|arrow| shown(program, arrow)).collect();
        let todo = "move what is shared to a file that both can use";
        let text = format!(
            "a circle of {} files: {}\n    a shortest way around it; {todo}:\n    {}",
            files.len(),
            files.join(", "),
            way.join("\n    ")
        );
        Finding { about: files[0].to_owned(), text }
    });
    circles.collect()
}

/// Names that several structs, enums, traits or type aliases have.
pub(super) fn names_of_several_types(program: &Program) -> Vec<Finding> {
    let mut places: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for file in &program.files {
        for (at, token) in file.tokens.iter().enumerate() {
            let is_alias = token.text == "type" && is_first_of_its_line(file, at);
            if is_alias || matches!(token.text.as_str(), "struct" | "enum" | "trait") {
                let Some(name) = file.tokens.get(at + 1) else { continue };
                if name.text.starts_with(char::is_uppercase) {
                    places.entry(&name.text).or_default().insert(format!("{}:{}", file.path, name.line));
                }
            }
        }
    }
    let several = places.into_iter().filter(|(_, places)| places.len() > 1);
    let finding = |(name, places): (&str, BTreeSet<String>)| {
        let places: Vec<String> = places.into_iter().collect();
        let text = format!("`{name}` names {} types: {}; rename all but one", places.len(), places.join(", "));
        Finding { about: name.to_owned(), text }
    };
    several.map(finding).collect()
}

/// True for a `type` that begins its line, or has only `pub` or `pub(…)` before it: no associated
/// type.
fn is_first_of_its_line(file: &Source, at: usize) -> bool {
    let line = file.tokens[at].line;
    let before = file.tokens[..=at].iter().rev().take_while(|token| token.line == line);
    before.last().is_some_and(|first| first.begins_line)
}

/// Lines that are too long. Rows of tables and lines with an address may be of any length.
pub(super) fn long_lines(program: &Program, columns_max: usize, comment_columns_max: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &program.files {
        for (index, line) in file.text.lines().enumerate() {
            let trimmed = line.trim_start();
            let is_table = trimmed.trim_start_matches(['/', '!']).trim_start().starts_with('|');
            let columns_max = if trimmed.starts_with("//") { comment_columns_max } else { columns_max };
            let columns = line.chars().count();
            if columns > columns_max && !line.contains("://") && !(is_table && trimmed.starts_with("//")) {
                let text = format!("{}:{}: {columns} columns; break it at {columns_max}", file.path, index + 1);
                findings.push(Finding { about: file.path.clone(), text });
            }
        }
    }
    findings
}

/// `src/a.rs:12 names crate::b::C of src/b.rs`
fn shown(program: &Program, arrow: &Arrow) -> String {
    let (from, to) = (&program.files[arrow.from], &program.files[arrow.to]);
    format!("{}:{} names {} of {}", from.path, arrow.line, arrow.named, to.path)
}
