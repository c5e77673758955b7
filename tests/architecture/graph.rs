//! Which file each path leads to, and the circles among the files.

use std::collections::{BTreeMap, BTreeSet};

use super::imports::{self, Named};
use super::sources::Program;

/// One file names something that another one defines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Arrow {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) line: usize,
    /// The path as it is written.
    pub(super) named: String,
}

/// The program with everything that its files name.
pub(super) struct Graph<'a> {
    pub(super) program: &'a Program,
    pub(super) named: Vec<Vec<Named>>,
    bound: Vec<BTreeMap<String, Vec<String>>>,
}

/// Longer chains of re-exports are taken for circles of them.
const REEXPORTS_MAX: usize = 10;

impl<'a> Graph<'a> {
    pub(super) fn of(program: &'a Program) -> Self {
        let named: Vec<_> = program.files.iter().map(|file| imports::named_in(&file.tokens)).collect();
        let bound = named.iter().map(|named| imports::bound_in(named)).collect();
        Self { program, named, bound }
    }

    /// Every arrow between two files, with the first line that makes it.
    pub(super) fn arrows(&self) -> Vec<Arrow> {
        let mut arrows = BTreeMap::new();
        for (from, named) in self.named.iter().enumerate() {
            for named in named {
                let Some((to, is_module)) = self.target(from, &named.path, REEXPORTS_MAX) else { continue };
                // A module that is only brought into scope is used by the paths that begin with it.
                if to == from || (is_module && named.bound_as.is_some()) {
                    continue;
                }
                let arrow = Arrow { from, to, line: named.line, named: named.path.join("::") };
                arrows.entry((from, to)).or_insert(arrow);
            }
        }
        arrows.into_values().collect()
    }

    /// The file in which what a path names is defined, and whether it is the file's module itself.
    /// Nothing for paths of other crates, and for those that begin with a type.
    fn target(&self, from: usize, path: &[String], reexports_left: usize) -> Option<(usize, bool)> {
        let module = &self.program.files[from].module;
        let (first, rest) = path.split_first()?;
        let within = |module: &[String], rest: &[String]| self.resolve(module, rest, reexports_left);
        match first.as_str() {
            "crate" => within(&[], rest),
            "self" if rest.first().is_some_and(|next| matches!(next.as_str(), "self" | "super")) => {
                self.target(from, rest, reexports_left)
            }
            "self" => within(module, rest),
            "super" => {
                let ups = path.iter().take_while(|segment| *segment == "super").count();
                within(&module[..module.len().checked_sub(ups)?], &path[ups..])
            }
            _ => match self.bound[from].get(first) {
                Some(bound) if bound != path => {
                    let whole = [bound, rest].concat();
                    self.target(from, &whole, reexports_left.checked_sub(1)?)
                }
                _ => self.child(module, first).and_then(|child| within(&child, rest)),
            },
        }
    }

    /// Follows a path down from a module.
    fn resolve(&self, module: &[String], path: &[String], reexports_left: usize) -> Option<(usize, bool)> {
        let file = self.program.file_of(module)?;
        let Some((first, rest)) = path.split_first() else { return Some((file, true)) };
        if let Some(child) = self.child(module, first) {
            return self.resolve(&child, rest, reexports_left);
        }
        let reexported = self.bound[file].get(first).and_then(|bound| {
            let whole = [bound, rest].concat();
            self.target(file, &whole, reexports_left.checked_sub(1)?)
        });
        reexported.or(Some((file, false)))
    }

    fn child(&self, module: &[String], name: &str) -> Option<Vec<String>> {
        let child = [module, &[name.to_owned()]].concat();
        self.program.file_of(&child).is_some().then_some(child)
    }
}

/// The groups of more than one file in which each file leads to each other one.
pub(super) fn circles(arrows: &[Arrow]) -> Vec<BTreeSet<usize>> {
    let mut next: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for arrow in arrows {
        next.entry(arrow.from).or_default().push(arrow.to);
    }
    let reached: BTreeMap<usize, BTreeSet<usize>> =
        next.keys().map(|from| (*from, reached_from(*from, &next))).collect();
    let leads = |from: usize, to: usize| reached.get(&from).is_some_and(|reached| reached.contains(&to));
    let group = |file: usize| next.keys().copied().filter(|other| leads(file, *other) && leads(*other, file)).collect();
    let groups: BTreeSet<BTreeSet<usize>> = next.keys().map(|file| group(*file)).collect();
    groups.into_iter().filter(|group| group.len() > 1).collect()
}

fn reached_from(from: usize, next: &BTreeMap<usize, Vec<usize>>) -> BTreeSet<usize> {
    let (mut reached, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(file) = open.pop() {
        open.extend(next.get(&file).into_iter().flatten().filter(|to| reached.insert(**to)));
    }
    reached
}

/// A shortest way around a circle, as the arrows that make it.
pub(super) fn way_around<'a>(circle: &BTreeSet<usize>, arrows: &'a [Arrow]) -> Vec<&'a Arrow> {
    let inside = |arrow: &&Arrow| circle.contains(&arrow.from) && circle.contains(&arrow.to);
    let inner: Vec<&Arrow> = arrows.iter().filter(inside).collect();
    let around = circle.iter().filter_map(|start| way_back(*start, &inner));
    around.min_by_key(Vec::len).unwrap_or_default()
}

/// The shortest way from a file back to itself.
fn way_back<'a>(start: usize, arrows: &[&'a Arrow]) -> Option<Vec<&'a Arrow>> {
    let (mut ways, mut seen) = (vec![Vec::new()], BTreeSet::new());
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            let at = way.last().map_or(start, |arrow: &&Arrow| arrow.to);
            if at == start && !way.is_empty() {
                return Some(way);
            }
            let onward = arrows.iter().filter(|arrow| arrow.from == at);
            longer.extend(onward.filter(|arrow| seen.insert(arrow.to)).map(|arrow| [&way[..], &[*arrow]].concat()));
        }
        ways = longer;
    }
    None
}
