//! RIS, the tagged format of reference managers.

use std::fmt::Write as _;

use super::{BibliographyEntry, Issued};
use crate::domain::link::Kind;

/// A file with all references.
pub fn file(references: &[BibliographyEntry]) -> String {
    references.iter().map(entry).collect()
}

fn entry(reference: &BibliographyEntry) -> String {
    let kind = match (reference.kind, &reference.container) {
        (Kind::Book, _) => "BOOK",
        (Kind::Slides, _) => "SLIDE",
        (Kind::Video, _) => "VIDEO",
        (Kind::Code | Kind::Notebook, _) => "COMP",
        (_, Some(_)) => "JOUR",
        (Kind::Article | Kind::CoursePage, None) => "ELEC",
        (Kind::Paper | Kind::Other, None) => "GEN",
    };
    let mut out = String::new();
    let mut line = |tag: &str, value: &str| {
        let value: String = value.chars().filter(|c| !c.is_control()).collect();
        // Writing to a string cannot fail.
        let _ = write!(out, "{tag}  - {value}\r\n");
    };
    line("TY", kind);
    line("ID", &reference.key);
    line("TI", &reference.title);
    for author in &reference.authors {
        line("AU", &author.reversed());
    }
    if let Some(container) = &reference.container {
        line("T2", container);
    }
    match reference.issued {
        Some(Issued::Day(day)) => {
            line("PY", &day.year().to_string());
            line("DA", &day.strftime("%Y/%m/%d").to_string());
        }
        Some(Issued::Year(year)) => line("PY", &year.to_string()),
        None => {}
    }
    if let Some(doi) = &reference.doi {
        line("DO", doi);
    }
    line("UR", &reference.url);
    line("Y2", &reference.accessed.strftime("%Y/%m/%d").to_string());
    line("ER", "");
    out
}
