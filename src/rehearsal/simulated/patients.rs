//! Matching a booking to a patient, with the invented client of the guide's clinic.

use std::time::Duration;

use super::playground::{Playground, main};
use crate::messages::rehearsal_report as say;
use crate::simulator::healthengine::PetOwner;
use crate::simulator::openvpms::CustomerId;

/// A client is remembered this long after their booking at the latest.
const REMEMBERED_WITHIN: Duration = Duration::from_secs(3);

/// Customer 3 of the guide's clinic, as somebody may type her.
fn typed(first: &str, last: &str, phone: &str, email: Option<&str>) -> PetOwner {
    PetOwner {
        first_name: Some(first.to_owned()),
        last_name: Some(last.to_owned()),
        phone: Some(phone.to_owned()),
        email: email.map(str::to_owned),
        ..PetOwner::default()
    }
}

/// Books, and tells whether the client was attached to the appointment.
async fn is_matched(play: &Playground, owner: PetOwner, hour: u32) -> anyhow::Result<bool> {
    let booking = play.book(play.wish(owner, hour))?;
    play.until_confirmed(booking).await?;
    let line = format!("Healthengine booking {booking}");
    let customer = play.clinic.staff(|world| world.with_note(&line).first().and_then(|own| own.customer));
    Ok(customer == Some(CustomerId(3)))
}

pub(super) async fn normalised() -> anyhow::Result<String> {
    let play = Playground::running(&main()).await?;
    let spellings = [
        ("  Judith ", "Bourke", "+61 418 976 543"),
        ("judith", "BOURKE", "(0418) 976-543"),
        ("Judith", "Bourke\u{a0}", "0418.976.543"),
        ("Judith", " Bourke", "61418976543"),
    ];
    for (hour, (first, last, phone)) in (9..).zip(spellings) {
        let matched = is_matched(&play, typed(first, last, phone, None), hour).await?;
        anyhow::ensure!(matched, "spelling {} was not matched", hour - 8);
    }
    play.end().await?;
    Ok(say::patient_details(spellings.len()))
}

pub(super) async fn changed() -> anyhow::Result<String> {
    let play = Playground::running(&main()).await?;
    let email = Some("judith@example.com");
    play.clinic.staff(|world| world.customers[0].emails.push("judith@example.com".to_owned()));
    anyhow::ensure!(is_matched(&play, typed("Judith", "Bourke", "0418976543", email), 9).await?, "she is not known");
    // The appointment is read back once it stands; from then on she is remembered.
    tokio::time::sleep(REMEMBERED_WITHIN).await;
    let changed = [
        typed("Jduith", "Burke", "0418976543", email),
        typed("Judith", "Bourke", "0491 570 006", email),
        typed("Judith", "Bourke", "0418976543", Some("j.b@example.org")),
    ];
    let count = changed.len();
    for (hour, owner) in (10..).zip(changed) {
        anyhow::ensure!(is_matched(&play, owner, hour).await?, "change {} was not matched", hour - 9);
    }
    let spouse = is_matched(&play, typed("Peter", "Bourke", "0418976543", email), 14).await?;
    anyhow::ensure!(!spouse, "who shares her phone was taken for her");
    play.end().await?;
    Ok(say::changed_details(count))
}
