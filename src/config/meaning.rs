//! What the entries of a configuration mean: every one that means nothing good is found, and placed.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::slips::Text;
use super::{Mistake, Place};

/// The mistakes of meaning in all files.
#[derive(Debug, Default)]
pub(super) struct Found(Vec<Wrong>);

#[derive(Debug)]
struct Wrong {
    file: usize,
    /// Keys, and indices in arrays; as far as these exist, they are the place.
    path: Vec<String>,
    /// Nothing is wrong with what stands there; something else should stand in this table.
    lacking_in: Option<Vec<String>>,
    what: String,
}

/// A table of a file, in which mistakes are looked for.
#[derive(Debug)]
pub(super) struct Table<'a> {
    found: &'a mut Vec<Wrong>,
    file: usize,
    path: Vec<String>,
}

impl Found {
    /// `file` counts the files in the order in which they are read.
    pub(super) fn table(&mut self, file: usize, path: &[&str]) -> Table<'_> {
        let path = path.iter().map(|&key| key.to_owned()).collect();
        Table { found: &mut self.0, file, path }
    }

    /// Each mistake with its file and the byte at which it is.
    pub(super) fn placed(self, texts: &[Text]) -> Vec<(usize, usize, Mistake)> {
        let documents: Vec<_> = texts.iter().map(|text| DeTable::parse(&text.read).ok()).collect();
        let mut placed = Vec::new();
        for wrong in self.0 {
            let (text, document) = (&texts[wrong.file], &documents[wrong.file]);
            let span = |path: &[String]| document.as_ref().and_then(|document| span(document, path));
            let is_echo = wrong
                .lacking_in
                .and_then(|table| span(&table))
                .is_some_and(|table| text.had_a_slip_in_table(table.start));
            if is_echo {
                continue;
            }
            let at = span(&wrong.path).map(|span| span.start);
            let place = at.map(|at| Place::of(&text.read, at));
            let mistake = Mistake::Meaning { path: text.path.clone(), place, what: wrong.what };
            placed.push((wrong.file, at.unwrap_or_default(), mistake));
        }
        placed
    }

    #[cfg(test)]
    pub(super) fn told(&self) -> String {
        self.0.iter().map(|wrong| wrong.what.as_str()).collect::<Vec<_>>().join("\n")
    }
}

impl Table<'_> {
    pub(super) fn inside(&mut self, key: &str) -> Table<'_> {
        let path = self.path_of(key);
        Table { found: self.found, file: self.file, path }
    }

    /// The value of a key, if it is one.
    pub(super) fn value<T>(&mut self, key: &str, read: Result<T, impl ToString>) -> Option<T> {
        read.map_err(|what| self.wrong(key, what.to_string())).ok()
    }

    pub(super) fn wrong(&mut self, key: &str, what: String) {
        self.found.push(Wrong { file: self.file, path: self.path_of(key), lacking_in: None, what });
    }

    /// Something that should stand in this table does not; `key` is what asks
    /// for it, or itself missing.
    pub(super) fn lacks(&mut self, key: &str, what: String) {
        let lacking_in = Some(self.path.clone());
        self.found.push(Wrong { file: self.file, path: self.path_of(key), lacking_in, what });
    }

    fn path_of(&self, key: &str) -> Vec<String> {
        self.path.iter().cloned().chain([key.to_owned()]).collect()
    }
}

/// Where the deepest part of a path stands that is there at all.
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
