//! Syllabi that are no web pages: DOCX, ODT and PDF made into HTML with their
//! headings, lists, tables and links, one block a line.

use super::package::Package;
use super::{office, pdf};

/// The HTML of a syllabus; `None` for bytes that are none, or that cannot be read.
pub fn course_page(bytes: &[u8]) -> Option<String> {
    if bytes.starts_with(b"PK") {
        return office::course_page(&mut Package::open(bytes).ok()?);
    }
    let head = &bytes[..bytes.len().min(1024)];
    if head.windows(5).any(|window| window == b"%PDF-") { pdf::course_page(bytes) } else { None }
}

#[cfg(test)]
mod tests;
