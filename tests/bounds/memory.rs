//! The program as a process, between servers that answer with far too much.

use crate::bombs::Bombs;
use crate::clinic::{Clinic, eventually};
use crate::service::Service;

/// The largest memory that the process ever had resident, in MiB.
pub(crate) fn peak_mib(service: &Service) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.process())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() / 1024
}

/// Less than a single one of the answers as it is sent. About 155 in a debug build on two cores.
pub(crate) const PEAK_MIB_MAX: u64 = 200;

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_megabytes_from_either_server_plain_or_compressed_do_not_fill_the_memory() {
    let clinic = Clinic::open().await;
    let (openvpms, healthengine) = (Bombs::start().await, Bombs::start().await);
    let configuration = clinic.configuration();
    let urls = configuration.lines().filter_map(|line| line.strip_prefix("url = \"http://")).map(|rest| &rest[..15]);
    let urls: Vec<String> = urls.map(|url| url.split('/').next().unwrap().to_owned()).collect();
    let configuration = configuration
        .replace(&urls[0], &format!("127.0.0.1:{}", openvpms.port))
        .replace(&urls[1], &format!("127.0.0.1:{}", healthengine.port));
    clinic.write("vetbridge.toml", &configuration);
    let service = Service::start(&clinic).await;
    // Every kind of bomb, from both.
    eventually("all of them were met", async || openvpms.answered() >= 8 && healthengine.answered() >= 8).await;
    let peak = peak_mib(&service);
    println!("{peak} MiB at most");
    assert!(peak < PEAK_MIB_MAX, "{peak} MiB");
    let status: serde_json::Value = service.get("/api/v1/status").await.json().await.unwrap();
    let problems = status["practices"][0]["problems"].to_string();
    assert!(problems.contains("larger than") || problems.contains("more JSON"), "{problems}");
    service.stop().await;
}
