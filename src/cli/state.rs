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

use super::running::{self, FoundService, NoService, RunningService, StatePart};
use super::{Global, StateArgs, StateCommand, output, state_owner};
use crate::clock::Clock;
use crate::config::{self, Instance};
use crate::messages::{Advice, state_directory as say};
use crate::os::files;
use crate::practice::KINDS;
use crate::store::{self, Export, ExportHead, ExportWriter, Judgement, OpenError, SecretKey};

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

/// How many records an export has, and why these are not all.
struct Exporting {
    records: usize,
    flaw: Option<ExportFlaw>,
}

/// Why an export is not all of what the state once was.
enum ExportFlaw {
    /// So many records cannot be read.
    Missing(usize),
    /// The database was damaged and begun anew. The former one is there still.
    BegunAnew(PathBuf),
    /// The owner of the directory has said why.
    ToldByOwner,
}

impl ExportFlaw {
    /// As JSON counts them.
    fn missing(&self) -> usize {
        match self {
            Self::Missing(records) => *records,
            Self::BegunAnew(_) => 0,
            Self::ToldByOwner => 1,
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Missing(records) => say::export_incomplete(*records),
            Self::BegunAnew(former) => say::export_begun_anew(former),
            Self::ToldByOwner => say::export_incomplete_as_told(),
        }
    }
}

/// An export, as JSON tells of it.
#[derive(Serialize)]
struct Exported<'a> {
    file: &'a Path,
    records: usize,
    missing: usize,
    complete: bool,
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
    let found = running::find(instance).await?;
    let Some(file) = file else {
        let mut out = files::private_standard_output()?;
        let exported = write_export(found, config, instance, &mut out).await?;
        if out.metadata().is_ok_and(|found| found.is_file()) {
            out.sync_all()?;
        }
        return exported.flaw.map_or(Ok(ExitCode::SUCCESS), |flaw| Err(flaw.advice().into()));
    };
    let mut unfinished = UnfinishedFile::make(file).map_err(|error| say::file(file, error))?;
    let Exporting { records, flaw } = write_export(found, config, instance, &mut unfinished.file).await?;
    // What is there may be the last whole export.
    let beside = flaw.as_ref().filter(|_| file.exists()).map(|_| with_ending(file, ".incomplete"));
    let to = beside.as_deref().unwrap_or(file);
    unfinished.finish(to, force).map_err(|error| say::file(to, error))?;
    if json {
        let missing = flaw.as_ref().map_or(0, ExportFlaw::missing);
        output::json(&Exported { file: to, records, missing, complete: flaw.is_none() })?;
        return Ok(if flaw.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    output::note(&say::exported(records, to));
    if beside.is_some() {
        output::note(&say::earlier_export_kept(file));
    }
    flaw.map_or(Ok(ExitCode::SUCCESS), |flaw| Err(flaw.advice().into()))
}

/// Writes an export as its records come: it holds the key of pseudonyms.
async fn write_export(
    found: FoundService,
    config: &Path,
    instance: &Instance,
    out: &mut File,
) -> anyhow::Result<Exporting> {
    let state = &instance.state_path;
    let absent = match found {
        FoundService::Running(service) => return of_service(&service, state, out).await,
        FoundService::Absent(absent) => absent,
    };
    match state_owner::to_become(state) {
        Some(owner) => by_its_owner(owner, config, out),
        None => of_directory(&absent, instance, out).await,
    }
}

async fn of_service(service: &RunningService, state: &Path, out: &mut File) -> anyhow::Result<Exporting> {
    let key = pseudonym_key(state)?;
    let (mut out, mut writer) = (Some(out), None);
    let judgement = service
        .state(|part| {
            match part {
                StatePart::Head(head) => {
                    let begun = out.take().map(|out| ExportWriter::begin(out, head, &key));
                    writer = begun.transpose()?;
                }
                StatePart::Record(key, text) => writer.iter_mut().try_for_each(|writer| writer.record(key, text))?,
            }
            Ok(())
        })
        .await?;
    let records = writer.map_or(Ok(0), ExportWriter::end)?;
    Ok(exported(records, &judgement, state))
}

async fn of_directory(absent: &NoService, instance: &Instance, out: &mut File) -> anyhow::Result<Exporting> {
    if absent.never_ran() {
        return Err(say::no_state(&instance.state_path).into());
    }
    let store = absent.open_store().await?;
    let key = pseudonym_key(&instance.state_path)?;
    let head = ExportHead { exported_at: Clock::system().now(), meta: store.meta() };
    let mut writer = ExportWriter::begin(out, &head, &key)?;
    let mut written = Ok(());
    let judgement = store.judge(&KINDS, |key, text| {
        if written.is_ok() {
            written = writer.record(&key, &text);
        }
    });
    written?;
    Ok(exported(writer.end()?, &judgement, &instance.state_path))
}

fn pseudonym_key(state: &Path) -> anyhow::Result<SecretKey> {
    store::pseudonym_key(state)?.ok_or_else(|| anyhow!(say::missing(&state.join("pseudonym-key"))))
}

fn exported(records: usize, judgement: &Judgement, state: &Path) -> Exporting {
    for unreadable in &judgement.unreadable {
        output::note(&say::damaged_record(unreadable));
    }
    let flaw = match judgement.unreadable.len() {
        0 => store::damaged_beside(state).pop().map(ExportFlaw::BegunAnew),
        missing => Some(ExportFlaw::Missing(missing)),
    };
    Exporting { records, flaw }
}

/// The owner of the directory exports to us, and we write where only root may.
fn by_its_owner(owner: state_owner::Owner, config: &Path, out: &mut File) -> anyhow::Result<Exporting> {
    let arguments = ["--config".as_ref(), config.as_os_str(), "state".as_ref(), "export".as_ref()];
    let ended = owner.program(arguments)?.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    let text = Zeroizing::new(ended.stdout);
    if text.is_empty() {
        // It has said why.
        return Err(anyhow!(say::OWNER_FAILED));
    }
    let (export, _) = Export::read(&text[..], &KINDS)?;
    out.write_all(&text)?;
    let flaw = (!ended.status.success()).then_some(ExportFlaw::ToldByOwner);
    Ok(Exporting { records: export.records.len(), flaw })
}

/// A file that is private from the first byte on, and whole or not there.
struct UnfinishedFile {
    file: File,
    unfinished: PathBuf,
}

impl UnfinishedFile {
    /// Begins it beside the place that it is meant for.
    fn make(path: &Path) -> io::Result<Self> {
        let unfinished = with_ending(path, &format!(".{}.unfinished", std::process::id()));
        let file = files::private().write(true).create_new(true).open(&unfinished)?;
        let made = Self { file, unfinished };
        files::close_to_others(&made.unfinished)?;
        Ok(made)
    }

    fn finish(self, to: &Path, force: bool) -> io::Result<()> {
        self.file.sync_all()?;
        if !force && to.exists() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        fs::rename(&self.unfinished, to)
    }
}

/// The path with something behind it.
fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(ending);
    PathBuf::from(path)
}

impl Drop for UnfinishedFile {
    fn drop(&mut self) {
        // Gone already if it was finished.
        let _ = fs::remove_file(&self.unfinished);
    }
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
    let (judgement, mut problems) = match running::find(instance).await? {
        FoundService::Running(service) => {
            let judgement = service.state(|_| Ok(())).await?;
            output::note(&say::verified_as_the_service_has_it(service.address()));
            (judgement, store::verify_beside(state))
        }
        FoundService::Absent(absent) => {
            state_owner::become_it(instance)?;
            let (path, now) = (state.clone(), Clock::system().now());
            let found = tokio::task::spawn_blocking(move || store::verify(&path, &KINDS, now)).await?;
            let found = found.map_err(|error| match absent.mute_holder(&error) {
                Some(advice) => anyhow::Error::from(advice),
                None => error.into(),
            })?;
            (found.ok_or_else(|| say::no_state(state))?, store::verify_beside(state))
        }
    };
    for former in store::replaced_beside(state) {
        output::note(&say::replaced_is_kept(&former));
    }
    problems.extend(judgement.unreadable.iter().map(say::damaged_record));
    if json {
        let is_well = problems.is_empty();
        output::json(&Verified { records: judgement.counts, problems })?;
        return Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    for problem in &problems {
        output::result(problem)?;
    }
    let counts: Vec<(String, usize)> = judgement.counts.into_iter().collect();
    output::result(say::verified(counts.iter().map(|(_, number)| number).sum(), &counts))?;
    if problems.is_empty() { Ok(ExitCode::SUCCESS) } else { Err(say::damaged(problems.len()).into()) }
}
