//! What the crate promises, against messages of other makers and of attackers.

mod build;
mod certificate;
mod chain;
mod cms;
mod issue;

/// 2027-01-15, when all fixtures are valid.
const NOW: i64 = 1_800_000_000;

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../fixtures/", $name)).as_slice()
    };
}
use fixture;

fn fixture_certificate(pem: &[u8]) -> ordain_pki::Certificate {
    ordain_pki::Certificate::from_pem(std::str::from_utf8(pem).unwrap())
        .unwrap()
        .remove(0)
}
