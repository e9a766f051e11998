//! Office files. The first part chooses the kind, the others are its members; or the
//! input is the ZIP file itself.
#![no_main]

use libfuzzer_sys::fuzz_target;

const RELATIONS: &[u8] = br#"<Relationships><Relationship Id="r1" Type="http://x/relationships/officeDocument" Target="main.xml"/></Relationships>"#;
const MEMBERS: &[&str] =
    &["main.xml", "_rels/main.xml.rels", "part1.xml", "_rels/part1.xml.rels", "part2.xml"];
const OPEN_DOCUMENTS: &[&str] = &[
    "application/vnd.oasis.opendocument.text",
    "application/vnd.oasis.opendocument.presentation",
    "application/vnd.oasis.opendocument.spreadsheet",
];

fuzz_target!(|input: &[u8]| {
    let mut parts = onreserve_fuzz::parts(input);
    let kind = parts.next().and_then(|part| part.first()).copied().unwrap_or_default();
    let file = match kind % 5 {
        0 => input.get(1..).unwrap_or_default().to_vec(),
        1 => {
            let fixed = [("[Content_Types].xml", &b"<Types/>"[..]), ("_rels/.rels", RELATIONS)];
            onreserve_fuzz::zipped(fixed.into_iter().chain(MEMBERS.iter().copied().zip(parts)))
        }
        kind => {
            let kind = OPEN_DOCUMENTS[usize::from(kind - 2)];
            let members = ["content.xml", "styles.xml", "meta.xml"].into_iter().zip(parts);
            onreserve_fuzz::zipped([("mimetype", kind.as_bytes())].into_iter().chain(members))
        }
    };
    onreserve_fuzz::document(&file);
    let _ = onreserve::domain::document::course_page(&file);
});
