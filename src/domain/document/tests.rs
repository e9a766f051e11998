use lopdf::content::{Content, Operation};
use lopdf::{Object, Stream, dictionary};
use proptest::prelude::*;

use super::*;

fn context(address: &str) -> DocumentContext {
    DocumentContext::new(Address::parse(address).unwrap(), None)
}

fn read_at(address: &str, bytes: &[u8]) -> Document {
    read(bytes, &context(address))
}

/// A PDF with this many pages; `line(page)` is the text of each.
fn pdf(lines: &[Vec<String>]) -> Vec<u8> {
    let mut file = lopdf::Document::with_version("1.5");
    let pages = file.new_object_id();
    let font = file.add_object(dictionary! {
        "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica",
    });
    let kids: Vec<Object> = lines
        .iter()
        .map(|lines| {
            let mut operations = vec![
                Operation::new("BT", vec![]),
                Operation::new("Tf", vec!["F1".into(), 12.into()]),
                Operation::new("TL", vec![60.into()]),
                Operation::new("Td", vec![72.into(), 800.into()]),
            ];
            for line in lines {
                operations.push(Operation::new("Tj", vec![Object::string_literal(line.as_str())]));
                operations.push(Operation::new("T*", vec![]));
            }
            operations.push(Operation::new("ET", vec![]));
            let content = Stream::new(dictionary! {}, Content { operations }.encode().unwrap());
            let content = file.add_object(content);
            let page = dictionary! {
                "Type" => "Page", "Parent" => pages, "Contents" => content,
                "Resources" => dictionary! { "Font" => dictionary! { "F1" => font } },
            };
            file.add_object(page).into()
        })
        .collect();
    let count = i64::try_from(kids.len()).unwrap();
    file.objects.insert(
        pages,
        dictionary! { "Type" => "Pages", "Kids" => kids, "Count" => count, "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()] }.into(),
    );
    let catalog = file.add_object(dictionary! { "Type" => "Catalog", "Pages" => pages });
    file.trailer.set("Root", catalog);
    let mut bytes = Vec::new();
    file.save_to(&mut bytes).unwrap();
    bytes
}

fn paper(stamp: &str, head: &str) -> Vec<u8> {
    let pages: Vec<Vec<String>> = (0..5)
        .map(|page| {
            vec![
                head.to_owned(),
                format!("The flow of page {page} is inverti-"),
                format!("ble and its Jacobian {page} is triangular"),
                stamp.to_owned(),
                format!("{}", page + 1),
            ]
        })
        .collect();
    pdf(&pages)
}

#[test]
fn content_decides_what_a_body_is() {
    let cases: &[(&[u8], Format)] = &[
        (b"", Format::Empty),
        (b" \r\n ", Format::Empty),
        (b"<!DOCTYPE html><p>x", Format::Html),
        (b"\xef\xbb\xbf<!-- c --><html>", Format::Html),
        (b"<?xml version='1.0'?><!DOCTYPE html><html>", Format::Html),
        (b"junk\n%PDF-1.4\n", Format::Pdf),
        (b"<html>how to write %PDF-1.4", Format::Html),
        (b"plain words, no tags", Format::Text),
        (b"\x89PNG\r\n\x1a\n\0\0", Format::Image),
        (b"\0\0\0\x18ftypmp42", Format::Video),
        (b"PK\x03\x04\x14\0", Format::Archive),
        (b"<?xml version='1.0'?><svg><text>x</text></svg>", Format::Image),
        (b"<!-- a --><!DOCTYPE svg PUBLIC 'x' [<!ENTITY a 'b'>]><svg/>", Format::Image),
        (b"<!DOCTYPE html><title>t</title><svg></svg><p>A page", Format::Html),
        (b"\x01\x02\x03", Format::Other),
    ];
    for (bytes, format) in cases {
        let read = read_at("https://a.example/x.pdf", bytes);
        assert_eq!(read.format, *format, "{:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn a_pdf_is_the_text_of_its_pages_without_running_lines() {
    let first = read(&paper("Downloaded by A on Monday", "J. Flows 12"), &context("https://a.example/"));
    assert_eq!((first.pages, first.defect), (Some(5), None));
    assert!(first.text.contains("is invertible and its Jacobian 1"), "{}", first.text);
    assert!(!first.text.contains("Downloaded") && !first.text.contains("J. Flows"), "{}", first.text);
    let later = read(&paper("Downloaded by B on Tuesday", "J. Flows 12"), &context("https://a.example/"));
    assert_eq!(first.fingerprint(), later.fingerprint());
}

#[test]
fn a_pdf_without_its_end_is_truncated() {
    let whole = paper("", "");
    for cut in [whole.len() / 2, whole.len() - 8] {
        assert_eq!(
            read_at("https://a.example/", &whole[..cut]).defect,
            Some(DocumentDefect::Truncated),
            "{cut}"
        );
    }
    let hollow = b"%PDF-1.4\nnothing in here\n%%EOF\n";
    assert_eq!(read_at("https://a.example/", hollow).defect, Some(DocumentDefect::Unreadable));
}

#[test]
fn a_notebook_is_the_sources_of_its_cells() {
    let notebook = |count: u32, output: &str| {
        format!(
            r##"{{"nbformat": 4, "metadata": {{}}, "cells": [
            {{"cell_type": "markdown", "source": ["# Attention\n", "by hand"]}},
            {{"cell_type": "code", "execution_count": {count}, "source": "softmax(q @ k.T)", "outputs": [{{"text": "{output}"}}]}}]}}"##
        )
    };
    let first = read_at("https://a.example/a.ipynb", notebook(1, "0.3").as_bytes());
    assert_eq!((first.format, first.pages), (Format::Notebook, Some(2)));
    assert_eq!(first.title.as_deref(), Some("Attention"));
    let later = read_at("https://a.example/a.ipynb", notebook(7, "0.9").as_bytes());
    assert_eq!(first.fingerprint(), later.fingerprint(), "running it again is no change");
    let text = notebook(1, "");
    let cut = read_at("https://a.example/a.ipynb", &text.as_bytes()[..text.len() - 30]);
    assert_eq!(cut.defect, Some(DocumentDefect::Truncated));
    assert_eq!(read_at("https://a.example/a.json", b"{\"a\": 1}").format, Format::Text);
}

#[test]
fn a_landing_page_names_its_document() {
    let page = br#"<!doctype html><title>Flows</title>
        <meta name="citation_title" content="Flows"><meta name="citation_doi" content="10.1/x">
        <meta name="citation_pdf_url" content="/papers/flows.pdf"><main><h1>Flows</h1><p>Words.</main>"#;
    let read = read_at("https://a.example/abs/1", page);
    let html = read.html.unwrap();
    assert_eq!(html.documents, [Address::parse("https://a.example/papers/flows.pdf").unwrap()]);
    assert_eq!(read.citation.doi.as_deref(), Some("10.1/x"));
}

#[test]
fn a_page_in_utf16_is_a_page() {
    let page = "<html><title>Sixteen bits</title><p>Words.";
    let little: Vec<u8> =
        std::iter::once(0xfeff).chain(page.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> =
        std::iter::once(0xfeff).chain(page.encode_utf16()).flat_map(u16::to_be_bytes).collect();
    for bytes in [little, big] {
        let read = read_at("https://a.example/", &bytes);
        assert_eq!((read.format, read.title.as_deref()), (Format::Html, Some("Sixteen bits")));
    }
    assert_eq!(read_at("https://a.example/", b"\xff\xfea\0 \0b\0").format, Format::Text);
    assert_eq!(read_at("https://a.example/", b"\xff\xfe\x01\0\x02\0").format, Format::Other);
}

#[test]
fn a_short_tag_of_xhtml_does_not_hide_the_rest() {
    let page = br#"<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title>Notes</title>
        <script src="x.js" /></head><body><h1>Notes</h1><p>Before.</p><script src="y.js"/><p>After.</p></body></html>"#;
    let read = read_at("https://a.example/", page);
    assert!(read.text.contains("Before.") && read.text.contains("After."), "{}", read.text);
}

#[test]
fn markup_that_nests_without_end_is_read() {
    for tag in ["<div>", "<b>", "<table><tr><td>", "<ul><li>"] {
        let page = format!("<!doctype html><title>Deep</title>{}", tag.repeat(1500));
        assert_eq!(read_at("https://a.example/", page.as_bytes()).title.as_deref(), Some("Deep"), "{tag}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000), mark in 0..4_usize) {
        let mark: &[u8] = [&b""[..], b"%PDF-1.7\n", b"<!doctype html>", b"{\"nbformat\": 4, \"cells\": ["][mark];
        let body = [mark, &bytes].concat();
        let read = read_at("https://a.example/a.ipynb", &body);
        prop_assert_eq!(read.fingerprint(), read_at("https://a.example/a.ipynb", &body).fingerprint());
    }

    /// Another packing or numbering of the objects of a PDF is not a change. No line is a
    /// number, which would be that of its page, also a Roman one such as "c".
    #[test]
    fn saving_a_pdf_again_never_changes_the_text(
        pages in prop::collection::vec(prop::collection::vec("[a-zA-Z]{0,8}w( [a-z]{1,9}){0,8}", 1..5), 1..5),
        is_compressed: bool, is_renumbered: bool,
    ) {
        let before = pdf(&pages);
        let mut file = lopdf::Document::load_mem(&before).unwrap();
        if is_renumbered {
            file.renumber_objects_with(40);
        }
        if is_compressed {
            file.compress();
        }
        let mut after = Vec::new();
        file.save_to(&mut after).unwrap();
        let (before, after) = (read_at("https://a.example/", &before), read_at("https://a.example/", &after));
        prop_assert_eq!(before.fingerprint(), after.fingerprint());
        prop_assert_eq!(&before.title, &after.title);
        let drift = crate::domain::evidence::drift::compare(&before, &after);
        prop_assert_eq!(drift, crate::domain::evidence::Drift::Same);
    }
}

#[test]
fn every_title_is_one_short_line() {
    let long = "word\nand ".repeat(60);
    let bodies = [
        format!("<!doctype html><title>{long}</title><p>x"),
        format!("<!doctype html><h1>{long}</h1><p>x"),
        format!("<!doctype html><meta name=citation_title content='{long}'><p>x"),
        format!("# {}\n\nx", long.replace('\n', " ")),
        format!("<svg xmlns='http://www.w3.org/2000/svg'><title>{long}</title></svg>"),
    ];
    for body in bodies {
        let title = read_at("https://a.example/", body.as_bytes()).title;
        assert!(title.is_none_or(|it| it.chars().count() <= 200 && !it.contains('\n')), "{body}");
    }
}
