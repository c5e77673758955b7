//! The paths that a file names: in `use` declarations, and in the midst of code.

use std::collections::BTreeMap;

use super::sources::{Token, is_word};

/// A path of at least two segments, or one that `use` binds, as the file writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) path: Vec<String>,
    pub(super) line: usize,
    /// The name that a `use` gives to it; nothing for a glob, and in the midst of code.
    pub(super) bound_as: Option<String>,
}

/// Every path of a file, in its order.
pub(super) fn named_in(tokens: &[Token]) -> Vec<Named> {
    let (mut found, mut at) = (Vec::new(), 0);
    // Where modules within the file began, as depths of braces.
    let (mut depth, mut inner_modules) = (0, Vec::new());
    while at < tokens.len() {
        match text(tokens, at) {
            "mod" if text(tokens, at + 2) == "{" => inner_modules.push(depth),
            "{" => depth += 1,
            "}" => {
                depth -= 1;
                inner_modules.pop_if(|began| *began == depth);
            }
            _ => {}
        }
        let found_before = found.len();
        let is_use = tokens[at].text == "use" && text(tokens, at + 1) != "<";
        let continues = at > 0 && matches!(text(tokens, at - 1), "::" | ".");
        if is_use {
            at += 1;
            use_tree(tokens, &mut at, &[], &mut found);
        } else if !continues && !is_visibility(tokens, at) && is_word_at(tokens, at) && text(tokens, at + 1) == "::" {
            let line = tokens[at].line;
            let mut path = vec![tokens[at].text.clone()];
            while text(tokens, at + 1) == "::" && is_word_at(tokens, at + 2) {
                at += 2;
                path.push(tokens[at].text.clone());
            }
            found.push(Named { path, line, bound_as: None });
        }
        for named in &mut found[found_before..] {
            leave(&mut named.path, inner_modules.len());
        }
        at += 1;
    }
    found
}

/// True of the path in `pub(in path)`, which says who may name an item and imports nothing.
fn is_visibility(tokens: &[Token], at: usize) -> bool {
    at >= 2 && text(tokens, at - 1) == "in" && text(tokens, at - 2) == "("
}

/// Makes a path of a module within the file one of the file: there, the first `super` is the file.
fn leave(path: &mut [String], inner_modules: usize) {
    for segment in path.iter_mut().take(inner_modules).take_while(|segment| *segment == "super") {
        "self".clone_into(segment);
    }
}

/// What the `use` declarations of a file bind: from the name to the path.
pub(super) fn bound_in(named: &[Named]) -> BTreeMap<String, Vec<String>> {
    named.iter().filter_map(|named| Some((named.bound_as.clone()?, named.path.clone()))).collect()
}

/// Reads one branch of a `use` declaration, up to the `,`, `}` or `;` behind it.
fn use_tree(tokens: &[Token], at: &mut usize, prefix: &[String], found: &mut Vec<Named>) {
    let mut path = prefix.to_vec();
    let line = tokens[*at].line;
    loop {
        match text(tokens, *at) {
            "::" => *at += 1,
            "{" => {
                *at += 1;
                while text(tokens, *at) != "}" {
                    use_tree(tokens, at, &path, found);
                    *at += usize::from(text(tokens, *at) == ",");
                }
                *at += 1;
                return;
            }
            "*" => {
                *at += 1;
                found.push(Named { path, line, bound_as: None });
                return;
            }
            "as" => {
                found.push(Named { path, line, bound_as: Some(text(tokens, *at + 1).to_owned()) });
                *at += 2;
                return;
            }
            // `a::{self, b}` names `a` itself.
            "self" if !path.is_empty() => *at += 1,
            word if word.chars().all(is_word) && !word.is_empty() => {
                path.push(word.to_owned());
                *at += 1;
            }
            _ => {
                let bound_as = path.last().cloned();
                found.push(Named { path, line, bound_as });
                return;
            }
        }
    }
}

fn text(tokens: &[Token], at: usize) -> &str {
    tokens.get(at).map_or("", |token| token.text.as_str())
}

fn is_word_at(tokens: &[Token], at: usize) -> bool {
    text(tokens, at).starts_with(is_word)
}
