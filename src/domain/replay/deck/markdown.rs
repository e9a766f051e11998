//! The Markdown of slides: its parts, and its HTML.

use pulldown_cmark::{Options, Parser};

/// The parts of a text between lines that are the separator.
pub(super) fn parts(markdown: &str, separator: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for line in markdown.lines() {
        if line.trim() == separator {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push_str(line);
            part.push('\n');
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// The text without the common indentation of its lines.
pub(super) fn outdented(text: &str) -> String {
    let blanks = |line: &&str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let common =
        text.lines().filter(|line| !line.trim().is_empty()).map(|line| blanks(&line)).min().unwrap_or(0);
    let cut = |line: &str| line.get(common.min(line.len())..).unwrap_or(line).to_owned();
    text.lines().map(cut).collect::<Vec<_>>().join("\n")
}

pub(super) fn html(markdown: &str) -> String {
    let mut out = String::new();
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES;
    pulldown_cmark::html::push_html(&mut out, Parser::new_ext(markdown, options));
    out
}
