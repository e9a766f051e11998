//! Course pages in DOCX, ODT and PDF, converted to HTML with their headings, lists,
//! tables and links, one block a line.

use super::package::Package;
use super::{office, pdf};

/// The HTML of a course page; `None` for bytes of another format, or that cannot be read.
pub fn course_page(bytes: &[u8]) -> Option<String> {
    if bytes.starts_with(b"PK") {
        return office::course_page(&mut Package::open(bytes).ok()?);
    }
    let head = &bytes[..bytes.len().min(1024)];
    if head.windows(5).any(|window| window == b"%PDF-") { pdf::course_page(bytes) } else { None }
}

#[cfg(test)]
mod tests;
