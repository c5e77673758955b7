//! What to do about a call that failed, by the side that was asked and the class of the error.
//! Sentences without their full stop.

use super::tls;
use crate::call_error::{CallError, Cause, ErrorClass};

/// OpenVPMS did not answer as it should.
pub fn openvpms(error: &CallError) -> &'static str {
    match error.cause {
        Some(Cause::Certificate(fault)) => return tls::remedy(fault),
        Some(Cause::Proxy) => return "Write them into proxy under [openvpms], as in http://user:secret@host:port",
        Some(Cause::SpeaksHttp) => return "Write http:// into url under [openvpms], or the port that speaks https",
        Some(Cause::SpeaksHttps) => return "Write https:// into url under [openvpms], or the port that speaks http",
        Some(Cause::Page | Cause::TooLarge | Cause::LeftAlone) | None => {}
    }
    match error.class {
        ErrorClass::NotSent if error.cause == Some(Cause::LeftAlone) => {
            "It is asked again when that time is over; if the server works again: `vetbridge resync`, a reload, or \
             Ask again now on the status page"
        }
        ErrorClass::NotSent => {
            "Check [openvpms] url, that the server runs and that the VPN is up; a private certificate authority goes \
             into ca_file"
        }
        ErrorClass::Lost | ErrorClass::Unavailable => {
            "It may be starting or have lost its database: try again in a minute, then look into its log"
        }
        ErrorClass::Credentials => {
            "Check username and password in [openvpms]; OpenVPMS answers the same while its database is away, so try \
             again in a minute"
        }
        ErrorClass::Refused if error.is_unknown_call() => WRONG_OPENVPMS_URL,
        ErrorClass::Refused | ErrorClass::Forbidden => {
            "Check in OpenVPMS that the user is active and has the role Online Booking"
        }
        ErrorClass::TooMany => "Lower max_requests_per_second in [openvpms]",
        ErrorClass::Contract if error.cause == Some(Cause::TooLarge) => {
            "No clinic's diary is that large: lower horizon_days in [sync], or look in OpenVPMS for what fills the \
             schedule"
        }
        ErrorClass::Contract => WRONG_OPENVPMS_URL,
    }
}

const WRONG_OPENVPMS_URL: &str = "Check [openvpms] url: it names the web application, like \
                                  http://host:8080/openvpms, without /ws/booking/v2 and without a login page before it";
const WRONG_HEALTHENGINE_URL: &str =
    "Check [healthengine] url: it ends with the API's version, like https://…/pms-api/v1";

/// Healthengine did not answer as it should.
pub fn healthengine(error: &CallError) -> &'static str {
    match error.cause {
        Some(Cause::Page) => {
            return "If it stays, ask whoever looks after the network here (a firewall, a proxy, a login page), then \
                    Healthengine's support";
        }
        Some(Cause::Certificate(fault)) => return tls::remedy_outside(fault),
        Some(Cause::Proxy) => return "Write them into proxy under [healthengine], as in http://user:secret@host:port",
        Some(Cause::SpeaksHttp | Cause::SpeaksHttps) => {
            return "Check scheme and port in [healthengine] url: Healthengine's own begins with https:// and has no \
                    port";
        }
        Some(Cause::TooLarge | Cause::LeftAlone) | None => {}
    }
    match error.class {
        ErrorClass::NotSent if error.cause == Some(Cause::LeftAlone) => {
            "It is asked again when that time is over; if the server works again: `vetbridge resync`, a reload, or \
             Ask again now on the status page"
        }
        ErrorClass::NotSent => "Check the internet connection of this machine and [healthengine] url",
        ErrorClass::Lost | ErrorClass::Unavailable => {
            "Try again in a minute; if it stays so, ask Healthengine's support"
        }
        ErrorClass::Refused if error.is_unknown_call() => WRONG_HEALTHENGINE_URL,
        ErrorClass::Refused if error.detail.contains("User-Agent") => {
            "Check vendor, contact and environment in [healthengine]"
        }
        ErrorClass::Refused => "Check id and key of the [[practice]]; if they are right, ask Healthengine's support",
        ErrorClass::Credentials => {
            "Check [healthengine] api_key, and that it belongs to the environment that url and environment name"
        }
        ErrorClass::Forbidden => {
            "Ask the practice to grant it (Practice Admin portal, API Consumer Consent, or Healthengine's support), \
             and check id and key of the [[practice]]"
        }
        ErrorClass::TooMany => "Lower max_requests_per_second in [healthengine]",
        ErrorClass::Contract if error.cause == Some(Cause::TooLarge) => {
            "Ask Healthengine's support: no answer of its API is that large"
        }
        ErrorClass::Contract => WRONG_HEALTHENGINE_URL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call_error::CertificateFault;
    use crate::ids::{PracticeId, ScheduleId};
    use crate::messages::{call_failures, practice};

    /// Every class of error, with what else is known of it.
    fn errors() -> Vec<CallError> {
        use ErrorClass::{Contract, Credentials, Forbidden, Lost, NotSent, Refused, TooMany, Unavailable};
        let plain = [NotSent, Lost, Unavailable, Refused, Credentials, Forbidden, TooMany, Contract];
        let plain = plain.into_iter().map(|class| CallError::new(class, "why"));
        let left_alone = CallError::new(NotSent, "the server wants to be left alone").due_to(Cause::LeftAlone);
        let caused = [Cause::Page, Cause::TooLarge].map(|cause| CallError::new(Contract, "why").due_to(cause));
        let proxy = CallError::new(NotSent, "the proxy wants a user name").due_to(Cause::Proxy);
        use CertificateFault::{AuthorityAsServer, Expired, NoName, NotYetValid, OtherName, UnknownIssuer};
        let faults =
            [NoName, OtherName, Expired, NotYetValid, UnknownIssuer, AuthorityAsServer, CertificateFault::Other];
        let faults = faults.map(|fault| CallError::new(NotSent, tls::what(fault)).due_to(Cause::Certificate(fault)));
        let scheme = [(NotSent, Cause::SpeaksHttp), (Lost, Cause::SpeaksHttps)];
        let scheme = scheme.map(|(class, cause)| CallError::new(class, "url says another").due_to(cause));
        plain
            .chain([left_alone, proxy])
            .chain(scheme)
            .chain(faults)
            .chain(caused)
            .map(|error| error.of("GET things/{id}"))
            .collect()
    }

    /// What is said of OpenVPMS: the sentence in full.
    fn of_openvpms(error: &CallError) -> Vec<String> {
        vec![
            practice::openvpms_failed(error),
            practice::openvpms_unread(error, &[]),
            practice::openvpms_unread(error, &[ScheduleId(136)]),
            call_failures::openvpms(error, "http://x/openvpms", "user").to_string(),
        ]
    }

    /// The same of Healthengine.
    fn of_healthengine(error: &CallError) -> Vec<String> {
        let id = PracticeId("1234567".into());
        let mut said = vec![
            practice::healthengine_failed(error, &id),
            practice::healthengine_unasked(error),
            practice::answers_not_taken(2, error),
            practice::bookings_unread(error),
            practice::days_not_taken(7, error),
            practice::configuration_not_taken(error),
            call_failures::healthengine(error, "https://x/v1", &id).to_string(),
        ];
        if error.is_access() {
            said.push(practice::healthengine_refuses(error, &id));
        }
        said
    }

    #[test]
    fn every_sentence_names_its_side_and_its_remedy_and_none_of_the_other_side() {
        for error in errors() {
            let both = [
                (
                    of_openvpms(&error),
                    "OpenVPMS",
                    ["Healthengine", "api_key", "api-key", "[[practice]]", "consent"].as_slice(),
                ),
                (
                    of_healthengine(&error),
                    "Healthengine",
                    ["OpenVPMS", "VPN", "password", "database", "role"].as_slice(),
                ),
            ];
            for (sentences, side, others) in both {
                for sentence in sentences {
                    let blames = others.iter().find(|other| sentence.contains(**other));
                    assert!(sentence.contains(side) && blames.is_none(), "{error:?}: {blames:?} in {sentence}");
                    assert!(sentence.ends_with('.') && !sentence.contains(".."), "{sentence}");
                }
            }
        }
    }

    #[test]
    fn each_remedy_fits_its_class() {
        for error in errors() {
            let (here, there) = (openvpms(&error), healthengine(&error));
            let is_unreached = error.class == ErrorClass::NotSent && error.cause.is_none();
            assert_eq!(here.contains("VPN"), is_unreached, "{error:?}: {here}");
            assert_eq!(there.contains("internet connection"), is_unreached, "{error:?}: {there}");
            let is_refused = error.class == ErrorClass::Credentials;
            assert_eq!(here.contains("password"), is_refused, "{error:?}: {here}");
            assert_eq!(there.contains("api_key"), is_refused, "{error:?}: {there}");
            let leads_elsewhere = error.class == ErrorClass::Contract && error.cause.is_none();
            assert_eq!(there.contains("url: it ends with"), leads_elsewhere, "{error:?}: {there}");
            let is_too_large = error.cause == Some(Cause::TooLarge);
            assert_eq!(here.contains("horizon_days"), is_too_large, "{error:?}: {here}");
            assert_eq!(
                here.contains("max_requests_per_second"),
                error.class == ErrorClass::TooMany,
                "{error:?}: {here}"
            );
        }
    }

    #[test]
    fn a_call_that_is_not_there_is_a_wrong_url_and_an_id_that_is_not_there_is_none() {
        let missing = |call: &str| CallError::with_status(ErrorClass::Refused, 404, "not found").of(call);
        assert!(openvpms(&missing("GET locations")).contains("[openvpms] url"));
        assert!(healthengine(&missing("GET features")).contains("[healthengine] url"));
        assert!(!healthengine(&missing("POST bookings/{id}/confirmInsert")).contains("url"));
    }

    #[test]
    fn sentences_of_operation_name_the_call() {
        let error = CallError::with_status(ErrorClass::Unavailable, 502, "the server failed").of("GET things/{id}");
        let said = [
            practice::openvpms_unread(&error, &[]),
            practice::healthengine_unasked(&error),
            practice::days_not_taken(1, &error),
        ];
        for sentence in said {
            assert!(sentence.contains("the server failed (status 502, GET things/{id})"), "{sentence}");
        }
    }
}
