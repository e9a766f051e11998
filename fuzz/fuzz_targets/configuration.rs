//! Configuration files.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let dir = tempfile::tempdir().expect("a directory for temporary files");
    let path = dir.path().join("onreserve.toml");
    std::fs::write(&path, text).expect("a file in it");
    if let Err(errors) = onreserve::config::check(&path) {
        for error in std::iter::once(&errors.first).chain(&errors.more) {
            assert!(!error.to_string().trim().is_empty(), "an error says what is wrong");
        }
    }
});
