//! Certificates: those that servers show, and PEM files of the configuration.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vetbridge::http::certificate_facts::{of_der, of_pem};
use vetbridge::http::network::holds_authority;

fuzz_target!(|data: &[u8]| {
    of_der(data);
    of_pem(data);
    holds_authority(data);
});
