//! The example clinic of `deploy/kubernetes`: its configuration is valid where the cluster puts it, and the
//! command that makes its secrets makes all that it names. `tests/deploy/kubernetes.sh` judges the manifests.

use std::collections::BTreeSet;

use tempfile::TempDir;
use vetbridge::config;

use crate::file;

const CONFIGURATION: &str = "deploy/kubernetes/overlays/example-clinic/vetbridge.toml";

/// The files that a configuration names.
fn files_of(text: &str) -> BTreeSet<String> {
    let quoted = |rest: &str| rest.split('"').next().unwrap().to_owned();
    let secrets = text.split("{ file = \"").skip(1).map(quoted);
    secrets.chain(text.split("\nca_file = \"").skip(1).map(quoted)).collect()
}

#[test]
fn the_example_clinic_has_a_valid_configuration_and_a_state_directory_of_vetbridges_own() {
    let (folder, text) = (TempDir::new().unwrap(), file(CONFIGURATION));
    for name in files_of(&text) {
        let content = match name.as_str() {
            "clinic-ca.pem" => file("fixtures/test-ca.pem"),
            name if name.ends_with(".url") => "https://receiver.example/9c1f0d3b7a52e846\n".to_owned(),
            _ => "a-secret-of-32-letters-0123456789\n".to_owned(),
        };
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let no_environment = |_: &str| Err(std::env::VarError::NotPresent);
    let config = config::parse(&folder.path().join("vetbridge.toml"), &text, &no_environment);
    let config = config.unwrap_or_else(|error| panic!("{error}"));
    let mount = "mountPath: /var/lib/vetbridge\n";
    assert!(file("deploy/kubernetes/base/statefulset.yaml").contains(mount));
    assert_eq!(config.state_path.parent().unwrap().to_str(), Some("/var/lib/vetbridge"));
}

#[test]
fn the_page_makes_every_secret_that_the_example_clinic_names() {
    let page = file("docs/many-clinics.md");
    let command = page.split("kubectl create secret generic vetbridge-secrets").nth(1).unwrap();
    let command = command.split("```").next().unwrap();
    let made: BTreeSet<_> =
        command.split("--from-file=").skip(1).map(|rest| rest.split_whitespace().next().unwrap().to_owned()).collect();
    assert_eq!(made, files_of(&file(CONFIGURATION)));
}

#[test]
fn image_cluster_and_compose_file_run_the_same_user_and_ask_the_same_question() {
    let containerfile = file("deploy/Containerfile");
    assert!(containerfile.contains("\nUSER 10001:10001\n"));
    assert!(containerfile.contains("CMD [\"/usr/bin/vetbridge\", \"probe\"]"));
    let statefulset = file("deploy/kubernetes/base/statefulset.yaml");
    for key in ["runAsUser: 10001", "runAsGroup: 10001", "fsGroup: 10001"] {
        assert!(statefulset.contains(key), "{key}");
    }
    assert_eq!(statefulset.matches("command: [\"/usr/bin/vetbridge\", \"probe\"]").count(), 3);
    assert!(file("deploy/compose.yaml").contains("test: [\"CMD\", \"/usr/bin/vetbridge\", \"probe\"]"));
}
