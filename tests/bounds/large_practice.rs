//! Five thousand schedules at 250 locations, at ten calls a second.

use vetbridge::booking::entry::State;
use vetbridge::ids::{LocationId, ScheduleId};
use vetbridge::simulator::openvpms::{LocationEntity, ScheduleEntity};

use crate::rate::{assert_openvpms_is_spared, longest_silence};
use crate::support::{Clinic, minutes, seconds};

const LOCATIONS: i64 = 250;
const FIRST_LOCATION: i64 = 2000;

#[tokio::test(start_paused = true)]
async fn polls_and_bookings_go_on_while_five_thousand_schedules_are_read() {
    let mut clinic = Clinic::new();
    clinic.rationed = true;
    clinic.healthengine.configure(|settings| settings.body_bytes_max = 16 * 1024 * 1024);
    clinic.openvpms.staff(|world| {
        let mut pattern = world.schedules[0].clone();
        pattern.types.truncate(1);
        world.schedules.clear();
        for number in 0..LOCATIONS {
            let (location, name) = (LocationId(FIRST_LOCATION + number), format!("Clinic {number}"));
            world.locations.push(LocationEntity { id: location, name, online: true });
            world.schedules.extend((0..5_000 / LOCATIONS).map(|room| ScheduleEntity {
                id: ScheduleId(1000 + number * 5_000 / LOCATIONS + room),
                name: format!("Room {room}"),
                location,
                ..pattern.clone()
            }));
        }
    });
    clinic.config.practices[0].locations = (FIRST_LOCATION..FIRST_LOCATION + LOCATIONS).map(LocationId).collect();
    let kind = clinic.openvpms.staff(|world| world.schedules[0].types[0].0);
    clinic.start();
    let offered = |clinic: &Clinic| clinic.offers("s1000", &format!("{kind}:s1000"), "2027-02-15 14:00");
    clinic.until("the inventory is read and the first days are sent", minutes(25), offered).await;
    let read = |clinic: &Clinic| clinic.journal.count("GET", "/freebusy");
    assert!(read(&clinic) < 500, "the first days did not wait for the last ones: {}", read(&clinic));

    // A booking in the middle of it.
    let booking = clinic.owner_books("s1000", &format!("{kind}:s1000"), "2027-02-15 14:00");
    let made = |clinic: &Clinic| !clinic.appointments_of(booking).is_empty();
    clinic.until("it is in the diary", seconds(10), made).await;
    let gone = |clinic: &Clinic| !offered(clinic);
    clinic.until("nobody else is offered its time", seconds(10), gone).await;
    assert!(longest_silence(&clinic) <= 6, "{} s between two polls", longest_silence(&clinic));
    assert_openvpms_is_spared(&clinic);
    assert!(clinic.practice().health().problems().is_empty(), "{:?}", clinic.problems());
    clinic.assert_well_behaved();
    // Nothing of it is forgotten by a restart: what was told stands in the store whole.
    clinic.stop().await;
    assert!(clinic.log.with("cannot be remembered").is_empty());
    clinic.journal.clear();
    clinic.start();
    // Whoever books now does not wait until all of it is read again, nor until all lists are.
    let booking = clinic.owner_books_regardless("s5999", &format!("{kind}:s5999"), "2027-02-16 14:00");
    clinic.until_state(booking, State::Confirmed, seconds(10)).await;
    let calls = clinic.journal.calls().iter().filter(|call| call.is_openvpms()).count();
    assert!(calls < 100, "{calls} calls, of {} for the whole inventory", 1 + LOCATIONS + 5_000);
    assert!(clinic.practice().offering().is_none(), "the inventory is read");
    clinic.pass(minutes(25)).await;
    assert_eq!(clinic.journal.count("POST /config", ""), 0, "the configuration was accepted before");
    clinic.stop().await;
}
