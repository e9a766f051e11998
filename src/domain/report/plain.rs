//! Sanitizing of foreign text for emails and pages.
//!
//! Titles, link words and headings come from pages and may be hostile. They may
//! contain line breaks (header injection), direction controls (a false reading
//! order) or words that a mail program turns into links. The templates escape
//! HTML later.

use std::borrow::Cow;

/// The most characters of foreign text in one place.
pub const LONGEST: usize = 120;

/// File name extensions that are not top-level domains, so that "notes.pdf" stays as it is.
const FILE_ENDINGS: [&str; 26] = [
    "pdf", "html", "htm", "ipynb", "js", "txt", "pptx", "ppt", "docx", "doc", "tex", "csv", "json", "png",
    "jpg", "md", "markdown", "qmd", "rmd", "rst", "yml", "yaml", "bib", "xlsx", "odt", "epub",
];

/// One line of at most [`LONGEST`] characters without controls or live addresses.
pub fn tame(text: &str) -> String {
    shortened(text, LONGEST)
}

/// As [`tame`], at most `longest` characters.
pub fn shortened(text: &str, longest: usize) -> String {
    // Only ten times the limit is read, which bounds the work.
    let clean = stripped(text.chars().take(longest * 10));
    let calm = calmed(&clean);
    if calm.chars().count() <= longest {
        return calm;
    }
    let head: String = calm.chars().take(longest.saturating_sub(3)).collect();
    // Cut between words, unless that loses too much.
    let head = head
        .rsplit_once(' ')
        .map(|(words, _)| words)
        .filter(|words| words.len() + 15 > head.len())
        .unwrap_or(&head);
    format!("{}...", head.trim_end())
}

/// Trusted text without controls. Addresses stay intact.
pub fn visible(text: &str) -> String {
    stripped(text.chars().take(LONGEST * 10))
}

/// A text of many lines without invisible characters and without controls
/// other than its line breaks.
pub fn printable(text: &str) -> Cow<'_, str> {
    let is_unwanted =
        |c: char| c != '\n' && (c.is_control() || is_invisible(c) || matches!(c, '\u{2028}' | '\u{2029}'));
    if text.contains(is_unwanted) {
        Cow::Owned(text.chars().filter(|c| !is_unwanted(*c)).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// In quotation marks. Quotation marks inside become single.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", tame(text).replace('"', "'"))
}

/// A media type without its parameters.
pub fn essence(media_type: &str) -> &str {
    media_type.split_once(';').map_or(media_type, |(essence, _)| essence).trim()
}

/// Whether the words are an address and not a name.
pub fn is_bare_address(words: &str) -> bool {
    let words = words.trim();
    !words.contains(char::is_whitespace) && (words.contains("://") || words.starts_with("www."))
}

/// Drops invisible characters and folds white space.
fn stripped(text: impl Iterator<Item = char>) -> String {
    let mut clean = String::new();
    for c in text {
        if c.is_whitespace() || c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
            if !clean.is_empty() && !clean.ends_with(' ') {
                clean.push(' ');
            }
        } else if !is_invisible(c) {
            clean.push(c);
        }
    }
    clean.truncate(clean.trim_end().len());
    clean
}

/// Direction controls, zero-width characters, tags and annotation marks.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}'
        | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

/// A whole address that no mail program makes a link of.
pub fn defused(address: &str) -> String {
    calmed(&visible(address))
}

/// Breaks what a mail program would make a link of: "a.com" becomes "a[.]com".
fn calmed(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut calm = String::with_capacity(text.len());
    for (i, c) in chars.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|i| chars.get(i)).is_some_and(|c| c.is_alphanumeric());
        let after = chars.get(i + 1..).unwrap_or(&[]);
        match c {
            '.' if before && starts_a_domain(after) => calm.push_str("[.]"),
            '@' if before && after.first().is_some_and(|c| c.is_alphanumeric()) => calm.push_str("[at]"),
            ':' if after.starts_with(&['/', '/']) => calm.push_str("[:]"),
            other => calm.push(*other),
        }
    }
    calm
}

fn starts_a_domain(after: &[char]) -> bool {
    // A domain label has at most 63 characters (RFC 1035).
    let label: String = after.iter().take(64).take_while(|c| c.is_alphanumeric()).collect();
    let letters = label.chars().take_while(|c| c.is_alphabetic()).count();
    letters >= 2 && !FILE_ENDINGS.contains(&label.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_becomes_one_harmless_line() {
        assert_eq!(tame(" a\r\nBcc: x\u{202e}\u{200b}\u{85}y "), "a Bcc: x y");
        assert_eq!(tame(&"x".repeat(200)).chars().count(), LONGEST);
        assert_eq!(quoted("the \"best\""), "\"the 'best'\"");
    }

    #[test]
    fn words_that_look_like_addresses_are_not_live() {
        assert_eq!(tame("https://evil.com/a.pdf"), "https[:]//evil[.]com/a.pdf");
        assert_eq!(tame("mail me@evil.org, ok"), "mail me[at]evil[.]org, ok");
        assert_eq!(
            tame("Node.js, index.md, notes.pdf, Section 3.2, e.g. this"),
            "Node.js, index.md, notes.pdf, Section 3.2, e.g. this"
        );
    }
}
