//! A proxy that a server is reached through, and the variables of the environment that name others.

use std::env::VarError;
use std::fmt;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::secret::{Secret, Surroundings, process_environment};
use super::toml_reader::Value;
use crate::http::base_url::typed_url;
use crate::messages::config_file as say;

const SCHEMES: &[&str] = &["http", "https", "socks5", "socks5h"];
/// What other programs take from the environment.
const VARIABLES: [&str; 8] =
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"];

/// A proxy's URL. It can hold a user name and a password, so neither `Debug` nor `Display` shows
/// more than scheme, host and port.
#[derive(Clone, PartialEq)]
pub struct Proxy(Secret);

impl Proxy {
    /// The text of the file.
    pub(super) fn secret(&self) -> &Secret {
        &self.0
    }

    /// As the client wants it.
    pub fn to_send(&self) -> SecretString {
        self.0.to_send()
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(url) = Url::parse(self.0.expose_secret()) else { return f.write_str("a proxy") };
        write!(f, "{}://{}", url.scheme(), url.host_str().unwrap_or_default())?;
        url.port().map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

/// `proxy`, in any form of a secret. What is wrong is told without the text.
pub(super) fn read(value: &Value<'_>, around: &Surroundings<'_>) -> Option<Proxy> {
    let secret = around.secret(value)?;
    let url = typed_url(secret.expose_secret().trim()).ok();
    let fits = url.is_some_and(|url| {
        let is_bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        SCHEMES.contains(&url.scheme()) && url.host_str().is_some_and(|host| !host.is_empty()) && is_bare
    });
    if fits { Some(Proxy(secret)) } else { value.fail(say::bad_proxy()) }
}

/// The variables of the environment that name a proxy, and are not used.
pub fn unused_variables() -> Vec<&'static str> {
    set_in(&process_environment)
}

fn set_in(env: &dyn Fn(&str) -> Result<String, VarError>) -> Vec<&'static str> {
    let is_set = |name: &&str| match env(name) {
        Ok(text) => !text.trim().is_empty(),
        Err(VarError::NotUnicode(_)) => true,
        Err(VarError::NotPresent) => false,
    };
    VARIABLES.into_iter().filter(is_set).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_are_set_are_named_in_both_cases_and_empty_ones_are_not() {
        let env = |name: &str| match name {
            "HTTP_PROXY" => Ok("http://user:secret@proxy:3128".to_owned()),
            "no_proxy" => Ok("localhost".to_owned()),
            "all_proxy" => Ok(" ".to_owned()),
            _ => Err(VarError::NotPresent),
        };
        assert_eq!(set_in(&env), ["HTTP_PROXY", "no_proxy"]);
    }

    #[test]
    fn of_a_proxy_no_user_name_and_no_password_is_shown() {
        let proxy = Proxy(Secret::from("http://judith:s3cret@proxy.example:3128/"));
        assert_eq!(
            (proxy.to_string(), format!("{proxy:?}")),
            ("http://proxy.example:3128".into(), "Proxy(http://proxy.example:3128)".into())
        );
    }
}
