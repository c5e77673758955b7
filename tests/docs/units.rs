//! The systemd units of `deploy`: the template is the plain one for an instance, every setting
//! has its reason above it, and the manual pages that they name are those of commands.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clap::CommandFactory;
use vetbridge::cli::Cli;

use super::ROOT;

const PLAIN: &str = "vetbridge.service";
const TEMPLATE: &str = "vetbridge@.service";

fn text(unit: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join("deploy").join(unit)).unwrap()
}

/// The settings of a unit in their order.
fn settings(unit: &str) -> Vec<String> {
    let text = text(unit);
    let counts = |line: &&str| !line.is_empty() && !line.starts_with('#');
    text.lines().filter(counts).map(str::to_owned).collect()
}

#[test]
fn the_template_is_the_plain_unit_with_a_configuration_and_a_state_of_its_own() {
    let for_an_instance = |line: String| match line.as_str() {
        "Description=vetbridge: OpenVPMS to Healthengine" => format!("{line} (%i)"),
        "ExecStart=/usr/bin/vetbridge run --config /etc/vetbridge/vetbridge.toml" => {
            "ExecStart=/usr/bin/vetbridge run --config /etc/vetbridge/%i/vetbridge.toml".to_owned()
        }
        "StateDirectory=vetbridge" | "BindPaths=/var/lib/vetbridge" => format!("{line}-%i"),
        _ => line,
    };
    let expected: Vec<String> = settings(PLAIN).into_iter().map(for_an_instance).collect();
    assert_eq!(settings(TEMPLATE), expected);
    let differing = settings(PLAIN).iter().filter(|line| !expected.contains(line)).count();
    assert_eq!(differing, 4, "the units differ in what this test names");
}

/// The settings of a unit's service that have no reason of their own: no comment right above them,
/// nor above the one setting before them.
fn without_a_reason(text: &str) -> Vec<&str> {
    let service = text.split("[Service]").nth(1).unwrap().split("[Install]").next().unwrap();
    let mut since_the_comment = usize::MAX;
    let mut found = Vec::new();
    for line in service.lines() {
        if line.starts_with("# ") {
            since_the_comment = 0;
        } else if line.is_empty() {
            since_the_comment = usize::MAX;
        } else if !line.starts_with('#') {
            since_the_comment = since_the_comment.saturating_add(1);
            if since_the_comment > 2 {
                found.push(line);
            }
        }
    }
    found
}

#[test]
fn every_setting_of_the_service_says_why_it_is_there_or_the_one_before_it_says_so_for_both() {
    for unit in [PLAIN, TEMPLATE] {
        assert_eq!(without_a_reason(&text(unit)), [""; 0], "{unit}");
        assert!(settings(unit).len() > 40);
    }
}

#[test]
fn a_setting_without_a_reason_is_found() {
    let unit = "[Service]\nA=0\n# Two.\nB=1\n#B=2\nC=3\nD=4\n\n# One.\n\nE=5\n\
        # F.\nF=6\n[Install]\nG=7\n";
    assert_eq!(without_a_reason(unit), ["A=0", "D=4", "E=5"]);
}

#[test]
fn the_manual_pages_that_the_units_name_are_those_of_commands() {
    let command = Cli::command();
    let subcommands = command.get_subcommands().map(|sub| format!("vetbridge-{}", sub.get_name()));
    let pages: BTreeSet<String> = subcommands.chain(["vetbridge".to_owned()]).collect();
    for unit in [PLAIN, TEMPLATE] {
        let settings = settings(unit);
        let named = settings.iter().find_map(|line| line.strip_prefix("Documentation=")).unwrap();
        for page in named.split(' ') {
            let name = page.strip_prefix("man:").and_then(|page| page.strip_suffix("(1)")).unwrap();
            assert!(pages.contains(name), "{unit} names {page}");
        }
    }
}

#[test]
fn the_manifests_have_the_room_of_the_unit_and_a_place_for_temporary_files() {
    let tasks = settings(PLAIN).iter().find_map(|line| line.strip_prefix("TasksMax=").map(str::to_owned)).unwrap();
    let compose = text("compose.yaml");
    assert!(compose.contains(&format!("    pids_limit: {tasks}\n")), "TasksMax={tasks}");
    // `vetbridge rehearse` keeps its state there, and the root cannot be written.
    assert!(compose.contains("    tmpfs: [\"/tmp:") && compose.contains("    read_only: true\n"));
    let pod = text("kubernetes/base/statefulset.yaml");
    assert!(pod.contains("mountPath: /tmp\n") && pod.contains("readOnlyRootFilesystem: true\n"));
}
