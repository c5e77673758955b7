//! The client memory in a state directory: its key file, what is lost with it, and that nothing can be read.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

#[path = "support/log.rs"]
mod log;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use vetbridge::openvpms::{Contact, CustomerName};
use vetbridge::practice::client_memory::ClientMemory;
use vetbridge::store::Store;

use log::Log;

fn now() -> DateTime<Utc> {
    "2026-02-01T00:00:00Z".parse().unwrap()
}

fn judith(first: &str) -> Contact {
    Contact {
        first_name: first.into(),
        last_name: "Bourke".into(),
        phone: Some("+61418976543".into()),
        mobile: Some("0418976543".into()),
        email: Some("judith@example.com".into()),
        ..Contact::default()
    }
}

fn client() -> CustomerName {
    CustomerName { first: "Judith".into(), last: "Bourke".into() }
}

/// Opens store and memory, does something, and closes both.
async fn once(state: &Path, days: u32, work: impl FnOnce(&ClientMemory)) {
    let store = Store::open(state, now()).unwrap();
    let memory = ClientMemory::open(store.clone(), days, now());
    work(&memory);
    store.flush().await.unwrap();
}

fn is_known(memory: &ClientMemory) -> bool {
    memory.recall(&judith("Jduith"), now()) == Some(client())
}

fn key_of(state: &Path) -> PathBuf {
    state.join("client-memory-key")
}

#[tokio::test]
async fn the_key_is_made_with_the_first_client_and_is_private() {
    let root = tempfile::tempdir().unwrap();
    let state = root.path().join("state");
    once(&state, 400, |memory| assert!(!is_known(memory))).await;
    assert!(!key_of(&state).exists());
    once(&state, 400, |memory| memory.remember(&judith("Judith"), &client(), now())).await;
    assert_eq!(fs::metadata(key_of(&state)).unwrap().permissions().mode() & 0o777, 0o600);
    once(&state, 400, |memory| assert!(is_known(memory))).await;
}

#[tokio::test]
async fn no_byte_of_the_state_directory_tells_who_is_remembered() {
    let root = tempfile::tempdir().unwrap();
    let state = root.path().join("state");
    once(&state, 400, |memory| memory.remember(&judith("Judith"), &client(), now())).await;
    let mut files = 0;
    for entry in fs::read_dir(&state).unwrap() {
        let path = entry.unwrap().path();
        let Ok(bytes) = fs::read(&path) else { continue };
        files += 1;
        for secret in ["judith", "bourke", "418976543", "example.com", "Qm91cmtl", "dWRpdG"] {
            let found = bytes.windows(secret.len()).any(|part| part.eq_ignore_ascii_case(secret.as_bytes()));
            assert!(!found, "{secret} in {}", path.display());
        }
    }
    assert!(files >= 4, "{files}");
}

#[tokio::test]
async fn with_a_lost_changed_or_damaged_key_all_is_forgotten_with_one_warning_and_learnt_again() {
    type Spoil = fn(&Path);
    let spoil: [(&str, Spoil); 3] = [
        ("lost", |key| fs::remove_file(key).unwrap()),
        ("changed", |key| fs::write(key, format!("{}\n", "ab".repeat(32))).unwrap()),
        ("damaged", |key| fs::write(key, "\u{0}\u{1}garbage").unwrap()),
    ];
    for (what, spoil) in spoil {
        let root = tempfile::tempdir().unwrap();
        let state = root.path().join("state");
        once(&state, 400, |memory| memory.remember(&judith("Judith"), &client(), now())).await;
        spoil(&key_of(&state));
        let log = Log::capture();
        once(&state, 400, |memory| {
            assert!(!is_known(memory), "{what}");
            memory.forget_old(now());
            memory.remember(&judith("Judith"), &client(), now());
            assert!(is_known(memory), "{what}");
        })
        .await;
        once(&state, 400, |memory| assert!(is_known(memory), "{what}")).await;
        let warnings = log.with("WARN");
        assert_eq!(warnings.len(), 1, "{what}: {warnings:?}");
        assert!(warnings[0].contains("2 records of the client memory"), "{warnings:?}");
        assert_eq!(log.with("ERROR").len(), 0);
    }
}

#[tokio::test]
async fn a_key_file_that_cannot_be_read_puts_the_memory_out_of_order_and_loses_nothing() {
    let root = tempfile::tempdir().unwrap();
    let state = root.path().join("state");
    once(&state, 400, |memory| memory.remember(&judith("Judith"), &client(), now())).await;
    let (key, aside) = (key_of(&state), root.path().join("key"));
    fs::rename(&key, &aside).unwrap();
    fs::create_dir(&key).unwrap();
    let log = Log::capture();
    once(&state, 400, |memory| {
        assert!(!is_known(memory));
        memory.forget_old(now());
        memory.remember(&judith("Judith"), &client(), now());
        assert!(!is_known(memory));
    })
    .await;
    assert_eq!(log.with("WARN").len(), 1, "{:?}", log.lines());
    fs::remove_dir(&key).unwrap();
    fs::rename(&aside, &key).unwrap();
    once(&state, 400, |memory| assert!(is_known(memory))).await;
}

#[tokio::test]
async fn switched_off_the_records_and_the_key_are_gone() {
    let root = tempfile::tempdir().unwrap();
    let state = root.path().join("state");
    once(&state, 400, |memory| memory.remember(&judith("Judith"), &client(), now())).await;
    once(&state, 0, |memory| assert!(!is_known(memory))).await;
    assert!(!key_of(&state).exists());
    let log = Log::capture();
    once(&state, 400, |memory| assert!(!is_known(memory))).await;
    assert_eq!(log.with("WARN").len(), 0, "{:?}", log.lines());
}
