//! The difference between the clocks of the two systems.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use serde_json::json;
use vetbridge::call_error::Answer;
use vetbridge::clock::Clock;
use vetbridge::healthengine::ReadHealthengine;
use vetbridge::healthengine::client::HealthengineClient;
use vetbridge::http::{Request, Response, Transport};

use crate::clients_support::{json, response};
use crate::{at, client};

/// Answers after a while, with the time that its own clock shows then.
struct OtherClock {
    clock: Clock,
    ahead: TimeDelta,
    takes: TimeDelta,
}

#[async_trait]
impl Transport for OtherClock {
    async fn exchange(&self, _: Request) -> Answer<Response> {
        let half = (self.takes / 2).to_std().unwrap();
        tokio::time::sleep(half).await;
        let date = self.clock.now() + self.ahead;
        tokio::time::sleep(half).await;
        let mut answer = json(200, &json!([]));
        answer.headers.push(("date".into(), httpdate::fmt_http_date(date.into())));
        Ok(answer)
    }
}

#[tokio::test(start_paused = true)]
async fn the_clock_difference_is_measured_to_the_second() {
    for ahead in [0, 45, -45, 3600] {
        let clock = Clock::virtual_from(at("2019-02-15T01:00:00.250Z"));
        let transport =
            OtherClock { clock: clock.clone(), ahead: TimeDelta::seconds(ahead), takes: TimeDelta::milliseconds(800) };
        let server = HealthengineClient::new(Arc::new(transport), clock);
        assert_eq!(server.clock_difference(), TimeDelta::zero());
        server.requests().await.unwrap();
        let error = server.clone().clock_difference() - TimeDelta::seconds(ahead);
        assert!(error.abs() <= TimeDelta::milliseconds(500), "{ahead} s was measured with an error of {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_exchange_says_how_far_the_other_clock_is_ahead_at_least() {
    let clock = Clock::virtual_from(at("2019-02-15T01:00:00Z"));
    let transport = OtherClock { clock: clock.clone(), ahead: TimeDelta::seconds(45), takes: TimeDelta::seconds(8) };
    let server = HealthengineClient::new(Arc::new(transport), clock);
    server.requests().await.unwrap();
    // Its date was written four seconds before the answer was there.
    assert_eq!(server.clock_difference(), TimeDelta::seconds(45 - 4));
}

#[tokio::test]
async fn the_date_of_a_page_or_of_a_failure_says_nothing_about_the_clocks() {
    for (status, content_type, body, counts) in [
        (502, "text/html", "<title>Bad Gateway</title>", false),
        (403, "text/html", "<title>Forbidden</title>", false),
        (200, "text/html", "<title>Login</title>", false),
        (401, "", "", false),
        (503, "application/json", r#"{"message":"no healthy upstream"}"#, false),
        (200, "application/json", "[]", true),
        (400, "application/json", r#"{"error":"no"}"#, true),
    ] {
        let mut answer = response(status, content_type, body);
        answer.headers.push(("date".into(), "Thu, 01 Jan 2015 00:00:00 GMT".into()));
        let (server, _) = client(answer);
        let _ = server.requests().await;
        assert_eq!(server.clock_difference() != TimeDelta::zero(), counts, "{status} {body}");
    }
}
