//! Notebooks, as documents and as pages for students.
#![no_main]

use libfuzzer_sys::fuzz_target;
use onreserve::domain::replay;

fuzz_target!(|bytes: &[u8]| {
    onreserve_fuzz::document(bytes);
    if let Some(page) = replay::notebook::page(bytes, "A notebook") {
        onreserve_fuzz::document(page.as_bytes());
    }
});
