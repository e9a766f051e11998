use std::io::Write as _;

use lopdf::content::{Content, Operation};
use lopdf::{Object, Stream, dictionary};
use zip::write::SimpleFileOptions;

use super::*;

fn packed(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, source) in parts {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(source.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn lines(html: &str) -> Vec<&str> {
    html.lines().filter(|line| !line.is_empty()).collect()
}

#[test]
fn a_word_document_keeps_its_notes_bold_lines_and_merged_cells() {
    let relation = |id: &str, kind: &str, target: &str, mode: &str| {
        format!(r#"<Relationship Id="{id}" Type="http://x/{kind}" Target="{target}"{mode}/>"#)
    };
    let top = format!("<R>{}</R>", relation("r1", "officeDocument", "word/document.xml", ""));
    let own = format!("<R>{}</R>", relation("f", "footnotes", "footnotes.xml", ""));
    let of_notes =
        format!("<R>{}</R>", relation("l", "hyperlink", "https://two.example/", r#" TargetMode="External""#));
    let document = r#"<w:document><w:body>
        <w:p><w:pPr><w:rPr><w:b/></w:rPr></w:pPr><w:r><w:rPr><w:b/></w:rPr><w:t>September 8</w:t></w:r></w:p>
        <w:p><w:r><w:t>Heaps</w:t></w:r><w:r><w:footnoteReference w:id="3"/></w:r><w:r><w:rPr><w:b/></w:rPr><w:t> now</w:t></w:r></w:p>
        <w:tbl><w:tr><w:tc><w:tcPr><w:vMerge w:val="restart"/></w:tcPr><w:p><w:r><w:t>Sep 8</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc></w:tr>
        <w:tr><w:tc><w:tcPr><w:vMerge/></w:tcPr><w:p/></w:tc><w:tc><w:p><w:r><w:t>b</w:t></w:r></w:p></w:tc></w:tr></w:tbl>
        </w:body></w:document>"#;
    let notes = r#"<w:footnotes><w:footnote w:id="3"><w:p><w:hyperlink r:id="l"><w:r><w:t>More</w:t></w:r></w:hyperlink></w:p></w:footnote></w:footnotes>"#;
    let file = packed(&[
        ("[Content_Types].xml", "<Types/>"),
        ("_rels/.rels", &top),
        ("word/document.xml", document),
        ("word/_rels/document.xml.rels", &own),
        ("word/footnotes.xml", notes),
        ("word/_rels/footnotes.xml.rels", &of_notes),
    ]);
    assert_eq!(
        lines(&course_page(&file).unwrap()),
        [
            "<p><b>September 8</b></p>",
            "<p>Heaps<sup data-note=\"footnote-3\"></sup> now</p>",
            "<table>",
            "<tr><td rowspan=00002><p>Sep 8</p>",
            "<td><p>a</p>",
            "</tr>",
            "<tr><td><p>b</p>",
            "</tr>",
            "</table>",
            "<div id=\"footnote-3\"><p><a href=\"https://two.example/\">More</a></p>",
            "</div>",
        ]
    );
}

#[test]
fn a_word_document_keeps_its_headings_lists_tables_and_links() {
    let relation = |id: &str, kind: &str, target: &str, mode: &str| {
        format!(r#"<Relationship Id="{id}" Type="http://x/{kind}" Target="{target}"{mode}/>"#)
    };
    let top = format!("<R>{}</R>", relation("r1", "officeDocument", "word/document.xml", ""));
    let own = format!(
        "<R>{}{}</R>",
        relation("l", "hyperlink", "https://two.example/a?b=1&amp;c=2", r#" TargetMode="External""#),
        relation("s", "styles", "styles.xml", "")
    );
    let styles =
        r#"<w:styles><w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style></w:styles>"#;
    let document = r#"<w:document><w:body>
        <w:p><w:pPr><w:pStyle w:val="berschrift1"/></w:pPr><w:r><w:t>Week 2</w:t></w:r></w:p>
        <w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>Sep 8: </w:t></w:r><w:hyperlink r:id="l"><w:r><w:t>Heaps</w:t></w:r></w:hyperlink><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>
        <w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText> HYPERLINK "https://three.example/" </w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t>Tries</w:t></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r><w:r><w:t> and https://four.example/x.</w:t></w:r></w:p>
        <w:tbl><w:tr><w:trPr><w:tblHeader/></w:trPr><w:tc><w:tcPr><w:gridSpan w:val="2"/></w:tcPr><w:p><w:r><w:t>Date</w:t></w:r></w:p></w:tc></w:tr>
        <w:tr><w:tc><w:p><w:r><w:t>9/10</w:t></w:r></w:p></w:tc><w:tc><w:p/></w:tc></w:tr></w:tbl>
        </w:body></w:document>"#;
    let file = packed(&[
        ("[Content_Types].xml", "<Types/>"),
        ("_rels/.rels", &top),
        ("word/document.xml", document),
        ("word/_rels/document.xml.rels", &own),
        ("word/styles.xml", styles),
    ]);
    assert_eq!(
        lines(&course_page(&file).unwrap()),
        [
            "<h1>Week 2</h1>",
            "<ul><li>Sep 8: <a href=\"https://two.example/a?b=1&amp;c=2\">Heaps</a></li></ul>",
            "<p><a href=\"https://three.example/\">Tries</a> and <a href=\"https://four.example/x\">https://four.example/x</a>.</p>",
            "<table>",
            "<tr><th colspan=2><p>Date</p>",
            "</tr>",
            "<tr><td><p>9/10</p>",
            "<td></tr>",
            "</table>",
        ]
    );
}

#[test]
fn an_opendocument_text_keeps_its_headings_lists_tables_and_links() {
    let content = r#"<o:document-content><o:body><o:text>
        <text:h text:outline-level="2">Week 2</text:h>
        <text:list><text:list-item><text:p>Sep 8: <text:a xlink:href="https://two.example/a"><text:span>Heaps</text:span></text:a></text:p></text:list-item></text:list>
        <table:table><table:table-header-rows><table:table-row><table:table-cell table:number-columns-spanned="2"><text:p>Date</text:p></table:table-cell><table:covered-table-cell/></table:table-row></table:table-header-rows>
        <table:table-row><table:table-cell><text:p>9/10</text:p></table:table-cell></table:table-row></table:table>
        </o:text></o:body></o:document-content>"#;
    let file = packed(&[("mimetype", "application/vnd.oasis.opendocument.text"), ("content.xml", content)]);
    assert_eq!(
        lines(&course_page(&file).unwrap()),
        [
            "<h2>Week 2</h2>",
            "<ul><li>Sep 8: <a href=\"https://two.example/a\">Heaps</a></li></ul>",
            "<table>",
            "<tr><th colspan=2><p>Date</p>",
            "</tr>",
            "<tr><td><p>9/10</p>",
            "</tr>",
            "</table>",
        ]
    );
}

/// A page with a title of 20 points and lines of 10 points, with link annotations.
fn pdf(lines: &[&str], areas: &[(&str, [i64; 4])]) -> Vec<u8> {
    let mut file = lopdf::Document::with_version("1.5");
    let pages = file.new_object_id();
    let font =
        file.add_object(dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Courier" });
    let mut operations = Vec::new();
    for (number, text) in lines.iter().enumerate() {
        let size = if number == 0 { 20 } else { 10 };
        let y = 700 - 20 * i64::try_from(number).unwrap();
        operations.extend([
            Operation::new("BT", vec![]),
            Operation::new("Tf", vec!["F".into(), size.into()]),
            Operation::new("Td", vec![50.into(), y.into()]),
            Operation::new("Tj", vec![Object::string_literal(*text)]),
            Operation::new("ET", vec![]),
        ]);
    }
    let annotations: Vec<Object> = areas
        .iter()
        .map(|(address, rect)| {
            let rect: Vec<Object> = rect.iter().map(|side| (*side).into()).collect();
            let action = dictionary! { "S" => "URI", "URI" => Object::string_literal(*address) };
            dictionary! { "Type" => "Annot", "Subtype" => "Link", "Rect" => rect, "A" => action }.into()
        })
        .collect();
    let content = file.add_object(Stream::new(dictionary! {}, Content { operations }.encode().unwrap()));
    let page = file.add_object(dictionary! {
        "Type" => "Page", "Parent" => pages, "Contents" => content, "Annots" => annotations,
        "MediaBox" => vec![0.into(), 0.into(), 612.into(), 792.into()],
        "Resources" => dictionary! { "Font" => dictionary! { "F" => font } },
    });
    let tree = dictionary! { "Type" => "Pages", "Kids" => vec![Object::from(page)], "Count" => 1 };
    file.objects.insert(pages, tree.into());
    let catalog = file.add_object(dictionary! { "Type" => "Catalog", "Pages" => pages });
    file.trailer.set("Root", catalog);
    let mut written = Vec::new();
    file.save_to(&mut written).unwrap();
    written
}

#[test]
fn a_pdf_keeps_its_links_and_its_larger_lines() {
    // A letter of Courier is 6 points wide in a size of 10.
    let file = pdf(
        &["Week 2", "Sep 8: Heaps, a long", "title", "See https://four.example/x"],
        &[
            ("https://two.example/a", [50 + 7 * 6, 678, 50 + 20 * 6, 690]),
            ("https://two.example/a", [50, 658, 50 + 5 * 6, 670]),
        ],
    );
    assert_eq!(
        lines(&course_page(&file).unwrap()),
        [
            "<h1>Week 2</h1>",
            "<p>Sep 8: <a href=\"https://two.example/a\">Heaps, a long title</a></p>",
            "<p>See <a href=\"https://four.example/x\">https://four.example/x</a></p>",
        ]
    );
}

#[test]
fn bytes_of_other_formats_are_no_course_page() {
    assert_eq!(course_page(b"<p>x"), None);
    assert_eq!(course_page(b"PK\x03\x04"), None);
    assert_eq!(course_page(b"%PDF-1.4 and nothing"), None);
    assert_eq!(course_page(&packed(&[("a.txt", "x")])), None);
}
