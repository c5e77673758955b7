use chrono::TimeDelta;

use super::*;
use crate::store::MemoryEngine;
use crate::store::record::decode;

fn day(number: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(number)
}

fn client(first: &str, last: &str) -> CustomerName {
    CustomerName { first: first.into(), last: last.into() }
}

fn typed(first: &str, phone: &str, email: &str) -> Contact {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Contact {
        first_name: first.into(),
        last_name: "Bourke".into(),
        phone: some(phone),
        email: some(email),
        ..Contact::default()
    }
}

fn memory(disk: &MemoryEngine, days: u32, now: DateTime<Utc>) -> ClientMemory {
    ClientMemory::open(Store::in_memory(disk, now).unwrap(), days, now)
}

fn written(disk: &MemoryEngine) -> usize {
    Store::in_memory(disk, day(0)).unwrap().scan::<ClientRecord>("").records.len()
}

const PHONE: &str = "+61418976543";
const EMAIL: &str = "judith@example.com";

#[tokio::test]
async fn a_client_is_recalled_by_phone_or_email_also_after_a_restart() {
    let disk = MemoryEngine::new();
    let memory = memory(&disk, 400, day(0));
    memory.remember(&typed("Judith", PHONE, EMAIL), &client("Judith", "Bourke"), day(0));
    memory.store.flush().await.unwrap();
    for memory in [memory, self::memory(&disk.crash(), 400, day(1))] {
        for (phone, email, known) in
            [(PHONE, "", true), ("", EMAIL, true), (PHONE, "other@x.au", true), ("+61418976544", "o@x.au", false)]
        {
            let recalled = memory.recall(&typed("Jduith", phone, email), day(1));
            assert_eq!(recalled, known.then(|| client("Judith", "Bourke")), "{phone} {email}");
        }
    }
}

#[tokio::test]
async fn a_client_is_forgotten_so_many_days_after_the_last_booking() {
    let disk = MemoryEngine::new();
    let memory = memory(&disk, 10, day(0));
    let recalled = |now| memory.recall(&typed("Judy", PHONE, ""), day(now)).is_some();
    memory.remember(&typed("Judith", PHONE, ""), &client("Judith", "Bourke"), day(0));
    assert!(recalled(9) && !recalled(10), "it is not used even before it is removed");
    memory.remember(&typed("Judith", PHONE, ""), &client("Judith", "Bourke"), day(5));
    memory.forget_old(day(14));
    assert!(recalled(14));
    assert_eq!(written(&disk), 1);
    memory.forget_old(day(15));
    assert_eq!(written(&disk), 0);
    memory.remember(&typed("Judith", PHONE, ""), &client("Judith", "Bourke"), day(20));
    memory.set_days(0, day(20));
    assert_eq!(written(&disk), 0);
    memory.remember(&typed("Judith", PHONE, ""), &client("Judith", "Bourke"), day(20));
    assert!(written(&disk) == 0 && !recalled(20), "nothing is remembered while it is off");
    memory.set_days(10, day(21));
    memory.remember(&typed("Judith", PHONE, ""), &client("Judith", "Bourke"), day(21));
    assert!(recalled(21), "switched on again");
}

#[tokio::test]
async fn what_led_nowhere_is_forgotten_for_the_contacts_of_the_booking() {
    let memory = memory(&MemoryEngine::new(), 400, day(0));
    memory.remember(&typed("Judith", PHONE, EMAIL), &client("Judith", "Bourke"), day(0));
    memory.forget(&typed("Judy", "", EMAIL), &client("Judith", "Bourke"));
    assert!(memory.recall(&typed("Judy", "", EMAIL), day(0)).is_none());
    assert!(memory.recall(&typed("Judy", PHONE, EMAIL), day(0)).is_some());
}

#[tokio::test]
async fn of_a_phone_of_many_no_more_is_kept_than_that_it_is_one() {
    let disk = MemoryEngine::new();
    let memory = memory(&disk, 400, day(0));
    let names = ["Judith", "Peter", "Amara", "Bence", "Chloe", "Dilip", "Elif"];
    for name in names {
        memory.remember(&typed(name, PHONE, ""), &client(name, "Bourke"), day(0));
        let expected = names.iter().position(|own| *own == name).unwrap() < HOUSEHOLD_MAX;
        assert_eq!(memory.recall(&typed("Judy", PHONE, ""), day(0)).is_some(), expected, "{name}");
    }
    assert_eq!(written(&disk), HOUSEHOLD_MAX + 1);
}

#[tokio::test]
async fn of_too_many_clients_the_oldest_are_forgotten() {
    let disk = MemoryEngine::new();
    let mut memory = memory(&disk, 400, day(0));
    memory.records_max = 20;
    for number in 0..21 {
        let phone = format!("+614189765{number:02}");
        memory.remember(&typed("Judith", &phone, ""), &client("Judith", "Bourke"), day(number));
    }
    assert_eq!(written(&disk), 18);
    assert!(memory.recall(&typed("Judy", "+61418976502", ""), day(21)).is_none());
    assert!(memory.recall(&typed("Judy", "+61418976503", ""), day(21)).is_some());
}

#[tokio::test]
async fn the_longest_names_make_a_short_record() {
    let disk = MemoryEngine::new();
    let memory = memory(&disk, 400, day(0));
    let long = "\u{ffee}".repeat(crate::pet_owner::contact::NAME_CHARS_MAX);
    memory.remember(&typed("Judith", PHONE, ""), &client(&long, &long), day(0));
    let bytes = disk.raw();
    assert!(bytes.split(|byte| *byte == b'\n').all(|line| line.len() < 1_024));
}

/// Its key is all zeros, and this is where it stands.
const PLACE: &str = "b5fdceddfecf6b58923385affcffec7b/162d1ee447a6ba9d89d954e75257e030";

#[test]
fn version_1_is_read() {
    let record: ClientRecord = decode(include_str!("../../../fixtures/store/client-memory.v1.json")).unwrap();
    assert_eq!(record.seen_on, day(0).date_naive());
    let sealing = Sealing::new(&[0; 32]).unwrap();
    assert!(sealing.open(PLACE, &record.sealed) == Some(client("Judith", "Bourke")));
}
