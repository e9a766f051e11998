//! BibTeX, in UTF-8 as `biber` reads it.

use std::fmt::Write as _;

use super::{BibliographyEntry, Issued};
use crate::domain::link::Kind;

/// A file with all references.
pub fn file(references: &[BibliographyEntry]) -> String {
    references.iter().map(entry).collect::<Vec<_>>().join("\n")
}

fn entry(reference: &BibliographyEntry) -> String {
    let kind = match (reference.kind, &reference.container) {
        (Kind::Book, _) => "book",
        (_, Some(_)) => "article",
        (_, None) => "misc",
    };
    let authors: Vec<String> = reference
        .authors
        .iter()
        // Braces keep an institution in one piece.
        .map(|author| match &author.given {
            Some(_) => escaped(&author.reversed()),
            None => format!("{{{}}}", escaped(&author.family)),
        })
        .collect();
    let mut fields = vec![("title", format!("{{{}}}", escaped(&reference.title)))];
    if !authors.is_empty() {
        fields.push(("author", authors.join(" and ")));
    }
    fields.extend(reference.container.iter().map(|journal| ("journal", escaped(journal))));
    match reference.issued {
        Some(Issued::Day(day)) => {
            fields.extend([("date", day.to_string()), ("year", day.year().to_string())])
        }
        Some(Issued::Year(year)) => fields.push(("year", year.to_string())),
        None => {}
    }
    fields.extend(reference.doi.iter().map(|doi| ("doi", verbatim(doi))));
    if let Some(arxiv) = &reference.arxiv {
        fields.extend([("eprint", verbatim(arxiv)), ("eprinttype", "arxiv".to_owned())]);
    }
    fields.extend([("url", verbatim(&reference.url)), ("urldate", reference.accessed.to_string())]);
    let mut text = format!("@{kind}{{{},\n", reference.key);
    for (name, value) in fields {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {name} = {{{value}}},");
    }
    text.push_str("}\n");
    text
}

/// Text with the characters that TeX would take as commands.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => out.extend(['\\', c]),
            '\\' => out.push_str("\\textbackslash{}"),
            '~' => out.push_str("\\textasciitilde{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            other => out.push(other),
        }
    }
    out
}

/// A value that is not typeset, in which braces would end the field.
fn verbatim(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .map(|c| match c {
            '{' => "%7B".to_owned(),
            '}' => "%7D".to_owned(),
            '\\' => "%5C".to_owned(),
            other => other.to_string(),
        })
        .collect()
}
