//! The configuration and the days: what changes is sent, what a person asks for is sent again, and
//! what was off comes back whole.

use tokio::time::Instant;

use super::playground::{PRACTICE, Playground, id, main, practice};
use crate::bridge::runner::RunState;
use crate::ids::{AppointmentTypeId, ScheduleId};
use crate::messages::rehearsal_report as say;
use crate::practice::resync::Only;

const CONFIGURATION: [&str; 3] =
    ["POST config/livenessContract", "POST config/pmsResources/snapshot", "POST config/pmsAppointmentTypes/snapshot"];
const DAYS: &str = "POST availability/snapshots";

pub(super) async fn liveness_times() -> anyhow::Result<String> {
    let mut play = Playground::running(&main()).await?;
    play.reload(&main().replace("08:00-18:00", "07:30-19:00"))?;
    let began = Instant::now();
    let contract = || play.model.liveness_contract(&id(PRACTICE)).ok().flatten();
    let is_there = || contract().filter(|own| own.to_string().contains("07:30")).map(drop);
    play.until("the hours are sent", is_there).await?;
    play.end().await?;
    Ok(say::liveness_times(began.elapsed()))
}

pub(super) async fn resource_changes() -> anyhow::Result<String> {
    let play = Playground::running(&main()).await?;
    let names = || -> Vec<String> {
        play.model.resources(&id(PRACTICE)).unwrap_or_default().into_iter().map(|own| own.name).collect()
    };
    let began = Instant::now();
    play.clinic.staff(|world| "Renamed Room".clone_into(&mut world.schedules[0].name));
    play.until("a renamed one is sent", || names().contains(&"Renamed Room".to_owned()).then_some(())).await?;
    let renamed_after = began.elapsed();
    play.clinic.staff(|world| {
        let mut schedule = world.schedules[0].clone();
        (schedule.id, schedule.name) = (ScheduleId(999), "Second Room".to_owned());
        world.schedules.push(schedule);
    });
    play.until("a further one is sent", || (names().len() == 3).then_some(())).await?;
    play.clinic.staff(|world| world.schedules.retain(|own| own.id != ScheduleId(999)));
    play.until("one that is gone is deleted", || (names().len() == 2).then_some(())).await?;
    play.end().await?;
    Ok(say::resource_changes(renamed_after))
}

pub(super) async fn type_changes() -> anyhow::Result<String> {
    let play = Playground::running(&main()).await?;
    let length = || {
        let types = play.model.appointment_types(&id(PRACTICE)).unwrap_or_default();
        types.into_iter().find(|own| own.id == "66:s136").and_then(|own| own.length_minutes)
    };
    let set_slots = |slots: u32| {
        play.clinic.staff(|world| {
            let own = &mut world.schedules[0].types;
            own.iter_mut().filter(|(kind, _)| *kind == AppointmentTypeId(66)).for_each(|own| own.1 = slots);
        });
    };
    let (before, began) = (length(), Instant::now());
    set_slots(3);
    play.until("a changed one is sent", || length().filter(|_| length() != before)).await?;
    let changed_after = began.elapsed();
    set_slots(0);
    play.until("one that is gone is deleted", || length().is_none().then_some(())).await?;
    set_slots(1);
    play.until("a further one is sent", || length().filter(|_| length() == before)).await?;
    play.end().await?;
    Ok(say::type_changes(changed_after))
}

pub(super) async fn resync() -> anyhow::Result<String> {
    let play = Playground::running(&main()).await?;
    play.model.forget_exchanges();
    let outcome = play.practice()?.resync(Some(Only::Config), false, &|_| {}).await;
    anyhow::ensure!(outcome.is_complete(), "{outcome}");
    anyhow::ensure!(has_all(&play.calls(), &CONFIGURATION), "not all of the configuration was sent again");
    play.end().await?;
    Ok(say::configuration_resync())
}

pub(super) async fn availability_resync() -> anyhow::Result<String> {
    let play = Playground::running(&main()).await?;
    play.model.forget_exchanges();
    let outcome = play.practice()?.resync(Some(Only::Availability), false, &|_| {}).await;
    let sent = outcome.days.as_ref().map_or(0, |days| days.sent);
    let wanted = 2 * play.config.sync.horizon_days as usize;
    anyhow::ensure!(outcome.is_complete() && sent == wanted, "{outcome}");
    play.end().await?;
    Ok(say::availability_resync(sent))
}

pub(super) async fn after_disabling() -> anyhow::Result<String> {
    let (play, began) = disabled_and_enabled().await?;
    play.until("the configuration is sent", || has_all(&play.calls(), &CONFIGURATION).then_some(())).await?;
    let sent_after = began.elapsed();
    play.end().await?;
    Ok(say::configuration_after_disabling(sent_after))
}

pub(super) async fn availability_after_disabling() -> anyhow::Result<String> {
    let (play, began) = disabled_and_enabled().await?;
    play.until("the days are sent", || has_all(&play.calls(), &[DAYS]).then_some(())).await?;
    play.until_offered(PRACTICE).await?;
    let offered_after = began.elapsed();
    play.end().await?;
    Ok(say::availability_after_disabling(offered_after))
}

/// A practice that was off, whose days were emptied, and that is on again since this moment.
async fn disabled_and_enabled() -> anyhow::Result<(Playground, Instant)> {
    let mut play = Playground::running(&main()).await?;
    play.reload(&main().replace("[practice.live_hours]", "enabled = false\n[practice.live_hours]"))?;
    play.until("nothing is offered", || (play.starts(PRACTICE) == 0).then_some(())).await?;
    let bridge = play.bridge()?.clone();
    let is_silent = || bridge.off().iter().any(|(_, state)| matches!(state, RunState::Silent(_)));
    play.until("it is silent", || is_silent().then_some(())).await?;
    play.model.forget_exchanges();
    play.reload(&main())?;
    Ok((play, Instant::now()))
}

pub(super) async fn multiple_specialties() -> anyhow::Result<String> {
    let pairs =
        "[[practice.resource]]\nuser = 1158\nschedule = 136\n[[practice.resource]]\nuser = 1158\nschedule = 211\n";
    let play = Playground::running(&practice(PRACTICE, "[98]", pairs)).await?;
    let ids: Vec<String> = play.model.resources(&id(PRACTICE))?.into_iter().map(|own| own.id).collect();
    anyhow::ensure!(ids == ["u1158-s136", "u1158-s211"], "{ids:?}");
    play.end().await?;
    Ok(say::multiple_specialties(&ids))
}

fn has_all(calls: &[String], wanted: &[&str]) -> bool {
    wanted.iter().all(|wanted| calls.iter().any(|call| call == wanted))
}
