//! The slides of remark, which are Markdown with properties and classes.

use std::fmt::Write as _;

use super::markdown::{html, outdented, parts};

/// The slides as HTML: `---` is between slides, `--` between steps of one, `???` before notes.
pub(super) fn slides(markdown: &str) -> String {
    let meant = markdown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let mut out = String::new();
    for slide in parts(&outdented(&meant), "---") {
        let (shown, notes) = slide.split_once("\n???").unwrap_or((&slide, ""));
        let (properties, content) = properties(shown);
        if properties.is_layout {
            continue;
        }
        let shown = html(&with_classes(&content));
        if shown.trim().is_empty() {
            continue;
        }
        let notes = if notes.trim().is_empty() {
            String::new()
        } else {
            format!("<aside class=\"onreserve-notes\">{}</aside>", html(notes))
        };
        let class = html_escape::encode_double_quoted_attribute(&properties.class);
        let style = html_escape::encode_double_quoted_attribute(&properties.style);
        let _ = write!(
            out,
            "<section class=\"onreserve-slide remark-slide-content{class}\" style=\"{style}\">{shown}{notes}</section>"
        );
    }
    out
}

#[derive(Default)]
struct Properties {
    /// Each class with a space before it.
    class: String,
    style: String,
    /// A pattern for other slides, which is not shown itself.
    is_layout: bool,
}

/// The properties at the beginning of a slide, and its content.
fn properties(slide: &str) -> (Properties, String) {
    const OTHERS: &[&str] = &["name", "template", "count", "exclude", "layout"];
    let mut found = Properties::default();
    let mut lines = slide.lines().skip_while(|line| line.trim().is_empty()).peekable();
    while let Some((name, value)) = lines.peek().and_then(|line| line.split_once(':')) {
        let value = value.trim();
        match name {
            "class" => value.split([',', ' ']).filter(|word| !word.is_empty()).for_each(|word| {
                let _ = write!(found.class, " {word}");
            }),
            _ if name.starts_with("background-") => {
                let _ = write!(found.style, "{name}:{};", value.replace([';', '{', '}'], ""));
            }
            _ if OTHERS.contains(&name) => found.is_layout |= name == "layout" && value == "true",
            _ => break,
        }
        lines.next();
    }
    let mut in_code = false;
    let content = lines.filter(|line| line.trim() != "--").fold(String::new(), |mut content, line| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        // A star marks a line of code for attention.
        match line.strip_prefix('*').filter(|_| in_code && !is_fence) {
            Some(rest) => {
                let _ = writeln!(content, " {rest}");
            }
            None => {
                let _ = writeln!(content, "{line}");
            }
        }
        content
    });
    (found, content)
}

/// The text with `.name[content]` as an element of this class.
fn with_classes(markdown: &str) -> String {
    let mut out = String::with_capacity(markdown.len());
    // The end tags of the open brackets; other brackets have none.
    let mut open: Vec<Option<&str>> = Vec::new();
    let mut in_code = false;
    for line in markdown.split_inclusive('\n') {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            out.push_str(line);
            continue;
        }
        let mut rest = line;
        while let Some(at) = rest.find(['.', '[', ']']) {
            let before = rest[..at].chars().next_back();
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            let begins = before.is_none_or(|c| c.is_whitespace() || "[(*_".contains(c));
            if let Some((class, inside)) = class_of(rest).filter(|_| begins) {
                let is_block = inside.trim().is_empty() || !closes(inside);
                let (name, space) = if is_block { ("div", "\n\n") } else { ("span", "") };
                let _ = write!(out, "<{name} class=\"{class}\">{space}");
                open.push(Some(if is_block { "\n\n</div>\n\n" } else { "</span>" }));
                rest = inside;
                continue;
            }
            match (&rest[..1], open.last().copied()) {
                ("]", Some(end)) => {
                    out.push_str(end.unwrap_or("]"));
                    open.pop();
                }
                (mark, _) => {
                    if mark == "[" {
                        open.push(None);
                    }
                    out.push_str(mark);
                }
            }
            rest = &rest[1..];
        }
        out.push_str(rest);
    }
    for end in open.into_iter().rev().flatten() {
        out.push_str(end);
    }
    out
}

/// The classes of `.name.other[`, and the text after it.
fn class_of(text: &str) -> Option<(String, &str)> {
    let (names, inside) = text.strip_prefix('.')?.split_once('[')?;
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    names.split('.').all(is_name).then(|| (names.replace('.', " "), inside))
}

/// Whether the bracket before a text is closed in it.
fn closes(text: &str) -> bool {
    let mut depth = 1_usize;
    text.chars().any(|c| {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ => {}
        }
        depth == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_and_classes_are_kept() {
        let out = slides(
            "class: center, middle\nbackground-image: url(a.png)\n\n# One\n\n.red[word] and [a link](b.html) in x.y[0]\n\n\
             .left-column[\n- item .blue[b]\n]\n---\nlayout: true\n.footer[f]\n---\n```python\n* x = a[1]\n```\n",
        );
        for part in [
            "<section class=\"onreserve-slide remark-slide-content center middle\" style=\"background-image:url(a.png);\">",
            "<span class=\"red\">word</span> and <a href=\"b.html\">a link</a> in x.y[0]",
            "<li>item <span class=\"blue\">b</span></li>",
            "  x = a[1]",
        ] {
            assert!(out.contains(part), "{part} in {out}");
        }
        assert_eq!(out.matches("<section").count(), 2, "{out}");
        assert_eq!(out.matches("<div").count(), out.matches("</div>").count(), "{out}");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(markdown in "(\\.[a-c]{1,2}|[\\[\\]:*a\u{e9} ]|class: |---\n|--\n|\n|```\n){0,30}") {
            let _ = slides(&markdown);
        }
    }
}
