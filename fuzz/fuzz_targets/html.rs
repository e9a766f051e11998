//! Articles and landing pages, in any charset.
#![no_main]

use libfuzzer_sys::fuzz_target;
use onreserve::domain::document::Format;

fuzz_target!(|bytes: &[u8]| {
    let page = [b"<!DOCTYPE html><title>t</title>", bytes].concat();
    let document = onreserve_fuzz::document(&page);
    assert_eq!(document.format, Format::Html);
    onreserve_fuzz::document(bytes);
});
