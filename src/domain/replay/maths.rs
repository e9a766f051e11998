//! Converts TeX in a page to `MathML`, which a browser draws without a script.

use pulldown_latex::config::DisplayMode;
use pulldown_latex::{Parser, RenderConfig, Storage, mathml};

/// A longer formula is other text between delimiters.
const LONGEST: usize = 20_000;

/// The delimiters of formulas in a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delimiters {
    /// `$…$` is a formula, not a price.
    pub single_dollar: bool,
}

/// A formula as `MathML`; `None` if it is not valid TeX.
///
/// A display formula is on a line of its own.
pub fn mathml(tex: &str, is_display: bool) -> Option<String> {
    let tex = tex.trim();
    if tex.is_empty() || tex.len() > LONGEST {
        return None;
    }
    let storage = Storage::new();
    let display_mode = if is_display { DisplayMode::Block } else { DisplayMode::Inline };
    let config = RenderConfig { display_mode, ..RenderConfig::default() };
    let events: Result<Vec<_>, _> = Parser::new(tex, &storage).collect();
    let mut out = String::new();
    let events = events.ok()?.into_iter().map(Ok::<_, std::fmt::Error>);
    mathml::push_mathml(&mut out, events, config).ok()?;
    Some(out)
}

/// A run of text, or a formula in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextSegment<'a> {
    Text(&'a str),
    Formula { tex: &'a str, is_display: bool },
}

/// Splits text at the delimiters of formulas.
pub fn split(text: &str, delimiters: Delimiters) -> Vec<TextSegment<'_>> {
    let mut parts = Vec::new();
    let (mut rest, mut plain_from) = (0, 0);
    while let Some((at, opening)) = next_opening(text, rest, delimiters) {
        let from = at + opening.open.len();
        let Some(to) = closing(text, from, opening) else {
            rest = from;
            continue;
        };
        if plain_from < at {
            parts.push(TextSegment::Text(&text[plain_from..at]));
        }
        let (start, end) = if opening.keeps_marks { (at, to + opening.close.len()) } else { (from, to) };
        parts.push(TextSegment::Formula { tex: &text[start..end], is_display: opening.is_display });
        rest = to + opening.close.len();
        plain_from = rest;
    }
    if plain_from < text.len() {
        parts.push(TextSegment::Text(&text[plain_from..]));
    }
    parts
}

#[derive(Clone, Copy)]
struct Pair {
    open: &'static str,
    close: &'static str,
    is_display: bool,
    /// An environment belongs to the formula, with its delimiters.
    keeps_marks: bool,
}

const fn pair(open: &'static str, close: &'static str, is_display: bool) -> Pair {
    Pair { open, close, is_display, keeps_marks: false }
}

const fn environment(open: &'static str, close: &'static str) -> Pair {
    Pair { open, close, is_display: true, keeps_marks: true }
}

/// Of delimiters with the same beginning, the longest comes first.
const PAIRS: &[Pair] = &[
    pair("$$", "$$", true),
    pair("\\[", "\\]", true),
    pair("\\(", "\\)", false),
    environment("\\begin{equation}", "\\end{equation}"),
    environment("\\begin{equation*}", "\\end{equation*}"),
    environment("\\begin{align}", "\\end{align}"),
    environment("\\begin{align*}", "\\end{align*}"),
    environment("\\begin{gather}", "\\end{gather}"),
    environment("\\begin{gather*}", "\\end{gather*}"),
    pair("$", "$", false),
];

fn next_opening(text: &str, from: usize, delimiters: Delimiters) -> Option<(usize, Pair)> {
    let mut at = from;
    loop {
        at += text.get(at..)?.find(['$', '\\'])?;
        let here = &text[at..];
        if here.starts_with("\\$") || here.starts_with("\\\\") {
            at += 2;
            continue;
        }
        let opens = |pair: &&Pair| {
            here.starts_with(pair.open) && (pair.open != "$" || delimiters.single_dollar && is_opening(here))
        };
        if let Some(pair) = PAIRS.iter().find(opens) {
            return Some((at, *pair));
        }
        at += 1;
    }
}

/// A dollar before a space or at the end does not open a formula.
fn is_opening(here: &str) -> bool {
    here[1..].chars().next().is_some_and(|c| !c.is_whitespace())
}

fn closing(text: &str, from: usize, pair: Pair) -> Option<usize> {
    let mut at = from;
    loop {
        at += text.get(at..)?.find(pair.close)?;
        let before = &text[from..at];
        let is_escaped = pair.close.starts_with('$') && before.ends_with('\\') && !before.ends_with("\\\\");
        let is_price = pair.close == "$"
            && (before.ends_with(char::is_whitespace)
                || text[at + 1..].chars().next().is_some_and(|c| c.is_ascii_digit()));
        if !is_escaped && !is_price {
            return (!before.trim().is_empty() && !before.contains("\n\n")).then_some(at);
        }
        at += pair.close.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DOLLARS: Delimiters = Delimiters { single_dollar: true };

    fn formulas(text: &str, delimiters: Delimiters) -> Vec<(&str, bool)> {
        let formula = |part| match part {
            TextSegment::Formula { tex, is_display } => Some((tex, is_display)),
            TextSegment::Text(_) => None,
        };
        split(text, delimiters).into_iter().filter_map(formula).collect()
    }

    #[test]
    fn prices_are_not_formulas() {
        assert_eq!(formulas("It costs $5 and $6.", DOLLARS), []);
        assert_eq!(formulas("Let $x$ be, $y + 1$ too.", DOLLARS), [("x", false), ("y + 1", false)]);
        assert_eq!(formulas("Let $x$ be.", Delimiters::default()), []);
        assert_eq!(
            formulas(r"a \(x\), $$y$$ and \[z\] \$5$", DOLLARS),
            [("x", false), ("y", true), ("z", true)]
        );
        assert_eq!(
            formulas(r"\begin{align*} a &= b \end{align*}", DOLLARS),
            [(r"\begin{align*} a &= b \end{align*}", true)]
        );
        assert_eq!(formulas("$$ never closed", DOLLARS), []);
    }

    #[test]
    fn formulas_are_drawn() {
        for tex in [
            r"p(x)=p(z)\left|\det\frac{\partial f}{\partial x}\right|",
            r"\log p(x)=\log p(z)+\sum_i \log|\det J_i|.",
            r"\begin{align*} a &= b \\ c &= d \end{align*}",
            r"\mathbb{E}_{q(z\mid x)}[\log p(x,z)] \le \mathrm{KL}(q\|p)",
        ] {
            let drawn = mathml(tex, true).unwrap_or_else(|| panic!("{tex}"));
            assert!(drawn.starts_with("<math") && !drawn.contains('\\'), "{drawn}");
        }
        assert_eq!(mathml(r"\frac{", false), None);
    }

    #[test]
    fn a_formula_adds_no_markup() {
        for tex in [r"\text{<script>alert(1)</script>}", r"<img src=x onerror=alert(1)>", r"\text{a & b}"] {
            let Some(drawn) = mathml(tex, false) else { continue };
            assert!(!drawn.contains("<script") && !drawn.contains("<img"), "{drawn}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in "[a-z0-9$ \\\\()\\[\\]{}]{0,60}") {
            let parts = split(&text, DOLLARS);
            let plain: usize = parts.iter().map(|part| match part { TextSegment::Text(text) => text.len(), TextSegment::Formula { tex, .. } => tex.len() }).sum();
            prop_assert!(plain <= text.len());
            for part in parts { if let TextSegment::Formula { tex, is_display } = part { let _ = mathml(tex, is_display); } }
        }
    }
}
