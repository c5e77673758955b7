//! What `vetbridge state import` reads. The first byte puts a good first line before the rest.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vetbridge::practice::KINDS;
use vetbridge::store::Export;

const HEAD: &[u8] = br#"{"format":"vetbridge-state","version":1,"program":"0.1.0","exported_at":"2026-03-01T10:00:00Z","meta":{"instance":"5f0c6a1d2b3e4f50","created_at":"2026-02-01T00:00:00Z"},"pseudonym_key":"0707070707070707070707070707070707070707070707070707070707070707"}
"#;

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let text = if first % 2 == 0 { rest.to_vec() } else { [HEAD, rest].concat() };
    match Export::read(&text[..], &KINDS) {
        Ok((export, key)) => {
            let again = export.to_text(&key).unwrap();
            let (read, read_key) = Export::read(again.as_bytes(), &KINDS).unwrap();
            assert!(read == export && read_key.bytes() == key.bytes());
        }
        Err(error) => assert!(error.to_string().chars().count() < 2_000, "{error}"),
    }
});
