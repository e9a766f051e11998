use std::io::Write as _;

use proptest::prelude::*;
use zip::write::SimpleFileOptions;

use crate::domain::address::Address;
use crate::domain::document::{Contents, Document, DocumentContext, DocumentDefect, Format, read};

fn packed(parts: &[(&str, &str)]) -> Vec<u8> {
    packed_by(parts, zip::CompressionMethod::Deflated)
}

fn packed_by(parts: &[(&str, &str)], method: zip::CompressionMethod) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, source) in parts {
        writer.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(source.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn read_bytes(bytes: &[u8]) -> Document {
    read(bytes, &DocumentContext::new(Address::parse("https://a.example/deck").unwrap(), None))
}

fn read_packed(parts: &[(&str, &str)]) -> Document {
    read_bytes(&packed(parts))
}

fn relations(list: &[(&str, &str, &str)]) -> String {
    let one = |(id, kind, target): &(&str, &str, &str)| {
        format!(r#"<Relationship Id="{id}" Type="http://x/relationships/{kind}" Target="{target}"/>"#)
    };
    format!("<Relationships>{}</Relationships>", list.iter().map(one).collect::<String>())
}

const TYPES: (&str, &str) = ("[Content_Types].xml", "<Types/>");

#[test]
fn a_deck_is_its_slides_in_order_with_notes_and_descriptions() {
    let slide = |title: &str, body: &str| {
        format!(
            r#"<p:sld><p:sp><p:nvSpPr><p:nvPr><p:ph type="title"/></p:nvPr></p:nvSpPr><a:p><a:r><a:t>{title}</a:t></a:r></a:p></p:sp>
            <p:sp><p:nvPr><p:ph type="sldNum"/></p:nvPr><a:p><a:fld type="slidenum"><a:t>7</a:t></a:fld></a:p></p:sp>
            <p:sp><a:p><a:r><a:t>{body}</a:t></a:r><a:br/><a:r><a:t>end</a:t></a:r></a:p></p:sp>
            <p:pic><p:cNvPr id="4" name="p" descr="A drawing of a flow"/></p:pic></p:sld>"#
        )
    };
    let (one, two) = (slide("Flows", "maps &amp; inverses"), slide("Scores", "gradients"));
    let parts = [
        TYPES,
        ("_rels/.rels", &relations(&[("r1", "officeDocument", "ppt/presentation.xml")])),
        (
            "ppt/presentation.xml",
            r#"<p:presentation><p:sldIdLst><p:sldId id="256" r:id="b"/><p:sldId id="257" r:id="a"/></p:sldIdLst></p:presentation>"#,
        ),
        (
            "ppt/_rels/presentation.xml.rels",
            &relations(&[("a", "slide", "slides/slide1.xml"), ("b", "slide", "slides/slide2.xml")]),
        ),
        ("ppt/slides/slide1.xml", &two),
        ("ppt/slides/slide2.xml", &one),
        ("ppt/slides/_rels/slide2.xml.rels", &relations(&[("n", "notesSlide", "../notesSlides/n.xml")])),
        (
            "ppt/notesSlides/n.xml",
            "<p:notes><p:sp><a:p><a:r><a:t>Speak slowly</a:t></a:r></a:p></p:sp></p:notes>",
        ),
        (
            "docProps/core.xml",
            "<cp:coreProperties><dc:title>PowerPoint Presentation</dc:title></cp:coreProperties>",
        ),
    ];
    let deck = read_packed(&parts);
    assert_eq!((deck.format, deck.pages, deck.defect), (Format::Presentation, Some(2), None));
    assert_eq!(deck.title.as_deref(), Some("Flows"));
    let expected = "Flows maps & inverses end A drawing of a flow Speak slowly\nScores gradients end A drawing of a flow\n";
    assert_eq!(deck.text, expected);
}

#[test]
fn a_text_is_its_paragraphs_once_changes_are_accepted() {
    let body = r#"<w:document><w:body>
        <w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>Week one</w:t></w:r></w:p>
        <w:p><w:r><w:t>Read </w:t></w:r><w:del><w:r><w:delText>not</w:delText></w:r></w:del><w:ins><w:r><w:t>this</w:t></w:r></w:ins></w:p>
        <w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText> PAGEREF x </w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t>12</w:t></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r><w:r><w:t>after</w:t></w:r></w:p>
        <mc:AlternateContent><mc:Choice><w:p><w:r><w:t>once</w:t></w:r></w:p></mc:Choice><mc:Fallback><w:p><w:r><w:t>once</w:t></w:r></w:p></mc:Fallback></mc:AlternateContent>
        </w:body></w:document>"#;
    let text = read_packed(&[
        TYPES,
        ("_rels/.rels", &relations(&[("r", "officeDocument", "/word/document.xml")])),
        ("word/document.xml", body),
        ("word/_rels/document.xml.rels", &relations(&[("f", "footnotes", "footnotes.xml")])),
        ("word/footnotes.xml", "<w:footnotes><w:p><w:r><w:t>A note.</w:t></w:r></w:p></w:footnotes>"),
    ]);
    assert_eq!((text.format, text.title.as_deref()), (Format::WordProcessing, Some("Week one")));
    assert_eq!(text.text, "Week one\nRead this\nafter\nonce\nA note.\n");
}

#[test]
fn a_workbook_is_its_rows_with_rounded_figures() {
    let workbook = |figure: &str| {
        read_packed(&[
            TYPES,
            ("_rels/.rels", &relations(&[("r", "officeDocument", "xl/workbook.xml")])),
            (
                "xl/workbook.xml",
                r#"<workbook><sheets><sheet name="Grades" sheetId="1" r:id="s"/></sheets></workbook>"#,
            ),
            (
                "xl/_rels/workbook.xml.rels",
                &relations(&[("s", "worksheet", "sheet.xml"), ("t", "sharedStrings", "strings.xml")]),
            ),
            ("xl/strings.xml", "<sst><si><t>Name</t></si><si><r><t>Sco</t></r><r><t>re</t></r></si></sst>"),
            (
                "xl/sheet.xml",
                &format!(
                    r#"<worksheet><row><c t="s"><v>0</v></c><c t="s"><v>1</v></c></row><row><c t="inlineStr"><is><t>Ada</t></is></c><c><f>A1</f><v>{figure}</v></c></row></worksheet>"#
                ),
            ),
        ])
    };
    let sheet = workbook("0.1");
    assert_eq!((sheet.format, sheet.pages), (Format::Spreadsheet, Some(1)));
    assert_eq!(sheet.text, "Grades\nName Score\nAda 0.1\n");
    assert_eq!(sheet.fingerprint(), workbook("0.10000000000000001").fingerprint());
}

#[test]
fn opendocument_slides_are_pages() {
    let content = r"<office:document-content><office:body><office:presentation>
        <presentation:footer-decl>every page</presentation:footer-decl>
        <draw:page><draw:frame><text:p>Flows<text:s/>and<text:tab/>maps</text:p></draw:frame>
          <presentation:notes><text:p>Slowly <text:page-number>3</text:page-number></text:p></presentation:notes></draw:page>
        <draw:page><text:p>Scores</text:p></draw:page>
        </office:presentation></office:body></office:document-content>";
    let deck = read_packed(&[
        ("mimetype", "application/vnd.oasis.opendocument.presentation"),
        ("content.xml", content),
        ("meta.xml", "<office:meta><dc:title>On flows</dc:title></office:meta>"),
    ]);
    assert_eq!(
        (deck.format, deck.pages, deck.title.as_deref()),
        (Format::Presentation, Some(2), Some("On flows"))
    );
    assert_eq!(deck.text, "Flows and maps Slowly\nScores\n");
}

#[test]
fn a_book_is_its_chapters_in_the_order_of_the_spine() {
    let book = read_packed(&[
        ("mimetype", "application/epub+zip"),
        ("META-INF/container.xml", r#"<container><rootfile full-path="OEBPS/a.opf"/></container>"#),
        (
            "OEBPS/a.opf",
            r#"<package><dc:title>A book</dc:title><item id="2" href="two%20b.xhtml"/><item id="1" href="one.xhtml"/><spine><itemref idref="1"/><itemref idref="2"/></spine></package>"#,
        ),
        ("OEBPS/one.xhtml", "<html><head><title/></head><body><h1>One</h1><p>First words</p></body></html>"),
        ("OEBPS/two b.xhtml", "<html><body><p>Last words</p></body></html>"),
    ]);
    assert_eq!((book.format, book.pages, book.title.as_deref()), (Format::Ebook, Some(2), Some("A book")));
    assert_eq!(book.text.split_whitespace().collect::<Vec<_>>().join(" "), "One First words Last words");
}

#[test]
fn an_archive_is_the_list_of_its_members_in_any_packing() {
    let files = [("b/two.txt", "two"), ("a.txt", "one")];
    let archive = read_packed(&files);
    let Some(Contents::Members(members)) = &archive.contents else { panic!("no members") };
    assert_eq!(members.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["a.txt", "b/two.txt"]);
    let again = read_packed(&[files[1], files[0]]);
    assert_eq!(archive.fingerprint(), again.fingerprint());
    assert_ne!(archive.fingerprint(), read_packed(&[files[0], ("a.txt", "three")]).fingerprint());
}

#[test]
fn an_incomplete_package_is_truncated() {
    let whole = packed(&[("a.txt", &"words ".repeat(1000)), ("b.txt", "more")]);
    let cut = read(
        &whole[..whole.len() - 30],
        &DocumentContext::new(Address::parse("https://a.example/").unwrap(), None),
    );
    assert_eq!(cut.defect, Some(DocumentDefect::Truncated));
}

proptest! {
    /// Another order or compression of the parts is not a change.
    #[test]
    fn another_packing_never_changes_the_text(
        words in prop::collection::vec("[a-zA-Z]{1,9}", 1..30), is_stored: bool, is_reversed: bool,
    ) {
        let paragraphs = words.join("</w:t></w:p><w:p><w:t>");
        let body = format!("<w:document><w:p><w:t>{paragraphs}</w:t></w:p></w:document>");
        let relations = relations(&[("r", "officeDocument", "word/document.xml")]);
        let mut parts = vec![TYPES, ("_rels/.rels", relations.as_str()), ("word/document.xml", body.as_str())];
        let before = read_packed(&parts);
        if is_reversed {
            parts.reverse();
        }
        let method = if is_stored { zip::CompressionMethod::Stored } else { zip::CompressionMethod::Deflated };
        let after = read_bytes(&packed_by(&parts, method));
        prop_assert_eq!(before.fingerprint(), after.fingerprint());
    }

    /// Reading ends for every damaged file.
    #[test]
    fn reading_a_damaged_file_ends(at in 0..2000_usize, with: u8, cut in 0..2000_usize) {
        let chapter = format!("<html><body>{}</body></html>", "<p>words of a chapter".repeat(20));
        let mut bytes = packed(&[
            ("META-INF/container.xml", r#"<container><rootfile full-path="a.opf"/></container>"#),
            ("a.opf", r#"<package><item id="1" href="a.xhtml"/><itemref idref="1"/></package>"#),
            ("a.xhtml", &chapter),
        ]);
        let at = at % bytes.len();
        bytes[at] = with;
        let cut = cut.min(bytes.len());
        for damaged in [&bytes[..], &bytes[..cut]] {
            prop_assert_eq!(read_bytes(damaged).fingerprint(), read_bytes(damaged).fingerprint());
        }
    }
}

/// A member with a small declared size that unpacks without end.
#[test]
fn a_bomb_is_too_costly() {
    let bomb = " ".repeat(100 << 20);
    let deck = read_packed(&[
        TYPES,
        ("_rels/.rels", &relations(&[("r", "officeDocument", "ppt/presentation.xml")])),
        ("ppt/presentation.xml", &bomb),
    ]);
    assert_eq!(deck.defect, Some(DocumentDefect::TooCostly));
}
