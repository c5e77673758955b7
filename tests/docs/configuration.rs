//! Configuration: blocks of TOML and names of keys, judged by the reader of the program.

use std::fs;
use std::path::Path;

use vetbridge::config;

use super::page::Page;
use super::{ROOT, pages};

/// The tables that a file must have. A block that lacks some of them is read together with these.
pub(super) const REQUIRED: [(&str, &str); 3] = [
    (
        "openvpms",
        "[openvpms]\nurl = \"http://10.8.0.1:8080/openvpms\"\nusername = \"healthengine\"\npassword = \"p\"\n",
    ),
    (
        "healthengine",
        "[healthengine]\napi_key = \"k\"\nvendor = \"Example Vets\"\ncontact = \"it@example.com\"\nenvironment \
         = \"PROD\"\n",
    ),
    (
        "practice",
        "[[practice]]\nid = \"1\"\nkey = \"k\"\nlocations = [98]\n[practice.live_hours]\nmonday = [\"08:00-18:00\"]\n",
    ),
];
/// In place of every secret that a block refers to.
const SECRET: &str = "a-secret-of-32-letters-0123456789";

/// What the program says against a block of TOML.
fn misconfigurations(block: &str) -> Vec<String> {
    let table: toml::Table = block.parse().unwrap_or_else(|error| panic!("{error}\n{block}"));
    // A block of a practice's own tables alone belongs to a practice that stands above it.
    let has = |name: &str| table.get(name).is_some_and(|own| name != "practice" || own.is_array());
    let missing = REQUIRED.iter().filter(|(name, _)| !has(name)).map(|(_, text)| *text);
    let whole = missing.collect::<String>() + block;
    let folder = tempfile::tempdir().unwrap();
    for reference in ["{ file = \"", "{ credential = \""] {
        for name in whole.split(reference).skip(1).filter_map(|rest| rest.split('"').next()) {
            let url = if name.ends_with(".url") { "https://receiver.example/" } else { "" };
            fs::write(folder.path().join(name), format!("{url}{SECRET}")).unwrap();
        }
    }
    for name in whole.split("ca_file = \"").skip(1).filter_map(|rest| rest.split('"').next()) {
        fs::copy(Path::new(ROOT).join("fixtures/test-ca.pem"), folder.path().join(name)).unwrap();
    }
    let env = |name: &str| match name {
        "CREDENTIALS_DIRECTORY" => Ok(folder.path().display().to_string()),
        _ => Ok(SECRET.to_owned()),
    };
    let problems = config::parse(&folder.path().join("vetbridge.toml"), &whole, &env).err();
    problems.into_iter().flat_map(|error| error.problems).map(|problem| problem.message).collect()
}

#[test]
fn every_block_of_configuration_is_valid() {
    let pages = pages();
    let blocks: Vec<_> = pages.iter().flat_map(|page| &page.blocks).filter(|block| block.language == "toml").collect();
    assert!(blocks.len() > 3);
    for block in blocks {
        assert_eq!(misconfigurations(&block.text), [""; 0], "{}", block.text);
    }
    for wrong in ["[sync]\nhorizont_days = 60\n", "[openvpms]\nusername = \"healthengine\"\n", "[sink]\n"] {
        assert!(!misconfigurations(wrong).is_empty(), "{wrong}");
    }
}

#[test]
fn every_table_and_key_that_is_named_exists() {
    let is_unknown = |code: &str| {
        let (table, key) =
            code.split_once("] ").map_or((code.to_owned(), ""), |(table, key)| (format!("{table}]"), key));
        let key = if key.is_empty() { String::new() } else { format!("{key} = 1\n") };
        let problems = config::parse(Path::new("vetbridge.toml"), &format!("{table}\n{key}"), &|_| Ok(String::new()));
        problems.is_err_and(|error| error.problems.iter().any(|problem| problem.message.contains("unknown key")))
    };
    let pages = pages();
    let named: Vec<_> = pages.iter().flat_map(Page::inline_code).filter(|code| code.starts_with('[')).collect();
    assert!(named.len() > 15, "{named:?}");
    assert_eq!(named.into_iter().filter(|code| is_unknown(code)).collect::<Vec<_>>(), [""; 0]);
    assert!(is_unknown("[openvpms] usrname") && is_unknown("[openvpns]") && !is_unknown("[[practice]]"));
}
