//! `vetbridge state`: a backup made while the service runs, brought back elsewhere, and a look at the files.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Stdio;

use serde::{Deserialize, Serialize};
use vetbridge::ids::BookingId;
use vetbridge::simulator::healthengine::{MarketplaceStatus, RequestOutcome};
use vetbridge::store::{Batch, Record, Store};

use crate::clinic::{Clinic, eventually};
use crate::service::Service;

async fn confirmed(clinic: &Clinic, booking: BookingId) {
    eventually("it is answered", async || clinic.healthengine.booking(booking).unwrap().answer != RequestOutcome::Open)
        .await;
    assert_eq!(clinic.healthengine.booking(booking).unwrap().status, MarketplaceStatus::Confirmed);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_the_running_service_is_brought_back_and_nothing_is_booked_twice() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let before = clinic.book("s136").await;
    confirmed(&clinic, before).await;
    let export = clinic.run(&["state", "export", "backup.jsonl"]).await;
    assert_eq!((export.status, export.out.as_str()), (0, ""), "{export:?}");
    let backup = clinic.directory.path().join("backup.jsonl");
    let text = fs::read_to_string(&backup).unwrap();
    assert_eq!(mode(&backup), 0o600);
    let key = fs::read_to_string(clinic.state().join("pseudonym-key")).unwrap();
    assert!(text.contains(key.trim_end()) && !text.contains(service.token()) && !text.contains("Muffett"));

    let again = clinic.run(&["state", "export", "backup.jsonl"]).await;
    assert!(again.status == 1 && again.error.contains("--force"), "{again:?}");
    assert_eq!(clinic.run(&["state", "export", "--force", "backup.jsonl"]).await.status, 0);
    let verified = clinic.run(&["state", "verify"]).await;
    assert!(verified.status == 0 && verified.out.contains("1 of booking"), "{verified:?}");
    let import = clinic.run(&["state", "import", "--replace", "backup.jsonl"]).await;
    let holder = format!("A vetbridge runs on this state directory (process {}", service.process());
    assert!(
        import.status == 1 && import.error.contains(&holder) && import.error.contains("Stop it first"),
        "{import:?}"
    );

    // The backup is old: one was booked since, one is open, and the machine is another.
    let since = clinic.book("s211").await;
    confirmed(&clinic, since).await;
    service.stop().await;
    let open = clinic.book("s136").await;
    fs::rename(clinic.state(), clinic.directory.path().join("old-machine")).unwrap();
    assert_eq!(clinic.run(&["state", "verify"]).await.status, 1, "there is nothing");
    let import = clinic.run(&["state", "import", "backup.jsonl"]).await;
    assert_eq!((import.status, import.out.as_str()), (0, ""), "{import:?}");
    assert_eq!(fs::read_to_string(clinic.state().join("pseudonym-key")).unwrap(), key);
    let import = clinic.run(&["state", "import", "backup.jsonl"]).await;
    assert!(import.status == 1 && import.error.contains("--replace"), "{import:?}");
    let import = clinic.run(&["state", "import", "--replace", "backup.jsonl"]).await;
    assert!(import.status == 0 && import.error.contains("/replaced-"), "{import:?}");
    let verified = clinic.run(&["state", "verify"]).await;
    assert!(verified.status == 0 && verified.error.contains("/replaced-"), "{verified:?}");
    assert!(verified.error.contains("with the key of pseudonyms. Delete it when"), "{verified:?}");

    let service = Service::start_and_get_in_step(&clinic).await;
    confirmed(&clinic, open).await;
    clinic.healthengine.cancel(since).unwrap();
    eventually("the cancellation is carried out", async || clinic.standing(since) == 0).await;
    eventually("and answered", async || clinic.healthengine.booking(since).unwrap().open_updates.is_empty()).await;
    assert_eq!((clinic.standing(before), clinic.standing(open)), (1, 1));
    let list = service.get("/api/v1/bookings").await.text().await.unwrap();
    assert!(list.contains(&since.to_string()) && list.contains("Adopted"), "{list}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_export_changes_nothing_and_its_line_is_named() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    confirmed(&clinic, clinic.book("s136").await).await;
    service.stop().await;
    assert_eq!(clinic.run(&["state", "export", "backup.jsonl"]).await.status, 0, "without a service too");
    let text = fs::read_to_string(clinic.directory.path().join("backup.jsonl")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let mut bad = lines.clone();
    let line = lines[1].replace("\"v\":1", "\"v\":99");
    bad[1] = &line;
    clinic.write("bad.jsonl", &bad.join("\n"));
    clinic.write("short.jsonl", &lines[..lines.len() - 1].join("\n"));
    let names = || -> Vec<_> {
        let mut names: Vec<_> = fs::read_dir(clinic.state()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    for (file, says) in
        [("bad.jsonl", "line 2 of the export is bad"), ("short.jsonl", "cut off"), ("vetbridge.toml", "is no export")]
    {
        let import = clinic.run(&["state", "import", "--replace", file]).await;
        assert!(import.status == 1 && import.error.contains(says), "{import:?}");
        assert_eq!(names(), before, "{file}");
    }
    let list = clinic.run(&["bookings"]).await;
    assert!(list.out.contains("confirmed"), "{list:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_on_standard_output_makes_the_file_that_it_leads_to_private() {
    let clinic = Clinic::open().await;
    Service::start_and_get_in_step(&clinic).await.stop().await;
    let file = clinic.directory.path().join("out.jsonl");
    let out = fs::File::create(&file).unwrap();
    out.set_permissions(Permissions::from_mode(0o644)).unwrap();
    let status = clinic.command(&["state", "export"]).stdout(Stdio::from(out)).stderr(Stdio::null()).status().unwrap();
    assert!(status.success());
    assert_eq!(mode(&file), 0o600);
    assert_eq!(clinic.run(&["state", "import", "--replace", "out.jsonl"]).await.status, 0);
}

/// A booking as a later program writes it.
#[derive(Serialize, Deserialize)]
struct LaterBooking(String);

impl Record for LaterBooking {
    const KIND: &'static str = "booking";
    const VERSION: u32 = 99;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_refuses_the_state_that_a_later_one_used_and_leaves_it_as_it_is_until_a_backup_takes_its_place() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let booking = clinic.book("s136").await;
    confirmed(&clinic, booking).await;
    assert_eq!(clinic.run(&["state", "export", "before-the-update.jsonl"]).await.status, 0);
    service.stop().await;
    let open = || Store::open(&clinic.state(), clinic.healthengine.now()).unwrap();
    open().commit(Batch::of("7", &LaterBooking("later".into())).unwrap()).await.unwrap();
    for arguments in [&["run"][..], &["bookings"], &["state", "export", "backup.jsonl"]] {
        let ended = clinic.run(arguments).await;
        assert_eq!((ended.status, ended.out.as_str()), (1, ""), "{arguments:?}: {ended:?}");
        let sentence = "was used by a later vetbridge: its records of kind booking have version 99";
        assert!(ended.error.contains(sentence) && ended.error.contains("Start the later program again"), "{ended:?}");
    }
    assert_eq!(open().get::<LaterBooking>("7").unwrap().map(|LaterBooking(text)| text), Some("later".to_owned()));

    // The way back of docs/tasks/update-vetbridge.md.
    let import = clinic.run(&["state", "import", "--replace", "before-the-update.jsonl"]).await;
    assert!(import.status == 0 && import.error.contains("/replaced-"), "{import:?}");
    Service::start_and_get_in_step(&clinic).await.stop().await;
    let bookings = clinic.run(&["bookings"]).await;
    assert!(bookings.status == 0 && bookings.out.contains(&booking.to_string()), "{bookings:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_database_is_reported_by_verify_and_survived_by_run() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let booking = clinic.book("s136").await;
    confirmed(&clinic, booking).await;
    service.stop().await;
    assert_eq!(clinic.run(&["state", "export", "backup.jsonl"]).await.status, 0);
    let backup = || fs::read_to_string(clinic.directory.path().join("backup.jsonl")).unwrap();
    let before = backup();
    // As after a disk that forgot.
    let db = clinic.state().join("db");
    fs::write(&db, vec![0; fs::metadata(&db).unwrap().len() as usize]).unwrap();
    for name in fs::read_dir(clinic.state()).unwrap().map(|entry| entry.unwrap()) {
        if name.file_name().to_string_lossy().starts_with("snap.") {
            fs::remove_file(name.path()).unwrap();
        }
    }
    let verified = clinic.run(&["state", "verify"]).await;
    assert!(verified.status == 1 && verified.error.contains("one was in use there"), "{verified:?}");

    let service = Service::start_and_get_in_step(&clinic).await;
    assert!(
        service.log().contains("\"level\":\"ERROR\"") && service.log().contains("was set aside as"),
        "{}",
        service.log()
    );
    let status = service.get("/api/v1/status").await.text().await.unwrap();
    assert!(status.contains("\"healthy\":false") && status.contains("READ-ME.txt"), "{status}");
    // Its pet owner cancels a booking that the store does not know.
    clinic.healthengine.cancel(booking).unwrap();
    eventually("the cancellation is carried out", async || clinic.standing(booking) == 0).await;
    service.stop().await;
    let verified = clinic.run(&["state", "verify"]).await;
    assert!(verified.status == 1 && verified.out.contains("damaged-"), "{verified:?}");
    // The backup of the next night does not replace the one that has the booking.
    let export = clinic.run(&["state", "export", "--force", "backup.jsonl"]).await;
    assert!(export.status == 1 && export.error.contains("the former one is in"), "{export:?}");
    assert_eq!(backup(), before);
    assert!(clinic.directory.path().join("backup.jsonl.incomplete").exists());
}

/// A record of a kind that the program does not know.
#[derive(Serialize, Deserialize)]
struct Unheard(String);

impl Record for Unheard {
    const KIND: &'static str = "unheard-of";
    const VERSION: u32 = 1;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_lacks_something_never_replaces_one_that_is_there() {
    let clinic = Clinic::open().await;
    Service::start_and_get_in_step(&clinic).await.stop().await;
    let read = |name: &str| fs::read_to_string(clinic.directory.path().join(name));
    assert_eq!(clinic.run(&["state", "export", "backup.jsonl"]).await.status, 0);
    let whole = read("backup.jsonl").unwrap();
    let store = Store::open(&clinic.state(), clinic.healthengine.now()).unwrap();
    store.commit(Batch::of("7", &Unheard("?".into())).unwrap()).await.unwrap();
    drop(store);

    let export = clinic.run(&["state", "export", "--force", "backup.jsonl"]).await;
    assert!(export.status == 1 && export.error.contains("The export is without 1 record"), "{export:?}");
    assert!(export.error.contains("backup.jsonl was left as it is"), "{export:?}");
    assert_eq!(read("backup.jsonl").unwrap(), whole);
    assert!(read("backup.jsonl.incomplete").is_ok_and(|text| text.lines().count() > 2));
    assert_eq!(mode(&clinic.directory.path().join("backup.jsonl.incomplete")), 0o600);
    let json = clinic.run(&["state", "export", "--force", "--json", "backup.jsonl"]).await;
    assert!(json.status == 1 && json.out.contains("\"complete\": false"), "{json:?}");
    assert!(json.out.contains("backup.jsonl.incomplete") && json.out.contains("\"missing\": 1"), "{json:?}");
    // Where nothing is lost, it has the name that was typed.
    assert_eq!(clinic.run(&["state", "export", "other.jsonl"]).await.status, 1);
    assert!(read("other.jsonl").is_ok() && read("other.jsonl.incomplete").is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_umask_nor_processors_decide_who_reads_the_state_and_how_many_threads_there_are() {
    let clinic = Clinic::open().await;
    let service = Service::start_limited(&clinic, "umask 022; export TOKIO_WORKER_THREADS=96").await;
    eventually("it is in step", async || service.open("/readyz").await.status() == 200).await;
    let threads = fs::read_dir(format!("/proc/{}/task", service.process())).unwrap().count();
    assert!(threads < 40, "{threads}");
    service.stop().await;
    let mut folders = vec![clinic.state()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path) & 0o077, 0, "{}", path.display());
            seen += 1;
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    assert!(seen > 5, "{seen}");
}

/// Needs root, for it is about root. Elsewhere nothing is tested, and a line says so.
#[tokio::test(flavor = "multi_thread")]
async fn root_becomes_the_owner_of_the_state_before_it_opens_it() {
    const NOBODY: u32 = 65_534;
    const OTHER_GROUP: u32 = 54_321;
    let clinic = Clinic::open().await;
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        // Not by a macro, whose output the test runner keeps to itself when a test passes.
        std::io::stderr().write_all(b"\nNOT TESTED: what a command does as root; run the tests as root\n").unwrap();
        return;
    }
    let directory = clinic.directory.path();
    fs::set_permissions(directory, Permissions::from_mode(0o711)).unwrap();
    fs::create_dir(clinic.state()).unwrap();
    chown(clinic.state(), Some(NOBODY), Some(NOBODY)).unwrap();
    // As the package leaves it before the first start.
    let check = clinic.run(&["check", "--json"]).await;
    assert!(check.out.contains("can be used by the user that it belongs to"), "{check:?}");
    assert!(!check.out.contains("chown") && !check.out.contains("sudo -u"), "{check:?}");
    assert!(fs::read_dir(clinic.state()).unwrap().next().is_none(), "the check leaves nothing");
    // What root reads, and the service cannot.
    let config = directory.join("vetbridge.toml");
    assert!(!check.out.contains("The service cannot read"), "{check:?}");
    fs::set_permissions(&config, Permissions::from_mode(0o600)).unwrap();
    let check = clinic.run(&["check", "--offline"]).await;
    let mend = format!(" {0} && chmod g+r {0}", config.display());
    assert!(check.status == 1 && check.out.contains("The service cannot read vetbridge.toml"), "{check:?}");
    assert!(check.out.replace("\n", " ").contains(&mend), "{check:?}");
    chown(&config, None, Some(NOBODY)).unwrap();
    fs::set_permissions(&config, Permissions::from_mode(0o640)).unwrap();
    let check = clinic.run(&["check", "--offline"]).await;
    assert!(check.status == 0 && !check.out.contains("The service cannot read"), "{check:?}");
    // A drop-in of the unit could put the service into another group, so that is no problem.
    chown(&config, None, Some(OTHER_GROUP)).unwrap();
    let check = clinic.run(&["check", "--offline"]).await;
    let out = check.out.replace('\n', " ");
    assert!(check.status == 0 && out.contains(&format!("SupplementaryGroups={OTHER_GROUP}")), "{check:?}");
    chown(&config, None, Some(NOBODY)).unwrap();
    let service = Service::start_as(&clinic, Some(NOBODY)).await;
    eventually("it is in step", async || service.open("/readyz").await.status() == 200).await;
    confirmed(&clinic, clinic.book("s136").await).await;
    service.stop().await;

    // A directory that only root can write into, and commands as root.
    let backup = directory.join("roots-backup.jsonl");
    let all_are_nobodys = || {
        for entry in fs::read_dir(clinic.state()).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().uid(), NOBODY, "{:?}", entry.file_name());
        }
    };
    let export = clinic.run(&["state", "export", "roots-backup.jsonl"]).await;
    assert_eq!(export.status, 0, "{export:?}");
    assert_eq!((mode(&backup), fs::metadata(&backup).unwrap().uid()), (0o600, 0));
    let list = clinic.run(&["bookings"]).await;
    assert!(list.status == 0 && list.out.contains("confirmed"), "{list:?}");
    assert_eq!(clinic.run(&["state", "verify"]).await.status, 0);
    all_are_nobodys();
    let import = clinic.run(&["state", "import", "--replace", "roots-backup.jsonl"]).await;
    assert_eq!(import.status, 0, "{import:?}");
    all_are_nobodys();
    // The owner cannot enter root's folder. What it would find instead is another vetbridge's.
    fs::set_permissions(directory, Permissions::from_mode(0o700)).unwrap();
    for command in [&["state", "verify"][..], &["bookings"]] {
        let told = clinic.run(command).await;
        let place = format!("{}: no permission to read it", config.display());
        assert!(told.status == 1 && told.error.contains(&place), "{told:?}");
    }
    fs::set_permissions(directory, Permissions::from_mode(0o711)).unwrap();
    let service = Service::start_as(&clinic, Some(NOBODY)).await;
    service.stop().await;
}
