//! What the fuzz targets share: fixed addresses and the laws that hold for every document.

use std::io::{Cursor, Write as _};

use jiff::civil::date;
use onreserve::domain::address::Address;
use onreserve::domain::course::Term;
use onreserve::domain::document::{Document, DocumentContext, read};
use onreserve::domain::page::{Page, PageInput};
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

/// The longest title that a reader may give, in characters.
const LONGEST_TITLE: usize = 200;

/// The address under which the bytes of a target are read.
pub fn address() -> Address {
    Address::parse("https://www.example.edu/~flows/spring/reading").expect("a valid address")
}

/// Reads bytes as a document and checks what holds for every document.
pub fn document(bytes: &[u8]) -> Document {
    let context = DocumentContext::new(address(), None);
    let document = read(bytes, &context);
    if let Some(title) = &document.title {
        assert!(title.chars().count() <= LONGEST_TITLE, "a title has one line of at most 200 characters");
        assert!(!title.contains('\n'), "a title is one line");
    }
    // The reader process passes the document on as JSON.
    let passed = serde_json::to_vec(&document).expect("a document is written as JSON");
    let passed: Document = serde_json::from_slice(&passed).expect("a document is read from JSON");
    assert_eq!(passed, document);
    assert_eq!(passed.fingerprint(), document.fingerprint());
    document
}

/// A ZIP file whose members have these contents, stored without compression.
///
/// # Panics
///
/// The members are too large for memory.
pub fn zipped<'a>(members: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, content) in members {
        if zip.start_file(name, stored).is_ok() {
            zip.write_all(content).expect("memory takes every byte");
        }
    }
    zip.finish().expect("memory takes every byte").into_inner()
}

/// The input as parts, which the byte 0xff separates. UTF-8 has no such byte.
pub fn parts(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    input.split(|byte| *byte == 0xff)
}

/// Reads a text as a course page of this name and checks what holds for every page.
pub fn course_page(text: String, name: &str) {
    let lines = text.split('\n').count().max(text.split('\r').count());
    let input = PageInput {
        content_type: None,
        name: name.to_owned(),
        base: Some(address()),
        term: Some(Term { first: date(2026, 1, 12), last: date(2026, 5, 22) }),
        today: date(2026, 3, 2),
        kinds: Vec::new(),
        site: None,
    };
    if let Ok(page) = input.read(text) {
        check(&page, lines);
    }
}

fn check(page: &Page, lines: usize) {
    for mention in &page.mentions {
        let line = usize::try_from(mention.line).expect("32 bits fit");
        assert!(line <= lines, "line {line} of {lines}: {mention:?}");
    }
    let passed = serde_json::to_vec(page).expect("a page is written as JSON");
    let passed: Page = serde_json::from_slice(&passed).expect("a page is read from JSON");
    assert_eq!(&passed, page);
}
