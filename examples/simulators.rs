//! Both simulators as servers of their own, and a pet owner: for those who try out an installation
//! (`tests/deploy/install.sh`) before there is a clinic.
//!
//! `simulators OPENVPMS_ADDRESS HEALTHENGINE_ADDRESS` serves the clinic of OpenVPMS's published
//! guide at `http://OPENVPMS_ADDRESS/openvpms` (user `healthengine`, password `changeit`) and
//! Healthengine at `http://HEALTHENGINE_ADDRESS/pms-api/v1` (api-key `the-api-key`; practice
//! `1234567` with the key `the-practice-key`). As soon as a time is offered, the pet owner books it.
//! Each step is a line on standard output. It serves until it is ended.
//!
//! It is one of cargo's examples, which cargo looks for in this folder: a program beside the product's
//! own, which no package and no release has.

#![expect(clippy::print_stdout, clippy::expect_used, reason = "a program for tests, which tells what it does")]

use std::sync::Arc;
use std::time::Duration;

use chrono::{Days, NaiveDate};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vetbridge::clock::Clock;
use vetbridge::ids::{BookingId, PracticeId};
use vetbridge::simulator::exchange::{Faults, Model, serve};
use vetbridge::simulator::healthengine::{
    HealthengineModel, MarketplaceStatus, ModelSettings, NewPractice, PetOwner, Wish,
};
use vetbridge::simulator::openvpms::{AppointmentStatus, Login, OpenVpmsSim, Uuids, World};
use vetbridge::zone::Zone;

const PRACTICE: &str = "1234567";
const ZONE: Zone = Zone::Iana(chrono_tz::Australia::Sydney);
/// Between two looks at what came of it.
const LOOK: Duration = Duration::from_millis(50);
/// The pet owner looks at so many days.
const DAYS_AHEAD: u64 = 7;

#[tokio::main]
async fn main() {
    let addresses: Vec<String> = std::env::args().skip(1).collect();
    let [openvpms_address, healthengine_address] = addresses.as_slice() else {
        println!("usage: simulators OPENVPMS_ADDRESS HEALTHENGINE_ADDRESS");
        std::process::exit(2);
    };
    let clock = Clock::system();
    let mut world = World::guide_inventory(Uuids::from_seed(1));
    world.accounts.push(Login::booking("healthengine", "changeit"));
    let openvpms = Arc::new(OpenVpmsSim::new(world, clock.clone()));
    let healthengine = HealthengineModel::new(ModelSettings::new("the-api-key"), clock);
    healthengine.add_practice(NewPractice::new(PRACTICE, "the-practice-key", ZONE));
    let stop = CancellationToken::new();
    listen(openvpms_address, openvpms.clone(), &stop).await;
    listen(healthengine_address, Arc::new(healthengine.clone()), &stop).await;
    println!("serving");

    let (booking, booked) = (book(&healthengine).await, Instant::now());
    println!("booked {booking}");
    let status = answered(&healthengine, booking).await;
    let status = format!("{status:?}").to_lowercase();
    println!("{status} {booking} after {:.1} s", booked.elapsed().as_secs_f32());
    let line = format!("Healthengine booking {booking}");
    let standing = |world: &mut World| {
        world.with_note(&line).iter().filter(|own| own.status != AppointmentStatus::Cancelled).count()
    };
    println!("{} in the diary", openvpms.staff(standing));
    // Step by step from here on it is the script that acts.
    std::future::pending::<()>().await;
}

async fn listen(address: &str, model: Arc<dyn Model>, stop: &CancellationToken) {
    let listener = TcpListener::bind(address).await.expect("the address is free");
    tokio::spawn(serve(listener, model, Faults::none(), stop.clone()));
}

/// Books the first time that is offered from tomorrow on, as soon as there is one.
async fn book(healthengine: &HealthengineModel) -> BookingId {
    let practice = PracticeId(PRACTICE.to_owned());
    loop {
        let today = ZONE.wall(healthengine.now()).date();
        let mut days = (1..=DAYS_AHEAD).map(|days| today + Days::new(days));
        let wish = days.find_map(|day| wish(healthengine, &practice, day));
        if let Some(Ok(booking)) = wish.map(|wish| healthengine.book(&practice, wish)) {
            return booking;
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn wish(healthengine: &HealthengineModel, practice: &PracticeId, day: NaiveDate) -> Option<Wish> {
    healthengine.resources(practice).ok()?.into_iter().find_map(|resource| {
        let offer = healthengine.offered(practice, &resource.id, day).ok()?.into_iter().next()?;
        let wish = Wish::new(&resource.id, offer.kinds.first()?, offer.start);
        Some(wish.by(PetOwner::default(), "Pet name: Muffett"))
    })
}

async fn answered(healthengine: &HealthengineModel, booking: BookingId) -> MarketplaceStatus {
    loop {
        let status = healthengine.booking(booking).expect("it was made here").status;
        if status != MarketplaceStatus::Requested {
            return status;
        }
        tokio::time::sleep(LOOK).await;
    }
}
