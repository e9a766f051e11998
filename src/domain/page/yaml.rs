//! YAML, and JSON as a part of it: values with the places where they begin.

use saphyr_parser::{Event, Parser};

/// Deeper data is no calendar.
const DEPTH_AT_MOST: usize = 64;

/// A value and where it begins.
#[derive(Debug)]
pub(super) enum DataValue {
    Text { text: String, start: usize },
    List(Vec<DataValue>),
    Fields(Vec<(String, DataValue)>),
}

/// Why data cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotData;

/// The value of a YAML or JSON text, its first document.
pub(super) fn value(source: &str) -> Option<serde_json::Value> {
    parse(source).ok()?.into_iter().next().map(plain)
}

fn plain(value: DataValue) -> serde_json::Value {
    match value {
        DataValue::Text { text, .. } => match text.as_str() {
            "true" => true.into(),
            "false" => false.into(),
            "" | "~" | "null" => serde_json::Value::Null,
            _ => text.into(),
        },
        DataValue::List(values) => values.into_iter().map(plain).collect(),
        DataValue::Fields(fields) => fields.into_iter().map(|(name, value)| (name, plain(value))).collect(),
    }
}

/// The documents of a source.
pub(super) fn parse(source: &str) -> Result<Vec<DataValue>, NotData> {
    let mut places = Places::of(source);
    let mut done: Vec<DataValue> = Vec::new();
    let mut open: Vec<DataValue> = Vec::new();
    let mut keys: Vec<Option<String>> = Vec::new();
    for event in Parser::new_from_str(source) {
        let (event, span) = event.map_err(|_| NotData)?;
        let complete = match event {
            Event::Scalar(text, ..) => {
                let start = places.byte(span.start.line(), span.start.col());
                Some(DataValue::Text { text: text.into_owned(), start })
            }
            Event::SequenceStart(..) => {
                open.push(DataValue::List(Vec::new()));
                keys.push(None);
                None
            }
            Event::MappingStart(..) => {
                open.push(DataValue::Fields(Vec::new()));
                keys.push(None);
                None
            }
            Event::SequenceEnd | Event::MappingEnd => {
                keys.pop();
                open.pop()
            }
            _ => None,
        };
        if open.len() > DEPTH_AT_MOST {
            return Err(NotData);
        }
        let Some(value) = complete else { continue };
        match (open.last_mut(), keys.last_mut()) {
            (Some(DataValue::List(values)), _) => values.push(value),
            (Some(DataValue::Fields(fields)), Some(key)) => match (key.take(), value) {
                (None, DataValue::Text { text, .. }) => *key = Some(text),
                (None, _) => *key = Some(String::new()),
                (Some(name), value) => fields.push((name, value)),
            },
            _ => done.push(value),
        }
    }
    Ok(done)
}

/// Finds bytes by lines and characters. The places that are asked for are in order
/// nearly always, so each is found from the one before.
struct Places<'a> {
    lines: Vec<(usize, &'a str)>,
    last: LastPlace,
}

/// A place in a line: how many characters and bytes are before it.
#[derive(Clone, Copy, Default)]
struct LastPlace {
    line: usize,
    column: usize,
    offset: usize,
}

impl<'a> Places<'a> {
    fn of(source: &'a str) -> Self {
        let mut start = 0;
        let lines = source.split_inclusive('\n').map(|line| {
            let found = (start, line.trim_end_matches(['\n', '\r']));
            start += line.len();
            found
        });
        Self { lines: lines.collect(), last: LastPlace::default() }
    }

    fn byte(&mut self, line: usize, column: usize) -> usize {
        let Some((start, text)) = line.checked_sub(1).and_then(|line| self.lines.get(line)) else { return 0 };
        if self.last.line != line || self.last.column > column {
            self.last = LastPlace { line, ..LastPlace::default() };
        }
        let rest = &text[self.last.offset..];
        let behind = column - self.last.column;
        self.last.offset += rest.char_indices().nth(behind).map_or(rest.len(), |(at, _)| at);
        self.last.column = column;
        start + self.last.offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_in_any_order() {
        let mut places = Places::of("aé: b\r\nçd: e\n");
        for (line, column, byte) in
            [(1, 0, 0), (1, 4, 5), (2, 1, 10), (2, 4, 13), (2, 0, 8), (1, 2, 3), (3, 0, 0)]
        {
            assert_eq!(places.byte(line, column), byte, "{line}:{column}");
        }
        assert_eq!(places.byte(1, 99), 6);
        assert_eq!(places.byte(1, 100), 6);
    }
}
