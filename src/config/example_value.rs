//! Values that come from the example configuration and mean nothing on a real machine.

use toml::de::{DeTable, DeValue};

/// Top-level domains and domains that are reserved for examples (RFC 2606).
const RESERVED: [&str; 4] = ["example", "example.com", "example.net", "example.org"];

/// The values of the example in a file, each with its byte offset.
pub(super) fn example_values(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    if let Ok(document) = DeTable::parse(text) {
        collect(document.get_ref(), &mut found);
    }
    found.sort_unstable();
    found
}

fn collect(table: &DeTable<'_>, found: &mut Vec<(usize, String)>) {
    let mut left: Vec<_> = table.iter().map(|(_, value)| value).collect();
    while let Some(value) = left.pop() {
        match value.get_ref() {
            DeValue::String(text) if is_of_the_example(text) => {
                found.push((value.span().start, text.to_string()));
            }
            DeValue::Table(table) => left.extend(table.iter().map(|(_, value)| value)),
            DeValue::Array(values) => left.extend(values.iter()),
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => {}
        }
    }
}

/// Whether the text has an ellipsis, or a host name that is reserved for examples.
fn is_of_the_example(text: &str) -> bool {
    let is_host_character = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    let hosts = text.split(|c: char| !is_host_character(c));
    let is_reserved = |host: &str| {
        let of =
            |name: &str| host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        host.contains('.') && RESERVED.iter().any(|name| of(name))
    };
    text.contains('…') || hosts.map(str::to_ascii_lowercase).any(|host| is_reserved(&host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_example_are_found() {
        for text in
            ["https://school.example/dgm.html", "a@school.example", "$argon2id$…", "www.example.com:80"]
        {
            assert!(is_of_the_example(text), "{text}");
        }
        for text in ["https://school.edu/example", "my.example.edu", "example", "syllabus.example.md"] {
            assert!(!is_of_the_example(text), "{text}");
        }
        let text = "[[course]]\npage = \"https://a.example/\"\nreport_to = [\"x@b.example\"]\n";
        assert_eq!(example_values(text).iter().map(|(at, _)| *at).collect::<Vec<_>>(), [18, 52]);
    }
}
