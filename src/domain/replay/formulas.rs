//! Formulas in the text of a page: detects them and converts them to `MathML`.

use super::maths::{self, Delimiters, TextSegment};

/// The delimiters of the formulas of a page, if a script would draw them.
pub(super) fn delimiters(source: &str) -> Option<Delimiters> {
    let lower = source.to_ascii_lowercase();
    let has_script = ["mathjax", "katex", "class=\"math ", "class=\"math inline", "arithmatex"]
        .iter()
        .any(|name| lower.contains(name));
    has_script.then(|| {
        let squeezed: String = lower.chars().filter(|c| !c.is_whitespace()).collect();
        let single_dollar = ["['$','$']", "[\"$\",\"$\"]", "left:\"$\"", "left:'$'"]
            .iter()
            .any(|setting| squeezed.contains(setting));
        Delimiters { single_dollar }
    })
}

/// The source text of a page with its formulas converted; `None` if it has no
/// formulas.
pub(super) fn draw(text: &str, delimiters: Delimiters) -> Option<String> {
    if !text.contains(['$', '\\']) {
        return None;
    }
    let mut is_drawn = false;
    let mut out = String::new();
    for part in maths::split(text, delimiters) {
        match part {
            TextSegment::Text(text) => out.push_str(text),
            TextSegment::Formula { tex, is_display } => match maths::mathml(&decoded(tex), is_display) {
                Some(drawn) => {
                    is_drawn = true;
                    out.push_str(&drawn);
                }
                None => {
                    is_drawn = true;
                    out.push_str(&undrawn(tex));
                }
            },
        }
    }
    is_drawn.then_some(out)
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
