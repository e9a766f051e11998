//! Slide decks that need a script: their slides are shown one after another.

use std::fmt::Write as _;

use lol_html::html_content::ContentType;
use lol_html::{RewriteStrSettings, element, rewrite_str};
use pulldown_cmark::{Options, Parser};

use crate::domain::address::Address;

/// The supported slide programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deck {
    Reveal,
    Marp,
    Remark,
    Impress,
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
    } else {
        None
    }
}

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

impl Deck {
    /// Styles that show what the deck hides without its script.
    pub fn style(self) -> &'static str {
        match self {
            Self::Reveal => REVEAL,
            Self::Marp => MARP,
            Self::Remark => REMARK,
            Self::Impress => IMPRESS,
        }
    }
}

const REVEAL: &str = "html,body,.reveal,.reveal .slides{position:static!important;height:auto!important;\
width:auto!important;min-height:0!important;overflow:visible!important;transform:none!important;\
perspective:none!important;inset:auto!important}body{background-color:var(--r-background-color)}\
.reveal{font-size:1.25rem!important;overflow-wrap:anywhere}.reveal .r-hstack{flex-wrap:wrap}\
.reveal pre{width:auto!important}.reveal pre,.reveal video,.reveal iframe,.reveal table{max-width:100%}\
.reveal .slides{max-width:60rem;margin:0 auto!important;zoom:1!important;pointer-events:auto!important}\
.reveal .slides section{position:static!important;display:block!important;visibility:visible!important;\
opacity:1!important;transform:none!important;width:auto!important;height:auto!important;\
min-height:0!important;max-width:100%;box-sizing:border-box;overflow:visible!important;\
pointer-events:auto!important}.reveal .slides>section{margin:0 0 1.5rem!important;padding:1rem!important;\
border:1px solid #8888}.reveal .fragment{opacity:1!important;visibility:visible!important;\
transform:none!important}.reveal aside.notes{display:block!important;font-size:.8em;text-align:left;\
border-left:4px solid #8888;padding-left:1rem}.reveal img{max-width:100%;height:auto}\
.reveal .controls,.reveal .progress,.reveal .backgrounds,.reveal .slide-number{display:none!important}";

const MARP: &str = "html,body{height:auto!important;overflow:visible!important}.marpit,.marpit>svg,\
svg[data-marpit-svg]{position:static!important;display:block!important;visibility:visible!important;\
opacity:1!important;transform:none!important;content-visibility:visible!important}\
svg[data-marpit-svg]{width:100%!important;max-width:60rem;height:auto!important;margin:0 auto 1rem!important}\
[data-marpit-fragment]{visibility:visible!important;opacity:1!important}.bespoke-marp-note{display:block!important;\
position:static!important;max-width:60rem;margin:0 auto 1.5rem!important}\
.bespoke-marp-osc,.bespoke-progress-parent{display:none!important}";

const REMARK: &str = "html,body{height:auto!important;overflow:visible!important}.onreserve-slide{display:block;\
max-width:60rem;margin:0 auto 1.5rem;padding:1rem 2rem;border:1px solid #8888;box-sizing:border-box}\
.onreserve-slide img{max-width:100%;height:auto}.onreserve-notes{border-left:4px solid #8888;\
padding-left:1rem;font-size:.8em}";

const IMPRESS: &str = "html,body{height:auto!important;overflow:visible!important}#impress,#impress>div{\
position:static!important;transform:none!important;perspective:none!important}.step{position:static!important;\
transform:none!important;display:block!important;visibility:visible!important;opacity:1!important;\
width:auto!important;height:auto!important;max-width:60rem;margin:0 auto 1.5rem!important}\
.fallback-message,.hint{display:none!important}";

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
    let source = within(&source, "<script type=\"text/template\">", "</script>", |text| slides(text, None));
    let source = within(&source, "<textarea data-template>", "</textarea>", |text| slides(text, None));
    if of(&source) != Some(Deck::Remark) {
        return source;
    }
    let open =
        source.find("<textarea").and_then(|at| source[at..].find('>').map(|end| &source[at..=at + end]));
    match open {
        Some(open) => within(&source, open, "</textarea>", remark),
        None => source,
    }
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

/// The slides of remark: `---` between slides, `--` between steps of one, `???` before notes.
fn remark(markdown: &str) -> String {
    let meant = markdown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let mut out = String::new();
    for slide in parts(&outdented(&meant), "---") {
        let (shown, notes) = slide.split_once("\n???").unwrap_or((&slide, ""));
        let is_property = |line: &&str| {
            let known =
                ["class:", "name:", "layout:", "template:", "count:", "background-image:", "background-"];
            known.iter().any(|name| line.starts_with(name)) || line.trim() == "--"
        };
        let shown: Vec<&str> = shown.lines().filter(|line| !is_property(line)).collect();
        let shown = html(&shown.join("\n"));
        if shown.trim().is_empty() {
            continue;
        }
        let notes = if notes.trim().is_empty() {
            String::new()
        } else {
            format!("<aside class=\"onreserve-notes\">{}</aside>", html(notes))
        };
        let _ = write!(out, "<section class=\"onreserve-slide\">{shown}{notes}</section>");
    }
    out
}

fn parts(markdown: &str, separator: &str) -> Vec<String> {
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
fn outdented(text: &str) -> String {
    let blanks = |line: &&str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let common =
        text.lines().filter(|line| !line.trim().is_empty()).map(|line| blanks(&line)).min().unwrap_or(0);
    let cut = |line: &str| line.get(common.min(line.len())..).unwrap_or(line).to_owned();
    text.lines().map(cut).collect::<Vec<_>>().join("\n")
}

fn html(markdown: &str) -> String {
    let mut out = String::new();
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES;
    pulldown_cmark::html::push_html(&mut out, Parser::new_ext(markdown, options));
    out
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
    fn the_slides_of_remark_are_in_a_textarea() {
        let source = "<textarea id=\"source\">class: center\n# One\n\n???\nnotes\n---\n# Two &lt;3\n</textarea>\
                      <script>remark.create()</script>";
        let out = expand(source, &base(), |_| None);
        assert_eq!(out.matches("onreserve-slide").count(), 2, "{out}");
        assert!(out.contains("<h1>Two &lt;3</h1>") && out.contains("onreserve-notes"), "{out}");
    }
}
