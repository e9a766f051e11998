//! Putting values in the place of placeholders: outputs, shortcodes, and the
//! loops and conditions of Liquid whose values are known.

use std::collections::HashSet;
use std::ops::Range;

use serde_json::{Map, Value};

use super::liquid::Scope;
use super::value::{members, text_of};
use super::{Filled, Placeholder, is_descriptive, placeholder_at, player};
use crate::domain::page::site::Site;
use crate::domain::page::text::PLACEHOLDER;

/// A template that repeats its parts more often is left as it is.
pub(super) const REPEATS_AT_MOST: usize = 20_000;
/// No more text is made of a template.
const BYTES_AT_MOST: usize = 32 << 20;

/// What is known of a page's placeholders.
#[derive(Clone, Debug, Default)]
pub(in crate::domain::page) struct Known<'a> {
    pub(in crate::domain::page) site: Option<&'a Site>,
    /// The values of the page's own head.
    pub(in crate::domain::page) head: Value,
}

/// Fills the placeholders of a text, those in code left alone.
pub(in crate::domain::page) fn fill(source: &str, code: &[Range<usize>], known: &Known) -> Filled {
    let mut template = Filler {
        source,
        code: disjoint(code),
        scope: Scope { site: known.site, head: known.head.clone(), ..Scope::default() },
        filled: Filled { text: String::with_capacity(source.len()), ..Filled::default() },
        repeats: 0,
        depth: 0,
        unclosed: HashSet::new(),
    };
    template.part(0..source.len());
    let mut filled = template.filled;
    filled.used = template.scope.used;
    filled.used.sort_unstable();
    filled.used.dedup();
    filled.unknown.sort_unstable();
    filled.unknown.dedup();
    filled
}

/// Ranges in their order, those that overlap made one.
fn disjoint(ranges: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut sorted = ranges.to_vec();
    sorted.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in sorted {
        match merged.last_mut().filter(|last| range.start <= last.end) {
            Some(last) => last.end = last.end.max(range.end),
            None => merged.push(range),
        }
    }
    merged
}

pub(super) struct Filler<'a> {
    pub(super) source: &'a str,
    pub(super) code: Vec<Range<usize>>,
    pub(super) scope: Scope<'a>,
    pub(super) filled: Filled,
    pub(super) repeats: usize,
    /// The included files around a place.
    pub(super) depth: usize,
    /// The tags whose end was looked for in vain.
    pub(super) unclosed: HashSet<&'a str>,
}

/// The parts of a block: each with the tag before it, and where the block ends.
pub(super) struct TagBlock<'a> {
    pub(super) branches: Vec<(&'a str, Range<usize>)>,
    pub(super) end: usize,
}

impl<'a> Filler<'a> {
    pub(super) fn part(&mut self, range: Range<usize>) {
        let source = self.source;
        let mut copied = range.start;
        let mut at = range.start;
        while let Some(found) = source[at..range.end].find(['{', '\\']).map(|offset| at + offset) {
            if source[found..].starts_with('\\') {
                // An escaped brace begins nothing: `\{{x_i}\}` is a formula.
                at = found + 1 + source[found + 1..].chars().next().map_or(0, char::len_utf8);
                if at > range.end {
                    break;
                }
                continue;
            }
            if let Some(end) = self.code_end(found) {
                at = end.min(range.end);
                continue;
            }
            let Some((placeholder, end)) = placeholder_at(source, found).filter(|(_, end)| *end <= range.end)
            else {
                at = found + 1;
                continue;
            };
            self.filled.copy(source, copied..found);
            let block = match placeholder {
                Placeholder::Tag(inner) => self.tag(inner, end, range.end),
                Placeholder::Output(_) | Placeholder::Shortcode(_) => None,
            };
            let behind = block.unwrap_or_else(|| {
                self.single(&placeholder, found);
                end
            });
            copied = behind;
            at = behind;
        }
        self.filled.copy(source, copied..range.end);
    }

    fn code_end(&self, at: usize) -> Option<usize> {
        let before = self.code.partition_point(|block| block.start <= at).checked_sub(1)?;
        self.code.get(before).filter(|block| block.contains(&at)).map(|block| block.end)
    }

    /// A placeholder for one value.
    fn single(&mut self, placeholder: &Placeholder, at: usize) {
        let is_full = self.filled.text.len() > BYTES_AT_MOST;
        match self.value(placeholder).or_else(|| player(placeholder)).filter(|_| !is_full) {
            Some(value) => self.filled.value(&value, at),
            None => {
                self.filled.text.push(PLACEHOLDER);
                if is_descriptive(placeholder) {
                    self.filled.unknown.push(at);
                }
            }
        }
    }

    fn value(&mut self, placeholder: &Placeholder) -> Option<String> {
        match placeholder {
            Placeholder::Output(inner) => {
                let hugo = self.scope.site.and_then(|site| site.hugo_output(inner));
                hugo.or_else(|| self.scope.value(inner).and_then(|value| text_of(&value)))
            }
            Placeholder::Shortcode(inner) => {
                let mut words = inner.split_whitespace();
                let name = words.next()?;
                let rest = inner[name.len()..].trim();
                let argument = rest.strip_prefix("path=").unwrap_or(rest).trim_matches(['"', '\'', '`']);
                self.scope.site?.shortcode(name, argument, &self.scope.head)
            }
            Placeholder::Tag(inner) => {
                let (name, argument) = inner.split_once(char::is_whitespace)?;
                let site = self.scope.site?;
                let path = match name {
                    "link" => site.linked(argument)?,
                    "post_url" => site.post(argument)?,
                    _ => return None,
                };
                // Before Jekyll 4 authors wrote `{{ site.baseurl }}` in front.
                let base = site.base_path();
                let has_base = !base.is_empty() && self.filled.text.ends_with(&base);
                Some(if has_base { path } else { site.relative(&path) })
            }
        }
    }

    /// A tag that governs what follows it; returns where the page goes on.
    fn tag(&mut self, inner: &'a str, behind: usize, limit: usize) -> Option<usize> {
        let (name, rest) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
        match name {
            "comment" => Some(self.block("comment", behind, limit)?.end),
            "raw" => {
                let block = self.block("raw", behind, limit)?;
                for (_, range) in block.branches {
                    self.filled.copy(self.source, range);
                }
                Some(block.end)
            }
            "assign" => {
                let (name, expression) = rest.split_once('=')?;
                let value = self.scope.value(expression.trim())?;
                self.scope.variables.insert(name.trim().to_owned(), value);
                Some(behind)
            }
            "for" => self.repeat(rest, behind, limit),
            "if" | "unless" => self.choose(name, rest, behind, limit),
            "case" => self.case(rest, behind, limit),
            "capture" => self.capture(rest, behind, limit),
            "include" => self.include(rest, behind),
            _ => None,
        }
    }

    /// `for x in y`: the part once for each member.
    fn repeat(&mut self, rest: &str, behind: usize, limit: usize) -> Option<usize> {
        let (name, rest) = rest.split_once(" in ")?;
        let mut words = rest.split_whitespace();
        let mut values = members(&self.scope.value(words.next()?)?);
        let parameters = rest.replace(": ", ":");
        let parameter = |wanted: &str| {
            let found = parameters.split_whitespace().find_map(|word| word.strip_prefix(wanted));
            found.and_then(|number| number.parse::<usize>().ok())
        };
        if let Some(offset) = parameter("offset:") {
            values.drain(..offset.min(values.len()));
        }
        if let Some(limit) = parameter("limit:") {
            values.truncate(limit);
        }
        if words.any(|word| word == "reversed") {
            values.reverse();
        }
        if self.repeats + values.len() > REPEATS_AT_MOST {
            return None;
        }
        let block = self.block("for", behind, limit)?;
        let (_, body) = block.branches.into_iter().next()?;
        let outer: Vec<(String, Option<Value>)> = [name.trim(), "forloop"]
            .into_iter()
            .map(|name| (name.to_owned(), self.scope.variables.get(name).cloned()))
            .collect();
        let length = values.len();
        for (number, value) in values.into_iter().enumerate() {
            self.repeats += 1;
            if self.filled.text.len() > BYTES_AT_MOST || self.repeats > REPEATS_AT_MOST {
                break;
            }
            self.scope.variables.insert(name.trim().to_owned(), value);
            self.scope.variables.insert("forloop".to_owned(), loop_state(number, length));
            self.part(body.clone());
        }
        for (name, value) in outer {
            match value {
                Some(value) => self.scope.variables.insert(name, value),
                None => self.scope.variables.remove(&name),
            };
        }
        Some(block.end)
    }

    /// `if` and `unless`: the first part whose condition holds.
    fn choose(&mut self, name: &str, rest: &str, behind: usize, limit: usize) -> Option<usize> {
        let is_first = self.scope.condition(rest)? != (name == "unless");
        let block = self.block(if name == "if" { "if" } else { "unless" }, behind, limit)?;
        let mut chosen = None;
        for (number, (tag, range)) in block.branches.into_iter().enumerate() {
            let holds = match tag.strip_prefix("elsif ") {
                _ if number == 0 => is_first,
                Some(condition) => self.scope.condition(condition)?,
                None => true,
            };
            if holds {
                chosen = Some(range);
                break;
            }
        }
        if let Some(range) = chosen {
            self.part(range);
        }
        Some(block.end)
    }

    /// The parts of a block that began before `behind`.
    pub(super) fn block(&mut self, name: &'static str, behind: usize, limit: usize) -> Option<TagBlock<'a>> {
        if self.unclosed.contains(name) {
            return None;
        }
        let source: &'a str = self.source;
        let (mut branches, mut depth, mut start, mut tag) = (Vec::new(), 0_usize, behind, "");
        let mut at = behind;
        while let Some(found) = source[at..limit].find("{%").map(|offset| at + offset) {
            let Some((Placeholder::Tag(inner), end)) = placeholder_at(source, found) else {
                at = found + 2;
                continue;
            };
            let word = inner.split_whitespace().next().unwrap_or_default();
            let is_verbatim = matches!(name, "comment" | "raw");
            if word.strip_prefix("end") == Some(name) && depth == 0 {
                branches.push((tag, start..found));
                return Some(TagBlock { branches, end });
            }
            match word {
                _ if is_verbatim => {}
                "if" | "unless" | "for" | "case" => depth += 1,
                "endif" | "endunless" | "endfor" | "endcase" => depth = depth.saturating_sub(1),
                "else" | "elsif" | "when" if depth == 0 => {
                    branches.push((tag, start..found));
                    (tag, start) = (inner, end);
                }
                _ => {}
            }
            at = end;
        }
        self.unclosed.insert(name);
        None
    }
}

/// `forloop` of Liquid.
fn loop_state(number: usize, length: usize) -> Value {
    let mut state = Map::new();
    state.insert("index".to_owned(), Value::from(number + 1));
    state.insert("index0".to_owned(), Value::from(number));
    state.insert("length".to_owned(), Value::from(length));
    state.insert("first".to_owned(), Value::Bool(number == 0));
    state.insert("last".to_owned(), Value::Bool(number + 1 == length));
    Value::Object(state)
}
