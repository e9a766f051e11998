//! Plain text and formats that are written as plain text: Markdown, R Markdown, LaTeX, CSV.
//!
//! The text is the source unchanged. Titles and headings are found by their markup.

use super::{Document, DocumentContext, DocumentDefect, Format, html, title};

/// Even in longer sources the title is within this many lines.
const HEAD_LINES: usize = 200;
/// Files with these extensions are not text, whatever the server sends.
const BINARY: &[&str] = &[
    ".pdf", ".pptx", ".ppt", ".docx", ".doc", ".xlsx", ".xls", ".odp", ".odt", ".ods", ".epub", ".zip",
    ".djvu",
];
/// The beginning of a Git Large File Storage pointer.
const LFS_POINTER: &str = "version https://git-lfs.github.com/spec/";

pub(super) fn read(bytes: &[u8], context: &DocumentContext) -> Document {
    let text = html::decode(bytes, context.content_type.as_deref());
    let path = context.address.path().to_ascii_lowercase();
    let ends_with = |endings: &[&str]| endings.iter().any(|ending| path.ends_with(ending));
    let bare = Document::bare(Format::Text);
    if text.starts_with(LFS_POINTER) {
        return Document { text, ..bare }.with_defect(DocumentDefect::LfsPointer);
    }
    if ends_with(BINARY) || (path.ends_with(".ipynb") && is_error(&text)) {
        return Document { text, ..bare }.with_defect(DocumentDefect::ErrorText);
    }
    if ends_with(&[".csv", ".tsv"]) {
        let cells = text.replace([',', ';', '\t', '"'], " ");
        return Document { text: cells, ..bare };
    }
    let headings = if ends_with(&[".tex", ".ltx"]) || text.contains("\\documentclass") {
        commands(&text)
    } else if ends_with(&[".md", ".markdown", ".rmd", ".qmd", ".mdx"]) {
        marked(&text)
    } else {
        Vec::new()
    };
    Document { title: headings.first().and_then(|it| title::own(it)), headings, text, ..bare }
}

/// An error of an API in place of a file.
fn is_error(text: &str) -> bool {
    let object = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text);
    object.is_ok_and(|object| ["error", "errors", "message"].iter().any(|key| object.contains_key(*key)))
}

/// The title in the front matter, and headings with `#` or underlined.
fn marked(text: &str) -> Vec<String> {
    let mut headings = Vec::new();
    let mut lines = text.lines().peekable();
    if lines.peek().is_some_and(|line| line.trim_end() == "---") {
        lines.next();
        for line in
            lines.by_ref().take(HEAD_LINES).take_while(|line| !matches!(line.trim_end(), "---" | "..."))
        {
            headings.extend(line.strip_prefix("title:").map(|title| unquoted(title).to_owned()));
        }
    }
    let mut is_code = false;
    while let Some(line) = lines.next() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        if is_code {
            continue;
        }
        let below = lines.peek().map_or("", |next| next.trim_end());
        let is_underlined =
            below.len() >= 3 && (below.chars().all(|c| c == '=') || below.chars().all(|c| c == '-'));
        let is_words = !line.trim().is_empty() && !line.starts_with(['-', '|', '>', '#']);
        if let Some(heading) = line.strip_prefix('#') {
            headings.push(heading.trim_start_matches('#').trim_end_matches('#').trim().to_owned());
        } else if is_underlined && is_words {
            headings.push(line.trim().to_owned());
        }
    }
    headings.retain(|heading| !heading.is_empty());
    headings
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches(['"', '\''])
}

/// The contents of `\title`, `\chapter` and `\section`.
fn commands(text: &str) -> Vec<String> {
    const NAMES: &[&str] = &["\\title{", "\\chapter{", "\\section{", "\\section*{", "\\chapter*{"];
    let mut headings = Vec::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with('%')) {
        let Some(rest) = NAMES.iter().find_map(|name| line.split_once(name)).map(|(_, rest)| rest) else {
            continue;
        };
        let heading = rest.split('}').next().unwrap_or(rest).replace("\\\\", " ");
        headings.push(heading.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    headings.retain(|heading| !heading.is_empty());
    headings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::Address;

    fn read_at(path: &str, text: &str) -> Document {
        let address = Address::parse(&format!("https://a.example/{path}")).unwrap();
        read(text.as_bytes(), &DocumentContext::new(address, None))
    }

    #[test]
    fn titles_are_found_by_markup() {
        let cases = [
            ("a.md", "# On flows\n\n```\n# a comment\n```\n\nNext\n----\n", vec!["On flows", "Next"]),
            ("a.Rmd", "---\ntitle: \"Lab 3: sampling\"\n---\n\n## Data\n", vec!["Lab 3: sampling", "Data"]),
            (
                "a.tex",
                "\\documentclass{article}\n%\\title{No}\n\\title{On\\\\ scores}\n\\section{One}",
                vec!["On scores", "One"],
            ),
            ("a.txt", "# no heading here", vec![]),
        ];
        for (path, text, headings) in cases {
            let read = read_at(path, text);
            assert_eq!(read.headings, headings, "{path}");
            assert_eq!(read.title.as_deref(), headings.first().copied(), "{path}");
        }
    }

    #[test]
    fn a_text_in_place_of_a_file_is_a_defect() {
        let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 7\n";
        assert_eq!(read_at("a.pdf", pointer).defect, Some(DocumentDefect::LfsPointer));
        assert_eq!(read_at("a.pdf", "{\"error\": \"no such file\"}").defect, Some(DocumentDefect::ErrorText));
        assert_eq!(
            read_at("a.ipynb", "{\"message\": \"Not Found\"}").defect,
            Some(DocumentDefect::ErrorText)
        );
        assert_eq!(read_at("a.json", "{\"message\": \"Not Found\"}").defect, None);
    }
}
