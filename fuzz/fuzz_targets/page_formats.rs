//! Course pages in the other languages; the first byte chooses one.
#![no_main]

use libfuzzer_sys::fuzz_target;

const NAMES: &[&str] = &[
    "index.md",
    "index.qmd",
    "index.rst",
    "index.org",
    "index.tex",
    "index.bib",
    "index.yaml",
    "index.json",
    "index.csv",
    "index.ipynb",
];

fuzz_target!(|input: (u8, &str)| {
    let (format, text) = input;
    onreserve_fuzz::course_page(text.to_owned(), NAMES[usize::from(format) % NAMES.len()]);
});
