//! Values as Liquid shows them, counts with them and goes through them.

use serde_json::Value;

/// What stands on the page for a value; a record has no text.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Bool(is_true) => Some(is_true.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Array(values) => values.iter().map(text_of).collect(),
        Value::Object(_) => None,
    }
}

/// The members that a loop goes through; a record gives its names with their values.
pub(super) fn members(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values.clone(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| Value::Array(vec![Value::String(name.clone()), value.clone()]))
            .collect(),
        Value::String(text) if !text.is_empty() => vec![value.clone()],
        _ => Vec::new(),
    }
}

pub(super) fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}
