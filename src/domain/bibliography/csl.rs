//! CSL-JSON, the data format of citation styles.

use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::{BibliographyEntry, Issued};
use crate::domain::link::Kind;

/// A file with all references.
pub fn file(references: &[BibliographyEntry]) -> String {
    let items: Vec<Value> = references.iter().map(item).collect();
    format!("{:#}\n", Value::Array(items))
}

fn item(reference: &BibliographyEntry) -> Value {
    let kind = match (reference.kind, &reference.container) {
        (Kind::Book, _) => "book",
        (Kind::Slides, _) => "speech",
        (Kind::Video, _) => "motion_picture",
        (Kind::Code | Kind::Notebook, _) => "software",
        (_, Some(_)) => "article-journal",
        (Kind::Paper, None) => "article",
        (Kind::Article | Kind::CoursePage | Kind::Other, None) => "webpage",
    };
    let authors: Vec<Value> = reference
        .authors
        .iter()
        .map(|author| match &author.given {
            Some(given) => json!({ "family": author.family, "given": given }),
            None => json!({ "literal": author.family }),
        })
        .collect();
    let mut item = Map::new();
    item.insert("id".to_owned(), json!(reference.key));
    item.insert("type".to_owned(), json!(kind));
    item.insert("title".to_owned(), json!(reference.title));
    if !authors.is_empty() {
        item.insert("author".to_owned(), Value::Array(authors));
    }
    if let Some(issued) = reference.issued {
        let parts = match issued {
            Issued::Year(year) => json!([[year]]),
            Issued::Day(day) => date_parts(day),
        };
        item.insert("issued".to_owned(), json!({ "date-parts": parts }));
    }
    if let Some(container) = &reference.container {
        item.insert("container-title".to_owned(), json!(container));
    }
    if let Some(doi) = &reference.doi {
        item.insert("DOI".to_owned(), json!(doi));
    }
    item.insert("URL".to_owned(), json!(reference.url));
    item.insert("accessed".to_owned(), json!({ "date-parts": date_parts(reference.accessed) }));
    Value::Object(item)
}

fn date_parts(day: Date) -> Value {
    json!([[day.year(), day.month(), day.day()]])
}
