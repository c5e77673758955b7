//! Every kind of record that practices keep, and whether it travels with `vetbridge state export`.
//!
//! A kind that is missing here stays behind and is named as unknown by `state verify`; a test reads
//! the source and finds it. Its samples stand in `fixtures/store/`, one file for each version that
//! ever was.

use super::booking_executor::other_bridge_signs;
use super::configuration::accepted;
use super::days::sent;
use super::offering::schedule_places;
use super::subscription::upkeep;
use super::{client_memory, last_resync, ledger, pauses, rosters, zones};
use crate::alerts::told;
use crate::store::RecordKind;

/// The kinds of records of this program, but for the store's own.
pub const KINDS: [RecordKind; 14] = [
    ledger::KIND,
    accepted::KIND,
    sent::SENT_DAY,
    sent::UNACKNOWLEDGED_DAY,
    sent::FULL_RESYNC,
    schedule_places::KIND,
    rosters::KIND,
    zones::KIND,
    pauses::KIND,
    last_resync::KIND,
    client_memory::KIND,
    upkeep::KIND,
    other_bridge_signs::KIND,
    told::KIND,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::store::Meta;

    /// Practices' kinds and the store's own.
    fn kinds() -> Vec<RecordKind> {
        KINDS.into_iter().chain([RecordKind::stays_behind::<Meta>()]).collect()
    }

    fn samples(kind: &RecordKind, version: u32) -> (String, String) {
        let name = format!("fixtures/store/{}.v{version}.jsonl", kind.name);
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&name);
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!text.trim().is_empty(), "{name} holds no sample");
        (name, text)
    }

    #[test]
    fn records_of_every_version_that_ever_was_are_read() {
        for kind in kinds() {
            for version in 1..=kind.version {
                let (name, text) = samples(&kind, version);
                for (number, line) in text.lines().enumerate() {
                    let read = kind.reread(line);
                    assert!(read.is_ok(), "{name}:{}: {read:?}", number + 1);
                }
            }
        }
    }

    #[test]
    fn a_form_that_changed_has_another_version() {
        for kind in kinds() {
            let (name, text) = samples(&kind, kind.version);
            for (number, line) in text.lines().enumerate() {
                // As values: the order of fields is not part of the form.
                let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
                let written = kind.reread(line).unwrap();
                assert_eq!(
                    value(&written),
                    value(line),
                    "{name}:{}: raise the version, and keep this file",
                    number + 1
                );
            }
        }
    }

    #[test]
    fn no_kind_of_record_in_the_source_is_missing_here() {
        let (mut found, mut impls) = (BTreeSet::new(), 0);
        let mut directories = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path: PathBuf = entry.unwrap().path();
                if path.is_dir() {
                    directories.push(path);
                    continue;
                }
                let text = fs::read_to_string(&path).unwrap_or_default();
                // Records of tests are made after the module's own code.
                let code = text.split("#[cfg(test)]").next().unwrap_or_default();
                impls += code.lines().filter(|line| line.starts_with("impl Record for ")).count();
                let kinds = code.lines().filter_map(|line| line.trim().strip_prefix("const KIND: &'static str = \""));
                found.extend(kinds.map(|rest| rest.trim_end_matches("\";").to_owned()));
            }
        }
        let listed: BTreeSet<String> = kinds().iter().map(|kind| kind.name.to_owned()).collect();
        let unlisted: Vec<&String> = found.difference(&listed).collect();
        assert!(unlisted.is_empty(), "decide whether these travel, and add samples: {unlisted:?}");
        // Some have a name of a constant.
        assert_eq!((listed.len(), impls), (kinds().len(), kinds().len()), "a kind is missing, or two share a name");
    }
}
