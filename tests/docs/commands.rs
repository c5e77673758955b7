//! Commands: what can be typed is what clap takes, and the operations page has all of it.

use std::path::Path;

use clap::CommandFactory;
use clap::error::ErrorKind;
use vetbridge::cli::Cli;

use super::page::Page;
use super::{ROOT, pages};

impl Page {
    /// Lines of the blocks that are typed, without comments, redirections and pipes, and without `sudo`
    /// and variables before the command.
    fn typed_lines(&self) -> impl Iterator<Item = String> {
        let typed = self.blocks.iter().filter(|block| block.language.is_empty());
        let bare = |line: &str| {
            let line = [" #", " > ", " >> ", " | ", " < "]
                .iter()
                .fold(line, |line, end| line.split(end).next().unwrap_or(line));
            let is_before = |word: &&str| *word == "sudo" || word.contains('=') && !word.starts_with('-');
            line.split_whitespace().skip_while(is_before).collect::<Vec<_>>().join(" ")
        };
        typed.flat_map(move |block| block.text.lines().map(bare).collect::<Vec<_>>())
    }

    /// Everything that reads `vetbridge …`, typed, typed into a container, or named in a sentence.
    fn command_lines(&self) -> Vec<String> {
        let named = self.inline_code().map(|code| code.split(" >> ").next().unwrap_or(code).replace('\n', " "));
        let typed = self.typed_lines().map(|line| line.replace("cargo run --release -- ", "vetbridge "));
        let into_a_container = |line: String| {
            let command = [" exec vetbridge vetbridge ", " -- vetbridge "].iter().find_map(|end| line.split_once(end));
            command.map(|(_, words)| format!("vetbridge {words}")).unwrap_or(line)
        };
        named.chain(typed.map(into_a_container)).filter(|line| line.starts_with("vetbridge ")).collect()
    }
}

/// What stands for a placeholder of a synopsis.
fn filled_in(word: &str) -> String {
    let is_placeholder = word.chars().all(|character| character.is_ascii_uppercase());
    let value = match word {
        "ID" => "7",
        "N" => "5",
        "ADDRESS" => "127.0.0.1:8686",
        "FILE" => "backup.jsonl",
        "DURATION" => "30s",
        "TEXT" => "seen",
        "REFERENCE" => "603:be08",
        "COMMAND" => "run",
        "R" => "s136",
        "STATE" => "confirmed",
        "DATE" => "2027-02-15",
        "SHELL" => "bash",
        "DIRECTORY" => "man",
        "YYYY-MM-DD" => "2027-02-15",
        "HH:MM" => "10:30",
        _ if is_placeholder => panic!("say here what {word} stands for"),
        _ => word,
    };
    value.to_owned()
}

/// All that a synopsis allows: `[…]` may be left out, of `a|b` one is typed.
fn readings(synopsis: &str) -> Vec<Vec<String>> {
    let spaced = synopsis.replace('[', " [ ").replace(']', " ] ");
    let mut words = spaced.split_whitespace();
    let all = readings_up_to_bracket(&mut words);
    assert!(words.next().is_none(), "brackets of {synopsis}");
    all
}

fn readings_up_to_bracket<'a>(words: &mut impl Iterator<Item = &'a str>) -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    while let Some(word) = words.next() {
        let (choices, may_be_left_out) = match word {
            "]" => return all,
            "[" => (readings_up_to_bracket(words), true),
            word => (word.split('|').map(|choice| vec![filled_in(choice)]).collect(), false),
        };
        let with = all.iter().flat_map(|start| choices.iter().map(|end| [start.clone(), end.clone()].concat()));
        let with: Vec<_> = with.collect();
        if may_be_left_out { all.extend(with) } else { all = with }
    }
    all
}

/// True if only a command is named, as in "see `vetbridge bookings resolve`". Its arguments are not
/// meant to be there.
fn names_a_command(words: &[String]) -> bool {
    let mut command = &Cli::command();
    words.iter().skip(1).all(|word| {
        command.find_subcommand(word).is_some_and(|found| {
            command = found;
            true
        })
    })
}

/// What the program says against a line of a page.
fn refusals(line: &str) -> Vec<String> {
    let refusal = |words: Vec<String>| {
        let error = Cli::command().try_get_matches_from(&words).err()?;
        let is_fine = error.kind() == ErrorKind::DisplayHelp || names_a_command(&words);
        (!is_fine).then(|| format!("{}: {error}", words.join(" ")))
    };
    readings(line).into_iter().filter_map(refusal).collect()
}

#[test]
fn every_command_line_is_one_that_the_program_takes() {
    let lines: Vec<_> = pages().iter().flat_map(Page::command_lines).collect();
    assert!(lines.len() > 40, "{lines:#?}");
    let refused: Vec<_> = lines.iter().flat_map(|line| refusals(line)).collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn a_command_line_that_the_program_refuses_is_found() {
    for (line, refused) in [
        ("vetbridge bookings resolve", 0),
        ("vetbridge help COMMAND", 0),
        ("vetbridge resync [--practice ID] [--only config|availability] [--dry-run]", 0),
        ("vetbridge resync --only config|calendar", 1),
        ("vetbridge status [--yaml]", 1),
        ("vetbridge pause --practise ID", 1),
        ("vetbridge bookings resolve ID", 1),
        ("vetbridge calendar", 1),
    ] {
        assert_eq!(refusals(line).len(), refused, "{line}");
    }
    let page = Page::new(
        "page.md",
        "`vetbridge\nrun`\n```\nsudo A=b vetbridge check > x  # so\nvetbridge status | less\nsudo podman exec vetbridge vetbridge x < y\n```\n```text\nvetbridge x\n```\n",
    );
    assert_eq!(page.command_lines(), ["vetbridge run", "vetbridge check", "vetbridge status", "vetbridge x"]);
}

#[test]
fn the_operations_page_has_every_command_with_every_option_and_the_windows_page_those_of_its_service() {
    page_has_all("docs/operations.md", vec![("vetbridge".to_owned(), Cli::command())]);
    let service = Cli::command().find_subcommand("service").expect("the command of Windows").clone();
    page_has_all("docs/windows.md", vec![("vetbridge service".to_owned(), service.hide(false))]);
}

/// The page has these commands and those below them, but for what `--help` hides.
fn page_has_all(file: &str, mut commands: Vec<(String, clap::Command)>) {
    let page = Page::read(Path::new(file));
    let lines: Vec<_> =
        page.command_lines().iter().flat_map(|line| readings(line)).map(|words| words.join(" ")).collect();
    while let Some((path, command)) = commands.pop() {
        if command.is_hide_set() {
            continue;
        }
        for option in command.get_arguments().filter_map(clap::Arg::get_long) {
            let option = format!("--{option}");
            let is_there = match command.get_name() {
                "vetbridge" => page.inline_code().any(|code| code.starts_with(&option)),
                _ => lines.iter().any(|line| line.starts_with(&path) && line.contains(&option)),
            };
            assert!(is_there, "{file} does not have {path} {option}");
        }
        let named = lines.iter().any(|line| line.starts_with(&path));
        assert!(named || path == "vetbridge", "{file} does not have {path}");
        commands.extend(command.get_subcommands().map(|sub| (format!("{path} {}", sub.get_name()), sub.clone())));
    }
}

#[test]
fn the_tests_and_benchmarks_that_are_typed_exist() {
    let pages = pages();
    let lines = pages.iter().flat_map(|page| page.typed_lines().chain(page.inline_code().map(str::to_owned)));
    let mut found = 0;
    for line in lines.filter(|line| line.starts_with("cargo ")) {
        let words: Vec<_> = line.split(' ').collect();
        for pair in words.windows(2) {
            let places = match pair {
                ["--test", name] => [format!("tests/{name}.rs"), format!("tests/{name}/main.rs")],
                ["--bench", name] => [format!("benches/{name}.rs"), format!("benches/{name}/main.rs")],
                _ => continue,
            };
            assert!(places.iter().any(|place| Path::new(ROOT).join(place).is_file()), "{line}");
            found += 1;
        }
    }
    assert!(found > 5);
}
