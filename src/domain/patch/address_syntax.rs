//! Escapes addresses for each syntax, and compares spellings of addresses.

use percent_encoding::percent_decode_str;

use crate::domain::address::Address;

/// The syntax around an address, which decides what must be escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AddressSyntax {
    /// An attribute in HTML, in these quotation marks or none.
    Attribute(Option<char>),
    /// A destination in Markdown, bare or in angle brackets.
    Destination { in_angles: bool },
    /// `<https://…>` in Markdown, where nothing can be escaped.
    Autolink,
    /// In Markdown text, where punctuation at its end belongs to the sentence.
    Bare,
    /// A word in data, after this character.
    Word(Option<char>),
}

/// The address with the escapes of that place; `old` is the old address as written.
pub(super) fn written(address: &Address, syntax: AddressSyntax, old: &str) -> String {
    let text = address.as_str();
    match syntax {
        AddressSyntax::Attribute(_) => text.replace('&', "&amp;").replace('\'', "&#39;"),
        AddressSyntax::Destination { in_angles } => {
            let text = encoded(text, if in_angles { "\\|" } else { "\\|`" });
            let text = if in_angles || is_balanced(&text) { text } else { encoded(&text, "()") };
            if text.contains(';') { text.replace('&', "&amp;") } else { text }
        }
        AddressSyntax::Autolink => encoded(text, "\\|"),
        AddressSyntax::Bare => {
            let text = encoded(text, "\\|*_~'\"()!;,[]`");
            match text.strip_suffix(['.', '?', ':']) {
                Some(shorter) => format!("{shorter}{}", encoded(&text[shorter.len()..], ".?:")),
                None => text,
            }
        }
        AddressSyntax::Word(before) => {
            let text = match before {
                Some('"' | '\'') => encoded(text, "'\\|"),
                Some('(') => encoded(text, "'\\|,[]()"),
                Some(_) | None => encoded(text, "'\\|,[]"),
            };
            if old.contains("&amp;") { text.replace('&', "&amp;") } else { text }
        }
    }
}

fn encoded(text: &str, wanted: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut written, c| {
        if wanted.contains(c) {
            written.push_str(&format!("%{:02X}", u32::from(c)));
        } else {
            written.push(c);
        }
        written
    })
}

fn is_balanced(text: &str) -> bool {
    let mut open = 0_u32;
    for c in text.chars() {
        match c {
            '(' => open += 1,
            ')' if open == 0 => return false,
            ')' => open -= 1,
            _ => {}
        }
    }
    open == 0
}

/// Equal for addresses that differ only in `http` or `https`, a slash at the end, and
/// unnecessary escapes.
pub(super) fn key(address: &Address) -> String {
    let text = address.as_str();
    let text = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
    plainly(text).trim_end_matches('/').to_owned()
}

/// The address with all escapes undone, for comparison.
pub(super) fn decoded(address: &Address) -> String {
    percent_decode_str(address.as_str()).decode_utf8_lossy().into_owned()
}

/// Undoes escapes of unreserved characters (RFC 3986 section 6.2.2.2).
fn plainly(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let byte = rest.get(1..3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match byte {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                plain.push(char::from(byte))
            }
            Some(byte) => plain.push_str(&format!("%{byte:02X}")),
            None => {
                plain.push('%');
                rest = &rest[1..];
                continue;
            }
        }
        rest = &rest[3..];
    }
    plain.push_str(rest);
    plain
}
