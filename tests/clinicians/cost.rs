//! How many calls clinicians cost, and how they appear at Healthengine.

use std::collections::BTreeSet;

use vetbridge::ids::{AppointmentTypeId, LocationId, UserId};
use vetbridge::simulator::healthengine::ListedResource;
use vetbridge::simulator::openvpms::{UserBehaviour, UserEntity};

use crate::support::{Call, Clinic, PRACTICE, practice, seconds};
use crate::vets::{A_READING, SERVERS};

/// Ten clinicians who can be on both schedules all day, for sixty days.
fn ten_clinicians(clinic: &mut Clinic) {
    clinic.openvpms.staff(|world| {
        world.users = (1..=10)
            .map(|number| UserEntity {
                id: UserId(2000 + number),
                name: format!("Vet Number{number}"),
                clinician: true,
                online: true,
                active: true,
                locations: vec![LocationId(98)],
            })
            .collect();
    });
    let mut resources = vec!["s136".to_owned(), "s211".to_owned()];
    for user in 2001..=2010 {
        for schedule in [136, 211] {
            for day in crate::support::day("2027-02-15").iter_days().take(61) {
                clinic.roster(user, schedule, day, (9, 17));
            }
            resources.push(format!("u{user}-s{schedule}"));
        }
    }
    clinic.offer(0, &resources.iter().map(String::as_str).collect::<Vec<_>>());
    (clinic.config.sync.horizon_days, clinic.config.sync.near_days) = (60, 7);
}

#[tokio::test(start_paused = true)]
async fn ten_clinicians_on_two_schedules_for_sixty_days_cost_one_reading_each_and_one_per_schedule() {
    for server in SERVERS {
        let mut clinic = Clinic::of_vets(server);
        ten_clinicians(&mut clinic);
        clinic.start();
        clinic
            .until("the last day is there", seconds(30), |clinic| clinic.shows("u2010-s211", "2027-04-15 16:30"))
            .await;
        clinic.pass(seconds(1)).await;
        let count = |begin: &str, end: &str| clinic.journal.count(begin, end);
        assert_eq!(count("GET /ws/booking/v2/users/", "/freebusy"), 10);
        assert_eq!(count("GET /ws/booking/v2/schedules/", "/freebusy"), 2);
        let windows: BTreeSet<String> =
            clinic.journal.of("GET /ws/booking/v2/", "/freebusy").into_iter().map(|call| call.query).collect();
        assert_eq!(windows.len(), 1, "{windows:?}");
        // The inventory: locations, schedules, users, the types of two schedules, the locations of ten users.
        let openvpms = clinic.journal.calls().into_iter().filter(Call::is_openvpms).count();
        assert_eq!(openvpms, 12 + 1 + 1 + 1 + 2 + 10);
        // Contract, resources, types, and 22 resources for 60 days in batches of a hundred.
        assert_eq!(count("POST /", ""), 3 + (22_usize * 60).div_ceil(100));
        clinic.assert_exact("at first");

        // From here on a minute costs one reading of the near days, and nothing is sent where nothing changed.
        clinic.journal.clear();
        clinic.pass(A_READING).await;
        let count = |begin: &str, end: &str| clinic.journal.count(begin, end);
        assert_eq!(count("GET /ws/booking/v2/users/", "/freebusy"), 10);
        assert_eq!(count("GET /ws/booking/v2/schedules/", "/freebusy"), 2);
        assert_eq!(count("POST /", ""), 0);
        clinic.finish().await;
    }
}

fn names(clinic: &Clinic) -> Vec<(String, String, Option<String>, Option<String>)> {
    let all = clinic.healthengine.resources(&practice(PRACTICE)).unwrap().into_iter();
    all.map(|ListedResource { id, name, title: _, first_name, last_name }| (id, name, first_name, last_name)).collect()
}

#[tokio::test(start_paused = true)]
async fn clinicians_have_first_and_last_names_at_healthengine_and_no_two_resources_or_types_one_name() {
    let mut clinic = Clinic::of_vets(UserBehaviour::Guide);
    clinic.hire(1160, "Dr Maria van der Berg", true);
    clinic.hire(1161, "andrew turner", true);
    clinic.offer(0, &["s136", "s211", "u1161-s136", "u1160-s136", "u1158-s136", "u1158-s211"]);
    clinic.start();
    clinic.until_in_step().await;
    let own = |text: &str| Some(text.to_owned());
    let resource =
        |id: &str, name: &str, first: &str, last: &str| (id.to_owned(), name.to_owned(), own(first), own(last));
    let expected = vec![
        ("s136".to_owned(), "Main Appointment Schedule".to_owned(), None, None),
        ("s211".to_owned(), "Main Surgery Schedule".to_owned(), None, None),
        resource("u1158-s136", "Andrew Turner - Main Appointment Schedule (u1158-s136)", "Andrew", "Turner"),
        resource("u1158-s211", "Andrew Turner - Main Surgery Schedule", "Andrew", "Turner"),
        resource("u1160-s136", "Dr Maria van der Berg - Main Appointment Schedule", "Maria", "van der Berg"),
        resource("u1161-s136", "andrew turner - Main Appointment Schedule (u1161-s136)", "andrew", "turner"),
    ];
    let sorted = |clinic: &Clinic| {
        let mut names = names(clinic);
        names.sort();
        names
    };
    assert_eq!(sorted(&clinic), expected);
    let types = clinic.healthengine.appointment_types(&practice(PRACTICE)).unwrap();
    let type_names: BTreeSet<String> = types.iter().map(|kind| kind.name.to_lowercase()).collect();
    assert_eq!((types.len(), type_names.len()), (6 * 4, 6 * 4));
    let first = types.iter().find(|kind| kind.id == format!("{}:u1158-s211", AppointmentTypeId(66))).unwrap();
    assert_eq!(first.name, "Standard Consult - Andrew Turner - Main Surgery Schedule");

    // OpenVPMS lists things in another order, the file too, after a restart: nothing changes and nothing is sent.
    clinic.stop().await;
    clinic.openvpms.staff(|world| {
        world.users.reverse();
        world.schedules.reverse();
    });
    clinic.config.practices[0].resources.reverse();
    clinic.journal.clear();
    clinic.start();
    clinic.pass(A_READING).await;
    assert_eq!(clinic.journal.count("POST /config", ""), 0);
    assert_eq!(sorted(&clinic), expected);
    clinic.finish().await;
}
