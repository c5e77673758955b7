//! Sizes and counts for the closing notes: `cargo test --test architecture -- --ignored --nocapture
//! figures`.

use std::collections::BTreeMap;

use super::graph::Graph;
use super::rules;
use super::sources::{Program, Source, Token};

#[test]
#[ignore = "prints figures and checks nothing"]
fn figures_for_the_closing_notes() {
    let program = Program::of_this_crate();
    let lines: usize = program.files.iter().map(|file| file.product_lines).sum();
    println!("modules: {}, product lines: {lines}", program.files.len());
    println!("arrows: {}, upward: {}", Graph::of(&program).arrows().len(), rules::upward_arrows(&program).len());
    let (strict, lenient) = (rules::circles(&program, false), rules::circles(&program, true));
    println!("circles: {}; without arrows to a folder's own mod.rs: {}", strict.len(), lenient.len());
    println!("names of several types: {}", rules::names_of_several_types(&program).len());
    let long = rules::long_lines(&program, super::LINE_COLUMNS_MAX, super::COMMENT_COLUMNS_MAX);
    println!("long lines: {}", long.len());
    println!("file names of several files: {}", names_of_several_files(&program));
    println!("{}", largest("types, fields + methods", types(&program)));
    println!("{}", largest("functions, lines", program.files.iter().flat_map(functions).collect()));
    let files = program.files.iter().map(|file| (file.product_lines, file.path.clone()));
    println!("{}", largest("files, product lines", files.collect()));
}

/// File names that several files have, most first, each with their number.
fn names_of_several_files(program: &Program) -> String {
    let mut files: BTreeMap<&str, usize> = BTreeMap::new();
    for name in program.files.iter().filter_map(|file| file.path.rsplit('/').next()) {
        *files.entry(name).or_default() += 1;
    }
    let mut several: Vec<_> = files.into_iter().filter(|(name, count)| *name != "mod.rs" && *count > 1).collect();
    several.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    several.into_iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

/// The five largest, each on a line.
fn largest(what: &str, mut sizes: Vec<(usize, String)>) -> String {
    sizes.sort();
    let lines = sizes.iter().rev().take(5).map(|(size, name)| format!("\n    {size:5} {name}"));
    format!("largest {what}:{}", lines.collect::<String>())
}

/// Fields and methods of each type. Methods are those of its own `impl` blocks, in all files.
fn types(program: &Program) -> Vec<(usize, String)> {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for tokens in program.files.iter().map(|file| &file.tokens[..]) {
        for at in 0..tokens.len() {
            match text(tokens, at) {
                "struct" => counts.entry(text(tokens, at + 1)).or_default().0 += fields(tokens, at),
                "impl" => {
                    let header = &tokens[at..block(tokens, at).map_or(at, |(open, _)| open)];
                    if let Some(name) = own_type(header) {
                        counts.entry(name).or_default().1 += items_of_block(tokens, at, "fn");
                    }
                }
                _ => {}
            }
        }
    }
    let named = |(name, (fields, methods))| (fields + methods, format!("{name}: {fields} fields, {methods} methods"));
    counts.into_iter().map(named).collect()
}

/// The type of `impl<T> Type<T>`; nothing for an `impl Trait for Type`, and for `impl Trait` in a
/// signature.
fn own_type(header: &[Token]) -> Option<&str> {
    let is_item = header.first()?.begins_line;
    let has = |word: &str| header.iter().any(|token| token.text == word);
    let mut depth = 0;
    let mut outside = header.iter().skip(1).filter(|token| {
        depth += i32::from(token.text == "<");
        let is_outside = depth == 0;
        depth -= i32::from(token.text == ">");
        is_outside
    });
    if is_item && !has("for") { outside.next().map(|token| token.text.as_str()) } else { None }
}

/// A single colon follows the name of a field.
fn fields(tokens: &[Token], at: usize) -> usize {
    items_of_block(tokens, at, ":")
}

/// How often a token stands directly within the next block.
fn items_of_block(tokens: &[Token], at: usize, wanted: &str) -> usize {
    let Some((open, close)) = block(tokens, at) else { return 0 };
    let (mut depth, mut count) = (0, 0);
    for token in &tokens[open..close] {
        match token.text.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            word => count += usize::from(depth == 1 && word == wanted),
        }
    }
    count
}

/// Every function with a body, and how many lines it has.
fn functions(file: &Source) -> Vec<(usize, String)> {
    let tokens = &file.tokens;
    let starts = (0..tokens.len()).filter(|at| text(tokens, *at) == "fn" && text(tokens, at + 1) != "(");
    let sized = starts.filter_map(|at| {
        let (_, close) = block(tokens, at)?;
        let lines = tokens[close].line + 1 - tokens[at].line;
        Some((lines, format!("{} {}:{}", text(tokens, at + 1), file.path, tokens[at].line)))
    });
    sized.collect()
}

/// Where the block of an item opens and closes; nothing for an item that ends with a semicolon.
fn block(tokens: &[Token], at: usize) -> Option<(usize, usize)> {
    let (mut open, mut depth) = (None, 0);
    for (index, token) in tokens.iter().enumerate().skip(at) {
        match token.text.as_str() {
            ";" if depth == 0 => return None,
            "{" if depth == 0 && open.is_none() => {
                open = Some(index);
                depth += 1;
            }
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 && open.is_some() {
            return open.map(|open| (open, index));
        }
    }
    None
}

fn text(tokens: &[Token], at: usize) -> &str {
    tokens.get(at).map_or("", |token| token.text.as_str())
}
