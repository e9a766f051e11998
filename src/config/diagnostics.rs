//! Errors in the meaning of configuration values, each with its position in its file.
//!
//! Syntax errors are the subject of `recovering_parse`.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::recovering_parse::ParsedFile;
use super::{Error, FilePosition};

/// The errors found in all files.
#[derive(Debug, Default)]
pub(super) struct Diagnostics(Vec<Diagnostic>);

#[derive(Debug)]
struct Diagnostic {
    file: usize,
    /// Keys and array indices. The deepest one that exists in the file gives the position.
    path: Vec<String>,
    /// The table that lacks a key, if that is the error.
    missing_from: Option<Vec<String>>,
    /// The value works, but probably not as it is meant.
    is_warning: bool,
    what: String,
}

/// An error or a warning with the number of its file and its byte offset there.
pub(super) type Positioned = (usize, usize, Error);

/// Collects the errors of one table of a file.
#[derive(Debug)]
pub(super) struct TableDiagnostics<'a> {
    found: &'a mut Vec<Diagnostic>,
    file: usize,
    path: Vec<String>,
}

impl Diagnostics {
    /// `file` counts the files in the order in which they are read.
    pub(super) fn table(&mut self, file: usize, path: &[&str]) -> TableDiagnostics<'_> {
        let path = path.iter().map(|&key| key.to_owned()).collect();
        TableDiagnostics { found: &mut self.0, file, path }
    }

    /// The errors and the warnings.
    pub(super) fn positioned(self, files: &[ParsedFile]) -> (Vec<Positioned>, Vec<Positioned>) {
        let documents: Vec<_> = files.iter().map(|file| DeTable::parse(&file.text).ok()).collect();
        let (mut errors, mut warnings) = (Vec::new(), Vec::new());
        for wrong in self.0 {
            let (file, document) = (&files[wrong.file], &documents[wrong.file]);
            let span = |path: &[String]| document.as_ref().and_then(|document| span(document, path));
            // The missing key may be one that was blanked because of a syntax error.
            let is_consequence = wrong
                .missing_from
                .and_then(|table| span(&table))
                .is_some_and(|table| file.had_an_error_in_table(table.start));
            if is_consequence {
                continue;
            }
            let at = span(&wrong.path).map(|span| span.start);
            let position = at.map(|at| FilePosition::of(&file.text, at));
            let error = Error::Invalid { path: file.path.clone(), position, what: wrong.what };
            let list = if wrong.is_warning { &mut warnings } else { &mut errors };
            list.push((wrong.file, at.unwrap_or(0), error));
        }
        (errors, warnings)
    }

    #[cfg(test)]
    pub(super) fn messages(&self) -> String {
        self.0.iter().map(|wrong| wrong.what.as_str()).collect::<Vec<_>>().join("\n")
    }
}

impl TableDiagnostics<'_> {
    pub(super) fn inside(&mut self, key: &str) -> TableDiagnostics<'_> {
        let path = self.path_of(key);
        TableDiagnostics { found: self.found, file: self.file, path }
    }

    /// The value of a key. An error is recorded, and gives `None`.
    pub(super) fn value<T>(&mut self, key: &str, read: Result<T, impl ToString>) -> Option<T> {
        read.map_err(|what| self.error(key, what.to_string())).ok()
    }

    pub(super) fn error(&mut self, key: &str, what: String) {
        self.push(key, None, false, what);
    }

    /// Records that the value of a key works, but probably not as it is meant.
    pub(super) fn warn(&mut self, key: &str, what: String) {
        self.push(key, None, true, what);
    }

    /// Records that this table lacks a key: `key` itself, or another one that `key` needs.
    pub(super) fn missing(&mut self, key: &str, what: String) {
        self.push(key, Some(self.path.clone()), false, what);
    }

    fn push(&mut self, key: &str, missing_from: Option<Vec<String>>, is_warning: bool, what: String) {
        let path = self.path_of(key);
        self.found.push(Diagnostic { file: self.file, path, missing_from, is_warning, what });
    }

    fn path_of(&self, key: &str) -> Vec<String> {
        self.path.iter().cloned().chain([key.to_owned()]).collect()
    }
}

/// The range of the deepest part of a path that exists.
fn span(document: &Spanned<DeTable>, path: &[String]) -> Option<Range<usize>> {
    let (first, rest) = path.split_first()?;
    let mut value = inside(document.get_ref(), first)?;
    for step in rest {
        let deeper = match value.get_ref() {
            DeValue::Table(table) => inside(table, step),
            DeValue::Array(array) => step.parse().ok().and_then(|at: usize| array.get(at)),
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => None,
        };
        match deeper {
            Some(deeper) => value = deeper,
            None => break,
        }
    }
    Some(value.span())
}

fn inside<'d, 'i>(table: &'d DeTable<'i>, key: &str) -> Option<&'d Spanned<DeValue<'i>>> {
    table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
}
