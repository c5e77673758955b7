//! As whom the listener is asked, and by whose page.
//!
//! A page of somebody else can make a browser send requests here, and with a name of its own that
//! leads here it could read the answers (DNS rebinding). So every request has to name the listener
//! by its address, as `localhost`, or by a name in `[admin] hosts`; and a change must not come from
//! another origin. Programs that are no browsers name no origin.

use std::net::{IpAddr, SocketAddr};

use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, Method, Uri, header};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The names that the listener is asked by.
#[derive(Debug, Clone, Default)]
pub(super) struct Hosts {
    names: Vec<String>,
}

/// Where a change comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// A page of this listener.
    Own,
    /// Nobody says.
    Unsaid,
    /// A browser says that it is nobody's business: also the listener's own page, in a browser that
    /// does not send `Sec-Fetch-Site`.
    Opaque,
    /// A page of somebody else.
    Foreign,
}

impl Hosts {
    /// The names of `[admin] hosts`.
    pub(super) fn new(names: Vec<String>) -> Self {
        Self { names }
    }

    /// Whom the request is for, if that is us. `local` is the address that the client connected to.
    pub(super) fn asked_as(&self, headers: &HeaderMap, uri: &Uri, local: Option<SocketAddr>) -> Option<Authority> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let host: Authority = hosts.next()?.to_str().ok()?.parse().ok()?;
        // A request line that names another host counts more than the header.
        let of_target = uri.authority().is_none_or(|target| self.is_us(target, local));
        (hosts.next().is_none() && of_target && self.is_us(&host, local)).then_some(host)
    }

    fn is_us(&self, authority: &Authority, local: Option<SocketAddr>) -> bool {
        if authority.as_str().contains('@') {
            return false;
        }
        let name = name_of(authority);
        if name == "localhost" || self.has(&name) {
            return true;
        }
        let (ip, port) = (name.parse::<IpAddr>().ok().map(|ip| ip.to_canonical()), authority.port_u16());
        local.is_some_and(|local| ip == Some(local.ip()) && port.is_none_or(|port| port == local.port()))
    }

    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name)
    }

    /// Where a change comes from, `host` being whom it is for.
    pub(super) fn origin(&self, headers: &HeaderMap, host: &Authority) -> Origin {
        let site = match text(headers, &SEC_FETCH_SITE) {
            // "none": a person typed it, or opened a bookmark.
            Some("same-origin" | "none") => Some(true),
            Some(_) => Some(false),
            None => None,
        };
        let same = |origin: &str| {
            let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
            let authority: Option<Authority> = authority.and_then(|authority| authority.parse().ok());
            // Behind a proxy the page has the proxy's name, and the request may have ours.
            authority.is_some_and(|origin| {
                origin.as_str().eq_ignore_ascii_case(host.as_str()) || self.has(&name_of(&origin))
            })
        };
        match (text(headers, &header::ORIGIN), site) {
            (_, Some(false)) => Origin::Foreign,
            // The page sends no referrer, and with it a browser leaves the origin of a form out.
            (Some("null"), Some(true)) => Origin::Own,
            (Some("null"), None) => Origin::Opaque,
            (Some(origin), _) if !same(origin) => Origin::Foreign,
            (Some(_), _) | (None, Some(true)) => Origin::Own,
            (None, None) => Origin::Unsaid,
        }
    }
}

/// True if a request with this method changes nothing.
pub(super) fn only_reads(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// A header that is no text is none that a browser sends.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

fn name_of(authority: &Authority) -> String {
    let host = authority.host();
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    bare.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts() -> Hosts {
        Hosts::new(vec!["bridge.example.com".into()])
    }

    fn headers(lines: &[(&HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn the_listener_answers_to_its_address_to_localhost_and_to_configured_names() {
        let asked_as = |local: &str, host: &str| {
            let headers = headers(&[(&header::HOST, host)]);
            hosts().asked_as(&headers, &Uri::from_static("/"), local.parse().ok()).is_some()
        };
        for host in [
            "127.0.0.1:8686",
            "127.0.0.1",
            "localhost",
            "localhost:8686",
            "LOCALHOST.",
            "localhost:9000",
            "bridge.example.com",
            "Bridge.Example.com:443",
        ] {
            assert!(asked_as("127.0.0.1:8686", host), "{host}");
        }
        assert!(asked_as("[::1]:8686", "[::1]:8686") && asked_as("10.1.2.3:8686", "10.1.2.3:8686"));
        for host in [
            "evil.example",
            "evil.example:8686",
            "127.0.0.1:8687",
            "127.0.0.2:8686",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "xlocalhost",
            "localhost@evil.example",
            "evil.example@localhost",
            "0.0.0.0:8686",
            "",
            "a b",
        ] {
            assert!(!asked_as("127.0.0.1:8686", host), "{host}");
        }
        let local = "127.0.0.1:8686".parse().ok();
        let none = headers(&[]);
        let two = headers(&[(&header::HOST, "localhost"), (&header::HOST, "evil.example")]);
        assert!(hosts().asked_as(&none, &Uri::from_static("/"), local).is_none());
        assert!(hosts().asked_as(&two, &Uri::from_static("/"), local).is_none());
        let ours = headers(&[(&header::HOST, "localhost")]);
        assert!(hosts().asked_as(&ours, &Uri::from_static("http://evil.example/"), local).is_none());
        assert!(hosts().asked_as(&ours, &Uri::from_static("http://localhost:8686/"), local).is_some());
    }

    #[test]
    fn a_change_of_another_origin_is_foreign_whoever_it_says_it_is_for() {
        let site = SEC_FETCH_SITE;
        let origin = header::ORIGIN;
        let table: [(&[(&HeaderName, &str)], Origin); 17] = [
            (&[], Origin::Unsaid),
            (&[(&origin, "http://127.0.0.1:8686")], Origin::Own),
            (&[(&origin, "https://127.0.0.1:8686")], Origin::Own),
            (&[(&origin, "https://bridge.example.com")], Origin::Own),
            (&[(&origin, "http://127.0.0.1:8686"), (&site, "same-origin")], Origin::Own),
            (&[(&site, "same-origin")], Origin::Own),
            (&[(&site, "none")], Origin::Own),
            (&[(&origin, "null"), (&site, "same-origin")], Origin::Own),
            (&[(&origin, "null")], Origin::Opaque),
            (&[(&origin, "null"), (&site, "cross-site")], Origin::Foreign),
            (&[(&origin, "http://127.0.0.1:9999")], Origin::Foreign),
            (&[(&origin, "http://127.0.0.1")], Origin::Foreign),
            (&[(&origin, "https://evil.example")], Origin::Foreign),
            (&[(&origin, "file://")], Origin::Foreign),
            (&[(&origin, "http://127.0.0.1:8686"), (&site, "cross-site")], Origin::Foreign),
            (&[(&site, "same-site")], Origin::Foreign),
            (&[(&site, "")], Origin::Foreign),
        ];
        for (lines, expected) in table {
            let host = Authority::from_static("127.0.0.1:8686");
            assert_eq!(hosts().origin(&headers(lines), &host), expected, "{lines:?}");
        }
    }
}
