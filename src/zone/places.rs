//! Which zone ids name a place, and which places an abbreviation or an offset can stand for.
//!
//! `Etc/UTC`, `GMT`, `Zulu`, `EST` and their like are in the IANA database too, but no clinic is
//! there: a Java machine says so when nobody told it where it stands. They are treated as a bare
//! offset is.

use chrono::{DateTime, FixedOffset};

use super::Zone;

/// Names without an area that stand for a country or an island. What has neither an area nor a line
/// here is no place.
const COUNTRIES: [&str; 24] = [
    "Cuba",
    "Egypt",
    "Eire",
    "GB",
    "GB-Eire",
    "Hongkong",
    "Iceland",
    "Iran",
    "Israel",
    "Jamaica",
    "Japan",
    "Kwajalein",
    "Libya",
    "NZ",
    "NZ-CHAT",
    "Navajo",
    "PRC",
    "Poland",
    "Portugal",
    "ROC",
    "ROK",
    "Singapore",
    "Turkey",
    "W-SU",
];

impl Zone {
    /// True for the name of a place, whose offsets follow that place's law. `Etc/UTC`, `GMT` and
    /// `EST` are names, and no places.
    pub fn names_a_place(&self) -> bool {
        match self {
            Self::Iana(zone) => is_place(zone.name()),
            Self::Fixed(_) => false,
        }
    }
}

/// True for the name of a place: an area and a location, or a country.
fn is_place(name: &str) -> bool {
    match name.split_once('/') {
        Some((area, _)) => area != "Etc",
        None => COUNTRIES.contains(&name),
    }
}

/// What Australians and New Zealanders call their times, with the places that keep them.
const ABBREVIATIONS: [(&[&str], &[&str]); 5] = [
    (&["AEST", "AEDT", "AET", "EST", "EDT", "EST5EDT"], EASTERN),
    (&["ACST", "ACDT", "CST", "CDT", "CST6CDT"], CENTRAL),
    (&["AWST", "AWDT", "WST"], WESTERN),
    (&["NZST", "NZDT", "NST"], NEW_ZEALAND),
    (&["LHST", "LHDT"], &["Australia/Lord_Howe"]),
];
const EASTERN: &[&str] = &["Australia/Sydney", "Australia/Brisbane"];
const CENTRAL: &[&str] = &["Australia/Adelaide", "Australia/Darwin"];
const WESTERN: &[&str] = &["Australia/Perth"];
const NEW_ZEALAND: &[&str] = &["Pacific/Auckland"];

/// The places that an id which names none can mean: by what people call the time there, else by its
/// offset from UTC. Empty for anything else, UTC itself among it.
pub fn places_of(id: &str) -> &'static [&'static str] {
    let upper = id.trim().to_ascii_uppercase();
    let called = ABBREVIATIONS.iter().find(|(names, _)| names.contains(&upper.as_str()));
    if let Some((_, places)) = called {
        return places;
    }
    let Ok(zone) = id.trim().parse::<Zone>() else { return &[] };
    if zone.names_a_place() {
        return &[];
    }
    match offset_minutes(zone) {
        480 => WESTERN,
        570 | 630 => CENTRAL,
        600 | 660 => EASTERN,
        720 | 780 => NEW_ZEALAND,
        _ => &[],
    }
}

/// Ids that name no place have one offset all the year, but for a few of America and Europe, which
/// fit nothing here.
fn offset_minutes(zone: Zone) -> i32 {
    let offset: FixedOffset = *zone.at(DateTime::UNIX_EPOCH).offset();
    offset.local_minus_utc() / 60
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_without_an_area_was_decided_about() {
        let no_places = [
            "CET",
            "CST6CDT",
            "EET",
            "EST",
            "EST5EDT",
            "Factory",
            "GMT",
            "GMT+0",
            "GMT-0",
            "GMT0",
            "Greenwich",
            "HST",
            "MET",
            "MST",
            "MST7MDT",
            "PST8PDT",
            "UCT",
            "UTC",
            "Universal",
            "WET",
            "Zulu",
        ];
        let bare = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).filter(|name| !name.contains('/'));
        for name in bare {
            assert_ne!(is_place(name), no_places.contains(&name), "{name}");
        }
    }

    #[test]
    fn what_is_no_place_is_none_and_links_to_places_are_some() {
        for name in ["Etc/UTC", "GMT", "UTC", "Zulu", "EST", "Etc/GMT-10", "UCT", "Universal", "Greenwich", "GMT+10:00"]
        {
            assert!(!name.parse::<Zone>().unwrap().names_a_place(), "{name}");
        }
        for name in ["Australia/Sydney", "Australia/ACT", "Australia/NSW", "NZ", "Singapore", "US/Pacific", "ROK"] {
            assert!(name.parse::<Zone>().unwrap().names_a_place(), "{name}");
        }
    }

    #[test]
    fn an_abbreviation_or_an_offset_means_the_places_that_keep_that_time() {
        for (id, places) in [
            ("AEST", EASTERN),
            ("aedt", EASTERN),
            ("EST", EASTERN),
            ("GMT+10:00", EASTERN),
            ("Etc/GMT-10", EASTERN),
            ("ACST", CENTRAL),
            ("+09:30", CENTRAL),
            ("AWST", WESTERN),
            ("UTC+8", &[]),
            ("GMT+08:00", WESTERN),
            ("NZDT", NEW_ZEALAND),
            ("Etc/UTC", &[]),
            ("Zulu", &[]),
            ("Australia/Sydney", &[]),
            ("Moon/Base", &[]),
        ] {
            assert_eq!(places_of(id), places, "{id}");
        }
        for place in ABBREVIATIONS.iter().flat_map(|(_, places)| *places) {
            assert!(place.parse::<Zone>().is_ok_and(|zone| zone.names_a_place()), "{place}");
        }
    }
}
