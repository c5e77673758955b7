//! What to do about a call that failed, by the side that was asked and the class of the error. Sentences without their full stop.

use crate::remote::{CallError, Cause, ErrorClass};

/// OpenVPMS did not answer as it should.
pub fn openvpms(error: &CallError) -> &'static str {
    match error.class {
        ErrorClass::NotSent if error.retry_after.is_some() => "It is asked again when that time is over",
        ErrorClass::NotSent if error.detail.contains("CaUsedAsEndEntity") => {
            "The server uses the certificate of an authority as its own: give it one that the authority signed, and name the \
             authority in [openvpms] ca_file"
        }
        ErrorClass::NotSent => {
            "Check [openvpms] url, that the server runs and that the VPN is up; a private certificate authority goes into ca_file"
        }
        ErrorClass::Lost | ErrorClass::Unavailable => {
            "It may be starting or have lost its database: try again in a minute, then look into its log"
        }
        ErrorClass::Credentials => {
            "Check username and password in [openvpms]; OpenVPMS answers the same while its database is away, so try again in a minute"
        }
        ErrorClass::Refused | ErrorClass::Forbidden => {
            "Check in OpenVPMS that the user is active and has the role Online Booking"
        }
        ErrorClass::TooMany => "Lower max_requests_per_second in [openvpms]",
        ErrorClass::Contract if error.cause == Some(Cause::TooLarge) => {
            "No clinic's diary is that large: lower horizon_days in [sync], or look in OpenVPMS for what fills the schedule"
        }
        ErrorClass::Contract => {
            "Check [openvpms] url: it names the web application, like http://host:8080/openvpms, without /ws/booking/v2 and without a \
             login page before it"
        }
    }
}

/// Healthengine did not answer as it should.
pub fn healthengine(error: &CallError) -> &'static str {
    if error.cause == Some(Cause::Page) {
        return "If it stays, ask whoever looks after the network here (a firewall, a proxy, a login page), then Healthengine's support";
    }
    match error.class {
        ErrorClass::NotSent if error.retry_after.is_some() => "It is asked again when that time is over",
        ErrorClass::NotSent => "Check the internet connection of this machine and [healthengine] url",
        ErrorClass::Lost | ErrorClass::Unavailable => {
            "Try again in a minute; if it stays so, ask Healthengine's support"
        }
        ErrorClass::Refused => "Check id and key of the [[practice]]; if they are right, ask Healthengine's support",
        ErrorClass::Credentials => {
            "Check [healthengine] api_key, and that it belongs to the environment that url and environment name"
        }
        ErrorClass::Forbidden => {
            "Ask the practice to grant it (Practice Admin portal, API Consumer Consent, or Healthengine's support), and check id and \
             key of the [[practice]]"
        }
        ErrorClass::TooMany => "Lower max_requests_per_second in [healthengine]",
        ErrorClass::Contract if error.cause == Some(Cause::TooLarge) => {
            "Ask Healthengine's support: no answer of its API is that large"
        }
        ErrorClass::Contract => "Check [healthengine] url: it ends with the API's version, like https://…/pms-api/v1",
    }
}
