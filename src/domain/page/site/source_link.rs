//! Relative links between the sources of a site. Generators replace the path of a source
//! by the address of the page that they make of it.

use serde_json::Value;

use super::address::{joined, parted, without_ending};
use super::{Generator, Site};

/// The endings of sources of pages.
const SOURCES: &[&str] = &["md", "mdx", "markdown", "qmd", "rmd", "ipynb", "rst"];

impl Site {
    /// The reference that the published page has for a reference to a file of the site.
    /// `None` if the generator leaves it as it is, or if it is not known.
    pub(in crate::domain::page) fn published_link(&self, written: &str, host: &str) -> Option<String> {
        if self.generator == Generator::Jekyll && !self.has_relative_links(host) {
            return None;
        }
        let end = written.find(['#', '?']).unwrap_or(written.len());
        let (path, behind) = written.split_at(end);
        if path.is_empty() || path.starts_with('/') || path.contains(':') {
            return None;
        }
        let (directory, _) = parted(&self.page);
        let name = joined(directory, path).filter(|name| self.heads.contains_key(name))?;
        let own = self.published_path(&self.page)?;
        let up = "../".repeat(own.matches('/').count());
        let target = self.published_path(&name)?;
        let reference = format!("{up}{target}");
        Some(if reference.is_empty() { format!("./{behind}") } else { reference + behind })
    }

    /// Jekyll replaces such links by a plugin, which GitHub Pages has by default.
    fn has_relative_links(&self, host: &str) -> bool {
        let plugins =
            ["plugins", "gems"].iter().filter_map(|name| self.config.get(name)?.as_array()).flatten();
        let is_named = plugins
            .filter_map(Value::as_str)
            .any(|name| matches!(name, "jekyll-relative-links" | "github-pages"));
        is_named || host.ends_with(".github.io")
    }

    /// The path of what is published of a file, from the top of the site.
    fn published_path(&self, name: &str) -> Option<String> {
        let (directory, stem) = parted(name);
        let is_source = name
            .rsplit_once('.')
            .is_some_and(|(_, ending)| SOURCES.contains(&ending.to_ascii_lowercase().as_str()));
        match self.generator {
            Generator::MkDocs => {
                let docs = self.setting(&["docs_dir"]).unwrap_or_else(|| "docs".to_owned());
                let inner = name.strip_prefix(docs.trim_matches('/'))?.strip_prefix('/')?;
                let (directory, stem) = parted(inner);
                let is_plain = self.config.get("use_directory_urls") == Some(&Value::Bool(false));
                Some(match stem {
                    _ if !is_source => inner.to_owned(),
                    "index" | "README" if is_plain => format!("{directory}index.html"),
                    "index" | "README" => directory.to_owned(),
                    stem if is_plain => format!("{directory}{stem}.html"),
                    stem => format!("{directory}{stem}/"),
                })
            }
            Generator::Quarto | Generator::Sphinx if is_source => Some(format!("{directory}{stem}.html")),
            Generator::Jekyll if is_source => {
                self.linked(name).map(|path| path.trim_start_matches('/').to_owned())
            }
            Generator::Docusaurus if is_source => self.docusaurus_path(name),
            // Files that are no pages stay as they are, and Hugo has shortcodes for references.
            Generator::Quarto
            | Generator::Sphinx
            | Generator::Jekyll
            | Generator::Docusaurus
            | Generator::Hugo => None,
        }
    }

    /// Numbers that order files are no part of an address; a head may give another slug.
    fn docusaurus_path(&self, name: &str) -> Option<String> {
        let name = name.strip_prefix("docs/")?;
        let (directory, stem) = parted(name);
        let directory: String = directory.split_inclusive('/').map(without_order).collect();
        let head = self.heads.get(&format!("docs/{name}")).and_then(Option::as_ref);
        let slug = head.and_then(|head| head.get("slug")).and_then(Value::as_str);
        if let Some(slug) = slug {
            return Some(match slug.strip_prefix('/') {
                Some(absolute) => absolute.to_owned(),
                None => format!("{directory}{slug}"),
            });
        }
        let folder = directory.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let stem = without_order(stem);
        let is_index = matches!(stem, "index" | "README") || (stem == folder && !folder.is_empty());
        Some(if is_index { directory } else { format!("{directory}{stem}") })
    }
}

/// "01-intro" is published as "intro".
fn without_order(name: &str) -> &str {
    let rest = name.trim_start_matches(|c: char| c.is_ascii_digit());
    match rest.strip_prefix(['-', '_', '.']) {
        Some(rest) if rest.len() + 1 < name.len() && !without_ending(rest).is_empty() => rest,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::page::SiteFiles;

    fn site(page: &str, files: &[(&str, &str)]) -> Site {
        let files = files.iter().map(|(name, text)| ((*name).to_owned(), Some((*text).to_owned())));
        Site::of(&SiteFiles { page: page.to_owned(), files: files.collect() }).unwrap()
    }

    impl Site {
        fn of_link(&self, written: &str) -> Option<String> {
            self.published_link(written, "school.example")
        }
    }

    #[test]
    fn links_between_sources_lead_to_the_pages_made_of_them() {
        let files = [
            ("mkdocs.yml", "site_name: A\n"),
            ("docs/a.md", ""),
            ("docs/b/index.md", ""),
            ("docs/x.pdf", ""),
        ];
        let mkdocs = site("docs/a.md", &files);
        assert_eq!(mkdocs.of_link("b/index.md#c").as_deref(), Some("../b/#c"));
        assert_eq!(mkdocs.of_link("x.pdf").as_deref(), Some("../x.pdf"));
        assert_eq!(mkdocs.of_link("gone.md"), None);
        assert_eq!(mkdocs.of_link("https://a.example/a.md"), None);
        assert_eq!(site("docs/b/index.md", &files).of_link("../a.md").as_deref(), Some("../a/"));

        let sphinx = site("weeks/a.md", &[("conf.py", "project = 'A'"), ("weeks/a.md", ""), ("b.rst", "")]);
        assert_eq!(sphinx.of_link("../b.rst").as_deref(), Some("../b.html"));

        let files = [
            ("docusaurus.config.js", "module.exports = {}"),
            ("docs/intro.md", "---\nslug: /\n---\n"),
            ("docs/01-basics/02-lists.mdx", ""),
        ];
        assert_eq!(
            site("docs/intro.md", &files).of_link("./01-basics/02-lists.mdx").as_deref(),
            Some("basics/lists")
        );
        assert_eq!(
            site("docs/01-basics/02-lists.mdx", &files).of_link("../intro.md").as_deref(),
            Some("../")
        );

        let jekyll =
            |config: &str| site("a.md", &[("_config.yml", config), ("a.md", ""), ("b.md", "---\n---\n")]);
        assert_eq!(jekyll("title: A").of_link("b.md"), None);
        assert_eq!(jekyll("plugins: [jekyll-relative-links]").of_link("b.md").as_deref(), Some("b.html"));
        assert_eq!(jekyll("title: A").published_link("b.md", "a.github.io").as_deref(), Some("b.html"));
    }
}
