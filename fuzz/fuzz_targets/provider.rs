//! Answers of an identity provider: its metadata, its keys, its tokens.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use onreserve::domain::policy::oidc::{ExpectedToken, Issuer, KeySet, verify};

fuzz_target!(|input: &[u8]| {
    let mut parts = onreserve_fuzz::parts(input);
    let mut next = || parts.next().unwrap_or_default();
    let issuer: Issuer = "https://login.example.edu".parse().expect("a valid issuer");
    let _ = issuer.parse_metadata(next());
    let keys = KeySet::parse(next());
    let token = String::from_utf8_lossy(next()).into_owned();
    let now = Timestamp::from_second(1_780_000_000).expect("a valid time");
    let expected = ExpectedToken { issuer: &issuer, client_id: "onreserve", nonce: "n", now };
    if let Ok(keys) = keys {
        assert!(verify(&token, &keys, expected).is_err(), "a signature is not found by chance");
    }
});
