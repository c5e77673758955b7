//! Readers of single values: what a text or number of the file must be to stand for what the
//! program means.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use chrono::NaiveTime;
use reqwest::Url;

use super::duration;
use super::live_hours::minute_of_day;
use super::toml_reader::Value;
use crate::characters::trimmed;
use crate::http::base_url::typed_url;
use crate::messages::config_file as say;

/// The shortest interval: a bridge that asks more often helps nobody and harms the clinic's server.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

/// A text with something in it, without blanks and what nobody sees at its ends.
pub(super) fn words(value: &Value<'_>) -> Option<String> {
    let text = trimmed(value.text()?);
    if text.is_empty() { value.fail(say::blank()) } else { Some(text.to_owned()) }
}

/// A path. Nobody means a tab or a line break in one: that is how TOML reads some paths of Windows.
pub(super) fn path_text(value: &Value<'_>) -> Option<String> {
    let text = words(value)?;
    if text.contains(char::is_control) { value.fail(say::path_with_escapes()) } else { Some(text) }
}

/// A text for a header of its own: printable ASCII without blanks.
pub(super) fn header_word(value: &Value<'_>) -> Option<String> {
    let text = words(value)?;
    if text.bytes().all(|byte| byte.is_ascii_graphic()) { Some(text) } else { value.fail(say::not_for_header()) }
}

/// A part of `User-Agent`.
pub(super) fn user_agent_words(value: &Value<'_>) -> Option<String> {
    let text = words(value)?;
    let fits = |c: char| (c == ' ' || c.is_ascii_graphic()) && !matches!(c, '(' | ')');
    if text.chars().all(fits) { Some(text) } else { value.fail(say::not_for_user_agent()) }
}

/// Whom `User-Agent` names: a mail address, which Healthengine looks for.
pub(super) fn user_agent_contact(value: &Value<'_>) -> Option<String> {
    let text = user_agent_words(value)?;
    let is_address = text.trim().parse::<lettre::Address>().is_ok();
    if is_address { Some(text) } else { value.fail(say::contact_without_address()) }
}

/// A user name for HTTP Basic.
pub(super) fn username(value: &Value<'_>) -> Option<String> {
    let text = words(value)?;
    if text.contains(':') {
        value.fail(say::colon_in_username())
    } else if text.chars().any(char::is_control) {
        value.fail(say::not_for_header())
    } else {
        Some(text)
    }
}

/// One of a few words.
pub(super) fn choice<T: Copy>(choices: &'static [(&'static str, T)]) -> impl Fn(&Value<'_>) -> Option<T> {
    move |value| {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let text = value.text_like(&say::choices(&words))?;
        match choices.iter().find(|(word, _)| *word == text) {
            Some((_, meaning)) => Some(*meaning),
            None => value.fail(say::one_of(text, &words)),
        }
    }
}

/// A whole number within bounds, both included.
pub(super) fn whole(least: u32, most: u32) -> impl Fn(&Value<'_>) -> Option<u32> {
    move |value| value.number(least.into(), most.into()).and_then(|number| u32::try_from(number).ok())
}

/// An id of OpenVPMS: they count from 1.
pub(super) fn id(value: &Value<'_>) -> Option<i64> {
    value.number(1, i64::MAX)
}

/// A duration, zero included.
pub(super) fn duration(value: &Value<'_>) -> Option<Duration> {
    value.parsed(duration::parse)
}

/// A duration to wait between two of something.
pub(super) fn interval(value: &Value<'_>) -> Option<Duration> {
    let interval = duration(value)?;
    if interval < SHORTEST_INTERVAL { value.fail(say::interval_too_short()) } else { Some(interval) }
}

/// A time of day, `HH:MM`.
pub(super) fn time_of_day(value: &Value<'_>) -> Option<NaiveTime> {
    let minute = minute_of_day(value.text()?).map(u32::from);
    let time = minute.and_then(|minute| NaiveTime::from_hms_opt(minute / 60, minute % 60, 0));
    time.or_else(|| value.fail(say::bad_time()))
}

/// An address to listen on.
pub(super) fn listen(value: &Value<'_>) -> Option<SocketAddr> {
    value.text()?.parse().ok().or_else(|| value.fail(say::bad_listen()))
}

/// The name of a host, in lower case.
pub(super) fn host(value: &Value<'_>) -> Option<String> {
    value.parsed(|text| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        let name = text.trim_end_matches('.').to_ascii_lowercase();
        let is_name = !name.is_empty() && name.len() <= 253 && name.bytes().all(fits);
        if is_name { Ok(name) } else { Err(say::no_host_name()) }
    })
}

/// An IP address.
pub(super) fn ip(value: &Value<'_>) -> Option<IpAddr> {
    value.text()?.parse().ok().or_else(|| value.fail(say::bad_ip()))
}

/// A label of a line in what a pet owner writes; its colon may be given or not.
pub(super) fn label(value: &Value<'_>) -> Option<String> {
    let text = value.text()?.trim().trim_end_matches(':').trim_end();
    if text.is_empty() || text.contains([':', '\n']) { value.fail(say::bad_label()) } else { Some(text.to_owned()) }
}

/// A plain URL: nothing in it but scheme, host, port and path.
pub(super) fn url(schemes: &'static [&'static str]) -> impl Fn(&Value<'_>) -> Option<Url> {
    // The better of the schemes stands last.
    let example = schemes.last().copied().unwrap_or("https");
    move |value| {
        let parse =
            |text: &str| typed_url(trimmed(text)).map_err(|error| say::bad_url(error, example, text.is_ascii()));
        let url = value.parsed(parse)?;
        if !schemes.contains(&url.scheme()) || url.host().is_none() {
            return value.fail(say::url_scheme(schemes));
        }
        let plain = url.username().is_empty() && url.password().is_none();
        if plain && url.query().is_none() && url.fragment().is_none() {
            Some(url)
        } else {
            value.fail(say::url_extras())
        }
    }
}

/// True if what is sent to this URL can be read on the way: plain http to a host that is neither
/// loopback nor a private address (RFC 1918, IPv6 unique local, link local). A host name other than
/// `localhost` can lead anywhere.
pub(super) fn is_readable_on_the_way(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let near = match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(address) => is_loopback_or_private(address.to_canonical()),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    };
    url.scheme() == "http" && !near
}

fn is_loopback_or_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_safe_to_loopback_and_private_addresses_only() {
        for url in [
            "http://127.0.0.1:8080/openvpms",
            "http://localhost:8080",
            "http://[::1]/",
            "http://10.8.0.1:8080/openvpms",
            "http://172.31.0.9",
            "http://192.168.1.2",
            "http://[fd00::1]:8080/",
            "http://[::ffff:10.0.0.1]/",
            "https://openvpms.example.com",
        ] {
            assert!(!is_readable_on_the_way(&Url::parse(url).unwrap()), "{url}");
        }
        for url in [
            "http://openvpms.lan",
            "http://8.8.8.8",
            "http://172.32.0.1",
            "http://[2001:db8::1]/",
            "http://10.0.0.1.example",
        ] {
            assert!(is_readable_on_the_way(&Url::parse(url).unwrap()), "{url}");
        }
    }
}
