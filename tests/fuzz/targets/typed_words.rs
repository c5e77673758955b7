//! Single words that people or the two systems write: durations, hours, ids, references, notes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vetbridge::booking::resolution::{NOTE_CHARS_MAX, Note, reference};
use vetbridge::booking::update::echoed_reference;
use vetbridge::characters;
use vetbridge::config::duration;
use vetbridge::config::live_hours::HoursRange;
use vetbridge::ids::{BookingReference, ResourceId, TypeId};

fuzz_target!(|text: &str| {
    let _ = (duration::parse(text), text.parse::<HoursRange>());
    // One spelling for each id, or it would change meaning.
    if let Ok(id) = text.parse::<ResourceId>() {
        assert_eq!(id.to_string(), text);
    }
    if let Ok(id) = text.parse::<TypeId>() {
        assert_eq!(id.to_string(), text);
    }
    if let Ok(note) = text.parse::<Note>() {
        let note = note.to_string();
        assert!(note.chars().count() <= NOTE_CHARS_MAX && !note.contains(char::is_control), "{note:?}");
    }
    if let Ok(BookingReference(own)) = reference(text) {
        assert_eq!(own, text.trim());
    }
    BookingReference(text.to_owned()).customer();
    echoed_reference(&[text.to_owned()]);
    characters::shown(text);
    assert!(characters::one_line(text, 80).chars().count() <= 83);
    characters::is_utf16(text.as_bytes());
});
