//! Formulas in the text of a page: detects them and converts them to `MathML`.

use super::macros::Macros;
use super::maths::{self, Delimiters, TextSegment};

/// How a script would find and read the formulas of a page.
#[derive(Clone, Debug, Default)]
pub(super) struct Formulas {
    pub delimiters: Delimiters,
    pub macros: Macros,
}

impl Formulas {
    /// `None` if no script would draw formulas.
    pub(super) fn of(source: &str) -> Option<Self> {
        const MARKS: &[&str] = &[
            "mathjax",
            "katex",
            "class=\"math ",
            "class=\"math inline",
            "arithmatex",
            "<d-math",
            "<dt-math",
        ];
        // In settings, and by default in the plugins of reveal.js.
        const DOLLARS: &[&str] =
            &["['$','$']", "[\"$\",\"$\"]", "left:\"$\"", "left:'$'", "revealmath", "plugin/math"];
        let lower = source.to_ascii_lowercase();
        MARKS.iter().any(|mark| lower.contains(mark)).then(|| {
            let squeezed: String = lower.chars().filter(|c| !c.is_whitespace()).collect();
            let single_dollar = DOLLARS.iter().any(|setting| squeezed.contains(setting));
            Self { delimiters: Delimiters { single_dollar }, macros: Macros::of(&decoded(source)) }
        })
    }

    /// The source text of a page with its formulas converted; `None` if it has no
    /// formulas.
    pub(super) fn draw(&self, text: &str) -> Option<String> {
        if !text.contains(['$', '\\']) {
            return None;
        }
        let mut is_drawn = false;
        let mut out = String::new();
        for part in maths::split(text, self.delimiters) {
            match part {
                TextSegment::Text(text) => out.push_str(text),
                TextSegment::Formula { tex, is_display } => {
                    is_drawn = true;
                    out.push_str(&self.drawn(tex, is_display));
                }
            }
        }
        is_drawn.then_some(out)
    }

    /// The text of an element that holds one formula: with delimiters, or without.
    pub(super) fn draw_whole(&self, text: &str, is_display: bool) -> String {
        let trimmed = text.trim();
        let has_delimiters = ["\\(", "\\[", "$"].iter().any(|open| trimmed.starts_with(open));
        if !has_delimiters {
            return self.drawn(trimmed, is_display);
        }
        let with_dollars = Self { delimiters: Delimiters { single_dollar: true }, ..self.clone() };
        with_dollars.draw(text).unwrap_or_else(|| text.to_owned())
    }

    /// One formula; `tex` is source text of the page.
    fn drawn(&self, tex: &str, is_display: bool) -> String {
        maths::mathml(&decoded(tex), is_display, &self.macros).unwrap_or_else(|| undrawn(tex))
    }
}

/// Whether the text of an element is one formula, and whether it is a display formula.
pub(super) fn element(name: &str, class: &str, has_block: bool) -> Option<bool> {
    let has = |word: &str| class.split_ascii_whitespace().any(|it| it == word);
    match name {
        "d-math" | "dt-math" => Some(has_block),
        "span" | "div" | "code" if has("math") && has("inline") || has("math-inline") => Some(false),
        "span" | "div" | "code" if has("math") && has("display") || has("math-display") => Some(true),
        _ => None,
    }
}

/// A formula that cannot be converted, as its author wrote it; `tex` is escaped already.
fn undrawn(tex: &str) -> String {
    format!("<code class=\"onreserve-tex\">{tex}</code>")
}

/// The character references that occur in formulas.
fn decoded(tex: &str) -> String {
    let references =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")];
    references.iter().fold(tex.to_owned(), |text, (reference, meant)| text.replace(reference, meant))
}
