//! URLs that are refused.

use crate::configuration::LEAST;
use crate::{directory, parse_in, problem_with, problems};

#[test]
fn plain_http_over_the_internet_needs_a_word() {
    let url = "http://127.0.0.1/openvpms";
    let found = problem_with(url, "http://openvpms.example.com/openvpms");
    assert!(
        found.contains("[openvpms] url: http sends the credentials in the clear") && found.contains("allow_plain_http")
    );
    let text =
        LEAST.replace(url, "http://openvpms.example.com").replace("username", "allow_plain_http = true\nusername");
    assert!(parse_in(directory().path(), &text).is_ok());
    let found = problem_with("[healthengine]", "[healthengine]\nurl = \"http://healthengine.example.com\"");
    assert!(found.contains("[healthengine] url") && !found.contains("allow_plain_http"), "{found}");
    assert!(
        parse_in(
            directory().path(),
            &LEAST.replace("[healthengine]", "[healthengine]\nurl = \"http://127.0.0.1:1/x\"")
        )
        .is_ok()
    );
}

#[test]
fn the_public_url_is_https() {
    let webhooks = |url: &str| format!("{LEAST}[webhooks]\npublic_url = \"{url}\"\nsecret = \"s\"\n");
    assert_eq!(problems(&webhooks("http://10.0.0.1/x")), ["18: [webhooks] public_url: must begin with https://"]);
    assert!(parse_in(directory().path(), &webhooks("https://bridge.example.com/some/path")).is_ok());
    assert!(problems(&webhooks("https://bridge.example.com/?a=b"))[0].contains("plain URL"));
}

#[test]
fn a_host_in_letters_that_dns_does_not_have_is_refused_with_how_it_is_written() {
    let url = "http://127.0.0.1/openvpms";
    let found = problem_with(url, "https://klinik-müller.example/openvpms");
    assert!(found.contains("[openvpms] url: is no URL") && found.contains("as DNS has it (xn--…)"), "{found}");
    let written = LEAST.replace(url, "https://xn--klinik-mller-0hb.example/openvpms");
    assert!(parse_in(directory().path(), &written).is_ok());
}
