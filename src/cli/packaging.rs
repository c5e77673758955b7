//! `vetbridge completions` and `vetbridge man`: what packages hold beside the program, made from
//! the same description of the command line as the program's own help.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use anyhow::anyhow;
use clap::CommandFactory as _;
use clap_mangen::Man;

use super::args::{Cli, CompletionsArgs, ManArgs};
use super::output;
use crate::messages::commands as say;

const PROGRAM: &str = "vetbridge";

/// Prints the completions of a shell.
pub(super) fn completions(args: &CompletionsArgs) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), PROGRAM, &mut script);
    output::result(String::from_utf8(script)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the program's page, or writes it and one for each command into a directory.
pub(super) fn man(args: &ManArgs) -> anyhow::Result<ExitCode> {
    let Some(directory) = &args.directory else {
        output::result(page(Cli::command())?)?;
        return Ok(ExitCode::SUCCESS);
    };
    let mut command = Cli::command().disable_help_subcommand(true);
    // Only a built command knows what the options for all are.
    command.build();
    let written =
        write_pages(&command, PROGRAM, directory).map_err(|error| anyhow!(say::not_written(directory, error)))?;
    output::note(&say::pages_written(written, directory));
    Ok(ExitCode::SUCCESS)
}

/// Writes the page of a command and those of its subcommands; how many these are.
fn write_pages(command: &clap::Command, name: &str, directory: &Path) -> io::Result<usize> {
    let mut written = 1;
    // clap wants names for ever, and this runs once.
    let title: &'static str = name.to_owned().leak();
    std::fs::write(directory.join(format!("{name}.1")), page(command.clone().name(title))?)?;
    // What this system has no use for is hidden.
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        written += write_pages(sub, &format!("{name}-{}", sub.get_name()), directory)?;
    }
    Ok(written)
}

fn page(command: clap::Command) -> io::Result<String> {
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    String::from_utf8(page).map_err(io::Error::other)
}
