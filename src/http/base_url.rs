//! Where a remote server is: checked once, so that nothing secret or private leaves in the clear by
//! a slip of the pen.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use reqwest::Url;

/// The checked address that the paths of all requests are appended to.
///
/// It is `https`, or `http` to this machine or a private address (or because the operator
/// insisted); it carries no user name, query or fragment, and no trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    /// Without a trailing slash, as it is shown.
    text: String,
    url: Url,
}

/// Why a text is no usable base URL. Written for the person who wrote the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// Not a URL at all.
    #[error("this is no URL ({0}): something like \"https://host.example/path\" is needed")]
    Malformed(String),
    /// `ftp:`, or `localhost:8080` read as a scheme.
    #[error("a URL that begins with \"https://\" or \"http://\" is needed, not \"{0}:\"")]
    Scheme(String),
    /// `https://user:password@host`.
    #[error(
        "a user name or password does not belong into the URL, which is shown in messages: use the keys made for them"
    )]
    Credentials,
    /// `?…` or `#…`.
    #[error("the URL must end before any \"?\" or \"#\"")]
    Query,
    /// Passwords and patients would cross a network in the clear.
    #[error(
        "plain http to \"{0}\" would send passwords and patients' data readable for everybody on the way: use https, \
         an address of a private network, or, if the way is protected otherwise, allow_plain_http = true"
    )]
    PlainHttp(String),
}

/// Reads an address that a person typed.
///
/// # Errors
/// What is wrong with it. A host in letters that DNS does not have is.
pub fn typed_url(text: &str) -> Result<Url, <Url as FromStr>::Err> {
    // Of such a host in capitals the library asserts in a debug build that there is none.
    Url::parse(&text.to_ascii_lowercase())?;
    Url::parse(text)
}

impl BaseUrl {
    /// Checks a URL from the configuration.
    ///
    /// # Errors
    /// Says what is wrong with it, and what to write instead.
    pub fn parse(text: &str, allow_plain_http: bool) -> Result<Self, BaseUrlError> {
        let url = typed_url(text).map_err(|error| BaseUrlError::Malformed(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BaseUrlError::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BaseUrlError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BaseUrlError::Query);
        }
        let host = url.host_str().unwrap_or_default();
        if url.scheme() == "http" && !allow_plain_http && !is_near(host) {
            return Err(BaseUrlError::PlainHttp(host.to_owned()));
        }
        Ok(Self { text: url.as_str().trim_end_matches('/').to_owned(), url })
    }

    /// The host, an IPv6 address in brackets.
    pub fn host(&self) -> String {
        self.url.host_str().unwrap_or_default().to_owned()
    }

    /// True if what is sent there is encrypted.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The address of one request. `path` begins with `/` and is percent-encoded.
    pub(super) fn with(&self, path: &str) -> Url {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let mut url = self.url.clone();
        // Put together from what was read once: to read the whole anew takes over twice as long.
        url.set_path(&[self.url.path().trim_end_matches('/'), path].concat());
        url.set_query(query);
        url
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// True for this machine and for addresses that no router of the open internet passes on. Of names
/// only `localhost` counts: what any other one stands for is decided elsewhere, and can change.
fn is_near(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    match address.map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_private() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_and_private_addresses() {
        for near in [
            "http://localhost:8080/openvpms",
            "http://127.0.0.1",
            "http://10.8.0.1:8080/openvpms",
            "http://172.31.255.1",
            "http://192.168.1.5",
            "http://169.254.1.1",
            "http://[::1]:8080",
            "http://[fd00::1]",
            "http://[fe80::1]",
            "http://[::ffff:192.168.1.5]",
        ] {
            assert!(BaseUrl::parse(near, false).is_ok(), "{near}");
        }
        for far in [
            "http://openvpms.example.com",
            "http://8.8.8.8",
            "http://172.32.0.1",
            "http://[2001:db8::1]",
            "http://[::ffff:8.8.8.8]",
            "http://localhost.example.com",
            "http://0.0.0.0",
        ] {
            assert!(matches!(BaseUrl::parse(far, false), Err(BaseUrlError::PlainHttp(_))), "{far}");
            assert!(BaseUrl::parse(far, true).is_ok(), "{far}");
        }
        assert!(BaseUrl::parse("https://openvpms.example.com", false).is_ok());
    }

    #[test]
    fn a_url_that_would_mislead_is_refused_with_the_reason() {
        for malformed in ["openvpms", "https://Präxis.example", "https://PR%C3%84XIS.example", "https://A\u{b4b}"] {
            assert!(matches!(BaseUrl::parse(malformed, true), Err(BaseUrlError::Malformed(_))), "{malformed}");
        }
        assert!(BaseUrl::parse("https://OpenVPMS.example/Übung", true).is_ok());
        assert_eq!(BaseUrl::parse("localhost:8080", true), Err(BaseUrlError::Scheme("localhost".into())));
        assert_eq!(BaseUrl::parse("https://user:pw@host", true), Err(BaseUrlError::Credentials));
        assert_eq!(BaseUrl::parse("https://host/?a=b", true), Err(BaseUrlError::Query));
        assert!(!BaseUrlError::Credentials.to_string().contains("pw"));
    }

    #[test]
    fn a_path_is_appended_below_the_base_with_or_without_a_trailing_slash() {
        for text in ["http://10.0.0.1:8080/openvpms", "http://10.0.0.1:8080/openvpms/"] {
            let base = BaseUrl::parse(text, false).unwrap();
            for path in [
                "/ws/booking/v2/locations",
                "/ws/booking/v2/schedules/136/freebusy?from=2027-02-15T00%3A00%3A00%2B11%3A00&slots=true",
                "/requests/bookings?page=1",
                "/bookings/912%3A5f0c?",
                "/a/../b/%2e%2e/c;d=e?f=g?h",
            ] {
                let whole = format!("http://10.0.0.1:8080/openvpms{path}");
                assert_eq!(base.with(path), Url::parse(&whole).unwrap());
            }
        }
        let at_its_root = BaseUrl::parse("http://10.0.0.1", false).unwrap();
        assert_eq!(at_its_root.with("/requests?page=1").as_str(), "http://10.0.0.1/requests?page=1");
    }
}
