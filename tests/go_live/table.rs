//! The table of the scenarios in docs/go-live.md names every test of this folder, and no other.

use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../docs/go-live.md");
const SOURCES: [&str; 6] = [
    include_str!("linking.rs"),
    include_str!("configuration.rs"),
    include_str!("availability.rs"),
    include_str!("patients.rs"),
    include_str!("requests.rs"),
    include_str!("webhooks.rs"),
];

/// What every test begins with.
const TEST: &str = "#[tokio::test(flavor = \"multi_thread\")]\nasync fn ";

#[test]
fn the_table_in_the_docs_has_every_scenario() {
    let tests: BTreeSet<&str> = SOURCES
        .iter()
        .flat_map(|source| source.split(TEST).skip(1))
        .filter_map(|rest| rest.split('(').next())
        .collect();
    let table = PAGE.split("## Scenarios").nth(1).unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| ")?.rsplit('`').nth(1));
    assert_eq!(rows.collect::<BTreeSet<_>>(), tests);
}
