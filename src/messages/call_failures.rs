//! What is said when one of the two servers, or a proxy before it, does not answer as it should.

use std::fmt::Display;

use super::{Advice, call_remedies, listed, plain};
use crate::call_error::{CallError, Cause, ErrorClass};
use crate::ids::PracticeId;

/// OpenVPMS did not answer as it should.
pub fn openvpms(error: &CallError, url: impl Display, username: &str) -> Advice {
    let problem = match error.class {
        ErrorClass::NotSent => format!("OpenVPMS cannot be reached at {url}: {error}"),
        ErrorClass::Lost => format!("OpenVPMS at {url} did not answer: {error}"),
        ErrorClass::Unavailable => format!("OpenVPMS at {url} answers with an error of its own: {error}"),
        ErrorClass::Refused if error.is_unknown_call() => format!("OpenVPMS has no booking API at {url}: {error}"),
        ErrorClass::Refused => format!("OpenVPMS at {url} refuses: {error}"),
        ErrorClass::Credentials => {
            format!("OpenVPMS refuses the password of user \"{}\" (401) at {url}", plain(username))
        }
        ErrorClass::Forbidden => format!("OpenVPMS denies user \"{}\" the booking API (403) at {url}", plain(username)),
        ErrorClass::TooMany => format!("OpenVPMS at {url} wants to be asked less (429)"),
        ErrorClass::Contract => format!("What answers at {url} is not the booking API of OpenVPMS: {error}"),
    };
    Advice::new(problem, call_remedies::openvpms(error))
}

/// As a name that is only another one's alias.
pub const NAME_WITHOUT_ADDRESS: &str = "it has no address";

/// https was spoken to a port of http.
pub const SPEAKS_HTTP: &str = "no connection: url says https, and the server's port speaks plain http";

/// Plain http was spoken to what is no port of http: one of https, as a rule.
pub const SPEAKS_NO_HTTP: &str = "url says http, and the server's port speaks something else, such as https";

/// A booking is not sent while nobody can tell which of several servers has the diary.
pub const SEVERAL_SERVERS: &str =
    "several servers answer under the name in url, and the reads before this call met more than one of them";

/// The proxy of the configuration answers 407, or as socks does where the credentials are wrong.
pub fn proxy_shut(address: &str, has_credentials: bool) -> String {
    if has_credentials {
        format!("the proxy {address} does not accept the user name and the password that it was given")
    } else {
        format!("the proxy {address} wants a user name and a password")
    }
}

/// A proxy of the environment that is not used.
pub fn proxy_variables(names: &[&str]) -> Advice {
    Advice::new(
        format!("Set in the environment and not used: {}", listed(names)),
        "Nothing, if both servers are reached directly; else name the proxy as proxy under [openvpms] or \
         [healthengine]",
    )
}

/// Healthengine did not answer as it should.
pub fn healthengine(error: &CallError, url: impl Display, practice: &PracticeId) -> Advice {
    if error.cause == Some(Cause::Page) {
        return Advice::new(
            format!("Something answers at {url} in Healthengine's place: {error}"),
            "Check [healthengine] url; if it is right, ask whoever looks after the network here (a firewall, a proxy, \
             a login page), then Healthengine's support",
        );
    }
    let problem = match error.class {
        ErrorClass::NotSent => format!("Healthengine cannot be reached at {url}: {error}"),
        ErrorClass::Lost => format!("Healthengine at {url} did not answer: {error}"),
        ErrorClass::Unavailable => format!("Healthengine at {url} answers with an error of its own: {error}"),
        ErrorClass::Refused if error.is_unknown_call() => format!("Healthengine has no PMS API at {url}: {error}"),
        ErrorClass::Refused => format!("Healthengine refuses for practice {practice}: {error}"),
        ErrorClass::Credentials => format!("Healthengine refuses the api_key (401) at {url}"),
        ErrorClass::Forbidden => format!("Healthengine has no consent of practice {practice} for us (403) at {url}"),
        ErrorClass::TooMany => format!("Healthengine at {url} wants to be asked less (429)"),
        ErrorClass::Contract => format!("What answers at {url} is not the PMS API of Healthengine: {error}"),
    };
    Advice::new(problem, call_remedies::healthengine(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::assert_well_said;

    #[test]
    fn every_way_to_fail_has_a_sentence_and_a_remedy() {
        use ErrorClass::*;
        for class in [NotSent, Lost, Unavailable, Refused, Credentials, Forbidden, TooMany, Contract] {
            let error = CallError::new(class, "why");
            let there = openvpms(&error, "http://x/openvpms", "healthengine");
            assert_well_said(&there);
            assert!(there.problem.contains("http://x/openvpms"), "{}", there.problem);
            let there = healthengine(&error, "https://x/v1", &PracticeId("1".into()));
            assert_well_said(&there);
            assert!(class == Refused || there.problem.contains("https://x/v1"), "{}", there.problem);
            assert_well_said(&healthengine(&error.due_to(Cause::Page), "https://x/v1", &PracticeId("1".into())));
        }
    }

    #[test]
    fn the_usual_failures_name_place_and_remedy() {
        let wrong_password = openvpms(&CallError::with_status(ErrorClass::Credentials, 401, "x"), "http://x", "he");
        assert!(wrong_password.problem.contains("\"he\"") && wrong_password.remedy.contains("password in [openvpms]"));

        let login_page = CallError::with_status(ErrorClass::Contract, 200, "an HTML page, \"Login\", instead of JSON");
        let wrong_url = openvpms(&login_page, "http://x", "he");
        assert!(wrong_url.problem.contains("http://x") && wrong_url.problem.contains("Login"));
        assert!(wrong_url.remedy.contains("[openvpms] url"));

        let no_consent = CallError::with_status(ErrorClass::Forbidden, 403, "x");
        let no_consent = healthengine(&no_consent, "https://x", &PracticeId("1234567".into()));
        assert!(no_consent.problem.contains("1234567") && no_consent.remedy.contains("API Consumer Consent"));

        assert_well_said(&proxy_variables(&["HTTP_PROXY"]));
    }
}
