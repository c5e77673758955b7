//! `vetbridge state`: backup, restore and check of the database.
//!
//! `export` asks the running service for its records, if there is one; the key of pseudonyms is
//! read from the state directory, and never goes over the admin listener. `import` needs the
//! directory for itself. `verify` reads the files, or asks the service.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, IsTerminal as _, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use anyhow::anyhow;
use secrecy::zeroize::Zeroizing;
use serde::Serialize;

use super::running::{self, FoundService, NoService};
use super::{Global, StateArgs, StateCommand, output, state_owner};
use crate::clock::Clock;
use crate::config::{self, Instance};
use crate::messages::state_directory as say;
use crate::os::files;
use crate::practice::KINDS;
use crate::store::{self, Export, OpenError, Snapshot};

/// Runs the command.
pub(super) async fn run(global: &Global, args: &StateArgs) -> anyhow::Result<ExitCode> {
    let config = global.config_file()?;
    let instance = config::load_instance(&config)?;
    match &args.command {
        StateCommand::Export { file, force } => {
            let file = file.as_deref().filter(|file| *file != Path::new("-"));
            export(&config, &instance, file, *force, args.json).await
        }
        StateCommand::Import { file, replace } => import(&config, &instance, file, *replace, args.json),
        StateCommand::Verify => verify(&instance, args.json).await,
    }
}

/// An export, and how many records it lacks.
struct Text {
    text: Zeroizing<Vec<u8>>,
    records: usize,
    missing: usize,
}

/// An export, as JSON tells of it.
#[derive(Serialize)]
struct Exported<'a> {
    file: &'a Path,
    records: usize,
    missing: usize,
}

/// An import, as JSON tells of it.
#[derive(Serialize)]
struct Imported<'a> {
    state: &'a Path,
    records: usize,
    set_aside: Option<&'a Path>,
}

/// What was found in the state, as JSON tells of it.
#[derive(Serialize)]
struct Verified {
    records: BTreeMap<String, usize>,
    problems: Vec<String>,
}

async fn export(
    config: &Path,
    instance: &Instance,
    file: Option<&Path>,
    force: bool,
    json: bool,
) -> anyhow::Result<ExitCode> {
    match file {
        None if json => return Err(say::json_needs_a_file().into()),
        Some(file) if !force && file.exists() => return Err(say::file_exists(file).into()),
        None if io::stdout().is_terminal() => return Err(say::terminal().into()),
        Some(_) | None => {}
    }
    let text = match running::find(instance).await? {
        FoundService::Running(service) => of_snapshot(service.state().await?, &instance.state_path)?,
        FoundService::Absent(absent) => match state_owner::to_become(&instance.state_path) {
            Some(owner) => by_its_owner(owner, config)?,
            None => of_directory(&absent, instance).await?,
        },
    };
    match file {
        Some(file) => {
            write_file(file, &text.text, force).map_err(|error| say::file(file, error))?;
            if json {
                output::json(&Exported { file, records: text.records, missing: text.missing })?;
                return Ok(if text.missing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE });
            }
            output::note(&say::exported(text.records, file));
        }
        None => write_stdout(&text.text)?,
    }
    if text.missing == 0 { Ok(ExitCode::SUCCESS) } else { Err(say::export_incomplete(text.missing).into()) }
}

fn of_snapshot(snapshot: Snapshot, state: &Path) -> anyhow::Result<Text> {
    for unreadable in &snapshot.unreadable {
        output::note(&say::damaged_record(unreadable));
    }
    let key = store::pseudonym_key(state)?.ok_or_else(|| anyhow!(say::missing(&state.join("pseudonym-key"))))?;
    let missing = snapshot.unreadable.len();
    let export = snapshot.into_export();
    let text = Zeroizing::new(export.to_text(&key)?.as_bytes().to_vec());
    Ok(Text { text, records: export.records.len(), missing })
}

async fn of_directory(absent: &NoService, instance: &Instance) -> anyhow::Result<Text> {
    if absent.never_ran() {
        return Err(say::no_state(&instance.state_path).into());
    }
    let store = absent.open_store().await?;
    of_snapshot(store.snapshot(&KINDS, Clock::system().now()), &instance.state_path)
}

/// The owner of the directory exports to us, and we write where only root may.
fn by_its_owner(owner: state_owner::Owner, config: &Path) -> anyhow::Result<Text> {
    let arguments = ["--config".as_ref(), config.as_os_str(), "state".as_ref(), "export".as_ref()];
    let ended = owner.program(arguments)?.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    let text = Zeroizing::new(ended.stdout);
    if text.is_empty() {
        // It has said why.
        return Err(anyhow!(say::OWNER_FAILED));
    }
    let (export, _) = Export::read(&text[..], &KINDS)?;
    Ok(Text { text, records: export.records.len(), missing: usize::from(!ended.status.success()) })
}

/// Private from the first byte on, and whole or not there.
fn write_file(file: &Path, text: &[u8], force: bool) -> io::Result<()> {
    let mut unfinished = file.as_os_str().to_owned();
    unfinished.push(format!(".{}.unfinished", std::process::id()));
    let unfinished = PathBuf::from(unfinished);
    let written = || {
        let mut out = files::private().write(true).create_new(true).open(&unfinished)?;
        files::close_to_others(&unfinished)?;
        out.write_all(text)?;
        out.sync_all()?;
        if !force && file.exists() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        fs::rename(&unfinished, file)
    };
    written().inspect_err(|_| {
        // Nothing to keep, and perhaps never made.
        let _ = fs::remove_file(&unfinished);
    })
}

/// A file that standard output leads to becomes private before anything is in it.
fn write_stdout(text: &[u8]) -> anyhow::Result<()> {
    let mut out = files::private_standard_output()?;
    out.write_all(text)?;
    if out.metadata().is_ok_and(|found| found.is_file()) {
        out.sync_all()?;
    }
    Ok(())
}

fn import(config: &Path, instance: &Instance, file: &Path, replace: bool, json: bool) -> anyhow::Result<ExitCode> {
    let state = &instance.state_path;
    if let Some(owner) = state_owner::to_become(state) {
        let mut arguments = vec!["--config".as_ref(), config.as_os_str(), "state".as_ref(), "import".as_ref()];
        if replace {
            arguments.push("--replace".as_ref());
        }
        if json {
            arguments.push("--json".as_ref());
        }
        arguments.push("-".as_ref());
        let mut command = owner.program(arguments)?;
        if file != Path::new("-") {
            command.stdin(File::open(file).map_err(|error| say::file(file, error))?);
        }
        let ended = command.status()?;
        return Ok(if ended.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let from: Box<dyn Read> = if file == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(file).map_err(|error| say::file(file, error))?)
    };
    // All of it is checked before anything is written.
    let (export, key) = Export::read(from, &KINDS)?;
    let made = !state.exists();
    let aside = store::import(state, &export, &key, replace, Clock::system().now()).map_err(|error| {
        if let OpenError::InUse { holder, .. } = &error {
            return anyhow::Error::from(say::stop_the_service(holder));
        }
        error.into()
    })?;
    if json {
        output::json(&Imported { state, records: export.records.len(), set_aside: aside.as_deref() })?;
    }
    output::note(&say::imported(export.records.len(), state, aside.as_deref()));
    if made && state_owner::is_root() {
        output::note(&say::made_by_root(state));
    }
    Ok(ExitCode::SUCCESS)
}

async fn verify(instance: &Instance, json: bool) -> anyhow::Result<ExitCode> {
    let state = &instance.state_path;
    let (snapshot, mut problems) = match running::find(instance).await? {
        FoundService::Running(service) => {
            let snapshot = service.state().await?;
            output::note(&say::verified_as_the_service_has_it(service.address()));
            (snapshot, store::verify_beside(state))
        }
        FoundService::Absent(absent) => {
            state_owner::become_it(state)?;
            let (path, now) = (state.clone(), Clock::system().now());
            let found = tokio::task::spawn_blocking(move || store::verify(&path, &KINDS, now)).await?;
            let found = found.map_err(|error| match absent.mute_holder(&error) {
                Some(advice) => anyhow::Error::from(advice),
                None => error.into(),
            })?;
            (found.ok_or_else(|| say::no_state(state))?, store::verify_beside(state))
        }
    };
    problems.extend(snapshot.unreadable.iter().map(say::damaged_record));
    if json {
        let is_well = problems.is_empty();
        output::json(&Verified { records: snapshot.counts, problems })?;
        return Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    for problem in &problems {
        output::result(problem)?;
    }
    let counts: Vec<(String, usize)> = snapshot.counts.into_iter().collect();
    output::result(say::verified(counts.iter().map(|(_, number)| number).sum(), &counts))?;
    if problems.is_empty() { Ok(ExitCode::SUCCESS) } else { Err(say::damaged(problems.len()).into()) }
}
