//! Converts Markdown with formulas to HTML, and builds plain pages.

use std::fmt::Write as _;

use pulldown_cmark::{CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd};

use super::code::{self, CodeMarker};
use super::macros::Macros;
use super::maths;
use super::terminal;

/// Environments that are written without delimiters.
const ENVIRONMENTS: &[&str] = &["equation", "align", "gather", "eqnarray", "multline"];

/// A Markdown text as HTML, with its formulas converted.
pub fn html(source: &str) -> String {
    html_with(source, &Macros::of(source))
}

/// The same, with macros that other texts define too.
pub(super) fn html_with(source: &str, macros: &Macros) -> String {
    let source = delimited(source);
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_MATH;
    let draw = |tex: CowStr<'_>, is_display: bool| {
        let drawn = maths::mathml(&tex, is_display, macros).unwrap_or_else(|| {
            format!("<code class=\"onreserve-tex\">{}</code>", html_escape::encode_text(&tex))
        });
        Event::InlineHtml(drawn.into())
    };
    let mut marker = CodeMarker::new();
    // The language and the text of an open block of code.
    let mut block: Option<(String, String)> = None;
    let events = Parser::new_ext(&source, options).filter_map(|event| match event {
        Event::InlineMath(tex) => Some(draw(tex, false)),
        Event::DisplayMath(tex) => Some(draw(tex, true)),
        Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) if !language.is_empty() => {
            block = Some((language.to_string(), String::new()));
            None
        }
        Event::Text(text) if block.is_some() => {
            block.as_mut().into_iter().for_each(|(_, code)| code.push_str(&text));
            None
        }
        Event::End(TagEnd::CodeBlock) => Some(match block.take() {
            Some((language, code)) => Event::Html(code_block(&mut marker, &code, &language).into()),
            None => Event::End(TagEnd::CodeBlock),
        }),
        event => Some(event),
    });
    let mut out = String::new();
    pulldown_cmark::html::push_html(&mut out, events);
    out
}

/// A block of code as HTML; the first word of `info` is its language.
fn code_block(marker: &mut CodeMarker, code: &str, info: &str) -> String {
    let language = info.split([' ', ',', '{', '}']).find(|word| !word.is_empty()).unwrap_or_default();
    format!(
        "<pre class=\"code\"><code>{}</code></pre>\n",
        marker.html(code, language.trim_start_matches('.'))
    )
}

/// A page of this service around the content of a copy; `body` is HTML.
pub fn page(title: &str, body: &str) -> String {
    let title = html_escape::encode_text(title);
    let mut out = String::new();
    let _ = write!(
        out,
        "<!doctype html><html><head><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}{}{}</style></head><body>{body}</body></html>",
        code::STYLE,
        terminal::STYLE
    );
    out
}

/// A file of code as a page, with its lines unchanged.
pub fn code_file(title: &str, text: &str, ending: &str) -> String {
    page(title, &code_block(&mut CodeMarker::new(), text, ending))
}

const STYLE: &str = ":root{color-scheme:light dark}body{max-width:56rem;margin:0 auto;padding:1rem;font:1rem/1.5 system-ui,sans-serif}\
img{max-width:100%;height:auto}pre{overflow-x:auto;padding:.5rem;background:#8881;border-radius:4px;\
white-space:pre-wrap;overflow-wrap:anywhere}pre.error{background:#f442}\
code{background:#8881;border-radius:3px}pre code{background:none}\
blockquote{margin-left:0;padding-left:1rem;border-left:4px solid #8886}\
.alert{padding:.75rem;border:1px solid #8886;border-radius:4px;background:#48f2}pre.code{border-left:4px solid #48f}.cell .prompt{color:#777;font-size:.75rem}\
.output{margin-left:1rem;overflow-x:auto}table{border-collapse:collapse}td,th{border:1px solid #8886;\
padding:.25rem .5rem}section.slide{border-bottom:1px solid #8886;margin-bottom:1rem}";

/// Converts `\[ … \]`, `\( … \)` and bare environments to the dollars of Markdown.
fn delimited(source: &str) -> String {
    let mut out = source.replace("\\\\[", "\u{0}").replace("\\\\(", "\u{1}");
    for (open, close, dollars) in [("\\[", "\\]", "$$"), ("\\(", "\\)", "$")] {
        if out.contains(open) && out.contains(close) {
            out = out.replace(open, dollars).replace(close, dollars);
        }
    }
    out = out.replace('\u{0}', "\\\\[").replace('\u{1}', "\\\\(");
    if !out.contains("\\begin{") {
        return out;
    }
    let mut made = String::new();
    let mut in_dollars = false;
    for line in out.split_inclusive('\n') {
        let trimmed = line.trim_start();
        let named = |word: &str| {
            ENVIRONMENTS.iter().any(|name| {
                let rest = trimmed.strip_prefix(word).and_then(|rest| rest.strip_prefix(name));
                rest.is_some_and(|rest| rest.starts_with('}') || rest.starts_with("*}"))
            })
        };
        if !in_dollars && named("\\begin{") {
            made.push_str("$$");
        }
        made.push_str(line.trim_end_matches('\n'));
        if !in_dollars && ENVIRONMENTS.iter().any(|name| ends_environment(line, name)) {
            made.push_str("$$");
        }
        if line.ends_with('\n') {
            made.push('\n');
        }
        if line.matches("$$").count() % 2 == 1 {
            in_dollars = !in_dollars;
        }
    }
    made
}

fn ends_environment(line: &str, name: &str) -> bool {
    let line = line.trim_end();
    line.ends_with(&format!("\\end{{{name}}}")) || line.ends_with(&format!("\\end{{{name}*}}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_in_markdown_is_marked() {
        let made = html("```python\ndef f(): pass\n```\n\n```{.r}\nx <- \"a\"\n```\n\n    plain <b>\n");
        assert!(made.contains("<span class=\"hl-k\">def</span>"), "{made}");
        assert!(made.contains("<span class=\"hl-s\">\"a\"</span>"), "{made}");
        assert!(made.contains("<pre><code>plain &lt;b&gt;"), "{made}");
    }

    #[test]
    fn formulas_in_markdown_are_drawn() {
        for source in [
            "So $a_1 + b_1$ is",
            "$$\\sum_i x_i$$",
            "\\[ x^2 \\]",
            "\\begin{align}\na &= b\n\\end{align}\n",
            "$$\n\\begin{align}\na &= b\n\\end{align}\n$$",
        ] {
            let made = html(source);
            assert_eq!(made.matches("<math").count(), 1, "{source} became {made}");
        }
        assert!(!html("It costs $5 and $6.").contains("<math"));
    }
}
