//! PDF files, as documents and as course pages.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Without its mark a file is no PDF, and other targets read it.
    let file = [b"%PDF-1.7\n", bytes].concat();
    let document = onreserve_fuzz::document(&file);
    assert_eq!(document.format, onreserve::domain::document::Format::Pdf);
    let _ = onreserve::domain::document::course_page(&file);
});
