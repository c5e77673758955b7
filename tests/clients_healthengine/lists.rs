//! The other lists: their limits, and what stands in them.

use serde_json::{Value, json};
use vetbridge::call_error::{Answer, ErrorClass};
use vetbridge::healthengine::{
    BookingStatus, ErrorLogQuery, LiveRange, LivenessContract, ReadHealthengine, RequestKind, WriteHealthengine,
};
use vetbridge::ids::{BookingId, RequestId};

use crate::clients_support::json;
use crate::{answered, client};

#[tokio::test]
async fn of_a_list_that_is_too_long_the_rest_waits_and_the_list_is_known_to_be_incomplete() {
    let entries: Vec<Value> = (0..1_200)
        .map(|id| json!({"bookingId": id, "requestId": id, "day": "2019-02-15", "pmsDocumentId": "x", "timestamp": null}))
        .collect();
    let server = answered(&json!({ "data": entries }));
    let query = ErrorLogQuery { subscription_id: None, from: None, to: None, page: 1 };
    fn counts<T>(page: Answer<vetbridge::healthengine::Page<T>>) -> (usize, usize) {
        page.map(|page| (page.items.len(), page.unreadable)).unwrap()
    }
    let found = [
        counts(server.booking_requests(1).await),
        counts(server.booking_updates(1).await),
        counts(server.availability_requests(1).await),
        counts(server.appointment_change_requests(1).await),
        counts(server.upload_requests(1).await),
        counts(server.attach_requests(1).await),
        counts(server.subscription_errors(&query).await),
    ];
    assert_eq!(found, [(1_000, 200); 7]);
    let endless = answered(&json!({ "data": vec![0; 100_001] }));
    let error = endless.booking_requests(1).await.unwrap_err();
    assert!(
        error.class == ErrorClass::Contract && error.detail.contains("at data: expected a list of at most"),
        "{error}"
    );
}

#[tokio::test]
async fn names_kinds_hours_and_messages_that_have_no_end_are_cut() {
    let (long, endless) = ("x".repeat(1_000), "x".repeat(100_000));
    let kinds: Vec<String> = (0..500).map(|number| format!("{number} {long}")).collect();
    let kinds = answered(&json!(kinds)).requests().await.unwrap();
    let name = |kind: &RequestKind| {
        let RequestKind::Unknown(name) = kind else { panic!("{kind:?}") };
        name.chars().count()
    };
    assert_eq!((kinds.len(), kinds.iter().map(name).max()), (100, Some(61)));

    let range = json!({"start": "08:00", "end": "17:00"});
    let days: serde_json::Map<String, Value> =
        (0..150).map(|day| (format!("{day} {long}"), json!(vec![range.clone(); 150]))).collect();
    let contract = answered(&json!({ "liveHours": days })).liveness_contract().await.unwrap();
    let longest = contract.live_hours.keys().map(|day| day.chars().count()).max();
    let most = contract.live_hours.values().map(Vec::len).max();
    assert_eq!((contract.live_hours.len(), longest, most), (100, Some(61), Some(100)));

    let query = ErrorLogQuery { subscription_id: None, from: None, to: None, page: 1 };
    let log = answered(&json!({"data": [{"errorType": endless, "errorMessage": endless}]}));
    let error = log.subscription_errors(&query).await.unwrap().items.remove(0);
    let length = |text: Option<String>| text.unwrap().chars().count();
    assert_eq!((length(error.kind), length(error.message)), (301, 301));
    let refused = client(json(400, &json!({"error": "x".repeat(60_000)}))).0.unsubscribe("b1").await;
    assert_eq!(refused.unwrap_err().detail.chars().count(), 301);
    // So long an answer is no reason at all.
    let refused = client(json(400, &json!({"error": endless}))).0.unsubscribe("b1").await;
    assert!(!refused.unwrap_err().detail.contains("xxx"));
}

#[tokio::test]
async fn the_other_request_lists_are_read() {
    let updates = json!({"data": [
        {"requestId": 9, "bookingId": 5, "pmsAppointmentIds": ["603:3:be08"], "updatedAt": "2019-02-14 01:02:03", "bookingStatus": "Cancelled"},
        {"bookingId": 5}, {"requestId": 9}
    ], "page": {"currentPage": 1, "totalPages": 1}});
    let page = answered(&updates).booking_updates(1).await.unwrap();
    assert_eq!((page.items.len(), page.unreadable), (1, 2));
    assert_eq!((page.items[0].request_id, &page.items[0].status), (RequestId(9), &BookingStatus::Cancelled));

    let days = json!({"data": [
        {"day": "2019-02-15", "pmsResourceId": "s136"}, {"day": "2019-02-16", "pms_resource_id": "s211"},
        {"day": "2019-02-17"}, {"day": "soon"}, {"pmsResourceId": "s136"}
    ]});
    let page = answered(&days).availability_requests(1).await.unwrap();
    let resources: Vec<_> = page.items.iter().map(|day| day.pms_resource_id.as_deref()).collect();
    assert_eq!((resources, page.unreadable), (vec![Some("s136"), Some("s211"), None], 2));

    let changes = json!({"data": [{"bookingId": 5, "pmsAppointmentIds": null}], "page": null});
    let page = answered(&changes).appointment_change_requests(1).await.unwrap();
    assert_eq!((page.items[0].booking_id, page.items[0].pms_appointment_ids.len()), (BookingId(5), 0));
}

#[tokio::test]
async fn a_list_without_its_data_is_empty_only_where_its_page_says_so() {
    let pages = json!({"currentPage": 1, "totalPages": 1, "perPage": 100, "total": 2});
    for odd in [
        json!({"data": null}),
        json!({"page": null}),
        json!({"page": {}}),
        json!({"page": {"currentPage": 1, "totalPages": 1}}),
        json!({"data": null, "page": pages}),
        json!({"page": pages}),
    ] {
        let error = answered(&odd).booking_requests(1).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::Contract, "{odd}");
    }
    let none = json!({"currentPage": 1, "totalPages": 1, "perPage": 100, "total": 0});
    for empty in [json!({"data": []}), json!({"data": null, "page": none}), json!({"page": none})] {
        let page = answered(&empty).booking_requests(1).await.unwrap();
        assert_eq!((page.items.len(), page.unreadable, page.total), (0, 0, 1), "{empty}");
    }
}

#[tokio::test]
async fn configuration_is_read_as_php_writes_it() {
    let contract = json!({"liveHours": {"monday": [{"start": "08:00", "end": "17:00"}, {"start": 8}], "tuesday": null, "sunday": []}});
    let read = answered(&contract).liveness_contract().await.unwrap();
    assert_eq!(read.live_hours["monday"], [LiveRange { start: "08:00".into(), end: "17:00".into() }]);
    assert!(read.live_hours["tuesday"].is_empty());
    for nothing in [json!([]), json!({}), json!({"liveHours": []}), json!({"liveHours": null}), json!(null)] {
        assert_eq!(answered(&nothing).liveness_contract().await.unwrap(), LivenessContract::default(), "{nothing}");
    }

    let types = json!([{"pmsAppointmentTypeId": "66:s136", "pmsAppointmentTypeName": "Consult", "pmsAppointmentLength": "30"},
                       {"pmsAppointmentTypeId": 7, "pmsAppointmentLength": -1}, {"pmsAppointmentTypeName": "x"}]);
    let types = answered(&types).appointment_types().await.unwrap();
    assert_eq!((types.len(), types[0].length_minutes, types[1].length_minutes), (2, Some(30), None));

    let features =
        answered(&json!([{"id": "documents", "enabled": 1}, {"id": "x", "enabled": null}])).features().await.unwrap();
    assert_eq!(features.iter().map(|feature| feature.enabled).collect::<Vec<_>>(), [true, false]);

    let (server, transport) = client(json(200, &json!([])));
    assert_eq!(server.resource("u1 &/s").await.unwrap(), []);
    assert_eq!(transport.only().path, "/config/pmsResources/findById?id=u1%20%26%2Fs");
}
