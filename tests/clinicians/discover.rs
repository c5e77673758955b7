//! `vetbridge discover` as an administrator types it, against a clinic over HTTP. The program goes by the real clock.

use std::sync::Arc;

use chrono::{Days, NaiveDate};
use tokio_util::sync::CancellationToken;
use vetbridge::clock::Clock;
use vetbridge::config::Config;
use vetbridge::ids::{LocationId, ScheduleId, UserId};
use vetbridge::simulator::exchange::{Faults, Model};
use vetbridge::simulator::openvpms::{Area, AreaId, OpenVpmsSim, Shift, UserBehaviour, UserEntity, Uuids, World};

use crate::program::vetbridge;
use crate::support::{filled_in, listen, parsed, servers_at, sydney};
use crate::vets::{ANDREW, CHRIS, SERVERS};

/// Nina Okafor, a nurse.
const NINA: i64 = 1160;

/// Andrew is in both rooms tomorrow and at the branch next week, Chris in the surgery only beyond
/// the horizon, Nina in the consulting room.
fn world(server: UserBehaviour, today: NaiveDate) -> World {
    let mut world = World::guide_inventory(Uuids::from_seed(1));
    world.user_behaviour = server;
    world.add_branch_schedule();
    world.areas.push(Area { id: AreaId(303), location: LocationId(106), schedules: vec![ScheduleId(311)] });
    world.users.push(UserEntity {
        id: UserId(NINA),
        name: "Nina Okafor".into(),
        clinician: false,
        online: true,
        active: true,
        locations: vec![LocationId(98)],
    });
    let area = |schedule| world.areas.iter().find(|area| area.schedules == [ScheduleId(schedule)]).unwrap().id;
    let shift = |user, schedule, in_days, (from, until)| {
        let day = today + Days::new(in_days);
        let at = |hour| day.and_hms_opt(hour, 0, 0).unwrap();
        Shift { user: UserId(user), area: area(schedule), start: at(from), end: at(until) }
    };
    world.roster = vec![
        shift(ANDREW, 136, 1, (9, 12)),
        shift(ANDREW, 211, 1, (12, 17)),
        shift(ANDREW, 311, 7, (9, 17)),
        shift(CHRIS, 211, 61, (9, 17)),
        shift(NINA, 136, 2, (9, 17)),
    ];
    world
}

/// What the command prints.
async fn discover(world: World, arguments: &[&str]) -> String {
    let model: Arc<dyn Model> = Arc::new(OpenVpmsSim::new(world, Clock::system()));
    let stop = CancellationToken::new();
    let port = listen(model, &Faults::none(), &stop).await;
    let directory = tempfile::TempDir::new().unwrap();
    let settings = servers_at(port, port, "max_requests_per_second = 1000\n");
    std::fs::write(directory.path().join("vetbridge.toml"), settings).unwrap();
    let mut command = vetbridge(directory.path());
    command.arg("discover").args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    stop.cancel();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn today() -> NaiveDate {
    sydney().wall(Clock::system().now()).date()
}

/// The pasted blocks in a whole configuration, with ids and keys filled in.
fn config_of(toml: &str) -> Config {
    parsed(&filled_in(toml))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_says_who_is_rostered_where_within_the_horizon() {
    for server in SERVERS {
        let text = discover(world(server, today()), &[]).await;
        for line in [
            "user 1158  Andrew Turner  rostered on schedules 136 and 211; works at locations 106 and 98",
            "user 1158  Andrew Turner  rostered on schedule 311; works at locations 106 and 98",
            "user 1159  Chris Barton  not rostered here in the next 60 days; works at locations 106 and 98",
            "user 1160  Nina Okafor  rostered on schedule 136",
        ] {
            assert!(text.lines().any(|own| own.trim() == line), "{line}\nin\n{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_blocks_have_the_pairs_of_each_location_and_are_a_configuration_once_filled_in() {
    for server in SERVERS {
        let toml = discover(world(server, today()), &["--toml"]).await;
        assert!(toml.contains("[[practice.resource]]  # Andrew Turner on Main Surgery Schedule\n"), "{toml}");
        assert!(toml.contains("# OpenVPMS does not tell clinicians from other users"), "{toml}");
        let practices = config_of(&toml).practices.into_iter().map(|practice| {
            let resources: Vec<String> = practice.resources.iter().map(|entry| entry.id().to_string()).collect();
            (practice.locations, resources.join(" "))
        });
        let mut practices: Vec<_> = practices.collect();
        practices.sort();
        assert_eq!(
            practices,
            [
                (vec![LocationId(98)], "s136 s211 u1158-s136 u1158-s211 u1160-s136".to_owned()),
                (vec![LocationId(106)], "s311 u1158-s311".to_owned()),
            ]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_lists_the_same() {
    let json: serde_json::Value =
        serde_json::from_str(&discover(world(UserBehaviour::V21, today()), &["--json"]).await).unwrap();
    let main = json.as_array().unwrap().iter().find(|place| place["location"] == 98).unwrap();
    let rostered: Vec<(&serde_json::Value, &serde_json::Value)> =
        main["users"].as_array().unwrap().iter().map(|user| (&user["user"], &user["rostered"])).collect();
    let expected = serde_json::json!([[1158, [136, 211]], [1159, []], [1160, [136]]]);
    assert_eq!(serde_json::to_value(rostered).unwrap(), expected);
}
