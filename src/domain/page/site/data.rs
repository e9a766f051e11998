//! Data files of a site as values: YAML, JSON, TOML and CSV.

use serde_json::{Map, Value};

use super::{DATA_DIRECTORIES, SiteFiles};
use crate::domain::page::front_matter::{self, HeadLanguage};
use crate::domain::page::{format, yaml};

/// All data files, by their directories and their names without the ending.
pub(super) fn of_directories(files: &SiteFiles) -> Value {
    let mut all = Map::new();
    for (name, text) in &files.files {
        let inner = DATA_DIRECTORIES.iter().find_map(|directory| name.strip_prefix(directory));
        let (Some(inner), Some(text)) = (inner, text) else { continue };
        let (Some(value), Some((path, _))) = (parse(name, text), inner.rsplit_once('.')) else { continue };
        insert(&mut all, path, value);
    }
    Value::Object(all)
}

fn insert(into: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('/') {
        Some((directory, rest)) => {
            let inner = into.entry(directory).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                insert(inner, rest, value);
            }
        }
        None => {
            into.insert(path.to_owned(), value);
        }
    }
}

/// The value of a file, by the ending of its name.
pub(super) fn parse(name: &str, text: &str) -> Option<Value> {
    match name.rsplit('.').next()? {
        "csv" | "tsv" => Some(table(text)),
        "toml" => toml(text),
        _ => yaml::value(text),
    }
}

/// The head of a page.
pub(in crate::domain::page) fn head(text: &str) -> Option<Value> {
    let head = front_matter::of(text)?;
    let data = &text[head.data];
    match head.language {
        // An empty head is one: the file is a page.
        _ if data.trim().is_empty() => Some(Value::Object(Map::new())),
        HeadLanguage::Yaml => yaml::value(data),
        HeadLanguage::Toml => toml(data),
    }
}

fn toml(text: &str) -> Option<Value> {
    let table: toml::Table = toml::from_str(text).ok()?;
    Some(of_toml(toml::Value::Table(table)))
}

fn of_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => Value::from(number),
        toml::Value::Boolean(is_true) => Value::Bool(is_true),
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Array(values) => values.into_iter().map(of_toml).collect(),
        toml::Value::Table(table) => {
            Value::Object(table.into_iter().map(|(name, value)| (name, of_toml(value))).collect())
        }
    }
}

/// A list of records, named by the first line.
fn table(text: &str) -> Value {
    let mut rows = format::csv_rows(text).into_iter();
    let names = rows.next().unwrap_or_default();
    let record = |row: Vec<String>| {
        Value::Object(names.iter().cloned().zip(row.into_iter().map(Value::String)).collect())
    };
    rows.map(record).collect()
}
