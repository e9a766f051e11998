//! Text that strangers wrote, made safe to stand in a letter.
//!
//! Titles, link words and headings are hostile until they have been through
//! here: they may hold line breaks (header injection), direction controls
//! (spoofed reading order) or words that a mail program turns into links.
//! HTML is escaped later, by the template.

use std::borrow::Cow;

/// The most characters of foreign text that stand in one place.
pub const LONGEST: usize = 120;

/// Endings of file names that are no top-level domains, so that "notes.pdf" stays itself.
const FILE_ENDINGS: [&str; 15] = [
    "pdf", "html", "htm", "ipynb", "js", "txt", "pptx", "ppt", "docx", "doc", "tex", "csv", "json", "png",
    "jpg",
];

/// One line of at most [`LONGEST`] characters without controls or live addresses.
pub fn tame(text: &str) -> String {
    shortened(text, LONGEST)
}

/// As [`tame`], at most `longest` characters.
pub fn shortened(text: &str, longest: usize) -> String {
    // Nothing past ten times the limit can show; the bound keeps the work small.
    let clean = stripped(text.chars().take(longest * 10));
    let calm = calmed(&clean);
    if calm.chars().count() <= longest {
        return calm;
    }
    let head: String = calm.chars().take(longest.saturating_sub(3)).collect();
    // Between words, where that costs little.
    let head = head
        .rsplit_once(' ')
        .map(|(words, _)| words)
        .filter(|words| words.len() + 15 > head.len())
        .unwrap_or(&head);
    format!("{}...", head.trim_end())
}

/// What the operator configured: without controls, but an address stays one.
pub fn visible(text: &str) -> String {
    stripped(text.chars().take(LONGEST * 10))
}

/// A whole text of many lines, whoever wrote it: without controls other than
/// its line breaks, and without invisible characters.
pub fn printable(text: &str) -> Cow<'_, str> {
    let is_unwanted =
        |c: char| c != '\n' && (c.is_control() || is_invisible(c) || matches!(c, '\u{2028}' | '\u{2029}'));
    if text.contains(is_unwanted) {
        Cow::Owned(text.chars().filter(|c| !is_unwanted(*c)).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// In quotation marks; those inside become single.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", tame(text).replace('"', "'"))
}

/// Whether words are an address rather than a name.
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
        let after = chars.get(i + 1..).unwrap_or_default();
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
    // No ending in the list is longer than a handful of letters, no domain label than 63.
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
            tame("Node.js, notes.pdf, Section 3.2, e.g. this"),
            "Node.js, notes.pdf, Section 3.2, e.g. this"
        );
    }
}
