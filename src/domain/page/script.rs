//! The effects of a page's scripts, as far as their source shows them: they make links,
//! and create places in the page.

use scraper::{ElementRef, Html};

/// The most characters of scripts that are read.
const CHARS_AT_MOST: usize = 1 << 20;
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
    pub(super) fn of(html: &Html) -> Self {
        let mut scripts = Self::default();
        for element in html.tree.root().descendants().filter_map(ElementRef::wrap) {
            let attribute = |name: &str| element.value().attr(name);
            match element.value().name() {
                "script" => {
                    scripts.has_external |= attribute("src").is_some();
                    let media = attribute("type").unwrap_or_default();
                    if !media.contains("json") && scripts.text.len() < CHARS_AT_MOST {
                        scripts.text.extend(element.text());
                        scripts.text.push('\n');
                    }
                }
                "div" if attribute("id").is_some_and(|id| ROOTS.contains(&id)) => {
                    let is_empty = !element.text().any(|text| !text.trim().is_empty());
                    scripts.has_shell |= is_empty;
                }
                _ => {}
            }
        }
        scripts
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

    /// Whether a script contains the name of a place, so that it may create it.
    pub(super) fn name(&self, anchor: &str) -> bool {
        ['\'', '"', '`'].iter().any(|quote| {
            self.text.contains(&format!("{quote}{anchor}{quote}"))
                || self.text.contains(&format!("{quote}#{anchor}{quote}"))
        })
    }

    pub(super) fn is_any(&self) -> bool {
        self.has_external || !self.text.trim().is_empty()
    }
}
