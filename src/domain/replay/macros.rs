//! The macros that a page defines for its formulas, in TeX or in the settings of
//! `MathJax` and `KaTeX`, and their expansion within bounds.

/// The most macros of a page.
const MOST: usize = 500;
/// The most expansions in one formula, and their deepest nesting: macros can double a
/// formula with each step.
const MOST_EXPANSIONS: usize = 2000;
const DEPTH: usize = 20;
/// The most characters of an expanded formula.
const LONGEST: usize = 20_000;

/// The most characters of a list of parameters.
const LONGEST_LIST: usize = 200;

/// A macro: `\name` with arguments stands for the body.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Macro {
    name: String,
    /// The number of arguments.
    arguments: usize,
    /// The value of the first argument if it is not given.
    default: Option<String>,
    body: String,
}

/// The macros of a page. A later definition replaces an earlier one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Macros(Vec<Macro>);

impl Macros {
    /// The macros that a text defines.
    pub fn of(source: &str) -> Self {
        let mut found = Vec::new();
        for (at, _) in source.match_indices("macros").take(20) {
            settings(&source[at..], &mut found);
        }
        let mut rest = source;
        let mut tried = 0;
        while let Some(at) = rest.find('\\') {
            rest = &rest[at..];
            tried += usize::from(begins_definition(rest));
            match definition(rest) {
                Some((made, after)) => {
                    found.push(made);
                    rest = after;
                }
                None => rest = &rest[1..],
            }
            if found.len() >= MOST || tried >= MOST_EXPANSIONS {
                break;
            }
        }
        Self(found)
    }

    /// The formula without definitions, and with these macros expanded; `None` if it exceeds
    /// the bounds.
    pub(super) fn expand(&self, tex: &str) -> Option<String> {
        let mut out = String::with_capacity(tex.len());
        let mut left = MOST_EXPANSIONS;
        self.expand_into(tex, DEPTH, &mut left, &mut out)?;
        Some(out)
    }

    fn expand_into(&self, tex: &str, depth: usize, left: &mut usize, out: &mut String) -> Option<()> {
        let mut rest = tex;
        while let Some(at) = rest.find('\\') {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            if begins_definition(rest) {
                *left = left.checked_sub(1)?;
                if let Some((_, after)) = definition(rest) {
                    rest = after;
                    continue;
                }
            }
            let (name, after) = control_sequence(rest)?;
            let known = self.0.iter().rev().find(|known| known.name == name);
            let Some((body, after)) = known.and_then(|known| known.applied(after)) else {
                out.push_str(&rest[..rest.len() - after.len()]);
                rest = after;
                continue;
            };
            *left = left.checked_sub(1)?;
            if body.len() > LONGEST {
                return None;
            }
            // A control word must not run into the letters that follow it.
            self.expand_into(&body, depth.checked_sub(1)?, left, out)?;
            if ends_with_word(out) && after.starts_with(|c: char| c.is_ascii_alphabetic()) {
                out.push(' ');
            }
            rest = after;
        }
        out.push_str(rest);
        (out.len() <= LONGEST).then_some(())
    }
}

impl Macro {
    /// The body with the arguments that stand at the beginning of a text, and the text after
    /// them.
    fn applied<'a>(&self, mut rest: &'a str) -> Option<(String, &'a str)> {
        let mut arguments: Vec<&str> = Vec::new();
        if let Some(default) = &self.default {
            match bracketed(rest) {
                Some((given, after)) => {
                    arguments.push(given);
                    rest = after;
                }
                None => arguments.push(default),
            }
        }
        while arguments.len() < self.arguments {
            let (argument, after) = argument(rest)?;
            arguments.push(argument);
            rest = after;
        }
        let mut body = String::with_capacity(self.body.len());
        let mut parts = self.body.split('#');
        body.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let number = part.chars().next().and_then(|c| c.to_digit(10)).filter(|number| *number > 0);
            match number.and_then(|number| arguments.get(number as usize - 1)) {
                Some(argument) => {
                    body.push_str(argument);
                    body.push_str(&part[1..]);
                }
                None => body.push_str(part),
            }
        }
        Some((body, rest))
    }
}

fn ends_with_word(text: &str) -> bool {
    let word = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    word.len() < text.len() && word.ends_with('\\')
}

const DEFINING: &[&str] =
    &["newcommand", "renewcommand", "providecommand", "def", "gdef", "DeclareMathOperator"];

fn begins_definition(text: &str) -> bool {
    control_sequence(text).is_some_and(|(word, _)| DEFINING.contains(&word))
}

/// A definition at the beginning of a text, and the text after it.
fn definition(text: &str) -> Option<(Macro, &str)> {
    let (word, rest) = control_sequence(text).filter(|(word, _)| DEFINING.contains(word))?;
    let is_starred = rest.starts_with('*');
    let rest = rest.strip_prefix('*').unwrap_or(rest);
    let (named, rest) = argument(rest)?;
    let (name, after_name) = control_sequence(named.trim())?;
    if !after_name.is_empty() {
        return None;
    }
    let name = name.to_owned();
    if word == "DeclareMathOperator" {
        let (body, rest) = argument(rest)?;
        let star = if is_starred { "*" } else { "" };
        let body = format!("\\operatorname{star}{{{body}}}");
        return Some((Macro { name, arguments: 0, default: None, body }, rest));
    }
    let (arguments, default, rest) = if word.ends_with("def") {
        let end = rest.char_indices().take(LONGEST_LIST).find(|(_, c)| *c == '{')?.0;
        let parameters = &rest[..end];
        let is_plain = parameters.chars().all(|c| c == '#' || c.is_ascii_digit() || c.is_whitespace());
        (is_plain.then(|| parameters.matches('#').count())?, None, &rest[end..])
    } else {
        let (count, rest) = bracketed(rest).unwrap_or(("0", rest));
        match bracketed(rest) {
            Some((default, rest)) => (count.trim().parse().ok()?, Some(default.to_owned()), rest),
            None => (count.trim().parse().ok()?, None, rest),
        }
    };
    let (body, rest) = argument(rest)?;
    (arguments <= 9).then(|| (Macro { name, arguments, default, body: body.to_owned() }, rest))
}

/// The name of the control sequence at the beginning of a text, and the text after it.
fn control_sequence(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix('\\')?;
    let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let end = if letters > 0 { letters } else { rest.chars().next().map_or(0, char::len_utf8) };
    Some(rest.split_at(end))
}

/// A group in braces without its braces, or one token.
pub(super) fn argument(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let first = text.chars().next()?;
    match first {
        '{' => {
            let end = closing(text, '{', '}')?;
            Some((&text[1..end], &text[end + 1..]))
        }
        '\\' => {
            let (name, rest) = control_sequence(text)?;
            Some((&text[..=name.len()], rest))
        }
        _ => Some(text.split_at(first.len_utf8())),
    }
}

fn bracketed(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let inner = text.strip_prefix('[')?;
    let end = inner.char_indices().take(LONGEST_LIST).find(|(_, c)| *c == ']')?.0;
    Some((&inner[..end], &inner[end + 1..]))
}

/// The place of the brace that closes the first one.
fn closing(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0_usize;
    let mut is_escaped = false;
    for (at, c) in text.char_indices().take(LONGEST) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if c == open => depth += 1,
            _ if c == close => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// The entries of `macros: { name: "body", other: ["body", 1] }`.
fn settings(text: &str, found: &mut Vec<Macro>) {
    let rest = text["macros".len()..].trim_start_matches(['"', '\'']).trim_start();
    let Some(rest) = rest.strip_prefix([':', '=']).map(str::trim_start) else { return };
    let Some(end) = rest.starts_with('{').then(|| closing(rest, '{', '}')).flatten() else { return };
    let mut rest = &rest[1..end];
    while found.len() < MOST {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        let Some((name, after)) = key(rest) else { return };
        let Some(after) = after.trim_start().strip_prefix(':').map(str::trim_start) else { return };
        let (list, after) = match after.strip_prefix('[') {
            Some(inner) => (true, inner.trim_start()),
            None => (false, after),
        };
        let Some((body, after)) = quoted(after) else { return };
        let mut arguments = (1..=9).rev().find(|n| body.contains(&format!("#{n}"))).unwrap_or(0);
        rest = after;
        if list {
            let Some((inner, after)) = after.split_once(']') else { return };
            let count = inner.trim_matches(|c: char| c.is_whitespace() || c == ',');
            arguments = count.parse().unwrap_or(arguments);
            rest = after;
        }
        if arguments <= 9 {
            found.push(Macro {
                name: name.trim_start_matches('\\').to_owned(),
                arguments,
                default: None,
                body,
            });
        }
    }
}

fn key(text: &str) -> Option<(String, &str)> {
    if text.starts_with(['"', '\'']) {
        return quoted(text);
    }
    let end = text.find(|c: char| !c.is_ascii_alphanumeric())?;
    (end > 0).then(|| (text[..end].to_owned(), &text[end..]))
}

/// A string of JavaScript at the beginning of a text, and the text after it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|c| ['"', '\'', '`'].contains(c))?;
    let mut out = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => out.push(chars.next()?.1),
            _ if c == quote => return Some((out, &text[at + 1..])),
            _ => out.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_in_tex_and_in_settings_are_expanded() {
        let source = r##"<script>MathJax = {tex: {macros: {RR: "\\mathbb{R}", 'E': ["\\mathbb{E}_{#1}[#2]", 2]}}};
            renderMathInElement(document.body, {macros: {"\\eps": "\\varepsilon", "\\f": "#1f(#2)"}})</script>
            \[ \newcommand{\norm}[1]{\lVert #1 \rVert} \def\half{\tfrac12}
            \DeclareMathOperator*{\argmax}{arg\,max} \newcommand\tr[1][A]{\mathrm{tr}(#1)} \]"##;
        let macros = Macros::of(source);
        for (tex, expanded) in [
            (r"x\in\RR^n", r"x\in\mathbb{R}^n"),
            (r"\E{q}{x}", r"\mathbb{E}_{q}[x]"),
            (r"\E q x", r"\mathbb{E}_{q}[x]"),
            (r"\eps x", r"\varepsilon x"),
            (r"\f{a}{b}", r"af(b)"),
            (r"\norm{\half}", r"\lVert \tfrac12 \rVert"),
            (r"\argmax_x", r"\operatorname*{arg\,max}_x"),
            (r"\tr + \tr[B]", r"\mathrm{tr}(A) + \mathrm{tr}(B)"),
            (r"\unknown \\ \{", r"\unknown \\ \{"),
            (r"\newcommand{\zero}{0} 1", " 1"),
        ] {
            assert_eq!(macros.expand(tex).as_deref(), Some(expanded), "{tex}");
        }
    }

    #[test]
    fn a_macro_that_grows_without_end_is_not_expanded() {
        for source in [
            r"\def\a{\a\a}",
            r"\def\a{\b\b\b\b}\def\b{\c\c\c\c}\def\c{\d\d\d\d}\def\d{\e\e\e\e}\def\e{\f\f\f\f}\def\f{\g\g\g\g}\def\g{}",
            r"\newcommand{\a}[1]{\a{#1#1}}",
        ] {
            assert_eq!(Macros::of(source).expand(r"\a{x}"), None, "{source}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(source in "(\\\\def|\\\\newcommand|macros: ?|\\\\[a-c]|[{}\\[\\]#12\"':, a]|\\\\|\u{e9}){0,40}") {
            let _ = Macros::of(&source).expand(&source);
        }
    }
}
