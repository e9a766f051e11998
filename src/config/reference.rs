//! A page that explains every key: the names come from the types that read the configuration,
//! the explanations from the example configuration.

use serde::Deserialize;
use serde::de::value::Error as NoValue;
use serde::de::{Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;

use super::access::PeopleKeys;
use super::{
    archive, bulk_interfaces, catalogue, course, fetching, mail, nights, oidc, pages, rendering, webhook,
};

/// The example with an explanation of every key.
pub const EXAMPLE: &str = include_str!("../../config/onreserve.toml");

const OPENING: &str = "# Configuration keys

The configuration is a file in TOML. `onreserve init FILE` writes one with all keys, and \
`onreserve check-config FILE` reports the errors of a file. Paths that are not absolute start at \
the working directory.

The line in each block shows the default of a key, or an example if the key has no default.
";

/// A table of the configuration with its keys, as the reader knows them.
struct KeyTable {
    /// `[fetch]` or `[[course]]`, as in the file. A value in braces has the name of its key.
    heading: &'static str,
    keys: &'static [&'static str],
    form: KeyTableForm,
}

#[derive(PartialEq, Eq)]
enum KeyTableForm {
    /// A heading in the file, with its keys on lines of their own.
    Section,
    /// A value in braces. The explanation of its own key is that of its keys.
    InBraces,
}

fn tables() -> Vec<KeyTable> {
    let section = |heading, keys| KeyTable { heading, keys, form: KeyTableForm::Section };
    let in_braces = |heading, keys| KeyTable { heading, keys, form: KeyTableForm::InBraces };
    vec![
        section("[archive]", keys_of::<archive::ArchiveKeys>()),
        section("[catalogue]", keys_of::<catalogue::CatalogueKeys>()),
        section("[fetch]", keys_of::<fetching::FetchKeys>()),
        section("[fetch.bulk_interfaces]", keys_of::<bulk_interfaces::BulkInterfaceKeys>()),
        section("[service]", keys_of::<nights::ServiceKeys>()),
        section("[render]", keys_of::<rendering::RenderKeys>()),
        section("[mail]", keys_of::<mail::MailKeys>()),
        in_braces("dkim", keys_of::<mail::DkimKeys>()),
        section("[[webhook]]", keys_of::<webhook::WebhookKeys>()),
        section("[pages]", keys_of::<pages::PagesKeys>()),
        in_braces("admin", keys_of::<PeopleKeys>()),
        section("[pages.oidc]", keys_of::<oidc::OidcKeys>()),
        section("[[course]]", keys_of::<course::CourseKeys>()),
        in_braces("term", keys_of::<course::TermKeys>()),
        in_braces("readers", keys_of::<PeopleKeys>()),
        in_braces("staff", keys_of::<PeopleKeys>()),
        in_braces("follow", keys_of::<course::FollowKeys>()),
        section("[[course.kinds]]", keys_of::<course::KindKeys>()),
        section("[[course.rights]]", keys_of::<course::RightsKeys>()),
    ]
}

/// A heading or a group of keys of the example with the comment above it.
struct Explanation {
    section: String,
    /// No line for a heading.
    lines: Vec<String>,
    text: String,
}

/// The page, in Markdown.
pub fn markdown() -> String {
    explanations().iter().fold(OPENING.to_owned(), |page, explained| page + &explained.markdown())
}

impl Explanation {
    fn markdown(&self) -> String {
        let mut part = match self.lines.first() {
            None => format!("\n## `{}`\n", self.section),
            // A table of names that the administrator chooses has no keys of its own.
            Some(line) if line.starts_with('"') => String::new(),
            Some(_) => format!("\n### {}\n", names_of(&self.lines)),
        };
        if !self.lines.is_empty() {
            let lines: Vec<String> = self.lines.iter().map(|line| format!("    {line}\n")).collect();
            part.push_str(&format!("\n{}", lines.concat()));
        }
        if !self.text.is_empty() {
            part.push_str(&format!("\n{}\n", self.text));
        }
        part + &self.lines.iter().map(|line| keys_in_braces(name_of(line))).collect::<String>()
    }
}

/// "The keys in `term` are `first`, `last`."
fn keys_in_braces(name: &str) -> String {
    let tables = tables();
    let table = tables.iter().find(|table| table.form == KeyTableForm::InBraces && table.heading == name);
    table.map_or_else(String::new, |table| {
        let keys: Vec<String> = table.keys.iter().map(|key| format!("`{key}`")).collect();
        format!("\nThe keys in `{name}` are {}.\n", keys.join(", "))
    })
}

fn names_of(lines: &[String]) -> String {
    let mut names: Vec<String> = lines.iter().map(|line| format!("`{}`", name_of(line))).collect();
    names.dedup();
    names.join(", ")
}

fn name_of(line: &str) -> &str {
    line.split(['=', ' ']).next().unwrap_or(line)
}

/// The parts of the example in its order.
fn explanations() -> Vec<Explanation> {
    let (mut explained, mut section, mut comment) = (Vec::<Explanation>::new(), String::new(), String::new());
    let mut is_below_key = false;
    // The first lines are about the whole file.
    let lines = EXAMPLE.lines().skip_while(|line| !line.is_empty());
    for line in lines {
        let bare = line.strip_prefix("# ").unwrap_or(line);
        if bare.starts_with('[') && bare.ends_with(']') {
            bare.clone_into(&mut section);
            let text = std::mem::take(&mut comment);
            explained.push(Explanation { section: section.clone(), lines: Vec::new(), text });
            is_below_key = false;
        } else if is_key(bare) {
            match explained.last_mut().filter(|_| is_below_key && comment.is_empty()) {
                Some(above) => above.lines.push(bare.to_owned()),
                None => explained.push(Explanation {
                    section: section.clone(),
                    lines: vec![bare.to_owned()],
                    text: std::mem::take(&mut comment),
                }),
            }
            is_below_key = true;
        } else if line.starts_with("# ") {
            let space = if comment.is_empty() { "" } else { " " };
            comment.push_str(&format!("{space}{bare}"));
        } else {
            is_below_key = false;
        }
    }
    explained
}

/// Whether the line sets a key: "delay = …", or in `[fetch.delays]` a host name.
fn is_key(line: &str) -> bool {
    let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
    line.split_once(" = ")
        .is_some_and(|(name, _)| !name.is_empty() && (name.chars().all(is_name) || name.starts_with('"')))
}

/// The names of the keys that a type reads.
fn keys_of<'de, T: Deserialize<'de>>() -> &'static [&'static str] {
    let mut names: &'static [&'static str] = &[];
    // There is nothing to read; the type only says which keys it knows.
    let _ = T::deserialize(KeyNames(&mut names));
    names
}

/// Notes the fields of the struct that is read from it, and has no value.
struct KeyNames<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for KeyNames<'_> {
    type Error = NoValue;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NoValue> {
        Err(NoValue::custom("there is no value"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, NoValue> {
        *self.0 = fields;
        Err(NoValue::custom("there is no value"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::ConfigurationKeys;
    use super::*;

    #[test]
    fn every_table_of_the_reader_is_in_the_reference() {
        let headings: BTreeSet<&str> = tables().iter().map(|table| table.heading).collect();
        for &table in keys_of::<ConfigurationKeys>() {
            let written = [format!("[{table}]"), format!("[[{table}]]")];
            assert!(written.iter().any(|heading| headings.contains(heading.as_str())), "{table}");
        }
    }

    #[test]
    fn the_example_explains_every_key_and_no_other() {
        let explanations = explanations();
        for table in tables() {
            assert!(!table.keys.is_empty(), "{}", table.heading);
            if table.form == KeyTableForm::InBraces {
                for key in table.keys {
                    assert!(EXAMPLE.contains(key), "{}: {key}", table.heading);
                }
                continue;
            }
            let of_table = explanations.iter().filter(|explained| explained.section == table.heading);
            let explained: BTreeSet<&str> =
                of_table.flat_map(|explained| explained.lines.iter().map(|line| name_of(line))).collect();
            let inner = table.heading.trim_matches(['[', ']']);
            let has_heading = |key: &str| EXAMPLE.contains(&format!("[{inner}.{key}]"));
            // "One page, or several as pages = […]" explains two keys.
            let is_in_words = |key: &str| EXAMPLE.contains(&format!(" as {key} = ["));
            for &key in table.keys {
                let is_explained = explained.contains(key) || has_heading(key) || is_in_words(key);
                assert!(is_explained, "{}: {key}", table.heading);
            }
            for key in explained {
                assert!(table.keys.contains(&key), "{} has no key {key}", table.heading);
            }
        }
    }
}
