//! Course pages in HTML.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| onreserve_fuzz::course_page(text.to_owned(), "index.html"));
