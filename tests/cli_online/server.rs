//! The admin listener: who is let in, and what becomes of everything that is not as it should be.

use std::net::TcpStream;

use reqwest::{Method, Response};
use serde_json::Value;

use crate::clinic::{Clinic, PRACTICE};
use crate::service::Service;

/// What a browser says of what it takes.
const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

fn assert_guarded(answer: &Response) {
    assert_eq!(header(answer, "cache-control"), "no-store");
    assert_eq!(header(answer, "x-content-type-options"), "nosniff");
    assert_eq!(header(answer, "x-frame-options"), "DENY");
    assert_eq!(header(answer, "referrer-policy"), "no-referrer");
    assert!(header(answer, "content-security-policy").starts_with("default-src 'none'"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_health_and_figures_are_told_without_the_token() {
    let clinic = Clinic::open().await;
    let service = Service::start(&clinic).await;
    for path in ["/healthz", "/readyz", "/metrics"] {
        let answer = service.open(path).await;
        assert!(answer.status() == 200 || answer.status() == 503, "{path}");
        assert_guarded(&answer);
    }
    // What is not there is no more told than what is.
    for path in
        ["/", "/api/v1/status", "/api/v1/bookings", "/api/v1/bookings/7", "/no/such/path", "/?token=wrong", "/?token="]
    {
        let answer = service.open(path).await;
        assert_eq!(answer.status(), 401, "{path}");
        assert_eq!(header(&answer, "www-authenticate"), "Bearer");
        assert_guarded(&answer);
        assert!(answer.text().await.unwrap().contains("admin-token"));
    }
    // A browser is shown a field for the token; the API answers it as it answers programs.
    for (path, is_page) in [("/", true), ("/bookings", true), ("/no/such/path", true), ("/api/v1/status", false)] {
        let answer = service.ask_as(Method::GET, path, &[BROWSER], "").await;
        assert_eq!((answer.status().as_u16(), header(&answer, "www-authenticate")), (401, "Bearer"), "{path}");
        assert_guarded(&answer);
        let text = answer.text().await.unwrap();
        assert!(text.contains("admin-token") && text.contains("action=\"/sign-in\"") == is_page, "{path}: {text}");
    }
    let token = service.token();
    let (shorter, longer) = (&token[..63], format!("{token}0"));
    for wrong in [shorter, &longer, ""] {
        let cookie = service.get_with_cookie("/", &format!("vetbridge-session={wrong}")).await;
        assert_eq!(cookie.status(), 401, "{wrong}");
    }
    for name in ["vetbridge-session", "vetbridge-token"] {
        let cookie = service.get_with_cookie("/", &format!("{name}={token}")).await;
        assert_eq!(cookie.status(), 401, "the token is no session: {name}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_becomes_a_cookie_and_the_cookie_opens_the_page() {
    let clinic = Clinic::open().await;
    // An operator's own token may hold anything visible.
    std::fs::create_dir(clinic.state()).unwrap();
    std::fs::write(clinic.state().join("admin-token"), "a;b=c&d%41+\"e\",f-0123456789\n").unwrap();
    let service = Service::start(&clinic).await;
    assert_eq!(service.get("/api/v1/status").await.status(), 200);
    let link = vetbridge::server::link("x", service.token());
    let landed = service.open(link.strip_prefix("http://x").unwrap()).await;
    assert_eq!((landed.status().as_u16(), header(&landed, "location")), (303, "/"));
    let cookie = header(&landed, "set-cookie").to_owned();
    assert!(cookie.ends_with("; Max-Age=43200; HttpOnly; SameSite=Strict; Path=/"), "{cookie}");
    assert_guarded(&landed);
    let token = service.token();
    let decoded = percent_encoding::percent_decode_str(&cookie).decode_utf8_lossy().into_owned();
    assert!(!cookie.contains(token) && !decoded.contains(token), "{cookie}");
    let landed_from_deeper = service.open(&format!("/api/v1/status{}", &link["http://x/".len()..])).await;
    assert_eq!(header(&landed_from_deeper, "location"), "/", "no path of the link's choosing");
    let cookie = format!("other=1; {}", cookie.split(';').next().unwrap());
    let page = service.get_with_cookie("/", &cookie).await;
    assert_eq!((page.status().as_u16(), header(&page, "content-type")), (200, "text/html; charset=utf-8"));
    assert_guarded(&page);
    let page = page.text().await.unwrap();
    assert!(page.contains("(1234567)") | page.contains("Practice 1234567") && !page.contains("0123456789"), "{page}");
    service.stop().await;
    let service = Service::start(&clinic).await;
    assert_eq!(service.get_with_cookie("/", &cookie).await.status(), 401, "a session ends with the process");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_listener_is_asked_by_its_address_localhost_or_a_configured_name_and_changes_come_from_no_other_page() {
    let clinic = Clinic::open().await;
    let named = format!("127.0.0.1:{}\"\nhosts = [\"Bridge.Example.com\"]", clinic.port);
    let configuration = clinic.configuration().replace(&format!("127.0.0.1:{}\"", clinic.port), &named);
    clinic.write("vetbridge.toml", &configuration);
    let service = Service::start(&clinic).await;
    let bearer = format!("Bearer {}", service.token());
    let own = format!("127.0.0.1:{}", clinic.port);
    for path in ["/healthz", "/readyz", "/", "/api/v1/status", "/api/v1/proof"] {
        for host in ["evil.example", &format!("evil.example:{}", clinic.port), "127.0.0.1:1"] {
            let answer = service.ask_as(Method::GET, path, &[("host", host), ("authorization", &bearer)], "").await;
            assert_eq!(answer.status(), 421, "{host} {path}");
            assert_guarded(&answer);
            assert!(answer.text().await.unwrap().contains("[admin] hosts"));
        }
    }
    for host in [&own, "localhost", &format!("localhost:{}", clinic.port), "bridge.example.com"] {
        let answer =
            service.ask_as(Method::GET, "/api/v1/status", &[("host", host), ("authorization", &bearer)], "").await;
        assert_eq!(answer.status(), 200, "{host}");
    }

    let change = format!("/api/v1/practices/{PRACTICE}/resync?dry_run=true");
    let own_page = format!("http://{own}");
    let post =
        async |headers: &[(&str, &str)]| service.ask_as(Method::POST, &change, headers, "").await.status().as_u16();
    for foreign in [
        ("origin", "https://evil.example"),
        ("origin", "http://127.0.0.1:1"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        assert_eq!(post(&[("authorization", &bearer), foreign]).await, 403, "{foreign:?}");
    }
    let cookie = service.signed_in().await;
    assert_eq!(post(&[("authorization", &bearer)]).await, 200, "a program");
    assert_eq!(post(&[("authorization", &bearer), ("origin", &own_page)]).await, 200);
    assert_eq!(post(&[("cookie", &cookie), ("origin", &own_page)]).await, 200, "the own page");
    assert_eq!(post(&[("cookie", &cookie), ("origin", "null"), ("sec-fetch-site", "same-origin")]).await, 200);
    assert_eq!(post(&[("cookie", &cookie), ("origin", "http://localhost:9")]).await, 403, "another page");
    assert_eq!(post(&[("cookie", &cookie), ("origin", "null")]).await, 403, "a page that hides who it is");
    assert_eq!(post(&[("cookie", &cookie)]).await, 403, "nobody says that it is the own page");

    for (content_type, status) in [
        (None, 415),
        (Some("text/plain"), 415),
        (Some("application/x-www-form-urlencoded"), 415),
        (Some("application/json; charset=utf-8"), 404),
    ] {
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(content_type.map(|value| ("content-type", value)));
        let body = r#"{"outcome": "rejected"}"#;
        let answer = service.ask_as(Method::POST, "/api/v1/bookings/7/resolve", &headers, body).await;
        assert_eq!(answer.status(), status, "{content_type:?}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_the_page_carries_the_token_of_its_session_and_no_other_is_taken() {
    let clinic = Clinic::open().await;
    let service = Service::start(&clinic).await;
    let (cookie, other) = (service.signed_in().await, service.signed_in().await);
    let form_token = async |cookie: &str| {
        let page = service.get_with_cookie("/", cookie).await.text().await.unwrap();
        let (_, rest) = page.split_once("name=\"form_token\" value=\"").expect("a form");
        rest.split('"').next().unwrap().to_owned()
    };
    let (own_token, other_token) = (form_token(&cookie).await, form_token(&other).await);
    let sign_out = async |token: &str, headers: &[(&str, &str)]| {
        let form = [("cookie", cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        let headers = [&form, headers].concat();
        service.ask_as(Method::POST, "/sign-out", &headers, &format!("form_token={token}")).await
    };
    let own_page = format!("http://127.0.0.1:{}", clinic.port);
    for token in ["", &other_token, service.token(), &own_token[1..]] {
        assert_eq!(sign_out(token, &[("origin", &own_page)]).await.status(), 403, "{token}");
    }
    assert_eq!(sign_out(&own_token, &[("origin", "https://evil.example")]).await.status(), 403);
    assert_eq!(sign_out(&own_token, &[("sec-fetch-site", "cross-site")]).await.status(), 403);
    assert_eq!(service.get_with_cookie("/", &cookie).await.status(), 200);
    // As a browser sends it that does not know Sec-Fetch-Site: the page sends no referrer, and so no origin.
    let answer = sign_out(&own_token, &[("origin", "null")]).await;
    assert!(answer.status() == 200 && header(&answer, "set-cookie").contains("Max-Age=0"), "{answer:?}");
    assert_eq!(service.get_with_cookie("/", &cookie).await.status(), 401);
    assert_eq!(service.get_with_cookie("/", &other).await.status(), 200);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_with_the_token_begins_a_session_unless_another_page_sends_it() {
    let clinic = Clinic::open().await;
    std::fs::create_dir(clinic.state()).unwrap();
    std::fs::write(clinic.state().join("admin-token"), "a;b=c&d%41+\"e\",f-0123456789\n").unwrap();
    let service = Service::start(&clinic).await;
    let own_page = format!("http://127.0.0.1:{}", clinic.port);
    let sign_in = async |token: &str, from: (&str, &str)| {
        let headers = [BROWSER, ("content-type", "application/x-www-form-urlencoded"), from];
        let token: String = percent_encoding::utf8_percent_encode(token, percent_encoding::NON_ALPHANUMERIC).collect();
        service.ask_as(Method::POST, "/sign-in", &headers, &format!("token={token}")).await
    };
    for wrong in ["", "x", &service.token()[1..]] {
        let answer = sign_in(wrong, ("origin", &own_page)).await;
        assert_eq!((answer.status().as_u16(), header(&answer, "www-authenticate")), (401, "Bearer"), "{wrong}");
        assert!(header(&answer, "set-cookie").is_empty());
        assert_guarded(&answer);
        assert!(answer.text().await.unwrap().contains("That is not the admin token."));
    }
    for foreign in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        assert_eq!(sign_in(service.token(), foreign).await.status(), 403, "{foreign:?}");
    }
    let landed = sign_in(&format!(" {}\n", service.token()), ("origin", &own_page)).await;
    assert_eq!((landed.status().as_u16(), header(&landed, "location")), (303, "/"));
    let cookie = header(&landed, "set-cookie").to_owned();
    assert!(cookie.ends_with("; Max-Age=43200; HttpOnly; SameSite=Strict; Path=/"), "{cookie}");
    let page = service.get_with_cookie("/", cookie.split(';').next().unwrap()).await;
    assert_eq!(page.status(), 200);
    // Over TLS, as the proxy says: the cookie never leaves the browser otherwise.
    let by_proxy = sign_in(service.token(), ("x-forwarded-proto", "https")).await;
    let cookie = header(&by_proxy, "set-cookie").to_owned();
    assert!(cookie.ends_with("; Max-Age=43200; Secure; HttpOnly; SameSite=Strict; Path=/"), "{cookie}");
    assert_eq!(service.get_with_cookie("/", cookie.split(';').next().unwrap()).await.status(), 200);
    let plain = sign_in(service.token(), ("x-forwarded-proto", "http")).await;
    assert!(!header(&plain, "set-cookie").contains("Secure"));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_paths_methods_queries_and_bodies_are_refused_with_a_sentence() {
    let clinic = Clinic::open().await;
    let service = Service::start(&clinic).await;
    for (method, path, status, says) in [
        (Method::GET, "/api/v2/status", 404, "nothing at this address"),
        (Method::GET, "/api/v1/bookings/7", 404, "no booking 7"),
        (Method::GET, "/api/v1/bookings/seven", 404, "no booking seven"),
        (Method::POST, "/api/v1/practices/7/resync", 404, "Practice 7 is not on here"),
        (Method::POST, "/api/v1/practices/1234567/resync?only=everything", 400, "config|availability"),
        (Method::POST, "/api/v1/status", 405, "another method"),
        (Method::GET, "/api/v1/practices/1234567/resync", 405, "another method"),
        (Method::DELETE, "/", 405, "another method"),
    ] {
        let answer = service.ask(method.clone(), path).await;
        assert_eq!(answer.status(), status, "{method} {path}");
        assert_guarded(&answer);
        let problem: Value = answer.json().await.unwrap();
        assert!(problem["error"].as_str().unwrap().contains(says), "{method} {path}: {problem}");
    }
    let path = format!("/api/v1/practices/{PRACTICE}/resync?dry_run=true");
    let large = service.post(&path, "application/json", vec![b'x'; 64 * 1024 + 1]).await;
    assert_eq!(large.status(), 413);
    assert_eq!(service.open("/healthz").await.status(), 200);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resync_is_followed_line_by_line() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let answer =
        service.post(&format!("/api/v1/practices/{PRACTICE}/resync"), "application/x-ndjson", Vec::new()).await;
    assert_eq!((answer.status().as_u16(), header(&answer, "content-type")), (200, "application/x-ndjson"));
    let text = answer.text().await.unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (last, progress) = lines.split_last().unwrap();
    assert_eq!(
        (last["outcome"]["days"]["sent"].as_u64(), last["outcome"]["problem"].is_null()),
        (Some(10), true),
        "{text}"
    );
    assert!(progress.iter().all(|line| line["progress"]["done"].is_u64()), "{text}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_who_say_nothing_do_not_keep_others_out() {
    let clinic = Clinic::open().await;
    let service = Service::start(&clinic).await;
    let strangers: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(("127.0.0.1", clinic.port)).unwrap()).collect();
    // More than are served at one time; each is hung up on after five seconds.
    assert_eq!(service.open("/healthz").await.status(), 200);
    drop(strangers);
    service.stop().await;
}
