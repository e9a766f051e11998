//! Electronic books: the package document, the navigation and two chapters.
#![no_main]

use libfuzzer_sys::fuzz_target;

const CONTAINER: &[u8] = br#"<container><rootfiles><rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"#;
const MEMBERS: &[&str] = &["book.opf", "one.xhtml", "two.xhtml", "toc.ncx"];

fuzz_target!(|input: &[u8]| {
    let fixed = [("mimetype", &b"application/epub+zip"[..]), ("META-INF/container.xml", CONTAINER)];
    let members = MEMBERS.iter().copied().zip(onreserve_fuzz::parts(input));
    onreserve_fuzz::document(&onreserve_fuzz::zipped(fixed.into_iter().chain(members)));
});
