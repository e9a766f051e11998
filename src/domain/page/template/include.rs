//! Parts of a template that come from elsewhere: an included file, a captured text, and
//! the one case of several that holds.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::fill::{Filler, REPEATS_AT_MOST};
use super::value::text_of;
use super::{Filled, parameters};
use crate::domain::page::text::PLACEHOLDER;

/// Files that include each other end here.
const DEPTH_AT_MOST: usize = 8;
/// A longer captured text was made to exhaust the memory.
const CAPTURED_AT_MOST: usize = 64 << 10;

impl<'a> Filler<'a> {
    /// `include a.html b="c"` of Jekyll, with the file's own placeholders filled.
    pub(super) fn include(&mut self, rest: &str, behind: usize) -> Option<usize> {
        let rest = rest.trim();
        let (name, given) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let source: &'a str = self.scope.site?.included(name)?;
        if self.depth >= DEPTH_AT_MOST || self.repeats >= REPEATS_AT_MOST {
            return None;
        }
        let mut fields = Map::new();
        for (name, value) in parameters(given) {
            fields.insert(name.to_owned(), self.scope.value(value)?);
        }
        let outer = self.scope.variables.insert("include".to_owned(), Value::Object(fields));
        let mut file = Filler {
            source,
            code: Vec::new(),
            scope: std::mem::take(&mut self.scope),
            filled: Filled::default(),
            repeats: self.repeats + 1,
            depth: self.depth + 1,
            unclosed: HashSet::new(),
        };
        file.part(0..source.len());
        self.scope = file.scope;
        self.repeats = file.repeats;
        match outer {
            Some(outer) => self.scope.variables.insert("include".to_owned(), outer),
            None => self.scope.variables.remove("include"),
        };
        // The place of all of it is the tag.
        let at = behind - 1;
        if !file.filled.unknown.is_empty() {
            self.filled.unknown.push(at);
        }
        self.filled.value(&file.filled.text, at);
        Some(behind)
    }

    /// `capture x`: a variable with the text of a block.
    pub(super) fn capture(&mut self, rest: &str, behind: usize, limit: usize) -> Option<usize> {
        let block = self.block("capture", behind, limit)?;
        let (_, range) = block.branches.into_iter().next()?;
        let outer = std::mem::take(&mut self.filled);
        self.part(range);
        let captured = std::mem::replace(&mut self.filled, outer);
        let name = rest.trim().to_owned();
        let is_whole = captured.unknown.is_empty() && !captured.text.contains(PLACEHOLDER);
        if is_whole && captured.text.len() <= CAPTURED_AT_MOST {
            self.scope.variables.insert(name, Value::String(captured.text));
        } else {
            self.scope.variables.remove(&name);
            self.filled.unknown.push(behind - 1);
        }
        Some(block.end)
    }

    /// `case x`: the first part one of whose values is that of `x`.
    pub(super) fn case(&mut self, rest: &str, behind: usize, limit: usize) -> Option<usize> {
        let subject = text_of(&self.scope.value(rest.trim())?)?;
        let block = self.block("case", behind, limit)?;
        for (tag, range) in block.branches {
            let holds = match tag.strip_prefix("when ") {
                Some(values) => {
                    let values = values.split(',').flat_map(|values| values.split(" or "));
                    let mut known = values.map(|value| self.scope.value(value.trim()));
                    known.any(|value| value.and_then(|value| text_of(&value)).as_ref() == Some(&subject))
                }
                None => tag == "else",
            };
            if holds {
                self.part(range);
                break;
            }
        }
        Some(block.end)
    }
}
