//! Expressions of Liquid over known values: `site.data.x | first`, conditions.
//!
//! A result of `None` means that only the generator knows the value. `Value::Null` means
//! that the variable has no value.

use std::collections::HashMap;

use serde_json::Value;

use super::filter;
use super::value::{number, text_of};
use crate::domain::page::site::Site;

/// What is known at a place of the template.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope<'a> {
    pub(super) site: Option<&'a Site>,
    /// The head of the page.
    pub(super) head: Value,
    /// Set by the template: loop variables and `assign`.
    pub(super) variables: HashMap<String, Value>,
    /// The fields of the head that were used.
    pub(super) used: Vec<String>,
}

impl Scope<'_> {
    /// An expression with its filters.
    pub(super) fn value(&mut self, expression: &str) -> Option<Value> {
        let mut parts = split(expression, '|').into_iter();
        let mut value = self.atom(parts.next()?.trim())?;
        for call in parts {
            let (name, arguments) = call.split_once(':').unwrap_or((call, ""));
            let arguments: Option<Vec<Value>> = split(arguments, ',')
                .into_iter()
                .filter(|argument| !argument.trim().is_empty())
                .map(|argument| self.atom(argument.trim()))
                .collect();
            value = filter::apply(name.trim(), &value, &arguments?, self.site)?;
        }
        Some(value)
    }

    /// A literal or a variable.
    fn atom(&mut self, text: &str) -> Option<Value> {
        let is_quoted = |sign: char| text.len() > 1 && text.starts_with(sign) && text.ends_with(sign);
        if is_quoted('"') || is_quoted('\'') {
            return Some(Value::String(text[1..text.len() - 1].to_owned()));
        }
        if let Ok(number) = text.parse::<i64>() {
            return Some(Value::from(number));
        }
        match text {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            "nil" | "null" => Some(Value::Null),
            "blank" | "empty" => Some(Value::String(String::new())),
            _ => self.variable(text),
        }
    }

    fn variable(&mut self, text: &str) -> Option<Value> {
        let keys = self.keys(text)?;
        let (first, rest) = keys.split_first()?;
        match first.as_str() {
            "site" => {
                let (name, rest) = rest.split_first()?;
                step(self.site?.variable(name)?, rest)
            }
            "page" => {
                let (name, rest) = rest.split_first()?;
                if let Some(value) = self.head.get(name).cloned() {
                    self.used.push(name.clone());
                    return step(value, rest);
                }
                let is_made =
                    matches!(name.as_str(), "url" | "path" | "id" | "content" | "next" | "previous");
                // Without the configuration, a page may have more fields than its head names.
                let is_known = self.site.is_some_and(|site| !site.has_defaults()) && !is_made;
                is_known.then_some(Value::Null)
            }
            name => step(self.variables.get(name)?.clone(), rest),
        }
    }

    /// `a.b[c]["d"]` in parts.
    fn keys(&mut self, text: &str) -> Option<Vec<String>> {
        let mut keys = Vec::new();
        let mut rest = text;
        loop {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (name, behind) = rest.split_at(end);
            if !name.is_empty() {
                let is_name = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
                keys.push(is_name.then(|| name.to_owned())?);
            }
            rest = match behind.chars().next() {
                None => return Some(keys),
                Some('.') => &behind[1..],
                _ => {
                    let (inner, after) = behind[1..].split_once(']')?;
                    keys.push(text_of(&self.atom(inner.trim())?)?);
                    after
                }
            };
        }
    }

    /// A condition: comparisons with `and` and `or`.
    pub(super) fn condition(&mut self, text: &str) -> Option<bool> {
        let mut is_any = false;
        for alternative in text.split(" or ") {
            let mut are_all = true;
            for comparison in alternative.split(" and ") {
                are_all &= self.comparison(comparison.trim())?;
            }
            is_any |= are_all;
        }
        Some(is_any)
    }

    fn comparison(&mut self, text: &str) -> Option<bool> {
        for operator in [" == ", " != ", " contains ", " > ", " < ", " >= ", " <= "] {
            let Some((left, right)) = text.split_once(operator) else { continue };
            let (left, right) = (self.atom(left.trim())?, self.atom(right.trim())?);
            let equal = || left == right || (text_of(&left) == text_of(&right) && is_scalar(&left));
            let numbers = || number(&left).zip(number(&right));
            return match operator.trim() {
                "==" => Some(equal()),
                "!=" => Some(!equal()),
                "contains" => Some(contains(&left, &right)),
                ">" => numbers().map(|(a, b)| a > b),
                "<" => numbers().map(|(a, b)| a < b),
                ">=" => numbers().map(|(a, b)| a >= b),
                _ => numbers().map(|(a, b)| a <= b),
            };
        }
        self.atom(text).map(|value| !matches!(value, Value::Null | Value::Bool(false)))
    }
}

fn is_scalar(value: &Value) -> bool {
    matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_))
}

fn contains(value: &Value, wanted: &Value) -> bool {
    match value {
        Value::Array(values) => values.iter().any(|value| text_of(value) == text_of(wanted)),
        Value::String(text) => text_of(wanted).is_some_and(|wanted| text.contains(&wanted)),
        _ => false,
    }
}

/// A field of a value, and so on.
fn step(value: Value, keys: &[String]) -> Option<Value> {
    let Some((key, rest)) = keys.split_first() else { return Some(value) };
    let inner = match (&value, key.as_str()) {
        (Value::Object(fields), "size") if !fields.contains_key("size") => Value::from(fields.len()),
        (Value::Object(fields), key) => fields.get(key).cloned().unwrap_or(Value::Null),
        (Value::Array(values), "size") => Value::from(values.len()),
        (Value::Array(values), "first") => values.first().cloned().unwrap_or(Value::Null),
        (Value::Array(values), "last") => values.last().cloned().unwrap_or(Value::Null),
        (Value::Array(values), key) => {
            key.parse::<usize>().ok().and_then(|at| values.get(at)).cloned().unwrap_or(Value::Null)
        }
        (Value::String(text), "size") => Value::from(text.chars().count()),
        _ => Value::Null,
    };
    step(inner, rest)
}

/// The parts of a text between separators that stand outside of quotes.
pub(super) fn split(text: &str, separator: char) -> Vec<&str> {
    let mut quote = None;
    let mut parts = Vec::new();
    let mut from = 0;
    for (at, c) in text.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if c == separator => {
                parts.push(&text[from..at]);
                from = at + c.len_utf8();
            }
            None => {}
        }
    }
    parts.push(&text[from..]);
    parts
}
