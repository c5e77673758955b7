//! What is said about a file that is wrong.

use crate::configuration::LEAST;
use crate::{directory, parse_in, problem_with, problems};

#[test]
fn a_misspelt_key_names_its_line_and_the_nearest_valid_key() {
    assert_eq!(
        problem_with("password = \"changeit\"", "password = \"changeit\"\nmax_request_per_second = 3"),
        "6: [openvpms]: unknown key `max_request_per_second`; the nearest valid key is `max_requests_per_second`"
    );
    let found = problems(&LEAST.replace("[openvpms]", "[openvmps]"));
    assert_eq!(
        found,
        [
            "-: there is no [openvpms], which is required",
            "2: unknown key `openvmps`; the nearest valid key is `openvpms`: write [openvpms]"
        ]
    );
    let found = problems(&LEAST.replace("[[practice]]", "[[practise]]").replace("[practice.", "[practise."));
    assert_eq!(found, ["11: unknown key `practise`; the nearest valid key is `practice`: write [[practice]]"]);
    let found = problems(&LEAST.replace("[[practice]]", "[[practise]]"));
    assert!(found.len() == 2 && found[1].contains("no [[practice]] stands above this"), "{found:#?}");
    let found = problems(&LEAST.replace("[[practice]]", "[practice]"));
    assert!(found.len() == 1 && found[0].contains("write [[practice]], with two brackets"), "{found:#?}");
    let found = problems(&format!("{LEAST}[practice.rule]\nmax_per_day = 4\n"));
    assert!(found.len() == 1 && found[0].contains("write [[practice.rule]], with two brackets"), "{found:#?}");
    let found = problem_with("[practice.live_hours]\n", "[practice.live_hours]\nmonady = []\n");
    assert_eq!(found, "16: [practice.live_hours]: unknown key `monady`; the nearest valid key is `monday`");
}

#[test]
fn a_path_of_windows_in_double_quotes_is_found_whatever_its_letters_and_the_remedy_is_named() {
    for path in [r"C:\ProgramData\vetbridge", r"C:\users\vetbridge", r"C:\temp\new"] {
        let found = problems(&format!("{LEAST}[state]\npath = \"{path}\"\n"));
        assert!(!found.is_empty() && found.iter().all(|problem| problem.contains("in single quotes")), "{found:#?}");
        let quoted = format!("{LEAST}[state]\npath = '{path}'\n");
        assert!(parse_in(directory().path(), &quoted).is_ok(), "{path}");
    }
}

#[test]
fn an_empty_list_of_senders_would_refuse_every_webhook_and_says_what_to_do_instead() {
    let webhooks = |senders: &str| {
        let table = format!("[webhooks]\npublic_url = \"https://x.example\"\nsecret = \"s\"\n{senders}\n");
        problems(&format!("{LEAST}{table}"))
    };
    let found = webhooks("allowed_ips = []");
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].contains("[webhooks] allowed_ips: ") && found[0].contains("every webhook is refused"),
        "{found:#?}"
    );
    assert!(found[0].contains("leave the key out") && found[0].contains("take [webhooks] out"), "{found:#?}");
    let found = webhooks("allowed_ips = [\"x\"]");
    assert!(found.len() == 1 && !found[0].contains("refused"), "{found:#?}");
    let of = |senders: &str| {
        let table = format!("[webhooks]\npublic_url = \"https://x.example\"\nsecret = \"s\"\n{senders}\n");
        parse_in(directory().path(), &format!("{LEAST}{table}")).unwrap().webhooks.unwrap().allowed_ips.len()
    };
    assert_eq!((of(""), of("allowed_ips = [\"10.0.0.1\"]"), of("trusted_proxies = []")), (3, 1, 3));
}

#[test]
fn all_problems_of_a_file_come_together_in_the_order_of_its_lines() {
    let text = LEAST
        .replace("username = \"sample\"", "usrname = \"healthengine\"")
        .replace("environment = \"UAT\"", "environment = \"Prod\"\nrequest_timeout = 10")
        .replace("locations = [98]", "locations = [98, \"99\"]")
        .replace("08:00-18:00", "18:00-08:00");
    assert_eq!(
        problems(&text),
        [
            "2: [openvpms] has no `username`, which is required",
            "4: [openvpms]: unknown key `usrname`; the nearest valid key is `username`",
            "10: [healthengine] environment: must be one of \"DEV\" (development), \"UAT\" (acceptance tests) and \"PROD\" (live); did you mean \"PROD\"?",
            "11: [healthengine] request_timeout: expected a text in quotes, found an integer",
            "15: [[practice]] locations: expected a list of the ids that locations have in OpenVPMS, like [98], found \
             a string: an id is a whole number, and `vetbridge discover` shows the id of each location",
            "17: [practice.live_hours] monday: the end must be after the start; hours over midnight are two ranges, \
             up to \"24:00\" and, the next day, from \"00:00\"",
        ]
    );
}

#[test]
fn no_problem_shows_a_line_of_the_file() {
    // A secret in every place where a slip of the pen can put it.
    let secret = "hunter2hunter2";
    for (old, new) in [
        ("password = \"changeit\"", format!("password = {secret}")),
        ("password = \"changeit\"", format!("password = \"{secret}")),
        ("password = \"changeit\"", format!("password = '{secret}' x")),
        ("password = \"changeit\"", format!("password = [\"{secret}\"]")),
        ("password = \"changeit\"", format!("password = {{ fil = \"{secret}\" }}")),
        ("password = \"changeit\"", format!("passwrd = \"{secret}\"")),
        ("password = \"changeit\"", format!("password = \"{secret}\\nx\"")),
        ("password = \"changeit\"", format!("password = \"\"\"{secret}")),
        ("http://127.0.0.1/openvpms", format!("https://u:{secret}@openvpms.example.com/")),
        ("http://127.0.0.1/openvpms", format!("{secret}://openvpms.example.com/")),
        ("key = \"k\"", format!("key = \"{secret}ü\"")),
        ("key = \"k\"", format!("key = \"{secret}\" \"")),
    ] {
        let found = problems(&LEAST.replacen(old, &new, 1));
        assert!(!found.is_empty() && found.iter().all(|problem| !problem.contains(secret)), "{new}: {found:#?}");
    }
}

#[test]
fn broken_toml_is_told_with_its_line_and_the_rest_is_judged_all_the_same() {
    let text = LEAST.replace("username = \"sample\"", "username = sample");
    let found = problems(&text.replace("vendor = \"Example Vets Bridge\"", "vendr = \"V\""));
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with("4: this is not TOML: "), "{found:#?}");
    assert!(found[1].starts_with("8: [healthengine]: unknown key `vendr`"), "{found:#?}");
}

#[test]
fn values_that_cannot_be_sent_are_refused() {
    assert!(problem_with("vendor = \"Example Vets Bridge\"", "vendor = \"V (x)\"").contains("User-Agent"));
    assert!(problem_with("username = \"sample\"", "username = \"a:b\"").contains("colon"));
    assert!(problem_with("api_key = \"eyJ0e-consumer\"", "api_key = \"schlüssel\"").contains("HTTP header"));
    let webhooks = format!("{LEAST}[webhooks]\npublic_url = \"https://x.example\"\nsecret = \"a/b\"\n");
    assert!(problems(&webhooks)[0].contains("is part of a URL"));
}

#[test]
fn what_an_environment_a_contact_and_a_mail_server_must_be_is_said_with_what_they_are() {
    use vetbridge::messages::config_file as say;
    for (found, meant) in [("LIVE", "PROD"), ("production", "PROD"), ("TEST", "UAT"), ("prod", "PROD"), ("DVE", "DEV")]
    {
        let told = say::one_of_the_environments(found);
        assert!(told.ends_with(&format!("did you mean \"{meant}\"?")), "{told}");
    }
    assert!(!say::one_of_the_environments("somewhere").contains("did you mean"));
    assert!(!say::one_of("never", &["wait", "reject"]).contains("did you mean"), "another word is no slip");
}
