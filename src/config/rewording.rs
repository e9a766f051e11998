//! Rewords the errors of the TOML reader for administrators: what is wrong, and what to write.

/// The most changes by which a mistyped name differs from the one that was meant.
const MOST_CHANGES: usize = 3;

/// The message in plain words. It never repeats a text from the file, as that may be a secret.
pub(super) fn reworded(message: &str) -> String {
    unknown(message, "unknown field ", "key")
        .or_else(|| unknown(message, "unknown variant ", "value"))
        .or_else(|| missing(message))
        .or_else(|| wrong_type(message))
        .unwrap_or_else(|| message.to_owned())
}

/// "unknown field `delya`, expected one of `contact`, `delay`".
fn unknown(message: &str, start: &str, noun: &str) -> Option<String> {
    let (name, expected) = message.strip_prefix(start)?.strip_prefix('`')?.split_once('`')?;
    let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    Some(match nearest(name, &known) {
        Some(meant) => format!("unknown {noun} `{name}`; did you mean `{meant}`?"),
        None if known.is_empty() => format!("unknown {noun} `{name}`; remove it"),
        None => format!("unknown {noun} `{name}`; the {noun}s here are {}", known.join(", ")),
    })
}

/// The known name that is most like a mistyped one.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let most = MOST_CHANGES.min(name.chars().count() / 2);
    let near = known.iter().map(|known| (strsim::damerau_levenshtein(name, known), *known));
    near.filter(|(changes, _)| *changes <= most).min().map(|(_, known)| known)
}

/// "missing field `id`".
fn missing(message: &str) -> Option<String> {
    let name = message.strip_prefix("missing field `")?.strip_suffix('`')?;
    Some(format!("the key `{name}` is missing; add it"))
}

/// "invalid type: integer `2`, expected a string".
fn wrong_type(message: &str) -> Option<String> {
    let (found, expected) = message.strip_prefix("invalid type: ")?.rsplit_once(", expected ")?;
    let kind = found.split([' ', '`', '"']).next().unwrap_or(found);
    Some(match (kind, expected) {
        ("map", "a sequence") => "write the heading with two brackets, as in [[course]]".to_owned(),
        (_, "a sequence") => "expected a list; put the values in brackets, as in [\"…\"]".to_owned(),
        ("integer" | "floating" | "boolean", "a string") => {
            format!("expected a text, found {found}; put it in quotes")
        }
        ("string", "a boolean") => "expected true or false, without quotes".to_owned(),
        ("string", _) => format!("expected {expected}, found a text"),
        (_, _) => format!("expected {expected}, found {found}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_reworded_with_what_to_write() {
        for (message, words) in [
            (
                "unknown field `delya`, expected one of `contact`, `delay`, `delays`",
                "unknown key `delya`; did you mean `delay`?",
            ),
            (
                "unknown field `colour`, expected `id` or `page`",
                "unknown key `colour`; the keys here are id, page",
            ),
            (
                "unknown variant `drak`, expected `open` or `dark`",
                "unknown value `drak`; did you mean `dark`?",
            ),
            ("missing field `id`", "the key `id` is missing; add it"),
            (
                "invalid type: map, expected a sequence",
                "write the heading with two brackets, as in [[course]]",
            ),
            (
                "invalid type: integer `2`, expected a string",
                "expected a text, found integer `2`; put it in quotes",
            ),
            ("invalid type: string \"secret\", expected u16", "expected u16, found a text"),
            ("expected `.`, `=`", "expected `.`, `=`"),
        ] {
            assert_eq!(reworded(message), words);
        }
    }
}
