//! The files with secrets that a configuration names. Each key whose name ends with `_file` is one.

use std::path::{Path, PathBuf};

/// The values of these keys, in the order of their tables and names; none if the text is not TOML.
pub(super) fn named_in(text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    if let Ok(table) = text.parse::<toml::Table>() {
        collect(&toml::Value::Table(table), &mut found);
    }
    found
}

fn collect(value: &toml::Value, found: &mut Vec<PathBuf>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                match value.as_str() {
                    Some(path) if key.ends_with("_file") => found.push(Path::new(path).to_owned()),
                    _ => collect(value, found),
                }
            }
        }
        toml::Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_at_any_depth() {
        let text = "[mail]\npassword_file = \"a\"\n[mail.dkim]\nkey_file = \"b\"\n\
                    [[webhook]]\nurl_file = \"c\"\nname = \"x_file\"\n";
        assert_eq!(named_in(text), [Path::new("b"), Path::new("a"), Path::new("c")]);
    }
}
