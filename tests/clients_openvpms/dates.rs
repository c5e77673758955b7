//! Dates that do not count, or are none.

use serde_json::json;
use vetbridge::ids::{LocationId, ScheduleId, UserId};
use vetbridge::openvpms::{ReadOpenVpms, UserSpan};
use vetbridge::span::normalised;

use crate::clients_support::json;
use crate::{client, span, window};

#[tokio::test]
async fn one_time_beyond_the_years_that_count_fails_no_other_no_busy_time_vanishes_and_no_free_time_grows() {
    const FIRST: &str = "2000-01-01T00:00:00Z";
    const LAST: &str = "2199-12-31T23:59:59Z";
    let (nine, ten) = ("2019-02-15T09:00:00.000+11:00", "2019-02-15T10:00:00.000+11:00");
    let table = [
        // As written, what of it is busy, and what of it is free.
        ((nine, "2999-02-15T10:00:00.000+11:00"), Some((nine, LAST)), None),
        ((nine, "12019-02-15T10:00:00.000+11:00"), Some((nine, LAST)), None),
        ((nine, "+262142-12-31T23:59:59.999Z"), Some((nine, LAST)), None),
        (("1019-02-15T09:00:00.000+11:00", ten), Some((FIRST, ten)), None),
        (("-262143-01-01T00:00:00Z", ten), Some((FIRST, ten)), None),
        (("0000-01-01T00:00:00.000+14:00", "9999-12-31T23:59:59.999-18:00"), Some((FIRST, LAST)), None),
        // Wholly beyond.
        (("1999-12-31T10:00:00Z", "1999-12-31T11:00:00Z"), None, None),
        (("2200-01-01T00:00:00Z", "2200-01-01T01:00:00Z"), None, None),
        (("-0001-01-01T00:00:00Z", "1019-02-15T10:00:00Z"), None, None),
        (("12019-02-15T10:00:00Z", "12019-02-15T11:00:00Z"), None, None),
        // The end is before the start: what may be taken is busy, and nothing is free.
        ((nine, "0019-02-15T10:00:00.000+11:00"), Some((nine, LAST)), None),
        (("9019-02-15T09:00:00.000+11:00", ten), Some((FIRST, ten)), None),
        (("9999-01-01T00:00:00Z", "0001-01-01T00:00:00Z"), Some((FIRST, LAST)), None),
        ((ten, nine), Some((nine, ten)), None),
    ];
    for ((start, end), busy, free) in table {
        let entry = json!({"start":start,"end":end,"schedule":211});
        let good =
            json!({"start":"2019-02-15T12:00:00.000+11:00","end":"2019-02-15T13:00:00.000+11:00","schedule":211});
        let good_span = span("2019-02-15T12:00:00+11:00", "2019-02-15T13:00:00+11:00");
        let expected = |own: Option<(&str, &str)>| {
            normalised(own.map(|(start, end)| span(start, end)).into_iter().chain([good_span]))
        };
        let both = json!({"free":[entry, good],"busy":[entry, good]});
        let one = json!([entry, good]);
        let what = format!("{start} {end}");
        let of_users = |spans: Vec<UserSpan>| normalised(spans.iter().map(|own| own.span));

        let read = client(json(200, &both)).0.schedule_free_busy(ScheduleId(211), window()).await.expect(&what);
        assert_eq!((normalised(read.busy), normalised(read.free)), (expected(busy), expected(free)), "{what}");
        let read = client(json(200, &both)).0.user_free_busy(UserId(1), LocationId(98), window()).await.expect(&what);
        assert_eq!((of_users(read.busy), of_users(read.free)), (expected(busy), expected(free)), "{what}");
        let server = client(json(200, &one)).0;
        let read = (
            server.schedule_busy(ScheduleId(211), window()).await,
            server.schedule_free(ScheduleId(211), window()).await,
        );
        assert_eq!(
            (normalised(read.0.unwrap()), normalised(read.1.unwrap())),
            (expected(busy), expected(free)),
            "{what}"
        );
        let user = (UserId(1), LocationId(98));
        let read = (server.user_busy(user.0, user.1, window()).await, server.user_free(user.0, user.1, window()).await);
        assert_eq!((of_users(read.0.unwrap()), of_users(read.1.unwrap())), (expected(busy), expected(free)), "{what}");
    }
}

#[tokio::test]
async fn what_is_no_date_at_all_fails_the_answer_still() {
    for end in [
        "",
        "soon",
        "2999",
        "-",
        "2999-13-01T00:00:00Z",
        "2999-02-15 10:00:00",
        "2019-02-29T10:00:00Z",
        "+2019-02-15T10:00:00Z",
        "99999999999999999999-01-01T00:00:00Z",
    ] {
        let body = json!({"free":[],"busy":[{"start":"2019-02-15T09:00:00.000+11:00","end":end}]});
        let error = client(json(200, &body)).0.schedule_free_busy(ScheduleId(1), window()).await.unwrap_err();
        assert!(error.detail.contains("at busy[0].end: expected a date with time and offset, found a text"), "{error}");
    }
}

#[tokio::test]
async fn a_server_in_another_zone_is_seen_through_behind_a_time_that_does_not_count() {
    let busy = |year: i32, offset: &str| json!({"start":format!("{year}-02-15T09:00:00.000{offset}"),"end":format!("{year}-02-15T10:00:00.000{offset}")});
    let body = json!({"free":[],"busy":[busy(1019, "+10:04"), busy(2019, "Z")]});
    let error = client(json(200, &body)).0.schedule_free_busy(ScheduleId(1), window()).await.unwrap_err();
    assert!(error.detail.contains("in the time zone that the server reported"), "{error}");
    let body = json!({"free":[],"busy":[busy(1019, "+10:04"), busy(2019, "+11:00")]});
    client(json(200, &body)).0.schedule_free_busy(ScheduleId(1), window()).await.unwrap();
}
