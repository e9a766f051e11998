//! Converts TeX in a page to `MathML`, which a browser draws without a script.

use pulldown_latex::config::DisplayMode;
use pulldown_latex::{Parser, RenderConfig, Storage, mathml};

use super::infix;
use super::macros::{Macros, argument};

/// A longer formula is other text between delimiters.
const LONGEST: usize = 20_000;

/// The delimiters of formulas in a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delimiters {
    /// `$…$` is a formula, not a price.
    pub single_dollar: bool,
}

/// The layout of formulas. It comes before the styles of the page and yields to them. The
/// fonts are those of the common systems that have the parts of large brackets.
pub(super) const STYLE: &str = ":where(math){font-family:\"Latin Modern Math\",\"STIX Two Math\",\"Cambria Math\",\"Noto Sans Math\",math}\
:where(math[display=block]){flex-grow:1;min-width:0;margin:1em 0;overflow-x:auto;overflow-y:hidden}\
.onreserve-math{font-size:1.1em}.onreserve-math mtd{padding-left:0;padding-right:0}\
.onreserve-math :is(.menv-alignlike>mtr>mtd:nth-child(odd),.menv-cells-right>mtr>mtd,.cell-right){text-align:right;text-align:-webkit-right}\
.onreserve-math :is(.menv-alignlike>mtr>mtd:nth-child(even),.menv-cells-left>mtr>mtd,.cell-left){text-align:left;text-align:-webkit-left}\
.onreserve-math .menv-align>mtr>mtd:nth-child(2n + 3){padding-left:1em}\
.onreserve-math .menv-alignlike>mtr>mtd{math-style:normal}\
.onreserve-math .menv-cases>mtr>mtd:first-child{padding-right:1em}\
.onreserve-math .menv-arraylike>mtr>mtd{padding-left:.4em;padding-right:.4em}\
.onreserve-math .menv-left-solid{border-left:.06em solid}.onreserve-math .menv-right-solid{border-right:.06em solid}\
.onreserve-math .menv-hline{border-top:.06em solid}";

/// A formula as `MathML`; `None` if it is not valid TeX. A formula that only defines macros
/// is empty.
///
/// A display formula is on a line of its own.
pub fn mathml(tex: &str, is_display: bool, macros: &Macros) -> Option<String> {
    if tex.trim().is_empty() || tex.len() > LONGEST {
        return None;
    }
    let expanded = prepared(&macros.expand(tex)?);
    let tex = expanded.trim();
    if tex.is_empty() {
        return Some(String::new());
    }
    let storage = Storage::new();
    let display_mode = if is_display { DisplayMode::Block } else { DisplayMode::Inline };
    let config = RenderConfig { display_mode, ..RenderConfig::default() };
    let events: Result<Vec<_>, _> = Parser::new(tex, &storage).collect();
    let mut out = String::new();
    let events = events.ok()?.into_iter().map(Ok::<_, std::fmt::Error>);
    mathml::push_mathml(&mut out, events, config).ok()?;
    // The crate escapes its own character reference.
    let out = out.replace("&amp;nbsp;", "&#160;");
    Some(out.replacen("<math", "<math class=\"onreserve-math\"", 1))
}

/// The formula without commands that the crate does not know, where others mean the same.
fn prepared(tex: &str) -> String {
    const SAME: &[(&str, &str)] = &[
        ("bm", "\\boldsymbol"),
        ("mathscr", "\\mathcal"),
        ("mathds", "\\mathbb"),
        ("mathbbm", "\\mathbb"),
        ("mbox", "\\text"),
        ("hbox", "\\text"),
        ("ensuremath", ""),
        ("boxed", ""),
        ("smash", ""),
        ("nonumber", ""),
        ("notag", ""),
        ("hfill", ""),
        ("displaylimits", ""),
        ("cr", "\\\\"),
    ];
    let mut out = String::with_capacity(tex.len());
    let mut rest = tex;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if let Some((meant, after)) = with_argument(name, after) {
            out.push_str(&meant);
            rest = after;
        } else if let Some((_, meant)) = SAME.iter().find(|(known, _)| *known == name) {
            out.push_str(meant);
            rest = after;
        } else {
            // A backslash and the character that it escapes belong together.
            let end = if name.is_empty() { after.chars().next().map_or(0, char::len_utf8) } else { end };
            out.push('\\');
            out.push_str(&rest[..end]);
            rest = &rest[end..];
        }
    }
    out.push_str(rest);
    infix::as_prefix(&out)
}

/// What a command with its argument means to the crate, and the text after it.
fn with_argument<'a>(name: &str, after: &'a str) -> Option<(String, &'a str)> {
    const KNOWN: &[&str] =
        &["label", "require", "vphantom", "phantom", "href", "tag", "operatorname", "begin", "end"];
    if !KNOWN.contains(&name) {
        return None;
    }
    let is_starred = after.starts_with('*');
    let (words, after) = argument(after.strip_prefix('*').unwrap_or(after))?;
    let meant = match name {
        "label" | "require" | "vphantom" | "href" => String::new(),
        "phantom" => "\\quad ".to_owned(),
        "tag" if is_starred => format!("\\qquad\\text{{{words}}}"),
        "tag" => format!("\\qquad\\text{{({words})}}"),
        "operatorname" => operator(words, is_starred),
        "begin" if words.trim_end_matches('*') == "eqnarray" => "\\begin{array}{rcl}".to_owned(),
        "end" if words.trim_end_matches('*') == "eqnarray" => "\\end{array}".to_owned(),
        _ => return None,
    };
    Some((meant, after))
}

/// An operator with a name. The crate prints the name as it is written.
fn operator(words: &str, has_limits: bool) -> String {
    let words = ["\\,", "\\;", "\\:", "\\ ", "\\!", "~"]
        .iter()
        .fold(words.to_owned(), |words, space| words.replace(space, "\u{2009}"));
    match words.chars().all(|c| c.is_alphanumeric() || "- \u{2009}".contains(c)) {
        true if has_limits => format!("\\mathop{{{words}}}"),
        true => format!("\\operatorname{{{words}}}"),
        false => format!("\\mathrm{{{words}}}"),
    }
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
    environment("\\begin{multline}", "\\end{multline}"),
    environment("\\begin{multline*}", "\\end{multline*}"),
    environment("\\begin{eqnarray}", "\\end{eqnarray}"),
    environment("\\begin{eqnarray*}", "\\end{eqnarray*}"),
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
            let drawn = mathml(tex, true, &Macros::default()).unwrap_or_else(|| panic!("{tex}"));
            assert!(drawn.starts_with("<math") && !drawn.contains('\\'), "{drawn}");
        }
        assert_eq!(mathml(r"\frac{", false, &Macros::default()), None);
    }

    #[test]
    fn a_formula_adds_no_markup() {
        for tex in [r"\text{<script>alert(1)</script>}", r"<img src=x onerror=alert(1)>", r"\text{a & b}"] {
            let Some(drawn) = mathml(tex, false, &Macros::default()) else { continue };
            assert!(!drawn.contains("<script") && !drawn.contains("<img"), "{drawn}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in "[a-z0-9$ \\\\()\\[\\]{}]{0,60}") {
            let parts = split(&text, DOLLARS);
            let plain: usize = parts.iter().map(|part| match part { TextSegment::Text(text) => text.len(), TextSegment::Formula { tex, .. } => tex.len() }).sum();
            prop_assert!(plain <= text.len());
            for part in parts { if let TextSegment::Formula { tex, is_display } = part { let _ = mathml(tex, is_display, &Macros::default()); } }
        }
    }
}
