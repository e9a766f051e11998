//! The filters of Liquid and Jekyll that course pages use in links and lists.

use jiff::civil::Date;
use jiff::fmt::strtime::BrokenDownTime;
use serde_json::Value;

use super::value::{members, number, text_of};
use crate::domain::page::site::Site;

/// A longer value was made to exhaust the memory.
const BYTES_AT_MOST: usize = 64 << 10;

/// The filtered value; `None` for a filter that is not known here.
pub(super) fn apply(name: &str, value: &Value, arguments: &[Value], site: Option<&Site>) -> Option<Value> {
    let first = arguments.first();
    match name {
        "default" => {
            let is_empty = match value {
                Value::Null | Value::Bool(false) => true,
                Value::String(text) => text.is_empty(),
                Value::Array(values) => values.is_empty(),
                _ => false,
            };
            if is_empty { first.cloned() } else { Some(value.clone()) }
        }
        "first" | "last" | "size" | "reverse" | "sort" | "where" | "map" | "join" | "uniq" | "compact" => {
            of_list(name, value, arguments)
        }
        "plus" => Some(Value::from(number(value)?.checked_add(number(first?)?)?)),
        "minus" => Some(Value::from(number(value)?.checked_sub(number(first?)?)?)),
        "split" => {
            let (text, separator) = (text_of(value)?, text_of(first?)?);
            Some(text.split(&separator).map(|part| Value::String(part.to_owned())).collect())
        }
        _ => {
            let text = of_text(name, &text_of(value)?, arguments, site)?;
            (text.len() <= BYTES_AT_MOST).then_some(Value::String(text))
        }
    }
}

fn of_text(name: &str, text: &str, arguments: &[Value], site: Option<&Site>) -> Option<String> {
    let argument = |at: usize| arguments.get(at).and_then(text_of);
    Some(match name {
        "relative_url" => site?.relative(text),
        "absolute_url" => site?.absolute(text),
        "prepend" => argument(0)? + text,
        "append" => text.to_owned() + &argument(0)?,
        "strip" => text.trim().to_owned(),
        "lstrip" => text.trim_start().to_owned(),
        "rstrip" => text.trim_end().to_owned(),
        "downcase" => text.to_lowercase(),
        "upcase" => text.to_uppercase(),
        "capitalize" => {
            let mut rest = text.chars();
            rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
        }
        "remove" => text.replace(&argument(0)?, ""),
        "replace" => text.replace(&argument(0)?, &argument(1)?),
        "replace_first" => text.replacen(&argument(0)?, &argument(1)?, 1),
        "strip_newlines" => text.replace(['\n', '\r'], ""),
        "escape" | "escape_once" | "xml_escape" => html_escape::encode_safe(text).into_owned(),
        // The page is Markdown already, and characters of an address are encoded when it is parsed.
        "markdownify" | "smartify" | "uri_escape" | "strip_html" => text.to_owned(),
        "date" => date(text, &argument(0)?)?,
        "date_to_string" => date(text, "%d %b %Y")?,
        "date_to_long_string" => date(text, "%d %B %Y")?,
        _ => return None,
    })
}

fn date(text: &str, format: &str) -> Option<String> {
    let day: Date = text.trim().get(..10)?.parse().ok()?;
    BrokenDownTime::from(day).to_string(format).ok()
}

fn of_list(name: &str, value: &Value, arguments: &[Value]) -> Option<Value> {
    let key = arguments.first().and_then(text_of);
    if let (Value::String(text), "size") = (value, name) {
        return Some(Value::from(text.chars().count()));
    }
    let mut values = members(value);
    match name {
        "first" => return Some(values.into_iter().next().unwrap_or(Value::Null)),
        "last" => return Some(values.pop().unwrap_or(Value::Null)),
        "size" => return Some(Value::from(values.len())),
        "reverse" => values.reverse(),
        "compact" => values.retain(|value| !value.is_null()),
        "uniq" => {
            let mut seen: Vec<Value> = Vec::new();
            values.retain(|value| {
                let is_new = !seen.contains(value);
                if is_new {
                    seen.push(value.clone());
                }
                is_new
            });
        }
        "sort" => {
            let by = |value: &Value| match &key {
                Some(key) => value.get(key).and_then(text_of),
                None => text_of(value),
            };
            values.sort_by_cached_key(|value| by(value));
        }
        "where" => {
            let (key, wanted) = (key?, arguments.get(1).map(text_of)?);
            values.retain(|value| value.get(&key).is_some_and(|found| text_of(found) == wanted));
        }
        "map" => {
            let key = key?;
            values = values.iter().map(|value| value.get(&key).cloned().unwrap_or(Value::Null)).collect();
        }
        _ => {
            let texts: Option<Vec<String>> = values.iter().map(text_of).collect();
            return Some(Value::String(texts?.join(&key.unwrap_or_else(|| " ".to_owned()))));
        }
    }
    Some(Value::Array(values))
}
