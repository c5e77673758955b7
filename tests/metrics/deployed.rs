//! The alert rules and the dashboard of `deploy/monitoring` name metrics and labels that a service
//! has.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::over_http::after_two_bookings;
use crate::scrape::Scrape;

/// Labels that Prometheus adds, or has of its own.
const OWN_LABELS: [&str; 3] = ["instance", "job", "__name__"];

fn file(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/monitoring");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// The expressions of a file of rules: behind `expr:`, or in the deeper lines below it.
fn expressions_of_rules(rules: &str) -> Vec<String> {
    let lines: Vec<&str> = rules.lines().collect();
    let depth = |line: &str| line.len() - line.trim_start().len();
    let expression = |(at, line): (usize, &&str)| {
        let here = line.trim_start().strip_prefix("expr:")?.trim();
        let below = lines[at + 1..].iter().take_while(|below| depth(below) > depth(line));
        Some(if here == "|" { below.copied().collect::<Vec<_>>().join(" ") } else { here.to_owned() })
    };
    lines.iter().enumerate().filter_map(expression).collect()
}

/// What a dashboard asks Prometheus, wherever it stands.
fn expressions_of_dashboard(part: &Value, found: &mut Vec<String>) {
    match part {
        Value::Object(entries) => {
            for (name, entry) in entries {
                let asks = entry.as_str().filter(|_| name == "expr" || name == "definition");
                found.extend(asks.map(str::to_owned));
                expressions_of_dashboard(entry, found);
            }
        }
        Value::Array(entries) => entries.iter().for_each(|entry| expressions_of_dashboard(entry, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The metrics of ours in an expression, each with the labels that its braces name.
fn metrics_named(expression: &str) -> Vec<(String, BTreeSet<String>)> {
    let mut named = Vec::new();
    for (at, _) in expression.match_indices("vetbridge_") {
        let rest = &expression[at..];
        let (name, rest) = rest.split_at(rest.find(|c| !is_word(c)).unwrap_or(rest.len()));
        let braces = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or("", |(inside, _)| inside);
        let labels = braces.split(',').filter_map(|matcher| matcher.split_once(['=', '!']));
        named.push((name.to_owned(), labels.map(|(label, _)| label.trim().to_owned()).collect()));
    }
    named
}

/// The labels of `by (…)`.
fn labels_of_groups(expression: &str) -> BTreeSet<String> {
    let groups = expression.split("by (").skip(1).filter_map(|rest| rest.split_once(')'));
    groups.flat_map(|(labels, _)| labels.split(',').map(|label| label.trim().to_owned())).collect()
}

#[test]
fn names_and_labels_of_an_expression_are_found() {
    let expression =
        "sum by (le, practice) (rate(vetbridge_x_bucket{practice=~\"$p|\", peer!=\"a\"}[5m])) > vetbridge_y";
    let labels = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let expected =
        [("vetbridge_x_bucket".to_owned(), labels(&["peer", "practice"])), ("vetbridge_y".into(), labels(&[]))];
    assert_eq!(metrics_named(expression), expected);
    assert_eq!(labels_of_groups(expression), labels(&["le", "practice"]));
    let rules = "- alert: A\n  expr: up == 0\n  for: 5m\n- alert: B\n  expr: |\n    a or\n      b\n  for: 5m\n";
    assert_eq!(expressions_of_rules(rules), ["up == 0", "    a or       b"]);
}

#[tokio::test]
async fn every_metric_and_label_of_the_alerts_and_the_dashboard_is_one_that_a_service_has() {
    let (online, _) = after_two_bookings().await;
    let known: BTreeMap<String, BTreeSet<String>> = Scrape::read(&online.get("/metrics").await.2).names();
    online.finish().await;

    let rules = expressions_of_rules(&file("vetbridge.rules.yml"));
    assert_eq!(rules.len(), file("vetbridge.rules.yml").matches("- alert:").count());
    let (dashboard, mut asked) = (serde_json::from_str(&file("vetbridge.dashboard.json")).unwrap(), Vec::new());
    expressions_of_dashboard(&dashboard, &mut asked);
    assert!(rules.len() >= 8 && asked.len() >= 18, "{rules:#?} {asked:#?}");
    let mut used = BTreeSet::new();
    for expression in rules.iter().chain(&asked) {
        let mut has = BTreeSet::new();
        for (name, labels) in metrics_named(expression) {
            let own = known.get(&name).unwrap_or_else(|| panic!("no service has {name}: {expression}"));
            assert!(labels.is_subset(own), "{name} has {own:?} and not {labels:?}: {expression}");
            has.extend(own.iter().map(String::as_str));
            used.insert(name);
        }
        let groups = labels_of_groups(expression);
        let unknown: Vec<_> = groups.iter().filter(|own| !has.contains(own.as_str())).collect();
        let unknown: Vec<_> = unknown.into_iter().filter(|own| !OWN_LABELS.contains(&own.as_str())).collect();
        assert!(unknown.is_empty(), "{unknown:?}: {expression}");
    }
    let unused: Vec<_> = known.keys().filter(|name| !used.contains(*name)).collect();
    let unused: Vec<_> =
        unused.into_iter().filter(|name| !name.ends_with("_sum") && !name.ends_with("_count")).collect();
    assert_eq!(unused, [""; 0], "nobody looks at them");
}
