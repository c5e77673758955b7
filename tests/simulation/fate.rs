//! What happens to servers, databases and the process.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use vetbridge::simulator::openvpms::Condition;

use crate::checker::Wrong;
use crate::life::{Deed, Life};
use crate::story::{About, System};
use crate::support::Fuse;
use crate::weather::Outage;
use crate::world::StartOn;

/// Backups of the store that are kept.
const BACKUPS_MAX: usize = 4;

impl Life {
    /// Something happens, to somebody.
    pub(crate) async fn something_happens(&mut self) {
        if self.world.chance.percent(66) {
            return self.people_act();
        }
        match self.world.chance.below(16) {
            0..=2 if self.temper.outages => self.a_server_goes_away(),
            3 if self.temper.outages => self.the_database_goes_away(),
            4 | 5 if self.temper.deaths => self.set_a_fuse(),
            6 if self.temper.deaths => self.the_process_ends().await,
            7 if self.temper.setbacks => self.keep_a_backup(),
            8 if self.temper.setbacks => self.openvpms_is_restored(),
            9 if self.temper.outages && self.temper.healthengine_faults > 0 => self.consent_is_revoked(),
            10 if self.temper.setbacks => self.reading_bookings_breaks(),
            11..=15 => self.administrators_act(),
            _ => {}
        }
    }

    /// Seconds as a rule, minutes now and then, rarely days.
    fn some_time(&self) -> TimeDelta {
        let chance = &self.world.chance;
        match chance.below(200) {
            0 => TimeDelta::hours(1 + chance.below(30) as i64),
            1..=40 => TimeDelta::seconds(60 + chance.below(600) as i64),
            _ => TimeDelta::seconds(2 + chance.below(58) as i64),
        }
    }

    fn a_server_goes_away(&mut self) {
        let chance = self.world.chance.clone();
        let system = *chance.pick(&[System::OpenVpms, System::OpenVpms, System::Healthengine]);
        let outage = *chance.pick(&[
            Outage::Refused,
            Outage::Refused,
            Outage::Silent,
            Outage::Reset,
            Outage::Unavailable,
            Outage::Starting,
            Outage::LoginPage,
            Outage::Busy,
            Outage::Unauthorised,
        ]);
        let lasts = self.some_time();
        let weather = match system {
            System::OpenVpms => &self.world.openvpms_weather,
            System::Healthengine => &self.world.healthengine_weather,
        };
        weather.outage(outage, lasts);
        self.wait_for_it(lasts);
        self.world.story.count(&format!("{system} away"));
        self.world.story.tell(About::All, format!("{system} is away for {} s ({outage:?})", lasts.num_seconds()));
    }

    /// Nobody gets through to it.
    pub(crate) fn healthengine_goes_away(&mut self, lasts: TimeDelta) {
        self.world.healthengine_weather.outage(Outage::Refused, lasts);
        let seconds = lasts.num_seconds();
        self.world.story.tell(About::All, format!("{} is away for {seconds} s, and many book", System::Healthengine));
    }

    /// Hours and days go by at once.
    fn wait_for_it(&mut self, lasts: TimeDelta) {
        if lasts > TimeDelta::minutes(30) {
            self.long_pause = lasts.to_std().unwrap_or_default();
        }
    }

    /// 401 for everybody while the database is away, 404 with HTML for every path while the application is reloaded.
    fn the_database_goes_away(&mut self) {
        let condition = *self.world.chance.pick(&[Condition::DatabaseAway, Condition::ApplicationAway]);
        let lasts = self.some_time();
        self.world.story.disturb(lasts + TimeDelta::seconds(75));
        self.world.story.count(&format!("{condition:?}"));
        self.world.story.tell(About::All, format!("OpenVPMS: {condition:?} for {} s", lasts.num_seconds()));
        self.world.openvpms.staff(|clinic| clinic.condition = condition);
        self.wait_for_it(lasts);
        let openvpms = Arc::clone(&self.world.openvpms);
        tokio::spawn(async move {
            tokio::time::sleep(lasts.to_std().unwrap_or_default()).await;
            openvpms.staff(|clinic| {
                clinic.condition = Condition::Well;
                clinic.restart();
            });
        });
    }

    /// 403 until it is granted again.
    fn consent_is_revoked(&mut self) {
        let practice = self.world.chance.pick(&self.world.config.practices).id.clone();
        let lasts = TimeDelta::seconds(5 + self.world.chance.below(60) as i64);
        self.world.story.disturb(lasts + TimeDelta::seconds(330));
        self.world.story.count("consent revoked");
        self.world
            .story
            .tell(About::All, format!("practice {practice} revokes its consent for {} s", lasts.num_seconds()));
        let healthengine = self.world.healthengine.clone();
        healthengine.revoke_consent(&practice).unwrap();
        tokio::spawn(async move {
            tokio::time::sleep(lasts.to_std().unwrap_or_default()).await;
            healthengine.grant_consent(&practice).unwrap();
        });
    }

    /// From here on, or no longer, every GET of a live booking is 500.
    fn reading_bookings_breaks(&mut self) {
        self.world.openvpms.staff(|clinic| clinic.reading_a_booking_fails ^= true);
        self.world.story.count("500 on every GET of a booking");
        self.world.story.tell(About::All, "GET of a live booking is 500 from here on, or no longer");
    }

    /// The power goes in the middle of a call, or between two steps of a write.
    fn set_a_fuse(&mut self) {
        let chance = self.world.chance.clone();
        let fuse = Fuse { calls: chance.below(12) as u32, arrives: chance.percent(50), steps: chance.below(8) as u32 };
        if let Some(power) = self.world.power() {
            power.set(fuse);
        }
    }

    async fn the_process_ends(&mut self) {
        if self.world.chance.percent(30) {
            self.world.story.tell(About::All, "vetbridge is stopped");
            self.world.story.count("stop");
            self.deaths.push(self.world.clock.now());
            self.world.stop().await;
        } else if let Some(power) = self.world.power() {
            power.cut();
        }
    }

    /// After a death, or a stop: on its store, as a rule.
    pub(crate) async fn start_again(&mut self) -> Result<(), Wrong> {
        if self.world.power().is_some() {
            self.world.story.tell(About::All, "vetbridge is without power");
            self.world.story.count("death");
            self.deaths.push(self.world.clock.now());
            self.world.pull_the_plug().await;
        }
        let away = Duration::from_millis(self.world.chance.below(20_000));
        self.world.story.disturb(TimeDelta::from_std(away).unwrap() + TimeDelta::seconds(75));
        self.pass(away).await?;
        self.world.story.disturb(TimeDelta::seconds(75));
        if !self.healed && self.world.chance.percent(15) {
            self.somebody_edits_the_file();
        }
        let on = self.some_store();
        let went_back = !matches!(on, StartOn::ItsStore);
        self.world.story.tell(
            About::All,
            match &on {
                StartOn::ItsStore => "vetbridge starts",
                StartOn::Backup(_) => "vetbridge starts on an old backup of its store",
                StartOn::Nothing => "vetbridge starts without its store",
            },
        );
        if went_back {
            let ahead = !self.world.hands.machine_is_right();
            self.misdated_since = ahead.then(|| self.world.clock.now());
        } else {
            self.store_is_dated_anew();
        }
        self.world.start(on);
        if went_back {
            self.switches_are_forgotten();
        }
        Ok(())
    }

    /// The process starts on the store that it has, or its machine falls asleep.
    pub(crate) fn store_is_dated_anew(&mut self) {
        if self.misdated_since.is_some_and(|since| !self.world.story.polls_told_the_time_since(since)) {
            self.dated_anew.push(self.world.clock.now());
        }
    }

    fn some_store(&mut self) -> StartOn {
        let setback = self.temper.setbacks && self.world.chance.percent(40);
        if !setback {
            return StartOn::ItsStore;
        }
        self.setbacks.push(self.world.clock.now());
        if self.backups.is_empty() || self.world.chance.percent(40) {
            self.world.story.count("store lost");
            return StartOn::Nothing;
        }
        self.world.story.count("store restored");
        let place = self.world.chance.below(self.backups.len() as u64) as usize;
        StartOn::Backup(self.backups.remove(place))
    }

    /// Of the store, and of OpenVPMS's database.
    fn keep_a_backup(&mut self) {
        if self.backups.len() < BACKUPS_MAX {
            self.backups.push(self.world.backup());
        }
        if self.yesterday.is_none() || self.world.chance.percent(50) {
            self.yesterday = Some(self.world.openvpms.staff(|clinic| clinic.clone()));
        }
        self.world.story.tell(About::All, "backups are made");
    }

    fn openvpms_is_restored(&mut self) {
        let Some(yesterday) = &self.yesterday else { return };
        let standing =
            |life: &Self, id| life.world.appointments_of(id).into_iter().map(|own| own.id).collect::<Vec<_>>();
        let bookings: Vec<_> = self.booked.keys().copied().collect();
        let before: Vec<_> = bookings.iter().map(|id| standing(self, *id)).collect();
        self.world.openvpms.staff(|clinic| clinic.restore(yesterday));
        for (id, before) in bookings.into_iter().zip(before) {
            if standing(self, id) != before {
                self.note(id, Deed::Restored);
            }
        }
        let standing: Vec<_> = self.world.openvpms.staff(|clinic| clinic.standing().map(|own| own.id).collect());
        self.staff_made.retain(|(id, _)| standing.contains(id));
        self.world.story.count("OpenVPMS restored");
        self.world.story.tell(About::All, "OpenVPMS's database is restored from an older backup");
    }

    /// Whatever was wrong is so no longer.
    pub(crate) fn end_of_trouble(&mut self) {
        self.world.story.tell(About::All, "everything heals");
        self.world.openvpms_weather.heal();
        self.world.healthengine_weather.heal();
        self.nothing_rare_happens_any_more();
        self.world.openvpms.staff(|clinic| {
            clinic.condition = Condition::Well;
            clinic.end_races();
        });
        *self.world.quicker.lock().unwrap() = None;
        for practice in &self.world.config.practices {
            self.world.healthengine.grant_consent(&practice.id).unwrap();
        }
        if let Some(power) = self.world.power().filter(|power| !power.is_cut()) {
            power.set(Fuse { calls: u32::MAX, arrives: false, steps: 0 });
        }
    }
}
