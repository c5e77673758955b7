//! Which zone ids name a place where a clinic can be, and which places another text can stand for.
//!
//! `Etc/UTC`, `GMT`, `Zulu`, `EST` and their like are in the IANA database too, but no clinic is
//! there: a Java machine says so when nobody told it where it stands. Nor is a clinic of ours
//! anywhere but in Australia and New Zealand, where Healthengine is: America is what a Windows
//! machine or an image of a server says when nobody told it. All these are treated as a bare offset
//! is.
//!
//! People write a zone in many ways: `AEST`, `GMT+10`, `AUS Eastern Standard Time`, `Queensland`.
//! Most of them fit several zones, which differ by an hour for half of the year. So a suggestion
//! names all that fit, each with the part of the country that keeps it.

use chrono::{DateTime, FixedOffset};

use super::Zone;

/// Zones of Australia and New Zealand that stand in other areas.
const OUTLYING: [&str; 7] =
    ["NZ", "NZ-CHAT", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Norfolk", "Indian/Christmas", "Indian/Cocos"];

impl Zone {
    /// True for a place in Australia or New Zealand, where the clinics are; its offsets follow that
    /// place's law. `Etc/UTC`, `GMT` and `EST` are names, and no places.
    pub fn names_a_place(&self) -> bool {
        match self {
            Self::Iana(zone) => zone.name().starts_with("Australia/") || OUTLYING.contains(&zone.name()),
            Self::Fixed(_) => false,
        }
    }
}

/// A zone that a text can stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Its IANA name.
    pub zone: &'static str,
    /// Who keeps it.
    pub keepers: &'static str,
}

const SYDNEY: Candidate = Candidate { zone: "Australia/Sydney", keepers: "New South Wales, Canberra" };
const MELBOURNE: Candidate = Candidate { zone: "Australia/Melbourne", keepers: "Victoria" };
const HOBART: Candidate = Candidate { zone: "Australia/Hobart", keepers: "Tasmania" };
const BRISBANE: Candidate =
    Candidate { zone: "Australia/Brisbane", keepers: "Queensland, which has no daylight saving" };
const ADELAIDE: Candidate = Candidate { zone: "Australia/Adelaide", keepers: "South Australia" };
const DARWIN: Candidate =
    Candidate { zone: "Australia/Darwin", keepers: "Northern Territory, which has no daylight saving" };
const PERTH: Candidate = Candidate { zone: "Australia/Perth", keepers: "Western Australia" };
const EUCLA: Candidate = Candidate { zone: "Australia/Eucla", keepers: "Eucla" };
const LORD_HOWE: Candidate = Candidate { zone: "Australia/Lord_Howe", keepers: "Lord Howe Island" };
const NORFOLK: Candidate = Candidate { zone: "Pacific/Norfolk", keepers: "Norfolk Island" };
const AUCKLAND: Candidate = Candidate { zone: "Pacific/Auckland", keepers: "New Zealand" };
const CHATHAM: Candidate = Candidate { zone: "Pacific/Chatham", keepers: "Chatham Islands" };

/// Where nearly all clinics are.
pub const USUAL: &[Candidate] = &[SYDNEY, MELBOURNE, BRISBANE, HOBART, ADELAIDE, DARWIN, PERTH, AUCKLAND];

const EASTERN: &[Candidate] = &[SYDNEY, MELBOURNE, HOBART, BRISBANE];
const EASTERN_SUMMER: &[Candidate] = &[SYDNEY, MELBOURNE, HOBART];
const CENTRAL: &[Candidate] = &[ADELAIDE, DARWIN];

/// What is written instead of an IANA name, in capitals, with the zones that it can mean: what
/// Australians and New Zealanders call their times, what Java and Windows call them, and places.
const NAMES: [(&[&str], &[Candidate]); 20] = [
    (&["AEST", "AET", "EST", "EASTERN STANDARD TIME", "AUSTRALIAN EASTERN STANDARD TIME"], EASTERN),
    (&["AUSTRALIAN EASTERN TIME", "EASTERN TIME", "EST5EDT"], EASTERN),
    (&["AEDT", "EDT", "AUSTRALIAN EASTERN DAYLIGHT TIME", "EASTERN DAYLIGHT TIME"], EASTERN_SUMMER),
    // Windows has one name for both.
    (&["AUS EASTERN STANDARD TIME", "AUS EASTERN TIME"], &[SYDNEY, MELBOURNE]),
    (&["ACST", "CST", "CST6CDT", "CENTRAL STANDARD TIME", "AUSTRALIAN CENTRAL STANDARD TIME"], CENTRAL),
    (&["ACDT", "CDT", "AUSTRALIAN CENTRAL DAYLIGHT TIME"], &[ADELAIDE]),
    // Java's id for Darwin, and everybody's for Canberra.
    (&["ACT"], &[SYDNEY, DARWIN]),
    (&["AUS CENTRAL STANDARD TIME", "NT", "NORTHERN TERRITORY", "ALICE SPRINGS"], &[DARWIN]),
    (&["CEN. AUSTRALIA STANDARD TIME", "SA", "SOUTH AUSTRALIA", "MOUNT GAMBIER"], &[ADELAIDE]),
    (&["E. AUSTRALIA STANDARD TIME", "QLD", "QUEENSLAND", "GOLD COAST", "CAIRNS", "TOWNSVILLE"], &[BRISBANE]),
    (&["TASMANIA STANDARD TIME", "TAS", "TASMANIA", "LAUNCESTON"], &[HOBART]),
    (&["VIC", "VICTORIA", "GEELONG", "BALLARAT", "BENDIGO"], &[MELBOURNE]),
    (&["NSW", "NEW SOUTH WALES", "CANBERRA", "NEWCASTLE", "WOLLONGONG"], &[SYDNEY]),
    (&["AWST", "AWDT", "WST", "WESTERN STANDARD TIME", "AUSTRALIAN WESTERN STANDARD TIME"], &[PERTH]),
    (&["W. AUSTRALIA STANDARD TIME", "WA", "WESTERN AUSTRALIA", "FREMANTLE"], &[PERTH]),
    (&["ACWST", "AUS CENTRAL W. STANDARD TIME"], &[EUCLA]),
    (&["LHST", "LHDT", "LORD HOWE STANDARD TIME"], &[LORD_HOWE]),
    (&["NFT", "NFDT", "NORFOLK STANDARD TIME"], &[NORFOLK]),
    (&["NZST", "NZDT", "NST", "NEW ZEALAND STANDARD TIME", "NEW ZEALAND", "WELLINGTON", "CHRISTCHURCH"], &[AUCKLAND]),
    (&["CHAST", "CHADT", "CHATHAM ISLANDS STANDARD TIME"], &[CHATHAM]),
];

/// The zones that a text can mean which names no place of ours: by what people, Java and Windows
/// call the time there, by a town, else by an offset from UTC. Empty for anything else, UTC and
/// America among it.
pub fn places_of(id: &str) -> &'static [Candidate] {
    let upper = id.trim().to_ascii_uppercase().replace('_', " ");
    // `Australia/Wollongong`, `Australian Eastern Standard Time (Queensland)`.
    let words = [upper.strip_prefix("AUSTRALIA/").unwrap_or(&upper), bracketed(&upper).unwrap_or_default()];
    let called = |word: &&str| NAMES.iter().find(|(names, _)| names.contains(word)).map(|(_, places)| *places);
    if let Some(places) = words.iter().rev().find_map(called) {
        return places;
    }
    let city = |own: &&Candidate| own.zone.rsplit('/').next().is_some_and(|city| is_same(city, words[0]));
    if let Some(at) = USUAL.iter().position(|own| city(&own)) {
        return &USUAL[at..=at];
    }
    match offset_minutes(&upper) {
        Some(480) => &[PERTH],
        Some(525) => &[EUCLA],
        Some(570) => CENTRAL,
        Some(600) => EASTERN,
        Some(630) => &[ADELAIDE, LORD_HOWE],
        Some(660) => &[SYDNEY, MELBOURNE, HOBART, NORFOLK],
        Some(720 | 780) => &[AUCKLAND],
        Some(765 | 825) => &[CHATHAM],
        _ => &[],
    }
}

fn is_same(city: &str, upper: &str) -> bool {
    city.replace('_', " ").eq_ignore_ascii_case(upper)
}

/// What stands in brackets at the end.
fn bracketed(text: &str) -> Option<&str> {
    text.strip_suffix(')')?.rsplit_once('(').map(|(_, inside)| inside.trim())
}

/// The offset of a zone that names no place, or of a text such as `UTC+10` or `GMT +9:30`. Ids that
/// name no place have one offset all the year, but for a few of America and Europe, which fit
/// nothing here.
fn offset_minutes(upper: &str) -> Option<i32> {
    // Of POSIX, where the sign is the other way round: `Etc/GMT-10` is ten hours east.
    let id = upper.strip_prefix("ETC/").map_or_else(|| upper.to_owned(), |rest| format!("Etc/{rest}"));
    if let Ok(zone) = id.parse::<Zone>() {
        let offset: FixedOffset = *zone.at(DateTime::UNIX_EPOCH).offset();
        // Another place is no way to write an offset.
        let is_offset = !zone.names_a_place() && (!id.contains('/') || id.starts_with("Etc/"));
        return is_offset.then_some(offset.local_minus_utc() / 60);
    }
    let offset = ["GMT", "UTC", "UT", ""].iter().find_map(|prefix| upper.strip_prefix(prefix))?;
    let (hours, minutes) = offset.trim().strip_prefix('+')?.split_once(':').unwrap_or((offset.trim().get(1..)?, "0"));
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    hours.checked_mul(60)?.checked_add(minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_names_without_an_area_two_name_a_place() {
        let bare = chrono_tz::TZ_VARIANTS.iter().filter(|zone| !zone.name().contains('/'));
        let places = bare.filter(|zone| Zone::Iana(**zone).names_a_place()).map(|zone| zone.name());
        assert_eq!(places.collect::<Vec<_>>(), ["NZ", "NZ-CHAT"]);
    }

    #[test]
    fn what_is_no_place_is_none_and_links_to_places_are_some() {
        let abroad = [
            "America/New_York",
            "US/Pacific",
            "Canada/Eastern",
            "Brazil/East",
            "Jamaica",
            "Asia/Tokyo",
            "Europe/London",
            "Pacific/Fiji",
            "Antarctica/Casey",
            "Singapore",
            "ROK",
        ];
        for name in ["Etc/UTC", "GMT", "UTC", "Zulu", "EST", "Etc/GMT-10", "UCT", "Greenwich", "GMT+10:00"]
            .into_iter()
            .chain(abroad)
        {
            assert!(!name.parse::<Zone>().unwrap().names_a_place(), "{name}");
        }
        for name in ["Australia/Sydney", "Australia/ACT", "Australia/NSW", "NZ", "Pacific/Auckland", "Indian/Christmas"]
        {
            assert!(name.parse::<Zone>().unwrap().names_a_place(), "{name}");
        }
    }

    #[test]
    fn a_text_that_is_no_zone_means_every_place_that_keeps_that_time() {
        for (ids, places) in [
            (&["AEST", "EST", "GMT+10:00", "Etc/GMT-10", "UTC+10", "GMT +10", "+10"][..], EASTERN),
            (&["aedt", "EDT"], EASTERN_SUMMER),
            (&["GMT+11"], &[SYDNEY, MELBOURNE, HOBART, NORFOLK]),
            (&["AUS Eastern Standard Time"], &[SYDNEY, MELBOURNE]),
            (&["E. Australia Standard Time", "Brisbane", "qld", "Australia/Cairns"], &[BRISBANE]),
            (&["Australian Eastern Standard Time (Queensland)"], &[BRISBANE]),
            (
                &["Eastern Standard Time (New South Wales)", "Sydney", "Australia/Sydney", "Australia/Wollongong"],
                &[SYDNEY],
            ),
            (&["ACST", "+09:30", "UTC+9:30"], CENTRAL),
            (&["AWST", "UTC+8", "GMT+08:00", "Etc/GMT-8"], &[PERTH]),
            (&["NZDT", "GMT+13:00", "New Zealand"], &[AUCKLAND]),
            (&["Etc/UTC", "Zulu", "Etc/GMT+10", "UTC-5", "America/New_York", "Asia/Tokyo", "Moon/Base"], &[]),
        ] {
            for id in ids {
                assert_eq!(places_of(id), places, "{id}");
            }
        }
    }

    #[test]
    fn every_suggestion_is_a_zone_of_australia_or_new_zealand() {
        for Candidate { zone, .. } in NAMES.iter().flat_map(|(_, places)| *places).chain(USUAL) {
            let zone: Zone = zone.parse().unwrap();
            assert!(zone.names_a_place(), "{zone}");
        }
    }
}
