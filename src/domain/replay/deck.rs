//! Slide decks that need a script: their slides are shown one after another.

mod background;
mod markdown;
mod remark;
mod style;

use std::fmt::Write as _;

use lol_html::html_content::ContentType;
use lol_html::{RewriteStrSettings, element, rewrite_str};

use crate::domain::address::Address;
pub(super) use background::background;
use markdown::{html, outdented, parts};

/// The supported slide programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deck {
    Reveal,
    Marp,
    Remark,
    Impress,
    /// `DZSlides`, S5, Slidy, Slideous and Shower: slides that a style hides.
    Hidden,
}

/// The slide program of a page.
pub fn of(source: &str) -> Option<Deck> {
    let has = |mark: &str| source.contains(mark);
    if has("data-marpit-svg") || has("class=\"marpit\"") {
        Some(Deck::Marp)
    } else if has("remark.create") {
        Some(Deck::Remark)
    } else if has("id=\"impress\"") || has("id=impress") {
        Some(Deck::Impress)
    } else if has_class(source, "reveal") && has_class(source, "slides") {
        Some(Deck::Reveal)
    } else if HIDDEN.iter().any(|mark| has(mark)) {
        Some(Deck::Hidden)
    } else {
        None
    }
}

/// The marks of programs whose slides are elements that a style hides.
const HIDDEN: &[&str] = &[
    "dzslides core",
    "content=\"S5 ",
    "Slidy2/scripts/slidy.js",
    "slidy.js\"",
    "slideous.js",
    "shower.min.js",
    "shower.js",
];

fn has_class(source: &str, name: &str) -> bool {
    source.match_indices("class=").any(|(at, _)| {
        let value = source[at + 6..].trim_start();
        let value = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split(quote).next(),
            _ => value.split(['>', ' ']).next(),
        };
        value.is_some_and(|value| value.split_ascii_whitespace().any(|word| word == name))
    })
}

/// The page with its Markdown slides as HTML. `text` returns a file that a slide
/// names.
pub fn expand(source: &str, base: &Address, text: impl Fn(&Address) -> Option<String>) -> String {
    let sections = element!("section[data-markdown]", |section| {
        let name = section.get_attribute("data-markdown").unwrap_or_default();
        let separator = section.get_attribute("data-separator");
        section.remove_attribute("data-markdown");
        if !name.trim().is_empty()
            && let Some(markdown) = base.join(&name).ok().and_then(|address| text(&address))
        {
            section.set_inner_content(&slides(&markdown, separator.as_deref()), ContentType::Html);
        }
        Ok(())
    });
    let settings = RewriteStrSettings::new().append_element_content_handler(sections);
    let source = rewrite_str(source, settings).unwrap_or_else(|_| source.to_owned());
    let source = trimmed_code(&source);
    let source = within(&source, "<script type=\"text/template\">", "</script>", |text| slides(text, None));
    let source = within(&source, "<textarea data-template>", "</textarea>", |text| slides(text, None));
    if of(&source) != Some(Deck::Remark) {
        return source;
    }
    let open =
        source.find("<textarea").and_then(|at| source[at..].find('>').map(|end| &source[at..=at + end]));
    match open {
        Some(open) => within(&source, open, "</textarea>", remark::slides),
        None => source,
    }
}

/// Code in slides without the indentation that a script would remove (`data-trim`).
fn trimmed_code(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some((before, after)) = rest.split_once("<code ") {
        out.push_str(before);
        out.push_str("<code ");
        rest = after;
        let Some((attributes, inside)) = after.split_once('>') else { break };
        let Some((code, after)) = inside.split_once("</code>") else { break };
        if attributes.contains("data-trim") {
            out.push_str(attributes);
            out.push('>');
            out.push_str(outdented(code).trim_matches('\n').trim_end());
            out.push_str("</code>");
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

/// Converts the text between two marks to HTML, and removes the marks.
fn within(source: &str, open: &str, close: &str, make: impl Fn(&str) -> String) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some((before, after)) = rest.split_once(open) {
        let Some((inside, after)) = after.split_once(close) else { break };
        out.push_str(before);
        out.push_str(&make(inside));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Markdown slides; several slides are in one section.
fn slides(markdown: &str, separator: Option<&str>) -> String {
    // The setting is a pattern, but decks use a line of dashes.
    let line = separator.map_or("---", |pattern| {
        let plain = pattern.trim_matches(|c: char| "^$\\rn?()+".contains(c));
        if plain.is_empty() { "---" } else { plain }
    });
    let slides: Vec<String> =
        parts(&outdented(markdown), line).iter().map(|slide| with_notes(slide)).collect();
    match slides.as_slice() {
        [only] => only.clone(),
        several => several.iter().fold(String::new(), |mut out, slide| {
            let _ = write!(out, "<section>{slide}</section>");
            out
        }),
    }
}

/// A slide and its speaker notes (`Note:`).
fn with_notes(slide: &str) -> String {
    let is_note = |line: &&str| {
        let lower = line.trim_start().to_ascii_lowercase();
        lower.starts_with("note:") || lower.starts_with("notes:")
    };
    let lines: Vec<&str> = slide.lines().collect();
    match lines.iter().position(is_note) {
        Some(at) => {
            let notes = lines[at..].join("\n");
            format!("{}<aside class=\"notes\">{}</aside>", html(&lines[..at].join("\n")), html(&notes))
        }
        None => html(slide),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Address {
        Address::parse("https://lab.edu/deck/").unwrap()
    }

    #[test]
    fn each_program_is_known_by_its_marks() {
        for (source, deck) in [
            ("<div class='reveal'><div class=\"slides\"></div></div>", Some(Deck::Reveal)),
            ("<svg data-marpit-svg=''></svg>", Some(Deck::Marp)),
            ("<textarea id=source></textarea><script>remark.create()</script>", Some(Deck::Remark)),
            ("<div id=\"impress\"></div>", Some(Deck::Impress)),
            ("<meta name=\"version\" content=\"S5 1.1\">", Some(Deck::Hidden)),
            ("<p class=revealing>", None),
        ] {
            assert_eq!(of(source), deck, "{source}");
        }
    }

    #[test]
    fn slides_in_markdown_are_laid_out() {
        let source = "<section data-markdown=\"part.md\"></section>\
                      <section data-markdown><textarea data-template>\n  ## Two\n  ---\n  ## Three\n  Note: say this\n\
                      </textarea></section>";
        let out = expand(source, &base(), |address| {
            (address.as_str() == "https://lab.edu/deck/part.md").then(|| "# One\n\nwords".to_owned())
        });
        assert!(out.contains("<section><h1>One</h1>"), "{out}");
        assert!(out.contains("<section><h2>Two</h2>") && out.contains("<section><h2>Three</h2>"), "{out}");
        assert!(out.contains("<aside class=\"notes\"><p>Note: say this</p>"), "{out}");
    }

    #[test]
    fn code_in_slides_is_trimmed() {
        let source = "<section><pre><code class=\"language-python\" data-trim>\n    def f(x):\n        pass\n\
                      </code></pre><code class=x> y</code></section>";
        let out = expand(source, &base(), |_| None);
        assert!(
            out.contains("data-trim>def f(x):\n    pass</code>") && out.contains("<code class=x> y"),
            "{out}"
        );
    }
    #[test]
    fn the_slides_of_remark_are_in_a_textarea() {
        let source = "<textarea id=\"source\">class: center\n# One\n\n???\nnotes\n---\n# Two &lt;3\n</textarea>\
                      <script>remark.create()</script>";
        let out = expand(source, &base(), |_| None);
        assert_eq!(out.matches("onreserve-slide").count(), 2, "{out}");
        assert!(out.contains("<h1>Two &lt;3</h1>") && out.contains("onreserve-notes"), "{out}");
    }
}
