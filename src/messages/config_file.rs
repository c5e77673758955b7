//! What can be wrong with the configuration file. The place (file, line, column) is put before each
//! of these.

#![expect(clippy::wildcard_enum_match_arm, reason = "only some kinds of I/O errors have a remedy of their own")]

use std::fmt::Display;
use std::io;
use std::path::Path;

use super::{listed, nearest, plain};
use crate::ids::ResourceId;
use crate::messages::time_zones::either;
use crate::os::ownership::Hand;
use crate::os::words::{self, CONFIG_FILE, READ_ACCESS};
use crate::zone::Zone;
use crate::zone::typed_zones::{USUAL, places_of};

/// The parser's reason, which names what it expected and never what stands there.
pub fn syntax(reason: &str) -> String {
    let reason = reason.trim().replace('\n', ", ");
    let is_of_escape = reason.contains("escaped value") || reason.contains("unicode value");
    let remedy = if is_of_escape { format!("; {WINDOWS_PATH}") } else { String::new() };
    format!("this is not TOML: {reason}{remedy}")
}

const WINDOWS_PATH: &str = "in double quotes a backslash begins an escape, so write a path of Windows in single \
     quotes: 'C:\\ProgramData\\vetbridge'";

/// A path in which TOML found a tab or a line break.
pub fn path_with_escapes() -> String {
    format!("a path has no tabs and line breaks: {WINDOWS_PATH}")
}

/// The file cannot be read.
pub fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => {
            "no such file: name the configuration with --config or in VETBRIDGE_CONFIG".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            format!("no permission to read it: {READ_ACCESS}")
        }
        _ => format!("cannot be read: {error}"),
    }
}

/// No file at any of the usual places.
pub fn nowhere(places: &[impl AsRef<Path>]) -> String {
    let places = listed(places.iter().map(|place| place.as_ref().display()));
    format!(
        "no configuration found at {places}: copy vetbridge.example.toml, which comes with vetbridge (below \
         config, or /usr/share/doc/vetbridge/examples), to one of them (as {CONFIG_FILE} the service finds it too), \
         fill it in and type `vetbridge check`; or \
         name another file with --config or in VETBRIDGE_CONFIG"
    )
}

/// A file that nobody named, in which somebody else has a hand: that of the path, which is the file
/// itself or the folder that it is in. `usual` is where the service finds its own.
pub fn found_of_others(found: &Path, path: &Path, hand: &Hand, usual: &Path) -> String {
    let what = if path == found { "it".to_owned() } else { path.display().to_string() };
    let how = match hand {
        Hand::Owns(whom) => format!("belongs to {whom}"),
        Hand::Changes(whom) => format!("can be changed by {whom}"),
    };
    let typed = |file: &Path| format!("--config {}", words::typed(&file.display().to_string()));
    format!(
        "nobody named this file, it was found where the command was typed, and {what} {how}, who could have the \
         passwords sent to them: type {} for the configuration of the service, or {} if this one is meant",
        typed(usual),
        typed(found)
    )
}

/// The file is beyond all reason.
pub fn too_large(limit_bytes: u64) -> String {
    format!("larger than {} KiB: this cannot be a configuration of vetbridge", limit_bytes / 1024)
}

/// A file as Windows writes it where nobody says otherwise.
pub const UTF16: &str = "is UTF-16, as PowerShell's > and Notepad's \"Unicode\" write it: save it as UTF-8 \
                         (Set-Content -Encoding utf8, or an editor)";

/// A file of another encoding.
pub fn no_utf8(line: usize) -> String {
    format!("line {line} is not UTF-8 text: save the file as UTF-8 (an editor of Windows calls that an encoding)")
}

/// A key that does not exist.
pub fn unknown_key(table: &str, key: &str, valid: &[&str]) -> String {
    let place = if table.is_empty() { String::new() } else { format!("{table}: ") };
    let hint = nearest(key, valid.iter().copied())
        .map(|valid| format!("; the nearest valid key is `{valid}`"))
        .unwrap_or_default();
    format!("{place}unknown key `{}`{hint}", plain(key))
}

/// A table that does not exist. `write` puts a name into the brackets that its table has.
pub fn unknown_table(table: &str, valid: &[&str], write: impl Fn(&str) -> String) -> String {
    let hint = nearest(table, valid.iter().copied()).map(|valid| format!(": write {}", write(valid)));
    format!("{}{}", unknown_key("", table, valid), hint.unwrap_or_default())
}

/// A table of a practice that stands outside of one. `whole` is how it is written.
pub fn table_of_a_practice(table: &str, whole: &str) -> String {
    format!("unknown key `{}`: it belongs to a practice; below its [[practice]] write {whole}", plain(table))
}

/// A table that can stand several times, written as one that stands once, or left out above a table
/// of its own.
pub fn no_list(table: &str, is_left_out: bool) -> String {
    if is_left_out {
        return format!("no [[{table}]] stands above this, whose table this could be");
    }
    format!("write [[{table}]], with two brackets on each side: there can be several of it")
}

/// A key that must be there.
pub fn missing_key(table: &str, key: &str) -> String {
    format!("{table} has no `{key}`, which is required")
}

/// A table that must be there.
pub fn missing_table(table: &str) -> String {
    format!("there is no {table}, which is required")
}

/// What stands where ids of locations belong.
pub fn no_location_id(found: &str) -> String {
    format!("{}: {LOCATION_IDS}", wrong_type("a list of the ids that locations have in OpenVPMS, like [98]", found))
}

/// Where the ids of locations are shown. With it a message of locations is known.
pub const LOCATION_IDS: &str = "an id is a whole number, and `vetbridge discover` shows the id of each location";

/// What OpenVPMS says that the ids are, after [`LOCATION_IDS`].
pub fn locations_there(named: &str) -> String {
    format!("; OpenVPMS has {named}")
}

/// A value of the wrong type.
pub fn wrong_type(expected: &str, found: &str) -> String {
    let article = if found.starts_with(['a', 'i']) { "an" } else { "a" };
    format!("expected {expected}, found {article} {found}")
}

/// What a whole number must be.
pub fn number_between(least: i64, most: i64) -> String {
    match most {
        i64::MAX => format!("a whole number of at least {least}"),
        _ => format!("a whole number from {least} to {most}"),
    }
}

/// The words that a choice is between: `one of "hold" and "reject"`.
pub fn choices(words: &[&str]) -> String {
    let quoted = listed(words.iter().map(|word| format!("\"{word}\"")));
    if words.len() == 1 { quoted } else { format!("one of {quoted}") }
}

/// What a choice must be.
pub fn one_of(found: &str, words: &[&str]) -> String {
    let hint = alike(found, words).map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default();
    format!("must be {}{hint}", choices(words))
}

/// The choice that was meant, if most of its letters are there: another word is no slip.
fn alike<'a>(found: &str, choices: &[&'a str]) -> Option<&'a str> {
    let near = nearest(found, choices.iter().copied())?;
    let slips = strsim::damerau_levenshtein(&found.to_lowercase(), &near.to_lowercase());
    (2 * slips <= near.chars().count()).then_some(near)
}

/// What the environment must be. Healthengine's own words for them are three.
pub fn one_of_the_environments(found: &str) -> String {
    let meant = match found.trim().to_lowercase().as_str() {
        "live" | "production" | "prd" => Some("PROD"),
        "test" | "testing" | "staging" | "acceptance" => Some("UAT"),
        "development" => Some("DEV"),
        other => alike(other, &["DEV", "UAT", "PROD"]),
    };
    let hint = meant.map(|meant| format!("; did you mean \"{meant}\"?")).unwrap_or_default();
    format!("must be one of \"DEV\" (development), \"UAT\" (acceptance tests) and \"PROD\" (live){hint}")
}

/// The contact of `User-Agent` is no mail address.
pub fn contact_without_address() -> &'static str {
    "must be a mail address, like \"it@example.com\": Healthengine refuses every call of a sender without one"
}

/// A text that must say something.
pub fn blank() -> &'static str {
    "must not be empty"
}

/// A text that goes into an HTTP header.
pub fn not_for_header() -> &'static str {
    "only printable ASCII characters can be sent in an HTTP header"
}

/// The vendor or contact of `User-Agent`.
pub fn not_for_user_agent() -> &'static str {
    "must be printable ASCII without ( and ), because it is sent in User-Agent"
}

/// A user name that HTTP Basic cannot carry.
pub fn colon_in_username() -> &'static str {
    "a user name with a colon cannot be sent (HTTP Basic): give the OpenVPMS user another login name"
}

/// A URL that is none. Names of servers are not put into the letters that DNS has.
pub fn bad_url(reason: impl Display, scheme: &str, is_ascii: bool) -> String {
    let host = if is_ascii { "" } else { ", its host as DNS has it (xn--…)" };
    format!("is no URL ({reason}); write it like \"{scheme}://host/path\"{host}")
}

/// A URL of another scheme.
pub fn url_scheme(schemes: &[&str]) -> String {
    format!("must begin with {}", listed(schemes.iter().map(|scheme| format!("{scheme}://"))))
}

/// A proxy that is none. What was written can hold a password, and is not repeated.
pub fn bad_proxy() -> &'static str {
    "must be the address of a proxy: http://host:port, https://host:port, socks5://host:port or socks5h://host:port \
     (which looks names up itself), perhaps with user:password@ before the host (percent-encoded), and nothing after \
     the port"
}

/// A URL with something in it that does not belong there.
pub fn url_extras() -> &'static str {
    "must be a plain URL without user name, password, query (?) or fragment (#); credentials have keys of their own"
}

/// A URL that is a secret and is none. What was written is not repeated.
pub fn bad_secret_url() -> &'static str {
    "must be the whole address as it was given to you, like https://host/path, without user name, password and \
     fragment (#)"
}

/// A mail server that is none.
pub fn mail_server_form() -> &'static str {
    "must be smtps://host:465, or smtp://host:587 for a server with STARTTLS, and nothing after the port"
}

/// Mail over a network that others can read.
pub fn plain_mail() -> &'static str {
    "without STARTTLS the password and the mail can be read on the way, and this is no loopback address: leave \
     starttls out, or use smtps://"
}

/// A user name without a password, or a password without a user name.
pub fn half_a_login() -> &'static str {
    "username and password belong together: give both, or neither for a server that wants none"
}

/// No address of a mailbox.
pub fn bad_mail_address() -> &'static str {
    "expected a mail address, like \"reception@example.com\" or \"Reception <reception@example.com>\""
}

/// Plain http over a network that others can read.
pub fn plain_http(may_be_allowed: bool) -> String {
    let otherwise =
        if may_be_allowed { ", or set allow_plain_http = true if the way there is private (a VPN)" } else { "" };
    format!(
        "http sends the credentials in the clear, and this is neither a loopback nor a private address: use \
         https{otherwise}"
    )
}

/// A short interval.
pub fn interval_too_short() -> &'static str {
    "must be at least 100ms"
}

/// No address to listen on.
pub fn bad_listen() -> &'static str {
    "expected an IP address and a port, like \"127.0.0.1:8686\""
}

/// No IP address.
pub fn bad_ip() -> &'static str {
    "expected an IP address, like \"127.0.0.1\""
}

/// No time of day.
pub fn bad_time() -> &'static str {
    "expected a time of day like \"03:30\""
}

/// Both listeners on one port.
pub fn same_listener(admin: impl Display) -> String {
    format!("[admin] listens on {admin} too: give one of them another port")
}

/// More near days than days.
pub fn near_beyond_horizon(horizon_days: i64) -> String {
    format!("must not be more than horizon_days, which is {horizon_days}")
}

/// A time zone that is none, or none of a place where the practice can be: what to write instead,
/// Australia and New Zealand first. Where the text can mean several places, all of them are named.
pub fn no_place(found: &str) -> String {
    let what = match found.parse::<Zone>() {
        Ok(Zone::Iana(_)) => "names no place in Australia or New Zealand",
        Ok(Zone::Fixed(_)) | Err(_) => "is no IANA time zone",
    };
    let places = places_of(found);
    let remedy = match misspelt(found).filter(|_| places.is_empty()) {
        Some(near) => format!("; the nearest is \"{near}\""),
        None if places.is_empty() => format!(": name the practice's, {}", either(USUAL)),
        None => format!(": write {}", either(places)),
    };
    format!("\"{}\" {what}{remedy}", plain(found))
}

/// The zone whose name was most likely meant, by the whole name or by its city.
fn misspelt(found: &str) -> Option<&'static str> {
    const SLIPS_MAX: usize = 2;
    const LETTERS_MIN: usize = 5;
    let (found, zones) = (found.to_lowercase(), chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()));
    let slips = |name: &str| {
        let city = name.rsplit('/').next().filter(|city| city.len() >= LETTERS_MIN)?.to_lowercase();
        let of = |own: &str| strsim::damerau_levenshtein(&found, own);
        Some(of(&city).min(of(&name.to_lowercase()))).filter(|slips| *slips <= SLIPS_MAX)
    };
    let places = zones.filter(|name| name.parse::<Zone>().is_ok_and(|zone| zone.names_a_place()));
    places.filter_map(|name| Some((slips(name)?, name))).min().map(|(_, name)| name)
}

/// A label that could never be found.
pub fn bad_label() -> &'static str {
    "a label is the text before the colon; it must not be empty nor have a colon inside"
}

/// A name of `[admin] hosts` that is none.
pub fn no_host_name() -> &'static str {
    "a host name is meant, such as bridge.example.com, without http:// and without a port"
}

/// An empty list of senders.
pub fn no_senders() -> &'static str {
    "no address in the list means that every webhook is refused: leave the key out for Healthengine's own addresses, \
     or name the addresses that webhooks come from; for no webhooks at all take [webhooks] out"
}

/// A list that must have something in it.
pub fn empty_list(of: &str) -> String {
    format!("must name at least one {of}")
}

/// Something listed twice.
pub fn twice(thing: impl Display) -> String {
    format!("{thing} is listed twice: remove one")
}

/// A practice id that stands in two blocks.
pub fn practice_twice(practice: impl Display, first_line: usize) -> String {
    format!(
        "practice {practice} is configured already (line {first_line}): a practice id can stand in one [[practice]] \
         only"
    )
}

/// A resource that stands in two entries.
pub fn resource_twice(resource: impl Display, first_line: usize) -> String {
    format!("resource {resource} is configured already (line {first_line}): remove one of the two")
}

/// A schedule that two practices would fill.
pub fn schedule_in_two_practices(schedule: impl Display, other: impl Display, first_line: usize) -> String {
    format!(
        "schedule {schedule} belongs to practice {other} already (line {first_line}): \
         two practices would sell the same time, so list it in one of them only"
    )
}

/// A location of two practices where at least one of them takes all of its schedules.
pub fn location_in_two_practices(location: impl Display, other: impl Display, first_line: usize) -> String {
    format!(
        "location {location} belongs to practice {other} too (line {first_line}), and a practice without \
         [[practice.resource]] takes every schedule there: list in both practices which schedules are theirs"
    )
}

/// No hours at all.
pub fn no_live_hours() -> &'static str {
    "names no hours: at least one day needs some, like monday = [\"08:00-18:00\"]"
}

/// A rule that says only what it is about.
pub fn rule_without_effect() -> &'static str {
    "says nothing of what holds: give it hours, min_notice, max_days_ahead, max_per_day, keep_free or new_patients, or \
     remove it"
}

/// A text that is no resource.
pub fn no_resource_id() -> &'static str {
    "a resource is written \"s136\" for schedule 136, or \"u1158-s211\" for clinician 1158 on schedule 211"
}

/// An appointment type in quotes, as Healthengine has it, or as a number.
pub fn quoted_type(number: u32, has_resource: bool) -> String {
    let resource = if has_resource { " and without the resource" } else { "" };
    format!("an appointment type is a whole number: write {number}, without quotes{resource}")
}

/// A rule about a resource that the practice does not list.
pub fn rule_of_foreign_resource(resource: ResourceId) -> String {
    format!(
        "{resource} is none of the practice's [[practice.resource]] entries: correct it, list the resource there too, \
         or take it out of the rule (a rule that names no other is removed as a whole)"
    )
}

/// A notice that changes nothing.
pub fn no_notice() -> &'static str {
    "a notice of nothing changes nothing: write how long ahead a time must be booked, like \"2h\", or remove it"
}

/// A message that nobody is told.
pub fn message_without_rejection() -> &'static str {
    "is told to new clients who are rejected: write new_patients = \"reject\" beside it, or remove it"
}

/// A message beyond a sentence or two.
pub fn message_of_a_rule(chars_max: usize) -> String {
    format!("must be on one line and at most {chars_max} characters")
}

/// A certificate file that cannot be read.
pub fn ca_file_unreadable(path: &Path, error: &io::Error) -> String {
    format!("{} cannot be read ({error}): it must be the certificate authority in PEM form", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_named_however_far_it_is() {
        assert_eq!(
            unknown_key("[x]", "hots", &["port", "host"]),
            "[x]: unknown key `hots`; the nearest valid key is `host`"
        );
        assert_eq!(unknown_key("", "zz\n", &["port"]), "unknown key `zz\\n`; the nearest valid key is `port`");
        assert_eq!(unknown_key("[x]", "y", &[]), "[x]: unknown key `y`");
    }

    #[test]
    fn a_misspelt_zone_is_looked_for_in_australia_and_new_zealand_first() {
        for (found, meant) in [
            ("Australia/Adelade", "Australia/Adelaide"),
            ("Sidney", "Australia/Sydney"),
            ("Australia/Perht", "Australia/Perth"),
            ("Aukland", "Pacific/Auckland"),
        ] {
            assert!(no_place(found).ends_with(&format!("the nearest is \"{meant}\"")), "{}", no_place(found));
        }
    }

    #[test]
    fn a_text_that_fits_several_zones_names_all_of_them_and_never_another_abbreviation() {
        for found in ["AEST", "GMT+10", "EST"] {
            let message = no_place(found);
            let ends =
                "\"Australia/Hobart\" (Tasmania) or \"Australia/Brisbane\" (Queensland, which has no daylight saving)";
            assert!(message.contains("write \"Australia/Sydney\" (") && message.ends_with(ends), "{message}");
        }
        for found in ["ESTT", "UCTT", "Zuluu", "GMTT", "X", "Etc/UTC", "America/New_York"] {
            let message = no_place(found);
            let suggested: Vec<_> = message.split('"').skip(3).step_by(2).collect();
            assert_eq!(suggested.len(), USUAL.len(), "{message}");
            assert!(suggested.iter().all(|zone| zone.parse::<Zone>().is_ok_and(|zone| zone.names_a_place())));
        }
        assert!(no_place("America/New_York").contains("names no place in Australia or New Zealand"));
        assert!(no_place("Sydney").ends_with(": write \"Australia/Sydney\" (New South Wales, Canberra)"));
    }
}
