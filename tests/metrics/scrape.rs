//! The text of `/metrics`, taken apart.

use std::collections::{BTreeMap, BTreeSet};

/// A scrape: the value of each series, by its name and labels.
pub(crate) struct Scrape {
    series: Vec<(String, BTreeMap<String, String>, f64)>,
}

impl Scrape {
    /// Reads Prometheus's text format, as far as vetbridge writes it.
    pub(crate) fn read(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let series = lines.map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let labels = labels.strip_suffix('}').unwrap().split_inclusive("\",");
            let labels = labels.filter(|label| !label.is_empty()).map(|label| {
                let (name, value) = label.trim_end_matches(',').split_once("=\"").unwrap();
                (name.to_owned(), value.strip_suffix('"').unwrap().to_owned())
            });
            let value = if value == "+Inf" { f64::INFINITY } else { value.parse().unwrap() };
            (name.to_owned(), labels.collect(), value)
        });
        Self { series: series.collect() }
    }

    /// The value of the one series with this name and exactly these labels.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels: BTreeMap<String, String> =
            labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut found = self.series.iter().filter(|(own, has, _)| own == name && *has == labels);
        let value = found.next().map(|(_, _, value)| *value);
        assert!(found.next().is_none(), "{name} {labels:?} twice");
        value
    }

    /// The sum over all series of this name that have this label value.
    pub(crate) fn sum(&self, name: &str, label: &str, value: &str) -> f64 {
        let has = |labels: &BTreeMap<String, String>| labels.get(label).is_some_and(|own| own == value);
        self.series.iter().filter(|(own, labels, _)| own == name && has(labels)).map(|(_, _, value)| value).sum()
    }

    /// Every name with the labels that its series have.
    pub(crate) fn names(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (name, labels, _) in &self.series {
            names.entry(name.clone()).or_default().extend(labels.keys().cloned());
        }
        names
    }

    /// Every value of a label.
    pub(crate) fn values_of(&self, label: &str) -> BTreeSet<&str> {
        self.series.iter().filter_map(|(_, labels, _)| labels.get(label)).map(String::as_str).collect()
    }

    /// How many series there are.
    pub(crate) fn len(&self) -> usize {
        self.series.len()
    }
}
