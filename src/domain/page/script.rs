//! The effects of a page's scripts, as far as their source shows them: they make links,
//! and create places in the page.

use std::collections::HashSet;

use scraper::ElementRef;

use super::text;

/// The most characters of scripts that are read.
const CHARS_AT_MOST: usize = 1 << 20;
/// A longer text in a script is no name.
const NAME_BYTES: usize = 300;
/// A page with more links was not made by its scripts.
const LINKS_OF_A_SHELL: usize = 3;
/// Elements into which applications draw a whole page.
const ROOTS: &[&str] = &["root", "app", "__next", "__nuxt", "___gatsby", "svelte", "main-app"];

/// The scripts of a page.
#[derive(Clone, Debug, Default)]
pub(super) struct Scripts {
    text: String,
    has_external: bool,
    /// There is an empty root element for an application.
    has_shell: bool,
}

impl Scripts {
    /// Takes note of an element of the page.
    pub(super) fn element(&mut self, element: ElementRef, name: &str) {
        let attribute = |name: &str| text::attribute(element.value(), name);
        match name {
            "script" => {
                self.has_external |= attribute("src").is_some();
                let media = attribute("type").unwrap_or_default();
                if !media.contains("json") && self.text.len() < CHARS_AT_MOST {
                    self.text.extend(element.text());
                    self.text.push('\n');
                }
            }
            "div" if attribute("id").is_some_and(|id| ROOTS.contains(&id)) => {
                let is_empty = !element.text().any(|text| !text.trim().is_empty());
                self.has_shell |= is_empty;
            }
            _ => {}
        }
    }

    /// Whether the scripts make links that the page source lacks.
    pub(super) fn make_links(&self, links: usize) -> bool {
        const MAKING: &[&str] = &[
            "<a href",
            "<a class",
            "<a target",
            "<a ${",
            "createElement('a')",
            "createElement(\"a\")",
            "$('<a",
            "$(\"<a",
        ];
        let writes = || {
            [".innerHTML", "insertAdjacentHTML", "document.write", ".append", ".html(", "render("]
                .iter()
                .any(|way| self.text.contains(way))
        };
        let is_made = MAKING.iter().any(|sign| self.text.contains(sign)) && writes();
        is_made || (self.has_shell && self.has_external && links < LINKS_OF_A_SHELL)
    }

    /// The texts between quotation marks, one of which may name a place that a script creates.
    pub(super) fn quoted(&self) -> HashSet<&str> {
        let between = |quote: char| {
            let last = self.text.matches(quote).count();
            // What is before the first and behind the last has only one mark.
            self.text.split(quote).enumerate().filter(move |(at, _)| (1..last).contains(at))
        };
        let texts = ['\'', '"', '`'].into_iter().flat_map(between).map(|(_, text)| text);
        texts
            .filter(|text| text.len() <= NAME_BYTES)
            .map(|text| text.strip_prefix('#').unwrap_or(text))
            .collect()
    }

    pub(super) fn is_any(&self) -> bool {
        self.has_external || !self.text.trim().is_empty()
    }
}
