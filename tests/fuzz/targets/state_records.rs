//! Records as a damaged disk may give them back, of every kind; and the note of the secrets in force.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vetbridge::config::secrets_in_force::InForce;
use vetbridge::practice::KINDS;

fuzz_target!(|data: (u8, &str)| {
    let (kind, text) = data;
    InForce::from_text(text);
    let kind = &KINDS[usize::from(kind) % KINDS.len()];
    match kind.reread(text) {
        // What was taken is written so that it is taken again, and stays the same.
        Ok(written) => assert_eq!(kind.reread(&written).as_ref(), Ok(&written), "{}", kind.name),
        Err(why) => assert!(why.chars().count() < 2_000, "{why}"),
    }
});
