//! Course pages as authors write them, and what must be read from each:
//! `tests/data/pages/expected.tsv` has one line for each link.
//!
//! `-` in a cell means that the value must be empty, `.` that it is not checked,
//! `a || b` that either is right, `3..5` a line from 3 to 5; `?` before an address
//! that the link may be read or not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::civil::date;
use onreserve::domain::address::Address;
use onreserve::domain::document;
use onreserve::domain::link::{Mention, Target};
use onreserve::domain::page::{self, Omission, Page, PageContext};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pages")
}

/// The address of a published page; `None` for a page on this machine only.
fn published(name: &str) -> Option<&'static str> {
    match &name[..2] {
        "18" => Some("https://github.com/o/r/blob/main/README.md"),
        "43" => Some("http://school.example/sorting/"),
        "47" => None,
        "62" => Some("http://school.example/razeni/"),
        _ => Some("https://school.example/course/page.html"),
    }
}

fn read(name: &str) -> Result<Page, page::UnreadFormat> {
    let path = folder().join("cases").join(name);
    let bytes = std::fs::read(&path).unwrap();
    let content_type = name.starts_with("62").then_some("text/html; charset=iso-8859-2");
    let text = document::html::decode(&bytes, content_type);
    let head = (!text.contains('\0')).then_some(text.as_str());
    let markup = page::markup_of(content_type.map(|_| "text/html"), name, head)?;
    let base = match published(name) {
        Some(address) => Address::parse(address).unwrap(),
        None => Address::of_file(&path).unwrap(),
    };
    let context =
        PageContext { base: Some(&base), term: None, today: date(2026, 9, 10), kinds: &[], site: None };
    Ok(page::read(&text, markup, &context))
}

/// A line of the expected results.
struct Expected {
    is_needed: bool,
    addresses: Vec<String>,
    cells: BTreeMap<&'static str, String>,
}

const CELLS: [&str; 6] = ["words", "section", "week", "due", "line", "kind"];

fn expectations() -> BTreeMap<String, Vec<Expected>> {
    let text = std::fs::read_to_string(folder().join("expected.tsv")).unwrap();
    let mut cases: BTreeMap<String, Vec<Expected>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let case = cases.entry(fields[0].to_owned()).or_default();
        if !fields[1].starts_with('@') {
            case.push(Expected {
                is_needed: !fields[1].starts_with('?'),
                addresses: fields[1].trim_start_matches('?').split(" || ").map(str::to_owned).collect(),
                cells: CELLS.into_iter().zip(fields[2..].iter().map(|cell| (*cell).to_owned())).collect(),
            });
        }
    }
    cases
}

fn address(mention: &Mention) -> Option<String> {
    match &mention.target {
        Target::Web { address, .. } => Some(decoded(address.as_str())),
        Target::InPage(_) | Target::Nothing | Target::OtherScheme(_) | Target::Malformed(_) => None,
    }
}

fn decoded(text: &str) -> String {
    let text = text.split('#').next().unwrap_or_default();
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn is_address(address: &str, wanted: &[String]) -> bool {
    wanted.iter().any(|wanted| match wanted.strip_prefix("file:") {
        Some(file) => address.starts_with("file:") && address.ends_with(&format!("/{file}")),
        None => address == decoded(wanted),
    })
}

fn cell(mention: &Mention, name: &str) -> String {
    let found = match name {
        "words" => mention.words.clone(),
        "section" => mention.headings.join(" > "),
        "week" => mention
            .week
            .as_deref()
            .map(|week| week.trim_start_matches("Week ").to_owned())
            .unwrap_or_default(),
        "due" => mention.due.map(|due| due.to_string()).unwrap_or_default(),
        "line" => mention.line.to_string(),
        _ => serde_json::to_value(mention.kind).unwrap().as_str().unwrap().to_owned(),
    };
    if found.is_empty() { "-".to_owned() } else { found }
}

fn fits(found: &str, wanted: &str) -> bool {
    wanted == "."
        || wanted.split(" || ").any(|option| match option.split_once("..") {
            Some((first, last)) => {
                let line = |text: &str| text.parse::<u32>().ok();
                line(found).zip(line(first)).zip(line(last)).is_some_and(|((at, a), b)| (a..=b).contains(&at))
            }
            None => found == option,
        })
}

#[test]
fn every_case_is_read_as_expected() {
    let mut wrong = Vec::new();
    for (name, mut rows) in expectations() {
        let Ok(page) = read(&name) else {
            assert!(name.ends_with(".docx"), "{name} is not read");
            continue;
        };
        rows.sort_by_key(|row| !row.is_needed);
        let mut free: Vec<&Mention> =
            page.mentions.iter().filter(|mention| address(mention).is_some()).collect();
        for row in &rows {
            let near = |mention: &&Mention| is_address(&address(mention).unwrap_or_default(), &row.addresses);
            let line = |mention: &&Mention| near(mention) && fits(&cell(mention, "line"), &row.cells["line"]);
            let at = free.iter().position(line).or_else(|| free.iter().position(near));
            let Some(at) = at else {
                if row.is_needed {
                    wrong.push(format!("{name}: {} is lost", row.addresses[0]));
                }
                continue;
            };
            let mention = free.remove(at);
            for (cell_name, wanted) in &row.cells {
                let found = cell(mention, cell_name);
                if !fits(&found, wanted) {
                    wrong.push(format!("{name}: {}: {cell_name} is {found}, not {wanted}", row.addresses[0]));
                }
            }
        }
        wrong.extend(free.iter().map(|mention| format!("{name}: {} is invented", mention.written)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn omissions_are_reported() {
    let omissions = |name| read(name).unwrap().omissions;
    let is_template = |found: &Vec<Omission>| matches!(found.as_slice(), [Omission::Template { .. }]);
    assert!(is_template(&omissions("11-liquid-source.md")));
    assert!(is_template(&omissions("45-shortcodes.md")));
    assert_eq!(omissions("43-frameset.html"), [Omission::Framed]);
    assert_eq!(omissions("44-made-by-script.html"), [Omission::MadeByScript]);
    for silent in [
        "64-braces-that-are-no-template.md",
        "65-scripts-that-make-no-link.html",
        "78-braces-in-a-text.html",
        "01-rules-are-no-metadata.md",
    ] {
        assert_eq!(omissions(silent), [], "{silent}");
    }
    assert_eq!(read("36-syllabus.docx").unwrap_err(), page::UnreadFormat::WordDocument);
}
