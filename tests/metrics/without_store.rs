//! While the store cannot be opened `/metrics` tells what is known.

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use vetbridge::server::{Access, Gate, serve, without_store_router};
use vetbridge::store::{OpenError, fresh_command_key, fresh_token};

use crate::scrape::Scrape;
use crate::support::{Clinic, PRACTICE, seconds};

#[tokio::test]
async fn without_a_store_the_process_is_there_out_of_step_and_calls_healthengine() {
    let clinic = Clinic::new();
    let service = clinic.without_store();
    let full =
        || async { Err::<(), _>(OpenError::Disk { path: "state".into(), reason: "no space left on device".into() }) };
    let polled = async {
        while service.shown().polled_at.values().any(Option::is_none) {
            tokio::time::sleep(seconds(1) / 100).await;
        }
    };
    tokio::select! {
        _ = service.run(full) => panic!("there is no store"),
        () = polled => {}
    }
    let access = Access { token: fresh_token().unwrap(), command_key: fresh_command_key().unwrap(), hosts: Vec::new() };
    let router = without_store_router(Arc::clone(&service), Gate::new(access).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let _stop_at_the_end = stop.clone().drop_guard();
    tokio::spawn(serve(Arc::new(listener), router, stop));
    vetbridge::http::network::install_crypto_provider();
    let answer = reqwest::get(format!("http://{address}/metrics")).await.unwrap();
    assert_eq!(answer.status(), 200);
    let scrape = Scrape::read(&answer.text().await.unwrap());
    assert!(scrape.names().contains_key("vetbridge_build_info"));
    assert_eq!(scrape.value("vetbridge_practice_in_step", &[("practice", PRACTICE)]), Some(0.0));
    assert_eq!(scrape.value("vetbridge_problems", &[("practice", ""), ("subject", "store")]), Some(1.0));
    let contact = [("practice", PRACTICE), ("peer", "healthengine")];
    assert!(scrape.value("vetbridge_last_contact_timestamp_seconds", &contact).is_some());
    assert!(scrape.sum("vetbridge_http_requests_total", "peer", "healthengine") > 0.0);
}
